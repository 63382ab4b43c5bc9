//! Maps: a key stands once; a second one is an error, as is NULL. Must not know arrays beyond their items.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::row::{RowConverter, SortField};
use datafusion::common::internal_err;
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Call, Output, Truth, as_list, convert};
use super::element::{common_but_text, key_fits};
use super::error::fail;
use super::regexp::Known;
use super::scalar::{Function, Returns, Types};
use super::signature::{Param as P, list_of};
use crate::rewrite::unify::holds_map;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "map",
        &[P::Key, P::Value],
        Returns::By(|t| map_type(t.arguments.first(), t.arguments.get(1))),
        make,
    )
    .variadic()
    .optional(2)
    .doc(
        "Makes a map of keys and values in turn.",
        "map(1.0, '2', 3.0, '4')",
    ),
    Function::new(
        "map_keys",
        &[P::Map],
        Returns::By(|t| Ok(list_of(&sides(t)?.0))),
        |c| column(c, 0),
    )
    .doc("Gives the keys.", "map_keys(map(1, 'a'))"),
    Function::new(
        "map_values",
        &[P::Map],
        Returns::By(|t| Ok(list_of(&sides(t)?.1))),
        |c| column(c, 1),
    )
    .doc("Gives the values.", "map_values(map(1, 'a'))"),
    Function::new("map_entries", &[P::Map], Returns::By(entries_type), |c| {
        let array = c.column(0)?.expanded(c.rows)?;
        let maps = array.as_map();
        let entries = Arc::new(maps.entries().clone()) as ArrayRef;
        list(maps, &entries, c.returns)
    })
    .doc(
        "Gives the entries as structs of key and value.",
        "map_entries(map(1, 'a'))",
    ),
    Function::new(
        "map_from_arrays",
        &[P::Array, P::Array],
        Returns::By(from_arrays_type),
        from_arrays,
    )
    .doc(
        "Makes a map of an array of keys and an array of values.",
        "map_from_arrays(array(1.0, 3.0), array('2', '4'))",
    ),
    Function::new(
        "map_from_entries",
        &[P::Array],
        Returns::By(from_entries_type),
        from_entries,
    )
    .doc(
        "Makes a map of an array of structs of key and value.",
        "map_from_entries(array(struct(1, 'a')))",
    ),
    Function::new(
        "map_contains_key",
        &[P::Map, P::Any],
        Returns::By(|t| {
            let key = t.arguments.get(1).unwrap_or(&DataType::Null);
            if key.is_null() || t.arguments.first().is_some_and(DataType::is_null) {
                return fail(
                    &condition::DATATYPE_MISMATCH_NULL_TYPE,
                    format!("`{}` is given a NULL of no type", t.name),
                );
            }
            let map = t.arguments.first().unwrap_or(&DataType::Null);
            key_fits(t.name, map, key, common_but_text)?;
            Ok(DataType::Boolean)
        }),
        |c| {
            let found = places(c)?;
            Truth::rows(c.rows, |row| {
                Ok(found.get(row).copied().flatten().map(|p| p.is_some()))
            })
        },
    )
    .doc(
        "Whether a map has a key.",
        "map_contains_key(map(1, 'a'), 1)",
    ),
    Function::new("map_concat", &[P::Map], Returns::By(joined_type), concat)
        .variadic()
        .doc("Joins maps.", "map_concat(map(1, 'a'), map(2, 'b'))"),
    Function::new(
        "str_to_map",
        &[P::Text, P::Text, P::Text],
        Returns::By(|_| map_of(&DataType::Utf8, &DataType::Utf8)),
        str_to_map,
    )
    .optional(2)
    .doc(
        "Makes a map of a text of pairs; both separators are patterns.",
        "str_to_map('a:1,b:2', ',', ':')",
    ),
];

fn joined_type(types: &Types<'_>) -> Result<DataType> {
    match types.arguments {
        [first, rest @ ..] if !first.is_null() && !rest.iter().any(DataType::is_null) => {
            Ok(first.clone())
        }
        _ => fail(
            &condition::DATATYPE_MISMATCH_DATA_DIFF_TYPES,
            "`map_concat` takes maps of one type",
        ),
    }
}

