//! An explanation for a person: on the command line, in a summary, on the screen.

use std::fmt::Write as _;
use std::time::Duration;

use super::bands::Band;
use super::contrast::{Contrast, Growth};
use super::examples::Example;
use super::explanation::Explanation;
use super::over_represented::Overrepresented;
use crate::format::{count, milliseconds, seconds};

/// How many hops a table of bands has; the others are summed up.
const HOPS: usize = 8;
/// How many hops are named to which the difference is not attributed, and from which share of it on.
const UNSURE: usize = 3;
const UNSURE_SHARE: f64 = 0.05;
/// How many others are named that go with an attribute.
const ALIKE: usize = 2;

/// All of it; ends in a line break.
pub fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, explanation);
    out
}

/// Of one contrast alone; ends in a line break.
pub fn contrast_text(contrast: &Contrast) -> String {
    let mut out = String::new();
    let _ = write_contrast(&mut out, contrast);
    out
}

/// What came of it, in one sentence.
pub fn sentence(explanation: &Explanation) -> String {
    let told = explanation.contrasts.iter().filter(|contrast| contrast.says_something()).map(headline);
    let all: Vec<String> = told.collect();
    if all.is_empty() { explanation.nothing.clone().unwrap_or_else(|| "nothing stands apart".to_owned()) } else { all.join("; ") }
}

fn write(out: &mut String, explanation: &Explanation) -> std::fmt::Result {
    writeln!(out, "{} ({} looked at)", explanation.question, count(explanation.requests, "request"))?;
    write_bands(out, &explanation.bands)?;
    for contrast in &explanation.contrasts {
        writeln!(out)?;
        write_contrast(out, contrast)?;
    }
    if let Some(nothing) = &explanation.nothing {
        writeln!(out, "\n{nothing}")?;
    }
    Ok(())
}

fn write_bands(out: &mut String, bands: &[Band]) -> std::fmt::Result {
    let Some(most) = bands.iter().find(|band| !band.parts.is_empty()) else { return Ok(()) };
    write!(out, "\n{:<42}", "where the milliseconds go, on average")?;
    bands.iter().try_for_each(|band| write!(out, "{:>13}", band.name))?;
    for (index, part) in most.parts.iter().take(HOPS).enumerate() {
        write!(out, "\n  {:<40}", cut(&part.hop, 40))?;
        bands.iter().try_for_each(|band| write!(out, "{:>13}", milliseconds(band.parts.get(index).map(|part| part.ms))))?;
    }
    if most.parts.len() > HOPS {
        write!(out, "\n  {:<40}", format!("{} more", most.parts.len() - HOPS))?;
        for band in bands {
            let rest = band.parts.iter().skip(HOPS).map(|part| part.ms).sum();
            write!(out, "{:>13}", milliseconds((!band.parts.is_empty()).then_some(rest)))?;
        }
    }
    write!(out, "\n  {:<40}", "response time")?;
    bands.iter().try_for_each(|band| write!(out, "{:>13}", milliseconds(band.mean_ms)))?;
    writeln!(out)
}

/// As in `slow requests (over 52 ms): attributed to connection pool of x (81 %)`.
fn headline(contrast: &Contrast) -> String {
    let hops: Vec<String> = contrast.attributed().map(|hop| format!("{} ({})", hop.hop, share(hop))).collect();
    let first = contrast.over_represented.first();
    match (hops.is_empty(), first) {
        (false, _) => format!("{}: attributed to {}", contrast.subject, hops.join(" and ")),
        (true, Some(first)) => format!("{}: {}", contrast.subject, attribute(first)),
        (true, None) => format!("{}: slower at no hop in particular", contrast.subject),
    }
}

