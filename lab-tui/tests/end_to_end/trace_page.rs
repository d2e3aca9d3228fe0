//! The lab's own page for one trace, as a real browser sees it and as keys and a mouse use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use lab_facts::event::TraceId;
use lab_instrument::observe::store::{DEFAULT_BYTES, Store};
use lab_instrument::observe::tempo;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::browser::{Looked, look_at};
use crate::common::{Place, client};

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&";
const ID: TraceId = TraceId([0xab; 16]);
const BEGIN: u64 = 1_790_000_000_000_000_000;

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }), ..KeyValue::default() }
}

/// Span `number` below span `parent`, or a root where that is 0; from and to in milliseconds.
fn span(number: u8, parent: u8, name: &str, kind: i32, from: u64, to: u64) -> Span {
    Span {
        trace_id: ID.0.to_vec(),
        span_id: vec![number; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        kind,
        start_time_unix_nano: BEGIN + from * 1_000_000,
        end_time_unix_nano: BEGIN + to * 1_000_000,
        attributes: vec![attribute("span.number", &format!("number {number}"))],
        ..Span::default()
    }
}

fn add(store: &Store, service: &str, spans: Vec<Span>) {
    let resource = Some(Resource { attributes: vec![attribute("service.name", service)], ..Resource::default() });
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    assert_eq!(store.add_spans(ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }), 0);
}

/// A front, a shop that it calls, and the shop's database, which fails.
fn add_the_front(store: &Store) {
    add(store, "front", vec![span(1, 0, "GET /cart", 2, 0, 100), span(2, 1, "GET", 3, 10, 90)]);
}

fn add_the_shop(store: &Store) {
    let mut query = span(4, 3, "SELECT carts", 3, 30, 70);
    query.attributes.push(attribute("db.system.name", "postgresql"));
    query.status = Some(Status { code: 2, message: "deadlock".to_owned() });
    query.events = vec![Event {
        time_unix_nano: BEGIN + 60_000_000,
        name: "exception".to_owned(),
        attributes: vec![attribute("exception.type", "Deadlock")],
        ..Event::default()
    }];
    query.links = vec![Link { trace_id: vec![0xcd; 16], span_id: vec![9; 8], ..Link::default() }];
    add(store, "shop", vec![span(3, 2, "GET /cart", 2, 20, 80), query]);
    let line = |message: &str| {
        let span = "04".repeat(8);
        format!(r#"{{"level":"ERROR","message":"{message}","trace_id":"{ID}","span_id":"{span}","timestamp":"2026-09-21T14:13:20.065Z"}}"#)
    };
    store.add_log("shop", &line("the cart is lost"));
}

struct Lab {
    store: Store,
    base: String,
    stop: CancellationToken,
    _guard: DropGuard,
}

async fn lab() -> Lab {
    let store = Store::new(DEFAULT_BYTES);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(tempo::serve(listener, store.clone(), stop.clone()));
    Lab { store, base, stop: stop.clone(), _guard: stop.drop_guard() }
}

/// What stands between the lab and the browser: it sees every answer, and may put a script of the test's behind the page's own.
struct Between {
    lab: String,
    script: String,
    asked: AtomicUsize,
    /// Done before the page is asked for the second time.
    meanwhile: Box<dyn Fn() + Send + Sync>,
}

async fn between(lab: &Lab, script: &str, meanwhile: impl Fn() + Send + Sync + 'static) -> String {
    // A block of its own: the page's script has names too.
    let script = format!("<script>\n{{\n{script}\n}}\n</script></body>");
    let state = Between { lab: lab.base.clone(), script, asked: AtomicUsize::new(0), meanwhile: Box::new(meanwhile) };
    async fn page(State(between): State<Arc<Between>>, Path(id): Path<String>) -> Response {
        if between.asked.fetch_add(1, Ordering::SeqCst) == 1 {
            (between.meanwhile)();
        }
        let page = client().get(format!("{}/trace/{id}", between.lab)).send().await.unwrap().text().await.unwrap();
        Html(page.replace("</body>", &between.script)).into_response()
    }
    let router = Router::new().route("/trace/{id}", get(page)).with_state(Arc::new(state));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/trace/{ID}", listener.local_addr().unwrap());
    let stop = lab.stop.clone();
    tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await });
    address
}

