//! The files that a run leaves for a CI, and the commands of a scenario's author.

use std::collections::BTreeMap;
use std::process::Stdio;

use roxmltree::{Document, Node};
use rustix::process::Signal;

use crate::common::{PATIENCE, Place, ended, signal, until};

fn scenario(duration: &str, thresholds: &str) -> String {
    format!(
        "format = 1\ntitle = \"Rolls: 1 < 2\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 50\n\
         duration = \"{duration}\"\nservice = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"\n[thresholds]\n{thresholds}\n"
    )
}

/// Each test case with what it failed with: nothing, or `failure` or `error` and its message.
fn cases<'a>(suite: Node<'a, 'a>) -> BTreeMap<&'a str, Option<(&'a str, &'a str)>> {
    let cases = suite.children().filter(|node| node.has_tag_name("testcase"));
    cases
        .map(|case| {
            let not_kept = case.children().find(Node::is_element);
            (case.attribute("name").unwrap(), not_kept.map(|node| (node.tag_name().name(), node.attribute("message").unwrap())))
        })
        .collect()
}

fn counts(node: Node<'_, '_>) -> [u32; 3] {
    ["tests", "failures", "errors"].map(|name| node.attribute(name).unwrap().parse().unwrap())
}

#[tokio::test]
async fn junit_tells_broken_promises_by_value_and_bound() {
    let place = Place::new();
    let thresholds = "http_req_duration = [\"max<0.001\", \"p(50)<60000\"]\n\"http_req_duration{status:418}\" = [\"max<1\"]";
    let bad = place.write("bad,1.toml", &scenario("1s", thresholds));
    let good = place.write("good.toml", &scenario("1s", "http_req_failed = [\"rate==0\"]"));
    let junit = place.write("junit.xml", &"what stood here before is longer ".repeat(100));
    let (bad, good, junit) = (bad.to_str().unwrap(), good.to_str().unwrap(), junit.to_str().unwrap());
    let mut lab = place.lab(&["run", bad, good, "--json", "-"]);
    let run = ended(lab.env("LAB_JUNIT", junit).env("GITHUB_ACTIONS", "true").spawn().unwrap()).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap().as_array().unwrap().len(), 2);

    let xml = std::fs::read_to_string(junit).unwrap();
    let document = Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), counts(root)), ("testsuites", [6, 2, 0]), "{xml}");
    let suites: Vec<Node<'_, '_>> = root.children().filter(Node::is_element).collect();
    let names: Vec<_> = suites.iter().map(|suite| (suite.attribute("name").unwrap(), counts(*suite))).collect();
    assert_eq!(names, [("bad,1", [4, 2, 0]), ("good", [2, 0, 0])]);
    assert!(suites.iter().all(|suite| suite.attribute("time").unwrap().parse::<f64>().unwrap() >= 0.9), "{xml}");
    let cases = cases(suites[0]);
    assert_eq!(cases.len(), 4);
    assert_eq!((cases["run"], cases["http_req_duration p(50)<60000"]), (None, None));
    let (kind, message) = cases["http_req_duration max<0.001"].unwrap();
    assert_eq!(kind, "failure");
    let value: f64 = message.strip_prefix("http_req_duration max<0.001 is broken: it was ").unwrap().parse().unwrap();
    assert!(value > 0.001, "{message}");
    let silent = "http_req_duration{status:418} max<1 is broken: there were no samples";
    assert_eq!(cases["http_req_duration{status:418} max<1"], Some(("failure", silent)));

    // What GitHub shows beside the file, in diagnostics, so that standard output stays what its reader expects.
    let remarks: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("::")).collect();
    let head = |place: &str| format!("::error file={},{place},title=Rolls%3A 1 < 2 (bad%2C1)::", bad.replace(',', "%2C"));
    let (broken, silent) = (format!("{}{message}", head("line=12,col=22")), format!("{}{silent}", head("line=13,col=36")));
    assert_eq!(remarks, [broken, silent], "{}", run.stderr);
}

