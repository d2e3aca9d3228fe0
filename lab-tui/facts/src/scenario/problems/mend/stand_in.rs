//! What stands in for a value that is missing or refused, so that it is not refused again.

use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::Mender;
use super::tree::Container;
use crate::scenario::keys::{Key, METHODS, Shape};
use crate::scenario::problems::place::Step;
use crate::scenario::selector::Selector;
use crate::scenario::threshold::MetricKind;

impl<'t> Mender<'t> {
    pub(super) fn stand_in(&mut self, key: &Key, steps: &[Step]) -> Option<Spanned<DeValue<'t>>> {
        let text = |text: &str| DeValue::String(DeString::from(text.to_owned()));
        let service = self.a_service(steps);
        let value = match (key.name, service) {
            // No two may have the same.
            ("name", _) => text(&format!("stand-in-{}", self.given)),
            ("service", Some(service)) if matches!(key.shape, Shape::Text) => text(&service),
            ("holds", _) => text(promise(&self.metric_beside(steps))),
            ("threshold", _) => text(steps.get(1).map_or("", |step| match step {
                Step::Key(selector) => promise(selector),
                Step::Index(_) => "",
            })),
            // A path, so that the service that it goes to is looked at as well.
            (method, _) if METHODS.contains(&method) && self.goes_to_a_service(steps) => text("/"),
            _ => key.stand_in_value()?,
        };
        Some(self.own(value))
    }

    /// A service that requests can go to and whose log lines are known; one of the scenario's own where it brings any.
    pub(super) fn a_service(&mut self, steps: &[Step]) -> Option<String> {
        let for_a_fault = matches!(steps.first(), Some(Step::Key(key)) if key == "fault");
        let own = match self.container(&[Step::Key("service".to_owned())]) {
            Some(Container::List(own)) if !for_a_fault => own.iter().find_map(|service| {
                let DeValue::Table(service) = service.get_ref() else { return None };
                service.get("url")?;
                Some(service.get("name")?.get_ref().as_str()?.to_owned())
            }),
            _ => None,
        };
        own.or_else(|| self.services.first().map(|service| (*service).to_owned()))
    }

    /// The name of a fault or of a phase.
    pub(super) fn a_stretch(&mut self) -> Option<String> {
        ["fault", "phase"].into_iter().find_map(|key| {
            let Some(Container::List(list)) = self.container(&[Step::Key(key.to_owned())]) else { return None };
            let names = list.iter().filter_map(|one| one.get_ref().as_table()?.get("name")?.get_ref().as_str());
            names.filter(|name| !name.trim().is_empty()).map(str::to_owned).next()
        })
    }

    /// The metric that stands in the same table as a promise.
    pub(super) fn metric_beside(&mut self, steps: &[Step]) -> String {
        let table = match steps.split_last() {
            Some((Step::Key(key), before)) if key == "holds" => before,
            _ => steps,
        };
        match self.container(table) {
            Some(Container::Table(table)) => table.get("metric").and_then(|metric| metric.get_ref().as_str()).unwrap_or("").to_owned(),
            _ => String::new(),
        }
    }

    pub(super) fn goes_to_a_service(&mut self, steps: &[Step]) -> bool {
        matches!(steps.get(..2).and_then(|load| self.container(load)), Some(Container::Table(load)) if load.contains_key("service"))
    }
}

/// A promise that can be made about the metric, kept and broken.
fn promise(selector: &str) -> &'static str {
    match Selector::parse(selector).map(|selector| selector.metric.kind()) {
        Ok(MetricKind::Trend | MetricKind::Gauge) => "max>0",
        Ok(MetricKind::Histogram) => "avg>0",
        _ => "rate>0",
    }
}
