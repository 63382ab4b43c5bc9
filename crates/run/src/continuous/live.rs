//! One flow of a continuous update at its own pace: it works when what it reads has moved, waits otherwise, and comes
//! back by itself after an error that may pass. Must not know other flows: the pulse does.

use std::sync::Arc;

use sluice_graph::query::ReadMode;
use sluice_graph::{FlowId, Input, ResolvedFlow};
use sluice_model::{DatasetName, FlowKind, FlowStatus};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::continuous::backoff::Backoff;
use crate::continuous::pulse::{Bedside, Woken};
use crate::continuous::trigger::{Trigger, micros};
use crate::error::{Result, internal};
use crate::flow::append::{Running, Step};
use crate::flow::{complete, once};
use crate::inputs::files::{self, FileColumns};
use crate::inputs::leaves::leaves;
use crate::inputs::stream::Look;
use crate::prepare::files_of_path;
use crate::report::FlowReport;
use crate::update::{FlowOutcome, Update};

/// A source that is not there yet is looked for this often, microseconds.
const ABSENT_EVERY_US: i64 = 1_000_000;
/// Notes of a flow that are kept for the report at the end.
const NOTES_MAX: usize = 100;

/// What all flows of a round share.
#[derive(Debug)]
pub(crate) struct Round {
    /// How to wait.
    pub(crate) bedside: Bedside,
    /// Who may work: so many flows at a time, in the order in which they asked.
    pub(crate) places: Semaphore,
    /// The seats of the flows in the pulse.
    pub(crate) seats: Vec<FlowId>,
}

/// A flow in its round.
pub(crate) struct Live<'a> {
    update: &'a Update,
    flow: &'a ResolvedFlow,
    round: &'a Round,
    seat: usize,
    trigger: Trigger,
    backoff: Backoff,
}

impl<'a> Live<'a> {
    /// Puts a flow on its seat.
    pub(crate) fn new(update: &'a Update, round: &'a Round, seat: usize) -> Result<Self> {
        let id = round.seats.get(seat);
        let flow = id
            .and_then(|id| update.prepared.graph.flows.get(id))
            .ok_or_else(|| internal("a flow is not in the graph"))?;
        let trigger = update.trigger_of(flow)?;
        Ok(Self {
            update,
            flow,
            round,
            seat,
            backoff: Backoff::new(&trigger.pace, &update.id, &flow.id),
            trigger,
        })
    }

    /// Runs until the round ends, the graph must be resolved again, or an error comes that trying again cannot cure.
    pub(crate) async fn run(mut self, report: &mut FlowReport) -> Result<FlowOutcome> {
        let before = self.version();
        let begun_us = self.now_us();
        if self.update.first_pass {
            self.say(FlowStatus::Starting);
            self.say(FlowStatus::Running);
            self.update.warn_left_out(self.flow);
        }
        let outcome = loop {
            let ended = match self.flow.kind {
                FlowKind::Append => Box::pin(self.stream(report)).await,
                FlowKind::Complete => Box::pin(self.view(report)).await,
                FlowKind::AppendOnce => Box::pin(self.once(report)).await,
                FlowKind::View => Ok(FlowOutcome::Idle),
            };
            if ended.is_err() {
                self.round.bedside.pulse.is_unwell(self.seat, true);
            }
            match ended {
                Err(failure) if failure.is_retryable() => {
                    let origin = self.update.origin_of(&self.flow.id);
                    self.update
                        .log
                        .flow_failed(origin, &failure.into_diagnostics(), false);
                    let again_us = self.now_us() + micros(self.backoff.failed());
                    if self.round.bedside.pause(self.seat, again_us).await == Woken::Stopped {
                        break Ok(FlowOutcome::Stopped);
                    }
                    self.say(FlowStatus::Queued);
                    self.say(FlowStatus::Starting);
                    self.say(FlowStatus::Running);
                }
                ended => break ended,
            }
        };
        let after = self.version();
        report.versions = (after >= 0).then_some((before, after));
        report.duration_ms = (self.now_us() - begun_us) / 1000;
        outcome
    }

    fn now_us(&self) -> i64 {
        self.round.bedside.clock.now_us()
    }

    fn version(&self) -> i64 {
        let table = self.update.tables.find(&self.flow.id.target);
        table.map_or(-1, |table| {
            i64::try_from(table.version()).unwrap_or(i64::MAX)
        })
    }

