//! Arrays: searching, sorting, set operations, sequences. Lambdas live in `higher_order`, maps in `map`.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Bytes, Call, Int, List, Output, Text, Truth, as_list};
use super::element::{element_at, element_at_type, element_type, item_type};
use super::error::fail;
use super::lists::{ITEMS_MAX, Picks, Pool};
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::{Param as P, list_of};
use crate::rewrite::unify::holds_map;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("size", &[P::ArrayOrMap], Returns::Type(T::Int), size)
        .also(&["cardinality"])
        .doc("Counts the items of an array or the entries of a map; NULL for NULL.", "size(array(1, 2))"),
    Function::new("array_size", &[P::Array], Returns::Type(T::Int), size)
        .doc("Counts the items of an array; NULL for NULL.", "array_size(array(1, 2))"),
    Function::new("element_at", &[P::ArrayOrMap, P::Any], Returns::By(element_at_type), |c| element_at(c, true))
        .doc("Gives an item by its place from 1 (from the end if negative), or a map's value by its key.", "element_at(array(1, 2, 3), 2)"),
    Function::new("try_element_at", &[P::ArrayOrMap, P::Any], Returns::By(element_at_type), |c| element_at(c, false))
        .doc("Gives an item as element_at does, NULL if there is none.", "try_element_at(array(1, 2, 3), 4)"),
    Function::new("get", &[P::Array, P::Int], Returns::By(item_type), |c| {
        let pool = Pool::new(c, 0..1, SortOptions::default())?;
        let indexes = c.typed::<Int>(1)?;
        pool.items(c.rows, |row| {
            let (Some(range), Some(index)) = (pool.range(0, row), indexes.get(row)) else { return Ok(None) };
            Ok(usize::try_from(index).ok().and_then(|i| range.start.checked_add(i)).filter(|p| *p < range.end))
        })
    })
    .doc("Gives an item by its place from 0, NULL if there is none.", "get(array(1, 2, 3), 0)"),
    Function::new("array_contains", &[P::ArrayOf, P::KnownItem], Returns::Type(T::Boolean), |c| {
        let pool = Pool::new(c, 0..2, SortOptions::default())?;
        Truth::rows(c.rows, |row| {
            let (Some(range), Some(_)) = (pool.range(0, row), pool.range(1, row)) else { return Ok(None) };
            let wanted = pool.place(1, row);
            if range.clone().any(|p| !pool.is_null(p) && pool.key(p) == pool.key(wanted)) {
                return Ok(Some(true));
            }
            Ok(if range.clone().any(|p| pool.is_null(p)) { None } else { Some(false) })
        })
    })
    .doc("Whether an array holds a value.", "array_contains(array(1, 2, 3), 2)"),
    Function::new("array_position", &[P::ArrayOf, P::Item], Returns::Type(T::Long), |c| {
        let pool = Pool::new(c, 0..2, SortOptions::default())?;
        super::call::Long::rows(c.rows, |row| {
            let (Some(mut range), Some(_)) = (pool.range(0, row), pool.range(1, row)) else { return Ok(None) };
            let wanted = pool.place(1, row);
            let found = range.position(|p| !pool.is_null(p) && pool.key(p) == pool.key(wanted));
            Ok(i64::try_from(found.map_or(0, |p| p + 1)).ok())
        })
    })
    .doc("Gives the place of a value from 1, 0 if it is not there.", "array_position(array(3, 2, 1), 1)"),
    Function::new("array_remove", &[P::ArrayOf, P::Item], Returns::Argument(0), |c| {
        let pool = Pool::new(c, 0..2, SortOptions::default())?;
        pool.lists(c.rows, |row| {
            let (Some(range), Some(_)) = (pool.range(0, row), pool.range(1, row)) else { return Ok(None) };
            let wanted = pool.place(1, row);
            Ok(Some(range.filter(|p| pool.is_null(*p) || pool.key(*p) != pool.key(wanted)).collect()))
        })
    })
    .doc("Takes every occurrence of a value out.", "array_remove(array(1, 2, 1), 1)"),
    Function::new("array_append", &[P::ArrayOf, P::Item], Returns::Argument(0), |c| with_item(c, false))
        .doc("Puts a value at the end.", "array_append(array(1, 2), 3)"),
    Function::new("array_prepend", &[P::ArrayOf, P::Item], Returns::Argument(0), |c| with_item(c, true))
        .doc("Puts a value at the start.", "array_prepend(array(1, 2), 0)"),
    Function::new("array_distinct", &[P::Array], Returns::Argument(0), |c| {
        let pool = Pool::new(c, 0..1, SortOptions::default())?;
        pool.settled_lists(c.rows, |row| Ok(pool.range(0, row).map(|range| distinct(&pool, range))))
    })
    .doc("Keeps the first of equal items.", "array_distinct(array(1, 2, 1))"),
    Function::new("array_union", &[P::ArrayOf, P::ArrayOf], Returns::Argument(0), |c| {
        let pool = Pool::new(c, 0..2, SortOptions::default())?;
        pool.settled_lists(c.rows, |row| {
            Ok(pool.range(0, row).zip(pool.range(1, row)).map(|(a, b)| distinct(&pool, a.chain(b))))
        })
    })
    .doc("Joins two arrays without doubles.", "array_union(array(1, 2), array(2, 3))"),
    Function::new("array_intersect", &[P::ArrayOf, P::ArrayOf], Returns::Argument(0), |c| among(c, true))
        .doc("Keeps the items that the other array has too, without doubles.", "array_intersect(array(1, 2), array(2, 3))"),
    Function::new("array_except", &[P::ArrayOf, P::ArrayOf], Returns::Argument(0), |c| among(c, false))
        .doc("Keeps the items that the other array does not have, without doubles.", "array_except(array(1, 2), array(2, 3))"),
    Function::new("arrays_overlap", &[P::ArrayOf, P::ArrayOf], Returns::Type(T::Boolean), |c| {
        let pool = Pool::new(c, 0..2, SortOptions::default())?;
        Truth::rows(c.rows, |row| {
            let (Some(a), Some(b)) = (pool.range(0, row), pool.range(1, row)) else { return Ok(None) };
            let known: HashSet<_> = a.clone().filter(|p| !pool.is_null(*p)).map(|p| pool.key(p)).collect();
            if b.clone().any(|p| !pool.is_null(p) && known.contains(&pool.key(p))) {
                return Ok(Some(true));
            }
            let null = a.clone().chain(b.clone()).any(|p| pool.is_null(p));
            Ok(if null && !a.is_empty() && !b.is_empty() { None } else { Some(false) })
        })
    })
    .doc("Whether two arrays have an item in common.", "arrays_overlap(array(1, 2), array(2, 3))"),
    Function::new("array_compact", &[P::Array], Returns::Argument(0), |c| {
        let pool = Pool::new(c, 0..1, SortOptions::default())?;
        pool.lists(c.rows, |row| Ok(pool.range(0, row).map(|range| range.filter(|p| !pool.is_null(*p)).collect())))
    })
    .doc("Takes the NULLs out.", "array_compact(array(1, NULL))"),
    Function::new("array_max", &[P::Array], Returns::By(element_type), |c| extreme(c, true))
        .doc("Gives the greatest item, leaving out NULLs.", "array_max(array(1, 20, NULL))"),
    Function::new("array_min", &[P::Array], Returns::By(element_type), |c| extreme(c, false))
        .doc("Gives the least item, leaving out NULLs.", "array_min(array(1, 20, NULL))"),
    Function::new("sort_array", &[P::Array, P::Boolean], Returns::Argument(0), sort_array)
        .optional(1)
        .doc("Sorts an array, NULLs first when ascending and last when descending.", "sort_array(array('b', NULL, 'a'), true)"),
    Function::new("array_sort", &[P::Array], Returns::Argument(0), |c| sorted(c, false, false))
        .doc("Sorts an array ascending, NULLs last.", "array_sort(array('b', NULL, 'a'))"),
    Function::new("slice", &[P::Array, P::Int, P::Int], Returns::Argument(0), slice)
        .doc("Gives a number of items from a place on; a negative place counts from the end.", "slice(array(1, 2, 3, 4), 2, 2)"),
    Function::new("flatten", &[P::Array], Returns::By(flatten_type), flatten)
        .doc("Joins the arrays inside of an array.", "flatten(array(array(1, 2), array(3)))"),
    Function::new("array_join", &[P::Texts, P::Text, P::Text], Returns::Type(T::String), array_join)
        .optional(1)
        .doc("Joins the items as text with a separator, leaving out NULLs unless a text stands for them.", "array_join(array('a', NULL, 'b'), ' ', ',')"),
    Function::new("array_repeat", &[P::Any, P::ExactInt], Returns::By(|t| Ok(list_of(t.arguments.first().unwrap_or(&DataType::Null)))), array_repeat)
        .doc("Makes an array of one value a number of times.", "array_repeat('123', 2)"),
    Function::new("array_insert", &[P::ArrayOf, P::NarrowInt, P::Item], Returns::Argument(0), array_insert)
        .doc("Puts a value at a place, filling a gap with NULLs.", "array_insert(array(1, 2, 3), 2, 9)"),
];

