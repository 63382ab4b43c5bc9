//! What a streaming flow remembers between micro-batches: where it is found when an update begins, and how one batch
//! turns it into what the next one begins with. Must not know operators, nor the bytes of state: `state.rs` does.
//!
//! The plan of a batch holds what it begins with, its commit what the next one begins with: so the txn of the target
//! alone decides which state is current.

pub(crate) mod idle;
pub(crate) mod state;

use std::sync::Arc;

use sluice_checkpoint::BatchPlan;
use sluice_graph::ResolvedFlow;
use sluice_model::condition::run::{
    COMPLETE_MODE_NEEDS_ITS_OWN_TABLE, LATE_ROWS_DROPPED, STREAMING_AGGREGATE_WITHOUT_WATERMARK,
};
use sluice_model::{Diagnostic, StreamState};
use sluice_plan::StreamContext;
use sluice_table::Removes;

use crate::checkpoint_store::CheckpointStore;
use crate::echo::Echo;
use crate::error::{Failure, Result, internal};
use crate::failpoint::reach;
use crate::memory::idle::Idleness;
use crate::memory::state::FlowState;
use crate::micro_batch::{Batch, Effect};
use crate::progress::{Next, Progress};
use crate::update::Update;

/// Where a flow keeps states that it took over.
const STATE: &str = "state";

/// What a flow remembers while it runs.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What the next batch begins with.
    pub(crate) now: StreamState,
    /// What the last committed batch began with: another engine may still be at work on it.
    older: StreamState,
}

impl Memory {
    /// The memory of a flow at what it does next. Forgets what engines left behind that did not come to an end.
    pub(crate) async fn at(progress: &Progress, next: &Next) -> Result<Self> {
        let previous = match next {
            Next::Replay(plan) => {
                return Ok(Self {
                    now: plan.state.clone().unwrap_or_default(),
                    older: StreamState::default(),
                });
            }
            Next::Plan { previous, .. } => previous.as_deref(),
        };
        let now = remembered(progress, previous).await?;
        let older = previous
            .and_then(|plan| plan.state.clone())
            .unwrap_or_default();
        if !now.is_empty() {
            state::sweep(&progress.store, progress.committed, [&older, &now]).await?;
        }
        Ok(Self { now, older })
    }

    /// Whether a batch without rows closes something, because the watermark has moved or the clock moves it.
    pub(crate) fn closes(&mut self, idle: Option<&Idleness>, now_us: i64) -> bool {
        self.now.has_moved() || idle.is_some_and(|idle| idle.moves(&mut self.now, now_us))
    }

    /// What the plan of the next batch says of it.
    pub(crate) fn planned(&self) -> Option<StreamState> {
        (!self.now.is_empty()).then(|| self.now.clone())
    }

    /// Takes over what a committed batch has made of it, and forgets what was needed two batches ago.
    pub(crate) async fn move_on(
        &mut self,
        progress: &Progress,
        plan: &BatchPlan,
        now: StreamState,
    ) -> Result<()> {
        let begun_with = plan.state.clone().unwrap_or_default();
        state::forget(&progress.store, &self.older, [&begun_with, &now]).await?;
        *self = Self {
            now,
            older: begun_with,
        };
        Ok(())
    }
}

/// What the batch after the last committed one begins with; `previous` is the plan of the committed one.
async fn remembered(progress: &Progress, previous: Option<&BatchPlan>) -> Result<StreamState> {
    let batch = progress.committed;
    if batch < 0 {
        return Ok(StreamState::default());
    }
    let lost = |what: String| progress.store.lost(&what);
    let unreadable = |error| {
        lost(format!(
            "the state after batch {batch} cannot be read: {error}"
        ))
    };
    if let Some(copied) = progress.store.get(STATE, &copied_name(batch)).await? {
        return serde_json::from_slice(&copied)
            .map_err(|error| lost(format!("`{}` cannot be read: {error}", copied_name(batch))));
    }
    let mut commit = progress
        .table
        .commit_of(&progress.application.app_id(), batch)
        .await?;
    let told = commit.as_ref().and_then(Echo::of).and_then(Echo::batch);
    if told != Some(batch) {
        // Of a batch that others followed: before a restore.
        let app_id = progress.application.app_id();
        let commits = progress.table.commits_of(&app_id, batch - 1).await?;
        let of_batch = commits.into_iter().find(|(txn, _)| *txn == batch);
        commit = of_batch.map(|(_, commit)| commit);
    }
    if let Some(echo) = commit.as_ref().and_then(Echo::of) {
        return echo.state().map_err(unreadable);
    }
    let had_state = previous.is_some_and(|plan| plan.state.is_some())
        || !progress.store.nested(STATE).await?.is_empty();
    if had_state {
        return Err(lost(format!(
            "the table's log no longer tells the state after batch {batch}"
        )));
    }
    Ok(StreamState::default())
}

