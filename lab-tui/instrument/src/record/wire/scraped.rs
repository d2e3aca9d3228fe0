//! A service's own metrics.

use lab_facts::event::{ScrapedSeries, ScrapedValue};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireScraped {
    series: usize,
    service: String,
    process: u64,
    value: Option<WireScrapedValue>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WireScrapedValue {
    Number(f64),
    /// Buckets as upper bound, null for all of them, and count.
    Histogram {
        buckets: Vec<(Option<f64>, f64)>,
        sum: f64,
    },
}

impl From<&ScrapedSeries> for WireScraped {
    fn from(scraped: &ScrapedSeries) -> Self {
        let ScrapedSeries { series, service, process, value } = scraped.clone();
        // JSON has no infinity, and what is no number at all is read as nothing.
        let value = value.and_then(|value| match value {
            ScrapedValue::Number(number) => number.is_finite().then_some(WireScrapedValue::Number(number)),
            ScrapedValue::Histogram(buckets, sum) => {
                let buckets = buckets.into_iter().map(|(bound, count)| (bound.is_finite().then_some(bound), count)).collect();
                sum.is_finite().then_some(WireScrapedValue::Histogram { buckets, sum })
            }
        });
        Self { series, service, process, value }
    }
}

impl WireScraped {
    pub(super) fn into_series(self) -> ScrapedSeries {
        let Self { series, service, process, value } = self;
        let value = value.map(|value| match value {
            WireScrapedValue::Number(number) => ScrapedValue::Number(number),
            WireScrapedValue::Histogram { buckets, sum } => {
                ScrapedValue::Histogram(buckets.into_iter().map(|(bound, count)| (bound.unwrap_or(f64::INFINITY), count)).collect(), sum)
            }
        });
        ScrapedSeries { series, service, process, value }
    }
}
