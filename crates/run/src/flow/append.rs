//! A streaming flow: micro-batch after micro-batch until everything that was there at the beginning is in the target.
//! The eight steps of the recovery specification, section 2, are the shape of [`Running::open`], [`Running::plan`] and [`Running::perform`].

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sluice_checkpoint::{
    BatchPlan, ForeignChange, PlannedTarget, SourceIdentity, SourceOffset, SourceRange,
};
use sluice_graph::{ResolvedDataset, ResolvedFlow};
use sluice_model::Diagnostic;
use sluice_table::Removes;

use crate::error::{Failure, Result};
use crate::failpoint::reach;
use crate::flow::{notes, replan, widen};
use crate::inputs::file_list::tidy_up;
use crate::inputs::leaves::Leaf;
use crate::inputs::stream::{self, Look, Opened, StreamSource, Taken};
use crate::memory::Memory;
use crate::memory::idle::Idleness;
use crate::micro_batch::{Batch, Effect, NotDone};
use crate::progress::{Next, Progress};
use crate::report::FlowReport;
use crate::tables::CHECKPOINT_EVERY;
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
        let Some(mut running) = Box::pin(Running::open(update, flow, report)).await? else {
            return Ok(FlowOutcome::Idle);
        };
        let drained = running.drain(report).await;
        running.close(&drained, report).await;
        if let Some(outcome) = drained? {
            return Ok(outcome);
        }
    }
}

/// A streaming flow at its position: lives as long as it goes well, over many looks at its sources.
pub(crate) struct Running<'a> {
    update: &'a Update,
    flow: &'a ResolvedFlow,
    dataset: &'a ResolvedDataset,
    progress: Progress,
    sources: Vec<StreamSource>,
    fingerprint: String,
    attempt: u32,
    /// A planned batch that is to be done before anything else.
    replay: Option<Box<BatchPlan>>,
    /// What others took out of the target, not told yet.
    removed: Vec<ForeignChange>,
    /// What it remembers of earlier batches.
    memory: Memory,
    /// How it waits for rows that come no more.
    pub(crate) idle: Option<Idleness>,
}

/// What became of one micro-batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is in the target.
    Committed,
    /// Another engine is ahead: what is known here of the sources no longer holds.
    Overtaken,
    /// Files hold new columns, which are stored now: the graph must be resolved again.
    SchemaChanged,
}

impl<'a> Running<'a> {
    /// Opens a flow where its target says that it is; `None` while one of its sources does not exist yet.
    pub(crate) async fn open(
        update: &'a Update,
        flow: &'a ResolvedFlow,
        report: &mut FlowReport,
    ) -> Result<Option<Self>> {
        let dataset = update.dataset(&flow.id.target)?;
        loop {
            // First: without sources the columns may not be known, and then there is no table to make.
            let Some(mut opened) = Box::pin(stream::open(update, flow)).await? else {
                return Ok(None);
            };
            let table = update.target(dataset).await?;
            let progress = Progress::read(&update.engine, &table, &flow.id).await?;
            let identities: BTreeMap<String, SourceIdentity> = opened
                .iter()
                .map(|(leaf, source)| (leaf.key.clone(), source.identity()))
                .collect();
            let next = match progress.next(&identities, &flow.origin).await {
                // Plans that are ahead of the target were made by another engine while the facts were read.
                Err(_) if progress.is_overtaken().await? => continue,
                next => next?,
            };
            let next = match replan::warnings(update, flow, &progress, &next, &mut opened).await? {
                warnings if warnings.is_empty() => next,
                // Files of a batch that is done may go.
                _ if progress.is_overtaken().await? => continue,
                warnings => {
                    for warning in warnings {
                        notes::tell(update, flow, warning, report);
                    }
                    progress.next_anew(&identities, &flow.origin).await?
                }
            };
            let mut running = Self {
                update,
                flow,
                dataset,
                progress,
                sources: vec![],
                fingerprint: flow.fingerprint.query.clone(),
                attempt: 0,
                replay: None,
                removed: vec![],
                memory: Memory::default(),
                idle: update.idleness_of(flow)?,
            };
            for (leaf, source) in &opened {
                if let Opened::Files(input) = source {
                    input.store_schema(&leaf.key, &running.progress).await?;
                }
            }
            running.begin(opened, next, report).await?;
            return Ok(Some(running));
        }
    }

