//! What a bundle declares to be run by itself: its jobs, and the triggers of its pipelines. Must not understand
//! calendars: a cron expression stays text here.

mod notices;
mod task;
mod trigger;

use sluice_model::Diagnostic;
use sluice_model::condition::project;
use sluice_model::job::{Job, Notices, Pause, PipelineTask, Placed, RunIf, Schedules};

use super::bundle::{self, Resolved};
use super::reader::Reader;
use super::yaml::{Entry, Node};
use super::{LoadOptions, ProjectFiles, SpecKind, load, settings};
use task::tasks;
use trigger::{cron, job_trigger};

/// Runs at a time in a target with `mode: development`, where the job does not say.
const DEVELOPMENT_RUNS_MAX: u32 = 4;

const JOB_KEYS: &[&str] = &[
    "budget_policy_id",
    "continuous",
    "deployment",
    "description",
    "edit_mode",
    "email_notifications",
    "environments",
    "format",
    "git_source",
    "health",
    "job_clusters",
    "lifecycle",
    "max_concurrent_runs",
    "name",
    "notification_settings",
    "parameters",
    "performance_target",
    "permissions",
    "queue",
    "run_as",
    "schedule",
    "tags",
    "tasks",
    "timeout_seconds",
    "trigger",
    "usage_policy_id",
    "webhook_notifications",
];

/// Loads what the project that the files declare runs by itself; nothing for a project that is no bundle.
///
/// Reports everything that is wrong with the bundle and its jobs at once, whatever is wrong with its pipelines' SQL.
pub fn load_schedules(
    files: &dyn ProjectFiles,
    options: &LoadOptions,
) -> (Schedules, Vec<Diagnostic>) {
    let mut reader = Reader {
        files,
        options,
        diagnostics: vec![],
    };
    let schedules = read(&mut reader).unwrap_or_default();
    // What is wrong with sluice.yml, the project itself says.
    let said = std::mem::take(&mut reader.diagnostics);
    let destinations = settings::read(&mut reader).destinations;
    let names: Vec<String> = destinations.into_iter().map(|found| found.name).collect();
    reader.diagnostics = said;
    notices::check(&mut reader, &schedules.jobs, &names);
    (schedules, reader.diagnostics)
}

fn read(reader: &mut Reader<'_>) -> Option<Schedules> {
    let choice = load::choose(reader)?;
    let file = choice.file.filter(|_| choice.kind == SpecKind::Bundle)?;
    let bundle = bundle::resolve(reader, &file)?;
    let section = |key: &str| bundle.resources.get(key).map(Node::entries);
    let pipelines = section("pipelines").unwrap_or_default();
    let keys: Vec<&str> = pipelines.iter().map(|entry| entry.key.as_str()).collect();
    let habits = Habits::of(reader, &bundle);
    let mut jobs: Vec<Job> = section("jobs")
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| job(reader, entry, &keys, &habits))
        .collect();
    for entry in pipelines {
        jobs.extend(own_trigger(reader, entry, &habits));
    }
    jobs.sort_by(|left, right| left.key.cmp(&right.key));
    Some(Schedules {
        target: Some(bundle.target),
        jobs,
    })
}

/// What the target says where a job does not.
struct Habits {
    pause: Pause,
    concurrent_runs_max: u32,
    name_prefix: String,
}

impl Habits {
    fn of(reader: &mut Reader<'_>, bundle: &Resolved) -> Self {
        let is_development =
            bundle.mode.as_ref().and_then(Node::scalar).as_deref() == Some("development");
        let mut habits = Self {
            pause: Pause::Unpaused,
            concurrent_runs_max: 1,
            name_prefix: String::new(),
        };
        if is_development {
            habits.pause = Pause::ByTarget;
            habits.concurrent_runs_max = DEVELOPMENT_RUNS_MAX;
            let user = bundle::short_name(&reader.options.user_name);
            habits.name_prefix = format!("[dev {user}] ");
        }
        let Some(presets) = &bundle.presets else {
            return habits;
        };
        match pause_status(reader, presets, "trigger_pause_status") {
            Some(Pause::Paused) => habits.pause = Pause::ByTarget,
            Some(pause) => habits.pause = pause,
            None => {}
        }
        if let Some(number) = number(reader, presets, "jobs_max_concurrent_runs") {
            habits.concurrent_runs_max = u32::try_from(number).unwrap_or(u32::MAX);
        }
        if let Some(prefix) = reader.text(presets, "name_prefix") {
            habits.name_prefix = prefix;
        }
        habits
    }
}

