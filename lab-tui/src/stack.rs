//! Where the observed system runs, and everything that must be started and ended for it.

pub mod port;
pub mod postgres;
pub mod run_folder;