fn size(call: &Call<'_>) -> Result<ArrayRef> {
    let array = call.column(0)?.expanded(call.rows)?;
    match array.data_type() {
        DataType::Map(..) => {
            let maps = array.as_map();
            Int::rows(call.rows, |row| {
                Ok(maps.is_valid(row).then(|| maps.value_length(row)))
            })
        }
        DataType::List(_) => {
            let lists = as_list(&array);
            Int::rows(call.rows, |row| {
                Ok(lists.is_valid(row).then(|| lists.value_length(row)))
            })
        }
        _ => Int::null(call.rows),
    }
}

fn with_item(call: &Call<'_>, first: bool) -> Result<ArrayRef> {
    let pool = Pool::new(call, 0..2, SortOptions::default())?;
    pool.lists(call.rows, |row| {
        let item = pool.place(1, row);
        Ok(pool.range(0, row).map(|range| {
            if first {
                std::iter::once(item).chain(range).collect()
            } else {
                range.chain([item]).collect()
            }
        }))
    })
}

fn distinct(pool: &Pool, places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut known = HashSet::new();
    places.filter(|p| known.insert(pool.key(*p))).collect()
}

fn among(call: &Call<'_>, wanted: bool) -> Result<ArrayRef> {
    let pool = Pool::new(call, 0..2, SortOptions::default())?;
    pool.settled_lists(call.rows, |row| {
        let (Some(a), Some(b)) = (pool.range(0, row), pool.range(1, row)) else {
            return Ok(None);
        };
        let other: HashSet<_> = b.map(|p| pool.key(p)).collect();
        Ok(Some(distinct(
            &pool,
            a.filter(|p| other.contains(&pool.key(*p)) == wanted),
        )))
    })
}