fn job(reader: &mut Reader<'_>, entry: &Entry, pipelines: &[&str], habits: &Habits) -> Option<Job> {
    let node = &entry.node;
    let what = format!("the job `{}`", entry.key);
    if !reader.expect_mapping(node, &what) {
        return None;
    }
    reader.warn_unknown(node, JOB_KEYS, "a job");
    let name = reader
        .text(node, "name")
        .unwrap_or_else(|| entry.key.clone());
    let (trigger, own) = job_trigger(reader, node);
    let tasks = tasks(reader, node, pipelines);
    let queue = node.get("queue");
    let queues = queue.and_then(|queue| reader.boolean(queue, "enabled"));
    Some(Job {
        key: entry.key.clone(),
        name: format!("{}{name}", habits.name_prefix),
        origin: entry.origin.clone(),
        trigger,
        pause: own.unwrap_or(habits.pause),
        tasks,
        concurrent_runs_max: number(reader, node, "max_concurrent_runs")
            .map_or(habits.concurrent_runs_max, |number| {
                u32::try_from(number).unwrap_or(u32::MAX)
            }),
        // A bundle gives its jobs a queue unless they say otherwise.
        queues: queues.unwrap_or(true),
        timeout_seconds: number(reader, node, "timeout_seconds").filter(|seconds| *seconds > 0),
        notices: notices::notices(reader, node),
    })
}

/// The job that a pipeline's own `trigger` is.
fn own_trigger(reader: &mut Reader<'_>, entry: &Entry, habits: &Habits) -> Option<Job> {
    let trigger = entry.node.get("trigger")?;
    if !reader.expect_mapping(trigger, "`trigger` of a pipeline") {
        return None;
    }
    reader.warn_unknown(trigger, &["cron", "manual"], "`trigger` of a pipeline");
    let cron_node = trigger.get("cron")?;
    if !reader.expect_mapping(cron_node, "`cron`") {
        return None;
    }
    reader.warn_unknown(
        cron_node,
        &["quartz_cron_schedule", "timezone_id"],
        "`cron`",
    );
    let name = reader
        .text(&entry.node, "name")
        .unwrap_or_else(|| entry.key.clone());
    Some(Job {
        key: entry.key.clone(),
        name: format!("{}{name}", habits.name_prefix),
        origin: entry.origin.clone(),
        trigger: Some(cron(reader, cron_node, "quartz_cron_schedule")?),
        pause: habits.pause,
        tasks: vec![PipelineTask {
            key: entry.key.clone(),
            origin: entry.origin.clone(),
            pipeline: entry.key.clone(),
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
        queues: false,
        timeout_seconds: None,
        notices: Notices::default(),
    })
}

fn pause_status(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<Pause> {
    match reader.text(node, key)?.as_str() {
        "PAUSED" => Some(Pause::Paused),
        "UNPAUSED" => Some(Pause::Unpaused),
        _ => {
            value(
                reader,
                node.get(key)?,
                &format!("`{key}` must be PAUSED or UNPAUSED"),
            );
            None
        }
    }
}

fn missing(reader: &mut Reader<'_>, node: &Node, key: &str, example: &str) {
    reader.report(
        Diagnostic::error(
            &project::PIPELINE_SPEC_MISSING_REQUIRED_FIELD,
            format!("`{key}` is missing"),
        )
        .at(&node.origin, "")
        .help(format!("for example {example}")),
    );
}

fn value(reader: &mut Reader<'_>, node: &Node, message: &str) {
    reader.report(Diagnostic::error(&project::PROJECT_FIELD_VALUE, message).at(&node.origin, ""));
}

/// The whole number under `key`.
pub(super) fn number(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<u64> {
    let found = node.get(key)?;
    let number = found.scalar().and_then(|text| text.trim().parse().ok());
    if number.is_none() {
        reader.wrong_kind(found, &format!("`{key}`"), "a whole number");
    }
    number
}

/// The text under `key` with its place.
pub(super) fn placed(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<Placed<String>> {
    let value = reader.text(node, key)?;
    let origin = node.get(key)?.origin.clone();
    Some(Placed { value, origin })
}
