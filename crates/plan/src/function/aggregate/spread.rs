//! Variances and standard deviations, updated value by value as Spark's `CentralMomentAgg` does: other formulas give other last digits.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::accumulate::accumulate;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::nulls::apply_filter_as_nulls;

/// Which spread is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Spread {
    VarianceOfSample,
    VarianceOfPopulation,
    DeviationOfSample,
    DeviationOfPopulation,
}

/// Count, mean, and the sum of squares around it.
#[derive(Debug, Default, Clone, Copy)]
struct Squares {
    n: f64,
    mean: f64,
    sum: f64,
}

impl Squares {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        let from_mean = value - self.mean;
        let shift = from_mean / self.n;
        self.mean += shift;
        self.sum += from_mean * (from_mean - shift);
    }

    fn join(&mut self, other: Self) {
        if other.n == 0.0 {
            return;
        }
        let total = self.n + other.n;
        let apart = other.mean - self.mean;
        let shift = apart / total;
        self.mean += shift * other.n;
        self.sum += other.sum + apart * shift * self.n * other.n;
        self.n = total;
    }

    /// NULL of no values, and of one as a sample.
    fn value(self, spread: Spread) -> Option<f64> {
        use Spread::{
            DeviationOfPopulation, DeviationOfSample, VarianceOfPopulation, VarianceOfSample,
        };
        let divisor = match spread {
            VarianceOfSample | DeviationOfSample => self.n - 1.0,
            VarianceOfPopulation | DeviationOfPopulation => self.n,
        };
        let variance = (divisor > 0.0).then(|| self.sum / divisor);
        match spread {
            VarianceOfSample | VarianceOfPopulation => variance,
            DeviationOfSample | DeviationOfPopulation => variance.map(f64::sqrt),
        }
    }
}

/// The types of the state: the three numbers.
pub(super) const STATE: [(&str, DataType); 3] = [
    ("n", DataType::Float64),
    ("mean", DataType::Float64),
    ("sum", DataType::Float64),
];

/// The parts of a state, row by row.
fn parts(states: &[ArrayRef]) -> impl Iterator<Item = Squares> {
    let column = |index: usize| states.get(index).map(AsArray::as_primitive::<Float64Type>);
    let rows = states.first().map_or(0, Array::len);
    let (n, mean, sum) = (column(0), column(1), column(2));
    (0..rows).filter_map(move |row| {
        Some(Squares {
            n: n?.value(row),
            mean: mean?.value(row),
            sum: sum?.value(row),
        })
    })
}

/// The spread of one group.
#[derive(Debug)]
pub(super) struct Single {
    spread: Spread,
    squares: Squares,
}

impl Single {
    pub(super) fn new(spread: Spread) -> Self {
        Self {
            spread,
            squares: Squares::default(),
        }
    }
}

impl Accumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(column) = values.first() {
            let column = column.as_primitive::<Float64Type>();
            column
                .iter()
                .flatten()
                .for_each(|value| self.squares.add(value));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.squares.value(self.spread)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Squares { n, mean, sum } = self.squares;
        Ok([n, mean, sum]
            .map(|value| ScalarValue::Float64(Some(value)))
            .to_vec())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        parts(states).for_each(|part| self.squares.join(part));
        Ok(())
    }
}

/// The spreads of many groups.
pub(super) struct Grouped {
    spread: Spread,
    groups: Vec<Squares>,
}

impl Grouped {
    pub(super) fn new(spread: Spread) -> Self {
        Self {
            spread,
            groups: vec![],
        }
    }
}

fn columns(squares: &[Squares]) -> Vec<ArrayRef> {
    let column = |part: fn(&Squares) -> f64| -> ArrayRef {
        Arc::new(
            squares
                .iter()
                .map(|s| Some(part(s)))
                .collect::<Float64Array>(),
        )
    };
    vec![column(|s| s.n), column(|s| s.mean), column(|s| s.sum)]
}

impl GroupsAccumulator for Grouped {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.groups.resize(total, Squares::default());
        let Some(column) = values.first() else {
            return Ok(());
        };
        let column = column.as_primitive::<Float64Type>();
        accumulate(groups, column, filter, |group, value| {
            self.groups[group].add(value);
        });
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = emit.take_needed(&mut self.groups);
        let values: Float64Array = groups.into_iter().map(|s| s.value(self.spread)).collect();
        Ok(Arc::new(values))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(columns(&emit.take_needed(&mut self.groups)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.groups.resize(total, Squares::default());
        for (part, group) in parts(states).zip(groups) {
            self.groups[*group].join(part);
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(column) = values.first() else {
            return Ok(columns(&[]));
        };
        let column = apply_filter_as_nulls(column, filter)?;
        let single = |value: Option<f64>| {
            let mut squares = Squares::default();
            if let Some(value) = value {
                squares.add(value);
            }
            squares
        };
        let values = column.as_primitive::<Float64Type>().iter();
        Ok(columns(&values.map(single).collect::<Vec<_>>()))
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Squares>()
    }
}
