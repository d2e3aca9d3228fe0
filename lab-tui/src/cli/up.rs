//! `lab up`: the stack without a run.

use lab_tui::exit::Exit;
use lab_tui::out;

use super::Failure;
use super::ask;
use super::stack::StackFlags;

pub(crate) async fn up(flags: StackFlags) -> Result<Exit, Failure> {
    let Some(mut up) = flags.start(None, None).await? else { return Ok(Exit::Interrupted) };
    let written = out::result(&ask::addresses(&up.stack.endpoints));
    if let Err(error) = written {
        up.stack.stop().await;
        return Err(Failure::unwritable(error));
    }
    out::note("the stack is up; Ctrl-C ends it");
    loop {
        tokio::select! {
            Some(notice) = up.notices.recv() => out::note(&notice.to_string()),
            () = up.interrupts.next() => break,
        }
    }
    up.stack.stop().await;
    Ok(Exit::Kept)
}
