//! What happened and what follows from it: the facts of a run, the plan that it walked, what was promised, and whether that was kept.
//!
//! Nothing here knows a clock, a socket, a file or a terminal: the same facts give the same words, live, in a replay and in a test.

pub mod event;
pub mod exit;
pub mod explain;
pub mod format;
pub mod model;
pub mod query;
pub mod scenario;
pub mod trace;
pub mod verdict;
