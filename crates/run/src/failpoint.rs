//! Named steps of a flow at which a test may end the engine, as a kill would. No step does anything in production.

use std::fmt;
use std::sync::Arc;

/// Every named step, in the order in which a micro-batch passes them. `tests/cases` hit each one.
pub const STEPS: &[&str] = &[
    "lease-taken",
    "table-created",
    "schema-evolved",
    "table-reset",
    "source-listed",
    "file-list-written",
    "plan-written",
    "data-read",
    "data-written",
    "before-commit",
    "committed",
    "source-cleaned",
    "event-log-written",
    "update-completed",
];

/// Decides whether the engine goes on past a step.
pub trait Failpoints: fmt::Debug + Send + Sync {
    /// Called when `flow` (empty for steps of the update itself) has reached `step`. `false` ends the engine there.
    fn go_on(&self, step: &'static str, flow: &str) -> bool;
}

/// Goes on, always.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFailpoints;

impl Failpoints for NoFailpoints {
    fn go_on(&self, _step: &'static str, _flow: &str) -> bool {
        true
    }
}

/// Shared failpoints.
pub type SharedFailpoints = Arc<dyn Failpoints>;
