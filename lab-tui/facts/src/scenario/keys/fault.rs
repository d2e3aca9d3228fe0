//! `[[fault]]`: each kind with its own keys.

use super::{Case, Choice, Key, MOMENT, Shape, TIME, Table, key};

pub(in crate::scenario) const FAULT: Table = Table {
    keys: &[
        key("name", Shape::Name, "Unique; thresholds and reports call the fault so.").needed().example("\"table locked\""),
        key("kind", Shape::Word(&KINDS), "What is disturbed. Each kind has further keys of its own.").needed().example("\"db.lock\""),
        key("at", MOMENT, "When it begins, from the start of the run; before the last load's end.")
            .needed()
            .example("\"12s\"")
            .stand_in("\"0s\""),
        // The shorter it is, the less does it seem to overlap with others beside which it stands in for a real one.
        key("duration", TIME, "After which it is undone. What is left of it when the last load is over is undone then.")
            .needed()
            .example("\"5s\"")
            .stand_in("\"1ns\""),
    ],
    one_of: &[],
    choice: Some(Choice { by: "kind", cases: CASES }),
};

const KINDS: [&str; 4] = ["dice.error_rate", "db.lock", "service.error", "service.latency"];

const CASES: &[Case] = &[
    Case {
        name: KINDS[0],
        about: "The die's error rate in the table; its old one is restored.",
        keys: &[
            key("die", Shape::Pattern("."), "The identifier of a die.").needed().example("\"fair\"").stand_in("\"a die that nobody has\""),
            key("rate", SHARE, "How often it fails, 0 to 1.").needed().example("0.5"),
        ],
    },
    Case {
        name: KINDS[1],
        about: "Nobody else reads or writes the table.",
        keys: &[key("table", Shape::Pattern("^[a-z_][a-z0-9_]{0,62}$"), "A plain name in lower case.")
            .needed()
            .example("\"die_specifications\"")
            .stand_in("\"a_table_that_nobody_has\"")],
    },
    Case {
        name: KINDS[2],
        about: "Requests are answered with an error at once, in the service's own shape.",
        keys: &[
            SERVICE,
            ROUTE,
            PROBABILITY,
            key("status", Shape::Whole(400, 599), "What they are answered with.").default("500").example("503"),
        ],
    },
    Case {
        name: KINDS[3],
        about: "Requests are answered later; the delay lies inside of their SERVER span.",
        keys: &[
            SERVICE,
            ROUTE,
            PROBABILITY,
            key("latency", TIME, "By how much: whole milliseconds, up to \"60s\".").needed().example("\"200ms\""),
        ],
    },
];

const SHARE: Shape = Shape::Number { from: 0.0, above: false, to: 1.0 };
const SERVICE: Key = key("service", Shape::Text, "A service of the stack.").needed().example("\"backend\"");
const ROUTE: Key =
    key("route", Shape::Pattern("^/"), "A path as the service itself knows it; without it every request is meant.").example("\"/dice\"");
const PROBABILITY: Key = key("probability", Shape::Number { from: 0.0, above: true, to: 1.0 }, "The share of requests that are disturbed.")
    .default("1")
    .example("0.5");
