use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("guard") {
        return lab_tui::stack::postgres::guard::main();
    }
    ExitCode::SUCCESS
}
