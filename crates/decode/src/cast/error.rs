//! Why a cast failed, in Spark's names. Must not decide whether it fails.

use sluice_model::SparkType;
use sluice_model::condition::{Condition, query};

use super::text::Misfit;

/// A value that could not be cast, or two types that are never cast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct CastError {
    /// Spark's condition.
    pub condition: &'static Condition,
    /// The value as text; empty when the types alone were the fault.
    pub value: String,
    /// Type of the value, as Spark shows it.
    pub from: String,
    /// Type asked for, as Spark shows it.
    pub to: String,
}

impl CastError {
    pub(crate) fn new(
        condition: &'static Condition,
        value: String,
        from: &SparkType,
        to: &SparkType,
    ) -> Self {
        Self {
            condition,
            value,
            from: from.to_string(),
            to: to.to_string(),
        }
    }

    pub(crate) fn unknown_type(data_type: &arrow_schema::DataType) -> Self {
        Self {
            condition: &query::CAST_WITHOUT_RULE,
            value: String::new(),
            from: data_type.to_string(),
            to: "a type of Spark".to_string(),
        }
    }

    pub(crate) fn internal(
        error: &arrow_schema::ArrowError,
        from: &SparkType,
        to: &SparkType,
    ) -> Self {
        Self::new(&query::CAST_WITHOUT_RULE, error.to_string(), from, to)
    }

    pub(crate) fn zone(name: &str) -> Self {
        Self {
            condition: &query::INVALID_TIMEZONE,
            value: name.to_string(),
            from: "string".to_string(),
            to: "time zone".to_string(),
        }
    }

    fn sentence(&self) -> String {
        let Self {
            condition,
            value,
            from,
            to,
        } = self;
        if value.is_empty() && *condition == &query::CAST_WITHOUT_RULE {
            return format!("{}: {from} cannot be cast to {to}", condition.name);
        }
        let shown: String = value.chars().take(200).collect();
        format!(
            "{}: the value '{shown}' of type {from} cannot be cast to {to}",
            condition.name
        )
    }
}

/// The condition of a value that did not fit, as Spark tells them apart.
pub(super) fn condition(misfit: Misfit, from: &SparkType, to: &SparkType) -> &'static Condition {
    match (misfit, from, to) {
        (Misfit::Invalid, ..) => &query::CAST_INVALID_INPUT,
        (Misfit::Beyond, SparkType::String, _) => &query::NUMERIC_OUT_OF_SUPPORTED_RANGE,
        (Misfit::Overflow | Misfit::Beyond, _, SparkType::Decimal(..)) => {
            &query::NUMERIC_VALUE_OUT_OF_RANGE
        }
        (Misfit::Overflow, SparkType::String, _) => &query::CAST_INVALID_INPUT,
        (Misfit::Overflow | Misfit::Beyond, ..) => &query::CAST_OVERFLOW,
    }
}
