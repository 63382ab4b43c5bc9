//! Arrow values to JSON text as Spark's `to_json` writes them: fields that are NULL are left out unless told otherwise. Must not read JSON.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::{DataType, TimeUnit};

use crate::cast::print::push_text;
use crate::cast::text::{push_base64, push_decimal, push_double, push_float};
use crate::cast::{CastError, CastMode, cast};
use crate::datetime::{DAY, SECOND, Zone, push_date, push_local};
use crate::json::JsonOptions;
use crate::json::options::{flag, refused};
use crate::record::DecodeError;

/// Appends a string with its quotes and escapes.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x8 => "\\b",
            0xc => "\\f",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(text.get(start..at).unwrap_or_default());
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04X}");
        } else {
            out.push_str(escape);
        }
        start = at + 1;
    }
    out.push_str(text.get(start..).unwrap_or_default());
    out.push('"');
}

/// How JSON is written.
#[derive(Debug, Clone)]
pub struct JsonForm {
    options: JsonOptions,
    /// `ignoreNullFields`: fields that are NULL are left out.
    ignore_null_fields: bool,
}

impl JsonForm {
    /// Spark's defaults, in a time zone.
    pub fn new(time_zone: Zone) -> Self {
        Self {
            options: JsonOptions {
                time_zone,
                ..JsonOptions::default()
            },
            ignore_null_fields: true,
        }
    }

    /// Sets one option by Spark's name, without regard to case; says whether the name is one of JSON's.
    ///
    /// # Errors
    /// The value has no meaning for the option, or we do not write so.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, DecodeError> {
        match name.to_ascii_lowercase().as_str() {
            "ignorenullfields" => self.ignore_null_fields = flag(name, value)?,
            "pretty" | "writenonasciicharacterascodepoint" if flag(name, value)? => {
                return Err(refused(name, "it is not built"));
            }
            "pretty" | "writenonasciicharacterascodepoint" => {}
            _ => return self.options.set(name, value),
        }
        Ok(true)
    }
}

/// Each value as JSON text; NULL stays NULL. Without a pattern timestamps carry milliseconds and the offset of the zone, as in Spark.
///
/// # Errors
/// A type that Spark has not.
pub fn to_json(array: &ArrayRef, form: &JsonForm) -> Result<StringArray, CastError> {
    let mut out = arrow_array::builder::StringBuilder::new();
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            out.append_null();
            continue;
        }
        text.clear();
        push_value(&mut text, array.as_ref(), row, form)?;
        out.append_value(&text);
    }
    Ok(out.finish())
}

fn push_value(
    out: &mut String,
    array: &dyn Array,
    row: usize,
    form: &JsonForm,
) -> Result<(), CastError> {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let mut separator = '{';
            for (field, column) in fields.iter().zip(columns.columns()) {
                let is_null = column.is_null(row) || *column.data_type() == DataType::Null;
                if !is_null || !form.ignore_null_fields {
                    out.push(separator);
                    push_string(out, field.name());
                    out.push(':');
                    push_value(out, column, row, form)?;
                    separator = ',';
                }
            }
            out.push_str(if separator == '{' { "{}" } else { "}" });
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push('[');
            for index in 0..items.len() {
                if index > 0 {
                    out.push(',');
                }
                push_value(out, items.as_ref(), index, form)?;
            }
            out.push(']');
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            // Spark prints dates and timestamps among the keys as the numbers they are inside.
            let raw = match entries.column(0).data_type() {
                DataType::Date32 => Some(DataType::Int32),
                DataType::Timestamp(..) => Some(DataType::Int64),
                _ => None,
            };
            let keys = match raw.map(|raw| arrow_cast::cast(entries.column(0), &raw)) {
                Some(Ok(numbers)) => numbers,
                _ => ArrayRef::clone(entries.column(0)),
            };
            let keys = cast(
                &keys,
                &sluice_model::SparkType::String,
                CastMode::Ansi,
                &form.options.time_zone.to_string(),
            )?;
            let keys = keys.as_string::<i32>();
            out.push('{');
            for index in 0..entries.len() {
                if index > 0 {
                    out.push(',');
                }
                push_string(out, keys.value(index));
                out.push(':');
                push_value(out, entries.column(1), index, form)?;
            }
            out.push('}');
        }
        _ => push_scalar(out, array, row, form)?,
    }
    Ok(())
}

