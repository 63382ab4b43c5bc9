//! CHECK constraints of a table (`delta.constraints.…`), which every writer must keep. Must not say what SQL means to
//! pipelines: these expressions are the table's own, set by whoever altered it.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::DFSchema;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use crate::TableError;
use crate::write::row_text;

/// One constraint, ready to be asked.
#[derive(Debug)]
pub(crate) struct Constraint {
    name: String,
    expression: String,
    predicate: Arc<dyn PhysicalExpr>,
}

impl Constraint {
    /// Reads the constraints among table properties.
    pub(crate) fn read<'a>(
        properties: impl Iterator<Item = (&'a String, &'a String)>,
        schema: &SchemaRef,
    ) -> Result<Vec<Self>, TableError> {
        let mut declared: Vec<(&str, &String)> = properties
            .filter_map(|(name, value)| {
                name.strip_prefix("delta.constraints.")
                    .map(|name| (name, value))
            })
            .collect();
        if declared.is_empty() {
            return Ok(vec![]);
        }
        declared.sort_unstable();
        let session = SessionContext::new();
        let columns = DFSchema::try_from(schema.as_ref().clone())?;
        let read = |(name, expression): (&str, &String)| {
            let parsed = session.parse_sql_expr(expression, &columns)?;
            let predicate = session.create_physical_expr(parsed, &columns)?;
            Ok(Self {
                name: name.to_owned(),
                expression: expression.clone(),
                predicate,
            })
        };
        declared.into_iter().map(read).collect()
    }

    /// Checks that it is TRUE for every row: NULL breaks it, as FALSE does.
    pub(crate) fn check(&self, batch: &RecordBatch) -> Result<(), TableError> {
        let answers = self
            .predicate
            .evaluate(batch)?
            .into_array(batch.num_rows())?;
        let broken = match answers.as_boolean_opt() {
            Some(answers) => {
                (0..answers.len()).find(|row| answers.is_null(*row) || !answers.value(*row))
            }
            None => Some(0),
        };
        match broken {
            None => Ok(()),
            Some(row) => Err(TableError::Check {
                name: self.name.clone(),
                expression: self.expression.clone(),
                row: row_text(batch, row),
            }),
        }
    }
}
