//! `CREATE FUNCTION … RETURN expression`. Must not look into the expression.

use sluice_model::Diagnostic;
use sluice_model::condition::query::UNSUPPORTED_FEATURE;
use sluice_model::condition::sql::{DUPLICATE_ROUTINE_PARAMETER_NAMES, USER_DEFINED_FUNCTIONS};
use sqlparser::tokenizer::{Span, Token};

use super::clause::Seen;
use super::column::{self, Items};
use super::query::expression_or;
use crate::cursor::{Cursor, Parsed};
use crate::function::CreateFunction;
use crate::statement::ColumnDefinition;

/// Takes what follows `FUNCTION`.
pub(super) fn create(
    cursor: &mut Cursor<'_>,
    replace: bool,
    temporary: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<CreateFunction> {
    let span = cursor.here();
    if cursor.take(&["IF", "NOT", "EXISTS"]) && (replace || temporary) {
        let other = if replace { "OR REPLACE" } else { "TEMPORARY" };
        let error = cursor.fail(
            span,
            format!("{other} and IF NOT EXISTS exclude each other"),
        );
        return Err(error.help("remove one of the two").into());
    }
    let name = cursor.qualified_name("the name of the function")?;
    if temporary && name.parts.len() > 1 {
        let error = cursor.fail(
            span,
            format!(
                "`{}` has several parts, a temporary function has one",
                name.parts.join(".")
            ),
        );
        return Err(error.help("remove the qualifier, or TEMPORARY").into());
    }
    if cursor.sees(&["AS"]) {
        return foreign(cursor, "a function of compiled code");
    }
    let parameters = parameters(cursor, diagnostics)?;
    let mut function = Clauses::default();
    while !cursor.take(&["RETURN"]) {
        function.clause(cursor, diagnostics)?;
    }
    if cursor.sees(&["SELECT"]) || cursor.sees(&["WITH"]) {
        return refused(cursor, "a function that returns a query");
    }
    let end = cursor.lexemes.len();
    let body = expression_or(
        cursor.part(cursor.at, end),
        "a function",
        &UNSUPPORTED_FEATURE,
    )?;
    cursor.at = end;
    Ok(CreateFunction {
        name,
        temporary,
        parameters,
        returns: function.returns,
        comment: function.comment,
        body,
    })
}

/// What stands between the parameters and `RETURN`.
#[derive(Default)]
struct Clauses {
    returns: Option<sluice_model::SparkType>,
    comment: Option<String>,
    seen: Seen,
}

impl Clauses {
    /// Takes one clause. Those that say what the expression shows by itself are read and have no effect, as in Spark.
    fn clause(&mut self, cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> Parsed<()> {
        const SILENT: &[&[&str]] = &[
            &["DETERMINISTIC"],
            &["NOT", "DETERMINISTIC"],
            &["CONTAINS", "SQL"],
            &["READS", "SQL", "DATA"],
            &["SQL", "SECURITY", "DEFINER"],
            &["SQL", "SECURITY", "INVOKER"],
        ];
        let span = cursor.here();
        if cursor.take(&["RETURNS"]) {
            self.seen.once(cursor, "RETURNS", span)?;
            if cursor.sees(&["TABLE"]) {
                return refused(cursor, "a function that returns a table");
            }
            let mut items = Items::default();
            let before = diagnostics.len();
            self.returns = column::data_type(cursor, &mut items, diagnostics)?;
            refuse(&items, "a function", diagnostics);
            if diagnostics.len() == before && self.returns.is_none() {
                return cursor.expected("a data type");
            }
        } else if cursor.take(&["COMMENT"]) {
            self.seen.once(cursor, "COMMENT", span)?;
            self.comment = Some(cursor.string("the comment as a string")?.value);
        } else if cursor.take(&["LANGUAGE"]) {
            self.seen.once(cursor, "LANGUAGE", span)?;
            if !cursor.take(&["SQL"]) {
                return foreign(cursor, "a function of another language");
            }
        } else if !SILENT.iter().any(|words| cursor.take(words)) {
            return cursor.expected_words(&["RETURN", "RETURNS", "LANGUAGE", "COMMENT"]);
        }
        Ok(())
    }
}

/// Takes `(name TYPE [DEFAULT expression] [COMMENT 'text'], …)`.
fn parameters(
    cursor: &mut Cursor<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<Vec<ColumnDefinition>> {
    let next = cursor.peek_nth(1).map(|lexeme| &lexeme.token);
    if cursor.sees_symbol(&Token::LParen) && next == Some(&Token::RParen) {
        cursor.at += 2;
        return Ok(vec![]);
    }
    let reported = diagnostics.len();
    let items = column::items(cursor, diagnostics)?;
    refuse(&items, "a parameter", diagnostics);
    let mut default: Option<&ColumnDefinition> = None;
    for (index, parameter) in items.columns.iter().enumerate() {
        let name = &parameter.name.value;
        let mut fail = |condition, message: String, help: &str| {
            let error = cursor.fail_with(condition, &parameter.name.origin, message);
            diagnostics.push(error.help(help.to_owned()));
        };
        let is_same =
            |other: &&ColumnDefinition| other.name.value.to_lowercase() == name.to_lowercase();
        if items.columns[..index].iter().any(|other| is_same(&other)) {
            let message = format!("two parameters are named `{name}`");
            fail(
                &DUPLICATE_ROUTINE_PARAMETER_NAMES,
                message,
                "rename one of the two",
            );
        }
        if parameter.not_null || parameter.generated.is_some() {
            let message = format!("parameter `{name}` takes neither NOT NULL nor GENERATED");
            fail(
                &USER_DEFINED_FUNCTIONS,
                message,
                "handle NULL in the expression, for example with coalesce()",
            );
        }
        match (&parameter.default, default) {
            (Some(_), _) => default = Some(parameter),
            (None, Some(before)) => {
                let before = &before.name.value;
                let message = format!(
                    "parameter `{name}` without DEFAULT stands behind `{before}`, which has one"
                );
                fail(
                    &USER_DEFINED_FUNCTIONS,
                    message,
                    "put the parameters with DEFAULT last",
                );
            }
            (None, None) => {}
        }
    }
    if diagnostics.len() == reported
        && let Some(untyped) = items.columns.iter().find(|p| p.data_type.is_none())
    {
        let message = format!("parameter `{}` has no data type", untyped.name.value);
        let error = Diagnostic::error(&sluice_model::condition::sql::PARSE_SYNTAX_ERROR, message);
        diagnostics.push(error.at(&untyped.name.origin, ""));
    }
    Ok(items.columns)
}

/// Reports what tables take and functions do not.
fn refuse(items: &Items, what: &str, diagnostics: &mut Vec<Diagnostic>) {
    let expectations = items.expectations.iter();
    let expectations = expectations.map(|e| ("EXPECT", &e.expectation.origin, None));
    let noted = items
        .noted
        .iter()
        .map(|n| (n.value.as_str(), &n.origin, None));
    let refused = items.refused.iter();
    let refused = refused.map(|r| (r.value.clause.as_str(), &r.origin, Some(&r.value.help)));
    for (clause, origin, help) in expectations.chain(noted).chain(refused) {
        let message = format!("{what} takes no {clause}");
        let mut error = Diagnostic::error(&UNSUPPORTED_FEATURE, message).at(origin, "");
        error.helps.extend(help.cloned());
        diagnostics.push(error);
    }
}

/// The refusal of a kind of function, at the next token.
fn refused<T>(cursor: &Cursor<'_>, what: &str) -> Parsed<T> {
    let help =
        "declare a view for rows; a function computes one value: `RETURNS type RETURN expression`";
    Err(unsupported(cursor, cursor.here(), what, help).into())
}

/// The refusal of code that is not SQL, at the next token.
fn foreign<T>(cursor: &Cursor<'_>, what: &str) -> Parsed<T> {
    let help = "write it as `RETURNS type RETURN expression`, in SQL";
    Err(unsupported(cursor, cursor.here(), what, help).into())
}

fn unsupported(cursor: &Cursor<'_>, span: Span, what: &str, help: &str) -> Diagnostic {
    let message = format!("{what} is not supported");
    let error = Diagnostic::error(&UNSUPPORTED_FEATURE, message);
    error.at(&cursor.origin(span), "").help(help)
}
