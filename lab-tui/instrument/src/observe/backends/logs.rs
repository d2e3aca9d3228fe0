//! Log lines from a Loki, whichever way they came into it: JSON lines that an agent collected, or OTLP log records.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use anyhow::{Context as _, anyhow, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::{MOST, Refused, client, get};
use crate::observe::logs::{LogFilter, LogQuestion, LogText};

/// Every stream of a Loki has this label, unless it was told not to find out a name.
const ALL: &str = "{service_name=~\".+\"}";

#[derive(Debug, Deserialize)]
struct Queried {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    result: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    stream: BTreeMap<String, String>,
    /// Nanoseconds since 1970, the line.
    values: Vec<(String, String)>,
}

/// The lines that fit, by time, among those that came into Loki within the window, in nanoseconds since 1970. A line that was delivered
/// twice is one.
///
/// # Errors
/// When the question is none, Loki does not answer or not as Loki does, or when there are more than it gives at once.
pub(in crate::observe) async fn lines(loki: &Url, question: &LogQuestion, window: Range<u64>) -> anyhow::Result<Vec<LogText>> {
    let filter = question.filter().map_err(anyhow::Error::msg)?;
    let (streams, more) = LokiClient::new(loki)?.streams(query(question, &filter), window).await?;
    ensure!(more.is_none(), "it gives {MOST} lines, and there may be more; ask for fewer");
    let mut seen = HashSet::new();
    let mut lines: Vec<LogText> = streams.into_iter().flat_map(read).collect();
    lines.retain(|line| {
        filter.fits_text(line.unix_nano, &line.service, &line.text)
            && seen.insert((line.unix_nano, line.service.clone(), line.text.clone()))
    });
    lines.sort_by_key(|line| line.unix_nano);
    Ok(lines)
}

/// A Loki that is read page by page.
#[derive(Debug)]
pub(in crate::observe) struct LokiClient {
    client: reqwest::Client,
    base: Url,
}

impl LokiClient {
    pub(in crate::observe) fn new(base: &Url) -> anyhow::Result<Self> {
        Ok(Self { client: client(base)?, base: base.clone() })
    }

    /// The first lines that came in within the window, in nanoseconds since 1970, some of them perhaps twice; and where there are more,
    /// from when on.
    ///
    /// # Errors
    /// When Loki does not answer, or not as Loki does. No error names the address.
    pub(in crate::observe) async fn page(&self, window: Range<u64>) -> anyhow::Result<(Vec<LogText>, Option<u64>)> {
        let (streams, more) = self.streams(ALL.to_owned(), window).await?;
        Ok((streams.into_iter().flat_map(read).collect(), more))
    }

    async fn streams(&self, query: String, window: Range<u64>) -> anyhow::Result<(Vec<Stream>, Option<u64>)> {
        let [start, end] = [window.start, window.end].map(|moment| moment.to_string());
        let parameters =
            [("query", query), ("start", start), ("end", end), ("limit", MOST.to_string()), ("direction", "forward".to_owned())];
        let answered = get(&self.client, &self.base, "/loki/api/v1/query_range", &parameters).await?;
        let body = answered.map_err(|Refused(why)| anyhow!("it refuses the query: {why}"))?;
        let queried: Queried = serde_json::from_slice(&body).context("its answer is not understood")?;
        let moments = queried.data.result.iter().flat_map(|stream| &stream.values).map(|(moment, _)| moment.parse().unwrap_or_default());
        let (all, last) = moments.fold((0, window.start), |(all, last): (u64, u64), moment: u64| (all + 1, last.max(moment)));
        // Where all are of one moment, the next one is all that is left to ask for.
        let more = (all >= MOST).then(|| if last > window.start { last } else { last + 1 });
        Ok((queried.data.result, more))
    }
}

/// In LogQL. What else is asked for is told from the lines, because labels are called differently everywhere.
fn query(question: &LogQuestion, filter: &LogFilter) -> String {
    let mut query = ALL.to_owned();
    if let Some(text) = &question.matching {
        let pattern = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let (sign, text) = pattern.map_or(("|=", text.as_str()), |pattern| ("|~", pattern));
        query += &format!(" {sign} {}", Value::from(text));
    }
    if let Some(trace) = filter.trace() {
        query += &format!(" | json | trace_id=\"{trace}\"");
    }
    query
}

pub(super) fn read(Stream { stream: labels, values }: Stream) -> Vec<LogText> {
    let label = |keys: &[&str]| keys.iter().find_map(|key| labels.get(*key)).map(String::as_str);
    let service = label(&["service", "service_name", "compose_service", "job"]).unwrap_or("unknown_service");
    let line = |(moment, text): (String, String)| {
        let came_in = moment.parse().unwrap_or_default();
        let Ok(Value::Object(line)) = serde_json::from_str::<Value>(&text) else {
            // An OTLP record: its line is its body, and all else of it are labels.
            let mut line = Map::new();
            line.extend(
                label(&["severity_text", "detected_level", "level"]).map(|level| ("level".to_owned(), level.to_uppercase().into())),
            );
            line.insert("service".to_owned(), service.into());
            line.insert("message".to_owned(), text.into());
            for key in ["trace_id", "span_id"] {
                line.extend(labels.get(key).map(|id| (key.to_owned(), id.clone().into())));
            }
            return LogText { unix_nano: came_in, service: service.to_owned(), text: Value::Object(line).to_string() };
        };
        let stamp = line.get("timestamp").and_then(Value::as_str).and_then(|stamp| OffsetDateTime::parse(stamp, &Rfc3339).ok());
        let written = stamp.and_then(|moment| u64::try_from(moment.unix_timestamp_nanos()).ok());
        let service = line.get("service").and_then(Value::as_str).unwrap_or(service);
        LogText { unix_nano: written.unwrap_or(came_in), service: service.to_owned(), text: text.clone() }
    };
    values.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked_in_logql_is() {
        let asked = |question: LogQuestion| query(&question, &question.filter().unwrap());
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(asked(LogQuestion::default()), "{service_name=~\".+\"}");
        let question = LogQuestion { trace: Some(id.to_uppercase()), matching: Some("say \"no\"".to_owned()), ..LogQuestion::default() };
        assert_eq!(asked(question), format!("{{service_name=~\".+\"}} |= \"say \\\"no\\\"\" | json | trace_id=\"{id}\""));
        let question = LogQuestion { matching: Some("/a+b/".to_owned()), ..LogQuestion::default() };
        assert_eq!(asked(question), "{service_name=~\".+\"} |~ \"a+b\"");
    }

    #[test]
    fn a_record_that_came_over_otlp_is_a_line_with_its_ids() {
        let labels = [("service_name", "door"), ("trace_id", "0a"), ("severity_text", "Error"), ("hinge", "x")];
        let stream = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let lines = read(Stream { stream, values: vec![("5".to_owned(), "stuck".to_owned())] });
        let text = r#"{"level":"ERROR","message":"stuck","service":"door","trace_id":"0a"}"#;
        assert_eq!(lines, [LogText { unix_nano: 5, service: "door".to_owned(), text: text.to_owned() }]);
    }
}
