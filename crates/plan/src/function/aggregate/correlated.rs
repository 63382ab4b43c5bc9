//! `corr`: moments of pairs, updated pair by pair as Spark does. DataFusion's takes differences of sums of squares, which
//! loses the digits of large values that lie close together, and gives NULL where Spark gives NaN.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// Count, means, co-moment and second moments of pairs.
#[derive(Debug, Default)]
pub(super) struct Correlation {
    n: f64,
    x: f64,
    y: f64,
    xy: f64,
    xx: f64,
    yy: f64,
}

impl Correlation {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        let (dx, dy) = (x - self.x, y - self.y);
        self.x += dx / self.n;
        self.y += dy / self.n;
        self.xy += dx * (y - self.y);
        self.xx += dx * (x - self.x);
        self.yy += dy * (y - self.y);
    }

    fn join(&mut self, other: &Self) {
        let total = self.n + other.n;
        if other.n == 0.0 {
            return;
        }
        let (dx, dy) = (other.x - self.x, other.y - self.y);
        let (per_x, per_y) = (dx / total, dy / total);
        self.xy += other.xy + dx * per_y * self.n * other.n;
        self.xx += other.xx + dx * per_x * self.n * other.n;
        self.yy += other.yy + dy * per_y * self.n * other.n;
        self.x += per_x * other.n;
        self.y += per_y * other.n;
        self.n = total;
    }
}

impl Accumulator for Correlation {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [xs, ys, ..] = values else {
            return Ok(());
        };
        let (xs, ys) = (
            xs.as_primitive::<Float64Type>(),
            ys.as_primitive::<Float64Type>(),
        );
        for (x, y) in xs.iter().zip(ys.iter()) {
            if let (Some(x), Some(y)) = (x, y) {
                self.add(x, y);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let root = (self.xx * self.yy).sqrt();
        // A column without spread has no correlation.
        let value = (self.n > 1.0 && self.xx != 0.0 && self.yy != 0.0).then(|| self.xy / root);
        let value = value.map(|value| if value.is_nan() { f64::NAN } else { value });
        Ok(ScalarValue::Float64(value))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = Float64Array::from(vec![self.n, self.x, self.y, self.xy, self.xx, self.yy]);
        let field = Arc::new(Field::new("element", DataType::Float64, true));
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        let list = ListArray::try_new(field, offsets, Arc::new(values), None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        for list in lists.as_list::<i32>().iter().flatten() {
            if let [n, x, y, xy, xx, yy] = list.as_primitive::<Float64Type>().values()[..] {
                self.join(&Self {
                    n,
                    x,
                    y,
                    xy,
                    xx,
                    yy,
                });
            }
        }
        Ok(())
    }
}
