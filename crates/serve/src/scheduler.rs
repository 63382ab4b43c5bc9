//! Runs jobs: asks [`decide`] what each one does, starts runs, waits for the clock, watches places. Must not know what
//! an update is: [`Outside`] does.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sluice_model::Diagnostic;
use sluice_model::condition::run::INTERNAL_ERROR;
use sluice_model::job::{Job, JobTrigger, PipelineTask};
use sluice_run::Stop;
use sluice_table::TableError;
use tokio::task::{Id, JoinError, JoinSet};

use crate::decide::{Cause, Decision, JobFacts, Seen, Timing, Verdict, decide};
use crate::job_run::run_job;
use crate::memory::{Memory, Remembered};

/// How often watched places are looked at.
const LOOK_EVERY_US: i64 = 10_000_000;
/// The clock is asked again after so long, whatever comes next: clocks are set, machines sleep.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// Its update completed.
    Completed,
    /// Its update failed.
    Failed,
    /// It was stopped on request.
    Stopped,
    /// Another engine runs the pipeline.
    Busy,
}

/// Something to tell people who watch.
#[derive(Debug)]
pub enum Happening<'a> {
    /// A run starts.
    Started {
        /// Why.
        cause: Cause,
        /// The time that it is for.
        due_us: i64,
        /// Times before it that were missed.
        missed: u64,
    },
    /// A start waits until a run has ended.
    Waits,
    /// A start was left out.
    LeftOut,
    /// A task failed and is tried again.
    TriedAgain {
        /// The task.
        task: &'a PipelineTask,
        /// The attempt that comes now, from 2.
        attempt: u32,
    },
    /// A task ended for good.
    TaskEnded {
        /// The task.
        task: &'a PipelineTask,
        /// How.
        end: TaskEnd,
    },
    /// A task was not run, because one that it depends on did not end well.
    TaskLeftOut {
        /// The task.
        task: &'a PipelineTask,
    },
    /// Time is up for a task, or for a run.
    TimedOut,
    /// A run takes longer than the health rule of its job allows, and goes on.
    TakesLong,
    /// A run ended.
    Ended {
        /// Whether its last tasks completed.
        well: bool,
        /// Whether somebody asked it to end.
        stopped: bool,
    },
    /// What the job watches cannot be looked at, its record cannot be written, or a bug ended its run.
    Hindered {
        /// Why.
        diagnostic: &'a Diagnostic,
    },
}

/// What a scheduler needs of the world.
pub trait Outside: fmt::Debug + Send + Sync {
    /// Microseconds since the epoch.
    fn now_us(&self) -> i64;
    /// Runs one update until it ends, or `stop` is asked.
    fn run(&self, task: &PipelineTask, stop: Stop) -> BoxFuture<'_, TaskEnd>;
    /// Looks at what a trigger watches.
    fn look<'a>(&'a self, trigger: &'a JobTrigger) -> BoxFuture<'a, Result<Seen, Diagnostic>>;
    /// Tells people.
    fn tell(&self, job: &Job, happening: &Happening<'_>);
}

/// When a scheduler ends.
pub enum Until<'a> {
    /// When what is due now has run.
    NothingIsDue,
    /// When this comes; runs at work are stopped and waited for.
    Stopped(BoxFuture<'a, ()>),
}

impl fmt::Debug for Until<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingIsDue => "NothingIsDue",
            Self::Stopped(_) => "Stopped",
        })
    }
}

/// One job with all that is known of it.
#[derive(Debug)]
struct Held {
    job: Arc<Job>,
    timing: Timing,
    facts: JobFacts,
    /// Number of its newest record.
    number: u64,
    looked_us: i64,
    is_hindered: bool,
}

/// Runs the jobs of one project in this process.
#[derive(Debug)]
pub struct Scheduler {
    held: Vec<Held>,
    outside: Arc<dyn Outside>,
    memory: Memory,
    stop: Stop,
    /// Runs at work; each says whether it ended well.
    runs: JoinSet<bool>,
    /// The job of each run at work, as its place in `held`.
    job_of_run: HashMap<Id, usize>,
    failed: u32,
}

