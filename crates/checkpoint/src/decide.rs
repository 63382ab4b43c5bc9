//! What to do next: at the start of a flow and after a commit that did not say whether it landed.
//!
//! Pure and total: every combination of facts has one answer. Must not read or write anything.
//! Source: the eight steps and the crash table of the recovery specification (S1, S2, S7; K1 to K14).

use std::collections::BTreeMap;

use crate::{BatchPlan, PlanFault, SourceIdentity};

/// How a flow changes its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Rows are added; nothing that is there matters to them.
    Append,
    /// Rows are computed from, or replace, what is there.
    Rewrite,
}

/// What another writer did to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKind {
    /// Rows were added and nothing else.
    Append,
    /// Files were rewritten without changing rows (OPTIMIZE), or nothing but metadata changed.
    Harmless,
    /// Rows were removed or replaced (DELETE, UPDATE, MERGE, overwrite).
    RemovedRows,
    /// The table was set back to an earlier version.
    Restored,
}

/// A commit of another writer on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignChange {
    /// Version of the commit.
    pub version: u64,
    /// What it did.
    pub kind: ForeignKind,
    /// The operation as its writer named it.
    pub operation: String,
}

/// The newest plan found in the flow's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewestPlan {
    /// There is none.
    Absent,
    /// It reads.
    Readable(Box<BatchPlan>),
    /// It does not.
    Faulty {
        /// Batch number, from the file name.
        batch: i64,
        /// Which writing of this batch's plan it is, from the file name.
        attempt: u32,
        /// What is wrong.
        fault: PlanFault,
    },
}

/// Everything that is known of a flow before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// `metaData.id` of the target.
    pub table_id: String,
    /// The flow's application id in its current incarnation.
    pub flow: String,
    /// The version of the flow's txn in a fresh snapshot of the target; `None` or -1: no batch committed yet.
    pub txn: Option<i64>,
    /// The newest plan.
    pub newest_plan: NewestPlan,
    /// The sources that the project declares now, by name.
    pub sources: BTreeMap<String, SourceIdentity>,
    /// How the flow changes its target.
    pub effect: Effect,
    /// Commits of others on the target since the flow's last commit that have not been accepted.
    pub foreign: Vec<ForeignChange>,
}

/// Why a flow must not go on by itself. Each is a condition for people; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// `CHECKPOINT_SOURCE_CHANGED`: a source is not the one that the offsets count in.
    SourceChanged {
        /// Name of the source.
        name: String,
        /// What the checkpoint was made with; `None`: the source is new.
        was: Option<SourceIdentity>,
        /// What the project declares; `None`: the source is gone.
        now: Option<SourceIdentity>,
    },
    /// `CHECKPOINT_LOST`: the target holds batches whose plans are gone, and its log does not tell them any more.
    CheckpointLost {
        /// The last batch in the target.
        batch: i64,
    },
    /// `TARGET_CHANGED`: the plans belong to a table with another id.
    TargetReplaced {
        /// Id in the plans.
        planned: String,
        /// Id of the table.
        found: String,
    },
    /// `TARGET_CHANGED`: the target stands before a batch that it once had.
    TargetRolledBack {
        /// The last batch in the target.
        txn: i64,
        /// The batch that was planned, which is only done after the one before it is in the target.
        planned: i64,
    },
    /// `TARGET_CHANGED`: another writer set the table back to an earlier version.
    TargetRestoredByOther(ForeignChange),
    /// `CHECKPOINT_FORMAT`: the state was written by a version with another format.
    OtherFormat {
        /// Batch of the plan.
        batch: i64,
        /// What is wrong.
        fault: PlanFault,
    },
}

/// What to do at the start of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Plan this batch. `previous` tells where each source starts; `None`: at its beginning.
    Plan {
        /// Number of the batch to plan.
        batch: i64,
        /// The plan before it.
        previous: Option<Box<BatchPlan>>,
    },
    /// Do this planned batch, to the letter: it is not in the target.
    Replay(Box<BatchPlan>),
    /// The plan of this batch was cut off before anything used it: observe again with the newest plan before it, and
    /// write the batch's plan under the next attempt. Nothing is deleted, so that two engines that find it torn still
    /// agree on one plan by put-if-absent.
    PassOverTornPlan {
        /// Number of the batch.
        batch: i64,
        /// Attempt to write its plan under, see [`crate::plan_name`].
        next_attempt: u32,
    },
    /// Look for the echo of this batch in the commits of the target and ask [`decide_after_echo`].
    RebuildFromEcho {
        /// Number of the batch: the last in the target.
        batch: i64,
    },
    /// Do nothing; tell the user.
    Stop(StopReason),
}

