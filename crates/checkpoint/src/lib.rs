//! Exactly once, as pure functions: what a micro-batch is, how its plan is written down, and what to do next.
//!
//! Lives here: identities of flows, offsets of sources, the plan of a batch and its text, the decisions at start and
//! after a failed commit, and the invariants that all of them keep. Must not live here: I/O, async, clocks, Delta:
//! facts come in as values, a decision goes out as a value, and the edge carries it out.
//!
//! The protocol in one paragraph. The truth of a flow is `txn(flow, batch)` in the log of its target. The plan of a
//! batch is an immutable record that is durable before any output of the batch; the effect of the batch is a function
//! of that record only. A batch is planned only when the target stands at the batch before it. So after any crash
//! the target stands at `batch - 1` or at `batch`, and [`decide_start`] picks replay or progress from the target itself.

mod batch;
mod decide;
mod identity;
mod invariant;
mod offset;
mod shard_offset;

pub use batch::{
    BatchPlan, FORMAT_VERSION, Pinned, PlanFault, PlannedTarget, SourceRange, parse_plan_name,
    plan_name,
};
pub use decide::{
    AfterError, CommitSeen, Decision, Effect, ForeignChange, ForeignKind, NewestPlan, Observed,
    StopReason, decide_after_commit_error, decide_after_echo, decide_start,
};
pub use identity::{FlowId, current_incarnation};
pub use invariant::{Broken, check_commits, check_follows};
pub use offset::{SourceIdentity, SourceOffset};
pub use shard_offset::{ShardOffset, ShardOffsets, compare_sequence_numbers};
