//! A run that was changed by hand, as a scenario that does the same again.
//!
//! The scenario's own text stays as its author wrote it, comments and all: only the values that must differ are replaced in their
//! places, and the faults are added at its end. What no scenario can say is said in a comment.

mod edit;
mod stages;

use std::fmt::Write as _;
use std::time::Duration;

use toml::Value;
use toml::de::DeTable;

use super::executor::{Executor, Iterations};
use super::fault::Fault;
use super::load::Load;
use super::plan::Plan;
use crate::event::{Control, Pace};
use edit::{Edits, Spot};
use stages::{Shape, Steps};

/// Nobody presses a key more exactly than that.
const GRAIN: Duration = Duration::from_millis(100);

/// What was done by hand, all of it in the run's own time.
#[derive(Debug, Clone, Default)]
pub struct Deeds {
    /// Changes of the pace, oldest first.
    pub paces: Vec<(Duration, Control)>,
    /// Faults, each with the times in which it really was there.
    pub faults: Vec<Fault>,
    /// Faults of the plan that were ended before their time: the index, and how long they were there.
    pub cut_short: Vec<(usize, Duration)>,
    /// How far the run has come.
    pub until: Duration,
}

impl Deeds {
    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.paces.is_empty() && self.faults.is_empty() && self.cut_short.is_empty()
    }
}

/// The text of the scenario. `text` is the one that runs, `plan` what was made of it, its times multiplied by `time_scale`.
///
/// # Errors
/// Why there is none, in one sentence.
pub fn with_deeds(name: &str, text: &str, plan: &Plan, time_scale: f64, deeds: &Deeds) -> Result<String, String> {
    let document = DeTable::parse(text).map_err(|error| format!("the scenario's own text is not understood: {}", error.message()))?;
    let document = document.get_ref();
    let times = Times(time_scale);
    let length = length(plan, deeds, times);
    let mut edits = Edits::new(text);
    let mut unsaid = Vec::new();
    if let Some(title) = edit::value(document, "title") {
        edits.replace(title.span(), quoted(&format!("{}, changed by hand", plan.title)));
    }
    for (load, table) in plan.loads.iter().zip(edit::tables(document, "load")) {
        let Some(spot) = Spot::of(text, table) else { continue };
        if !change_load(load, plan.keep_going, &spot, &mut edits, &Change { deeds, times, length }) {
            unsaid.push(format!("that `{}` was paused for as long as it was there", load.name));
        }
        if matches!(load.executor, Executor::Users(_)) && deeds.paces.iter().any(|(_, pace)| *pace == Control::Paused) {
            unsaid.push(format!("the pause of `{}`: its users cannot be told to wait", load.name));
        }
    }
    for (index, lasted) in &deeds.cut_short {
        if let Some(spot) = edit::tables(document, "fault").nth(*index).and_then(|table| Spot::of(text, table)) {
            spot.set("duration", &time(times.to_file(*lasted).max(GRAIN)), &mut edits);
        }
    }
    let faults: Vec<Fault> = deeds.faults.iter().map(|fault| times.fault(fault, length)).collect();
    let is_in_list = edits.add_to_list(edit::value(document, "fault"), faults.iter().map(inline));
    let mut saved = head(name, time_scale, deeds, &unsaid);
    saved.push_str(edits.done().trim_start());
    if !is_in_list {
        for fault in &faults {
            let ended = if saved.ends_with('\n') { "" } else { "\n" };
            let _ = write!(saved, "{ended}\n# Begun by hand.\n[[fault]]\n{}\n", words(fault).join("\n"));
        }
    }
    Ok(saved)
}

fn rounded(moment: Duration) -> Duration {
    let grains = (moment + GRAIN / 2).as_millis() / GRAIN.as_millis();
    GRAIN * u32::try_from(grains).unwrap_or(u32::MAX)
}

/// `10.4 s`, as a comment says it.
fn seconds(moment: Duration) -> String {
    format!("{:.1} s", rounded(moment).as_secs_f64())
}

/// The run's time line in the file's own words.
#[derive(Debug, Clone, Copy)]
struct Times(f64);

impl Times {
    /// In whole grains of the run, so that what did not overlap does not come to.
    fn to_file(self, moment: Duration) -> Duration {
        self.exactly(rounded(moment))
    }

    /// The same of what is exact already.
    fn exactly(self, duration: Duration) -> Duration {
        if self.0 == 1.0 {
            return duration;
        }
        Duration::try_from_secs_f64((duration.as_secs_f64() / self.0 * 1000.0).round() / 1000.0).unwrap_or_default()
    }

    /// Begins before the load is over, and lasts.
    fn fault(self, fault: &Fault, length: Duration) -> Fault {
        let (at, end) = (self.to_file(fault.at).min(length.saturating_sub(GRAIN)), self.to_file(fault.end()));
        Fault { at, duration: end.saturating_sub(at).max(GRAIN), ..fault.clone() }
    }
}

/// What changes a load.
struct Change<'d> {
    deeds: &'d Deeds,
    times: Times,
    /// How long the scenario is to last.
    length: Duration,
}

