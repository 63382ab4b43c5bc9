//! RESTORE: a table goes back to an earlier version, and the progress of its flows goes with it.
//!
//! State lives and dies with its table, so that rows and progress always fit. Each flow begins a new incarnation that knows
//! what it knew at that version: what it took later is taken again. A materialized view is computed anew by its next
//! refresh. The state of the new incarnation is durable before the commit that makes it the current one; an engine that
//! dies in between leaves a folder that nobody reads.

use std::collections::{BTreeMap, BTreeSet};

use sluice_checkpoint::{FlowId as Application, current_incarnation};
use sluice_graph::query::TimeTravel;
use sluice_graph::statement::Located;
use sluice_graph::{DeclaredGraph, FlowId};
use sluice_model::condition::run::TABLE_OWNED_BY_OTHER_PIPELINE;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowName};
use sluice_table::{DeltaTable, Restored};

use crate::checkpoint_store::CheckpointStore;
use crate::engine::Engine;
use crate::error::{Failure, Result};
use crate::failpoint::reach;
use crate::memory;
use crate::progress::Progress;
use crate::tables::schema::OWNER;
use crate::tables::version::{Wanted, version_of};

/// Names under which commits stand that no flow makes.
const NO_FLOWS: [&str; 2] = ["_definition", "_maintenance"];

impl Engine {
    /// Sets a table back to a version. Needs that no update of its pipeline runs.
    pub async fn restore(
        &self,
        declared: &DeclaredGraph,
        name: &DatasetName,
        table: &DeltaTable,
        to: &Located<TimeTravel>,
    ) -> std::result::Result<Restored, Vec<Diagnostic>> {
        let done = async {
            let properties = table.properties();
            if let Some(owner) = properties
                .get(OWNER)
                .filter(|owner| **owner != self.pipeline_id())
            {
                return Err(owned(name, owner, to).into());
            }
            let lease = self.lease_of(table).await?;
            let restored = self.restore_alone(declared, name, table, to).await;
            lease.release().await;
            restored
        };
        done.await.map_err(Failure::into_diagnostics)
    }

    /// The restoration while no update runs.
    async fn restore_alone(
        &self,
        declared: &DeclaredGraph,
        name: &DatasetName,
        table: &DeltaTable,
        to: &Located<TimeTravel>,
    ) -> Result<Restored> {
        table.refresh().await?;
        let session = self.session(self.clock().now_us())?;
        let version = version_of(table, &to.value, &session, Wanted::ToRestore, &to.origin).await?;
        let is_view = declared
            .datasets
            .get(name)
            .is_some_and(|dataset| dataset.kind == DatasetKind::MaterializedView);
        let txns = self.begin_again(name, table, version, is_view).await?;
        reach(self.store(), "restore-prepared", "")?;
        let placed = |error: sluice_table::TableError| -> Failure {
            match Failure::from(error) {
                Failure::Said(said) => {
                    Failure::Said(said.into_iter().map(|d| d.at(&to.origin, "")).collect())
                }
                Failure::Killed => Failure::Killed,
            }
        };
        table.restore(version, txns).await.map_err(placed)
    }

    /// A new incarnation of every flow that has written the table, as far as it was at a version.
    async fn begin_again(
        &self,
        name: &DatasetName,
        table: &DeltaTable,
        version: u64,
        is_view: bool,
    ) -> Result<Vec<(String, i64)>> {
        let id = table.id();
        let prefix = format!("sluice/{id}/");
        let now = table.txns(&prefix).await?;
        let then = table.txns_at(version, &prefix).await?;
        let flows: BTreeSet<String> = now
            .keys()
            .filter_map(|app| Application::parse(app))
            .filter(|flow| !NO_FLOWS.contains(&flow.flow.as_str()))
            .map(|flow| flow.flow)
            .collect();
        let mut txns = vec![];
        for flow in flows {
            let current = |known: &BTreeMap<String, i64>| {
                current_incarnation(known.keys().map(String::as_str), &id, &flow)
            };
            let (incarnation_then, incarnation_now) = (current(&then), current(&now));
            let app = Application::new(&id, &flow, incarnation_then).app_id();
            let committed = then.get(&app).copied().unwrap_or(-1);
            let next = CheckpointStore::next_incarnation(
                self.store(),
                table.location(),
                &flow,
                incarnation_now,
            )
            .await?;
            let committed = if is_view { -1 } else { committed };
            if committed >= 0 {
                let flow_id = FlowId {
                    target: name.clone(),
                    name: FlowName::new(&flow),
                };
                let folder = |incarnation| {
                    let store = self.store().clone();
                    CheckpointStore::new(store, table.location(), &flow_id, incarnation)
                };
                let then = Progress {
                    application: Application::new(&id, &flow, incarnation_then),
                    store: folder(incarnation_then),
                    table: table.clone(),
                    committed,
                };
                then.store.copy_until(committed, &folder(next)).await?;
                memory::copy(&then, &folder(next)).await?;
            }
            txns.push((Application::new(&id, &flow, next).app_id(), committed));
        }
        Ok(txns)
    }
}

fn owned(name: &DatasetName, owner: &str, to: &Located<TimeTravel>) -> Diagnostic {
    Diagnostic::error(
        &TABLE_OWNED_BY_OTHER_PIPELINE,
        format!("table `{name}` belongs to pipeline `{owner}`"),
    )
    .at(&to.origin, "")
    .fact("its flows would have to go back with it; nothing was changed")
    .help("restore it in the project of that pipeline")
}
