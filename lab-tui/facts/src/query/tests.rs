use serde_json::{Value, json};

use super::*;
use crate::trace::{Status, TraceSpan};

/// `(id, parent, service, name, kind, milliseconds, status, attributes)`; each begins a millisecond after the one before.
type Row<'r> = (&'r str, &'r str, &'r str, &'r str, &'r str, u64, Status, Value);

fn trace(id: &str, rows: &[Row<'_>]) -> Trace {
    let entries = |value: &Value| value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let spans = rows.iter().zip(1..).map(|((id, parent, service, name, kind, millis, status, attributes), begin)| TraceSpan {
        span_id: (*id).to_owned(),
        parent_span_id: (!parent.is_empty()).then(|| (*parent).to_owned()),
        service: (*service).to_owned(),
        name: (*name).to_owned(),
        kind: (*kind).to_owned(),
        start_unix_nano: begin * 1_000_000,
        duration_nano: millis * 1_000_000,
        error: *status == Status::Error,
        status: *status,
        attributes: entries(attributes),
        resource: std::collections::BTreeMap::from_iter([
            ("service.name".to_owned(), json!(service)),
            ("replica".to_owned(), json!(2)),
            ("shared".to_owned(), json!("resource")),
        ])
        .into(),
        ..TraceSpan::default()
    });
    Trace { trace_id: id.to_owned(), spans: spans.collect(), logs: Vec::new() }
}

/// A slow one, one that failed, and one of a single span.
fn traces() -> [Trace; 3] {
    use Status::{Error, Ok, Unset};
    [
        trace(
            "0000000000000000000000000000000a",
            &[
                ("a1", "", "lab", "GET /dice", "client", 1500, Unset, json!({"http.response.status_code": 200})),
                ("a2", "a1", "die", "GET /dice", "server", 1490, Ok, json!({"http.route": "/dice", "shared": "span"})),
                ("a3", "a2", "die", "pool.wait", "internal", 10, Unset, json!({})),
                ("a4", "a2", "die", "SELECT dice", "client", 1400, Unset, json!({"db.system.name": "postgresql", "rows": 3})),
            ],
        ),
        trace(
            "0000000000000000000000000000000b",
            &[
                ("b1", "", "front", "GET /roll", "server", 20, Error, json!({"http.response.status_code": 503})),
                ("b2", "b1", "front", "GET", "client", 18, Error, json!({"http.response.status_code": 503, "a b": 1})),
                ("b3", "b2", "roller", "GET /roll", "server", 16, Error, json!({"http.response.status_code": 503, "share": 0.5})),
            ],
        ),
        trace(
            "0000000000000000000000000000000c",
            &[("c1", "", "front", "say \"hi\"", "server", 1, Unset, json!({"cold": true, "tags": ["x", "y"], "nanos": 1_000_000}))],
        ),
    ]
}

fn matched(query: &Query) -> String {
    let found = traces().map(|trace| query.matches(&trace).into_iter().map(|index| trace.spans[index].span_id.clone()).collect::<Vec<_>>());
    found.concat().join(" ")
}

/// Each query, and the spans of the traces above that match it.
#[test]
fn queries_match_what_they_say() {
    let cases = [
        // Every span, and none.
        ("{}", "a1 a2 a3 a4 b1 b2 b3 c1"),
        ("{ true }", "a1 a2 a3 a4 b1 b2 b3 c1"),
        ("{ false }", ""),
        // Attributes of the span, of its resource, and of whichever has it.
        (r#"{ span.db.system.name = "postgresql" }"#, "a4"),
        (r#"{ resource.service.name = "front" }"#, "b1 b2 c1"),
        (r#"{ .service.name = "roller" }"#, "b3"),
        (r#"{ .shared = "span" }"#, "a2"),
        (r#"{ .shared = "resource" }"#, "a1 a3 a4 b1 b2 b3 c1"),
        (r#"{ span.shared = "resource" }"#, ""),
        ("{ resource.replica = 2 && span.rows=3 }", "a4"),
        (r#"{ span."a b" = 1 }"#, "b2"),
        // What is not there compares with nothing but nil.
        ("{ span.http.response.status_code != 503 }", "a1"),
        ("{ !(span.http.response.status_code = 503) }", "a1 a2 a3 a4 c1"),
        ("{ span.rows != nil }", "a4"),
        (r#"{ .service.name = "die" && span.rows = nil }"#, "a2 a3"),
        (r#"{ span.rows = "3" }"#, ""),
        // Types.
        ("{ span.share > 0.25 && span.share <= .5 }", "b3"),
        ("{ span.http.response.status_code >= 500 }", "b1 b2 b3"),
        ("{ 500 > span.http.response.status_code }", "a1"),
        ("{ span.rows > -1 }", "a4"),
        ("{ span.cold }", "c1"),
        ("{ span.cold = true }", "c1"),
        ("{ !span.cold && kind = server }", "a2 b1 b3"),
        (r#"{ span.tags = "y" }"#, "c1"),
        (r#"{ span.tags != "y" }"#, ""),
        (r#"{ "y" < span.tags }"#, ""),
        (r#"{ "x" < span.tags }"#, "c1"),
        ("{ span.nanos >= 1ms }", "c1"),
        // Intrinsics, both spellings.
        (r#"{ name = "say \"hi\"" }"#, "c1"),
        (r#"{ name = `say "hi"` }"#, "c1"),
        ("{ kind = client }", "a1 a4 b2"),
        ("{ status = error }", "b1 b2 b3"),
        ("{ status = ok }", "a2"),
        ("{ status != error && kind != server }", "a1 a3 a4"),
        ("{ duration > 1.4s }", "a1 a2"),
        ("{ duration >= 1s400ms && duration < 1490ms }", "a4"),
        ("{ span:duration <= 1000us }", "c1"),
        ("{ traceDuration > 1s && childCount = 0 }", "a3 a4"),
        (r#"{ rootName = "GET /roll" && kind = client }"#, "b2"),
        (r#"{ rootServiceName = "lab" && trace:rootService != "front" }"#, "a1 a2 a3 a4"),
        (r#"{ trace:id = "0000000000000000000000000000000c" }"#, "c1"),
        (r#"{ span:parentID = "a2" }"#, "a3 a4"),
        ("{ span:parentID = nil }", "a1 b1 c1"),
        (r#"{ name > "pool" && name < "q" }"#, "a3"),
        // Patterns match the whole text.
        (r#"{ name =~ "GET" }"#, "b2"),
        (r#"{ name =~ "GET .*" }"#, "a1 a2 b1 b3"),
        (r#"{ name =~ "GET|SELECT dice" }"#, "a4 b2"),
        (r#"{ span.http.route !~ "/roll" }"#, "a2"),
        (r#"{ span.tags =~ "[xz]" }"#, "c1"),
        // From left to right, whichever comes first; parentheses come before.
        (r#"{ name = "GET" || status = ok && kind = server }"#, "a2"),
        (r#"{ name = "GET" || (status = ok && kind = server) }"#, "a2 b2"),
        // Between spansets.
        ("{ status = error } && { kind = client }", "b1 b2 b3"),
        ("{ status = ok } && { kind = client }", "a1 a2 a4"),
        ("{ status = ok } || { span.cold }", "a2 c1"),
        (r#"{ kind = client } > { kind = server }"#, "a2 b3"),
        (r#"{ .service.name = "lab" } >> { kind = client }"#, "a4"),
        (r#"{ kind = client } < { kind = server }"#, "a2 b1"),
        (r#"{ .service.name = "roller" } << { }"#, "b1 b2"),
        (r#"{ name = "pool.wait" } ~ { }"#, "a4"),
        ("{ } ~ { }", "a3 a4"),
        (r#"{ .service.name = "lab" } > { kind = server } > { kind = client }"#, "a4"),
        (r#"{ status = ok } || { status = error } > { kind = client }"#, "a2 b2"),
        (r#"({ status = ok } || { status = error }) > { kind = client }"#, "a4 b2"),
        // Pipelines.
        ("{ } | count() > 3", "a1 a2 a3 a4"),
        ("{ } | count() = 1", "c1"),
        ("{ status = ok } | count() < 1", ""),
        ("{ kind = client } | avg(duration) > 1s", "a1 a4"),
        ("{ } | min(duration) >= 16ms", "b1 b2 b3"),
        ("{ } | max(span.http.response.status_code) = 503", "b1 b2 b3"),
        ("{ } | sum(duration) < 60ms", "b1 b2 b3 c1"),
        ("{ status = error } | { kind = server } | count() = 2", "b1 b3"),
        ("({ } | count() > 3) || { span.cold }", "a1 a2 a3 a4 c1"),
        ("{ status = ok } | select(span.http.route, name)", "a2"),
    ];
    for (text, expected) in cases {
        let query = Query::parse(text).unwrap_or_else(|misread| panic!("{text}: {misread}"));
        assert_eq!(matched(&query), expected, "{text}");
    }
}

#[test]
fn a_query_tells_of_a_span_what_it_speaks_of() {
    let told = |query: &str, id: &str| {
        let query = Query::parse(query).unwrap();
        let trace = traces().into_iter().find(|trace| trace.spans.iter().any(|span| span.span_id == id)).unwrap();
        let index = trace.spans.iter().position(|span| span.span_id == id).unwrap();
        Value::from_iter(query.told(&trace, &[index]).remove(0))
    };
    let server = r#"{ kind = server && .service.name = "die" } >> { span.rows > 1 && !span.cold } | select(name, span.absent)"#;
    assert_eq!(told(server, "a4"), json!({"kind": "client", "service.name": "die", "rows": 3, "name": "SELECT dice"}));
    assert_eq!(told(r#"{ name =~ "S.*" } | avg(span.rows) > 1 | { duration > 1s }"#, "a4")["rows"], 3);
    assert_eq!(
        told("{ duration > 1s && childCount = 0 && span.tags = \"x\" }", "c1"),
        json!({"duration": 1_000_000, "childCount": 0, "tags": ["x", "y"]})
    );
}

/// Each refusal names the place, what is wrong there, and the way out.
#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let cases = [
        ("", "at character 1: the query ends too early (`{` is expected here)"),
        (
            "name = 1",
            "at character 1: a query does not begin with `name` (begin with what spans have, in braces, such as { status = error })",
        ),
        ("{ name = ", "at character 10: the query ends too early (a field or a value is expected here)"),
        ("{ name = \"x\" ", "at character 14: the query ends too early (`&&`, `||` or `}` is expected here)"),
        ("{ name = \"x }", "at character 10: the text that begins here has no end (close it with the same quote)"),
        ("{ name = \"\\d\" }", "at character 11: `\\d` is no escape (write two backslashes for one, or use backticks for quotes)"),
        ("{ name == \"x\" }", "at character 8: `==` is no comparison of TraceQL (write `=`)"),
        ("{ name = 5 }", "at character 10: `5` does not belong here (a text in quotes is expected here)"),
        ("{ duration > 5 }", "at character 14: `5` does not belong here (a duration with its unit, such as 250ms, is expected here)"),
        (
            "{ duration > 5parsecs }",
            "at character 14: `5parsecs` is neither a number nor a duration (write a number such as 5 or 0.5, or a duration such as 250ms, 1.5s or 3m)",
        ),
        (
            "{ status = \"error\" }",
            "at character 12: `\"error\"` does not belong here (error, ok or unset, without quotes, is expected here)",
        ),
        (
            "{ kind = error }",
            "at character 10: `error` does not belong here (client, server, internal, producer or consumer, without quotes, is expected here)",
        ),
        ("{ status > error }", "at character 12: there is no order among these values (compare them with `=` or `!=`)"),
        ("{ status }", "at character 3: nothing is compared here (write a comparison, such as `duration > 1s`)"),
        ("{ name \"x\" }", "at character 8: `\"x\"` does not belong here (a comparison such as `=` is expected here)"),
        ("{ 1 = 1 }", "at character 3: two values are compared that both stand in the query (compare a field with one of them)"),
        ("{ !span.x = 1 }", "at character 11: `!` belongs to what stands right after it (put the comparison in parentheses: !( … ))"),
        ("{ duration =~ \"1.*\" }", "at character 3: only texts are held against a pattern (compare it with `=`, `>` and the like)"),
        ("{ name =~ x }", "at character 11: `x` does not belong here (a regular expression in quotes is expected here)"),
        ("{ span.x + 1 > 2 }", "at character 10: arithmetic (`+`) is not supported (write the result)"),
        (
            "{ parent.span.x = 1 }",
            "at character 3: `parent.` is not supported (attributes are those of the span or of its resource: span.x, resource.x, or .x for either)",
        ),
        ("{ span. = 1 }", "at character 3: `span.` names no attribute (write its name after the dot)"),
        ("{ } !>> { }", "at character 5: `!>>` between spansets is not supported (known there: >, >>, <, <<, ~, && and ||)"),
        ("{ } &> { }", "at character 5: `&>` between spansets is not supported (known there: >, >>, <, <<, ~, && and ||)"),
        ("{ } { }", "at character 5: `{` does not belong here (the query's end is expected here)"),
        (
            "{ } | rate()",
            "at character 7: `rate` after a pipe is not supported (known there: count(), min(…), max(…), avg(…), sum(…) and select(…), and further { … })",
        ),
        (
            "{ } | by(span.x)",
            "at character 7: `by` after a pipe is not supported (known there: count(), min(…), max(…), avg(…), sum(…) and select(…), and further { … })",
        ),
        ("{ } | select()", "at character 14: `)` does not belong here (a field or a value is expected here)"),
        ("{ } | count()", "at character 14: the query ends too early (a comparison such as `>` is expected here)"),
        ("{ } | count() > 1s", "at character 17: `1s` does not belong here (a number is expected here)"),
        ("{ } | avg(duration) > 1", "at character 23: `1` does not belong here (a duration such as 250ms is expected here)"),
        ("{ } | avg(name) > 1", "at character 11: avg needs numbers (name an attribute, or `duration`)"),
        ("{ ü = 1, }", "at character 3: `ü` is no field"),
        ("{ event:name = \"x\" }", "at character 3: `event:name` is not supported (known are name, kind"),
        (
            "{ naem = \"x\" }",
            "at character 3: `naem` is no field (an attribute is written span.naem, resource.naem or .naem; known without a dot are name,",
        ),
    ];
    for (text, expected) in cases {
        let misread = Query::parse(text).expect_err(text);
        assert!(misread.to_string().starts_with(expected), "{text}\n  {misread}\n  {expected}");
    }
    let pattern = Query::parse("{ name =~ \"(\" }").unwrap_err();
    assert!(pattern.to_string().starts_with("at character 11: that is no regular expression: "), "{pattern}");
}

#[test]
fn no_query_is_too_deep_or_too_long_to_be_read() {
    let deep = format!("{}{{}}", "(".repeat(100_000));
    assert!(Query::parse(&deep).unwrap_err().what.contains("parentheses"));
    assert!(Query::parse(&format!("{{ {} }}", "!".repeat(100_000))).unwrap_err().what.contains("parentheses"));
    let long = format!("{{ {} }}", vec!["span.cold"; 50_000].join(" || "));
    assert_eq!(matched(&Query::parse(&long).unwrap()), "c1");
    let wide = vec!["{ span.cold }"; 20_000].join(" || ");
    assert_eq!(matched(&Query::parse(&wide).unwrap()), "c1");
}

#[test]
fn spans_that_claim_to_be_each_others_parents_end_a_search() {
    let row = |id, parent| (id, parent, "s", "n", "server", 1, Status::Unset, json!({}));
    let mut circle = trace("1", &[row("x", "y"), row("y", "x"), row("z", "z")]);
    assert_eq!(Query::parse("{ } >> { }").unwrap().matches(&circle), [0, 1, 2]);
    assert_eq!(Query::parse("{ } << { }").unwrap().matches(&circle), [0, 1, 2]);
    circle.spans.clear();
    assert!(Query::parse("{ } | count() >= 0").unwrap().matches(&circle).is_empty());
}
