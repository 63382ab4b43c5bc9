//! Constant expressions where a clause takes a constant: computed while binding. Must not look at rows.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::Expr;

use crate::Session;

/// Whether no row and no subquery decides an expression.
pub(crate) fn is_constant(expr: &Expr) -> bool {
    !expr.is_volatile() && !expr.any_column_refs() && !super::dependent::holds_subquery(expr)
}

/// The value of an expression that no row and no subquery decides; `None` of any other, and where computing it fails.
pub(crate) fn constant(session: &Session, expr: &Expr) -> Option<ScalarValue> {
    if let Expr::Literal(value, _) = expr {
        return Some(value.clone());
    }
    if !is_constant(expr) {
        return None;
    }
    let computed = session
        .state()
        .create_physical_expr(expr.clone(), &DFSchema::empty())
        .ok()?;
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &one_row);
    let value = computed.evaluate(&batch.ok()?).ok()?;
    let array = value.into_array(1).ok()?;
    ScalarValue::try_from_array(&array, 0).ok()
}
