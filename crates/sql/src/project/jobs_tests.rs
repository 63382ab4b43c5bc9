//! Jobs of bundles: what is read from them, and what is reported.

use sluice_model::job::{Job, JobTrigger, Pause, RunIf};

use super::*;

fn read(jobs: &str, target: &str) -> (Vec<String>, Vec<String>) {
    let bundle = format!(
        "bundle: {{name: b}}\nresources:\n  pipelines:\n    etl: {{name: etl}}\n  jobs:\n{jobs}\ntargets:\n  prod: {{default: true}}\n  dev: {{mode: development}}\n"
    );
    let files: MemoryFiles = [("databricks.yml", bundle.as_str())].into_iter().collect();
    let options = LoadOptions {
        target: Some(target.to_owned()),
        user_name: "jane.doe@example.com".to_owned(),
        folder_name: "plant".to_owned(),
        ..LoadOptions::default()
    };
    let (schedules, diagnostics) = load_schedules(&files, &options);
    let shown = schedules.jobs.iter().map(show).collect();
    let found = diagnostics
        .iter()
        .map(|d| {
            let line = d.origin().map(|origin| origin.line.saturating_sub(5));
            format!("{} {}", line.unwrap_or_default(), d.condition.name)
        })
        .collect();
    (shown, found)
}

fn show(job: &Job) -> String {
    let trigger = match &job.trigger {
        None => "by hand".to_owned(),
        Some(JobTrigger::Cron {
            expression,
            time_zone,
        }) => format!(
            "cron {} {}",
            expression.value,
            time_zone.as_ref().map_or("-", |zone| &zone.value)
        ),
        Some(JobTrigger::Periodic { every_seconds }) => format!("every {every_seconds} s"),
        Some(JobTrigger::FileArrival { url, rest }) => format!(
            "files {} {}/{}",
            url.value, rest.min_between_seconds, rest.after_change_seconds
        ),
        Some(JobTrigger::TableUpdate {
            tables, needs_all, ..
        }) => format!("{} tables, all {needs_all}", tables.len()),
        Some(JobTrigger::Continuous) => "continuous".to_owned(),
    };
    let tasks: Vec<String> = job
        .tasks
        .iter()
        .map(|task| format!("{}>{}", task.depends_on.join("+"), task.key))
        .collect();
    format!(
        "{} {trigger} {:?} {}x{} {}",
        job.key,
        job.pause,
        job.concurrent_runs_max,
        if job.queues { " queue" } else { "" },
        tasks.join(",")
    )
}

#[track_caller]
fn check(jobs: &str, target: &str, expected: &[&str], found: &[&str]) {
    let (shown, diagnostics) = read(jobs, target);
    assert_eq!(shown, expected);
    assert_eq!(diagnostics, found);
}

const TASK: &str =
    "tasks: [{task_key: t, pipeline_task: {pipeline_id: \"${resources.pipelines.etl.id}\"}}]";

#[test]
fn schedules_and_triggers_are_read() {
    let jobs = format!(
        "    a: {{schedule: {{quartz_cron_expression: 0 0 2 * * ?, timezone_id: Europe/Berlin}}, {TASK}}}
    b: {{trigger: {{periodic: {{interval: 2, unit: DAYS}}, pause_status: PAUSED}}, {TASK}}}
    c: {{trigger: {{file_arrival: {{url: /Volumes/a, min_time_between_triggers_seconds: 120}}}}, queue: {{enabled: false}}, {TASK}}}
    d: {{trigger: {{table_update: {{table_names: [x, y], condition: ALL_UPDATED}}}}, max_concurrent_runs: 3, {TASK}}}
    e: {{continuous: {{pause_status: UNPAUSED}}, {TASK}}}
    f: {{{TASK}}}"
    );
    check(
        &jobs,
        "prod",
        &[
            "a cron 0 0 2 * * ? Europe/Berlin Unpaused 1x queue >t",
            "b every 172800 s Paused 1x queue >t",
            "c files /Volumes/a 120/0 Unpaused 1x >t",
            "d 2 tables, all true Unpaused 3x queue >t",
            "e continuous Unpaused 1x queue >t",
            "f by hand Unpaused 1x queue >t",
        ],
        &[],
    );
}

#[test]
fn a_development_target_pauses_what_does_not_say_otherwise() {
    let jobs = format!(
        "    a: {{schedule: {{quartz_cron_expression: 0 0 2 * * ?}}, {TASK}}}
    b: {{schedule: {{quartz_cron_expression: 0 0 2 * * ?, pause_status: UNPAUSED}}, {TASK}}}"
    );
    check(
        &jobs,
        "dev",
        &[
            "a cron 0 0 2 * * ? - ByTarget 4x queue >t",
            "b cron 0 0 2 * * ? - Unpaused 4x queue >t",
        ],
        &[],
    );
}

