//! One micro-batch, or one refresh, from bound query to commit: read, check, write, commit, reconcile.
//!
//! The effect of a batch is a function of its plan; what is done here can be done again after a crash at any point.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use sluice_checkpoint::BatchPlan;
use sluice_graph::{ResolvedDataset, ResolvedFlow};
use sluice_model::condition::run::BAD_RECORDS;
use sluice_model::condition::table::DELTA_CONCURRENT_WRITE;
use sluice_model::event::ExpectationCounts;
use sluice_model::{DatasetName, Diagnostic, Origin, SparkType, StreamState};
use sluice_plan::conform::{ExtraColumns, TargetColumn};
use sluice_plan::expect::{Checked, CheckedQuery, Checks};
use sluice_plan::incremental::shape::Shape;
use sluice_plan::{BoundQuery, Session};
use sluice_source::{NewColumns, SourceError};
use sluice_table::{
    Add, CommitOutcome, CommitRequest, Conflict, DeltaTable, MetadataChange, Removes, WriteOptions,
};
use tokio::task::JoinSet;

use crate::echo;
use crate::error::{Failure, Result, internal};
use crate::failpoint::reach;
use crate::inputs::stream::Taken;
use crate::inputs::{Binding, Seen};
use crate::memory::BatchMemory;
use crate::progress::Progress;
use crate::report::FlowMetrics;
use crate::update::Update;

/// Attempts at a batch whose target's columns are changed by others meanwhile.
const ATTEMPTS_MAX: usize = 4;

/// What a batch does to its target.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    /// Which files go.
    pub(crate) removes: Removes,
    /// The columns that the target is to have; `None`: those it has.
    pub(crate) metadata: Option<MetadataChange>,
    /// The operation, as DESCRIBE HISTORY shows it.
    pub(crate) operation: &'static str,
}

/// What came of a batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    /// Numbers.
    pub(crate) metrics: FlowMetrics,
    /// Counters of expectations.
    pub(crate) expectations: Vec<ExpectationCounts>,
    /// Notes on casts and missing columns.
    pub(crate) notes: Vec<Diagnostic>,
    /// What the next batch of a stream begins with.
    pub(crate) state: StreamState,
}

/// Why a batch was not done.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// Files hold columns that the stored schema of the call at this place does not know.
    NewColumns(Box<NewColumns>, Origin),
    /// Anything else.
    Failed(Failure),
}

impl<T: Into<Failure>> From<T> for NotDone {
    fn from(failure: T) -> Self {
        Self::Failed(failure.into())
    }
}

/// A flow at one batch.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// The update.
    pub(crate) update: &'a Update,
    /// The flow.
    pub(crate) flow: &'a ResolvedFlow,
    /// Its target.
    pub(crate) dataset: &'a ResolvedDataset,
    /// How far it is.
    pub(crate) progress: &'a Progress,
    /// The plan.
    pub(crate) plan: &'a BatchPlan,
    /// What is read, by the name of the source.
    pub(crate) taken: &'a HashMap<String, Taken>,
}

/// A query bound to the inputs of a batch.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The query.
    pub(crate) query: BoundQuery,
    /// Shapes of the views that it reads.
    pub(crate) view_shapes: Vec<Shape>,
    seen: Arc<Seen>,
}

