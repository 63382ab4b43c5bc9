//! Any value to text as CAST to STRING prints it: `1.0E10`, `2024-05-06 07:08:09.5`, `{1, null}`, `[a, b]`, `{k -> v}`.

use std::fmt::Write as _;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, DurationSecondType, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalYearMonthType,
    TimestampMicrosecondType,
};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

use super::text::{push_decimal, push_double, push_float};
use crate::datetime::{Zone, push_date, push_local, push_timestamp};

/// The text of one value; `null` for NULL.
pub fn value_text(array: &dyn Array, row: usize, zone: &Zone) -> String {
    let mut out = String::new();
    push_text(&mut out, array, row, zone);
    out
}

/// Appends [`value_text`].
pub(crate) fn push_text(out: &mut String, array: &dyn Array, row: usize, zone: &Zone) {
    // A NullArray has no validity: its rows are NULL by type.
    if array.is_null(row) || *array.data_type() == DataType::Null {
        out.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) {
            "true"
        } else {
            "false"
        }),
        DataType::Int8 => out.push_str(&array.as_primitive::<Int8Type>().value(row).to_string()),
        DataType::Int16 => out.push_str(&array.as_primitive::<Int16Type>().value(row).to_string()),
        DataType::Int32 => out.push_str(&array.as_primitive::<Int32Type>().value(row).to_string()),
        DataType::Int64 => out.push_str(&array.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::Float32 => push_float(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => push_double(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => push_decimal(
            out,
            array.as_primitive::<Decimal128Type>().value(row),
            *scale,
        ),
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::Binary => out.push_str(&String::from_utf8_lossy(
            array.as_binary::<i32>().value(row),
        )),
        DataType::Date32 => push_date(
            out,
            i64::from(array.as_primitive::<Date32Type>().value(row)),
        ),
        DataType::Timestamp(_, Some(_)) => {
            push_timestamp(
                out,
                array.as_primitive::<TimestampMicrosecondType>().value(row),
                zone,
            );
        }
        DataType::Duration(_) | DataType::Interval(_) => push_interval(out, array, row),
        DataType::Timestamp(_, None) => push_local(
            out,
            array.as_primitive::<TimestampMicrosecondType>().value(row),
        ),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            push_all(out, ('[', ']'), items.len(), |out, index| {
                push_text(out, items.as_ref(), index, zone);
            });
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            push_all(out, ('{', '}'), entries.len(), |out, index| {
                push_text(out, entries.column(0), index, zone);
                out.push_str(" -> ");
                push_text(out, entries.column(1), index, zone);
            });
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns();
            push_all(out, ('{', '}'), columns.len(), |out, index| {
                if let Some(column) = columns.get(index) {
                    push_text(out, column, row, zone);
                }
            });
        }
        other => out.push_str(&other.to_string()),
    }
}

fn push_all(
    out: &mut String,
    (open, close): (char, char),
    count: usize,
    mut push: impl FnMut(&mut String, usize),
) {
    out.push(open);
    for index in 0..count {
        if index > 0 {
            out.push_str(", ");
        }
        push(out, index);
    }
    out.push(close);
}

/// An interval as Spark's `IntervalUtils` writes it: `INTERVAL '2' DAY`, `INTERVAL '2 00:01:01.5' DAY TO SECOND`,
/// `INTERVAL '1-2' YEAR TO MONTH`.
fn push_interval(out: &mut String, array: &dyn Array, row: usize) {
    // Writing to a String cannot fail.
    let _ = match array.data_type() {
        DataType::Duration(TimeUnit::Second) => {
            let seconds = array.as_primitive::<DurationSecondType>().value(row);
            write!(out, "INTERVAL '{}' DAY", seconds / 86_400)
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            let micros = array.as_primitive::<DurationMicrosecondType>().value(row);
            write_day_to_second(out, micros)
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = array.as_primitive::<IntervalYearMonthType>().value(row);
            let sign = if months < 0 { "-" } else { "" };
            let (years, months) = (months.unsigned_abs() / 12, months.unsigned_abs() % 12);
            write!(out, "INTERVAL '{sign}{years}-{months}' YEAR TO MONTH")
        }
        other => write!(out, "{other}"),
    };
}

/// Two digits for hours, minutes and seconds, no zeros behind a fraction.
fn write_day_to_second(out: &mut String, micros: i64) -> std::fmt::Result {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    write!(
        out,
        "INTERVAL '{sign}{days} {hours:02}:{minutes:02}:{seconds:02}"
    )?;
    if micros > 0 {
        write!(out, ".{}", format!("{micros:06}").trim_end_matches('0'))?;
    }
    out.write_str("' DAY TO SECOND")
}
