//! A comparison for a person at a terminal, and for a pull request.

use std::fmt::Write as _;

use lab_facts::format::{count, milliseconds, number};

use super::comparison::{Change, Comparison, Kind, Measure, Row};

/// A table of every figure; ends in a line break.
pub fn text(comparison: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_text(&mut out, comparison);
    out
}

fn write_text(out: &mut String, comparison: &Comparison) -> std::fmt::Result {
    for (side, run) in [("baseline", &comparison.baseline), ("current", &comparison.current)] {
        writeln!(out, "{side:<9} {}  {} of {}, lab {}", run.name, run.scenario, run.started, run.lab)?;
    }
    comparison.warnings.iter().try_for_each(|warning| writeln!(out, "warning: {warning}"))?;
    writeln!(out, "\n{:<24}{:>11}{:>11}{:>17}{:>9}{:>9}", "", "baseline", "current", "typical second", "", "p")?;
    let mut last = String::new();
    for row in &comparison.rows {
        let subject = subject(row);
        if subject != last {
            writeln!(out, "{subject}")?;
            last = subject;
        }
        let [baseline, current] = [row.baseline, row.current].map(|value| figure(row.measure, value));
        let shift = signed(row.measure, row.shift);
        let verdict = verdict(row).map_or(String::new(), |word| format!("  {word}"));
        let relative = percent(row.relative_shift);
        writeln!(out, "  {:<22}{baseline:>11}{current:>11}{shift:>17}{relative:>9}{:>9}{verdict}", name(row.measure), chance(row.p))?;
    }
    writeln!(out, "\n{}", conclusion(comparison))
}

/// What changed first, all figures folded away below.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = String::new();
    let _ = write_markdown(&mut out, comparison);
    out
}

fn write_markdown(out: &mut String, comparison: &Comparison) -> std::fmt::Result {
    let sign = match (comparison.regressions, comparison.improvements) {
        (1.., _) => "❌",
        (0, 1..) => "🚀",
        _ => "✅",
    };
    writeln!(out, "### {sign} {}: {}\n", cell(&comparison.current.scenario), summary(comparison))?;
    comparison.warnings.iter().try_for_each(|warning| writeln!(out, "> **Warning:** {}\n", cell(warning)))?;
    let changed: Vec<&Row> = comparison.rows.iter().filter(|row| matches!(row.change, Change::Regression | Change::Improvement)).collect();
    if !changed.is_empty() {
        write_rows(out, &changed)?;
        writeln!(out)?;
    }
    if let Some(begins) = begins(comparison) {
        writeln!(out, "**{}**\n", cell(&begins))?;
    }
    writeln!(out, "<details><summary>All figures</summary>\n")?;
    write_rows(out, &comparison.rows.iter().collect::<Vec<_>>())?;
    writeln!(out, "\n</details>\n")?;
    let (baseline, current) = (&comparison.baseline, &comparison.current);
    writeln!(
        out,
        "Baseline {} ({}), current {} ({}); {}.",
        cell(&baseline.name),
        baseline.started,
        cell(&current.name),
        current.started,
        rule(comparison)
    )
}

fn write_rows(out: &mut String, rows: &[&Row]) -> std::fmt::Result {
    writeln!(out, "| of | figure | baseline | current | typical second | p | |")?;
    writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: | --- |")?;
    for row in rows {
        let [baseline, current] = [row.baseline, row.current].map(|value| figure(row.measure, value));
        let shift = format!("{} {}", signed(row.measure, row.shift), percent(row.relative_shift));
        let verdict = verdict(row).map_or(String::new(), str::to_lowercase);
        let subject = cell(&subject(row));
        writeln!(out, "| {subject} | {} | {baseline} | {current} | {} | {} | {verdict} |", name(row.measure), shift.trim(), chance(row.p))?;
    }
    Ok(())
}

/// Names are others' words, and must not end a cell of a table or begin a tag.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn subject(row: &Row) -> String {
    let kind = match row.kind {
        Kind::Load => "load",
        Kind::Request => "request",
        Kind::Hop => "hop",
    };
    format!("{kind} {}", row.name)
}

fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::P50 => "p50",
        Measure::P95 => "p95",
        Measure::P99 => "p99",
        Measure::Mean => "mean",
        Measure::Failed => "failed",
        Measure::Rate => "rate",
    }
}

fn figure(measure: Measure, value: Option<f64>) -> String {
    match (measure, value) {
        (Measure::Failed, Some(share)) => format!("{} %", number((share * 10_000.0).round() / 100.0)),
        (Measure::Rate, Some(rate)) => format!("{rate:.1}/s"),
        (_, value) => milliseconds(value),
    }
}

fn signed(measure: Measure, shift: Option<f64>) -> String {
    let Some(shift) = shift else { return "-".to_owned() };
    format!("{}{}", if shift < 0.0 { "-" } else { "+" }, figure(measure, Some(shift.abs())))
}

fn percent(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("{:+.1} %", share * 100.0))
}

fn chance(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

fn verdict(row: &Row) -> Option<&'static str> {
    match row.change {
        Change::Regression => Some("WORSE"),
        Change::Improvement => Some("better"),
        Change::None => None,
        Change::TooShort => Some("too short to tell"),
        Change::OnlyInOne => Some("in one run only"),
    }
}

fn conclusion(comparison: &Comparison) -> String {
    let begins = begins(comparison).map_or(String::new(), |begins| format!("; {begins}"));
    format!("{}{begins}\n({})", summary(comparison), rule(comparison))
}

fn summary(comparison: &Comparison) -> String {
    match (comparison.regressions, comparison.improvements) {
        (0, 0) if comparison.tells() => "no change beyond chance and noise".to_owned(),
        (0, 0) => "the runs are too short to be compared".to_owned(),
        (worse, better) => format!("{} worse, {better} better", count(worse, "figure")),
    }
}

/// What is worse, or why that cannot be told, in a few words; nothing where nothing is worse.
pub fn worse(comparison: &Comparison) -> Option<String> {
    let of = |row: &Row| format!("{} of {}", name(row.measure), row.name);
    let rows: Vec<String> = comparison.rows.iter().filter(|row| row.change == Change::Regression).map(of).collect();
    match comparison.tells() {
        true => (!rows.is_empty()).then(|| format!("worse than {}: {}", comparison.baseline.name, rows.join(", "))),
        false => Some(format!("too short to be compared with {}", comparison.baseline.name)),
    }
}

fn begins(comparison: &Comparison) -> Option<String> {
    let hops = &comparison.slowdown_begins_at;
    (!hops.is_empty()).then(|| format!("the slowdown begins at {}", hops.join(", ")))
}

fn rule(comparison: &Comparison) -> String {
    let noise = number(comparison.noise_threshold * 100.0);
    format!("a change counts when p < {} and it is more than {noise} % of the baseline", comparison.level)
}
