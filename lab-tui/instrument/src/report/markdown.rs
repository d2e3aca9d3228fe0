//! The summary as GitHub's Markdown, short enough for the page of a workflow's run: the verdict, the promises, the slowest
//! requests.

use std::fmt::Write as _;

use lab_facts::format::{count, milliseconds, number};

use super::text::conclusion;
use super::{ExpectationSummary, Summary};

/// A run that has ended, or as far as it has come; ends in a line break.
pub fn markdown(summary: &Summary<'_>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, summary);
    out
}

/// A run that could not be brought to its end.
pub fn markdown_without_end(scenario: &str, why: &str) -> String {
    format!("### ❌ {}\n\n{}\n\n", text(scenario), text(why))
}

/// A scenario whose turn did not come.
pub fn markdown_skipped(scenario: &str, title: &str, why: &str) -> String {
    format!("### ⏭️ {} ({})\n\nskipped: {}\n\n", text(title), text(scenario), text(why))
}

fn write(out: &mut String, summary: &Summary<'_>) -> std::fmt::Result {
    let sign = match u8::from(summary.exit_code) {
        0 => "✅",
        98 | 105 => "⚠️",
        _ => "❌",
    };
    writeln!(out, "### {sign} {} ({})\n\n{}\n", text(summary.title), text(summary.scenario), text(&conclusion(summary)))?;
    if !summary.thresholds.is_empty() {
        writeln!(out, "| | Threshold | Value |\n| --- | --- | ---: |")?;
        for threshold in &summary.thresholds {
            let sign = if threshold.ok { "✅ kept" } else { "❌ broken" };
            let value = threshold.value.map_or(threshold.without_value().to_owned(), number);
            writeln!(out, "| {sign} | {} | {value} |", text(&threshold.promise()))?;
        }
        writeln!(out)?;
    }
    write_expectations(out, &summary.expectations)?;
    for load in &summary.loads {
        let times = &load.response_time_ms;
        let [p50, p95, p99] = [times.p50, times.p95, times.p99].map(milliseconds);
        let (requests, rate) = (count(load.requests, "request"), load.achieved_rate);
        let name = text(load.name);
        writeln!(
            out,
            "- **{name}**: {requests}, {rate:.1} a second, {} failed, {} dropped; p50 {p50}, p95 {p95}, p99 {p99}",
            load.failed, load.dropped
        )?;
    }
    if !summary.loads.is_empty() {
        writeln!(out)?;
    }
    if !summary.slowest_traces.is_empty() {
        writeln!(out, "| Slowest requests | Outcome | Trace |\n| ---: | --- | --- |")?;
        for slow in &summary.slowest_traces {
            let id = &slow.trace_id;
            // An address may hold what would end the link.
            let trace = slow.url.as_ref().map_or(format!("`{id}`"), |url| format!("[`{id}`]({})", address(url)));
            writeln!(out, "| {} | {} | {trace} |", milliseconds(Some(slow.ms)), text(&slow.outcome))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_expectations(out: &mut String, expectations: &[ExpectationSummary]) -> std::fmt::Result {
    if expectations.is_empty() {
        return Ok(());
    }
    writeln!(out, "| | Expectation | Expected | Value |\n| --- | --- | ---: | ---: |")?;
    for one in expectations {
        let sign = match one.ok {
            Some(true) => "✅ kept",
            Some(false) => "❌ broken",
            None if one.skipped => "skipped",
            None => "⚠️ unclear",
        };
        let why = one.why_not.as_ref().map_or(String::new(), |why| format!(": {}", text(why)));
        let value = one.value.map_or("-".to_owned(), number);
        writeln!(out, "| {sign} | {}{why} | {} | {value} |", text(&one.name), text(&one.expected))?;
    }
    writeln!(out)
}

/// Text that stays text: neither a tag, nor a link, nor the end of a cell.
fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => shown += "&lt;",
            '>' => shown += "&gt;",
            '&' => shown += "&amp;",
            // One that is not followed by a letter names nobody.
            '@' => shown += "@\u{200b}",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                shown.push('\\');
                shown.push(letter);
            }
            letter if letter.is_control() => shown.push(' '),
            letter => shown.push(letter),
        }
    }
    shown
}

fn address(url: &str) -> String {
    url.replace('(', "%28").replace(')', "%29").replace('|', "%7C").replace(' ', "%20").replace('<', "%3C").replace('>', "%3E")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_told_with_their_reasons() {
        let one = |name: &str, ok: Option<bool>, why: Option<&str>| ExpectationSummary {
            name: name.to_owned(),
            what: "traces { }".to_owned(),
            scope: None,
            expected: ">=5".to_owned(),
            value: ok.map(|_| 2.0),
            ok,
            why_not: why.map(str::to_owned),
            skipped: why.is_some_and(|why| why.starts_with("no")),
            traces: Vec::new(),
        };
        let all = [
            one("seen", Some(true), None),
            one("a|b", Some(false), Some("there were 2")),
            one("asked", None, Some("no Tempo")),
            one("late", None, Some("it began too late")),
        ];
        let mut out = String::new();
        write_expectations(&mut out, &all).unwrap();
        let expected = "\
| | Expectation | Expected | Value |
| --- | --- | ---: | ---: |
| ✅ kept | seen | >=5 | 2 |
| ❌ broken | a\\|b: there were 2 | >=5 | 2 |
| skipped | asked: no Tempo | >=5 | - |
| ⚠️ unclear | late: it began too late | >=5 | - |

";
        assert_eq!(out, expected.replace(">=", "&gt;="));
        out.clear();
        write_expectations(&mut out, &[]).unwrap();
        assert_eq!(out, "");
    }

    #[test]
    fn names_stay_text() {
        assert_eq!(text("a|b <img> [x](y) @all\nnext"), "a\\|b &lt;img&gt; \\[x\\](y) @\u{200b}all next");
        assert_eq!(address("http://a/(b)|c"), "http://a/%28b%29%7Cc");
        assert_eq!(markdown_without_end("s", "`x` is no time"), "### ❌ s\n\n\\`x\\` is no time\n\n");
    }
}
