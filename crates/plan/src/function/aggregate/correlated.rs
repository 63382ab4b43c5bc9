//! `corr` and `regr_…`: moments of pairs, updated pair by pair as Spark does. DataFusion's takes differences of sums of squares, which
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
    /// The squares of both around their means once more, summed as `variance` sums them: other last digits.
    spread_x: f64,
    spread_y: f64,
    /// What is asked for besides the correlation.
    regression: Option<Regression>,
}

/// What is asked of the line that fits pairs best: the first argument is `y`, the second `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Regression {
    Count,
    MeanX,
    MeanY,
    Slope,
    Intercept,
    Determination,
    SquaresX,
    Products,
    SquaresY,
}

impl Correlation {
    /// Gives something of the regression line.
    pub(super) fn regression(regression: Regression) -> Self {
        Self {
            regression: Some(regression),
            ..Self::default()
        }
    }

    /// The first argument is kept as `x`, the second as `y`, as `corr` names them.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the count is a whole number of rows"
    )]
    fn regressed(&self, regression: Regression) -> ScalarValue {
        let (xx, yy) = (self.spread_y, self.spread_x);
        let slope = (self.yy != 0.0).then(|| self.xy / self.yy);
        let some = |value: f64| (self.n > 0.0).then_some(value);
        ScalarValue::Float64(match regression {
            Regression::Count => return ScalarValue::Int64(Some(self.n as i64)),
            Regression::MeanX => some(self.y),
            Regression::MeanY => some(self.x),
            Regression::Slope => some(1.0).and(slope),
            Regression::Intercept => some(1.0).and(slope).map(|slope| self.x - slope * self.y),
            Regression::Determination if self.n == 0.0 || self.yy == 0.0 => None,
            Regression::Determination if self.xx == 0.0 => Some(1.0),
            Regression::Determination => Some(self.xy * self.xy / self.yy / self.xx),
            Regression::SquaresX => some(xx),
            Regression::Products => some(self.xy),
            Regression::SquaresY => some(yy),
        })
    }

    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        let (dx, dy) = (x - self.x, y - self.y);
        self.spread_x += dx * (dx - dx / self.n);
        self.spread_y += dy * (dy - dy / self.n);
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
        self.spread_x += other.spread_x + dx * per_x * self.n * other.n;
        self.spread_y += other.spread_y + dy * per_y * self.n * other.n;
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
        if let Some(regression) = self.regression {
            return Ok(self.regressed(regression));
        }
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
        let values = Float64Array::from(vec![
            self.n,
            self.x,
            self.y,
            self.xy,
            self.xx,
            self.yy,
            self.spread_x,
            self.spread_y,
        ]);
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
            if let [n, x, y, xy, xx, yy, spread_x, spread_y] =
                list.as_primitive::<Float64Type>().values()[..]
            {
                self.join(&Self {
                    n,
                    x,
                    y,
                    xy,
                    xx,
                    yy,
                    spread_x,
                    spread_y,
                    regression: None,
                });
            }
        }
        Ok(())
    }
}
