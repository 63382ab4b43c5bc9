//! JSON functions. Reading and writing JSON is in `decode`; here are only their calls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use sluice_decode::DecodeError;
use sluice_decode::json::{JsonForm, JsonOptions, JsonPath};
use sluice_model::condition::query as condition;
use sluice_model::data_type::parse_schema;
use sluice_model::{SparkField, SparkType};

use super::call::{Call, Output, Text};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::{Param as P, list_of};

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("from_json", &[P::Text, P::String, P::Map], Returns::By(from_json_type), from_json)
        .optional(1)
        .doc("Reads JSON text into a struct, array or map of the schema given; what does not fit becomes NULL.", "from_json('{\"a\":1}', 'a INT')"),
    Function::new("get_json_object", &[P::Text, P::Text], Returns::Type(T::String), get_json_object)
        .doc("Gives the value at a path of a JSON text, as text.", "get_json_object('{\"a\":\"b\"}', '$.a')"),
    Function::new("json_path", &[P::String, P::String], Returns::Type(T::String), |c| {
        at_path(c, |path| JsonPath::parse_operator(path).ok())
    })
    .doc(
        "Gives the value at a path as the operator `:` takes it: names outside brackets match without regard to case.",
        "json_path('{\"A\":\"b\"}', 'a')",
    ),
    Function::new("to_json", &[P::Nested, P::Map], Returns::Type(T::String), to_json)
        .optional(1)
        .doc("Writes a struct, array or map as JSON, leaving out NULL fields.", "to_json(named_struct('a', 1))"),
    Function::new("schema_of_json", &[P::Text], Returns::Type(T::String), |c| {
        let options = JsonOptions::default();
        c.map1::<Text, Text>(|text| match sluice_decode::json::schema_of_json(text, &options) {
            Some(found) => Ok(Some(ddl(&found))),
            None => Ok(Some("STRING".to_string())),
        })
    })
    .doc("Gives the schema of a JSON text as DDL.", "schema_of_json('{\"a\":1}')"),
    Function::new("json_array_length", &[P::Text], Returns::Type(T::Int), |c| {
        let texts = c.column(0)?.expanded(c.rows)?;
        Ok(Arc::new(sluice_decode::json::json_array_length(texts.as_string::<i32>())))
    })
    .doc("Counts the items of a JSON array, NULL for anything else.", "json_array_length('[1,2,3]')"),
    Function::new("json_object_keys", &[P::Text], Returns::By(|_| Ok(list_of(&DataType::Utf8))), |c| {
        let texts = c.column(0)?.expanded(c.rows)?;
        Ok(Arc::new(sluice_decode::json::json_object_keys(texts.as_string::<i32>())))
    })
    .doc("Gives the keys of a JSON object, NULL for anything else.", "json_object_keys('{\"a\":1}')"),
];

