//! What services send of their own metrics over OTLP: the latest of every series, in a table of bounded size, and told as Prometheus
//! would tell it, so that whoever reads pages of metrics reads these as well.

pub(super) mod name;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::store::now;

/// What the table takes at most; a series takes a few hundred bytes.
const MOST_BYTES: usize = 8 << 20;

/// What a series costs beside its names and numbers.
const OVERHEAD: usize = 200;

/// More buckets of one histogram are not taken, nor read.
pub(super) const BUCKETS: usize = 200;

/// A gauge that was not told for so long is not there any more: Prometheus's own measure.
const STALE: Duration = Duration::from_secs(300);

/// The table. Cheap to share; every call holds its lock for a moment only.
#[derive(Debug, Clone)]
pub struct Pushed(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    /// When the lab began to listen, in nanoseconds since 1970.
    began: u64,
    bytes: usize,
    services: BTreeMap<String, Service>,
    refused: u64,
}

#[derive(Debug, Default)]
struct Service {
    /// The lab itself has started it, so all that it counts has come since.
    is_new: bool,
    /// By name and labels, both as they are exposed.
    series: BTreeMap<(String, String), Series>,
}

#[derive(Debug)]
struct Series {
    /// What it has come to as far as the lab knows; of a histogram as in [`Point::values`].
    total: Vec<f64>,
    latest: Point,
    heard: Instant,
}

/// One data point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// How its values are to be understood.
    pub(super) told: Told,
    /// When counting began and when this was so, in nanoseconds since 1970; 0 where its sender does not say.
    pub(super) start_unix_nano: u64,
    pub(super) unix_nano: u64,
    /// Of a histogram: upper bounds in ascending order, the last one infinite.
    pub(super) bounds: Option<Vec<f64>>,
    /// One number; of a histogram, how many values lie at or below each bound, and the sum of all.
    pub(super) values: Vec<f64>,
}

/// How values are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// As they are.
    AsIs,
    /// As what has come together since counting began (cumulative temporality).
    Total,
    /// As what has come since the point before (delta temporality).
    More,
}

/// Why a data point is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is of a kind, or a temporality, that the lab does not know.
    Kind,
    /// It has no number.
    Number,
    /// There is no room for another series.
    Full,
}

impl Unfit {
    /// In a sentence for whoever sent it.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Kind => "the lab takes gauges, sums and histograms with explicit bounds; the latter two cumulative or as deltas",
            Self::Number => "a data point has a finite number, what only grows has none below 0, and a histogram as many buckets as bounds",
            Self::Full => "the lab keeps 8 MiB of series, and histograms of up to 200 buckets",
        }
    }
}

impl Pushed {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Table { began: now(), bytes: 0, services: BTreeMap::new(), refused: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics half-way; a poisoned table is still a whole one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A service of that name is about to be started: nothing is left of an earlier one, and its counters begin from 0.
    pub fn begins(&self, service: &str) {
        let mut table = self.lock();
        let before = table.services.remove(service).unwrap_or_default();
        let freed: usize = before.series.iter().map(|((name, labels), series)| cost(name, labels, &series.latest)).sum();
        table.bytes -= freed;
        table.services.insert(service.to_owned(), Service { is_new: true, ..Service::default() });
    }

    /// How many data points were refused so far.
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    pub(super) fn count_refused(&self, refused: u64) {
        self.lock().refused += refused;
    }

    /// Takes in a data point of a series, both names as they are exposed.
    pub(super) fn add(&self, service: &str, name: &str, labels: String, point: Point) -> Result<(), Unfit> {
        let mut table = self.lock();
        let (began, bytes) = (table.began, table.bytes);
        let room = MOST_BYTES.saturating_sub(bytes);
        if !table.services.contains_key(service) && room > OVERHEAD + service.len() {
            table.bytes += OVERHEAD + service.len();
            table.services.insert(service.to_owned(), Service::default());
        }
        let known = table.services.get_mut(service).ok_or(Unfit::Full)?;
        let key = (name.to_owned(), labels);
        if let Some(series) = known.series.get_mut(&key) {
            return series.hear(point);
        }
        let cost = cost(&key.0, &key.1, &point);
        if cost > room || point.bounds.as_ref().is_some_and(|bounds| bounds.len() > BUCKETS) {
            return Err(Unfit::Full);
        }
        let is_known = known.is_new || point.start_unix_nano >= began;
        known.series.insert(key, Series::new(point, is_known));
        table.bytes += cost;
        Ok(())
    }

