//! `a AND b`, `a OR b`: Spark does not compute `b` for rows that `a` decides; DataFusion may. Where computing `b` can
//! fail (a cast, a division, an index), it is guarded by `a`, so that rows that `a` rules out raise no error.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, Operator, lit};

/// Functions that have an answer for every value; all others can fail on one.
const TOTAL: &[&str] = &[
    "settle",
    "settle_nan",
    "number_order",
    "number_of_order",
    "try_cast",
    "try_calculate",
    "coalesce",
    "greatest",
    "least",
    "named_struct",
    "get_field",
    "regexp_like",
    "get_json_object",
    "json_path",
    "lower",
    "upper",
    "trim",
    "ltrim",
    "rtrim",
    "length",
    "substring",
    "left",
    "right",
    "contains",
    "startswith",
    "endswith",
    "instr",
    "locate",
    "concat",
    "concat_ws",
    "replace",
    "isnan",
    "nanvl",
    "size",
    "array_contains",
    "year",
    "month",
    "day",
    "dayofweek",
    "hour",
    "minute",
    "second",
    "date_trunc",
    "datediff",
    "md5",
    "sha2",
    "xxhash64",
    "hash",
];

/// Whether a function has an answer for every value.
pub(crate) fn is_total(name: &str) -> bool {
    TOTAL.contains(&name)
}

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

/// The condition that [`connect`] guarded in an AND.
pub(crate) fn guarded(expr: &Expr) -> Option<&Expr> {
    let Expr::BinaryExpr(BinaryExpr {
        left,
        op: Operator::Eq,
        ..
    }) = expr
    else {
        return None;
    };
    let Expr::Case(case) = left.as_ref() else {
        return None;
    };
    let (None, [(_, answer)], Some(other)) =
        (&case.expr, case.when_then_expr.as_slice(), &case.else_expr)
    else {
        return None;
    };
    match other.as_ref() {
        Expr::Cast(number) if **answer == lit(0_i8) => Some(&number.expr),
        _ => None,
    }
}

/// An argument of an aggregate, computed only for the rows that its FILTER lets through: others raise no error, as in Spark's
/// `AggregationIterator`, and their NULL is never seen. A condition that draws lots is not asked twice.
pub(crate) fn filtered(filter: &Expr, argument: Expr, data_type: &DataType) -> Expr {
    if !fallible(&argument) || filter.is_volatile() {
        return argument;
    }
    let only = |value: Expr| {
        let passing = vec![(Box::new(filter.clone()), Box::new(value))];
        Expr::Case(Case::new(None, passing, None))
    };
    match data_type {
        DataType::Boolean => {
            only(datafusion::logical_expr::cast(argument, DataType::Int8)).eq(lit(1_i8))
        }
        _ => only(argument),
    }
}

fn fallible(expr: &Expr) -> bool {
    let fails = |expr: &Expr| {
        Ok(match expr {
            // Of constants alone it is computed once, before any row; unless failing is all that it is for.
            Expr::ScalarFunction(call) if !is_total(call.name()) => {
                matches!(call.name(), "raise_error" | "assert_true")
                    || call.args.iter().any(|arg| !arg.column_refs().is_empty())
            }
            _ => false,
        })
    };
    expr.exists(fails).unwrap_or(true)
}
