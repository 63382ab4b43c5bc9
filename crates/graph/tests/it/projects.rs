//! The committed projects, from their files to a resolved graph, by the same steps as an update.

use std::path::Path;
use std::sync::Arc;

use crate::support::{Trusting, lines, outside};
use sluice_graph::{ResolvedGraph, declare, resolve};
use sluice_model::Diagnostic;
use sluice_sql::project::{LoadOptions, MemoryFiles, interpolate, load, read_sql};

fn files(folder: &Path, below: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            files(folder, &path, into);
        } else if path.extension().is_some_and(|e| e == "sql" || e == "yml") {
            into.push((
                path.to_str().unwrap().to_owned(),
                std::fs::read(entry.path()).unwrap(),
            ));
        }
    }
}

/// Loads and resolves a project of the repository; panics on errors.
fn project(path: &str) -> ResolvedGraph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    let mut found = vec![];
    files(&folder, Path::new(""), &mut found);
    let files: MemoryFiles = found.into_iter().collect();
    let options = LoadOptions {
        user_name: "dev@example.com".into(),
        folder_name: "folder".into(),
        ..LoadOptions::default()
    };
    let (project, mut diagnostics) = load(&files, &options);
    let project = project.unwrap();
    let mut statements = vec![];
    for source in &project.sources {
        let text = read_sql(&files, source).unwrap();
        let file: Arc<str> = Arc::from(source.as_str());
        let (text, replacements, errors) = interpolate(&file, &text, &project.configuration);
        diagnostics.extend(errors);
        let (parsed, errors) =
            sluice_sql::parse_file(&file, &text, replacements, &project.namespace);
        statements.extend(parsed);
        diagnostics.extend(errors);
    }
    let (graph, more) = declare(statements, &project.name, &project.configuration);
    diagnostics.extend(more);
    let (graph, more) = resolve(&graph, &Trusting, &outside());
    diagnostics.extend(more);
    let errors: Vec<Diagnostic> = diagnostics
        .into_iter()
        .filter(Diagnostic::is_error)
        .collect();
    assert_eq!(lines(&errors), "", "{path}");
    graph
}

#[test]
fn each_project_falls_into_waves() {
    for (path, expected) in [
        ("examples/iot-lakehouse", vec![9, 8, 6, 3]),
        ("tests/projects/van-fleet-notebook", vec![2, 1, 1, 1]),
        ("tests/projects/cold-store", vec![2, 2, 1]),
    ] {
        let graph = project(path);
        let waves: Vec<usize> = graph.order().iter().map(Vec::len).collect();
        assert_eq!(waves, expected, "{path}");
    }
}

#[test]
fn names_are_full_and_settings_are_those_of_the_file() {
    let graph = project("tests/projects/cold-store");
    let names: Vec<String> = graph.datasets.keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "hours",
            "spark_catalog.cold.open too long",
            "spark_catalog.cold.openings",
            "spark_catalog.reports.by_hour",
            "spark_catalog.reports.shifts",
        ]
    );
    let zones: Vec<&str> = graph
        .flows
        .values()
        .map(|flow| flow.settings["spark.sql.session.timeZone"].as_str())
        .collect();
    assert_eq!(
        zones,
        [
            "UTC",
            "Europe/Berlin",
            "Europe/Berlin",
            "Europe/Berlin",
            "UTC",
            "UTC"
        ]
    );
}
