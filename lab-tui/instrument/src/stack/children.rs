//! Waiting for processes that nobody holds any more: those of a start that was given up.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

const POLL: Duration = Duration::from_millis(5);

/// Returns when this process has no child any more, or after `limit`. The runtime collects them; nothing is taken from it.
pub async fn ended(limit: Duration) {
    let deadline = Instant::now() + limit;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while !matches!(waitid(WaitId::All, look), Err(Errno::CHILD)) && Instant::now() < deadline {
        tokio::time::sleep(POLL).await;
    }
}
