//! `lab up`: the stack without a run.

use anyhow::anyhow;
use lab_facts::exit::Exit;
use lab_instrument::out;

use super::Failure;
use super::ask;
use super::stack::StackFlags;

const LOST: &str = "the private PostgreSQL is gone for good, because its guard process (`lab guard`) was killed";

/// Until the user ends it, or a part of it is gone that nothing brings back.
pub(crate) async fn up(flags: StackFlags) -> Result<Exit, Failure> {
    let Some(mut up) = flags.start(None, None).await? else { return Ok(Exit::Interrupted) };
    let written = out::result(&ask::addresses(&up.stack.endpoints));
    if let Err(error) = written {
        up.stack.stop().await;
        return Err(Failure::unwritable(error));
    }
    up.stack.remarks.iter().for_each(|remark| out::note(remark));
    out::note("the stack is up; Ctrl-C ends it");
    // There will be no run to tell of.
    drop(up.desk);
    let ended = loop {
        tokio::select! {
            Some(notice) = up.notices.recv() => out::note(&notice.to_string()),
            () = up.interrupts.next() => break Ok(Exit::Kept),
            () = up.stack.lost() => break Err(Failure::new(Exit::NotReady, anyhow!(LOST))),
        }
    };
    up.stack.stop().await;
    ended
}
