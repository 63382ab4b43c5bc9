//! The files of a project as the edge hands them in, and their text with every way it can be bad. Must not touch
//! the disk: the binary implements [`ProjectFiles`] for it.

use std::collections::BTreeMap;

use sluice_model::condition::{Condition, project};
use sluice_model::{Diagnostic, Origin, limits};

/// Why a file of the project has no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectFileError {
    /// There is no such file.
    #[error("no such file")]
    NotFound,
    /// It is larger than `limit` bytes and was not read.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A folder holds more files than `limit` and was not listed.
    #[error("more than {limit} files")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The system refused; its own words.
    #[error("{0}")]
    Unreadable(String),
}

/// Gives the files of one project folder.
pub trait ProjectFiles {
    /// Paths of all files, relative to the project folder, `/`-separated, sorted. Folders of tools
    /// (`.git`, `.sluice`, …) need not be listed.
    fn paths(&self) -> &[String];

    /// Paths of files outside of the project folder that `pattern` may mean, each beginning with `../` as it does, sorted.
    /// What lies there is read only where the user names it.
    fn outside(&self, pattern: &str) -> Result<Vec<String>, ProjectFileError>;

    /// The bytes of a file, listed or not, of the project or outside.
    fn read(&self, path: &str) -> Result<Vec<u8>, ProjectFileError>;
}

/// A project in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    paths: Vec<String>,
    contents: BTreeMap<String, Vec<u8>>,
}

impl<P: Into<String>, C: Into<Vec<u8>>> FromIterator<(P, C)> for MemoryFiles {
    fn from_iter<I: IntoIterator<Item = (P, C)>>(files: I) -> Self {
        let contents: BTreeMap<String, Vec<u8>> = files
            .into_iter()
            .map(|(path, content)| (path.into(), content.into()))
            .collect();
        Self {
            paths: contents.keys().filter(|p| !leads_out(p)).cloned().collect(),
            contents,
        }
    }
}

impl ProjectFiles for MemoryFiles {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn outside(&self, _pattern: &str) -> Result<Vec<String>, ProjectFileError> {
        Ok(self
            .contents
            .keys()
            .filter(|path| leads_out(path))
            .cloned()
            .collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ProjectFileError> {
        self.contents
            .get(path)
            .cloned()
            .ok_or(ProjectFileError::NotFound)
    }
}

/// The text of a SQL file, without a byte order mark.
pub fn read_sql(files: &dyn ProjectFiles, path: &str) -> Result<String, Box<Diagnostic>> {
    read_text(files, path, limits::SQL_FILE_BYTES_MAX)
}

/// The text of a YAML or JSON file, without a byte order mark.
pub(super) fn read_yaml(files: &dyn ProjectFiles, path: &str) -> Result<String, Box<Diagnostic>> {
    read_text(files, path, limits::YAML_FILE_BYTES_MAX)
}

fn read_text(files: &dyn ProjectFiles, path: &str, limit: u64) -> Result<String, Box<Diagnostic>> {
    let bytes = files
        .read(path)
        .map_err(|error| Box::new(describe(path, &error)))?;
    if bytes.len() as u64 > limit {
        return Err(Box::new(describe(
            path,
            &ProjectFileError::TooLarge { limit },
        )));
    }
    text_of(path, bytes)
}

/// Turns bytes into text; what is not UTF-8 is reported with its line and column.
pub fn text_of(path: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
        let (line, column) = position_after(&before);
        let wrong = bytes.get(valid).copied().unwrap_or_default();
        Box::new(
            Diagnostic::error(
                &project::PROJECT_FILE_NOT_UTF8,
                format!("`{path}` is not UTF-8 text"),
            )
            .at(
                &Origin::new(path, line, column, 1),
                format!("byte 0x{wrong:02X} is not valid here"),
            )
            .help("save the file as UTF-8"),
        )
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// What a file error means to people.
pub fn describe(path: &str, error: &ProjectFileError) -> Diagnostic {
    let (condition, message): (&'static Condition, String) = match error {
        ProjectFileError::NotFound => (
            &project::PROJECT_FILE_NOT_FOUND,
            format!("there is no file `{path}`"),
        ),
        ProjectFileError::TooLarge { limit } => (
            &project::PROJECT_FILE_TOO_LARGE,
            format!("`{path}` is larger than {} MiB", limit / (1024 * 1024)),
        ),
        ProjectFileError::TooMany { limit } => (
            &project::PROJECT_TOO_MANY_FILES,
            format!("`{path}` means a folder of more than {limit} files"),
        ),
        ProjectFileError::Unreadable(why) => (
            &project::PROJECT_FILE_NOT_READABLE,
            format!("`{path}` cannot be read: {why}"),
        ),
    };
    Diagnostic::error(condition, message).at(&Origin::new(path, 1, 1, 0), "")
}

/// Line and column, from 1, in characters, of the end of `text`.
pub(crate) fn position_after(text: &str) -> (u32, u32) {
    let lines = text.matches('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    (
        narrow(lines).saturating_add(1),
        narrow(last.chars().count()).saturating_add(1),
    )
}

/// The folder of a path: empty for a file at the top.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Joins a path written in a file of `folder` and removes `.` and `..`; `None` when it leaves the project or is
/// absolute.
pub(crate) fn join(folder: &str, path: &str) -> Option<String> {
    join_anywhere(folder, path).filter(|joined| !leads_out(joined))
}

/// As [`join`]; a path that leaves the project folder begins with `../`. `None` when it is absolute.
pub(super) fn join_anywhere(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = vec![];
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a joined path leaves the project folder.
pub(super) fn leads_out(path: &str) -> bool {
    path == ".." || path.starts_with("../")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_inside_the_project() {
        for (folder, path, expected) in [
            ("", "a.sql", Some("a.sql")),
            ("resources", "../src/a.sql", Some("src/a.sql")),
            ("resources", "./a/../b.sql", Some("resources/b.sql")),
            ("resources", "../../a.sql", None),
            ("../common", "a.sql", None),
            ("../common", "../p/a.sql", None),
            ("", "/etc/passwd", None),
            ("", "a\\b", None),
        ] {
            assert_eq!(join(folder, path).as_deref(), expected, "{folder} + {path}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_reported_with_their_place() {
        let error = text_of("a.sql", b"SELECT 1;\n-- caf\xe9".to_vec()).unwrap_err();
        assert_eq!(error.condition.name, "PROJECT_FILE_NOT_UTF8");
        assert_eq!(error.origin().unwrap().to_string(), "a.sql:2:7");
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        assert_eq!(
            text_of("a.sql", b"\xef\xbb\xbfSELECT".to_vec()).unwrap(),
            "SELECT"
        );
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let files: MemoryFiles = [("a.yml", vec![b' '; 4 * 1024 * 1024 + 1])]
            .into_iter()
            .collect();
        let error = read_yaml(&files, "a.yml").unwrap_err();
        assert_eq!(error.condition.name, "PROJECT_FILE_TOO_LARGE");
    }
}
