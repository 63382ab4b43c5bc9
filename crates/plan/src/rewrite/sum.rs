//! `sum` over integers is a BIGINT that fails on overflow, over decimals it has ten digits more, at most 38; DataFusion
//! wraps around.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowNativeTypeOp, ArrowPrimitiveType, DECIMAL128_MAX_PRECISION, DataType, Decimal128Type,
    DurationMicrosecondType, DurationSecondType, Field, FieldRef, Int64Type, IntervalYearMonthType,
};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate as df;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::nulls::{
    apply_filter_as_nulls, filtered_null_mask,
};

use sluice_model::Diagnostic;

use crate::bind::Typed;
use crate::error::{overflow, raise};
use crate::rewrite::length::{self, DAY, DAY_TO_SECOND, YEAR_TO_MONTH, is_length};
use crate::rewrite::unify::is_integral;

/// Whether a name is an aggregate that this file chooses.
pub(crate) fn is_aggregate(name: &str) -> bool {
    matches!(name, "count" | "sum")
}

/// `count`, or the `sum` for an argument type.
pub(crate) fn choose(name: &str, args: &[Typed]) -> Option<Arc<AggregateUDF>> {
    Some(match (name, args) {
        ("count", _) => df::count::count_udaf(),
        ("sum", [arg]) if is_integral(&arg.data_type) => checked(DataType::Int64),
        ("sum", [arg]) => match arg.data_type {
            // More digits than 28 leave no room for the ten that a sum adds.
            DataType::Decimal128(precision, _) if precision + 10 > DECIMAL128_MAX_PRECISION => {
                checked(arg.data_type.clone())
            }
            ref found if is_length(found) => checked(found.clone()),
            _ => df::sum::sum_udaf(),
        },
        ("sum", _) => df::sum::sum_udaf(),
        _ => return None,
    })
}

fn checked(argument: DataType) -> Arc<AggregateUDF> {
    let returns = match argument {
        DataType::Decimal128(_, scale) => DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale),
        ref found if is_length(found) => argument.clone(),
        _ => DataType::Int64,
    };
    Arc::new(AggregateUDF::new_from_impl(CheckedSum {
        returns,
        signature: Signature::exact(vec![argument], Volatility::Immutable),
    }))
}

/// A number whose sum is checked.
trait Summed: ArrowPrimitiveType<Native: Hash + Eq> + std::fmt::Debug {
    /// Whether a sum fits the type.
    fn fits(_: Self::Native) -> bool {
        true
    }

    /// What is said of one that does not.
    fn too_large() -> Diagnostic {
        overflow(None)
    }
}

impl Summed for Int64Type {}

impl Summed for DurationSecondType {
    fn too_large() -> Diagnostic {
        length::too_long()
    }
}

impl Summed for DurationMicrosecondType {
    fn too_large() -> Diagnostic {
        length::too_long()
    }
}

impl Summed for IntervalYearMonthType {
    fn too_large() -> Diagnostic {
        length::too_long()
    }
}

impl Summed for Decimal128Type {
    fn fits(sum: i128) -> bool {
        sum.unsigned_abs() < 10_u128.pow(u32::from(DECIMAL128_MAX_PRECISION))
    }
}

