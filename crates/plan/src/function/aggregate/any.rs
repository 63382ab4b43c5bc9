//! Aggregates that keep one row: the first, the last, the one with the greatest or least key.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// `first`, `last`, `any_value`.
#[derive(Debug)]
pub(super) struct Edge {
    value: ScalarValue,
    seen: bool,
    first: bool,
    skip_nulls: bool,
}

impl Edge {
    pub(super) fn new(data_type: &DataType, first: bool, skip_nulls: bool) -> Result<Self> {
        Ok(Self {
            value: ScalarValue::try_from(data_type)?,
            seen: false,
            first,
            skip_nulls,
        })
    }

    /// Takes the first or last of the rows that count.
    fn take(&mut self, values: &ArrayRef, counts: impl Fn(usize) -> bool) -> Result<()> {
        if self.first && self.seen {
            return Ok(());
        }
        let mut rows = (0..values.len()).filter(|row| counts(*row));
        if let Some(row) = if self.first {
            rows.next()
        } else {
            rows.next_back()
        } {
            self.value = ScalarValue::try_from_array(values, row)?;
            self.seen = true;
        }
        Ok(())
    }
}

impl Accumulator for Edge {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else {
            return Ok(());
        };
        let skip = self.skip_nulls;
        self.take(values, |row| !skip || values.is_valid(row))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![
            self.value.clone(),
            ScalarValue::Boolean(Some(self.seen)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, seen] = states else {
            return Ok(());
        };
        let seen = seen.as_boolean();
        self.take(values, |row| seen.is_valid(row) && seen.value(row))
    }
}

/// `max_by`, `min_by`: rows whose key is NULL do not count; of equal keys the last row stays.
pub(super) struct By {
    value: ScalarValue,
    key: ScalarValue,
    best: Option<OwnedRow>,
    greatest: bool,
    converter: RowConverter,
}

impl std::fmt::Debug for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("By")
            .field("value", &self.value)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl By {
    pub(super) fn new(value: &DataType, key: &DataType, greatest: bool) -> Result<Self> {
        Ok(Self {
            value: ScalarValue::try_from(value)?,
            key: ScalarValue::try_from(key)?,
            best: None,
            greatest,
            converter: RowConverter::new(vec![SortField::new(key.clone())])?,
        })
    }
}

impl Accumulator for By {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values, keys] = values else {
            return Ok(());
        };
        let rows = self.converter.convert_columns(std::slice::from_ref(keys))?;
        let mut found: Option<usize> = None;
        for row in (0..keys.len()).filter(|row| keys.is_valid(*row)) {
            let best = match (found, &self.best) {
                (Some(at), _) => Some(rows.row(at)),
                (None, Some(best)) => Some(best.row()),
                (None, None) => None,
            };
            let better = best.is_none_or(|best| {
                if self.greatest {
                    rows.row(row) >= best
                } else {
                    rows.row(row) <= best
                }
            });
            if better {
                found = Some(row);
            }
        }
        if let Some(row) = found {
            self.best = Some(rows.row(row).owned());
            self.value = ScalarValue::try_from_array(values, row)?;
            self.key = ScalarValue::try_from_array(keys, row)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() + self.key.size() + self.converter.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.key.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
