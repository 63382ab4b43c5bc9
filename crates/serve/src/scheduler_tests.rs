//! A scheduler in a world whose clock stands still until it is moved.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use sluice_model::condition::source::FILE_UNREADABLE;
use sluice_model::job::{Notices, Pause, Placed, Rest, RunIf};
use sluice_model::{Clock, Ids, Origin};
use sluice_table::{Store, StoreOptions};

use super::*;

const HOUR: i64 = 3_600_000_000;

#[derive(Debug, Default)]
struct Fake {
    now_us: AtomicI64,
    seen: Mutex<Seen>,
    /// Whether what is watched cannot be looked at.
    is_blind: AtomicBool,
    /// Whether the next task panics.
    panics: AtomicBool,
    /// How the next tasks end; completed when there is none. Those that are stopped wait for it.
    ends: Mutex<Vec<TaskEnd>>,
    told: Mutex<Vec<String>>,
}

impl Clock for Fake {
    fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Ids for Counting {
    fn uuid(&self) -> String {
        self.0.fetch_add(1, Ordering::SeqCst).to_string()
    }
}

impl Outside for Fake {
    fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::SeqCst)
    }

    fn run(&self, _: &PipelineTask, stop: Stop) -> BoxFuture<'_, TaskEnd> {
        let panics = self.panics.swap(false, Ordering::SeqCst);
        let mut ends = self.ends.lock().unwrap();
        let end = if ends.is_empty() {
            TaskEnd::Completed
        } else {
            ends.remove(0)
        };
        Box::pin(async move {
            assert!(!panics, "on purpose");
            if end == TaskEnd::Stopped {
                stop.asked().await;
            }
            end
        })
    }

    fn look<'a>(&'a self, _: &'a JobTrigger) -> BoxFuture<'a, Result<Seen, Diagnostic>> {
        let seen = if self.is_blind.load(Ordering::SeqCst) {
            Err(Diagnostic::error(&FILE_UNREADABLE, "the disk is gone"))
        } else {
            Ok(self.seen.lock().unwrap().clone())
        };
        Box::pin(async move { seen })
    }

    fn tell(&self, job: &Job, happening: &Happening<'_>) {
        let words = match happening {
            Happening::Started { due_us, missed, .. } => {
                format!("started for {} h, missed {missed}", due_us / HOUR)
            }
            Happening::TaskEnded { task, end } => format!("{} {end:?}", task.key),
            Happening::TaskLeftOut { task } => format!("{} left out", task.key),
            Happening::TriedAgain { task, attempt } => format!("{} attempt {attempt}", task.key),
            Happening::Ended { well, .. } => format!("ended {well}"),
            Happening::Hindered { diagnostic } => {
                format!("hindered {}", diagnostic.condition.name)
            }
            other => format!("{other:?}"),
        };
        self.told
            .lock()
            .unwrap()
            .push(format!("{} {words}", job.key));
    }
}

fn placed(text: &str) -> Placed<String> {
    Placed {
        value: text.to_owned(),
        origin: Origin::new("databricks.yml", 1, 1, 0),
    }
}

fn task(key: &str, after: &[&str], retries: u32) -> PipelineTask {
    PipelineTask {
        key: key.into(),
        origin: Origin::new("databricks.yml", 1, 1, 0),
        pipeline: "p".into(),
        depends_on: after.iter().map(|&key| key.to_owned()).collect(),
        run_if: RunIf::AllSuccess,
        full_refresh: false,
        refresh: vec![],
        full_refresh_selection: vec![],
        retries_max: Some(retries),
        retry_interval_ms: 0,
        timeout_seconds: None,
    }
}

fn hourly(tasks: Vec<PipelineTask>) -> (Job, Timing) {
    let job = Job {
        key: "nightly".into(),
        name: "nightly".into(),
        origin: Origin::new("databricks.yml", 1, 1, 0),
        trigger: Some(JobTrigger::Cron {
            expression: placed("0 0 * * * ?"),
            time_zone: None,
        }),
        pause: Pause::Unpaused,
        tasks,
        concurrent_runs_max: 1,
        queues: true,
        timeout_seconds: None,
        notices: Notices::default(),
    };
    let timing = Timing::of(&job).unwrap().unwrap();
    (job, timing)
}

struct Stage {
    fake: Arc<Fake>,
    memory: Memory,
}

impl Stage {
    fn new() -> Self {
        let fake = Arc::new(Fake::default());
        let options = StoreOptions::new(fake.clone(), Arc::new(Counting::default()));
        let store = Store::memory(options).unwrap();
        let memory = Memory::new(&store, Some("prod"));
        Self { fake, memory }
    }

    async fn scheduler(&self, job: (Job, Timing)) -> Scheduler {
        Scheduler::new(vec![job], self.fake.clone(), self.memory.clone())
            .await
            .unwrap()
    }

