//! Which pipeline of a bundle is meant. Must not know what the keys of a pipeline mean.

use sluice_model::condition::project;
use sluice_model::suggest::listed;
use sluice_model::{Diagnostic, Origin};

use super::reader::{Reader, with_suggestion};
use super::yaml::{Node, Value};

/// The pipeline that is meant: by key, by the key of a job that runs just one, or the only one.
pub(super) fn choose_pipeline(
    reader: &mut Reader<'_>,
    resources: &Node,
    top: &Origin,
) -> Option<(String, Node)> {
    let section = resources.get("pipelines");
    let entries = section.map(Node::entries).unwrap_or_default();
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let place = section.map_or(top, |node| &node.origin);
    let chosen = match (reader.options.pipeline_key.as_deref(), keys.as_slice()) {
        (_, []) => Err(Diagnostic::error(
            &project::PIPELINE_NOT_DECLARED,
            "the bundle declares no pipeline",
        )
        .at(top, "")
        .help("declare it under `resources`, `pipelines`; see that `include` covers the file that does")),
        (Some(key), keys) => by_key(resources, key, keys, place),
        (None, [one]) => Ok(*one),
        (None, keys) => Err(Diagnostic::error(
            &project::PIPELINE_KEY_REQUIRED,
            format!("the bundle declares {} pipelines", keys.len()),
        )
        .at(place, "")
        .help(format!(
            "name the one that is meant, as in `sluice run KEY` or, beside a table, `--key KEY`: {}",
            listed(keys.iter().copied())
        ))),
    };
    let chosen = match chosen {
        Ok(key) => entries.iter().find(|entry| entry.key == key)?,
        Err(diagnostic) => {
            reader.report(diagnostic);
            return None;
        }
    };
    reader
        .expect_mapping(&chosen.node, &format!("the pipeline `{}`", chosen.key))
        .then(|| (chosen.key.clone(), chosen.node.clone()))
}

/// The pipeline that a key names, by itself or as that of a job.
fn by_key<'a>(
    resources: &Node,
    key: &str,
    keys: &[&'a str],
    place: &Origin,
) -> Result<&'a str, Diagnostic> {
    let of = |wanted: &str| keys.iter().copied().find(|known| *known == wanted);
    if let Some(found) = of(key) {
        return Ok(found);
    }
    let Some(job) = resources.get("jobs").and_then(|jobs| jobs.entry(key)) else {
        let message = format!("the bundle declares no pipeline `{key}`");
        let diagnostic = Diagnostic::error(&project::PIPELINE_KEY_NOT_FOUND, message).at(place, "");
        return Err(with_suggestion(diagnostic, key, keys));
    };
    let run = of_job(&job.node);
    match run.as_slice() {
        [one] => of(one).ok_or_else(|| {
            let message = format!(
                "the job `{key}` runs the pipeline `{one}`, which the bundle does not declare"
            );
            let diagnostic = Diagnostic::error(&project::PIPELINE_KEY_NOT_FOUND, message);
            with_suggestion(diagnostic.at(&job.origin, ""), one, keys)
        }),
        [] => {
            let message = format!("the job `{key}` runs no pipeline of the bundle");
            Err(Diagnostic::error(&project::PIPELINE_KEY_NOT_FOUND, message)
                .at(&job.origin, "")
                .help(format!("name a pipeline: {}", listed(keys.iter().copied()))))
        }
        several => {
            let message = format!(
                "the job `{key}` runs {} pipelines, and one is asked for",
                several.len()
            );
            let each: Vec<String> = several
                .iter()
                .map(|key| format!("`sluice run {key}`"))
                .collect();
            Err(Diagnostic::error(&project::PIPELINE_KEY_REQUIRED, message)
                .at(&job.origin, "")
                .help(format!("run each: {}", each.join(", then ")))
                .help("by its schedule, the whole job is run by `sluice serve`"))
        }
    }
}

/// The pipelines that the tasks of a job run, each once, in the order of the file.
fn of_job(job: &Node) -> Vec<&str> {
    let mut pipelines: Vec<&str> = vec![];
    for task in job.get("tasks").map(Node::items).unwrap_or_default() {
        let asked = task.get("pipeline_task");
        let id = asked.and_then(|asked| asked.get("pipeline_id"));
        if let Some(Value::String(id)) = id.map(|id| &id.value)
            && !pipelines.contains(&id.as_str())
        {
            pipelines.push(id);
        }
    }
    pipelines
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
