//! `sluice sql`: statements from the command line, a file or stdin; without any, the shell.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Arc;

use sluice_model::Diagnostic;
use sluice_model::condition::project::PROJECT_FILE_NOT_READABLE;
use sluice_sql::project::{describe, text_of};
use sluice_sql::split_statements;

use super::{fail, shell};
use crate::arguments::{Global, Mode, Sql};
use crate::exit::Exit;
use crate::project_disk;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::statement::{self, COMMAND_LINE};
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
    let Some(texts) = texts(asked)? else {
        return shell::run(screen, &place, mode);
    };
    block_on(async {
        for text in texts {
            for range in split_statements(&text).0 {
                let one = text.get(range).unwrap_or_default();
                match statement::run(&place.shell(), one).await {
                    Ok(rows) => screen.result(&rows.render(mode, width(screen, mode))),
                    Err(errors) => return report(screen, &place, one, &errors),
                }
                if screen.is_result_lost() {
                    return Exit::Failure;
                }
            }
        }
        Exit::Success
    })
}

/// Reports errors of a statement that stands in no file.
pub(crate) fn report(
    screen: &Screen,
    place: &Workplace,
    text: &str,
    errors: &[Diagnostic],
) -> Exit {
    let mut texts = SourceTexts::of_folder(&place.folder);
    texts.give(COMMAND_LINE, text);
    fail(screen, errors, &texts)
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

/// The texts to run; `None` for the shell.
fn texts(asked: &Sql) -> Result<Option<Vec<String>>, Refused> {
    if let Some(query) = &asked.query {
        return Ok(Some(vec![query.clone()]));
    }
    if !asked.commands.is_empty() {
        return Ok(Some(asked.commands.clone()));
    }
    match &asked.file {
        Some(path) if path.as_os_str() != "-" => file(path).map(|text| Some(vec![text])),
        None if std::io::stdin().is_terminal() => Ok(None),
        _ => {
            let mut bytes = vec![];
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            let read = read.map_err(|error| {
                Diagnostic::error(
                    &PROJECT_FILE_NOT_READABLE,
                    format!("cannot read stdin: {error}"),
                )
            });
            let text = read.and_then(|_| text_of("stdin", bytes).map_err(|diagnostic| *diagnostic));
            text.map(|text| Some(vec![text])).map_err(refused)
        }
    }
}

fn file(path: &Path) -> Result<String, Refused> {
    let name = path.to_string_lossy();
    let bytes = project_disk::read(path).map_err(|error| refused(describe(&name, &error)))?;
    text_of(&name, bytes).map_err(|diagnostic| refused(*diagnostic))
}

fn refused(diagnostic: Diagnostic) -> Refused {
    Refused {
        diagnostics: vec![diagnostic],
        texts: SourceTexts::default(),
    }
}
