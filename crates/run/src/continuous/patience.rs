//! What a continuous update does about a failure before its flows run, when no flow could come back by itself: it waits, longer
//! each time, and begins again, for it has nobody who would start it anew. An update that ends tells the failure at once.
//! Must not know what failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_model::UpdateState;

use crate::continuous::backoff::Backoff;
use crate::continuous::pulse::{Bedside, Woken};
use crate::continuous::trigger::micros;
use crate::engine::Engine;
use crate::error::{Failure, Result};
use crate::event_log::EventLog;
use crate::inputs::files::away;
use crate::lease::Lease;
use crate::report::UpdateReport;
use crate::update::{Mode, UpdateRequest};

/// The first wait.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The patience of one update.
#[derive(Debug)]
pub(crate) struct Patience<'a> {
    engine: &'a Engine,
    request: &'a UpdateRequest,
    log: &'a EventLog,
    backoff: Backoff,
    /// The micro-batches that were done when it failed last.
    batches: u64,
}

impl<'a> Patience<'a> {
    /// Nothing has failed yet.
    pub(crate) fn new(
        engine: &'a Engine,
        (id, request): (&str, &'a UpdateRequest),
        log: &'a EventLog,
    ) -> Self {
        Self {
            engine,
            request,
            log,
            backoff: Backoff::between(WAIT_MIN, WAIT_MAX, id),
            batches: 0,
        }
    }

    /// It went well: the next failure is a first one.
    fn went_well(&mut self) {
        self.backoff.went_well();
    }

    /// The lease; another engine's is not waited for.
    pub(crate) async fn lease(mut self) -> Result<Lease> {
        loop {
            match self.engine.take_lease().await {
                Ok(lease) => return Ok(lease),
                Err(failure) => self.after(failure).await?,
            }
        }
    }

    /// How the passes ended; `None`: they are to begin again.
    pub(crate) async fn judge(
        &mut self,
        passed: Result<UpdateState>,
        report: &mut UpdateReport,
    ) -> Result<Option<UpdateState>> {
        let failure = match passed {
            Ok(state) => return Ok(Some(state)),
            Err(failure) => failure,
        };
        let batches = report.batches();
        if batches > self.batches {
            self.batches = batches;
            self.went_well();
        }
        // What the flows have read once was there.
        let failure = match failure {
            Failure::Said(diagnostics) if !report.flows.is_empty() => away(diagnostics).into(),
            failure => failure,
        };
        match self.after(failure).await {
            Ok(()) => Ok(None),
            Err(Failure::Said(diagnostics)) => {
                report.diagnostics.extend(diagnostics);
                Ok(Some(UpdateState::Failed))
            }
            Err(killed) => Err(killed),
        }
    }

    /// Waits after a failure that may pass. Gives it back where it will not, and where nobody is to wait any longer.
    async fn after(&mut self, failure: Failure) -> Result<()> {
        let Mode::Continuous(pulse) = &self.request.mode else {
            return Err(failure);
        };
        if !failure.is_retryable() {
            return Err(failure);
        }
        let diagnostics = failure.into_diagnostics();
        self.log.update_waits(&diagnostics);
        let (clock, options) = (self.engine.clock(), &self.engine.options);
        let bedside = Bedside {
            pulse: pulse.clone(),
            clock: Arc::clone(clock),
            timer: Arc::clone(&options.timer),
            turn: self.request.stop.clone(),
        };
        pulse.begin(1, BTreeMap::new());
        let again_us = clock.now_us() + micros(self.backoff.failed());
        let woken = bedside.pause(0, again_us).await;
        pulse.pause();
        if woken == Woken::Stopped {
            return Err(diagnostics.into());
        }
        Ok(())
    }
}
