//! Checks that a Delta table can hold the columns of a dataset: their names and the names inside of them, and no VOID. What the declared list
//! itself says is checked where it is declared.

use std::collections::BTreeSet;

use sluice_model::condition::graph as condition;
use sluice_model::condition::query::COLUMN_ALREADY_EXISTS;
use sluice_model::{Diagnostic, Origin, SparkType};

use super::Resolving;
use crate::declare::columns::{invalid_name, is_storable};
use crate::validate::alias;
use crate::{Dataset, ResolvedFlow};
use arrow_schema::Schema;

impl Resolving<'_> {
    /// Checks the columns of a table that its flows fill.
    pub(super) fn check_storable(
        &mut self,
        dataset: &Dataset,
        schema: &Schema,
        flows: &[&ResolvedFlow],
    ) {
        if !dataset.kind.is_table() {
            return;
        }
        for field in schema.fields() {
            let place = flows.first().map_or(dataset.origin.clone(), |flow| {
                alias::place_of(&flow.query, field.name(), 0)
            });
            if dataset.columns.is_empty() && !is_storable(field.name()) {
                self.diagnostics.push(invalid_name(field.name(), &place));
            }
            if let Some(data_type) = SparkType::from_arrow(field.data_type()) {
                self.check_parts(&data_type, field.name(), &place);
            }
        }
    }

    fn check_parts(&mut self, data_type: &SparkType, path: &str, place: &Origin) {
        match data_type {
            SparkType::Null => self.diagnostics.push(void(path, place)),
            SparkType::Array(item) => {
                self.check_parts(item, &format!("{path}.element"), place);
            }
            SparkType::Map(key, value) => {
                self.check_parts(key, &format!("{path}.key"), place);
                self.check_parts(value, &format!("{path}.value"), place);
            }
            SparkType::Struct(fields) => {
                let mut seen = BTreeSet::new();
                for field in fields {
                    if !is_storable(&field.name) {
                        self.diagnostics.push(invalid_name(&field.name, place));
                    }
                    if !seen.insert(field.name.to_lowercase()) {
                        let message = format!(
                            "`{path}` has two fields `{}` (names do not differ by case)",
                            field.name
                        );
                        let error = Diagnostic::error(&COLUMN_ALREADY_EXISTS, message);
                        self.diagnostics.push(error.at(place, ""));
                    }
                    self.check_parts(&field.data_type, &format!("{path}.{}", field.name), place);
                }
            }
            _ => {}
        }
    }
}

fn void(path: &str, place: &Origin) -> Diagnostic {
    Diagnostic::error(
        &condition::VOID_COLUMN,
        format!("`{path}` is VOID: nothing says of which type its NULLs are"),
    )
    .at(place, "a table needs a type here")
    .help("cast it: `CAST(NULL AS STRING)`, `CAST(array() AS ARRAY<INT>)`")
}