/// A fault that could not be injected is an error of its own, and so is the run about which nothing can be said.
#[tokio::test]
async fn junit_tells_what_makes_a_run_inconclusive() {
    let place = Place::new();
    let text = scenario("1s", "http_reqs = [{ threshold = \"count>0\", outside = \"never\" }]")
        + "[[fault]]\nname = \"never\"\nkind = \"db.lock\"\ntable = \"no_such_table\"\nat = \"200ms\"\nduration = \"200ms\"\n\
           [[fault]]\nname = \"slow\"\nkind = \"service.latency\"\nservice = \"frontend\"\nlatency = \"1ms\"\nat = \"200ms\"\nduration = \"200ms\"\n";
    let file = place.write("s.toml", &text);
    let run = place.run(&["run", file.to_str().unwrap(), "--junit", "-"]).await;
    assert_eq!(run.code, Some(98), "{}\n{}", run.stdout, run.stderr);
    let document = Document::parse(&run.stdout).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    assert_eq!(counts(suite), [4, 0, 2], "{}", run.stdout);
    let cases = cases(suite);
    assert_eq!((cases["fault slow"], cases["http_reqs count>0 outside never"]), (None, None));
    let (kind, message) = cases["fault never"].unwrap();
    assert!(kind == "error" && message.contains("no_such_table"), "{kind}: {message}");
    let (kind, message) = cases["run"].unwrap();
    assert!(kind == "error" && message.starts_with("inconclusive: the fault `never` was not there as planned"), "{kind}: {message}");
    assert!(!run.stderr.contains("::warning"), "no GitHub is here to read it: {}", run.stderr);
}

#[tokio::test]
async fn an_interrupted_run_leaves_its_junit_as_far_as_it_went() {
    let place = Place::new();
    let file = place.write("s.toml", &scenario("10m", "http_reqs = [\"count>0\", \"count>1000000\"]"));
    let junit = place.path("junit.xml");
    let up = place.run_until(&[file.to_str().unwrap(), "--junit", junit.to_str().unwrap()], "frontend", 10.0).await;
    signal(up.pid(), Signal::INT);
    let run = ended(up.child).await;
    assert_eq!(run.code, Some(105), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("interrupted; as far as it went: fail"), "{}", run.stdout);
    let xml = std::fs::read_to_string(junit).unwrap();
    let document = Document::parse(&xml).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    assert_eq!(counts(suite), [3, 1, 1], "{xml}");
    let cases = cases(suite);
    assert_eq!(cases["run"], Some(("error", "interrupted; the results are those up to then")));
    assert_eq!(cases["http_reqs count>0"], None);
    assert_eq!(cases["http_reqs count>1000000"].unwrap().0, "failure");
    place.assert_empty();
}

/// What a script reads has the same shape whatever becomes of the runs, and scenarios whose turn did not come are told of as such.
#[tokio::test]
async fn an_interruption_among_several_scenarios_leaves_the_others_as_skipped() {
    let place = Place::new();
    let file = |name: &str, duration: &str| {
        let text = format!(
            "format = 1\ntitle = \"t\"\nstack = \"none\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 20\n\
             duration = \"{duration}\"\n[[load.request]]\nget = \"http://127.0.0.1:9/\"\n[thresholds]\nhttp_reqs = [\"count>0\"]\n"
        );
        place.write(name, &text).to_str().unwrap().to_owned()
    };
    let (long, short) = (file("long.toml", "10m"), file("short.toml", "1s"));
    let [json, junit, html] = ["run.json", "run.xml", "run.html"].map(|name| place.path(name).to_str().unwrap().to_owned());
    let events = place.path("data");
    let mut lab = place.lab(&["run", &long, &short, "--json", &json, "--junit", &junit, "--html", &html]);
    let child = lab.spawn().unwrap();
    // Its recording begins with the run.
    until("the run", PATIENCE, || async { std::fs::read_dir(events.join("runs")).is_ok_and(|mut runs| runs.next().is_some()) }).await;
    assert!(![&json, &junit, &html].into_iter().any(|path| std::fs::exists(path).unwrap()), "there is nothing to read yet");
    signal(child.id().unwrap(), Signal::INT);
    let run = ended(child).await;
    assert_eq!(run.code, Some(105), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.ends_with("\n2 scenarios: 1 interrupted, 1 skipped\n"), "{}", run.stdout);
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 1);
    let xml = std::fs::read_to_string(junit).unwrap();
    let document = Document::parse(&xml).unwrap();
    let suites: Vec<Node<'_, '_>> = document.root_element().children().filter(Node::is_element).collect();
    let skipped = Some(("skipped", "interrupted before its turn"));
    assert_eq!(cases(suites[1]), BTreeMap::from([("run", skipped), ("http_reqs count>0", skipped)]), "{xml}");
    assert!(std::fs::read_to_string(html).unwrap().contains("interrupted before its turn"));
    place.assert_empty();
}

