//! Statistics of a data file as Delta keeps them: rows, and smallest, largest and NULLs of each leading column.
//!
//! They come from the Parquet footer, which the writer filled while it wrote, or for texts in no order from [`FileTexts`];
//! but floating-point columns are looked at while their rows pass: Parquet leaves NaN out of its bounds, and NaN is the largest value in Spark and SQL engines,
//! so a reader that trusts such a bound would miss rows. Must not read files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use parquet::basic::{LogicalType, TimeUnit, Type as PhysicalType};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::{ColumnDescriptor, ColumnPath};
use serde_json::{Map, Value};

use crate::text_bounds::{FileTexts, TextBound};

/// Leading top-level columns that get statistics, as in Delta.
pub(crate) const INDEXED_COLUMNS: usize = 32;
/// Longest string kept as a bound, in bytes; Parquet shortens longer ones soundly.
pub(crate) const STRING_BOUND_BYTES: usize = 64;

/// Bounds of floating-point columns, gathered from the rows, by dotted path.
#[derive(Debug, Default)]
pub(crate) struct FloatBounds {
    columns: BTreeMap<String, FloatBound>,
}

#[derive(Debug, Default, Clone, Copy)]
struct FloatBound {
    range: Option<(f64, f64)>,
    has_nan: bool,
    nulls: u64,
}

impl FloatBounds {
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            self.add_column(field.name(), column, None);
        }
    }

    fn add_column(
        &mut self,
        path: &str,
        column: &ArrayRef,
        above: Option<&arrow::buffer::NullBuffer>,
    ) {
        match column.data_type() {
            DataType::Struct(fields) => {
                let nulls = arrow::buffer::NullBuffer::union(above, column.nulls());
                let column = column.as_struct();
                for (field, child) in fields.iter().zip(column.columns()) {
                    self.add_column(&format!("{path}.{}", field.name()), child, nulls.as_ref());
                }
            }
            DataType::Float32 => {
                let values = column.as_primitive::<Float32Type>();
                self.add_values(path, column, above, |row| f64::from(values.value(row)));
            }
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>();
                if above.is_none() && values.null_count() == 0 {
                    self.columns
                        .entry(path.to_owned())
                        .or_default()
                        .add_all(values.values());
                    return;
                }
                self.add_values(path, column, above, |row| values.value(row));
            }
            _ => {}
        }
    }

    fn add_values(
        &mut self,
        path: &str,
        column: &ArrayRef,
        above: Option<&arrow::buffer::NullBuffer>,
        value: impl Fn(usize) -> f64,
    ) {
        let nulls = arrow::buffer::NullBuffer::union(above, column.nulls());
        let bound = self.columns.entry(path.to_owned()).or_default();
        bound.nulls += nulls.as_ref().map_or(0, |nulls| nulls.null_count() as u64);
        for row in 0..column.len() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let value = value(row);
            if value.is_nan() {
                bound.has_nan = true;
            } else {
                let (min, max) = bound.range.get_or_insert((value, value));
                *min = min.min(value);
                *max = max.max(value);
            }
        }
    }
}

impl FloatBound {
    /// Adds values none of which is NULL, without a branch in the loop, so that several are looked at in one step.
    fn add_all(&mut self, values: &[f64]) {
        let (mut min, mut max, mut has_nan) = (f64::INFINITY, f64::NEG_INFINITY, false);
        for value in values {
            min = if *value < min { *value } else { min };
            max = if *value > max { *value } else { max };
            has_nan |= value.is_nan();
        }
        self.has_nan |= has_nan;
        // All of them were NaN, or there were none, if no value came between the infinities.
        if min <= max {
            let (lowest, highest) = self.range.get_or_insert((min, max));
            *lowest = lowest.min(min);
            *highest = highest.max(max);
        }
    }
}

/// The paths of floating-point columns, inside lists too: Parquet keeps no statistics of them.
pub(crate) fn float_paths(schema: &Schema) -> Vec<ColumnPath> {
    fn walk(data_type: &DataType, path: &mut Vec<String>, found: &mut Vec<ColumnPath>) {
        let mut below = |names: &[&str], data_type: &DataType, found: &mut Vec<ColumnPath>| {
            let depth = path.len();
            path.extend(names.iter().map(|name| (*name).to_owned()));
            walk(data_type, path, found);
            path.truncate(depth);
        };
        match data_type {
            DataType::Struct(fields) => {
                for field in fields {
                    below(&[field.name()], field.data_type(), found);
                }
            }
            DataType::List(item) => below(&["list", item.name()], item.data_type(), found),
            DataType::Map(entries, _) => below(&[entries.name()], entries.data_type(), found),
            DataType::Float32 | DataType::Float64 | DataType::Float16 => {
                found.push(ColumnPath::new(path.clone()));
            }
            _ => {}
        }
    }
    let mut found = vec![];
    for field in schema.fields() {
        walk(
            field.data_type(),
            &mut vec![field.name().clone()],
            &mut found,
        );
    }
    found
}

