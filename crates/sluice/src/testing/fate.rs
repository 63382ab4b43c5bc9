//! What a test decides in place of the world outside: the time, identities, and when an engine dies. Must not run
//! anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use sluice_model::event::Event;
use sluice_model::{Clock, Ids};
use sluice_run::{Observer, Timer};
use sluice_table::{Step, StepAction, StepHook};
use tokio::sync::watch;

/// A clock that stands still until it is told to move; whoever waits for it waits until then.
#[derive(Debug)]
pub(crate) struct ManualClock(watch::Sender<i64>);

impl ManualClock {
    pub(crate) fn at(time_us: i64) -> Self {
        Self(watch::Sender::new(time_us))
    }

    pub(crate) fn set(&self, time_us: i64) {
        self.0.send_replace(time_us);
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        *self.0.borrow()
    }
}

impl Timer for ManualClock {
    fn until(&self, time_us: i64) -> BoxFuture<'static, ()> {
        let mut clock = self.0.subscribe();
        Box::pin(async move {
            // A clock that is gone shows no later time.
            if clock.wait_for(|now_us| *now_us >= time_us).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Waits for nothing: what a test of an update that ends would wait for never comes, as its clock stands still.
#[derive(Debug)]
pub(crate) struct NoWaits;

impl Timer for NoWaits {
    fn until(&self, _: i64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Ids that count.
#[derive(Debug, Default)]
pub(crate) struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn uuid(&self) -> String {
        format!(
            "00000000-0000-4000-8000-{:012x}",
            self.0.fetch_add(1, Ordering::SeqCst)
        )
    }
}

/// When an engine dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Death {
    /// At the so-and-so-many-th mutating operation of its store; `after` its effect or before it.
    Operation { number: u64, after: bool },
    /// At a named step, `data-written silver`.
    Step(String),
}

/// Operations that the store refuses without ending the engine.
#[derive(Debug, Clone)]
pub(crate) struct Disturbance {
    /// The step, `put.plan`.
    pub(crate) step: String,
    /// A part of the path.
    pub(crate) place: String,
    /// How many of them.
    pub(crate) times: u64,
    /// Whether they are done all the same.
    pub(crate) after: bool,
}

/// Counts steps, and ends the engine at one of them: from then on nothing is written any more, as after a kill.
#[derive(Debug, Default)]
pub struct Fate {
    death: Mutex<Option<Death>>,
    operations: AtomicU64,
    dead: AtomicU64,
    pause: Mutex<Option<Pause>>,
    disturbance: Mutex<Option<Disturbance>>,
}

/// A step at which an engine waits until another one has run: once.
#[derive(Debug)]
struct Pause {
    step: String,
    paused: Sender<()>,
    go_on: Receiver<()>,
}

/// The other end of a pause.
#[derive(Debug)]
pub(crate) struct Paused {
    /// Tells when the engine waits.
    pub(crate) paused: Receiver<()>,
    /// Lets it go on.
    pub(crate) go_on: Sender<()>,
}

impl Fate {
    /// Sets when the engine dies.
    pub(crate) fn set(&self, death: Option<Death>) {
        *held(&self.death) = death;
        self.dead.store(0, Ordering::SeqCst);
    }

    /// Lets the store refuse operations from now on.
    pub(crate) fn disturb(&self, disturbance: Disturbance) {
        *held(&self.disturbance) = Some(disturbance);
    }

    fn disturbed(&self, step: Step<'_>) -> Option<StepAction> {
        let mut disturbance = held(&self.disturbance);
        let found = disturbance.as_mut()?;
        let is_meant =
            found.times > 0 && found.step == step.name && step.path.contains(&found.place);
        found.times -= u64::from(is_meant);
        is_meant.then_some(if found.after {
            StepAction::FailAfter
        } else {
            StepAction::FailBefore
        })
    }

    /// Lets the next engine that reaches a step wait there.
    pub(crate) fn pause_at(&self, step: &str) -> Paused {
        let (paused, is_paused) = channel();
        let (may_go, go_on) = channel();
        *held(&self.pause) = Some(Pause {
            step: step.to_owned(),
            paused,
            go_on,
        });
        Paused {
            paused: is_paused,
            go_on: may_go,
        }
    }

    fn wait_if_asked(&self, step: &str) {
        let mut pause = held(&self.pause);
        if pause.as_ref().is_none_or(|pause| pause.step != step) {
            return;
        }
        let Some(here) = pause.take() else { return };
        drop(pause);
        let _ = here.paused.send(());
        tokio::task::block_in_place(|| {
            let _ = here.go_on.recv();
        });
    }

    /// Mutating operations so far.
    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }

    /// Whether the engine is dead.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst) > 0
    }
}

impl StepHook for Fate {
    fn on(&self, step: Step<'_>) -> StepAction {
        if self.is_dead() {
            return StepAction::FailBefore;
        }
        let is_operation = step.name.starts_with("put.") || step.name == "delete";
        let number = if is_operation {
            self.operations.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            0
        };
        if !is_operation {
            self.wait_if_asked(step.name);
        } else if let Some(action) = self.disturbed(step) {
            return action;
        }
        let action = match &*held(&self.death) {
            Some(Death::Operation {
                number: last,
                after,
            }) if number == *last => {
                if *after {
                    StepAction::FailAfter
                } else {
                    StepAction::FailBefore
                }
            }
            Some(Death::Step(name)) if name == step.name => StepAction::FailBefore,
            _ => return StepAction::Proceed,
        };
        self.dead.store(1, Ordering::SeqCst);
        action
    }
}

/// Keeps the events of the last update.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<Vec<Event>>);

impl Events {
    pub(crate) fn forget(&self) {
        held(&self.0).clear();
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        held(&self.0).clone()
    }
}

impl Observer for Events {
    fn event(&self, event: &Event) {
        held(&self.0).push(event.clone());
    }
}

/// Whoever panicked under a lock has ended the test already.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