fn assert_is_alone(looked: &Looked) {
    assert!(looked.console.is_empty(), "{:#?}", looked.console);
    let dom = looked.dom.replace("&lt;img src=x onerror=alert(1)&gt;", "");
    for fetches in ["src=", "<link", "<img", "<iframe", "<object", "@import", "url(", "http-equiv", "style=\""] {
        assert!(!dom.contains(fetches), "the page has {fetches}");
    }
    for address in dom.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(address.starts_with('#') || address.starts_with("/trace/") || address.starts_with("/api/v2/traces/"), "{address}");
    }
}

#[tokio::test]
async fn the_page_of_a_trace_is_whole_and_alone() {
    let (place, lab) = (Place::new(), lab().await);
    add_the_front(&lab.store);
    add_the_shop(&lab.store);
    let address = format!("{}/trace/{ID}", lab.base);
    let policy = client().get(&address).send().await.unwrap().headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let looked = look_at(&place, &address, &[]).await;
    let dom = &looked.dom;
    assert_is_alone(&looked);
    assert!(dom.contains("<html lang=\"en\" class=\"live\">"), "the script did not run");
    assert!(dom.contains("data-complete=\"true\"") && dom.contains("Complete, with 1 span that failed"), "{dom}");
    // Order of the rows, what they say, and what they open to.
    let mut from = 0;
    for text in [
        "<b>front</b> GET /cart",
        "<b>front</b> GET<",
        "<b>shop</b> GET /cart",
        "<b>shop</b> SELECT carts",
        "error: deadlock",
        "span.number</th><td>number 4",
        "exception.type",
        "href=\"/trace/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd#0909090909090909\"",
        "the cart is lost",
    ] {
        let rows = dom.find("<ol class=\"rows\"").unwrap();
        from += dom[rows + from..].find(text).unwrap_or_else(|| panic!("{text} after what comes before it in\n{dom}")) + text.len();
    }
    // Where the time went: the query took 40 of 100 ms, and nothing else as much.
    let went = &dom[dom.find("Where the time went").unwrap()..];
    assert!(went[..went.find("40 %").unwrap()].matches("<li>").count() == 1, "{went}");
    assert!(went.contains("shop SELECT carts 40 percent"), "{went}");
    place.assert_empty();
}

#[tokio::test]
async fn whatever_a_span_says_is_text() {
    let (place, lab) = (Place::new(), lab().await);
    let mut hostile = span(1, 0, HOSTILE, 2, 0, 5);
    hostile.attributes = vec![attribute(HOSTILE, HOSTILE)];
    hostile.trace_state = HOSTILE.to_owned();
    hostile.status = Some(Status { code: 2, message: HOSTILE.to_owned() });
    hostile.events = vec![Event { name: HOSTILE.to_owned(), attributes: vec![attribute(HOSTILE, HOSTILE)], ..Event::default() }];
    hostile.links = vec![Link { trace_id: HOSTILE.as_bytes().to_vec(), span_id: HOSTILE.as_bytes().to_vec(), ..Link::default() }];
    // One that ends before it begins, and two of one time.
    add(&lab.store, HOSTILE, vec![hostile, span(2, 1, "back", 1, 4, 2), span(3, 1, "", 1, 0, 0)]);
    let line = serde_json::json!({ "level": HOSTILE, "message": HOSTILE, HOSTILE: HOSTILE, "trace_id": ID.to_string(), "span_id": "01".repeat(8) });
    lab.store.add_log(HOSTILE, &line.to_string());
    let looked = look_at(&place, &format!("{}/trace/{ID}", lab.base), &[]).await;
    assert_is_alone(&looked);
    assert!(looked.dom.matches("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;").count() > 10, "{}", looked.dom);
    place.assert_empty();
}

#[tokio::test]
async fn unknown_and_wrong_ids_have_pages_too() {
    let (place, lab) = (Place::new(), lab().await);
    for (id, status, says) in [("00ff", 404, "The lab does not have this trace"), ("<b>x", 400, "invalid character '&lt;' at position 1")] {
        let address = format!("{}/trace/{}", lab.base, id.replace('<', "%3C").replace('>', "%3E"));
        let answer = client().get(&address).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(answer.headers().contains_key("content-security-policy"));
        let text = answer.text().await.unwrap();
        assert!(text.contains(says), "{text}");
    }
    place.assert_empty();
}