impl Batch<'_> {
    /// Binds the flow's query to what the batch takes.
    pub(crate) async fn bind(&self, session: &Session) -> Result<Bound> {
        let seen = Arc::new(Seen::default());
        let view_shapes = Mutex::default();
        let binding = Binding {
            prepared: &self.update.prepared,
            tables: &self.update.tables,
            session,
            taken: self.taken,
            event_log: Some(self.update.event_table_name()),
            seen: Arc::clone(&seen),
            view_shapes: &view_shapes,
        };
        let query = binding.bind(self.flow).await?;
        Ok(Bound {
            query,
            view_shapes: view_shapes
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            seen,
        })
    }

    /// Does the batch: reads, checks, writes and commits. `None`: another engine had committed it, and tells of it.
    pub(crate) async fn execute(&self, effect: &Effect) -> Result<Option<Done>, NotDone> {
        for _ in 0..ATTEMPTS_MAX {
            let session = self
                .update
                .session_for(self.plan.pinned.batch_ts_us, self.taken);
            let memory = BatchMemory::of(self);
            let session = session.for_batch(Arc::clone(&memory.context));
            let bound = self.bind(&session).await?;
            let effect = &memory.effect(self, effect)?;
            let base_version = self.progress.table.version();
            let written = self.write(bound, effect, &memory).await?;
            reach(
                self.update.engine.store(),
                "data-written",
                self.flow.id.name.as_str(),
            )?;
            let outcome = self.commit(effect, base_version, &written).await?;
            match outcome {
                CommitOutcome::Committed { .. } => {
                    reach(
                        self.update.engine.store(),
                        "committed",
                        self.flow.id.name.as_str(),
                    )?;
                    return Ok(Some(written.done));
                }
                CommitOutcome::AlreadyCommitted { .. } => return Ok(None),
                CommitOutcome::Conflict(
                    Conflict::MetadataChanged { .. } | Conflict::FilesChanged { .. },
                ) => {}
                CommitOutcome::Conflict(conflict) => return Err(self.conflicted(&conflict).into()),
                CommitOutcome::Unknown(error) => return Err(error.into()),
            }
        }
        Err(self
            .conflicted(&Conflict::MetadataChanged {
                version: self.progress.table.version(),
            })
            .into())
    }

    fn conflicted(&self, conflict: &Conflict) -> Diagnostic {
        Diagnostic::error(
            &DELTA_CONCURRENT_WRITE,
            format!("another writer keeps changing `{}`", self.flow.id.target),
        )
        .at(&self.flow.origin, "")
        .fact(format!("{conflict:?}"))
        .fact(format!(
            "nothing of micro-batch {} was written",
            self.plan.batch
        ))
        .help("stop the other writer, then run again")
    }

    /// The query under the columns of the target, with the expectations of the target; and notes on casts.
    pub(crate) fn check(
        &self,
        query: BoundQuery,
        schema: &arrow::datatypes::Schema,
    ) -> Result<(CheckedQuery, Vec<Diagnostic>)> {
        let target = target_columns(self.dataset, schema, &self.flow.origin);
        let conformed = query.conform_to(&target, ExtraColumns::Refuse)?;
        let clauses: Vec<_> = self
            .flow
            .expectations
            .iter()
            .filter(|expectation| expectation.dataset == self.flow.id.target)
            .map(|expectation| expectation.clause.clone())
            .collect();
        let constraints = self.progress.table.constraints();
        let checked = conformed.query.with_checks(&clauses, constraints)?;
        Ok((checked, conformed.notes))
    }

    async fn write(
        &self,
        bound: Bound,
        effect: &Effect,
        memory: &BatchMemory,
    ) -> Result<Written, NotDone> {
        let (schema, partition_by) = self.target_shape(effect);
        let (checked, notes) = self.check(bound.query, &schema)?;
        let streams = checked.execute_partitioned().await?;
        let mut lanes = JoinSet::new();
        for stream in streams {
            let options = WriteOptions::new(self.progress.application.short(), self.plan.batch);
            let writer =
                self.progress
                    .table
                    .writer_for(Arc::clone(&schema), partition_by.clone(), options);
            lanes.spawn(write_lane(stream, writer, Arc::clone(&schema)));
        }
        let mut adds = vec![];
        let mut checks: Vec<Checks> = vec![];
        while let Some(lane) = lanes.join_next().await {
            let lane = lane.map_err(|error| internal(&format!("a writer ended badly: {error}")))?;
            match lane {
                Ok((more, seen)) => {
                    adds.extend(more);
                    checks.push(seen);
                }
                Err(failure) => {
                    lanes.shutdown().await;
                    let gone =
                        crate::inputs::gone::gone_files(self.update, self.flow, self.taken).await;
                    let failure = memory.failed(gone.map_or(failure, Failure::from));
                    return Err(self.explain(failure, &bound.seen));
                }
            }
        }
        let state = memory.finish(self).await?;
        self.store_bad_records(&bound.seen).await?;
        adds.sort_by(|a: &Add, b| a.path.cmp(&b.path));
        let mut done = self.count(&checks, &bound.seen, &adds, notes);
        done.metrics.late_rows = memory.context.late_rows();
        done.notes.extend(memory.notes(self));
        if memory.context.rewrites() {
            done.metrics.deleted_rows = self.progress.table.row_count().unwrap_or_default();
        }
        done.state = state;
        Ok(Written { adds, done })
    }

    /// An error of a reader is told by its own type, not by what became of it inside of the query.
    fn explain(&self, failure: Failure, seen: &Seen) -> NotDone {
        let source = seen
            .source_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let failure = match source {
            Some((SourceError::NewColumns(new), call)) => return NotDone::NewColumns(new, call),
            Some((error, _)) => error.to_diagnostic().into(),
            None => failure,
        };
        NotDone::Failed(match failure {
            Failure::Said(diagnostics) => Failure::Said(
                diagnostics
                    .into_iter()
                    .map(|diagnostic| {
                        diagnostic.at_least_at(&self.flow.origin).fact(format!(
                            "nothing of micro-batch {} of flow `{}` was written",
                            self.plan.batch, self.flow.id.name
                        ))
                    })
                    .collect(),
            ),
            killed @ Failure::Killed => killed,
        })
    }

    fn target_shape(&self, effect: &Effect) -> (arrow::datatypes::SchemaRef, Vec<String>) {
        let table = &self.progress.table;
        let change = effect.metadata.as_ref();
        let schema = change
            .and_then(|change| change.columns.clone())
            .unwrap_or_else(|| table.schema());
        let partition_by = change
            .and_then(|change| change.partition_by.clone())
            .unwrap_or_else(|| table.partition_by());
        (schema, partition_by)
    }

    fn count(
        &self,
        checks: &[Checks],
        seen: &Seen,
        adds: &[Add],
        mut notes: Vec<Diagnostic>,
    ) -> Done {
        let mut expectations = vec![];
        let target = &self.flow.id.target;
        for check in checks {
            crate::report::add_counts(&mut expectations, &counts(target, check));
        }
        let views = std::mem::take(
            &mut *seen
                .view_checks
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (view, check) in &views {
            crate::report::add_counts(&mut expectations, &counts(view, check));
        }
        let counters = *seen.counters.lock().unwrap_or_else(PoisonError::into_inner);
        notes.extend(self.tails_left_out(counters.ignored_tails));
        let dropped = checks
            .iter()
            .chain(views.iter().map(|(_, check)| check))
            .map(|check| check.dropped_rows)
            .sum();
        let metrics = FlowMetrics {
            batches: 1,
            output_rows: checks.iter().map(|check| check.kept_rows).sum(),
            deleted_rows: 0,
            output_bytes: adds
                .iter()
                .map(|add| u64::try_from(add.size).unwrap_or_default())
                .sum(),
            dropped_rows: dropped,
            bad_records: counters.bad_records,
            late_rows: 0,
            files: self.taken.values().map(|taken| taken.len() as u64).sum(),
        };
        Done {
            metrics,
            expectations,
            notes,
            state: StreamState::default(),
        }
    }

    /// Says that lines held more than their record.
    fn tails_left_out(&self, count: u64) -> Option<Diagnostic> {
        let lines = match count {
            0 => return None,
            1 => "1 line".to_string(),
            many => format!("{many} lines"),
        };
        let batch = self.plan.batch;
        let message =
            format!("micro-batch {batch} left out what stands behind the record of {lines}");
        let note = Diagnostic::note(&BAD_RECORDS, message).at(&self.flow.origin, "");
        Some(note.fact("as Spark does: a line of a JSON file holds one record"))
    }

    async fn commit(
        &self,
        effect: &Effect,
        base_version: u64,
        written: &Written,
    ) -> Result<CommitOutcome, NotDone> {
        let metrics = &written.done.metrics;
        let told = echo::Told {
            plan: self.plan,
            update_id: &self.update.id,
            flow_name: Update::flow_display(&self.flow.id),
            metrics,
            expectations: &written.done.expectations,
            state: &written.done.state,
        };
        let request = CommitRequest {
            adds: written.adds.clone(),
            removes: effect.removes.clone(),
            txns: vec![(self.progress.application.app_id(), self.plan.batch)],
            metadata: effect.metadata.clone(),
            base_version: Some(base_version),
            operation: effect.operation.to_string(),
            parameters: json!({ "outputMode": if effect.removes == Removes::None { "Append" } else { "Complete" }, "queryId": self.progress.application.app_id(), "epochId": self.plan.batch.to_string() }),
            metrics: Some(
                json!({ "numOutputRows": metrics.output_rows.to_string(), "numAddedFiles": written.adds.len().to_string(), "numOutputBytes": metrics.output_bytes.to_string() }),
            ),
            info: BTreeMap::from([(echo::KEY.to_string(), told.to_json())]),
        };
        Ok(self.progress.table.commit(&request).await?)
    }
}

