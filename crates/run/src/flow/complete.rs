//! A materialized view: brought up to date by the technique that `plan` chooses from the facts gathered here.
//!
//! What a refresh was computed from travels in its own commit, so that rows and record cannot disagree. A refresh that
//! was not committed is simply computed anew; two engines that refresh at once are told apart by the txn.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::Schema;
use serde_json::json;
use sluice_checkpoint::{BatchPlan, PlannedTarget, SourceOffset, SourceRange};
use sluice_graph::{ResolvedDataset, ResolvedFlow};
use sluice_model::condition::run::{MATERIALIZED_VIEW_NOT_INCREMENTAL, SOURCE_HAS_NO_COLUMNS};
use sluice_model::{Diagnostic, FlowKind};
use sluice_plan::incremental::choose::{
    Choice, InputChange, InputFacts, RefreshFacts, Technique as Chosen, choose,
};
use sluice_plan::incremental::shape::{Shape, Structure, is_same_date};
use sluice_table::{ChangeKind, DataFile, DeltaTable, Removes};

use crate::error::Result;
use crate::event_log::definitions::input_name;
use crate::event_log::details;
use crate::flow::position::Position;
use crate::inputs::leaves::{Leaf, leaves, reads_unmade_table};
use crate::inputs::stream::Taken;
use crate::inputs::zone_of;
use crate::micro_batch::{Batch, Bound, Effect, NotDone, column_change};
use crate::progress::Progress;
use crate::report::{FlowReport, Technique};
use crate::tables::description;
use crate::tables::schema;
use crate::update::{FlowOutcome, Update};

/// Brings a materialized view up to date.
pub(crate) async fn run(
    update: &Update,
    flow: &ResolvedFlow,
    report: &mut FlowReport,
) -> Result<FlowOutcome> {
    let dataset = update.dataset(&flow.id.target)?;
    if dataset.schema.is_none() || reads_unmade_table(update, flow).await? {
        report.diagnostics.push(waits(flow));
        return Ok(FlowOutcome::Idle);
    }
    let table = update.target(dataset).await?;
    let progress = Progress::read(&update.engine, &table, &flow.id).await?;
    let refresh = Refresh::look(update, flow, dataset, progress).await?;
    let (choice, taken) = refresh.choose().await?;
    let technique = Technique {
        name: choice.technique.as_str(),
        reason: choice.reason.clone(),
    };
    let is_news = choice.technique != Chosen::NoOp || report.technique.is_none();
    if is_news {
        refresh.say(&technique, &choice);
    }
    report.technique = Some(technique);
    if choice.breaks_policy(&refresh.facts) {
        return Err(Diagnostic::error(
            &MATERIALIZED_VIEW_NOT_INCREMENTAL,
            format!("`{}` cannot be refreshed incrementally", flow.id.target),
        )
        .at(&flow.origin, "")
        .fact(format!("why: {}", choice.reason))
        .fact("its policy is REFRESH POLICY INCREMENTAL STRICT; nothing was changed")
        .help("change the policy to AUTO, or start again: `sluice run --full-refresh TABLE`")
        .into());
    }
    if choice.technique == Chosen::NoOp {
        return Ok(FlowOutcome::Idle);
    }
    refresh.carry_out(choice.technique, taken, report).await
}

/// How a view whose table exists would be refreshed now.
pub(crate) async fn choice(
    update: &Update,
    flow: &ResolvedFlow,
    dataset: &ResolvedDataset,
    table: &DeltaTable,
) -> Result<Technique> {
    let progress = Progress::read(&update.engine, table, &flow.id).await?;
    let refresh = Refresh::look(update, flow, dataset, progress).await?;
    let (choice, _) = refresh.choose().await?;
    let reason = if choice.breaks_policy(&refresh.facts) {
        format!(
            "REFRESH POLICY INCREMENTAL STRICT refuses it: {}",
            choice.reason
        )
    } else {
        choice.reason
    };
    Ok(Technique {
        name: choice.technique.as_str(),
        reason,
    })
}

/// What a view of unknown columns says.
fn waits(flow: &ResolvedFlow) -> Diagnostic {
    Diagnostic::note(
        &SOURCE_HAS_NO_COLUMNS,
        format!(
            "`{}` waits for its sources: they tell no columns yet",
            flow.id.target
        ),
    )
    .at(&flow.origin, "")
}

