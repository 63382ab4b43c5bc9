//! The flows of a continuous update: all of them at once, each at its own pace, until somebody stops them or the graph
//! must be resolved again. Must not know what a flow does.

pub(crate) mod backoff;
pub(crate) mod house;
pub(crate) mod live;
pub(crate) mod patience;
pub(crate) mod pulse;
pub(crate) mod trigger;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sluice_graph::{FlowId, Participation};
use sluice_model::{DatasetName, FlowStatus, UpdateState};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::continuous::live::Round;
use crate::continuous::pulse::{Bedside, Pulse};
use crate::error::{Failure, Result, internal};
use crate::report::FlowReport;
use crate::stop::Stop;
use crate::update::{FlowOutcome, Update};

/// How a flow ended, beside what it did.
type Ended = (FlowReport, Option<FlowOutcome>);

impl Update {
    /// Runs all flows side by side until the update is stopped, the graph must be resolved again, or none is left that
    /// could go on.
    pub(crate) async fn run_continuously(self: &Arc<Self>, pulse: &Pulse) -> Result<Vec<Ended>> {
        let order: Vec<FlowId> = self.prepared.graph.order().into_iter().flatten().collect();
        let mut ended: HashMap<FlowId, Ended> = HashMap::new();
        let mut seats = vec![];
        for id in &order {
            if self.takes_part(id) {
                seats.push(id.clone());
            } else {
                let status = FlowStatus::Excluded;
                ended.insert(id.clone(), (self.empty_report(id, status), None));
            }
            if self.first_pass {
                self.log.flow_status(self.origin_of(id), FlowStatus::Queued);
                if !self.takes_part(id) {
                    self.log
                        .flow_status(self.origin_of(id), FlowStatus::Excluded);
                }
            }
        }
        let round = Arc::new(self.round(pulse, seats));
        pulse.begin(round.seats.len() + 1, self.readers(&round.seats));
        let flows = self.until_all_ended(&round).await;
        pulse.pause();
        ended.extend(flows?);
        Ok(order.iter().filter_map(|id| ended.remove(id)).collect())
    }

    pub(crate) fn takes_part(&self, id: &FlowId) -> bool {
        let participation = self.selection.flows.get(id);
        participation.is_some_and(|participation| *participation != Participation::Excluded)
    }

    fn round(&self, pulse: &Pulse, seats: Vec<FlowId>) -> Round {
        let options = &self.engine.options;
        Round {
            bedside: Bedside {
                pulse: pulse.clone(),
                clock: Arc::clone(self.engine.clock()),
                timer: Arc::clone(&options.timer),
                turn: Stop::default(),
            },
            places: Semaphore::new(options.parallelism.max(1)),
            seats,
        }
    }

    /// Which seats a commit of a table wakes.
    fn readers(&self, seats: &[FlowId]) -> BTreeMap<DatasetName, Vec<usize>> {
        let mut readers: BTreeMap<DatasetName, Vec<usize>> = BTreeMap::new();
        for (seat, id) in seats.iter().enumerate() {
            for table in self.prepared.graph.upstream_tables(id) {
                readers.entry(table).or_default().push(seat);
            }
        }
        readers
    }

    async fn until_all_ended(
        self: &Arc<Self>,
        round: &Arc<Round>,
    ) -> Result<HashMap<FlowId, Ended>> {
        let mut running = JoinSet::new();
        for (seat, id) in round.seats.iter().enumerate() {
            let (update, round, id) = (Arc::clone(self), Arc::clone(round), id.clone());
            running.spawn(async move {
                let mut report = update.empty_report(&id, FlowStatus::Running);
                let outcome = live::run(update, round, seat, &mut report).await;
                (seat, id, report, outcome)
            });
        }
        let mut house = JoinSet::new();
        house.spawn(house::keep(Arc::clone(self), Arc::clone(round)));
        let turn = &round.bedside.turn;
        let mut ended = HashMap::new();
        loop {
            tokio::select! {
                () = self.request.stop.asked(), if !turn.is_asked() => {
                    self.log.update_state(UpdateState::Stopping);
                    turn.ask();
                }
                joined = running.join_next() => {
                    let Some(joined) = joined else { break };
                    let (seat, id, report, outcome) =
                        joined.map_err(|error| internal(&format!("a flow ended badly: {error}")))?;
                    let changed = matches!(outcome, Ok(FlowOutcome::SchemaChanged));
                    let entry = self.live_ended(&id, report, outcome)?;
                    // Who waits for the graph to be resolved again is not at rest.
                    if changed {
                        turn.ask();
                    } else {
                        round.bedside.pulse.ended(seat);
                    }
                    ended.insert(id, entry);
                }
                Some(kept) = house.join_next() => {
                    kept.map_err(|error| internal(&format!("the upkeep ended badly: {error}")))??;
                }
            }
        }
        turn.ask();
        while let Some(kept) = house.join_next().await {
            kept.map_err(|error| internal(&format!("the upkeep ended badly: {error}")))??;
        }
        Ok(ended)
    }

    /// What is told of a flow that ended; one that goes on in the next round has not.
    fn live_ended(
        &self,
        id: &FlowId,
        mut report: FlowReport,
        outcome: Result<FlowOutcome>,
    ) -> Result<Ended> {
        let outcome = match outcome {
            Err(failure) => {
                return self.flow_ended(id, report, Err::<FlowOutcome, Failure>(failure));
            }
            Ok(FlowOutcome::Completed | FlowOutcome::Idle) => {
                return self.flow_ended(id, report, outcome);
            }
            Ok(outcome) => outcome,
        };
        report.status = if self.request.stop.is_asked() {
            self.log
                .flow_status(self.origin_of(id), FlowStatus::Stopped);
            FlowStatus::Stopped
        } else {
            FlowStatus::Idle
        };
        Ok((report, Some(outcome)))
    }
}