    /// A gauge of that name and these labels is not told any more.
    pub(super) fn forget(&self, service: &str, name: &str, labels: String) {
        let mut table = self.lock();
        let Some(known) = table.services.get_mut(service) else { return };
        let key = (name.to_owned(), labels);
        if known.series.get(&key).is_some_and(|series| series.latest.told == Told::AsIs)
            && let Some(series) = known.series.remove(&key)
        {
            table.bytes -= cost(&key.0, &key.1, &series.latest);
        }
    }

    /// By service, what a page of its metrics would have of those that are asked for; services without any are left out.
    pub(super) fn pages(&self, asked: impl Fn(&str, &str) -> bool) -> Vec<(String, String)> {
        let table = self.lock();
        let page = |(service, known): (&String, &Service)| {
            let mut page = String::new();
            for ((name, labels), series) in known.series.iter().filter(|((name, _), _)| asked(service, name)) {
                series.write(&mut page, name, labels);
            }
            (!page.is_empty()).then(|| (service.clone(), page))
        };
        table.services.iter().filter_map(page).collect()
    }
}

fn cost(name: &str, labels: &str, point: &Point) -> usize {
    OVERHEAD + name.len() + labels.len() + 32 * point.values.len()
}

impl Series {
    /// What was counted before the lab could know of it is nobody's increase.
    fn new(latest: Point, is_known: bool) -> Self {
        let total = match latest.told {
            Told::Total if !is_known => vec![0.0; latest.values.len()],
            _ => latest.values.clone(),
        };
        Self { total, latest, heard: Instant::now() }
    }

    fn hear(&mut self, point: Point) -> Result<(), Unfit> {
        if point.told != self.latest.told || point.bounds != self.latest.bounds {
            // Of another make: it begins from 0, in the room that the one before had.
            if point.values.len() > self.latest.values.len() {
                return Err(Unfit::Full);
            }
            *self = Self::new(point, true);
            return Ok(());
        }
        // Sent again by an exporter that heard no answer, or overtaken by a newer one.
        if point.unix_nano > 0 && point.unix_nano <= self.latest.unix_nano {
            return Ok(());
        }
        let begun_anew = point.start_unix_nano > self.latest.unix_nano || point.count() < self.latest.count();
        for ((total, before), now) in self.total.iter_mut().zip(&self.latest.values).zip(&point.values) {
            match point.told {
                Told::AsIs => *total = *now,
                Told::Total if begun_anew => *total += now,
                Told::Total => *total += now - before,
                Told::More => *total += now,
            }
        }
        self.latest = point;
        self.heard = Instant::now();
        Ok(())
    }

