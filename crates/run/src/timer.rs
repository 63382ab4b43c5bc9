//! Letting time pass, injected as the clock is: whoever waits for the time in this package waits here, but for the lease of a bucket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sluice_model::Clock;

/// The longest sleep without a look at the clock, which may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Waits for the clock.
pub trait Timer: fmt::Debug + Send + Sync {
    /// Ends when the clock shows this time, microseconds since the epoch, or a later one.
    fn until(&self, time_us: i64) -> BoxFuture<'static, ()>;
}

/// Waits as long as it takes.
#[derive(Debug, Clone)]
pub struct WallTimer(Arc<dyn Clock>);

impl WallTimer {
    /// A timer for a clock that moves by itself.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl Timer for WallTimer {
    fn until(&self, time_us: i64) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.0);
        Box::pin(async move {
            loop {
                let left_us = time_us.saturating_sub(clock.now_us());
                let Ok(left_us @ 1..) = u64::try_from(left_us) else {
                    return;
                };
                tokio::time::sleep(Duration::from_micros(left_us).min(LOOK_EVERY)).await;
            }
        })
    }
}
