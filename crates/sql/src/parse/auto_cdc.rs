//! The specification of `AUTO CDC` and `APPLY CHANGES`: its clauses in any order, each once.

use std::ops::Range;

use sluice_model::Origin;
use sluice_model::condition::sql::{
    AUTOCDC_EMPTY_KEYS, AUTOCDC_IGNORE_NULL_EMPTY_COLUMN_LIST, AUTOCDC_MULTIPART_COLUMN_IDENTIFIER,
    UNSUPPORTED_AUTO_CDC_FROM_SNAPSHOT,
};
use sqlparser::tokenizer::Token;

use super::clause::Seen;
use super::query::{Place, expression, query};
use crate::cursor::{Cursor, Parsed};
use crate::lex::Lexeme;
use crate::query::{Expression, Query};
use crate::statement::{AutoCdc, ColumnSelection, FlowBody, Located, StoredAs};

/// The clauses with their first words.
const CLAUSES: &[(&str, &[&str])] = &[
    ("KEYS", &["KEYS"]),
    ("WHERE", &["WHERE"]),
    ("IGNORE NULL UPDATES", &["IGNORE", "NULL"]),
    ("APPLY AS DELETE WHEN", &["APPLY", "AS", "DELETE"]),
    ("APPLY AS TRUNCATE WHEN", &["APPLY", "AS", "TRUNCATE"]),
    ("SYSTEM SEQUENCE BY", &["SYSTEM", "SEQUENCE"]),
    ("SEQUENCE BY", &["SEQUENCE", "BY"]),
    ("COLUMNS TO UPDATE", &["COLUMNS", "TO"]),
    ("COLUMNS", &["COLUMNS"]),
    ("STORED AS", &["STORED", "AS"]),
    ("TRACK HISTORY ON", &["TRACK", "HISTORY"]),
];

