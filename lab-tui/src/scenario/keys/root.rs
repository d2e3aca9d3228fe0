//! The top level, and the promises.

use super::fault::FAULT;
use super::load::LOAD;
use super::{Key, MOMENT, Shape, Table, key};

/// A whole file.
pub(in crate::scenario) const SCENARIO: Table = Table { keys: KEYS, choice: None };

const KEYS: &[Key] = &[
    key("format", Shape::Only(1), "The version of the format.").needed().example("1"),
    key("title", Shape::Text, "One line that says what the scenario is.").needed().example("\"Everyday traffic\""),
    key("about", Shape::Text, "What it shows.").default("\"\""),
    key(
        "seed",
        Shape::Whole(0, 4_294_967_295),
        "Fixes every draw of the lab: which request comes when, and its variables. The services' dice are their own, trace IDs always random.",
    )
    .default("0"),
    key("keep_going", Shape::Switch, "On a screen, the traffic goes on after its end until the viewer leaves.").default("false"),
    key("load", Shape::List(&Shape::Table(&LOAD), true), "Requests, and when they are sent. Several loads run side by side.").needed(),
    key("fault", Shape::List(&Shape::Table(&FAULT), false), "Disturbances, each with a beginning and an end."),
    key(
        "thresholds",
        Shape::Thresholds(&Shape::Either(&[Shape::Text, Shape::Table(&PROMISE)])),
        "The promises: a metric, which may choose among its samples by tags, and what its aggregates must be, as k6 writes them.",
    )
    .example("{ http_req_duration = [\"p(95)<50\"] }")
    .stand_in("{}"),
];

/// A promise that leaves something out.
const PROMISE: Table = Table {
    keys: &[
        key("threshold", Shape::Text, "The promise: an aggregate, a comparison and a value. Latencies are in milliseconds.")
            .needed()
            .example("\"p(95)<50\""),
        key(
            "outside",
            Shape::Either(&[Shape::Text, Shape::List(&Shape::Text, true)]),
            "The faults during which requests do not count: a name or a list of names.",
        )
        .needed()
        .example("\"table locked\""),
        key("settle", MOMENT, "How long after each of these faults requests do not count either.").default("\"0s\"").example("\"2s\""),
    ],
    choice: None,
};
