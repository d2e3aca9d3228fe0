//! What the services' own metrics did during the run, as far as promises ask.

use std::collections::BTreeMap;

use crate::event::{ScrapedSeries, ScrapedValue};
use crate::scenario::{Plan, Reading};

/// What one series did in the run or in a part of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesTotals {
    /// Whether any service has it.
    pub appeared: bool,
    /// Of a counter: by how much it grew.
    pub increase: f64,
    /// Of a gauge: what it was.
    pub gauge: Option<Gauge>,
    /// Of a histogram: upper bounds in ascending order, and how many values at or below each came.
    pub buckets: Vec<(f64, f64)>,
    /// The sum of these values.
    pub sum: f64,
}

/// What a gauge was, over its readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauge {
    /// How many readings.
    pub readings: f64,
    /// Their sum.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The newest.
    pub last: f64,
}

/// Makes what happened between two readings out of what services say.
#[derive(Debug)]
pub(super) struct Increases {
    readings: Vec<Reading>,
    before: BTreeMap<(usize, String), (u64, Option<ScrapedValue>)>,
}

/// What one series did since the reading before.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) series: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Grew(f64),
    Was(f64),
    Came(Vec<(f64, f64)>, f64),
}

impl Increases {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { readings: plan.series().into_iter().map(|series| series.reading).collect(), before: BTreeMap::new() }
    }

    /// All readings of one moment in, what they mean out. A service's first reading is what it begins from; a metric that it did not
    /// have then begins from 0, and so does that of a process that was replaced.
    pub(super) fn step(&mut self, scraped: Vec<ScrapedSeries>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut gauges: BTreeMap<usize, f64> = BTreeMap::new();
        for ScrapedSeries { series, service, process, value } in scraped {
            let Some(reading) = self.readings.get(series) else { continue };
            if let (Reading::Gauge, Some(ScrapedValue::Number(number))) = (reading, &value) {
                *gauges.entry(series).or_default() += number;
                continue;
            }
            let before = self.before.insert((series, service), (process, value.clone()));
            let from = before.map(|(known, before)| if known == process { before } else { None });
            let what = match (from, value) {
                (_, None) => continue,
                (Some(from), Some(now)) => since(from, now),
                // It is there, and nothing is known of it yet.
                (None, Some(ScrapedValue::Number(_))) => What::Grew(0.0),
                (None, Some(ScrapedValue::Histogram(..))) => What::Came(Vec::new(), 0.0),
            };
            steps.push(Step { series, what });
        }
        steps.extend(gauges.into_iter().map(|(series, number)| Step { series, what: What::Was(number) }));
        steps
    }
}

/// A counter that is smaller than it was has begun anew.
fn since(before: Option<ScrapedValue>, now: ScrapedValue) -> What {
    match (before, now) {
        (Some(ScrapedValue::Number(before)), ScrapedValue::Number(now)) => What::Grew(if now < before { now } else { now - before }),
        (Some(ScrapedValue::Histogram(before, sum_before)), ScrapedValue::Histogram(mut now, sum)) => {
            let count = |buckets: &[(f64, f64)]| buckets.last().map_or(0.0, |(_, count)| *count);
            if count(&now) < count(&before) {
                return What::Came(now, sum);
            }
            for (bound, count) in &mut now {
                *count -= before.iter().find(|(other, _)| other.total_cmp(bound).is_eq()).map_or(0.0, |(_, count)| *count);
            }
            What::Came(now, sum - sum_before)
        }
        (_, ScrapedValue::Number(now)) => What::Grew(now),
        (_, ScrapedValue::Histogram(now, sum)) => What::Came(now, sum),
    }
}

