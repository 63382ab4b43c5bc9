//! Replaces `${key}` in SQL by values of the pipeline's configuration, before parsing, and keeps the positions.
//!
//! Comments are left alone; values are taken as they are and not looked into again. A `SET key = value` gives a key
//! to the statements below it in its file, as on Databricks. Must not parse SQL: it knows comments, quotes and the
//! form of SET only as far as to tell them apart.

use sluice_model::suggest::{closest, did_you_mean, listed};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin, limits};

use crate::source_map::Replacement;

/// Replaces every `${key}` outside comments. Returns the text to parse, what was replaced for
/// [`crate::source_map::SourceMap`], and an error for each key that `configuration` does not hold; such a place is
/// left as it is.
pub fn interpolate(
    file: &str,
    text: &str,
    configuration: &BTreeMap<String, String>,
) -> (String, Vec<Replacement>, Vec<Diagnostic>) {
    if !text.contains("${") {
        return (text.to_owned(), vec![], vec![]);
    }
    let mut interpolation = Interpolation {
        file,
        configuration,
        settings: BTreeMap::new(),
        statement: 0,
        rest: text.chars().peekable(),
        written: (1, 1),
        parsed: (1, 1),
        output: String::with_capacity(text.len()),
        replacements: vec![],
        diagnostics: vec![],
    };
    interpolation.run();
    (
        interpolation.output,
        interpolation.replacements,
        interpolation.diagnostics,
    )
}

/// Where in the text the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sql,
    /// Inside quotes of this kind; whether a backslash escapes.
    Quoted(char, bool),
    LineComment,
    /// Inside this many block comments.
    BlockComment(u32),
}

/// Key and value of a `SET key = value`, comments before it left out.
fn setting(statement: &str) -> Option<(String, String)> {
    let mut rest = statement.trim_start();
    loop {
        rest = if rest.starts_with("--") {
            rest.split_once('\n')?.1.trim_start()
        } else if rest.starts_with("/*") {
            rest.split_once("*/")?.1.trim_start()
        } else {
            break;
        };
    }
    let (word, rest) = rest.split_once(char::is_whitespace)?;
    let (key, value) = rest.split_once('=')?;
    let is_setting = word.eq_ignore_ascii_case("SET") && !key.trim().contains(char::is_whitespace);
    is_setting.then(|| (key.trim().to_owned(), value.trim().to_owned()))
}

struct Interpolation<'a> {
    file: &'a str,
    configuration: &'a BTreeMap<String, String>,
    /// What SET gave so far in this file, quotes included.
    settings: BTreeMap<String, String>,
    /// Where the statement begins in the output.
    statement: usize,
    rest: Peekable<Chars<'a>>,
    written: (u64, u64),
    parsed: (u64, u64),
    output: String,
    replacements: Vec<Replacement>,
    diagnostics: Vec<Diagnostic>,
}

