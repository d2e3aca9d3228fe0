//! What the run needs of the services' metrics: the state of pools, and what promises are about. Pages are asked for; what services send
//! over OTLP is at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use futures_util::future::join_all;
use lab_facts::event::{Fact, ScrapedSeries, ScrapedValue};
use lab_facts::scenario::{Plan, Reading, Series};
use url::Url;

use super::exposition::{self, Sample};
use super::pushed::BUCKETS;
use super::scrape::{self, Client};
use super::store::Store;

/// Asks all services at once; what one of them does not answer is left out.
#[derive(Debug)]
pub struct Scraper {
    client: Client,
    series: Vec<Series>,
    targets: Vec<Target>,
    store: Store,
    /// Services that have sent what is asked for; nothing before the first reading.
    senders: Mutex<Option<BTreeSet<String>>>,
}

#[derive(Debug)]
struct Target {
    service: String,
    url: Url,
    /// Found out once.
    has_pool: OnceLock<bool>,
}

impl Scraper {
    /// Nothing is asked yet. `pages` are the services' pages of metrics, by name; `store` has what they send.
    pub fn new(client: Client, pages: BTreeMap<String, Url>, store: Store, plan: &Plan) -> Self {
        let target = |(service, url)| Target { service, url, has_pool: OnceLock::new() };
        let series = plan.series().into_iter().cloned().collect();
        Self { client, series, targets: pages.into_iter().map(target).collect(), store, senders: Mutex::new(None) }
    }

    /// What the services say now, as facts.
    pub async fn read(&self) -> Vec<Fact> {
        let wanted = |target: &&Target| {
            target.has_pool.get().is_none_or(|has_pool| *has_pool) || self.series.iter().any(|series| asks(series, &target.service))
        };
        let asked = self.targets.iter().filter(wanted).map(async |target| {
            let text = self.client.metrics(&target.url).await.ok()?;
            Some((target, text))
        });
        let (mut facts, mut scraped) = (Vec::new(), BTreeMap::new());
        for (target, text) in join_all(asked).await.into_iter().flatten() {
            let pool = scrape::parse_pool(&target.service, &text);
            target.has_pool.get_or_init(|| pool.is_some());
            facts.extend(pool.map(Fact::Pool));
            scraped.insert(target.service.clone(), read_all(&self.series, &target.service, &text));
        }
        let scraped: Vec<ScrapedSeries> = self.add_sent(scraped).into_values().flatten().collect();
        if !scraped.is_empty() {
            facts.push(Fact::Scraped(scraped));
        }
        facts
    }

    /// What is on a service's own page counts; what is not there may have been sent.
    fn add_sent(&self, mut scraped: BTreeMap<String, Vec<ScrapedSeries>>) -> BTreeMap<String, Vec<ScrapedSeries>> {
        if self.series.is_empty() {
            return scraped;
        }
        let pages = self.store.pushed().pages(|service, name| self.series.iter().any(|one| asks(one, service) && is_of(one, name)));
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = senders.is_none();
        let senders = senders.get_or_insert_default();
        for (service, page) in pages {
            let sent = read_all(&self.series, &service, &page);
            let is_new = senders.insert(service.clone()) && !is_first;
            let all = scraped.entry(service).or_default();
            if all.is_empty() {
                // What began to come while the run goes on was nothing before.
                let nothing = sent.iter().filter(|_| is_new).map(|one| ScrapedSeries { value: None, ..one.clone() });
                all.extend(nothing.collect::<Vec<_>>());
                all.extend(sent);
            } else {
                for (one, sent) in all.iter_mut().zip(sent).filter(|(one, sent)| one.value.is_none() && sent.value.is_some()) {
                    *one = sent;
                }
            }
        }
        scraped
    }
}

/// Whether a metric of that name is read for it.
fn is_of(series: &Series, name: &str) -> bool {
    series.name == name || series.minus.as_deref() == Some(name)
}

fn asks(series: &Series, service: &str) -> bool {
    series.service.as_deref().is_none_or(|one| one == service)
}

fn read_all(series: &[Series], service: &str, text: &str) -> Vec<ScrapedSeries> {
    let asked: Vec<(usize, &Series)> = series.iter().enumerate().filter(|(_, series)| asks(series, service)).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let samples: Vec<Sample<'_>> = exposition::samples(text).flatten().collect();
    let process = samples.iter().find(|sample| sample.name == "process_start_time_seconds").map_or(0, |sample| sample.value.to_bits());
    let each = asked.into_iter();
    each.map(|(index, one)| ScrapedSeries { series: index, service: service.to_owned(), process, value: read(one, &samples) }).collect()
}

