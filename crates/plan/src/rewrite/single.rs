//! A subquery that stands for one value: the value, or an error where more than one row is. Must not know subqueries.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sluice_model::Diagnostic;
use sluice_model::condition::query as condition;

use crate::error::raise;

/// `value`, if `rows` is not more than one.
pub(crate) fn single(value: Expr, rows: Expr, returns: &DataType) -> Expr {
    let function = Single {
        returns: returns.clone(),
        signature: Signature::any(2, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![value, rows]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    returns: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Single {
    fn name(&self) -> &'static str {
        "single"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.args[1].to_array(args.number_rows)?;
        if rows
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .any(|rows| rows > 1)
        {
            let message = "a subquery that stands for one value returned more than one row";
            return Err(raise(Diagnostic::error(
                &condition::SCALAR_SUBQUERY_TOO_MANY_ROWS,
                message,
            )));
        }
        Ok(args.args[0].clone())
    }
}
