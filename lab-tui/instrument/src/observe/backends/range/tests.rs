use super::*;
use crate::observe::backends::tests::{Fake, backends};

const SECONDS: Range<u64> = 1_795_455_893 * SECOND..1_795_456_013 * SECOND;

fn query(backend: Backend, text: &str) -> RangeQuery {
    RangeQuery { backend, text: text.to_owned(), window: SECONDS }
}

async fn answered(backend: Backend, text: &str, status: u16, body: &'static str) -> (Result<QueryResult, Unanswered>, Vec<String>) {
    let (fake, url) = Fake::start(&[(status, body)]).await;
    let result = backends(backend, url).query(&query(backend, text)).await;
    (result, fake.asked())
}

fn series(result: Result<QueryResult, Unanswered>) -> Vec<Series> {
    let QueryResult::Series { series, left_out: 0 } = result.unwrap() else { panic!("no series") };
    series
}

#[tokio::test]
async fn prometheus_gives_series_over_the_time_in_question() {
    let (result, asked) = answered(Backend::Prometheus, " up ", 200, include_str!("../recorded/prometheus-query-range.json")).await;
    assert_eq!(asked, ["/base/api/v1/query_range?query=up&start=1795455893&end=1795456013.000&step=1"]);
    let all = series(result);
    let names: Vec<&str> = all.iter().map(|one| one.labels["service"].as_str()).collect();
    assert_eq!((names.len(), all[0].points[0]), (3, (1_795_455_938 * SECOND, 0.0)), "{names:?}");
    assert!(all[0].highest() >= all[1].highest() && all[1].highest() >= all[2].highest(), "the highest come first");
    let (moment, _) = answered(Backend::Prometheus, "up", 200, include_str!("../recorded/prometheus-query-vector.json")).await;
    assert!(series(moment).iter().all(|one| one.points.len() == 1));
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"+Inf"]}}"#;
    let (scalar, _) = answered(Backend::Prometheus, "scalar(up)", 200, scalar).await;
    assert_eq!(series(scalar)[0].points, [(1_500_000_000, f64::INFINITY)]);
}

#[tokio::test]
async fn loki_gives_lines_or_series() {
    let (lines, asked) = answered(Backend::Loki, "{a=\"b\"}", 200, include_str!("../recorded/loki-query-range-streams.json")).await;
    let expected = "/base/loki/api/v1/query_range?query=%7Ba%3D%22b%22%7D&start=1795455893000000000&end=1795456013000000000&step=1\
                    &limit=1000&direction=backward";
    assert_eq!(asked, [expected]);
    let Ok(QueryResult::Lines(lines)) = lines else { panic!("{lines:?}") };
    assert!(lines.len() == 3 && lines.is_sorted_by_key(|line| line.unix_nano) && lines[0].service == "die-service", "{lines:?}");
    let (metric, _) = answered(Backend::Loki, "rate({a=\"b\"}[1m])", 200, include_str!("../recorded/loki-query-range-metric.json")).await;
    let metric = series(metric);
    assert_eq!((metric.len(), metric[0].points[1]), (3, (1_795_456_020 * SECOND, 40.0)));
    let (none, _) = answered(Backend::Loki, "{a=\"b\"}", 200, include_str!("../recorded/loki-none.json")).await;
    assert_eq!(none, Ok(QueryResult::Lines(Vec::new())));
}

#[tokio::test]
async fn tempo_gives_traces_and_numbers_where_it_is_asked_for_them() {
    let (found, asked) = answered(Backend::Tempo, "{ }", 200, include_str!("../recorded/tempo-search.json")).await;
    assert_eq!(asked, ["/base/api/search?q=%7B+%7D&start=1795455893&end=1795456013&limit=500"]);
    let Ok(QueryResult::Traces(found)) = found else { panic!("{found:?}") };
    assert_eq!((found.len(), found[0].root_name.as_deref()), (3, Some("GET /roll")));
    let text = "{} | rate() by (resource.service.name)";
    let (numbers, asked) = answered(Backend::Tempo, text, 200, include_str!("../recorded/tempo-metrics-range.json")).await;
    assert!(asked[0].starts_with("/base/api/metrics/query_range?q=") && asked[0].ends_with("&step=1s"), "{asked:?}");
    let numbers = series(numbers);
    assert!(numbers.iter().any(|one| one.labels["resource.service.name"] == "dice-roller"), "{numbers:?}");
    assert!(numbers.iter().all(|one| one.points.iter().any(|(_, value)| *value == 0.0)), "what is left out is nothing");
    for (text, is) in [("{ } | quantile_over_time(duration, .9)", true), ("{ } | count() > 2", false), ("{ .rate = 1 }", false)] {
        assert_eq!(is_metrics(text), is, "{text}");
    }
}

/// In the backend's own words, with the place that they name.
#[tokio::test]
async fn a_refusal_has_a_place() {
    let cases = [
        (Backend::Prometheus, "sum(", include_str!("../recorded/prometheus-query-bad.json"), "unclosed left parenthesis", 5),
        (Backend::Loki, "{compose_service=\"die", include_str!("../recorded/loki-query-bad.txt"), "literal not terminated", 18),
        (Backend::Tempo, "{ resource.service.name = ", include_str!("../recorded/tempo-search-bad-query.txt"), "unexpected $end", 27),
    ];
    for (backend, text, body, said, at) in cases {
        let (refused, _) = answered(backend, text, 400, body).await;
        let refused = refused.unwrap_err();
        assert!(refused.why.starts_with(&format!("{} refuses the query: ", backend.name())) && refused.why.contains(said), "{refused:?}");
        assert_eq!(refused.at, Some(at), "{refused:?}");
    }
    let (broken, _) = answered(Backend::Loki, "{", 502, "<html>").await;
    let why = "Loki could not be asked: it answers 502 Bad Gateway: <html>".to_owned();
    assert_eq!(broken, Err(Unanswered { why, at: None }));
    let missing = Backends::default().query(&query(Backend::Prometheus, "up")).await;
    assert_eq!(missing.unwrap_err().why, "there is no Prometheus to ask; name one with --prometheus-url");
}

#[test]
fn an_answer_is_as_long_as_a_plot_needs_and_no_wider() {
    let of = |seconds: u64| step(&(0..seconds * SECOND));
    assert_eq!([of(0), of(30), of(500), of(501), of(3600)], [1, 1, 1, 2, 8]);
    let one = |number: u32| Series { labels: BTreeMap::new(), points: vec![(0, f64::from(number)), (1, f64::NAN)] };
    let result = limited(QueryResult::Series { series: (0..50).map(one).collect(), left_out: 0 });
    let QueryResult::Series { series, left_out } = result else { panic!("{result:?}") };
    assert_eq!((series.len(), left_out, series[0].highest()), (40, 10, 49.0));
}
