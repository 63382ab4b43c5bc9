//! Statements of `sluice sql`: queries, the few that describe, and those that maintain. Must not accept anything that
//! changes rows: rows are what the pipeline makes of its sources.

use std::sync::Arc;

use sluice_model::{Diagnostic, Namespace};
use sqlparser::tokenizer::Token;

use super::maintain::{self, Optimize, Restore, Vacuum};
use super::query::{Place, query};
use crate::cursor::{Cursor, Parsed, Source};
use crate::lex::lex;
use crate::query::Query;
use crate::rewrite::suffix::option_key;
use crate::slip;
use crate::source_map::{Replacement, SourceMap};
use crate::statement::WrittenName;

/// One statement of the shell.
#[derive(Debug, Clone)]
pub enum ShellStatement {
    /// Any query.
    Query(Box<Query>),
    /// `EXPLAIN query`.
    Explain(Box<Query>),
    /// `DESCRIBE [TABLE] [EXTENDED | HISTORY | DETAIL] t`.
    Describe {
        /// What is asked.
        form: DescribeForm,
        /// Of which table.
        table: WrittenName,
        /// `LIMIT n` of `DESCRIBE HISTORY`.
        limit: Option<u64>,
    },
    /// `SHOW TABLES [IN schema] [[LIKE] 'pattern']`.
    ShowTables {
        /// The schema, if one is named.
        schema: Option<WrittenName>,
        /// The pattern (`*` and `|`), if one is given.
        pattern: Option<String>,
    },
    /// `SHOW TBLPROPERTIES t [('key')]`.
    ShowTableProperties {
        /// Of which table.
        table: WrittenName,
        /// The one key asked for.
        key: Option<String>,
    },
    /// `SHOW COLUMNS {IN | FROM} t [{IN | FROM} schema]`.
    ShowColumns {
        /// Of which table.
        table: WrittenName,
    },
    /// `OPTIMIZE t …`.
    Optimize(Optimize),
    /// `VACUUM t …`.
    Vacuum(Vacuum),
    /// `RESTORE TABLE t TO …`.
    Restore(Restore),
}

/// What `DESCRIBE` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescribeForm {
    /// Columns.
    Columns,
    /// `EXTENDED`: columns and properties.
    Extended,
    /// `HISTORY`: commits.
    History,
    /// `DETAIL`: one row about the table.
    Detail,
}

/// Parses one statement of `sluice sql`, with an optional `;` at its end.
///
/// # Errors
/// Every syntax error found, with its place.
pub fn parse_shell_statement(
    file: &Arc<str>,
    text: &str,
    replacements: Vec<Replacement>,
    defaults: &Namespace,
) -> Result<ShellStatement, Vec<Diagnostic>> {
    super::one(file, text, replacements, defaults, |mut cursor| {
        statement(&mut cursor)
    })
}

/// Splits a text into statements at each `;` outside strings and comments: byte ranges without the `;`. Parts without a
/// token are left out.
///
/// # Errors
/// Text that is no token: behind a string, name or comment that never ends, nothing can be told apart.
pub fn split_statements(
    file: &Arc<str>,
    text: &str,
) -> Result<Vec<std::ops::Range<usize>>, Vec<Diagnostic>> {
    let source = Source {
        text,
        map: SourceMap::new(Arc::clone(file), vec![]),
    };
    let (lexemes, errors) = super::tokens(&source).map_err(|error| vec![*error])?;
    if !errors.is_empty() {
        let errors = errors.iter().map(|error| super::lexical(&source, error));
        return Err(errors.collect());
    }
    let parts = lexemes.split(|lexeme| lexeme.token == Token::SemiColon);
    Ok(parts
        .filter_map(|part| Some(part.first()?.start..part.last()?.end))
        .collect())
}

/// Whether what was typed so far is complete: it ends with `;` and nothing is left open.
#[must_use]
pub fn is_complete(text: &str) -> bool {
    let (lexemes, errors) = lex(text);
    let ends = lexemes
        .last()
        .is_none_or(|last| last.token == Token::SemiColon);
    ends && errors.is_empty()
}

