use super::*;
use crate::scenario::Fault;

const SERVICES: [&str; 2] = ["frontend", "backend"];

fn form(kind: &str) -> FaultForm {
    forms().find(|form| form.kind == kind).unwrap()
}

/// What there is to begin with is a fault of every kind, and what it says of itself leads to the same fault again.
#[test]
fn every_kind_can_be_typed_and_kept() {
    for form in forms() {
        assert!(form.about.ends_with('.'), "{}", form.kind);
        let keys = form.keys(&SERVICES);
        let first: Vec<String> = keys.iter().map(|key| key.first.clone()).collect();
        let kind = form.read(&first, &SERVICES).unwrap();
        assert_eq!(kind.name(), form.kind);
        // All that can be said, said.
        let all: Vec<String> = keys.iter().map(|key| form.stepped(key, "", true, &SERVICES)).collect();
        assert!(all.iter().all(|text| !text.is_empty()), "{all:?}");
        for kind in [kind, form.read(&all, &SERVICES).unwrap()] {
            let kept = kind.keys();
            let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
            assert!(kept.iter().all(|(key, _)| known.contains(key)), "{kept:?}");
            assert_eq!(FaultKind::from_keys(form.kind, kept.iter().map(|(key, value)| (*key, value))), Ok(kind));
        }
    }
}

#[test]
fn refusals_are_the_readers_and_name_the_key() {
    let refused = |kind: &str, typed: &[&str]| {
        let typed: Vec<String> = typed.iter().map(|text| (*text).to_owned()).collect();
        let Mistyped { key, why } = form(kind).read(&typed, &SERVICES).unwrap_err();
        (key, why)
    };
    let cases = [
        ("service.error", ["frontend", "", "", "200"], 3, "200 is no error status (write a code from 400 to 599)"),
        ("service.error", ["frontend", "", "", "many"], 3, "found string \"many\" where the scenario needs a whole number"),
        ("service.error", ["fronted", "", "", ""], 0, "unknown service `fronted` (did you mean `frontend`?)"),
        ("service.error", ["", "", "", ""], 0, "the key `service` is missing here (add `service = …`)"),
        ("service.error", ["frontend", "roll", "", ""], 1, "`roll` is no route (begin it with a slash, as in \"/dice\")"),
        ("service.error", ["frontend", "", "1.5", ""], 2, "probability = 1.5 is no share (write a number from 0 to 1)"),
        ("service.latency", ["frontend", "", "", "soon"], 3, "`soon` is no time (write a time such as"),
        ("db.lock", ["dice; DROP TABLE dice", "", "", ""], 0, "`dice; DROP TABLE dice` cannot be locked by that name"),
    ];
    for (kind, typed, key, why) in cases {
        let (blamed, said) = refused(kind, &typed);
        assert_eq!(blamed, Some(key), "{kind} {typed:?}");
        assert!(said.starts_with(why), "{kind} {typed:?}\n  said     {said}\n  expected {why}");
    }
    assert_eq!(typed_duration(" "), Ok(Fault::UNTIL_ENDED));
    assert_eq!(typed_duration("5s"), Ok(Duration::from_secs(5)));
    assert!(typed_duration("5").unwrap_err().starts_with("`5` is no time"));
    assert!(FaultKind::from_keys("db.unlock", std::iter::empty()).unwrap_err().starts_with("unknown kind of fault"));
}

#[test]
fn a_step_leads_to_the_next_value_that_makes_sense() {
    let stepped = |kind: &str, key: &str, typed: &str, up| {
        let form = form(kind);
        form.stepped(form.keys(&SERVICES).iter().find(|known| known.name == key).unwrap(), typed, up, &SERVICES)
    };
    for (key, typed, more, less) in [
        ("service", "frontend", "backend", "backend"),
        ("service", "nobody", "frontend", "frontend"),
        ("route", "", "/dice", "/dice"),
        ("route", "/dice", "", ""),
        ("probability", "", "1", "0.9"),
        ("probability", "0.1", "0.2", "0.1"),
        ("status", "503", "504", "502"),
        ("status", "599", "599", "598"),
        ("status", "much", "401", "400"),
    ] {
        assert_eq!(
            [stepped("service.error", key, typed, true), stepped("service.error", key, typed, false)],
            [more, less],
            "{key} {typed}"
        );
    }
    assert_eq!(stepped("service.latency", "latency", "", true), "500ms");
    assert_eq!([stepped_time("10s", true), stepped_time("10s", false), stepped_time("10m", true)], ["20s", "5s", "10m"]);
    assert_eq!(stepped_time("long", true), "1s");
}
