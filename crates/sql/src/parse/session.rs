//! `SET` and `USE`: what they change for the statements below them in the same file. Must not check
//! keys, but for those that would give other rows.

use sluice_model::Namespace;
use sluice_model::condition::graph::UNSUPPORTED_CLAUSE;
use sqlparser::tokenizer::Token;

use crate::cursor::{Cursor, Parsed};
use crate::rewrite::suffix::option_key;

/// Settings of Spark whose other value gives other rows. There is one meaning here, so the other value is refused.
const ONE_MEANING: &[(&str, &str)] = &[
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.caseSensitive", "false"),
];

/// Takes `key = value` behind `SET`; the value is the rest of the statement as written, or a string's value.
pub(crate) fn set(cursor: &mut Cursor<'_>) -> Parsed<(String, String)> {
    let key = option_key(cursor)?;
    cursor.need_symbol(&Token::Eq)?;
    let from = cursor.at;
    if cursor.is_end() {
        return cursor.expected("a value");
    }
    let only = cursor
        .lexemes
        .get(from)
        .filter(|_| cursor.lexemes.len() == from + 1);
    let value = match only.map(|lexeme| &lexeme.token) {
        Some(Token::SingleQuotedString(value)) => value.clone(),
        _ => cursor.text(from, cursor.lexemes.len()).trim().to_string(),
    };
    let fixed = ONE_MEANING
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&key));
    if let Some((name, only)) = fixed
        && !value.eq_ignore_ascii_case(only)
    {
        let message = format!("`{name}` is always {only} here");
        return Err(cursor.fail_with(&UNSUPPORTED_CLAUSE, &cursor.origin(cursor.here()), message));
    }
    Ok((key, value))
}

/// Takes what follows `USE`, and gives the namespace in force below it. A new catalog begins with its schema
/// `default`.
pub(crate) fn change_namespace(cursor: &mut Cursor<'_>) -> Parsed<Namespace> {
    let current = cursor.namespace.clone();
    let namespace = if cursor.take(&["CATALOG"]) {
        let catalog = name_or_string(cursor, "the name of a catalog")?;
        Namespace::new(&catalog, "default")
    } else {
        let _ =
            cursor.take(&["SCHEMA"]) || cursor.take(&["DATABASE"]) || cursor.take(&["NAMESPACE"]);
        let first = name_or_string(cursor, "the name of a schema")?;
        if cursor.take_symbol(&Token::Period) {
            Namespace::new(&first, &cursor.name("the name of a schema")?.value)
        } else {
            Namespace::new(&current.catalog, &first)
        }
    };
    if cursor.is_end() {
        Ok(namespace)
    } else {
        cursor.expected("the end of the statement")
    }
}

fn name_or_string(cursor: &mut Cursor<'_>, what: &str) -> Parsed<String> {
    match cursor.peek().map(|lexeme| &lexeme.token) {
        Some(Token::SingleQuotedString(_)) => cursor.string(what).map(|text| text.value),
        _ => cursor.name(what).map(|name| name.value),
    }
}
