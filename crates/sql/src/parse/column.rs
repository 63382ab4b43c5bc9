//! What stands in the parentheses behind a table's name: columns, expectations, informational keys.

use sluice_model::condition::sql::UNSUPPORTED_DATATYPE;
use sluice_model::{Diagnostic, Expectation, OnViolation, SparkType};
use sqlparser::tokenizer::Token;

use super::query::expression;
use crate::cursor::{Cursor, Parsed};
use crate::slip;
use crate::statement::{ColumnDefinition, ExpectationClause, Located, RefusedClause};

/// The items of a declaration.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) columns: Vec<ColumnDefinition>,
    pub(super) expectations: Vec<ExpectationClause>,
    pub(super) noted: Vec<Located<String>>,
    pub(super) refused: Vec<Located<RefusedClause>>,
}

/// Takes `()`, which declares nothing.
pub(super) fn no_items(cursor: &mut Cursor<'_>) -> bool {
    let next = cursor.peek_nth(1);
    cursor.sees_symbol(&Token::LParen)
        && next.is_some_and(|next| next.token == Token::RParen)
        && cursor.take_symbol(&Token::LParen)
        && cursor.take_symbol(&Token::RParen)
}

/// Takes `( item, … )`. A type that Spark does not have is reported and leaves its column without one.
pub(super) fn items(cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> Parsed<Items> {
    let mut items = Items::default();
    cursor.list(|cursor| item(cursor, &mut items, diagnostics))?;
    Ok(items)
}

/// The words behind `CONSTRAINT name`.
const CONSTRAINTS: &[&str] = &[
    "EXPECT",
    "PRIMARY",
    "FOREIGN",
    "REFERENCES",
    "CHECK",
    "UNIQUE",
];

fn item(
    cursor: &mut Cursor<'_>,
    items: &mut Items,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<()> {
    let is_constraint = cursor.sees(&["CONSTRAINT"])
        && matches!(
            cursor.peek_nth(1).map(|next| &next.token),
            Some(Token::Word(_))
        )
        && !matches!(
            cursor.peek_nth(2).map(|next| &next.token),
            Some(Token::Comma | Token::RParen) | None
        );
    if is_constraint || cursor.sees(&["PRIMARY", "KEY"]) || cursor.sees(&["FOREIGN", "KEY"]) {
        return constraint(cursor, items);
    }
    let name = cursor.name("a column, or `CONSTRAINT`")?;
    let mut column = ColumnDefinition {
        name,
        data_type: None,
        not_null: false,
        comment: None,
        default: None,
        generated: None,
    };
    cursor.take_symbol(&Token::Colon);
    if !ends(cursor) && !begins_option(cursor) {
        column.data_type = data_type(cursor, items, diagnostics)?;
    }
    while !ends(cursor) {
        option(cursor, &mut column, items)?;
    }
    items.columns.push(column);
    Ok(())
}

fn ends(cursor: &Cursor<'_>) -> bool {
    cursor.is_end() || cursor.sees_symbol(&Token::Comma) || cursor.sees_symbol(&Token::RParen)
}

/// Whether a column option begins here.
fn begins_option(cursor: &Cursor<'_>) -> bool {
    const WORDS: &[&[&str]] = &[
        &["NOT", "NULL"],
        &["COMMENT"],
        &["DEFAULT"],
        &["GENERATED"],
        &["CONSTRAINT"],
        &["PRIMARY", "KEY"],
        &["FOREIGN", "KEY"],
        &["REFERENCES"],
        &["MASK"],
        &["COLLATE"],
    ];
    WORDS.iter().any(|words| cursor.sees(words))
}

/// Takes a type: a word, what stands in its parentheses and angle brackets.
pub(super) fn data_type(
    cursor: &mut Cursor<'_>,
    items: &mut Items,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<Option<SparkType>> {
    let from = cursor.at;
    let word = cursor.name("a data type")?.value.to_ascii_uppercase();
    if word == "INTERVAL" {
        while !ends(cursor) && !begins_option(cursor) {
            cursor.next();
        }
    }
    if word == "DOUBLE" {
        cursor.take(&["PRECISION"]);
    }
    if cursor.sees_symbol(&Token::LParen) {
        cursor.skip_group()?;
    }
    skip_angles(cursor)?;
    if let Some(help) = known_but_unsupported(&word) {
        let clause = format!("data type {word}");
        items.refused.push(cursor.located(
            RefusedClause {
                clause,
                help: help.into(),
            },
            from,
        ));
        return Ok(None);
    }
    let text = cursor.text(from, cursor.at);
    match SparkType::parse(if word == "DOUBLE" { "DOUBLE" } else { text }) {
        Ok(data_type) => Ok(Some(data_type)),
        Err(error) => {
            let start = cursor.lexemes.get(from).map_or(0, |first| first.start) + error.offset;
            let at = cursor
                .lexemes
                .iter()
                .position(|lexeme| lexeme.end > start)
                .unwrap_or(from);
            let place = cursor.origin(cursor.span_of(at, at + 1));
            let mut diagnostic = *cursor.fail_with(&UNSUPPORTED_DATATYPE, &place, error.message);
            let near = cursor
                .part(at, at + 1)
                .word_nth(0)
                .and_then(|found| slip::did_you_mean(found, TYPES));
            diagnostic
                .helps
                .extend(near.or_else(|| foreign_type(&word)));
            diagnostics.push(diagnostic);
            Ok(None)
        }
    }
}

const TYPES: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "STRING",
    "BINARY",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "ARRAY",
    "MAP",
    "STRUCT",
];

fn known_but_unsupported(word: &str) -> Option<&'static str> {
    match word {
        "VARIANT" => Some("keep the JSON text in a STRING column and read it with `column:path`"),
        "INTERVAL" => Some("store the length as a BIGINT, for example in seconds"),
        "GEOMETRY" | "GEOGRAPHY" => Some("store the shape as text (WKT) or BINARY (WKB)"),
        _ => None,
    }
}

/// Types of other databases.
fn foreign_type(word: &str) -> Option<String> {
    let ours = match word {
        "TEXT" | "NVARCHAR" | "CLOB" | "UUID" | "JSON" | "JSONB" => "STRING",
        "DATETIME" | "TIMESTAMPTZ" => "TIMESTAMP",
        "INT4" | "INT32" => "INT",
        "INT8" | "INT64" => "BIGINT",
        "FLOAT8" | "FLOAT64" => "DOUBLE",
        "BLOB" | "BYTEA" => "BINARY",
        _ => return None,
    };
    Some(format!("Spark calls it `{ours}`"))
}

/// Moves behind `<…>`, if that comes next.
fn skip_angles(cursor: &mut Cursor<'_>) -> Parsed<()> {
    let opening = cursor.here();
    let mut depth = 0_usize;
    loop {
        match cursor.peek().map(|lexeme| &lexeme.token) {
            Some(Token::Lt) => depth += 1,
            Some(Token::Gt) => depth = depth.saturating_sub(1),
            Some(Token::ShiftRight) => depth = depth.saturating_sub(2),
            Some(Token::Neq) => {}
            Some(_) | None if depth == 0 => return Ok(()),
            None => {
                return Err(cursor
                    .fail(opening, "the type that opens here has no `>`")
                    .into());
            }
            Some(_) => {}
        }
        cursor.next();
        if depth == 0 {
            return Ok(());
        }
    }
}

/// Takes one option of a column.
fn option(cursor: &mut Cursor<'_>, column: &mut ColumnDefinition, items: &mut Items) -> Parsed<()> {
    let from = cursor.at;
    if cursor.take(&["NOT", "NULL"]) {
        column.not_null = true;
    } else if cursor.take(&["COMMENT"]) {
        column.comment = Some(cursor.string("the comment as a string")?.value);
    } else if cursor.take(&["DEFAULT"]) {
        let end = expression_end(cursor);
        column.default = Some(expression(cursor.part(cursor.at, end), "a default")?);
        cursor.at = end;
    } else if cursor.take(&["GENERATED"]) {
        generated(cursor, column, items, from)?;
    } else if cursor.sees(&["CONSTRAINT"])
        || cursor.sees(&["PRIMARY", "KEY"])
        || cursor.sees(&["FOREIGN", "KEY"])
        || cursor.sees(&["REFERENCES"])
    {
        constraint(cursor, items)?;
    } else if cursor.take(&["MASK"]) {
        cursor.qualified_name("the name of a function")?;
        if cursor.take(&["USING", "COLUMNS"]) {
            cursor.skip_group()?;
        }
        let help = "mask the value in the query, for example `sha2(column, 256)`, or in a view for readers";
        refuse(cursor, items, from, "MASK", help);
    } else if cursor.take(&["COLLATE"]) {
        let name = cursor.name("a collation")?;
        if !name.value.eq_ignore_ascii_case("UTF8_BINARY") {
            refuse(
                cursor,
                items,
                from,
                "COLLATE",
                "strings are compared by their bytes: compare `lower(column)` instead",
            );
        }
    } else {
        return missing_comma(cursor);
    }
    Ok(())
}

fn missing_comma(cursor: &Cursor<'_>) -> Parsed<()> {
    const OPTIONS: &[&str] = &[
        "NOT",
        "COMMENT",
        "DEFAULT",
        "GENERATED",
        "CONSTRAINT",
        "PRIMARY",
        "REFERENCES",
        "MASK",
    ];
    let mut error = slip::unexpected(cursor, cursor.at, "`,` or `)`");
    let near = cursor
        .word_nth(0)
        .and_then(|found| slip::did_you_mean(found, OPTIONS));
    let is_name = matches!(
        cursor.peek().map(|lexeme| &lexeme.token),
        Some(Token::Word(_))
    );
    let comma = is_name.then(|| "is a comma missing before it?".to_string());
    error.helps = near.or(comma).into_iter().collect();
    Err(error.into())
}

fn refuse(cursor: &Cursor<'_>, items: &mut Items, from: usize, clause: &str, help: &str) {
    items.refused.push(cursor.located(
        RefusedClause {
            clause: clause.into(),
            help: help.into(),
        },
        from,
    ));
}

/// The index where an expression without parentheses ends: at the next option, a comma or a closing parenthesis.
fn expression_end(cursor: &Cursor<'_>) -> usize {
    let mut ahead = *cursor;
    while !ends(&ahead) && (ahead.at == cursor.at || !begins_option(&ahead)) {
        if ahead.sees_symbol(&Token::LParen) {
            if ahead.skip_group().is_err() {
                return ahead.lexemes.len();
            }
        } else {
            ahead.next();
        }
    }
    ahead.at
}

/// Behind `GENERATED`.
fn generated(
    cursor: &mut Cursor<'_>,
    column: &mut ColumnDefinition,
    items: &mut Items,
    from: usize,
) -> Parsed<()> {
    let always = cursor.take(&["ALWAYS"]);
    if !always {
        cursor.need(&["BY", "DEFAULT"])?;
    }
    cursor.need(&["AS"])?;
    if cursor.take(&["IDENTITY"]) {
        if cursor.sees_symbol(&Token::LParen) {
            cursor.skip_group()?;
        }
        let help = "make a key in the query, for example `md5(concat(a, b))` or `uuid()`";
        refuse(cursor, items, from, "GENERATED ... AS IDENTITY", help);
        return Ok(());
    }
    if !always {
        return cursor.expected_words(&["IDENTITY"]);
    }
    if !cursor.sees_symbol(&Token::LParen) {
        return cursor.expected("`(` or `IDENTITY`");
    }
    let open = cursor.at;
    let close = cursor.skip_group()?;
    column.generated = Some(expression(
        cursor.part(open + 1, close),
        "a generated column",
    )?);
    Ok(())
}

/// Takes `[CONSTRAINT name] EXPECT … | PRIMARY KEY … | [FOREIGN KEY (…)] REFERENCES …`.
fn constraint(cursor: &mut Cursor<'_>, items: &mut Items) -> Parsed<()> {
    let from = cursor.at;
    let name = if cursor.take(&["CONSTRAINT"]) {
        Some(cursor.name("the name of the constraint")?)
    } else {
        None
    };
    if cursor.take(&["EXPECT"]) {
        let Some(name) = name else {
            return cursor.expected("a name");
        };
        items.expectations.push(expectation(cursor, name)?);
        return Ok(());
    }
    if cursor.sees(&["CHECK"]) || cursor.sees(&["UNIQUE"]) {
        let error = cursor.fail(
            cursor.here(),
            "a dataset of a pipeline takes expectations instead of CHECK and UNIQUE",
        );
        return Err(error
            .help("write `CONSTRAINT name EXPECT (condition) ON VIOLATION DROP ROW`")
            .into());
    }
    if cursor.take(&["PRIMARY", "KEY"]) {
        if cursor.sees_symbol(&Token::LParen) {
            cursor.skip_group()?;
        }
    } else {
        if cursor.take(&["FOREIGN", "KEY"]) && cursor.sees_symbol(&Token::LParen) {
            cursor.skip_group()?;
        }
        if !cursor.take(&["REFERENCES"]) {
            return cursor.expected_words(if name.is_some() {
                CONSTRAINTS
            } else {
                &["REFERENCES"]
            });
        }
        cursor.qualified_name("a table")?;
        if cursor.sees_symbol(&Token::LParen) {
            cursor.skip_group()?;
        }
    }
    key_options(cursor);
    let words = cursor
        .text(from, cursor.at)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    items.noted.push(cursor.located(words, from));
    Ok(())
}

/// Words behind a key, which change nothing: it is never checked.
fn key_options(cursor: &mut Cursor<'_>) {
    const OPTIONS: &[&[&str]] = &[
        &["NOT", "ENFORCED"],
        &["NOT", "DEFERRABLE"],
        &["DEFERRABLE"],
        &["INITIALLY", "DEFERRED"],
        &["RELY"],
        &["NORELY"],
        &["MATCH", "FULL"],
        &["ON", "UPDATE", "NO", "ACTION"],
        &["ON", "DELETE", "NO", "ACTION"],
        &["TIMESERIES"],
    ];
    while OPTIONS.iter().any(|words| cursor.take(words)) {}
}

/// Behind `CONSTRAINT name EXPECT`.
fn expectation(cursor: &mut Cursor<'_>, name: Located<String>) -> Parsed<ExpectationClause> {
    if !cursor.sees_symbol(&Token::LParen) {
        return cursor.expected("`(` with the condition");
    }
    let open = cursor.at;
    let close = cursor.skip_group()?;
    let predicate = expression(
        cursor.part(open + 1, close),
        "the condition of an expectation",
    )?;
    let mut on_violation = OnViolation::Warn;
    if cursor.take(&["ON"]) {
        cursor.need(&["VIOLATION"])?;
        on_violation = if cursor.take(&["DROP"]) {
            cursor.need(&["ROW"])?;
            OnViolation::DropRow
        } else if cursor.take(&["FAIL"]) {
            cursor.need(&["UPDATE"])?;
            OnViolation::FailUpdate
        } else {
            let error = cursor.expected_words::<()>(&["DROP", "FAIL"]);
            let help = "the actions are `DROP ROW` and `FAIL UPDATE`; without ON VIOLATION the row is kept and counted";
            return Err(error.err().map_or_else(
                || cursor.fail(cursor.here(), "an action is missing").into(),
                |error| error.help(help).into(),
            ));
        };
    }
    let expectation = Expectation {
        name: name.value,
        predicate: predicate.text.clone(),
        on_violation,
        origin: name.origin,
    };
    Ok(ExpectationClause {
        expectation,
        predicate,
    })
}