/// A lab that falls over its own feet has told of the runs before, and of the one that it lost.
#[tokio::test]
async fn a_run_without_an_end_is_an_error_in_the_junit() {
    let place = Place::new();
    let short = place.write("short.toml", &scenario("200ms", "http_req_failed = [\"rate==0\"]"));
    let long = place.write("long.toml", &scenario("1m", ""));
    let mut lab = place.lab(&["run", short.to_str().unwrap(), long.to_str().unwrap(), "--junit", "-"]);
    let run = ended(lab.env("LAB_TEST_PANIC_AFTER_MS", "5000").spawn().unwrap()).await;
    assert_eq!(run.code, Some(101), "{}\n{}", run.stdout, run.stderr);
    let document = Document::parse(&run.stdout).unwrap();
    let suites: Vec<Node<'_, '_>> = document.root_element().children().filter(Node::is_element).collect();
    assert_eq!(suites.iter().map(|suite| counts(*suite)).collect::<Vec<_>>(), [[2, 0, 0], [1, 0, 1]], "{}", run.stdout);
    let (_, message) = cases(suites[1])["run"].unwrap();
    assert!(message.contains("a defect of the lab: asked for by a test"), "{message}");
}

/// What stood in the file before would look like a result of this run.
#[tokio::test]
async fn a_stack_that_does_not_come_up_is_an_error_in_the_junit() {
    let place = Place::new();
    let junit = place.write("junit.xml", "of yesterday");
    let database = ["--database-url", "postgresql://nobody@127.0.0.1:1/x"];
    let mut lab = place.lab(&[&["run", "traffic", "db-load", "--junit", junit.to_str().unwrap()], &database[..]].concat());
    let run = ended(lab.env("GITHUB_ACTIONS", "true").spawn().unwrap()).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(100), ""), "{}", run.stderr);
    assert!(run.stderr.contains("::error title=Everyday traffic (traffic)::cannot use the database at "), "{}", run.stderr);
    let xml = std::fs::read_to_string(junit).unwrap();
    let document = Document::parse(&xml).unwrap();
    assert_eq!(counts(document.root_element()), [2, 0, 2], "{xml}");
    let (_, message) = cases(document.root_element().first_element_child().unwrap())["run"].unwrap();
    assert!(message.contains("cannot use the database at postgresql://nobody@127.0.0.1:1/x"), "{message}");
}

#[tokio::test]
async fn check_tells_of_every_file() {
    let place = Place::new();
    let good = place.write("good.toml", &scenario("90s", "http_req_failed = [\"rate==0\"]"));
    let bad = place.write("bad.toml", &scenario("soon", ""));
    let worse = place.write("worse.toml", "format = 2\ntitle = \"?\"\nlaod = 1\n");
    let (good, bad, worse) = (good.to_str().unwrap(), bad.to_str().unwrap(), worse.to_str().unwrap());
    let check = place.run(&["check", good, "locked-table"]).await;
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = check.stdout.lines().collect();
    assert_eq!(lines[0], format!("{good}: Rolls: 1 < 2; 1 load, 0 faults, 1 threshold, 90.0 s"));
    assert!(lines.len() == 2 && lines[1].starts_with("locked-table: ") && lines[1].contains("1 fault, "), "{lines:?}");

    let check = place.run(&["check", bad, good, worse, "no-such-scenario"]).await;
    assert_eq!(check.code, Some(104), "{}", check.stderr);
    assert!(check.stdout.starts_with(good) && check.stdout.lines().count() == 1, "{}", check.stdout);
    let problems: Vec<&str> = check.stderr.lines().collect();
    assert_eq!(problems.len(), 3, "{}", check.stderr);
    assert!(problems[0].starts_with(&format!("{bad}:7:12: `soon` is no time")), "{}", problems[0]);
    assert!(problems[1].starts_with(&format!("{worse}:1:10: format 2 is not known to this version")), "{}", problems[1]);
    assert!(problems[2].contains("no shipped scenario has that name"), "{}", problems[2]);

    // All problems of all files, from `run` as well, each with its remark.
    let worst = place.write("worst.toml", &scenario("soon", "http_reqs = [\"count\"]\nlatency = []").replace("rate = 50", "rat = 50"));
    let places = [
        (bad, 7, 12),
        (worst.to_str().unwrap(), 6, 1),
        (worst.to_str().unwrap(), 7, 12),
        (worst.to_str().unwrap(), 12, 14),
        (worst.to_str().unwrap(), 13, 1),
    ];
    for command in ["check", "run"] {
        let mut on_github = place.lab(&[command, bad, good, worst.to_str().unwrap()]);
        let refused = ended(on_github.env("GITHUB_ACTIONS", "true").spawn().unwrap()).await;
        assert_eq!(refused.code, Some(104), "{}", refused.stderr);
        for (file, line, column) in places {
            let prefix = if command == "run" { "lab: " } else { "" };
            let told = refused.stderr.lines().filter(|told| told.starts_with(&format!("{prefix}{file}:{line}:{column}: "))).count();
            let remarked = refused.stderr.matches(&format!("::error file={file},line={line},col={column},title=")).count();
            assert_eq!((told, remarked), (1, 1), "{file}:{line}:{column}\n{}", refused.stderr);
        }
        assert_eq!(refused.stderr.lines().count(), 2 * places.len(), "{}", refused.stderr);
    }
}

