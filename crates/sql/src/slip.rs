//! Words for syntax errors: what was found, what was expected, and what the usual slip behind it is.
//! Must not decide whether something is an error.

use sluice_model::Diagnostic;
use sluice_model::condition::sql::{FAILED_TO_PARSE_TOO_COMPLEX, PARSE_SYNTAX_ERROR};
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Token};

use crate::cursor::Cursor;

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
    nearest(found, words).map(|word| format!("did you mean `{word}`?"))
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
    let found = cursor.lexemes.get(at);
    let span = found.map_or_else(|| cursor.end_span(), |lexeme| lexeme.span);
    let message = match found {
        Some(_) => format!("found {}, expected {expected}", shown(cursor, at)),
        None => format!("the statement ends here, expected {expected}"),
    };
    let mut error = cursor.fail(span, message);
    error.helps.extend(usual_slip(cursor, at));
    error
}

/// A token for a message, at most 40 characters of it.
fn shown(cursor: &Cursor<'_>, at: usize) -> String {
    let text = cursor.text(at, at + 1);
    let first = text.lines().next().unwrap_or_default();
    let short: String = first.chars().take(40).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    let kind = match cursor.lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::SingleQuotedString(_)) => "string ",
        _ => "",
    };
    format!("{kind}`{short}{dots}`")
}

/// What the slip may be when the token at `at` does not fit.
fn usual_slip(cursor: &Cursor<'_>, at: usize) -> Option<String> {
    let word = |at: usize| match cursor.lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.value.as_str()),
        _ => None,
    };
    let before = at
        .checked_sub(1)
        .and_then(|before| cursor.lexemes.get(before));
    if before.is_some_and(|lexeme| lexeme.token == Token::Comma)
        && (word(at).is_some() || at >= cursor.lexemes.len())
    {
        return Some("remove the comma before it, or add what is missing between them".into());
    }
    if let Some(found) = word(at) {
        let begins_line = before.is_none_or(|lexeme| lexeme.span.end.line < cursor.here_line(at));
        if at > 0
            && begins_line
            && STATEMENT_WORDS
                .iter()
                .any(|begin| begin.eq_ignore_ascii_case(found))
        {
            return Some(format!("is a `;` missing before `{found}`?"));
        }
        if let Some(help) = did_you_mean(found, QUERY_WORDS) {
            return Some(help);
        }
    }
    // `SELECT a FORM t`: the misspelt word was taken for an alias, and what follows it does not fit.
    let earlier = at.checked_sub(1).and_then(word)?;
    let help = nearest(earlier, QUERY_WORDS)?;
    Some(format!("did you mean `{help}` where `{earlier}` stands?"))
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
    let at = place.map_or(cursor.lexemes.len(), |place| {
        cursor
            .lexemes
            .partition_point(|lexeme| lexeme.span.start < place)
    });
    match message
        .strip_prefix("Expected: ")
        .and_then(|rest| rest.split_once(", found: "))
    {
        Some((expected, _)) => unexpected(cursor, at, expected_words(expected)),
        None => {
            let span = cursor
                .lexemes
                .get(at)
                .map_or_else(|| cursor.end_span(), |lexeme| lexeme.span);
            let mut error = Diagnostic::error(&PARSE_SYNTAX_ERROR, lower_first(message))
                .at(&cursor.origin(span), "");
            error.helps.extend(usual_slip(cursor, at));
            error
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// sqlparser's words for what it expected, made plain.
fn expected_words(expected: &str) -> &str {
    match expected {
        "end of statement" | "end of expression" => "the end of the query or a further clause",
        "identifier" => "a name",
        "an expression" | "an expression:" => "an expression",
        other => other,
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
