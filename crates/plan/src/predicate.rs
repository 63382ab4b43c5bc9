//! A predicate over a few rows that are at hand, such as the partitions of a table. Must not know what the rows are.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::datasource::MemTable;
use sluice_model::{Diagnostic, Expectation, Namespace, OnViolation};
use sluice_sql::query::Expression;
use sluice_sql::statement::ExpectationClause;

use crate::Session;

/// The column that numbers the rows; no user can write such a name.
const ROW: &str = "\u{1}row";

impl Session {
    /// The numbers of the rows for which a predicate is TRUE.
    ///
    /// # Errors
    /// All that is wrong with the predicate, such as unknown columns, or with a value.
    pub async fn matching(
        &self,
        rows: &RecordBatch,
        predicate: &Expression,
    ) -> Result<Vec<usize>, Vec<Diagnostic>> {
        let internal = |error: &dyn std::fmt::Display| {
            let condition = &sluice_model::condition::run::INTERNAL_ERROR;
            vec![Diagnostic::error(
                condition,
                format!("rows at hand: {error}"),
            )]
        };
        let mut fields = rows.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(ROW, DataType::Int64, false)));
        let schema = Arc::new(Schema::new(fields));
        let mut columns = rows.columns().to_vec();
        let numbers = Int64Array::from_iter_values(0..i64::try_from(rows.num_rows()).unwrap_or(0));
        columns.push(Arc::new(numbers));
        let numbered = RecordBatch::try_new(Arc::clone(&schema), columns);
        let numbered = numbered.map_err(|error| internal(&error))?;
        let table = MemTable::try_new(schema, vec![vec![numbered]]);
        let table = Arc::new(table.map_err(|error| internal(&error))?);
        let file: Arc<str> = "partitions".into();
        let query =
            sluice_sql::parse_query(&file, "SELECT * FROM t", vec![], &Namespace::default())?;
        let clause = ExpectationClause {
            expectation: Expectation {
                name: "where".into(),
                predicate: predicate.text.clone(),
                on_violation: OnViolation::DropRow,
                origin: predicate.origin.clone(),
            },
            predicate: predicate.clone(),
        };
        let one = |diagnostic: Box<Diagnostic>| vec![*diagnostic];
        let checked = self.bind(&query, &[table])?.with_expectations(&[clause])?;
        let mut kept = checked.execute().await.map_err(one)?;
        let mut found = vec![];
        while let Some(batch) = kept.next().await.map_err(one)? {
            let Some(last) = batch.columns().last() else {
                continue;
            };
            let numbers = last.as_primitive::<Int64Type>();
            found.extend(
                numbers
                    .values()
                    .iter()
                    .filter_map(|row| usize::try_from(*row).ok()),
            );
        }
        Ok(found)
    }
}
