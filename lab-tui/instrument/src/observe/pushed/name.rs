//! From OpenTelemetry's names to Prometheus's: no dots, units and `_total` at the end.
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus>

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::observe::import::attributes;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::Value;

/// Units of UCUM, and their words.
const UNITS: [(&str, &str); 31] = [
    ("1", ""),
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tebibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("B", "bytes"),
    ("KB", "kilobytes"),
    ("MB", "megabytes"),
    ("GB", "gigabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

/// The same behind `per`.
const PER: [(&str, &str); 7] =
    [("s", "second"), ("m", "minute"), ("min", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month")];

/// What a metric is, as far as its name shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::observe) enum Shape {
    Gauge,
    /// A sum that only grows.
    Counter,
    Other,
}

/// The name under which a metric is exposed.
pub(in crate::observe) fn metric(name: &str, unit: &str, shape: Shape) -> String {
    let mut words: Vec<&str> = words(name).collect();
    let (unit_of, per) = unit.split_once('/').map_or((unit, ""), |(unit, per)| (unit, per));
    let (of, per) = (unit_words(unit_of, &UNITS), unit_words(per, &PER));
    if !of.is_empty() && !words.contains(&of.as_str()) {
        words.push(&of);
    }
    if !per.is_empty() && !words.contains(&per.as_str()) {
        words.extend(["per", &per]);
    }
    let last = match shape {
        Shape::Counter => Some("total"),
        Shape::Gauge if unit.trim() == "1" => Some("ratio"),
        Shape::Gauge | Shape::Other => None,
    };
    if let Some(last) = last {
        words.retain(|word| *word != last);
        words.push(last);
    }
    let name = words.join("_");
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|word| !word.is_empty())
}

/// In words; nothing for a unit that is a note, such as `{request}`.
fn unit_words(unit: &str, known: &[(&str, &str)]) -> String {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return String::new();
    }
    match known.iter().find(|(short, _)| *short == unit) {
        Some((_, long)) => (*long).to_owned(),
        None => words(unit).collect::<Vec<_>>().join("_"),
    }
}

/// Labels as they are exposed, without the braces; `instance` is `service.instance.id`, where it has one.
pub(in crate::observe) fn labels(pairs: Vec<KeyValue>, instance: Option<&str>) -> String {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in attributes(pairs) {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        // Of two that have the same name here, both values.
        labels.entry(label(&key)).and_modify(|before| *before = format!("{before};{value}")).or_insert(value);
    }
    if let Some(instance) = instance {
        labels.entry("instance".to_owned()).or_insert_with(|| instance.to_owned());
    }
    let mut written = String::new();
    for (key, value) in labels {
        let comma = if written.is_empty() { "" } else { "," };
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        // Writing to a text cannot fail.
        let _ = write!(written, "{comma}{key}=\"{value}\"");
    }
    written
}

fn label(key: &str) -> String {
    let plain: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.is_empty() || plain.starts_with(|first: char| first.is_ascii_digit()) { format!("key_{plain}") } else { plain }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};

    use super::*;
    use crate::observe::exposition;

    #[test]
    fn names_are_those_of_prometheus() {
        use Shape::{Counter, Gauge, Other};
        for (name, unit, shape, expected) in [
            ("http.server.request.duration", "s", Other, "http_server_request_duration_seconds"),
            ("http.server.active_requests", "{request}", Other, "http_server_active_requests"),
            ("orders.placed", "{order}", Counter, "orders_placed_total"),
            ("orders_total", "", Counter, "orders_total"),
            ("process.cpu.time", "s", Counter, "process_cpu_time_seconds_total"),
            ("bytes.sent", "By", Counter, "bytes_sent_total"),
            ("system.memory.utilization", "1", Gauge, "system_memory_utilization_ratio"),
            ("speed", "m/s", Gauge, "speed_meters_per_second"),
            ("queue__depth.", "", Gauge, "queue_depth"),
            ("2xx", "", Counter, "_2xx_total"),
            ("odd", "foo.bar", Gauge, "odd_foo_bar"),
        ] {
            assert_eq!(metric(name, unit, shape), expected);
        }
    }

    #[test]
    fn labels_are_read_back_as_they_were() {
        let pair = |key: &str, value| KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() };
        let text = any_value::Value::StringValue("say \"hi\" \\ \n".to_owned());
        let pairs = vec![pair("http.route", text), pair("5", any_value::Value::IntValue(7))];
        let line = format!("a{{{}}} 1", labels(pairs, Some("i")));
        let sample = exposition::samples(&line).next().unwrap().unwrap();
        assert_eq!(["http_route", "key_5", "instance"].map(|key| sample.label(key).unwrap()), ["say \"hi\" \\ \n", "7", "i"]);
        assert_eq!(labels(Vec::new(), None), "");
    }
}
