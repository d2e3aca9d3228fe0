//! What the numbers of a room mean, where they come from, and how to ask for them in production.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};

use super::overlay::frame;
use super::room::Room;
use super::ui::Ui;

/// One number that a room shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Figure {
    /// As the room calls it.
    pub(super) name: &'static str,
    /// What it is, and what its size says.
    meaning: &'static str,
    /// The metric, span or view that it comes from here.
    source: &'static str,
    /// What gives it elsewhere: PromQL, TraceQL or SQL.
    query: &'static str,
}

const fn figure(name: &'static str, meaning: &'static str, source: &'static str, query: &'static str) -> Figure {
    Figure { name, meaning, source, query }
}

const RUN: [Figure; 8] = [
    figure(
        "rate",
        "How many requests a second were due. The load is an open model: it does not slow down when the system does, because users elsewhere would not either.",
        "the load generator's schedule; what was dropped because max_vus requests were in flight is counted apart",
        "sum(rate(http_requests_total[1m]))",
    ),
    figure(
        "p50, p95, p99",
        "So many of 100 requests were answered faster, counted from the moment each was due. When p50 stays and p99 rises, few requests wait for something that others do not need; when both rise, all of them do.",
        "the load generator's HDR histograms, from the intended start to the last byte",
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))",
    ),
    figure(
        "in flight",
        "Requests that are sent and not answered. By Little's law it is the rate times the mean latency; when it grows while the rate stays, somebody waits for something that does not come.",
        "the load generator; each service counts its own",
        "sum by (job) (http_requests_in_progress)",
    ),
    figure(
        "failed",
        "The share of requests whose answer the scenario does not expect: another status, a timeout, no connection. Errors that are fast can make latency look good, so read the two together.",
        "the load generator; the services count their answers by status",
        "sum(rate(http_requests_total{status=\"5xx\"}[1m])) / sum(rate(http_requests_total[1m]))",
    ),
    figure(
        "pool used, idle, max",
        "Connections lent to requests, connections that are free, and how many there may be. Used at its maximum for longer than a moment means that whoever comes next has to wait.",
        "gauges of the service that holds the pool, read twice a second",
        "database_connection_pool_size - database_connection_pool_available",
    ),
    figure(
        "pool pending",
        "Requests that wait for a connection. Above zero, latency is made of the queue and no longer of the work; a larger pool helps only if the database has room for more.",
        "a gauge of the service that holds the pool",
        "database_connection_pool_pending",
    ),
    figure(
        "hop p95",
        "The 95th percentile of one service's or database's own spans, those of whatever it calls included. The last hop whose p95 rose is nearest to where the time goes.",
        "durations of SERVER spans, and of CLIENT spans of database calls",
        "{ resource.service.name = \"NAME\" && kind = server } | quantile_over_time(duration, .95)",
    ),
    figure(
        "schedule lag",
        "How late the lab itself sent requests. When it is more than a few milliseconds the lab was busy, and the run says that it is inconclusive rather than blame the system.",
        "the load generator: actual send - intended start",
        "in the summary: lab.schedule_lag_p99_ms",
    ),
];

const LATENCY: [Figure; 4] = [
    figure(
        "heat map",
        "Each cell is how many requests of a second took so long. Two bands mean two kinds of requests, or a cache that is hit or missed; an average of them would be a latency that nobody had.",
        "the load generator's histograms, by second",
        "sum by (le) (increase(http_request_duration_seconds_bucket[$__interval])) as a heat map",
    ),
    figure(
        "response time",
        "From the moment a request was due to its last byte: what a user would have waited. It includes the time for which a closed loop would simply not have asked.",
        "the load generator, from the intended start",
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m]))) is the service time; services cannot see the rest",
    ),
    figure(
        "service time",
        "From the moment a request was really sent to its last byte. Where it is much smaller than the response time, requests waited before they were sent: that is what coordinated omission hides.",
        "the load generator, from the actual send",
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))",
    ),
    figure(
        "time by hop",
        "Where the milliseconds of a percentile band passed: every instant counts for the innermost span that was open. A hop with a large share of p99 and a small one of p50 is what makes slow requests slow.",
        "traces of a sample of requests, by parentage and kind of their spans",
        "{ } | select(span:duration, span:name) in the slowest traces, read as a waterfall",
    ),
];

