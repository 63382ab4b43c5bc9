//! Decisions over time: what starts, what was missed, what overlaps.

use sluice_model::Origin;
use sluice_model::job::{Notices, PipelineTask, Placed, RunIf};

use super::*;

const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;

fn job(trigger: JobTrigger, queues: bool) -> Job {
    let origin = Origin::new("databricks.yml", 1, 1, 0);
    Job {
        key: "j".into(),
        name: "j".into(),
        origin: origin.clone(),
        trigger: Some(trigger),
        pause: Pause::Unpaused,
        tasks: vec![PipelineTask {
            key: "t".into(),
            origin,
            pipeline: "p".into(),
            depends_on: vec![],
            run_if: RunIf::AllSuccess,
            full_refresh: false,
            refresh: vec![],
            full_refresh_selection: vec![],
            retries_max: Some(0),
            retry_interval_ms: 0,
            timeout_seconds: None,
        }],
        concurrent_runs_max: 1,
        queues,
        timeout_seconds: None,
        notices: Notices::default(),
    }
}

fn placed(text: &str) -> Placed<String> {
    Placed {
        value: text.to_owned(),
        origin: Origin::new("databricks.yml", 1, 1, 0),
    }
}

fn us(text: &str) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    time.timestamp_micros()
}

fn hourly(queues: bool) -> (Job, Timing) {
    let job = job(
        JobTrigger::Cron {
            expression: placed("0 0 * * * ?"),
            time_zone: None,
        },
        queues,
    );
    let timing = Timing::of(&job).unwrap().unwrap();
    (job, timing)
}

#[expect(clippy::unnecessary_wraps, reason = "what a decision is compared with")]
fn start(cause: Cause, due_us: i64, missed: u64) -> Option<Decision> {
    Some(Decision::Start {
        cause,
        due_us,
        missed,
    })
}

#[test]
fn nothing_starts_before_its_time_and_the_time_is_told() {
    let (job, timing) = hourly(true);
    let verdict = decide(&job, &timing, &JobFacts::default(), HOUR - 1);
    assert_eq!((verdict.decision, verdict.wake_us), (None, Some(HOUR)));
    let verdict = decide(&job, &timing, &JobFacts::default(), HOUR);
    assert_eq!(verdict.decision, start(Cause::Due, HOUR, 0));
    assert_eq!(verdict.wake_us, Some(2 * HOUR));
}

#[test]
fn times_that_nobody_was_there_for_are_made_up_for_once() {
    let (job, timing) = hourly(true);
    let verdict = decide(&job, &timing, &JobFacts::default(), 5 * HOUR + MINUTE);
    assert_eq!(verdict.decision, start(Cause::Due, 5 * HOUR, 4));
}

#[test]
fn however_many_were_missed_nothing_is_left_over() {
    let minutes = 8 * 24 * 60;
    let now_us = minutes * MINUTE + 500_000;
    let every_minute = |time_zone| JobTrigger::Cron {
        expression: placed("0 * * * * ?"),
        time_zone,
    };
    let every_hour = JobTrigger::Periodic {
        every_seconds: 3600,
    };
    for (trigger, now_us, due_us, missed) in [
        (every_minute(None), now_us, minutes * MINUTE, 10_000),
        // Through the hour that comes twice.
        (
            every_minute(Some(placed("Europe/Berlin"))),
            us("2026-10-25T01:30:00.5Z"),
            us("2026-10-25T01:30:00Z"),
            10_000,
        ),
        (every_hour, 20_000 * HOUR + 1, 20_000 * HOUR, 19_999),
    ] {
        let job = job(trigger, true);
        let timing = Timing::of(&job).unwrap().unwrap();
        let mut facts = JobFacts::default();
        let verdict = decide(&job, &timing, &facts, now_us);
        assert_eq!(verdict.decision, start(Cause::Due, due_us, missed));
        facts.last_due_us = due_us;
        facts.running = 1;
        assert_eq!(decide(&job, &timing, &facts, now_us).decision, None);
    }
}

#[test]
fn a_run_that_takes_too_long_lets_one_wait_and_leaves_others_out() {
    let (queued, timing) = hourly(true);
    let mut facts = JobFacts {
        running: 1,
        ..JobFacts::default()
    };
    let wait = Some(Decision::Wait { due_us: HOUR });
    assert_eq!(decide(&queued, &timing, &facts, HOUR).decision, wait);
    let (unqueued, _) = hourly(false);
    let left_out = |due_us| Some(Decision::LeaveOut { due_us });
    assert_eq!(
        decide(&unqueued, &timing, &facts, HOUR).decision,
        left_out(HOUR)
    );
    facts.waits = true;
    facts.last_due_us = HOUR;
    let again = decide(&queued, &timing, &facts, 2 * HOUR).decision;
    assert_eq!(again, left_out(2 * HOUR));
    facts.running = 0;
    let waited = decide(&queued, &timing, &facts, 2 * HOUR).decision;
    assert_eq!(waited, start(Cause::Waited, HOUR, 0));
}