/// The clause that begins at the next token.
fn clause_here(cursor: &Cursor<'_>) -> Option<&'static str> {
    CLAUSES
        .iter()
        .find(|(_, words)| cursor.sees(words))
        .map(|(clause, _)| *clause)
}

/// What has been read.
#[derive(Default)]
struct Draft {
    keys: Vec<Located<String>>,
    sequence_by: Option<Expression>,
    delete_when: Option<Expression>,
    truncate_when: Option<Expression>,
    ignore_null_updates: Option<ColumnSelection>,
    columns: ColumnSelection,
    stored_as: StoredAs,
    track_history: ColumnSelection,
    columns_to_update: Option<Located<String>>,
    system_sequence_by: Option<Located<String>>,
    /// The tokens of `WHERE …`, which older projects write among the clauses.
    filter: Range<usize>,
}

/// Takes `FROM …` and the clauses; `first` is the index of `AUTO` or `APPLY`.
pub(super) fn specification(cursor: &mut Cursor<'_>, first: usize, once: bool) -> Parsed<FlowBody> {
    let origin = cursor.origin(cursor.span_of(first, first + 2));
    let source = source(cursor)?;
    let (mut draft, mut seen) = (Draft::default(), Seen::default());
    while !cursor.is_end() {
        let span = cursor.here();
        let Some(clause) = clause_here(cursor) else {
            let words: Vec<&str> = CLAUSES
                .iter()
                .filter_map(|(_, words)| words.first().copied())
                .collect();
            return cursor.expected_words(&words);
        };
        seen.once(cursor, clause, span)?;
        take(cursor, clause, &mut draft)?;
    }
    if draft.keys.is_empty() {
        return cursor.expected("`KEYS (...)`");
    }
    let Some(sequence_by) = draft.sequence_by else {
        return cursor.expected("`SEQUENCE BY ...`");
    };
    let from = source_query(cursor, source, draft.filter)?;
    Ok(FlowBody::AutoCdc(Box::new(AutoCdc {
        origin,
        once,
        from,
        keys: draft.keys,
        sequence_by,
        delete_when: draft.delete_when,
        truncate_when: draft.truncate_when,
        ignore_null_updates: draft.ignore_null_updates,
        columns: draft.columns,
        stored_as: draft.stored_as,
        track_history: draft.track_history,
        columns_to_update: draft.columns_to_update,
        system_sequence_by: draft.system_sequence_by,
    })))
}

/// Takes `FROM relation`, up to the first clause.
fn source(cursor: &mut Cursor<'_>) -> Parsed<Range<usize>> {
    let start = cursor.at;
    cursor.need(&["FROM"])?;
    let behind = cursor.peek_nth(1).map(|next| &next.token);
    if cursor.sees(&["SNAPSHOT"]) && matches!(behind, Some(Token::Word(_) | Token::LParen)) {
        let place = cursor.origin(cursor.here());
        let message = "AUTO CDC FROM SNAPSHOT is not supported";
        let error = cursor.fail_with(&UNSUPPORTED_AUTO_CDC_FROM_SNAPSHOT, &place, message);
        return Err(error
            .help("feed the changes as a stream: `FROM STREAM(changes)`")
            .into());
    }
    skip_to_clause(cursor)?;
    if cursor.at == start + 1 {
        return cursor.expected("the stream of changes");
    }
    Ok(start..cursor.at)
}

/// Moves to the next clause, by one token at least.
fn skip_to_clause(cursor: &mut Cursor<'_>) -> Parsed<()> {
    let start = cursor.at;
    while !cursor.is_end() && (cursor.at == start || clause_here(cursor).is_none()) {
        if cursor.sees_symbol(&Token::LParen) {
            cursor.skip_group()?;
        } else {
            cursor.next();
        }
    }
    Ok(())
}

/// The query `SELECT * FROM relation [WHERE condition]`.
fn source_query(cursor: &Cursor<'_>, source: Range<usize>, filter: Range<usize>) -> Parsed<Query> {
    let place = cursor.span_of(source.start + 1, source.end);
    let tokens = cursor.lexemes.get(source).unwrap_or_default();
    let Some(keyword) = tokens.first() else {
        return cursor.expected_words(&["FROM"]);
    };
    let prefix = [Token::make_keyword("SELECT"), Token::Mul];
    let mut lexemes: Vec<Lexeme> = prefix
        .into_iter()
        .map(|token| Lexeme {
            token,
            ..keyword.clone()
        })
        .collect();
    lexemes.extend_from_slice(tokens);
    lexemes.extend_from_slice(cursor.lexemes.get(filter).unwrap_or_default());
    let end = lexemes.last().map_or(cursor.end, |last| last.span.end);
    let query = query(
        Cursor {
            lexemes: &lexemes,
            at: 0,
            after: None,
            end,
            ..*cursor
        },
        Place::Pipeline,
    )?;
    if query.relations.len() != 1 {
        let error = cursor.fail(place, "AUTO CDC reads exactly one stream of changes");
        return Err(error
            .help("prepare the changes in a temporary view, and read that")
            .into());
    }
    Ok(query)
}

/// Takes one clause.
fn take(cursor: &mut Cursor<'_>, clause: &str, draft: &mut Draft) -> Parsed<()> {
    match clause {
        "KEYS" => {
            cursor.next();
            let place = cursor.origin(cursor.here());
            draft.keys = columns(cursor)?;
            if draft.keys.is_empty() {
                return Err(cursor.fail_with(
                    &AUTOCDC_EMPTY_KEYS,
                    &place,
                    "KEYS needs at least one column",
                ));
            }
        }
        "IGNORE NULL UPDATES" => {
            cursor.need(&["IGNORE", "NULL", "UPDATES"])?;
            draft.ignore_null_updates = Some(if cursor.take(&["ON"]) {
                ignored(cursor)?
            } else {
                ColumnSelection::All
            });
        }
        "APPLY AS DELETE WHEN" => {
            cursor.need(&["APPLY", "AS", "DELETE", "WHEN"])?;
            draft.delete_when = Some(until_clause(cursor, "the condition of a delete")?);
        }
        "APPLY AS TRUNCATE WHEN" => {
            cursor.need(&["APPLY", "AS", "TRUNCATE", "WHEN"])?;
            draft.truncate_when = Some(until_clause(cursor, "the condition of a truncate")?);
        }
        "WHERE" => {
            let from = cursor.at;
            skip_to_clause(cursor)?;
            draft.filter = from..cursor.at;
        }
        "SYSTEM SEQUENCE BY" => {
            cursor.need(&["SYSTEM", "SEQUENCE", "BY"])?;
            draft.system_sequence_by = Some(column(cursor)?);
        }
        "SEQUENCE BY" => {
            cursor.need(&["SEQUENCE", "BY"])?;
            draft.sequence_by = Some(until_clause(cursor, "the sequence")?);
        }
        "COLUMNS TO UPDATE" => {
            cursor.need(&["COLUMNS", "TO", "UPDATE"])?;
            draft.columns_to_update = Some(column(cursor)?);
        }
        "COLUMNS" => {
            cursor.next();
            draft.columns = selection(cursor)?;
        }
        "STORED AS" => {
            cursor.need(&["STORED", "AS"])?;
            draft.stored_as = stored_as(cursor)?;
        }
        _ => {
            cursor.need(&["TRACK", "HISTORY", "ON"])?;
            draft.track_history = selection(cursor)?;
        }
    }
    Ok(())
}

/// The expression up to the next clause.
fn until_clause(cursor: &mut Cursor<'_>, what: &str) -> Parsed<Expression> {
    let from = cursor.at;
    skip_to_clause(cursor)?;
    expression(cursor.part(from, cursor.at), what)
}

/// A top-level column.
fn column(cursor: &mut Cursor<'_>) -> Parsed<Located<String>> {
    let from = cursor.at;
    let name = cursor.name("a column")?;
    if !cursor.sees_symbol(&Token::Period) {
        return Ok(name);
    }
    while cursor.take_symbol(&Token::Period) {
        cursor.name("a name after `.`")?;
    }
    let place: Origin = cursor.origin(cursor.span_of(from, cursor.at));
    let written = cursor.text(from, cursor.at);
    let last = written.rsplit('.').next().unwrap_or_default();
    let message =
        format!("`{written}` has several parts, AUTO CDC takes top-level columns of its source");
    let error = cursor.fail_with(&AUTOCDC_MULTIPART_COLUMN_IDENTIFIER, &place, message);
    Err(error
        .help(format!("write `{last}`, if that is a column of the source"))
        .into())
}

/// `(a, b)`, perhaps empty.
fn columns(cursor: &mut Cursor<'_>) -> Parsed<Vec<Located<String>>> {
    let mut empty = *cursor;
    if empty.take_symbol(&Token::LParen) && empty.take_symbol(&Token::RParen) {
        *cursor = empty;
        return Ok(vec![]);
    }
    cursor.list(column)
}

/// `(cols)`, `cols`, `* [EXCEPT (cols)]`.
fn selection(cursor: &mut Cursor<'_>) -> Parsed<ColumnSelection> {
    if cursor.take_symbol(&Token::Mul) {
        if cursor.take(&["EXCEPT"]) {
            return columns(cursor).map(ColumnSelection::Except);
        }
        return Ok(ColumnSelection::All);
    }
    if cursor.sees_symbol(&Token::LParen) {
        return columns(cursor).map(ColumnSelection::Only);
    }
    let mut only = vec![column(cursor)?];
    while cursor.take_symbol(&Token::Comma) {
        only.push(column(cursor)?);
    }
    Ok(ColumnSelection::Only(only))
}

/// Behind `IGNORE NULL UPDATES ON`.
fn ignored(cursor: &mut Cursor<'_>) -> Parsed<ColumnSelection> {
    let place = cursor.origin(cursor.here());
    let selection = selection(cursor)?;
    if matches!(&selection, ColumnSelection::Only(columns) | ColumnSelection::Except(columns) if columns.is_empty())
    {
        let message = "IGNORE NULL UPDATES ON needs at least one column";
        return Err(cursor.fail_with(&AUTOCDC_IGNORE_NULL_EMPTY_COLUMN_LIST, &place, message));
    }
    Ok(selection)
}

/// Behind `STORED AS`.
fn stored_as(cursor: &mut Cursor<'_>) -> Parsed<StoredAs> {
    if cursor.take(&["BITEMPORAL"]) {
        return Ok(StoredAs::Bitemporal);
    }
    if !cursor.take(&["SCD"]) {
        return cursor.expected_words(&["SCD", "BITEMPORAL"]);
    }
    cursor.need(&["TYPE"])?;
    let kind = match cursor.peek().map(|lexeme| &lexeme.token) {
        Some(Token::Number(number, _)) if number == "1" => StoredAs::ScdType1,
        Some(Token::Number(number, _)) if number == "2" => StoredAs::ScdType2,
        _ => return cursor.expected("`1` or `2`"),
    };
    cursor.next();
    Ok(kind)
}
