//! What a service says of itself at `/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use lab_facts::event::Pool;
use url::Url;

use super::exposition;
use crate::http;
use crate::stack::Endpoints;

/// Requests that a service has answered and those it is answering, health and metrics requests left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// Since the process started.
    pub total: u64,
    /// Of these, answered without a trace, because the caller or the sampler decided so.
    pub unsampled: u64,
    /// When the process started, in seconds since 1970, or the counter's own proxy of it; differs when it was replaced.
    pub process: u64,
    /// Whether there is such a counter at all; the lab's own services have one from their first request on.
    pub is_counted: bool,
}

/// Asks for pages of metrics.
#[derive(Debug, Clone)]
pub struct Client {
    local: reqwest::Client,
    /// For pages that are not on this machine, where there are any.
    outward: Option<reqwest::Client>,
}

impl Client {
    /// For these pages, each of which may take so long.
    ///
    /// # Errors
    /// The machine gives no client.
    pub fn of<'u>(pages: impl Iterator<Item = &'u Url>, timeout: Duration) -> anyhow::Result<Self> {
        // Whoever can ask for what is encrypted can ask for the rest as well.
        let outward = pages.filter(|page| !http::is_local(page)).max_by_key(|page| page.scheme() == "https");
        let outward = outward.map(|page| http::outward(page).timeout(timeout).build()).transpose()?;
        Ok(Self { local: http::local().timeout(timeout).build()?, outward })
    }

    /// Whether it is one.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, page: &Url) -> anyhow::Result<()> {
        let text = self.metrics(page).await?;
        let mut samples = exposition::samples(&text).peekable();
        ensure!(samples.peek().is_some() && samples.all(|sample| sample.is_some()), "it is not in Prometheus's text format");
        Ok(())
    }

    pub(super) async fn metrics(&self, page: &Url) -> anyhow::Result<String> {
        let client = self.outward.as_ref().filter(|_| !http::is_local(page)).unwrap_or(&self.local);
        let answer = async { client.get(page.clone()).send().await?.error_for_status()?.text().await };
        Ok(answer.await.map_err(reqwest::Error::without_url)?)
    }
}

/// Where a page of metrics is by convention.
pub fn usual_page(service: &Url) -> Url {
    let mut page = service.clone();
    page.set_path(&format!("{}/metrics", service.path().trim_end_matches('/')));
    page
}

/// Where the pages of metrics are: of the lab's own services, of those that are attached, and of those that a scenario brings along, the
/// `hosted`.
pub fn pages(endpoints: &Endpoints, hosted: &[&str]) -> BTreeMap<String, Url> {
    let is_own = |name: &String| !hosted.contains(&name.as_str()) && !endpoints.attached.contains(name);
    let own = endpoints.services.iter().filter(|(name, _)| is_own(name)).map(|(name, url)| (name.clone(), usual_page(url)));
    own.chain(endpoints.metrics.clone()).collect()
}

/// Reads the counter of answered requests.
///
/// # Errors
/// When the service does not answer, or not in Prometheus's text format.
pub async fn answered(client: &Client, page: &Url) -> anyhow::Result<Answered> {
    parse(&client.metrics(page).await?).context("not in Prometheus's text format")
}

/// The connection pools of all services that have one.
pub async fn pools(client: &Client, pages: &BTreeMap<String, Url>) -> Vec<Pool> {
    let asked = pages.iter().map(async |(service, page)| parse_pool(service, &client.metrics(page).await.ok()?));
    join_all(asked).await.into_iter().flatten().collect()
}

/// The state of the service's connection pool; nothing where it has none.
pub(super) fn parse_pool(service: &str, text: &str) -> Option<Pool> {
    let (mut size, mut available, mut pending, mut max) = (None, None, None, None);
    for sample in exposition::samples(text).flatten() {
        let place = match sample.name {
            "database_connection_pool_size" => &mut size,
            "database_connection_pool_available" => &mut available,
            "database_connection_pool_pending" => &mut pending,
            "database_connection_pool_max" => &mut max,
            _ => continue,
        };
        *place = u32::try_from(whole(sample.value)).ok();
    }
    let (size, idle) = (size?, available?);
    Some(Pool { service: service.to_owned(), used: size.saturating_sub(idle), idle, pending: pending.unwrap_or_default(), max: max? })
}

fn parse(text: &str) -> Option<Answered> {
    let mut answered = Answered::default();
    for sample in exposition::samples(text) {
        let sample = sample?;
        match sample.name {
            "http_requests_total" if !is_health_or_metrics(sample.label("handler").unwrap_or_default()) => {
                answered.total += whole(sample.value);
                answered.is_counted = true;
            }
            "http_requests_unsampled_total" => answered.unsampled = whole(sample.value),
            "process_start_time_seconds" => answered.process = whole(sample.value * 100.0),
            _ => {}
        }
    }
    Some(answered)
}

fn is_health_or_metrics(handler: &str) -> bool {
    handler == "/metrics" || handler.starts_with("/health")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole, positive and below 2^53")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_and_metrics_do_not_count() {
        let text = "# TYPE http_requests_total counter\n\
            http_requests_total{handler=\"/dice\",status=\"2xx\",method=\"GET\"} 40\n\
            http_requests_total{handler=\"/dice\",status=\"4xx\",method=\"GET\"} 2\n\
            http_requests_total{handler=\"/metrics\",status=\"2xx\",method=\"GET\"} 7\n\
            http_requests_total{handler=\"/health/ready\",status=\"2xx\",method=\"GET\"} 9\n\
            http_requests_unsampled_total 3\n\
            # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1700000000.25\n";
        assert_eq!(parse(text), Some(Answered { total: 42, unsampled: 3, process: 170_000_000_025, is_counted: true }));
    }

    #[test]
    fn own_services_have_their_page_at_metrics_and_others_where_they_say() {
        let url = |text: &str| Url::parse(text).unwrap();
        let named = |name: &str, text: &str| (name.to_owned(), url(text));
        let endpoints = Endpoints {
            services: BTreeMap::from([
                named("own", "http://h:1/"),
                named("silent", "http://h:2/"),
                named("told", "http://h:3/"),
                named("attached", "http://h:5/"),
            ]),
            metrics: BTreeMap::from([named("told", "http://h:4/prometheus?all=1")]),
            attached: vec!["attached".to_owned()],
            database: None,
            otlp_grpc: String::new(),
            otlp_http: String::new(),
            tempo: None,
        };
        let pages = pages(&endpoints, &["silent", "told"]);
        assert_eq!(pages, BTreeMap::from([named("own", "http://h:1/metrics"), named("told", "http://h:4/prometheus?all=1")]));
    }

    #[test]
    fn a_pool_is_read_from_its_gauges() {
        let text = "database_connection_pool_size 10\ndatabase_connection_pool_available 3\n\
            database_connection_pool_pending 4\ndatabase_connection_pool_max 12\n";
        assert_eq!(parse_pool("s", text), Some(Pool { service: "s".to_owned(), used: 7, idle: 3, pending: 4, max: 12 }));
        assert_eq!(parse_pool("s", "http_requests_total 1\n"), None);
    }
}
