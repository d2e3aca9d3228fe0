//! `lab up`: the stack without a run.

use lab_tui::exit::Exit;

use super::Failure;
use super::ask;
use super::stack::StackFlags;

pub(crate) async fn up(flags: StackFlags) -> Result<Exit, Failure> {
    let Some(mut up) = flags.start().await? else { return Ok(Exit::Interrupted) };
    print!("{}", ask::addresses(&up.stack.endpoints));
    eprintln!("the stack is up; Ctrl-C ends it");
    loop {
        tokio::select! {
            Some(notice) = up.notices.recv() => eprintln!("{notice}"),
            () = up.interrupts.next() => break,
        }
    }
    up.stack.stop().await;
    Ok(Exit::Kept)
}
