//! `sluice validate`, and `bundle deploy` which needs no more: settings, SQL, names, types and order of the whole project; everything that is wrong at once.

use serde_json::json;
use sluice_model::{DatasetKind, Diagnostic};

use crate::arguments::{Global, Validate};
use crate::exit::Exit;
use crate::render::{Screen, count, diagnostics_json};
use crate::workplace::{Refused, block_on};

/// Checks the project.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Validate) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let mut diagnostics = place.diagnostics.clone();
    let (graph, found) = block_on(place.engine.resolve(&place.declared))?;
    add_new(&mut diagnostics, found);
    let jobs = super::schedule::timetable(global)?;
    add_new(&mut diagnostics, jobs.diagnostics);
    let warnings = diagnostics
        .iter()
        .any(|d| d.severity == sluice_model::Severity::Warning);
    let exit = match Exit::of(&diagnostics) {
        Exit::Success if asked.strict && warnings => Exit::Failure,
        exit => exit,
    };
    let kinds: Vec<DatasetKind> = place
        .declared
        .datasets
        .values()
        .map(|dataset| dataset.kind)
        .collect();
    let of = |kind: DatasetKind| kinds.iter().filter(|k| **k == kind).count();
    let (streaming, materialized) = (
        of(DatasetKind::StreamingTable),
        of(DatasetKind::MaterializedView),
    );
    let project = place.project.as_ref();
    let files = project.map_or(0, |project| project.sources.len());
    if screen.is_json {
        let datasets: Vec<_> = place
            .declared
            .datasets
            .values()
            .map(|dataset| {
                let schema = graph
                    .datasets
                    .get(&dataset.name)
                    .and_then(|resolved| resolved.schema.as_ref());
                json!({
                    "name": dataset.name.to_string(),
                    "kind": dataset.kind.words(),
                    "columns": schema.map(super::show::columns),
                })
            })
            .collect();
        screen.object(&json!({
            "valid": exit == Exit::Success,
            "name": project.map(|project| project.name.clone()),
            "pipeline": project.map(|project| project.key.clone()),
            "target": project.and_then(|project| project.target.clone()),
            "files": files,
            "datasets": datasets,
            "diagnostics": diagnostics_json(&diagnostics),
        }));
        return Ok(exit);
    }
    screen.diagnostics(&diagnostics, &place.texts);
    let name = project.map_or("", |project| project.name.as_str());
    let target = project
        .and_then(|project| project.target.as_deref())
        .map_or_else(String::new, |t| format!("   Target: {t}"));
    screen.line(&format!(
        "Name: {name}{target}   Tables: {} ({streaming} streaming, {materialized} materialized)   Files: {files}",
        streaming + materialized
    ));
    screen.line(&count(&diagnostics).map_or_else(
        || "Validation OK".to_owned(),
        |count| format!("Found {count}"),
    ));
    Ok(exit)
}

/// Checks the project, which runs from where it lies.
pub(crate) fn deploy(screen: &Screen, global: &Global) -> Result<Exit, Refused> {
    let exit = run(screen, global, &Validate::default())?;
    if exit == Exit::Success {
        screen.say(
            "nothing to deploy: `sluice run` and `sluice serve` take the project from its folder",
        );
    }
    Ok(exit)
}

/// Adds what is not said yet: the graph repeats nothing of its declaration, but a file may be named by both.
fn add_new(known: &mut Vec<Diagnostic>, found: Vec<Diagnostic>) {
    for diagnostic in found {
        let is_known = known.iter().any(|other| {
            other.to_string() == diagnostic.to_string() && other.origin() == diagnostic.origin()
        });
        if !is_known {
            known.push(diagnostic);
        }
    }
}