/// As long as its author wanted it; where it goes on for as long as somebody looks, until the last thing was done.
fn length(plan: &Plan, deeds: &Deeds, times: Times) -> Duration {
    let planned = times.exactly(plan.duration());
    if !plan.keep_going {
        return planned;
    }
    let until = times.to_file(deeds.until);
    planned.max(Duration::from_secs(until.as_secs() + 1))
}

/// Whether the format can say it.
fn change_load(load: &Load, keeps_going: bool, spot: &Spot<'_>, edits: &mut Edits<'_>, change: &Change<'_>) -> bool {
    let Change { deeds, times, length } = change;
    let start = times.exactly(load.start);
    match &load.executor {
        Executor::Arrivals(arrivals) => {
            let unit = spot.duration("time_unit").unwrap_or(Duration::from_secs(1)).as_secs_f64();
            let stages = arrivals.stages.iter().map(|stage| (stage.target * unit, times.exactly(stage.duration)));
            let planned = Shape { start: arrivals.start_rate * unit, stages: stages.collect() };
            let longer = if keeps_going { planned.held_until(length.saturating_sub(start)) } else { planned.clone() };
            let paced = longer.paced(&steps(deeds, *times), start);
            if paced == planned.paced(&Steps::default(), start) {
                return true;
            }
            if paced.is_nothing() {
                return false;
            }
            // Only its length differs.
            if let Some(duration) =
                paced.constant().filter(|_| spot.word("executor") == Some("constant-arrival-rate") && paced.start == planned.start)
            {
                spot.set("duration", &time(duration), edits);
                return true;
            }
            spot.set("executor", &quoted("ramping-arrival-rate"), edits);
            spot.rename("rate", "start_rate", &number(paced.start), edits);
            spot.rename("duration", "stages", &paced.list(), edits);
            // Left out, it would follow the highest rate.
            spot.add("max_vus", &arrivals.max_vus.to_string(), edits);
        }
        Executor::Users(users) if keeps_going && users.iterations == Iterations::Unlimited => {
            #[expect(clippy::cast_precision_loss, reason = "100,000 users at most")]
            let level = |users: usize| users as f64;
            let stages = users.stages.iter().map(|stage| (level(stage.target), times.exactly(stage.duration)));
            let planned = Shape { start: level(users.start), stages: stages.collect() };
            let longer = planned.held_until(length.saturating_sub(start));
            match longer.constant() {
                _ if longer == planned => {}
                Some(duration) if spot.word("executor") == Some("constant-vus") => spot.set("duration", &time(duration), edits),
                _ => spot.set("stages", &longer.list(), edits),
            }
        }
        Executor::Users(_) => {}
    }
    true
}

/// By how much rates are multiplied, from each moment on.
fn steps(deeds: &Deeds, times: Times) -> Steps {
    let mut pace = Pace::default();
    let step = |(at, control): &(Duration, Control)| {
        pace.apply(*control);
        (times.to_file(*at), pace.effective())
    };
    Steps(deeds.paces.iter().map(step).collect())
}

/// What the file is, for whoever opens it.
fn head(name: &str, time_scale: f64, deeds: &Deeds, unsaid: &[String]) -> String {
    let mut lines = vec![format!("The scenario `{name}` with what was done by hand while it ran:")];
    let mut done: Vec<(Duration, String)> = deeds.paces.iter().map(|(at, control)| (*at, control.to_string())).collect();
    done.extend(deeds.faults.iter().map(|fault| (fault.at, format!("{} until {}: {fault}", fault.name, seconds(fault.end())))));
    done.sort_by_key(|(at, _)| *at);
    lines.extend(done.into_iter().map(|(at, what)| format!("  {:>8}  {what}", seconds(at))));
    if !deeds.cut_short.is_empty() {
        lines.push("Faults of the scenario that were ended by hand last here for as long as they did.".to_owned());
    }
    if !deeds.paces.is_empty() {
        lines.push("Rates that were changed, and pauses, are stages of the loads.".to_owned());
    }
    lines.extend(unsaid.iter().map(|what| format!("No scenario can say {what}.")));
    if time_scale != 1.0 {
        lines.push(format!("It ran with --time-scale {time_scale}, and does the same with it again."));
    }
    lines.into_iter().fold(String::new(), |head, line| head + "# " + line.trim_end() + "\n")
}

/// A fault's keys, each as a line of a file.
fn words(fault: &Fault) -> Vec<String> {
    let own = fault.kind.keys().into_iter().map(|(key, value)| (key, written(&value)));
    let (name, kind) = (("name", quoted(&fault.name)), ("kind", quoted(fault.kind.name())));
    let when = [("at", time(fault.at)), ("duration", time(fault.duration))];
    [name, kind].into_iter().chain(own).chain(when).map(|(key, value)| format!("{key} = {value}")).collect()
}

fn inline(fault: &Fault) -> String {
    format!("{{ {} }}", words(fault).join(", "))
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Float(share) => share.to_string(),
        other => other.as_integer().map_or_else(|| "false".to_owned(), |whole| whole.to_string()),
    }
}

/// A basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

fn time(duration: Duration) -> String {
    quoted(&humantime::format_duration(duration).to_string())
}

/// As a person would write it: the millionths come of binary fractions.
fn number(number: f64) -> String {
    ((number * 1e6).round() / 1e6).to_string()
}

#[cfg(test)]
mod tests;
