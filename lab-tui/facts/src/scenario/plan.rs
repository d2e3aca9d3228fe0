//! What a run will do, with nothing left to refuse.

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::executor::Executor;
use super::expect::{self, Expectation};
use super::fault::{self, Fault};
use super::file::{Promise, PromiseTable, ScenarioFile};
use super::intended::Word;
use super::keys::SCENARIO;
use super::load::{self, Load};
use super::phase::{self, Phase};
use super::problems;
use super::refusal::{Refusals, Wrong};
use super::scope::Scope;
use super::selector::Selector;
use super::service::{self, Service};
use super::stack::{self, Given, Ground, StackKind};
use super::tables;
use super::threshold::Threshold;

const FORMAT: i64 = 1;
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// A scenario that has been understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One line.
    pub title: String,
    /// What it shows; may be empty.
    pub about: String,
    /// Fixes every draw of the lab: which request, which value of a variable.
    pub seed: u32,
    /// On a screen, the traffic goes on after its end until the viewer leaves.
    pub keep_going: bool,
    /// Where its system runs.
    pub stack: StackKind,
    /// The programs that it brings along, in the order in which they start.
    pub services: Vec<Service>,
    /// What its author means it to reach.
    pub intended: Word,
    /// At least one.
    pub loads: Vec<Load>,
    /// In the file's order.
    pub faults: Vec<Fault>,
    /// Named stretches of the time line, in the file's order.
    pub phases: Vec<Phase>,
    /// The promises, in the file's order of selectors.
    pub thresholds: Vec<Threshold>,
    /// What the telemetry must say, in the file's order.
    pub expectations: Vec<Expectation>,
}

impl Plan {
    /// Reads a scenario. `services` are the names that the stack knows.
    ///
    /// # Errors
    /// All that is wrong, each with its line and column in `origin`.
    pub fn parse(text: &str, origin: &str, services: &[&str]) -> Result<Self, Refusals> {
        Self::parse_given(text, origin, &Given { services, ..Given::default() })
    }

    /// The same with what the user said beside the file, for a scenario that may name other files.
    ///
    /// # Errors
    /// As above; also when a file that the scenario names cannot be had.
    pub fn parse_given(text: &str, origin: &str, given: &Given<'_>) -> Result<Self, Refusals> {
        let refused = |wrongs: Vec<Wrong>| Refusals(wrongs.into_iter().map(|wrong| wrong.at(origin, text)).collect());
        let attached: Vec<&str> = given.attached.unwrap_or_default().iter().map(String::as_str).collect();
        let services = if attached.is_empty() { given.services } else { &attached };
        problems::read_all(text, services, |document| plan(document, text, given)).map_err(refused)
    }

    /// The same scenario with all that lies on the run's time line multiplied by `factor`, for a quick look or for CI. What a single
    /// request meets (a timeout, an added latency) stays as it is.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for load in &mut self.loads {
            load.start = load.start.mul_f64(factor);
            load.executor.scale(factor);
        }
        for fault in &mut self.faults {
            (fault.at, fault.duration) = (fault.at.mul_f64(factor), stretched(fault.duration, factor));
        }
        for phase in &mut self.phases {
            (phase.at, phase.duration) = (phase.at.mul_f64(factor), stretched(phase.duration, factor));
        }
        for delay in self.thresholds.iter_mut().filter_map(|threshold| threshold.abort_after.as_mut()) {
            *delay = delay.mul_f64(factor);
        }
        for scope in self.thresholds.iter_mut().filter_map(|threshold| threshold.scope.as_mut()) {
            scope.settle = scope.settle.mul_f64(factor);
        }
        for scope in self.expectations.iter_mut().filter_map(Expectation::scope_mut) {
            scope.settle = scope.settle.mul_f64(factor);
        }
        self
    }

    /// For a screen: the same scenario, with traffic that goes on if it is meant to.
    #[must_use]
    pub fn for_screen(mut self) -> Self {
        if self.keep_going {
            self.loads.iter_mut().for_each(|load| load.executor.keep_going());
        }
        self
    }

    /// Whether any load has a rate, which could be multiplied.
    pub fn has_rates(&self) -> bool {
        self.loads.iter().any(|load| matches!(load.executor, Executor::Arrivals(_)))
    }

    /// Whether it may be over before its duration is, because so much has been done by then.
    pub fn may_end_early(&self) -> bool {
        self.loads.iter().filter(|load| load.end() == self.duration()).all(|load| load.executor.ends_early())
    }

    /// Everything that is promised of a metric: the thresholds, and the expectations that are one.
    pub fn promises(&self) -> impl Iterator<Item = &Threshold> {
        self.thresholds.iter().chain(self.expectations.iter().filter_map(Expectation::threshold))
    }

    /// When the last request may begin.
    pub fn duration(&self) -> Duration {
        self.loads.iter().map(Load::end).max().unwrap_or_default()
    }
}

