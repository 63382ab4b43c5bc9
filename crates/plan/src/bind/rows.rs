//! `VALUES`: rows of constants.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::column::Environment;
use super::query::{Bound, BoundColumn};
use super::scope::Scope;
use super::{Binder, Typed};
use crate::error::{Result, at};
use crate::rewrite::{cast, unify};

impl Binder<'_> {
    /// `VALUES (…), (…)`: columns `col1`, `col2`, …
    pub(crate) fn values(&mut self, values: &ast::Values) -> Result<Bound> {
        let origin = self.query.origin.clone();
        let scope = Scope::default();
        let mut rows: Vec<Vec<Typed>> = vec![];
        for row in &values.rows {
            let cells = row
                .content
                .iter()
                .map(|cell| self.expression(cell, &Environment::over(&scope)));
            rows.push(cells.collect::<Result<_>>()?);
        }
        let width = rows.first().map_or(0, Vec::len);
        if width == 0 || rows.iter().any(|row| row.len() != width) {
            let message = "the rows of VALUES must have as many values as each other";
            return Err(at(&condition::NUM_COLUMNS_MISMATCH, &origin, message));
        }
        let mut columns = vec![];
        for index in 0..width {
            let types = rows.iter().map(|row| row[index].data_type.clone());
            let Some(data_type) = unify::common_type_of(types) else {
                let message = format!(
                    "the values of column {} of VALUES have no common type",
                    index + 1
                );
                return Err(at(&condition::INCOMPATIBLE_COLUMN_TYPE, &origin, message));
            };
            for row in &mut rows {
                row[index] = cast::implicit(self.session, row[index].clone(), &data_type, &origin)?;
            }
            let name = format!("col{}", index + 1);
            columns.push(BoundColumn {
                field: name.clone(),
                name,
                data_type,
                origin: origin.clone(),
                unnamed: false,
                unstarred: false,
                event_time: None,
            });
        }
        let plan = self.rows(rows, &columns, &origin)?;
        Ok(Bound {
            plan,
            columns,
            streaming: false,
        })
    }

    fn rows(
        &mut self,
        rows: Vec<Vec<Typed>>,
        columns: &[BoundColumn],
        origin: &Origin,
    ) -> Result<LogicalPlan> {
        let exprs: Vec<Vec<Expr>> = rows
            .into_iter()
            .map(|row| row.into_iter().map(|value| value.expr).collect())
            .collect();
        let plan = LogicalPlanBuilder::values(exprs).and_then(|values| {
            let names: Vec<String> = values.schema().field_names();
            let exprs = names
                .iter()
                .zip(columns)
                .map(|(from, to)| Expr::Column(Column::new_unqualified(from)).alias(&to.field));
            values.project(exprs)?.build()
        });
        self.planned(plan, origin)
    }
}
