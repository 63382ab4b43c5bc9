//! How far a flow is: its identity in the log of its target, the plan that comes next, the schemas it has stored.
//! The decisions are `checkpoint`'s; this is the edge that brings the facts and carries out what was decided.

use std::collections::BTreeMap;

use sluice_checkpoint::{
    BatchPlan, Decision, Effect, FlowId as Application, ForeignChange, ForeignKind, NewestPlan,
    Observed, Pinned, SourceIdentity, StopReason, current_incarnation, decide_after_echo,
    decide_start,
};
use sluice_graph::FlowId;
use sluice_model::condition::run::{CHECKPOINT_FORMAT_UNKNOWN, CHECKPOINT_SOURCE_CHANGED};
use sluice_model::condition::table::TARGET_CHANGED;
use sluice_model::{Diagnostic, Origin};
use sluice_source::StoredSchema;
use sluice_table::DeltaTable;

use crate::checkpoint_store::CheckpointStore;
use crate::echo::Echo;
use crate::engine::Engine;
use crate::error::Result;
use crate::tables::Tables;
use crate::update::Update;

/// A flow and its target, as the target's log tells.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The flow in the log of its target.
    pub(crate) application: Application,
    /// Where its plans lie.
    pub(crate) store: CheckpointStore,
    /// The target.
    pub(crate) table: DeltaTable,
    /// The last batch in the target; -1: none.
    pub(crate) committed: i64,
}

/// What a flow does next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Plan this batch; the plan before it tells where sources start.
    Plan {
        /// The plan before it.
        previous: Option<Box<BatchPlan>>,
        /// Under which attempt its plan is written: those before were cut off.
        attempt: u32,
        /// Commits of others since the plan before it that removed or replaced rows.
        removed: Vec<ForeignChange>,
    },
    /// Do this planned batch, to the letter.
    Replay(Box<BatchPlan>),
}

impl Progress {
    /// Reads the facts from a fresh snapshot of the target.
    pub(crate) async fn read(engine: &Engine, table: &DeltaTable, flow: &FlowId) -> Result<Self> {
        table.refresh().await?;
        let id = table.id();
        let prefix = Application::prefix(&id, flow.name.as_str());
        let txns = table.txns(&prefix).await?;
        let incarnation =
            current_incarnation(txns.keys().map(String::as_str), &id, flow.name.as_str());
        let application = Application::new(&id, flow.name.as_str(), incarnation);
        let committed = txns.get(&application.app_id()).copied().unwrap_or(-1);
        let store =
            CheckpointStore::new(engine.store().clone(), table.location(), flow, incarnation);
        Ok(Self {
            application,
            store,
            table: table.clone(),
            committed,
        })
    }

    /// Whether another engine has committed batches of the flow since the facts were read.
    pub(crate) async fn is_overtaken(&self) -> Result<bool> {
        self.table.refresh().await?;
        let txn = self.table.txn(&self.application.app_id()).await?;
        Ok(txn.unwrap_or(-1) > self.committed)
    }

    /// Decides what a streaming flow does next and carries out what has to come before that. `sources` are the
    /// sources that the project declares now.
    pub(crate) async fn next(
        &self,
        sources: &BTreeMap<String, SourceIdentity>,
        origin: &Origin,
    ) -> Result<Next> {
        let newest_plan = self
            .settled(self.store.newest_plan(self.committed).await?)
            .await?;
        self.decide(newest_plan, 0, sources, origin).await
    }

    /// As [`Progress::next`], where the plan of the batch that comes next cannot be done: it is planned again.
    pub(crate) async fn next_anew(
        &self,
        sources: &BTreeMap<String, SourceIdentity>,
        origin: &Origin,
    ) -> Result<Next> {
        let writings = self.store.writings(self.committed + 1).await?.len();
        let attempt = u32::try_from(writings).unwrap_or(u32::MAX);
        let before = self.plan_before().await?;
        self.decide(before, attempt, sources, origin).await
    }

    /// The plan of the last committed batch.
    async fn plan_before(&self) -> Result<NewestPlan> {
        self.settled(self.store.plan(self.committed).await?).await
    }

    /// The newest plan; where it is of a committed batch and was written more than once, the one that the commit tells.
    async fn settled(&self, newest: NewestPlan) -> Result<NewestPlan> {
        let NewestPlan::Readable(plan) = &newest else {
            return Ok(newest);
        };
        let batch = plan.batch;
        if batch != self.committed || self.store.writings(batch).await?.iter().flatten().count() < 2
        {
            return Ok(newest);
        }
        let Some(told) = self.echo(batch).await? else {
            let what = format!(
                "batch {batch} was planned more than once, and the table's log does not tell which plan was done"
            );
            return Err(self.store.lost(&what));
        };
        self.store.settle(&told).await?;
        Ok(NewestPlan::Readable(Box::new(told)))
    }

