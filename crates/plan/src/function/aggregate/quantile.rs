//! `percentile_approx`: the summary of Greenwald and Khanna, which answers with a value of the group whose rank is off by
//! at most `count / accuracy`. Small groups are exact.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// Values gathered before they are merged into the summary.
const BUFFER: usize = 50_000;
/// Samples beyond which the summary is thinned out.
const SAMPLES: usize = 10_000;

/// A value that stands for `weight` ranks, known up to `delta`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    value: f64,
    weight: f64,
    delta: f64,
}

/// The summary of one group.
#[derive(Debug)]
pub(super) struct Quantiles {
    data_type: DataType,
    ranks: Vec<f64>,
    many: bool,
    error: f64,
    count: f64,
    buffer: Vec<f64>,
    samples: Vec<Sample>,
}

impl Quantiles {
    pub(super) fn new(data_type: &DataType, ranks: Vec<f64>, many: bool, accuracy: f64) -> Self {
        let error = 1.0 / accuracy;
        Self {
            data_type: data_type.clone(),
            ranks,
            many,
            error,
            count: 0.0,
            buffer: vec![],
            samples: vec![],
        }
    }

    fn insert(&mut self, value: f64) {
        self.buffer.push(value);
        if self.buffer.len() >= BUFFER {
            self.flush();
            if self.samples.len() >= SAMPLES {
                self.thin();
            }
        }
    }

    /// Merges the gathered values into the sorted samples.
    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let mut values = std::mem::take(&mut self.buffer);
        values.sort_by(f64::total_cmp);
        let mut merged = Vec::with_capacity(self.samples.len() + values.len());
        let mut old = std::mem::take(&mut self.samples).into_iter().peekable();
        let last = values.len() - 1;
        for (at, value) in values.into_iter().enumerate() {
            while let Some(sample) = old.next_if(|s| s.value.total_cmp(&value).is_le()) {
                merged.push(sample);
            }
            self.count += 1.0;
            let edge = merged.is_empty() || (at == last && old.peek().is_none());
            let delta = if edge {
                0.0
            } else {
                (2.0 * self.error * self.count).floor()
            };
            merged.push(Sample {
                value,
                weight: 1.0,
                delta,
            });
        }
        merged.extend(old);
        self.samples = merged;
    }

    /// Joins neighbours as long as the error allows.
    fn thin(&mut self) {
        let threshold = 2.0 * self.error * self.count;
        let mut kept: Vec<Sample> = Vec::with_capacity(self.samples.len());
        let mut samples = self.samples.iter().rev().copied();
        let Some(mut head) = samples.next() else {
            return;
        };
        let first = self.samples.len() - 1;
        for (at, sample) in samples.enumerate() {
            // The least value is always kept.
            if at + 1 < first && sample.weight + head.weight + head.delta < threshold {
                head.weight += sample.weight;
            } else {
                kept.push(head);
                head = sample;
            }
        }
        kept.push(head);
        kept.reverse();
        self.samples = kept;
    }

    /// The value at a rank between 0 and 1.
    fn query(&self, rank: f64) -> Option<f64> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        if rank <= self.error || rank >= 1.0 - self.error {
            return Some(if rank <= self.error {
                first.value
            } else {
                last.value
            });
        }
        let wanted = (rank * self.count).ceil();
        let allowed = self
            .samples
            .iter()
            .map(|s| s.weight + s.delta)
            .fold(0.0, f64::max)
            / 2.0;
        let mut least = 0.0;
        for sample in &self.samples {
            least += sample.weight;
            let most = least + sample.delta;
            if most - allowed <= wanted && wanted <= least + allowed {
                return Some(sample.value);
            }
        }
        Some(last.value)
    }

    /// A value in the type of the input.
    fn value(&self, value: Option<f64>) -> Result<ScalarValue> {
        let Some(value) = value else {
            return ScalarValue::try_from(&self.data_type);
        };
        match &self.data_type {
            DataType::Date32 | DataType::Timestamp(..) => {
                let whole = ScalarValue::Float64(Some(value)).cast_to(&DataType::Int64)?;
                let whole = if self.data_type == DataType::Date32 {
                    whole.cast_to(&DataType::Int32)?
                } else {
                    whole
                };
                whole.cast_to(&self.data_type)
            }
            other => ScalarValue::Float64(Some(value)).cast_to(other),
        }
    }
}