fn write_contrast(out: &mut String, contrast: &Contrast) -> std::fmt::Result {
    let (subject, baseline) = (contrast.subject_requests, contrast.baseline_requests);
    let [now, before] = [contrast.subject_ms, contrast.baseline_ms].map(milliseconds);
    writeln!(out, "{}, {subject}: {now} on average; {}, {baseline}: {before}", contrast.subject, contrast.baseline)?;
    if contrast.slower {
        let named: Vec<&Growth> = contrast.attributed().collect();
        if named.is_empty() {
            writeln!(out, "  the difference is spread over many hops; none has enough of it to be named")?;
        } else {
            writeln!(out, "  the difference is attributed to")?;
        }
        named.into_iter().try_for_each(|hop| write_hop(out, hop))?;
        let others: Vec<&Growth> = contrast.hops.iter().filter(|hop| !hop.attributed).collect();
        let large = others.iter().take_while(|hop| hop.share.is_some_and(|share| share >= UNSURE_SHARE)).take(UNSURE).count();
        let (unsure, others) = others.split_at(large);
        if !unsure.is_empty() {
            writeln!(out, "  more time at these as well, but not certain")?;
        }
        unsure.iter().try_for_each(|hop| write_hop(out, hop))?;
        if !others.is_empty() {
            let rest: f64 = others.iter().map(|hop| hop.growth_ms).sum();
            writeln!(out, "    {:<44}{:>11}", format!("{} in all", count(others.len(), "other hop")), signed(rest))?;
        }
    } else if !contrast.hops.is_empty() {
        writeln!(out, "  not slower by more than chance and noise, so no hop is named")?;
    }
    if !contrast.over_represented.is_empty() {
        writeln!(out, "  over-represented")?;
        for one in &contrast.over_represented {
            writeln!(
                out,
                "    {:<58}{one_of:>10} and {other_of:>10}   {}",
                cut(&attribute(one), 57),
                chance(one.p),
                one_of = format!("{}/{subject}", one.subject),
                other_of = format!("{}/{baseline}", one.baseline)
            )?;
            if !one.alike.is_empty() {
                let more = one.alike.len().saturating_sub(ALIKE);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                let named: Vec<&str> = one.alike.iter().take(ALIKE).map(String::as_str).collect();
                writeln!(out, "      the same requests have {}{more}", named.join(", "))?;
            }
        }
    }
    if !contrast.coincides.is_empty() || !contrast.pools.is_empty() {
        writeln!(out, "  coincides with")?;
        for one in &contrast.coincides {
            let [from, to] = [one.from_seconds, one.to_seconds].map(|at| seconds(Duration::try_from_secs_f64(at).unwrap_or_default()));
            let what = if one.what.is_empty() { String::new() } else { format!(" ({})", one.what) };
            let (with, without) = (format!("{}/{subject}", one.subject), format!("{}/{baseline}", one.baseline));
            writeln!(
                out,
                "    {} `{}`{what}, {from} to {to}: {with} and {without} were under way meanwhile   {}",
                one.kind,
                one.name,
                chance(one.p)
            )?;
        }
        for pool in &contrast.pools {
            writeln!(
                out,
                "    connection pool of {}: {:.1} waited on average (at the most {}), {:.1} otherwise; up to {} of {} in use",
                pool.service, pool.pending_mean, pool.pending_max, pool.baseline_pending_mean, pool.used_max, pool.size_max
            )?;
        }
    }
    for (name, examples) in [(&contrast.subject, &contrast.subject_examples), (&contrast.baseline, &contrast.baseline_examples)] {
        write_examples(out, name, examples)?;
    }
    Ok(())
}

fn write_hop(out: &mut String, hop: &Growth) -> std::fmt::Result {
    writeln!(out, "    {:<44}{:>11}{:>7}   {}", cut(&hop.hop, 43), signed(hop.growth_ms), share(hop), from_to(hop))
}

fn write_examples(out: &mut String, name: &str, examples: &[Example]) -> std::fmt::Result {
    if examples.is_empty() {
        return Ok(());
    }
    writeln!(out, "  examples of {name}")?;
    for one in examples {
        let at = seconds(Duration::try_from_secs_f64(one.at_seconds).unwrap_or_default());
        writeln!(out, "    {:>9}  {:<12}  due at {at:>7}  trace {}", milliseconds(Some(one.ms)), one.outcome, one.trace_id)?;
    }
    Ok(())
}

fn attribute(one: &Overrepresented) -> String {
    format!("{} {}={}", one.service, one.key, one.value)
}

fn signed(growth: f64) -> String {
    format!("{}{}", if growth < 0.0 { "-" } else { "+" }, milliseconds(Some(growth.abs())))
}

fn share(hop: &Growth) -> String {
    hop.share.map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn from_to(hop: &Growth) -> String {
    format!("{} instead of {}", milliseconds(Some(hop.subject_ms)), milliseconds(Some(hop.baseline_ms)))
}

fn chance(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// Long names would break the table.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width - 1).chain(['…']).collect() }
}
