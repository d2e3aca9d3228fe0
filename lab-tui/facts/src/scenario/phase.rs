//! `[[phase]]`: a stretch of the time line with a name, for promises to refer to. Nothing happens in it by itself.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, moment};
use super::plan::parse_duration;
use super::refusal::Wrong;

/// A named stretch of the time line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Unique among the plan's faults and phases.
    pub name: String,
    /// From the start of the run; before the last load's end.
    pub at: Duration,
    /// Above 0.
    pub duration: Duration,
}

impl Phase {
    /// When it is over, from the start of the run.
    pub fn end(&self) -> Duration {
        self.at + self.duration
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhaseTable {
    name: Spanned<String>,
    at: Spanned<String>,
    duration: Spanned<String>,
}

/// Reads all of them. `longest` is when the last load ends.
pub(super) fn read_all(tables: Vec<PhaseTable>, faults: &[Fault], longest: Duration) -> Result<Vec<Phase>, Wrong> {
    let mut phases: Vec<Phase> = Vec::new();
    for PhaseTable { name, at, duration } in tables {
        let refused = |what: String, hint: &str| Err(Wrong::new(name.span(), what, hint));
        if name.get_ref().trim().is_empty() {
            return refused("a phase needs a name".to_owned(), "thresholds and reports call it so");
        }
        if faults.iter().any(|fault| fault.name == *name.get_ref()) {
            return refused(format!("a fault is named `{}` already", name.get_ref()), "give each its own name");
        }
        if phases.iter().any(|other| other.name == *name.get_ref()) {
            return refused(format!("a second phase is named `{}`", name.get_ref()), "give each its own name");
        }
        let begin = moment(&at)?;
        if begin >= longest {
            let what = format!("`{}` begins when the last load is over (after {})", name.get_ref(), humantime::format_duration(longest));
            return Err(Wrong::new(at.span(), what, "let it begin earlier"));
        }
        phases.push(Phase { duration: parse_duration(&duration)?, name: name.into_inner(), at: begin });
    }
    Ok(phases)
}

#[cfg(test)]
mod tests {
    use crate::scenario::Plan;

    #[test]
    fn refusals() {
        let refusal = |old: &str, new: &str| {
            let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 5\nduration = \"30s\"\n\
                [[load.request]]\nget = \"http://x/\"\n[[fault]]\nname = \"locked\"\nkind = \"db.lock\"\ntable = \"t\"\nat = \"1s\"\nduration = \"5s\"\n\
                [[phase]]\nname = \"a\"\nat = \"0s\"\nduration = \"5s\"\n[[phase]]\nname = \"b\"\nat = \"5s\"\nduration = \"10m\"\n";
            assert!(text.contains(old));
            Plan::parse(&text.replacen(old, new, 1), "x.toml", &[]).map(drop).map_err(|refusal| refusal.to_string())
        };
        assert_eq!(refusal("\"b\"", "\"b\""), Ok(()));
        let cases = [
            ("\"b\"", "\"a\"", "x.toml:21:8: a second phase is named `a` (give each its own name)"),
            ("\"b\"", "\"locked\"", "x.toml:21:8: a fault is named `locked` already (give each its own name)"),
            ("\"b\"", "\" \"", "x.toml:21:8: a phase needs a name (thresholds and reports call it so)"),
            ("\"10m\"", "\"0s\"", "x.toml:23:12: `0s` is out of range"),
            ("at = \"5s\"", "at = \"30s\"", "x.toml:22:6: `b` begins when the last load is over (after 30s) (let it begin earlier)"),
            ("at = \"5s\"", "from = \"5s\"", "x.toml:20:1: the key `at` is missing here (add `at = …`)\nx.toml:22:1: unknown key `from`"),
        ];
        for (old, new, expected) in cases {
            let answer = refusal(old, new).unwrap_err();
            assert!(answer.starts_with(expected), "{old} -> {new}\n  said     {answer}\n  expected {expected}");
        }
    }
}
