//! `OPTIMIZE`, `VACUUM` and `RESTORE`. Must not know what they do to a table.

use sqlparser::tokenizer::Token;

use super::query::expression;
use super::shell::ShellStatement;
use crate::cursor::{Cursor, Parsed};
use crate::query::{Expression, TimeTravel};
use crate::rewrite::time_travel::time_travel;
use crate::statement::{Located, WrittenName};

/// `OPTIMIZE t [FULL] [WHERE predicate] [ZORDER BY (column, …)]`.
#[derive(Debug, Clone)]
pub struct Optimize {
    /// Which table.
    pub table: WrittenName,
    /// `FULL`: files that are large enough already are rewritten too.
    pub full: bool,
    /// Which partitions; `None`: all.
    pub predicate: Option<Expression>,
    /// Columns whose near values are to lie together; empty without `ZORDER BY`.
    pub z_order_by: Vec<Located<String>>,
}

/// `VACUUM t [LITE | FULL] [RETAIN n HOURS] [DRY RUN]`.
#[derive(Debug, Clone)]
pub struct Vacuum {
    /// Which table.
    pub table: WrittenName,
    /// `RETAIN n HOURS`, in milliseconds; `None`: what the table says.
    pub retain_ms: Option<Located<u64>>,
    /// `DRY RUN`: the files are listed and stay.
    pub dry_run: bool,
}

/// `RESTORE [TABLE] t TO {VERSION | TIMESTAMP} AS OF x`.
#[derive(Debug, Clone)]
pub struct Restore {
    /// Which table.
    pub table: WrittenName,
    /// To which version.
    pub to: Located<TimeTravel>,
}

/// The statement that comes next, if it is one of these.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Parsed<Option<ShellStatement>> {
    if cursor.take(&["OPTIMIZE"]) {
        optimize(cursor).map(ShellStatement::Optimize).map(Some)
    } else if cursor.take(&["VACUUM"]) {
        vacuum(cursor).map(ShellStatement::Vacuum).map(Some)
    } else if cursor.take(&["RESTORE"]) {
        restore(cursor).map(ShellStatement::Restore).map(Some)
    } else {
        Ok(None)
    }
}

fn optimize(cursor: &mut Cursor<'_>) -> Parsed<Optimize> {
    let table = cursor.qualified_name("a table")?;
    let full = cursor.take(&["FULL"]);
    let predicate = if cursor.take(&["WHERE"]) {
        let from = cursor.at;
        while !cursor.is_end() && !cursor.sees(&["ZORDER"]) {
            if cursor.sees_symbol(&Token::LParen) {
                cursor.skip_group()?;
            } else {
                cursor.next();
            }
        }
        Some(expression(cursor.part(from, cursor.at), "a predicate")?)
    } else {
        None
    };
    let z_order_by = if cursor.take(&["ZORDER", "BY"]) {
        columns(cursor)?
    } else {
        vec![]
    };
    Ok(Optimize {
        table,
        full,
        predicate,
        z_order_by,
    })
}

/// Columns in parentheses or without.
fn columns(cursor: &mut Cursor<'_>) -> Parsed<Vec<Located<String>>> {
    if cursor.sees_symbol(&Token::LParen) {
        return cursor.list(|cursor| cursor.name("a column"));
    }
    let mut columns = vec![cursor.name("a column")?];
    while cursor.take_symbol(&Token::Comma) {
        columns.push(cursor.name("a column")?);
    }
    Ok(columns)
}

fn vacuum(cursor: &mut Cursor<'_>) -> Parsed<Vacuum> {
    let table = cursor.qualified_name("a table")?;
    let mut vacuum = Vacuum {
        table,
        retain_ms: None,
        dry_run: false,
    };
    // Files are found by a listing in both, so that the two words differ in nothing here.
    let _ = cursor.take(&["LITE"]) || cursor.take(&["FULL"]);
    loop {
        if vacuum.retain_ms.is_none() && cursor.take(&["RETAIN"]) {
            vacuum.retain_ms = Some(hours(cursor)?);
        } else if !vacuum.dry_run && cursor.take(&["DRY", "RUN"]) {
            vacuum.dry_run = true;
        } else {
            return Ok(vacuum);
        }
    }
}

/// `n HOURS`, in milliseconds.
fn hours(cursor: &mut Cursor<'_>) -> Parsed<Located<u64>> {
    let from = cursor.at;
    let parsed = match cursor.peek().map(|lexeme| &lexeme.token) {
        Some(Token::Number(number, _)) => milliseconds(number),
        _ => None,
    };
    let Some(retain) = parsed else {
        return cursor.expected("a number of hours");
    };
    cursor.next();
    if !cursor.take(&["HOURS"]) {
        return cursor.expected_words(&["HOURS"]);
    }
    Ok(cursor.located(retain, from))
}

/// Hours with at most three digits behind the point.
fn milliseconds(hours: &str) -> Option<u64> {
    const HOUR_MS: u64 = 3_600_000;
    let (whole, fraction) = hours.split_once('.').unwrap_or((hours, ""));
    let digits = u32::try_from(fraction.len())
        .ok()
        .filter(|digits| *digits <= 3)?;
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let part: u64 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    whole
        .checked_mul(HOUR_MS)?
        .checked_add(part * HOUR_MS / 10_u64.pow(digits))
}

fn restore(cursor: &mut Cursor<'_>) -> Parsed<Restore> {
    cursor.take(&["TABLE"]);
    let table = cursor.qualified_name("a table")?;
    cursor.take(&["TO"]);
    let from = cursor.at;
    match time_travel(cursor)? {
        Some(to) => Ok(Restore {
            table,
            to: cursor.located(to, from),
        }),
        None => cursor.expected("`TO VERSION AS OF` or `TO TIMESTAMP AS OF`"),
    }
}
