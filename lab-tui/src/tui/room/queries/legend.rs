//! What the lines of a plot are: their labels, their values at the moment that is read, their highest.

use std::collections::BTreeSet;

use lab_facts::format;
use lab_facts::model::Model;
use lab_instrument::observe::backends::Series;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::answer;
use super::catalog::Entry;
use super::plot::mark;
use crate::tui::plot;
use crate::tui::ui::{Click, Ui};

/// Columns of a value.
const VALUE: usize = 11;
/// How long a value is one of now, in seconds: Prometheus's own measure is five minutes, which no run would notice.
const STALE: f64 = 30.0;

/// Draws a row for each as far as there is room; returns the first in sight.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    series: &[Series],
    entry: &Entry,
    (chosen, first, has_keys): (usize, usize, bool),
    model: &Model,
    ui: &mut Ui,
) -> usize {
    if area.height < 2 {
        return first;
    }
    let palette = ui.palette;
    let read = ui.moment();
    let heading = read.as_ref().map_or_else(|| "now".to_owned(), plot::span);
    let right = |first: &str, second: &str| format!("{first:>VALUE$}  {second:>VALUE$} ");
    put_right(buffer, Rect { height: 1, ..area }, &right(&heading, "highest"), palette.dim);
    let rows = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let height = usize::from(rows.height);
    let first = first.min(chosen).max((chosen + 1).saturating_sub(height)).min(series.len().saturating_sub(height));
    let names = names(series, &entry.title);
    let show = |value: Option<f64>| value.map_or("-".to_owned(), |value| format::in_unit(value, entry.unit));
    #[expect(clippy::cast_precision_loss, reason = "a second of the run")]
    let until = read.map_or(model.now().as_secs_f64() + 1.0, |seconds| seconds.end as f64);
    for (y, place) in (rows.y..rows.bottom()).zip(first..series.len()) {
        let row = Rect { y, height: 1, ..rows };
        let (sign, style) = mark(place, &palette);
        let is_chosen = has_keys && place == chosen;
        buffer.set_string(row.x, y, if is_chosen { "▸" } else { " " }, palette.key);
        buffer.set_string(row.x + 1, y, sign, style);
        let room = usize::from(row.width).saturating_sub(2 * VALUE + 7);
        buffer.set_stringn(row.x + 3, y, &names[place], room, palette.title.remove_modifier(ratatui::style::Modifier::BOLD));
        let highest = Some(series[place].highest()).filter(|highest| highest.is_finite());
        put_right(buffer, row, &right(&show(value(&series[place], until, model)), &show(highest)), Style::new());
        if is_chosen {
            buffer.set_style(row, palette.chosen);
        }
    }
    ui.clicks.push((rows, Click::Rows(first)));
    first
}

fn put_right(buffer: &mut Buffer, area: Rect, text: &str, style: Style) {
    let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX).min(area.width);
    buffer.set_stringn(area.right() - width, area.y, text, usize::from(width), style);
}

/// The last value before a second of the run, where there was one lately.
fn value(series: &Series, until: f64, model: &Model) -> Option<f64> {
    let began = model.began_unix_nano()?;
    let of = |(at, value): &(u64, f64)| Some((answer::second(*at, began)?, *value));
    let (second, value) = series.points.iter().filter_map(of).rfind(|(second, value)| *second <= until && !value.is_nan())?;
    (until - second <= STALE).then_some(value)
}

/// What tells each of them from the others; of one alone, all that it says; else what the query is called.
pub(super) fn names(series: &[Series], title: &str) -> Vec<String> {
    let keys: BTreeSet<&String> = series.iter().flat_map(|one| one.labels.keys()).collect();
    let differs = |key: &&&String| series.iter().any(|one| one.labels.get(**key) != series[0].labels.get(**key));
    let telling: Vec<&String> = keys.iter().filter(|key| series.len() == 1 || differs(key)).copied().collect();
    let name = |one: &Series| {
        let named = telling.iter().filter_map(|key| Some(format!("{key}={}", one.labels.get(*key).filter(|value| !value.is_empty())?)));
        let named: Vec<String> = named.collect();
        if named.is_empty() { title.to_owned() } else { named.join("  ") }
    };
    series.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_differs() {
        let one = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            Series { labels, points: Vec::new() }
        };
        let two = [one(&[("job", "a"), ("instance", "x"), ("kind", "get")]), one(&[("job", "a"), ("instance", "x"), ("kind", "list")])];
        assert_eq!(names(&two, "t"), ["kind=get", "kind=list"]);
        assert_eq!(names(&two[..1], "t"), ["instance=x  job=a  kind=get"]);
        assert_eq!((names(&[one(&[])], "t"), names(&[], "t")), (vec!["t".to_owned()], Vec::<String>::new()));
    }
}
