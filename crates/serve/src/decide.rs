//! What a job does now: facts in, decision out. Must not run, wait, or ask for the time.

use sluice_model::Diagnostic;
use sluice_model::job::{Job, JobTrigger, Pause, Rest};

use crate::calendar::Calendar;

/// Missed times of a calendar that are counted, one search each; beyond, "at least so many" were missed.
const MISSED_MAX: u64 = 10_000;
/// Between the end of a run of a continuous job and the next one, seconds: a run that finds nothing new ends at once, and
/// each one leaves events.
const CONTINUOUS_REST_SECONDS: i64 = 10;
/// Longest wait of a continuous job that fails again and again, seconds.
const FAILED_WAIT_SECONDS_MAX: i64 = 600;

/// When a job starts by itself.
#[derive(Debug, Clone)]
pub enum Timing {
    /// At the times of a calendar.
    At(Box<Calendar>),
    /// Every so many seconds.
    Every(u64),
    /// When what it watches has changed.
    Watch {
        /// How often at most.
        rest: Rest,
        /// Whether everything that is watched must have changed.
        needs_all: bool,
    },
    /// When the run before has ended.
    Continuous,
}

impl Timing {
    /// The timing of a job; `None` for a job that only people start.
    ///
    /// # Errors
    /// What is wrong with its calendar.
    pub fn of(job: &Job) -> Result<Option<Self>, Vec<Diagnostic>> {
        Ok(match &job.trigger {
            None => None,
            Some(JobTrigger::Cron {
                expression,
                time_zone,
            }) => Some(Self::At(Box::new(Calendar::parse(
                expression,
                time_zone.as_ref(),
            )?))),
            Some(JobTrigger::Periodic { every_seconds }) => Some(Self::Every(*every_seconds)),
            Some(JobTrigger::FileArrival { rest, .. }) => Some(Self::Watch {
                rest: *rest,
                needs_all: false,
            }),
            Some(JobTrigger::TableUpdate {
                rest, needs_all, ..
            }) => Some(Self::Watch {
                rest: *rest,
                needs_all: *needs_all,
            }),
            Some(JobTrigger::Continuous) => Some(Self::Continuous),
        })
    }

    /// The first start after a time, given the last one; `None` for what does not go by the clock.
    #[must_use]
    pub fn next_after(&self, last_us: i64, time_us: i64) -> Option<i64> {
        match self {
            Self::At(calendar) => calendar.next_after(time_us.max(last_us)),
            Self::Every(seconds) => {
                let step = micros(*seconds).max(1);
                let steps = (time_us - last_us).max(0) / step + 1;
                Some(last_us.saturating_add(steps.saturating_mul(step)))
            }
            Self::Watch { .. } | Self::Continuous => None,
        }
    }
}

fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000_000)
}

/// What is watched, as it was seen: one mark per watched thing, in a fixed order; equal marks mean nothing is new.
pub type Seen = Vec<String>;

/// What is known of a job when it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFacts {
    /// The last time that was due and taken care of, or when the job was first seen.
    pub last_due_us: i64,
    /// What the last start had seen.
    pub seen_then: Seen,
    /// What was seen by the last look that succeeded; empty before the first.
    pub seen_now: Seen,
    /// When what is seen now was first seen so.
    pub changed_us: i64,
    /// Runs at work.
    pub running: u32,
    /// Whether a start waits for its turn.
    pub waits: bool,
    /// Runs that failed one after the other, up to now.
    pub failures: u32,
    /// When the last run ended.
    pub ended_us: i64,
}

/// Why a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its time has come.
    Due,
    /// What it watches has changed.
    Changed,
    /// It had to wait for its turn.
    Waited,
    /// The run before has ended.
    Ended,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Start a run for this time; so many times before it were missed and are made up for by it.
    Start {
        /// Why.
        cause: Cause,
        /// The time that it is for.
        due_us: i64,
        /// Times before it at which nobody was there to start; of a calendar, 10,000 at most are counted.
        missed: u64,
    },
    /// Let it wait until a run has ended.
    Wait {
        /// The time that it is for.
        due_us: i64,
    },
    /// Leave it out: too many runs are at work, or one waits already.
    LeaveOut {
        /// The time that it was for.
        due_us: i64,
    },
}

/// What to do, and when to ask again at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What to do now, if anything.
    pub decision: Option<Decision>,
    /// When something comes next by the clock.
    pub wake_us: Option<i64>,
}