pub(crate) fn map_of(key: &DataType, value: &DataType) -> Result<DataType> {
    if holds_map(key) {
        return fail(
            &condition::DATATYPE_MISMATCH_INVALID_MAP_KEY_TYPE,
            "the keys of a map are no maps, and hold none: two of them cannot be compared",
        );
    }
    let entries = Fields::from(vec![
        Field::new("key", key.clone(), false),
        Field::new("value", value.clone(), true),
    ]);
    Ok(DataType::Map(
        Arc::new(Field::new("key_value", DataType::Struct(entries), false)),
        false,
    ))
}

fn map_type(key: Option<&DataType>, value: Option<&DataType>) -> Result<DataType> {
    map_of(
        key.unwrap_or(&DataType::Null),
        value.unwrap_or(&DataType::Null),
    )
}

pub(super) fn key_value(map: &DataType) -> Result<(DataType, DataType)> {
    if let DataType::Map(entries, _) = map
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
    {
        return Ok((key.data_type().clone(), value.data_type().clone()));
    }
    if map.is_null() {
        return Ok((DataType::Null, DataType::Null));
    }
    internal_err!("expected a map, found {map}")
}

fn sides(types: &Types<'_>) -> Result<(DataType, DataType)> {
    key_value(types.arguments.first().unwrap_or(&DataType::Null))
}

fn entries_type(types: &Types<'_>) -> Result<DataType> {
    let (key, value) = sides(types)?;
    let fields = Fields::from(vec![
        Field::new("key", key, false),
        Field::new("value", value, true),
    ]);
    Ok(list_of(&DataType::Struct(fields)))
}

fn item(types: &Types<'_>, index: usize) -> DataType {
    match types.arguments.get(index) {
        Some(DataType::List(item)) => item.data_type().clone(),
        _ => DataType::Null,
    }
}

fn from_arrays_type(types: &Types<'_>) -> Result<DataType> {
    map_of(&item(types, 0), &item(types, 1))
}

fn from_entries_type(types: &Types<'_>) -> Result<DataType> {
    match item(types, 0) {
        DataType::Struct(fields) if fields.len() == 2 => {
            map_of(fields[0].data_type(), fields[1].data_type())
        }
        _ => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            "`map_from_entries` takes an array of structs of two fields",
        ),
    }
}

/// Lists over the items of a map's entries.
fn list(maps: &MapArray, items: &ArrayRef, returns: &DataType) -> Result<ArrayRef> {
    let field = Arc::new(Field::new("element", items.data_type().clone(), true));
    let lists = arrow::array::ListArray::try_new(
        field,
        maps.offsets().clone(),
        Arc::clone(items),
        maps.nulls().cloned(),
    )?;
    convert(&(Arc::new(lists) as ArrayRef), returns)
}

fn column(call: &Call<'_>, index: usize) -> Result<ArrayRef> {
    let array = call.column(0)?.expanded(call.rows)?;
    if array.data_type().is_null() {
        return Ok(arrow::array::new_null_array(call.returns, call.rows));
    }
    let maps = array.as_map();
    list(maps, maps.entries().column(index), call.returns)
}