/// The `stats` text of an add action.
pub(crate) fn delta_stats(
    metadata: &ParquetMetaData,
    floats: &FloatBounds,
    texts: &FileTexts,
) -> String {
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let mut tree = Tree::default();
    let mut seen: Vec<&str> = vec![];
    let descriptor = metadata.file_metadata().schema_descr();
    for index in 0..descriptor.num_columns() {
        let column = descriptor.column(index);
        let parts = column.path().parts().to_vec();
        let Some(top) = descriptor.get_column_root(index).name().into() else {
            continue;
        };
        if !seen.contains(&top) {
            if seen.len() == INDEXED_COLUMNS {
                break;
            }
            seen.push(top);
        }
        if column.max_rep_level() > 0 {
            continue;
        }
        if let Some(bound) = floats.columns.get(&parts.join(".")) {
            float_entry(&mut tree, &parts, *bound);
        } else if let [name] = parts.as_slice()
            && let Some(bound) = texts.get(name)
        {
            text_entry(&mut tree, &parts, bound);
        } else {
            footer_entry(&mut tree, &parts, metadata, index, &column);
        }
    }
    tree.into_text(rows)
}

/// A zero bound gets the sign that lies outside, for readers that tell the two zeros apart.
fn float_entry(tree: &mut Tree, parts: &[String], bound: FloatBound) {
    tree.nulls.push((parts.to_vec(), bound.nulls.to_string()));
    let Some((min, max)) = bound.range else {
        return;
    };
    if min.is_finite() {
        tree.min
            .push((parts.to_vec(), number(if min == 0.0 { -0.0 } else { min })));
    }
    if max.is_finite() && !bound.has_nan {
        tree.max
            .push((parts.to_vec(), number(if max == 0.0 { 0.0 } else { max })));
    }
}

fn text_entry(tree: &mut Tree, parts: &[String], bound: &TextBound) {
    tree.nulls.push((parts.to_vec(), bound.nulls.to_string()));
    if let Some((min, max)) = bound.shortened() {
        tree.min
            .push((parts.to_vec(), Value::String(min).to_string()));
        tree.max
            .push((parts.to_vec(), Value::String(max).to_string()));
    }
}

/// A bound that Parquet keeps, in an order that is the order of values.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Bound {
    Boolean(bool),
    Integer(i128),
    Text(String),
}

fn footer_entry(
    tree: &mut Tree,
    parts: &[String],
    metadata: &ParquetMetaData,
    index: usize,
    column: &ColumnDescriptor,
) {
    let (mut nulls, mut range): (Option<u64>, Option<(Bound, Bound)>) = (Some(0), None);
    let mut bounded = true;
    for group in metadata.row_groups() {
        let Some(statistics) = group.column(index).statistics() else {
            return;
        };
        let group_nulls = statistics.null_count_opt();
        nulls = nulls.zip(group_nulls).map(|(left, right)| left + right);
        if group_nulls == u64::try_from(group.num_rows()).ok() {
            continue;
        }
        match (bound(statistics, true), bound(statistics, false)) {
            (Some(min), Some(max)) => {
                range = Some(match range {
                    None => (min, max),
                    Some((low, high)) => (
                        if min < low { min } else { low },
                        if max > high { max } else { high },
                    ),
                });
            }
            _ => bounded = false,
        }
    }
    if let Some(nulls) = nulls {
        tree.nulls.push((parts.to_vec(), nulls.to_string()));
    }
    if let (true, Some((min, max))) = (bounded, range) {
        if let Some(text) = render(&min, column) {
            tree.min.push((parts.to_vec(), text));
        }
        if let Some(text) = render(&max, column) {
            tree.max.push((parts.to_vec(), text));
        }
    }
}

fn bound(statistics: &Statistics, min: bool) -> Option<Bound> {
    let bytes = |value: &[u8]| {
        let sign = if value.first().is_some_and(|byte| byte & 0x80 != 0) {
            -1_i128
        } else {
            0
        };
        value
            .iter()
            .fold(sign, |number, byte| (number << 8) | i128::from(*byte))
    };
    Some(match statistics {
        Statistics::Boolean(values) => Bound::Boolean(*if min {
            values.min_opt()?
        } else {
            values.max_opt()?
        }),
        Statistics::Int32(values) => Bound::Integer(i128::from(*if min {
            values.min_opt()?
        } else {
            values.max_opt()?
        })),
        Statistics::Int64(values) => Bound::Integer(i128::from(*if min {
            values.min_opt()?
        } else {
            values.max_opt()?
        })),
        Statistics::ByteArray(values) => {
            let value = if min {
                values.min_bytes_opt()?
            } else {
                values.max_bytes_opt()?
            };
            Bound::Text(String::from_utf8(value.to_vec()).ok()?)
        }
        Statistics::FixedLenByteArray(values) => Bound::Integer(bytes(if min {
            values.min_bytes_opt()?
        } else {
            values.max_bytes_opt()?
        })),
        Statistics::Int96(_) | Statistics::Float(_) | Statistics::Double(_) => return None,
    })
}

