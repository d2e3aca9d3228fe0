//! `lab`. Everything is in the library, so that what both would need is compiled once.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab_tui::cli::main()
}
