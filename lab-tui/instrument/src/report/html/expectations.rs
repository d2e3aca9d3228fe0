//! Expectations: what the telemetry had to say, and what it said.

use lab_facts::format::number;
use maud::{Markup, html};
use serde_json::Value;

use super::promises::mark;
use crate::report::Summary;
use crate::report::waterfall::bare;

/// One expectation. What the summary does not say of it is empty.
#[derive(Debug, PartialEq)]
pub(super) struct Expectation {
    name: String,
    /// What was looked at, and in which part of the run.
    subject: String,
    expected: String,
    value: String,
    /// `None` where that cannot be said.
    ok: Option<bool>,
    /// It was left out, as the user allowed.
    skipped: bool,
    /// Why it was not kept.
    why_not: String,
}

impl Expectation {
    /// Reads them from the summary as JSON has it, whose fields are the ones that readers of it can rely on.
    pub(super) fn all(summary: &Summary<'_>) -> Vec<Self> {
        let Ok(Value::Array(all)) = serde_json::to_value(&summary.expectations) else { return Vec::new() };
        all.iter().filter(|one| one.is_object()).map(Self::read).collect()
    }

    fn read(one: &Value) -> Self {
        let text = |key: &str| if one[key].is_null() { String::new() } else { bare(&one[key]) };
        let subject = [text("what"), text("scope")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Self {
            name: text("name"),
            subject,
            expected: text("expected"),
            value: one["value"].as_f64().map_or(String::new(), number),
            ok: one["ok"].as_bool(),
            skipped: one["skipped"].as_bool() == Some(true),
            why_not: text("why_not"),
        }
    }

    /// Why it is broken, in one sentence, where it is.
    pub(super) fn broken(&self) -> Option<String> {
        (self.ok == Some(false)).then(|| format!("the expectation `{}` is broken: {}", self.name, self.why_not))
    }
}

/// A row for each; nothing where there are none.
pub(super) fn table(expectations: &[Expectation]) -> Markup {
    html! {
        @if !expectations.is_empty() {
            div.scroll { table {
                caption { "Expectations" }
                thead { tr {
                    th scope="col" { "Kept" } th scope="col" { "Expectation" } th scope="col" { "Of" }
                    th.number scope="col" { "Was" } th.number scope="col" { "Expected" } th scope="col" { "Why not" }
                } }
                tbody {
                    @for expectation in expectations {
                        tr {
                            td { @if expectation.skipped { "skipped" } @else { (mark(expectation.ok)) } }
                            th scope="row" { (expectation.name) }
                            td { code { (expectation.subject) } }
                            td.number { (if expectation.value.is_empty() { "–" } else { &expectation.value }) }
                            td.number { (expectation.expected) }
                            td { (expectation.why_not) }
                        }
                    }
                }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expectation_is_a_row_with_its_figures() {
        let broken = json!({
            "name": "<heals>", "what": "traces { duration > 1s }", "scope": "during table locked", "expected": ">=5",
            "value": 2.0, "ok": false, "why_not": "there were 2", "skipped": false, "traces": [],
        });
        let broken = Expectation::read(&broken);
        assert_eq!(broken.broken().unwrap(), "the expectation `<heals>` is broken: there were 2");
        let unclear = json!({"name": "u", "ok": null, "value": null, "why_not": "no Loki", "scope": null, "skipped": false});
        let skipped = json!({"name": "s", "ok": null, "value": null, "why_not": "no Tempo", "scope": null, "skipped": true});
        let [unclear, skipped] = [unclear, skipped].map(|one| Expectation::read(&one));
        assert_eq!((unclear.broken(), skipped.broken()), (None, None));
        let shown = table(&[broken, unclear, skipped]).into_string();
        for part in [
            "✗",
            "&lt;heals&gt;",
            "traces { duration &gt; 1s } during table locked",
            "<td class=\"number\">2</td>",
            "&gt;=5",
            "no Loki",
            "unclear</span>",
            "<td>skipped</td>",
            "no Tempo",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert_eq!(table(&[]).into_string(), "");
    }
}
