//! `count`: `count(*)` counts rows, `count(a, b)` rows in which no argument is NULL, `count(DISTINCT a, b)` distinct
//! combinations without NULL. DataFusion counts one argument.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Case, Expr, lit};

use crate::bind::Typed;
use crate::rewrite::structure;

/// The one argument that DataFusion's `count` is given.
pub(crate) fn argument(mut args: Vec<Typed>, star: bool) -> Typed {
    if star || args.is_empty() {
        return Typed::literal(ScalarValue::Int64(Some(1)));
    }
    if args.len() == 1 {
        return args.remove(0);
    }
    let present = args
        .iter()
        .map(|arg| arg.expr.clone().is_not_null())
        .reduce(Expr::and)
        .unwrap_or_else(|| lit(true));
    let named = args
        .into_iter()
        .enumerate()
        .map(|(index, arg)| (format!("c{index}"), arg))
        .collect();
    let row = structure::named_struct(named);
    let case = Case::new(None, vec![(Box::new(present), Box::new(row.expr))], None);
    Typed::new(Expr::Case(case), row.data_type)
}

/// Floats for DISTINCT: -0.0 and 0.0 are one value, as in Spark; DataFusion tells their bits apart.
pub(crate) fn distinct(arg: Typed) -> Typed {
    let zero = match arg.data_type {
        DataType::Float64 => ScalarValue::Float64(Some(0.0)),
        DataType::Float32 => ScalarValue::Float32(Some(0.0)),
        _ => return arg,
    };
    let is_zero = arg.expr.clone().eq(lit(zero.clone()));
    let case = Case::new(
        None,
        vec![(Box::new(is_zero), Box::new(lit(zero)))],
        Some(Box::new(arg.expr)),
    );
    Typed::new(Expr::Case(case), arg.data_type)
}
