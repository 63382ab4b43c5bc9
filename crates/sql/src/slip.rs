//! Words for syntax errors: what was found, what was expected, and what the usual slip behind it is.
//! Must not decide whether something is an error.

use sluice_model::Diagnostic;
use sluice_model::condition::sql::{FAILED_TO_PARSE_TOO_COMPLEX, PARSE_SYNTAX_ERROR};
use sluice_model::suggest;
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Token};

use crate::cursor::Cursor;
use crate::lex::Lexeme;

/// Words of queries that people misspell.
const QUERY_WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "QUALIFY",
    "LIMIT",
    "UNION",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "CROSS",
    "LATERAL",
    "VIEW",
    "PARTITION",
    "OVER",
    "BETWEEN",
    "DISTINCT",
    "EXCEPT",
    "STREAM",
    "WATERMARK",
    "INTERVAL",
    "WHEN",
    "THEN",
    "ELSE",
    "CASE",
    "VALUES",
    "WITH",
];

/// Words that begin a statement.
const STATEMENT_WORDS: &[&str] = &["CREATE", "SET", "USE", "APPLY"];

/// The nearest word, if one is near, as a help.
pub(crate) fn did_you_mean(found: &str, words: &[&str]) -> Option<String> {
    nearest(found, words).map(suggest::did_you_mean)
}

/// The nearest word that is not the word itself, if one is near.
pub(crate) fn nearest<'a>(found: &str, words: &[&'a str]) -> Option<&'a str> {
    let found = found.to_ascii_uppercase();
    if !(3..=30).contains(&found.len()) {
        return None;
    }
    words
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&found, word), *word))
        .filter(|(distance, word)| *distance > 0 && *distance <= 1 + word.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn one_of(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// The error that the token at `at` is not what was expected.
pub(crate) fn unexpected(cursor: &Cursor<'_>, at: usize, expected: &str) -> Diagnostic {
    let found = cursor.lexemes.get(at).or(cursor.after);
    let span = found.map_or_else(|| cursor.end_span(), |lexeme| lexeme.span);
    let message = match found {
        Some(found) => format!("found {}, expected {expected}", shown(cursor, found)),
        None => format!("the statement ends here, expected {expected}"),
    };
    let mut error = cursor.fail(span, message);
    error.helps.extend(usual_slip(cursor, at));
    error
}

/// A token for a message, at most 40 characters of it.
fn shown(cursor: &Cursor<'_>, lexeme: &Lexeme) -> String {
    let text = cursor
        .source
        .text
        .get(lexeme.start..lexeme.end)
        .unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let short: String = first.chars().take(40).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    let kind = if matches!(lexeme.token, Token::SingleQuotedString(_)) {
        "string "
    } else {
        ""
    };
    format!("{kind}`{short}{dots}`")
}

/// What the slip may be when the token at `at` does not fit.
fn usual_slip(cursor: &Cursor<'_>, at: usize) -> Option<String> {
    let before = at
        .checked_sub(1)
        .and_then(|before| cursor.lexemes.get(before));
    let found = bare_word(cursor, at);
    if before.is_some_and(|lexeme| lexeme.token == Token::Comma)
        && (found.is_some() || at >= cursor.lexemes.len())
    {
        return Some("remove the comma before it, or add what is missing between them".into());
    }
    if let Some(help) = hyphen(cursor, at) {
        return Some(help);
    }
    let found = found?;
    let begins_line = before.is_none_or(|lexeme| lexeme.span.end.line < cursor.here_line(at));
    let begins = STATEMENT_WORDS
        .iter()
        .any(|begin| begin.eq_ignore_ascii_case(found));
    if at > 0 && begins_line && begins {
        return Some(format!("is a `;` missing before `{found}`?"));
    }
    if let Some(help) = did_you_mean(found, QUERY_WORDS) {
        return Some(help);
    }
    let is_column = QUERY_WORDS
        .iter()
        .all(|word| !word.eq_ignore_ascii_case(found));
    let selects = (0..at).rev().find_map(|earlier| {
        let word = bare_word(cursor, earlier)?.to_ascii_uppercase();
        QUERY_WORDS
            .contains(&word.as_str())
            .then_some(word == "SELECT")
    });
    (is_column && selects == Some(true)).then(|| format!("is a comma missing before `{found}`?"))
}

/// `my-catalog.t`: a hyphen inside a name.
fn hyphen(cursor: &Cursor<'_>, at: usize) -> Option<String> {
    let minus = cursor
        .lexemes
        .get(at)
        .filter(|lexeme| lexeme.token == Token::Minus)?;
    let (before, after) = (
        cursor.lexemes.get(at.checked_sub(1)?)?,
        cursor.lexemes.get(at + 1)?,
    );
    let (first, second) = (bare_word(cursor, at - 1)?, bare_word(cursor, at + 1)?);
    (before.end == minus.start && after.start == minus.end).then(|| {
        format!("a name with a hyphen is quoted with back-ticks: `` `{first}-{second}` ``")
    })
}

fn bare_word<'a>(cursor: &Cursor<'a>, at: usize) -> Option<&'a str> {
    match &cursor.lexemes.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.as_str()),
        _ => None,
    }
}

