//! OTLP as JSON: protobuf's own mapping, except that IDs are written in hex. <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>
//!
//! Read by hand, because what `opentelemetry-proto` brings along refuses attributes of a kind that it does not know, and brings two
//! crates.

pub(super) mod logs;
pub(super) mod metrics;

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::{Map, Value as Json, json};

use super::exchange::Status as RpcStatus;

pub(in crate::observe) type Object = Map<String, Json>;

/// Why a message was refused.
pub(in crate::observe) type Refused = String;

/// A message as it was sent. Fields that are not known are passed over; one that is missing or null is at its default.
pub(super) fn read(body: &[u8]) -> Result<ExportTraceServiceRequest, Refused> {
    Ok(ExportTraceServiceRequest { resource_spans: read_spans(&object(body)?)? })
}

/// The spans of a message that has been taken apart.
pub(in crate::observe) fn read_spans(message: &Object) -> Result<Vec<ResourceSpans>, Refused> {
    list(message, "resourceSpans", resource_spans)
}

fn object(body: &[u8]) -> Result<Object, Refused> {
    match serde_json::from_slice(body).map_err(|error| error.to_string())? {
        Json::Object(message) => Ok(message),
        _ => Err("the message is no object".to_owned()),
    }
}

pub(super) fn answer(response: &ExportTraceServiceResponse) -> String {
    match &response.partial_success {
        None => json!({}),
        // 64-bit numbers are strings in JSON, which knows none of that size.
        Some(part) => json!({ "partialSuccess": { "rejectedSpans": part.rejected_spans.to_string(), "errorMessage": part.error_message } }),
    }
    .to_string()
}

/// A refusal, in the place of an answer.
pub(super) fn refusal(status: &RpcStatus) -> String {
    json!({ "code": status.code, "message": status.message }).to_string()
}

fn resource_spans(from: &Object) -> Result<ResourceSpans, Refused> {
    Ok(ResourceSpans {
        resource: resource(from)?,
        scope_spans: list(from, "scopeSpans", |from| {
            Ok(ScopeSpans { scope: scope(from)?, spans: list(from, "spans", span)?, ..ScopeSpans::default() })
        })?,
        ..ResourceSpans::default()
    })
}

fn resource(from: &Object) -> Result<Option<Resource>, Refused> {
    one(from, "resource", |from| Ok(Resource { attributes: attributes(from)?, ..Resource::default() }))
}

fn scope(from: &Object) -> Result<Option<InstrumentationScope>, Refused> {
    one(from, "scope", |from| {
        Ok(InstrumentationScope { name: text(from, "name")?, version: text(from, "version")?, ..InstrumentationScope::default() })
    })
}

fn span(from: &Object) -> Result<Span, Refused> {
    Ok(Span {
        trace_id: id(from, "traceId")?,
        span_id: id(from, "spanId")?,
        parent_span_id: id(from, "parentSpanId")?,
        trace_state: text(from, "traceState")?,
        flags: number(from, "flags")?,
        name: text(from, "name")?,
        kind: number(from, "kind")?,
        start_time_unix_nano: number(from, "startTimeUnixNano")?,
        end_time_unix_nano: number(from, "endTimeUnixNano")?,
        attributes: attributes(from)?,
        events: list(from, "events", |from| {
            let (name, time_unix_nano) = (text(from, "name")?, number(from, "timeUnixNano")?);
            Ok(Event { name, time_unix_nano, attributes: attributes(from)?, ..Event::default() })
        })?,
        links: list(from, "links", |from| {
            Ok(Link { trace_id: id(from, "traceId")?, span_id: id(from, "spanId")?, attributes: attributes(from)?, ..Link::default() })
        })?,
        status: one(from, "status", |from| Ok(Status { message: text(from, "message")?, code: number(from, "code")? }))?,
        ..Span::default()
    })
}

fn attributes(from: &Object) -> Result<Vec<KeyValue>, Refused> {
    list(from, "attributes", key_value)
}

fn key_value(from: &Object) -> Result<KeyValue, Refused> {
    Ok(KeyValue { key: text(from, "key")?, value: one(from, "value", any_value)?, ..KeyValue::default() })
}

/// A value of a kind that is not known is none.
fn any_value(from: &Object) -> Result<AnyValue, Refused> {
    let known = from.iter().find_map(|(kind, value)| Some((kind.as_str(), value)).filter(|_| !value.is_null()));
    let wrong = |kind: &str| format!("`{kind}` holds something else");
    let value = match known {
        Some((kind @ "stringValue", value)) => Some(Value::StringValue(value.as_str().ok_or_else(|| wrong(kind))?.to_owned())),
        Some((kind @ "boolValue", value)) => Some(Value::BoolValue(value.as_bool().ok_or_else(|| wrong(kind))?)),
        Some((kind @ "intValue", _)) => Some(Value::IntValue(number(from, kind)?)),
        Some((kind @ "doubleValue", value)) => Some(Value::DoubleValue(float(value).ok_or_else(|| wrong(kind))?)),
        Some(("arrayValue", _)) => {
            one(from, "arrayValue", |from| Ok(ArrayValue { values: list(from, "values", any_value)? }))?.map(Value::ArrayValue)
        }
        Some(("kvlistValue", _)) => {
            one(from, "kvlistValue", |from| Ok(KeyValueList { values: list(from, "values", key_value)? }))?.map(Value::KvlistValue)
        }
        Some((kind @ "bytesValue", value)) => Some(Value::BytesValue(value.as_str().and_then(base64).ok_or_else(|| wrong(kind))?)),
        _ => None,
    };
    Ok(AnyValue { value })
}

