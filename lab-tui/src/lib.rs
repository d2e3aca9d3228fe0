//! The lab as its users meet it: the commands and the screen.

pub mod cli;
pub mod headless;
pub mod settings;
pub mod tui;
