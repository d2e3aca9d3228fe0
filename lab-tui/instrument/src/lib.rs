//! The instrument: it starts the system, drives it, disturbs it, listens to every signal, and tells what it found.

pub mod compare;
pub mod control;
pub mod fault;
pub mod http;
pub mod load;
pub mod observe;
pub mod out;
pub mod record;
pub mod report;
pub mod runner;
pub mod stack;
mod tasks;

/// The lab takes in and gives up tens of thousands of small things a second, of many sizes and on several threads: with glibc's allocator,
/// that was most of what `benches/store` took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
