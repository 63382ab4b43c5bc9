//! RESTORE: a table goes back to an earlier version, and the progress of its flows goes with it.
//!
//! State lives and dies with its table, so that rows and progress always fit. Each flow begins a new incarnation that knows
//! what it knew at that version: what it took later is taken again. A materialized view is computed anew by its next
//! refresh. The state of the new incarnation is durable before the commit that makes it the current one; an engine that
//! dies in between leaves a folder that nobody reads.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sluice_checkpoint::{FlowId as Application, current_incarnation};
use sluice_graph::query::TimeTravel;
use sluice_graph::statement::Located;
use sluice_graph::{DeclaredGraph, FlowId, Input};
use sluice_model::condition::run::{RESTORE_LOSES_ROWS, TABLE_OWNED_BY_OTHER_PIPELINE};
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind, FlowName, Origin};
use sluice_table::{DeltaTable, Restored};

use crate::checkpoint_store::CheckpointStore;
use crate::engine::Engine;
use crate::error::{Failure, Result};
use crate::failpoint::reach;
use crate::inputs::file_list::taken_files;
use crate::inputs::leaves::leaves;
use crate::memory;
use crate::prepare::prepare;
use crate::progress::Progress;
use crate::tables::Tables;
use crate::tables::schema::OWNER;
use crate::tables::setup::gone;
use crate::tables::version::{Wanted, version_of};

/// Names under which commits stand that no flow makes.
const NO_FLOWS: [&str; 2] = ["_definition", "_maintenance"];

impl Engine {
    /// Sets a table back to a version. Needs that no update of its pipeline runs. Refused where rows would be lost because the
    /// files that they came from are gone, unless `allow_data_loss`.
    pub async fn restore(
        &self,
        declared: &DeclaredGraph,
        name: &DatasetName,
        table: &DeltaTable,
        to: &Located<TimeTravel>,
        allow_data_loss: bool,
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
            let restored = self
                .restore_alone(declared, name, table, to, allow_data_loss)
                .await;
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
        allow_data_loss: bool,
    ) -> Result<Restored> {
        table.refresh().await?;
        let session = self.session(self.clock().now_us())?;
        let version = version_of(table, &to.value, &session, Wanted::ToRestore, &to.origin).await?;
        let is_view = declared
            .datasets
            .get(name)
            .is_some_and(|dataset| dataset.kind == DatasetKind::MaterializedView);
        if !is_view && !allow_data_loss {
            self.guard_rows(declared, name, table, version, &to.origin)
                .await?;
        }
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

    /// Refuses to take rows away that no flow could take again.
    async fn guard_rows(
        &self,
        declared: &DeclaredGraph,
        name: &DatasetName,
        table: &DeltaTable,
        version: u64,
        place: &Origin,
    ) -> Result<()> {
        let tables = Tables::new(self);
        let prepared = prepare(self, &tables, declared).await?;
        if prepared.has_errors() {
            // Flows that cannot be read cannot say what they would take again.
            return Err(prepared.diagnostics.into());
        }
        let then = table
            .txns_at(version, &format!("sluice/{}/", table.id()))
            .await?;
        for flow in prepared.graph.flows.values() {
            if flow.id.target != *name || flow.kind != FlowKind::Append {
                continue;
            }
            let now = Progress::read(self, table, &flow.id).await?;
            let then = self.progress_then(table, &flow.id, &then);
            for leaf in leaves(&prepared.graph, flow) {
                let Input::Files(function) = &leaf.input else {
                    continue;
                };
                let kept: HashSet<String> = taken_files(&then, &leaf.key)
                    .await?
                    .into_iter()
                    .map(|row| row.file.path)
                    .collect();
                let mut again = taken_files(&now, &leaf.key).await?;
                again.retain(|row| !kept.contains(&row.file.path));
                let gone = gone(&prepared, &function.origin, &again);
                if let Some(first) = gone.first() {
                    return Err(would_lose(name, first, (gone.len(), again.len()), place).into());
                }
            }
        }
        Ok(())
    }

    /// How far a flow was when the table's transactions were those.
    fn progress_then(
        &self,
        table: &DeltaTable,
        flow: &FlowId,
        then: &BTreeMap<String, i64>,
    ) -> Progress {
        let (id, name) = (table.id(), flow.name.as_str());
        let incarnation = current_incarnation(then.keys().map(String::as_str), &id, name);
        let application = Application::new(&id, name, incarnation);
        let store = self.store().clone();
        Progress {
            committed: then.get(&application.app_id()).copied().unwrap_or(-1),
            application,
            store: CheckpointStore::new(store, table.location(), flow, incarnation),
            table: table.clone(),
        }
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
            let incarnation_now = current_incarnation(now.keys().map(String::as_str), &id, &flow);
            let next = CheckpointStore::next_incarnation(
                self.store(),
                table.location(),
                &flow,
                incarnation_now,
            )
            .await?;
            let flow_id = FlowId {
                target: name.clone(),
                name: FlowName::new(&flow),
            };
            let then = self.progress_then(table, &flow_id, &then);
            let committed = if is_view { -1 } else { then.committed };
            if committed >= 0 {
                let store = self.store().clone();
                let to = CheckpointStore::new(store, table.location(), &flow_id, next);
                then.store.copy_until(committed, &to).await?;
                memory::copy(&then, &to).await?;
            }
            txns.push((Application::new(&id, &flow, next).app_id(), committed));
        }
        Ok(txns)
    }
}

fn would_lose(
    name: &DatasetName,
    first: &str,
    (gone, all): (usize, usize),
    place: &Origin,
) -> Diagnostic {
    let message = format!(
        "setting `{name}` back would lose rows: {gone} of {all} files whose rows would have to be taken again are gone"
    );
    Diagnostic::error(&RESTORE_LOSES_ROWS, message)
        .at(place, "")
        .fact(format!("the first of them: `{first}`"))
        .fact("nothing was changed")
        .help("put the files back")
        .help(format!(
            "or accept the loss: `sluice restore {} --version … --allow-data-loss`",
            name.name
        ))
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
