//! Tables that a crash or a power loss left half written: mended before anything reads them. Must not run flows.

use sluice_graph::DeclaredGraph;
use sluice_model::condition::run::STATE_REPAIRED;
use sluice_model::{DatasetName, Diagnostic};
use sluice_table::{DeltaTable, Repair, RepairPolicy, Repaired};

use crate::engine::Engine;
use crate::error::{Failure, Result};
use crate::report::UpdateReport;
use crate::tables::Tables;

impl Engine {
    /// Mends tables that a crash or a power loss left half written, before anything reads them.
    pub(crate) async fn heal(
        &self,
        declared: &DeclaredGraph,
        tables: &Tables,
        report: &mut UpdateReport,
    ) -> Result<()> {
        let policy = RepairPolicy::of(self.store());
        for dataset in declared
            .datasets
            .values()
            .filter(|dataset| dataset.kind.is_table())
        {
            // A place that cannot be is told by the graph, with all else that is wrong with it.
            let Ok(location) = self.location_of(dataset) else {
                continue;
            };
            let opened = DeltaTable::open_repaired(self.store(), &location, policy).await;
            let (table, repairs) =
                opened.map_err(|error| Failure::from(error).placed(&dataset.origin))?;
            report
                .diagnostics
                .extend(repairs.iter().map(|repair| repaired(&dataset.name, repair)));
            if let Some(table) = table {
                tables.insert(&dataset.name, table);
            }
        }
        Ok(())
    }
}

fn repaired(table: &DatasetName, repair: &Repaired) -> Diagnostic {
    let what = match repair.repair {
        Repair::CheckpointHint => "the pointer to the newest checkpoint was damaged",
        Repair::NewestCommit => "the newest commit was cut off by a crash",
        Repair::Checkpoint => "the newest checkpoint was cut off by a crash",
    };
    Diagnostic::warning(
        &STATE_REPAIRED,
        format!("table `{table}` was repaired: {what}"),
    )
    .fact(format!(
        "`{}` was set aside as `{}`",
        repair.file, repair.kept_at
    ))
    .fact("what it held is read again from the sources; nothing committed was lost")
}
