//! UNION, EXCEPT, INTERSECT: sides of one width and of common types. Must not bind the sides: `query` does.

use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};
use sqlparser::ast;

use super::Binder;
use super::query::{Bound, BoundColumn};
use super::scope::same;
use crate::error::{Result, at};
use crate::rewrite::{cast, float, unify};

impl Binder<'_> {
    pub(crate) fn set_operation(
        &mut self,
        op: ast::SetOperator,
        quantifier: ast::SetQuantifier,
        left: &ast::SetExpr,
        right: &ast::SetExpr,
    ) -> Result<Bound> {
        let origin = self.origin(right);
        let top_level = self.top_level;
        let left = self.set_expression(left)?;
        self.top_level = top_level;
        let right = self.set_expression(right)?;
        let (all, by_name) = match quantifier {
            ast::SetQuantifier::All => (true, false),
            ast::SetQuantifier::Distinct | ast::SetQuantifier::None => (false, false),
            ast::SetQuantifier::ByName | ast::SetQuantifier::DistinctByName => (false, true),
            ast::SetQuantifier::AllByName => (true, true),
        };
        if by_name {
            let message = "BY NAME cannot stand here";
            let condition = &sluice_model::condition::sql::PARSE_SYNTAX_ERROR;
            let help = "a set operation matches columns by position: name them in one order";
            return Err(Box::new(at(condition, &origin, message).help(help)));
        }
        let streaming = left.streaming || right.streaming;
        let (left, right) = self.align(left, right, &origin)?;
        let columns = left.columns.clone();
        if !(all && op == ast::SetOperator::Union) {
            self.refuse_maps(&columns, "a set operation", &origin)?;
            self.refuse_on_stream(streaming, "a set operation other than UNION ALL", &origin)?;
        }
        self.refuse_beside_whole(left.streaming && right.streaming, &origin)?;
        let builder = LogicalPlanBuilder::from(left.plan);
        let plan = match (op, all) {
            (ast::SetOperator::Union, true) => builder
                .union(right.plan)
                .and_then(LogicalPlanBuilder::build),
            (ast::SetOperator::Union, false) => builder
                .union(right.plan)
                .and_then(LogicalPlanBuilder::build)
                .and_then(float::settled_columns)
                .and_then(|plan| LogicalPlanBuilder::from(plan).distinct())
                .and_then(LogicalPlanBuilder::build),
            (ast::SetOperator::Except | ast::SetOperator::Minus, false) => {
                settled_sides(builder, right.plan)
                    .and_then(|(left, right)| LogicalPlanBuilder::except(left, right, false))
            }
            (ast::SetOperator::Intersect, false) => settled_sides(builder, right.plan)
                .and_then(|(left, right)| LogicalPlanBuilder::intersect(left, right, false)),
            (op, true) => counted_sides(builder, right.plan).and_then(|(left, right)| {
                let plan = match op {
                    ast::SetOperator::Intersect => {
                        LogicalPlanBuilder::intersect(left, right, true)?
                    }
                    _ => LogicalPlanBuilder::except(left, right, true)?,
                };
                let kept = columns
                    .iter()
                    .map(|column| Expr::Column(Column::new_unqualified(&column.field)));
                LogicalPlanBuilder::from(plan)
                    .project(kept.collect::<Vec<_>>())?
                    .build()
            }),
        };
        let plan = self.planned(plan, &origin)?;
        Ok(Bound {
            plan,
            columns,
            streaming,
        })
    }

    /// Refuses to compare rows that hold maps.
    pub(crate) fn refuse_maps(
        &self,
        columns: &[BoundColumn],
        what: &str,
        origin: &Origin,
    ) -> Result<()> {
        let Some(map) = columns
            .iter()
            .find(|column| unify::holds_map(&column.data_type))
        else {
            return Ok(());
        };
        let message = format!(
            "{what} compares rows, and column `{}` holds a map, which is not comparable",
            map.name
        );
        Err(at(&condition::SET_OPERATION_ON_MAP_TYPE, origin, message))
    }

    /// Gives both sides of a set operation the same number of columns of the same types and field names.
    fn align(&mut self, left: Bound, right: Bound, origin: &Origin) -> Result<(Bound, Bound)> {
        if left.columns.len() != right.columns.len() {
            let message = format!(
                "the sides of a set operation must have as many columns as each other: the first has {}, the second {}",
                left.columns.len(),
                right.columns.len()
            );
            return Err(at(&condition::NUM_COLUMNS_MISMATCH, origin, message));
        }
        let mut types = vec![];
        for (l, r) in left.columns.iter().zip(&right.columns) {
            let common = unify::common_type_by_place(&l.data_type, &r.data_type)
                .filter(|_| same_fields(&l.data_type, &r.data_type));
            let Some(common) = common else {
                let message = format!(
                    "column `{}` is {} on one side of a set operation and {} on the other",
                    l.name,
                    unify::words(&l.data_type),
                    unify::words(&r.data_type)
                );
                let diagnostic = Diagnostic::error(&condition::INCOMPATIBLE_COLUMN_TYPE, message);
                return Err(Box::new(
                    diagnostic
                        .at(&r.origin, "")
                        .help("cast one side to the type of the other"),
                ));
            };
            types.push(common);
        }
        let names: Vec<String> = left.columns.iter().map(|c| c.field.clone()).collect();
        Ok((
            self.retype(left, &types, &names, origin)?,
            self.retype(right, &types, &names, origin)?,
        ))
    }

    /// Casts the columns of a query and names its fields.
    pub(crate) fn retype(
        &mut self,
        bound: Bound,
        types: &[DataType],
        names: &[String],
        origin: &Origin,
    ) -> Result<Bound> {
        let fits = bound
            .columns
            .iter()
            .zip(types)
            .zip(names)
            .all(|((c, t), n)| c.data_type == *t && c.field == *n);
        if fits {
            return Ok(bound);
        }
        let mut exprs = vec![];
        let mut columns = bound.columns.clone();
        for (index, ((column, data_type), name)) in
            columns.iter_mut().zip(types).zip(names).enumerate()
        {
            let value =
                cast::implicit(self.session, bound.column(index), data_type, &column.origin)?;
            exprs.push(value.expr.alias(name));
            column.data_type = data_type.clone();
            column.field.clone_from(name);
        }
        let plan = LogicalPlanBuilder::from(bound.plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, origin)?;
        Ok(Bound {
            plan,
            columns,
            streaming: bound.streaming,
        })
    }
}