/// Maps under construction: for each row, places of keys and values in some arrays.
pub(super) struct Maps {
    keys: Vec<(usize, usize)>,
    values: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Maps {
    pub(super) fn new() -> Self {
        Self {
            keys: vec![],
            values: vec![],
            lengths: vec![],
            valid: vec![],
        }
    }

    pub(super) fn null(&mut self) {
        self.lengths.push(0);
        self.valid.push(false);
    }

    pub(super) fn row(&mut self, entries: impl Iterator<Item = ((usize, usize), (usize, usize))>) {
        let before = self.keys.len();
        for (key, value) in entries {
            self.keys.push(key);
            self.values.push(value);
        }
        self.lengths.push(self.keys.len() - before);
        self.valid.push(true);
    }

    /// Gathers keys and values and checks the keys.
    pub(super) fn finish(
        self,
        keys: &[&dyn Array],
        values: &[&dyn Array],
        returns: &DataType,
    ) -> Result<ArrayRef> {
        let (key_type, value_type) = key_value(returns)?;
        let keys = gather(keys, &self.keys, &key_type)?;
        let values = gather(values, &self.values, &value_type)?;
        if keys.null_count() > 0 || (keys.data_type().is_null() && !keys.is_empty()) {
            return fail(&condition::NULL_MAP_KEY, "NULL cannot be a key of a map");
        }
        let rows = RowConverter::new(vec![SortField::new(key_type)])?
            .convert_columns(std::slice::from_ref(&keys))?;
        let mut from = 0;
        for length in &self.lengths {
            let mut known = HashSet::new();
            if !(from..from + length).all(|place| known.insert(rows.row(place))) {
                return fail(
                    &condition::DUPLICATED_MAP_KEY,
                    "a key stands twice in a map",
                );
            }
            from += length;
        }
        let DataType::Map(field, sorted) = returns else {
            return internal_err!("a map was expected");
        };
        let DataType::Struct(fields) = field.data_type() else {
            return internal_err!("a map has entries");
        };
        let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(MapArray::try_new(
            Arc::clone(field),
            offsets,
            entries,
            Some(NullBuffer::from(self.valid)),
            *sorted,
        )?))
    }
}

fn gather(arrays: &[&dyn Array], places: &[(usize, usize)], wanted: &DataType) -> Result<ArrayRef> {
    if places.is_empty() {
        return Ok(arrow::array::new_empty_array(wanted));
    }
    convert(&interleave(arrays, places)?, wanted)
}

fn make(call: &Call<'_>) -> Result<ArrayRef> {
    if !call.columns.len().is_multiple_of(2) {
        return fail(
            &condition::WRONG_NUM_ARGS,
            "`map` takes keys and values in turn",
        );
    }
    let arrays = call
        .columns
        .iter()
        .map(|c| c.expanded(call.rows))
        .collect::<Result<Vec<_>>>()?;
    let keys: Vec<&dyn Array> = arrays.iter().step_by(2).map(AsRef::as_ref).collect();
    let values: Vec<&dyn Array> = arrays
        .iter()
        .skip(1)
        .step_by(2)
        .map(AsRef::as_ref)
        .collect();
    let mut maps = Maps::new();
    for row in 0..call.rows {
        maps.row((0..keys.len()).map(|pair| ((pair, row), (pair, row))));
    }
    maps.finish(&keys, &values, call.returns)
}

pub(super) fn bounds(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let get = |i: usize| {
        offsets
            .get(i)
            .and_then(|o| usize::try_from(*o).ok())
            .unwrap_or(0)
    };
    get(row)..get(row + 1)
}

fn from_arrays(call: &Call<'_>) -> Result<ArrayRef> {
    let (keys, values) = (
        call.column(0)?.expanded(call.rows)?,
        call.column(1)?.expanded(call.rows)?,
    );
    let (keys, values) = (as_list(&keys), as_list(&values));
    let mut maps = Maps::new();
    for row in 0..call.rows {
        if keys.is_null(row) || values.is_null(row) {
            maps.null();
            continue;
        }
        let (k, v) = (
            bounds(keys.value_offsets(), row),
            bounds(values.value_offsets(), row),
        );
        if k.len() != v.len() {
            return fail(
                &condition::INVALID_PARAMETER_VALUE,
                "the arrays of keys and values differ in length",
            );
        }
        maps.row(k.zip(v).map(|(k, v)| ((0, k), (0, v))));
    }
    maps.finish(
        &[keys.values().as_ref()],
        &[values.values().as_ref()],
        call.returns,
    )
}

