//! The real program against a real database, real processes and real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod ask;
mod attach;
mod browser;
mod common;
mod contract;
mod control;
mod database;
mod elsewhere;
mod expect;
mod explain;
mod faults;
mod fetch;
mod files;
mod integrity;
mod load;
mod logs;
mod page;
mod promises;
mod queries;
mod record;
mod run;
mod saturation;
mod schema;
mod screen;
mod service;
mod settings;
mod survive;
mod trace_page;