const DATABASE: [Figure; 6] = [
    figure(
        "sessions by wait event",
        "What the sessions that are at work wait for, sampled each second. Lock is waiting for another transaction, IO for the disk, Client for the application; no wait event is work on a processor.",
        "pg_stat_activity",
        "SELECT wait_event_type, wait_event, count(*) FROM pg_stat_activity WHERE state <> 'idle' GROUP BY 1, 2",
    ),
    figure(
        "blocked by",
        "Who holds the lock that a session waits for. What is at the top of the tree holds up all below it, and ending its transaction frees them.",
        "pg_blocking_pids()",
        "SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0",
    ),
    figure(
        "transactions/s",
        "Transactions that ended in a second, well or rolled back. When it falls while requests still come, the database is held up; when it rises with them, it keeps pace.",
        "pg_stat_database, xact_commit and xact_rollback",
        "sum(rate(pg_stat_database_xact_commit{datname=\"NAME\"}[1m]))",
    ),
    figure(
        "cache hits",
        "The share of blocks that were in PostgreSQL's own memory. Below 99 % for a small database something reads tables as a whole, or memory is short.",
        "pg_stat_database, blks_hit and blks_read",
        "rate(pg_stat_database_blks_hit[1m]) / (rate(pg_stat_database_blks_hit[1m]) + rate(pg_stat_database_blks_read[1m]))",
    ),
    figure(
        "pool wait",
        "How long requests waited for a connection. Compare it with the time of the statement itself: a wait that is longer means that the pool is the queue.",
        "spans of the wait, and the service's histogram",
        "histogram_quantile(0.99, sum by (le) (rate(database_connection_acquire_duration_seconds_bucket[1m])))",
    ),
    figure(
        "Little's law",
        "Connections in use = requests a second x seconds that each holds one. Where that is near the pool's maximum, a little more load or a little slower statements fill it.",
        "the rate and the mean time of statements, as spans tell",
        "sum(rate(database_queries_total[1m])) * sum(rate(database_query_duration_seconds_sum[1m])) / sum(rate(database_query_duration_seconds_count[1m]))",
    ),
];

const TRACES: [Figure; 4] = [
    figure(
        "duration",
        "From the first beginning to the last end of a trace's spans. It can be longer than its root, where something goes on after the answer.",
        "spans, received over OTLP",
        "{ traceDuration > 1s }",
    ),
    figure(
        "self time",
        "A span's time in which none of the spans below it was open: its own work, or a wait that nobody has made a span of.",
        "worked out from the spans of the trace",
        "{ span:duration > 100ms } and a look at its children",
    ),
    figure(
        "critical path",
        "The spans that the whole waited for, at each instant one. Making anything else faster does not make the request faster.",
        "worked out from the spans of the trace",
        "no query gives it; a waterfall that marks it does",
    ),
    figure(
        "matched",
        "How many spans of the trace fit the query. Of a filter for one span it is often 1; many mean a loop, or retries.",
        "the query, applied to the store",
        "{ status = error } | count() > 2",
    ),
];

const SCENARIOS: [Figure; 3] = [
    figure(
        "value and bar of a promise",
        "The value as the run stands, and how much of its bound it has used up: a full bar is where the promise breaks. What is said of a whole run only has its value at the end.",
        "the lab's own measurements and the services' metrics, by the promise's selector and scope",
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[1m]))) < bool 0.05",
    ),
    figure(
        "verdict",
        "Pass when every threshold and expectation is kept, fail when one is broken, inconclusive when nothing can be said: the lab itself was the bottleneck, or a fault was not there as planned.",
        "the plan and what was measured; lab run exits with 0, 99 or 105 by the same word",
        "lab run --json - | jq .verdict",
    ),
    figure(
        "typical second of a comparison",
        "By how much a typical second of the run differs from one of the baseline (Hodges-Lehmann), and p, how often chance alone does as much (Mann-Whitney). A change counts below p 0.01 and beyond 5 %.",
        "the windows of both recordings, as lab compare has them",
        "lab compare BASELINE RUN",
    ),
];

const LOGS: [Figure; 3] = [
    figure(
        "lines by level",
        "How many lines services wrote in a second, by their level. A burst of warnings often comes before errors: pools and retries give way first.",
        "the services' standard output, and OTLP logs",
        "sum by (level) (count_over_time({service_name=~\".+\"} | json [1s]))",
    ),
    figure(
        "groups",
        "Lines that say the same but for numbers and names. Few groups with large counts are one cause seen many times.",
        "worked out from the lines that are shown",
        "{service_name=~\".+\"} | json | level=\"ERROR\" | pattern or Loki's /patterns",
    ),
    figure(
        "trace",
        "The request that a line belongs to. A line without one was written outside of any request, or by something that lost the context.",
        "trace_id in the line",
        "{service_name=~\".+\"} | json | trace_id=\"ID\"",
    ),
];