    fn say(&self, status: FlowStatus) {
        let origin = self.update.origin_of(&self.flow.id);
        self.update.log.flow_status(origin, status);
    }

    /// A place among those who work at the same time.
    async fn place(&self) -> Result<SemaphorePermit<'a>> {
        let place = self.round.places.acquire().await;
        Ok(place.map_err(|error| internal(&error.to_string()))?)
    }

    /// A commit of this flow is there.
    fn went_well(&mut self, report: &mut FlowReport) {
        self.backoff.went_well();
        report.diagnostics.truncate(NOTES_MAX);
        self.round.bedside.pulse.committed(&self.flow.id.target);
    }

    /// Micro-batch after micro-batch; between them whoever else wants to work has its turn.
    async fn stream(&mut self, report: &mut FlowReport) -> Result<FlowOutcome> {
        loop {
            let opening = self.place().await?;
            let Some(mut running) = Box::pin(Running::open(self.update, self.flow, report)).await?
            else {
                drop(opening);
                let again_us = self.now_us() + ABSENT_EVERY_US;
                match self.round.bedside.wait(self.seat, Some(again_us)).await {
                    Woken::Stopped => return Ok(FlowOutcome::Stopped),
                    Woken::Called | Woken::Due if self.has_appeared().await? => {
                        return Ok(FlowOutcome::SchemaChanged);
                    }
                    Woken::Called | Woken::Due => continue,
                }
            };
            drop(opening);
            let kept = self.keep_going(&mut running, report).await;
            running.close(&kept, report).await;
            if let Some(outcome) = kept? {
                return Ok(outcome);
            }
        }
    }

    /// Works an open flow; `None` when another engine is ahead, so that it must be opened again.
    async fn keep_going(
        &mut self,
        running: &mut Running<'_>,
        report: &mut FlowReport,
    ) -> Result<Option<FlowOutcome>> {
        let upstream = self.upstream_seats();
        loop {
            let begun_us = self.now_us();
            let mut has_moved = false;
            loop {
                if let Some(idle) = &mut running.idle
                    && !self.round.bedside.pulse.are_well(&upstream)
                {
                    idle.expect_rows_from(self.now_us());
                }
                if self.round.bedside.turn.is_asked() {
                    return Ok(Some(FlowOutcome::Stopped));
                }
                // A stream may let its reader wait: whoever waits has no place, and can be stopped.
                let planned = tokio::select! {
                    planned = running.plan() => planned?,
                    () = self.round.bedside.turn.asked() => return Ok(Some(FlowOutcome::Stopped)),
                };
                let Some(plan) = planned else { break };
                let place = self.place().await?;
                match running.perform(&plan, report).await? {
                    Step::Committed => {
                        has_moved = true;
                        self.went_well(report);
                    }
                    Step::Overtaken => return Ok(None),
                    Step::SchemaChanged => return Ok(Some(FlowOutcome::SchemaChanged)),
                }
                drop(place);
            }
            if has_moved {
                running.clean_sources(report).await?;
            }
            self.backoff.went_well();
            self.round.bedside.pulse.is_unwell(self.seat, false);
            if self.rest(begun_us, running).await == Woken::Stopped {
                return Ok(Some(FlowOutcome::Stopped));
            }
            let seen = running.look().await?.max(self.look_outside().await?);
            if seen == Look::OtherColumns {
                return Ok(Some(FlowOutcome::SchemaChanged));
            }
        }
    }

    /// The seats of all whose rows reach this flow.
    fn upstream_seats(&self) -> Vec<usize> {
        let flows = self.update.upstream_flows(&self.flow.id);
        let seats = self.round.seats.iter().enumerate();
        seats
            .filter(|(_, id)| flows.contains(id))
            .map(|(seat, _)| seat)
            .collect()
    }

    /// Waits until there may be something new, and until the interval has passed.
    async fn rest(&self, begun_us: i64, running: &Running<'_>) -> Woken {
        // Counted from the last look, so that the time of a micro-batch does not come on top.
        let look_us = running.look_every().map(|every| begun_us + micros(every));
        let news = running.news();
        match self.round.bedside.wait_or(self.seat, look_us, news).await {
            Woken::Stopped => Woken::Stopped,
            Woken::Called | Woken::Due => {
                let next_us = begun_us + micros(self.trigger.interval);
                self.round.bedside.pause(self.seat, next_us).await
            }
        }
    }

    /// Whether a source that was missing is there now, or tells its columns now.
    async fn has_appeared(&self) -> Result<bool> {
        for leaf in leaves(&self.update.prepared.graph, self.flow) {
            if leaf.mode != ReadMode::Stream {
                continue;
            }
            let is_new = match &leaf.input {
                Input::Files(function) => {
                    self.update.prepared.files.get(&function.origin).is_none()
                        && matches!(
                            files::look(&self.update.engine, function, leaf.mode, vec![])
                                .await
                                .map_err(files::away)?,
                            FileColumns::Known(_)
                        )
                }
                Input::Dataset(name) | Input::External(name) => {
                    self.update.tables.find(name).is_none()
                        && self.update.tables.open(name).await?.is_some()
                }
                _ => false,
            };
            if is_new {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks at what is read whole and is not ours: lists files again, brings tables of others up to date.
    async fn look_outside(&self) -> Result<Look> {
        let update = self.update;
        let mut seen = Look::SameColumns;
        for leaf in leaves(&update.prepared.graph, self.flow) {
            let call = match &leaf.input {
                _ if leaf.mode == ReadMode::Stream => continue,
                Input::External(name) => {
                    if let Some(table) = update.tables.find(name) {
                        let columns = table.schema();
                        table.refresh().await?;
                        if table.schema() != columns {
                            seen = Look::OtherColumns;
                        }
                    }
                    continue;
                }
                Input::Files(call) => call.clone(),
                Input::Path { format, path } if format != "delta" => files_of_path(format, path),
                _ => continue,
            };
            let looked = files::look(&update.engine, &call, leaf.mode, vec![]).await;
            let looked = looked.map_err(files::away)?;
            let FileColumns::Known(input) = looked else {
                continue;
            };
            let known = update.prepared.files.get(&input.origin);
            let columns = input.schema.to_arrow(true);
            if known.is_some_and(|known| known.schema.to_arrow(true) == columns) {
                update.prepared.files.insert(*input);
            } else {
                seen = Look::OtherColumns;
            }
        }
        Ok(seen)
    }

    /// Refreshes when what the view reads has moved, no more often than its interval.
    async fn view(&mut self, report: &mut FlowReport) -> Result<FlowOutcome> {
        if self.after_inputs().await == Woken::Stopped {
            return Ok(FlowOutcome::Stopped);
        }
        loop {
            let begun_us = self.now_us();
            let place = self.place().await?;
            if self.look_outside().await? == Look::OtherColumns {
                return Ok(FlowOutcome::SchemaChanged);
            }
            match complete::run(self.update, self.flow, report).await? {
                FlowOutcome::Completed => self.went_well(report),
                FlowOutcome::SchemaChanged => return Ok(FlowOutcome::SchemaChanged),
                FlowOutcome::Idle | FlowOutcome::Stopped => self.backoff.went_well(),
            }
            drop(place);
            let look_us = self.now_us() + micros(self.trigger.look_every);
            let bedside = &self.round.bedside;
            let next_us = begun_us + micros(self.trigger.interval);
            if bedside.wait(self.seat, Some(look_us)).await == Woken::Stopped
                || bedside.pause(self.seat, next_us).await == Woken::Stopped
            {
                return Ok(FlowOutcome::Stopped);
            }
        }
    }

    async fn once(&mut self, report: &mut FlowReport) -> Result<FlowOutcome> {
        if self.after_inputs().await == Woken::Stopped {
            return Ok(FlowOutcome::Stopped);
        }
        let place = self.place().await?;
        let outcome = once::run(self.update, self.flow, report).await?;
        drop(place);
        self.went_well(report);
        Ok(outcome)
    }

    /// Waits until everything that is read has caught up once: a view of half-filled tables is of no use to anybody.
    async fn after_inputs(&self) -> Woken {
        let tables = self.update.prepared.graph.upstream_tables(&self.flow.id);
        let reads = |(seat, id): (usize, &FlowId)| {
            (seat != self.seat && tables.contains::<DatasetName>(&id.target)).then_some(seat)
        };
        let seats: Vec<usize> = self
            .round
            .seats
            .iter()
            .enumerate()
            .filter_map(reads)
            .collect();
        self.round.bedside.after(&seats).await
    }
}

/// Runs the flow on a seat; owns what it borrows.
pub(crate) async fn run(
    update: Arc<Update>,
    round: Arc<Round>,
    seat: usize,
    report: &mut FlowReport,
) -> Result<FlowOutcome> {
    Live::new(&update, &round, seat)?.run(report).await
}