fn list(items: ArrayRef, null: bool) -> Result<ScalarValue> {
    let field = Arc::new(Field::new("element", items.data_type().clone(), true));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([items.len()]);
    let nulls = null.then(|| arrow::buffer::NullBuffer::new_null(1));
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(
        field, offsets, items, nulls,
    )?)))
}

/// Values as DOUBLE; of dates the days, of timestamps the microseconds since 1970.
pub(super) fn doubles(values: &ArrayRef) -> Result<ArrayRef> {
    let whole = match values.data_type() {
        DataType::Date32 => &arrow::compute::cast(values, &DataType::Int32)?,
        DataType::Timestamp(..) => &arrow::compute::cast(values, &DataType::Int64)?,
        _ => values,
    };
    Ok(arrow::compute::cast(whole, &DataType::Float64)?)
}

impl Accumulator for Quantiles {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else {
            return Ok(());
        };
        let numbers = doubles(values)?;
        numbers
            .as_primitive::<Float64Type>()
            .iter()
            .flatten()
            .for_each(|value| self.insert(value));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.flush();
        if !self.many {
            return self.value(self.ranks.first().and_then(|rank| self.query(*rank)));
        }
        if self.samples.is_empty() {
            return list(arrow::array::new_empty_array(&self.data_type), true);
        }
        let found = self
            .ranks
            .iter()
            .map(|rank| self.value(self.query(*rank)))
            .collect::<Result<Vec<_>>>()?;
        if found.is_empty() {
            return list(arrow::array::new_empty_array(&self.data_type), true);
        }
        list(ScalarValue::iter_to_array(found)?, false)
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.buffer.capacity() * 8
            + self.samples.capacity() * size_of::<Sample>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.flush();
        self.thin();
        let flat = self
            .samples
            .iter()
            .flat_map(|s| [s.value, s.weight, s.delta]);
        let flat: Float64Array = std::iter::once(self.count).chain(flat).map(Some).collect();
        Ok(vec![list(Arc::new(flat), false)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        self.flush();
        for state in states.as_list::<i32>().iter().flatten() {
            let flat = state.as_primitive::<Float64Type>().values().to_vec();
            let Some((count, flat)) = flat.split_first() else {
                continue;
            };
            self.count += count;
            let theirs = flat.chunks_exact(3).map(|s| Sample {
                value: s[0],
                weight: s[1],
                delta: s[2],
            });
            self.samples.extend(theirs);
            self.samples.sort_by(|a, b| a.value.total_cmp(&b.value));
            if self.samples.len() >= SAMPLES {
                self.thin();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_stay_within_the_error_also_in_parts() {
        let mut whole = Quantiles::new(&DataType::Float64, vec![0.5], false, 1000.0);
        for part in 0..4 {
            let mut quantiles = Quantiles::new(&DataType::Float64, vec![0.5], false, 1000.0);
            (0..100_000).for_each(|n| quantiles.insert(f64::from((n * 7919 + part) % 100_000)));
            let state = quantiles.state().unwrap()[0].to_array_of_size(1).unwrap();
            whole.merge_batch(&[state]).unwrap();
        }
        for rank in [0.01, 0.25, 0.5, 0.95, 0.999] {
            let found = whole.query(rank).unwrap();
            assert!((found - rank * 100_000.0).abs() <= 400.0, "{rank}: {found}");
        }
    }

    #[test]
    fn small_groups_are_exact() {
        let mut quantiles = Quantiles::new(&DataType::Int32, vec![], false, 10_000.0);
        for value in [10.0, 0.0, 1.0, 2.0] {
            quantiles.insert(value);
        }
        quantiles.flush();
        let found: Vec<_> = [0.0, 0.25, 0.5, 0.75, 1.0]
            .iter()
            .map(|r| quantiles.query(*r).unwrap())
            .collect();
        assert_eq!(found, [0.0, 0.0, 1.0, 2.0, 10.0]);
    }
}
