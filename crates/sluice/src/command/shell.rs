//! The shell of `sluice sql`: a prompt with history and completion. What a statement does is in `statement`.

use std::collections::BTreeSet;
use std::time::Instant;

use reedline::{
    ColumnarMenu, Completer, CompletionResult, DefaultPrompt, DefaultPromptSegment, Emacs,
    FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu,
    Signal, Span, Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};
use sluice_sql::is_complete;

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
    ".tables",
    ".schema",
    ".mode",
    ".timer",
    ".help",
    ".quit",
];
const HELP: &str = "\
.tables [SCHEMA]  datasets of the project
.schema TABLE     columns of a table
.mode [MODE]      box, csv, json, jsonlines or markdown; without a word, which one it is
.timer on|off     time of each statement
.help             this text; so does .h
.quit             leave; so do .exit, .q, quit, exit and Ctrl-D
A statement ends with `;`. Queries are understood (SELECT, WITH, VALUES, FROM), and EXPLAIN, DESCRIBE [EXTENDED | HISTORY | DETAIL],
SHOW TABLES, SHOW COLUMNS, SHOW TBLPROPERTIES, OPTIMIZE, VACUUM and RESTORE.";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Nothing,
    Quit,
    Help,
    Mode(Option<Mode>),
    Timer(bool),
    /// Statements to run, the first may be made by us.
    Sql(String),
    Unknown(&'a str),
}

/// Reads and runs lines until the user leaves.
pub(crate) fn run(screen: &Screen, place: &Workplace, mut mode: Mode) -> Result<Exit, Refused> {
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
    let mut is_timed = false;
    loop {
        match editor.read_line(&prompt) {
            Ok(Signal::Success(text)) => match line(&text) {
                Line::Nothing => {}
                Line::Quit => return Ok(Exit::Success),
                Line::Help => screen.line(HELP),
                Line::Mode(Some(asked)) => mode = asked,
                Line::Mode(None) => screen.line(&format!("{mode:?}").to_lowercase()),
                Line::Timer(asked) => is_timed = asked,
                Line::Unknown(word) => {
                    screen.line(&format!("there is no `{word}`; .help lists what there is"));
                }
                Line::Sql(text) => {
                    let begun = Instant::now();
                    run_all(screen, place, &text, mode)?;
                    if is_timed {
                        screen.line(&format!("{:.3} s", begun.elapsed().as_secs_f64()));
                    }
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
    for one in statements {
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

fn line(text: &str) -> Line<'_> {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('.') else {
        return match text.trim_end_matches(';').trim().to_lowercase().as_str() {
            "" => Line::Nothing,
            "quit" | "exit" => Line::Quit,
            _ => Line::Sql(text.to_owned()),
        };
    };
    let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let argument = argument.trim().trim_end_matches(';');
    match (word.trim_end_matches(';'), argument) {
        ("quit" | "exit" | "q", _) => Line::Quit,
        ("help" | "h", _) => Line::Help,
        ("tables", "") => Line::Sql("SHOW TABLES".to_owned()),
        ("tables", schema) => Line::Sql(format!("SHOW TABLES IN {schema}")),
        ("schema", table) if !table.is_empty() => Line::Sql(format!("DESCRIBE {table}")),
        ("mode", "") => Line::Mode(None),
        ("mode", name) => match <Mode as clap::ValueEnum>::from_str(name, true) {
            Ok(mode) => Line::Mode(Some(mode)),
            Err(_) => Line::Unknown(argument),
        },
        ("timer", "off") => Line::Timer(false),
        ("timer", _) => Line::Timer(true),
        (word, _) => Line::Unknown(word),
    }
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
        let mut names: BTreeSet<String> = WORDS.iter().map(ToString::to_string).collect();
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
    fn lines_are_understood() {
        for (text, expected) in [
            ("", Line::Nothing),
            (" ; ", Line::Nothing),
            ("exit;", Line::Quit),
            (".quit", Line::Quit),
            (".tables", Line::Sql("SHOW TABLES".into())),
            (".tables gold", Line::Sql("SHOW TABLES IN gold".into())),
            (".schema a.b;", Line::Sql("DESCRIBE a.b".into())),
            (".mode csv", Line::Mode(Some(Mode::Csv))),
            (".mode nonsense", Line::Unknown("nonsense")),
            (".mode", Line::Mode(None)),
            (".timer on", Line::Timer(true)),
            (".timer off", Line::Timer(false)),
            (".frob", Line::Unknown("frob")),
            ("SELECT 1;", Line::Sql("SELECT 1;".into())),
        ] {
            assert_eq!(line(text), expected, "{text}");
        }
    }

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
