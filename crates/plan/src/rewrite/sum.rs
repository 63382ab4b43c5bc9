//! `sum` over integers is a BIGINT that fails on overflow; DataFusion wraps around.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate as df;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::bind::Typed;
use crate::error::{overflow, raise};
use crate::rewrite::unify::is_integral;

/// Whether a name is an aggregate that this file chooses.
pub(crate) fn is_aggregate(name: &str) -> bool {
    matches!(name, "count" | "sum")
}

/// `count`, or the `sum` for an argument type.
pub(crate) fn choose(name: &str, args: &[Typed]) -> Option<Arc<AggregateUDF>> {
    Some(match (name, args) {
        ("count", _) => df::count::count_udaf(),
        ("sum", [arg]) if is_integral(&arg.data_type) => {
            Arc::new(AggregateUDF::new_from_impl(CheckedSum::default()))
        }
        ("sum", _) => df::sum::sum_udaf(),
        _ => return None,
    })
}

/// `sum` of integers with overflow as an error.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedSum {
    signature: Signature,
}

impl Default for CheckedSum {
    fn default() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let data_type = if args.is_distinct {
            DataType::new_list(DataType::Int64, true)
        } else {
            DataType::Int64
        };
        let name = format!("{}[sum]", args.name);
        Ok(vec![Arc::new(Field::new(name, data_type, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return Ok(Box::new(DistinctSum::default()));
        }
        Ok(Box::new(Sum::default()))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GroupSums::default()))
    }
}

fn add(sum: &mut Option<i64>, value: i64) -> Result<()> {
    *sum = Some(
        sum.unwrap_or(0)
            .checked_add(value)
            .ok_or_else(|| raise(overflow(None)))?,
    );
    Ok(())
}

#[derive(Debug, Default)]
struct Sum {
    sum: Option<i64>,
    /// Values in the sum, so that a sliding window knows when none is left.
    values: usize,
}

impl Accumulator for Sum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in first(values)?.iter().flatten() {
            add(&mut self.sum, value)?;
            self.values += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in first(values)?.iter().flatten() {
            self.values = self.values.saturating_sub(1);
            let rest = self
                .sum
                .unwrap_or(0)
                .checked_sub(value)
                .ok_or_else(|| raise(overflow(None)))?;
            self.sum = (self.values > 0).then_some(rest);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(self.sum))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(self.sum)])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// `sum(DISTINCT …)` beside other aggregates.
#[derive(Debug, Default)]
struct DistinctSum {
    seen: HashSet<i64>,
}

impl Accumulator for DistinctSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.seen.extend(first(values)?.iter().flatten());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        for seen in states.as_list::<i32>().iter().flatten() {
            self.update_batch(&[seen])?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.seen.is_empty() {
            return Ok(ScalarValue::Int64(None));
        }
        let sum: i128 = self.seen.iter().map(|value| i128::from(*value)).sum();
        let sum = i64::try_from(sum).map_err(|_| raise(overflow(None)))?;
        Ok(ScalarValue::Int64(Some(sum)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let seen: Vec<ScalarValue> = self
            .seen
            .iter()
            .map(|value| ScalarValue::Int64(Some(*value)))
            .collect();
        let list = ScalarValue::new_list_nullable(&seen, &DataType::Int64);
        Ok(vec![ScalarValue::List(list)])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.seen.capacity() * size_of::<i64>()
    }
}

fn first(values: &[ArrayRef]) -> Result<&Int64Array> {
    match values.first() {
        Some(array) => Ok(array.as_primitive::<Int64Type>()),
        None => datafusion::common::internal_err!("a sum without an argument"),
    }
}

/// One sum per group.
#[derive(Debug, Default)]
struct GroupSums {
    sums: Vec<Option<i64>>,
}

impl GroupsAccumulator for GroupSums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, None);
        let values = first(values)?;
        for (row, group) in groups.iter().enumerate() {
            let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if kept && values.is_valid(row) {
                add(&mut self.sums[*group], values.value(row))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit.take_needed(&mut self.sums))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(values, groups, None, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = first(values)?;
        let Some(filter) = filter else {
            return Ok(vec![Arc::new(values.clone())]);
        };
        let kept = values
            .iter()
            .zip(filter.iter())
            .map(|(value, keep)| value.filter(|_| keep == Some(true)));
        Ok(vec![Arc::new(kept.collect::<Int64Array>())])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<i64>>()
    }
}