fn from_entries(call: &Call<'_>) -> Result<ArrayRef> {
    let array = call.column(0)?.expanded(call.rows)?;
    let lists = as_list(&array);
    let entries = lists.values().as_struct();
    let mut maps = Maps::new();
    for row in 0..call.rows {
        let range = bounds(lists.value_offsets(), row);
        if lists.is_null(row) || range.clone().any(|place| entries.is_null(place)) {
            maps.null();
        } else {
            maps.row(range.map(|place| ((0, place), (0, place))));
        }
    }
    maps.finish(
        &[entries.column(0).as_ref()],
        &[entries.column(1).as_ref()],
        call.returns,
    )
}

fn concat(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays = call
        .columns
        .iter()
        .map(|c| convert(&c.expanded(call.rows)?, call.returns))
        .collect::<Result<Vec<_>>>()?;
    let maps: Vec<&MapArray> = arrays.iter().map(AsArray::as_map).collect();
    let keys: Vec<&dyn Array> = maps.iter().map(|m| m.keys().as_ref()).collect();
    let values: Vec<&dyn Array> = maps.iter().map(|m| m.values().as_ref()).collect();
    let mut out = Maps::new();
    for row in 0..call.rows {
        if maps.iter().any(|m| m.is_null(row)) {
            out.null();
            continue;
        }
        let all = maps
            .iter()
            .enumerate()
            .flat_map(|(i, m)| bounds(m.value_offsets(), row).map(move |p| ((i, p), (i, p))));
        out.row(all);
    }
    out.finish(&keys, &values, call.returns)
}

/// For each row, the place of the value of a key: outer `None` if map or key is NULL, inner if the key is not there.
#[expect(clippy::option_option, reason = "NULL and not there are two things")]
fn places(call: &Call<'_>) -> Result<Vec<Option<Option<usize>>>> {
    let array = call.column(0)?.expanded(call.rows)?;
    let maps = array.as_map();
    let (key_type, _) = key_value(array.data_type())?;
    let wanted = convert(&call.column(1)?.expanded(call.rows)?, &key_type)?;
    let converter = RowConverter::new(vec![SortField::new(key_type)])?;
    let keys = converter.convert_columns(std::slice::from_ref(maps.keys()))?;
    let rows = converter.convert_columns(std::slice::from_ref(&wanted))?;
    Ok((0..call.rows)
        .map(|row| {
            (maps.is_valid(row) && wanted.is_valid(row)).then(|| {
                bounds(maps.value_offsets(), row).find(|place| keys.row(*place) == rows.row(row))
            })
        })
        .collect())
}

/// The value of a key, NULL if it is not there.
pub(super) fn value_at(call: &Call<'_>) -> Result<ArrayRef> {
    let found = places(call)?;
    let array = call.column(0)?.expanded(call.rows)?;
    let indexes: arrow::array::UInt32Array = found
        .into_iter()
        .map(|p| p.flatten().and_then(|p| u32::try_from(p).ok()))
        .collect();
    Ok(arrow::compute::take(
        array.as_map().values(),
        &indexes,
        None,
    )?)
}

fn str_to_map(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.typed::<super::call::Text>(0)?;
    let (pairs, sides) = (call.text_or(1, ",")?, call.text_or(2, ":")?);
    let (mut by_pair, mut by_side) = (Known::default(), Known::default());
    let (mut keys, mut values) = (vec![], vec![]);
    let mut maps = Maps::new();
    for row in 0..call.rows {
        let (Some(text), Some(pairs), Some(sides)) = (texts.get(row), pairs(row), sides(row))
        else {
            maps.null();
            continue;
        };
        let from = keys.len();
        for pair in by_pair.get(pairs)?.split(text, 0)? {
            let parts = by_side.get(sides)?.split(pair, 2)?;
            let mut parts = parts.into_iter().map(ToString::to_string);
            keys.push(parts.next().unwrap_or_default());
            values.push(parts.next());
        }
        maps.row((from..keys.len()).map(|p| ((0, p), (0, p))));
    }
    let (keys, values) = (
        arrow::array::StringArray::from(keys),
        arrow::array::StringArray::from(values),
    );
    maps.finish(&[&keys], &[&values], call.returns)
}
