//! Keeps the test of a project inside its own folder: which files of the project it takes along, and where the paths
//! that the project reads lie. Must not know stations.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sluice_model::DatasetName;
use sluice_source::PathRules;
use sluice_sql::project::{Project, ProjectFiles as _};
use sluice_sql::query::{ArgumentValue, Query, Relation, RelationSource};
use sluice_sql::statement::{FlowBody, Statement, StatementKind, WrittenName};

use crate::project_disk::DiskFiles;

/// Files that say what a project is. Everything else may be data, and a test begins without any.
const DESCRIPTION: [&str; 6] = ["sql", "yml", "yaml", "json", "py", "ipynb"];
/// What paths begin with that no `sluice.yml` has to map for a test.
const ELSEWHERE: [(&str, &str); 8] = [
    ("/Volumes", "Volumes"),
    ("dbfs:", "dbfs"),
    ("s3:", "s3"),
    ("s3a:", "s3a"),
    ("s3n:", "s3n"),
    ("abfss:", "abfss"),
    ("gs:", "gs"),
    ("wasbs:", "wasbs"),
];

/// Copies what describes a project; neither its data nor its tests.
pub(super) fn copy_description(from: &Path, to: &Path) -> Result<(), String> {
    let listed = DiskFiles::walk(from);
    let wanted = |path: &&String| {
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        let is_description = extension.is_some_and(|extension| {
            DESCRIPTION
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
        });
        is_description && !path.starts_with("tests/")
    };
    for path in listed.paths().iter().filter(wanted) {
        copy(&from.join(path), &to.join(path)).map_err(|error| format!("{path}: {error}"))?;
    }
    let overrides = ".databricks/bundle";
    if from.join(overrides).is_dir() {
        copy(&from.join(overrides), &to.join(overrides))
            .map_err(|error| format!("{overrides}: {error}"))?;
    }
    Ok(())
}

/// Copies a file, or a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The rules of a project, bent so that no path leads out: what `sluice.yml` maps to a folder elsewhere, volumes, buckets
/// and absolute paths all lie below `outside`.
pub(super) fn rules(
    project: &Project,
    folder: PathBuf,
    outside: &Path,
    reads: &[String],
) -> PathRules {
    let bent = |target: &String| {
        let leads_out = target.starts_with('/') || target.contains("://");
        if leads_out {
            let below = target.replace("://", "/");
            outside
                .join(below.trim_start_matches('/'))
                .display()
                .to_string()
        } else {
            target.clone()
        }
    };
    let settings = &project.settings;
    let mapped = |(prefix, target): (&String, &String)| (prefix.clone(), bent(target));
    let mut paths: Vec<(String, String)> = settings.paths.iter().map(mapped).collect();
    let mut lead = |prefix: &str, below: &str| {
        paths.push((prefix.to_owned(), outside.join(below).display().to_string()));
    };
    for (prefix, below) in ELSEWHERE {
        lead(prefix, below);
    }
    for read in reads {
        let first = read
            .strip_prefix('/')
            .and_then(|rest| rest.split('/').next());
        if let Some(first) = first.filter(|first| !first.is_empty()) {
            lead(&format!("/{first}"), first);
        }
    }
    PathRules {
        project_folder: folder,
        volumes: settings.volumes.iter().map(mapped).collect(),
        paths,
        engine_folders: vec![],
        engine_urls: vec![],
    }
}

/// The paths that statements read files from.
pub(super) fn reads(statements: &[Statement]) -> Vec<String> {
    let queries = statements.iter().filter_map(query_of);
    queries
        .flat_map(|query| &query.relations)
        .filter_map(path_of)
        .collect()
}

/// What a statement declares or flows into.
pub(super) fn written_name(statement: &Statement) -> Option<&WrittenName> {
    Some(match &statement.kind {
        StatementKind::StreamingTable(table) | StatementKind::MaterializedView(table) => {
            &table.name
        }
        StatementKind::View(view) => &view.name,
        StatementKind::Flow(flow) => &flow.target,
        StatementKind::Function(_) | StatementKind::Unread(_) => return None,
    })
}

/// The datasets that statements declare, flow into or read, each once.
pub(super) fn names(statements: &[Statement]) -> Vec<DatasetName> {
    let mut names: Vec<DatasetName> = statements
        .iter()
        .flat_map(|statement| {
            let relations = query_of(statement).map_or(&[][..], |query| &query.relations);
            let read = relations
                .iter()
                .filter_map(|relation| match &relation.source {
                    RelationSource::Name(name) => Some(name),
                    RelationSource::Function(_) | RelationSource::Path { .. } => None,
                });
            let written = written_name(statement).into_iter().chain(read);
            written.filter_map(|name| DatasetName::qualify(&name.parts, &statement.namespace))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The Kinesis streams that statements read, by name, each once.
pub(super) fn streams(statements: &[Statement]) -> Vec<String> {
    let relations = statements
        .iter()
        .filter_map(query_of)
        .flat_map(|query| &query.relations);
    let mut names: Vec<String> = relations.flat_map(streams_of).collect();
    names.sort();
    names.dedup();
    names
}

fn streams_of(relation: &Relation) -> Vec<String> {
    let RelationSource::Function(function) = &relation.source else {
        return vec![];
    };
    let named = function
        .named("streamName")
        .or_else(|| function.named("streamARN"));
    match named.map(|argument| &argument.value) {
        Some(ArgumentValue::String(names)) if function.name == "read_kinesis" => names
            .split(',')
            .filter_map(|name| name.trim().rsplit('/').next())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        _ => vec![],
    }
}

fn query_of(statement: &Statement) -> Option<&Query> {
    let body = match &statement.kind {
        StatementKind::View(view) => return Some(&view.query),
        StatementKind::StreamingTable(table) | StatementKind::MaterializedView(table) => {
            table.body.as_ref()?
        }
        StatementKind::Flow(flow) => &flow.body,
        StatementKind::Function(_) | StatementKind::Unread(_) => return None,
    };
    match body {
        FlowBody::Query(query) | FlowBody::Once(query) => Some(query),
        FlowBody::AutoCdc(change) => Some(&change.from),
        FlowBody::Replace(replace) => Some(&replace.query),
    }
}

fn path_of(relation: &Relation) -> Option<String> {
    match &relation.source {
        RelationSource::Name(_) => None,
        RelationSource::Path { path, .. } => Some(path.clone()),
        RelationSource::Function(function) => {
            let argument = function
                .named("path")
                .or_else(|| function.positional().next())?;
            match &argument.value {
                ArgumentValue::String(path) if function.name == "read_files" => Some(path.clone()),
                _ => None,
            }
        }
    }
}

/// Makes the folders that are read and not there: a folder without files is an input that nothing was put into.
pub(super) fn make_folders(reads: &[String], rules: &PathRules) {
    for read in reads {
        let Ok(resolved) = sluice_source::resolve_path(read, rules) else {
            continue;
        };
        for place in resolved.places {
            let folder = PathBuf::from(&place.base);
            let is_file = place.glob.is_none() && folder.extension().is_some();
            if !is_file && !folder.exists() {
                // What cannot be made is missed by the update, which says so.
                let _ = fs::create_dir_all(&folder);
            }
        }
    }
}