    /// Puts every source where the next micro-batch begins.
    async fn begin(
        &mut self,
        opened: Vec<(Leaf, Opened)>,
        next: Next,
        report: &mut FlowReport,
    ) -> Result<()> {
        let previous = match &next {
            Next::Plan {
                previous,
                attempt,
                removed,
            } => {
                self.attempt = *attempt;
                self.removed.clone_from(removed);
                previous.clone()
            }
            Next::Replay(_) => None,
        };
        self.memory = Memory::at(&self.progress, &next).await?;
        let changed = previous
            .as_ref()
            .filter(|plan| plan.fingerprint != self.fingerprint);
        if changed.is_some() {
            report.diagnostics.push(notes::changed_query(self.flow));
        }
        self.place_sources(opened, previous.as_deref(), &next)
            .await?;
        if let Next::Replay(plan) = next {
            self.replay = Some(plan);
        }
        let is_anew = self.update.is_full_refresh(&self.flow.id);
        if is_anew && self.sources.iter().any(StreamSource::is_forgetful) {
            report.diagnostics.push(notes::read_again(self.flow));
        }
        Ok(())
    }

    /// Runs micro-batches until nothing is left of what was seen at the last look; `None` when another engine turns
    /// out to be ahead.
    async fn drain(&mut self, report: &mut FlowReport) -> Result<Option<FlowOutcome>> {
        let mut outcome = FlowOutcome::Idle;
        let mut checkpointed = self.progress.table.version();
        loop {
            let Some(plan) = self.plan().await? else {
                break;
            };
            match self.perform(&plan, report).await? {
                Step::Committed => outcome = FlowOutcome::Completed,
                Step::Overtaken => return Ok(None),
                Step::SchemaChanged => return Ok(Some(FlowOutcome::SchemaChanged)),
            }
            self.update.stop_if_asked()?;
            // Each commit goes through what the log has behind its last checkpoint. Maintenance: what goes wrong is tried again later.
            let table = &self.progress.table;
            if table.version().saturating_sub(checkpointed) >= CHECKPOINT_EVERY {
                checkpointed = table.version();
                let _ = table.checkpoint_if_due(CHECKPOINT_EVERY).await;
            }
        }
        self.clean_sources(report).await?;
        Ok(Some(outcome))
    }

    /// Plans the next micro-batch, durably: the one that was planned and not done, or one of what is new. `None` when
    /// nothing is left. Waits for streams that make their readers wait; may be dropped meanwhile.
    pub(crate) async fn plan(&mut self) -> Result<Option<BatchPlan>> {
        match self.replay.take() {
            Some(plan) => Ok(Some(*plan)),
            None => self.plan_next().await,
        }
    }

    /// Does the micro-batch that was planned last.
    pub(crate) async fn perform(
        &mut self,
        plan: &BatchPlan,
        report: &mut FlowReport,
    ) -> Result<Step> {
        let removed = std::mem::take(&mut self.removed);
        report
            .diagnostics
            .extend(notes::removed_rows(self.flow, &removed));
        let taken = self.take(plan).await?;
        self.tell_notes(report);
        match self.execute(plan, &taken, report).await {
            Ok(true) => {}
            Ok(false) => return Ok(Step::Overtaken),
            Err(NotDone::NewColumns(new, call)) => {
                widen::store(
                    self.update,
                    self.flow,
                    &self.progress,
                    &self.sources,
                    (*new, &call),
                )
                .await?;
                return Ok(Step::SchemaChanged);
            }
            Err(NotDone::Failed(failure)) => return Err(failure),
        }
        self.advance(plan, &taken).await?;
        Ok(Step::Committed)
    }