#[derive(Debug)]
struct Written {
    adds: Vec<Add>,
    done: Done,
}

type Lane = std::result::Result<(Vec<Add>, Checks), Failure>;

async fn write_lane(
    mut stream: Checked,
    mut writer: sluice_table::DataWriter,
    schema: arrow::datatypes::SchemaRef,
) -> Lane {
    while let Some(batch) = stream.next().await? {
        if batch.num_rows() == 0 {
            continue;
        }
        // The query gives nullable columns; the writer refuses NULL where the table is NOT NULL.
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let relaxed = crate::tables::schema::relaxed(&schema);
        let batch = arrow::array::RecordBatch::try_new_with_options(
            relaxed,
            batch.columns().to_vec(),
            &options,
        )
        .map_err(|error| {
            internal(&format!(
                "the query gave other columns than the table has: {error}"
            ))
        })?;
        writer.write(&batch).await?;
    }
    Ok((writer.finish().await?, stream.checks().clone()))
}

fn counts(dataset: &DatasetName, checks: &Checks) -> Vec<ExpectationCounts> {
    let count = |count: &sluice_plan::expect::ExpectationCount| ExpectationCounts {
        name: count.expectation.name.clone(),
        dataset: dataset.to_string(),
        passed_records: count.passed,
        failed_records: count.failed,
    };
    checks.counts.iter().map(count).collect()
}

