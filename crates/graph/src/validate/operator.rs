//! Rule: what needs the end of a stream, or a memory of it that is not built, is refused.
//!
//! Judged on the syntax tree, because only that has places: windows, ORDER BY and LIMIT but over an aggregate (by the
//! names below), set operations but UNION ALL, two streams in FROM without JOIN, and outer joins that would have to wait
//! for a match. A stream joined with a table, and anything inside a part of the query that reads no stream, is fine.
//! `plan` judges aggregates and joins of two streams, and must still refuse a stateful plan node that slips through here.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sluice_model::condition::graph as condition;
use sluice_model::{Diagnostic, Origin};
use sluice_sql::query::{Query, ReadMode, Relation};
use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, JoinOperator, Select, SelectItem, SetExpr, SetOperator,
    SetQuantifier, Spanned, TableFactor, TableWithJoins, Visit, Visitor,
};

/// Spark's aggregate functions, lower case.
const AGGREGATES: &[&str] = &[
    "any",
    "any_value",
    "approx_count_distinct",
    "approx_percentile",
    "approx_top_k",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bitmap_construct_agg",
    "bitmap_or_agg",
    "bool_and",
    "bool_or",
    "collect_list",
    "collect_set",
    "corr",
    "count",
    "count_if",
    "count_min_sketch",
    "covar_pop",
    "covar_samp",
    "every",
    "first",
    "first_value",
    "grouping",
    "grouping_id",
    "histogram_numeric",
    "hll_sketch_agg",
    "hll_union_agg",
    "kurtosis",
    "last",
    "last_value",
    "listagg",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "percentile",
    "percentile_approx",
    "percentile_cont",
    "percentile_disc",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "skewness",
    "some",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "try_avg",
    "try_sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Everything in a streaming query that needs state; `modes` are the real modes of its relations.
pub(crate) fn check(query: &Query, modes: &[ReadMode]) -> Vec<Diagnostic> {
    let streams = modes
        .iter()
        .enumerate()
        .filter(|(_, mode)| **mode == ReadMode::Stream)
        .map(|(index, _)| Relation::placeholder(index))
        .collect();
    let mut walk = Walk {
        query,
        streams,
        found: vec![],
    };
    walk.query(&query.tree, &Scope::new());
    walk.found.dedup_by(|a, b| a.origin() == b.origin());
    walk.found
}

/// CTE names in force, lower case, and whether each is a stream.
type Scope = BTreeMap<String, bool>;

struct Walk<'a> {
    query: &'a Query,
    streams: Vec<String>,
    found: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn refuse(&mut self, span: sqlparser::tokenizer::Span, what: &str, help: Option<&str>) {
        let origin: Origin = self.query.source_map.origin(span);
        let error = Diagnostic::error(
            &condition::UNSUPPORTED_STREAMING_OPERATOR,
            format!("{what} over a stream is not built yet"),
        )
        .at(&origin, "needs rows of earlier micro-batches");
        self.found.push(match help {
            Some(help) => error.help(help),
            None => error
                .help("make the target a MATERIALIZED VIEW that reads the table without STREAM"),
        });
    }

    /// Whether the query yields a stream.
    fn query(&mut self, query: &ast::Query, outer: &Scope) -> bool {
        let mut scope = outer.clone();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let is_stream = self.query(&cte.query, &scope);
            scope.insert(cte.alias.name.value.to_lowercase(), is_stream);
        }
        let is_stream = self.body(&query.body, &scope);
        // An aggregate without a watermark gives its whole result, which has an order and an end; `plan` knows which is one.
        if is_stream && !is_aggregate(&query.body) {
            if let Some(order) = &query.order_by {
                self.refuse(
                    order.span(),
                    "ORDER BY",
                    Some("remove it: rows of a table have no order; sort where you read it"),
                );
            }
            if let Some(limit) = &query.limit_clause {
                self.refuse(limit.span(), "LIMIT", None);
            }
        }
        is_stream
    }

    fn body(&mut self, body: &SetExpr, scope: &Scope) -> bool {
        match body {
            SetExpr::Select(select) => self.select(select, scope),
            SetExpr::Query(query) => self.query(query, scope),
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                let streams = (self.body(left, scope), self.body(right, scope));
                if streams == (false, false) {
                    return false;
                }
                let all = matches!(
                    set_quantifier,
                    SetQuantifier::All | SetQuantifier::AllByName
                );
                if *op != SetOperator::Union || !all {
                    let words = if *op == SetOperator::Union {
                        "UNION without ALL".to_owned()
                    } else {
                        op.to_string()
                    };
                    self.refuse(
                        right.span(),
                        &words,
                        Some("use UNION ALL, or two flows into one table"),
                    );
                } else if streams != (true, true) {
                    self.refuse(
                        right.span(),
                        "UNION ALL with a batch",
                        Some("give the batch a flow of its own: `CREATE FLOW name AS INSERT ONCE INTO t BY NAME SELECT …`"),
                    );
                }
                true
            }
            _ => false,
        }
    }

    fn select(&mut self, select: &Select, scope: &Scope) -> bool {
        let mut is_stream = false;
        for item in &select.from {
            let right = self.joined(item, scope);
            if is_stream && right {
                self.refuse(item.span(), "a join with a second stream", None);
            }
            is_stream |= right;
        }
        self.subqueries(select, scope);
        if is_stream {
            self.stateful_parts(select);
        }
        is_stream
    }

    fn joined(&mut self, item: &TableWithJoins, scope: &Scope) -> bool {
        let mut left = self.factor(&item.relation, scope);
        for join in &item.joins {
            let right = self.factor(&join.relation, scope);
            let span = join.relation.span();
            match (left, right) {
                (true, false) if waits_for_right(&join.join_operator) => self.refuse(
                    span,
                    "an outer join that keeps rows of the table",
                    Some("use LEFT JOIN with the stream on the left"),
                ),
                (false, true) if waits_for_left(&join.join_operator) => self.refuse(
                    span,
                    "an outer join that keeps rows of the table",
                    Some("put the stream on the side whose rows are kept"),
                ),
                _ => {}
            }
            left |= right;
        }
        left
    }

    fn factor(&mut self, factor: &TableFactor, scope: &Scope) -> bool {
        match factor {
            TableFactor::Table { name, .. } => {
                let name = name.to_string().trim_matches('`').to_lowercase();
                scope
                    .get(&name)
                    .copied()
                    .unwrap_or_else(|| self.streams.contains(&name))
            }
            TableFactor::Derived { subquery, .. } => self.query(subquery, scope),
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.joined(table_with_joins, scope),
            TableFactor::Pivot { table, .. } | TableFactor::Unpivot { table, .. } => {
                self.factor(table, scope)
            }
            _ => false,
        }
    }

    /// Streams inside subqueries of expressions: `x IN (SELECT … FROM STREAM(t))`.
    fn subqueries(&mut self, select: &Select, scope: &Scope) {
        let mut direct = DirectParts::default();
        visit_expressions(select, &mut direct);
        for subquery in direct.subqueries {
            let span = subquery.span();
            if self.query(&subquery, scope) {
                self.refuse(
                    span,
                    "a subquery",
                    Some("read the table in the subquery without STREAM"),
                );
            }
        }
    }

    fn stateful_parts(&mut self, select: &Select) {
        if let Some(Distinct::On(_)) = &select.distinct {
            self.refuse(select.select_token.0.span, "DISTINCT", None);
        }
        if let Some(qualify) = &select.qualify {
            self.refuse(qualify.span(), "QUALIFY", None);
        }
        if let Some(sort) = select.sort_by.first() {
            self.refuse(sort.span(), "SORT BY", None);
        }
        let mut direct = DirectParts::default();
        visit_expressions(select, &mut direct);
        for (span, name) in direct.windows {
            self.refuse(span, &format!("the window function `{name}`"), None);
        }
    }
}

