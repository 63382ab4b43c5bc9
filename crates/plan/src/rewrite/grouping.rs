//! `grouping(x)` and `grouping_id(…)` before the sets of GROUP BY are known: marks in an expression, which the aggregate
//! step replaces by their values. A mark that is left over cannot run.

use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

use crate::bind::Typed;

/// What is asked of the grouping set that made a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    /// `grouping(x)`: whether `x` is left out, as 0 or 1.
    Whether,
    /// `grouping_id(…)`: one bit per key.
    Bits,
}

/// A mark over the keys that are asked about.
pub(crate) fn mark(asked: Asked, keys: Vec<Typed>) -> Typed {
    let signature = Signature::variadic_any(Volatility::Volatile);
    let function = Arc::new(ScalarUDF::new_from_impl(Mark { asked, signature }));
    let keys = keys.into_iter().map(|key| key.expr).collect();
    let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function, keys));
    Typed::new(expr, asked.data_type())
}

/// The question and the keys of a mark, `None` for any other expression.
pub(crate) fn marked(expr: &Expr) -> Option<(Asked, &[Expr])> {
    let Expr::ScalarFunction(call) = expr else {
        return None;
    };
    let mark = call.func.inner().downcast_ref::<Mark>()?;
    Some((mark.asked, &call.args))
}

impl Asked {
    fn data_type(self) -> DataType {
        match self {
            Self::Whether => DataType::Int8,
            Self::Bits => DataType::Int64,
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Mark {
    asked: Asked,
    signature: Signature,
}

impl ScalarUDFImpl for Mark {
    fn name(&self) -> &str {
        match self.asked {
            Asked::Whether => "grouping",
            Asked::Bits => "grouping_id",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.asked.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> datafusion::error::Result<ColumnarValue> {
        datafusion::common::internal_err!("a mark of GROUP BY was left in the plan")
    }
}
