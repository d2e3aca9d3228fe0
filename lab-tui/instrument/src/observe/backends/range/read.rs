//! The answers of Prometheus, Loki and Tempo to queries over a stretch of time.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{QueryResult, Series};
use crate::observe::backends::answer::data;
use crate::observe::backends::logs;
use crate::observe::logs::LogText;

/// Seconds since 1970, and the value as a text.
type Point = (f64, String);

#[derive(Debug, Deserialize)]
struct Measured {
    metric: BTreeMap<String, String>,
    /// Of a range of time.
    #[serde(default)]
    values: Vec<Point>,
    /// Of a moment.
    value: Option<Point>,
}

/// What Prometheus or Loki gives.
pub(super) fn result(body: &[u8]) -> anyhow::Result<QueryResult> {
    let data = data(body)?;
    match data.result_type.as_str() {
        "matrix" | "vector" => {
            let measured: Vec<Measured> = serde_json::from_value(data.result)?;
            all(measured.into_iter().map(|one| (one.metric, one.values.into_iter().chain(one.value).collect())))
        }
        "scalar" => all([(BTreeMap::new(), vec![serde_json::from_value(data.result)?])].into_iter()),
        "streams" => {
            let streams: Vec<logs::Stream> = serde_json::from_value(data.result)?;
            let mut lines: Vec<_> = streams.into_iter().flat_map(logs::read).collect();
            // One that was delivered twice is one.
            let mut seen = HashSet::new();
            lines.retain(|line: &LogText| seen.insert((line.unix_nano, line.service.clone(), line.text.clone())));
            lines.sort_by_key(|line| line.unix_nano);
            Ok(QueryResult::Lines(lines))
        }
        other => bail!("it gives a {other}, which is nothing over time"),
    }
}

fn all(series: impl Iterator<Item = (BTreeMap<String, String>, Vec<Point>)>) -> anyhow::Result<QueryResult> {
    let point = |(at, value): Point| anyhow::Ok((nanos(at), value.parse().with_context(|| format!("`{value}` is no number"))?));
    let series =
        series.map(|(labels, points)| Ok(Series { labels, points: points.into_iter().map(point).collect::<anyhow::Result<_>>()? }));
    Ok(QueryResult::Series { series: series.collect::<anyhow::Result<_>>()?, left_out: 0 })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970, clamped by the cast")]
fn nanos(seconds: f64) -> u64 {
    ((seconds * 1000.0).round() as u64).saturating_mul(1_000_000)
}

#[derive(Debug, Deserialize)]
struct Metrics {
    #[serde(default)]
    series: Vec<TempoSeries>,
}

#[derive(Debug, Deserialize)]
struct TempoSeries {
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Label {
    key: String,
    /// As OTLP has values: its type is its key.
    #[serde(default)]
    value: serde_json::Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    timestamp_ms: String,
    /// Left out where it is zero.
    #[serde(default)]
    value: f64,
}

/// What Tempo gives where it is asked for numbers.
pub(super) fn tempo_metrics(body: &[u8]) -> anyhow::Result<QueryResult> {
    let label = |Label { key, value }| {
        let value = value.into_iter().next().map(|(_, value)| value).unwrap_or_default();
        (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let sample = |sample: Sample| anyhow::Ok((sample.timestamp_ms.parse::<u64>()?.saturating_mul(1_000_000), sample.value));
    let Metrics { series } = serde_json::from_slice(body)?;
    let series = series.into_iter().map(|one| {
        let labels = one.labels.into_iter().map(label).collect();
        Ok(Series { labels, points: one.samples.into_iter().map(sample).collect::<anyhow::Result<_>>()? })
    });
    Ok(QueryResult::Series { series: series.collect::<anyhow::Result<_>>()?, left_out: 0 })
}

/// The character of the query at which it stops making sense, where a refusal names it: Prometheus says `1:5: parse error`, Loki and Tempo
/// `line 1, col 18`.
pub(super) fn place(refusal: &str) -> Option<usize> {
    if let Some((_, rest)) = refusal.split_once("line 1, col ") {
        return leading_number(rest);
    }
    let (before, _) = refusal.split_once(": parse error")?;
    let (before, column) = before.rsplit_once(':')?;
    before.ends_with('1').then(|| leading_number(column))?
}

fn leading_number(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().ok()
}
