//! `aggregate`: the items of each row joined to one value, all rows a step at a time. Must not know maps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{interleave, take};
use datafusion::error::Result;

use super::{Lambda, all_rows};

/// `aggregate(array, start, (a, x) -> …[, a -> …])`; NULL for a NULL array.
pub(super) fn aggregate(
    merge: &Lambda,
    finish: Option<&Lambda>,
    array: &ArrayRef,
    start: &ArrayRef,
    captures: &[ArrayRef],
) -> Result<ArrayRef> {
    let list = array.as_list::<i32>();
    let mut folded = Arc::clone(start);
    let mut open: Vec<usize> = (0..list.len()).filter(|row| list.is_valid(*row)).collect();
    for step in 0.. {
        open.retain(|row| {
            usize::try_from(list.value_length(*row)).is_ok_and(|length| length > step)
        });
        if open.is_empty() {
            break;
        }
        let owners: UInt32Array = open.iter().map(|row| u32::try_from(*row).ok()).collect();
        let places: UInt32Array = open
            .iter()
            .map(|row| {
                let range = super::super::map::bounds(list.value_offsets(), *row);
                u32::try_from(range.start + step).ok()
            })
            .collect();
        let parameters = [
            take(&folded, &owners, None)?,
            take(list.values(), &places, None)?,
        ];
        let made = merge.run(&parameters, &owners, captures)?;
        let mut from: Vec<(usize, usize)> = (0..list.len()).map(|row| (0, row)).collect();
        for (index, row) in open.iter().enumerate() {
            from[*row] = (1, index);
        }
        let folded_before = super::convert(&folded, made.data_type())?;
        folded = interleave(&[folded_before.as_ref(), made.as_ref()], &from)?;
    }
    // A NULL array has no value to finish.
    let valid: Vec<usize> = (0..list.len()).filter(|row| list.is_valid(*row)).collect();
    let owners: UInt32Array = valid.iter().map(|row| u32::try_from(*row).ok()).collect();
    let made = match finish {
        Some(finish) => finish.run(&[take(&folded, &owners, None)?], &owners, captures)?,
        None => take(&folded, &owners, None)?,
    };
    let mut back: Vec<Option<u32>> = vec![None; list.len()];
    for (index, row) in valid.iter().enumerate() {
        back[*row] = u32::try_from(index).ok();
    }
    if made.is_empty() {
        return Ok(arrow::array::new_null_array(
            made.data_type(),
            all_rows(list.len()).len(),
        ));
    }
    Ok(take(&made, &UInt32Array::from(back), None)?)
}
