//! The real program against a real database, real processes and real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod ask;
mod common;
mod contract;
mod faults;
mod fetch;
mod files;
mod run;
mod saturation;
mod screen;
mod service;
mod survive;
