//! Casts of arrays, maps and structs: element by element, structs by position, names from the target.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use sluice_model::SparkType;

use super::{CastError, CastMode, cast_in};
use crate::datetime::Zone;

/// Casts a nested array to a nested type of the same kind.
pub(super) fn cast(
    array: &ArrayRef,
    to: &SparkType,
    mode: CastMode,
    zone: &Zone,
) -> Result<ArrayRef, CastError> {
    let from = SparkType::from_arrow(array.data_type()).unwrap_or(SparkType::Null);
    let internal = |error: &arrow_schema::ArrowError| CastError::internal(error, &from, to);
    match (to, array.data_type()) {
        (SparkType::Array(element), DataType::List(_)) => {
            let list = array.as_list::<i32>();
            let (offsets, items) = window(list.offsets(), list.values());
            let items = cast_in(&items, element, mode, zone)?;
            let field = Arc::new(Field::new("element", items.data_type().clone(), true));
            let out = ListArray::try_new(field, offsets, items, list.nulls().cloned());
            Ok(Arc::new(out.map_err(|error| internal(&error))?))
        }
        (SparkType::Map(key, value), DataType::Map(..)) => {
            let map = array.as_map();
            let (offsets, keys) = window(map.offsets(), map.keys());
            let (_, values) = window(map.offsets(), map.values());
            let keys = cast_in(&keys, key, mode, zone)?;
            let values = cast_in(&values, value, mode, zone)?;
            let fields = Fields::from(vec![
                Field::new("key", keys.data_type().clone(), false),
                Field::new("value", values.data_type().clone(), true),
            ]);
            let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)
                .map_err(|error| internal(&error))?;
            let field = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
            let out = MapArray::try_new(field, offsets, entries, map.nulls().cloned(), false);
            Ok(Arc::new(out.map_err(|error| internal(&error))?))
        }
        (SparkType::Struct(targets), DataType::Struct(_)) => {
            let source = array.as_struct();
            let mut columns = vec![];
            let mut fields = vec![];
            for (column, target) in source.columns().iter().zip(targets) {
                // A NULL struct may hide values that could not be cast.
                let nulls = arrow_buffer::NullBuffer::union(
                    column.logical_nulls().as_ref(),
                    source.nulls(),
                );
                let cast = if *column.data_type() == DataType::Null {
                    arrow_array::new_null_array(&target.data_type.to_arrow(), column.len())
                } else {
                    let data = column
                        .to_data()
                        .into_builder()
                        .nulls(nulls)
                        .build()
                        .map_err(|error| internal(&error))?;
                    let column = arrow_array::make_array(data);
                    cast_in(&column, &target.data_type, mode, zone)?
                };
                fields.push(Field::new(&target.name, cast.data_type().clone(), true));
                columns.push(cast);
            }
            let out = StructArray::try_new_with_length(
                fields.into(),
                columns,
                source.nulls().cloned(),
                source.len(),
            );
            Ok(Arc::new(out.map_err(|error| internal(&error))?))
        }
        _ => Err(CastError::unknown_type(array.data_type())),
    }
}

/// Only the items that the offsets reach, so that hidden ones are never cast.
fn window(offsets: &OffsetBuffer<i32>, items: &ArrayRef) -> (OffsetBuffer<i32>, ArrayRef) {
    let start = offsets.first().copied().unwrap_or(0);
    let end = offsets.last().copied().unwrap_or(0);
    let from = usize::try_from(start).unwrap_or(0);
    let length = usize::try_from(end - start).unwrap_or(0);
    let moved: Vec<i32> = offsets.iter().map(|offset| offset - start).collect();
    (OffsetBuffer::new(moved.into()), items.slice(from, length))
}
