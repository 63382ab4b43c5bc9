//! Lambdas over the items of arrays, all rows at once. Must not know maps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int32Array, ListArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::Field;
use datafusion::error::Result;

use super::super::lists::Picks;
use super::{Lambda, truth};

/// The items of the valid rows of a list column, one after the other.
pub(super) struct Items {
    /// Where each item lies in the list's values.
    pub(super) places: Vec<u32>,
    /// The row of each item.
    pub(super) owners: UInt32Array,
    /// How many items each row has, `None` for NULL.
    pub(super) lengths: Vec<Option<usize>>,
}

impl Items {
    pub(super) fn of(list: &ListArray) -> Self {
        let mut places = vec![];
        let mut owners = vec![];
        let mut lengths = Vec::with_capacity(list.len());
        for row in 0..list.len() {
            if list.is_null(row) {
                lengths.push(None);
                continue;
            }
            let range = super::super::map::bounds(list.value_offsets(), row);
            lengths.push(Some(range.len()));
            owners.extend(std::iter::repeat_n(
                u32::try_from(row).unwrap_or_default(),
                range.len(),
            ));
            places.extend(range.filter_map(|place| u32::try_from(place).ok()));
        }
        Self {
            places,
            owners: owners.into(),
            lengths,
        }
    }

    /// The items themselves.
    pub(super) fn values(&self, list: &ListArray) -> Result<ArrayRef> {
        Ok(take(
            list.values(),
            &UInt32Array::from(self.places.clone()),
            None,
        )?)
    }

    /// Each item's place in its row, from 0.
    fn indexes(&self) -> ArrayRef {
        let lengths = self.lengths.iter().flatten();
        let indexes =
            lengths.flat_map(|length| (0..*length).map(|i| i32::try_from(i).unwrap_or(i32::MAX)));
        Arc::new(indexes.collect::<Int32Array>())
    }

    /// What a lambda of one or two parameters is given.
    fn parameters(&self, lambda: &Lambda, list: &ListArray) -> Result<Vec<ArrayRef>> {
        let mut parameters = vec![self.values(list)?];
        if lambda.takes() > 1 {
            parameters.push(self.indexes());
        }
        Ok(parameters)
    }

    /// Lists of the same lengths over new items.
    fn lists(&self, items: ArrayRef) -> Result<ArrayRef> {
        let nulls = self.lengths.iter().map(Option::is_some).collect::<Vec<_>>();
        let field = Arc::new(Field::new("element", items.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(self.lengths.iter().map(|l| l.unwrap_or(0)));
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            items,
            Some(nulls.into()),
        )?))
    }
}

/// `transform(array, x -> …)`.
pub(super) fn transform(
    lambda: &Lambda,
    array: &ArrayRef,
    captures: &[ArrayRef],
) -> Result<ArrayRef> {
    let list = array.as_list::<i32>();
    let items = Items::of(list);
    let made = lambda.run(&items.parameters(lambda, list)?, &items.owners, captures)?;
    items.lists(made)
}

/// `filter(array, x -> …)`.
pub(super) fn filter(lambda: &Lambda, array: &ArrayRef, captures: &[ArrayRef]) -> Result<ArrayRef> {
    let list = array.as_list::<i32>();
    let items = Items::of(list);
    let kept = lambda.run(&items.parameters(lambda, list)?, &items.owners, captures)?;
    let mut picks = Picks::default();
    let mut from = 0;
    for length in &items.lengths {
        picks.push(length.map(|length| {
            let range = from..from + length;
            from += length;
            range
                .filter(|at| truth(&kept, *at) == Some(true))
                .filter_map(|at| items.places.get(at).map(|place| *place as usize))
                .collect()
        }))?;
    }
    picks.finish(list.values())
}