/// `SELECT a FORM t`: the misspelt word was taken for an alias, and what follows it does not fit. Its index, and the
/// word that was meant.
fn misspelt_before(cursor: &Cursor<'_>, at: usize) -> Option<(usize, &'static str)> {
    let earlier = at.checked_sub(1)?;
    nearest(bare_word(cursor, earlier)?, QUERY_WORDS).map(|word| (earlier, word))
}

impl Cursor<'_> {
    fn here_line(&self, at: usize) -> u64 {
        self.lexemes
            .get(at)
            .map_or(u64::MAX, |lexeme| lexeme.span.start.line)
    }
}

/// The error for people that an error of sqlparser stands for.
pub(crate) fn of_parser(cursor: &Cursor<'_>, error: &ParserError) -> Diagnostic {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return Diagnostic::error(
                &FAILED_TO_PARSE_TOO_COMPLEX,
                "the statement nests too deeply to be parsed",
            )
            .at(&cursor.origin(cursor.here()), "");
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let (message, place) = split_place(message);
    let mut at = place.map_or(cursor.lexemes.len(), |place| {
        cursor
            .lexemes
            .partition_point(|lexeme| lexeme.span.start < place)
    });
    let expected = message.strip_prefix("Expected").and_then(|rest| {
        rest.trim_start_matches(':')
            .trim_start()
            .split_once(", found: ")
    });
    let Some((expected, found)) = expected else {
        let span = cursor
            .lexemes
            .get(at)
            .map_or_else(|| cursor.end_span(), |lexeme| lexeme.span);
        let mut error = Diagnostic::error(&PARSE_SYNTAX_ERROR, lower_first(message))
            .at(&cursor.origin(span), "");
        error.helps.extend(usual_slip(cursor, at));
        return error;
    };
    // Some messages speak of one token and give the place of the next.
    let is_before =
        |at: usize| bare_word(cursor, at).is_some_and(|word| word.eq_ignore_ascii_case(found));
    if place.is_some() && at > 0 && !is_before(at) && is_before(at - 1) {
        at -= 1;
    }
    if let Some((earlier, word)) = misspelt_before(cursor, at) {
        let span = cursor.span_of(earlier, earlier + 1);
        let message = format!(
            "`{}` is no clause of a query",
            cursor.text(earlier, earlier + 1)
        );
        return cursor.fail(span, message).help(suggest::did_you_mean(word));
    }
    let mut error = unexpected(cursor, at, &expected_words(expected));
    if let Some(open) = (expected == ")").then(|| open_before(cursor, at)).flatten() {
        error = error.at(
            &cursor.origin(cursor.span_of(open, open + 1)),
            "opened here",
        );
    }
    error
}

/// The innermost parenthesis that is open before a token.
fn open_before(cursor: &Cursor<'_>, at: usize) -> Option<usize> {
    let mut open = vec![];
    for (index, lexeme) in cursor.lexemes.iter().enumerate().take(at) {
        match lexeme.token {
            Token::LParen => open.push(index),
            Token::RParen => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// sqlparser's words for what it expected, made plain.
fn expected_words(expected: &str) -> String {
    let is_literal = !expected.contains(' ') && !expected.chars().any(char::is_lowercase);
    match expected {
        "end of statement" | "end of expression" => "the end of it or a further clause".into(),
        "identifier" => "a name".into(),
        "SELECT, VALUES, or a subquery in the query body" => {
            "`SELECT`, `VALUES` or a query in parentheses".into()
        }
        _ if is_literal => format!("`{expected}`"),
        other => other.trim_end_matches(':').to_string(),
    }
}

/// Takes ` at Line: 1, Column: 8` off the end of a message.
fn split_place(message: &str) -> (&str, Option<Location>) {
    let Some((text, place)) = message.rsplit_once(" at Line: ") else {
        return (message, None);
    };
    let Some((line, column)) = place.split_once(", Column: ") else {
        return (message, None);
    };
    match (line.trim().parse(), column.trim().parse()) {
        (Ok(line), Ok(column)) => (text, Some(Location::new(line, column))),
        _ => (message, None),
    }
}