#[test]
fn what_cannot_be_meant_is_told_with_its_line() {
    let jobs = "    a: {schedule: {timezone_id: UTC}, tasks: [{task_key: t, notebook_task: {notebook_path: x}}]}
    b: {trigger: {periodic: {interval: 1, unit: MINUTES}}, schedule: {quartz_cron_expression: x}}
    c: {trigger: {file_arrival: {url: x, wait_after_last_change_seconds: 5}}}
    d: {tasks: [{task_key: t, pipeline_task: {pipeline_id: nobody}}]}
    e: {tasks: [{task_key: t, depends_on: [{task_key: u}], pipeline_task: {pipeline_id: etl}}]}
    f: {tasks: [{task_key: t, depends_on: [{task_key: t}], pipeline_task: {pipeline_id: etl}}]}
    g: {schedule: {quartz_cron_expression: x, pause_status: perhaps}}";
    let (_, found) = read(jobs, "prod");
    assert_eq!(
        found,
        [
            "1 PIPELINE_SPEC_MISSING_REQUIRED_FIELD",
            "1 SCHEDULE_TASK_WITHOUT_EFFECT",
            "2 PROJECT_FIELD_CONFLICT",
            "3 PROJECT_FIELD_VALUE",
            "4 SCHEDULE_PIPELINE_NOT_FOUND",
            "5 SCHEDULE_TASK_NOT_FOUND",
            "6 SCHEDULE_TASK_NOT_FOUND",
            "7 PROJECT_FIELD_VALUE",
        ]
    );
}

#[test]
fn a_pipeline_with_a_trigger_of_its_own_is_a_job() {
    let bundle = "bundle: {name: b}\nresources:\n  pipelines:\n    etl: {trigger: {cron: {quartz_cron_schedule: 0 0 * * * ?, timezone_id: UTC}}}\n    other: {trigger: {manual: {}}}\n";
    let files: MemoryFiles = [("databricks.yml", bundle)].into_iter().collect();
    let (schedules, found) = load_schedules(&files, &LoadOptions::default());
    let shown: Vec<String> = schedules.jobs.iter().map(show).collect();
    assert_eq!(shown, ["etl cron 0 0 * * * ? UTC Unpaused 1x >etl"]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(schedules.jobs[0].pause, Pause::Unpaused);
}

/// A job that tells people, and fields of it that have no effect.
const NOTICES: &str = "bundle: {name: b}
resources:
  pipelines: {etl: {name: etl}}
  jobs:
    a:
      webhook_notifications: {on_start: [{id: ops}], on_failure: [{id: ops}, {id: nobody}]}
      email_notifications: {on_success: [Team@example.com], on_streaming_backlog_exceeded: [x]}
      notification_settings: {no_alert_for_skipped_runs: true}
      health:
        rules:
          - {metric: RUN_DURATION_SECONDS, op: GREATER_THAN, value: 600}
          - {metric: STREAMING_BACKLOG_BYTES, op: GREATER_THAN, value: 1}
      tasks:
        - task_key: t
          health: {rules: []}
          pipeline_task: {pipeline_id: etl}
        - task_key: u
          depends_on: [{task_key: t}]
          run_if: ALL_DONE
          pipeline_task: {pipeline_id: etl}
        - task_key: v
          run_if: SOMETIMES
          pipeline_task: {pipeline_id: etl}
          email_notifications: {}
          webhook_notifications: {}
          notification_settings: {}
          health:
";

#[test]
fn who_hears_of_a_job_is_read_and_what_has_no_effect_is_told() {
    let settings = "notification_destinations:
  ops: {webhook: env:OPS}
  team@example.com: {slack: env:TEAM}
";
    let files: MemoryFiles = [("databricks.yml", NOTICES), ("sluice.yml", settings)]
        .into_iter()
        .collect();
    let (schedules, found) = load_schedules(&files, &LoadOptions::default());
    let job = &schedules.jobs[0];
    let recipients = job.notices.recipients.iter();
    let named: Vec<String> = recipients
        .map(|(occasion, name)| format!("{} {}", occasion.event(), name.value))
        .collect();
    assert_eq!(
        named,
        [
            "jobs.on_start ops",
            "jobs.on_failure ops",
            "jobs.on_failure nobody",
            "jobs.on_success Team@example.com"
        ]
    );
    assert_eq!(job.notices.late_after_seconds, Some(600));
    assert!(job.notices.quiet_when_left_out && !job.notices.quiet_when_stopped);
    assert_eq!(job.tasks[1].run_if, RunIf::AllDone);
    let found: Vec<String> = found
        .iter()
        .map(|d| {
            format!(
                "{} {}",
                d.origin().map_or(0, |at| at.line),
                d.condition.name
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "15 PROJECT_FIELD_WITHOUT_EFFECT",
            "22 PROJECT_FIELD_VALUE",
            "7 PROJECT_FIELD_WITHOUT_EFFECT",
            "12 PROJECT_FIELD_WITHOUT_EFFECT",
            "6 NOTIFICATION_WITHOUT_DESTINATION",
        ]
    );
}
