//! The pulse of a continuous update: who works, who waits for what, and who is woken by which commit. Nothing polls a
//! table of ours: a commit wakes the flows that read it.
//!
//! That nothing is left to do is exact and no guess: everybody waits, and nobody has been woken. Must not know what a flow does.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_model::{Clock, DatasetName};
use tokio::sync::{Notify, watch};

use crate::stop::Stop;
use crate::timer::Timer;

/// The pulse of one continuous update, shared with whoever started it. Clones are the same pulse.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    beat: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    round: Round,
    seats: Vec<Seat>,
    /// Who reads a table.
    readers: BTreeMap<DatasetName, Vec<usize>>,
}

/// Where the update stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// No flow runs now: the graph is being resolved.
    Between,
    /// Flows run.
    On,
    /// The update has ended.
    Over,
}

#[derive(Debug)]
struct Seat {
    doing: Doing,
    is_woken: bool,
    has_rested: bool,
    /// Its last attempt failed.
    is_unwell: bool,
    alarm: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It works, or may begin to at once.
    Working,
    /// It waits for a commit, for a look at the world, or for a time.
    Waiting { until_us: Option<i64> },
    /// It waits for a time, whatever is committed.
    Pausing { until_us: i64 },
    /// It has ended.
    Ended,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// What it reads has moved, or it was asked to look.
    Called,
    /// The time has come.
    Due,
    /// It is to end.
    Stopped,
}

/// What everybody who waits needs.
#[derive(Debug, Clone)]
pub(crate) struct Bedside {
    /// The pulse.
    pub(crate) pulse: Pulse,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// Waits for the clock.
    pub(crate) timer: Arc<dyn Timer>,
    /// The end of this round: of the update, or until the graph is resolved again.
    pub(crate) turn: Stop,
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                round: Round::Between,
                seats: vec![],
                readers: BTreeMap::new(),
            }),
            beat: watch::Sender::new(0),
        }))
    }
}

impl Pulse {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.beat.send_modify(|beat| *beat += 1);
    }

    /// Asks every flow to look at its sources now, whenever it would have looked by itself.
    pub fn look_now(&self) {
        self.change(|state| {
            for seat in &mut state.seats {
                seat.wake();
            }
        });
    }

    /// Waits until nothing is left to do: before time passes or the world outside changes, nothing will happen. An
    /// update that has ended has nothing left to do.
    pub async fn idle(&self, clock: &Arc<dyn Clock>) {
        let mut beat = self.0.beat.subscribe();
        loop {
            beat.borrow_and_update();
            if self.is_idle(clock.now_us()) || beat.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until every flow has caught up once: it had nothing to do for a moment, or waits for a source that is not
    /// there yet. An update that has ended has caught up.
    pub async fn caught_up(&self) {
        let mut beat = self.0.beat.subscribe();
        loop {
            beat.borrow_and_update();
            if self.has_caught_up() || beat.changed().await.is_err() {
                return;
            }
        }
    }

    fn has_caught_up(&self) -> bool {
        let state = self.state();
        match state.round {
            Round::Between => false,
            Round::Over => true,
            Round::On => state.seats.iter().all(|seat| seat.has_rested),
        }
    }

    /// Whether the update has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state().round == Round::Over
    }

    fn is_idle(&self, now_us: i64) -> bool {
        let state = self.state();
        match state.round {
            Round::Between => false,
            Round::Over => true,
            Round::On => state.seats.iter().all(|seat| seat.is_resting(now_us)),
        }
    }

    /// Begins a round with so many seats; `readers` says which of them read a table.
    pub(crate) fn begin(&self, seats: usize, readers: BTreeMap<DatasetName, Vec<usize>>) {
        self.change(|state| {
            state.round = Round::On;
            state.readers = readers;
            state.seats = std::iter::repeat_with(|| Seat {
                doing: Doing::Working,
                is_woken: false,
                has_rested: false,
                is_unwell: false,
                alarm: Arc::new(Notify::new()),
            })
            .take(seats)
            .collect();
        });
    }

    /// Ends a round: the graph is to be resolved again.
    pub(crate) fn pause(&self) {
        self.change(|state| state.round = Round::Between);
    }

    /// Ends the update.
    pub(crate) fn end(&self) {
        self.change(|state| state.round = Round::Over);
    }

    /// Wakes the flows that read a table of which a new version is there.
    pub(crate) fn committed(&self, table: &DatasetName) {
        self.change(|state| {
            let State { seats, readers, .. } = state;
            for seat in readers.get(table).into_iter().flatten() {
                if let Some(seat) = seats.get_mut(*seat) {
                    seat.wake();
                }
            }
        });
    }

    /// Somebody has ended for good.
    pub(crate) fn ended(&self, seat: usize) {
        self.set(seat, Doing::Ended);
    }

    /// Somebody's attempt failed, or went well.
    pub(crate) fn is_unwell(&self, seat: usize, is_unwell: bool) {
        if let Some(seat) = self.state().seats.get_mut(seat) {
            seat.is_unwell = is_unwell;
        }
    }

    /// Whether each of these is well and has caught up once.
    pub(crate) fn are_well(&self, seats: &[usize]) -> bool {
        let state = self.state();
        let mut seats = seats.iter().filter_map(|seat| state.seats.get(*seat));
        seats.all(|seat| seat.has_rested && !seat.is_unwell)
    }

    fn set(&self, seat: usize, doing: Doing) {
        self.change(|state| {
            if let Some(seat) = state.seats.get_mut(seat) {
                seat.doing = doing;
                seat.has_rested |= doing != Doing::Working;
            }
        });
    }

    /// Goes to rest, unless it was called meanwhile or the time has come.
    fn rest(&self, seat: usize, until_us: Option<i64>, now_us: i64) -> Result<Arc<Notify>, Woken> {
        let mut outcome = Err(Woken::Stopped);
        self.change(|state| {
            let Some(seat) = state.seats.get_mut(seat) else {
                return;
            };
            seat.has_rested = true;
            outcome = if std::mem::take(&mut seat.is_woken) {
                seat.doing = Doing::Working;
                Err(Woken::Called)
            } else if until_us.is_some_and(|until_us| until_us <= now_us) {
                seat.doing = Doing::Working;
                Err(Woken::Due)
            } else {
                seat.doing = Doing::Waiting { until_us };
                Ok(Arc::clone(&seat.alarm))
            };
        });
        outcome
    }

    fn have_rested(&self, wanted: &[usize]) -> bool {
        let state = self.state();
        let mut seats = wanted.iter().filter_map(|seat| state.seats.get(*seat));
        seats.all(|seat| seat.has_rested)
    }
}

