//! The HTML report of real runs, as a real browser sees it.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::browser::{Looked, look};
use crate::common::{Place, ended, signal};

const LINK: &str = "http://localhost:3000/trace/{trace_id}";
const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

/// What stands between each pair of these.
fn between<'a>(text: &'a str, from: &'a str, to: &'a str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap()).collect()
}

/// Cells of the table below a heading, by the first of each row.
fn rows<'a>(dom: &'a str, heading: &str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let section = between(dom, &format!("<h2>{heading}</h2>"), "</section>")[0].to_owned();
    let start = dom.find(&section).unwrap();
    let section = &dom[start..start + section.len()];
    let rows = between(section, "<tr><th scope=\"row\">", "</tr>").into_iter();
    rows.map(|row| (row.split('<').next().unwrap(), row.split("</td>").map(|cell| cell.rsplit('>').next().unwrap()).collect())).collect()
}

/// Nothing that a browser would fetch, and nothing that it complained of.
fn assert_is_alone(looked: &Looked) {
    assert!(looked.console.is_empty(), "{:#?}", looked.console);
    // What a hostile name says is there as text, and is no tag.
    let dom = looked.dom.replace("&lt;img src=x onerror=alert(1)&gt;", "");
    for fetches in ["src=", "<link", "<img", "<iframe", "<object", "@import", "url(", "http-equiv=\"refresh\""] {
        assert!(!dom.contains(fetches), "the page has {fetches}");
    }
    for address in between(&looked.dom, "href=\"", "\"") {
        assert!(address.starts_with('#') || address.starts_with("http://localhost:3000/trace/"), "{address}");
    }
}

/// A page that does itself what a reader's mouse would do, and writes what it sees into its title.
fn with_a_mouse(page: &Path, at: f64) -> String {
    let text = std::fs::read_to_string(page).unwrap();
    let policy = text.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let end = policy + text[policy..].find('>').unwrap() + 1;
    let mouse = format!(
        "<script>const plot = document.querySelector('[data-time]'), box = plot.getBoundingClientRect();\
         plot.dispatchEvent(new PointerEvent('pointermove', {{ clientX: box.left + box.width * {at}, clientY: box.top + 1 }}));\
         document.title = document.querySelector('.readout').textContent;</script></body>"
    );
    (text[..policy].to_owned() + &text[end..]).replace("</body>", &mouse)
}

#[tokio::test]
async fn the_page_of_two_runs_is_whole_and_alone() {
    let place = Place::new();
    let hostile = place.write(
        "hostile.toml",
        &format!(
            "format = 1\ntitle = \"{HOSTILE}\"\n[[load]]\nname = \"{HOSTILE}\"\nexecutor = \"constant-arrival-rate\"\nrate = 20\n\
             duration = \"5s\"\nservice = \"frontend\"\n[[load.request]]\nname = \"{HOSTILE}\"\nget = \"/roll?die=fair\"\n\
             [thresholds]\nhttp_req_duration = [\"max<0.001\"]\n"
        ),
    );
    let (page, json) = (place.path("page.html"), place.path("out.json"));
    let (page_flag, json_flag, hostile) = (page.to_str().unwrap(), json.to_str().unwrap(), hostile.to_str().unwrap());
    let mut lab = place.lab(&["run", "first-minute", hostile, "--json", json_flag, "--trace-url", LINK]);
    let run = ended(lab.env("LAB_HTML", page_flag).env("LAB_TIME_SCALE", "0.2").spawn().unwrap()).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    let json: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();

    let looked = look(&place, &page).await;
    let dom = &looked.dom;
    assert_is_alone(&looked);
    assert!(dom.contains("<html lang=\"en\" class=\"live\">"), "the script did not run: {}", &dom[..300]);
    assert!(!dom.contains("<img") && dom.contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"));
    let whole = [
        "What happened",
        "What was promised",
        "Why",
        "How long requests took",
        "Loads",
        "Hops",
        "Who calls whom",
        "Slowest requests",
        "Telemetry",
        "The lab itself",
        "Endpoints",
    ];
    assert_eq!(between(dom, "<h2>", "</h2>"), [whole, whole].concat());
    assert_eq!(between(dom, "<article class=\"run\" id=\"", "\""), ["run-1", "run-2"]);
    // One passed, one failed: the page says so at once, then why.
    assert_eq!(between(dom, "<div class=\"banner ", "\""), ["fail", "pass", "fail"]);
    assert!(dom.contains("http_req_duration max&lt;0.001 is broken: it was "), "{dom}");
    // Every picture has words for those who do not see it.
    let pictures = between(dom, "role=\"img\" aria-label=\"", "\"");
    assert!(pictures.len() >= 10 && pictures.iter().all(|says| says.len() > 20), "{pictures:?}");
    assert!(dom.contains("<rect class=\"band\"") && dom.contains("table locked begins: locks die_specifications"));
    assert!(dom.contains("Pool of die-service"));
    let traces = between(dom, "<details class=\"trace\"", "</details>");
    assert_eq!(traces.len(), 10);
    assert!(traces[0].contains("open=\"\"") && traces[0].contains("SELECT die_specifications") && traces[0].contains("class=\"log\""));
    let links: Vec<String> =
        json[0]["slowest_traces"].as_array().unwrap().iter().map(|slow| slow["url"].as_str().unwrap().to_owned()).collect();
    assert!(links.iter().all(|link| dom.contains(&format!("href=\"{link}\""))), "{links:?}");
    // What spans told of the hops is all that the services sent, to the last.
    let hops = rows(dom, "Hops");
    for service in json[0]["telemetry"]["services"].as_array().unwrap() {
        let name = service["name"].as_str().unwrap();
        assert_eq!(hops[name][0], service["server_spans"].to_string(), "{name}: {hops:?}");
    }
    assert!(hops["postgresql"][0].parse::<u64>().unwrap() > 0, "{hops:?}");

    let pointed = place.write("pointed.html", &with_a_mouse(&page, 0.05));
    let title = look(&place, &pointed).await.dom;
    let title = between(&title, "<title>", "</title>")[0];
    assert!(title.starts_with("at 0 sdue 20/ssent 20/sfailed "), "{title}");
    place.assert_empty();
}

#[tokio::test]
async fn an_interrupted_run_leaves_its_page_as_far_as_it_went() {
    let place = Place::new();
    let page = place.path("page.html");
    let up = place.run_until(&["traffic", "db-load", "--html", page.to_str().unwrap()], "frontend", 10.0).await;
    signal(up.pid(), Signal::INT);
    let run = ended(up.child).await;
    assert_eq!(run.code, Some(105), "{}\n{}", run.stdout, run.stderr);
    let looked = look(&place, &page).await;
    assert_is_alone(&looked);
    // Of all, of the one that was interrupted, and of the one whose turn did not come.
    assert_eq!(between(&looked.dom, "<div class=\"banner ", "\""), ["unclear"; 3]);
    assert!(looked.dom.contains("<strong>skipped</strong>"), "{}", looked.dom);
    assert!(looked.dom.contains("<strong>interrupted</strong>") && looked.dom.contains("<h2>What happened</h2>"), "{}", looked.dom);
    place.assert_empty();
}

/// A page of yesterday would look like a result of this run.
#[tokio::test]
async fn a_stack_that_does_not_come_up_is_an_error_on_the_page() {
    let place = Place::new();
    let page = place.write("page.html", "of yesterday");
    let database = ["--database-url", "postgresql://nobody@127.0.0.1:1/x"];
    let run = place.run(&[&["run", "traffic", "db-load", "--html", page.to_str().unwrap()], &database[..]].concat()).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(100), ""), "{}", run.stderr);
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>") && !text.contains("of yesterday"), "{text}");
    assert_eq!(between(&text, "<div class=\"banner ", "\""), ["fail", "fail", "fail"]);
    assert!(text.contains("2 error") && text.contains("cannot use the database at postgresql://nobody@127.0.0.1:1/x"), "{text}");
}

