//! One run of a job: its tasks in the order of what they depend on, with their attempts and time limits. Must not know
//! when it starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sluice_model::job::{Job, PipelineTask};

use crate::scheduler::{Happening, Outside, TaskEnd};

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    AtWork,
    Done { well: bool },
}

/// Runs a job; says whether all of its tasks completed. Ends early, with what is at work brought to its end, when `stop`
/// is set or its time is up.
pub(crate) async fn run_job(job: &Job, outside: &dyn Outside, stop: &Arc<AtomicBool>) -> bool {
    let late = Arc::new(AtomicBool::new(false));
    let work = async {
        let mut states = vec![State::Waiting; job.tasks.len()];
        let mut at_work = FuturesUnordered::new();
        loop {
            let mut has_settled = true;
            for (index, task) in job.tasks.iter().enumerate() {
                if states.get(index) != Some(&State::Waiting) {
                    continue;
                }
                let may_start = !stop.load(Ordering::Relaxed) && !late.load(Ordering::Relaxed);
                let next = match dependencies(job, &states, task) {
                    Some(true) if may_start => {
                        let run = run_task(job, task, outside, stop, &late);
                        at_work.push(async move { (index, run.await) });
                        State::AtWork
                    }
                    None => continue,
                    Some(_) => {
                        outside.tell(job, &Happening::TaskLeftOut { task });
                        has_settled = false;
                        State::Done { well: false }
                    }
                };
                set(&mut states, index, next);
            }
            if !has_settled {
                continue;
            }
            let Some((index, end)) = at_work.next().await else {
                break;
            };
            if let Some(task) = job.tasks.get(index) {
                outside.tell(job, &Happening::TaskEnded { task, end });
            }
            let well = end == TaskEnd::Completed;
            set(&mut states, index, State::Done { well });
        }
        states
            .iter()
            .all(|state| *state == State::Done { well: true })
    };
    within(job.timeout_seconds, &late, work, || {
        outside.tell(job, &Happening::TimedOut);
    })
    .await
}

fn set(states: &mut [State], index: usize, state: State) {
    if let Some(place) = states.get_mut(index) {
        *place = state;
    }
}

/// Whether all that a task depends on ended well; `None` while something of it has not ended.
fn dependencies(job: &Job, states: &[State], task: &PipelineTask) -> Option<bool> {
    let mut all_well = true;
    for (other, state) in job.tasks.iter().zip(states) {
        if task.depends_on.contains(&other.key) {
            match state {
                State::Done { well } => all_well &= well,
                State::Waiting | State::AtWork => return None,
            }
        }
    }
    Some(all_well)
}

async fn run_task(
    job: &Job,
    task: &PipelineTask,
    outside: &dyn Outside,
    stop: &Arc<AtomicBool>,
    late: &Arc<AtomicBool>,
) -> TaskEnd {
    let mut attempt = 1;
    loop {
        // One flag stops the attempt, whoever asks for it.
        let asked = Arc::new(AtomicBool::new(false));
        let update = outside.run(task, Arc::clone(&asked));
        let watched = async {
            tokio::pin!(update);
            loop {
                tokio::select! {
                    end = &mut update => break end,
                    () = tokio::time::sleep(Duration::from_millis(100)) => {
                        if stop.load(Ordering::Relaxed) || late.load(Ordering::Relaxed) {
                            asked.store(true, Ordering::Relaxed);
                        }
                    }
                }
            }
        };
        let end = within(task.timeout_seconds, &asked, watched, || {
            outside.tell(job, &Happening::TimedOut);
        })
        .await;
        let is_stopped = stop.load(Ordering::Relaxed) || late.load(Ordering::Relaxed);
        let may_try_again = task.retries_max.is_none_or(|retries| attempt <= retries);
        if matches!(end, TaskEnd::Completed | TaskEnd::Stopped) || is_stopped || !may_try_again {
            return end;
        }
        attempt += 1;
        outside.tell(job, &Happening::TriedAgain { task, attempt });
        rest(task.retry_interval_ms, stop).await;
    }
}

/// Waits between attempts, but not for one who wants to stop.
async fn rest(milliseconds: u64, stop: &AtomicBool) {
    let mut left = milliseconds;
    while left > 0 && !stop.load(Ordering::Relaxed) {
        let step = left.min(100);
        tokio::time::sleep(Duration::from_millis(step)).await;
        left -= step;
    }
}

/// Waits for work; when its time is up, raises the flag that makes it end and goes on waiting.
async fn within<T>(
    seconds: Option<u64>,
    late: &AtomicBool,
    work: impl Future<Output = T>,
    tell: impl FnOnce(),
) -> T {
    tokio::pin!(work);
    if let Some(seconds) = seconds {
        tokio::select! {
            ended = &mut work => return ended,
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {
                late.store(true, Ordering::Relaxed);
                tell();
            }
        }
    }
    work.await
}
