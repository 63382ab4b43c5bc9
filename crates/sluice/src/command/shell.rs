//! The shell of `sluice sql`: a prompt with history and completion. What a statement does is in `statement`.

use std::collections::BTreeSet;
use std::time::Instant;

use reedline::{
    ColumnarMenu, Completer, CompletionResult, DefaultPrompt, DefaultPromptSegment, Emacs,
    FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu,
    Signal, Span, Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};
use sluice_sql::is_complete;

use super::dot::{self, Display, Next};
use super::sql::{report_script, width};
use crate::arguments::Mode;
use crate::exit::Exit;
use crate::render::Screen;
use crate::statement::{self, Script};
use crate::workplace::{Refused, Workplace, block_on};

const HISTORY_LINES: usize = 2_000;
const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "JOIN",
    "LEFT JOIN",
    "ON",
    "WITH",
    "AS",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "IS",
    "IN",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "DISTINCT",
    "DESCRIBE",
    "HISTORY",
    "SHOW TABLES",
    "SHOW COLUMNS IN",
    "SHOW TBLPROPERTIES",
    "EXPLAIN",
    "OPTIMIZE",
    "VACUUM",
    "RESTORE TABLE",
    "VERSION AS OF",
    "INTERVAL",
    "CAST",
    "DATE",
    "TIMESTAMP",
];
/// Reads and runs lines until the user leaves.
pub(crate) fn run(screen: &Screen, place: &Workplace, mode: Mode) -> Result<Exit, Refused> {
    screen.diagnostics(&place.diagnostics, &place.texts);
    let mut editor = editor(place);
    let name = place
        .project
        .as_ref()
        .map_or("sluice", |project| project.key.as_str())
        .to_owned();
    let prompt = DefaultPrompt::new(
        DefaultPromptSegment::Basic(name),
        DefaultPromptSegment::Empty,
    );
    let mut display = Display::new(mode);
    loop {
        match editor.read_line(&prompt) {
            Ok(Signal::Success(text)) => match display.read(screen, &text) {
                Next::Done => {}
                Next::Leave => return Ok(Exit::Success),
                Next::Unknown(message) => screen.line(&message),
                Next::Run(text) => {
                    let begun = Instant::now();
                    run_all(screen, place, &text, display.mode)?;
                    display.show_time(screen, begun);
                }
            },
            Ok(Signal::CtrlC) => {}
            Ok(_) | Err(_) => return Ok(Exit::Success),
        }
    }
}

fn run_all(screen: &Screen, place: &Workplace, text: &str, mode: Mode) -> Result<(), Refused> {
    let script = Script::typed(text);
    let statements = match script.statements() {
        Ok(statements) => statements,
        Err(errors) => {
            report_script(screen, place, &script, &errors);
            return Ok(());
        }
    };
    for (_, one) in statements {
        match block_on(statement::run(&place.shell(), &one))? {
            Ok(rows) => screen.result(&rows.render(mode, width(screen, mode))),
            Err(errors) => {
                report_script(screen, place, &script, &errors);
                break;
            }
        }
    }
    Ok(())
}

fn editor(place: &Workplace) -> Reedline {
    let menu = ColumnarMenu::default().with_name("completion");
    let mut keys = default_emacs_keybindings();
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![
            ReedlineEvent::Menu("completion".to_owned()),
            ReedlineEvent::MenuNext,
        ]),
    );
    let editor = Reedline::create()
        .with_validator(Box::new(Whole))
        .with_completer(Box::new(Names::of(place)))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_edit_mode(Box::new(Emacs::new(keys)));
    match history() {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    }
}

/// History of all shells of this user; none where there is no home.
fn history() -> Option<FileBackedHistory> {
    let state = std::env::var_os("XDG_STATE_HOME").map(std::path::PathBuf::from);
    let folder = state.or_else(|| {
        std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".local/state"))
    })?;
    FileBackedHistory::with_file(HISTORY_LINES, folder.join("sluice").join("shell_history")).ok()
}

/// A line is whole when it ends with `;` outside quotes, or begins with a dot.
struct Whole;

impl Validator for Whole {
    fn validate(&self, text: &str) -> ValidationResult {
        let trimmed = text.trim();
        let is_word = matches!(trimmed.to_lowercase().as_str(), "" | "quit" | "exit");
        if is_word || trimmed.starts_with('.') || is_complete(trimmed) {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

/// Completes names of datasets and declared columns, and words of SQL.
struct Names {
    names: BTreeSet<String>,
}

impl Names {
    fn of(place: &Workplace) -> Self {
        let own = place.namespace();
        let words = WORDS.iter().chain(dot::COMMANDS);
        let mut names: BTreeSet<String> = words.map(ToString::to_string).collect();
        for dataset in place.declared.datasets.values() {
            let name = &dataset.name;
            names.insert(
                if name.is_temporary()
                    || (&name.catalog, &name.schema) == (&own.catalog, &own.schema)
                {
                    name.name.clone()
                } else {
                    name.to_string()
                },
            );
            names.extend(
                dataset
                    .columns
                    .iter()
                    .map(|column| column.name.value.clone()),
            );
        }
        Self { names }
    }

    fn matching(&self, line: &str, position: usize) -> (usize, Vec<String>) {
        let before = line.get(..position).unwrap_or(line);
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
            .map_or(0, |at| {
                at + before
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8)
            });
        let word = before.get(start..).unwrap_or_default().to_lowercase();
        if word.is_empty() {
            return (start, vec![]);
        }
        (
            start,
            self.names
                .iter()
                .filter(|name| name.to_lowercase().starts_with(&word))
                .cloned()
                .collect(),
        )
    }
}

impl Completer for Names {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let (start, names) = self.matching(line, position);
        let suggestions = names.into_iter().map(|value| Suggestion {
            value,
            span: Span::new(start, position.max(start)),
            append_whitespace: true,
            ..Suggestion::default()
        });
        CompletionResult::fresh(suggestions.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_the_cursor_are_completed() {
        let names = Names {
            names: ["device_id", "devices", "SELECT"].map(String::from).into(),
        };
        for (text, expected_start, expected) in [
            ("SELECT dev", 7, vec!["device_id", "devices"]),
            ("sel", 0, vec!["SELECT"]),
            ("SELECT ü,devices", 10, vec!["devices"]),
            ("SELECT ", 7, vec![]),
        ] {
            let (start, found) = names.matching(text, text.len());
            assert_eq!(
                (start, found),
                (
                    expected_start,
                    expected.into_iter().map(String::from).collect()
                ),
                "{text}"
            );
        }
    }
}