#[test]
fn paused_jobs_do_nothing() {
    let (mut job, timing) = hourly(true);
    for pause in [Pause::Paused, Pause::ByTarget] {
        job.pause = pause;
        let verdict = decide(&job, &timing, &JobFacts::default(), 9 * HOUR);
        assert_eq!((verdict.decision, verdict.wake_us), (None, None));
    }
}

#[test]
fn a_period_counts_from_the_start_before() {
    let job = job(
        JobTrigger::Periodic {
            every_seconds: 7200,
        },
        true,
    );
    let timing = Timing::of(&job).unwrap().unwrap();
    let facts = JobFacts {
        last_due_us: HOUR,
        ..JobFacts::default()
    };
    assert_eq!(
        decide(&job, &timing, &facts, 2 * HOUR).wake_us,
        Some(3 * HOUR)
    );
    let verdict = decide(&job, &timing, &facts, 5 * HOUR + 1);
    assert_eq!(verdict.decision, start(Cause::Due, 5 * HOUR, 1));
}

#[test]
fn a_change_starts_once_it_has_settled_and_rested() {
    let rest = Rest {
        min_between_seconds: 3600,
        after_change_seconds: 60,
    };
    let job = job(
        JobTrigger::FileArrival {
            url: placed("/landing"),
            rest,
        },
        true,
    );
    let timing = Timing::of(&job).unwrap().unwrap();
    let mut facts = JobFacts {
        seen_then: vec!["1 file".into()],
        seen_now: vec!["1 file".into()],
        ..JobFacts::default()
    };
    assert_eq!(decide(&job, &timing, &facts, 2 * HOUR).decision, None);
    facts.seen_now = vec!["2 files".into()];
    facts.changed_us = 2 * HOUR;
    let verdict = decide(&job, &timing, &facts, 2 * HOUR);
    assert_eq!(
        (verdict.decision, verdict.wake_us),
        (None, Some(2 * HOUR + MINUTE))
    );
    let verdict = decide(&job, &timing, &facts, 2 * HOUR + MINUTE);
    assert_eq!(
        verdict.decision,
        start(Cause::Changed, 2 * HOUR + MINUTE, 0)
    );
    facts.last_due_us = 2 * HOUR;
    let verdict = decide(&job, &timing, &facts, 2 * HOUR + MINUTE);
    assert_eq!((verdict.decision, verdict.wake_us), (None, Some(3 * HOUR)));
}

#[test]
fn any_or_all_of_the_watched_tables_must_have_changed() {
    for (needs_all, expected) in [(false, true), (true, false)] {
        let job = job(
            JobTrigger::TableUpdate {
                tables: vec![placed("a"), placed("b")],
                needs_all,
                rest: Rest::default(),
            },
            true,
        );
        let timing = Timing::of(&job).unwrap().unwrap();
        let facts = JobFacts {
            seen_then: vec!["1".into(), "1".into()],
            seen_now: vec!["1".into(), "2".into()],
            ..JobFacts::default()
        };
        let verdict = decide(&job, &timing, &facts, HOUR);
        assert_eq!(verdict.decision.is_some(), expected);
    }
}

#[test]
fn a_continuous_job_rests_before_it_starts_again_and_longer_after_failures() {
    let job = job(JobTrigger::Continuous, true);
    let timing = Timing::Continuous;
    let mut facts = JobFacts {
        running: 1,
        ..JobFacts::default()
    };
    assert_eq!(decide(&job, &timing, &facts, HOUR).decision, None);
    // The first run does not wait for anything.
    facts.running = 0;
    assert_eq!(
        decide(&job, &timing, &facts, HOUR).decision,
        start(Cause::Ended, HOUR, 0)
    );
    facts.ended_us = HOUR;
    for (failures, seconds) in [(0, 10), (2, 10), (5, 16), (40, 512)] {
        facts.failures = failures;
        let verdict = decide(&job, &timing, &facts, HOUR);
        let from = HOUR + seconds * 1_000_000;
        assert_eq!((verdict.decision, verdict.wake_us), (None, Some(from)));
        let verdict = decide(&job, &timing, &facts, from);
        assert_eq!(verdict.decision, start(Cause::Ended, from, 0));
    }
}