/// `sum` of integers, wide decimals or intervals with overflow as an error.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedSum {
    returns: DataType,
    signature: Signature,
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let data_type = if args.is_distinct {
            DataType::new_list(self.returns.clone(), true)
        } else {
            self.returns.clone()
        };
        let name = format!("{}[sum]", args.name);
        Ok(vec![Arc::new(Field::new(name, data_type, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let (returns, distinct) = (self.returns.clone(), args.is_distinct);
        Ok(match self.returns {
            DataType::Int64 => accumulator::<Int64Type>(returns, distinct),
            DAY => accumulator::<DurationSecondType>(returns, distinct),
            DAY_TO_SECOND => accumulator::<DurationMicrosecondType>(returns, distinct),
            YEAR_TO_MONTH => accumulator::<IntervalYearMonthType>(returns, distinct),
            _ => accumulator::<Decimal128Type>(returns, distinct),
        })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let returns = self.returns.clone();
        Ok(match self.returns {
            DataType::Int64 => Box::new(GroupSums::<Int64Type>::new(returns)),
            DAY => Box::new(GroupSums::<DurationSecondType>::new(returns)),
            DAY_TO_SECOND => Box::new(GroupSums::<DurationMicrosecondType>::new(returns)),
            YEAR_TO_MONTH => Box::new(GroupSums::<IntervalYearMonthType>::new(returns)),
            _ => Box::new(GroupSums::<Decimal128Type>::new(returns)),
        })
    }
}

fn accumulator<T: Summed>(returns: DataType, distinct: bool) -> Box<dyn Accumulator> {
    if distinct {
        Box::new(DistinctSum::<T>::new(returns))
    } else {
        Box::new(Sum::<T>::new(returns))
    }
}

fn add<T: Summed>(sum: &mut Option<T::Native>, value: T::Native) -> Result<()> {
    let total = sum.unwrap_or_default().add_checked(value);
    *sum = Some(total.map_err(|_| raise(T::too_large()))?);
    Ok(())
}

/// A sum as a value, if it fits its type.
fn finished<T: Summed>(sum: Option<T::Native>, returns: &DataType) -> Result<ScalarValue> {
    if sum.is_some_and(|sum| !T::fits(sum)) {
        return Err(raise(T::too_large()));
    }
    ScalarValue::new_primitive::<T>(sum, returns)
}

#[derive(Debug)]
struct Sum<T: Summed> {
    returns: DataType,
    total: Option<T::Native>,
}

impl<T: Summed> Sum<T> {
    fn new(returns: DataType) -> Self {
        Self {
            returns,
            total: None,
        }
    }
}

impl<T: Summed> Accumulator for Sum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in first::<T>(values)?.iter().flatten() {
            add::<T>(&mut self.total, value)?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        finished::<T>(self.total, &self.returns)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![finished::<T>(self.total, &self.returns)?])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// `sum(DISTINCT …)` beside other aggregates.
#[derive(Debug)]
struct DistinctSum<T: Summed> {
    returns: DataType,
    seen: HashSet<T::Native>,
}

impl<T: Summed> DistinctSum<T> {
    fn new(returns: DataType) -> Self {
        Self {
            returns,
            seen: HashSet::new(),
        }
    }
}

impl<T: Summed> Accumulator for DistinctSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.seen.extend(first::<T>(values)?.iter().flatten());
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
        let mut sum = None;
        for value in &self.seen {
            add::<T>(&mut sum, *value)?;
        }
        finished::<T>(sum, &self.returns)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let seen: Result<Vec<ScalarValue>> = self
            .seen
            .iter()
            .map(|value| ScalarValue::new_primitive::<T>(Some(*value), &self.returns))
            .collect();
        let list = ScalarValue::new_list_nullable(&seen?, &self.returns);
        Ok(vec![ScalarValue::List(list)])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.seen.capacity() * size_of::<T::Native>()
    }
}

fn first<T: Summed>(values: &[ArrayRef]) -> Result<&PrimitiveArray<T>> {
    match values.first() {
        Some(array) => Ok(array.as_primitive::<T>()),
        None => datafusion::common::internal_err!("a sum without an argument"),
    }
}

/// One sum per group.
#[derive(Debug)]
struct GroupSums<T: Summed> {
    returns: DataType,
    sums: Vec<Option<T::Native>>,
}

impl<T: Summed> GroupSums<T> {
    fn new(returns: DataType) -> Self {
        Self {
            returns,
            sums: vec![],
        }
    }
}

impl<T: Summed> GroupsAccumulator for GroupSums<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, None);
        let values = first::<T>(values)?;
        let kept = filtered_null_mask(filter, values);
        for (row, group) in groups.iter().enumerate() {
            if kept.as_ref().is_none_or(|kept| kept.is_valid(row)) {
                add::<T>(&mut self.sums[*group], values.value(row))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let sums = emit.take_needed(&mut self.sums);
        if sums.iter().flatten().any(|sum| !T::fits(*sum)) {
            return Err(raise(T::too_large()));
        }
        let sums: PrimitiveArray<T> = sums.into_iter().collect();
        Ok(Arc::new(sums.with_data_type(self.returns.clone())))
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
        let kept = apply_filter_as_nulls(first::<T>(values)?, filter)?;
        let kept = kept.as_primitive::<T>().clone();
        Ok(vec![Arc::new(kept.with_data_type(self.returns.clone()))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<T::Native>>()
    }
}
