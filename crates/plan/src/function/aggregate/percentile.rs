//! Exact percentiles, between two values or the value itself, of values that may count several times. Must not know
//! syntax: `bind` turns WITHIN GROUP into arguments.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use sluice_model::condition::query as condition;

use super::super::error::fail;

/// What is asked of the values.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five independent answers to what the call says, no states"
)]
pub(super) struct Wanted {
    /// Percentages between 0 and 1.
    pub(super) ranks: Vec<f64>,
    /// Whether they came as an array, and so does the answer.
    pub(super) many: bool,
    /// Whether the answer is one of the values, and never lies between two.
    pub(super) discrete: bool,
    /// Whether ranks count from the greatest value.
    pub(super) descending: bool,
    /// Whether equal values count once.
    pub(super) distinct: bool,
    /// Whether a second argument says how often a value counts.
    pub(super) weighted: bool,
}

/// Keeps all values that are not NULL, with how often each counts.
#[derive(Debug)]
pub(super) struct Percentile {
    wanted: Wanted,
    values: Vec<(f64, i64)>,
}

impl Percentile {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            values: vec![],
        }
    }

    fn push(&mut self, value: f64, times: i64) -> Result<()> {
        if times < 0 {
            return fail(
                &condition::NEGATIVE_FREQUENCY,
                format!("a value cannot count {times} times"),
            );
        }
        if times > 0 {
            self.values.push((value, times));
        }
        Ok(())
    }

    /// Sorts the values as asked and joins equal ones; with `distinct` each counts once.
    fn settle(&mut self) {
        self.values.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.values.dedup_by(|next, kept| {
            let same = next.0.total_cmp(&kept.0).is_eq();
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        if self.wanted.distinct {
            self.values.iter_mut().for_each(|value| value.1 = 1);
        }
        if self.wanted.descending {
            self.values.reverse();
        }
    }

    /// The value at a rank; the values are settled, `ends` holds how many count up to each.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a rank lies between 0 and the number of values held in memory"
    )]
    fn at(&self, ends: &[i64], rank: f64) -> Option<f64> {
        let count = *ends.last()?;
        let value = |place: i64| {
            let index = ends.partition_point(|end| *end <= place);
            self.values.get(index).map(|value| value.0)
        };
        if self.wanted.discrete {
            let place = (rank * count as f64).ceil() as i64 - 1;
            return value(place.max(0));
        }
        let position = rank * (count - 1) as f64;
        let (low, high) = (position.floor(), position.ceil());
        let (a, b) = (value(low as i64)?, value(high as i64)?);
        Some(if low.total_cmp(&high).is_eq() || a.total_cmp(&b).is_eq() {
            a
        } else {
            a + (b - a) * (position - low)
        })
    }
}

impl Accumulator for Percentile {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Some(values) = columns.first() else {
            return Ok(());
        };
        let values = values.as_primitive::<Float64Type>();
        let times = columns.get(2).filter(|_| self.wanted.weighted);
        let times = times.map(AsArray::as_primitive::<Int64Type>);
        for row in 0..values.len() {
            let times = match times {
                Some(times) if times.is_null(row) => continue,
                Some(times) => times.value(row),
                None => 1,
            };
            if values.is_valid(row) {
                self.push(values.value(row), times)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.settle();
        let mut ends = Vec::with_capacity(self.values.len());
        let mut total = 0_i64;
        for (_, times) in &self.values {
            total = total.saturating_add(*times);
            ends.push(total);
        }
        let mut found = self.wanted.ranks.iter().map(|rank| self.at(&ends, *rank));
        if !self.wanted.many {
            return Ok(ScalarValue::Float64(found.next().flatten()));
        }
        let empty = self.values.is_empty();
        let items: Float64Array = if empty {
            Float64Array::from(Vec::<f64>::new())
        } else {
            found.collect()
        };
        let nulls = empty.then(|| arrow::buffer::NullBuffer::new_null(1));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([items.len()]);
        Ok(ScalarValue::List(Arc::new(ListArray::try_new(
            element(),
            offsets,
            Arc::new(items),
            nulls,
        )?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<(f64, i64)>()
    }

    /// Values and counts in turn; counts keep their bits.
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let flat = self
            .values
            .iter()
            .flat_map(|(value, times)| [*value, f64::from_bits(times.cast_unsigned())]);
        let flat: Float64Array = flat.map(Some).collect();
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([flat.len()]);
        let list = ListArray::try_new(element(), offsets, Arc::new(flat), None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            for pair in list.as_primitive::<Float64Type>().values().chunks_exact(2) {
                self.push(pair[0], pair[1].to_bits().cast_signed())?;
            }
        }
        Ok(())
    }
}

fn element() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Float64, true))
}
