//! `INSERT ONCE`: a batch query that is appended once, and again only after a full refresh. Batch 0 and no other.

use std::collections::{BTreeMap, HashMap};

use sluice_checkpoint::{BatchPlan, PlannedTarget};
use sluice_graph::ResolvedFlow;
use sluice_table::Removes;

use crate::error::Result;
use crate::failpoint::reach;
use crate::micro_batch::{Batch, Effect, NotDone};
use crate::progress::{Next, Progress};
use crate::report::FlowReport;
use crate::update::{FlowOutcome, Update};

/// Runs the flow unless it has run.
pub(crate) async fn run(
    update: &Update,
    flow: &ResolvedFlow,
    report: &mut FlowReport,
) -> Result<FlowOutcome> {
    let dataset = update.dataset(&flow.id.target)?;
    let table = update.target(dataset).await?;
    let progress = Progress::read(&update.engine, &table, &flow.id).await?;
    if progress.committed >= 0 {
        return Ok(FlowOutcome::Idle);
    }
    let plan = match progress.next(&BTreeMap::new(), &flow.origin).await? {
        Next::Replay(plan) => *plan,
        Next::Plan { attempt, .. } => {
            let plan = BatchPlan {
                flow: progress.application.app_id(),
                batch: 0,
                previous: None,
                sources: BTreeMap::new(),
                pinned: update.pinned(),
                target: PlannedTarget {
                    table_id: table.id(),
                    base_version: table.version(),
                },
                fingerprint: flow.fingerprint.query.clone(),
                engine_version: env!("CARGO_PKG_VERSION").to_string(),
                state: None,
            };
            progress.store.write_plan(plan, attempt).await?
        }
    };
    reach(update.engine.store(), "plan-written", flow.id.name.as_str())?;
    let taken = HashMap::new();
    let batch = Batch {
        update,
        flow,
        dataset,
        progress: &progress,
        plan: &plan,
        taken: &taken,
    };
    let effect = Effect {
        removes: Removes::None,
        metadata: None,
        operation: "WRITE",
    };
    match batch.execute(&effect).await {
        Ok(Some(done)) => {
            update.batch_done(flow, &progress, 0, &done, report);
            Ok(FlowOutcome::Completed)
        }
        Ok(None) => Ok(FlowOutcome::Idle),
        Err(NotDone::NewColumns(new, _)) => Err(sluice_source::SourceError::NewColumns(new)
            .to_diagnostic()
            .into()),
        Err(NotDone::Failed(failure)) => Err(failure),
    }
}
