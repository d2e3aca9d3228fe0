//! Everything that listens: the OTLP receiver and its store, the services' logs, their counters; and the store as others may ask it.

pub mod backends;
pub mod child_logs;
pub mod database;
pub mod export;
pub mod exposition;
pub mod feed;
pub mod found;
pub mod growth;
mod import;
pub mod live;
pub mod logs;
pub mod otlp;
pub mod pushed;
pub mod sampler;
pub mod scrape;
pub mod scraper;
mod semconv;
pub mod signals;
pub mod source;
pub mod store;
pub mod tempo;