/// Decides what a job does now.
#[must_use]
pub fn decide(job: &Job, timing: &Timing, facts: &JobFacts, now_us: i64) -> Verdict {
    let nothing = |wake_us| Verdict {
        decision: None,
        wake_us,
    };
    if job.pause != Pause::Unpaused || job.tasks.is_empty() {
        return nothing(None);
    }
    let has_room = facts.running < job.concurrent_runs_max.max(1);
    if facts.waits && has_room {
        let start = Decision::Start {
            cause: Cause::Waited,
            due_us: facts.last_due_us,
            missed: 0,
        };
        return Verdict {
            decision: Some(start),
            wake_us: Some(now_us),
        };
    }
    let (cause, due_us, missed) = match timing {
        Timing::At(_) | Timing::Every(_) => match due(timing, facts.last_due_us, now_us) {
            Some((due_us, missed)) => (Cause::Due, due_us, missed),
            None => return nothing(timing.next_after(facts.last_due_us, now_us)),
        },
        Timing::Watch { rest, needs_all } => match watched(*rest, *needs_all, facts, now_us) {
            Ok(()) => (Cause::Changed, now_us, 0),
            Err(wake_us) => return nothing(wake_us),
        },
        Timing::Continuous => {
            // What changed while a continuous run goes on is its own business.
            if facts.running > 0 {
                return nothing(None);
            }
            let from = facts
                .ended_us
                .saturating_add(continuous_wait_us(facts.failures));
            if from > now_us {
                return nothing(Some(from));
            }
            (Cause::Ended, now_us, 0)
        }
    };
    let decision = if has_room {
        Decision::Start {
            cause,
            due_us,
            missed,
        }
    } else if job.queues && !facts.waits {
        Decision::Wait { due_us }
    } else {
        Decision::LeaveOut { due_us }
    };
    Verdict {
        decision: Some(decision),
        wake_us: timing.next_after(due_us, now_us),
    }
}

/// The newest time after `last_us` that is due, and how many were due before it.
fn due(timing: &Timing, last_us: i64, now_us: i64) -> Option<(i64, u64)> {
    let first = timing.next_after(last_us, last_us)?;
    if first > now_us {
        return None;
    }
    match timing {
        Timing::At(calendar) => Some(newest_of(calendar, first, now_us)),
        Timing::Every(seconds) => {
            let step = micros(*seconds).max(1);
            let missed = (now_us - first) / step;
            Some((first + missed * step, missed.unsigned_abs()))
        }
        Timing::Watch { .. } | Timing::Continuous => None,
    }
}

/// The newest time of a calendar up to now, given one that is due, and how many were due before it, counted up to a limit.
fn newest_of(calendar: &Calendar, first_us: i64, now_us: i64) -> (i64, u64) {
    let mut newest = first_us;
    for missed in 0..MISSED_MAX {
        match calendar.next_after(newest) {
            Some(next) if next <= now_us => newest = next,
            _ => return (newest, missed),
        }
    }
    // One run makes up for all of them: none may be left for the next look.
    let newest = calendar
        .last_until(now_us)
        .map_or(newest, |last| last.max(newest));
    (newest, MISSED_MAX)
}

/// Whether what is watched may start a run now; else when it may at the latest.
fn watched(rest: Rest, needs_all: bool, facts: &JobFacts, now_us: i64) -> Result<(), Option<i64>> {
    if facts.seen_now.is_empty() {
        return Err(None);
    }
    let mut marks = facts
        .seen_now
        .iter()
        .enumerate()
        .map(|(index, mark)| facts.seen_then.get(index) != Some(mark));
    let has_changed = if needs_all {
        marks.all(|changed| changed)
    } else {
        marks.any(|changed| changed)
    };
    if !has_changed {
        return Err(None);
    }
    let settled = facts
        .changed_us
        .saturating_add(micros(rest.after_change_seconds));
    let rested = facts
        .last_due_us
        .saturating_add(micros(rest.min_between_seconds));
    let from = settled.max(if rest.min_between_seconds == 0 {
        i64::MIN
    } else {
        rested
    });
    if from > now_us {
        Err(Some(from))
    } else {
        Ok(())
    }
}

/// How long a continuous job rests after a run, with so many failures in a row.
fn continuous_wait_us(failures: u32) -> i64 {
    let seconds = 1_i64 << failures.min(10).saturating_sub(1);
    seconds.clamp(CONTINUOUS_REST_SECONDS, FAILED_WAIT_SECONDS_MAX) * 1_000_000
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
