//! How much a backend's answer holds.

use anyhow::ensure;
use lab_facts::event::{EXAMPLES, TraceId};
use lab_facts::scenario::Backend;
use serde::Deserialize;
use serde_json::Value;

use super::Counted;

/// Prometheus's and Loki's.
#[derive(Debug, Deserialize)]
struct Queried {
    status: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    /// `matrix`, `streams` and so on.
    pub(super) result_type: String,
    /// What that type says.
    pub(super) result: Value,
}

/// What Prometheus or Loki gives when all is well.
pub(super) fn data(body: &[u8]) -> anyhow::Result<Data> {
    let Queried { status, data } = serde_json::from_slice(body)?;
    ensure!(status == "success", "its status is {status}");
    Ok(data)
}

#[derive(Debug, Deserialize)]
struct Searched {
    #[serde(default)]
    traces: Vec<FoundTrace>,
}

#[derive(Debug, Deserialize)]
struct FoundTrace {
    #[serde(rename = "traceID")]
    trace_id: String,
}

/// Counts series, lines or traces.
pub(super) fn read(backend: Backend, body: &[u8]) -> anyhow::Result<Counted> {
    if backend == Backend::Tempo {
        let traces = serde_json::from_slice::<Searched>(body)?.traces;
        // Tempo leaves zeros at the beginning of an ID out.
        let ids = traces.iter().filter_map(|trace| TraceId::parse(&format!("{:0>32}", trace.trace_id)));
        return Ok(Counted { count: number(traces.len()), examples: ids.take(EXAMPLES).collect() });
    }
    let data = data(body)?;
    let result: Vec<Value> = serde_json::from_value(data.result)?;
    Ok(match data.result_type.as_str() {
        // One number or text, as a moment and a value.
        "scalar" | "string" => Counted { count: 1, examples: Vec::new() },
        "streams" => {
            let lines = result.iter().filter_map(|stream| stream["values"].as_array()).map(Vec::len).sum();
            let ids = result.iter().filter_map(|stream| TraceId::parse(stream["stream"]["trace_id"].as_str()?));
            Counted { count: number(lines), examples: ids.take(EXAMPLES).collect() }
        }
        _ => Counted { count: number(result.len()), examples: Vec::new() },
    })
}

/// What a backend says of a query that it refuses: a sentence, or JSON with one in it.
pub(super) fn refusal(body: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = String::from_utf8_lossy(body);
    let said = serde_json::from_str::<Value>(&text).ok().and_then(|json| Some(json["error"].as_str()?.to_owned()));
    let said = said.unwrap_or_else(|| text.trim().to_owned());
    let line = said.lines().next().unwrap_or("nothing");
    line.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
