//! One step with intervals as a function of DataFusion. Must not decide types.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, StringArray,
};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, IntervalYearMonthType, i256,
};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use sluice_decode::cast::value_text;
use sluice_decode::datetime::Zone;
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};

use super::{DAY, DAY_TO_SECOND};
use crate::error::{self, raise};
use crate::rewrite::cast::Ignored;

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Multiply,
    Divide,
    Add,
    Subtract,
    /// How often one goes into another.
    Count,
    Negate,
    Absolute,
    Field(Field),
    Text,
    /// As whole days or seconds.
    Whole {
        days: bool,
    },
    /// As seconds with their fraction, of type DECIMAL(19,6).
    Seconds,
}

/// A field of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// One of these steps as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Lengths {
    pub(super) step: Step,
    pub(super) attempt: bool,
    pub(super) returns: DataType,
    pub(super) origin: Ignored<Origin>,
    pub(super) signature: Signature,
}

/// Why a row has no value.
enum Trouble {
    Overflow,
    Zero,
}

type Row = Result<i64, Trouble>;

impl Lengths {
    fn run(&self, args: &[ArrayRef]) -> datafusion::error::Result<ArrayRef> {
        let Some((column, rest)) = args.split_first() else {
            return datafusion::common::internal_err!("a step without an interval");
        };
        let months = matches!(column.data_type(), DataType::Interval(_));
        let seconds = *column.data_type() == DAY;
        let lengths = whole_numbers(column)?;
        let made = match self.step {
            Step::Multiply | Step::Divide => self.by(&lengths, number(rest)?)?,
            Step::Add => self.pairs(&lengths, rest, i64::checked_add)?,
            Step::Subtract => self.pairs(&lengths, rest, i64::checked_sub)?,
            Step::Count => self.pairs(&lengths, rest, i64::checked_div)?,
            Step::Negate => self.each(&lengths, i64::checked_neg)?,
            Step::Absolute => self.each(&lengths, i64::checked_abs)?,
            Step::Text => return Ok(texts(column)),
            Step::Field(field) => self.each(&lengths, |value| Some(part(field, value)))?,
            Step::Seconds => lengths,
            Step::Whole { days } => {
                let unit = if days { DAY_US } else { SECOND_US };
                self.each(&lengths, |value| {
                    let whole = value / unit;
                    fits(whole, &self.returns).then_some(whole)
                })?
            }
        };
        self.finish(&made, months, seconds)
    }

    fn by(&self, lengths: &Int64Array, number: &ArrayRef) -> datafusion::error::Result<Int64Array> {
        let divides = self.step == Step::Divide;
        let of = |row: usize| lengths.is_valid(row).then(|| lengths.value(row));
        match number.data_type() {
            DataType::Decimal128(_, scale) => {
                let scale = u32::from(scale.unsigned_abs());
                let numbers: &Decimal128Array = number.as_primitive::<Decimal128Type>();
                self.rows(lengths.len(), |row| {
                    let by = numbers.is_valid(row).then(|| numbers.value(row))?;
                    Some(by_decimal(of(row)?, by, scale, divides))
                })
            }
            DataType::Int64 => {
                let numbers = number.as_primitive::<Int64Type>();
                self.rows(lengths.len(), |row| {
                    let by = numbers.is_valid(row).then(|| numbers.value(row))?;
                    Some(by_decimal(of(row)?, i128::from(by), 0, divides))
                })
            }
            _ => {
                let numbers: &Float64Array = number.as_primitive::<Float64Type>();
                self.rows(lengths.len(), |row| {
                    let by = numbers.is_valid(row).then(|| numbers.value(row))?;
                    Some(by_double(of(row)?, by, divides))
                })
            }
        }
    }

    fn pairs(
        &self,
        lengths: &Int64Array,
        rest: &[ArrayRef],
        step: impl Fn(i64, i64) -> Option<i64>,
    ) -> datafusion::error::Result<Int64Array> {
        let others = whole_numbers(number(rest)?)?;
        self.rows(lengths.len(), |row| {
            let value = lengths.is_valid(row).then(|| lengths.value(row))?;
            let other = others.is_valid(row).then(|| others.value(row))?;
            Some(match (self.step, other) {
                (Step::Count, 0) => Err(Trouble::Zero),
                _ => step(value, other).ok_or(Trouble::Overflow),
            })
        })
    }

    fn each(
        &self,
        lengths: &Int64Array,
        step: impl Fn(i64) -> Option<i64>,
    ) -> datafusion::error::Result<Int64Array> {
        self.rows(lengths.len(), |row| {
            let value = lengths.is_valid(row).then(|| lengths.value(row))?;
            Some(step(value).ok_or(Trouble::Overflow))
        })
    }

    fn rows(
        &self,
        count: usize,
        row: impl Fn(usize) -> Option<Row>,
    ) -> datafusion::error::Result<Int64Array> {
        let mut out = Vec::with_capacity(count);
        for index in 0..count {
            out.push(match row(index) {
                Some(Ok(value)) => Some(value),
                Some(Err(trouble)) if !self.attempt => return Err(self.refuse(&trouble)),
                _ => None,
            });
        }
        Ok(Int64Array::from(out))
    }

