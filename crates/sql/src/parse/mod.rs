//! From the text of a file to statements. Must not read files, replace `${…}` or resolve names.

mod auto_cdc;
mod clause;
mod column;
mod flow;
mod function;
pub mod maintain;
mod query;
mod session;
pub mod shell;
mod table;
mod unread;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_model::condition::sql::{SQL_FILE_TOO_LARGE, UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND};
use sluice_model::limits::{SQL_FILE_BYTES_MAX, SQL_STATEMENTS_MAX};
use sluice_model::{Diagnostic, Namespace, Origin};
use sqlparser::tokenizer::{Location, Token};

use crate::cursor::{Cursor, Parsed, Source};
use crate::lex::{LexError, Lexeme, lex};
use crate::query::{Expression, Query};
use crate::slip;
use crate::source_map::{Replacement, SourceMap};
use crate::statement::{Statement, StatementKind};

pub(crate) use query::{Place, expression as parse_expression};

/// Parses a pipeline file after `${…}` was replaced; goes on at the next `;` after an error, so that all errors
/// come at once.
///
/// `text` is what is parsed, `replacements` say where it differs from what the user wrote, and `defaults` are the
/// catalog and schema in force before any `USE`. The diagnostics may hold warnings; of statements with an error no more
/// than the name is kept.
#[must_use]
pub fn parse_file(
    file: &Arc<str>,
    text: &str,
    replacements: Vec<Replacement>,
    defaults: &Namespace,
) -> (Vec<Statement>, Vec<Diagnostic>) {
    let source = Source {
        text,
        map: SourceMap::new(Arc::clone(file), replacements),
    };
    let (lexemes, errors) = match tokens(&source) {
        Ok(found) => found,
        Err(error) => return (vec![], vec![*error]),
    };
    let mut diagnostics: Vec<Diagnostic> =
        errors.iter().map(|error| lexical(&source, error)).collect();
    let mut file = File {
        namespace: defaults.clone(),
        settings: BTreeMap::new(),
        statements: vec![],
    };
    let mut count = 0;
    let mut begin = Location::new(1, 1);
    for part in lexemes.split_inclusive(|lexeme| lexeme.token == Token::SemiColon) {
        let (part, end) = match part {
            [statement @ .., semicolon] if semicolon.token == Token::SemiColon => {
                (statement, semicolon.span.end)
            }
            statement => (statement, Location::new(u64::MAX, 0)),
        };
        let region = begin..end;
        begin = end;
        let Some(first) = part.first() else { continue };
        if count == SQL_STATEMENTS_MAX {
            let message = format!("the file holds more than {SQL_STATEMENTS_MAX} statements");
            let place = source.map.origin(first.span);
            diagnostics.push(
                Diagnostic::error(&SQL_FILE_TOO_LARGE, message)
                    .at(&place, "")
                    .help("split the file"),
            );
            break;
        }
        count += 1;
        if let Err(error) = file.statement(&source, part, &mut diagnostics) {
            // Text that is no token explains what follows it: one error for one slip.
            if !errors
                .iter()
                .any(|lexical| region.contains(&lexical.span.start))
            {
                diagnostics.push(*error);
            }
            file.unread(&source, part);
        }
    }
    diagnostics.sort_by(|a, b| a.origin().cmp(&b.origin()));
    (file.statements, diagnostics)
}

/// Parses one query (`WITH`, `SELECT`, `VALUES`, `FROM`) with an optional `;` at its end.
///
/// # Errors
/// Every syntax error found, with its place.
pub fn parse_query(
    file: &Arc<str>,
    text: &str,
    replacements: Vec<Replacement>,
    defaults: &Namespace,
) -> Result<Query, Vec<Diagnostic>> {
    one(file, text, replacements, defaults, |cursor| {
        query::query(cursor, Place::Shell)
    })
}

/// Parses one scalar expression.
///
/// # Errors
/// Every syntax error found, with its place.
pub fn parse_scalar(
    file: &Arc<str>,
    text: &str,
    replacements: Vec<Replacement>,
    defaults: &Namespace,
) -> Result<Expression, Vec<Diagnostic>> {
    one(file, text, replacements, defaults, |cursor| {
        parse_expression(cursor, "an expression")
    })
}

