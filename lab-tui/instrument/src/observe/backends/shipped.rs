//! The queries that come with the lab: what people look at first, in the languages that they ask it in elsewhere.

use lab_facts::format::Unit;
use lab_facts::scenario::Backend::{self, Loki, Prometheus, Tempo};
use lab_facts::scenario::suggest;

/// A query that comes with the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// As the command line calls it.
    pub name: &'static str,
    /// Whose language it is in.
    pub backend: Backend,
    /// As the screen calls it.
    pub title: &'static str,
    /// The query.
    pub text: &'static str,
    /// Of its numbers, where it gives any.
    pub unit: Unit,
    /// What its answer tells.
    pub meaning: &'static str,
}

impl Shipped {
    /// The one of that name.
    ///
    /// # Errors
    /// Which name was meant, or which there are.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        let names: Vec<&str> = SHIPPED.iter().map(|one| one.name).collect();
        SHIPPED.iter().find(|one| one.name == name).ok_or_else(|| suggest(name, &names))
    }
}

const fn shipped(
    (name, backend): (&'static str, Backend),
    (title, unit): (&'static str, Unit),
    text: &'static str,
    meaning: &'static str,
) -> Shipped {
    Shipped { name, backend, title, text, unit, meaning }
}

/// All of them, by language. None of them knows what services are called. Half a minute is short enough to show what a run of a minute does, and
/// long enough for a Prometheus that scrapes four times a minute.
pub const SHIPPED: [Shipped; 15] = [
    shipped(
        ("db-queries", Prometheus),
        ("database queries", Unit::Rate),
        "sum by (query_type, result) (rate(database_queries_total[30s]))",
        "When it falls while requests still come, the database is held up; when errors appear, it refuses.",
    ),
    shipped(
        ("db-p95", Prometheus),
        ("database p95", Unit::Seconds),
        "histogram_quantile(0.95, sum by (le, query_type) (rate(database_query_duration_seconds_bucket[30s])))",
        "The statement alone, without the wait for a connection: when this is calm and requests are slow, look at the pool.",
    ),
    shipped(
        ("pool-used", Prometheus),
        ("pool used", Unit::Number),
        "database_connection_pool_size - database_connection_pool_available",
        "Connections that are lent. At the pool's maximum for longer than a moment, whoever comes next has to wait.",
    ),
    shipped(
        ("pool-pending", Prometheus),
        ("pool pending", Unit::Number),
        "database_connection_pool_pending",
        "Requests that wait for a connection. Above zero, latency is made of the queue and no longer of the work.",
    ),
    shipped(
        ("request-rate", Prometheus),
        ("requests", Unit::Rate),
        "sum by (job) (rate(http_requests_total[30s]))",
        "Each service's share of the traffic. A service that falls behind the one in front of it is no longer reached.",
    ),
    shipped(
        ("request-p95", Prometheus),
        ("request p95", Unit::Seconds),
        "histogram_quantile(0.95, sum by (job, le) (rate(http_request_duration_seconds_bucket[30s])))",
        "Each service's own view of its time. The last one in the chain that rises is nearest to where the time goes.",
    ),
    shipped(
        ("error-rate", Prometheus),
        ("failed requests", Unit::Share),
        "sum by (job) (rate(http_requests_total{status=\"5xx\"}[30s])) / sum by (job) (rate(http_requests_total[30s]))",
        "The share of answers that are errors. A service without a line has not failed once.",
    ),
    shipped(
        ("error-lines", Loki),
        ("errors", Unit::Number),
        "{service_name=~\".+\"} | json | level=\"ERROR\"",
        "What services say when something has gone wrong. Enter opens the request that it went wrong for.",
    ),
    shipped(
        ("db-lines", Loki),
        ("about the database", Unit::Number),
        "{service_name=~\".+\"} | json | message=~\".*[Dd]atabase.*\"",
        "Connections that come and go, pools that are exhausted, statements that failed: the story beside the numbers.",
    ),
    shipped(
        ("slow-lines", Loki),
        ("requests over 100 ms", Unit::Number),
        "{service_name=~\".+\"} | json | message=\"Request completed\" | duration_ms > 100",
        "The requests that took long, as each service saw them.",
    ),
    shipped(
        ("lines-by-level", Loki),
        ("lines by level", Unit::Rate),
        "sum by (level) (rate({service_name=~\".+\"} | json [30s]))",
        "A burst of warnings often comes before the errors.",
    ),
    shipped(
        ("db-traces", Tempo),
        ("database calls", Unit::Number),
        "{ span.db.system.name = \"postgresql\" }",
        "The requests that reached the database, with the number of their calls under `matched`.",
    ),
    shipped(
        ("slow-traces", Tempo),
        ("over 100 ms", Unit::Number),
        "{ duration > 100ms }",
        "The requests with a span that took long. Open one: its critical path shows which.",
    ),
    shipped(
        ("pool-traces", Tempo),
        ("waits for the pool", Unit::Number),
        "{ span.db.client.connection.pool.name != nil && duration > 10ms }",
        "The requests that waited for a connection before the database heard of them.",
    ),
    shipped(
        ("error-traces", Tempo),
        ("errors", Unit::Number),
        "{ status = error }",
        "The requests with a span that failed, even where the answer hides it.",
    ),
];

#[cfg(test)]
mod tests {
    use lab_facts::query::Query;

    use super::*;

    /// The lab itself answers those in `TraceQL` where there is no Tempo.
    #[test]
    fn names_are_unique_and_the_lab_understands_traceql() {
        for (place, one) in SHIPPED.iter().enumerate() {
            assert!(SHIPPED[..place].iter().all(|other| other.name != one.name), "{}", one.name);
            assert!(one.meaning.ends_with('.'), "{}", one.name);
            assert!(one.backend != Tempo || Query::parse(one.text).is_ok(), "{}", one.name);
        }
        assert!(SHIPPED.is_sorted_by_key(|one| one.backend as u8), "those of a language stand together");
    }
}