/// Presses keys and clicks, and writes what came of each into the title.
const HANDS: &str = r##"
const said = [];
const press = (key, on) => (on ?? document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const shown = () => [...document.querySelectorAll(".row")].filter((row) => !row.hidden).length;
const at = () => document.activeElement.closest("details")?.id?.slice(0, 2) ?? "-";
const open = () => [...document.querySelectorAll(".row > details[open]")].map((one) => one.id.slice(0, 2)).join("");
const say = (what) => said.push(`${what}:${shown()}/${at()}/${open()}`);
say("begin");
press("ArrowDown"); press("j"); say("down");
press("ArrowLeft"); say("fold");
press("l"); say("unfold");
press("l"); say("open");
press("h"); say("close");
press("h"); press("h"); say("parent");
press("e"); say("error");
press("g"); document.querySelector(".row summary").click(); say("click");
document.querySelector("button.twisty").click(); say("twisty");
press("x"); say("unfold all");
press("x"); say("fold all");
document.getElementById("unfold").click(); say("button");
press("/"); const filter = document.getElementById("filter"); said.push(document.activeElement === filter);
filter.value = "LOST"; filter.dispatchEvent(new Event("input", { bubbles: true })); say("filter");
said.push(document.getElementById("found").textContent, document.querySelectorAll(".dim").length);
press("Escape"); say("escape");
document.querySelector(".row[data-depth='2'] summary").focus(); press("c");
const track = document.querySelector(".track").getBoundingClientRect();
document.querySelector(".row").dispatchEvent(new PointerEvent("pointermove", { clientX: track.left + track.width / 4, clientY: track.top, bubbles: true }));
said.push(document.querySelector(".cursor").textContent);
document.title = said.join(" ");
"##;

#[tokio::test]
async fn keys_and_a_mouse_move_fold_open_and_filter() {
    let (place, lab) = (Place::new(), lab().await);
    add_the_front(&lab.store);
    add_the_shop(&lab.store);
    // The page's policy would not let the test's hands in; what stands between leaves it out.
    let address = between(&lab, HANDS, || {}).await;
    let looked = look_at(&place, &address, &["--virtual-time-budget=3000"]).await;
    assert!(looked.console.is_empty(), "{:#?}", looked.console);
    let title = looked.dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    // Four spans and a log line: how many are shown, which is at hand, which are open.
    let expected = "begin:5/-/ down:5/02/ fold:2/02/ unfold:5/02/ open:5/02/02 close:5/02/ parent:2/01/ error:5/04/ click:5/01/01 \
                    twisty:1/01/01 unfold all:5/01/01 fold all:1/01/01 button:5/01/01 true filter:5/-/01 2 of 5 rows 3 escape:5/-/01 25.0 ms";
    assert_eq!(title, expected);
    // An address may name a span, which is then open.
    let looked = look_at(&place, &format!("{}/trace/{ID}#{}", lab.base, "03".repeat(8)), &[]).await;
    assert!(looked.dom.contains(&format!("<details id=\"{}\" open=\"\">", "03".repeat(8))), "{}", looked.dom);
    place.assert_empty();
}

#[tokio::test]
async fn a_trace_that_is_still_being_written_completes_under_the_readers_eyes() {
    let (place, lab) = (Place::new(), lab().await);
    add_the_front(&lab.store);
    let store = lab.store.clone();
    // What the reader has opened stays open.
    let opens = "document.querySelector('.row details')?.setAttribute('open', '');";
    let address = between(&lab, opens, move || add_the_shop(&store)).await;
    let first = client().get(format!("{}/trace/{ID}", lab.base)).send().await.unwrap().text().await.unwrap();
    assert!(first.contains("data-complete=\"false\"") && first.contains("the other side of a call has not come in"), "{first}");
    let looked = look_at(&place, &address, &["--virtual-time-budget=20000"]).await;
    assert!(looked.console.is_empty(), "{:#?}", looked.console);
    assert!(looked.dom.contains("data-complete=\"true\"") && looked.dom.contains("SELECT carts"), "{}", looked.dom);
    assert!(looked.dom.contains(&format!("<details id=\"{}\" open=\"\">", "01".repeat(8))), "{}", looked.dom);
    place.assert_empty();
}

/// Nothing of it has come in when the reader looks; then all of it does.
#[tokio::test]
async fn a_trace_that_has_not_come_in_appears() {
    let (place, lab) = (Place::new(), lab().await);
    let store = lab.store.clone();
    let address = between(&lab, "", move || {
        add_the_front(&store);
        add_the_shop(&store);
    });
    let looked = look_at(&place, &address.await, &["--virtual-time-budget=20000"]).await;
    assert!(looked.dom.contains("data-complete=\"true\"") && looked.dom.contains("SELECT carts"), "{}", looked.dom);
    place.assert_empty();
}
