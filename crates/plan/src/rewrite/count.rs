//! `count`: `count(*)` counts rows, `count(a, b)` rows in which no argument is NULL, `count(DISTINCT a, b)` distinct
//! combinations without NULL. DataFusion counts one argument.

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