/// The functions that a query calls, lower case, each with its place, in order of appearance; table functions that
/// are relations ([`Query::relations`]) are not among them.
#[must_use]
pub fn functions_called(query: &Query) -> Vec<(String, Origin)> {
    query::calls(&query.tree)
        .into_iter()
        .map(|name| {
            (
                name.value.to_lowercase(),
                query.source_map.origin(name.span),
            )
        })
        .collect()
}

/// Parses a text that holds one thing.
fn one<T>(
    file: &Arc<str>,
    text: &str,
    replacements: Vec<Replacement>,
    defaults: &Namespace,
    rule: impl FnOnce(Cursor<'_>) -> Parsed<T>,
) -> Result<T, Vec<Diagnostic>> {
    let source = Source {
        text,
        map: SourceMap::new(Arc::clone(file), replacements),
    };
    let (mut lexemes, errors) = tokens(&source).map_err(|error| vec![*error])?;
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| lexical(&source, error)).collect());
    }
    while lexemes
        .last()
        .is_some_and(|last| last.token == Token::SemiColon)
    {
        lexemes.pop();
    }
    let cursor = Cursor::new(&source, defaults, &lexemes);
    if let Some(second) = lexemes
        .iter()
        .position(|lexeme| lexeme.token == Token::SemiColon)
    {
        let span = lexemes
            .get(second + 1)
            .map_or_else(|| cursor.end_span(), |lexeme| lexeme.span);
        return Err(vec![
            cursor
                .fail(span, "a second statement begins here, expected one")
                .help("run them one by one"),
        ]);
    }
    rule(cursor).map_err(|error| vec![*error])
}

/// Lexical errors that are reported of one file: one slip can make many.
const LEXICAL_ERRORS_MAX: usize = 100;

/// The tokens of a text that is not too large, with the lexical errors.
pub(crate) fn tokens(source: &Source<'_>) -> Parsed<(Vec<Lexeme>, Vec<LexError>)> {
    let bytes = source.text.len() as u64;
    if bytes > SQL_FILE_BYTES_MAX {
        let message = format!("the file has {bytes} bytes, at most {SQL_FILE_BYTES_MAX} are read");
        let origin = Origin::new(Arc::clone(source.map.file()), 1, 1, 0);
        let error = Diagnostic::error(&SQL_FILE_TOO_LARGE, message)
            .at(&origin, "")
            .help("split the file");
        return Err(error.into());
    }
    let (lexemes, mut errors) = lex(source.text);
    errors.truncate(LEXICAL_ERRORS_MAX);
    Ok((lexemes, errors))
}

