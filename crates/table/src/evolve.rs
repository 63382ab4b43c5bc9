//! How the columns of a table may change while its rows stay. Must not write anything.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};

use sluice_model::SparkType;

use crate::TableError;
use crate::schema::{MetadataChange, wrong};
use crate::table::DeltaTable;

/// Checks that columns may follow others while rows stay: all are there with their types, new ones take NULL.
pub(crate) fn check_evolution(
    before: &[FieldRef],
    after: &[FieldRef],
    above: &str,
) -> Result<(), TableError> {
    for old in before {
        let name = old.name();
        let Some(new) = after.iter().find(|field| field.name() == name) else {
            return wrong(format!("column `{above}{name}` would be dropped"));
        };
        if old.is_nullable() && !new.is_nullable() {
            return wrong(format!(
                "column `{above}{name}` would become NOT NULL while rows may hold NULL"
            ));
        }
        check_type_change(old.data_type(), new.data_type(), &format!("{above}{name}"))?;
    }
    let added = after
        .iter()
        .filter(|field| !before.iter().any(|old| old.name() == field.name()));
    for new in added {
        if !new.is_nullable() {
            return wrong(format!(
                "column `{above}{}` is new and must allow NULL, because rows without it stay",
                new.name()
            ));
        }
    }
    Ok(())
}

fn check_type_change(old: &DataType, new: &DataType, path: &str) -> Result<(), TableError> {
    match (old, new) {
        (DataType::Struct(old), DataType::Struct(new)) => {
            check_evolution(old, new, &format!("{path}."))
        }
        (DataType::List(old), DataType::List(new))
        | (DataType::Map(old, _), DataType::Map(new, _)) => {
            check_type_change(old.data_type(), new.data_type(), path)
        }
        _ if old == new => Ok(()),
        _ => wrong(format!(
            "column `{path}` would change its type from {} to {}",
            spark_name(old),
            spark_name(new)
        )),
    }
}

fn spark_name(data_type: &DataType) -> String {
    SparkType::from_arrow(data_type).map_or_else(
        || data_type.to_string(),
        |spark| spark.to_string().to_uppercase(),
    )
}

/// Old columns in their order with new comments and nullability, then the new ones: what evolution makes of two schemas.
/// Struct columns grow the same way.
fn merge_fields(before: &[FieldRef], after: &[FieldRef]) -> Vec<FieldRef> {
    let mut merged: Vec<FieldRef> = before
        .iter()
        .map(
            |old| match after.iter().find(|field| field.name() == old.name()) {
                None => Arc::clone(old),
                Some(new) => {
                    let data_type = match (old.data_type(), new.data_type()) {
                        (DataType::Struct(old), DataType::Struct(new)) => {
                            DataType::Struct(merge_fields(old, new).into())
                        }
                        (_, new) => new.clone(),
                    };
                    let field = Field::new(
                        old.name(),
                        data_type,
                        old.is_nullable() || new.is_nullable(),
                    );
                    let metadata = if new.metadata().is_empty() {
                        old.metadata()
                    } else {
                        new.metadata()
                    };
                    Arc::new(field.with_metadata(metadata.clone()))
                }
            },
        )
        .collect();
    merged.extend(
        after
            .iter()
            .filter(|new| !before.iter().any(|old| old.name() == new.name()))
            .map(|new| {
                let relaxed = new.as_ref().clone().with_nullable(true);
                Arc::new(relaxed)
            }),
    );
    merged
}

impl DeltaTable {
    /// The change that lets rows with these columns be added: new columns at the end, NOT NULL relaxed, comments taken
    /// over. Empty if none is needed. A column that the rows lack stays and must allow NULL.
    ///
    /// # Errors
    /// A column has another type.
    pub fn evolve(&self, columns: &Schema) -> Result<MetadataChange, TableError> {
        let current = self.schema();
        let merged = Schema::new(merge_fields(current.fields(), columns.fields()));
        check_evolution(current.fields(), merged.fields(), "")?;
        let change = (merged != *current).then(|| Arc::new(merged));
        Ok(MetadataChange {
            columns: change,
            ..MetadataChange::default()
        })
    }
}
