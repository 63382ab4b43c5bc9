//! What the tests share: sessions, tables in memory, answers as text.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::empty::EmptyTable;
use sluice_decode::cast::value_text;
use sluice_decode::datetime::Zone;
use sluice_model::{Diagnostic, Namespace};
use sluice_plan::{BoundQuery, Session, SessionSettings};
use sluice_sql::query::{Query, RelationSource};
use sluice_sql::statement::WrittenName;

/// 2024-05-06T07:08:09.123456Z
pub(crate) const NOW_US: i64 = 1_714_979_289_123_456;

/// Tables by name.
pub(crate) type Tables = HashMap<String, Arc<dyn TableProvider>>;

pub(crate) fn session() -> Session {
    Session::new(&SessionSettings {
        now_us: NOW_US,
        ..SessionSettings::default()
    })
    .unwrap()
}

pub(crate) fn bind_in(
    session: &Session,
    sql: &str,
    tables: &Tables,
) -> Result<BoundQuery, Vec<Diagnostic>> {
    let query =
        sluice_sql::parse_query(&Arc::from("test.sql"), sql, vec![], &Namespace::default())?;
    if let Some(missing) = query
        .relations
        .iter()
        .find(|relation| match &relation.source {
            RelationSource::Name(name) => !tables.contains_key(&last_part(name)),
            _ => true,
        })
    {
        let condition = &sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
        return Err(vec![
            Diagnostic::error(condition, "there is no such relation").at(&missing.origin, ""),
        ]);
    }
    session.bind(&query, &inputs(&query, tables))
}

fn last_part(name: &WrittenName) -> String {
    name.parts.last().unwrap().to_lowercase()
}

pub(crate) fn inputs(query: &Query, tables: &Tables) -> Vec<Arc<dyn TableProvider>> {
    query
        .relations
        .iter()
        .map(|relation| match &relation.source {
            RelationSource::Name(name) => Arc::clone(&tables[&last_part(name)]),
            other => panic!("no such relation: {other:?}"),
        })
        .collect()
}

pub(crate) fn bind(sql: &str, tables: &Tables) -> Result<BoundQuery, Vec<Diagnostic>> {
    bind_in(&session(), sql, tables)
}

/// A table of one batch made by a query.
pub(crate) fn table(sql: &str) -> Arc<dyn TableProvider> {
    let query = bind(sql, &Tables::new()).unwrap_or_else(|e| panic!("{sql}: {}", words(&e)));
    let batches = block_on(query.collect()).unwrap();
    memory(query.schema(), batches)
}

pub(crate) fn memory(schema: SchemaRef, batches: Vec<RecordBatch>) -> Arc<dyn TableProvider> {
    if batches.is_empty() {
        return Arc::new(EmptyTable::new(schema));
    }
    Arc::new(MemTable::try_new(schema, vec![batches]).unwrap())
}

pub(crate) fn tables(list: &[(&str, &str)]) -> Tables {
    list.iter()
        .map(|(name, sql)| ((*name).to_string(), table(sql)))
        .collect()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Rows as `a | b`, one per line, values as Spark casts them to STRING.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let zone = Zone::parse("UTC").unwrap();
    let mut out = vec![];
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column: &ArrayRef| {
                if column.is_null(row) {
                    "NULL".to_string()
                } else {
                    value_text(column.as_ref(), row, &zone)
                }
            });
            out.push(cells.collect::<Vec<_>>().join(" | "));
        }
    }
    out
}

/// The rows of a query, or `CONDITION` in the one line.
pub(crate) fn answer(sql: &str, tables: &Tables) -> Vec<String> {
    let query = match bind(sql, tables) {
        Ok(query) => query,
        Err(errors) => {
            return errors
                .iter()
                .map(|e| e.condition.name.to_string())
                .collect();
        }
    };
    match block_on(query.collect()) {
        Ok(batches) => rows(&batches),
        Err(error) => vec![error.condition.name.to_string()],
    }
}

pub(crate) fn words(errors: &[Diagnostic]) -> String {
    errors
        .iter()
        .map(|e| format!("{e} {:?} {:?}", e.labels, e.facts))
        .collect::<Vec<_>>()
        .join("\n")
}
