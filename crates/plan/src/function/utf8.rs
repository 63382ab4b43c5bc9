//! Whether bytes are text, and text made of bytes.

use super::call::{Bytes, Text, Truth};
use super::error::fail_with;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;
use sluice_model::condition::query as condition;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "is_valid_utf8",
        &[P::Binary],
        Returns::Type(T::Boolean),
        |c| c.map1::<Bytes, Truth>(|bytes| Ok(Some(std::str::from_utf8(bytes).is_ok()))),
    )
    .doc("Whether bytes are UTF-8 text.", "is_valid_utf8(x'61')"),
    Function::new(
        "make_valid_utf8",
        &[P::Binary],
        Returns::Type(T::String),
        |c| c.map1::<Bytes, Text>(|bytes| Ok(Some(String::from_utf8_lossy(bytes).into_owned()))),
    )
    .doc(
        "Makes text of bytes, with a sign in place of what is no UTF-8.",
        "make_valid_utf8(x'61')",
    ),
    Function::new(
        "validate_utf8",
        &[P::Binary],
        Returns::Type(T::String),
        |c| {
            c.map1::<Bytes, Text>(|bytes| match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_string())),
                Err(_) => fail_with(
                    &condition::INVALID_UTF8_STRING,
                    "bytes are no UTF-8 text",
                    "use `try_validate_utf8` to get NULL instead",
                ),
            })
        },
    )
    .doc(
        "Makes text of bytes that are UTF-8.",
        "validate_utf8(x'61')",
    ),
    Function::new(
        "try_validate_utf8",
        &[P::Binary],
        Returns::Type(T::String),
        |c| {
            c.map1::<Bytes, Text>(|bytes| {
                Ok(std::str::from_utf8(bytes).ok().map(ToString::to_string))
            })
        },
    )
    .doc(
        "Makes text of bytes that are UTF-8, NULL of others.",
        "try_validate_utf8(x'80')",
    ),
];