/// Decides what a flow does first (S1 and S2).
#[must_use]
pub fn decide_start(observed: &Observed) -> Decision {
    if let Some(foreign) = set_back(observed) {
        return Decision::Stop(StopReason::TargetRestoredByOther(foreign.clone()));
    }
    let committed = observed.txn.unwrap_or(-1);
    match &observed.newest_plan {
        NewestPlan::Absent if committed < 0 => Decision::Plan {
            batch: 0,
            previous: None,
        },
        NewestPlan::Absent => Decision::RebuildFromEcho { batch: committed },
        NewestPlan::Faulty {
            batch,
            fault: fault @ (PlanFault::OtherFormat { .. } | PlanFault::Malformed(_)),
            ..
        } => Decision::Stop(StopReason::OtherFormat {
            batch: *batch,
            fault: fault.clone(),
        }),
        NewestPlan::Faulty { batch, .. } if *batch <= committed => {
            Decision::RebuildFromEcho { batch: committed }
        }
        NewestPlan::Faulty { batch, attempt, .. } if *batch == committed + 1 => {
            Decision::PassOverTornPlan {
                batch: *batch,
                next_attempt: attempt + 1,
            }
        }
        NewestPlan::Faulty { batch, .. } => Decision::Stop(StopReason::TargetRolledBack {
            txn: committed,
            planned: *batch,
        }),
        NewestPlan::Readable(plan) => decide_with_plan(observed, committed, plan),
    }
}

fn decide_with_plan(observed: &Observed, committed: i64, plan: &BatchPlan) -> Decision {
    if let Some(reason) = mismatch(observed, plan) {
        return Decision::Stop(reason);
    }
    if plan.batch < committed {
        Decision::RebuildFromEcho { batch: committed }
    } else if plan.batch == committed {
        Decision::Plan {
            batch: committed + 1,
            previous: Some(Box::new(plan.clone())),
        }
    } else if plan.batch == committed + 1 {
        Decision::Replay(Box::new(plan.clone()))
    } else {
        Decision::Stop(StopReason::TargetRolledBack {
            txn: committed,
            planned: plan.batch,
        })
    }
}

/// Decides what follows when the plans are gone and the commits of the target were searched for the echo of the
/// last batch (K12). Never starts again from the beginning: that would read everything twice.
#[must_use]
pub fn decide_after_echo(observed: &Observed, batch: i64, echo: Option<BatchPlan>) -> Decision {
    match echo {
        Some(plan) if plan.batch == batch => match mismatch(observed, &plan) {
            Some(reason) => Decision::Stop(reason),
            None => Decision::Plan {
                batch: batch + 1,
                previous: Some(Box::new(plan)),
            },
        },
        _ => Decision::Stop(StopReason::CheckpointLost { batch }),
    }
}

/// What of the world does not fit the plan: the table's identity, then the sources.
fn mismatch(observed: &Observed, plan: &BatchPlan) -> Option<StopReason> {
    if plan.target.table_id != observed.table_id {
        return Some(StopReason::TargetReplaced {
            planned: plan.target.table_id.clone(),
            found: observed.table_id.clone(),
        });
    }
    let was = |name: &String| plan.sources.get(name).map(|range| &range.identity);
    let now = |name: &String| observed.sources.get(name);
    plan.sources
        .keys()
        .chain(observed.sources.keys())
        .find(|name| was(name) != now(name))
        .map(|name| StopReason::SourceChanged {
            name: name.clone(),
            was: was(name).cloned(),
            now: now(name).cloned(),
        })
}

/// The first foreign commit after which nobody knows which batches of the flow the target still holds. Rows that were
/// removed or replaced are no such thing: the transactions stay, so the flow takes nothing twice and leaves nothing
/// out. A rewriting flow computes its target anew and needs no rows of its own there, so nothing but its own batches
/// stops it.
fn set_back(observed: &Observed) -> Option<&ForeignChange> {
    match observed.effect {
        Effect::Rewrite => None,
        Effect::Append => observed
            .foreign
            .iter()
            .find(|change| change.kind == ForeignKind::Restored),
    }
}

/// What a reopened target shows after a commit gave an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitSeen {
    /// The table reads and the flow's txn has this version (`None`: no txn of the flow).
    Txn(Option<i64>),
    /// The table does not read.
    Unreadable,
}

/// What to do after a commit gave an error, whatever the error was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterError {
    /// The batch is in the target: go on.
    Committed,
    /// It is not: commit the same files again.
    CommitAgain,
    /// It is not, and what it was computed from may have changed: compute it again from a fresh snapshot.
    Recompute,
    /// Wait and look again.
    LookAgain,
    /// Looked often enough: the flow fails; nothing is lost, the next start resumes here.
    GiveUp,
    /// The target stands before the batch that came before this one.
    RolledBack,
}

/// Decides what an error of the commit of `batch` means (S7). Batch -1 is the commit that opens an incarnation.
/// `tries` counts looks and commits so far.
#[must_use]
pub fn decide_after_commit_error(
    batch: i64,
    effect: Effect,
    seen: CommitSeen,
    tries: u32,
    tries_max: u32,
) -> AfterError {
    match seen {
        CommitSeen::Unreadable if tries >= tries_max => AfterError::GiveUp,
        CommitSeen::Unreadable => AfterError::LookAgain,
        CommitSeen::Txn(version) => {
            if version.is_some_and(|version| version >= batch) {
                AfterError::Committed
            } else if version.unwrap_or(-1) < batch - 1 {
                AfterError::RolledBack
            } else if tries >= tries_max {
                AfterError::GiveUp
            } else {
                match effect {
                    Effect::Append => AfterError::CommitAgain,
                    Effect::Rewrite => AfterError::Recompute,
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