    /// Tells what was noticed while reading: warnings are events, because what is lost is never lost in silence.
    fn tell_notes(&mut self, report: &mut FlowReport) {
        let notes = self.sources.iter_mut().flat_map(StreamSource::take_notes);
        for note in notes.collect::<Vec<_>>() {
            self.tell(note, report);
        }
    }

    fn tell(&self, note: Diagnostic, report: &mut FlowReport) {
        notes::tell(self.update, self.flow, note, report);
    }

    /// Gives back what others keep for its sources, unless it comes back by itself after such an end, or was killed.
    pub(crate) async fn close<T>(mut self, ended: &Result<T>, report: &mut FlowReport) {
        let comes_back =
            |failure: &Failure| failure.is_retryable() || matches!(failure, Failure::Killed);
        if ended.as_ref().is_err_and(comes_back) {
            return;
        }
        for mut source in std::mem::take(&mut self.sources) {
            if let Some(warning) = source.close().await {
                self.tell(warning, report);
            }
        }
    }

    /// Looks what is new in every source: the micro-batches after it take what there is now.
    pub(crate) async fn look(&mut self) -> Result<Look> {
        let clock = self.update.engine.clock();
        let mut seen = Look::SameColumns;
        for source in &mut self.sources {
            seen = seen.max(source.look(clock.as_ref()).await?);
        }
        Ok(seen)
    }

    /// How often the sources must be looked at though no commit of ours calls; `None`: never.
    pub(crate) fn look_every(&self) -> Option<Duration> {
        let sources = self.sources.iter().filter_map(StreamSource::look_every);
        let idle = self.idle.as_ref().filter(|_| self.memory.now.is_open());
        sources.chain(idle.map(Idleness::look_every)).min()
    }

    /// Ends when one of the sources was pushed something.
    pub(crate) async fn news(&self) {
        let mut news: FuturesUnordered<_> = self.sources.iter().map(StreamSource::news).collect();
        if news.next().await.is_none() {
            std::future::pending::<()>().await;
        }
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
    async fn plan_next(&mut self) -> Result<Option<BatchPlan>> {
        let batch = self.progress.committed + 1;
        let mut ranges = BTreeMap::new();
        let mut is_new = false;
        for source in &mut self.sources {
            let range = match source.next_range(batch, &self.progress).await? {
                Some(range) => {
                    is_new = true;
                    range
                }
                None => match source.nothing_new() {
                    Some(range) => range,
                    None => continue,
                },
            };
            ranges.insert(source.key.clone(), range);
        }
        // Without new rows, a watermark that has moved closes what it passed; the clock may move it.
        let now_us = self.update.engine.clock().now_us();
        if !is_new && !self.memory.closes(self.idle.as_ref(), now_us) {
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
            state: self.memory.planned(),
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

    async fn take(&mut self, plan: &BatchPlan) -> Result<HashMap<String, Taken>> {
        let mut taken = HashMap::new();
        for source in &mut self.sources {
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
        &mut self,
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
        let done = match batch.execute(&APPEND).await {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(false),
            // An engine that is ahead has deleted state that this batch began with.
            Err(_) if plan.state.is_some() && self.progress.is_overtaken().await? => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        report
            .diagnostics
            .extend(notes::bad_records(self.flow, plan.batch, &done.metrics));
        self.update
            .batch_done(self.flow, &self.progress, plan.batch, &done, report);
        self.memory
            .move_on(&self.progress, plan, done.state)
            .await?;
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

    /// `cleanSource`: files of committed batches go, when every flow of the pipeline that reads them has committed them.
    /// Their rows are in: a file that cannot go is a warning, and tried again after the next micro-batch or update.
    pub(crate) async fn clean_sources(&self, report: &mut FlowReport) -> Result<()> {
        for source in &self.sources {
            if let Some(input) = source.file_input() {
                let left = crate::inputs::clean::clean(
                    self.update,
                    self.flow,
                    &self.progress,
                    &source.key,
                    input,
                )
                .await?;
                if let Some(warning) = left {
                    self.tell(warning, report);
                }
            }
        }
        Ok(())
    }
}
