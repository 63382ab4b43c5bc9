//! `array_sort` with a comparator: a stable merge sort that asks for the comparisons of all rows at once.

use std::collections::VecDeque;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Int32Type;
use datafusion::error::Result;
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};

use super::super::lists::Picks;
use super::Lambda;
use crate::error::raise;

/// Two sorted runs of one row on their way into one.
struct Merge {
    row: usize,
    left: VecDeque<usize>,
    right: VecDeque<usize>,
    out: Vec<usize>,
}

impl Merge {
    /// The next two items to compare, if both runs still have one.
    fn pair(&self) -> Option<(usize, usize)> {
        Some((*self.left.front()?, *self.right.front()?))
    }

    /// Takes the lesser one; of equal ones that of the left run.
    fn advance(&mut self, order: i32) {
        let next = if order <= 0 {
            &mut self.left
        } else {
            &mut self.right
        };
        self.out.extend(next.pop_front());
    }

    fn finished(mut self) -> Vec<usize> {
        self.out.extend(self.left);
        self.out.extend(self.right);
        self.out
    }
}

/// `array_sort(array, (a, b) -> …)`.
pub(super) fn array_sort(
    lambda: &Lambda,
    array: &ArrayRef,
    captures: &[ArrayRef],
    origin: &Origin,
) -> Result<ArrayRef> {
    let list = array.as_list::<i32>();
    // The runs of each row: at first every item is one.
    let mut runs: Vec<Vec<Vec<usize>>> = (0..list.len())
        .map(|row| {
            let range = super::super::map::bounds(list.value_offsets(), row);
            if list.is_null(row) {
                vec![]
            } else {
                range.map(|place| vec![place]).collect()
            }
        })
        .collect();
    while runs.iter().any(|row| row.len() > 1) {
        let mut merges = vec![];
        for (row, runs) in runs.iter_mut().enumerate() {
            let mut left = std::mem::take(runs).into_iter();
            while let Some(first) = left.next() {
                merges.push(Merge {
                    row,
                    left: first.into(),
                    right: left.next().unwrap_or_default().into(),
                    out: vec![],
                });
            }
        }
        compare_all(lambda, list.values(), &mut merges, captures, origin)?;
        for merge in merges {
            let row = merge.row;
            runs[row].push(merge.finished());
        }
    }
    let mut picks = Picks::default();
    for (row, runs) in runs.into_iter().enumerate() {
        picks.push(
            list.is_valid(row)
                .then(|| runs.into_iter().flatten().collect()),
        )?;
    }
    picks.finish(list.values())
}

/// Runs all merges until none has two items to compare.
fn compare_all(
    lambda: &Lambda,
    values: &ArrayRef,
    merges: &mut [Merge],
    captures: &[ArrayRef],
    origin: &Origin,
) -> Result<()> {
    loop {
        let open: Vec<(usize, (usize, usize))> = merges
            .iter()
            .enumerate()
            .filter_map(|(index, merge)| Some((index, merge.pair()?)))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let place = |place: usize| u32::try_from(place).ok();
        let left: UInt32Array = open.iter().map(|(_, pair)| place(pair.0)).collect();
        let right: UInt32Array = open.iter().map(|(_, pair)| place(pair.1)).collect();
        let owners: UInt32Array = open
            .iter()
            .map(|(index, _)| place(merges[*index].row))
            .collect();
        let parameters = [take(values, &left, None)?, take(values, &right, None)?];
        let orders = lambda.run(&parameters, &owners, captures)?;
        let orders = orders.as_primitive::<Int32Type>();
        if orders.null_count() > 0 {
            let message = "the comparator of `array_sort` returned NULL";
            let diagnostic = Diagnostic::error(&condition::COMPARATOR_RETURNS_NULL, message);
            return Err(raise(diagnostic.at(origin, "").help(
                "return a negative number, 0 or a positive number for every pair",
            )));
        }
        for (index, (merge, _)) in open.iter().enumerate() {
            merges[*merge].advance(orders.value(index));
        }
    }
}
