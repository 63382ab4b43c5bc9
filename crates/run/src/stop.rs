//! The wish that an update ends. Must not end anything: who works looks at it between two micro-batches.

use std::sync::Arc;

use tokio::sync::watch;

/// A wish that is spoken once and never taken back. Clones share it.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Speaks the wish.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was spoken.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is spoken.
    pub async fn asked(&self) {
        let mut wish = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = wish.wait_for(|asked| *asked).await;
    }
}