struct Refresh<'a> {
    update: &'a Update,
    flow: &'a ResolvedFlow,
    dataset: &'a ResolvedDataset,
    progress: Progress,
    batch: i64,
    previous: Option<Box<BatchPlan>>,
    positions: Vec<(Leaf, Position)>,
    facts: RefreshFacts,
    shape: Shape,
}

impl<'a> Refresh<'a> {
    async fn look(
        update: &'a Update,
        flow: &'a ResolvedFlow,
        dataset: &'a ResolvedDataset,
        progress: Progress,
    ) -> Result<Self> {
        let previous = match progress.committed {
            batch @ 0.. => progress.echo(batch).await?.map(Box::new),
            _ => None,
        };
        let batch = progress.committed + 1;
        let mut positions = vec![];
        for leaf in leaves(&update.prepared.graph, flow) {
            let position = Position::of(update, &leaf).await?;
            positions.push((leaf, position));
        }
        let now_us = update.engine.clock().now_us();
        let shape = shape_of(update, flow, dataset, &progress).await?;
        let facts = RefreshFacts {
            inputs: vec![],
            first_build: progress.committed < 0 || previous.is_none(),
            full_refresh: update.is_full_refresh(&flow.id),
            query_changed: previous
                .as_ref()
                .is_some_and(|plan| plan.fingerprint != fingerprint(flow))
                || other_columns(dataset, &progress.table),
            configuration_changed: false,
            time_zone_changed: previous
                .as_ref()
                .is_some_and(|plan| plan.pinned.time_zone != update.engine.options.time_zone),
            target_changed: target_changed(&progress, previous.as_deref()).await?,
            date_changed: previous
                .as_ref()
                .is_none_or(|plan| date_changed(update, flow, plan.pinned.batch_ts_us, now_us)),
            policy: dataset.definition.refresh_policy,
            has_expectations: !flow.expectations.is_empty(),
        };
        Ok(Self {
            update,
            flow,
            dataset,
            progress,
            batch,
            previous,
            positions,
            facts,
            shape,
        })
    }

    /// Chooses the technique and tells what it reads of each input: the new rows, or everything as of the version that
    /// the refresh will be recorded with, whatever other writers do meanwhile.
    async fn choose(&self) -> Result<(Choice, HashMap<String, Taken>)> {
        let mut facts = self.facts.clone();
        let mut taken = HashMap::new();
        for (leaf, position) in &self.positions {
            let (fact, new) = self.input_facts(leaf, position).await?;
            facts.inputs.push(fact);
            taken.insert(leaf.key.clone(), new);
        }
        let choice = choose(&facts, &self.shape);
        if choice.technique != Chosen::AppendOnly {
            taken = self
                .positions
                .iter()
                .map(|(leaf, position)| (leaf.key.clone(), position.whole()))
                .collect();
        }
        Ok((choice, taken))
    }