impl Seat {
    fn wake(&mut self) {
        self.is_woken = true;
        self.alarm.notify_one();
    }

    fn is_resting(&self, now_us: i64) -> bool {
        match self.doing {
            Doing::Working => false,
            Doing::Waiting { until_us } => {
                !self.is_woken && until_us.is_none_or(|until_us| until_us > now_us)
            }
            Doing::Pausing { until_us } => until_us > now_us,
            Doing::Ended => true,
        }
    }
}

impl Bedside {
    /// Waits until somebody calls, or until a time.
    pub(crate) async fn wait(&self, seat: usize, until_us: Option<i64>) -> Woken {
        self.wait_or(seat, until_us, std::future::pending()).await
    }

    /// Waits until somebody calls, until a time, or until news come from outside.
    pub(crate) async fn wait_or(
        &self,
        seat: usize,
        until_us: Option<i64>,
        news: impl Future<Output = ()>,
    ) -> Woken {
        let mut news = pin!(news);
        loop {
            if self.turn.is_asked() {
                return Woken::Stopped;
            }
            let alarm = match self.pulse.rest(seat, until_us, self.clock.now_us()) {
                Ok(alarm) => alarm,
                Err(woken) => return woken,
            };
            tokio::select! {
                () = alarm.notified() => {}
                () = self.until(until_us) => {}
                () = &mut news => {
                    self.pulse.set(seat, Doing::Working);
                    return Woken::Called;
                }
                () = self.turn.asked() => {}
            }
        }
    }

    /// Waits until a time, whatever is committed meanwhile.
    pub(crate) async fn pause(&self, seat: usize, until_us: i64) -> Woken {
        if until_us > self.clock.now_us() {
            self.pulse.set(seat, Doing::Pausing { until_us });
            tokio::select! {
                () = self.timer.until(until_us) => {}
                () = self.turn.asked() => {}
            }
            self.pulse.set(seat, Doing::Working);
        }
        if self.turn.is_asked() {
            Woken::Stopped
        } else {
            Woken::Due
        }
    }

    /// Waits until each of these has had nothing to do once, or has failed.
    pub(crate) async fn after(&self, seats: &[usize]) -> Woken {
        let mut beat = self.pulse.0.beat.subscribe();
        loop {
            beat.borrow_and_update();
            if self.turn.is_asked() {
                return Woken::Stopped;
            }
            if self.pulse.have_rested(seats) {
                return Woken::Called;
            }
            tokio::select! {
                _ = beat.changed() => {}
                () = self.turn.asked() => {}
            }
        }
    }

    async fn until(&self, until_us: Option<i64>) {
        match until_us {
            Some(until_us) => self.timer.until(until_us).await,
            None => std::future::pending().await,
        }
    }
}
