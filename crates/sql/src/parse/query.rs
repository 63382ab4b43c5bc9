//! Queries and expressions: depth check, rewrite, sqlparser, resolve. Must not know statements.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method path would tie the parser to one lifetime"
)]

use sluice_model::condition::graph::UNSUPPORTED_CLAUSE;
use sluice_model::condition::sql::{
    FAILED_TO_PARSE_TOO_COMPLEX, PARSE_SYNTAX_ERROR, UNSUPPORTED_PIPELINE_PIVOT,
};
use sluice_model::limits::{SQL_NESTING_MAX, SQL_TREE_DEPTH_MAX};
use sluice_model::{Condition, Diagnostic};
use sqlparser::ast;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::cursor::{Cursor, Parsed};
use crate::dialect::PipelineDialect;
use crate::function::Functions;
use crate::query::{Expression, Query};
use crate::resolve::resolve;
use crate::rewrite;
use crate::rewrite::depth::too_deep;
use crate::slip;

/// sqlparser's own counter, above what the depth check lets through: each level of nesting takes a few steps.
const PARSER_STEPS_MAX: usize = 20 * SQL_NESTING_MAX;

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a pipeline file.
    Pipeline,
    /// In `sluice sql`.
    Shell,
}

/// Parses all tokens of the cursor as one query.
pub(crate) fn query(cursor: Cursor<'_>, place: Place) -> Parsed<Query> {
    if cursor.is_end() {
        return cursor.expected("a query");
    }
    check_depth(&cursor)?;
    let rewritten = rewrite::query(cursor)?;
    if let Some(pivot) = rewritten.pivot.filter(|_| place == Place::Pipeline) {
        let error = Diagnostic::error(
            &UNSUPPORTED_PIPELINE_PIVOT,
            "PIVOT cannot be used in a pipeline file",
        )
        .at(&cursor.origin(pivot), "")
        .help("write one aggregate per column: `max(value) FILTER (WHERE kind = 'a') AS a`");
        return Err(error.into());
    }
    if let Some(refused) = rewritten.refused.first().filter(|_| place == Place::Shell) {
        let message = format!("`{}` is not supported", refused.value.clause);
        let error = Diagnostic::error(&UNSUPPORTED_CLAUSE, message).at(&refused.origin, "");
        return Err(error.help(refused.value.help.clone()).into());
    }
    let mut tree = parse(&cursor, rewritten.tokens, |parser| parser.parse_query())?;
    let relations = resolve(&mut tree, rewritten.drafts, &cursor)?;
    let end = cursor.lexemes.len();
    Ok(Query {
        tree,
        relations,
        text: cursor.text(0, end).to_string(),
        origin: cursor.origin(cursor.here()),
        refused: rewritten.refused,
        source_map: cursor.source.map.clone(),
        functions: Functions::default(),
    })
}

/// Parses all tokens of the cursor as one scalar expression without subqueries.
pub(crate) fn expression(cursor: Cursor<'_>, what: &str) -> Parsed<Expression> {
    expression_or(cursor, what, &PARSE_SYNTAX_ERROR)
}

/// As [`expression`], with the condition under which a subquery is refused.
pub(crate) fn expression_or(
    cursor: Cursor<'_>,
    what: &str,
    subquery: &'static Condition,
) -> Parsed<Expression> {
    if cursor.is_end() {
        return cursor.expected(what);
    }
    check_depth(&cursor)?;
    let rewritten = rewrite::expression(cursor)?;
    if let Some(draft) = rewritten.drafts.first() {
        let place = &draft.relation.origin;
        let error = Diagnostic::error(subquery, format!("{what} cannot read a table"))
            .at(place, "")
            .help("join the table in the query, and use its columns here");
        return Err(error.into());
    }
    let tree = parse(&cursor, rewritten.tokens, |parser| parser.parse_expr())?;
    let end = cursor.lexemes.len();
    Ok(Expression {
        tree: Box::new(tree),
        text: cursor.text(0, end).to_string(),
        origin: cursor.origin(cursor.span_of(0, end)),
        source_map: cursor.source.map.clone(),
        functions: Functions::default(),
    })
}

/// Runs one rule of sqlparser over all tokens.
fn parse<T>(
    cursor: &Cursor<'_>,
    tokens: Vec<TokenWithSpan>,
    rule: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Parsed<T> {
    let mut parser = Parser::new(&PipelineDialect)
        .with_recursion_limit(PARSER_STEPS_MAX)
        .with_tokens_with_locations(tokens);
    let parsed = rule(&mut parser).and_then(|tree| {
        if parser.peek_token_ref().token == Token::EOF {
            return Ok(tree);
        }
        parser.expected_ref("end of statement", parser.peek_token_ref())
    });
    parsed.map_err(|error| slip::of_parser(cursor, &error).into())
}

/// Refuses what would nest too deeply for the walks that follow.
fn check_depth(cursor: &Cursor<'_>) -> Parsed<()> {
    let Some((span, what)) = too_deep(cursor.lexemes) else {
        return Ok(());
    };
    let limit = if what.starts_with("operators") {
        SQL_TREE_DEPTH_MAX
    } else {
        SQL_NESTING_MAX
    };
    let error = Diagnostic::error(
        &FAILED_TO_PARSE_TOO_COMPLEX,
        format!("more than {limit} {what}, one in another"),
    )
    .at(&cursor.origin(span), "too deep from here on")
    .help("split the query into several views, or write a long chain of OR as `IN (...)`");
    Err(error.into())
}

/// The names of the functions that a query calls, in order.
pub(crate) fn calls(tree: &ast::Query) -> Vec<ast::Ident> {
    use std::ops::ControlFlow;
    let mut found = vec![];
    let _: ControlFlow<()> = ast::visit_expressions(tree, |expr| {
        if let ast::Expr::Function(function) = expr
            && let Some(name) = function.name.0.last().and_then(|part| part.as_ident())
        {
            found.push(name.clone());
        }
        ControlFlow::Continue(())
    });
    found
}
