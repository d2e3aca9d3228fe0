//! The open model: requests come at a rate, whatever became of those before.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::{Stage, stages, users};
use crate::scenario::file::LoadTable;
use crate::scenario::plan::{optional_duration, parse_duration, required};
use crate::scenario::refusal::{Wrong, number, suggest};

const MAX_RATE: f64 = 1_000_000.0;

/// Arrivals at a rate that stays or changes steadily.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    /// Per second, at the beginning.
    pub start_rate: f64,
    /// Rates per second, 0 to 1,000,000, and at least one of them or `start_rate` above 0. They last longer than nothing.
    pub stages: Vec<Stage<f64>>,
    /// How they follow one another at that rate.
    pub spacing: Spacing,
    /// Requests in flight at most; an arrival beyond it is dropped and counted.
    pub max_vus: usize,
}

/// How arrivals follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly.
    Uniform,
    /// As if nobody knew of anybody else: gaps are exponential.
    Poisson,
}

impl Arrivals {
    pub(super) fn constant(table: &LoadTable, span: &Range<usize>) -> Result<Self, Wrong> {
        let rate = required(table.rate.as_ref(), span, "rate", "50")?;
        let duration = parse_duration(required(table.duration.as_ref(), span, "duration", "\"30s\"")?)?;
        let per_second = per_second(rate, time_unit(table)?)?;
        if per_second <= 0.0 {
            return Err(no_rate(rate, time_unit(table)?));
        }
        Self::new(table, per_second, vec![Stage { target: per_second, duration }])
    }

    pub(super) fn ramping(table: &LoadTable, span: &Range<usize>) -> Result<Self, Wrong> {
        let unit = time_unit(table)?;
        let start = table.start_rate.as_ref().map_or(Ok(0.0), |rate| per_second(rate, unit))?;
        let stages = stages(table, span, |target| per_second(target, unit))?;
        if start <= 0.0 && stages.iter().all(|stage| stage.target <= 0.0) {
            let place = table.stages.as_ref().map_or_else(|| span.clone(), Spanned::span);
            return Err(Wrong::new(place, "the rate stays at 0", "raise a target, or `start_rate`"));
        }
        Self::new(table, start, stages)
    }

    fn new(table: &LoadTable, start_rate: f64, stages: Vec<Stage<f64>>) -> Result<Self, Wrong> {
        let spacing = match &table.arrivals {
            None => Spacing::Uniform,
            Some(given) => match given.get_ref().as_str() {
                "uniform" => Spacing::Uniform,
                "poisson" => Spacing::Poisson,
                unknown => {
                    let hint = suggest(unknown, &["uniform", "poisson"]);
                    return Err(Wrong::new(given.span(), format!("arrivals cannot be `{unknown}`"), hint));
                }
            },
        };
        let peak = stages.iter().map(|stage| stage.target).fold(start_rate, f64::max);
        let max_vus = match &table.max_vus {
            Some(given) => users("max_vus", given, 1)?,
            // Ten seconds' worth of arrivals: a stall of that length is seen whole before anything is dropped.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 100..=10,000 before the cast")]
            None => (peak * 10.0).clamp(100.0, 10_000.0) as usize,
        };
        Ok(Self { start_rate, stages, spacing, max_vus })
    }
}

fn time_unit(table: &LoadTable) -> Result<Duration, Wrong> {
    Ok(optional_duration(table.time_unit.as_ref())?.unwrap_or(Duration::from_secs(1)))
}

/// From 0.
fn per_second(rate: &Spanned<f64>, unit: Duration) -> Result<f64, Wrong> {
    let per_second = *rate.get_ref() / unit.as_secs_f64();
    if (0.0..=MAX_RATE).contains(&per_second) {
        return Ok(per_second);
    }
    Err(no_rate(rate, unit))
}

fn no_rate(rate: &Spanned<f64>, unit: Duration) -> Wrong {
    let what = format!("a rate of {} per {} cannot be kept", number(*rate.get_ref()), humantime::format_duration(unit));
    Wrong::new(rate.span(), what, "write a rate above 0 and up to 1,000,000 per second")
}
