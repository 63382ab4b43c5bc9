//! One SELECT: FROM, WHERE, GROUP BY, HAVING, window functions, QUALIFY, the select list, DISTINCT, ORDER BY, in the
//! order in which SQL evaluates them.

use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::utils::find_window_exprs;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::aggregate::{Placed, has_aggregate, replace};
use super::column::Environment;
use super::grouping::{Grouping, grouped_generator, is_grouped};
use super::query::{Bound, BoundColumn, sort};
use super::relation::From;
use super::scope::ScopeColumn;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::float;

/// One output column of a select before its plan is made.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) value: Typed,
    pub(crate) origin: Origin,
    pub(crate) unnamed: bool,
}

/// The clauses of a select over the columns of its FROM.
struct Clauses {
    items: Vec<Item>,
    groups: Option<Grouping>,
    having: Option<(Expr, Origin)>,
    qualify: Option<(Expr, Origin)>,
    order: Vec<(SortExpr, Origin)>,
}

impl Binder<'_> {
    /// Binds a SELECT. The plan may have more columns than the answer: those that only the sort keys need.
    pub(crate) fn select(
        &mut self,
        select: &ast::Select,
        order: Option<&ast::OrderBy>,
    ) -> Result<(Bound, Vec<SortExpr>)> {
        let around = self.window.take();
        let bound = self.with_own_window(select, order);
        self.window = around;
        bound
    }

    fn with_own_window(
        &mut self,
        select: &ast::Select,
        order: Option<&ast::OrderBy>,
    ) -> Result<(Bound, Vec<SortExpr>)> {
        self.refuse_select(select)?;
        let within = order_within(select);
        let order = order.or(within.as_ref());
        let top_level = std::mem::replace(&mut self.top_level, false);
        let mut from = self.from(&select.from)?;
        self.top_level = top_level;
        for view in &select.lateral_views {
            from = self.lateral_view(from, view)?;
        }
        if let Some(selection) = &select.selection {
            let filter =
                self.condition(selection, &Environment::over(&from.scope).named("WHERE"))?;
            let step = (from.plan, from.streaming);
            from.plan = self.filtered(step, filter, &self.origin(selection))?;
        }
        self.time_windows(select, order, &mut from)?;
        let before = self.errors.len();
        let (from, items) = self.items(select, from)?;
        if self.errors.len() > before {
            // What was wrong in the list is told; what refers to it would only repeat that.
            let last = self.errors.pop();
            return Err(last.map_or_else(
                || at(&condition::UNRESOLVED_COLUMN, &self.query.origin, ""),
                Box::new,
            ));
        }
        let mut clauses = self.clauses(select, order, &from, items)?;
        self.assemble(select, from, &mut clauses)
    }

    /// The select list. A generator in it changes FROM.
    fn items(&mut self, select: &ast::Select, mut from: From) -> Result<(From, Vec<Item>)> {
        let mut generated: Vec<Option<Vec<ScopeColumn>>> = vec![None; select.projection.len()];
        let original = from.scope.clone();
        for (index, item) in select.projection.iter().enumerate() {
            let (expr, names) = match item {
                ast::SelectItem::UnnamedExpr(expr) => (expr, vec![]),
                ast::SelectItem::ExprWithAlias { expr, alias } => (expr, vec![alias.value.clone()]),
                ast::SelectItem::ExprWithAliases { expr, aliases } => (
                    expr,
                    aliases.iter().map(|alias| alias.value.clone()).collect(),
                ),
                _ => continue,
            };
            let Some(found) = self.generator(expr) else {
                continue;
            };
            if is_grouped(select) {
                return Err(grouped_generator(&self.origin(expr)));
            }
            let (with, columns) = self.generate(from, found, None, &names)?;
            from = with;
            generated[index] = Some(columns);
        }
        from.scope = original;
        let mut items: Vec<Item> = vec![];
        for (item, generated) in select.projection.iter().zip(&generated) {
            match self.item(select, item, &from, &items, generated.as_deref()) {
                Ok(new) => items.extend(new),
                Err(error) => {
                    self.errors.push(*error);
                    if let ast::SelectItem::ExprWithAlias { alias, .. } = item {
                        let origin = self.place(alias.span);
                        items.push(Item {
                            name: alias.value.clone(),
                            value: Typed::null(),
                            origin,
                            unnamed: false,
                        });
                    }
                }
            }
        }
        if let Some(index) = generated.iter().position(Option::is_some)
            && items.iter().any(|item| has_aggregate(&item.value.expr))
        {
            let origin = items.get(index).map_or(&self.query.origin, |i| &i.origin);
            return Err(grouped_generator(origin));
        }
        Ok((from, items))
    }

    fn item(
        &mut self,
        select: &ast::Select,
        item: &ast::SelectItem,
        from: &From,
        before: &[Item],
        generated: Option<&[ScopeColumn]>,
    ) -> Result<Vec<Item>> {
        let (expr, alias) = match item {
            ast::SelectItem::UnnamedExpr(expr) => (expr, None),
            ast::SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            ast::SelectItem::ExprWithAliases { expr, aliases } => (expr, aliases.first()),
            ast::SelectItem::Wildcard(options) => return self.wildcard(None, &[], options, from),
            ast::SelectItem::QualifiedWildcard(kind, options) => {
                let ast::SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                    return unsupported(&self.origin(item), "`.*` of an expression");
                };
                let written: Vec<ast::Ident> = name
                    .0
                    .iter()
                    .filter_map(|part| part.as_ident().cloned())
                    .collect();
                let place = self.origin(name);
                return self.wildcard(Some(place), &written, options, from);
            }
        };
        let origin = self.origin(expr);
        if self.generator(expr).is_some()
            && let Some(columns) = generated
        {
            let items = columns.iter().map(|column| Item {
                name: column.name.clone(),
                value: column.typed(),
                origin: origin.clone(),
                unnamed: false,
            });
            return Ok(items.collect());
        }
        let aliases: Vec<(String, Typed)> = before
            .iter()
            .map(|item| (item.name.clone(), item.value.clone()))
            .collect();
        let env = Environment {
            last: &aliases,
            aggregates: true,
            windows: true,
            clause: "the select list",
            named_windows: &select.named_window,
            output: true,
            ..Environment::over(&from.scope)
        };
        let value = self.expression(expr, &env)?;
        let (name, unnamed) = match alias {
            Some(alias) => (alias.value.clone(), false),
            None => self.unaliased_name(expr, &from.scope, before)?,
        };
        Ok(vec![Item {
            name,
            value,
            origin,
            unnamed,
        }])
    }

    /// Everything behind the select list: GROUP BY, HAVING, QUALIFY, ORDER BY.
    fn clauses(
        &mut self,
        select: &ast::Select,
        order: Option<&ast::OrderBy>,
        from: &From,
        items: Vec<Item>,
    ) -> Result<Clauses> {
        let env = Environment {
            named_windows: &select.named_window,
            ..Environment::over(&from.scope)
        };
        let groups = self.group_by(&select.group_by, &items, &env)?;
        let aliases: Vec<(String, Typed)> = items
            .iter()
            .map(|item| (item.name.clone(), item.value.clone()))
            .collect();
        let having = match &select.having {
            None => None,
            Some(having) => {
                let ungrouped = self.not_grouped(&aliases, groups.as_ref(), &env);
                let env = Environment {
                    first: &ungrouped,
                    first_in_aggregates: false,
                    aggregates: true,
                    clause: "HAVING",
                    ..env.clone()
                };
                Some((self.condition(having, &env)?, self.origin(having)))
            }
        };
        let env = Environment {
            first: &aliases,
            aggregates: true,
            windows: true,
            ..env
        };
        let qualify = match &select.qualify {
            None => None,
            Some(qualify) => Some((
                self.condition(qualify, &env.clone().named("QUALIFY"))?,
                self.origin(qualify),
            )),
        };
        let mut sorts = vec![];
        match order.map(|order| &order.kind) {
            None => {}
            Some(ast::OrderByKind::All(options)) => {
                sorts.extend(
                    items
                        .iter()
                        .map(|item| (sort(item.value.expr.clone(), options), item.origin.clone())),
                );
            }
            Some(ast::OrderByKind::Expressions(exprs)) => {
                for item in exprs {
                    let value = match self.ordinal(
                        &item.expr,
                        items.len(),
                        &condition::ORDER_BY_POS_OUT_OF_RANGE,
                    )? {
                        Some(index) => items[index].value.clone(),
                        None => self.expression(&item.expr, &env.clone().named("ORDER BY"))?,
                    };
                    sorts.push((sort(value.expr, &item.options), self.origin(&item.expr)));
                }
            }
        }
        Ok(Clauses {
            items,
            groups,
            having,
            qualify,
            order: sorts,
        })
    }

    /// Makes the plan of the clauses, innermost step first.
    fn assemble(
        &mut self,
        select: &ast::Select,
        from: From,
        clauses: &mut Clauses,
    ) -> Result<(Bound, Vec<SortExpr>)> {
        let origin = self.query.origin.clone();
        let streaming = from.streaming;
        let mut plan = from.plan;
        let aggregates = clauses.groups.is_some()
            || clauses.having.is_some()
            || clauses
                .placed()
                .iter()
                .any(|placed| has_aggregate(placed.expr));
        let groups = clauses.groups.as_ref().filter(|_| aggregates);
        plan = self.with_sessions((plan, streaming), groups)?;
        if aggregates {
            let place = clauses
                .items
                .iter()
                .find(|item| has_aggregate(&item.value.expr))
                .map(|item| item.origin.clone());
            if streaming && self.stream_context().is_none() {
                self.refuse_on_stream(true, "an aggregate", place.as_ref().unwrap_or(&origin))?;
            }
            let mut groups = clauses.groups.take().unwrap_or_default();
            let step = (plan, streaming);
            plan = self.with_subqueries_below(step, &mut groups.keys, &mut clauses.placed())?;
            let step = (plan, streaming);
            plan = self.aggregated(step, &groups, &mut clauses.placed(), &from.scope)?;
        }
        if let Some((having, place)) = clauses.having.take() {
            plan = self.filtered((plan, streaming), having, &place)?;
        }
        let placed = clauses.placed().into_iter();
        let placed = placed.map(|placed| (placed.expr, placed.origin));
        plan = self.with_subqueries((plan, streaming), placed)?;
        plan = self.windowed(plan, streaming, clauses)?;
        if let Some((qualify, place)) = clauses.qualify.take() {
            plan = self.planned(
                LogicalPlanBuilder::from(plan)
                    .filter(qualify)
                    .and_then(LogicalPlanBuilder::build),
                &place,
            )?;
        }
        self.projected(select, plan, streaming, clauses)
    }

    fn windowed(
        &mut self,
        plan: LogicalPlan,
        streaming: bool,
        clauses: &mut Clauses,
    ) -> Result<LogicalPlan> {
        let mut placed = clauses.placed();
        let windows = find_window_exprs(placed.iter().map(|placed| &*placed.expr));
        let Some(first) = windows.first() else {
            return Ok(plan);
        };
        let place = placed
            .iter()
            .find(|p| p.expr.exists(|e| Ok(e == first)).unwrap_or(false))
            .map(|p| p.origin.clone());
        let place = place.unwrap_or_else(|| self.query.origin.clone());
        self.refuse_on_stream(streaming, "a window function", &place)?;
        let plan = self.planned(
            LogicalPlanBuilder::window_plan(plan, windows.clone()),
            &place,
        )?;
        let replacements: Vec<(Expr, Column)> = windows
            .into_iter()
            .map(|window| {
                let name = window.schema_name().to_string();
                (window, Column::new_unqualified(name))
            })
            .collect();
        for placed in &mut placed {
            *placed.expr = replace(placed.expr.clone(), &replacements);
        }
        Ok(plan)
    }

    fn projected(
        &mut self,
        select: &ast::Select,
        plan: LogicalPlan,
        streaming: bool,
        clauses: &mut Clauses,
    ) -> Result<(Bound, Vec<SortExpr>)> {
        let origin = self.query.origin.clone();
        let mut exprs = vec![];
        let mut columns: Vec<BoundColumn> = vec![];
        for item in &clauses.items {
            let field = self.field_name(&item.name, &columns);
            exprs.push(item.value.expr.clone().alias(&field));
            columns.push(BoundColumn {
                name: item.name.clone(),
                field,
                data_type: item.value.data_type.clone(),
                origin: item.origin.clone(),
                unnamed: item.unnamed,
                unstarred: false,
                event_time: self.event_time_of(&item.value.expr),
            });
        }
        let distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let mut sorts = vec![];
        for (sort, place) in std::mem::take(&mut clauses.order) {
            let field = match clauses
                .items
                .iter()
                .position(|item| item.value.expr == sort.expr)
            {
                Some(index) => columns[index].field.clone(),
                None if distinct => {
                    let message =
                        "with SELECT DISTINCT, ORDER BY takes only what the select list has";
                    return Err(at(&condition::UNRESOLVED_COLUMN, &place, message));
                }
                None => {
                    let field = self.fresh("__sort");
                    exprs.push(sort.expr.alias(&field));
                    field
                }
            };
            sorts.push(SortExpr::new(
                Expr::Column(Column::new_unqualified(field)),
                sort.asc,
                sort.nulls_first,
            ));
        }
        let mut builder = self.planned(LogicalPlanBuilder::from(plan).project(exprs), &origin)?;
        if distinct {
            self.refuse_maps(&columns, "SELECT DISTINCT", &origin)?;
            let settled = builder.build().and_then(float::settled_columns);
            let settled = self.planned(settled, &origin)?;
            builder = if streaming {
                LogicalPlanBuilder::from(self.distinct_stream(settled, &columns)?)
            } else {
                let distinct = LogicalPlanBuilder::from(settled).distinct();
                self.planned(distinct, &origin)?
            };
        }
        let plan = self.planned(builder.build(), &origin)?;
        Ok((
            Bound {
                plan,
                columns,
                streaming,
            },
            sorts,
        ))
    }

    /// A field name that the plan does not have yet, the user's own if possible. Inside of a subquery it never is:
    /// DataFusion puts the columns of its relations beside it.
    fn field_name(&mut self, name: &str, before: &[BoundColumn]) -> String {
        if !self.outer.is_empty() || before.iter().any(|column| column.field == name) {
            self.fresh(name)
        } else {
            name.to_string()
        }
    }
}

