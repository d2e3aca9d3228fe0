//! Which part of a run a promise is about: outside of a fault, during it, before it, after it; the same with phases.
//!
//! In the file it is one of four keys, with the name of a fault or of a phase or a list of names, and a `settle` beside it. Whatever
//! table has these keys hands them over as [`ScopeKeys`].

use std::time::Duration;

use toml::Spanned;

use super::fault::{Fault, moment};
use super::file::{Name, Names};
use super::phase::Phase;
use super::plan::Plan;
use super::refusal::{Wrong, suggest};

/// A part of a run, told by what happened in it. It is made of windows of 100 ms: one belongs to it when all of it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// On which side of the stretches it lies.
    pub relation: Relation,
    /// Ascending, each once; at least one.
    pub stretches: Vec<Stretch>,
    /// What the system is given to recover after each stretch's real end. Zero for `during` and `before`.
    pub settle: Duration,
}

/// Where a scope lies, seen from its stretches. Real beginnings and ends count, not those that were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// In none of the stretches, nor within `settle` after one.
    Outside,
    /// In one of them.
    During,
    /// Before the first of them begins.
    Before,
    /// From the end of the last of them, and `settle`, on.
    After,
}

/// Something with a name, a beginning and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stretch {
    /// Index in the plan's faults.
    Fault(usize),
    /// Index in the plan's phases.
    Phase(usize),
}

/// The keys of a scope, as a table of the file has them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ScopeKeys<'t> {
    pub(super) outside: Option<&'t Spanned<Names>>,
    pub(super) during: Option<&'t Spanned<Names>>,
    pub(super) before: Option<&'t Spanned<Names>>,
    pub(super) after: Option<&'t Spanned<Names>>,
    pub(super) settle: Option<&'t Spanned<String>>,
    /// Another word for `settle`, beside `after`.
    pub(super) within: Option<&'t Spanned<String>>,
}

impl Relation {
    const ALL: [Self; 4] = [Self::Outside, Self::During, Self::Before, Self::After];

    /// The key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::During => "during",
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl<'t> ScopeKeys<'t> {
    fn names(self, relation: Relation) -> Option<&'t Spanned<Names>> {
        match relation {
            Relation::Outside => self.outside,
            Relation::During => self.during,
            Relation::Before => self.before,
            Relation::After => self.after,
        }
    }

    /// The scope that the keys tell of; `None` where they are all absent, which means the whole run.
    pub(super) fn read(self, faults: &[Fault], phases: &[Phase]) -> Result<Option<Scope>, Wrong> {
        let mut given = Relation::ALL.into_iter().filter_map(|relation| Some((relation, self.names(relation)?)));
        let settle = self.settle.map(|settle| ("settle", settle)).or(self.within.map(|within| ("within", within)));
        let Some((relation, names)) = given.next() else {
            let Some((key, settle)) = settle else { return Ok(None) };
            return Err(Wrong::new(settle.span(), format!("`{key}` belongs to nothing here"), "add `outside` or `after`, or leave it out"));
        };
        if let Some((other, names)) = given.next() {
            let what = format!("`{}` and `{}` cannot be combined", relation.key(), other.key());
            return Err(Wrong::new(names.span(), what, "keep one of them"));
        }
        if let (Some(_), Some(within)) = (self.settle, self.within) {
            return Err(Wrong::new(within.span(), "`within` and `settle` are the same", "keep one of them"));
        }
        match (relation, settle) {
            (Relation::Outside, Some(("settle", _))) | (Relation::After, _) | (_, None) => {}
            (Relation::Outside, Some((_, within))) => {
                return Err(Wrong::new(within.span(), "`within` belongs to `after`", "write `settle`"));
            }
            (Relation::During | Relation::Before, Some((key, settle))) => {
                let what = format!("`{}` knows no `{key}`: nothing has ended there", relation.key());
                return Err(Wrong::new(settle.span(), what, "leave it out"));
            }
        }
        let settle = settle.map_or(Ok(Duration::ZERO), |(_, settle)| moment(settle))?;
        Ok(Some(Scope { relation, stretches: stretches(relation, names, faults, phases)?, settle }))
    }
}

