//! From the syntax tree to a typed plan: names are resolved without regard to case, every type is decided by
//! Spark's rules at the place where it arises, and what is not known is refused with its place.
//!
//! DataFusion's own SQL planner is not used: it decides types by other rules. Must not execute anything.

mod aggregate;
mod builtin;
mod call;
mod column;
mod composed;
mod constants;
mod correlated;
mod event_time;
mod expression;
mod generator;
mod grouping;
mod join;
mod lambda;
mod lateral;
mod meeting;
mod offset;
mod operator;
mod output;
mod pivot;
mod query;
mod query_time;
mod range;
mod recursion;
mod relation;
mod rows;
mod scope;
mod select;
mod session;
mod set;
mod special;
mod star;
mod stream_join;
mod subquery;
mod syntax;
mod time_window;
mod typed;
mod unknown;
mod user_function;
mod value;
mod view;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use sluice_model::condition::query as condition;
use sluice_model::{DatasetName, Diagnostic, Origin};
use sluice_sql::function::Functions;
use sluice_sql::query::Query;
use sqlparser::ast::Spanned;
use sqlparser::tokenizer::Span;

pub(crate) use event_time::{mark_of, marked};
pub use output::{BoundQuery, OutputColumn};
pub(crate) use output::{canonical, shape};
pub use relation::HIDDEN;
pub(crate) use scope::{Scope, same};
pub(crate) use typed::Typed;
pub(crate) use user_function::check as check_function;

use crate::Session;
use crate::error::{self, Result};
use crate::incremental::shape::TimeUse;
use crate::stream::TimeKind;
use column::Environment;
use query::Bound;

/// Binds a whole query.
pub(crate) fn bind(
    session: &Session,
    query: &Query,
    inputs: &[Arc<dyn TableProvider>],
) -> std::result::Result<BoundQuery, Vec<Diagnostic>> {
    let mut binder = Binder::new(session, query, inputs);
    let bound = binder.top(query);
    match bound {
        Ok(bound) if binder.errors.is_empty() => {
            Ok(BoundQuery::new(session, query, bound, binder.facts))
        }
        Ok(_) => Err(binder.errors),
        Err(last) => {
            binder.errors.push(*last);
            Err(binder.errors)
        }
    }
}

/// Binds an expression over one row: an expectation, a default, a generated column. No aggregates, windows, subqueries.
pub(crate) fn bind_expression(
    session: &Session,
    expression: &sluice_sql::query::Expression,
    scope: &Scope,
) -> std::result::Result<Typed, Vec<Diagnostic>> {
    bind_with_facts(session, expression, scope).map(|(value, _)| value)
}

/// As [`bind_expression`], with what the expression depends on besides the row.
pub(crate) fn bind_with_facts(
    session: &Session,
    expression: &sluice_sql::query::Expression,
    scope: &Scope,
) -> std::result::Result<(Typed, Facts), Vec<Diagnostic>> {
    let query = crate::expect::as_query(expression);
    let mut binder = Binder::new(session, &query, &[]);
    let env = Environment {
        subqueries: false,
        clause: "this expression",
        ..Environment::over(scope)
    };
    let value = binder
        .expression(&expression.tree, &env)
        .map_err(|error| vec![*error])?;
    Ok((value, binder.facts))
}

/// What was seen on the way that the plan alone does not tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// How the result depends on the query time.
    pub(crate) time: TimeUse,
    /// Calls that give another answer each time, with their places.
    pub(crate) nondeterministic: Vec<(String, Origin)>,
}

