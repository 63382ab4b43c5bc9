//! The tasks of a job: those that run a pipeline, and what becomes of others. Must not know when they run.

use sluice_model::condition::{project, serve};
use sluice_model::job::{PipelineTask, RunIf};
use sluice_model::{Diagnostic, Origin};

use super::super::reader::{Reader, with_suggestion};
use super::super::yaml::{Node, Value};
use super::{missing, notices, number};

/// The pipeline tasks of a job, in the order of the file.
pub(super) fn tasks(reader: &mut Reader<'_>, job: &Node, pipelines: &[&str]) -> Vec<PipelineTask> {
    let Some(list) = job.get("tasks") else {
        return vec![];
    };
    if !matches!(list.value, Value::Sequence(_)) {
        reader.wrong_kind(list, "`tasks`", "a list of tasks");
        return vec![];
    }
    let mut tasks: Vec<PipelineTask> = vec![];
    let mut left_out: Vec<String> = vec![];
    for node in list.items() {
        if !reader.expect_mapping(node, "a task") {
            continue;
        }
        let Some(key) = reader.text(node, "task_key") else {
            missing(reader, node, "task_key", "`task_key: refresh`");
            continue;
        };
        let origin = node
            .entry("task_key")
            .map_or(&node.origin, |e| &e.node.origin);
        notices::of_task(reader, node);
        match node.get("pipeline_task") {
            Some(asked) => tasks.extend(task(reader, node, asked, key, origin, pipelines)),
            None => {
                let kind = node.entries().iter().find(|e| e.key.ends_with("_task"));
                let kind = kind.map_or("task of no kind", |e| e.key.as_str());
                reader.report(
                    Diagnostic::warning(
                        &serve::SCHEDULE_TASK_WITHOUT_EFFECT,
                        format!("the task `{key}` is left out: a `{kind}` runs at Databricks only"),
                    )
                    .at(origin, ""),
                );
                left_out.push(key);
            }
        }
    }
    check_order(reader, &mut tasks, &left_out);
    tasks
}

const TASK_KEYS: &[&str] = &[
    "pipeline_id",
    "full_refresh",
    "refresh_selection",
    "full_refresh_selection",
    "reset_checkpoint_selection",
    "parameters",
];

fn task(
    reader: &mut Reader<'_>,
    node: &Node,
    asked: &Node,
    key: String,
    origin: &Origin,
    pipelines: &[&str],
) -> Option<PipelineTask> {
    if !reader.expect_mapping(asked, "`pipeline_task`") {
        return None;
    }
    reader.warn_unknown(asked, TASK_KEYS, "`pipeline_task`");
    for key in ["reset_checkpoint_selection", "parameters"] {
        if let Some(entry) = asked.entry(key) {
            let message = format!("`{key}` of a pipeline task is not supported");
            reader.report(
                Diagnostic::error(&project::PROJECT_FIELD_NOT_SUPPORTED, message)
                    .at(&entry.origin, "")
                    .help("take it out; `full_refresh_selection` fills tables anew, `configuration` of the pipeline holds values"),
            );
        }
    }
    let Some(pipeline) = reader.text(asked, "pipeline_id") else {
        missing(
            reader,
            asked,
            "pipeline_id",
            "`pipeline_id: ${resources.pipelines.KEY.id}`",
        );
        return None;
    };
    if !pipelines.contains(&pipeline.as_str()) {
        let place = asked.get("pipeline_id").map_or(origin, |n| &n.origin);
        let diagnostic = Diagnostic::error(
            &serve::SCHEDULE_PIPELINE_NOT_FOUND,
            format!("the bundle declares no pipeline `{pipeline}`"),
        );
        reader.report(with_suggestion(
            diagnostic.at(place, ""),
            &pipeline,
            pipelines,
        ));
        return None;
    }
    let depends_on = node.get("depends_on").map(Node::items).unwrap_or_default();
    let depends_on = depends_on
        .iter()
        .filter_map(|node| reader.text(node, "task_key"))
        .collect();
    let retries = node.get("max_retries").and_then(Node::scalar);
    Some(PipelineTask {
        key,
        origin: origin.clone(),
        pipeline,
        depends_on,
        run_if: run_if(reader, node),
        full_refresh: reader.boolean(asked, "full_refresh").unwrap_or(false),
        refresh: names(reader, asked, "refresh_selection"),
        full_refresh_selection: names(reader, asked, "full_refresh_selection"),
        retries_max: match retries.as_deref() {
            Some("-1") => None,
            Some(_) => Some(number(reader, node, "max_retries").map_or(0, narrow)),
            None => Some(0),
        },
        retry_interval_ms: number(reader, node, "min_retry_interval_millis").unwrap_or(0),
        timeout_seconds: number(reader, node, "timeout_seconds").filter(|seconds| *seconds > 0),
    })
}

fn run_if(reader: &mut Reader<'_>, task: &Node) -> RunIf {
    let Some(written) = reader.text(task, "run_if") else {
        return RunIf::default();
    };
    let known = RunIf::NAMED.iter().find(|(name, _)| *name == written);
    if let Some((_, found)) = known {
        return *found;
    }
    let place = task.get("run_if").map_or(&task.origin, |node| &node.origin);
    let names: Vec<&str> = RunIf::NAMED.iter().map(|(name, _)| *name).collect();
    let diagnostic = Diagnostic::error(
        &project::PROJECT_FIELD_VALUE,
        format!("`run_if` must be one of {}", names.join(", ")),
    );
    reader.report(with_suggestion(diagnostic.at(place, ""), &written, &names));
    RunIf::default()
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Tasks that others wait for are there and wait for nothing in a circle; those left out are waited for no longer.
fn check_order(reader: &mut Reader<'_>, tasks: &mut [PipelineTask], left_out: &[String]) {
    let keys: Vec<String> = tasks.iter().map(|task| task.key.clone()).collect();
    let mut broken = vec![];
    for task in tasks.iter_mut() {
        for other in &task.depends_on {
            if !keys.contains(other) && !left_out.contains(other) {
                let message = format!(
                    "the task `{}` depends on `{other}`, which the job does not have",
                    task.key
                );
                let diagnostic = Diagnostic::error(&serve::SCHEDULE_TASK_NOT_FOUND, message);
                let known: Vec<&str> = keys.iter().map(String::as_str).collect();
                broken.push(with_suggestion(
                    diagnostic.at(&task.origin, ""),
                    other,
                    &known,
                ));
            }
        }
        task.depends_on.retain(|other| keys.contains(other));
    }
    let mut done: Vec<&str> = vec![];
    while let Some(task) = tasks.iter().find(|task| {
        !done.contains(&task.key.as_str())
            && task
                .depends_on
                .iter()
                .all(|other| done.contains(&other.as_str()))
    }) {
        done.push(&task.key);
    }
    if let Some(stuck) = tasks.iter().find(|task| !done.contains(&task.key.as_str())) {
        let message = format!(
            "the task `{}` depends, through others, on itself",
            stuck.key
        );
        broken.push(
            Diagnostic::error(&serve::SCHEDULE_TASK_NOT_FOUND, message).at(&stuck.origin, ""),
        );
    }
    for diagnostic in broken {
        reader.report(diagnostic);
    }
}

fn names(reader: &mut Reader<'_>, node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    let mut names = vec![];
    for item in items {
        match item.scalar() {
            Some(name) => names.push(name),
            None => reader.wrong_kind(item, &format!("an item of `{key}`"), "the name of a table"),
        }
    }
    names
}
