//! Moments as this room tells them: to the tenth, because a hand is no more exact.

use std::time::Duration;

/// `0:41.2`.
pub(super) fn clock(at: Duration) -> String {
    let tenths = (at.as_millis() + 50) / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}