/// Stops at the first thing that is wrong.
fn plan(mut document: Spanned<DeTable<'_>>, text: &str, given: &Given<'_>) -> Result<Plan, Wrong> {
    check_lines(document.get_ref())?;
    tables::check_keys(document.get_ref(), |name| SCENARIO.key(name).map(|key| key.shape))?;
    let faults = document.get_mut().remove("fault");
    let file = ScenarioFile::deserialize(Deserializer::from(document))?;
    let intended = Word::read(file.intended_verdict.as_ref())?;
    if file.load.is_empty() {
        let hint = "add a [[load]] table".to_owned();
        return Err(Wrong { span: None, what: "the scenario has no load".to_owned(), hint: Some(hint) });
    }
    let stack = stack::choose(given, file.stack.as_ref())?;
    let services = service::read_all(file.service, given.beside, &stack::of_the_stack(stack, given), stack::are_all_known(stack, given))?;
    let presumed: Vec<String> = file.load.iter().filter_map(|load| Some(load.get_ref().service.as_ref()?.get_ref().clone())).collect();
    let ground = Ground::new(stack, given, &services, &presumed);
    let nowhere = |path: &str| Err(format!("`{path}` cannot be read: this scenario lies in no folder"));
    let files = given.files.unwrap_or(&nowhere);
    let (mut loads, mut unused): (Vec<Load>, _) = (Vec::new(), None);
    for table in file.load {
        let name_span = table.get_ref().name.span();
        let vars: Vec<_> = table.get_ref().vars.iter().map(|(name, value)| (name.clone(), value.span())).collect();
        ground.check_load(table.get_ref())?;
        let load = load::read(table, &ground.reachable(), files)?;
        if loads.iter().any(|other| other.name == load.name) {
            return Err(Wrong::new(name_span, format!("a second load is named `{}`", load.name), "give each its own name"));
        }
        unused = unused.or_else(|| load::unused(&load, &vars));
        loads.push(load);
    }
    let longest = loads.iter().map(Load::end).max().unwrap_or_default();
    faults.as_ref().map_or(Ok(()), |faults| ground.check_faults(faults))?;
    let faults = faults.map_or(Ok(Vec::new()), |faults| fault::read_all(faults, ground.of_the_lab(), longest))?;
    let phases = phase::read_all(file.phase, &faults, longest)?;
    let named = ground.named();
    let (with_lines, with_metrics) = (ground.with_lines(&named), ground.with_metrics(&named));
    let mut thresholds = Vec::new();
    let mut promises: Vec<_> = file.thresholds.iter().collect();
    promises.sort_by_key(|(key, _)| key.span().start);
    for (key, expressions) in promises {
        let selector = Selector::parse(key.get_ref()).map_err(|misread| misread.at(key.span(), text))?;
        selector.check_names(&loads, with_metrics).map_err(|misread| misread.at(key.span(), text))?;
        if expressions.get_ref().is_empty() {
            let what = format!("nothing is promised of `{}`", selector.source);
            return Err(Wrong::new(expressions.span(), what, "write a promise such as \"p(95)<50\", or leave it out"));
        }
        for promise in expressions.get_ref() {
            let span = promise.span();
            let (span, expression, table) = match promise.get_ref() {
                Promise::Plain(expression) => (span, expression, None),
                Promise::Table(table) => (table.threshold.span(), table.threshold.get_ref(), Some(table)),
            };
            let threshold = Threshold::parse(&selector, expression).map_err(|(what, hint)| Wrong::new(span, what, hint))?;
            let scope = table.map_or(Ok(None), |table| scope(table, &selector, &faults, &phases))?;
            let abort_after = table.map_or(Ok(None), |table| abort_after(table, &selector))?;
            thresholds.push(Threshold { scope, abort_after, ..threshold });
        }
    }
    let known = expect::Known { text, services: with_lines, with_metrics, loads: &loads, faults: &faults, phases: &phases };
    let expectations = expect::read_all(file.expect, known)?;
    // Last, for what is wrong elsewhere may be why.
    unused.map_or(Ok(()), Err)?;
    let ScenarioFile { title, about, seed, keep_going, .. } = file;
    Ok(Plan { title, about, seed, keep_going, intended, stack, services, loads, faults, phases, thresholds, expectations })
}

