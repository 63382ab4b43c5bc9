//! What the first rows of a file tell about its columns. Must not write.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use parquet::basic::Encoding;
use parquet::schema::types::ColumnPath;

/// Rows that are looked at.
pub(crate) const SAMPLE_ROWS: usize = 4096;

/// Columns whose values hardly ever repeat, each with the encoding that serves it: a dictionary of them is work that is
/// thrown away when it grows too large. Too few rows tell nothing.
pub(crate) fn unique_columns(rows: &RecordBatch) -> Vec<(ColumnPath, Encoding)> {
    if rows.num_rows() < SAMPLE_ROWS {
        return vec![];
    }
    let schema = rows.schema();
    let unique = |column: &ArrayRef| {
        distinct(&column.slice(0, SAMPLE_ROWS)).is_some_and(|count| count > SAMPLE_ROWS / 16 * 15)
    };
    schema
        .fields()
        .iter()
        .zip(rows.columns())
        .filter(|(_, column)| unique(column))
        .map(|(field, column)| {
            let path = ColumnPath::new(vec![field.name().clone()]);
            (path, encoding(&column.slice(0, SAMPLE_ROWS)))
        })
        .collect()
}

/// Numbers and times that follow one another closely, as counters and clocks do, are kept by their steps: a fraction of
/// the bytes, and less to compress.
fn encoding(column: &ArrayRef) -> Encoding {
    let values = match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().values(),
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
            column.as_primitive::<TimestampMicrosecondType>().values()
        }
        _ => return Encoding::PLAIN,
    };
    let pairs = || values.iter().zip(values.iter().skip(1));
    let steps = || pairs().map(|(one, next)| next.wrapping_sub(*one));
    let spread = match (steps().min(), steps().max()) {
        (Some(least), Some(most)) => most.abs_diff(least),
        _ => u64::MAX,
    };
    if u32::try_from(spread).is_ok() {
        Encoding::DELTA_BINARY_PACKED
    } else {
        Encoding::PLAIN
    }
}

/// Different values of a column; `None` for types whose dictionary costs little.
fn distinct(column: &ArrayRef) -> Option<usize> {
    fn of<T: Ord>(mut values: Vec<T>) -> usize {
        values.sort_unstable();
        values.dedup();
        values.len()
    }
    match column.data_type() {
        DataType::Int64 => Some(of(column.as_primitive::<Int64Type>().values().to_vec())),
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            Some(of(values.values().to_vec()))
        }
        DataType::Utf8 => Some(of(column.as_string::<i32>().iter().collect())),
        DataType::Binary => Some(of(column.as_binary::<i32>().iter().collect())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn columns_that_never_repeat_are_found_in_enough_rows() {
        let rows = |count: i64| {
            let number: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
            let tens: ArrayRef = Arc::new(Int64Array::from_iter_values((0..count).map(|n| n % 10)));
            let text: ArrayRef = Arc::new(StringArray::from_iter_values(
                (0..count).map(|n| format!("line {n}")),
            ));
            let hash: ArrayRef = Arc::new(Int64Array::from_iter_values(
                (0..count).map(|n| (n * n).wrapping_mul(0x5851_F42D_4C95_7F2D)),
            ));
            let columns = [
                ("number", number),
                ("tens", tens),
                ("text", text),
                ("hash", hash),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let names = |count| {
            unique_columns(&rows(count))
                .iter()
                .map(|(path, encoding)| (path.string(), *encoding))
                .collect::<Vec<_>>()
        };
        let expected = [
            ("number", Encoding::DELTA_BINARY_PACKED),
            ("text", Encoding::PLAIN),
            ("hash", Encoding::PLAIN),
        ];
        assert_eq!(
            names(5000),
            expected.map(|(name, encoding)| (name.to_owned(), encoding))
        );
        assert!(names(100).is_empty());
    }
}
