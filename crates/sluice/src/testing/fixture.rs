//! What a test puts into its world: files, tables of values, rows in place of a dataset's source. Must not run anything.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_model::suggest::{closest, did_you_mean, listed};
use sluice_model::{DatasetName, Diagnostic};
use sluice_sql::project::Project;
use sluice_sql::statement::Statement;

use super::case::Station;
use super::failure::Trouble;
use super::rows::Table;
use super::sandbox;
use super::world::World;

/// Rows that stand in the place of what fills a dataset: everything that declares it or flows into it is left out, and a
/// streaming table takes its name that reads the rows, each `given` station as one more file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    dataset: String,
    names: Vec<String>,
    schema: Option<String>,
}

impl Given {
    /// Folder of its files.
    pub(crate) fn folder(&self) -> String {
        self.dataset.to_lowercase().replace('`', "")
    }

    /// Puts the rows, which lie in `place`, where the dataset was.
    pub(crate) fn replace(
        &self,
        statements: &mut Vec<Statement>,
        place: &Path,
        project: &Project,
    ) -> Vec<Diagnostic> {
        let wanted = full_name(&self.dataset, project);
        statements.retain(|statement| {
            let written = sandbox::written_name(statement);
            written.is_none_or(|written| {
                DatasetName::qualify(&written.parts, &statement.namespace) != wanted
            })
        });
        let mut columns = String::new();
        for name in &self.names {
            let comma = if columns.is_empty() { "" } else { ", " };
            let _ = write!(columns, "{comma}`{name}`");
        }
        let schema = match &self.schema {
            Some(schema) => format!(", schema => '{schema}'"),
            None => String::new(),
        };
        let text = format!(
            "CREATE OR REFRESH STREAMING TABLE {} AS SELECT {columns} FROM STREAM read_files('{}', format => 'json'{schema})",
            self.dataset,
            place.display()
        );
        let file: Arc<str> = Arc::from(format!("given {}", self.dataset));
        let (parsed, found) = sluice_sql::parse_file(&file, &text, vec![], &project.namespace);
        statements.extend(parsed);
        found
    }
}

/// The full name of a dataset as a test writes it.
fn full_name(dataset: &str, project: &Project) -> Option<DatasetName> {
    let parts: Vec<&str> = dataset
        .split('.')
        .map(|part| part.trim_matches('`'))
        .collect();
    DatasetName::qualify(&parts, &project.namespace)
}

/// Writes an input file or a file of the project.
pub(super) fn write(world: &World, path: &str, bytes: &[u8]) -> Result<(), Trouble> {
    let place = inside(world, path)?;
    let folder = place.parent().ok_or("a file needs a folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&place, bytes))
        .map_err(|error| Trouble::Failed(format!("`{path}` cannot be written: {error}")))
}

/// Deletes a file or folder.
pub(super) fn remove(world: &World, path: &str) -> Result<(), Trouble> {
    let place = inside(world, path)?;
    let gone = if place.is_dir() {
        std::fs::remove_dir_all(&place)
    } else {
        std::fs::remove_file(&place)
    };
    gone.map_err(|error| Trouble::Failed(format!("`{path}` cannot be removed: {error}")))
}

/// Takes over what the project's own folder holds beside its description.
pub(super) fn copy(world: &World, path: &str) -> Result<(), Trouble> {
    let Some(original) = world.original() else {
        return Err(Trouble::misspelled(
            "there is no project to copy from",
            "put the file with `--- put PATH`",
        ));
    };
    let leads_out = Path::new(path).is_absolute() || path.split('/').any(|part| part == "..");
    if leads_out || !original.join(path).exists() {
        return Err(Trouble::misspelled(
            format!("the project has no `{path}`"),
            "name a file or folder relative to the project",
        ));
    }
    sandbox::copy(&original.join(path), &world.project_folder().join(path))
        .map_err(|error| Trouble::Failed(format!("`{path}` cannot be copied: {error}")))
}

/// Writes a table of values as a file.
pub(super) fn rows(world: &World, station: &Station) -> Result<(), Trouble> {
    let table = Table::parse(&station.body)?;
    let path = &station.argument;
    let extension = Path::new(path).extension().and_then(|e| e.to_str());
    let text = match extension.map(str::to_lowercase).as_deref() {
        Some("json" | "jsonl" | "ndjson") => table.json_lines(),
        Some("csv") => table.csv(),
        _ => {
            return Err(Trouble::misspelled(
                format!("`{path}` is no kind of file that rows can be written as"),
                "name a `.json` or `.csv` file; any other with `--- put`",
            ));
        }
    };
    write(world, path, text.as_bytes())
}

/// Refuses a dataset that the project neither has nor reads. What cannot be read yet may have any.
fn check_known(world: &World, dataset: &str) -> Result<(), Trouble> {
    let loaded = world.load();
    let Some(project) = &loaded.project else {
        return Ok(());
    };
    let has_errors = loaded.diagnostics.iter().any(Diagnostic::is_error);
    let wanted = full_name(dataset, project);
    if has_errors || wanted.is_some_and(|wanted| loaded.names.contains(&wanted)) {
        return Ok(());
    }
    let short = |name: &DatasetName| {
        let home = DatasetName::qualify(&[&name.name], &project.namespace);
        if home.as_ref() == Some(name) {
            name.name.clone()
        } else {
            name.to_string()
        }
    };
    let names: Vec<String> = loaded.names.iter().map(short).collect();
    let names = || names.iter().map(String::as_str);
    let help = match closest(dataset, names()) {
        Some(near) => did_you_mean(near),
        None if loaded.names.is_empty() => {
            "declare it before, with `--- file transformations/NAME.sql`".to_owned()
        }
        None => format!("it declares and reads {}", listed(names())),
    };
    Err(Trouble::misspelled(
        format!("the project neither declares nor reads `{dataset}`"),
        help,
    ))
}

/// Puts rows in the place of what fills a dataset.
pub(super) fn given(world: &mut World, station: &Station) -> Result<(), Trouble> {
    let table = Table::parse(&station.body)?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '`');
    if station.argument.is_empty() || !station.argument.chars().all(is_name) {
        return Err(Trouble::misspelled(
            format!("`{}` is no name of a dataset", station.argument),
            "write `--- given DATASET`, one to three parts",
        ));
    }
    if table.types.iter().any(Option::is_some) && table.schema().is_none() {
        return Err(Trouble::misspelled(
            "some columns have a type and others have none",
            "write `name TYPE` for every column, or for none to have types inferred",
        ));
    }
    table.check_types()?;
    check_known(world, &station.argument)?;
    let given = Given {
        dataset: station.argument.clone(),
        names: table.names.clone(),
        schema: table.schema().map(|schema| schema.replace('\'', "\\'")),
    };
    Ok(world.give(given, &table.json_lines())?)
}

fn inside(world: &World, path: &str) -> Result<PathBuf, Trouble> {
    world.place(path).ok_or_else(|| {
        Trouble::misspelled(
            format!("`{path}` is no place where the project reads"),
            "write a path relative to the project, a volume, or a path of `read_files` as it stands in the SQL",
        )
    })
}

/// Bytes from hexadecimal digits.
pub(super) fn unhex(text: &str) -> Result<Vec<u8>, Trouble> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| {
            digits
                .get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or_else(|| Trouble::misspelled("no hexadecimal digits", "write two per byte"))
        })
        .collect()
}