/// Gives another incarnation of a flow the memory that this one had after its last batch.
///
/// # Errors
/// Files of it are gone: a flow keeps the state of its last two batches.
pub(crate) async fn copy(progress: &Progress, to: &CheckpointStore) -> Result<()> {
    let previous = progress.store.plan_of(progress.committed).await?;
    let memory = remembered(progress, previous.as_ref()).await?;
    if memory.is_empty() {
        return Ok(());
    }
    state::copy(&progress.store, &memory, to).await?;
    let text = serde_json::to_vec(&memory).map_err(|error| internal(&error.to_string()))?;
    let name = copied_name(progress.committed);
    to.put(STATE, &name, text.into()).await?;
    Ok(())
}

/// The name under which a restored flow finds what it remembered.
fn copied_name(batch: i64) -> String {
    format!("after-{batch:020}.json")
}

/// What a micro-batch begins with, and what it makes of it.
#[derive(Debug)]
pub(crate) struct BatchMemory {
    /// What its query shares with it.
    pub(crate) context: Arc<StreamContext>,
    state: Arc<FlowState>,
}

impl BatchMemory {
    /// The memory of a batch as its plan says.
    pub(crate) fn of(batch: &Batch<'_>) -> Self {
        let state = Arc::new(FlowState::new(&batch.progress.store, batch.plan.batch));
        let before = batch.plan.state.clone().unwrap_or_default();
        let backend: Arc<dyn sluice_plan::stream::StateBackend> = Arc::clone(&state) as _;
        let now_us = batch.plan.pinned.batch_ts_us;
        Self {
            context: Arc::new(StreamContext::new(before, now_us, backend)),
            state,
        }
    }

    /// Checks what only the bound query tells, and gives the effect on the target: a query that gives its whole result
    /// in each batch replaces what is there.
    pub(crate) fn effect(&self, batch: &Batch<'_>, effect: &Effect) -> Result<Effect> {
        self.context
            .check_kept(batch.plan.batch > 0, &batch.flow.origin)?;
        batch.update.check_idle_timeout(batch.flow, &self.context)?;
        if !self.context.rewrites() {
            return Ok(effect.clone());
        }
        let graph = &batch.update.prepared.graph;
        let target = &batch.flow.id.target;
        let others = graph
            .flows
            .values()
            .find(|flow| flow.id.target == *target && flow.id != batch.flow.id);
        if let Some(other) = others {
            return Err(needs_its_own_table(batch.flow, other).into());
        }
        Ok(Effect {
            removes: Removes::All,
            ..effect.clone()
        })
    }

    /// Ends the batch before its commit: reads what the query left unread; gives what the next batch begins with.
    pub(crate) async fn finish(&self, batch: &Batch<'_>) -> Result<StreamState> {
        self.context
            .drain()
            .await
            .map_err(|error| self.failed(sluice_plan::error::diagnose(&error, None).into()))?;
        let after = self
            .context
            .after()
            .map_err(|error| internal(&error.to_string()))?;
        if self.context.has_state() {
            reach(
                batch.update.engine.store(),
                "state-written",
                batch.flow.id.name.as_str(),
            )?;
        }
        Ok(after)
    }

    /// The failure of reading or writing state, if that is what is behind another one.
    pub(crate) fn failed(&self, failure: Failure) -> Failure {
        self.state.failure().unwrap_or(failure)
    }

    /// What is to be said about a batch.
    pub(crate) fn notes(&self, batch: &Batch<'_>) -> Vec<Diagnostic> {
        let mut notes = vec![];
        let flow = batch.flow;
        let late = self.context.late_rows();
        if late > 0 {
            let rows = if late == 1 {
                "1 row that came"
            } else {
                &format!("{late} rows that came")
            };
            let message = format!("micro-batch {} dropped {rows} too late", batch.plan.batch);
            notes.push(
                Diagnostic::note(&LATE_ROWS_DROPPED, message)
                    .at(&flow.origin, "")
                    .fact("the watermark had passed their event time, and what they belong to was given out already")
                    .help("to wait longer for such rows, give the watermark a longer delay"),
            );
        }
        if self.context.rewrites() {
            let message = format!(
                "`{}` aggregates a stream without a watermark: each micro-batch writes the whole result anew",
                flow.id.target
            );
            notes.push(
                Diagnostic::note(&STREAMING_AGGREGATE_WITHOUT_WATERMARK, message)
                    .at(&flow.origin, "")
                    .help("declare it as a MATERIALIZED VIEW that reads the table without STREAM: it is refreshed by the cheapest way")
                    .help("or group by a time window of a stream with WATERMARK: then each window is written once"),
            );
        }
        notes
    }
}

impl Drop for BatchMemory {
    fn drop(&mut self) {
        self.context.abandon();
    }
}

fn needs_its_own_table(flow: &ResolvedFlow, other: &ResolvedFlow) -> Diagnostic {
    let message = format!(
        "`{}` writes its whole result anew in each micro-batch, and `{}` fills the same table",
        Update::flow_display(&flow.id),
        Update::flow_display(&other.id)
    );
    Diagnostic::error(&COMPLETE_MODE_NEEDS_ITS_OWN_TABLE, message)
        .at(&flow.origin, "an aggregate over a stream without a watermark")
        .at(&other.origin, "the other flow")
        .fact("its result would replace the rows of the other flow; nothing was changed")
        .help("give each of them a table of its own")
        .help("or group by a time window of a stream with WATERMARK: then windows are only ever added")
}
