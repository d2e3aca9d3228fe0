//! The top level, and the promises.

use super::expect::{EXPECT, PHASE};
use super::fault::FAULT;
use super::load::LOAD;
use super::scope::{AFTER, BEFORE, DURING, OUTSIDE, SETTLE, WITHIN};
use super::service::SERVICE;
use super::{Key, MOMENT, Shape, Table, key};

/// A whole file.
pub(in crate::scenario) const SCENARIO: Table = Table::of(KEYS);

const KEYS: &[Key] = &[
    key("format", Shape::Only(1), "The version of the format.").needed().example("1"),
    key("title", Shape::Text, "One line that says what the scenario is.").needed().example("\"Everyday traffic\""),
    key("about", Shape::Text, "What it shows.").default("\"\""),
    key(
        "seed",
        Shape::Whole(0, 4_294_967_295),
        "Fixes every draw of the lab: which request comes when, its variables, and which requests a fault strikes by chance. The services' dice are their own, trace IDs always random.",
    )
    .default("0"),
    key("keep_going", Shape::Switch, "On a screen, the traffic goes on after its end until the viewer leaves.").default("false"),
    key(
        "stack",
        Shape::Word(&["embedded", "attach", "none"]),
        "Where the system runs: the lab's own services and database, services that run already, or nowhere in its hands.",
    )
    .default("\"embedded\""),
    key("intended_verdict", Shape::Word(&["pass", "fail", "inconclusive"]), "What its author means it to reach; a lesson may be meant to fail.")
        .default("\"pass\""),
    key("service", Shape::List(&Shape::Table(&SERVICE), false), "Programs that the lab starts for the scenario, drives and ends."),
    key("load", Shape::List(&Shape::Table(&LOAD), true), "Requests, and when they are sent. Several loads run side by side.").needed(),
    key("fault", Shape::List(&Shape::Table(&FAULT), false), "Disturbances, each with a beginning and an end."),
    key("phase", Shape::List(&Shape::Table(&PHASE), false), "Stretches of the time line with names, for promises to refer to."),
    key("expect", Shape::List(&Shape::Table(&EXPECT), false), "What the telemetry must say, or a metric in a part of the run."),
    key(
        "thresholds",
        Shape::Thresholds(&Shape::Either(&[Shape::Text, Shape::Table(&PROMISE)])),
        "The promises: a metric, which may choose among its samples by tags, and what its aggregates must be, as k6 writes them.",
    )
    .example("{ http_req_duration = [\"p(95)<50\"] }")
    .stand_in("{}"),
];

/// A promise about a part of the run, or one that ends it.
const PROMISE: Table = Table::of(&[
    key("threshold", Shape::Text, "The promise: an aggregate, a comparison and a value. Latencies are in milliseconds.")
        .needed()
        .example("\"p(95)<50\""),
    OUTSIDE,
    DURING,
    BEFORE,
    AFTER,
    SETTLE,
    WITHIN,
    key("abort_on_fail", Shape::Switch, "Whether the run ends when it is broken.").default("false").example("true"),
    key("delay_abort_eval", MOMENT, "Before which that does not happen, from the start of the run.").default("\"0s\"").example("\"10s\""),
]);