    async fn input_facts(&self, leaf: &Leaf, position: &Position) -> Result<(InputFacts, Taken)> {
        let before = self
            .previous
            .as_ref()
            .and_then(|plan| plan.sources.get(&leaf.key))
            .map(|range| &range.end);
        let name = input_name(&leaf.input);
        let fact = |change, rows, added_rows| InputFacts {
            name: name.clone(),
            change,
            rows,
            added_rows,
        };
        Ok(match (position, before) {
            (
                Position::Table { table, version },
                Some(SourceOffset::Table {
                    table_id,
                    version: then,
                    ..
                }),
            ) => {
                let rows = table.row_count();
                if *table_id != table.id() || then > version {
                    return Ok((fact(InputChange::Replaced, rows, None), Taken::Nothing));
                }
                let commits = table.changes(*then, *version).await?;
                // Columns of an input are part of what the query says: `SELECT *`, `struct(*)`, a name that was an alias.
                if commits.iter().any(|commit| commit.metadata_changed)
                    && differs(
                        table.schema_at(*then).await?.as_ref(),
                        table.schema_at(*version).await?.as_ref(),
                    )
                {
                    return Ok((fact(InputChange::Replaced, rows, None), Taken::Nothing));
                }
                let removed = commits
                    .iter()
                    .any(|commit| commit.kind() == ChangeKind::Removed);
                let new: Vec<DataFile> = commits
                    .into_iter()
                    .flat_map(|commit| commit.added)
                    .collect();
                let added_rows = new.iter().map(|file| file.rows).sum();
                match (removed, new.is_empty()) {
                    (true, _) => (fact(InputChange::Changed, rows, None), Taken::Nothing),
                    (false, true) => (fact(InputChange::Unchanged, rows, Some(0)), Taken::Nothing),
                    (false, false) => (
                        fact(InputChange::AppendedOnly, rows, added_rows),
                        Taken::Data(new),
                    ),
                }
            }
            (Position::Files { digest, .. }, Some(SourceOffset::Files { digest: then, .. }))
                if digest == then =>
            {
                (fact(InputChange::Unchanged, None, Some(0)), Taken::Nothing)
            }
            (Position::Table { table, .. }, _) => (
                fact(InputChange::Replaced, table.row_count(), None),
                Taken::Nothing,
            ),
            (Position::Files { .. } | Position::Unversioned, _) => {
                (fact(InputChange::NotVersioned, None, None), Taken::Nothing)
            }
        })
    }

    fn say(&self, technique: &Technique, choice: &Choice) {
        let issues: Vec<_> = choice
            .considered
            .iter()
            .flat_map(|considered| {
                considered
                    .issues
                    .iter()
                    .map(move |issue| (considered.technique, issue))
            })
            .map(|(technique, issue)| {
                let mut value = json!({
                    "issue_type": issue.issue_type, "prevent_incrementalization": true,
                    "x_technique": technique.as_str(), "x_words": issue.words,
                });
                if let (Some((key, sub)), Some(object)) = (issue.sub_type, value.as_object_mut()) {
                    object.insert(key.to_string(), sub.into());
                }
                value
            })
            .collect();
        self.update.say_flow(
            self.flow,
            "planning_information",
            format!(
                "Flow '{}' has been planned to be executed as {}.",
                Update::flow_display(&self.flow.id),
                technique.name
            ),
            details::planning_information(technique, &issues),
        );
    }

    async fn carry_out(
        &self,
        technique: Chosen,
        taken: HashMap<String, Taken>,
        report: &mut FlowReport,
    ) -> Result<FlowOutcome> {
        let plan = self.plan();
        let rows_before = self.progress.table.row_count().unwrap_or_default();
        let effect = match technique {
            Chosen::AppendOnly => Effect {
                removes: Removes::None,
                metadata: None,
                operation: "WRITE",
            },
            _ => Effect {
                removes: Removes::All,
                metadata: self.metadata(),
                operation: "WRITE",
            },
        };
        let batch = Batch {
            update: self.update,
            flow: self.flow,
            dataset: self.dataset,
            progress: &self.progress,
            plan: &plan,
            taken: &taken,
        };
        let mut done = match batch.execute(&effect).await {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(FlowOutcome::Idle),
            Err(NotDone::NewColumns(new, _)) => {
                return Err(sluice_source::SourceError::NewColumns(new)
                    .to_diagnostic()
                    .at(&self.flow.origin, "")
                    .into());
            }
            Err(NotDone::Failed(failure)) => return Err(failure),
        };
        if effect.removes == Removes::All {
            done.metrics.deleted_rows = rows_before;
        }
        self.update
            .batch_done(self.flow, &self.progress, plan.batch, &done, report);
        Ok(FlowOutcome::Completed)
    }

    fn metadata(&self) -> Option<sluice_table::MetadataChange> {
        let wanted = description::columns(self.dataset, &self.progress.table)?;
        column_change(
            &self.progress.table,
            &wanted,
            &schema::partition_by(self.dataset),
        )
    }

