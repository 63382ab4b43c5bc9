//! `+ - * / % DIV`: result types by Spark's rules, overflow and division by zero as errors. DataFusion wraps integers
//! around, divides integers as integers and has other decimal types.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, PrimitiveArray, Scalar};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    ArrowNativeTypeOp, ArrowPrimitiveType, DataType, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};
use arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast::BinaryOperator;

use crate::Session;
use crate::bind::Typed;
use crate::error::{self, Result, at, raise};
use crate::rewrite::cast::{self, Ignored};
use crate::rewrite::unify::{self, is_integral, words};
use crate::rewrite::{decimal, float, length, shift, sides};

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    IntegerDivide,
}

impl Arithmetic {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::IntegerDivide => "div",
        }
    }
}

/// `left op right`; overflow and division by zero are errors.
pub(crate) fn apply(
    session: &Session,
    op: Arithmetic,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<Typed> {
    calculate(session, op, left, right, false, origin)
}

/// `try_add(left, right)` and its kin: NULL instead of an error.
pub(crate) fn attempt(
    session: &Session,
    op: Arithmetic,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<Typed> {
    calculate(session, op, left, right, true, origin)
}

fn calculate(
    session: &Session,
    op: Arithmetic,
    left: Typed,
    right: Typed,
    attempt: bool,
    origin: &Origin,
) -> Result<Typed> {
    let (left, right) = sides::in_time(session, op, left, right, origin)?;
    if let Some(paired) = length::paired(op, &left, &right, attempt, origin) {
        return Ok(paired);
    }
    if let Some(scaled) = length::scaled(session, op, &left, &right, attempt, origin)? {
        return Ok(scaled);
    }
    if let Some(shifted) = shift::apply(session, op, &left, &right, origin)? {
        return Ok(shifted);
    }
    let (left, right) = sides::numbers(session, op, left, right, origin)?;
    let decimals = matches!(
        (&left.data_type, &right.data_type),
        (DataType::Decimal128(..), DataType::Decimal128(..))
    );
    if decimals {
        let returns = decimal::result_type(op, &left.data_type, &right.data_type);
        return Ok(call(op, left, right, returns, attempt, origin));
    }
    let common = match op {
        Arithmetic::Divide => DataType::Float64,
        Arithmetic::IntegerDivide => DataType::Int64,
        _ => unify::common_type(&left.data_type, &right.data_type).unwrap_or(DataType::Float64),
    };
    let left = cast::implicit(session, left, &common, origin)?;
    let right = cast::implicit(session, right, &common, origin)?;
    let plain = match op {
        Arithmetic::Add => Some(Operator::Plus),
        Arithmetic::Subtract => Some(Operator::Minus),
        Arithmetic::Multiply => Some(Operator::Multiply),
        _ => None,
    };
    if let (Some(operator), false) = (plain, is_integral(&common)) {
        let constant = left.constant().is_some() || right.constant().is_some();
        let expr = Expr::BinaryExpr(BinaryExpr::new(
            Box::new(left.expr),
            operator,
            Box::new(right.expr),
        ));
        let made = Typed::new(expr, common);
        // Infinity less infinity: with a constant, which is finite but for 0 times infinity, there is no new NaN.
        let quiet = constant && op != Arithmetic::Multiply;
        return Ok(if quiet { made } else { float::result(made) });
    }
    let constant = left.constant().is_some() || right.constant().is_some();
    let made = call(op, left, right, common, attempt, origin);
    // Infinity by infinity, and the remainder of infinity.
    let quiet = is_integral(&made.data_type) || constant && op == Arithmetic::Divide;
    Ok(if quiet { made } else { float::result(made) })
}

/// `~` on an integer: every bit turned.
pub(crate) fn complement(session: &Session, value: Typed, origin: &Origin) -> Result<Typed> {
    let data_type = match &value.data_type {
        DataType::Null => DataType::Int32,
        found if is_integral(found) => found.clone(),
        found => {
            let message = format!("`~` takes an integer, this is {}", words(found));
            return Err(at(
                &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                origin,
                message,
            ));
        }
    };
    let ones = cast::implicit(session, Typed::int(-1), &data_type, origin)?;
    bitwise(session, &BinaryOperator::BitwiseXor, value, ones, origin)
}

/// `& | ^` on integers.
pub(crate) fn bitwise(
    session: &Session,
    op: &BinaryOperator,
    left: Typed,
    right: Typed,
    origin: &Origin,
) -> Result<Typed> {
    let (left, right, common) = sides::integers(session, &op.to_string(), left, right, origin)?;
    let operator = match op {
        BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
        BinaryOperator::BitwiseOr => Operator::BitwiseOr,
        _ => Operator::BitwiseXor,
    };
    Ok(Typed::new(
        Expr::BinaryExpr(BinaryExpr::new(
            Box::new(left.expr),
            operator,
            Box::new(right.expr),
        )),
        common,
    ))
}

fn call(
    op: Arithmetic,
    left: Typed,
    right: Typed,
    returns: DataType,
    attempt: bool,
    origin: &Origin,
) -> Typed {
    let function = Calculate {
        op,
        attempt,
        returns: returns.clone(),
        origin: Ignored(origin.clone()),
        signature: Signature::any(2, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Typed::new(
        Expr::ScalarFunction(ScalarFunction::new_udf(
            function,
            vec![left.expr, right.expr],
        )),
        returns,
    )
}

/// A checked operation as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Calculate {
    op: Arithmetic,
    attempt: bool,
    returns: DataType,
    origin: Ignored<Origin>,
    signature: Signature,
}

impl Calculate {
    fn run(&self, left: &dyn Datum, right: &dyn Datum) -> datafusion::error::Result<ArrayRef> {
        let (l, _) = left.get();
        match l.data_type() {
            DataType::Decimal128(..) => {
                decimal::calculate(self.op, left, right, &self.returns, self.attempt)
                    .map_err(|diagnostic| raise(error::located(diagnostic, Some(&self.origin.0))))
            }
            DataType::Float64 | DataType::Float32 => self.floats(left, right),
            _ => self.integers(left, right),
        }
    }

    fn floats(&self, left: &dyn Datum, right: &dyn Datum) -> datafusion::error::Result<ArrayRef> {
        let (divisor, _) = right.get();
        let divisor = arrow::compute::cast(
            &arrow::array::make_array(divisor.to_data()),
            &DataType::Float64,
        )?;
        let zeros = divisor
            .as_primitive::<Float64Type>()
            .iter()
            .any(|value| value == Some(0.0));
        if zeros && self.divides() {
            return self.row_by_row(left, right);
        }
        Ok(self.kernel(left, right)?)
    }

    fn divides(&self) -> bool {
        matches!(
            self.op,
            Arithmetic::Divide | Arithmetic::Remainder | Arithmetic::IntegerDivide
        )
    }

    fn integers(&self, left: &dyn Datum, right: &dyn Datum) -> datafusion::error::Result<ArrayRef> {
        match self.kernel(left, right) {
            Ok(array) => Ok(array),
            // The kernel also looks at rows whose other side is NULL, and a try_ function goes on: find out per row.
            Err(ArrowError::DivideByZero | ArrowError::ArithmeticOverflow(_)) => {
                self.row_by_row(left, right)
            }
            Err(other) => Err(other.into()),
        }
    }

    fn kernel(
        &self,
        left: &dyn Datum,
        right: &dyn Datum,
    ) -> std::result::Result<ArrayRef, ArrowError> {
        match self.op {
            Arithmetic::Add => numeric::add(left, right),
            Arithmetic::Subtract => numeric::sub(left, right),
            Arithmetic::Multiply => numeric::mul(left, right),
            Arithmetic::Divide | Arithmetic::IntegerDivide => numeric::div(left, right),
            Arithmetic::Remainder => numeric::rem(left, right),
        }
    }

    fn row_by_row(
        &self,
        left: &dyn Datum,
        right: &dyn Datum,
    ) -> datafusion::error::Result<ArrayRef> {
        match left.get().0.data_type() {
            DataType::Int8 => self.rows::<Int8Type>(left, right),
            DataType::Int16 => self.rows::<Int16Type>(left, right),
            DataType::Int32 => self.rows::<Int32Type>(left, right),
            DataType::Int64 => self.rows::<Int64Type>(left, right),
            DataType::Float32 => self.rows::<arrow::datatypes::Float32Type>(left, right),
            _ => self.rows::<Float64Type>(left, right),
        }
    }

    fn rows<T: ArrowPrimitiveType>(
        &self,
        left: &dyn Datum,
        right: &dyn Datum,
    ) -> datafusion::error::Result<ArrayRef> {
        let ((l, left_scalar), (r, right_scalar)) = (left.get(), right.get());
        let (l, r) = (l.as_primitive::<T>(), r.as_primitive::<T>());
        let rows = if left_scalar { r.len() } else { l.len() };
        let mut out = Vec::with_capacity(rows);
        for row in 0..rows {
            let (i, j) = (
                if left_scalar { 0 } else { row },
                if right_scalar { 0 } else { row },
            );
            if l.is_null(i) || r.is_null(j) {
                out.push(None);
                continue;
            }
            let (a, b) = (l.value(i), r.value(j));
            let zero = self.divides() && b.is_zero();
            let result = match self.op {
                _ if zero => Err(ArrowError::DivideByZero),
                Arithmetic::Add => a.add_checked(b),
                Arithmetic::Subtract => a.sub_checked(b),
                Arithmetic::Multiply => a.mul_checked(b),
                Arithmetic::Divide | Arithmetic::IntegerDivide => a.div_checked(b),
                // MIN % -1 is 0, although the division overflows.
                Arithmetic::Remainder => Ok(a.mod_checked(b).unwrap_or(T::default_value())),
            };
            match result {
                Ok(value) => out.push(Some(value)),
                Err(_) if self.attempt => out.push(None),
                Err(_) if zero && self.op == Arithmetic::Remainder => {
                    return Err(raise(error::remainder_by_zero(Some(&self.origin.0))));
                }
                Err(_) if zero => return Err(raise(error::divide_by_zero(Some(&self.origin.0)))),
                Err(_) => {
                    return Err(raise(error::overflow_of(
                        &self.returns,
                        Some(&self.origin.0),
                    )));
                }
            }
        }
        Ok(Arc::new(out.into_iter().collect::<PrimitiveArray<T>>()))
    }
}

impl ScalarUDFImpl for Calculate {
    fn name(&self) -> &str {
        if self.attempt {
            "try_calculate"
        } else {
            "calculate"
        }
    }

    fn schema_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        let attempt = if self.attempt { "try" } else { "" };
        Ok(format!(
            "{attempt}({})",
            args.join(&format!(" {} ", self.op.symbol()))
        ))
    }

    fn display_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let attempt = if self.attempt { "try" } else { "" };
        Ok(format!(
            "{attempt}({})",
            args.join(&format!(" {} ", self.op.symbol()))
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
        let scalar = |value: &ScalarValue| {
            Ok::<_, datafusion::error::DataFusionError>(Scalar::new(value.to_array_of_size(1)?))
        };
        let array = match args.args.as_slice() {
            [ColumnarValue::Array(left), ColumnarValue::Array(right)] => self.run(left, right)?,
            [ColumnarValue::Array(left), ColumnarValue::Scalar(right)] => {
                self.run(left, &scalar(right)?)?
            }
            [ColumnarValue::Scalar(left), ColumnarValue::Array(right)] => {
                self.run(&scalar(left)?, right)?
            }
            [ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)] => {
                let array = self.run(&left.to_array_of_size(1)?, &scalar(right)?)?;
                return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &array, 0,
                )?));
            }
            _ => return datafusion::common::internal_err!("an operation takes two arguments"),
        };
        Ok(ColumnarValue::Array(array))
    }
}
