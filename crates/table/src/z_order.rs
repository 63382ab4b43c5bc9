//! Rows in Z-order: sorted by a number in which the bits of several columns take turns, so that rows that are near each
//! other in any of them are near each other in the file. Must not know files.
//!
//! Each column is first cut into ranges with about as many rows each, from a sample; the number of a value's range is what
//! is interleaved. So a column with a few large values, or long texts with a common beginning, counts as much as any other.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::{Column, DataFusionError};
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, create_udf};
use futures::StreamExt;

use crate::TableError;

/// Ranges that a column is cut into: two to the power of this.
const RANGE_BITS: usize = 10;
/// Values of a sample at most; when it is full, every second one is left out and from then on only half as many are taken.
const SAMPLE_MAX: usize = 64 * 1024;

/// The lower ends of all ranges but the first, in order.
#[derive(Debug)]
struct Ranges {
    converter: RowConverter,
    bounds: Vec<OwnedRow>,
}

impl Ranges {
    fn of(&self, values: &ArrayRef) -> Result<Vec<u64>, DataFusionError> {
        let rows = self
            .converter
            .convert_columns(std::slice::from_ref(values))?;
        let number = |row: arrow::row::Row<'_>| {
            self.bounds.partition_point(|bound| bound.row() <= row) as u64
        };
        Ok(rows.iter().map(number).collect())
    }
}

/// A sample that keeps every n-th value of a stream of unknown length.
#[derive(Debug)]
struct Sample {
    converter: RowConverter,
    rows: Vec<OwnedRow>,
    every: usize,
    seen: usize,
}

impl Sample {
    fn new(data_type: &DataType) -> Result<Self, TableError> {
        Ok(Self {
            converter: RowConverter::new(vec![SortField::new(data_type.clone())])?,
            rows: vec![],
            every: 1,
            seen: 0,
        })
    }

    fn add(&mut self, values: &ArrayRef) -> Result<(), TableError> {
        let first = self.seen.next_multiple_of(self.every) - self.seen;
        let wanted: UInt64Array = (first..values.len())
            .step_by(self.every)
            .map(|row| row as u64)
            .collect();
        self.seen += values.len();
        let chosen = take(values, &wanted, None)?;
        let rows = self.converter.convert_columns(&[chosen])?;
        self.rows.extend(rows.iter().map(|row| row.owned()));
        while self.rows.len() > SAMPLE_MAX {
            let mut keep = false;
            self.rows.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
        Ok(())
    }

    fn ranges(mut self) -> Ranges {
        self.rows.sort_unstable();
        let count = 1_usize << RANGE_BITS;
        let mut bounds: Vec<OwnedRow> = (1..count)
            .filter_map(|range| self.rows.get(range * self.rows.len() / count).cloned())
            .collect();
        bounds.dedup();
        Ranges {
            converter: self.converter,
            bounds,
        }
    }
}

/// The rows in Z-order of some columns. Reads those columns twice.
pub(crate) async fn sorted(rows: DataFrame, columns: &[String]) -> Result<DataFrame, TableError> {
    let named: Vec<Expr> = columns
        .iter()
        .map(|name| Expr::Column(Column::new_unqualified(name)))
        .collect();
    let only = rows.clone().select(named.clone())?;
    let types: Vec<DataType> = only
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    let mut samples: Vec<Sample> = types.iter().map(Sample::new).collect::<Result<_, _>>()?;
    let mut stream = only.execute_stream().await?;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        for (sample, column) in samples.iter_mut().zip(batch.columns()) {
            sample.add(column)?;
        }
    }
    let ranges: Vec<Ranges> = samples.into_iter().map(Sample::ranges).collect();
    let key = create_udf(
        "z_order_key",
        types,
        DataType::UInt64,
        Volatility::Immutable,
        Arc::new(move |arguments: &[ColumnarValue]| key(&ranges, arguments)),
    );
    Ok(rows.sort(vec![key.call(named).sort(true, true)])?)
}

fn key(ranges: &[Ranges], arguments: &[ColumnarValue]) -> Result<ColumnarValue, DataFusionError> {
    let columns = ColumnarValue::values_to_arrays(arguments)?;
    let numbers: Vec<Vec<u64>> = ranges
        .iter()
        .zip(&columns)
        .map(|(ranges, column)| ranges.of(column))
        .collect::<Result<_, _>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let keys = (0..rows).map(|row| {
        interleaved(
            &numbers
                .iter()
                .map(|column| column.get(row).copied().unwrap_or(0)),
        )
    });
    Ok(ColumnarValue::Array(Arc::new(
        UInt64Array::from_iter_values(keys),
    )))
}

/// The bits of several numbers in turn, the highest first; as many as fit into 64.
fn interleaved(numbers: &(impl Iterator<Item = u64> + Clone)) -> u64 {
    let (mut key, mut taken) = (0_u64, 0);
    for bit in (0..RANGE_BITS).rev() {
        for number in numbers.clone() {
            if taken == 64 {
                return key;
            }
            key = (key << 1) | ((number >> bit) & 1);
            taken += 1;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_take_turns() {
        assert_eq!(interleaved(&[0b11, 0b00].into_iter()), 0b1010);
        assert_eq!(interleaved(&[0b01, 0b10].into_iter()), 0b0110);
        assert_eq!(interleaved(&[5].into_iter()), 5);
        assert_eq!(interleaved(&std::iter::repeat_n(1023, 7)), u64::MAX);
    }

    #[test]
    fn ranges_hold_about_as_many_rows_each() {
        let mut sample = Sample::new(&DataType::UInt64).unwrap();
        for start in (0..400_000).step_by(1000) {
            let values: ArrayRef = Arc::new(UInt64Array::from_iter_values(start..start + 1000));
            sample.add(&values).unwrap();
        }
        assert!(sample.rows.len() <= SAMPLE_MAX);
        let ranges = sample.ranges();
        let ends: ArrayRef = Arc::new(UInt64Array::from(vec![0, 200_000, 399_999]));
        let numbers = ranges.of(&ends).unwrap();
        assert_eq!((numbers[0], numbers[2]), (0, 1023));
        assert!((510..=514).contains(&numbers[1]), "{}", numbers[1]);
    }

    #[test]
    fn one_value_is_one_range() {
        let mut sample = Sample::new(&DataType::UInt64).unwrap();
        let values: ArrayRef = Arc::new(UInt64Array::from(vec![Some(7), Some(7), None]));
        sample.add(&values).unwrap();
        let numbers = sample.ranges().of(&values).unwrap();
        assert_eq!(numbers[0], numbers[1]);
        assert!(numbers[2] < numbers[0]);
    }
}
