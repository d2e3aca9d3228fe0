//! Everything that listens: the OTLP receiver and its store, the services' logs, their counters.

pub mod backends;
pub mod child_logs;
pub mod exposition;
pub mod found;
pub mod live;
pub mod otlp;
pub mod sampler;
pub mod scrape;
pub mod scraper;
pub mod signals;
pub mod store;
pub mod trace;