/// A type as Spark's SQL writes it: `STRUCT<a: BIGINT>`.
pub(super) fn ddl(data_type: &SparkType) -> String {
    match data_type {
        SparkType::Array(item) => format!("ARRAY<{}>", ddl(item)),
        SparkType::Map(key, value) => format!("MAP<{}, {}>", ddl(key), ddl(value)),
        SparkType::Struct(fields) => {
            let plain = |name: &str| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            let fields: Vec<String> = fields
                .iter()
                .map(|f| {
                    let name = if plain(&f.name) {
                        f.name.clone()
                    } else {
                        format!("`{}`", f.name.replace('`', "``"))
                    };
                    format!("{name}: {}", ddl(&f.data_type))
                })
                .collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        other => other.to_string().to_ascii_uppercase(),
    }
}

fn schema(text: &str) -> Result<SparkType> {
    match SparkType::parse(text) {
        Ok(data_type @ (SparkType::Struct(_) | SparkType::Array(_) | SparkType::Map(..))) => {
            return Ok(data_type);
        }
        Ok(other) if !text.trim().contains(char::is_whitespace) => {
            return fail(
                &condition::INVALID_SCHEMA,
                format!("from_json makes a struct, an array or a map, not {other}"),
            );
        }
        _ => {}
    }
    Ok(SparkType::Struct(parse_fields(text)?))
}

/// The columns of a schema text in Spark's DDL.
pub(super) fn parse_fields(text: &str) -> Result<Vec<SparkField>> {
    match parse_schema(text) {
        Ok(fields) => Ok(fields),
        Err(error) => fail(
            &condition::INVALID_SCHEMA,
            format!("`{text}` is no schema: {error}"),
        ),
    }
}

/// Refuses options, an argument that may be left out, that are no map of texts.
pub(super) fn check_options(types: &Types<'_>, index: usize) -> Result<()> {
    let Some(options) = types.arguments.get(index).filter(|t| !t.is_null()) else {
        return Ok(());
    };
    if !matches!(options, DataType::Map(..)) {
        return fail(
            &condition::OPTIONS_NON_MAP,
            format!("the options of `{}` are a map", types.name),
        );
    }
    let texts = super::map::key_value(options)
        .is_ok_and(|(key, value)| [key, value].iter().all(|t| *t == DataType::Utf8));
    if texts {
        return Ok(());
    }
    fail(
        &condition::INVALID_OPTIONS_NON_STRING_TYPE,
        format!("the options of `{}` are a map of texts", types.name),
    )
}

fn from_json_type(types: &Types<'_>) -> Result<DataType> {
    check_options(types, 2)?;
    match types.text(1) {
        Some(text) => Ok(nullable(&schema(text)?).to_arrow()),
        None => fail(
            &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
            "the schema of `from_json` must be a constant text",
        ),
    }
}

/// The same type with every field nullable: what JSON gives may always lack a field.
pub(super) fn nullable(data_type: &SparkType) -> SparkType {
    match data_type {
        SparkType::Struct(fields) => SparkType::Struct(
            fields
                .iter()
                .map(|field| {
                    let mut field = field.clone();
                    field.nullable = true;
                    field.data_type = nullable(&field.data_type);
                    field
                })
                .collect(),
        ),
        SparkType::Array(item) => SparkType::Array(Box::new(nullable(item))),
        SparkType::Map(key, value) => {
            SparkType::Map(Box::new(nullable(key)), Box::new(nullable(value)))
        }
        other => other.clone(),
    }
}

/// The options of a constant map argument.
fn options(call: &Call<'_>, index: usize) -> Result<JsonOptions> {
    let mut options = JsonOptions {
        time_zone: call.zone()?,
        ..JsonOptions::default()
    };
    each_option(call, index, |name, value| options.set(name, value))?;
    Ok(options)
}

/// Takes the options of a constant map argument, if there is one.
pub(super) fn each_option(
    call: &Call<'_>,
    index: usize,
    mut set: impl FnMut(&str, &str) -> std::result::Result<bool, DecodeError>,
) -> Result<()> {
    if !call.has(index) {
        return Ok(());
    }
    let column = call.column(index)?;
    let Some(map) = column
        .array()
        .as_map_opt()
        .filter(|map| !map.is_empty() && map.is_valid(0))
    else {
        return Ok(());
    };
    let entries = map.value(0);
    for row in 0..entries.len() {
        let text = |side: usize| -> Result<String> {
            Ok(ScalarValue::try_from_array(entries.column(side), row)?.to_string())
        };
        let (name, value) = (text(0)?, text(1)?);
        decoded(set(&name, &value))?;
    }
    Ok(())
}

/// A result of `decode` with Spark's condition.
fn decoded<V>(result: std::result::Result<V, DecodeError>) -> Result<V> {
    match result {
        Ok(value) => Ok(value),
        Err(error @ DecodeError::Malformed(_)) => {
            fail(&condition::MALFORMED_RECORD_IN_PARSING, error.to_string())
        }
        Err(error @ DecodeError::Type { .. }) => {
            fail(&condition::INVALID_SCHEMA, error.to_string())
        }
        Err(error) => fail(&condition::INVALID_PARAMETER_VALUE, error.to_string()),
    }
}

fn from_json(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(text) = call.constant_text(1)? else {
        return Ok(arrow::array::new_null_array(call.returns, call.rows));
    };
    let data_type = nullable(&schema(&text)?);
    let texts = call.column(0)?.expanded(call.rows)?;
    decoded(sluice_decode::json::from_json(
        texts.as_string::<i32>(),
        &data_type,
        &options(call, 2)?,
    ))
}

fn get_json_object(call: &Call<'_>) -> Result<ArrayRef> {
    at_path(call, |path| JsonPath::parse(path).ok())
}

/// The value at a path that is read once while it stays the same.
fn at_path(call: &Call<'_>, read: fn(&str) -> Option<JsonPath>) -> Result<ArrayRef> {
    let (texts, paths) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let mut last: Option<(String, Option<JsonPath>)> = None;
    Text::rows(call.rows, |row| {
        let (Some(text), Some(path)) = (texts.get(row), paths.get(row)) else {
            return Ok(None);
        };
        if last.as_ref().is_none_or(|(known, _)| known != path) {
            last = Some((path.to_string(), read(path)));
        }
        // A path that cannot be read gives NULL, as in Spark.
        Ok(last
            .as_ref()
            .and_then(|(_, path)| path.as_ref())
            .and_then(|path| path.get(text)))
    })
}

fn to_json(call: &Call<'_>) -> Result<ArrayRef> {
    let mut form = JsonForm::new(call.zone()?);
    each_option(call, 1, |name, value| form.set(name, value))?;
    let values = call.column(0)?.expanded(call.rows)?;
    if values.data_type().is_null() {
        return Text::null(call.rows);
    }
    match sluice_decode::json::to_json(&values, &form) {
        Ok(texts) => Ok(Arc::new(texts)),
        Err(error) => fail(error.condition, error.to_string()),
    }
}
