//! `to_char` and `to_number`: numbers as text under a format, and back. The formats themselves live in `decode`; which of
//! the forms of `to_char` is meant, `bind` decides by the type of its value.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_decode::NumberFormat;
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Call, Dec, Output, Text, decimal_rows};
use super::error::{fail, fail_with};
use super::scalar::{Function, Returns, Types};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "to_char",
        &[P::Decimal, P::String],
        Returns::By(|types| {
            format_of(types)?;
            Ok(DataType::Utf8)
        }),
        write,
    )
    .also(&["to_varchar"])
    .doc(
        "Writes a number under a format such as `$99,999.00`, a date or timestamp under a pattern, bytes as base64, hex or utf-8.",
        "to_char(78.12, '$99.99')",
    ),
    Function::new(
        "to_number",
        &[P::String, P::String],
        Returns::By(decimal_of),
        |c| read(c, true),
    )
    .doc(
        "Reads a number of a text under a format such as `$99,999.00`.",
        "to_number('$78.12', '$99.99')",
    ),
    Function::new(
        "try_to_number",
        &[P::String, P::String],
        Returns::By(decimal_of),
        |c| read(c, false),
    )
    .doc(
        "Reads a number as to_number does, and gives NULL where the text has another form.",
        "try_to_number('x', '$99.99')",
    ),
];

fn parse(text: &str) -> Result<NumberFormat> {
    match NumberFormat::new(text) {
        Ok(format) => Ok(format),
        Err(error) => {
            let message = format!("`{text}` is no format of numbers: {}", error.message);
            fail(error.condition, message)
        }
    }
}

/// The format, a constant; `None` for NULL.
fn format_of(types: &Types<'_>) -> Result<Option<NumberFormat>> {
    if types.constants.get(1).copied().flatten().is_none() {
        return fail(
            &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
            format!("the format of `{}` must be a constant", types.name),
        );
    }
    types.text(1).map(parse).transpose()
}

fn decimal_of(types: &Types<'_>) -> Result<DataType> {
    let Some(format) = format_of(types)? else {
        return Ok(SparkType::Decimal(10, 0).to_arrow());
    };
    let (precision, scale) = format.digits();
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 0..=38), Ok(scale)) => Ok(SparkType::Decimal(precision, scale).to_arrow()),
        _ => fail(
            &condition::DECIMAL_PRECISION_EXCEEDS_MAX,
            format!(
                "`{}` has {precision} digits, a DECIMAL at most 38",
                format.as_str()
            ),
        ),
    }
}

fn write(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(format) = call.constant_text(1)? else {
        return Text::null(call.rows);
    };
    let format = parse(&format)?;
    let column = call.column(0)?;
    let DataType::Decimal128(_, scale) = column.array().data_type() else {
        return Text::null(call.rows);
    };
    let scale = u32::try_from(*scale).unwrap_or(0);
    call.map1::<Dec, Text>(|value| Ok(Some(format.write(value, scale))))
}

fn read(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let DataType::Decimal128(precision, scale) = *call.returns else {
        return fail(&condition::DATATYPE_MISMATCH, "a decimal was expected");
    };
    let Some(format) = call.constant_text(1)? else {
        return decimal_rows(call.rows, precision, scale, |_| Ok(None));
    };
    let format = parse(&format)?;
    let texts = call.typed::<Text>(0)?;
    decimal_rows(call.rows, precision, scale, |row| {
        let Some(text) = texts.get(row) else {
            return Ok(None);
        };
        match format.read(text) {
            None if strict => fail_with(
                &condition::INVALID_FORMAT_MISMATCH_INPUT,
                format!("`{text}` does not have the form `{}`", format.as_str()),
                "to get NULL instead, use `try_to_number`",
            ),
            found => Ok(found),
        }
    })
}
