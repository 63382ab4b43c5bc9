//! Rows of Arrow arrays as Rust values, and Rust values as rows. Must not know any function or call.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, PrimitiveArray,
    StringArray, StringBuilder,
};
use arrow::array::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int32Type,
    Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
    TimestampMicrosecondType,
};
use datafusion::error::Result;

/// A Rust view on an Arrow array.
pub(crate) trait Kind {
    /// The array type.
    type Array: Array + 'static;
    /// One value.
    type Value<'a>;
    /// Reads a value that is not NULL.
    fn value(array: &Self::Array, index: usize) -> Self::Value<'_>;
}

/// A Rust value that becomes a row of a result.
pub(crate) trait Output {
    /// One value.
    type Owned;
    /// Collects rows, `None` for NULL.
    ///
    /// # Errors
    /// The first error of a row.
    fn rows(
        rows: usize,
        next: impl FnMut(usize) -> Result<Option<Self::Owned>>,
    ) -> Result<ArrayRef>;

    /// NULL in every row.
    ///
    /// # Errors
    /// None in fact.
    fn null(rows: usize) -> Result<ArrayRef> {
        Self::rows(rows, |_| Ok(None))
    }
}

macro_rules! primitive_kinds {
    ($($(#[doc = $doc:literal])* $name:ident: $arrow:ty => $native:ty;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub(crate) struct $name;
        impl Kind for $name {
            type Array = PrimitiveArray<$arrow>;
            type Value<'a> = $native;
            fn value(array: &Self::Array, index: usize) -> $native {
                array.value(index)
            }
        }
        impl Output for $name {
            type Owned = $native;
            fn rows(rows: usize, next: impl FnMut(usize) -> Result<Option<$native>>) -> Result<ArrayRef> {
                collect_primitive::<$arrow>(rows, next)
            }
        }
    )*};
}

primitive_kinds! {
    /// `INT`
    Int: Int32Type => i32;
    /// `BIGINT`
    Long: Int64Type => i64;
    /// `FLOAT`
    Float: Float32Type => f32;
    /// `DOUBLE`
    Double: Float64Type => f64;
    /// `DATE`, days
    Date: Date32Type => i32;
    /// `INTERVAL DAY TO SECOND`, microseconds
    Micros: DurationMicrosecondType => i64;
    /// `INTERVAL YEAR TO MONTH`, months
    Months: IntervalYearMonthType => i32;
    /// Intervals
    Span: IntervalMonthDayNanoType => IntervalMonthDayNano;
}

/// `DECIMAL`, unscaled
#[derive(Debug)]
pub(crate) struct Dec;
impl Kind for Dec {
    type Array = PrimitiveArray<Decimal128Type>;
    type Value<'a> = i128;
    fn value(array: &Self::Array, index: usize) -> i128 {
        array.value(index)
    }
}

/// Decimal rows of a precision and scale.
pub(crate) fn decimal_rows(
    rows: usize,
    precision: u8,
    scale: i8,
    mut next: impl FnMut(usize) -> Result<Option<i128>>,
) -> Result<ArrayRef> {
    let mut builder = PrimitiveBuilder::<Decimal128Type>::with_capacity(rows);
    for row in 0..rows {
        builder.append_option(next(row)?);
    }
    Ok(Arc::new(
        builder
            .finish()
            .with_precision_and_scale(precision, scale)?,
    ))
}

fn collect_primitive<T: ArrowPrimitiveType>(
    rows: usize,
    mut next: impl FnMut(usize) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(rows);
    for row in 0..rows {
        builder.append_option(next(row)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// `TIMESTAMP`, microseconds
#[derive(Debug)]
pub(crate) struct Instant;
impl Kind for Instant {
    type Array = PrimitiveArray<TimestampMicrosecondType>;
    type Value<'a> = i64;
    fn value(array: &Self::Array, index: usize) -> i64 {
        array.value(index)
    }
}

impl Output for Instant {
    type Owned = i64;
    fn rows(rows: usize, mut next: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let mut builder = PrimitiveBuilder::<TimestampMicrosecondType>::with_capacity(rows);
        for row in 0..rows {
            builder.append_option(next(row)?);
        }
        Ok(Arc::new(builder.finish().with_timezone("UTC")))
    }
}

/// `STRING`
#[derive(Debug)]
pub(crate) struct Text;
impl Kind for Text {
    type Array = StringArray;
    type Value<'a> = &'a str;
    fn value(array: &StringArray, index: usize) -> &str {
        array.value(index)
    }
}

impl Output for Text {
    type Owned = String;
    fn rows(
        rows: usize,
        mut next: impl FnMut(usize) -> Result<Option<String>>,
    ) -> Result<ArrayRef> {
        let mut builder = StringBuilder::new();
        for row in 0..rows {
            builder.append_option(next(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// `BINARY`
#[derive(Debug)]
pub(crate) struct Bytes;
impl Kind for Bytes {
    type Array = BinaryArray;
    type Value<'a> = &'a [u8];
    fn value(array: &BinaryArray, index: usize) -> &[u8] {
        array.value(index)
    }
}

impl Output for Bytes {
    type Owned = Vec<u8>;
    fn rows(
        rows: usize,
        mut next: impl FnMut(usize) -> Result<Option<Vec<u8>>>,
    ) -> Result<ArrayRef> {
        let mut builder = BinaryBuilder::new();
        for row in 0..rows {
            builder.append_option(next(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// `BOOLEAN`
#[derive(Debug)]
pub(crate) struct Truth;
impl Kind for Truth {
    type Array = BooleanArray;
    type Value<'a> = bool;
    fn value(array: &BooleanArray, index: usize) -> bool {
        array.value(index)
    }
}

impl Output for Truth {
    type Owned = bool;
    fn rows(rows: usize, mut next: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        let mut builder = BooleanBuilder::with_capacity(rows);
        for row in 0..rows {
            builder.append_option(next(row)?);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// `ARRAY`, its items as one array
#[derive(Debug)]
pub(crate) struct List;
impl Kind for List {
    type Array = ListArray;
    type Value<'a> = ArrayRef;
    fn value(array: &ListArray, index: usize) -> ArrayRef {
        array.value(index)
    }
}