fn statement(cursor: &mut Cursor<'_>) -> Parsed<ShellStatement> {
    if cursor.take(&["EXPLAIN"]) {
        if cursor.sees(&["CREATE"]) {
            let error = cursor.fail(cursor.here(), "EXPLAIN takes a query here");
            return Err(error
                .help("`sluice plan` shows how each materialized view is refreshed")
                .into());
        }
        let _ = ["EXTENDED", "FORMATTED", "CODEGEN", "COST", "ANALYZE"]
            .iter()
            .any(|word| cursor.take(&[word]));
        return rest(cursor).map(ShellStatement::Explain);
    }
    if cursor.take(&["DESCRIBE"]) || cursor.take(&["DESC"]) {
        return describe(cursor);
    }
    if cursor.take(&["SHOW"]) {
        return show(cursor);
    }
    if let Some(maintenance) = maintain::statement(cursor)? {
        end(cursor)?;
        return Ok(maintenance);
    }
    let begins_query = ["SELECT", "WITH", "VALUES", "FROM"]
        .iter()
        .any(|word| cursor.sees(&[word]));
    if begins_query || cursor.sees_symbol(&Token::LParen) {
        return rest(cursor).map(ShellStatement::Query);
    }
    let mut error = slip::unexpected(
        cursor,
        cursor.at,
        "a query, `DESCRIBE`, `SHOW`, `EXPLAIN`, `OPTIMIZE`, `VACUUM` or `RESTORE`",
    );
    let words = [
        "SELECT", "WITH", "VALUES", "DESCRIBE", "SHOW", "EXPLAIN", "OPTIMIZE", "VACUUM", "RESTORE",
    ];
    if let Some(help) = cursor
        .word_nth(0)
        .and_then(|found| slip::did_you_mean(found, &words))
    {
        if !error.helps.contains(&help) {
            error.helps.insert(0, help);
        }
    } else if !cursor.is_end() {
        error
            .helps
            .push("rows change only when the pipeline runs".into());
    }
    Err(error.into())
}

/// The rest as a query.
fn rest(cursor: &Cursor<'_>) -> Parsed<Box<Query>> {
    query(cursor.part(cursor.at, cursor.lexemes.len()), Place::Shell).map(Box::new)
}

/// Behind `DESCRIBE`.
fn describe(cursor: &mut Cursor<'_>) -> Parsed<ShellStatement> {
    let form = if cursor.take(&["HISTORY"]) {
        DescribeForm::History
    } else if cursor.take(&["DETAIL"]) {
        DescribeForm::Detail
    } else {
        cursor.take(&["TABLE"]);
        if cursor.take(&["EXTENDED"]) || cursor.take(&["FORMATTED"]) {
            DescribeForm::Extended
        } else {
            DescribeForm::Columns
        }
    };
    let table = cursor.qualified_name("a table")?;
    let mut limit = None;
    if form == DescribeForm::History && cursor.take(&["LIMIT"]) {
        limit = match cursor.peek().map(|lexeme| &lexeme.token) {
            Some(Token::Number(number, _)) => number.parse().ok(),
            _ => None,
        };
        if limit.is_none() {
            return cursor.expected("a number");
        }
        cursor.next();
    }
    end(cursor)?;
    Ok(ShellStatement::Describe { form, table, limit })
}

/// Behind `SHOW`.
fn show(cursor: &mut Cursor<'_>) -> Parsed<ShellStatement> {
    if cursor.take(&["TABLES"]) {
        let named = cursor.take(&["IN"]) || cursor.take(&["FROM"]);
        let schema = if named {
            Some(cursor.qualified_name("a schema")?)
        } else {
            None
        };
        let liked = cursor.take(&["LIKE"]);
        let pattern = if liked || !cursor.is_end() {
            Some(cursor.string("a pattern as a string")?.value)
        } else {
            None
        };
        end(cursor)?;
        return Ok(ShellStatement::ShowTables { schema, pattern });
    }
    if cursor.take(&["TBLPROPERTIES"]) {
        let table = cursor.qualified_name("a table")?;
        let mut key = None;
        if cursor.take_symbol(&Token::LParen) {
            key = Some(option_key(cursor)?);
            cursor.need_symbol(&Token::RParen)?;
        }
        end(cursor)?;
        return Ok(ShellStatement::ShowTableProperties { table, key });
    }
    if cursor.take(&["COLUMNS"]) {
        return show_columns(cursor);
    }
    cursor.expected_words(&["TABLES", "COLUMNS", "TBLPROPERTIES"])
}

/// Behind `SHOW COLUMNS`.
fn show_columns(cursor: &mut Cursor<'_>) -> Parsed<ShellStatement> {
    if !cursor.take(&["IN"]) && !cursor.take(&["FROM"]) {
        return cursor.expected_words(&["IN", "FROM"]);
    }
    let mut table = cursor.qualified_name("a table")?;
    if cursor.take(&["IN"]) || cursor.take(&["FROM"]) {
        let schema = cursor.qualified_name("a schema")?;
        let name = table.parts.pop();
        table.parts = schema.parts.into_iter().chain(name).collect();
    }
    end(cursor)?;
    Ok(ShellStatement::ShowColumns { table })
}

fn end(cursor: &Cursor<'_>) -> Parsed<()> {
    if cursor.is_end() {
        Ok(())
    } else {
        cursor.expected("the end of the statement")
    }
}
