//! Waiting between attempts. The only place of this package that lets time pass.

use std::time::Duration;

/// Waits before an attempt: `first` before the second one, then twice as long each time.
pub(crate) async fn pause(first: Duration, attempt: u32) {
    if first.is_zero() {
        return;
    }
    tokio::time::sleep(first * 2_u32.saturating_pow(attempt.saturating_sub(2).min(6))).await;
}
