//! Rescued data of typed formats: Arrow values as JSON. The JSON and CSV decoders make their own.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Value};

/// The rescued data column of one row: what is left over, and the file. `None` where nothing is.
pub(crate) fn text(left: Map<String, Value>, shown: &str) -> Option<String> {
    if left.is_empty() {
        return None;
    }
    let mut left = left;
    left.insert("_file_path".to_string(), shown.into());
    Some(Value::Object(left).to_string())
}

/// One value as JSON; what JSON has no form for is text as Spark shows it.
pub(crate) fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => number(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Struct(fields) => {
            let source = array.as_struct();
            let members = fields
                .iter()
                .zip(source.columns())
                .filter(|(_, column)| !column.is_null(row));
            Value::Object(
                members
                    .map(|(field, column)| (field.name().clone(), value(column, row)))
                    .collect(),
            )
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|index| value(&items, index)).collect()
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            Value::Object(
                (0..entries.len())
                    .map(|index| (shown(keys, index), value(values, index)))
                    .collect(),
            )
        }
        DataType::Timestamp(unit, zone) => instant(array, row, *unit, zone.is_some()).into(),
        _ => shown(array, row).into(),
    }
}

/// `2026-01-01T00:00:00.5Z`, without the Z where there is no zone. Arrow's own form needs a table of zones.
fn instant(array: &ArrayRef, row: usize, unit: TimeUnit, zoned: bool) -> String {
    let plain = DataType::Timestamp(unit, None);
    let value = cast(array, &plain)
        .and_then(|plain| cast(&plain, &DataType::Timestamp(TimeUnit::Microsecond, None)));
    let micros = value
        .map(|value| value.as_primitive::<TimestampMicrosecondType>().value(row))
        .unwrap_or_default();
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    format!(
        "{}{}",
        time.format("%Y-%m-%dT%H:%M:%S%.f"),
        if zoned { "Z" } else { "" }
    )
}

fn number(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

fn shown(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    ArrayFormatter::try_new(array.as_ref(), &options).map_or_else(
        |_| String::new(),
        |formatter| formatter.value(row).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{
        Date32Array, Float64Array, Int32Array, StringArray, StructArray, TimestampMicrosecondArray,
    };
    use std::sync::Arc;

    #[test]
    fn values_become_json_of_their_kind() {
        let check =
            |array: ArrayRef, expected: &str| assert_eq!(value(&array, 0).to_string(), expected);
        check(Arc::new(Int32Array::from(vec![7])), "7");
        check(Arc::new(Float64Array::from(vec![f64::NAN])), "\"NaN\"");
        check(Arc::new(StringArray::from(vec!["a\"b"])), "\"a\\\"b\"");
        check(Arc::new(Date32Array::from(vec![0])), "\"1970-01-01\"");
        let time = TimestampMicrosecondArray::from(vec![1_500_000]);
        check(Arc::new(time.clone()), "\"1970-01-01T00:00:01.500\"");
        check(
            Arc::new(time.with_timezone("UTC")),
            "\"1970-01-01T00:00:01.500Z\"",
        );
        let inner = Arc::new(Int32Array::from(vec![Some(1)])) as ArrayRef;
        let gone = Arc::new(Int32Array::from(vec![None])) as ArrayRef;
        check(
            Arc::new(StructArray::try_from(vec![("x", inner), ("y", gone)]).unwrap()),
            "{\"x\":1}",
        );
    }
}
