//! Lists of several arguments seen as one pool of items, so that a function only says which items a row keeps.
//! Must not know any function.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, concat, take};
use arrow::datatypes::{DataType, Field};
use arrow::row::{Row, RowConverter, Rows, SortField};
use datafusion::common::internal_err;
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::Call;
use super::error::fail;

/// Items that one list may have: keeps a row within memory.
pub(super) const ITEMS_MAX: usize = 1 << 26;

/// All items of the array arguments of a call, and the single values beside them.
pub(super) struct Pool {
    values: ArrayRef,
    rows: Rows,
    parts: Vec<Part>,
}

enum Part {
    Lists { lists: ListArray, base: usize },
    Items { items: ArrayRef, base: usize },
}

impl Pool {
    /// Takes the first arguments: lists give their items, other columns one item per row.
    ///
    /// # Errors
    /// The arguments do not have one item type.
    pub(super) fn new(
        call: &Call<'_>,
        arguments: Range<usize>,
        options: SortOptions,
    ) -> Result<Self> {
        let first = call.column(arguments.start)?.array().data_type().clone();
        let DataType::List(item) = &first else {
            return internal_err!("`{}` was given no array first", call.name);
        };
        let item = item.data_type().clone();
        let mut parts = vec![];
        let mut arrays: Vec<ArrayRef> = vec![];
        let mut base = 0;
        for index in arguments {
            let column = call.column(index)?.expanded(call.rows)?;
            let values = if column.data_type() == &first {
                let lists = column.as_list::<i32>().clone();
                let values = Arc::clone(lists.values());
                parts.push(Part::Lists { lists, base });
                values
            } else {
                parts.push(Part::Items {
                    items: Arc::clone(&column),
                    base,
                });
                column
            };
            base += values.len();
            arrays.push(values);
        }
        let parts_of: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        let values = if parts_of.len() == 1 {
            Arc::clone(&arrays[0])
        } else {
            concat(&parts_of)?
        };
        // Keys take -0.0 and 0.0 for one value; the items keep their sign.
        let keys = crate::rewrite::float::kernel(&values, true)?;
        let rows = RowConverter::new(vec![SortField::new_with_options(item, options)])?
            .convert_columns(&[keys])?;
        Ok(Self {
            values,
            rows,
            parts,
        })
    }

    /// Places of the items of a list argument, `None` for NULL.
    pub(super) fn range(&self, argument: usize, row: usize) -> Option<Range<usize>> {
        match self.parts.get(argument)? {
            Part::Lists { lists, base } => {
                let offsets = lists.value_offsets();
                let at = |i: usize| {
                    offsets
                        .get(i)
                        .and_then(|o| usize::try_from(*o).ok())
                        .unwrap_or(0)
                        + base
                };
                lists.is_valid(row).then(|| at(row)..at(row + 1))
            }
            Part::Items { items, base } => {
                items.is_valid(row).then_some(base + row..base + row + 1)
            }
        }
    }

    /// Place of the single value of an argument, NULL or not.
    pub(super) fn place(&self, argument: usize, row: usize) -> usize {
        match self.parts.get(argument) {
            Some(Part::Items { base, .. } | Part::Lists { base, .. }) => base + row,
            None => 0,
        }
    }

    /// Whether the item at a place is NULL.
    pub(super) fn is_null(&self, place: usize) -> bool {
        self.values.is_null(place)
    }

    /// An item in a form that compares and hashes as Spark compares items.
    pub(super) fn key(&self, place: usize) -> Row<'_> {
        self.rows.row(place)
    }

    /// A list per row of the items at the places chosen; `None` makes a NULL row.
    ///
    /// # Errors
    /// Those of `choose`; too many items.
    pub(super) fn lists(
        &self,
        rows: usize,
        mut choose: impl FnMut(usize) -> Result<Option<Vec<usize>>>,
    ) -> Result<ArrayRef> {
        let mut builder = Picks::default();
        for row in 0..rows {
            builder.push(choose(row)?)?;
        }
        builder.finish(&self.values)
    }

    /// As [`Self::lists`], of items in the form that they are compared in: where equal items become one, no -0.0 is left.
    ///
    /// # Errors
    /// Those of `choose`; too many items.
    pub(super) fn settled_lists(
        &self,
        rows: usize,
        mut choose: impl FnMut(usize) -> Result<Option<Vec<usize>>>,
    ) -> Result<ArrayRef> {
        let mut builder = Picks::default();
        for row in 0..rows {
            builder.push(choose(row)?)?;
        }
        builder.finish(&crate::rewrite::float::kernel(&self.values, true)?)
    }

    /// One item per row.
    ///
    /// # Errors
    /// Those of `choose`.
    pub(super) fn items(
        &self,
        rows: usize,
        mut choose: impl FnMut(usize) -> Result<Option<usize>>,
    ) -> Result<ArrayRef> {
        let mut places = Vec::with_capacity(rows);
        for row in 0..rows {
            places.push(choose(row)?.and_then(|p| u32::try_from(p).ok()));
        }
        Ok(take(&self.values, &UInt32Array::from(places), None)?)
    }
}

/// Lists under construction: places of their items in some array.
#[derive(Default)]
pub(super) struct Picks {
    places: Vec<u32>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Picks {
    /// Adds a row.
    ///
    /// # Errors
    /// The lists together are too long for one batch.
    pub(super) fn push(&mut self, places: Option<Vec<usize>>) -> Result<()> {
        self.valid.push(places.is_some());
        let places = places.unwrap_or_default();
        self.lengths.push(places.len());
        for place in places {
            match u32::try_from(place) {
                Ok(place) if self.places.len() < i32::MAX as usize => self.places.push(place),
                _ => {
                    return fail(
                        &condition::COLLECTION_SIZE_LIMIT_EXCEEDED,
                        "the arrays of one batch hold too many items",
                    );
                }
            }
        }
        Ok(())
    }

    /// The lists over the items of `values`.
    ///
    /// # Errors
    /// A place lies outside.
    pub(super) fn finish(self, values: &ArrayRef) -> Result<ArrayRef> {
        let items = take(values, &UInt32Array::from(self.places), None)?;
        let field = Arc::new(Field::new("element", items.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            items,
            Some(NullBuffer::from(self.valid)),
        )?))
    }
}
