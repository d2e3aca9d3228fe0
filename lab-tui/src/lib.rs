//! The lab: drives the system, listens to every signal, and says what happened.

pub mod cli;
pub mod compare;
pub mod control;
pub mod event;
pub mod exit;
pub mod explain;
pub mod fault;
pub mod headless;
pub mod http;
pub mod load;
pub mod model;
pub mod observe;
pub mod out;
pub mod query;
pub mod record;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod settings;
pub mod stack;
pub mod tui;
pub mod verdict;

/// The lab takes in and gives up tens of thousands of small things a second, of many sizes and on several threads: with glibc's allocator,
/// that was most of what `benches/store` took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
