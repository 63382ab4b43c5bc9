//! Tables before flows: made if absent, claimed by their pipeline, given new columns, emptied for a full refresh.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;
use sluice_checkpoint::{FlowId as Application, current_incarnation};
use sluice_graph::{Input, ResolvedDataset};
use sluice_model::condition::run::{FULL_REFRESH_LOSES_ROWS, TABLE_OWNED_BY_OTHER_PIPELINE};
use sluice_model::condition::table::CANNOT_UPDATE_PARTITION_COLUMNS;
use sluice_model::{DatasetKind, Diagnostic, FlowKind, Origin};
use sluice_source::TakenFile;
use sluice_table::{CommitOutcome, CommitRequest, DeltaTable, Removes, TableError};

use crate::checkpoint_store::CheckpointStore;
use crate::error::{Failure, Result, internal};
use crate::inputs::file_list::taken_files;
use crate::inputs::leaves::leaves;
use crate::prepare::Prepared;
use crate::progress::Progress;
use crate::tables::description;
use crate::tables::schema::{self, OWNER};
use crate::update::Update;

impl Update {
    /// The target of a flow: opened, or made if it is not there.
    pub(crate) async fn target(&self, dataset: &ResolvedDataset) -> Result<DeltaTable> {
        let name = &dataset.definition.name;
        if let Some(table) = self.tables.open_declared(dataset).await? {
            return Ok(table);
        }
        self.check_place(dataset).await?;
        let definition = schema::definition(&self.engine, dataset)
            .ok_or_else(|| internal(&format!("the columns of `{name}` are not known")))?;
        let location = self.tables.location(dataset)?;
        let table =
            DeltaTable::create_if_absent(self.engine.store(), &location, &definition).await?;
        self.note_place(dataset).await?;
        self.tables.insert(name, table.clone());
        Ok(table)
    }

    /// Makes the table of a dataset fit its declaration. Datasets whose columns are unknown wait.
    pub(crate) async fn set_up(&self, dataset: &ResolvedDataset) -> Result<()> {
        if dataset.schema.is_none() {
            return Ok(());
        }
        let table = self.target(dataset).await?;
        self.check_owner(dataset, &table)?;
        if dataset.definition.location.is_some() {
            self.note_place(dataset).await?;
        }
        check_partitions(dataset, &table)?;
        let change = description::change(&self.engine, dataset, &table)?;
        if change.is_empty() {
            return Ok(());
        }
        let id = format!("sluice-schema/{}", self.engine.pipeline_id());
        let number = table.txn(&id).await?.map_or(0, |number| number + 1);
        let operation = description::operation(&change, &table);
        let request = CommitRequest {
            txns: vec![(id, number)],
            metadata: Some(change),
            operation: operation.to_string(),
            ..CommitRequest::default()
        };
        self.change(&table, request, &dataset.definition.origin)
            .await
    }

    fn check_owner(&self, dataset: &ResolvedDataset, table: &DeltaTable) -> Result<()> {
        let ours = self.engine.pipeline_id();
        match table.properties().get(OWNER) {
            Some(owner) if *owner == ours => Ok(()),
            owner => {
                let who = owner.map_or_else(
                    || "no pipeline of Sluice".to_string(),
                    |owner| format!("pipeline `{owner}`"),
                );
                let name = &dataset.definition.name;
                Err(Diagnostic::error(
                    &TABLE_OWNED_BY_OTHER_PIPELINE,
                    format!("table `{name}` is there already and belongs to {who}"),
                )
                .at(&dataset.definition.origin, "declared here")
                .fact(format!("this is pipeline `{ours}`; nothing was changed"))
                .help("give one of the two another name, catalog or schema, or drop the table")
                .into())
            }
        }
    }

    async fn change(
        &self,
        table: &DeltaTable,
        request: CommitRequest,
        origin: &Origin,
    ) -> Result<()> {
        let request = CommitRequest {
            parameters: json!({}),
            info: BTreeMap::from([("sluiceUpdate".to_string(), json!({ "update_id": self.id }))]),
            ..request
        };
        let outcome = table.commit(&request).await.map_err(|error| match error {
            refused @ TableError::AppendOnly { .. } => refused.diagnostic().at(origin, "").into(),
            other => Failure::from(other),
        })?;
        match outcome {
            CommitOutcome::Committed { .. } | CommitOutcome::AlreadyCommitted { .. } => Ok(()),
            CommitOutcome::Unknown(error) => Err(error.into()),
            CommitOutcome::Conflict(conflict) => Err(internal(&format!(
                "the table changed while it was set up: {conflict:?}; run again"
            ))
            .into()),
        }
    }

    /// Refuses to empty a table that is not ours, or whose rows could not be had again. Asked of every table before
    /// the first one is emptied: a refusal means that nothing was changed.
    pub(crate) async fn check_reset(&self, dataset: &ResolvedDataset) -> Result<()> {
        let Some(table) = self.tables.open_declared(dataset).await? else {
            return Ok(());
        };
        self.check_owner(dataset, &table)?;
        self.guard_rows(dataset, &table).await
    }

