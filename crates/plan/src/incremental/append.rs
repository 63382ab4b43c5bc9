//! The plan of APPEND_ONLY: the same query over the new rows of its inputs only. Correct for linear queries.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use sluice_model::Diagnostic;
use sluice_sql::query::Query;

use crate::Session;
use crate::bind::BoundQuery;

/// One input of an append.
#[derive(Debug, Clone)]
pub enum AppendInput {
    /// Only these rows are new.
    New(Arc<dyn TableProvider>),
    /// No row is new; the table as it is gives the columns.
    Unchanged(Arc<dyn TableProvider>),
}

/// The query whose result is appended: linear in each input, so the new rows of all inputs give the new rows.
///
/// # Errors
/// As [`Session::bind`].
pub fn plan_append(
    session: &Session,
    query: &Query,
    inputs: &[AppendInput],
) -> Result<BoundQuery, Vec<Diagnostic>> {
    let providers: Vec<Arc<dyn TableProvider>> = inputs
        .iter()
        .map(|input| match input {
            AppendInput::New(rows) => Arc::clone(rows),
            AppendInput::Unchanged(table) => Arc::new(EmptyTable::new(table.schema())),
        })
        .collect();
    session.bind(query, &providers)
}