/// `exists` (`wanted` is TRUE) and `forall` (FALSE): the wanted answer decides; a NULL leaves the row undecided.
pub(super) fn decide(
    lambda: &Lambda,
    array: &ArrayRef,
    captures: &[ArrayRef],
    wanted: bool,
) -> Result<ArrayRef> {
    let list = array.as_list::<i32>();
    let items = Items::of(list);
    let values = items.values(list)?;
    let Ok(answers) = lambda.run(&[Arc::clone(&values)], &items.owners, captures) else {
        // An item behind the one that decides may fail; Spark does not come to it.
        return decide_in_steps(lambda, &items, &values, captures, wanted);
    };
    let mut out = BooleanBuilder::with_capacity(items.lengths.len());
    let mut from = 0;
    for length in &items.lengths {
        let Some(length) = length else {
            out.append_null();
            continue;
        };
        let answers = (from..from + length).map(|at| truth(&answers, at));
        out.append_option(answer(answers, wanted));
        from += length;
    }
    Ok(Arc::new(out.finish()))
}

/// One row's answer.
fn answer(answers: impl Iterator<Item = Option<bool>>, wanted: bool) -> Option<bool> {
    let mut unknown = false;
    for found in answers {
        match found {
            Some(found) if found == wanted => return Some(wanted),
            None => unknown = true,
            Some(_) => {}
        }
    }
    if unknown { None } else { Some(!wanted) }
}

/// The same, item by item, leaving out rows that are decided.
fn decide_in_steps(
    lambda: &Lambda,
    items: &Items,
    values: &ArrayRef,
    captures: &[ArrayRef],
    wanted: bool,
) -> Result<ArrayRef> {
    let mut decided: Vec<Option<bool>> = items.lengths.iter().map(|l| l.map(|_| !wanted)).collect();
    let mut starts = vec![];
    let mut from = 0;
    for length in &items.lengths {
        starts.push(from);
        from += length.unwrap_or(0);
    }
    let mut open: Vec<usize> = (0..items.lengths.len()).collect();
    for step in 0.. {
        open.retain(|row| {
            items.lengths[*row].is_some_and(|length| length > step) && decided[*row] != Some(wanted)
        });
        if open.is_empty() {
            break;
        }
        let at: UInt32Array = open
            .iter()
            .map(|row| u32::try_from(starts[*row] + step).ok())
            .collect();
        let owners: UInt32Array = open.iter().map(|row| u32::try_from(*row).ok()).collect();
        let answers = lambda.run(&[take(values, &at, None)?], &owners, captures)?;
        for (index, row) in open.iter().enumerate() {
            match truth(&answers, index) {
                Some(found) if found == wanted => decided[*row] = Some(wanted),
                None => decided[*row] = None,
                Some(_) => {}
            }
        }
    }
    Ok(Arc::new(
        decided.into_iter().collect::<arrow::array::BooleanArray>(),
    ))
}

/// `zip_with(left, right, (x, y) -> …)`.
pub(super) fn zip_with(
    lambda: &Lambda,
    left: &ArrayRef,
    right: &ArrayRef,
    captures: &[ArrayRef],
) -> Result<ArrayRef> {
    let (left, right) = (left.as_list::<i32>(), right.as_list::<i32>());
    let (mut xs, mut ys, mut owners) = (vec![], vec![], vec![]);
    let mut lengths = vec![];
    for row in 0..left.len() {
        if left.is_null(row) || right.is_null(row) {
            lengths.push(None);
            continue;
        }
        let a = super::super::map::bounds(left.value_offsets(), row);
        let b = super::super::map::bounds(right.value_offsets(), row);
        let length = a.len().max(b.len());
        lengths.push(Some(length));
        for step in 0..length {
            xs.push(
                a.clone()
                    .nth(step)
                    .and_then(|place| u32::try_from(place).ok()),
            );
            ys.push(
                b.clone()
                    .nth(step)
                    .and_then(|place| u32::try_from(place).ok()),
            );
            owners.push(u32::try_from(row).unwrap_or_default());
        }
    }
    let parameters = [
        take(left.values(), &UInt32Array::from(xs), None)?,
        take(right.values(), &UInt32Array::from(ys), None)?,
    ];
    let items = Items {
        places: vec![],
        owners: owners.into(),
        lengths,
    };
    let made = lambda.run(&parameters, &items.owners, captures)?;
    items.lists(made)
}