    fn at(&self, now_us: i64) {
        self.fake.now_us.store(now_us, Ordering::SeqCst);
    }

    fn sees(&self, mark: &str) {
        *self.fake.seen.lock().unwrap() = vec![mark.to_owned()];
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.told.lock().unwrap())
    }
}

#[tokio::test]
async fn a_job_starts_at_its_times_and_not_at_those_before_it_was_first_seen() {
    let stage = Stage::new();
    stage.at(10 * HOUR + 1);
    let mut scheduler = stage.scheduler(hourly(vec![task("t", &[], 0)])).await;
    assert_eq!(scheduler.run(Until::NothingIsDue).await, 0);
    assert_eq!(stage.told(), [""; 0]);
    stage.at(11 * HOUR);
    scheduler.run(Until::NothingIsDue).await;
    let run = [
        "nightly started for 11 h, missed 0",
        "nightly t Completed",
        "nightly ended true",
    ];
    assert_eq!(stage.told(), run);
}

#[tokio::test]
async fn what_was_missed_while_nobody_ran_is_made_up_for_once() {
    let stage = Stage::new();
    let job = || hourly(vec![task("t", &[], 0)]);
    drop(stage.scheduler(job()).await);
    stage.at(5 * HOUR);
    stage.scheduler(job()).await.run(Until::NothingIsDue).await;
    assert_eq!(stage.told()[0], "nightly started for 5 h, missed 4");
    stage.scheduler(job()).await.run(Until::NothingIsDue).await;
    assert_eq!(stage.told(), [""; 0]);
}

#[tokio::test]
async fn two_processes_never_start_the_same() {
    let stage = Stage::new();
    let job = || hourly(vec![task("t", &[], 0)]);
    let mut first = stage.scheduler(job()).await;
    let mut second = stage.scheduler(job()).await;
    stage.at(HOUR);
    first.run(Until::NothingIsDue).await;
    second.run(Until::NothingIsDue).await;
    let starts = stage
        .told()
        .into_iter()
        .filter(|line| line.contains("started"));
    assert_eq!(starts.count(), 1);
}

#[tokio::test]
async fn tasks_run_after_those_that_they_depend_on() {
    let stage = Stage::new();
    let tasks = || {
        vec![
            task("c", &["b"], 0),
            task("b", &["a"], 1),
            task("a", &[], 0),
        ]
    };
    let mut scheduler = stage.scheduler(hourly(tasks())).await;
    stage.at(HOUR);
    *stage.fake.ends.lock().unwrap() = vec![TaskEnd::Completed, TaskEnd::Failed, TaskEnd::Failed];
    assert_eq!(scheduler.run(Until::NothingIsDue).await, 1);
    let expected = [
        "nightly started for 1 h, missed 0",
        "nightly a Completed",
        "nightly b attempt 2",
        "nightly b Failed",
        "nightly c left out",
        "nightly ended false",
    ];
    assert_eq!(stage.told(), expected);
}

fn watching() -> (Job, Timing) {
    let (mut job, _) = hourly(vec![task("t", &[], 0)]);
    job.trigger = Some(JobTrigger::FileArrival {
        url: placed("/landing"),
        rest: Rest::default(),
    });
    let timing = Timing::of(&job).unwrap().unwrap();
    (job, timing)
}

#[tokio::test]
async fn new_files_start_a_run_and_old_ones_do_not() {
    let stage = Stage::new();
    stage.sees("3 files");
    let mut scheduler = stage.scheduler(watching()).await;
    scheduler.run(Until::NothingIsDue).await;
    assert_eq!(stage.told(), [""; 0]);
    stage.sees("4 files");
    scheduler.run(Until::NothingIsDue).await;
    assert_eq!(stage.told(), [""; 0], "looked at a moment ago");
    stage.at(LOOK_EVERY_US);
    scheduler.run(Until::NothingIsDue).await;
    assert_eq!(stage.told().len(), 3);
}