/// The duration times the factor. What lasts does not come to last no time at all.
pub(super) fn stretched(duration: Duration, factor: f64) -> Duration {
    duration.mul_f64(factor).max(duration.min(Duration::from_nanos(1)))
}

/// Whether the file is of another version than this one, of which nothing else can be said then.
pub(super) fn unknown_format(document: &DeTable<'_>) -> Option<Wrong> {
    let given = document.get("format")?;
    let number = given.get_ref().as_integer().filter(|number| i64::from_str_radix(number.as_str(), number.radix()) != Ok(FORMAT))?;
    Some(Wrong::new(given.span(), format!("format {number} is not known to this version"), format!("write `format = {FORMAT}`")))
}

fn scope(table: &PromiseTable, selector: &Selector, faults: &[Fault], phases: &[Phase]) -> Result<Option<Scope>, Wrong> {
    let scope = table.scope().read(faults, phases)?;
    if let Some(scope) = scope.as_ref().filter(|_| selector.metric.is_of_the_whole_run()) {
        let key = scope.relation.key();
        let what = format!("{} is counted over the whole run, so nothing can be {key} of it", selector.source);
        return Err(Wrong::new(table.threshold.span(), what, format!("leave `{key}` out")));
    }
    Ok(scope)
}

fn abort_after(table: &PromiseTable, selector: &Selector) -> Result<Option<Duration>, Wrong> {
    let delay = table.delay_abort_eval.as_ref();
    match table.abort_on_fail.as_ref().filter(|aborts| *aborts.get_ref()) {
        Some(aborts) if selector.metric.is_of_the_whole_run() => {
            let what = format!("{} is known at the end only, so it cannot end a run", selector.source);
            Err(Wrong::new(aborts.span(), what, "leave `abort_on_fail` out"))
        }
        Some(_) => delay.map_or(Ok(Duration::ZERO), fault::moment).map(Some),
        None => match delay {
            Some(delay) => {
                Err(Wrong::new(delay.span(), "`delay_abort_eval` delays nothing here", "add `abort_on_fail = true`, or leave it out"))
            }
            None => Ok(None),
        },
    }
}

/// Title and names stand in lines of reports and of a CI's log, where a line may be a command.
fn check_lines(document: &DeTable<'_>) -> Result<(), Wrong> {
    fn check(table: &DeTable<'_>, key: &str) -> Result<(), Wrong> {
        match table.get(key) {
            Some(text) if text.get_ref().as_str().is_some_and(|text| text.contains(char::is_control)) => {
                Err(Wrong::new(text.span(), format!("the {key} has a line break or another control character"), "write one line of text"))
            }
            _ => Ok(()),
        }
    }
    fn each<'t>(table: &'t DeTable<'_>, key: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
        table.get(key).and_then(|tables| tables.get_ref().as_array()).into_iter().flatten().filter_map(|table| table.get_ref().as_table())
    }
    check(document, "title")?;
    for table in ["load", "fault", "phase", "expect", "service"].iter().flat_map(|key| each(document, key)) {
        check(table, "name")?;
        each(table, "request").try_for_each(|request| check(request, "name"))?;
    }
    Ok(())
}

pub(super) fn required<T>(value: Option<T>, span: &Range<usize>, key: &str, example: &str) -> Result<T, Wrong> {
    value.ok_or_else(|| Wrong::new(span.clone(), format!("the key `{key}` is missing here"), format!("add `{key} = {example}`")))
}

pub(super) fn optional_duration(text: Option<&Spanned<String>>) -> Result<Option<Duration>, Wrong> {
    text.map(parse_duration).transpose()
}

pub(super) fn parse_duration(text: &Spanned<String>) -> Result<Duration, Wrong> {
    let refused = |what: String| Wrong::new(text.span(), what, "write a time such as \"500ms\", \"30s\" or \"1m30s\"");
    let duration = humantime::parse_duration(text.get_ref()).map_err(|_| refused(format!("`{}` is no time", text.get_ref())))?;
    if duration.is_zero() || duration > LONGEST {
        return Err(refused(format!("`{}` is out of range (above 0, up to 7 days)", text.get_ref())));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests;