/// The columns of the target as `plan` wants to hear of them.
fn target_columns(
    dataset: &ResolvedDataset,
    schema: &arrow::datatypes::Schema,
    origin: &Origin,
) -> Vec<TargetColumn> {
    let declared = &dataset.definition.columns;
    let column = |field: &arrow::datatypes::FieldRef| {
        let written = declared
            .iter()
            .find(|column| column.name.value.eq_ignore_ascii_case(field.name()));
        TargetColumn {
            name: field.name().clone(),
            data_type: SparkType::from_arrow(field.data_type()),
            default: written.and_then(|column| column.default.clone()),
            generated: written.and_then(|column| column.generated.clone()),
            origin: written.map_or_else(|| origin.clone(), |column| column.name.origin.clone()),
        }
    };
    schema.fields().iter().map(column).collect()
}

/// Opens the columns of a table as a change, if they are not what they should be.
pub(crate) fn column_change(
    table: &DeltaTable,
    wanted: &arrow::datatypes::SchemaRef,
    partition_by: &[String],
) -> Option<MetadataChange> {
    let columns = (*table.schema() != **wanted).then(|| Arc::clone(wanted));
    let partitions = (table.partition_by() != partition_by).then(|| partition_by.to_vec());
    if columns.is_none() && partitions.is_none() {
        return None;
    }
    Some(MetadataChange {
        columns,
        partition_by: partitions,
        ..MetadataChange::default()
    })
}
