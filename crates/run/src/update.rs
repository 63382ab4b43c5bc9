//! One update from start to end. [`Engine::update`] reads like its own summary; what each step does is below it or in
//! a file of its own.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sluice_graph::{
    DeclaredGraph, FlowId, Participation, ResolvedDataset, ResolvedFlow, Selection,
    SelectionRequest,
};
use sluice_model::condition::run::UPDATE_CANCELED;
use sluice_model::condition::source::UNKNOWN_FIELD_EXCEPTION;
use sluice_model::event::EventOrigin;
use sluice_model::limits::SCHEMA_CHANGES_MAX;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowName, FlowStatus, UpdateState};
use sluice_plan::Session;

use crate::continuous::patience::Patience;
use crate::continuous::pulse::Pulse;
use crate::engine::Engine;
use crate::error::{Result, internal};
use crate::event_log::{EventLog, source_location};
use crate::failpoint::reach;
use crate::inputs::stream::Taken;
use crate::micro_batch::Done;
use crate::prepare::{Prepared, prepare, prepare_anew};
use crate::progress::Progress;
use crate::report::{FlowReport, UpdateReport, add_counts};
use crate::stop::Stop;
use crate::tables::Tables;

/// Input below which a query runs as one partition, bytes: small micro-batches become one file.
const SMALL_INPUT_BYTES: u64 = 32 * 1024 * 1024;

/// What is asked of an update.
#[derive(Debug, Clone, Default)]
pub struct UpdateRequest {
    /// Which datasets take part.
    pub selection: SelectionRequest,
    /// A full refresh may lose rows whose files are gone.
    pub allow_data_loss: bool,
    /// How long it runs.
    pub mode: Mode,
    /// Asked by the caller to stop between micro-batches.
    pub stop: Stop,
}

/// How long an update runs.
#[derive(Debug, Clone, Default)]
pub enum Mode {
    /// Until everything that is there at its beginning is in the tables.
    #[default]
    Triggered,
    /// Until it is stopped; whoever holds the pulse can wait for its flows.
    Continuous(Pulse),
}

/// How a flow ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowOutcome {
    /// It did something.
    Completed,
    /// It had nothing to do.
    Idle,
    /// There are other columns now: the graph must be resolved again before it goes on.
    SchemaChanged,
    /// It was asked to end, and did so between two micro-batches.
    Stopped,
}

/// An update in progress: what every flow of it shares.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) id: String,
    pub(crate) engine: Engine,
    pub(crate) request: UpdateRequest,
    pub(crate) prepared: Prepared,
    pub(crate) selection: Selection,
    pub(crate) tables: Arc<Tables>,
    pub(crate) log: Arc<EventLog>,
    sessions: [Session; 2],
    /// Whether this is the first pass over the graph.
    pub(crate) first_pass: bool,
}

impl Engine {
    /// Runs one update: takes the lease, mends what a crash left, resolves the graph, sets up tables, runs flows,
    /// writes the event log. Never fails as a whole without saying so in the report.
    pub async fn update(&self, declared: &DeclaredGraph, request: &UpdateRequest) -> UpdateReport {
        let begun_us = self.clock().now_us();
        let id = self.ids().uuid();
        let log = Arc::new(self.new_log(&id));
        let mut report = UpdateReport {
            update_id: id.clone(),
            state: UpdateState::Failed,
            flows: vec![],
            diagnostics: vec![],
            duration_ms: 0,
        };
        match self
            .run_update(&id, declared, request, &log, &mut report)
            .await
        {
            Ok(state) => report.state = state,
            Err(failure) => report.diagnostics.extend(failure.into_diagnostics()),
        }
        if let Mode::Continuous(pulse) = &request.mode {
            pulse.end();
        }
        report.duration_ms = (self.clock().now_us() - begun_us) / 1000;
        report
    }

    async fn run_update(
        &self,
        id: &str,
        declared: &DeclaredGraph,
        request: &UpdateRequest,
        log: &Arc<EventLog>,
        report: &mut UpdateReport,
    ) -> Result<UpdateState> {
        log.create_update(self, request);
        log.update_state(UpdateState::WaitingForResources);
        let lease = Patience::new(self, (id, request), log).lease().await?;
        let ended = self.run_alone(id, declared, request, log, report).await;
        lease.release().await;
        ended
    }

    /// The update while its lease is held.
    async fn run_alone(
        &self,
        id: &str,
        declared: &DeclaredGraph,
        request: &UpdateRequest,
        log: &Arc<EventLog>,
        report: &mut UpdateReport,
    ) -> Result<UpdateState> {
        reach(self.store(), "lease-taken", "")?;
        log.update_state(UpdateState::Initializing);
        let tables = Arc::new(Tables::new(self));
        let mut patience = Patience::new(self, (id, request), log);
        let mut is_healed = false;
        let state = loop {
            let healed = if is_healed {
                Ok(())
            } else {
                self.heal(declared, &tables, report).await
            };
            is_healed = healed.is_ok();
            let passed = match healed {
                Ok(()) => {
                    let passes = self.passes(id, declared, request, &tables, log, report);
                    passes.await
                }
                Err(failure) => Err(failure),
            };
            if let Some(state) = patience.judge(passed, report).await? {
                break state;
            }
        };
        if state == UpdateState::Failed && report.flows.is_empty() {
            log.update_failed(&report.diagnostics);
        } else {
            log.update_state(state);
        }
        reach(self.store(), "flows-ended", "")?;
        self.write_events(log).await?;
        reach(self.store(), "event-log-written", "")?;
        tables.checkpoint_logs().await;
        Ok(state)
    }

