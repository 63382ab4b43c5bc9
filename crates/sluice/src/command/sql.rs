//! `sluice sql`: statements from the command line, a file or stdin; without any, the shell.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sluice_model::Diagnostic;
use sluice_model::condition::project::PROJECT_FILE_NOT_READABLE;
use sluice_model::condition::sql::PARSE_SYNTAX_ERROR;
use sluice_sql::project::{describe, text_of};

use super::dot::{Display, Next, take_commands};
use super::{fail, shell};
use crate::arguments::{Global, Mode, Sql};
use crate::exit::Exit;
use crate::project_disk;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::statement::{self, Script};
use crate::workplace::{Refused, Workplace, block_on};

/// Cells of a table on a terminal are cut at so many characters.
pub(crate) const CELL_WIDTH: usize = 60;

/// Runs what was given, or the shell.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Sql) -> Result<Exit, Refused> {
    let place = Workplace::open_or_empty(
        global,
        asked.key.as_deref(),
        Arc::new(sluice_run::NoObserver),
    )?;
    let mode = mode(screen, asked.mode);
    let Some(scripts) = scripts(asked)? else {
        return shell::run(screen, &place, mode);
    };
    let mut parts = vec![];
    for mut script in scripts {
        let commands = take_commands(&mut script);
        // What is no SQL text at all is told before anything runs.
        let statements = match script.statements() {
            Ok(found) => found.map(|(at, text)| (at, Part::Statement(text))),
            Err(errors) => return Ok(report_script(screen, &place, &script, &errors)),
        };
        let commands = commands
            .into_iter()
            .map(|(at, text)| (at, Part::Command(text)));
        let mut found: Vec<(usize, Part)> = statements.chain(commands).collect();
        found.sort_by_key(|(at, _)| *at);
        parts.extend(found.into_iter().map(|(_, part)| (script.clone(), part)));
    }
    block_on(run_parts(screen, &place, mode, parts))
}

/// A part of a script.
#[derive(Debug)]
enum Part {
    /// A statement, with blanks for what stands before it.
    Statement(String),
    /// A line that begins with a dot.
    Command(String),
}

async fn run_parts(
    screen: &Screen,
    place: &Workplace,
    mode: Mode,
    parts: Vec<(Script, Part)>,
) -> Exit {
    let mut display = Display::new(mode);
    for (script, part) in parts {
        let statement = match part {
            Part::Statement(statement) => statement,
            Part::Command(line) => match display.read(screen, &line) {
                Next::Done => continue,
                Next::Leave => break,
                Next::Run(statement) => statement,
                Next::Unknown(message) => {
                    let error = Diagnostic::error(&PARSE_SYNTAX_ERROR, message);
                    return report_script(screen, place, &script, &[error]);
                }
            },
        };
        let begun = Instant::now();
        let (shell, mode) = (place.shell(), display.mode);
        match statement::run_named(&shell, &script.name, &statement).await {
            Ok(rows) => screen.result(&rows.render(mode, width(screen, mode))),
            Err(errors) => return report_script(screen, place, &script, &errors),
        }
        display.show_time(screen, begun);
        if screen.is_result_lost() {
            return Exit::Failure;
        }
    }
    Exit::Success
}

/// Reports errors of SQL that was given.
pub(super) fn report_script(
    screen: &Screen,
    place: &Workplace,
    script: &Script,
    errors: &[Diagnostic],
) -> Exit {
    let mut texts = SourceTexts::of_folder(&place.folder);
    texts.give(&script.name, &script.text);
    fail(screen, errors, &texts)
}

/// Reports errors of a statement that stands in no file.
pub(crate) fn report(
    screen: &Screen,
    place: &Workplace,
    text: &str,
    errors: &[Diagnostic],
) -> Exit {
    report_script(screen, place, &Script::typed(text), errors)
}

/// Where cells are cut: only on a terminal, and only in a table.
pub(crate) fn width(screen: &Screen, mode: Mode) -> Option<usize> {
    (screen.is_terminal && mode == Mode::Box).then_some(CELL_WIDTH)
}

fn mode(screen: &Screen, asked: Option<Mode>) -> Mode {
    match asked {
        Some(mode) => mode,
        None if screen.is_json => Mode::Json,
        None if screen.is_terminal => Mode::Box,
        None => Mode::Csv,
    }
}

/// What to run; `None` for the shell.
fn scripts(asked: &Sql) -> Result<Option<Vec<Script>>, Refused> {
    if let Some(query) = &asked.query {
        return Ok(Some(vec![Script::typed(query)]));
    }
    if !asked.commands.is_empty() {
        let typed = asked.commands.iter().map(|text| Script::typed(text));
        return Ok(Some(typed.collect()));
    }
    let script = match &asked.file {
        Some(path) if path.as_os_str() != "-" => file(path),
        None if std::io::stdin().is_terminal() => return Ok(None),
        _ => stdin(),
    };
    script.map(|script| Some(vec![script])).map_err(refused)
}

fn stdin() -> Result<Script, Diagnostic> {
    let mut bytes = vec![];
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| {
        let message = format!("cannot read stdin: {error}");
        Diagnostic::error(&PROJECT_FILE_NOT_READABLE, message)
    })?;
    script("stdin", bytes)
}

fn file(path: &Path) -> Result<Script, Diagnostic> {
    let name = path.to_string_lossy();
    let bytes = project_disk::read(path).map_err(|error| describe(&name, &error))?;
    script(&name, bytes)
}

fn script(name: &str, bytes: Vec<u8>) -> Result<Script, Diagnostic> {
    Ok(Script {
        name: name.into(),
        text: text_of(name, bytes).map_err(|diagnostic| *diagnostic)?,
    })
}

fn refused(diagnostic: Diagnostic) -> Refused {
    Refused {
        diagnostics: vec![diagnostic],
        texts: SourceTexts::default(),
    }
}
