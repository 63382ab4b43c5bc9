//! Values that hold others, as bytes in Spark's order: for what compares only plain values. NULLs inside are the least values
//! there are (Spark: `InterpretedOrdering`). Must not know floats: they are settled before.

use std::sync::Arc;

use arrow::array::{Array, BinaryBuilder};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SortExpr,
    Volatility,
};

/// The keys that stand for one of a type: of arrays, structs and bytes whether there is a value, and then the value in its own
/// order. `NULLS FIRST` and `NULLS LAST` are about the values themselves, which DataFusion takes to be about what is inside of
/// them too; and in a window it takes all arrays for peers of each other, and no structs or bytes as the only key.
pub(crate) fn keys(key: SortExpr, of: &DataType) -> Vec<SortExpr> {
    let value = match of {
        DataType::List(_) | DataType::Struct(_) => bytes(key.expr.clone()),
        DataType::Binary => key.expr.clone(),
        _ => return vec![key],
    };
    let is_null = SortExpr::new(key.expr.is_null(), !key.nulls_first, false);
    vec![is_null, SortExpr::new(value, key.asc, key.nulls_first)]
}

fn bytes(value: Expr) -> Expr {
    let function = ScalarUDF::new_from_impl(Order {
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![value]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Order {
    signature: Signature,
}

impl ScalarUDFImpl for Order {
    fn name(&self) -> &'static str {
        "bytes_in_order"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values] = arrays.as_slice() else {
            return internal_err!("{} with {} arguments", self.name(), arrays.len());
        };
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let rows = converter.convert_columns(&[Arc::clone(values)])?;
        let mut keys = BinaryBuilder::new();
        for (index, row) in rows.iter().enumerate() {
            keys.append_option(values.is_valid(index).then_some(row));
        }
        Ok(ColumnarValue::Array(Arc::new(keys.finish())))
    }
}