fn stretches(relation: Relation, names: &Spanned<Names>, faults: &[Fault], phases: &[Phase]) -> Result<Vec<Stretch>, Wrong> {
    let of_faults = faults.iter().enumerate().map(|(index, fault)| (fault.name.as_str(), Stretch::Fault(index)));
    let of_phases = phases.iter().enumerate().map(|(index, phase)| (phase.name.as_str(), Stretch::Phase(index)));
    let known: Vec<(&str, Stretch)> = of_faults.chain(of_phases).collect();
    let mut chosen = Vec::new();
    for Name { text: name, span } in &names.get_ref().0 {
        let Some((_, stretch)) = known.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let what = if phases.is_empty() { "no fault" } else { "no fault and no phase" };
            return Err(Wrong::new(span.clone().unwrap_or(names.span()), format!("{what} is named `{name}`"), suggest(name, &known)));
        };
        chosen.push(*stretch);
    }
    if chosen.is_empty() {
        let what = format!("`{}` names nothing", relation.key());
        return Err(Wrong::new(names.span(), what, "name a fault or a phase, or leave it out"));
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

impl Scope {
    /// As in `outside table locked` or `after table locked and 2s`.
    pub fn words(&self, plan: &Plan) -> String {
        let names: Vec<&str> = self.stretches.iter().map(|stretch| plan.name_of(*stretch)).collect();
        let settle = if self.relation == Relation::After && !self.settle.is_zero() {
            format!(" and {}", humantime::format_duration(self.settle))
        } else {
            String::new()
        };
        format!("{} {}{settle}", self.relation.key(), names.join(", "))
    }
}

impl Plan {
    /// The name of a fault or a phase of this plan.
    pub fn name_of(&self, stretch: Stretch) -> &str {
        match stretch {
            Stretch::Fault(index) => self.faults.get(index).map_or("", |fault| &fault.name),
            Stretch::Phase(index) => self.phases.get(index).map_or("", |phase| &phase.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"format = 1
title = "t"

[[load]]
name = "l"
executor = "constant-arrival-rate"
rate = 5
duration = "30s"
[[load.request]]
get = "http://x/"

[[phase]]
name = "warm-up"
at = "0s"
duration = "5s"

[[fault]]
name = "locked"
kind = "db.lock"
table = "t"
at = "12s"
duration = "5s"

[thresholds]
http_reqs = [{ threshold = "count>0", outside = "locked" }]
"#;

    fn parse(new: &str) -> Result<Plan, String> {
        let old = "outside = \"locked\"";
        Plan::parse(&BASE.replacen(old, new, 1), "x.toml", &[]).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_scope_lies_outside_during_before_or_after_faults_and_phases() {
        let scope = |relation, stretches: &[Stretch], settle| {
            Some(Scope { relation, stretches: stretches.to_vec(), settle: Duration::from_secs(settle) })
        };
        let (locked, warm_up) = (Stretch::Fault(0), Stretch::Phase(0));
        let cases = [
            ("outside = \"locked\"", scope(Relation::Outside, &[locked], 0), "outside locked"),
            (
                "outside = [\"warm-up\", \"locked\"], settle = \"2s\"",
                scope(Relation::Outside, &[locked, warm_up], 2),
                "outside locked, warm-up",
            ),
            ("during = \"warm-up\"", scope(Relation::During, &[warm_up], 0), "during warm-up"),
            ("before = \"locked\"", scope(Relation::Before, &[locked], 0), "before locked"),
            ("after = \"locked\", settle = \"2s\"", scope(Relation::After, &[locked], 2), "after locked and 2s"),
            ("after = [\"locked\"], within = \"2s\"", scope(Relation::After, &[locked], 2), "after locked and 2s"),
        ];
        for (keys, expected, words) in cases {
            let plan = parse(keys).unwrap();
            assert_eq!(plan.thresholds[0].scope, expected, "{keys}");
            assert_eq!(plan.thresholds[0].scope.as_ref().unwrap().words(&plan), words);
        }
        let scaled = parse("after = \"locked\", settle = \"2s\"").unwrap().scaled(0.1);
        assert_eq!(scaled.thresholds[0].scope.as_ref().unwrap().settle, Duration::from_millis(200));
        assert_eq!(scaled.phases[0].end(), Duration::from_millis(500));
    }

    #[test]
    fn refusals() {
        let cases = [
            ("during = \"lokced\"", "x.toml:25:48: no fault and no phase is named `lokced` (did you mean `locked`?)"),
            ("during = []", "x.toml:25:48: `during` names nothing (name a fault or a phase, or leave it out)"),
            ("during = \"locked\", after = \"locked\"", "x.toml:25:66: `during` and `after` cannot be combined (keep one of them)"),
            ("settle = \"2s\"", "x.toml:25:48: `settle` belongs to nothing here (add `outside` or `after`, or leave it out)"),
            ("before = \"locked\", settle = \"2s\"", "x.toml:25:67: `before` knows no `settle`: nothing has ended there (leave it out)"),
            ("outside = \"locked\", within = \"2s\"", "x.toml:25:68: `within` belongs to `after` (write `settle`)"),
            ("after = \"locked\", settle = \"1s\", within = \"2s\"", "x.toml:25:81: `within` and `settle` are the same (keep one of them)"),
            ("delay_abort_eval = \"2s\"", "x.toml:25:58: `delay_abort_eval` delays nothing here (add `abort_on_fail = true`"),
            ("abort_on_fail = true, delay_abort_eval = \"soon\"", "x.toml:25:80: `soon` is no time"),
            ("after = \"locked\", within = \"soon\"", "x.toml:25:66: `soon` is no time"),
        ];
        for (new, expected) in cases {
            let answer = parse(new).unwrap_err();
            assert!(answer.starts_with(expected), "{new}\n  said     {answer}\n  expected {expected}");
        }
    }
}
