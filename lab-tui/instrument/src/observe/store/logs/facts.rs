//! What the store needs to know of a log line.

use std::borrow::Cow;

use lab_facts::event::TraceId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The message of an access log line, written once for each request that a service answers.
const ACCESS_LOG: &str = "Request completed";

/// What the store needs to know of a log line.
#[derive(Debug, Default, PartialEq)]
pub(in crate::observe::store) struct Facts {
    /// When it was written, in nanoseconds since 1970, where it says so.
    pub(in crate::observe::store) unix_nano: Option<u64>,
    /// The trace whose ID it carries.
    pub(in crate::observe::store) trace_id: Option<TraceId>,
    /// Whether it is the one line that is written for each request.
    pub(in crate::observe::store) is_access_log: bool,
    /// Whether it tells of a request: only such a line can lack a trace.
    pub(in crate::observe::store) is_of_a_request: bool,
}

/// The keys that are looked at.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    trace_id: Option<Cow<'a, str>>,
    span_id: Option<IgnoredAny>,
    route: Option<IgnoredAny>,
    #[serde(rename = "http.route")]
    http_route: Option<IgnoredAny>,
    #[serde(rename = "http.request.method")]
    http_request_method: Option<IgnoredAny>,
    #[serde(rename = "url.path")]
    url_path: Option<IgnoredAny>,
}

impl Facts {
    pub(in crate::observe::store) fn read(line: &str) -> Self {
        let Ok(keys) = serde_json::from_str::<Keys<'_>>(line) else { return Self::of_any(line) };
        let moment = keys.timestamp.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        let is_access_log = keys.message.is_some_and(|message| message == ACCESS_LOG);
        let of_requests = [keys.span_id, keys.route, keys.http_route, keys.http_request_method, keys.url_path];
        Self {
            unix_nano: moment.and_then(|moment| u64::try_from(moment.unix_timestamp_nanos()).ok()),
            trace_id: keys.trace_id.and_then(|text| TraceId::parse(&text)),
            is_access_log,
            is_of_a_request: is_access_log || of_requests.iter().any(Option::is_some),
        }
    }

    /// Of a line that is no JSON, or in which something is written in another way: a time as a number, say.
    fn of_any(line: &str) -> Self {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let is_access_log = line["message"] == ACCESS_LOG;
        Self {
            unix_nano: None,
            trace_id: line["trace_id"].as_str().and_then(TraceId::parse),
            is_access_log,
            is_of_a_request: is_access_log || !line["span_id"].is_null(),
        }
    }
}