fn push_scalar(
    out: &mut String,
    array: &dyn Array,
    row: usize,
    form: &JsonForm,
) -> Result<(), CastError> {
    match array.data_type() {
        DataType::Null => out.push_str("null"),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) {
            "true"
        } else {
            "false"
        }),
        DataType::Int8 => out.push_str(&array.as_primitive::<Int8Type>().value(row).to_string()),
        DataType::Int16 => out.push_str(&array.as_primitive::<Int16Type>().value(row).to_string()),
        DataType::Int32 => out.push_str(&array.as_primitive::<Int32Type>().value(row).to_string()),
        DataType::Int64 => out.push_str(&array.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            quoted_unless(out, value.is_finite(), |out| push_float(out, value));
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            quoted_unless(out, value.is_finite(), |out| push_double(out, value));
        }
        DataType::Decimal128(_, scale) => {
            push_big_decimal(
                out,
                array.as_primitive::<Decimal128Type>().value(row),
                *scale,
            );
        }
        DataType::Utf8 => push_string(out, array.as_string::<i32>().value(row)),
        DataType::Binary => {
            quoted_unless(out, false, |out| {
                push_base64(out, array.as_binary::<i32>().value(row));
            });
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            match &form.options.date_format {
                Some(pattern) => push_string(out, &pattern.format_date(days)),
                None => quoted_unless(out, false, |out| push_date(out, i64::from(days))),
            }
        }
        DataType::Timestamp(TimeUnit::Microsecond, named) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let options = &form.options;
            let zone = named.as_ref().map(|_| &options.time_zone);
            match (
                zone,
                &options.timestamp_format,
                &options.timestamp_ntz_format,
            ) {
                (Some(zone), Some(pattern), _) => {
                    push_string(out, &pattern.format_timestamp(micros, zone));
                }
                (None, _, Some(pattern)) => push_string(out, &pattern.format_timestamp_ntz(micros)),
                _ => quoted_unless(out, false, |out| push_instant(out, micros, zone)),
            }
        }
        DataType::Duration(_) | DataType::Interval(_) => {
            let zone = &form.options.time_zone;
            quoted_unless(out, false, |out| push_text(out, array, row, zone));
        }
        other => return Err(CastError::unknown_type(other)),
    }
    Ok(())
}

/// As Java's `BigDecimal.toString`: with an exponent where the first digit stands beyond the sixth place behind the point.
pub(crate) fn push_big_decimal(out: &mut String, value: i128, scale: i8) {
    let digits = value.unsigned_abs().to_string();
    let exponent = i64::try_from(digits.len()).unwrap_or(0) - 1 - i64::from(scale);
    if exponent >= -6 || scale <= 0 {
        return push_decimal(out, value, scale);
    }
    if value < 0 {
        out.push('-');
    }
    let (first, rest) = digits.split_at(1);
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    let _ = write!(out, "E{exponent}");
}

fn quoted_unless(out: &mut String, plain: bool, write: impl FnOnce(&mut String)) {
    if !plain {
        out.push('"');
    }
    write(out);
    if !plain {
        out.push('"');
    }
}

/// A timestamp with the offset of its zone, or a wall clock without one.
pub(crate) fn push_instant(out: &mut String, micros: i64, zone: Option<&Zone>) {
    let Some(zone) = zone else {
        return push_iso(out, micros);
    };
    let offset = zone.offset_at(micros);
    push_iso(out, micros.saturating_add(i64::from(offset) * SECOND));
    out.push_str(&Zone::offset_text(offset));
}

/// `2024-05-06T07:08:09.123`: always three digits.
fn push_iso(out: &mut String, local: i64) {
    let whole = local - local.rem_euclid(SECOND);
    push_date(out, local.div_euclid(DAY));
    let mut time = String::new();
    push_local(&mut time, whole);
    out.push('T');
    out.push_str(time.rsplit(' ').next().unwrap_or_default());
    let _ = write!(out, ".{:03}", local.rem_euclid(SECOND) / 1000);
}