    /// Passes over the graph until nothing more is to be learned from files: each pass after the first is caused by
    /// columns that appeared in them. A continuous update goes on from pass to pass as long as it gets anywhere.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of an update, and the report that it fills"
    )]
    async fn passes(
        &self,
        id: &str,
        declared: &DeclaredGraph,
        request: &UpdateRequest,
        tables: &Arc<Tables>,
        log: &Arc<EventLog>,
        report: &mut UpdateReport,
    ) -> Result<UpdateState> {
        let mut first_pass = true;
        let mut changes = 0;
        loop {
            let mut prepared = prepare(self, tables, declared).await?;
            let mut selection = prepared
                .graph
                .select(&request.selection, &self.options.namespace)?;
            let anew = selection.full_refreshed();
            if first_pass && !anew.is_empty() {
                prepared = prepare_anew(self, tables, declared, &anew).await?;
                selection = prepared
                    .graph
                    .select(&request.selection, &self.options.namespace)?;
            }
            if prepared.has_errors() {
                return Err(prepared.diagnostics.into());
            }
            let update = Arc::new(Update::new(
                self, id, request, prepared, selection, tables, log, first_pass,
            )?);
            let before = report.batches();
            let (state, waits) = update.pass(report).await?;
            let Some(waits) = waits.filter(|_| !request.stop.is_asked()) else {
                return Ok(state);
            };
            let goes_on = matches!(request.mode, Mode::Continuous(_)) && report.batches() > before;
            changes = if goes_on { 0 } else { changes + 1 };
            if changes >= SCHEMA_CHANGES_MAX {
                return Err(still_widening(&waits).into());
            }
            first_pass = false;
        }
    }
}