impl Interpolation<'_> {
    fn run(&mut self) {
        let mut state = State::Sql;
        let mut before = ' ';
        while let Some(c) = self.rest.next() {
            let next = self.rest.peek().copied();
            if c == '$' && next == Some('{') && !is_comment(state) {
                self.reference();
                before = '}';
                continue;
            }
            self.copy(c);
            if (state, c) == (State::Sql, ';') {
                self.end_of_statement();
            }
            state = match (state, c, next) {
                (State::Sql, '-', Some('-')) => State::LineComment,
                (State::Sql, '/', Some('*')) => self.copy_next(State::BlockComment(1)),
                (State::Sql, '\'' | '"', _) => State::Quoted(c, !matches!(before, 'r' | 'R')),
                (State::Sql, '`', _) => State::Quoted(c, false),
                (State::Quoted(_, true), '\\', Some(escaped)) if escaped != '$' => {
                    self.copy_next(state)
                }
                (State::Quoted(quote, _), c, _) if c == quote => State::Sql,
                (State::LineComment, '\n', _) => State::Sql,
                (State::BlockComment(depth), '/', Some('*')) => {
                    self.copy_next(State::BlockComment(depth + 1))
                }
                (State::BlockComment(1), '*', Some('/')) => self.copy_next(State::Sql),
                (State::BlockComment(depth), '*', Some('/')) => {
                    self.copy_next(State::BlockComment(depth - 1))
                }
                (state, _, _) => state,
            };
            before = c;
        }
    }

    fn copy_next(&mut self, state: State) -> State {
        if let Some(c) = self.rest.next() {
            self.copy(c);
        }
        state
    }

    fn copy(&mut self, c: char) {
        self.output.push(c);
        advance(&mut self.written, c);
        advance(&mut self.parsed, c);
    }

    fn end_of_statement(&mut self) {
        let statement = self.output.get(self.statement..).unwrap_or_default();
        if let Some((key, value)) = setting(statement.trim_end_matches(';')) {
            self.settings.insert(key, value);
        }
        self.statement = self.output.len();
    }

    /// Reads from behind the `$` to the `}`.
    fn reference(&mut self) {
        let (start, parsed) = (self.written, self.parsed);
        let mut raw = String::from("$");
        advance(&mut self.written, '$');
        let mut closed = false;
        while let Some(c) = self.rest.next_if(|c| *c != '\n') {
            raw.push(c);
            advance(&mut self.written, c);
            if c == '}' {
                closed = true;
                break;
            }
        }
        let key = raw.trim_start_matches("${").trim_end_matches('}').trim();
        let value = self
            .settings
            .get(key)
            .or_else(|| self.configuration.get(key));
        let value = value.cloned().filter(|_| closed);
        let fits = value
            .as_ref()
            .is_none_or(|v| (self.output.len() + v.len()) as u64 <= limits::SQL_FILE_BYTES_MAX);
        match value {
            Some(value) if fits => {
                for c in value.chars() {
                    self.output.push(c);
                    advance(&mut self.parsed, c);
                }
                self.replacements.push(Replacement {
                    parsed,
                    parsed_end: self.parsed,
                    written: start,
                    written_end: self.written,
                });
            }
            _ => {
                let diagnostic = self.refuse(key, closed, fits, start, raw.chars().count());
                self.diagnostics.push(diagnostic);
                for c in raw.chars() {
                    self.output.push(c);
                    advance(&mut self.parsed, c);
                }
            }
        }
    }

    fn refuse(
        &self,
        key: &str,
        closed: bool,
        fits: bool,
        start: (u64, u64),
        length: usize,
    ) -> Diagnostic {
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let origin = Origin::new(
            self.file,
            narrow(start.0),
            narrow(start.1),
            narrow(length as u64),
        );
        if !fits {
            return Diagnostic::error(
                &project::PROJECT_FILE_TOO_LARGE,
                format!("`{}` is too large once `${{{key}}}` is replaced", self.file),
            )
            .at(&origin, "");
        }
        if !closed {
            return Diagnostic::error(
                &project::CONFIGURATION_KEY_NOT_FOUND,
                "`${` is not closed on its line",
            )
            .at(&origin, "no `}` follows")
            .help("write `${key}` with a key of the pipeline's `configuration`");
        }
        let keys = || self.configuration.keys().map(String::as_str);
        let diagnostic = Diagnostic::error(
            &project::CONFIGURATION_KEY_NOT_FOUND,
            format!("`${{{key}}}` is not in the pipeline's configuration"),
        )
        .at(&origin, "unknown key");
        match closest(key, keys()) {
            Some(near) => diagnostic.help(did_you_mean(format_args!("${{{near}}}"))),
            None if self.configuration.is_empty() => diagnostic.help(format!(
                "add `{key}` under `configuration` of the pipeline, which is empty"
            )),
            None => diagnostic.help(format!(
                "add `{key}` under `configuration` of the pipeline; it has {}",
                listed(keys())
            )),
        }
    }
}

fn is_comment(state: State) -> bool {
    matches!(state, State::LineComment | State::BlockComment(_))
}