/// Whether a select is grouped or holds aggregates.
fn is_aggregate(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => {
            let grouped = match &select.group_by {
                GroupByExpr::All(_) => true,
                GroupByExpr::Expressions(expressions, modifiers) => {
                    !expressions.is_empty() || !modifiers.is_empty()
                }
            };
            let mut direct = DirectParts::default();
            visit_expressions(select, &mut direct);
            grouped || direct.has_aggregate || select.distinct.is_some()
        }
        SetExpr::Query(query) => is_aggregate(&query.body),
        _ => false,
    }
}

/// With a stream on the left: joins whose unmatched right rows would be kept or decide.
fn waits_for_right(join: &JoinOperator) -> bool {
    matches!(
        join,
        JoinOperator::Right(_)
            | JoinOperator::RightOuter(_)
            | JoinOperator::FullOuter(_)
            | JoinOperator::RightSemi(_)
            | JoinOperator::RightAnti(_)
    )
}

/// With a stream on the right: joins whose unmatched left rows would be kept or decide.
fn waits_for_left(join: &JoinOperator) -> bool {
    matches!(
        join,
        JoinOperator::Left(_)
            | JoinOperator::LeftOuter(_)
            | JoinOperator::FullOuter(_)
            | JoinOperator::Semi(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftAnti(_)
    )
}

/// What the expressions of one select hold, without looking into their subqueries.
#[derive(Default)]
struct DirectParts {
    depth: usize,
    subqueries: Vec<ast::Query>,
    has_aggregate: bool,
    windows: Vec<(sqlparser::tokenizer::Span, String)>,
}

impl Visitor for DirectParts {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        if self.depth == 0 {
            self.subqueries.push(query.clone());
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Function(function) = expression
        {
            let name = function.name.to_string().trim_matches('`').to_lowercase();
            if function.over.is_some() {
                self.windows.push((function.name.span(), name));
            } else if AGGREGATES.contains(&name.as_str()) {
                self.has_aggregate = true;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Visits the expressions of a select, but not its FROM, whose subqueries are relations.
fn visit_expressions(select: &Select, visitor: &mut DirectParts) {
    for item in &select.projection {
        if let SelectItem::UnnamedExpr(expr)
        | SelectItem::ExprWithAlias { expr, .. }
        | SelectItem::ExprWithAliases { expr, .. } = item
        {
            let _ = expr.visit(visitor);
        }
    }
    for expression in [&select.selection, &select.having, &select.qualify]
        .into_iter()
        .flatten()
    {
        let _ = expression.visit(visitor);
    }
    for join in select.from.iter().flat_map(|item| &item.joins) {
        let _ = join.join_operator.visit(visitor);
    }
}
