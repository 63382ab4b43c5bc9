//! The type in which two types meet (CASE, COALESCE, UNION, IN), by Spark's ANSI rules. DataFusion prefers strings.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use sluice_model::SparkType;

use crate::function::signature;

/// The common type of two types, `None` if there is none.
pub(crate) fn common_type(left: &DataType, right: &DataType) -> Option<DataType> {
    met(left, right, signature::common_type)
}

/// The type that holds the values of both sides as they are (`signature::tightest_type`).
pub(crate) fn tightest_type(left: &DataType, right: &DataType) -> Option<DataType> {
    met(left, right, signature::tightest_type)
}

/// Where two types meet: intervals here, as they are no types of tables, all others by the rule given.
fn met(
    left: &DataType,
    right: &DataType,
    rule: fn(&SparkType, &SparkType) -> Option<SparkType>,
) -> Option<DataType> {
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (DataType::Duration(_), DataType::Duration(_)) => {
            return Some(DataType::Duration(TimeUnit::Microsecond));
        }
        (DataType::Duration(_) | DataType::Interval(_), DataType::Null) => {
            return Some(left.clone());
        }
        (DataType::Null, DataType::Duration(_) | DataType::Interval(_)) => {
            return Some(right.clone());
        }
        _ => {}
    }
    let (left, right) = (SparkType::from_arrow(left)?, SparkType::from_arrow(right)?);
    rule(&left, &right).map(|found| found.to_arrow())
}

/// As [`common_type`], but fields of structs meet by place alone and take the names of the left side: in comparisons and set operations.
pub(crate) fn common_type_by_place(left: &DataType, right: &DataType) -> Option<DataType> {
    common_type(left, &named_as(right, left))
}

/// A type with the field names of another of the same shape.
pub(crate) fn named_as(found: &DataType, names: &DataType) -> DataType {
    match (found, names) {
        (DataType::Struct(fields), DataType::Struct(named)) if fields.len() == named.len() => {
            let renamed = fields.iter().zip(named).map(|(field, name)| {
                let inner = named_as(field.data_type(), name.data_type());
                field
                    .as_ref()
                    .clone()
                    .with_name(name.name())
                    .with_data_type(inner)
            });
            DataType::Struct(renamed.collect())
        }
        (DataType::List(item), DataType::List(named)) => {
            let inner = named_as(item.data_type(), named.data_type());
            DataType::List(item.as_ref().clone().with_data_type(inner).into())
        }
        _ => found.clone(),
    }
}

/// The common type of many; NULL alone stays NULL.
pub(crate) fn common_type_of(mut types: impl Iterator<Item = DataType>) -> Option<DataType> {
    let first = types.next().unwrap_or(DataType::Null);
    types.try_fold(first, |common, next| common_type(&common, &next))
}

/// A type in Spark's words, upper case.
pub(crate) fn words(data_type: &DataType) -> String {
    match data_type {
        DataType::Duration(TimeUnit::Second) => "INTERVAL DAY".into(),
        DataType::Duration(_) => "INTERVAL DAY TO SECOND".into(),
        DataType::Interval(IntervalUnit::YearMonth) => "INTERVAL YEAR TO MONTH".into(),
        DataType::Interval(_) => "INTERVAL".into(),
        other => SparkType::from_arrow(other).map_or_else(
            || other.to_string(),
            |spark| spark.to_string().to_uppercase(),
        ),
    }
}

/// Whether a type is an integer of Spark's.
pub(crate) fn is_integral(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
    )
}

/// Whether a type is a number.
pub(crate) fn is_numeric(data_type: &DataType) -> bool {
    is_integral(data_type)
        || matches!(
            data_type,
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..)
        )
}

/// Whether values of a type are maps or have some inside: they have no order and no hash.
pub(crate) fn holds_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) => holds_map(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_map(field.data_type())),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_meet_as_in_spark() {
        let check = |left: &str, right: &str, expected: Option<&str>| {
            let parse = |text: &str| SparkType::parse(text).unwrap().to_arrow();
            let found = common_type(&parse(left), &parse(right)).map(|t| words(&t));
            assert_eq!(found.as_deref(), expected, "{left} and {right}");
        };
        check("INT", "BIGINT", Some("BIGINT"));
        check("INT", "STRING", Some("BIGINT"));
        check("DOUBLE", "STRING", Some("DOUBLE"));
        check("TIMESTAMP", "STRING", Some("TIMESTAMP"));
        check("DATE", "TIMESTAMP", Some("TIMESTAMP"));
        check("INT", "DECIMAL(3,2)", Some("DECIMAL(12,2)"));
        check("DECIMAL(38,0)", "DOUBLE", Some("DOUBLE"));
        check("INT", "FLOAT", Some("DOUBLE"));
        check("INT", "BOOLEAN", None);
        check("INT", "DATE", None);
    }
}
