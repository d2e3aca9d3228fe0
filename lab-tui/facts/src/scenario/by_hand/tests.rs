use super::*;
use crate::scenario::{SHIPPED, StackKind, Stage, forms};

const SERVICES: [&str; 3] = ["frontend", "dice-roller", "die-service"];

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn read(text: &str) -> Plan {
    Plan::parse(text, "x.toml", &SERVICES).unwrap_or_else(|refusals| panic!("{refusals}\n{text}"))
}

fn fault(kind: &str, typed: &[&str], at: f64, duration: f64) -> Fault {
    let form = forms().find(|form| form.kind == kind).unwrap();
    let typed: Vec<String> = typed.iter().map(|text| (*text).to_owned()).collect();
    let kind = form.read(&typed, &SERVICES).unwrap();
    Fault { name: format!("{} by hand", kind.name()), at: seconds(at), duration: seconds(duration), kind }
}

fn saved(text: &str, deeds: &Deeds) -> (String, Plan) {
    let saved = with_deeds("x", text, &read(text), 1.0, deeds).unwrap();
    let plan = read(&saved);
    (saved, plan)
}

fn arrivals(plan: &Plan, load: usize) -> (f64, Vec<(f64, f64)>, usize) {
    let Executor::Arrivals(arrivals) = &plan.loads[load].executor else { panic!("not arrivals") };
    let stage = |stage: &Stage<f64>| (stage.target, stage.duration.as_secs_f64());
    (arrivals.start_rate, arrivals.stages.iter().map(stage).collect(), arrivals.max_vus)
}

/// One load, and what stands behind its name.
fn scenario(load: &str, rest: &str) -> String {
    format!("format = 1\ntitle = \"t\" # of mine\n{rest}\n[[load]]\nname = \"l\"\n{load}\n[[load.request]]\nget = \"http://x/\"\n")
}

#[test]
fn faults_come_at_their_real_times_and_the_rest_stays_as_it_was() {
    let text = SHIPPED.iter().find(|(name, _)| *name == "locked-table").unwrap().1;
    let error = fault("service.error", &["die-service", "/dice", "0.25", "503"], 3.2049, 2.5);
    let rate = fault("dice.error_rate", &["fair \"one\"", "0.3"], 8.0, 0.01);
    let deeds = Deeds { faults: vec![error.clone(), rate], cut_short: vec![(0, seconds(1.74))], until: seconds(20.0), ..Deeds::default() };
    let (text_saved, plan) = saved(text, &deeds);
    let mut expected = read(text);
    expected.title += ", changed by hand";
    expected.faults[0].duration = seconds(1.7);
    expected.faults.push(Fault { at: seconds(3.2), duration: seconds(2.5), ..error });
    expected.faults.push(fault("dice.error_rate", &["fair \"one\"", "0.3"], 8.0, 0.1));
    assert_eq!(plan, expected);
    assert!(
        text_saved.starts_with("# The scenario `x` with what was done by hand while it ran:\n#      3.2 s  service.error by hand"),
        "{text_saved}"
    );
    assert!(text_saved.contains("# Ten requests take the pool's ten connections"), "comments stay");
    assert!(!text_saved.contains("#:schema"), "{text_saved}");
}

#[test]
fn a_changed_pace_is_stages() {
    let paces = vec![(seconds(2.0), Control::Rate(1.5)), (seconds(4.04), Control::Paused), (seconds(5.0), Control::Resumed)];
    let deeds = Deeds { paces, until: seconds(8.0), ..Deeds::default() };
    let constant = "executor = \"constant-arrival-rate\"\nrate = 600 # a minute\ntime_unit = \"1m\"\nduration = \"10s\"";
    let (text, plan) = saved(&scenario(constant, ""), &deeds);
    let expected = vec![(10.0, 2.0), (15.0, 0.0), (15.0, 2.0), (0.0, 0.0), (0.0, 1.0), (15.0, 0.0), (15.0, 5.0)];
    assert_eq!(arrivals(&plan, 0), (10.0, expected, 100));
    assert!(text.contains("start_rate = 600 # a minute") && text.contains("max_vus = 100"), "{text}");
    // On a ramp, the time line stays where it is; a load that begins later begins at the pace of then.
    let ramp = "executor = \"ramping-arrival-rate\"\nstages = [{ target = 100, duration = \"10s\" }]\nmax_vus = 7\nstart = \"1s\"";
    let deeds = Deeds { paces: vec![(seconds(0.5), Control::Rate(2.0)), (seconds(6.0), Control::Rate(1.0))], ..deeds };
    let (_, plan) = saved(&scenario(ramp, ""), &deeds);
    assert_eq!(arrivals(&plan, 0), (0.0, vec![(100.0, 5.0), (50.0, 0.0), (100.0, 5.0)], 7));
}