impl SeriesTotals {
    pub(super) fn add(&mut self, what: &What) {
        self.appeared = true;
        match what {
            What::Grew(by) => self.increase += by,
            What::Was(number) => {
                let new = Gauge { readings: 0.0, sum: 0.0, min: *number, max: *number, last: *number };
                let gauge = self.gauge.get_or_insert(new);
                gauge.readings += 1.0;
                gauge.sum += number;
                gauge.min = gauge.min.min(*number);
                gauge.max = gauge.max.max(*number);
                gauge.last = *number;
            }
            What::Came(buckets, sum) => {
                self.sum += sum;
                for (bound, count) in buckets {
                    let place = self.buckets.partition_point(|(other, _)| other < bound);
                    match self.buckets.get_mut(place) {
                        Some((other, sum)) if other.total_cmp(bound).is_eq() => *sum += count,
                        _ => self.buckets.insert(place, (*bound, *count)),
                    }
                }
            }
        }
    }

    /// Of a histogram: the value below which `percentile` of 100 lie, as PromQL's `histogram_quantile` finds it: by interpolation within
    /// a bucket, and never above the highest bound.
    pub fn percentile(&self, percentile: f64) -> Option<f64> {
        let total = self.count()?;
        let rank = total * percentile / 100.0;
        let place = self.buckets.iter().position(|(_, count)| *count >= rank)?;
        let (bound, count) = self.buckets[place];
        let (from, below) = place.checked_sub(1).map_or((0.0, 0.0), |before| self.buckets[before]);
        if bound.is_infinite() {
            return (place > 0).then_some(from);
        }
        if place == 0 && bound <= 0.0 || count <= below {
            return Some(bound);
        }
        Some(from + (bound - from) * (rank - below) / (count - below))
    }

    /// Of a histogram.
    pub fn mean(&self) -> Option<f64> {
        Some(self.sum / self.count()?)
    }

    fn count(&self) -> Option<f64> {
        self.buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_histogram_quantile() {
        let mut totals = SeriesTotals::default();
        assert_eq!(totals.percentile(50.0), None);
        totals.add(&What::Came(vec![(0.1, 10.0), (0.5, 50.0), (1.0, 90.0), (f64::INFINITY, 100.0)], 61.0));
        for (percentile, expected) in [(5.0, 0.05), (10.0, 0.1), (30.0, 0.3), (50.0, 0.5), (70.0, 0.75), (90.0, 1.0), (99.0, 1.0)] {
            let value = totals.percentile(percentile).unwrap();
            assert!((value - expected).abs() < 1e-9, "p{percentile}: {value}");
        }
        assert_eq!(totals.mean(), Some(0.61));
    }

    #[test]
    fn counters_grow_from_their_first_reading_through_restarts() {
        let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"1s\"\n\
            [[load.request]]\nget = \"http://x/\"\n[thresholds]\n\"scraped:c\" = [\"count==0\", \"p(50)<1\", \"value<1\"]\n";
        let plan = Plan::parse(text, "t", &[]).unwrap();
        let mut increases = Increases::new(&plan);
        let mut totals = vec![SeriesTotals::default(); 3];
        let number = |number: f64| Some(ScrapedValue::Number(number));
        let histogram = |count: f64| Some(ScrapedValue::Histogram(vec![(1.0, count), (f64::INFINITY, count)], count));
        let mut told = |service: &str, process, counter, buckets, gauge| {
            let values = [counter, buckets, gauge].into_iter().enumerate();
            let scraped = values.map(|(series, value)| ScrapedSeries { series, service: service.to_owned(), process, value }).collect();
            for step in increases.step(scraped) {
                totals[step.series].add(&step.what);
            }
        };
        told("a", 1, number(100.0), histogram(100.0), number(7.0));
        told("b", 1, None, None, None);
        told("a", 1, number(110.0), histogram(110.0), number(3.0));
        // `b` had none before; `a` is another process; then its counter wraps within the same.
        told("b", 1, number(5.0), histogram(5.0), None);
        told("a", 2, number(104.0), histogram(104.0), number(5.0));
        told("a", 2, number(2.0), histogram(2.0), None);
        assert_eq!((totals[0].increase, totals[1].count(), totals[1].sum), (121.0, Some(121.0), 121.0));
        assert_eq!(totals[2].gauge, Some(Gauge { readings: 3.0, sum: 15.0, min: 3.0, max: 7.0, last: 5.0 }));
    }
}