/// The field, unless it is missing or null, which mean the same.
fn field<'o>(from: &'o Object, name: &str) -> Option<&'o Json> {
    from.get(name).filter(|value| !value.is_null())
}

fn one<T>(from: &Object, name: &str, read: impl Fn(&Object) -> Result<T, Refused>) -> Result<Option<T>, Refused> {
    let Some(value) = field(from, name) else { return Ok(None) };
    read(value.as_object().ok_or_else(|| format!("`{name}` is no object"))?).map(Some)
}

fn list<T>(from: &Object, name: &str, read: impl Fn(&Object) -> Result<T, Refused>) -> Result<Vec<T>, Refused> {
    let Some(value) = field(from, name) else { return Ok(Vec::new()) };
    let list = value.as_array().ok_or_else(|| format!("`{name}` is no list"))?;
    list.iter().map(|one| read(one.as_object().ok_or_else(|| format!("`{name}` holds something that is no object"))?)).collect()
}

fn text(from: &Object, name: &str) -> Result<String, Refused> {
    let Some(value) = field(from, name) else { return Ok(String::new()) };
    value.as_str().map(str::to_owned).ok_or_else(|| format!("`{name}` is no string"))
}

/// A whole number, or one in a string, as 64-bit numbers are written. Names of enumerations are refused, as the specification wants.
fn number<T: TryFrom<i128> + Default>(from: &Object, name: &str) -> Result<T, Refused> {
    let Some(value) = field(from, name) else { return Ok(T::default()) };
    whole(value).ok_or_else(|| format!("`{name}` is no whole number of its size"))
}

fn whole<T: TryFrom<i128>>(value: &Json) -> Option<T> {
    let number = match value {
        Json::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    T::try_from(number?).ok()
}

/// Infinity and NaN are strings.
fn float(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// Hex digits of either case. How long an ID must be, the store knows.
fn id(from: &Object, name: &str) -> Result<Vec<u8>, Refused> {
    let text = text(from, name)?;
    let hex = text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    bytes.collect::<Option<_>>().filter(|_| hex).ok_or_else(|| format!("`{name}` is not in hex"))
}

/// The standard and the URL-safe alphabet, padded or not.
pub(in crate::observe) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, and what its rules allow beyond it.
    #[test]
    fn every_field_is_read() {
        let body = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}]},
            "scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0","attributes":[]},"spans":[{
            "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","parentSpanId":"EEE19B7EC3C1B173",
            "name":"I'm a server span","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"kind":2,
            "somethingNew":{"a":[1]},"traceState":null,"status":{"code":2,"message":"no"},
            "events":[{"timeUnixNano":"5","name":"e","attributes":[]}],"links":[{"traceId":"00","spanId":"01"}],
            "attributes":[{"key":"a","value":{"intValue":"-7"}},{"key":"b","value":{"intValue":7}},{"key":"c","value":{"doubleValue":1.5}},
            {"key":"d","value":{"boolValue":true}},{"key":"e","value":{"bytesValue":"aGk_"}},{"key":"f","value":{"newValue":1}},
            {"key":"g","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}},{"key":"h","value":{}},
            {"key":"i","value":{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":"NaN"}}]}}}]}]}]}]}"#;
        let request = read(body.as_bytes()).unwrap();
        let spans = &request.resource_spans[0].scope_spans[0];
        assert_eq!(spans.scope.as_ref().unwrap().name, "my.library");
        let span = &spans.spans[0];
        assert_eq!((span.trace_id.len(), span.trace_id[0], span.span_id[0], span.parent_span_id[7]), (16, 0x5b, 0xee, 0x73));
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (1_544_712_660_000_000_000, 1_544_712_661_000_000_000));
        assert_eq!(
            (span.kind, span.status.as_ref().unwrap().code, span.events[0].time_unix_nano, span.links[0].span_id.len()),
            (2, 2, 5, 1)
        );
        let values: Vec<_> = span.attributes.iter().map(|one| one.value.clone().unwrap().value).collect();
        assert_eq!(values[..4], [Value::IntValue(-7), Value::IntValue(7), Value::DoubleValue(1.5), Value::BoolValue(true)].map(Some));
        assert_eq!(values[4], Some(Value::BytesValue(b"hi?".to_vec())));
        assert_eq!((&values[5], &values[7]), (&None, &None));
        assert!(matches!(&values[6], Some(Value::ArrayValue(array)) if array.values.len() == 1));
        assert!(matches!(&values[8], Some(Value::KvlistValue(list)) if list.values[0].key == "k"));
        assert_eq!(read(b"{}").unwrap(), ExportTraceServiceRequest::default());
    }

    #[test]
    fn what_is_no_message_is_refused_with_the_field_in_question() {
        let span = |field: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{field}}}]}}]}}]}}"#);
        for (body, why) in [
            ("[]".to_owned(), "no object"),
            ("{".to_owned(), "EOF"),
            (r#"{"resourceSpans":{}}"#.to_owned(), "`resourceSpans` is no list"),
            (r#"{"resourceSpans":[1]}"#.to_owned(), "`resourceSpans` holds"),
            (span(r#""traceId":"xyz0""#), "`traceId` is not in hex"),
            (span(r#""spanId":"abc""#), "`spanId` is not in hex"),
            (span(r#""name":7"#), "`name` is no string"),
            (span(r#""kind":"SPAN_KIND_SERVER""#), "`kind` is no whole number"),
            (span(r#""startTimeUnixNano":-1"#), "`startTimeUnixNano` is no whole number"),
            (span(r#""attributes":[{"key":"a","value":{"boolValue":"yes"}}]"#), "`boolValue` holds something else"),
        ] {
            let refused = read(body.as_bytes()).unwrap_err();
            assert!(refused.contains(why), "{body}: {refused}");
        }
    }
}
