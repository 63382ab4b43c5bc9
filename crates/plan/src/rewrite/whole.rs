//! Aggregates that are computed as others: `min` and `max` of floating point numbers over whole numbers in the same
//! order (DataFusion's own lose infinities and NaN), and `avg` of decimals as one division, rounded half up.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, i256};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};
use sluice_model::Diagnostic;
use sluice_model::condition::query as condition;

use crate::bind::Typed;
use crate::error;

/// A number as a BIGINT in the same order: NaN is the greatest, 0.0 and -0.0 stay apart.
pub(crate) fn ordered(value: Typed) -> Typed {
    let wide = match value.data_type {
        DataType::Float64 => value.expr,
        _ => cast(value.expr, DataType::Float64),
    };
    call(Kind::Order, vec![wide])
}

/// The number that a BIGINT of [`ordered`] stands for.
pub(crate) fn restored(ordered: Expr, data_type: &DataType) -> Typed {
    let wide = call(Kind::Restore, vec![ordered]).expr;
    let expr = match data_type {
        DataType::Float64 => wide,
        narrow => cast(wide, narrow.clone()),
    };
    Typed::new(expr, data_type.clone())
}

/// The mean of decimals with `precision` and `scale` from their sum and their number; `try_` gives NULL where it does
/// not fit.
pub(crate) fn mean(sum: Expr, count: Expr, precision: u8, scale: i8, attempt: bool) -> Typed {
    let digits = (precision + 4).min(38);
    let places = scale.saturating_add(4).min(38);
    let kind = Kind::Mean {
        digits,
        places,
        attempt,
    };
    call(kind, vec![sum, count])
}

fn call(kind: Kind, args: Vec<Expr>) -> Typed {
    let data_type = kind.returns();
    let signature = Signature::any(args.len(), Volatility::Immutable);
    let function = Arc::new(ScalarUDF::new_from_impl(Whole { kind, signature }));
    let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function, args));
    Typed::new(expr, data_type)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Order,
    Restore,
    Mean {
        digits: u8,
        places: i8,
        attempt: bool,
    },
}

impl Kind {
    fn returns(self) -> DataType {
        match self {
            Self::Order => DataType::Int64,
            Self::Restore => DataType::Float64,
            Self::Mean { digits, places, .. } => DataType::Decimal128(digits, places),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Whole {
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Whole {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Order => "number_order",
            Kind::Restore => "number_of_order",
            Kind::Mean { .. } => "decimal_mean",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.kind.returns())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let out: ArrayRef = match (self.kind, arrays.as_slice()) {
            (Kind::Order, [numbers]) => Arc::new(
                numbers
                    .as_primitive::<Float64Type>()
                    .unary::<_, Int64Type>(to_order),
            ),
            (Kind::Restore, [numbers]) => Arc::new(
                numbers
                    .as_primitive::<Int64Type>()
                    .unary::<_, Float64Type>(of_order),
            ),
            (
                Kind::Mean {
                    digits,
                    places,
                    attempt,
                },
                [sums, counts],
            ) => means(sums, counts.as_primitive(), (digits, places), attempt)?,
            _ => return internal_err!("{} with {} arguments", self.name(), arrays.len()),
        };
        Ok(ColumnarValue::Array(out))
    }
}

/// The bits of a number, those of negative ones turned around, so that they compare as the numbers do.
fn to_order(number: f64) -> i64 {
    let bits = if number.is_nan() {
        f64::NAN.to_bits()
    } else {
        number.to_bits()
    };
    turned(bits.cast_signed())
}

fn of_order(order: i64) -> f64 {
    f64::from_bits(turned(order).cast_unsigned())
}

fn turned(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn means(
    sums: &ArrayRef,
    counts: &Int64Array,
    (digits, places): (u8, i8),
    attempt: bool,
) -> Result<ArrayRef> {
    let sums = sums.as_primitive::<Decimal128Type>();
    let shift = u32::try_from(places - sums.scale()).unwrap_or_default();
    let factor = i256::from_i128(10_i128.pow(shift));
    let limit = 10_i128.pow(u32::from(digits));
    let mut out = Vec::with_capacity(sums.len());
    for row in 0..sums.len() {
        if sums.is_null(row) || counts.is_null(row) || counts.value(row) == 0 {
            out.push(None);
            continue;
        }
        let total = i256::from_i128(sums.value(row)).wrapping_mul(factor);
        let count = i256::from(counts.value(row));
        let mean = half_up(total, count).filter(|mean| -limit < *mean && *mean < limit);
        if mean.is_none() && !attempt {
            let message = format!("the mean does not fit DECIMAL({digits},{places})");
            let diagnostic = Diagnostic::error(&condition::NUMERIC_VALUE_OUT_OF_RANGE, message);
            return Err(error::raise(
                diagnostic.help("cast to a wider type, or use try_avg()"),
            ));
        }
        out.push(mean);
    }
    let out = Decimal128Array::from(out).with_precision_and_scale(digits, places)?;
    Ok(Arc::new(out))
}

/// `total / count`, halves away from zero.
fn half_up(total: i256, count: i256) -> Option<i128> {
    let quotient = total.wrapping_div(count);
    let rest = total.wrapping_rem(count).wrapping_abs();
    let half = rest.wrapping_add(rest) >= count;
    let away = match (half, total < i256::ZERO) {
        (false, _) => i256::ZERO,
        (true, false) => i256::ONE,
        (true, true) => i256::MINUS_ONE,
    };
    quotient.wrapping_add(away).to_i128()
}
