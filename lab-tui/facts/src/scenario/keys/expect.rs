//! `[[expect]]` and `[[phase]]`.

use super::scope::{AFTER, BEFORE, DURING, OUTSIDE, SETTLE, WITHIN};
use super::{MOMENT, Shape, TIME, Table, key};

pub(super) const EXPECT: Table = Table {
    keys: &[
        key("name", Shape::Name, "Unique; reports call the expectation so.").needed().example("\"the lock shows in the traces\""),
        key("traces", Shape::Text, "Traces with a span that matches, in TraceQL.").example("'{ status = error }'"),
        key("logs", Shape::Table(&LOGS), "Log lines that are alike in all that is named.").example("{ level = \"ERROR\" }"),
        key("metric", Shape::Text, "A metric, as in [thresholds], with its promise in `holds`.")
            .example("\"http_req_duration\"")
            // Whatever aggregate is asked of it has one that is scraped.
            .stand_in("\"scraped:stand_in\""),
        key("promql", Shape::Text, "What Prometheus is asked, where there is one: series are counted, or one for a number.")
            .example("'up == 0'"),
        key("logql", Shape::Text, "What Loki is asked: lines are counted, or series.")
            .example("'{service_name=\"frontend\"} |= \"error\"'"),
        key("traceql", Shape::Text, "What Tempo is asked: traces are counted.").example("'{ status = error }'"),
        key("count", Shape::Pattern("^\\s*(<=|>=|==|!=|<|>)\\s*\\+?[0-9]+\\s*$"), "How much there must be; without it, anything at all.")
            .default("\">=1\"")
            .example("\"==0\""),
        key("holds", Shape::Text, "The promise of `metric`: an aggregate, a comparison and a value.").example("\"p(95)<50\""),
        OUTSIDE,
        DURING,
        BEFORE,
        AFTER,
        SETTLE,
        WITHIN,
    ],
    one_of: &["traces", "logs", "metric", "promql", "logql", "traceql"],
    choice: None,
};

const LOGS: Table = Table {
    keys: &[
        key("service", Shape::Text, "Who wrote them.").example("\"backend\""),
        key("level", Shape::Text, "TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL.").example("\"ERROR\""),
        key("message", Shape::Text, "What they say; a text between slashes is a regular expression.").example("\"/timed? out/\""),
        key("fields", Shape::Named(&Shape::Either(&[Shape::Text, NUMBER, Shape::Switch])), "Other fields, and what they must be.")
            .example("{ status = 500 }"),
    ],
    one_of: &["level", "service", "message", "fields"],
    choice: None,
};

const NUMBER: Shape = Shape::Number { from: f64::NEG_INFINITY, above: false, to: f64::INFINITY };

pub(super) const PHASE: Table = Table::of(&[
    key("name", Shape::Name, "Unique among phases and faults; promises refer to it.").needed().example("\"warm-up\""),
    key("at", MOMENT, "When it begins, from the start of the run; before the last load's end.").needed().example("\"0s\""),
    key("duration", TIME, "How long it lasts.").needed().example("\"5s\""),
]);
