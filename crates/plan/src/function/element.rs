//! One item of an array, one value of a map: its type and how it is found.

use arrow::array::ArrayRef;
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::internal_err;
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Call, Int};
use super::error::{fail, fail_with};
use super::lists::Pool;
use super::scalar::Types;
use crate::rewrite::unify::{common_type, tightest_type};

/// The item type of an array, or the value type of a map.
pub(super) fn element_type(types: &Types<'_>) -> Result<DataType> {
    match types.arguments.first() {
        Some(DataType::List(item)) => Ok(item.data_type().clone()),
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => Ok(fields[1].data_type().clone()),
            _ => internal_err!("a map without keys and values"),
        },
        Some(DataType::Null) => Ok(DataType::Null),
        _ => internal_err!("`{}` was given no array first", types.name),
    }
}

/// As [`element_type`], of something that has a type.
pub(super) fn item_type(types: &Types<'_>) -> Result<DataType> {
    if types.arguments.first().is_some_and(DataType::is_null) {
        return fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            format!("`{}` is given a NULL of no type", types.name),
        );
    }
    element_type(types)
}

/// As [`item_type`], for an index that counts items or a key of the map's type.
pub(super) fn element_at_type(types: &Types<'_>) -> Result<DataType> {
    let found = types.arguments.get(1).unwrap_or(&DataType::Null);
    match types.arguments.first() {
        Some(DataType::Null) => item_type(types),
        Some(DataType::List(_)) if *found == DataType::Int64 || !found.is_integer() => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            format!("the index of `{}` must be an integer", types.name),
        ),
        Some(map @ DataType::Map(..)) => {
            key_fits(types.name, map, found, tightest_type)?;
            element_type(types)
        }
        _ => element_type(types),
    }
}

/// Where two types meet without a text being cast (Spark's `findWiderTypeWithoutStringPromotionForTwo`).
pub(super) fn common_but_text(left: &DataType, right: &DataType) -> Option<DataType> {
    let texts = [left, right].map(|t| *t == DataType::Utf8);
    common_type(left, right).filter(|_| texts[0] == texts[1])
}

/// Refuses a key that does not meet a map's keys.
pub(super) fn key_fits(
    name: &str,
    map: &DataType,
    found: &DataType,
    meet: fn(&DataType, &DataType) -> Option<DataType>,
) -> Result<()> {
    let (key, _) = super::map::key_value(map)?;
    if meet(&key, found).is_some() {
        return Ok(());
    }
    fail(
        &condition::DATATYPE_MISMATCH_MAP_FUNCTION_DIFF_TYPES,
        format!("the key given to `{name}` has another type than the keys of the map"),
    )
}

/// The item or value asked for; with `strict` one that is not there is an error.
pub(super) fn element_at(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    if let DataType::Map(..) = call.column(0)?.array().data_type() {
        return super::map::value_at(call);
    }
    let pool = Pool::new(call, 0..1, SortOptions::default())?;
    let indexes = call.converted::<Int>(1, &DataType::Int32)?;
    pool.items(call.rows, |row| {
        let (Some(range), Some(index)) = (pool.range(0, row), indexes.get(row)) else {
            return Ok(None);
        };
        let length = range.len();
        let found = match index {
            0 => {
                return fail(
                    &condition::INVALID_INDEX_OF_ZERO,
                    "the index of `element_at` counts from 1, or from -1 from the end",
                );
            }
            1.. => usize::try_from(index - 1).ok().filter(|i| *i < length),
            _ => usize::try_from(index.unsigned_abs())
                .ok()
                .and_then(|back| length.checked_sub(back)),
        };
        if found.is_none() && strict {
            return fail_with(
                &condition::INVALID_ARRAY_INDEX_IN_ELEMENT_AT,
                format!("index {index} is outside of the array, which has {length} items"),
                "to get NULL instead, use `try_element_at`",
            );
        }
        Ok(found.map(|i| range.start + i))
    })
}
