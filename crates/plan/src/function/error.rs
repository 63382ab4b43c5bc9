//! How functions fail: a diagnostic without a place, which the binder or the session adds. Must not render it.

use datafusion::error::Result;
use sluice_model::{Condition, Diagnostic};

/// Fails with a condition and a sentence.
pub(crate) fn fail<T>(condition: &'static Condition, message: impl Into<String>) -> Result<T> {
    Err(crate::error::raise(Diagnostic::error(condition, message)))
}

/// Fails with a condition, a sentence and what to do.
pub(crate) fn fail_with<T>(
    condition: &'static Condition,
    message: impl Into<String>,
    help: &str,
) -> Result<T> {
    Err(crate::error::raise(
        Diagnostic::error(condition, message).help(help),
    ))
}
