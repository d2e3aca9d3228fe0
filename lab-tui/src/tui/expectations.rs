//! Expectations, in a row each below the thresholds.

use lab_facts::format;
use lab_facts::scenario::Subject;
use lab_facts::verdict::{JudgedExpectation, Standing, Verdict};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::palette::Palette;

/// How many rows thresholds and expectations take together.
pub(super) fn promises(verdict: &Verdict) -> usize {
    verdict.thresholds.len() + verdict.expectations.len()
}

/// One expectation with its value, or when it will have one.
pub(super) fn row<'r>(judged: &JudgedExpectation, palette: &Palette) -> Line<'r> {
    let value = match (&judged.expectation.subject, judged.value) {
        (Subject::Counted { .. }, Some(value)) => format::number(value),
        (Subject::Metric(_), Some(value)) => format!("{value:.2}"),
        (_, None) => "no data".to_owned(),
    };
    let (mark, value, style): (_, _, Style) = match judged.standing {
        Standing::Kept => ("✓", value, palette.good),
        Standing::Broken if judged.value.is_none() => ("·", value, palette.dim),
        Standing::Broken => ("✗", value, palette.bad),
        Standing::Unclear(_) => ("?", "unclear".to_owned(), palette.warn),
        Standing::Skipped(_) => ("·", "skipped".to_owned(), palette.dim),
        Standing::Open => ("·", "at end".to_owned(), palette.dim),
    };
    let name = judged.expectation.name.clone();
    Line::from(vec![
        Span::styled(format!(" {mark} "), style),
        Span::styled(format!("{value:>9}  "), style),
        Span::raw(format!("{} {name}", judged.expectation.expected())),
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use lab_facts::event::{Event, Fact, Found};
    use lab_facts::model::Model;
    use lab_facts::scenario::Plan;
    use lab_facts::verdict::judge;

    use super::*;
    use crate::tui::{Palette, Theme};

    #[test]
    fn an_expectation_shows_its_value_or_when_it_will_have_one() {
        let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"1s\"\n\
            [[load.request]]\nget = \"http://x/\"\n[[expect]]\nname = \"some\"\ntraces = '{ }'\ncount = \">=2\"\n\
            [[expect]]\nname = \"none\"\ntraces = '{ }'\ncount = \"==0\"\n[[expect]]\nname = \"quick\"\nmetric = \"http_req_duration\"\nholds = \"max<5\"\n";
        let plan = Arc::new(Plan::parse(text, "t", &[]).unwrap());
        let mut model = Model::new(Arc::clone(&plan));
        let rows = |model: &Model| {
            let verdict = judge(&plan, model);
            assert_eq!(promises(&verdict), 3);
            verdict.expectations.iter().map(|judged| row(judged, &Palette::new(Theme::Dark)).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(rows(&model), [" ·    at end  >=2 some", " ·    at end  ==0 none", " ·   no data  max<5 quick"]);
        let counted = |count| Found::Counted { count, examples: Vec::new() };
        for (index, found) in [(0, counted(2)), (1, counted(1))] {
            model.apply(Event { at: Duration::from_secs(1), fact: Fact::Expectation { index, found } });
        }
        assert_eq!(rows(&model)[..2], [" ✓         2  >=2 some", " ✗         1  ==0 none"]);
        model.apply(Event { at: Duration::from_secs(1), fact: Fact::Expectation { index: 1, found: Found::Unclear("x".to_owned()) } });
        assert_eq!(rows(&model)[1], " ?   unclear  ==0 none");
    }
}
