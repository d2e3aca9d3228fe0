use std::collections::BTreeSet;

use super::schema;
use crate::scenario::Plan;
use crate::scenario::executor::KEYS;
use crate::scenario::fault::FaultKind;
use crate::scenario::keys::{Key, SCENARIO, Shape, Table};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/scenario.schema.json");

/// `LAB_UPDATE_SCHEMA=1 cargo test --lib the_file_is_what` writes it anew.
#[test]
fn the_file_is_what_the_command_prints() {
    if std::env::var_os("LAB_UPDATE_SCHEMA").is_some() {
        std::fs::write(FILE, schema()).unwrap();
    }
    assert!(std::fs::read_to_string(FILE).unwrap() == schema(), "scenarios/scenario.schema.json is not what `lab schema` prints");
}

fn table_at(path: &[&str]) -> &'static Table {
    fn inner(shape: Shape) -> Option<&'static Table> {
        match shape {
            Shape::Table(table) => Some(table),
            Shape::List(shape, _) | Shape::Thresholds(shape) | Shape::Named(shape) => inner(*shape),
            Shape::Either(shapes) => shapes.iter().find_map(|shape| inner(*shape)),
            _ => None,
        }
    }
    path.iter().fold(&SCENARIO, |table, name| inner(table.key(name).unwrap().shape).unwrap())
}

/// The keys that the readers say they know where they come across one that they do not.
fn known_to_the_reader(strange: &str) -> BTreeSet<String> {
    let refused = Plan::parse(strange, "x", &["backend"]).unwrap_err();
    let mut lists = refused.iter().filter_map(|refusal| {
        let is_it = refusal.what == "unknown key `qqqqqqqqqqqqqqqqqqqq`";
        refusal.hint.as_deref().filter(|_| is_it)?.strip_prefix("known here: ")
    });
    lists.next().unwrap_or_else(|| panic!("{refused}")).split(", ").map(str::to_owned).collect()
}

fn names<'k>(keys: impl IntoIterator<Item = &'k Key>) -> BTreeSet<String> {
    keys.into_iter().map(|key| key.name.to_owned()).collect()
}

#[test]
fn the_readers_and_the_schema_know_the_same_keys() {
    const STRANGE: &str = "qqqqqqqqqqqqqqqqqqqq = 1";
    const LOAD: &str = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"ramping-vus\"\n";
    const REQUEST: &str = "[[load.request]]\nget = \"http://127.0.0.1/\"\n";
    let places: [(&[&str], String); 11] = [
        (&[], format!("{STRANGE}\n{LOAD}stages = []\n{REQUEST}")),
        (&["load"], format!("{LOAD}{STRANGE}\n{REQUEST}")),
        (&["load", "stages"], format!("{LOAD}stages = [{{ {STRANGE}, target = 1, duration = \"1s\" }}]\n{REQUEST}")),
        (&["load", "think_time"], format!("{LOAD}think_time = {{ {STRANGE}, min = \"1s\", max = \"1s\" }}\n{REQUEST}")),
        (&["load", "request"], format!("{LOAD}{REQUEST}{STRANGE}\n")),
        (&["load", "vars"], format!("{LOAD}{REQUEST}[load.vars]\nv = {{ {STRANGE}, from = 1, to = 2 }}\n")),
        (&["service"], format!("{LOAD}{REQUEST}[[service]]\n{STRANGE}\nname = \"s\"\ncommand = \"x\"\n")),
        (&["phase"], format!("{LOAD}{REQUEST}[[phase]]\n{STRANGE}\nname = \"p\"\nat = \"0s\"\nduration = \"1s\"\n")),
        (&["expect"], format!("{LOAD}{REQUEST}[[expect]]\n{STRANGE}\nname = \"e\"\ntraces = \"{{}}\"\n")),
        (&["expect", "logs"], format!("{LOAD}{REQUEST}[[expect]]\nname = \"e\"\nlogs = {{ {STRANGE}, level = \"ERROR\" }}\n")),
        (
            &["thresholds"],
            format!("{LOAD}{REQUEST}[thresholds]\nhttp_reqs = [{{ {STRANGE}, threshold = \"count>0\", outside = \"x\" }}]\n"),
        ),
    ];
    for (path, text) in places {
        let table = table_at(path);
        let cases = table.choice.as_ref().map_or(&[][..], |choice| choice.cases);
        let ours = names(table.keys.iter().chain(cases.iter().flat_map(|case| case.keys)));
        assert_eq!(ours, known_to_the_reader(&text), "{path:?}");
    }
    let fault = table_at(&["fault"]);
    let kinds = fault.choice.as_ref().unwrap().cases;
    assert_eq!(kinds.iter().map(|case| case.name).collect::<Vec<_>>(), FaultKind::NAMES);
    for case in kinds {
        let text = format!("{LOAD}{REQUEST}[[fault]]\nkind = \"{}\"\n{STRANGE}\n", case.name);
        assert_eq!(names(fault.keys_of(Some(case))), known_to_the_reader(&text), "{}", case.name);
    }
    let executors = table_at(&["load"]).choice.as_ref().unwrap().cases;
    let ours: Vec<_> = executors.iter().map(|case| (case.name, names(case.keys))).collect();
    let readers: Vec<_> = KEYS.iter().map(|(name, keys)| (*name, keys.iter().map(|key| (*key).to_owned()).collect())).collect();
    assert_eq!(ours, readers);
}

/// A key that is needed is missed by its reader, and one that is not is not.
#[test]
fn what_is_needed_is_what_the_readers_miss() {
    fn visit(table: &'static Table, path: &str) {
        let cases: Vec<_> = match &table.choice {
            Some(choice) => choice.cases.iter().map(Some).collect(),
            None => vec![None],
        };
        for case in cases {
            for key in table.keys_of(case) {
                assert!(!key.needed || key.stand_in_value().is_some(), "{path}{} has no example", key.name);
                let text = key.example.or(key.default).map(|toml| format!("x = {toml}"));
                assert!(text.is_none_or(|text| toml::from_str::<toml::Table>(&text).is_ok()), "{path}{} has a broken example", key.name);
                if let Shape::List(Shape::Table(inner), _) = key.shape {
                    visit(inner, &format!("{path}{}.", key.name));
                }
            }
        }
    }
    visit(&SCENARIO, "");
    // What stands in for a table is a table that is accepted, each with all of its cases.
    for (key, by, needed) in [("load", "executor", false), ("fault", "kind", true)] {
        let table = table_at(&[key]);
        for case in table.choice.as_ref().unwrap().cases {
            let rows: String = table
                .keys_of(Some(case))
                .filter(|key| key.needed && key.name != by && key.name != "request")
                .map(|key| {
                    let toml = if key.name == "service" { "\"backend\"" } else { key.stand_in.or(key.example).unwrap() };
                    format!("{} = {toml}\n", key.name)
                })
                .collect();
            let this = format!("[[{key}]]\n{by} = \"{}\"\n{rows}", case.name);
            let request = "[[load.request]]\nget = \"http://127.0.0.1/\"\n";
            let load = "[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n";
            let body = if needed { format!("{load}{request}{this}") } else { format!("{this}{request}") };
            let text = format!("format = 1\ntitle = \"t\"\n{body}");
            Plan::parse(&text, "x", &["backend"]).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
            for row in rows.lines() {
                let refused = Plan::parse(&text.replacen(&format!("{row}\n"), "", 1), "x", &["backend"]);
                let name = row.split(' ').next().unwrap();
                // The first line of that name may be another table's.
                assert!(refused.is_err() || needed && ["name", "duration"].contains(&name), "{row} is not missed");
            }
        }
    }
}
