//! `mask`: letters and digits of a text replaced by others, so that it can be shown. Must not know bytes.

use std::sync::LazyLock;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use regex::Regex;
use sluice_model::condition::query as condition;

use super::call::{Call, Text};
use super::error::fail;
use super::scalar::{Function, Returns, Types};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[Function::new(
    "mask",
    &[P::Text, P::Text, P::Text, P::Text, P::Text],
    Returns::By(mask_type),
    mask,
)
.optional(4)
.doc(
    "Replaces upper-case letters by X, lower-case ones by x and digits by n, or by the characters given; NULL keeps a kind.",
    "mask('AbCD123-@$#', 'Q', 'q', 'd', 'o')",
)];

/// What stands for upper-case letters, lower-case letters, digits and everything else.
const DEFAULTS: [Option<char>; 4] = [Some('X'), Some('x'), Some('n'), None];

fn mask_type(types: &Types<'_>) -> Result<DataType> {
    for index in 1..types.arguments.len() {
        if types.constants.get(index).copied().flatten().is_none() {
            return fail(
                &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
                "the characters of `mask` must be constants",
            );
        }
        if types
            .text(index)
            .is_some_and(|text| text.chars().count() != 1)
        {
            return fail(
                &condition::DATATYPE_MISMATCH_INPUT_SIZE_NOT_ONE,
                "`mask` replaces by single characters",
            );
        }
    }
    Ok(DataType::Utf8)
}

fn mask(call: &Call<'_>) -> Result<ArrayRef> {
    static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());
    let mut by = DEFAULTS;
    for (index, by) in by.iter_mut().enumerate() {
        if call.has(index + 1) {
            *by = call
                .constant_text(index + 1)?
                .and_then(|text| text.chars().next());
        }
    }
    let [upper, lower, digit, other] = by;
    let is_digit = |symbol: char| {
        symbol.is_ascii_digit()
            || (symbol.is_numeric()
                && DIGIT
                    .as_ref()
                    .is_some_and(|digit| digit.is_match(symbol.encode_utf8(&mut [0; 4]))))
    };
    call.map1::<Text, Text>(|text| {
        let masked = text.chars().map(|symbol| {
            let by = if symbol.is_uppercase() {
                upper
            } else if symbol.is_lowercase() {
                lower
            } else if is_digit(symbol) {
                digit
            } else {
                other
            };
            by.unwrap_or(symbol)
        });
        Ok(Some(masked.collect()))
    })
}
