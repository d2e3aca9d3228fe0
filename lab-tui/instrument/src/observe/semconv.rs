//! What OpenTelemetry's semantic conventions require of the spans of HTTP and database calls, as they are since they became stable.
//! <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>, <https://opentelemetry.io/docs/specs/semconv/db/database-spans/>

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::store::SpanRef;

/// An attribute: its name, whether every such span must have it, and what it was called before.
struct Rule {
    name: &'static str,
    missing: Option<&'static str>,
    before: &'static [(&'static str, &'static str)],
}

/// Names once, and says all that can be wrong with it.
macro_rules! rule {
    (required $name:literal $(, $old:literal)*) => {
        Rule { name: $name, missing: Some(concat!($name, " is missing")), before: &[$(($old, concat!($old, " instead of ", $name))),*] }
    };
    ($name:literal $(, $old:literal)*) => {
        Rule { name: $name, missing: None, before: &[$(($old, concat!($old, " instead of ", $name))),*] }
    };
}

const HTTP_SERVER: [Rule; 4] = [
    rule!(required "http.request.method", "http.method"),
    rule!(required "url.path", "http.target", "http.url"),
    rule!(required "url.scheme", "http.scheme"),
    rule!("http.response.status_code", "http.status_code"),
];

const HTTP_CLIENT: [Rule; 5] = [
    rule!(required "http.request.method", "http.method"),
    rule!(required "url.full", "http.url"),
    rule!(required "server.address", "net.peer.name", "http.host"),
    rule!(required "server.port", "net.peer.port"),
    rule!("http.response.status_code", "http.status_code"),
];

const DATABASE: [Rule; 5] = [
    rule!(required "db.system.name", "db.system"),
    rule!("db.query.text", "db.statement"),
    rule!("db.namespace", "db.name"),
    rule!("db.operation.name", "db.operation"),
    rule!("db.collection.name", "db.sql.table"),
];

/// Of a call that failed.
const FAILED: Rule = rule!(required "error.type");

/// Tells each attribute that is required of a span and missing or misnamed. Names of before are none where today's are there as well.
pub(super) fn violations(span: &SpanRef<'_>, mut each: impl FnMut(&'static str)) {
    let begins = |prefix: &str| span.attributes.iter().any(|attribute| attribute.key.starts_with(prefix));
    let rules: &[Rule] = match span.kind() {
        SpanKind::Client if begins("db.") => &DATABASE,
        SpanKind::Client if begins("http.") => &HTTP_CLIENT,
        SpanKind::Server if begins("http.") => &HTTP_SERVER,
        _ => return,
    };
    let has = |key: &str| span.attributes.iter().any(|attribute| attribute.key == key);
    for rule in rules.iter().chain(span.failed().then_some(&FAILED)) {
        if has(rule.name) {
            continue;
        }
        match rule.before.iter().find(|(old, _)| has(old)) {
            Some((_, misnamed)) => each(misnamed),
            None => rule.missing.into_iter().for_each(&mut each),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::KeyValue;
    use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};

    use super::*;

    fn found(kind: SpanKind, failed: bool, keys: &[&str]) -> Vec<&'static str> {
        let attributes = keys.iter().map(|key| KeyValue { key: (*key).to_owned(), ..KeyValue::default() }).collect();
        let code = if failed { StatusCode::Error } else { StatusCode::Unset };
        let status = Some(Status { code: code.into(), ..Status::default() });
        let mut found = Vec::new();
        violations(&(&Span { kind: kind.into(), attributes, status, ..Span::default() }).into(), |what| found.push(what));
        found
    }

    #[test]
    fn todays_names_are_right() {
        let server = ["http.request.method", "url.path", "url.scheme", "http.route"];
        let client = ["http.request.method", "url.full", "server.address", "server.port", "http.response.status_code"];
        assert_eq!(found(SpanKind::Server, false, &server), [""; 0]);
        assert_eq!(found(SpanKind::Client, false, &client), [""; 0]);
        assert_eq!(found(SpanKind::Client, true, &["db.system.name", "db.query.text", "error.type"]), [""; 0]);
        assert_eq!(found(SpanKind::Client, false, &["db.system.name", "db.query.text", "db.system", "db.statement"]), [""; 0], "both");
        assert_eq!(found(SpanKind::Internal, true, &["http.status_code"]), [""; 0], "no call");
        assert_eq!(found(SpanKind::Client, true, &["rpc.system"]), [""; 0], "neither HTTP nor a database");
    }

    #[test]
    fn what_is_missing_or_misnamed_is_told() {
        let old = ["http.method", "http.scheme", "http.target", "http.status_code"];
        let told = [
            "http.method instead of http.request.method",
            "http.target instead of url.path",
            "http.scheme instead of url.scheme",
            "http.status_code instead of http.response.status_code",
        ];
        assert_eq!(found(SpanKind::Server, false, &old), told);
        let told = ["url.full is missing", "server.address is missing", "net.peer.port instead of server.port", "error.type is missing"];
        assert_eq!(found(SpanKind::Client, true, &["http.request.method", "net.peer.port"]), told);
        assert_eq!(
            found(SpanKind::Client, false, &["db.operation"]),
            ["db.system.name is missing", "db.operation instead of db.operation.name"]
        );
    }
}
