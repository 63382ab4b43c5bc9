//! Names and types compared, and put into words, as Spark does.

use arrow_schema::{DataType, SchemaRef};
use sluice_model::SparkType;

pub(super) fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// Whether two Arrow types carry the same Spark type; nullability of parts and the width of offsets do not count.
pub(super) fn same_type(a: &DataType, b: &DataType) -> bool {
    if a == b {
        return true;
    }
    match (SparkType::from_arrow(a), SparkType::from_arrow(b)) {
        (Some(a), Some(b)) => same_spark_type(&a, &b),
        _ => false,
    }
}

fn same_spark_type(a: &SparkType, b: &SparkType) -> bool {
    match (a, b) {
        (SparkType::Array(a), SparkType::Array(b)) => same_spark_type(a, b),
        (SparkType::Map(ak, av), SparkType::Map(bk, bv)) => {
            same_spark_type(ak, bk) && same_spark_type(av, bv)
        }
        (SparkType::Struct(a), SparkType::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name == b.name && same_spark_type(&a.data_type, &b.data_type))
        }
        (a, b) => a == b,
    }
}

/// A type as people write it: `BIGINT`, but field names of a struct as they are.
pub(super) fn words(data_type: &DataType) -> String {
    match SparkType::from_arrow(data_type) {
        Some(spark) if data_type.is_nested() => spark.to_string(),
        Some(spark) => spark.to_string().to_uppercase(),
        None => data_type.to_string(),
    }
}

pub(super) fn names(schema: &SchemaRef) -> String {
    schema
        .fields()
        .iter()
        .map(|field| format!("`{}`", field.name()))
        .collect::<Vec<_>>()
        .join(", ")
}
