//! A streaming flow: micro-batch after micro-batch until everything that was there at the beginning is in the target.
//! The eight steps of the recovery specification, section 2, are the shape of [`run`].

use std::collections::{BTreeMap, HashMap};

use sluice_checkpoint::{
    BatchPlan, ForeignChange, Pinned, PlannedTarget, SourceIdentity, SourceOffset, SourceRange,
};
use sluice_graph::query::ReadMode;
use sluice_graph::{Input, ResolvedDataset, ResolvedFlow};
use sluice_model::condition::run::{BAD_RECORDS, FLOW_QUERY_CHANGED};
use sluice_model::condition::table::TARGET_ROWS_REMOVED;
use sluice_model::{Diagnostic, Origin};
use sluice_table::Removes;

use crate::error::{Result, internal};
use crate::failpoint::reach;
use crate::file_list::tidy_up;
use crate::leaves::{Leaf, leaves};
use crate::micro_batch::{Batch, Effect, NotDone};
use crate::progress::{Next, Progress};
use crate::report::FlowReport;
use crate::stream::{Opened, StreamSource, Taken};
use crate::update::{FlowOutcome, Update};

const APPEND: Effect = Effect {
    removes: Removes::None,
    metadata: None,
    operation: "STREAMING UPDATE",
};

/// Runs a streaming flow until its sources are drained.
pub(crate) async fn run(
    update: &Update,
    flow: &ResolvedFlow,
    report: &mut FlowReport,
) -> Result<FlowOutcome> {
    loop {
        if let Some(outcome) = drain(update, flow, report).await? {
            return Ok(outcome);
        }
    }
}

/// Runs micro-batches from where the target says that the flow is; `None` when another engine turns out to be ahead,
/// so that what is known here of the sources no longer holds.
async fn drain(
    update: &Update,
    flow: &ResolvedFlow,
    report: &mut FlowReport,
) -> Result<Option<FlowOutcome>> {
    let dataset = update.dataset(&flow.id.target)?;
    // First: without sources the columns may not be known, and then there is no table to make.
    let Some(opened) = open_sources(update, flow).await? else {
        return Ok(Some(FlowOutcome::Idle));
    };
    let table = update.target(dataset).await?;
    let progress = Progress::read(&update.engine, &table, &flow.id).await?;
    let identities: BTreeMap<String, SourceIdentity> = opened
        .iter()
        .map(|(leaf, source)| (leaf.key.clone(), source.identity()))
        .collect();
    let next = match progress.next(&identities, &flow.origin).await {
        // Plans that are ahead of the target were made by another engine while the facts were read.
        Err(_) if progress.is_overtaken().await? => return Ok(None),
        next => next?,
    };
    let mut running = Running {
        update,
        flow,
        dataset,
        progress,
        sources: vec![],
        fingerprint: flow.fingerprint.query.clone(),
        attempt: 0,
    };
    running.store_first_schemas(&opened).await?;
    let (previous, mut removed) = match &next {
        Next::Plan {
            previous,
            attempt,
            removed,
        } => {
            running.attempt = *attempt;
            (previous.clone(), removed.clone())
        }
        Next::Replay(_) => (None, vec![]),
    };
    running.note_changed_query(previous.as_deref(), report);
    running
        .place_sources(opened, previous.as_deref(), &next)
        .await?;
    let mut outcome = FlowOutcome::Idle;
    let mut replay = match next {
        Next::Replay(plan) => Some(plan),
        Next::Plan { .. } => None,
    };
    loop {
        let plan = match replay.take() {
            Some(plan) => *plan,
            None => match running.plan_next().await? {
                Some(plan) => plan,
                None => break,
            },
        };
        running.note_removed_rows(&std::mem::take(&mut removed), report);
        let taken = running.take(&plan).await?;
        match running.execute(&plan, &taken, report).await {
            Ok(true) => outcome = FlowOutcome::Completed,
            Ok(false) => return Ok(None),
            Err(NotDone::NewColumns(new, call)) => {
                running.widen(*new, &call).await?;
                return Ok(Some(FlowOutcome::SchemaChanged));
            }
            Err(NotDone::Failed(failure)) => return Err(failure),
        }
        running.advance(&plan, &taken).await?;
        update.stop_if_asked()?;
    }
    running.clean_sources().await?;
    Ok(Some(outcome))
}

struct Running<'a> {
    update: &'a Update,
    flow: &'a ResolvedFlow,
    dataset: &'a ResolvedDataset,
    progress: Progress,
    sources: Vec<StreamSource>,
    fingerprint: String,
    attempt: u32,
}