    /// Empties a table for a full refresh: one commit removes all rows and raises the incarnation of every flow, so
    /// that a crash leaves either the old world or the new one.
    pub(crate) async fn reset(&self, dataset: &ResolvedDataset) -> Result<()> {
        let Some(table) = self.tables.open_declared(dataset).await? else {
            return Ok(());
        };
        let id = table.id();
        let mut txns = vec![];
        for flow in &dataset.flows {
            let known = table
                .txns(&Application::prefix(&id, flow.name.as_str()))
                .await?;
            let incarnation =
                current_incarnation(known.keys().map(String::as_str), &id, flow.name.as_str());
            let next = CheckpointStore::next_incarnation(
                self.engine.store(),
                table.location(),
                flow.name.as_str(),
                incarnation,
            )
            .await?;
            txns.push((Application::new(&id, flow.name.as_str(), next).app_id(), -1));
        }
        let wanted = description::columns(dataset, &table);
        let change = wanted.and_then(|columns| {
            crate::micro_batch::column_change(&table, &columns, &schema::partition_by(dataset))
        });
        let request = CommitRequest {
            removes: Removes::All,
            txns,
            metadata: change.filter(|change| !change.is_empty()),
            operation: "FULL REFRESH".to_string(),
            ..CommitRequest::default()
        };
        self.change(&table, request, &dataset.definition.origin)
            .await
    }

    /// Refuses a full refresh that would lose rows because files that they came from are gone.
    async fn guard_rows(&self, dataset: &ResolvedDataset, table: &DeltaTable) -> Result<()> {
        if self.request.allow_data_loss {
            return Ok(());
        }
        for id in &dataset.flows {
            let Some(flow) = self.prepared.graph.flows.get(id) else {
                continue;
            };
            if flow.kind != FlowKind::Append {
                continue;
            }
            let progress = Progress::read(&self.engine, table, id).await?;
            for leaf in leaves(&self.prepared.graph, flow) {
                let Input::Files(function) = &leaf.input else {
                    continue;
                };
                let taken = taken_files(&progress, &leaf.key).await?;
                let gone = gone(&self.prepared, &function.origin, &taken);
                if let Some(first) = gone.first() {
                    let message = format!(
                        "a full refresh of `{}` would lose rows: {} of {} files that it was made from are gone",
                        id.target,
                        gone.len(),
                        taken.len()
                    );
                    return Err(Diagnostic::error(&FULL_REFRESH_LOSES_ROWS, message)
                        .at(&flow.origin, "")
                        .fact(format!("the first of them: `{first}`"))
                        .fact("nothing was changed")
                        .help("put the files back")
                        .help(format!(
                            "or accept the loss: `sluice run --full-refresh {} --allow-data-loss`",
                            id.target.name
                        ))
                        .into());
                }
            }
        }
        Ok(())
    }
}

/// The paths of files that a call has taken and that are not there any more.
pub(crate) fn gone<'a>(prepared: &Prepared, call: &Origin, taken: &'a [TakenFile]) -> Vec<&'a str> {
    let input = prepared.files.get(call);
    let there: HashSet<&str> = input
        .iter()
        .flat_map(|input| &input.listing.files)
        .map(|file| file.path.as_str())
        .collect();
    let paths = taken.iter().map(|row| row.file.path.as_str());
    paths.filter(|path| !there.contains(path)).collect()
}

/// Refuses other partition columns for a streaming table, whose rows stay where they lie. A full refresh has moved them
/// before it comes here; a materialized view is written anew.
fn check_partitions(dataset: &ResolvedDataset, table: &DeltaTable) -> Result<()> {
    let definition = &dataset.definition;
    let (now, wanted) = (table.partition_by(), schema::partition_by(dataset));
    let same = now.len() == wanted.len()
        && now
            .iter()
            .zip(&wanted)
            .all(|(now, wanted)| now.eq_ignore_ascii_case(wanted));
    if same || definition.kind != DatasetKind::StreamingTable {
        return Ok(());
    }
    let shown = |columns: &[String]| match columns {
        [] => "no column".to_string(),
        columns => columns.join(", "),
    };
    let name = &definition.name;
    let message = format!(
        "`{name}` is partitioned by {} and declared to be partitioned by {}",
        shown(&now),
        shown(&wanted)
    );
    let place = definition.partitioned_by.first();
    let place = place.map_or(&definition.origin, |column| &column.origin);
    Err(Diagnostic::error(&CANNOT_UPDATE_PARTITION_COLUMNS, message)
        .at(place, "")
        .fact("rows that are there would have to move; nothing was changed")
        .help(format!(
            "fill the table again from its sources: `--full-refresh {name}`"
        ))
        .help("or declare the partition columns that it has")
        .into())
}
