//! Commands with a dot, such as `.tables`: what a line asks for, and which lines of a script are such. Must not run statements.

use std::time::Instant;

use sluice_sql::is_complete;

use crate::arguments::Mode;
use crate::render::Screen;
use crate::statement::Script;

/// The commands, for completion.
pub(super) const COMMANDS: &[&str] = &[".tables", ".schema", ".mode", ".timer", ".help", ".quit"];
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

/// What is left to do after a line was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Done,
    /// Leave.
    Leave,
    /// Run these statements.
    Run(String),
    /// Say that there is no such command.
    Unknown(String),
}

/// How answers are shown, which commands change.
#[derive(Debug)]
pub(super) struct Display {
    /// The form of rows.
    pub(super) mode: Mode,
    is_timed: bool,
}

impl Display {
    /// Shows rows in this form.
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            is_timed: false,
        }
    }

    /// Does what a line asks for, as far as no statement is needed.
    pub(super) fn read(&mut self, screen: &Screen, text: &str) -> Next {
        match line(text) {
            Line::Nothing => {}
            Line::Quit => return Next::Leave,
            Line::Help => screen.line(HELP),
            Line::Mode(Some(asked)) => self.mode = asked,
            Line::Mode(None) => screen.line(&format!("{:?}", self.mode).to_lowercase()),
            Line::Timer(asked) => self.is_timed = asked,
            Line::Sql(text) => return Next::Run(text),
            Line::Unknown(word) => {
                return Next::Unknown(format!("there is no `{word}`; .help lists what there is"));
            }
        }
        Next::Done
    }

    /// Shows how long a statement took, if that was asked for.
    pub(super) fn show_time(&self, screen: &Screen, begun: Instant) {
        if self.is_timed {
            screen.line(&format!("{:.3} s", begun.elapsed().as_secs_f64()));
        }
    }
}

/// Takes the commands out of a script: lines of their own that begin with a dot where no statement is open. Each comes with the
/// byte at which it stood; blanks are in its place, so that the places of statements stay.
pub(super) fn take_commands(script: &mut Script) -> Vec<(usize, String)> {
    let (mut commands, mut open, mut at) = (vec![], 0, 0);
    let mut text = String::with_capacity(script.text.len());
    for line in script.text.split_inclusive('\n') {
        let before = script.text.get(open..at).unwrap_or_default();
        if line.trim_start().starts_with('.') && is_complete(before) {
            let end = line.trim_end_matches(['\r', '\n']).len();
            text.push_str(&" ".repeat(end));
            text.push_str(line.get(end..).unwrap_or_default());
            commands.push((at, line.trim().to_owned()));
            open = at + line.len();
        } else {
            text.push_str(line);
        }
        at += line.len();
    }
    script.text = text;
    commands
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
    fn commands_of_a_script_stand_between_its_statements() {
        let check = |text: &str, commands: &[(usize, &str)], rest: &str| {
            let mut script = Script::typed(text);
            let found = take_commands(&mut script);
            let found: Vec<(usize, &str)> = found.iter().map(|(at, c)| (*at, &**c)).collect();
            assert_eq!((&*found, &*script.text), (commands, rest), "{text}");
        };
        check(".tables", &[(0, ".tables")], "       ");
        check(
            "SELECT 1;\r\n .mode ü\r\nSELECT 2",
            &[(11, ".mode ü")],
            "SELECT 1;\r\n         \r\nSELECT 2",
        );
        check(
            ".timer on\n.tables\n",
            &[(0, ".timer on"), (10, ".tables")],
            "         \n       \n",
        );
        for whole in [
            "SELECT 1 +\n.5;",
            "SELECT '\n.quit\n';",
            "SELECT a\n.b FROM t",
            "/*\n.quit */ SELECT 1",
        ] {
            check(whole, &[], whole);
        }
    }
}
