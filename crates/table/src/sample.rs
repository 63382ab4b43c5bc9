//! What the first rows of a file tell about its columns. Must not write.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use parquet::schema::types::ColumnPath;

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 4096;

/// Columns whose values hardly ever repeat: a dictionary of them is work that is thrown away when it grows too large.
/// Too few rows tell nothing.
pub(crate) fn unique_columns(rows: &RecordBatch) -> Vec<ColumnPath> {
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
        .map(|(field, _)| ColumnPath::new(vec![field.name().clone()]))
        .collect()
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
            RecordBatch::try_from_iter([("number", number), ("tens", tens), ("text", text)])
                .unwrap()
        };
        let names = |count| {
            unique_columns(&rows(count))
                .iter()
                .map(ColumnPath::string)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(5000), ["number", "text"]);
        assert!(names(100).is_empty());
    }
}