    fn write(&self, page: &mut String, name: &str, labels: &str) {
        if self.latest.told == Told::AsIs && self.heard.elapsed() > STALE {
            return;
        }
        // Writing to a text cannot fail.
        let Some(bounds) = &self.latest.bounds else {
            let _ = writeln!(page, "{name}{{{labels}}} {}", self.total.first().copied().unwrap_or_default());
            return;
        };
        let comma = if labels.is_empty() { "" } else { "," };
        for (bound, count) in bounds.iter().zip(&self.total) {
            let _ = writeln!(page, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}");
        }
        let (count, sum) = (self.total.get(bounds.len().saturating_sub(1)), self.total.get(bounds.len()));
        let _ = writeln!(page, "{name}_count{{{labels}}} {}", count.copied().unwrap_or_default());
        let _ = writeln!(page, "{name}_sum{{{labels}}} {}", sum.copied().unwrap_or_default());
    }
}

impl Point {
    /// What only grows: of a histogram, how many values there are.
    fn count(&self) -> f64 {
        let place = self.bounds.as_ref().map_or(0, |bounds| bounds.len().saturating_sub(1));
        self.values.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(told: Told, start_unix_nano: u64, unix_nano: u64, value: f64) -> Point {
        Point { told, start_unix_nano, unix_nano, bounds: None, values: vec![value] }
    }

    fn page(pushed: &Pushed) -> String {
        pushed.pages(|_, _| true).into_iter().map(|(service, page)| format!("# {service}\n{page}")).collect()
    }

    /// What a counter is after each of these points; `table` is made long before or after their start.
    fn totals(pushed: &Pushed, points: &[Point]) -> Vec<String> {
        let total = |point: &Point| {
            pushed.add("s", "c", "a=\"1\"".to_owned(), point.clone()).unwrap();
            page(pushed).trim_end().rsplit(' ').next().unwrap().to_owned()
        };
        points.iter().map(total).collect()
    }

    #[test]
    fn totals_and_deltas_come_to_the_same() {
        let later = now() + 1_000_000_000_000;
        let more = |at, value| point(Told::More, later, later + at, value);
        assert_eq!(totals(&Pushed::new(), &[more(1, 5.0), more(2, 2.0), more(2, 2.0), more(3, 0.0)]), ["5", "7", "7", "7"]);
        let total = |at, value| point(Told::Total, later, later + at, value);
        assert_eq!(totals(&Pushed::new(), &[total(1, 5.0), total(2, 7.0), total(1, 5.0), total(3, 7.5)]), ["5", "7", "7", "7.5"]);
        let is = |at, value| point(Told::AsIs, 0, later + at, value);
        assert_eq!(totals(&Pushed::new(), &[is(1, 5.0), is(3, -2.0), is(2, 9.0)]), ["5", "-2", "-2"]);
    }

    #[test]
    fn what_was_counted_before_the_lab_is_nobodys_increase() {
        let old = |at, value| point(Told::Total, 1, at, value);
        assert_eq!(totals(&Pushed::new(), &[old(2, 100.0), old(3, 103.0)]), ["0", "3"]);
        let started = Pushed::new();
        started.begins("s");
        assert_eq!(totals(&started, &[old(2, 100.0), old(3, 103.0)]), ["100", "103"]);
        started.begins("s");
        assert_eq!((page(&started).as_str(), started.lock().bytes), ("", 0));
    }

    #[test]
    fn a_process_that_begins_anew_counts_from_0() {
        let pushed = Pushed::new();
        pushed.begins("s");
        let total = |start, at, value| point(Told::Total, start, at, value);
        // It says so by its start; then by a smaller value.
        let told = totals(&pushed, &[total(1, 2, 10.0), total(5, 6, 11.0), total(5, 7, 12.0), total(0, 8, 4.0)]);
        assert_eq!(told, ["10", "21", "22", "26"]);
    }

    #[test]
    fn a_histogram_is_told_by_its_buckets() {
        let pushed = Pushed::new();
        let of = |at, values: [f64; 3]| Point {
            told: Told::More,
            start_unix_nano: 0,
            unix_nano: at,
            bounds: Some(vec![0.5, f64::INFINITY]),
            values: values.to_vec(),
        };
        pushed.add("s", "h", String::new(), of(1, [1.0, 2.0, 3.5])).unwrap();
        pushed.add("s", "h", String::new(), of(2, [1.0, 1.0, 0.25])).unwrap();
        let expected = "# s\nh_bucket{le=\"0.5\"} 2\nh_bucket{le=\"inf\"} 3\nh_count{} 3\nh_sum{} 3.75\n";
        assert_eq!(page(&pushed), expected);
    }

    #[test]
    fn the_table_keeps_to_its_bound() {
        let pushed = Pushed::new();
        let add = |number: usize| pushed.add("s", "c", format!("a=\"{number}{}\"", "x".repeat(10_000)), point(Told::AsIs, 0, 1, 1.0));
        let full = (0..2000).find(|number| add(*number) == Err(Unfit::Full)).unwrap();
        assert!(pushed.lock().bytes <= MOST_BYTES && full > 700, "{full}");
        assert_eq!(add(0), Ok(()), "what is known is still taken");
        pushed.forget("s", "c", format!("a=\"0{}\"", "x".repeat(10_000)));
        assert_eq!(add(full), Ok(()));
    }
}