/// An editor reads what the command prints.
#[tokio::test]
async fn the_schema_is_printed() {
    let place = Place::new();
    for arguments in [&["schema"][..], &["schema", "scenario"]] {
        let printed = place.run(arguments).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
        assert!(printed.stdout == include_str!("../../../scenarios/scenario.schema.json"), "{arguments:?}");
    }
}

/// What `lab new` writes can be run as it is, and keeps its promises.
#[tokio::test]
async fn a_new_scenario_runs_and_replaces_nothing() {
    let place = Place::new();
    let file = place.path("mine.toml");
    let name = file.to_str().unwrap();
    let new = place.run(&["new", name]).await;
    assert_eq!((new.code, new.stdout.as_str()), (Some(0), ""), "{}", new.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), place.run(&["new"]).await.stdout);
    let run = place.run(&["run", name, "--headless", "--time-scale", "0.2"]).await;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);

    place.write("mine.toml", "mine");
    let again = place.run(&["new", name]).await;
    assert_eq!(again.code, Some(104));
    assert!(again.stderr.contains("mine.toml exists and is not overwritten"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(place.run(&["new", place.path("no/folder/x.toml").to_str().unwrap()]).await.code, Some(104));
}

/// Bash itself says what it would offer.
#[tokio::test]
async fn bash_completes_commands_and_flags() {
    let place = Place::new();
    let script = place.run(&["completions", "bash"]).await;
    assert_eq!(script.code, Some(0), "{}", script.stderr);
    let script = place.write("lab.bash", &script.stdout);
    for (words, expected, hidden) in [
        ("lab c", "compare check config completions", "guard"),
        ("lab sch", "schema", "guard"),
        ("lab run --ju", "--junit", "--json"),
        ("lab g", "", "guard"),
    ] {
        let last = words.rsplit(' ').next().unwrap();
        let ask = format!(
            "source {}; complete -p lab >/dev/null || exit 1; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _lab lab {last} lab 2>/dev/null; echo \"${{COMPREPLY[*]}}\"",
            script.display()
        );
        let mut bash = tokio::process::Command::new("bash");
        bash.args(["--norc", "-c", &ask]).stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true);
        let answer = ended(bash.spawn().unwrap()).await;
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        assert_eq!(answer.stdout.trim(), expected, "{words}");
        assert!(!answer.stdout.contains(hidden), "{words}: {}", answer.stdout);
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).await;
        assert!(script.code == Some(0) && script.stdout.contains("junit") && !script.stdout.contains('\u{fffd}'), "{shell}");
    }
    assert_eq!(place.run(&["completions", "tcsh"]).await.code, Some(104));
}

/// Help fits where it is read, and where nobody knows how wide that is; no word is cut.
#[tokio::test]
async fn help_is_wrapped_between_words() {
    let place = Place::new();
    for (columns, widest) in [(None, 100), (Some("80"), 80)] {
        for command in [&["--help"][..], &["run", "--help"], &["up", "--help"], &["serve", "die-service", "--help"]] {
            let mut lab = place.lab(command);
            lab.env_remove("COLUMNS").envs(columns.map(|columns| ("COLUMNS", columns)));
            let help = ended(lab.spawn().unwrap()).await;
            let long: Vec<&str> = help.stdout.lines().filter(|line| line.chars().count() > widest).collect();
            assert!(help.code == Some(0) && long.is_empty(), "{command:?} {columns:?}\n{}", help.stdout);
        }
        let whole = ["http://localhost:3000/trace/{trace_id}", "postgresql://user:password@host:5432/database"];
        let mut lab = place.lab(&["run", "--help"]);
        let help = ended(lab.env_remove("COLUMNS").envs(columns.map(|columns| ("COLUMNS", columns))).spawn().unwrap()).await;
        assert!(whole.iter().all(|word| help.stdout.contains(word)), "{}", help.stdout);
    }
}
