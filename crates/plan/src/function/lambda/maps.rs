//! Lambdas over the entries of maps. Must not know arrays.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;

use super::super::map::{Maps, bounds, key_value};
use super::{Lambda, truth};
use crate::function::call::convert;

/// The entries of the valid rows of a map column, one after the other.
struct Entries {
    places: Vec<u32>,
    owners: UInt32Array,
    /// The entries of each row, `None` for NULL.
    rows: Vec<Option<std::ops::Range<usize>>>,
}

impl Entries {
    fn of(maps: &MapArray) -> Self {
        let (mut places, mut owners, mut rows) = (vec![], vec![], vec![]);
        for row in 0..maps.len() {
            if maps.is_null(row) {
                rows.push(None);
                continue;
            }
            let from = places.len();
            for place in bounds(maps.value_offsets(), row) {
                places.push(u32::try_from(place).unwrap_or_default());
                owners.push(u32::try_from(row).unwrap_or_default());
            }
            rows.push(Some(from..places.len()));
        }
        Self {
            places,
            owners: owners.into(),
            rows,
        }
    }

    /// Keys and values.
    fn sides(&self, maps: &MapArray) -> Result<[ArrayRef; 2]> {
        let places = UInt32Array::from(self.places.clone());
        Ok([
            take(maps.keys(), &places, None)?,
            take(maps.values(), &places, None)?,
        ])
    }
}

/// `map_filter(map, (k, v) -> …)`.
pub(super) fn filter(lambda: &Lambda, map: &ArrayRef, captures: &[ArrayRef]) -> Result<ArrayRef> {
    let maps = map.as_map();
    let entries = Entries::of(maps);
    let sides = entries.sides(maps)?;
    let kept = lambda.run(&sides, &entries.owners, captures)?;
    let mut out = Maps::new();
    for row in &entries.rows {
        match row {
            None => out.null(),
            Some(range) => out.row(
                range
                    .clone()
                    .filter(|at| truth(&kept, *at) == Some(true))
                    .map(|at| ((0, at), (0, at))),
            ),
        }
    }
    out.finish(&[sides[0].as_ref()], &[sides[1].as_ref()], map.data_type())
}

/// `transform_keys` and `transform_values`.
pub(super) fn transform(
    lambda: &Lambda,
    map: &ArrayRef,
    captures: &[ArrayRef],
    returns: &DataType,
    keys: bool,
) -> Result<ArrayRef> {
    let maps = map.as_map();
    let entries = Entries::of(maps);
    let sides = entries.sides(maps)?;
    let made = lambda.run(&sides, &entries.owners, captures)?;
    let [key, value] = &sides;
    let (key, value) = if keys { (&made, value) } else { (key, &made) };
    let mut out = Maps::new();
    for row in &entries.rows {
        match row {
            None => out.null(),
            Some(range) => out.row(range.clone().map(|at| ((0, at), (0, at)))),
        }
    }
    out.finish(&[key.as_ref()], &[value.as_ref()], returns)
}

/// `map_zip_with(left, right, (k, x, y) -> …)`: the keys of the left map, then the others of the right one.
pub(super) fn zip_with(
    lambda: &Lambda,
    left: &ArrayRef,
    right: &ArrayRef,
    captures: &[ArrayRef],
    returns: &DataType,
) -> Result<ArrayRef> {
    let (key_type, _) = key_value(returns)?;
    let (left, right) = (left.as_map(), right.as_map());
    let keys = [
        convert(left.keys(), &key_type)?,
        convert(right.keys(), &key_type)?,
    ];
    let converter = RowConverter::new(vec![SortField::new(key_type)])?;
    let rows = [
        converter.convert_columns(&keys[..1])?,
        converter.convert_columns(&keys[1..])?,
    ];
    let (mut at, mut xs, mut ys, mut owners) = (vec![], vec![], vec![], vec![]);
    let mut out = Maps::new();
    for row in 0..left.len() {
        if left.is_null(row) || right.is_null(row) {
            out.null();
            continue;
        }
        let from = at.len();
        let mut known = HashMap::new();
        for place in bounds(left.value_offsets(), row) {
            known.insert(rows[0].row(place), at.len());
            at.push((0, place));
            xs.push(u32::try_from(place).ok());
            ys.push(None);
        }
        for place in bounds(right.value_offsets(), row) {
            match known.get(&rows[1].row(place)) {
                Some(found) => ys[*found] = u32::try_from(place).ok(),
                None => {
                    at.push((1, place));
                    xs.push(None);
                    ys.push(u32::try_from(place).ok());
                }
            }
        }
        owners.extend(std::iter::repeat_n(
            u32::try_from(row).unwrap_or_default(),
            at.len() - from,
        ));
        out.row((from..at.len()).map(|place| ((0, place), (0, place))));
    }
    let both: Vec<&dyn Array> = keys.iter().map(AsRef::as_ref).collect();
    let key = if at.is_empty() {
        keys[0].slice(0, 0)
    } else {
        arrow::compute::interleave(&both, &at)?
    };
    let parameters = [
        Arc::clone(&key),
        take(left.values(), &UInt32Array::from(xs), None)?,
        take(right.values(), &UInt32Array::from(ys), None)?,
    ];
    let made = lambda.run(&parameters, &UInt32Array::from(owners), captures)?;
    out.finish(&[key.as_ref()], &[made.as_ref()], returns)
}