#[test]
fn what_goes_on_for_a_viewer_lasts_until_the_last_deed() {
    let deeds = Deeds { faults: vec![fault("db.lock", &["dice"], 41.26, 1.0)], until: seconds(44.2), ..Deeds::default() };
    for (load, end) in [
        ("executor = \"constant-arrival-rate\"\nrate = 5\nduration = \"10s\"", 45.0),
        ("executor = \"ramping-arrival-rate\"\nstages = [{ target = 5, duration = \"10s\" }]", 45.0),
        ("executor = \"constant-vus\"\nduration = \"10s\"", 45.0),
        ("executor = \"ramping-vus\"\nstages = [{ target = 5, duration = \"10s\" }]", 45.0),
        ("executor = \"constant-arrival-rate\"\nrate = 5\nduration = \"50s\"", 50.0),
    ] {
        let (text, plan) = saved(&scenario(load, "keep_going = true"), &deeds);
        assert_eq!(plan.duration(), seconds(end), "{text}");
        assert_eq!(plan.faults[0].at, seconds(41.3), "{text}");
    }
}

#[test]
fn other_ways_of_writing_are_changed_in_their_own_way() {
    let inline = "format = 1\ntitle = \"t\"\nfault = [{ name = \"a\", kind = \"db.lock\", table = \"a\", at = \"1s\", duration = \"1s\" }]\n\
         load = [{ name = \"l\", executor = \"constant-arrival-rate\", rate = 5, duration = \"10s\", request = [{ get = \"http://x/\" }] }]";
    let faults = vec![fault("db.lock", &["dice"], 3.0, 1.0)];
    let deeds = Deeds { faults, paces: vec![(seconds(2.0), Control::Rate(0.4))], ..Deeds::default() };
    let (_, plan) = saved(inline, &deeds);
    assert_eq!(plan.faults.len(), 2);
    assert_eq!(arrivals(&plan, 0), (5.0, vec![(5.0, 2.0), (2.0, 0.0), (2.0, 8.0)], 100));
}

#[test]
fn what_cannot_be_said_is_told() {
    let deeds = Deeds { paces: vec![(seconds(0.0), Control::Paused)], ..Deeds::default() };
    let (text, _) = saved(&scenario("executor = \"constant-vus\"\nduration = \"10s\"", ""), &deeds);
    assert!(text.contains("# No scenario can say the pause of `l`: its users cannot be told to wait.\n"), "{text}");
    let (text, _) = saved(&scenario("executor = \"constant-arrival-rate\"\nrate = 5\nduration = \"10s\"", ""), &deeds);
    assert!(text.contains("# No scenario can say that `l` was paused for as long as it was there.\n"), "{text}");
}

/// Whatever is shipped, and however its time was stretched.
#[test]
fn every_scenario_can_be_saved() {
    for (name, text) in SHIPPED {
        for scale in [1.0, 0.3, 7.0] {
            let plan = read(text).scaled(scale);
            let end = plan.duration().as_secs_f64();
            let named = |name: &str, at: f64| Fault { name: name.to_owned(), ..fault("service.error", &["frontend", "", "", ""], at, 0.2) };
            let deeds = Deeds {
                paces: [0.1, 0.35, 0.5]
                    .into_iter()
                    .zip([Control::Rate(1.3), Control::Paused, Control::Resumed])
                    .map(|(at, what)| (seconds(at * end), what))
                    .collect(),
                faults: vec![named("one", 0.2 * end), named("two", end)],
                cut_short: plan.faults.iter().enumerate().map(|(index, fault)| (index, fault.duration / 2)).collect(),
                until: seconds(end * 1.2),
            };
            let saved = with_deeds(name, text, &plan, scale, &deeds).unwrap();
            let again = read(&saved);
            assert_eq!(again.faults.len(), plan.faults.len() + 2, "{name}");
            assert_eq!((again.stack, again.thresholds.len()), (StackKind::Embedded, plan.thresholds.len()), "{name}");
            let (before, after) = (read(text).duration(), again.duration());
            assert!(
                if plan.keep_going { after >= before } else { after.abs_diff(before) < Duration::from_millis(5) },
                "{name} {scale}: {before:?} {after:?}"
            );
        }
    }
}
