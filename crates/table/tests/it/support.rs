//! What the tests share: a clock and ids that count, a table of two columns, appends, and rows read back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use sluice_model::{Clock, Ids};
use sluice_table::{
    CommitOutcome, CommitRequest, DeltaTable, Location, Store, StoreOptions, TableDefinition,
    WriteOptions,
};

/// A clock that moves one second each time it is asked.
#[derive(Debug, Default)]
pub(crate) struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed) * 1_000_000
    }
}

/// Ids that count, unique in the process: several engines of one test share storage.
#[derive(Debug, Default)]
pub(crate) struct Numbers;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Ids for Numbers {
    fn uuid(&self) -> String {
        format!(
            "00000000-0000-4000-8000-{:012}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        )
    }
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions::new(Arc::new(Ticks::default()), Arc::new(Numbers))
}

pub(crate) fn memory() -> Store {
    Store::memory(options()).unwrap()
}

pub(crate) fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
    ]))
}

pub(crate) fn definition(columns: SchemaRef) -> TableDefinition {
    TableDefinition {
        name: Some("main.default.t".into()),
        comment: None,
        columns,
        partition_by: vec![],
        properties: BTreeMap::new(),
    }
}

pub(crate) fn place(store: &Store) -> Location {
    store.place(&["main", "default", "t"])
}

pub(crate) async fn table(store: &Store) -> DeltaTable {
    DeltaTable::create_if_absent(store, &place(store), &definition(columns()))
        .await
        .unwrap()
}

pub(crate) fn rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let names: StringArray = ids
        .clone()
        .map(|id| (id % 7 != 0).then(|| format!("n{id}")))
        .collect();
    let ids = Int64Array::from_iter_values(ids);
    RecordBatch::try_new(columns(), vec![Arc::new(ids), Arc::new(names)]).unwrap()
}

/// Writes rows and makes the request that adds them as a batch of application `app`.
pub(crate) async fn request(
    table: &DeltaTable,
    app: &str,
    batch: i64,
    rows: &RecordBatch,
) -> CommitRequest {
    let mut writer = table.writer(WriteOptions::new("0000abcd", batch));
    writer.write(rows).await.unwrap();
    CommitRequest {
        adds: writer.finish().await.unwrap(),
        txns: vec![(app.to_owned(), batch)],
        operation: "WRITE".into(),
        ..CommitRequest::default()
    }
}

pub(crate) async fn append(
    table: &DeltaTable,
    app: &str,
    batch: i64,
    rows: &RecordBatch,
) -> CommitOutcome {
    let request = request(table, app, batch, rows).await;
    table.commit(&request).await.unwrap()
}

/// The version of a commit that was made.
pub(crate) fn made(outcome: CommitOutcome) -> u64 {
    match outcome {
        CommitOutcome::Committed { version } => version,
        other => panic!("{other:?}"),
    }
}