    fn plan(&self) -> BatchPlan {
        let sources = self.positions.iter().filter_map(|(leaf, position)| {
            let (identity, end, count, digest) = position.recorded(leaf)?;
            let start = self
                .previous
                .as_ref()
                .and_then(|plan| plan.sources.get(&leaf.key))
                .map(|range| range.end.clone());
            Some((
                leaf.key.clone(),
                SourceRange {
                    identity,
                    start,
                    end,
                    count,
                    digest,
                },
            ))
        });
        BatchPlan {
            flow: self.progress.application.app_id(),
            batch: self.batch,
            previous: (self.batch > 0).then(|| self.batch - 1),
            sources: sources.collect(),
            pinned: self.update.pinned(),
            target: PlannedTarget {
                table_id: self.progress.table.id(),
                base_version: self.progress.table.version(),
            },
            fingerprint: fingerprint(self.flow),
            engine_version: env!("CARGO_PKG_VERSION").to_string(),
            state: None,
        }
    }
}

/// What a change of the view is judged by: its query, its expectations and its output columns.
fn fingerprint(flow: &ResolvedFlow) -> String {
    format!("{}\n{}", flow.fingerprint.query, flow.fingerprint.output)
}

/// Whether the query gives other columns than the table has: `SELECT *` of an input that has gained one.
fn other_columns(dataset: &ResolvedDataset, table: &DeltaTable) -> bool {
    let Some(wanted) = schema::wanted(dataset) else {
        return false;
    };
    differs(&wanted, &table.schema())
}

/// Whether the columns have other names or types.
fn differs(left: &Schema, right: &Schema) -> bool {
    let mut pairs = left.fields().iter().zip(right.fields());
    left.fields().len() != right.fields().len()
        || pairs.any(|(left, right)| {
            left.name() != right.name() || left.data_type() != right.data_type()
        })
}

/// The shape of the query with its expectations, which decide over rows too, and of the views that it reads.
async fn shape_of(
    update: &Update,
    flow: &ResolvedFlow,
    dataset: &ResolvedDataset,
    progress: &Progress,
) -> Result<Shape> {
    let taken = HashMap::new();
    let plan = BatchPlan {
        flow: String::new(),
        batch: 0,
        previous: None,
        sources: BTreeMap::new(),
        pinned: update.pinned(),
        target: PlannedTarget {
            table_id: String::new(),
            base_version: 0,
        },
        fingerprint: String::new(),
        engine_version: String::new(),
        state: None,
    };
    let session = update.session_for(plan.pinned.batch_ts_us, &taken);
    let batch = Batch {
        update,
        flow,
        dataset,
        progress,
        plan: &plan,
        taken: &taken,
    };
    let Bound {
        query, view_shapes, ..
    } = batch.bind(&session).await?;
    let schema = schema::wanted(dataset).unwrap_or_else(|| progress.table.schema());
    let (checked, _) = batch.check(query, &schema)?;
    Ok(combined(checked.query().shape(), &view_shapes))
}

/// The shape of a query with the views that it reads: they are hidden behind its tables.
fn combined(mut shape: Shape, views: &[Shape]) -> Shape {
    for view in views {
        if let (Structure::Linear, Structure::Related { .. }) = (&shape.structure, &view.structure)
        {
            shape.structure = view.structure.clone();
        }
        // A stamp inside of a view may be part of an expression outside of it.
        shape.time.timestamps.extend(
            view.time
                .stamps
                .iter()
                .chain(&view.time.timestamps)
                .cloned(),
        );
        shape.time.dates.extend(view.time.dates.iter().cloned());
        shape
            .nondeterministic
            .extend(view.nondeterministic.iter().cloned());
    }
    shape
}

async fn target_changed(progress: &Progress, previous: Option<&BatchPlan>) -> Result<bool> {
    let Some(previous) = previous else {
        return Ok(false);
    };
    let foreign = progress
        .table
        .foreign_changes(previous.target.base_version)
        .await?;
    Ok(foreign
        .iter()
        .any(|change| change.kind != sluice_checkpoint::ForeignKind::Harmless))
}

/// Whether the date has changed in the time zone of the flow, or in that of a view, which may have one of its own.
fn date_changed(update: &Update, flow: &ResolvedFlow, then_us: i64, now_us: i64) -> bool {
    let flows = update.prepared.graph.flows.values();
    let views = flows.filter(|flow| flow.kind == FlowKind::View);
    views.chain([flow]).any(|flow| {
        let zone = zone_of(flow).unwrap_or(&update.engine.options.time_zone);
        !is_same_date(zone, then_us, now_us)
    })
}