    async fn decide(
        &self,
        mut newest_plan: NewestPlan,
        mut attempt: u32,
        sources: &BTreeMap<String, SourceIdentity>,
        origin: &Origin,
    ) -> Result<Next> {
        loop {
            let foreign = match &newest_plan {
                NewestPlan::Readable(plan) => {
                    self.table.foreign_changes(plan.target.base_version).await?
                }
                _ => vec![],
            };
            let observed = Observed {
                table_id: self.application.table_id.clone(),
                flow: self.application.app_id(),
                txn: (self.committed >= 0).then_some(self.committed),
                sources: sources.clone(),
                newest_plan: newest_plan.clone(),
                effect: Effect::Append,
                foreign,
            };
            let mut decision = decide_start(&observed);
            if let Decision::RebuildFromEcho { batch } = decision {
                let echo = self.echo(batch).await?;
                decision = decide_after_echo(&observed, batch, echo);
            }
            match decision {
                Decision::Plan { previous, .. } => {
                    let foreign = observed.foreign.into_iter();
                    return Ok(Next::Plan {
                        previous,
                        attempt,
                        removed: foreign
                            .filter(|change| change.kind == ForeignKind::RemovedRows)
                            .collect(),
                    });
                }
                Decision::Replay(plan) => return Ok(Next::Replay(plan)),
                Decision::PassOverTornPlan { next_attempt, .. } => {
                    attempt = next_attempt;
                    newest_plan = self.plan_before().await?;
                }
                Decision::RebuildFromEcho { batch } => {
                    return Err(self
                        .store
                        .lost(&format!("the plan of batch {batch} is gone")));
                }
                Decision::Stop(reason) => return Err(self.stop(&reason, origin)),
            }
        }
    }

    /// The plan of a batch as its commit tells it.
    pub(crate) async fn echo(&self, batch: i64) -> Result<Option<BatchPlan>> {
        let commit = self
            .table
            .commit_of(&self.application.app_id(), batch)
            .await?;
        Ok(commit.as_ref().and_then(Echo::of).and_then(Echo::plan))
    }

    fn stop(&self, reason: &StopReason, origin: &Origin) -> crate::error::Failure {
        let flow = &self.application.flow;
        let target = &self.store.target;
        let again = format!("start it again from nothing: `sluice run --full-refresh {target}`");
        let changed = |message: String| Diagnostic::error(&TARGET_CHANGED, message);
        let diagnostic = match reason {
            StopReason::SourceChanged { name, was, now } => {
                let words = |identity: &Option<SourceIdentity>| {
                    identity
                        .as_ref()
                        .map_or_else(|| "nothing".to_string(), ToString::to_string)
                };
                let message = format!(
                    "source {name} of flow `{flow}` is not the one that its checkpoint belongs to"
                );
                Diagnostic::error(&CHECKPOINT_SOURCE_CHANGED, message)
                    .fact(format!("the checkpoint was made with {}", words(was)))
                    .fact(format!("the query now reads {}", words(now)))
                    .help("keep both in one table: add a second flow with `CREATE FLOW … AS INSERT INTO … BY NAME`")
            }
            StopReason::CheckpointLost { batch } => {
                return self.store.lost(&format!(
                    "the plan of batch {batch} is gone, and the table's log does not tell it"
                ));
            }
            StopReason::TargetReplaced { planned, found } => changed(format!(
                "the table of flow `{flow}` was replaced by another one"
            ))
            .fact(format!(
                "the checkpoint belongs to table id {planned}, the table now has id {found}"
            )),
            StopReason::TargetRolledBack { txn, planned } => changed(format!(
                "the table of flow `{flow}` was set back to an earlier version"
            ))
            .fact(format!(
                "micro-batch {planned} was planned, the table stands at micro-batch {txn}"
            )),
            StopReason::TargetRestoredByOther(change) => changed(format!(
                "the table of flow `{flow}` was set back by another writer: {} at version {}",
                change.operation, change.version
            )),
            StopReason::OtherFormat { batch, fault } => Diagnostic::error(
                &CHECKPOINT_FORMAT_UNKNOWN,
                format!("the plan of micro-batch {batch} of flow `{flow}` cannot be used: {fault}"),
            ),
        };
        diagnostic
            .at(origin, "")
            .fact("nothing was changed")
            .help(again)
            .into()
    }
}

/// The newest stored schema of a source, with its number.
pub(crate) async fn stored_schema(
    engine: &Engine,
    tables: &Tables,
    flow: &FlowId,
    key: &str,
) -> Result<Option<(u64, StoredSchema)>> {
    let Some(table) = tables.open(&flow.target).await? else {
        return Ok(None);
    };
    Progress::read(engine, &table, flow)
        .await?
        .stored_schema(key)
        .await
}

impl Progress {
    /// The newest stored schema of a source, with its number.
    pub(crate) async fn stored_schema(&self, key: &str) -> Result<Option<(u64, StoredSchema)>> {
        let mut newest = None;
        for number in 0_u64.. {
            let Some(bytes) = self.store.get("schemas", &schema_name(key, number)).await? else {
                break;
            };
            let schema = serde_json::from_slice(&bytes).map_err(|error| {
                self.store.lost(&format!(
                    "`schemas/{}` cannot be read: {error}",
                    schema_name(key, number)
                ))
            })?;
            newest = Some((number, schema));
        }
        Ok(newest)
    }

    /// Stores the columns of a source, after those that are stored; keeps what another engine stored first.
    pub(crate) async fn store_schema(&self, key: &str, schema: &StoredSchema) -> Result<()> {
        let number = self
            .stored_schema(key)
            .await?
            .map_or(0, |(number, _)| number + 1);
        let text = serde_json::to_vec(schema)
            .map_err(|error| crate::error::internal(&error.to_string()))?;
        self.store
            .put("schemas", &schema_name(key, number), text.into())
            .await?;
        Ok(())
    }
}

fn schema_name(key: &str, number: u64) -> String {
    format!("{key}-{number:020}.json")
}

impl Update {
    /// What a batch that is planned now may not ask the world for again.
    pub(crate) fn pinned(&self) -> Pinned {
        Pinned {
            batch_ts_us: self.engine.clock().now_us(),
            time_zone: self.engine.options.time_zone.clone(),
            seed: 0,
        }
    }
}