fn advance(position: &mut (u64, u64), c: char) {
    if c == '\n' {
        *position = (position.0 + 1, 1);
    } else {
        position.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::tokenizer::{Location, Span};

    use super::*;
    use crate::source_map::SourceMap;

    fn configuration() -> BTreeMap<String, String> {
        [
            ("catalog", "dev"),
            ("iot.max", "40"),
            ("nested", "${catalog}"),
            ("empty", ""),
            ("two", "a\nbb"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
    }

    #[test]
    fn keys_are_replaced_outside_comments() {
        for (text, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("FROM ${catalog}.t", "FROM dev.t"),
            (
                "'/Volumes/${catalog}/x' < ${iot.max}",
                "'/Volumes/dev/x' < 40",
            ),
            ("${ catalog }", "dev"),
            ("${nested}", "${catalog}"),
            ("a${empty}b", "ab"),
            ("-- ${missing}\n${catalog}", "-- ${missing}\ndev"),
            (
                "/* ${missing} /* ${x} */ ${y} */ ${catalog}",
                "/* ${missing} /* ${x} */ ${y} */ dev",
            ),
            ("'--' ${catalog} '/*' ${catalog}", "'--' dev '/*' dev"),
            (r"'it\'s -- ' ${catalog}", r"'it\'s -- ' dev"),
            (r"r'\' ${catalog} -- ${missing}", r"r'\' dev -- ${missing}"),
            (
                "`a--b` ${catalog} \"--\" ${catalog}",
                "`a--b` dev \"--\" dev",
            ),
            ("'a''b' ${catalog}", "'a''b' dev"),
            ("$5 $ {x} { }", "$5 $ {x} { }"),
        ] {
            let (parsed, _, diagnostics) = interpolate("f.sql", text, &configuration());
            assert_eq!(
                diagnostics
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                Vec::<String>::new(),
                "{text}"
            );
            assert_eq!(parsed, expected, "{text}");
        }
    }

    #[test]
    fn set_gives_keys_to_the_statements_below_it() {
        for (text, expected) in [
            ("SET a = 1; ${a}", "SET a = 1; 1"),
            (
                "set day='2026-01-01';${day}",
                "set day='2026-01-01';'2026-01-01'",
            ),
            (
                "-- why\n/* how */ SET a.b = x y ;\n${a.b}",
                "-- why\n/* how */ SET a.b = x y ;\nx y",
            ),
            ("SET catalog = prod; ${catalog}", "SET catalog = prod; prod"),
            (
                "SELECT 'SET x = 1;', ${catalog}; ${catalog}",
                "SELECT 'SET x = 1;', dev; dev",
            ),
        ] {
            let (parsed, _, diagnostics) = interpolate("f.sql", text, &configuration());
            assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
            assert_eq!(parsed, expected, "{text}");
        }
        let (_, _, diagnostics) = interpolate("f.sql", "${a}; SET a = 1;", &configuration());
        assert_eq!(diagnostics.len(), 1, "not to those above it");
    }

    #[test]
    fn unknown_keys_are_all_reported() {
        let text = "SELECT ${catlog},\n  '${wide.unknown}' ${open\n FROM x";
        let (parsed, replacements, diagnostics) = interpolate("f.sql", text, &configuration());
        assert_eq!(parsed, text);
        assert!(replacements.is_empty());
        let shown: Vec<String> = diagnostics
            .iter()
            .map(|d| format!("{} {}", d.origin().unwrap(), d.helps.join("|")))
            .collect();
        assert_eq!(
            shown,
            [
                "f.sql:1:8 did you mean `${catalog}`?",
                "f.sql:2:4 add `wide.unknown` under `configuration` of the pipeline; it has `catalog`, `empty`, `iot.max`, `nested`, `two`",
                "f.sql:2:21 write `${key}` with a key of the pipeline's `configuration`",
            ]
        );
    }

    #[test]
    fn places_behind_a_replacement_are_those_of_the_file() {
        let text = "SELECT ${two} x, ${catalog} wrong\nFROM t";
        let (parsed, replacements, _) = interpolate("f.sql", text, &configuration());
        assert_eq!(parsed, "SELECT a\nbb x, dev wrong\nFROM t");
        let map = SourceMap::new("f.sql", replacements);
        let at = |line, column, length| {
            let span = Span::new(
                Location::new(line, column),
                Location::new(line, column + length),
            );
            let origin = map.origin(span);
            (origin.line, origin.column, origin.length)
        };
        assert_eq!(at(2, 4, 1), (1, 15, 1), "x");
        assert_eq!(at(2, 11, 5), (1, 29, 5), "wrong");
        assert_eq!(at(3, 1, 4), (2, 1, 4), "FROM");
        assert_eq!(
            at(2, 7, 3),
            (1, 18, 10),
            "the value itself is marked as the reference"
        );
    }
}