/// A lexical error for people.
pub(crate) fn lexical(source: &Source<'_>, error: &LexError) -> Diagnostic {
    let diagnostic = Diagnostic::error(error.condition, error.message.clone())
        .at(&source.map.origin(error.span), "");
    match error.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// What the statements of a file so far have declared and set.
struct File {
    namespace: Namespace,
    settings: BTreeMap<String, String>,
    statements: Vec<Statement>,
}

/// The words that may begin a statement of a pipeline file.
const BEGINNINGS: &[&str] = &["CREATE", "APPLY", "SET", "USE"];

/// Words that begin statements which act at once.
const COMMANDS: &[&str] = &[
    "SELECT", "WITH", "VALUES", "FROM", "INSERT", "UPDATE", "DELETE", "MERGE", "DROP", "ALTER",
    "TRUNCATE", "COPY", "OPTIMIZE", "VACUUM", "DESCRIBE", "DESC", "SHOW", "GRANT", "REVOKE",
    "REFRESH", "ANALYZE", "CACHE", "CALL", "COMMENT", "EXPLAIN", "RESTORE", "REPLACE", "RESET",
    "DECLARE", "BEGIN", "EXECUTE", "MSCK", "UNCACHE", "REPAIR",
];

impl File {
    /// Parses one statement; errors that do not end it go to `diagnostics`.
    fn statement(
        &mut self,
        source: &Source<'_>,
        part: &[Lexeme],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Parsed<()> {
        let mut cursor = Cursor::new(source, &self.namespace, part);
        let origin = cursor.origin(cursor.here());
        let kind = if cursor.sees(&["CREATE"]) {
            create(&mut cursor, diagnostics)?
        } else if cursor.sees(&["APPLY"]) {
            StatementKind::Flow(flow::apply_changes(&mut cursor)?)
        } else if cursor.take(&["SET"]) {
            let (key, value) = session::set(&mut cursor)?;
            self.settings.insert(key, value);
            return Ok(());
        } else if cursor.take(&["USE"]) {
            self.namespace = session::change_namespace(&mut cursor)?;
            return Ok(());
        } else {
            return Err(no_statement(&cursor));
        };
        self.push(kind, origin);
        Ok(())
    }

    /// Keeps the name of a table or view whose statement has an error, if it goes that far.
    fn unread(&mut self, source: &Source<'_>, part: &[Lexeme]) {
        let mut cursor = Cursor::new(source, &self.namespace, part);
        let origin = cursor.origin(cursor.here());
        if let Some(name) = unread::name(&mut cursor) {
            self.push(StatementKind::Unread(name), origin);
        }
    }

    fn push(&mut self, kind: StatementKind, origin: Origin) {
        self.statements.push(Statement {
            kind,
            origin,
            namespace: self.namespace.clone(),
            settings: self.settings.clone(),
        });
    }
}

/// The error of a statement that no pipeline file holds.
#[expect(
    clippy::unnecessary_box_returns,
    reason = "errors travel boxed, as in `Parsed`"
)]
fn no_statement(cursor: &Cursor<'_>) -> Box<Diagnostic> {
    let word = cursor.word_nth(0).map(str::to_ascii_uppercase);
    let Some(word) = word.filter(|word| COMMANDS.contains(&word.as_str())) else {
        let error = cursor.expected_words::<()>(BEGINNINGS);
        return error
            .err()
            .unwrap_or_else(|| cursor.fail(cursor.here(), "no statement").into());
    };
    let origin = cursor.origin(cursor.here());
    let error = cursor.fail_with(
        &UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND,
        &origin,
        format!("{word} does not belong in a pipeline file"),
    );
    error.help(help_for(&word)).into()
}

/// What to write instead of a command.
fn help_for(word: &str) -> &'static str {
    match word {
        "SELECT" | "WITH" | "VALUES" | "FROM" => {
            "declare what should hold the result: `CREATE MATERIALIZED VIEW name AS SELECT ...`, or run it with `sluice sql`"
        }
        "INSERT" => {
            "declare the movement of data: `CREATE FLOW name AS INSERT INTO table BY NAME SELECT ...`"
        }
        "MERGE" | "UPDATE" | "DELETE" => {
            "declare the changes: `CREATE FLOW name AS AUTO CDC INTO table FROM STREAM(changes) KEYS (...) SEQUENCE BY ...`"
        }
        "OPTIMIZE" | "VACUUM" => "run it from another Delta tool, between updates",
        "DROP" => "remove the declaration of the dataset; its table stays until you delete it",
        "ALTER" => "change the declaration of the dataset instead",
        "COMMENT" => "write COMMENT in the declaration of the dataset",
        _ => "remove it from the project's SQL files; queries run with `sluice sql`",
    }
}

/// What stands between `CREATE` and the name.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one optional word of the grammar, read before its meaning is known"
)]
struct Modifiers {
    replace: bool,
    private: bool,
    temporary: bool,
    streaming: bool,
    live: bool,
}

