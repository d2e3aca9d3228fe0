//! Which values a metric's aggregate can have at all: what nothing could break is no promise, and what nothing could keep is none either.

use super::selector::Selector;
use super::threshold::{Aggregate, Comparison, MetricKind};

/// Refuses a comparison that is settled before anything has run.
pub(super) fn check(selector: &Selector, aggregate: Aggregate, comparison: Comparison, bound: f64) -> Result<(), (String, String)> {
    let kind = selector.metric.kind();
    // What services expose may be anything, but what grows does not shrink.
    let is_counter = matches!(aggregate, Aggregate::Count | Aggregate::Rate);
    if kind == MetricKind::Scraped && !is_counter {
        return Ok(());
    }
    let most = if kind == MetricKind::Rate { 1.0 } else { f64::INFINITY };
    let is_whole = aggregate == Aggregate::Count && kind == MetricKind::Counter;
    let possible = (0.0..=most).contains(&bound) && !(is_whole && bound.fract() != 0.0);
    let (always, never) = match comparison {
        Comparison::Less => (bound > most, bound <= 0.0),
        Comparison::LessOrEqual => (bound >= most, bound < 0.0),
        Comparison::Greater => (bound < 0.0, bound >= most),
        Comparison::GreaterOrEqual => (bound <= 0.0, bound > most),
        Comparison::Equal => (false, !possible),
        Comparison::NotEqual => (!possible, false),
    };
    // That a service has such a metric at all is a promise that it can break.
    let may_be_absent = selector.series.is_some();
    let what = match (always && !may_be_absent, never) {
        (true, _) => "holds whatever happens",
        (_, true) => "can never hold",
        _ => return Ok(()),
    };
    Err((what.to_owned(), format!("{} is {}", selector.source, range(kind, aggregate, is_whole))))
}

fn range(kind: MetricKind, aggregate: Aggregate, is_whole: bool) -> &'static str {
    match (kind, aggregate) {
        (MetricKind::Rate, _) => "a share from 0 to 1; 5 % is 0.05",
        (_, Aggregate::Rate) => "a number a second, from 0",
        _ if is_whole => "a whole number from 0",
        _ => "never below 0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Threshold;

    fn refused(metric: &str, promise: &str) -> Option<String> {
        Threshold::parse(&Selector::parse(metric).unwrap(), promise).err().map(|(what, hint)| format!("{what} ({hint})"))
    }

    #[test]
    fn what_is_settled_before_anything_runs_is_refused() {
        for (metric, promise, what) in [
            ("http_reqs", "count<0", "can never hold"),
            ("http_reqs", "count>=0", "holds whatever happens"),
            ("http_reqs", "count==2.5", "can never hold"),
            ("http_reqs", "rate>-1", "holds whatever happens"),
            ("http_req_failed", "rate<=1", "holds whatever happens"),
            ("http_req_failed", "rate<5", "holds whatever happens"),
            ("http_req_failed", "rate>1", "can never hold"),
            ("http_req_failed", "rate==2", "can never hold"),
            ("http_req_duration", "max>=0", "holds whatever happens"),
            ("pool_used", "max<0", "can never hold"),
            ("scraped:a_total", "count<0", "can never hold"),
        ] {
            let said = refused(metric, promise).unwrap_or_default();
            assert!(said.starts_with(&format!("`{promise}` {what} ({metric} is ")), "{metric} {promise}: {said}");
        }
    }

    #[test]
    fn what_can_be_kept_and_broken_is_not() {
        for (metric, promise) in [
            ("http_reqs", "count>0"),
            ("http_reqs", "count<=0"),
            ("http_reqs", "rate==2.5"),
            ("http_req_failed", "rate<1"),
            ("http_req_failed", "rate>=1"),
            ("http_req_failed", "rate==0"),
            ("http_req_duration", "min>0"),
            ("pool_pending", "min>=0"),
            ("scraped:a_total", "count>=0"),
            ("scraped:temperature", "value<-3"),
        ] {
            assert_eq!(refused(metric, promise), None, "{metric} {promise}");
        }
    }
}
