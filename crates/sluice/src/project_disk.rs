//! The files of a project on disk: finds the folder, walks it within limits, hands texts in. Must not know what the
//! files mean.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Severity, limits};
use sluice_sql::project::{ProjectFileError, ProjectFiles, SpecKind, spec_of};

/// Extensions of data: never a part of the project, and there may be millions.
const DATA: [&str; 12] = [
    "avro", "bin", "crc", "csv", "gz", "json", "jsonl", "ndjson", "orc", "parquet", "tmp", "zst",
];
/// Folders of tools.
const SKIPPED: [&str; 3] = ["node_modules", "target", "__pycache__"];
/// A JSON file belongs to the project when a bundle may include it: near the top.
const JSON_DEPTH: usize = 2;
/// More files than this that are no source, in one folder, are data: no bundle includes that many.
const OTHER_FILES_MAX: usize = 1000;
/// Extensions of what people write for a pipeline.
const SOURCE: [&str; 5] = ["ipynb", "py", "sql", "yaml", "yml"];

/// A project folder on disk.
#[derive(Debug)]
pub(crate) struct DiskFiles {
    folder: PathBuf,
    /// Where `../` begins: the folder itself, but for a copy of it.
    original: PathBuf,
    paths: Vec<String>,
    /// What could not be looked at.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl DiskFiles {
    /// Lists the files of a folder. What cannot be read is told in `diagnostics`.
    pub(crate) fn walk(folder: &Path) -> Self {
        Self::walk_to(folder, usize::MAX)
    }

    /// Has files outside of the folder be those beside another one, of which it is a copy.
    pub(crate) fn copied_from(self, original: &Path) -> Self {
        Self {
            original: original.to_path_buf(),
            ..self
        }
    }

    /// As [`DiskFiles::walk`], into this many folders below each other.
    fn walk_to(folder: &Path, depth_max: usize) -> Self {
        let mut files = Self {
            folder: folder.to_path_buf(),
            original: folder.to_path_buf(),
            paths: vec![],
            diagnostics: vec![],
        };
        let mut visited = HashSet::new();
        if let Ok(real) = folder.canonicalize() {
            visited.insert(real);
        }
        let mut open = vec![(folder.to_path_buf(), String::new(), 0_usize)];
        while let Some((folder, prefix, depth)) = open.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    files.unreadable(&prefix, &error);
                    continue;
                }
            };
            let (mut below, mut others) = (vec![], vec![]);
            let mut holds_table = false;
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                holds_table |= name == "_delta_log";
                if name.starts_with('.') || name.contains('\\') {
                    continue;
                }
                let path = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}/{name}")
                };
                match kind(&entry, &mut visited) {
                    Kind::Folder if depth < depth_max && !SKIPPED.contains(&name.as_str()) => {
                        below.push((entry.path(), path, depth + 1));
                    }
                    Kind::File if is_source(&name) => files.paths.push(path),
                    Kind::File if is_listed(&name, depth) => others.push(path),
                    Kind::Folder | Kind::File | Kind::Other => {}
                }
            }
            // A Delta table is data, whatever its files are called.
            if !holds_table {
                open.append(&mut below);
            }
            if others.len() <= OTHER_FILES_MAX {
                files.paths.append(&mut others);
            }
            if files.paths.len() > limits::PROJECT_FILES_MAX {
                files.too_many();
                break;
            }
        }
        files.paths.sort_unstable();
        files
    }

    fn unreadable(&mut self, path: &str, error: &std::io::Error) {
        let shown = if path.is_empty() { "." } else { path };
        let mut diagnostic =
            sluice_sql::project::describe(shown, &ProjectFileError::Unreadable(error.to_string()));
        // The top must be readable; a folder inside may well be none of ours.
        diagnostic.severity = if path.is_empty() {
            Severity::Error
        } else {
            Severity::Warning
        };
        self.diagnostics.push(diagnostic);
    }

    fn too_many(&mut self) {
        self.diagnostics.push(
            Diagnostic::error(
                &project::PROJECT_TOO_MANY_FILES,
                format!(
                    "`{}` holds more than {} files",
                    self.folder.display(),
                    limits::PROJECT_FILES_MAX
                ),
            )
            .help("name the project's own folder with `--project DIR`"),
        );
    }
}

enum Kind {
    Folder,
    File,
    Other,
}

/// What an entry is; links are followed, but never twice to the same folder.
fn kind(entry: &fs::DirEntry, visited: &mut HashSet<PathBuf>) -> Kind {
    let Ok(file_type) = entry.file_type() else {
        return Kind::Other;
    };
    if file_type.is_dir() {
        return Kind::Folder;
    }
    if file_type.is_file() {
        return Kind::File;
    }
    if file_type.is_symlink() {
        let path = entry.path();
        return match fs::metadata(&path) {
            Ok(target) if target.is_file() => Kind::File,
            Ok(target) if target.is_dir() => match path.canonicalize() {
                // A link to a folder above itself, or one that was followed before, would go in circles.
                Ok(real) if !path.starts_with(&real) && visited.insert(real.clone()) => {
                    Kind::Folder
                }
                _ => Kind::Other,
            },
            _ => Kind::Other,
        };
    }
    Kind::Other
}

