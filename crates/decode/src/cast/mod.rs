//! CAST and `try_cast` between all Spark types under ANSI rules. Must not know expressions or queries.
//!
//! One value at a time for what can fail, Arrow's kernels for what cannot. `cast('1.7' AS INT)` is an error, `try_cast`
//! of it NULL; dates and timestamps meet in the session's zone; decimals round half up.

mod error;
mod nested;
pub(crate) mod print;
mod scalar;
pub(crate) mod text;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, new_null_array};
use sluice_model::SparkType;
use sluice_model::condition::query;

pub use error::CastError;
pub use print::value_text;
pub use text::push_base64;

use crate::column::Column;
use crate::datetime::Zone;

/// What happens to a value that cannot be cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastMode {
    /// The query fails.
    Ansi,
    /// It becomes NULL.
    Try,
}

/// Whether Spark casts between the two types at all under ANSI rules; values may still fail.
pub fn can_cast(from: &SparkType, to: &SparkType) -> bool {
    use SparkType::{
        Array, Binary, Boolean, Date, Map, Null, String, Struct, Timestamp, TimestampNtz,
    };
    match (from, to) {
        (left, right) if left == right => true,
        (Null, _) | (_, String) => true,
        (Array(from), Array(to)) => can_cast(from, to),
        (Map(from_key, from_value), Map(to_key, to_value)) => {
            can_cast(from_key, to_key) && can_cast(from_value, to_value)
        }
        (Struct(from), Struct(to)) => {
            from.len() == to.len()
                && from
                    .iter()
                    .zip(to)
                    .all(|(from, to)| can_cast(&from.data_type, &to.data_type))
        }
        (Array(_) | Map(..) | Struct(_), _) | (_, Array(_) | Map(..) | Struct(_) | Null) => false,
        (String, _) => true,
        (Binary, _) | (_, Binary) => false,
        (Date | Timestamp | TimestampNtz, Date | Timestamp | TimestampNtz) => true,
        (Date | TimestampNtz, _) | (_, Date | TimestampNtz) => false,
        (Timestamp, Boolean) | (Boolean, Timestamp) => false,
        _ => true,
    }
}

/// Casts an array to a type; `time_zone` is the session's zone, for text, dates and timestamps.
///
/// # Errors
/// With [`CastMode::Ansi`] the first value that cannot be cast; in either mode two types that Spark never casts, or a
/// time zone that does not exist.
pub fn cast(
    array: &ArrayRef,
    to: &SparkType,
    mode: CastMode,
    time_zone: &str,
) -> Result<ArrayRef, CastError> {
    let zone = Zone::parse(time_zone).ok_or_else(|| CastError::zone(time_zone))?;
    cast_in(array, to, mode, &zone)
}

/// As [`cast`], with the zone at hand.
///
/// # Errors
/// As [`cast`].
pub fn cast_in(
    array: &ArrayRef,
    to: &SparkType,
    mode: CastMode,
    zone: &Zone,
) -> Result<ArrayRef, CastError> {
    let from = SparkType::from_arrow(array.data_type())
        .ok_or_else(|| CastError::unknown_type(array.data_type()))?;
    let array = plain(array, &from)?;
    if !can_cast(&from, to) {
        return Err(CastError::new(
            &query::CAST_WITHOUT_RULE,
            String::new(),
            &from,
            to,
        ));
    }
    if from == *to {
        return Ok(array);
    }
    if from == SparkType::Null {
        return Ok(new_null_array(&to.to_arrow(), array.len()));
    }
    if widens(&from, to) {
        return arrow_cast::cast(&array, &to.to_arrow())
            .map_err(|error| CastError::internal(&error, &from, to));
    }
    match to {
        SparkType::Array(_) | SparkType::Map(..) | SparkType::Struct(_) => {
            nested::cast(&array, to, mode, zone)
        }
        _ => each(&array, &from, to, mode, zone),
    }
}

/// The form that Spark's types have everywhere in the engine: no dictionaries, views or other units.
fn plain(array: &ArrayRef, from: &SparkType) -> Result<ArrayRef, CastError> {
    let nested = matches!(
        from,
        SparkType::Array(_) | SparkType::Map(..) | SparkType::Struct(_)
    );
    if nested || *array.data_type() == from.to_arrow() {
        return Ok(Arc::clone(array));
    }
    arrow_cast::cast(array, &from.to_arrow())
        .map_err(|error| CastError::internal(&error, from, from))
}

/// Casts that cannot fail and mean the same in Arrow.
fn widens(from: &SparkType, to: &SparkType) -> bool {
    use SparkType::{Byte, Double, Float, Int, Long, Short};
    matches!(
        (from, to),
        (Byte, Short | Int | Long | Float | Double)
            | (Short, Int | Long | Float | Double)
            | (Int, Long | Float | Double)
            | (Long, Float | Double)
            | (Float, Double)
    )
}

fn each(
    array: &ArrayRef,
    from: &SparkType,
    to: &SparkType,
    mode: CastMode,
    zone: &Zone,
) -> Result<ArrayRef, CastError> {
    let mut column = Column::new(to);
    let source = scalar::Source::new(array.as_ref());
    for row in 0..array.len() {
        if array.is_null(row) {
            column.push_null();
            continue;
        }
        match scalar::push(&mut column, &source, row, zone) {
            Ok(()) => {}
            Err(_) if mode == CastMode::Try => column.push_null(),
            Err(misfit) => {
                let value = value_text(array.as_ref(), row, zone);
                return Err(CastError::new(
                    error::condition(misfit, from, to),
                    value,
                    from,
                    to,
                ));
            }
        }
    }
    column
        .finish_as(to)
        .map_err(|error| CastError::internal(&error, from, to))
}
