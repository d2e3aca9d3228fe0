//! What the lab could not keep, as rows of the reports.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::summary::Telemetry;

/// A line for each; nothing where all was kept.
pub(super) fn write(out: &mut String, telemetry: &Telemetry<'_>) -> std::fmt::Result {
    if telemetry.services.is_empty() && telemetry.flaws.is_empty() && telemetry.drops.told().next().is_some() {
        writeln!(out, "\ntelemetry")?;
    }
    for (count, what) in telemetry.drops.told() {
        writeln!(out, "  {:<14}{count:>10}  {what}", "lab's store")?;
    }
    Ok(())
}

/// A list; nothing where all was kept.
pub(super) fn markup(telemetry: &Telemetry<'_>) -> Markup {
    html! {
        @if telemetry.drops.told().next().is_some() {
            p.soft { "The lab's store could not keep all of it; --store-bytes gives it more room." }
            ul { @for (count, what) in telemetry.drops.told() { li { (count) " " (what) } } }
        }
    }
}