fn extension(name: &str) -> String {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.unwrap_or_default().to_ascii_lowercase()
}

fn is_source(name: &str) -> bool {
    SOURCE.contains(&extension(name).as_str())
}

fn is_listed(name: &str, depth: usize) -> bool {
    let extension = extension(name);
    (extension == "json" && depth < JSON_DEPTH) || !DATA.contains(&extension.as_str())
}

impl ProjectFiles for DiskFiles {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn outside(&self, pattern: &str) -> Result<Vec<String>, ProjectFileError> {
        let has_wildcard = |part: &&str| part.contains(['*', '?', '[', '{']);
        let parts: Vec<&str> = pattern.split('/').collect();
        let Some(first) = parts.iter().position(has_wildcard) else {
            let is_there = self.original.join(pattern).is_file();
            return Ok(is_there.then(|| pattern.to_owned()).into_iter().collect());
        };
        let (base, below) = parts.split_at(first);
        let base = base.join("/");
        let folder = self.original.join(&base);
        if !folder.is_dir() {
            return Ok(vec![]);
        }
        // No further than the pattern can reach: beside a project lie all the others.
        let is_endless = below.iter().any(|part| part.contains("**"));
        let depth_max = if is_endless {
            usize::MAX
        } else {
            below.len() - 1
        };
        let found = Self::walk_to(&folder, depth_max);
        if found.paths.len() > limits::PROJECT_FILES_MAX {
            return Err(ProjectFileError::TooMany {
                limit: limits::PROJECT_FILES_MAX,
            });
        }
        if let Some(error) = found.diagnostics.iter().find(|d| d.is_error()) {
            return Err(ProjectFileError::Unreadable(error.message.clone()));
        }
        let paths = found.paths.iter();
        Ok(paths.map(|path| format!("{base}/{path}")).collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ProjectFileError> {
        let folder = if path.starts_with("../") {
            &self.original
        } else {
            &self.folder
        };
        read(&folder.join(path))
    }
}

/// Reads a regular file within the limit for its kind.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ProjectFileError> {
    let is_sql = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"));
    let limit = if is_sql {
        limits::SQL_FILE_BYTES_MAX
    } else {
        limits::YAML_FILE_BYTES_MAX
    };
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ProjectFileError::NotFound,
        _ => ProjectFileError::Unreadable(error.to_string()),
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(ProjectFileError::Unreadable(
            "it is not a regular file".to_owned(),
        ));
    }
    if metadata.len() > limit {
        return Err(ProjectFileError::TooLarge { limit });
    }
    fs::read(path).map_err(failed)
}

/// The project folder: the one asked for, or the first at or above `start` that holds a description. A folder of SQL files inside of a bundle or
/// of a Spark project is a part of that. Without a description a folder is a project only for those who stand in it or in its `transformations/`:
/// a stray file of SQL far above would make a project of everything below.
pub(crate) fn find(start: &Path, asked: Option<&Path>) -> Result<PathBuf, Box<Diagnostic>> {
    if let Some(folder) = asked {
        return if folder.is_dir() {
            Ok(folder.to_path_buf())
        } else {
            Err(Box::new(Diagnostic::error(
                &project::PROJECT_NOT_FOUND,
                format!("`{}` is not a folder", folder.display()),
            )))
        };
    }
    let mut bare: Option<&Path> = None;
    for folder in start.ancestors() {
        let spec = match spec_of(&names(folder)) {
            Err(_) if bare.is_some() => None,
            spec => spec?,
        };
        match spec.map(|spec| spec.kind) {
            Some(SpecKind::Bundle | SpecKind::Spark) => return Ok(folder.to_path_buf()),
            Some(SpecKind::Folder)
                if folder == start || start.starts_with(folder.join("transformations")) =>
            {
                bare = Some(folder);
            }
            Some(SpecKind::Folder) | None => {}
        }
    }
    if let Some(folder) = bare {
        return Ok(folder.to_path_buf());
    }
    Err(Box::new(
        Diagnostic::error(&project::PROJECT_NOT_FOUND, "no project here or in any folder above")
            .fact(format!("looked from `{}` upwards", start.display()))
            .help("go to a folder with a databricks.yml, a spark-pipeline.yml or .sql files, or name it with `--project DIR`"),
    ))
}

/// Names of a folder's entries; folders end in `/`.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(if entry.path().is_dir() {
                format!("{name}/")
            } else {
                name
            })
        })
        .collect()
}

#[cfg(test)]
#[path = "project_disk_tests.rs"]
mod tests;
