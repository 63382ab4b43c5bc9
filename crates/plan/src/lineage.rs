//! Column lineage: which columns of which relations an output column is computed from. Must not resolve datasets:
//! relations are numbers here.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::bind::BoundQuery;

/// A column of a relation of the query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceColumn {
    /// The relation's alias in the query.
    pub relation: String,
    /// The column.
    pub column: String,
}

impl BoundQuery {
    /// For each output column, the columns of the query's tables that its value comes from. Columns that only decide
    /// which rows there are (filters, joins) are not among them.
    #[must_use]
    pub fn column_lineage(&self) -> BTreeMap<String, BTreeSet<SourceColumn>> {
        let fields = self.columns.iter().map(|column| {
            let sources = trace(&self.plan, &Column::new_unqualified(&column.field), "");
            (column.name.clone(), sources)
        });
        fields.collect()
    }
}

/// Follows a column of a plan's output down to scans.
#[expect(clippy::too_many_lines, reason = "one arm per kind of plan node")]
fn trace(plan: &LogicalPlan, column: &Column, alias: &str) -> BTreeSet<SourceColumn> {
    let Some(index) = plan.schema().maybe_index_of_column(column) else {
        return BTreeSet::new();
    };
    match plan {
        LogicalPlan::TableScan(scan) => {
            let relation = if alias.is_empty() {
                scan.table_name.table()
            } else {
                alias
            };
            BTreeSet::from([SourceColumn {
                relation: relation.into(),
                column: column.name.clone(),
            }])
        }
        LogicalPlan::Projection(projection) => match projection.expr.get(index) {
            Some(expr) => through(expr, &projection.input, alias),
            None => BTreeSet::new(),
        },
        LogicalPlan::Aggregate(aggregate) => {
            let expr = aggregate
                .group_expr
                .iter()
                .chain(&aggregate.aggr_expr)
                .nth(index);
            expr.map(|expr| through(expr, &aggregate.input, alias))
                .unwrap_or_default()
        }
        LogicalPlan::SubqueryAlias(inner) => {
            let (qualifier, field) = inner.input.schema().qualified_field(index);
            let table = plan
                .schema()
                .qualified_field(index)
                .0
                .map(|table| table.table().to_string());
            // The binder's alias is the user's with a number behind it.
            let shown = table.map(|table| {
                table
                    .rsplit_once('_')
                    .map_or(table.clone(), |(stem, _)| stem.to_string())
            });
            let scan = matches!(inner.input.as_ref(), LogicalPlan::TableScan(_));
            let alias = if scan {
                shown.unwrap_or_default()
            } else {
                String::new()
            };
            trace(
                &inner.input,
                &Column::new(qualifier.cloned(), field.name()),
                &alias,
            )
        }
        LogicalPlan::Union(union) => {
            let mut all = BTreeSet::new();
            for input in &union.inputs {
                let (qualifier, field) = input.schema().qualified_field(index);
                all.extend(trace(
                    input,
                    &Column::new(qualifier.cloned(), field.name()),
                    alias,
                ));
            }
            all
        }
        LogicalPlan::Window(window) => {
            let below = window.input.schema().fields().len();
            match index
                .checked_sub(below)
                .and_then(|index| window.window_expr.get(index))
            {
                Some(expr) => through(expr, &window.input, alias),
                None => trace(&window.input, column, alias),
            }
        }
        LogicalPlan::Unnest(unnest) => {
            let origin = unnest
                .dependency_indices
                .get(index)
                .copied()
                .unwrap_or(index);
            let (qualifier, field) = unnest.input.schema().qualified_field(origin);
            trace(
                &unnest.input,
                &Column::new(qualifier.cloned(), field.name()),
                alias,
            )
        }
        other => {
            let mut all = BTreeSet::new();
            for input in other.inputs() {
                all.extend(trace(input, column, alias));
            }
            all
        }
    }
}

fn through(expr: &Expr, input: &LogicalPlan, alias: &str) -> BTreeSet<SourceColumn> {
    expr.column_refs()
        .into_iter()
        .flat_map(|column| trace(input, column, alias))
        .collect()
}
