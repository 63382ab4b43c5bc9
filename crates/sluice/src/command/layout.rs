//! `sluice fmt`: breaks the lines of the queries in SQL files anew. Writes a file only where its text changes,
//! whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sluice_model::condition::command::OUTPUT_NOT_WRITABLE;
use sluice_model::condition::sql::PARSE_SYNTAX_ERROR;
use sluice_model::{Diagnostic, Severity};
use sluice_sql::format::format_file;
use sluice_sql::project::{ProjectFiles as _, describe, text_of};

use crate::arguments::{Fmt, Global};
use crate::edge;
use crate::exit::Exit;
use crate::project_disk::{self, DiskFiles};
use crate::render::{Screen, diagnostics_json};
use crate::source_text::SourceTexts;
use crate::workplace::Refused;

/// What became of the files.
#[derive(Debug, Default)]
struct Outcome {
    /// Files whose text changes, as they were named.
    changed: Vec<String>,
    /// Files that were looked at.
    seen: usize,
    diagnostics: Vec<Diagnostic>,
    texts: SourceTexts,
}

/// Lays out the files.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Fmt) -> Result<Exit, Refused> {
    let mut outcome = Outcome::default();
    for (name, path) in files(global, asked)? {
        outcome.seen += 1;
        if let Err(found) = outcome.file(&name, &path, asked.check) {
            outcome.diagnostics.extend(found);
        }
    }
    let exit = match Exit::of(&outcome.diagnostics) {
        Exit::Success if asked.check && !outcome.changed.is_empty() => Exit::Failure,
        exit => exit,
    };
    if screen.is_json {
        screen.object(&json!({
            "changed": outcome.changed,
            "files": outcome.seen,
            "diagnostics": diagnostics_json(&outcome.diagnostics),
        }));
        return Ok(exit);
    }
    screen.diagnostics(&outcome.diagnostics, &outcome.texts);
    for name in &outcome.changed {
        screen.line(name);
    }
    let verb = if asked.check {
        "would change"
    } else {
        "changed"
    };
    screen.say(&format!(
        "{} of {} files {verb}",
        outcome.changed.len(),
        outcome.seen
    ));
    Ok(exit)
}

impl Outcome {
    fn file(&mut self, name: &str, path: &Path, is_check: bool) -> Result<(), Vec<Diagnostic>> {
        let bytes = project_disk::read(path).map_err(|error| vec![describe(name, &error)])?;
        self.texts.give(name, &String::from_utf8_lossy(&bytes));
        let text = text_of(name, bytes).map_err(|diagnostic| vec![*diagnostic])?;
        let formatted = format_file(&Arc::from(name), &text)?;
        self.diagnostics.extend(formatted.left);
        self.diagnostics.extend(unread(name, &text));
        if formatted.text == text {
            return Ok(());
        }
        self.changed.push(name.to_owned());
        if is_check {
            return Ok(());
        }
        replace(path, &formatted.text).map_err(|error| {
            let message = format!("cannot write `{name}`: {error}");
            vec![Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)]
        })
    }
}

/// What could not be read as SQL was not laid out either. Statements that only belong elsewhere than in a pipeline are fine.
fn unread(name: &str, text: &str) -> impl Iterator<Item = Diagnostic> {
    let (_, found) = super::syntax::parsed(name, text);
    let unread = |error: &Diagnostic| *error.condition == PARSE_SYNTAX_ERROR;
    found.into_iter().filter(unread).map(|error| Diagnostic {
        severity: Severity::Warning,
        ..error
    })
}

/// Puts a text in the place of a file's, whole or not at all, whenever the process ends. A link stays one, and so do rights.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(text.as_bytes())?;
    let file = beside.as_file();
    file.set_permissions(fs::metadata(&path)?.permissions())?;
    file.sync_all()?;
    beside.persist(&path)?;
    Ok(())
}

/// The files that are asked for, each with its name for people.
fn files(global: &Global, asked: &Fmt) -> Result<Vec<(String, PathBuf)>, Refused> {
    if asked.files.is_empty() {
        return of_project(global, asked.key.as_deref());
    }
    let mut files = vec![];
    for path in &asked.files {
        let name = path.to_string_lossy();
        if !path.is_dir() {
            files.push((name.into_owned(), path.clone()));
            continue;
        }
        let found = DiskFiles::walk(path);
        let of_sql = found.paths().iter().filter(|path| is_sql(path));
        files.extend(of_sql.map(|inside| {
            let file = path.join(inside);
            (file.to_string_lossy().into_owned(), file)
        }));
    }
    Ok(files)
}

/// The SQL files of the project.
fn of_project(global: &Global, key: Option<&str>) -> Result<Vec<(String, PathBuf)>, Refused> {
    let refuse = |diagnostics, texts| Refused { diagnostics, texts };
    let opened = edge::open(global, key)
        .map_err(|diagnostic| refuse(vec![*diagnostic], SourceTexts::default()))?;
    let texts = opened.texts();
    let Some(project) = opened.project else {
        return Err(refuse(opened.diagnostics, texts));
    };
    let named = |path: String| {
        let file = opened.folder.join(&path);
        (path, file)
    };
    let sources = project.sources.into_iter().filter(|path| is_sql(path));
    Ok(sources.map(named).collect())
}

fn is_sql(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}
