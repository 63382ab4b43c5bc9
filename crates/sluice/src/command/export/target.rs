//! Where an export may go: what is there stays unless its replacement was asked for, and even then only an earlier export
//! is replaced, never a folder of other things and nothing of the pipeline itself. Must not write.

use std::fs;
use std::path::{Component, Path, PathBuf};

use sluice_model::Diagnostic;
use sluice_model::condition::command::{OUTPUT_EXISTS, OUTPUT_NOT_WRITABLE};
use sluice_model::condition::source::PATH_NOT_ALLOWED;
use sluice_source::{PathRules, Storage, resolve_path};

use super::{bucket, no_file, table};
use crate::arguments::{Export, ExportFormat};
use crate::workplace::Workplace;

/// Where the rows go.
#[derive(Debug)]
pub(super) enum Target {
    /// To a place on this machine.
    Disk(Export),
    /// To an object, or to a table below that key, which is replaced if that was asked for.
    Bucket(bucket::Wanted),
}

impl Target {
    /// The place that was asked for: as in `read_files`, what sluice.yml maps a URL to wins.
    pub(super) fn of(
        asked: &Export,
        format: ExportFormat,
        place: &Workplace,
    ) -> Result<Self, Box<Diagnostic>> {
        let written = asked.path.to_string_lossy();
        let rules = place.engine.path_rules();
        let own = table_folders(place, rules);
        if !written.contains("://") {
            return Self::on_disk(asked.clone(), format, rules, &own);
        }
        let resolved = resolve_path(&written, rules).map_err(no_place)?;
        let (Some(one), Some(found)) = (resolved.places.first(), resolved.only_folder()) else {
            return Err(Box::new(no_file(&asked.path)));
        };
        let Storage::Bucket(name) = &one.storage else {
            let asked = Export {
                path: found.into(),
                ..asked.clone()
            };
            return Self::on_disk(asked, format, rules, &own);
        };
        let key = one.base.trim_start_matches('/');
        if key.is_empty() {
            return Err(Box::new(no_file(&asked.path)));
        }
        let url = format!("s3://{name}/{key}");
        if own
            .iter()
            .any(|own| overlap(Path::new(own), Path::new(&url)))
        {
            return Err(Box::new(of_pipeline(&asked.path, "the pipeline's tables")));
        }
        let wanted = bucket::Wanted {
            bucket: place.engine.s3().bucket(name),
            name: name.clone(),
            key: key.into(),
            written: written.into_owned(),
        };
        Ok(Self::Bucket(wanted))
    }

    fn on_disk(
        asked: Export,
        format: ExportFormat,
        rules: &PathRules,
        own: &[String],
    ) -> Result<Self, Box<Diagnostic>> {
        // A new file beside the tables harms none of them.
        if format == ExportFormat::Delta || asked.path.exists() {
            check_outside(&asked.path, rules, own)?;
        }
        check_free(&asked, format)?;
        Ok(Self::Disk(asked))
    }
}

/// Where tables of the pipeline lie: below URLs of the warehouse, and where `LOCATION` puts them, folders and URLs.
fn table_folders(place: &Workplace, rules: &PathRules) -> Vec<String> {
    let datasets = place.declared.datasets.values();
    let written = datasets.filter_map(|dataset| dataset.location.as_ref());
    written
        .filter_map(|written| resolve_path(&written.value, rules).ok()?.only_folder())
        .chain(rules.engine_urls.iter().cloned())
        .collect()
}

/// Refuses what the pipeline keeps, and every folder that holds such or the project.
fn check_outside(path: &Path, rules: &PathRules, own: &[String]) -> Result<(), Box<Diagnostic>> {
    let wanted = real(path);
    let refuse = |what: &str| Err(Box::new(of_pipeline(path, what)));
    if real(&rules.project_folder).starts_with(&wanted) {
        return refuse("the project");
    }
    let mut engine = rules.engine_folders.iter();
    if engine.any(|folder| overlap(&real(folder), &wanted)) {
        return refuse("the warehouse");
    }
    let mut own = own.iter().filter(|own| !own.contains("://"));
    if own.any(|folder| overlap(&real(Path::new(folder)), &wanted)) {
        return refuse("a table of the pipeline");
    }
    Ok(())
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// A path with the links on its way followed, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let existing = absolute
        .ancestors()
        .find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    let Some((folder, mut real)) = existing else {
        return absolute;
    };
    let missing = absolute.strip_prefix(folder).unwrap_or(Path::new(""));
    for part in missing.components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            part => real.push(part),
        }
    }
    real
}

/// What may not be read may not be written either.
fn no_place(error: Diagnostic) -> Diagnostic {
    if error.condition.name == PATH_NOT_ALLOWED.name {
        refused(error.message)
    } else {
        error
    }
}

fn of_pipeline(path: &Path, what: &str) -> Diagnostic {
    refused(format!("`{}` is a place of {what}", path.display()))
}

fn refused(message: String) -> Diagnostic {
    Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)
        .fact("nothing was written, and nothing was replaced")
        .help("name a place outside")
}

/// Refuses to write over what is there, unless that was asked for and it can be an earlier export of this format.
fn check_free(asked: &Export, format: ExportFormat) -> Result<(), Box<Diagnostic>> {
    let Ok(found) = fs::metadata(&asked.path) else {
        return Ok(());
    };
    let is_delta = format == ExportFormat::Delta;
    let path = asked.path.display();
    if !found.is_file() && !found.is_dir() {
        return Err(Box::new(no_target(asked)));
    }
    if found.is_dir() && !is_delta {
        let message = format!("`{path}` is a folder, and the export is one file");
        return Err(Box::new(kept(message).help("name a file in it")));
    }
    if is_delta && !asked.path.join(table::LOG).is_dir() {
        let message = format!("`{path}` is there, and it is no Delta table");
        let error = kept(message).help("name a folder that does not exist yet");
        return Err(Box::new(error));
    }
    if asked.overwrite {
        return Ok(());
    }
    let message = format!("`{path}` is there already");
    let error = Diagnostic::error(&OUTPUT_EXISTS, message);
    Err(Box::new(
        error
            .fact("nothing was written")
            .help("replace it: `--overwrite`"),
    ))
}

/// What no export has made is never replaced.
fn kept(message: String) -> Diagnostic {
    Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)
        .fact("nothing was written, and it is as it was")
}

/// A device, pipe or socket: a file would take its place under its name, and other programs would find the file.
fn no_target(asked: &Export) -> Diagnostic {
    let message = format!("`{}` is neither a file nor a folder", asked.path.display());
    kept(message)
        .help("name a file: `sluice export` writes it as a whole, under its name at the end")
        .help(format!(
            "for rows on stdout: `sluice sql --mode csv -c \"SELECT * FROM {}\"`",
            asked.table
        ))
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