#[tokio::test]
async fn what_was_seen_stands_while_nothing_can_be_seen() {
    let stage = Stage::new();
    stage.sees("3 files");
    let mut scheduler = stage.scheduler(watching()).await;
    for (look, seen) in [(1, "4 files"), (2, "5 files")] {
        stage.at(look * LOOK_EVERY_US);
        stage.sees(seen);
        scheduler.turn().await;
    }
    stage.fake.is_blind.store(true, Ordering::SeqCst);
    assert!(scheduler.next_end().await);
    // The start that waited takes place without a look.
    for look in [3, 4] {
        stage.at(look * LOOK_EVERY_US);
        scheduler.turn().await;
    }
    assert!(scheduler.next_end().await);
    // What has come in the meantime is new.
    stage.fake.is_blind.store(false, Ordering::SeqCst);
    stage.sees("6 files");
    stage.at(5 * LOOK_EVERY_US);
    scheduler.run(Until::NothingIsDue).await;
    let mut told = stage.told();
    told.retain(|line| !line.contains("Completed") && !line.contains("ended"));
    let started = "nightly started for 0 h, missed 0";
    let expected = [
        started,
        "nightly Waits",
        "nightly hindered FILE_UNREADABLE",
        started,
        started,
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_run_that_a_bug_ends_has_failed_and_the_job_starts_again() {
    let stage = Stage::new();
    let mut scheduler = stage.scheduler(hourly(vec![task("t", &[], 0)])).await;
    stage.at(HOUR);
    stage.fake.panics.store(true, Ordering::SeqCst);
    assert_eq!(scheduler.run(Until::NothingIsDue).await, 1);
    let broken = [
        "nightly started for 1 h, missed 0",
        "nightly hindered INTERNAL_ERROR",
        "nightly ended false",
    ];
    assert_eq!(stage.told(), broken);
    stage.at(2 * HOUR);
    assert_eq!(scheduler.run(Until::NothingIsDue).await, 1);
    assert_eq!(stage.told().last().unwrap(), "nightly ended true");
}

#[tokio::test]
async fn a_run_at_work_is_stopped_and_waited_for() {
    let stage = Stage::new();
    let mut scheduler = stage.scheduler(hourly(vec![task("t", &[], 0)])).await;
    stage.at(HOUR);
    *stage.fake.ends.lock().unwrap() = vec![TaskEnd::Stopped];
    let has_begun = async {
        while !stage.fake.ends.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let failed = scheduler.run(Until::Stopped(Box::pin(has_begun))).await;
    assert_eq!(failed, 1);
    let expected = [
        "nightly started for 1 h, missed 0",
        "nightly t Stopped",
        "nightly ended false",
    ];
    assert_eq!(stage.told(), expected);
}

#[tokio::test]
async fn a_task_that_waits_for_its_next_attempt_does_not_keep_the_end_waiting() {
    let stage = Stage::new();
    let mut failing = task("t", &[], 1);
    failing.retry_interval_ms = 3_600_000;
    let mut scheduler = stage.scheduler(hourly(vec![failing])).await;
    stage.at(HOUR);
    *stage.fake.ends.lock().unwrap() = vec![TaskEnd::Failed];
    let rests = async {
        let attempt = "nightly t attempt 2".to_owned();
        while !stage.fake.told.lock().unwrap().contains(&attempt) {
            tokio::task::yield_now().await;
        }
    };
    let failed = scheduler.run(Until::Stopped(Box::pin(rests))).await;
    assert_eq!(failed, 1);
    assert_eq!(
        stage.told()[2..],
        ["nightly t Stopped", "nightly ended false"]
    );
}

#[tokio::test]
async fn a_task_that_repairs_runs_only_when_there_is_something_to_repair() {
    let stage = Stage::new();
    let repair = PipelineTask {
        run_if: RunIf::AtLeastOneFailed,
        ..task("repair", &["load"], 0)
    };
    let tasks = vec![task("load", &[], 0), repair];
    let mut scheduler = stage.scheduler(hourly(tasks)).await;
    stage.at(HOUR);
    assert_eq!(scheduler.run(Until::NothingIsDue).await, 0);
    let sound = [
        "nightly started for 1 h, missed 0",
        "nightly load Completed",
        "nightly repair left out",
        "nightly ended true",
    ];
    assert_eq!(stage.told(), sound);
    stage.at(2 * HOUR);
    *stage.fake.ends.lock().unwrap() = vec![TaskEnd::Failed];
    assert_eq!(scheduler.run(Until::NothingIsDue).await, 0);
    let repaired = [
        "nightly started for 2 h, missed 0",
        "nightly load Failed",
        "nightly repair Completed",
        "nightly ended true",
    ];
    assert_eq!(stage.told(), repaired);
}

#[tokio::test]
async fn a_run_that_takes_longer_than_its_health_rule_allows_is_told_and_goes_on() {
    let stage = Stage::new();
    let (mut job, timing) = hourly(vec![task("t", &[], 1)]);
    job.tasks[0].retry_interval_ms = 50;
    job.notices.late_after_seconds = Some(0);
    let mut scheduler = stage.scheduler((job, timing)).await;
    stage.at(HOUR);
    *stage.fake.ends.lock().unwrap() = vec![TaskEnd::Failed];
    scheduler.run(Until::NothingIsDue).await;
    let told = stage.told();
    assert!(told.contains(&"nightly TakesLong".to_owned()), "{told:?}");
    assert_eq!(told.last().unwrap(), "nightly ended true");
}
