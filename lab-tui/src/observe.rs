//! Everything that listens: the OTLP receiver and its store, the services' logs, their counters.

pub mod backends;
pub mod child_logs;
pub mod exposition;
pub mod found;
pub mod live;
pub mod logs;
pub mod otlp;
pub mod scrape;
pub mod scraper;
mod semconv;
pub mod signals;
pub mod source;
pub mod store;
pub mod trace;
