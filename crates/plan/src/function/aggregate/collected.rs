//! Aggregates that need every value (mode, listagg), and those that need a few sums of powers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Float64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// What is made of the values in the end.
#[derive(Debug)]
enum Finish {
    Mode,
    Text {
        separator: String,
        descending: Option<bool>,
    },
}

/// Keeps all values that are not NULL.
#[derive(Debug)]
pub(super) struct Collected {
    parts: Vec<ArrayRef>,
    item: DataType,
    distinct: bool,
    finish: Finish,
}

impl Collected {
    pub(super) fn mode(item: &DataType) -> Self {
        Self {
            parts: vec![],
            item: item.clone(),
            distinct: false,
            finish: Finish::Mode,
        }
    }

    pub(super) fn text(separator: String, descending: Option<bool>, distinct: bool) -> Self {
        Self {
            parts: vec![],
            item: DataType::Utf8,
            distinct,
            finish: Finish::Text {
                separator,
                descending,
            },
        }
    }

    fn push(&mut self, values: &ArrayRef) -> Result<()> {
        let kept = arrow::compute::filter(values, &arrow::compute::is_not_null(values)?)?;
        if !kept.is_empty() {
            self.parts.push(kept);
        }
        Ok(())
    }

    /// The values as one array, the first of equal ones only if DISTINCT was asked for.
    fn all(&mut self) -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = self.parts.iter().map(AsRef::as_ref).collect();
        let all = if parts.is_empty() {
            arrow::array::new_empty_array(&self.item)
        } else {
            concat(&parts)?
        };
        let all = if self.distinct { distinct(&all)? } else { all };
        self.parts = vec![Arc::clone(&all)];
        Ok(all)
    }
}

fn distinct(all: &ArrayRef) -> Result<ArrayRef> {
    let rows = RowConverter::new(vec![SortField::new(all.data_type().clone())])?
        .convert_columns(std::slice::from_ref(all))?;
    let mut known = HashSet::new();
    let kept: arrow::array::BooleanArray = rows.iter().map(|row| Some(known.insert(row))).collect();
    Ok(arrow::compute::filter(all, &kept)?)
}

impl Accumulator for Collected {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.first().map_or(Ok(()), |values| self.push(values))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let all = self.all()?;
        match &self.finish {
            Finish::Mode => mode(&all, &self.item),
            Finish::Text {
                separator,
                descending,
            } => {
                let mut texts: Vec<&str> = all.as_string::<i32>().iter().flatten().collect();
                if let Some(descending) = descending {
                    texts.sort_unstable();
                    if *descending {
                        texts.reverse();
                    }
                }
                Ok(ScalarValue::Utf8(
                    (!texts.is_empty()).then(|| texts.join(separator)),
                ))
            }
        }
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self
                .parts
                .iter()
                .map(Array::get_array_memory_size)
                .sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let all = self.all()?;
        let field = Arc::new(Field::new("element", self.item.clone(), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([all.len()]);
        Ok(vec![ScalarValue::List(Arc::new(ListArray::try_new(
            field, offsets, all, None,
        )?))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            self.push(&list)?;
        }
        Ok(())
    }
}

/// The most frequent value; of several the one that came first.
fn mode(all: &ArrayRef, item: &DataType) -> Result<ScalarValue> {
    let rows = RowConverter::new(vec![SortField::new(item.clone())])?
        .convert_columns(std::slice::from_ref(all))?;
    let mut counts: HashMap<_, (usize, usize)> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        counts.entry(row).or_insert((0, place)).0 += 1;
    }
    match counts
        .values()
        .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))
    {
        Some((_, place)) => ScalarValue::try_from_array(all, *place),
        None => ScalarValue::try_from(item),
    }
}

/// Central moments up to the fourth, updated value by value as Spark does: count, mean, m2, m3, m4.
#[derive(Debug)]
pub(super) struct Moments {
    order: usize,
    n: f64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl Moments {
    /// `order` 3 gives the skewness, 4 the excess kurtosis.
    pub(super) fn new(order: usize) -> Self {
        Self {
            order,
            n: 0.0,
            mean: 0.0,
            m2: 0.0,
            m3: 0.0,
            m4: 0.0,
        }
    }

    /// Takes one more value, step by step as Spark does, so that the last digit is the same.
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        let delta = value - self.mean;
        let per = delta / self.n;
        self.mean += per;
        self.m2 += delta * (delta - per);
        let (delta2, per2) = (delta * delta, per * per);
        self.m3 = self.m3 - 3.0 * per * self.m2 + delta * (delta2 - per2);
        self.m4 = self.m4 - 4.0 * per * self.m3 - 6.0 * per2 * self.m2
            + delta * (delta * delta2 - per * per2);
    }

    /// Joins the moments of another set of values.
    fn join(&mut self, n: f64, mean: f64, m2: f64, m3: f64, m4: f64) {
        let total = self.n + n;
        if n == 0.0 {
            return;
        }
        let (a, b) = (self.n, n);
        let delta = mean - self.mean;
        let per = delta / total;
        self.m4 += m4
            + delta * per * per * per * a * b * (a * a - a * b + b * b)
            + 6.0 * per * per * (a * a * m2 + b * b * self.m2)
            + 4.0 * per * (a * m3 - b * self.m3);
        self.m3 += m3 + per * per * delta * a * b * (a - b) + 3.0 * per * (a * m2 - b * self.m2);
        self.m2 += m2 + delta * per * a * b;
        self.mean += per * b;
        self.n = total;
    }
}

impl Accumulator for Moments {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else {
            return Ok(());
        };
        for value in values.as_primitive::<Float64Type>().iter().flatten() {
            self.add(value);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = if self.n == 0.0 || self.m2 == 0.0 {
            None
        } else if self.order == 3 {
            Some(self.n.sqrt() * self.m3 / (self.m2 * self.m2 * self.m2).sqrt())
        } else {
            Some(self.n * self.m4 / (self.m2 * self.m2) - 3.0)
        };
        Ok(ScalarValue::Float64(value))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = Float64Array::from(vec![self.n, self.mean, self.m2, self.m3, self.m4]);
        let field = Arc::new(Field::new("element", DataType::Float64, true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([5]);
        Ok(vec![ScalarValue::List(Arc::new(ListArray::try_new(
            field,
            offsets,
            Arc::new(values),
            None,
        )?))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            if let [n, mean, m2, m3, m4] = list.as_primitive::<Float64Type>().values()[..] {
                self.join(n, mean, m2, m3, m4);
            }
        }
        Ok(())
    }
}