impl Scheduler {
    /// Takes over jobs, and remembers those that it sees for the first time: they start at times after now.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub async fn new(
        jobs: Vec<(Job, Timing)>,
        outside: Arc<dyn Outside>,
        memory: Memory,
    ) -> Result<Self, TableError> {
        let mut held = vec![];
        for (job, timing) in jobs {
            let mut facts = JobFacts::default();
            let mut number = 0;
            if let Some((newest, record)) = memory.recall(&job.key).await? {
                number = newest;
                facts.last_due_us = record.due_us;
                facts.seen_then = record.seen;
            } else {
                let trigger = job.trigger.as_ref();
                let seen = match (trigger, &timing) {
                    (Some(trigger), Timing::Watch { .. }) => outside.look(trigger).await.ok(),
                    _ => None,
                };
                facts.last_due_us = outside.now_us();
                facts.seen_then = seen.unwrap_or_default();
                let record = Remembered {
                    due_us: facts.last_due_us,
                    seen: facts.seen_then.clone(),
                };
                memory.remember(&job.key, number, &record).await?;
            }
            held.push(Held {
                job: Arc::new(job),
                timing,
                facts,
                number,
                looked_us: i64::MIN,
                is_hindered: false,
            });
        }
        Ok(Self {
            held,
            outside,
            memory,
            stop: Stop::default(),
            runs: JoinSet::new(),
            job_of_run: HashMap::new(),
            failed: 0,
        })
    }

    /// Runs jobs until the end that was asked for. Says how many runs failed.
    pub async fn run(&mut self, until: Until<'_>) -> u32 {
        let mut stopped = match until {
            Until::NothingIsDue => None,
            Until::Stopped(stopped) => Some(stopped),
        };
        loop {
            let wake_us = self.turn().await;
            let Some(stopped) = &mut stopped else {
                if !self.next_end().await {
                    return self.failed;
                }
                continue;
            };
            let sleep = self.sleep_until(wake_us);
            tokio::select! {
                () = stopped => break,
                Some(ended) = self.runs.join_next_with_id() => self.ended(ended),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        self.stop.ask();
        while self.next_end().await {}
        self.failed
    }

    fn sleep_until(&self, wake_us: Option<i64>) -> Duration {
        let wait = wake_us.map(|wake| (wake - self.outside.now_us()).max(0).unsigned_abs());
        wait.map_or(SLEEP_MAX, Duration::from_micros).min(SLEEP_MAX)
    }

    /// Waits until a run has ended; `false` when none is at work.
    pub(crate) async fn next_end(&mut self) -> bool {
        let Some(ended) = self.runs.join_next_with_id().await else {
            return false;
        };
        self.ended(ended);
        true
    }

    fn ended(&mut self, ended: Result<(Id, bool), JoinError>) {
        let (id, well, bug) = match ended {
            Ok((id, well)) => (id, well, None),
            Err(error) => (error.id(), false, Some(error)),
        };
        let now_us = self.outside.now_us();
        let index = self.job_of_run.remove(&id);
        if let Some(held) = index.and_then(|index| self.held.get_mut(index)) {
            if let Some(error) = bug {
                let message = format!("a run of job `{}` ended badly: {error}", held.job.key);
                let diagnostic = Diagnostic::error(&INTERNAL_ERROR, message);
                let tell = |happening| self.outside.tell(&held.job, &happening);
                tell(Happening::Hindered {
                    diagnostic: &diagnostic,
                });
                // Whoever wants to hear of failures hears of this one.
                tell(Happening::Ended {
                    well,
                    stopped: false,
                });
            }
            held.facts.running = held.facts.running.saturating_sub(1);
            held.facts.ended_us = now_us;
            held.facts.failures = if well { 0 } else { held.facts.failures + 1 };
        }
        self.failed += u32::from(!well);
    }

    /// Asks every job once what it does now, and has it done. Says when to ask again.
    pub(crate) async fn turn(&mut self) -> Option<i64> {
        let mut wake_us: Option<i64> = None;
        for index in 0..self.held.len() {
            self.look(index).await;
            let Some(held) = self.held.get(index) else {
                continue;
            };
            let now_us = self.outside.now_us();
            let Verdict {
                decision,
                wake_us: next,
            } = decide(&held.job, &held.timing, &held.facts, now_us);
            let looks = matches!(held.timing, Timing::Watch { .. });
            let look_us = looks.then(|| held.looked_us.saturating_add(LOOK_EVERY_US));
            wake_us = [wake_us, next, look_us].into_iter().flatten().min();
            if let Some(decision) = decision {
                self.act(index, decision).await;
            }
        }
        wake_us
    }

    async fn look(&mut self, index: usize) {
        let now_us = self.outside.now_us();
        let Some(held) = self.held.get_mut(index) else {
            return;
        };
        let is_due = held.looked_us.saturating_add(LOOK_EVERY_US) <= now_us;
        let (Timing::Watch { .. }, Some(trigger), true) = (&held.timing, &held.job.trigger, is_due)
        else {
            return;
        };
        held.looked_us = now_us;
        match self.outside.look(trigger).await {
            Ok(seen) => {
                held.is_hindered = false;
                if held.facts.seen_then.is_empty() {
                    held.facts.seen_then.clone_from(&seen);
                }
                if seen != held.facts.seen_now {
                    held.facts.changed_us = now_us;
                    held.facts.seen_now = seen;
                }
            }
            // What was seen before stands.
            Err(diagnostic) => {
                hinder(self.outside.as_ref(), held, &diagnostic);
            }
        }
    }

    async fn act(&mut self, index: usize, decision: Decision) {
        let Some(held) = self.held.get_mut(index) else {
            return;
        };
        let due_us = match decision {
            Decision::Start { due_us, .. }
            | Decision::Wait { due_us }
            | Decision::LeaveOut { due_us } => due_us,
        };
        let waited = matches!(
            decision,
            Decision::Start {
                cause: Cause::Waited,
                ..
            }
        );
        // A start that waited is recorded already.
        if !waited && !claim(&self.memory, self.outside.as_ref(), held, due_us).await {
            return;
        }
        held.facts.last_due_us = due_us;
        held.facts.seen_then.clone_from(&held.facts.seen_now);
        let job = Arc::clone(&held.job);
        match decision {
            Decision::Start {
                cause,
                due_us,
                missed,
            } => {
                held.facts.waits = false;
                held.facts.running += 1;
                let started = Happening::Started {
                    cause,
                    due_us,
                    missed,
                };
                self.outside.tell(&job, &started);
                let (outside, stop) = (Arc::clone(&self.outside), self.stop.clone());
                let run = self.runs.spawn(async move {
                    let well = run_job(&job, outside.as_ref(), &stop).await;
                    let stopped = stop.is_asked();
                    outside.tell(&job, &Happening::Ended { well, stopped });
                    well
                });
                self.job_of_run.insert(run.id(), index);
            }
            Decision::Wait { .. } => {
                held.facts.waits = true;
                self.outside.tell(&job, &Happening::Waits);
            }
            Decision::LeaveOut { .. } => self.outside.tell(&job, &Happening::LeftOut),
        }
    }
}

/// Records a start, so that no other process makes it; `false` when another one was first, or it cannot be recorded.
async fn claim(memory: &Memory, outside: &dyn Outside, held: &mut Held, due_us: i64) -> bool {
    let record = Remembered {
        due_us,
        seen: held.facts.seen_now.clone(),
    };
    match memory
        .remember(&held.job.key, held.number + 1, &record)
        .await
    {
        Ok(true) => {
            held.number += 1;
            held.is_hindered = false;
            true
        }
        Ok(false) => {
            if let Ok(Some((number, record))) = memory.recall(&held.job.key).await {
                held.number = number;
                held.facts.last_due_us = record.due_us;
                held.facts.seen_then = record.seen;
            }
            false
        }
        Err(error) => {
            let diagnostic = error.diagnostic();
            hinder(outside, held, &diagnostic);
            false
        }
    }
}

/// Tells once what hinders a job, not at every turn.
fn hinder(outside: &dyn Outside, held: &mut Held, diagnostic: &Diagnostic) {
    if !held.is_hindered {
        held.is_hindered = true;
        outside.tell(&held.job, &Happening::Hindered { diagnostic });
    }
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
