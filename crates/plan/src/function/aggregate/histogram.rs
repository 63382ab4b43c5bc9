//! `histogram_numeric`: at most so many bins, the two nearest of which become one whenever there are too many (Ben-Haim and
//! Tom-Tov, as Hive and Spark have it). Ties are broken by Java's generator under a fixed seed, so that answers are Spark's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use super::super::signature::list_of;
use super::quantile::doubles;

/// The bins of one group.
#[derive(Debug)]
pub(super) struct Histogram {
    data_type: DataType,
    limit: usize,
    bins: Vec<Bin>,
    draw: Draw,
}

/// A place on the line of values, and how many of them it stands for.
#[derive(Debug, Clone, Copy)]
struct Bin {
    x: f64,
    y: f64,
}

/// `java.util.Random`.
#[derive(Debug)]
struct Draw(u64);

impl Draw {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;

    fn new(seed: u64) -> Self {
        Self((seed ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn bits(&mut self, count: u32) -> u64 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        self.0 >> (48 - count)
    }

    #[allow(clippy::cast_precision_loss, reason = "53 bits are a double's")]
    fn double(&mut self) -> f64 {
        let whole = (self.bits(26) << 27) + self.bits(27);
        whole as f64 / (1_u64 << 53) as f64
    }
}

/// The seed of Spark's histograms.
const SEED: u64 = 31183;

impl Histogram {
    pub(super) fn new(data_type: &DataType, limit: usize) -> Self {
        Self {
            data_type: data_type.clone(),
            limit,
            bins: vec![],
            draw: Draw::new(SEED),
        }
    }

    /// The type of the answer over values of a type.
    pub(super) fn returns(value: &DataType) -> DataType {
        list_of(&DataType::Struct(
            vec![
                Field::new("x", value.clone(), true),
                Field::new("y", DataType::Float64, true),
            ]
            .into(),
        ))
    }

    fn add(&mut self, x: f64) {
        let at = self.bins.partition_point(|bin| bin.x < x);
        match self.bins.get_mut(at) {
            Some(bin) if bin.x.total_cmp(&x).is_eq() => bin.y += 1.0,
            _ => {
                self.bins.insert(at, Bin { x, y: 1.0 });
                self.trim();
            }
        }
    }

    /// Joins the nearest two bins until there are few enough.
    fn trim(&mut self) {
        while self.bins.len() > self.limit {
            let mut gaps = self.bins.windows(2).map(|pair| pair[1].x - pair[0].x);
            let (mut least, mut at, mut ties) = (gaps.next().unwrap_or(0.0), 0, 1.0);
            for (step, gap) in gaps.enumerate() {
                if gap < least {
                    (least, at, ties) = (gap, step + 1, 1.0);
                } else if gap.total_cmp(&least).is_eq() {
                    ties += 1.0;
                    if self.draw.double() <= 1.0 / ties {
                        at = step + 1;
                    }
                }
            }
            let next = self.bins.remove(at + 1);
            let bin = &mut self.bins[at];
            let height = bin.y + next.y;
            bin.x *= bin.y / height;
            bin.x += next.x / height * next.y;
            bin.y = height;
        }
    }

    /// The middle of the bins in the type of the values.
    fn places(&self) -> Result<ArrayRef> {
        let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values(
            self.bins.iter().map(|bin| bin.x),
        ));
        let whole = match &self.data_type {
            DataType::Date32 => Some(DataType::Int32),
            DataType::Timestamp(..) => Some(DataType::Int64),
            _ => None,
        };
        let numbers = match whole {
            Some(whole) => arrow::compute::cast(&numbers, &whole)?,
            None => numbers,
        };
        Ok(arrow::compute::cast(&numbers, &self.data_type)?)
    }
}

impl Accumulator for Histogram {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Some(values) = columns.first() else {
            return Ok(());
        };
        let numbers = doubles(values)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        numbers.iter().flatten().for_each(|value| self.add(value));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let returns = Self::returns(&self.data_type);
        let DataType::List(element) = &returns else {
            return ScalarValue::try_from(&returns);
        };
        if self.bins.is_empty() {
            return ScalarValue::try_from(&returns);
        }
        let DataType::Struct(fields) = element.data_type() else {
            return ScalarValue::try_from(&returns);
        };
        let heights = Float64Array::from_iter_values(self.bins.iter().map(|bin| bin.y));
        let items = StructArray::try_new(
            fields.clone(),
            vec![self.places()?, Arc::new(heights)],
            None,
        )?;
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([items.len()]);
        Ok(ScalarValue::List(Arc::new(ListArray::try_new(
            Arc::clone(element),
            offsets,
            Arc::new(items),
            None,
        )?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bins.capacity() * size_of::<Bin>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let flat: Float64Array = self
            .bins
            .iter()
            .flat_map(|bin| [bin.x, bin.y])
            .map(Some)
            .collect();
        let field = Arc::new(Field::new("element", DataType::Float64, true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([flat.len()]);
        let list = ListArray::try_new(field, offsets, Arc::new(flat), None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            let flat = list.as_primitive::<Float64Type>().values();
            let theirs = flat.chunks_exact(2).map(|bin| Bin {
                x: bin[0],
                y: bin[1],
            });
            self.bins.extend(theirs);
            self.bins.sort_by(|a, b| a.x.total_cmp(&b.x));
            self.trim();
        }
        Ok(())
    }
}
