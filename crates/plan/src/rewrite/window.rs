//! `window(ts, '10 minutes')`: the tumbling time window that holds a timestamp, as a struct of `start` (inclusive) and
//! `end` (exclusive), counted from 1970-01-01 UTC. Sliding windows are refused where they are bound.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::bind::Typed;
use crate::rewrite::time;

fn fields() -> Fields {
    let timestamp = time::timestamp_type();
    Fields::from(vec![
        Field::new("start", timestamp.clone(), true),
        Field::new("end", timestamp, true),
    ])
}

/// The window of `size_us` microseconds that holds a TIMESTAMP.
pub(crate) fn tumbling(timestamp: Typed, size_us: i64) -> Typed {
    let function = Tumbling {
        size_us,
        signature: Signature::any(1, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![timestamp.expr]));
    Typed::new(expr, DataType::Struct(fields()))
}

/// The window as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Tumbling {
    size_us: i64,
    signature: Signature,
}

impl Tumbling {
    fn run(&self, array: &ArrayRef) -> datafusion::error::Result<ArrayRef> {
        let times = array.as_primitive::<TimestampMicrosecondType>();
        let shifted = |by: i64| -> ArrayRef {
            let moved = times.unary::<_, TimestampMicrosecondType>(|time| {
                time.saturating_sub(time.rem_euclid(self.size_us))
                    .saturating_add(by)
            });
            Arc::new(moved.with_timezone_opt(Some("UTC")))
        };
        let columns = vec![shifted(0), shifted(self.size_us)];
        let windows = StructArray::try_new(fields(), columns, times.nulls().cloned())?;
        Ok(Arc::new(windows))
    }
}

impl ScalarUDFImpl for Tumbling {
    fn name(&self) -> &'static str {
        "window"
    }

    fn schema_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        Ok(format!("window({}, {} us)", args.join(", "), self.size_us))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(DataType::Struct(fields()))
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(ColumnarValue::Array(array)) => Ok(ColumnarValue::Array(self.run(&array)?)),
            Some(ColumnarValue::Scalar(value)) => {
                let array = self.run(&value.to_array_of_size(1)?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &array, 0,
                )?))
            }
            None => datafusion::common::internal_err!("a window without a time"),
        }
    }
}