#[tokio::test]
async fn a_page_that_cannot_be_written_is_refused_before_anything_starts() {
    let place = Place::new();
    for (flags, why) in [
        (["--html", "/no/such/folder/page.html"].as_slice(), "cannot write /no/such/folder/page.html"),
        (&["--html", "-", "--json", "-"], "--json and --html cannot both be written to standard output"),
        (&["--junit", "x", "--html", "x"], "--junit and --html cannot both be written to x"),
    ] {
        let run = place.run(&[&["run", "traffic"], flags].concat()).await;
        assert_eq!(run.code, Some(104), "{}", run.stderr);
        assert!(run.stderr.contains(why) && !run.stderr.contains("stack ready"), "{}", run.stderr);
    }
}

/// GitHub shows what a step appends to the file it names; what stands there is of earlier commands.
#[tokio::test]
async fn a_step_of_github_has_its_summary() {
    let place = Place::new();
    let step = place.write("step.md", "# Earlier\n\n");
    let text = "format = 1\ntitle = \"a|b <i> @all\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 20\n\
                duration = \"1s\"\nservice = \"frontend\"\n[[load.request]]\nget = \"/roll?die=fair\"\n\
                [thresholds]\nhttp_req_duration = [\"max<0.001\"]\ndropped_iterations = [\"count==0\"]\n";
    let file = place.write("s.toml", text);
    let mut lab = place.lab(&["run", file.to_str().unwrap(), "--trace-url", LINK]);
    let run = ended(lab.env("GITHUB_STEP_SUMMARY", &step).spawn().unwrap()).await;
    assert_eq!(run.code, Some(99), "{}\n{}", run.stdout, run.stderr);
    let text = std::fs::read_to_string(&step).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], ["# Earlier", "", "### ❌ a\\|b &lt;i&gt; @\u{200b}all (s)", ""], "{text}");
    assert!(text.contains("\nfail: 1 of 2 thresholds broken\n\n| | Threshold | Value |\n"), "{text}");
    assert!(
        text.contains("| ❌ broken | http\\_req\\_duration max&lt;0.001 | ")
            && text.contains("| ✅ kept | dropped\\_iterations count==0 | 0 |"),
        "{text}"
    );
    assert!(text.contains("- **l**: 20 requests, 20.0 a second, 0 failed, 0 dropped; p50 "), "{text}");
    assert_eq!(lines.iter().filter(|line| line.contains("](http://localhost:3000/trace/")).count(), 5, "{text}");

    let mut lab = place.lab(&["run", file.to_str().unwrap()]);
    let run = ended(lab.env("GITHUB_STEP_SUMMARY", "/no/such/folder/x").spawn().unwrap()).await;
    assert!(run.code == Some(104) && run.stderr.contains("which GITHUB_STEP_SUMMARY names"), "{}", run.stderr);
}
