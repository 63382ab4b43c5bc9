//! Signed zeros and NaN: where Spark compares, groups, joins, sorts or makes distinct, -0.0 and 0.0 are one value, and
//! NaN is one value greater than all others. DataFusion tells their bits apart, so floats are settled there first.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StructArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type};
use datafusion::common::{Column, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::bind::Typed;

/// Whether values of a type hold floats that a comparison looks at.
pub(crate) fn holds(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(item) => holds(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds(field.data_type())),
        _ => false,
    }
}

/// A value whose floats have one form each.
pub(crate) fn settled(value: Typed) -> Typed {
    let expr = settle(value.expr, &value.data_type);
    Typed::new(expr, value.data_type)
}

/// An expression of a type, its floats in one form each.
pub(crate) fn settle(expr: Expr, data_type: &DataType) -> Expr {
    if !holds(data_type) {
        return expr;
    }
    if let Expr::Literal(value, metadata) = &expr {
        let settled = value.to_array_of_size(1).and_then(|array| {
            let array = kernel(&array, true)?;
            ScalarValue::try_from_array(&array, 0)
        });
        return settled.map_or(expr.clone(), |value| Expr::Literal(value, metadata.clone()));
    }
    call(expr, data_type, true)
}

/// Two sides of a comparison. A column beside an ordinary number stays as it is, so that files can be skipped by it.
pub(crate) fn sides(left: Typed, right: Typed) -> (Typed, Typed) {
    let plain = |a: &Typed, b: &Typed| {
        matches!(a.expr, Expr::Column(_)) && b.constant().is_some_and(is_ordinary)
    };
    if plain(&left, &right) || plain(&right, &left) {
        return (left, right);
    }
    (settled(left), settled(right))
}

/// A result of arithmetic: NaN in one form, whatever sign the processor gave it; zeros keep their sign.
pub(crate) fn result(value: Typed) -> Typed {
    let expr = call(value.expr, &value.data_type, false);
    Typed::new(expr, value.data_type)
}

/// A plan whose columns are settled: what is made distinct.
pub(crate) fn settled_columns(plan: LogicalPlan) -> Result<LogicalPlan> {
    if !plan
        .schema()
        .fields()
        .iter()
        .any(|field| holds(field.data_type()))
    {
        return Ok(plan);
    }
    let exprs: Vec<Expr> = plan
        .schema()
        .iter()
        .map(|(qualifier, field)| {
            let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            if holds(field.data_type()) {
                settle(column, field.data_type()).alias_qualified(qualifier.cloned(), field.name())
            } else {
                column
            }
        })
        .collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

fn is_ordinary(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float64(Some(number)) => !number.is_nan() && *number != 0.0,
        ScalarValue::Float32(Some(number)) => !number.is_nan() && *number != 0.0,
        _ => false,
    }
}

fn call(expr: Expr, data_type: &DataType, zeros: bool) -> Expr {
    let function = Settle {
        zeros,
        returns: data_type.clone(),
        signature: Signature::any(1, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![expr]))
}

/// Gives NaN one form, and with `zeros` also 0.0, inside of lists and structs too.
pub(crate) fn kernel(array: &ArrayRef, zeros: bool) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Float64 => floats::<Float64Type>(array, |x| match x {
            x if x.is_nan() => f64::NAN,
            x if zeros && x == 0.0 => 0.0,
            x => x,
        }),
        DataType::Float32 => floats::<Float32Type>(array, |x| match x {
            x if x.is_nan() => f32::NAN,
            x if zeros && x == 0.0 => 0.0,
            x => x,
        }),
        DataType::List(item) if holds(item.data_type()) => {
            let list = array.as_list::<i32>();
            Arc::new(ListArray::try_new(
                Arc::clone(item),
                list.offsets().clone(),
                kernel(list.values(), zeros)?,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) if holds(array.data_type()) => {
            let columns = array.as_struct().columns();
            let columns = columns.iter().map(|column| kernel(column, zeros));
            Arc::new(StructArray::try_new(
                fields.clone(),
                columns.collect::<Result<Vec<_>>>()?,
                array.nulls().cloned(),
            )?)
        }
        _ => Arc::clone(array),
    })
}

fn floats<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    one: impl Fn(T::Native) -> T::Native,
) -> ArrayRef {
    let settled: PrimitiveArray<T> = array.as_primitive::<T>().unary(one);
    Arc::new(settled)
}

/// The settling as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Settle {
    zeros: bool,
    returns: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Settle {
    fn name(&self) -> &str {
        if self.zeros { "settle" } else { "settle_nan" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(ColumnarValue::Array(array)) => {
                let settled = kernel(&array, self.zeros)?;
                // Lists may name their items otherwise than the plan does.
                Ok(ColumnarValue::Array(arrow::compute::cast(
                    &settled,
                    &self.returns,
                )?))
            }
            Some(ColumnarValue::Scalar(value)) => {
                let array = kernel(&value.to_array_of_size(1)?, self.zeros)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &array, 0,
                )?))
            }
            None => datafusion::common::internal_err!("settling takes one value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Float64Array;

    use super::*;

    #[test]
    fn zeros_and_nan_get_one_form() {
        let check = |zeros: bool, expected: [f64; 4]| {
            let array: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0, -f64::NAN, -1.5]));
            let found = kernel(&array, zeros).unwrap();
            let found: Vec<u64> = found
                .as_primitive::<Float64Type>()
                .values()
                .iter()
                .map(|x| x.to_bits())
                .collect();
            assert_eq!(found, expected.map(f64::to_bits).to_vec());
        };
        check(true, [0.0, 0.0, f64::NAN, -1.5]);
        check(false, [-0.0, 0.0, f64::NAN, -1.5]);
    }
}