/// The state of binding one query.
pub(crate) struct Binder<'a> {
    pub(crate) session: &'a Session,
    state: datafusion::execution::session_state::SessionState,
    query: &'a Query,
    inputs: &'a [Arc<dyn TableProvider>],
    /// Makes internal names unique.
    counter: usize,
    /// CTEs in force, innermost last; keys lower case.
    ctes: Vec<HashMap<String, Bound>>,
    /// Those under WITH RECURSIVE whose bodies are being bound, innermost last.
    recursions: Vec<recursion::Itself>,
    /// Scopes of the queries around the one being bound, innermost last.
    outer: Vec<Arc<Scope>>,
    /// The time window of the select being bound.
    window: Option<time_window::SelectWindow>,
    /// The lambdas around the expression being bound.
    lambdas: lambda::Lambdas,
    /// The subqueries bound so far, by their text and the columns around them.
    subqueries: Vec<((String, Vec<scope::ScopeColumn>), Bound)>,
    /// Errors after which binding went on.
    errors: Vec<Diagnostic>,
    /// The functions of the project whose bodies are being bound, outermost first.
    calling: Vec<DatasetName>,
    /// What the query finds that calls the function whose body is being bound.
    caller: Option<Functions>,
    facts: Facts,
    /// Whether the select list being bound is the result of the whole query.
    top_level: bool,
    /// The columns that carry event time.
    event_times: HashMap<datafusion::common::Column, TimeKind>,
    /// The columns that hold time windows, and those in words.
    window_words: HashMap<datafusion::common::Column, String>,
    /// Whether an interval may have a type with fewer fields than ours has: some literal or table had one.
    short_intervals: bool,
    /// Whether an aggregate over a stream gives its whole result in each batch: then the result has an order and an end.
    whole_result: bool,
}

impl Facts {
    /// Adds what a part of the query depends on.
    pub(crate) fn merge(&mut self, other: Self) {
        self.time.timestamps.extend(other.time.timestamps);
        self.time.dates.extend(other.time.dates);
        self.time.stamps.extend(other.time.stamps);
        self.nondeterministic.extend(other.nondeterministic);
    }
}

impl<'a> Binder<'a> {
    pub(crate) fn new(
        session: &'a Session,
        query: &'a Query,
        inputs: &'a [Arc<dyn TableProvider>],
    ) -> Self {
        Self {
            session,
            state: session.state(),
            query,
            inputs,
            counter: 0,
            ctes: vec![],
            recursions: vec![],
            outer: vec![],
            window: None,
            lambdas: lambda::Lambdas::default(),
            subqueries: vec![],
            errors: vec![],
            calling: vec![],
            caller: None,
            facts: Facts::default(),
            top_level: true,
            event_times: HashMap::new(),
            window_words: HashMap::new(),
            short_intervals: false,
            whole_result: false,
        }
    }

    fn top(&mut self, query: &Query) -> Result<Bound> {
        for clause in &query.refused {
            let message = format!("{} is not supported yet", clause.value.clause);
            let diagnostic =
                Diagnostic::error(&condition::UNSUPPORTED_FEATURE, message).at(&clause.origin, "");
            self.errors.push(diagnostic.help(clause.value.help.clone()));
        }
        self.query(&query.tree)
    }

    /// The place of a node of the tree in the user's file.
    pub(crate) fn origin(&self, node: &impl Spanned) -> Origin {
        self.place(node.span())
    }

    fn place(&self, span: Span) -> Origin {
        if span.start.line == 0 {
            return self.query.origin.clone();
        }
        self.query.source_map.origin(span)
    }

    /// A name that no other part of the plan has.
    fn fresh(&mut self, stem: &str) -> String {
        self.counter += 1;
        format!("{stem}_{}", self.counter)
    }

    /// An error of DataFusion's plan builder, at a place.
    fn planned<T>(&self, result: datafusion::error::Result<T>, origin: &Origin) -> Result<T> {
        result.map_err(|e| error::diagnose(&e, Some(origin)))
    }

    /// Refuses what needs state across micro-batches when it is asked of a stream.
    fn refuse_on_stream(&self, streaming: bool, what: &str, origin: &Origin) -> Result<()> {
        if !streaming {
            return Ok(());
        }
        let message = format!(
            "{what} over a stream needs state across micro-batches, which is not supported yet"
        );
        let diagnostic = Diagnostic::error(&condition::UNSUPPORTED_STREAMING_OPERATION, message)
            .at(origin, "")
            .help("declare a MATERIALIZED VIEW, which is recomputed from the whole table")
            .help("or read the relation without STREAM if it is the small, static side");
        Err(Box::new(diagnostic))
    }
}