/// Refuses maps, also inside of items: they have no order.
fn refuse_unordered(call: &Call<'_>) -> Result<()> {
    if holds_map(call.column(0)?.array().data_type()) {
        return fail(
            &condition::DATATYPE_MISMATCH_INVALID_ORDERING_TYPE,
            format!("`{}` takes no maps: they have no order", call.name),
        );
    }
    Ok(())
}

fn extreme(call: &Call<'_>, greatest: bool) -> Result<ArrayRef> {
    refuse_unordered(call)?;
    let pool = Pool::new(call, 0..1, SortOptions::default())?;
    pool.items(call.rows, |row| {
        let Some(range) = pool.range(0, row) else {
            return Ok(None);
        };
        let items = range.filter(|p| !pool.is_null(*p));
        // Of items that are equal, -0.0 and 0.0 for one, the first.
        Ok(if greatest {
            items.rev().max_by(|a, b| pool.key(*a).cmp(&pool.key(*b)))
        } else {
            items.min_by(|a, b| pool.key(*a).cmp(&pool.key(*b)))
        })
    })
}

/// Sorts the items of lists. NULLs inside of items are the least values there are, wherever items that are NULL go.
fn sorted(call: &Call<'_>, descending: bool, nulls_first: bool) -> Result<ArrayRef> {
    refuse_unordered(call)?;
    let pool = Pool::new(
        call,
        0..1,
        SortOptions {
            descending,
            nulls_first: !descending,
        },
    )?;
    pool.lists(call.rows, |row| {
        Ok(pool.range(0, row).map(|range| {
            let mut places: Vec<usize> = range.collect();
            let key = |place: usize| (pool.is_null(place) != nulls_first, pool.key(place));
            places.sort_by(|a, b| key(*a).cmp(&key(*b)));
            places
        }))
    })
}