fn read(series: &Series, samples: &[Sample<'_>]) -> Option<ScrapedValue> {
    match series.reading {
        // A counter of an event that has not happened yet may not be exposed. Where others of its name and labels are, it is 0.
        Reading::Counter => Some(ScrapedValue::Number(sum(&series.name, series, samples)?.unwrap_or_default())),
        Reading::Gauge => {
            let minus = series.minus.as_ref().map_or(Some(0.0), |name| sum(name, series, samples)?);
            Some(ScrapedValue::Number(sum(&series.name, series, samples)?? - minus?))
        }
        Reading::Histogram => {
            let mut bounds: Vec<(f64, f64)> = Vec::new();
            for sample in samples.iter().filter(|sample| sample.name.strip_suffix("_bucket") == Some(&series.name) && fits(series, sample))
            {
                let Some(bound) = sample.label("le").and_then(|bound| bound.parse::<f64>().ok()) else { continue };
                let place = bounds.partition_point(|(other, _)| *other < bound);
                let full = bounds.len() >= BUCKETS;
                match bounds.get_mut(place) {
                    Some((other, count)) if other.total_cmp(&bound).is_eq() => *count += sample.value,
                    _ if full => return None,
                    _ => bounds.insert(place, (bound, sample.value)),
                }
            }
            let total = sum(&format!("{}_sum", series.name), series, samples)??;
            (!bounds.is_empty()).then_some(ScrapedValue::Histogram(bounds, total))
        }
    }
}

/// The outer is nothing where no such metric is exposed, or none with such labels; the inner where none has these values of them.
fn sum(name: &str, series: &Series, samples: &[Sample<'_>]) -> Option<Option<f64>> {
    let labelled = |sample: &&Sample<'_>| sample.name == name && series.labels.iter().all(|(key, _)| sample.label(key).is_some());
    let mut named = samples.iter().filter(labelled).peekable();
    named.peek()?;
    Some(named.filter(|sample| fits(series, sample)).map(|sample| sample.value).reduce(|a, b| a + b))
}

fn fits(series: &Series, sample: &Sample<'_>) -> bool {
    series.labels.iter().all(|(key, value)| sample.label(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# TYPE c counter
c{status=\"2xx\",route=\"/a\"} 5
c{status=\"2xx\",route=\"/b\"} 7
g{x=\"1\"} 3
g{x=\"2\"} 4
less 2
more 9
h_bucket{le=\"0.1\"} 1
h_bucket{le=\"+Inf\"} 4
h_bucket{le=\"0.5\"} 3
h_sum 2.5
h_count 4
process_start_time_seconds 12
";

    fn read(name: &str, minus: Option<&str>, labels: &[(&str, &str)], reading: Reading) -> Option<ScrapedValue> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let series = Series { name: name.to_owned(), minus: minus.map(str::to_owned), service: Some("s".to_owned()), labels, reading };
        assert!(read_all(std::slice::from_ref(&series), "other", TEXT).is_empty());
        let read = read_all(&[series], "s", TEXT).remove(0);
        assert_eq!(read.process, 12.0_f64.to_bits());
        read.value
    }

    #[test]
    fn series_are_chosen_by_their_labels_and_summed_up() {
        let number = |number| Some(ScrapedValue::Number(number));
        assert_eq!(read("c", None, &[], Reading::Counter), number(12.0));
        assert_eq!(read("c", None, &[("status", "2xx"), ("route", "/b")], Reading::Counter), number(7.0));
        assert_eq!(read("c", None, &[("status", "5xx")], Reading::Counter), number(0.0), "not happened yet");
        assert_eq!(read("c", None, &[("statos", "5xx")], Reading::Counter), None, "no such label");
        assert_eq!(read("d", None, &[], Reading::Counter), None);
        assert_eq!(read("g", None, &[("x", "2")], Reading::Gauge), number(4.0));
        assert_eq!(read("g", None, &[("x", "3")], Reading::Gauge), None);
        assert_eq!(read("more", Some("less"), &[], Reading::Gauge), number(7.0));
        assert_eq!(read("more", Some("nothing"), &[], Reading::Gauge), None);
        let histogram = ScrapedValue::Histogram(vec![(0.1, 1.0), (0.5, 3.0), (f64::INFINITY, 4.0)], 2.5);
        assert_eq!(read("h", None, &[], Reading::Histogram), Some(histogram));
        assert_eq!(read("c", None, &[], Reading::Histogram), None);
    }
}
