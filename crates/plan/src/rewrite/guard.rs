//! `a AND b`, `a OR b`: Spark does not compute `b` for rows that `a` decides; DataFusion may. Where computing `b` can
//! fail (a cast, a division, an index), it is guarded by `a`, so that rows that `a` rules out raise no error.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Case, Expr, lit};

/// Functions that can fail on a value.
const FALLIBLE: &[&str] = &[
    "cast",
    "calculate",
    "element",
    "element_at",
    "to_date",
    "to_timestamp",
    "unix_timestamp",
    "to_unix_timestamp",
    "make_date",
    "make_timestamp",
    "raise_error",
    "assert_true",
    "parse_json",
    "to_number",
];

/// Connects two conditions.
pub(crate) fn connect(and: bool, left: Expr, right: Expr) -> Expr {
    let right = if fallible(&right) {
        // The left side stays a conjunct of its own: the optimizer pushes it down and joins by it.
        let decided = if and {
            Expr::Not(Box::new(left.clone()))
        } else {
            left.clone()
        };
        // Numbers, because the optimizer turns a CASE of booleans back into the unguarded condition.
        let number = |truth: Expr| datafusion::logical_expr::cast(truth, DataType::Int8);
        let answer = vec![(Box::new(decided), Box::new(lit(i8::from(!and))))];
        let guarded = Expr::Case(Case::new(None, answer, Some(Box::new(number(right)))));
        guarded.eq(lit(1_i8))
    } else {
        right
    };
    if and { left.and(right) } else { left.or(right) }
}

fn fallible(expr: &Expr) -> bool {
    let fails = |expr: &Expr| {
        Ok(matches!(expr, Expr::ScalarFunction(function) if FALLIBLE.contains(&function.name())))
    };
    expr.exists(fails).unwrap_or(true)
}