fn sort_array(call: &Call<'_>) -> Result<ArrayRef> {
    let ascending = if call.has(1) {
        call.typed::<Truth>(1)?.get(0).unwrap_or(true)
    } else {
        true
    };
    sorted(call, !ascending, ascending)
}

fn slice(call: &Call<'_>) -> Result<ArrayRef> {
    let pool = Pool::new(call, 0..1, SortOptions::default())?;
    let (starts, counts) = (call.typed::<Int>(1)?, call.typed::<Int>(2)?);
    pool.lists(call.rows, |row| {
        let (Some(range), Some(start), Some(count)) =
            (pool.range(0, row), starts.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if start == 0 {
            return fail(
                &condition::INVALID_PARAMETER_VALUE_START,
                "the start of `slice` counts from 1, or from -1 from the end",
            );
        }
        let Ok(count) = usize::try_from(count) else {
            return fail(
                &condition::INVALID_PARAMETER_VALUE_LENGTH,
                "the length of `slice` must not be negative",
            );
        };
        let skip = if start > 0 {
            usize::try_from(start - 1).ok()
        } else {
            range
                .len()
                .checked_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX))
        };
        Ok(Some(
            skip.map(|skip| range.skip(skip).take(count).collect())
                .unwrap_or_default(),
        ))
    })
}

fn flatten_type(types: &Types<'_>) -> Result<DataType> {
    match element_type(types)? {
        list @ DataType::List(_) => Ok(list),
        _ => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            "`flatten` takes an array of arrays",
        ),
    }
}

fn flatten(call: &Call<'_>) -> Result<ArrayRef> {
    let outer = call.column(0)?.expanded(call.rows)?;
    let outer = as_list(&outer);
    let inner = as_list(outer.values());
    let mut picks = Picks::default();
    let bounds = |offsets: &[i32], at: usize| {
        let get = |i: usize| {
            offsets
                .get(i)
                .and_then(|o| usize::try_from(*o).ok())
                .unwrap_or(0)
        };
        get(at)..get(at + 1)
    };
    for row in 0..call.rows {
        let lists = bounds(outer.value_offsets(), row);
        if outer.is_null(row) || lists.clone().any(|list| inner.is_null(list)) {
            picks.push(None)?;
        } else {
            picks.push(Some(
                lists
                    .flat_map(|list| bounds(inner.value_offsets(), list))
                    .collect(),
            ))?;
        }
    }
    picks.finish(inner.values())
}

fn array_join(call: &Call<'_>) -> Result<ArrayRef> {
    let (lists, separators) = (call.typed::<List>(0)?, call.typed::<Text>(1)?);
    let nulls = if call.has(2) {
        Some(call.typed::<Text>(2)?)
    } else {
        None
    };
    Text::rows(call.rows, |row| {
        let null = match &nulls {
            None => None,
            Some(nulls) => match nulls.get(row) {
                Some(null) => Some(null),
                None => return Ok(None),
            },
        };
        let (Some(items), Some(separator)) = (lists.get(row), separators.get(row)) else {
            return Ok(None);
        };
        let parts: Vec<&str> = items
            .as_string::<i32>()
            .iter()
            .filter_map(|item| item.or(null))
            .collect();
        Ok(Some(parts.join(separator)))
    })
}

