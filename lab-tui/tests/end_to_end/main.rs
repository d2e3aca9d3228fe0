//! The real program against a real database, real processes and real sockets.

mod ask;
mod common;
mod contract;
mod run;
mod saturation;
mod survive;