/// The JSON of a bound under its column's type; `None` where a type has no bound in Delta (BINARY), or the value no form.
fn render(bound: &Bound, column: &ColumnDescriptor) -> Option<String> {
    match (bound, column.logical_type_ref()) {
        (Bound::Text(text), Some(LogicalType::String)) => {
            Some(Value::String(text.clone()).to_string())
        }
        (Bound::Integer(days), Some(LogicalType::Date)) => {
            let days = i32::try_from(*days).ok()?;
            let date = chrono::NaiveDate::from_epoch_days(days)?;
            in_four_digit_years(date).then(|| format!("\"{}\"", date.format("%Y-%m-%d")))
        }
        (Bound::Integer(micros), Some(LogicalType::Timestamp(timestamp))) => {
            let micros = i64::try_from(*micros).ok()?;
            let time = match timestamp.unit {
                TimeUnit::MICROS => chrono::DateTime::from_timestamp_micros(micros)?,
                _ => return None,
            };
            let zone = if timestamp.is_adjusted_to_u_t_c {
                "Z"
            } else {
                ""
            };
            in_four_digit_years(time.date_naive())
                .then(|| format!("\"{}{zone}\"", time.format("%Y-%m-%dT%H:%M:%S%.6f")))
        }
        (Bound::Integer(unscaled), Some(LogicalType::Decimal(decimal))) => {
            Some(scaled(*unscaled, decimal.scale))
        }
        (Bound::Integer(number), None | Some(LogicalType::Integer(_))) => {
            match column.physical_type() {
                PhysicalType::INT32 | PhysicalType::INT64 => Some(number.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn in_four_digit_years(date: chrono::NaiveDate) -> bool {
    (1..=9999).contains(&chrono::Datelike::year(&date))
}

/// An exact decimal as a JSON number: never through a floating-point number, which would move the bound.
fn scaled(unscaled: i128, scale: i32) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return unscaled.to_string();
    }
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

fn number(value: f64) -> String {
    serde_json::Number::from_f64(value).map_or_else(|| "0".to_owned(), |number| number.to_string())
}

/// Entries by path, each value already JSON text, so that decimals stay exact.
#[derive(Debug, Default)]
struct Tree {
    min: Vec<(Vec<String>, String)>,
    max: Vec<(Vec<String>, String)>,
    nulls: Vec<(Vec<String>, String)>,
}

impl Tree {
    fn into_text(self, rows: u64) -> String {
        let mut text = format!("{{\"numRecords\":{rows}");
        for (name, entries) in [
            ("minValues", self.min),
            ("maxValues", self.max),
            ("nullCount", self.nulls),
        ] {
            let _ = write!(text, ",\"{name}\":");
            write_object(
                &mut text,
                &entries
                    .iter()
                    .map(|(path, value)| (path.as_slice(), value))
                    .collect::<Vec<_>>(),
            );
        }
        text.push('}');
        text
    }
}

/// Writes entries as nested objects; entries of one struct stand together because columns do.
fn write_object(text: &mut String, entries: &[(&[String], &String)]) {
    text.push('{');
    let mut rest = entries;
    let mut first = true;
    while let Some(((path, value), _)) = rest.split_first() {
        let Some((head, tail)) = path.split_first() else {
            break;
        };
        if !first {
            text.push(',');
        }
        first = false;
        text.push_str(&Value::String(head.clone()).to_string());
        text.push(':');
        if tail.is_empty() {
            text.push_str(value);
            rest = rest.get(1..).unwrap_or_default();
        } else {
            let same = rest
                .iter()
                .take_while(|(path, _)| path.first() == Some(head))
                .count();
            let (inner, after) = rest.split_at(same);
            let inner: Vec<_> = inner
                .iter()
                .map(|(path, value)| (path.get(1..).unwrap_or_default(), *value))
                .collect();
            write_object(text, &inner);
            rest = after;
        }
    }
    text.push('}');
}

/// The row count that the statistics of a file tell.
pub(crate) fn rows_in(stats: Option<&str>) -> Option<u64> {
    let stats: Map<String, Value> = serde_json::from_str(stats?).ok()?;
    stats.get("numRecords")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rendered_exactly() {
        for (unscaled, scale, expected) in [
            (0, 0, "0"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (12_345, 2, "123.45"),
            (
                99_999_999_999_999_999_999_999_999_999_999_999_999,
                10,
                "9999999999999999999999999999.9999999999",
            ),
            (-100, 2, "-1.00"),
        ] {
            assert_eq!(scaled(unscaled, scale), expected);
        }
    }

    #[test]
    fn nested_entries_share_their_objects() {
        let entry = |path: &str, value: &str| {
            (
                path.split('.').map(str::to_owned).collect::<Vec<_>>(),
                value.to_owned(),
            )
        };
        let entries = [
            entry("a", "1"),
            entry("s.x", "2"),
            entry("s.t.y", "3"),
            entry("z", "\"q\""),
        ];
        let mut text = String::new();
        write_object(
            &mut text,
            &entries
                .iter()
                .map(|(path, value)| (path.as_slice(), value))
                .collect::<Vec<_>>(),
        );
        assert_eq!(text, r#"{"a":1,"s":{"x":2,"t":{"y":3}},"z":"q"}"#);
    }
}
