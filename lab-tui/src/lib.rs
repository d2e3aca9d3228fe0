//! The lab: drives the system, listens to every signal, and says what happened.

pub mod event;
pub mod exit;
pub mod load;
pub mod model;
pub mod scenario;
pub mod verdict;