/// Both sides of a set operation that compares rows.
fn settled_sides(
    left: LogicalPlanBuilder,
    right: LogicalPlan,
) -> datafusion::error::Result<(LogicalPlan, LogicalPlan)> {
    Ok((
        float::settled_columns(left.build()?)?,
        float::settled_columns(right)?,
    ))
}

/// Both sides with a column more that counts equal rows, so that `ALL` takes them one for one.
fn counted_sides(
    left: LogicalPlanBuilder,
    right: LogicalPlan,
) -> datafusion::error::Result<(LogicalPlan, LogicalPlan)> {
    let (left, right) = settled_sides(left, right)?;
    Ok((counted(left)?, counted(right)?))
}

fn counted(plan: LogicalPlan) -> datafusion::error::Result<LogicalPlan> {
    let columns: Vec<Expr> = plan
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    let number = datafusion::functions_window::expr_fn::row_number()
        .partition_by(columns.clone())
        .build()?;
    let name = number.schema_name().to_string();
    let plan = LogicalPlanBuilder::window_plan(plan, vec![number])?;
    let number = Expr::Column(Column::new_unqualified(name)).alias("__equal_row");
    LogicalPlanBuilder::from(plan)
        .project(columns.into_iter().chain([number]))?
        .build()
}

/// Whether two types name the fields of their structs alike, which a set operation asks for.
fn same_fields(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::Struct(left), DataType::Struct(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(l, r)| {
                    same(l.name(), r.name()) && same_fields(l.data_type(), r.data_type())
                })
        }
        (DataType::List(left), DataType::List(right)) => {
            same_fields(left.data_type(), right.data_type())
        }
        _ => true,
    }
}
