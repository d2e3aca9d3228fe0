//! What is said where nobody can be asked: who is missing, and how to get one.

use std::collections::BTreeMap;

use lab_facts::scenario::Backend;
use lab_instrument::observe::backends::{flag, scrape_config};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use url::Url;

use crate::tui::ui::Ui;
use crate::tui::wrap::wrap;

/// What to say of each, where a run goes on.
fn told(backend: Backend) -> (&'static str, &'static str, &'static str) {
    match backend {
        Backend::Prometheus => {
            ("http://localhost:9090", "LAB_PROMETHEUS_URL", "Get one: prometheus.io/download, or your system's package `prometheus`.")
        }
        Backend::Loki => (
            "http://localhost:3100",
            "LAB_LOKI_URL",
            "Get one: grafana.com/oss/loki, with an agent such as Alloy that brings it what the services write. Without it, the room of log \
             lines (5) and `lab logs` have all lines of this run.",
        ),
        Backend::Tempo => ("http://localhost:3200", "LAB_TEMPO_URL", ""),
    }
}

/// Draws it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, backend: Backend, pages: &BTreeMap<String, Url>, ui: &Ui) {
    let (address, variable, how) = told(backend);
    let (palette, name) = (&ui.palette, backend.name());
    let which = if ui.replay.is_some() { "the one that saw this run" } else { "one" };
    let flag = format!("lab {} {address}   (or {variable})", flag(backend));
    let mut said = vec![(format!("No {name} is named. Name {which}:"), palette.warn), (flag, palette.key)];
    let mut config = String::new();
    if ui.replay.is_none() {
        if area.height > 20 {
            said.push((String::new(), Style::new()));
        }
        said.push((how.to_owned(), Style::new()));
        if backend == Backend::Prometheus && !pages.is_empty() {
            said.push((
                "As prometheus.yml, this makes it scrape this run's services; y copies it, `lab query --scrape-config` prints it:"
                    .to_owned(),
                Style::new(),
            ));
            config = scrape_config(pages);
        }
    }
    let width = usize::from(area.width.saturating_sub(4));
    let wrapped = said.into_iter().flat_map(|(text, style)| wrap(&text, width).into_iter().map(move |line| (line, style)));
    // As it has to be written, so nothing of it is wrapped.
    let lines = wrapped.chain(config.lines().map(|line| (line.to_owned(), palette.key)));
    for (y, (text, style)) in (area.y..area.bottom()).zip(lines) {
        buffer.set_stringn(area.x + 3, y, text, width, style);
    }
}
