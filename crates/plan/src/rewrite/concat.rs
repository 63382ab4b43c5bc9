//! `concat` and `||`: everything becomes STRING and NULL wins; arrays are joined; BINARY stays BINARY.

use arrow::datatypes::DataType;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, Operator};
use sluice_model::Origin;
use sluice_model::condition::query::DATATYPE_MISMATCH_DATA_DIFF_TYPES;

use crate::Session;
use crate::bind::Typed;
use crate::error::{Result, at};
use crate::rewrite::{cast, unify};

/// Joins values.
pub(crate) fn concat(session: &Session, values: Vec<Typed>, origin: &Origin) -> Result<Typed> {
    let lists = values
        .iter()
        .any(|value| matches!(value.data_type, DataType::List(_)));
    if lists {
        return arrays(session, values, origin);
    }
    let binary = !values.is_empty()
        && values
            .iter()
            .all(|value| value.data_type == DataType::Binary);
    if binary {
        let args = values.into_iter().map(|value| value.expr).collect();
        return Ok(bytes(args));
    }
    let mut joined: Option<Expr> = None;
    for value in values {
        let text = cast::implicit(session, value, &DataType::Utf8, origin)?.expr;
        joined = Some(match joined {
            None => text,
            Some(left) => Expr::BinaryExpr(BinaryExpr::new(
                Box::new(left),
                Operator::StringConcat,
                Box::new(text),
            )),
        });
    }
    Ok(joined.map_or_else(|| Typed::text(""), |expr| Typed::new(expr, DataType::Utf8)))
}

/// Bytes joined; DataFusion leaves NULLs out, in Spark one of them makes the whole NULL.
fn bytes(args: Vec<Expr>) -> Typed {
    let missing = args
        .iter()
        .map(|arg| arg.clone().is_null())
        .reduce(Expr::or);
    let joined = datafusion::functions::string::expr_fn::concat(args);
    let null = datafusion::logical_expr::lit(datafusion::common::ScalarValue::Binary(None));
    let branches = missing.map(|missing| vec![(Box::new(missing), Box::new(null))]);
    let case = Case::new(None, branches.unwrap_or_default(), Some(Box::new(joined)));
    Typed::new(Expr::Case(case), DataType::Binary)
}

fn arrays(session: &Session, values: Vec<Typed>, origin: &Origin) -> Result<Typed> {
    let refuse = |what: &str| {
        let message = format!("`concat` takes arrays of one type, {what}");
        Err(at(&DATATYPE_MISMATCH_DATA_DIFF_TYPES, origin, message))
    };
    if values.iter().any(|value| value.data_type == DataType::Null) {
        return refuse("a bare NULL has none: cast it");
    }
    let types = values.iter().map(|value| value.data_type.clone());
    let Some(common) = unify::common_type_of(types) else {
        return refuse("the items of these have none in common");
    };
    let mut args = vec![];
    for value in values {
        args.push(cast::implicit(session, value, &common, origin)?.expr);
    }
    // DataFusion leaves NULL arrays out; in Spark one of them makes the whole NULL.
    let missing = args.iter().map(|arg| arg.clone().is_null());
    let null = datafusion::common::ScalarValue::try_from(&common);
    let joined = datafusion::functions_nested::expr_fn::array_concat(args.clone());
    let (Some(missing), Ok(null)) = (missing.reduce(Expr::or), null) else {
        return Ok(Typed::new(joined, common));
    };
    let null = Box::new(datafusion::logical_expr::lit(null));
    let case = Case::new(
        None,
        vec![(Box::new(missing), null)],
        Some(Box::new(joined)),
    );
    Ok(Typed::new(Expr::Case(case), common))
}
