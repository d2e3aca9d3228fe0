use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::event::HopKind;
use crate::explain::is_whole;

/// Times in milliseconds.
fn span(id: &str, parent: &str, service: &str, kind: &str, from: u64, to: u64) -> TraceSpan {
    TraceSpan {
        span_id: id.to_owned(),
        parent_span_id: (!parent.is_empty()).then(|| parent.to_owned()),
        service: service.to_owned(),
        name: "GET".to_owned(),
        kind: kind.to_owned(),
        start_unix_nano: from * 1_000_000,
        duration_nano: (to - from) * 1_000_000,
        ..TraceSpan::default()
    }
}

fn with(mut span: TraceSpan, name: &str, attributes: &[(&str, &str)]) -> TraceSpan {
    span.name = name.to_owned();
    span.attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    span
}

/// Milliseconds by hop.
fn told(spans: &[TraceSpan]) -> Vec<(HopKind, String, u64)> {
    let parts = breakdown(spans).unwrap();
    assert_eq!(parts.hops.values().sum::<u64>(), spans[parts.root].duration_nano);
    assert_eq!(parts.own.iter().sum::<u64>(), spans[parts.root].duration_nano);
    parts.hops.into_iter().filter(|(_, nanos)| *nanos > 0).map(|(hop, nanos)| (hop.kind, hop.name.to_string(), nanos / 1_000_000)).collect()
}

/// The chain of the lab's own services, called otherwise: no name is known.
fn chain() -> Vec<TraceSpan> {
    vec![
        span("1", "", "load", "client", 100, 200),
        span("2", "1", "door", "server", 102, 198),
        span("3", "2", "door", "client", 105, 195),
        span("4", "3", "middle", "server", 110, 190),
        with(span("5", "4", "middle", "internal", 112, 150), "take", &[("db.client.connection.pool.name", "orders")]),
        with(span("6", "4", "middle", "client", 150, 185), "SELECT x", &[("db.system.name", "mysql"), ("db.query.text", "SELECT 1")]),
    ]
}

#[test]
fn each_part_of_the_way_has_its_time() {
    let mut spans = chain();
    let expected = [
        (HopKind::Service, "door".to_owned(), 6),
        (HopKind::Service, "middle".to_owned(), 7),
        (HopKind::Pool, "middle".to_owned(), 38),
        (HopKind::Database, "mysql".to_owned(), 35),
        (HopKind::Network, "door → middle".to_owned(), 10),
        (HopKind::Network, "load → door".to_owned(), 4),
    ];
    assert_eq!(told(&spans), expected);
    // In whatever order they come, and however often.
    spans.reverse();
    spans.extend(chain());
    assert_eq!(told(&spans), expected);
}

#[test]
fn pools_and_databases_are_told_by_what_instrumentations_write() {
    let cases = [
        ("internal", "pool.acquire", &[][..], HopKind::Pool),
        ("internal", "HikariDataSource.getConnection", &[], HopKind::Pool),
        ("client", "connection checkout", &[("db.system.name", "postgresql")], HopKind::Pool),
        ("internal", "acquire lock", &[], HopKind::Service),
        ("client", "SELECT", &[("db.system", "sqlite")], HopKind::Database),
        ("internal", "SELECT", &[("db.system.name", "sqlite")], HopKind::Database),
        (
            "client",
            "SELECT",
            &[("db.system.name", "x"), ("db.client.connection.pool.name", "p"), ("db.query.text", "q")],
            HopKind::Database,
        ),
        ("server", "pool.acquire", &[], HopKind::Service),
        ("client", "GET", &[("server.address", "example.com")], HopKind::Unseen),
        ("consumer", "orders process", &[], HopKind::Service),
    ];
    for (kind, name, attributes, expected) in cases {
        let span = with(span("1", "", "s", kind, 0, 5), name, attributes);
        assert_eq!(told(&[span])[0].0, expected, "{kind} {name}");
    }
    let unseen = with(span("1", "", "s", "client", 0, 5), "GET", &[("server.address", "example.com")]);
    assert_eq!(told(&[unseen])[0].1, "s → example.com");
}

#[test]
fn children_at_once_share_no_time_and_the_last_to_end_is_the_one_that_was_waited_for() {
    let spans = [
        span("1", "", "door", "server", 0, 100),
        span("a", "1", "a", "internal", 10, 50),
        span("b", "1", "b", "internal", 20, 90),
        span("c", "1", "c", "internal", 30, 40),
        // Goes on when nobody waits for it any more.
        span("d", "1", "d", "internal", 95, 300),
    ];
    let expected = [("a", 10), ("b", 70), ("d", 5), ("door", 15)];
    let found: Vec<(String, u64)> = told(&spans).into_iter().map(|(_, name, ms)| (name, ms)).collect();
    assert_eq!(found, expected.map(|(name, ms)| (name.to_owned(), ms)));
    let own = breakdown(&spans).unwrap().own.iter().map(|nanos| nanos / 1_000_000).collect::<Vec<u64>>();
    assert_eq!(own, [15, 10, 70, 0, 5], "c is not on the critical path");
}

