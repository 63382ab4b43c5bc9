//! Functions about the engine, and those that raise errors or draw at random. What the session fixes is in `bind`.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Call, Long, Output, Text, Truth};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("version", &[], Returns::Type(T::String), |c| {
        Text::rows(c.rows, |_| {
            Ok(Some(
                concat!("Sluice ", env!("CARGO_PKG_VERSION")).to_string(),
            ))
        })
    })
    .doc("Gives the version of the engine.", "version()"),
    Function::new("uuid", &[], Returns::Type(T::String), |c| {
        c.delegate(&datafusion::functions::string::uuid())
    })
    .volatile()
    .doc("Makes a random UUID for each row.", "uuid()"),
    Function::new("rand", &[], Returns::Type(T::Double), |c| {
        c.delegate(&datafusion::functions::math::random())
    })
    .also(&["random"])
    .volatile()
    .doc(
        "Draws a number from 0 to 1 for each row; a seed is not taken.",
        "rand()",
    ),
    Function::new(
        "monotonically_increasing_id",
        &[],
        Returns::Type(T::Long),
        |c| {
            let _ = Long::null(0)?;
            fail(
                &condition::UNSUPPORTED_FUNCTION,
                format!("`{}` is not built: use row_number() over an order", c.name),
            )
        },
    )
    .volatile()
    .doc(
        "Refused: its numbers depend on how the work is split.",
        "monotonically_increasing_id()",
    ),
    Function::new("input_file_name", &[], Returns::Type(T::String), |c| {
        fail(
            &condition::UNSUPPORTED_FUNCTION,
            format!("`{}` is not built: use `_metadata.file_path`", c.name),
        )
    })
    .volatile()
    .doc(
        "Names the file of a row, as `_metadata.file_path` does, where the query itself reads files.",
        "input_file_name()",
    ),
    Function::new(
        "raise_error",
        &[P::String],
        Returns::By(|_| Ok(DataType::Null)),
        raise_error,
    )
    .volatile()
    .doc("Fails with a message.", "raise_error('no such device')"),
    Function::new(
        "assert_true",
        &[P::ExactBoolean, P::String],
        Returns::By(|_| Ok(DataType::Null)),
        assert_true,
    )
    .optional(1)
    .volatile()
    .doc("Fails unless the condition is true.", "assert_true(0 < 1)"),
];

fn raise_error(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.typed::<Text>(0)?;
    match (0..call.rows).next() {
        Some(row) => fail(
            &condition::USER_RAISED_EXCEPTION,
            texts.get(row).unwrap_or("null"),
        ),
        None => Ok(arrow::array::new_null_array(&DataType::Null, 0)),
    }
}

fn assert_true(call: &Call<'_>) -> Result<ArrayRef> {
    let tests = call.typed::<Truth>(0)?;
    let texts = call.text_or(1, "the condition of assert_true is not true")?;
    for row in 0..call.rows {
        if tests.get(row) != Some(true) {
            return fail(
                &condition::USER_RAISED_EXCEPTION,
                texts(row).unwrap_or("null"),
            );
        }
    }
    Ok(arrow::array::new_null_array(&DataType::Null, call.rows))
}
