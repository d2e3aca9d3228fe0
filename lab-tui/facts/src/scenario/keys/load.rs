//! `[[load]]`: its requests, and each executor with its own keys.

use super::request::REQUEST;
use super::{Case, Choice, Key, MOMENT, Shape, TIME, Table, key};

pub(super) const LOAD: Table = Table {
    keys: &[
        key("name", Shape::Pattern("^[^,]*$"), "Unique; names the load in thresholds and reports. Without a comma, at which a tag would end.").needed().example("\"visitors\""),
        key("executor", Shape::Word(&EXECUTORS), "When requests are sent. Each executor has further keys of its own.")
            .needed()
            .example("\"constant-arrival-rate\""),
        key("start", MOMENT, "When the load begins, from the start of the run.").default("\"0s\""),
        key(
            "graceful_stop",
            MOMENT,
            "What requests in flight at the load's end are given; those that outlast it are given up and count as failed.",
        )
        .default("\"30s\""),
        key("timeout", TIME, "After which a request is given up and counts as failed.").default("\"10s\""),
        key("service", Shape::Text, "Where requests go that ask for a path: the name of a service of the stack, or of a [[service]]."),
        key("request", Shape::List(&Shape::Table(&REQUEST), true), "What an arrival may become, drawn by weight.").needed(),
        key(
            "vars",
            Shape::Named(&Shape::Either(&[Shape::List(&Shape::Either(&[Shape::Text, NUMBER]), true), Shape::Table(&SOURCE)])),
            "Variables of the requests, each with what every arrival draws one of: a list, a range of whole numbers, or a column of a CSV file.",
        )
        .example("{ die = [\"fair\"] }")
        .stand_in("{}"),
    ],
    one_of: &[],
    choice: Some(Choice { by: "executor", cases: CASES }),
};

const EXECUTORS: [&str; 6] =
    ["constant-arrival-rate", "ramping-arrival-rate", "constant-vus", "ramping-vus", "shared-iterations", "per-vu-iterations"];

const CASES: &[Case] = &[
    Case {
        name: EXECUTORS[0],
        about: "Arrivals at a rate, whatever became of those before.",
        keys: &[RATE.needed(), DURATION.needed(), TIME_UNIT, ARRIVALS, MAX_VUS],
    },
    Case {
        name: EXECUTORS[1],
        about: "The rate goes steadily from each stage's target to the next.",
        keys: &[START_RATE, STAGES.needed(), TIME_UNIT, ARRIVALS, MAX_VUS],
    },
    Case {
        name: EXECUTORS[2],
        about: "Users, each of which sends its next request when it has its answer.",
        keys: &[VUS, DURATION.needed(), THINK_TIME],
    },
    Case { name: EXECUTORS[3], about: "Users come and go.", keys: &[START_VUS, STAGES.needed(), RAMP_DOWN, THINK_TIME] },
    Case {
        name: EXECUTORS[4],
        about: "So many requests in all; whoever is free sends the next one.",
        keys: &[VUS, ITERATIONS, MAX_DURATION, THINK_TIME],
    },
    Case { name: EXECUTORS[5], about: "So many requests by each user.", keys: &[VUS, ITERATIONS, MAX_DURATION, THINK_TIME] },
];

const RATE: Key =
    key("rate", Shape::Number { from: 0.0, above: true, to: f64::INFINITY }, "Arrivals per `time_unit`; up to 1,000,000 a second.")
        .example("50");
const DURATION: Key =
    // A fault that begins within the real one must not seem to be late beside what stands in for it.
    key("duration", TIME, "How long requests go on to begin.").example("\"30s\"").stand_in("\"6days\"");
const TIME_UNIT: Key = key("time_unit", TIME, "What rates are per.").default("\"1s\"").example("\"1m\"").stand_in("\"1s\"");
const ARRIVALS: Key =
    key("arrivals", Shape::Word(&["uniform", "poisson"]), "How they follow one another at that rate.").default("\"uniform\"");
const MAX_VUS: Key = key(
    "max_vus",
    Shape::Whole(1, 100_000),
    "Requests in flight at most; an arrival beyond it is dropped and counted. By default ten seconds of the highest rate, 100 to 10,000.",
)
.example("200");
const START_RATE: Key =
    key("start_rate", Shape::Number { from: 0.0, above: false, to: f64::INFINITY }, "The rate at the beginning, per `time_unit`.")
        .default("0")
        .stand_in("1");
const STAGES: Key =
    key("stages", Shape::List(&Shape::Table(&STAGE), true), "The way of the rate, or of the number of users, one stage after the other.")
        .example("[{ target = 100, duration = \"10s\" }]")
        .stand_in("[{ target = 1, duration = \"6days\" }]");
const VUS: Key = key("vus", Shape::Whole(1, 100_000), "How many users there are.").default("1").example("20").stand_in("1");
const START_VUS: Key =
    key("start_vus", Shape::Whole(0, 100_000), "How many users there are at the beginning.").default("1").example("20").stand_in("1");
const ITERATIONS: Key = key("iterations", Shape::Whole(1, 1_000_000_000), "How many requests there are: in all, or by each user.")
    .default("1")
    .example("100")
    .stand_in("100000");
const MAX_DURATION: Key =
    key("max_duration", TIME, "After which no request begins, however many are left.").default("\"10m\"").stand_in("\"6days\"");
const RAMP_DOWN: Key = key("graceful_ramp_down", MOMENT, "What a request in flight is given when its user has to go.").default("\"30s\"");
const THINK_TIME: Key = key(
    "think_time",
    Shape::Either(&[MOMENT, Shape::Table(&THINK)]),
    "How long a user waits between an answer and the next request: a time, or the shortest and the longest.",
)
.example("\"1s\"");

const STAGE: Table = Table::of(&[
    key(
        "target",
        Shape::Number { from: 0.0, above: false, to: f64::INFINITY },
        "The rate, or the number of users, at the end of the stage.",
    )
    .needed()
    .example("100")
    .stand_in("1"),
    key("duration", MOMENT, "How long the stage lasts; \"0s\" is a jump.").needed().example("\"10s\"").stand_in("\"1day\""),
]);

const THINK: Table = Table::of(&[
    key("min", MOMENT, "The shortest.").needed().example("\"1s\"").stand_in("\"0s\""),
    key("max", MOMENT, "The longest.").needed().example("\"3s\"").stand_in("\"7days\""),
]);

const SOURCE: Table = Table {
    keys: &[
        key("from", ANY_WHOLE, "The first number of a range.").example("1"),
        key("to", ANY_WHOLE, "What no number of the range is above.").example("1000"),
        key("step", Shape::Whole(1, i64::MAX), "From one number of the range to the next.").default("1").example("10"),
        key("csv", Shape::Text, "A CSV file with a header, from the scenario's folder. Columns of one file are drawn as rows.")
            .example("\"users.csv\""),
        key("column", Shape::Text, "The column of that file, by its name.").example("\"id\""),
    ],
    one_of: &["from", "csv"],
    choice: None,
};

const ANY_WHOLE: Shape = Shape::Whole(i64::MIN, i64::MAX);
const NUMBER: Shape = Shape::Number { from: f64::NEG_INFINITY, above: false, to: f64::INFINITY };
