//! The flows of one pass: each starts as soon as everything that it reads has ended, so many at a time; how one ended,
//! for those that wait for it and for the report. Must not know what a flow does.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sluice_graph::{FlowId, Participation};
use sluice_model::condition::run::{FULL_REFRESH_NOT_ALLOWED, UPDATE_CANCELED};
use sluice_model::{DatasetKind, Diagnostic, FlowKind, FlowStatus};
use tokio::task::JoinSet;

use crate::continuous::backoff::Backoff;
use crate::continuous::trigger::micros;
use crate::error::{Failure, Result, internal};
use crate::flow::{append, complete, once};
use crate::report::FlowReport;
use crate::update::{FlowOutcome, Update};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Wait,
    Go,
    End(FlowStatus),
}

impl Update {
    /// Runs the flows, each as soon as everything that it reads has ended, so many at a time.
    pub(crate) async fn run_flows(
        self: &Arc<Self>,
    ) -> Result<Vec<(FlowReport, Option<FlowOutcome>)>> {
        let graph = &self.prepared.graph;
        let order: Vec<FlowId> = graph.order().into_iter().flatten().collect();
        let mut waiting: Vec<FlowId> = order.clone();
        let mut ended: HashMap<FlowId, (FlowReport, Option<FlowOutcome>)> = HashMap::new();
        let mut running: JoinSet<(
            FlowId,
            FlowReport,
            std::result::Result<FlowOutcome, Failure>,
        )> = JoinSet::new();
        let mut active: BTreeSet<FlowId> = BTreeSet::new();
        for id in &waiting {
            self.log.flow_status(self.origin_of(id), FlowStatus::Queued);
        }
        while !waiting.is_empty() || !running.is_empty() {
            let mut index = 0;
            while index < waiting.len() {
                if active.len() >= self.engine.options.parallelism.max(1) {
                    break;
                }
                match self.readiness(&waiting[index], &waiting, &active, &ended) {
                    Readiness::Wait => index += 1,
                    Readiness::End(status) => {
                        let id = waiting.remove(index);
                        self.log.flow_status(self.origin_of(&id), status);
                        ended.insert(id.clone(), (self.empty_report(&id, status), None));
                    }
                    Readiness::Go => {
                        let id = waiting.remove(index);
                        active.insert(id.clone());
                        let update = Arc::clone(self);
                        running.spawn(async move {
                            let mut report = update.empty_report(&id, FlowStatus::Running);
                            let outcome = update.run_flow(&id, &mut report).await;
                            (id, report, outcome)
                        });
                    }
                }
            }
            let Some(joined) = running.join_next().await else {
                continue;
            };
            let (id, report, outcome) =
                joined.map_err(|error| internal(&format!("a flow ended badly: {error}")))?;
            active.remove(&id);
            let entry = self.flow_ended(&id, report, outcome)?;
            ended.insert(id, entry);
        }
        Ok(order.iter().filter_map(|id| ended.remove(id)).collect())
    }

    fn readiness(
        &self,
        id: &FlowId,
        waiting: &[FlowId],
        active: &BTreeSet<FlowId>,
        ended: &HashMap<FlowId, (FlowReport, Option<FlowOutcome>)>,
    ) -> Readiness {
        if self
            .selection
            .flows
            .get(id)
            .is_none_or(|participation| *participation == Participation::Excluded)
        {
            return Readiness::End(FlowStatus::Excluded);
        }
        if self.request.stop.is_asked() {
            return Readiness::End(FlowStatus::Stopped);
        }
        let upstream = self.prepared.graph.upstream_tables(id);
        let reads = |other: &FlowId| other != id && upstream.contains(&other.target);
        if waiting.iter().any(reads) || active.iter().any(reads) {
            return Readiness::Wait;
        }
        let broken = |(other, (report, outcome)): (&FlowId, &(FlowReport, Option<FlowOutcome>))| {
            let bad = matches!(
                report.status,
                FlowStatus::Failed | FlowStatus::Skipped | FlowStatus::Stopped
            );
            reads(other) && (bad || *outcome == Some(FlowOutcome::SchemaChanged))
        };
        match ended.iter().find(|entry| broken(*entry)) {
            // Its input is to be read again under wider columns: it waits for the next pass.
            Some((_, (_, Some(FlowOutcome::SchemaChanged)))) => Readiness::End(FlowStatus::Idle),
            Some(_) => Readiness::End(FlowStatus::Skipped),
            None => Readiness::Go,
        }
    }

