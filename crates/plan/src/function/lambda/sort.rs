//! `array_sort` with a comparator: stable sorts that ask for the comparisons of all rows at once.
//!
//! Source: Java's `TimSort`, by which Spark sorts: a comparator that contradicts itself, such as one that calls NULL equal to
//! everything, gives what the order of comparisons makes of it. Below [`MERGE_MIN`] items that order is kept.

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

/// Items from which Java merges runs; fewer it inserts one by one.
const MERGE_MIN: usize = 32;

/// A sort of one row that waits for a comparison.
trait Sort {
    /// The row.
    fn row(&self) -> usize;
    /// The next two items to compare, `None` at the end.
    fn pair(&self) -> Option<(usize, usize)>;
    /// Goes on with what the comparator made of them.
    fn advance(&mut self, order: i32);
}

/// Two sorted runs of one row on their way into one.
struct Merge {
    row: usize,
    left: VecDeque<usize>,
    right: VecDeque<usize>,
    out: Vec<usize>,
}

impl Sort for Merge {
    fn row(&self) -> usize {
        self.row
    }

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
}

impl Merge {
    fn finished(mut self) -> Vec<usize> {
        self.out.extend(self.left);
        self.out.extend(self.right);
        self.out
    }
}

/// A row of few items: the run at its beginning as it is or turned around, then each further item where it belongs.
struct Insertion {
    row: usize,
    items: Vec<usize>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    /// `items[..end]` ascend, or each is less than the one before it.
    Run { end: usize, descends: Option<bool> },
    /// `items[..next]` are sorted, and the next one belongs between `low` and `high`.
    Insert {
        next: usize,
        low: usize,
        high: usize,
    },
}

impl Insertion {
    fn of(row: usize, items: Vec<usize>) -> Self {
        Self {
            row,
            items,
            step: Step::Run {
                end: 1,
                descends: None,
            },
        }
    }

    fn insert(&mut self, next: usize) {
        self.step = Step::Insert {
            next,
            low: 0,
            high: next,
        };
    }
}

impl Sort for Insertion {
    fn row(&self) -> usize {
        self.row
    }

    fn pair(&self) -> Option<(usize, usize)> {
        let (one, other) = match self.step {
            Step::Run { end, .. } => (end, end.checked_sub(1)?),
            Step::Insert { next, low, high } => (next, usize::midpoint(low, high)),
        };
        Some((*self.items.get(one)?, *self.items.get(other)?))
    }

    fn advance(&mut self, order: i32) {
        let is_less = order < 0;
        match self.step {
            Step::Run { end, descends } => {
                let descends = descends.unwrap_or(is_less);
                let goes_on = is_less == descends;
                let run = end + usize::from(goes_on);
                if goes_on && run < self.items.len() {
                    self.step = Step::Run {
                        end: run,
                        descends: Some(descends),
                    };
                    return;
                }
                if descends {
                    self.items[..run].reverse();
                }
                self.insert(run);
            }
            Step::Insert { next, low, high } => {
                let middle = usize::midpoint(low, high);
                let (low, high) = if is_less {
                    (low, middle)
                } else {
                    (middle + 1, high)
                };
                if low < high {
                    self.step = Step::Insert { next, low, high };
                } else {
                    self.items[low..=next].rotate_right(1);
                    self.insert(next + 1);
                }
            }
        }
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
    let mut sorted: Vec<Vec<usize>> = vec![vec![]; list.len()];
    let (mut few, mut many) = (vec![], vec![]);
    for row in (0..list.len()).filter(|row| list.is_valid(*row)) {
        let range = super::super::map::bounds(list.value_offsets(), row);
        if range.len() < MERGE_MIN {
            few.push(Insertion::of(row, range.collect()));
        } else {
            many.push((row, range.map(|place| vec![place]).collect()));
        }
    }
    compare_all(lambda, list.values(), &mut few, captures, origin)?;
    for row in few {
        sorted[row.row] = row.items;
    }
    for (row, items) in merged(lambda, list.values(), many, captures, origin)? {
        sorted[row] = items;
    }
    let mut picks = Picks::default();
    for (row, items) in sorted.into_iter().enumerate() {
        picks.push(list.is_valid(row).then_some(items))?;
    }
    picks.finish(list.values())
}

/// Merges the runs of each row, at first single items, until one is left.
fn merged(
    lambda: &Lambda,
    values: &ArrayRef,
    mut rows: Vec<(usize, Vec<Vec<usize>>)>,
    captures: &[ArrayRef],
    origin: &Origin,
) -> Result<Vec<(usize, Vec<usize>)>> {
    while rows.iter().any(|(_, runs)| runs.len() > 1) {
        let mut merges = vec![];
        for (index, (row, runs)) in rows.iter_mut().enumerate() {
            let mut left = std::mem::take(runs).into_iter();
            while let Some(first) = left.next() {
                let merge = Merge {
                    row: *row,
                    left: first.into(),
                    right: left.next().unwrap_or_default().into(),
                    out: vec![],
                };
                merges.push((index, merge));
            }
        }
        let (owners, mut merges): (Vec<usize>, Vec<Merge>) = merges.into_iter().unzip();
        compare_all(lambda, values, &mut merges, captures, origin)?;
        for (owner, merge) in owners.into_iter().zip(merges) {
            rows[owner].1.push(merge.finished());
        }
    }
    let flat = |(row, runs): (usize, Vec<Vec<usize>>)| (row, runs.concat());
    Ok(rows.into_iter().map(flat).collect())
}

/// Runs all sorts until none has two items to compare.
fn compare_all<S: Sort>(
    lambda: &Lambda,
    values: &ArrayRef,
    sorts: &mut [S],
    captures: &[ArrayRef],
    origin: &Origin,
) -> Result<()> {
    loop {
        let open: Vec<(usize, (usize, usize))> = sorts
            .iter()
            .enumerate()
            .filter_map(|(index, sort)| Some((index, sort.pair()?)))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let place = |place: usize| u32::try_from(place).ok();
        let left: UInt32Array = open.iter().map(|(_, pair)| place(pair.0)).collect();
        let right: UInt32Array = open.iter().map(|(_, pair)| place(pair.1)).collect();
        let owners: UInt32Array = open
            .iter()
            .map(|(index, _)| place(sorts[*index].row()))
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
        for (index, (sort, _)) in open.iter().enumerate() {
            sorts[*sort].advance(orders.value(index));
        }
    }
}
