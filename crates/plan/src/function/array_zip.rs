//! `arrays_zip`: arrays side by side as one array of structs. Must not know the names that a query gives its fields.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::internal_err;
use datafusion::error::Result;

use super::call::{Call, as_list};
use super::scalar::{Function, Returns, Types};
use super::signature::{Param as P, list_of};

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[Function::new(
    "arrays_zip",
    &[P::Array],
    Returns::By(zipped_type),
    zip,
)
.variadic()
.doc(
    "Gives an array of structs of the items at the same place; shorter arrays are filled with NULLs.",
    "arrays_zip(array(1, 2), array('a', 'b'))",
)];

#[expect(clippy::unnecessary_wraps, reason = "functions of types may refuse")]
fn zipped_type(types: &Types<'_>) -> Result<DataType> {
    let fields = types.arguments.iter().enumerate().map(|(index, list)| {
        let item = match list {
            DataType::List(item) => item.data_type().clone(),
            _ => DataType::Null,
        };
        Field::new(index.to_string(), item, true)
    });
    Ok(list_of(&DataType::Struct(fields.collect())))
}

fn zip(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::List(item) = call.returns else {
        return internal_err!("a list was expected");
    };
    let DataType::Struct(fields) = item.data_type() else {
        return internal_err!("structs were expected");
    };
    let arrays = call
        .columns
        .iter()
        .map(|column| column.expanded(call.rows))
        .collect::<Result<Vec<_>>>()?;
    if arrays.iter().any(|array| array.data_type().is_null()) {
        return Ok(arrow::array::new_null_array(call.returns, call.rows));
    }
    let lists: Vec<&ListArray> = arrays.iter().map(as_list).collect();
    let mut places: Vec<Vec<Option<u32>>> = vec![vec![]; lists.len()];
    let (mut lengths, mut valid) = (vec![], vec![]);
    for row in 0..call.rows {
        let known = lists.iter().all(|list| list.is_valid(row));
        let ranges = lists
            .iter()
            .map(|list| super::map::bounds(list.value_offsets(), row));
        let ranges: Vec<_> = ranges.collect();
        let length = if known {
            ranges.iter().map(ExactSizeIterator::len).max().unwrap_or(0)
        } else {
            0
        };
        valid.push(known);
        lengths.push(length);
        for (places, range) in places.iter_mut().zip(ranges) {
            places.extend((0..length).map(|step| {
                let place = range.start + step;
                u32::try_from(place).ok().filter(|_| place < range.end)
            }));
        }
    }
    let columns = lists
        .iter()
        .zip(places)
        .map(|(list, places)| Ok(take(list.values(), &UInt32Array::from(places), None)?))
        .collect::<Result<Vec<_>>>()?;
    let fields: Fields = fields.clone();
    let columns: Vec<ArrayRef> = columns
        .iter()
        .zip(&fields)
        .map(|(column, field)| super::call::convert(column, field.data_type()))
        .collect::<Result<_>>()?;
    let length = lengths.iter().sum();
    let items = StructArray::try_new_with_length(fields, columns, None, length)?;
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(item),
        OffsetBuffer::from_lengths(lengths),
        Arc::new(items),
        Some(NullBuffer::from(valid)),
    )?))
}
