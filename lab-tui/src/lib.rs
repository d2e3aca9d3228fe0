//! The lab: drives a small distributed system with scripted load and faults, and shows what every signal says.

pub mod stack;