const CONTROL: [Figure; 4] = [
    figure(
        "pace",
        "By how much the planned rate is multiplied from now on. The plan's time line stays where it is: ramps go on as they would, and what a pause left out does not come later.",
        "the viewer's keys, told as events of the run",
        "sum(rate(http_requests_total[1m])) follows it",
    ),
    figure(
        "service.error, service.latency",
        "A service answers with an error, or later, in place of its handlers; its spans, metrics and log lines say so as they would of a real one. When the lab goes away, the service forgets it within three seconds.",
        "PUT /lab/faults of the service, a lease that the lab renews",
        "{ resource.service.name = \"NAME\" && status = error }",
    ),
    figure(
        "db.lock",
        "A connection of the lab's holds the table, and everybody else waits. It ends with that connection, however the lab ends.",
        "LOCK TABLE in a transaction, seen in pg_stat_activity as `obslab faults`",
        "SELECT pid, mode FROM pg_locks WHERE NOT granted",
    ),
    figure(
        "met",
        "How many requests a fault disturbed, as its kind counts them. One that met nothing did not reach what you wanted: look at its route, its table, or its die.",
        "the services' own counts; connections that waited; rolls of the die",
        "in the summary: faults[].touched",
    ),
];

const QUERIES: [Figure; 4] = [
    figure(
        "rate(…[30s])",
        "By how much a counter grew in a second, as the mean of the last half minute. What lasts ten seconds is drawn lower and longer than it was; a shorter window shows it sharper, if Prometheus scrapes at least twice in it.",
        "the services' /metrics, as Prometheus has scraped them",
        "sum by (job) (rate(http_requests_total[10s]))",
    ),
    figure(
        "histogram_quantile",
        "A percentile as buckets tell it: the bucket is right, the place in it is a guess. The services' buckets end at 2.5, 5 and 10 s, so what lies between is rounded; the room of latencies has the exact ones.",
        "the buckets that Prometheus has scraped",
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))",
    ),
    figure(
        "now, highest",
        "The last value before the moment that is read, and the highest of the whole run. A dash says that there was none for half a minute.",
        "the answer to the query, a point a second or fewer",
        "max_over_time((QUERY)[1h:15s])",
    ),
    figure(
        "lines, traces over time",
        "How many of the answer's rows lie in each column of the time axis. Of more than 1000 lines or 500 traces the newest are shown, so the beginning of a long run may be empty.",
        "Loki; Tempo, or where none is named the lab's own traces",
        "sum(count_over_time({service_name=~\".+\"} | json | level=\"ERROR\" [10s]))",
    ),
];

/// The numbers of a room, in the order in which they are read.
pub(super) fn figures(room: Room) -> &'static [Figure] {
    match room {
        Room::Run => &RUN,
        Room::Latency => &LATENCY,
        Room::Database => &DATABASE,
        Room::Traces => &TRACES,
        Room::Logs => &LOGS,
        Room::Scenarios => &SCENARIOS,
        Room::Control => &CONTROL,
        Room::Queries => &QUERIES,
    }
}

/// Draws the room's numbers, and below them what is to be said of the one that is chosen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, chosen: usize, ui: &Ui) {
    let (palette, figures) = (&ui.palette, figures(ui.room));
    let inner = frame(buffer, area, 92, area.height.saturating_sub(2).min(26), " what it means (↑ ↓, Esc) ", palette);
    let rows = u16::try_from(figures.len()).unwrap_or(u16::MAX).min(inner.height.saturating_sub(11)).max(1);
    let first = (chosen + 1).saturating_sub(usize::from(rows));
    for (y, (number, figure)) in (inner.y..inner.bottom().min(inner.y + rows)).zip(figures.iter().enumerate().skip(first)) {
        let is_chosen = number == chosen;
        let row = Rect { y, height: 1, ..inner };
        let mark = if is_chosen { "▸" } else { " " };
        Line::styled(format!("{mark} {}", figure.name), if is_chosen { palette.title } else { palette.dim }).render(row, buffer);
        if is_chosen {
            buffer.set_style(row, palette.chosen);
        }
    }
    let Some(figure) = figures.get(chosen) else { return };
    let told = |name: &'static str, text: &'static str, style: Style| {
        [Line::from(""), Line::from(vec![Span::styled(format!("{name} "), palette.dim), Span::styled(text, style)])]
    };
    let lines = [Line::from(figure.meaning)].into_iter();
    let lines: Vec<Line<'_>> =
        lines.chain(told("from", figure.source, Style::new())).chain(told("elsewhere", figure.query, palette.key)).collect();
    let below = Rect { y: inner.y + rows + 1, height: inner.height.saturating_sub(rows + 1), ..inner };
    Paragraph::new(lines).wrap(Wrap { trim: true }).render(below, buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_explains_its_numbers_in_two_sentences() {
        for room in Room::ALL {
            let figures = figures(room);
            assert!(figures.len() >= 3, "{room:?}");
            for figure in figures {
                let sentences = figure.meaning.matches(". ").count() + 1;
                assert!((1..=3).contains(&sentences) && figure.meaning.ends_with('.'), "{}", figure.name);
                assert!(!figure.source.is_empty() && !figure.query.is_empty(), "{}", figure.name);
            }
        }
    }
}
