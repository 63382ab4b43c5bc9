//! From DataFusion's errors to conditions with places. Must not let a string of DataFusion's become a headline
//! unless the condition says that a bug of ours is being reported.

use std::error::Error;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use sluice_model::condition::query;
use sluice_model::{Condition, Diagnostic, Origin};

/// What binding and planning return: one diagnostic, boxed because it is large.
pub type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Makes an error at a place.
pub(crate) fn at(
    condition: &'static Condition,
    origin: &Origin,
    message: impl Into<String>,
) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(condition, message).at(origin, ""))
}

/// Makes the refusal of SQL that is understood and not run.
pub(crate) fn unsupported<T>(origin: &Origin, what: impl std::fmt::Display) -> Result<T> {
    Err(at(
        &query::UNSUPPORTED_FEATURE,
        origin,
        format!("{what} is not supported yet"),
    ))
}

/// Wraps a diagnostic so that it survives the way through DataFusion's operators.
pub(crate) fn raise(diagnostic: Diagnostic) -> DataFusionError {
    DataFusionError::External(Box::new(diagnostic))
}

/// Turns an error of DataFusion or Arrow into a diagnostic.
///
/// A diagnostic that one of our functions raised comes out as it went in; `place` is added where none is known.
#[must_use]
pub fn diagnose(error: &DataFusionError, place: Option<&Origin>) -> Box<Diagnostic> {
    let mut diagnostic = known(error).unwrap_or_else(|| {
        let text = error.strip_backtrace();
        Diagnostic::error(&query::QUERY_EXECUTION_FAILED, "the query could not be run")
            .fact(format!("cause: {text}"))
    });
    if let (true, Some(place)) = (diagnostic.labels.is_empty(), place) {
        diagnostic = diagnostic.at(place, "");
    }
    Box::new(diagnostic)
}

/// The same error at a place, if it is known and has none.
pub(crate) fn placed(error: DataFusionError, place: &Origin) -> DataFusionError {
    match known(&error) {
        Some(diagnostic) if diagnostic.labels.is_empty() => raise(diagnostic.at(place, "")),
        _ => error,
    }
}

/// The diagnostic inside of an error, or the condition that an error of Arrow's or DataFusion's stands for.
fn known(error: &DataFusionError) -> Option<Diagnostic> {
    match error {
        DataFusionError::External(inner) => raised(inner.as_ref()),
        error if is_of_subquery(error) => Some(
            Diagnostic::error(
                &query::UNSUPPORTED_FEATURE,
                "this form of correlated subquery is not supported yet",
            )
            .help("join the relation instead, or compute one value per key with GROUP BY first"),
        ),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => known(inner),
        DataFusionError::Shared(inner) => known(inner),
        DataFusionError::Collection(all) => all.iter().find_map(known),
        DataFusionError::ArrowError(inner, _) => arrow(inner),
        DataFusionError::IoError(inner) => raised(inner.get_ref()?),
        DataFusionError::ResourcesExhausted(text) => Some(
            Diagnostic::error(
                &query::RESOURCES_EXHAUSTED,
                "the query needs more memory than it may use",
            )
            .fact(text.clone())
            .fact("what was committed before stays, and nothing of this was written")
            .help("let the engine have more of this machine, in MiB: `SLUICE_MEMORY_MB=8192 sluice run`")
            .help("a stream takes less at a time with `maxFilesPerTrigger`, `maxBytesPerTrigger` or `maxRecordsPerFetch`: this holds from the next micro-batch on that is planned"),
        ),
        DataFusionError::Execution(text) if text.contains("more than one row") => {
            Some(Diagnostic::error(
                &query::SCALAR_SUBQUERY_TOO_MANY_ROWS,
                "a subquery that stands for one value returned more than one row",
            ))
        }
        DataFusionError::Execution(text) if text.starts_with("Arithmetic Overflow in Avg") => {
            Some(overflow(None))
        }
        DataFusionError::NotImplemented(text) => Some(
            Diagnostic::error(
                &query::UNSUPPORTED_FEATURE,
                "the query needs something that is not supported yet",
            )
            .fact(text.clone()),
        ),
        _ => None,
    }
}

/// Whether the engine could not take a subquery apart: Spark can more than it can.
fn is_of_subquery(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::Context(text, inner) => {
            text.contains("decorrelate") || is_of_subquery(inner)
        }
        DataFusionError::Plan(text) => text.contains("Correlated scalar subquery"),
        _ => false,
    }
}

/// Looks for a diagnostic along a chain of causes.
fn raised(error: &(dyn Error + 'static)) -> Option<Diagnostic> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(diagnostic) = error.downcast_ref::<Diagnostic>() {
            return Some(diagnostic.clone());
        }
        if let Some(inner) = error.downcast_ref::<DataFusionError>() {
            return known(inner);
        }
        if let Some(inner) = error.downcast_ref::<ArrowError>() {
            return arrow(inner);
        }
        next = error.source();
    }
    None
}

fn arrow(error: &ArrowError) -> Option<Diagnostic> {
    match error {
        ArrowError::ExternalError(inner) => raised(inner.as_ref()),
        ArrowError::IoError(_, inner) => raised(inner.get_ref()?),
        ArrowError::DivideByZero => Some(divide_by_zero(None)),
        ArrowError::ArithmeticOverflow(_) => Some(overflow(None)),
        ArrowError::CastError(text) => Some(
            Diagnostic::error(&query::CAST_INVALID_INPUT, "a value cannot be converted")
                .fact(text.clone()),
        ),
        _ => None,
    }
}

/// `DIVIDE_BY_ZERO` at a place.
pub(crate) fn divide_by_zero(origin: Option<&Origin>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&query::DIVIDE_BY_ZERO, "division by zero")
        .help("to get NULL instead, use `try_divide(a, b)` or divide by `nullif(b, 0)`");
    located(diagnostic, origin)
}

/// `REMAINDER_BY_ZERO` at a place.
pub(crate) fn remainder_by_zero(origin: Option<&Origin>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &query::REMAINDER_BY_ZERO,
        "the remainder of a division by zero",
    )
    .help("to get NULL instead, use `try_mod(a, b)` or divide by `nullif(b, 0)`");
    located(diagnostic, origin)
}

/// The overflow of an operation: Spark names that of TINYINT and SMALLINT apart.
pub(crate) fn overflow_of(data_type: &DataType, origin: Option<&Origin>) -> Diagnostic {
    let mut diagnostic = overflow(origin);
    if matches!(data_type, DataType::Int8 | DataType::Int16) {
        diagnostic.condition = &query::BINARY_ARITHMETIC_OVERFLOW;
    }
    diagnostic
}

/// `ARITHMETIC_OVERFLOW` at a place.
pub(crate) fn overflow(origin: Option<&Origin>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&query::ARITHMETIC_OVERFLOW, "the result of a calculation does not fit its type")
        .help("cast to a wider type first, or use `try_add`, `try_subtract`, `try_multiply` to get NULL instead");
    located(diagnostic, origin)
}

/// Adds a place if there is one.
pub(crate) fn located(diagnostic: Diagnostic, origin: Option<&Origin>) -> Diagnostic {
    match origin {
        Some(origin) => diagnostic.at(origin, ""),
        None => diagnostic,
    }
}