/// The streaming sources of a flow; `None` while one of them does not exist yet or tells no columns.
async fn open_sources(update: &Update, flow: &ResolvedFlow) -> Result<Option<Vec<(Leaf, Opened)>>> {
    let mut opened = vec![];
    for leaf in leaves(&update.prepared.graph, flow) {
        if leaf.mode != ReadMode::Stream {
            continue;
        }
        let source = match &leaf.input {
            Input::Files(function) => match update.prepared.files.get(&function.origin) {
                Some(input) => Opened::Files(Box::new(input.clone())),
                None => return Ok(None),
            },
            Input::Dataset(name) | Input::External(name) => match update.tables.open(name).await? {
                Some(table) => {
                    table.refresh().await?;
                    Opened::Table(table)
                }
                None => return Ok(None),
            },
            other => return Err(internal(&format!("{other:?} cannot be streamed")).into()),
        };
        opened.push((leaf, source));
    }
    Ok(Some(opened))
}

impl Running<'_> {
    /// Makes the columns of file sources durable before the first row is read under them.
    async fn store_first_schemas(&self, opened: &[(Leaf, Opened)]) -> Result<()> {
        for (leaf, source) in opened {
            if let Opened::Files(input) = source
                && self.progress.stored_schema(&leaf.key).await?.is_none()
            {
                self.progress
                    .store_schema(&leaf.key, &input.schema.to_stored())
                    .await?;
            }
        }
        Ok(())
    }

    fn note_changed_query(&self, previous: Option<&BatchPlan>, report: &mut FlowReport) {
        let Some(previous) = previous else { return };
        if previous.fingerprint == self.fingerprint {
            return;
        }
        let message = format!(
            "the query of `{}` has changed since its last micro-batch",
            self.flow.id
        );
        report.diagnostics.push(
            Diagnostic::note(&FLOW_QUERY_CHANGED, message)
                .at(&self.flow.origin, "")
                .fact("rows already written stay as they are; the new query takes the rows from now on")
                .help(format!("apply it to all rows: `sluice run --full-refresh {}`", self.flow.id.target.name)),
        );
    }

    /// Says once, at the batch after it, that another writer took rows from the target: the plan of this batch names
    /// the version that holds the change, so the next start does not see it again.
    fn note_removed_rows(&self, removed: &[ForeignChange], report: &mut FlowReport) {
        let [first, others @ ..] = removed else {
            return;
        };
        let name = &self.flow.id.target;
        let message = format!(
            "rows of `{name}` were removed or replaced by another writer: {} at version {}",
            first.operation, first.version
        );
        let more = others
            .iter()
            .map(|change| format!("and {} at version {}", change.operation, change.version));
        let note = Diagnostic::warning(&TARGET_ROWS_REMOVED, message)
            .at(&self.flow.origin, "")
            .fact("they stay so; what its sources hold from now on is added")
            .help(format!(
                "have them again: `sluice run --full-refresh {}`",
                name.name
            ));
        report.diagnostics.push(more.fold(note, Diagnostic::fact));
    }

    async fn place_sources(
        &mut self,
        opened: Vec<(Leaf, Opened)>,
        previous: Option<&BatchPlan>,
        next: &Next,
    ) -> Result<()> {
        for (leaf, source) in opened {
            let position: Option<SourceOffset> = match next {
                Next::Replay(plan) => plan
                    .sources
                    .get(&leaf.key)
                    .and_then(|range| range.start.clone()),
                Next::Plan { .. } => previous
                    .and_then(|plan| plan.sources.get(&leaf.key))
                    .map(|range| range.end.clone()),
            };
            let limit = self.update.engine.options.batch_files_max;
            let source = StreamSource::at(
                &leaf,
                source,
                position,
                &self.progress,
                limit,
                &self.flow.origin,
            )
            .await?;
            self.sources.push(source);
        }
        reach(
            self.update.engine.store(),
            "source-listed",
            self.flow.id.name.as_str(),
        )
    }

    /// Plans the next batch and makes the plan durable; `None` when nothing is left.
    async fn plan_next(&self) -> Result<Option<BatchPlan>> {
        let batch = self.progress.committed + 1;
        let mut ranges = BTreeMap::new();
        let mut is_new = false;
        for source in &self.sources {
            let range = match source.next_range(batch, &self.progress).await? {
                Some(range) => {
                    is_new = true;
                    range
                }
                None => match nothing_new(source) {
                    Some(range) => range,
                    None => continue,
                },
            };
            ranges.insert(source.key.clone(), range);
        }
        if !is_new {
            return Ok(None);
        }
        if ranges.len() < self.sources.len() {
            self.fill_empty(&mut ranges);
        }
        let store = self.update.engine.store();
        reach(store, "file-list-written", self.flow.id.name.as_str())?;
        let plan = BatchPlan {
            flow: self.progress.application.app_id(),
            batch,
            previous: (batch > 0).then(|| batch - 1),
            sources: ranges,
            pinned: self.update.pinned(),
            target: PlannedTarget {
                table_id: self.progress.table.id(),
                base_version: self.progress.table.version(),
            },
            fingerprint: self.fingerprint.clone(),
            engine_version: env!("CARGO_PKG_VERSION").to_string(),
        };
        let plan = self.progress.store.write_plan(plan, self.attempt).await?;
        reach(store, "plan-written", self.flow.id.name.as_str())?;
        Ok(Some(plan))
    }

    /// Sources at their very beginning that have nothing yet take part in the plan all the same, so that the next
    /// plan knows them.
    fn fill_empty(&self, ranges: &mut BTreeMap<String, SourceRange>) {
        for source in &self.sources {
            ranges
                .entry(source.key.clone())
                .or_insert_with(|| SourceRange {
                    identity: source.identity.clone(),
                    start: None,
                    end: source.nothing_yet(),
                    count: 0,
                    digest: String::new(),
                });
        }
    }

    async fn take(&self, plan: &BatchPlan) -> Result<HashMap<String, Taken>> {
        let mut taken = HashMap::new();
        for source in &self.sources {
            if let Some(range) = plan.sources.get(&source.key) {
                taken.insert(
                    source.key.clone(),
                    source.taken(plan.batch, range, &self.progress).await?,
                );
            }
        }
        Ok(taken)
    }

    /// Does a batch; false if another engine had committed it.
    async fn execute(
        &self,
        plan: &BatchPlan,
        taken: &HashMap<String, Taken>,
        report: &mut FlowReport,
    ) -> Result<bool, NotDone> {
        let batch = Batch {
            update: self.update,
            flow: self.flow,
            dataset: self.dataset,
            progress: &self.progress,
            plan,
            taken,
        };
        let Some(done) = batch.execute(&APPEND).await? else {
            return Ok(false);
        };
        if done.metrics.bad_records > 0 {
            report.diagnostics.push(
                Diagnostic::note(
                    &BAD_RECORDS,
                    match done.metrics.bad_records {
                        1 => format!("micro-batch {} had 1 bad record", plan.batch),
                        count => format!("micro-batch {} had {count} bad records", plan.batch),
                    },
                )
                .at(&self.flow.origin, "")
                .fact("they were kept as the options of the source say, and counted"),
            );
        }
        self.update
            .batch_done(self.flow, &self.progress, plan.batch, &done, report);
        Ok(true)
    }

    async fn advance(&mut self, plan: &BatchPlan, taken: &HashMap<String, Taken>) -> Result<()> {
        for source in &mut self.sources {
            if let Some(range) = plan.sources.get(&source.key) {
                source.advance(range, taken.get(&source.key));
            }
        }
        self.progress.committed = plan.batch;
        self.attempt = 0;
        let keys: Vec<String> = self
            .sources
            .iter()
            .filter(|source| source.file_input().is_some())
            .map(|source| source.key.clone())
            .collect();
        tidy_up(&self.progress, &keys).await
    }

    /// Stores wider columns for the sources that are read by the call whose files hold new ones: a query may read one
    /// folder by two calls, and one call by way of two names.
    async fn widen(&self, new: sluice_source::NewColumns, call: &Origin) -> Result<()> {
        let Some(wider) = new.wider.clone() else {
            return Err(sluice_source::SourceError::NewColumns(Box::new(new))
                .to_diagnostic()
                .at(&self.flow.origin, "")
                .into());
        };
        let mut stored = false;
        for source in &self.sources {
            // Columns that were known before cannot have been new: another round would not end.
            if let Some(input) = source.file_input()
                && input.origin == *call
                && input.schema.to_stored() != wider
            {
                self.progress.store_schema(&source.key, &wider).await?;
                stored = true;
            }
        }
        if stored {
            return Ok(());
        }
        Err(internal("new columns of files that no stream of the flow reads").into())
    }

    /// `cleanSource`: files of committed batches go, when every flow of the pipeline that reads them has committed them.
    async fn clean_sources(&self) -> Result<()> {
        for source in &self.sources {
            if let Some(input) = source.file_input() {
                crate::clean::clean(self.update, self.flow, &self.progress, &source.key, input)
                    .await?;
            }
        }
        Ok(())
    }
}

/// The range of a source that has nothing new but has been read before.
fn nothing_new(source: &StreamSource) -> Option<SourceRange> {
    let position = source.position.clone()?;
    Some(SourceRange {
        identity: source.identity.clone(),
        start: Some(position.clone()),
        end: position,
        count: 0,
        digest: String::new(),
    })
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
