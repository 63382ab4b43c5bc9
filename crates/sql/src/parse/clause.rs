//! The clauses between the columns of a table and its query, in any order, each once.

use sluice_model::condition::sql::DUPLICATE_CLAUSES;
use sqlparser::tokenizer::{Span, Token};

use crate::cursor::{Cursor, Parsed};
use crate::rewrite::literal::take_interval;
use crate::rewrite::suffix::{option_key, option_value};
use crate::statement::{CreateTable, Located, RefreshPolicy, RefusedClause};

/// Clauses met so far.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<&'static str>);

impl Seen {
    /// Notes a clause; an error if it was there before.
    pub(super) fn once(
        &mut self,
        cursor: &Cursor<'_>,
        clause: &'static str,
        span: Span,
    ) -> Parsed<()> {
        if self.0.contains(&clause) {
            let error = cursor.fail_with(
                &DUPLICATE_CLAUSES,
                &cursor.origin(span),
                format!("{clause} stands twice"),
            );
            return Err(error.help("remove one of them").into());
        }
        self.0.push(clause);
        Ok(())
    }
}

/// The words with which a clause or the body may begin.
pub(super) fn beginnings(is_materialized_view: bool) -> Vec<&'static str> {
    let mut words = vec!["AS"];
    words.push(if is_materialized_view {
        "REFRESH"
    } else {
        "FLOW"
    });
    words.extend([
        "COMMENT",
        "TBLPROPERTIES",
        "PARTITIONED",
        "CLUSTER",
        "LOCATION",
        "USING",
        "SCHEDULE",
        "TRIGGER",
        "DEFAULT",
        "WITH",
    ]);
    words
}