/// Takes `CREATE …`.
fn create(cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> Parsed<StatementKind> {
    cursor.need(&["CREATE"])?;
    let mut modifiers = Modifiers::default();
    if cursor.take(&["OR"]) {
        if !cursor.take(&["REFRESH"]) && !cursor.take(&["REPLACE"]) {
            return cursor.expected_words(&["REFRESH", "REPLACE"]);
        }
        modifiers.replace = true;
    }
    loop {
        let word = if cursor.take(&["PRIVATE"]) {
            &mut modifiers.private
        } else if cursor.take(&["TEMPORARY"]) || cursor.take(&["TEMP"]) {
            &mut modifiers.temporary
        } else if cursor.take(&["STREAMING"]) || cursor.take(&["INCREMENTAL"]) {
            &mut modifiers.streaming
        } else if cursor.take(&["LIVE"]) {
            &mut modifiers.live
        } else {
            break;
        };
        if std::mem::replace(word, true) {
            cursor.at -= 1;
            return cursor.expected("the word once");
        }
    }
    created(cursor, modifiers, diagnostics)
}

/// Takes the kind of thing that is created, and the rest.
fn created(
    cursor: &mut Cursor<'_>,
    modifiers: Modifiers,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<StatementKind> {
    let Modifiers {
        private,
        temporary,
        streaming,
        live,
        ..
    } = modifiers;
    if cursor.take(&["MATERIALIZED", "VIEW"]) {
        let table = table::create(
            cursor,
            table::Kind::MaterializedView,
            private || temporary,
            diagnostics,
        )?;
        return Ok(StatementKind::MaterializedView(table));
    }
    if cursor.take(&["FLOW"]) {
        return Ok(StatementKind::Flow(flow::create(cursor)?));
    }
    if !(private || streaming || live) && cursor.take(&["FUNCTION"]) {
        let function = function::create(cursor, modifiers.replace, temporary, diagnostics)?;
        return Ok(StatementKind::Function(function));
    }
    if cursor.take(&["VIEW"]) {
        let is_temporary = temporary || live || streaming;
        return Ok(StatementKind::View(view::create(
            cursor,
            is_temporary,
            diagnostics,
        )?));
    }
    if !cursor.sees(&["TABLE"]) {
        return no_kind(cursor);
    }
    let keyword = cursor.here();
    cursor.next();
    if temporary && live {
        return Ok(StatementKind::View(view::create(
            cursor,
            true,
            diagnostics,
        )?));
    }
    if streaming {
        let table = table::create(
            cursor,
            table::Kind::StreamingTable,
            private || temporary,
            diagnostics,
        )?;
        return Ok(StatementKind::StreamingTable(table));
    }
    if live {
        let table = table::create(cursor, table::Kind::MaterializedView, private, diagnostics)?;
        return Ok(StatementKind::MaterializedView(table));
    }
    if flow::has_flow_clause(cursor) {
        let table = table::create(cursor, table::Kind::ManagedTable, private, diagnostics)?;
        return Ok(StatementKind::StreamingTable(table));
    }
    let error = cursor
        .fail_with(
            &UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND,
            &cursor.origin(keyword),
            "CREATE TABLE does not say how the table is kept up to date",
        )
        .help("rows that arrive once and stay: `CREATE STREAMING TABLE name AS SELECT ... FROM STREAM(source)`")
        .help("always equal to its query: `CREATE MATERIALIZED VIEW name AS SELECT ...`");
    Err(error.into())
}

/// The error of `CREATE` with something that no pipeline file creates.
fn no_kind<T>(cursor: &Cursor<'_>) -> Parsed<T> {
    const FOREIGN: &[&str] = &[
        "SCHEMA", "DATABASE", "CATALOG", "FUNCTION", "VOLUME", "EXTERNAL", "INDEX", "GLOBAL",
        "WIDGET",
    ];
    let word = cursor.word_nth(0).map(str::to_ascii_uppercase);
    if let Some(word) = word.filter(|word| FOREIGN.contains(&word.as_str())) {
        let origin = cursor.origin(cursor.here());
        let message = format!("CREATE {word} does not belong in a pipeline file");
        let error = cursor.fail_with(&UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND, &origin, message);
        return Err(error
            .help("a pipeline file declares streaming tables, materialized views, views, flows and functions")
            .into());
    }
    if cursor.sees(&["MATERIALIZED"]) {
        let mut ahead = *cursor;
        ahead.next();
        return ahead.expected_words(&["VIEW"]);
    }
    let words = [
        "STREAMING",
        "MATERIALIZED",
        "TEMPORARY",
        "VIEW",
        "FLOW",
        "FUNCTION",
        "PRIVATE",
    ];
    let mut error = slip::unexpected(
        cursor,
        cursor.at,
        "`STREAMING TABLE`, `MATERIALIZED VIEW`, `VIEW` or `FLOW`",
    );
    if let Some(help) = cursor
        .word_nth(0)
        .and_then(|found| slip::did_you_mean(found, &words))
    {
        error.helps.insert(0, help);
    }
    Err(error.into())
}