fn array_repeat(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.column(0)?.expanded(call.rows)?;
    let counts = call.typed::<Int>(1)?;
    let mut picks = Picks::default();
    for row in 0..call.rows {
        let count = counts.get(row).map(|n| usize::try_from(n).unwrap_or(0));
        if count.is_some_and(|n| n > ITEMS_MAX) {
            return fail(
                &condition::COLLECTION_SIZE_LIMIT_EXCEEDED,
                "`array_repeat` would make too many items",
            );
        }
        picks.push(count.map(|n| vec![row; n]))?;
    }
    picks.finish(&values)
}

fn array_insert(call: &Call<'_>) -> Result<ArrayRef> {
    let lists = call.typed::<List>(0)?;
    let places = call.typed::<Int>(1)?;
    let items = call.column(2)?.expanded(call.rows)?;
    let DataType::List(item) = call.returns else {
        return internal_err!("`array_insert` returns an array");
    };
    let null = ScalarValue::try_from(item.data_type())?;
    let mut rows: Vec<Option<Vec<ScalarValue>>> = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let (Some(list), Some(place)) = (lists.get(row), places.get(row)) else {
            rows.push(None);
            continue;
        };
        let mut values = (0..list.len())
            .map(|i| ScalarValue::try_from_array(&list, i))
            .collect::<Result<Vec<_>>>()?;
        let distance = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
        if distance == 0 || distance > ITEMS_MAX {
            return fail(
                &condition::INVALID_INDEX_OF_ZERO,
                "the place of `array_insert` counts from 1, or from -1 from the end",
            );
        }
        let value = ScalarValue::try_from_array(&items, row)?;
        if place > 0 {
            values.resize(values.len().max(distance - 1), null.clone());
            values.insert(distance - 1, value);
        } else if distance - 1 <= values.len() {
            values.insert(values.len() - (distance - 1), value);
        } else {
            let gap = distance - 1 - values.len();
            values.splice(
                0..0,
                std::iter::once(value).chain(std::iter::repeat_n(null.clone(), gap)),
            );
        }
        rows.push(Some(values));
    }
    list_of_scalars(rows, item.data_type())
}

/// Lists of single values.
pub(super) fn list_of_scalars(
    rows: Vec<Option<Vec<ScalarValue>>>,
    item: &DataType,
) -> Result<ArrayRef> {
    let mut all = vec![];
    let mut picks = Picks::default();
    for row in rows {
        picks.push(row.map(|values| {
            let from = all.len();
            all.extend(values);
            (from..all.len()).collect()
        }))?;
    }
    let values = if all.is_empty() {
        arrow::array::new_empty_array(item)
    } else {
        ScalarValue::iter_to_array(all)?
    };
    picks.finish(&values)
}

/// Turns a string or an array around.
pub(super) fn reverse(call: &Call<'_>) -> Result<ArrayRef> {
    if let DataType::List(_) = call.column(0)?.array().data_type() {
        let pool = Pool::new(call, 0..1, SortOptions::default())?;
        return pool.lists(call.rows, |row| {
            Ok(pool.range(0, row).map(|range| range.rev().collect()))
        });
    }
    if *call.column(0)?.array().data_type() == DataType::Binary {
        return call.map1::<Bytes, Bytes>(|bytes| Ok(Some(bytes.iter().rev().copied().collect())));
    }
    call.map1::<Text, Text>(|text| Ok(Some(text.chars().rev().collect())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn lists_of_scalars_keep_nulls_apart_from_empty_lists() {
        let rows = vec![
            Some(vec![ScalarValue::Int32(Some(1)), ScalarValue::Int32(None)]),
            None,
            Some(vec![]),
        ];
        let array = list_of_scalars(rows, &DataType::Int32).unwrap();
        let lists = as_list(&array);
        assert_eq!(
            (
                lists.value_length(0),
                lists.is_null(1),
                lists.value_length(2)
            ),
            (2, true, 0)
        );
        assert!(Arc::clone(lists.values()).is_null(1));
    }
}
