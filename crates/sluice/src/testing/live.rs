//! A continuous update of a test: it goes on while stations go by, and is waited for by what it says of itself, never by
//! the time.

use std::sync::Arc;

use sluice_model::Clock;
use sluice_run::{Mode, Pulse, Stop, UpdateReport, UpdateRequest};
use tokio::task::JoinHandle;

use super::answer::Answers;
use super::argument::request;
use super::case::{Case, Station};
use super::failure::Trouble;
use super::show;
use super::walk::Walk;

/// An update that goes on.
#[derive(Debug)]
pub(super) struct LiveUpdate {
    pulse: Pulse,
    stop: Stop,
    asked: UpdateRequest,
    running: JoinHandle<UpdateReport>,
}

impl Walk {
    /// `continuous`: starts an update and waits until it has done what there is to do.
    pub(super) async fn continuous(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), Trouble> {
        if self.live.is_some() {
            return Err("a continuous update is running already".into());
        }
        let asked = request(&station.argument)?;
        self.start(asked)?;
        self.until_idle().await?;
        self.compare_said(case, index)
    }

    /// `settle`: lets every flow look at its sources, and waits until nothing is left to do.
    pub(super) async fn settle_down(
        &mut self,
        case: &mut Case,
        index: usize,
    ) -> Result<(), Trouble> {
        let live = self
            .live
            .as_ref()
            .ok_or("no continuous update is running")?;
        live.pulse.look_now();
        self.until_idle().await?;
        self.said.clear();
        self.compare_said(case, index)
    }

    /// `stop`: stops the update; its answer is what its flows did.
    pub(super) async fn stop(&mut self, case: &mut Case, index: usize) -> Result<(), Trouble> {
        let live = self
            .live
            .as_ref()
            .ok_or("no continuous update is running")?;
        live.stop.ask();
        let report = self.ended().await?;
        let mut shown = report.as_ref().map(show::update).unwrap_or_default();
        if self.take_death() {
            if self.answers == Answers::Tables {
                // What is left to do is done by the next engine.
                self.start(UpdateRequest::default())?;
                self.until_idle().await?;
                if let Some(live) = &self.live {
                    live.stop.ask();
                }
                self.ended().await?;
            }
            "killed".clone_into(&mut shown);
        }
        self.said.clear();
        if let Some(report) = report {
            self.hear(&report);
        }
        self.compare_flows(case, index, &shown)?;
        self.compare_said(case, index)
    }

    fn start(&mut self, mut asked: UpdateRequest) -> Result<(), Trouble> {
        let loaded = self.loaded();
        if self.has_errors() {
            return Ok(());
        }
        let (pulse, stop) = (Pulse::default(), Stop::default());
        asked.mode = Mode::Continuous(pulse.clone());
        asked.stop = stop.clone();
        self.world.events.forget();
        self.world.is_live = true;
        let engine = self.world.engine(&loaded)?;
        let (declared, given) = (loaded.declared.clone(), asked.clone());
        let running = tokio::spawn(async move { engine.update(&declared, &given).await });
        self.live = Some(LiveUpdate {
            pulse,
            stop,
            asked,
            running,
        });
        Ok(())
    }

    /// Waits until nothing is left to do. An engine that was ended is started again where only tables are compared.
    async fn until_idle(&mut self) -> Result<(), Trouble> {
        loop {
            let Some(live) = &self.live else {
                return Ok(());
            };
            let clock: Arc<dyn Clock> = self.world.clock.clone();
            live.pulse.idle(&clock).await;
            if self.world.fate.is_dead() {
                // What a kill would have ended waits for a store that never comes back.
                live.running.abort();
            } else if !live.pulse.is_over() {
                return Ok(());
            }
            let asked = live.asked.clone();
            let report = self.ended().await?;
            if !self.take_death() {
                if let Some(report) = report {
                    self.hear(&report);
                }
                return Ok(());
            }
            if self.answers != Answers::Tables {
                return Ok(());
            }
            self.start(asked)?;
        }
    }

    /// What an update that ends reports; nothing if it was ended by its fate.
    async fn ended(&mut self) -> Result<Option<UpdateReport>, Trouble> {
        let live = self.live.take().ok_or("no continuous update is running")?;
        self.world.is_live = false;
        match live.running.await {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.is_cancelled() => Ok(None),
            Err(error) => Err(error.to_string().into()),
        }
    }

    /// Whether the engine was ended by its fate, which is done with now.
    fn take_death(&mut self) -> bool {
        let is_dead = self.world.fate.is_dead();
        if is_dead {
            self.world.fate.set(None);
        }
        is_dead
    }
}
