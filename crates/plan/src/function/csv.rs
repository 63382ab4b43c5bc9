//! CSV functions. Reading and writing CSV is in `decode`; here are only their calls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_decode::DecodeError;
use sluice_decode::csv::{CsvForm, CsvOptions};
use sluice_model::condition::query as condition;
use sluice_model::condition::sql::UNSUPPORTED_DATATYPE;
use sluice_model::{SparkField, SparkType};

use super::call::{Call, Output, Text};
use super::error::fail;
use super::json::{check_options, ddl, each_option, nullable, parse_fields};
use super::scalar::{Function, Returns, Types};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "from_csv",
        &[P::Text, P::Any, P::Any],
        Returns::By(from_csv_type),
        from_csv,
    )
    .optional(1)
    .doc(
        "Reads one CSV record into a struct of the schema given; what does not fit becomes NULL.",
        "from_csv('1,0.8', 'a INT, b DOUBLE')",
    ),
    Function::new(
        "to_csv",
        &[P::Any, P::Any],
        Returns::By(|types| {
            check_options(types, 1)?;
            match &types.arguments[0] {
                DataType::Struct(_) | DataType::Null => Ok(DataType::Utf8),
                _ => fail(
                    &condition::DATATYPE_MISMATCH_UNSUPPORTED_INPUT_TYPE,
                    "`to_csv` writes a struct",
                ),
            }
        }),
        to_csv,
    )
    .optional(1)
    .doc(
        "Writes a struct as one CSV record.",
        "to_csv(named_struct('a', 1, 'b', 'x'))",
    ),
    Function::new(
        "schema_of_csv",
        &[P::Text, P::Any],
        Returns::By(|types| {
            check_options(types, 1)?;
            match types.constants.first().copied().flatten() {
                None => fail(
                    &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
                    "the text of `schema_of_csv` must be a constant",
                ),
                Some(text) if text.is_null() => fail(
                    &condition::DATATYPE_MISMATCH_UNEXPECTED_NULL,
                    "the text of `schema_of_csv` must not be NULL",
                ),
                Some(_) => Ok(DataType::Utf8),
            }
        }),
        |c| {
            let options = options(c, 1)?;
            c.map1::<Text, Text>(|text| {
                let fields = sluice_decode::csv::schema_of_csv(text, &options);
                Ok(Some(ddl(&SparkType::Struct(fields))))
            })
        },
    )
    .optional(1)
    .doc(
        "Gives the schema of one CSV record as DDL.",
        "schema_of_csv('1,abc')",
    ),
];

/// The columns of a schema text: DDL, or a struct.
fn columns(text: &str) -> Result<Vec<SparkField>> {
    match SparkType::parse(text) {
        Ok(SparkType::Struct(fields)) => Ok(fields),
        Ok(other) if !text.trim().contains(char::is_whitespace) => fail(
            &condition::NON_STRUCT_SCHEMA,
            format!("from_csv makes a struct, not {other}"),
        ),
        _ if text.trim().is_empty() => fail(&condition::INVALID_SCHEMA, "the schema is empty"),
        _ => parse_fields(text),
    }
}

fn from_csv_type(types: &Types<'_>) -> Result<DataType> {
    check_options(types, 2)?;
    let Some(text) = types.text(1) else {
        return fail(
            &condition::NON_STRING_SCHEMA,
            "the schema of `from_csv` must be a constant text",
        );
    };
    let fields = columns(text)?;
    let carried = |field: &&SparkField| {
        matches!(
            field.data_type,
            SparkType::Array(_) | SparkType::Map(..) | SparkType::Struct(_)
        )
    };
    if let Some(field) = fields.iter().find(carried) {
        let message = format!(
            "CSV carries no {}: column `{}`",
            field.data_type, field.name
        );
        return fail(&UNSUPPORTED_DATATYPE, message);
    }
    Ok(nullable(&SparkType::Struct(fields)).to_arrow())
}

fn options(call: &Call<'_>, index: usize) -> Result<CsvOptions> {
    let mut options = CsvOptions {
        time_zone: call.zone()?,
        ..CsvOptions::default()
    };
    each_option(call, index, |name, value| options.set(name, value))?;
    Ok(options)
}

fn from_csv(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(text) = call.constant_text(1)? else {
        return Ok(arrow::array::new_null_array(call.returns, call.rows));
    };
    let texts = call.column(0)?.expanded(call.rows)?;
    let options = options(call, 2)?;
    match sluice_decode::csv::from_csv(texts.as_string::<i32>(), &columns(&text)?, &options) {
        Ok(found) => Ok(found),
        Err(error @ DecodeError::Malformed(_)) => {
            fail(&condition::MALFORMED_RECORD_IN_PARSING, error.to_string())
        }
        Err(error) => fail(&condition::INVALID_PARAMETER_VALUE, error.to_string()),
    }
}

fn to_csv(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.column(0)?.expanded(call.rows)?;
    if values.data_type().is_null() {
        return Text::null(call.rows);
    }
    let mut form = CsvForm::new(call.zone()?);
    each_option(call, 1, |name, value| form.set(name, value))?;
    match form.write(&values) {
        Ok(texts) => Ok(Arc::new(texts)),
        Err(error) => fail(error.condition, error.to_string()),
    }
}
