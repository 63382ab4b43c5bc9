//! Waiting between attempts. The only place of this package that lets time pass.

use std::time::Duration;

/// Waits before an attempt: doubling, from a quarter of a second.
pub(crate) async fn pause(attempt: u32) {
    let wait = Duration::from_millis(125) * 2_u32.saturating_pow(attempt.min(6));
    tokio::time::sleep(wait).await;
}
