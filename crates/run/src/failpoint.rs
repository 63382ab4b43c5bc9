//! Named steps of a flow at which a test may end the engine, as a kill would: `Store::step` asks the store's hook.
//! No step does anything in production.

use sluice_table::Store;

use crate::error::Result;

/// Every named step, in the order in which an update and its micro-batches pass them. Cases hit each one.
pub const STEPS: &[&str] = &[
    "lease-taken",
    "tables-set-up",
    "source-listed",
    "file-list-written",
    "plan-written",
    "state-written",
    "data-written",
    "committed",
    "source-cleaned",
    "flows-ended",
    "event-log-written",
    "restore-prepared",
];

/// Passes a step of a flow (empty name: of the update). The name that the hook sees is `<step> <flow>`.
pub(crate) fn reach(store: &Store, step: &'static str, flow: &str) -> Result<()> {
    debug_assert!(STEPS.contains(&step), "{step} is not in the list");
    Ok(store.step(format!("{step} {flow}").trim_end())?)
}
