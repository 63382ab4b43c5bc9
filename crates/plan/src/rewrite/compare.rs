//! Comparisons: the type in which two sides are compared. Spark casts strings to the other side's type (integers as
//! BIGINT, other numbers as DOUBLE, dates and timestamps as themselves) and refuses what has no common type.

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use sluice_model::Origin;
use sluice_model::condition::query as condition;

use crate::Session;
use crate::bind::Typed;
use crate::error::{Result, at};
use crate::rewrite::{cast, float, unify};

/// The type in which values of two types are compared, `None` if they are not comparable.
pub(crate) fn comparison_type(left: &DataType, right: &DataType) -> Option<DataType> {
    if [left, right]
        .iter()
        .any(|t| matches!(t, DataType::Map(..)) || is_mixed(t))
    {
        return None;
    }
    if left.is_nested() && right.is_nested() {
        return unify::tightest_type(left, &unify::named_as(right, left));
    }
    unify::common_type_by_place(left, right)
}

/// An interval of months and days together, which has no length.
fn is_mixed(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(IntervalUnit::MonthDayNano))
}

/// `left op right`.
pub(crate) fn compare(
    session: &Session,
    op: Operator,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<Typed> {
    let Some(common) = comparison_type(&left.data_type, &right.data_type) else {
        let message = format!(
            "{} and {} cannot be compared",
            unify::words(&left.data_type),
            unify::words(&right.data_type)
        );
        let condition = if is_mixed(&left.data_type) && is_mixed(&right.data_type) {
            &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE
        } else {
            &condition::DATATYPE_MISMATCH_BINARY_OP_DIFF_TYPES
        };
        return Err(at(condition, origin, message));
    };
    // Two untyped NULLs are compared as BOOLEAN: DataFusion has no comparison of its NULL type.
    let common = if common == DataType::Null {
        DataType::Boolean
    } else {
        common
    };
    let left = cast::implicit(session, left, &common, origin)?;
    let right = cast::implicit(session, right, &common, origin)?;
    let (left, right) = float::sides(left, right);
    Ok(Typed::boolean(Expr::BinaryExpr(BinaryExpr::new(
        Box::new(left.expr),
        op,
        Box::new(right.expr),
    ))))
}