    async fn run_flow(&self, id: &FlowId, report: &mut FlowReport) -> Result<FlowOutcome> {
        let flow = self
            .prepared
            .graph
            .flows
            .get(id)
            .ok_or_else(|| internal("a flow is not in the graph"))?;
        let begun_us = self.engine.clock().now_us();
        if self.selection.flows.get(id) == Some(&Participation::RefreshBecauseProtected)
            && self.first_pass
        {
            let message = format!(
                "`{}` is not emptied: pipelines.reset.allowed is false",
                id.target
            );
            report
                .diagnostics
                .push(Diagnostic::note(&FULL_REFRESH_NOT_ALLOWED, message).at(&flow.origin, ""));
        }
        self.log
            .flow_status(self.origin_of(id), FlowStatus::Starting);
        self.log
            .flow_status(self.origin_of(id), FlowStatus::Running);
        if self.first_pass {
            self.warn_left_out(flow);
        }
        let before = self.tables.find(&id.target).map_or(-1, |table| {
            i64::try_from(table.version()).unwrap_or(i64::MAX)
        });
        let pace = self.pace_of(flow)?;
        let mut backoff = Backoff::new(&pace, &self.id, id);
        let outcome = loop {
            let outcome = match flow.kind {
                FlowKind::Append => Box::pin(append::run(self, flow, report)).await,
                FlowKind::AppendOnce => Box::pin(once::run(self, flow, report)).await,
                FlowKind::Complete => Box::pin(complete::run(self, flow, report)).await,
                FlowKind::View => Ok(FlowOutcome::Idle),
            };
            match outcome {
                Err(failure) if failure.is_retryable() && backoff.failures() < pace.retries => {
                    self.log
                        .flow_failed(self.origin_of(id), &failure.into_diagnostics(), false);
                    let again_us = self.engine.clock().now_us() + micros(backoff.failed());
                    tokio::select! {
                        () = self.engine.options.timer.until(again_us) => {}
                        () = self.request.stop.asked() => {}
                    }
                    self.stop_if_asked()?;
                    for status in [
                        FlowStatus::Queued,
                        FlowStatus::Starting,
                        FlowStatus::Running,
                    ] {
                        self.log.flow_status(self.origin_of(id), status);
                    }
                }
                outcome => break outcome,
            }
        };
        let after = self.tables.find(&id.target).map_or(-1, |table| {
            i64::try_from(table.version()).unwrap_or(i64::MAX)
        });
        report.versions = (after >= 0).then_some((before, after));
        report.duration_ms = (self.engine.clock().now_us() - begun_us) / 1000;
        outcome
    }

    /// What is told of a flow that ended.
    pub(crate) fn flow_ended(
        &self,
        id: &FlowId,
        mut report: FlowReport,
        outcome: std::result::Result<FlowOutcome, Failure>,
    ) -> Result<(FlowReport, Option<FlowOutcome>)> {
        let outcome = match outcome {
            Ok(outcome) => {
                let did = outcome == FlowOutcome::Completed || report.metrics.batches > 0;
                report.status = if did {
                    FlowStatus::Completed
                } else {
                    FlowStatus::Idle
                };
                self.log.flow_status(self.origin_of(id), report.status);
                Some(outcome)
            }
            Err(Failure::Killed) => return Err(Failure::Killed),
            Err(Failure::Said(diagnostics)) => {
                let stopped = diagnostics.iter().any(|d| *d.condition == UPDATE_CANCELED);
                report.status = if stopped {
                    FlowStatus::Stopped
                } else {
                    FlowStatus::Failed
                };
                if stopped {
                    self.log
                        .flow_status(self.origin_of(id), FlowStatus::Stopped);
                } else {
                    self.log.flow_failed(self.origin_of(id), &diagnostics, true);
                }
                report.diagnostics.extend(diagnostics);
                None
            }
        };
        Ok((report, outcome))
    }

    /// What there is to say of a flow before it has done anything.
    pub(crate) fn empty_report(&self, id: &FlowId, status: FlowStatus) -> FlowReport {
        let graph = &self.prepared.graph;
        let kind = graph.flows.get(id).map_or(FlowKind::View, |flow| flow.kind);
        let dataset = graph
            .datasets
            .get(&id.target)
            .map(|dataset| dataset.definition.kind);
        FlowReport {
            flow: id.name.clone(),
            dataset: id.target.clone(),
            dataset_kind: dataset.unwrap_or(DatasetKind::TemporaryView),
            kind,
            status,
            technique: None,
            metrics: crate::report::FlowMetrics::default(),
            expectations: vec![],
            versions: None,
            duration_ms: 0,
            diagnostics: vec![],
        }
    }
}
