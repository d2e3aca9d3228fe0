//! `[[service]]`: programs that the scenario brings along.

use super::{Shape, TIME, Table, key};

pub(super) const SERVICE: Table = Table::of(&[
    key("name", Shape::Pattern("^[A-Za-z0-9._-]+$"), "Unique beside the stack's own services; its `service.name`.")
        .needed()
        .example("\"shop\""),
    key(
        "command",
        Shape::Either(&[Shape::Text, Shape::List(&Shape::Text, true)]),
        "The program and its arguments: one line, or a list. No shell reads it. `{port}` is a free port, `{url:NAME}` the URL of another.",
    )
    .needed()
    .example("\"python3 app.py --port {port}\""),
    key("url", Shape::Text, "Where its requests go; without it nothing can be sent to it.").example("\"http://127.0.0.1:{port}\""),
    key("ready", Shape::Text, "What must answer 2xx or 3xx before the run begins. Without it, a connection to `url` is enough.")
        .example("\"http://127.0.0.1:{port}/health\""),
    key("ready_timeout", TIME, "How long it may take until then.").default("\"30s\""),
    key("env", Shape::Named(&Shape::Text), "Its environment, beside what the lab says itself.")
        .example("{ PORT = \"{port}\" }")
        .stand_in("{}"),
    key("dir", Shape::Text, "Its working folder, from the scenario's own, which it is by default.").example("\"app\""),
    key("metrics", Shape::Text, "Its page of metrics for Prometheus.").example("\"http://127.0.0.1:{port}/metrics\""),
]);