#[test]
fn a_service_whose_clock_is_wrong_is_moved_with_all_below_it() {
    for skew in [0_i64, -50, 75, 3_600_000, -90] {
        let mut spans = chain();
        for span in &mut spans[3..] {
            span.start_unix_nano = span.start_unix_nano.checked_add_signed(skew * 1_000_000).unwrap();
        }
        let times: Vec<u64> = told(&spans).into_iter().map(|(.., ms)| ms).collect();
        assert_eq!(times, [6, 7, 38, 35, 10, 4], "{skew} ms");
    }
    // A server that goes on after its client has given up, on a clock that is late.
    let spans = [span("1", "", "load", "client", 100, 200), span("2", "1", "door", "server", 90, 400)];
    assert_eq!(told(&spans), [(HopKind::Service, "door".to_owned(), 100)]);
}

#[test]
fn what_is_missing_counts_for_whoever_called() {
    let without = |lost: &[&str]| chain().into_iter().filter(|span| !lost.contains(&span.span_id.as_str())).collect::<Vec<_>>();
    let named = |lost: &[&str]| {
        told(&without(lost)).into_iter().map(|(kind, name, ms)| format!("{} {name} {ms}", kind.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(named(&["4", "5", "6"]), ["service door 6", "network load → door 4", "unseen door → GET 90"]);
    // The door's spans are lost, so the middle hangs below the root.
    assert_eq!(named(&["2", "3"]), ["service middle 7", "pool middle 38", "database mysql 35", "network load → middle 20"]);
    // No root: the first that is there stands for it.
    assert_eq!(named(&["1"])[0], "service door 6");
    assert_eq!(breakdown(&without(&["1"])).unwrap().root, 0);
}

#[test]
fn a_trace_is_whole_when_the_root_has_ended_and_every_call_of_a_service_has_its_child() {
    assert!(is_whole(&chain()));
    for (lost, whole) in [("1", false), ("2", false), ("3", false), ("4", false), ("5", true), ("6", true)] {
        let spans: Vec<TraceSpan> = chain().into_iter().filter(|span| span.span_id != lost).collect();
        assert_eq!(is_whole(&spans), whole, "without {lost}");
    }
    let leaf = chain().into_iter().take(3).collect::<Vec<_>>();
    assert!(!is_whole(&leaf) && !is_whole(&[]));
}

#[test]
fn malformed_traces_are_survived() {
    assert_eq!(breakdown(&[]), None);
    let circle = [span("a", "b", "s", "server", 0, 5), span("b", "a", "s", "server", 0, 9), span("c", "c", "s", "server", 1, 2)];
    assert_eq!(told(&circle), [(HopKind::Service, "s".to_owned(), 9)]);
    let mut huge = chain();
    huge[2].start_unix_nano = u64::MAX;
    huge[3].duration_nano = u64::MAX;
    assert_eq!(told(&huge).iter().map(|(.., ms)| ms).sum::<u64>(), 100);
    // As deep as no stack would go.
    let deep: Vec<TraceSpan> = (0..10_000_u64)
        .map(|n| span(&n.to_string(), &n.checked_sub(1).map_or(String::new(), |parent| parent.to_string()), "s", "internal", n, 20_000 - n))
        .collect();
    let parts = breakdown(&deep).unwrap();
    assert_eq!((parts.depth[9_999], parts.own[9_999]), (9_999, 2_000_000));
    assert!(parts.own[..9_999].iter().all(|own| *own == 2_000_000));
}

/// Ten thousand random trees: whatever hangs below what, at whatever times, the parts add up to the root to the nanosecond.
#[test]
fn the_parts_of_any_tree_add_up_to_its_root() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let kinds = ["client", "server", "internal", "producer", "consumer"];
    for round in 0..10_000 {
        let size: usize = if round == 0 { 10_000 } else { random.random_range(1..40) };
        let mut spans: Vec<TraceSpan> = (0..size)
            .map(|n| {
                // Now and then a parent that is not there, one that comes later, or none.
                let parent = random.random_range(0..n + 3);
                let parent = if n == 0 || parent == n + 2 { String::new() } else { parent.to_string() };
                let id = if random.random_range(0..20) == 0 { random.random_range(0..=n) } else { n };
                TraceSpan {
                    start_unix_nano: random.random_range(0..1_000),
                    duration_nano: random.random_range(0..1_000),
                    ..span(&id.to_string(), &parent, ["a", "b"][n % 2], kinds[random.random_range(0..5)], 0, 0)
                }
            })
            .collect();
        if random.random_range(0..2) == 0 {
            spans.reverse();
        }
        let parts = breakdown(&spans).unwrap();
        let root = spans[parts.root].duration_nano;
        assert_eq!((parts.hops.values().sum::<u64>(), parts.own.iter().sum::<u64>()), (root, root), "{spans:#?}");
        assert!(parts.own.iter().zip(&spans).all(|(own, span)| *own <= span.duration_nano));
    }
}
