//! One run of a job: its tasks in the order of what they depend on, with their attempts and time limits. Must not know
//! when it starts.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sluice_model::job::{Job, PipelineTask, RunIf};
use sluice_run::Stop;

use crate::scheduler::{Happening, Outside, TaskEnd};

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    AtWork,
    Done(Outcome),
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Succeeded,
    /// It failed, or was left out because what it needs did not succeed.
    Failed,
    /// Its `run_if` did not hold, which is no failure.
    Excluded,
}

/// Runs a job; says whether all of its tasks completed. Ends early, with what is at work brought to its end, when `stop`
/// is asked or its time is up.
pub(crate) async fn run_job(job: &Job, outside: &dyn Outside, stop: &Stop) -> bool {
    let late = Stop::default();
    let work = async {
        let mut states = vec![State::Waiting; job.tasks.len()];
        let mut at_work = FuturesUnordered::new();
        loop {
            let mut has_settled = true;
            for (index, task) in job.tasks.iter().enumerate() {
                if states.get(index) != Some(&State::Waiting) {
                    continue;
                }
                let may_start = !stop.is_asked() && !late.is_asked();
                let Some(outcomes) = dependencies(job, &states, task) else {
                    continue;
                };
                let next = match left_out(task.run_if, &outcomes) {
                    None if may_start => {
                        let run = run_task(job, task, outside, stop, &late);
                        at_work.push(async move { (index, run.await) });
                        State::AtWork
                    }
                    outcome => {
                        outside.tell(job, &Happening::TaskLeftOut { task });
                        has_settled = false;
                        State::Done(outcome.unwrap_or(Outcome::Failed))
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
            let outcome = match end {
                TaskEnd::Completed => Outcome::Succeeded,
                TaskEnd::Failed | TaskEnd::Stopped | TaskEnd::Busy => Outcome::Failed,
            };
            set(&mut states, index, State::Done(outcome));
        }
        ended_well(job, &states)
    };
    let watched = noticing(job.notices.late_after_seconds, work, || {
        outside.tell(job, &Happening::TakesLong);
    });
    within(job.timeout_seconds, &late, watched, || {
        outside.tell(job, &Happening::TimedOut);
    })
    .await
}

/// Whether every task that no other one waits for ended well: a failure that a later task has dealt with is none.
fn ended_well(job: &Job, states: &[State]) -> bool {
    let is_last = |key: &String| !job.tasks.iter().any(|task| task.depends_on.contains(key));
    let mut last = job
        .tasks
        .iter()
        .zip(states)
        .filter(|(task, _)| is_last(&task.key));
    last.all(|(_, state)| matches!(state, State::Done(Outcome::Succeeded | Outcome::Excluded)))
}

fn set(states: &mut [State], index: usize, state: State) {
    if let Some(place) = states.get_mut(index) {
        *place = state;
    }
}

/// What became of all that a task depends on; `None` while something of it has not ended.
fn dependencies(job: &Job, states: &[State], task: &PipelineTask) -> Option<Vec<Outcome>> {
    let mut outcomes = vec![];
    for (other, state) in job.tasks.iter().zip(states) {
        if task.depends_on.contains(&other.key) {
            match state {
                State::Done(outcome) => outcomes.push(*outcome),
                State::Waiting | State::AtWork => return None,
            }
        }
    }
    Some(outcomes)
}

/// What becomes of a task that does not run, given what became of those that it depends on; `None`: it runs.
fn left_out(run_if: RunIf, outcomes: &[Outcome]) -> Option<Outcome> {
    let has = |wanted| outcomes.contains(&wanted);
    let has_run = has(Outcome::Succeeded) || has(Outcome::Failed);
    if outcomes.is_empty() {
        return None;
    }
    if !has_run {
        return Some(Outcome::Excluded);
    }
    let holds = match run_if {
        RunIf::AllSuccess if has(Outcome::Failed) => return Some(Outcome::Failed),
        RunIf::AllSuccess | RunIf::AllDone => true,
        RunIf::AtLeastOneSuccess => has(Outcome::Succeeded),
        RunIf::NoneFailed => !has(Outcome::Failed),
        RunIf::AtLeastOneFailed => has(Outcome::Failed),
        RunIf::AllFailed => outcomes.iter().all(|outcome| *outcome == Outcome::Failed),
    };
    (!holds).then_some(Outcome::Excluded)
}

async fn run_task(
    job: &Job,
    task: &PipelineTask,
    outside: &dyn Outside,
    stop: &Stop,
    late: &Stop,
) -> TaskEnd {
    let mut attempt = 1;
    loop {
        // One wish ends the attempt, whoever speaks it.
        let asked = Stop::default();
        let mut update = outside.run(task, asked.clone());
        let watched = async {
            tokio::select! {
                end = &mut update => return end,
                () = stop.asked() => {}
                () = late.asked() => {}
            }
            asked.ask();
            update.await
        };
        let end = within(task.timeout_seconds, &asked, watched, || {
            outside.tell(job, &Happening::TimedOut);
        })
        .await;
        let is_stopped = stop.is_asked() || late.is_asked();
        let may_try_again = task.retries_max.is_none_or(|retries| attempt <= retries);
        if matches!(end, TaskEnd::Completed | TaskEnd::Stopped) || is_stopped || !may_try_again {
            return end;
        }
        attempt += 1;
        outside.tell(job, &Happening::TriedAgain { task, attempt });
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(task.retry_interval_ms)) => {}
            () = stop.asked() => return TaskEnd::Stopped,
            () = late.asked() => return TaskEnd::Stopped,
        }
    }
}

/// Waits for work; when it takes longer than this, says so once and goes on waiting.
async fn noticing<T>(
    seconds: Option<u64>,
    work: impl Future<Output = T>,
    tell: impl FnOnce(),
) -> T {
    tokio::pin!(work);
    if let Some(seconds) = seconds {
        tokio::select! {
            ended = &mut work => return ended,
            () = tokio::time::sleep(Duration::from_secs(seconds)) => tell(),
        }
    }
    work.await
}

/// Waits for work; when its time is up, asks it to end and goes on waiting.
async fn within<T>(
    seconds: Option<u64>,
    late: &Stop,
    work: impl Future<Output = T>,
    tell: impl FnOnce(),
) -> T {
    let end = || {
        late.ask();
        tell();
    };
    noticing(seconds, work, end).await
}

#[cfg(test)]
#[path = "job_run_tests.rs"]
mod tests;