/// SORT BY and CLUSTER BY order the rows of each partition: all rows in order have that, too. DISTRIBUTE BY says only
/// where rows lie.
fn order_within(select: &ast::Select) -> Option<ast::OrderBy> {
    let clustered = select.cluster_by.iter().map(|expr| ast::OrderByExpr {
        expr: expr.clone(),
        options: ast::OrderByOptions::default(),
        with_fill: None,
    });
    let keys: Vec<ast::OrderByExpr> = select.sort_by.iter().cloned().chain(clustered).collect();
    (!keys.is_empty()).then_some(ast::OrderBy {
        kind: ast::OrderByKind::Expressions(keys),
        interpolate: None,
    })
}

impl Clauses {
    /// All expressions that see the results of aggregates and windows.
    fn placed(&mut self) -> Vec<Placed<'_>> {
        let mut placed = vec![];
        for item in &mut self.items {
            placed.push(Placed {
                expr: &mut item.value.expr,
                origin: item.origin.clone(),
            });
        }
        for (expr, origin) in self.having.iter_mut().chain(self.qualify.iter_mut()) {
            placed.push(Placed {
                expr,
                origin: origin.clone(),
            });
        }
        for (sort, origin) in &mut self.order {
            placed.push(Placed {
                expr: &mut sort.expr,
                origin: origin.clone(),
            });
        }
        placed
    }
}