/// Takes one clause into the table; `false` if none comes next.
pub(super) fn take(
    cursor: &mut Cursor<'_>,
    table: &mut CreateTable,
    seen: &mut Seen,
) -> Parsed<bool> {
    let (from, span) = (cursor.at, cursor.here());
    if cursor.take(&["USING"]) {
        seen.once(cursor, "USING", span)?;
        let format = cursor.name("a format")?;
        if !format.value.eq_ignore_ascii_case("delta") {
            let help = "leave USING out: tables are Delta tables";
            refuse(
                cursor,
                table,
                from,
                format!("USING {}", format.value.to_uppercase()),
                help,
            );
        }
    } else if cursor.take(&["PARTITIONED"]) {
        cursor.need(&["BY"])?;
        seen.once(cursor, "PARTITIONED BY", span)?;
        partitioned_by(cursor, table, from)?;
    } else if cursor.take(&["CLUSTER"]) {
        cursor.need(&["BY"])?;
        seen.once(cursor, "CLUSTER BY", span)?;
        cluster_by(cursor, table, from)?;
    } else if cursor.take(&["LOCATION"]) {
        seen.once(cursor, "LOCATION", span)?;
        table.location = Some(cursor.string("a path as a string")?);
    } else if cursor.take(&["COMMENT"]) {
        seen.once(cursor, "COMMENT", span)?;
        table.comment = Some(cursor.string("the comment as a string")?.value);
    } else if cursor.take(&["TBLPROPERTIES"]) {
        seen.once(cursor, "TBLPROPERTIES", span)?;
        table.properties = properties(cursor)?;
    } else if cursor.take(&["DEFAULT", "COLLATION"]) {
        seen.once(cursor, "DEFAULT COLLATION", span)?;
        collation(cursor, table, from)?;
    } else if cursor.take(&["WITH", "ROW", "FILTER"]) {
        seen.once(cursor, "WITH ROW FILTER", span)?;
        cursor.qualified_name("the name of a function")?;
        cursor.need(&["ON"])?;
        cursor.skip_group()?;
        refuse(
            cursor,
            table,
            from,
            "WITH ROW FILTER".into(),
            "filter the rows in the query, or in a view for readers",
        );
    } else if cursor.take(&["SCHEDULE"]) {
        seen.once(cursor, "SCHEDULE", span)?;
        schedule(cursor)?;
        note(cursor, table, from);
    } else if cursor.take(&["TRIGGER"]) {
        cursor.need(&["ON", "UPDATE"])?;
        seen.once(cursor, "TRIGGER", span)?;
        if cursor.take(&["AT", "MOST", "EVERY"]) && take_interval(cursor)?.is_none() {
            return cursor.expected("`INTERVAL` with a number and a unit");
        }
        note(cursor, table, from);
    } else if cursor.take(&["REFRESH"]) {
        cursor.need(&["POLICY"])?;
        seen.once(cursor, "REFRESH POLICY", span)?;
        table.refresh_policy = refresh_policy(cursor)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn note(cursor: &Cursor<'_>, table: &mut CreateTable, from: usize) {
    let words = cursor
        .text(from, cursor.at)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    table.noted.push(cursor.located(words, from));
}

fn refuse(cursor: &Cursor<'_>, table: &mut CreateTable, from: usize, clause: String, help: &str) {
    table.refused.push(cursor.located(
        RefusedClause {
            clause,
            help: help.into(),
        },
        from,
    ));
}

/// A column name; fields of a struct are joined by dots.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Parsed<Located<String>> {
    let from = cursor.at;
    let mut name = cursor.name("a column")?.value;
    while cursor.take_symbol(&Token::Period) {
        name.push('.');
        name.push_str(&cursor.name("a name after `.`")?.value);
    }
    Ok(cursor.located(name, from))
}

fn partitioned_by(cursor: &mut Cursor<'_>, table: &mut CreateTable, from: usize) -> Parsed<()> {
    let mut has_transform = false;
    table.partitioned_by = cursor.list(|cursor| {
        let column = column(cursor)?;
        if cursor.sees_symbol(&Token::LParen) {
            has_transform = true;
            cursor.skip_group()?;
        }
        Ok(column)
    })?;
    if has_transform {
        let help =
            "partition by a column: add it to the query, for example `date(timestamp) AS day`";
        refuse(
            cursor,
            table,
            from,
            "PARTITIONED BY with a transform".into(),
            help,
        );
    }
    Ok(())
}

fn cluster_by(cursor: &mut Cursor<'_>, table: &mut CreateTable, from: usize) -> Parsed<()> {
    if cursor.take(&["AUTO"]) || cursor.take(&["NONE"]) {
        note(cursor, table, from);
    } else if cursor.sees_symbol(&Token::LParen) {
        table.cluster_by = cursor.list(column)?;
    } else {
        return cursor.expected("columns in parentheses, `AUTO` or `NONE`");
    }
    Ok(())
}

/// `(key [=] value, …)`.
pub(super) fn properties(
    cursor: &mut Cursor<'_>,
) -> Parsed<std::collections::BTreeMap<String, Located<String>>> {
    let pairs = cursor.list(|cursor| {
        let from = cursor.at;
        let key = option_key(cursor)?;
        cursor.take_symbol(&Token::Eq);
        let value = option_value(cursor)?;
        Ok((key, cursor.located(value, from)))
    })?;
    let mut properties = std::collections::BTreeMap::new();
    for (key, value) in pairs {
        if properties.contains_key(&key) {
            let message = format!("property `{key}` is given twice");
            return Err(cursor.fail_with(&DUPLICATE_CLAUSES, &value.origin, message));
        }
        properties.insert(key, value);
    }
    Ok(properties)
}

fn collation(cursor: &mut Cursor<'_>, table: &mut CreateTable, from: usize) -> Parsed<()> {
    let name = cursor.name("a collation")?;
    if name.value.eq_ignore_ascii_case("UTF8_BINARY") {
        note(cursor, table, from);
    } else {
        let help = "strings are compared by their bytes: leave it out, or compare `lower(column)`";
        refuse(
            cursor,
            table,
            from,
            format!("DEFAULT COLLATION {}", name.value),
            help,
        );
    }
    Ok(())
}

/// Units of `SCHEDULE EVERY`.
const UNITS: &[&str] = &["HOUR", "HOURS", "DAY", "DAYS", "WEEK", "WEEKS"];

/// Behind `SCHEDULE`.
fn schedule(cursor: &mut Cursor<'_>) -> Parsed<()> {
    cursor.take(&["REFRESH"]);
    if cursor.take(&["CRON"]) {
        cursor.string("a Quartz expression as a string")?;
        if cursor.take(&["AT", "TIME", "ZONE"]) {
            cursor.string("a time zone as a string")?;
        }
        return Ok(());
    }
    if !cursor.take(&["EVERY"]) {
        return cursor.expected_words(&["EVERY", "CRON"]);
    }
    match cursor.peek().map(|lexeme| &lexeme.token) {
        Some(Token::Number(..)) => cursor.at += 1,
        _ => return cursor.expected("a number"),
    }
    if UNITS.iter().any(|unit| cursor.take(&[unit])) {
        Ok(())
    } else {
        cursor.expected_words(UNITS)
    }
}

/// Behind `REFRESH POLICY`.
fn refresh_policy(cursor: &mut Cursor<'_>) -> Parsed<RefreshPolicy> {
    if cursor.take(&["AUTO"]) {
        return Ok(RefreshPolicy::Auto);
    }
    if cursor.take(&["FULL"]) {
        return Ok(RefreshPolicy::Full);
    }
    if cursor.take(&["INCREMENTAL"]) {
        let is_strict = cursor.take(&["STRICT"]);
        return Ok(if is_strict {
            RefreshPolicy::IncrementalStrict
        } else {
            RefreshPolicy::Incremental
        });
    }
    cursor.expected_words(&["AUTO", "INCREMENTAL", "FULL"])
}