impl Update {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of an update, put together in one place"
    )]
    fn new(
        engine: &Engine,
        id: &str,
        request: &UpdateRequest,
        prepared: Prepared,
        selection: Selection,
        tables: &Arc<Tables>,
        log: &Arc<EventLog>,
        first_pass: bool,
    ) -> Result<Self> {
        let now_us = engine.clock().now_us();
        Ok(Self {
            id: id.to_string(),
            engine: engine.clone(),
            request: request.clone(),
            prepared,
            selection,
            tables: Arc::clone(tables),
            log: Arc::clone(log),
            sessions: [engine.session_with(now_us, 1)?, engine.session(now_us)?],
            first_pass,
        })
    }

    /// An update that is only asked what it would do.
    pub(crate) fn for_plan(
        engine: &Engine,
        request: &UpdateRequest,
        prepared: Prepared,
        selection: Selection,
        tables: &Arc<Tables>,
    ) -> Result<Self> {
        let log = Arc::new(engine.new_log(""));
        Self::new(engine, "", request, prepared, selection, tables, &log, true)
    }

    /// One pass over the graph. Says how it ended, and which flow waits for another one.
    async fn pass(
        self: &Arc<Self>,
        report: &mut UpdateReport,
    ) -> Result<(UpdateState, Option<FlowName>)> {
        if self.first_pass {
            report
                .diagnostics
                .extend(self.prepared.diagnostics.iter().cloned());
            self.log.definitions(self);
            self.engine.tell_missing(self).await?;
        }
        if self.first_pass
            && self
                .selection
                .flows
                .values()
                .any(|p| *p == Participation::FullRefresh)
        {
            self.log.update_state(UpdateState::Resetting);
            for dataset in self.reset_datasets() {
                self.check_reset(dataset).await?;
            }
            for dataset in self.reset_datasets() {
                self.reset(dataset).await?;
            }
        }
        if self.first_pass {
            self.log.update_state(UpdateState::SettingUpTables);
        }
        for dataset in self.selected_datasets() {
            self.set_up(dataset).await?;
        }
        self.store_views().await?;
        reach(self.engine.store(), "tables-set-up", "")?;
        if self.first_pass {
            self.log.update_state(UpdateState::Running);
        }
        let flows = match &self.request.mode {
            Mode::Triggered => self.run_flows().await?,
            Mode::Continuous(pulse) => self.run_continuously(pulse).await?,
        };
        let widened = flows
            .iter()
            .find(|(_, outcome)| *outcome == Some(FlowOutcome::SchemaChanged))
            .map(|(flow, _)| flow.flow.clone());
        for (flow, _) in flows {
            report.add_flow(flow);
        }
        Ok((final_state(report, &self.request), widened))
    }

    /// The streaming tables to empty, those downstream first: whoever is killed in between leaves a table that is empty
    /// and will be filled from what its source still holds, never one that has read rows which are gone. A materialized
    /// view is replaced by its refresh, in one commit.
    fn reset_datasets(&self) -> Vec<&ResolvedDataset> {
        let graph = &self.prepared.graph;
        let full = self.selection.full_refreshed();
        let mut names: Vec<DatasetName> = vec![];
        for id in graph.order().into_iter().flatten().rev() {
            if full.contains(&id.target) && !names.contains(&id.target) {
                names.push(id.target);
            }
        }
        let datasets = names.iter().filter_map(|name| graph.datasets.get(name));
        datasets
            .filter(|dataset| dataset.definition.kind == DatasetKind::StreamingTable)
            .collect()
    }

    fn selected_datasets(&self) -> Vec<&ResolvedDataset> {
        let names: BTreeSet<&DatasetName> = self
            .selection
            .flows
            .iter()
            .filter(|(_, participation)| **participation != Participation::Excluded)
            .map(|(id, _)| &id.target)
            .collect();
        names
            .into_iter()
            .filter_map(|name| self.prepared.graph.datasets.get(name))
            .collect()
    }

    /// The dataset of a name.
    pub(crate) fn dataset(&self, name: &DatasetName) -> Result<&ResolvedDataset> {
        let found = self.prepared.graph.datasets.get(name);
        Ok(found.ok_or_else(|| internal(&format!("dataset `{name}` is not in the graph")))?)
    }

    /// Whether a flow's table is being filled anew.
    pub(crate) fn is_full_refresh(&self, id: &FlowId) -> bool {
        self.first_pass && self.selection.flows.get(id) == Some(&Participation::FullRefresh)
    }

    /// A session at a pinned time: one partition for small inputs, so that small batches become one file.
    pub(crate) fn session_for(&self, now_us: i64, taken: &HashMap<String, Taken>) -> Session {
        let bytes: u64 = taken.values().map(Taken::bytes).sum();
        let small = !taken.is_empty() && bytes < SMALL_INPUT_BYTES;
        let [single, parallel] = &self.sessions;
        if small {
            single.at(now_us)
        } else {
            parallel.at(now_us)
        }
    }

    /// Ends the flow if the user asked to stop.
    pub(crate) fn stop_if_asked(&self) -> Result<()> {
        if !self.request.stop.is_asked() {
            return Ok(());
        }
        Err(Diagnostic::error(
            &UPDATE_CANCELED,
            "stopped on request; what was committed stays",
        )
        .into())
    }

    /// The name of a flow in events: the full name of the table for its own flow.
    pub(crate) fn flow_display(id: &FlowId) -> String {
        if id.is_implicit() {
            id.target.to_string()
        } else {
            id.name.to_string()
        }
    }

    /// What events of a flow are about.
    pub(crate) fn origin_of(&self, id: &FlowId) -> EventOrigin {
        let flow = self.prepared.graph.flows.get(id);
        EventOrigin {
            dataset_name: Some(id.target.to_string()),
            flow_name: Some(Update::flow_display(id)),
            flow_id: self
                .tables
                .find(&id.target)
                .map(|table| format!("{}/{}", table.id(), id.name)),
            source_code_location: flow.map(|flow: &ResolvedFlow| source_location(&flow.origin)),
            ..EventOrigin::default()
        }
    }

    /// Tells the numbers of a committed batch: to the report, and to the event log under an id that a replay would
    /// give it again.
    pub(crate) fn batch_done(
        &self,
        flow: &ResolvedFlow,
        progress: &Progress,
        batch: i64,
        done: &Done,
        report: &mut FlowReport,
    ) {
        report.metrics.add(&done.metrics);
        add_counts(&mut report.expectations, &done.expectations);
        for note in &done.notes {
            if !report
                .diagnostics
                .iter()
                .any(|known| known.message == note.message)
            {
                report.diagnostics.push(note.clone());
            }
        }
        let application = progress.application.app_id();
        let origin = EventOrigin {
            batch_id: Some(batch),
            ..self.origin_of(&flow.id)
        };
        let (metrics, expectations) = (&done.metrics, &done.expectations);
        self.log
            .batch(&application, batch, origin, metrics, expectations);
    }
}

/// The end of an update whose files bring new columns without end.
fn still_widening(flow: &FlowName) -> Diagnostic {
    let message = format!(
        "after {SCHEMA_CHANGES_MAX} changes of their columns, files of flow `{flow}` still hold new ones"
    );
    Diagnostic::error(&UNKNOWN_FIELD_EXCEPTION, message)
        .fact("what was committed stays, and the wider columns are stored")
        .help("run again: the files that are left are read then")
}

fn final_state(report: &UpdateReport, request: &UpdateRequest) -> UpdateState {
    let bad = |flow: &FlowReport| matches!(flow.status, FlowStatus::Failed | FlowStatus::Skipped);
    if report.flows.iter().any(bad) {
        UpdateState::Failed
    } else if request.stop.is_asked() {
        UpdateState::Canceled
    } else {
        UpdateState::Completed
    }
}