    fn refuse(&self, trouble: &Trouble) -> datafusion::error::DataFusionError {
        let diagnostic = match (trouble, self.step) {
            (Trouble::Zero, Step::Count) => error::divide_by_zero(None),
            (Trouble::Zero, _) => Diagnostic::error(
                &condition::INTERVAL_DIVIDED_BY_ZERO,
                "an interval is divided by zero",
            )
            .help("use `try_divide` to get NULL instead"),
            (Trouble::Overflow, Step::Whole { .. }) => Diagnostic::error(
                &condition::CAST_OVERFLOW,
                "an interval is too long for the number that it is cast to",
            )
            .help("cast it to BIGINT, or use `try_cast` to get NULL instead"),
            (Trouble::Overflow, _) => super::too_long(),
        };
        raise(error::located(diagnostic, Some(&self.origin.0)))
    }

    /// The numbers as what the step gives.
    fn finish(
        &self,
        made: &Int64Array,
        months: bool,
        seconds: bool,
    ) -> datafusion::error::Result<ArrayRef> {
        Ok(match &self.returns {
            DataType::Interval(_) if months => {
                let mut narrow = Vec::with_capacity(made.len());
                for value in made {
                    let value = value.map(i32::try_from).transpose();
                    match value {
                        Ok(value) => narrow.push(value),
                        Err(_) if self.attempt => narrow.push(None),
                        Err(_) => return Err(self.refuse(&Trouble::Overflow)),
                    }
                }
                Arc::new(arrow::array::IntervalYearMonthArray::from(narrow))
            }
            // Whole days stay whole days when they are turned.
            &DAY if seconds => arrow_cast(
                &made.unary::<_, Int64Type>(|us| us / SECOND_US),
                &self.returns,
            )?,
            DataType::Decimal128(precision, scale) => {
                let unscaled = made.unary::<_, Decimal128Type>(i128::from);
                Arc::new(unscaled.with_precision_and_scale(*precision, *scale)?)
            }
            other => arrow_cast(made, other)?,
        })
    }
}

fn number(rest: &[ArrayRef]) -> datafusion::error::Result<&ArrayRef> {
    match rest {
        [number] => Ok(number),
        _ => datafusion::common::internal_err!("an interval is calculated with one number"),
    }
}

/// Months, or microseconds.
fn whole_numbers(lengths: &ArrayRef) -> datafusion::error::Result<Int64Array> {
    Ok(match lengths.data_type() {
        DataType::Interval(_) => lengths
            .as_primitive::<IntervalYearMonthType>()
            .unary(i64::from),
        _ => {
            let micros = arrow_cast(lengths, &DAY_TO_SECOND)?;
            arrow_cast(&micros, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone()
        }
    })
}

/// Times or divided by a decimal, halves away from zero.
fn by_decimal(value: i64, by: i128, scale: u32, divides: bool) -> Row {
    let power = i256::from_i128(10).checked_pow(scale);
    let (value, by) = (i256::from_i128(i128::from(value)), i256::from_i128(by));
    let (over, under) = if divides {
        (power.and_then(|power| value.checked_mul(power)), Some(by))
    } else {
        (value.checked_mul(by), power)
    };
    let (Some(over), Some(under)) = (over, under) else {
        return Err(Trouble::Overflow);
    };
    if under == i256::ZERO {
        return Err(Trouble::Zero);
    }
    let quotient = over.checked_div(under).ok_or(Trouble::Overflow)?;
    let rest = over.wrapping_sub(quotient.wrapping_mul(under));
    let is_half = rest.wrapping_abs() >= under.wrapping_abs().wrapping_sub(rest.wrapping_abs());
    let away = match (is_half, over.is_negative() == under.is_negative()) {
        (false, _) => i256::ZERO,
        (true, true) => i256::ONE,
        (true, false) => i256::MINUS_ONE,
    };
    let rounded = quotient.wrapping_add(away).to_i128();
    rounded
        .and_then(|value| i64::try_from(value).ok())
        .ok_or(Trouble::Overflow)
}

/// Times or divided by a double, halves away from zero.
fn by_double(value: i64, by: f64, divides: bool) -> Row {
    if divides && by == 0.0 {
        return Err(Trouble::Zero);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "as Java's long becomes a double"
    )]
    let value = value as f64;
    let made = if divides { value / by } else { value * by };
    let rounded = made.round();
    let range = -(2_f64.powi(63))..2_f64.powi(63);
    if !range.contains(&rounded) {
        return Err(Trouble::Overflow);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    Ok(rounded as i64)
}

fn part(field: Field, value: i64) -> i64 {
    match field {
        Field::Year => value / 12,
        Field::Month => value % 12,
        Field::Day => value / DAY_US,
        Field::Hour => value % DAY_US / HOUR_US,
        Field::Minute => value % HOUR_US / MINUTE_US,
        Field::Second => value % MINUTE_US,
    }
}

fn fits(value: i64, target: &DataType) -> bool {
    match target {
        DataType::Int8 => i8::try_from(value).is_ok(),
        DataType::Int16 => i16::try_from(value).is_ok(),
        DataType::Int32 => i32::try_from(value).is_ok(),
        _ => true,
    }
}

fn texts(lengths: &ArrayRef) -> ArrayRef {
    let text = |row: usize| value_text(lengths.as_ref(), row, &Zone::Fixed(0));
    let texts = (0..lengths.len()).map(|row| lengths.is_valid(row).then(|| text(row)));
    Arc::new(texts.collect::<StringArray>())
}

impl ScalarUDFImpl for Lengths {
    fn name(&self) -> &'static str {
        "interval_step"
    }

    fn schema_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        Ok(format!(
            "{:?}{}({})",
            self.step,
            self.returns,
            args.join(", ")
        ))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let made = self.run(&arrays)?;
        Ok(ColumnarValue::Array(made))
    }
}
