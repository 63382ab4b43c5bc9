//! OPTIMIZE, VACUUM and RESTORE: rows stay what they are, and others are not disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::prelude::SessionContext;
use sluice_table::{
    ChangeKind, CommitRequest, DeltaTable, MetadataChange, OptimizeRequest, RETENTION_MS, Removes,
    TableDefinition,
};

use crate::support::{append, columns, definition, made, memory, place, request, rows, table};

async fn ids(table: &DeltaTable) -> Vec<i64> {
    let provider = table.provider(None).await.unwrap();
    let read = SessionContext::new().read_table(provider).unwrap();
    let mut ids: Vec<i64> = vec![];
    for batch in read.collect().await.unwrap() {
        ids.extend(batch.column(0).as_primitive::<Int64Type>().values());
    }
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn compaction_changes_no_row_and_keeps_transactions() {
    let store = memory();
    let table = table(&store).await;
    for batch in 0..8 {
        let _ = append(&table, "a", batch, &rows(batch * 100..batch * 100 + 100)).await;
    }
    let before = ids(&table).await;
    let done = table.optimize(&OptimizeRequest::default()).await.unwrap();
    assert_eq!((done.removed.bytes.len(), done.added.bytes.len()), (8, 1));
    assert_eq!(done.version, Some(9));
    assert_eq!(ids(&table).await, before);
    assert_eq!(table.row_count(), Some(800));
    assert_eq!(table.txn("a").await.unwrap(), Some(7));
    let changes = table.changes(8, 9).await.unwrap();
    assert_eq!(changes[0].kind(), ChangeKind::Rearranged);
    assert!(
        table
            .foreign_changes(0)
            .await
            .unwrap()
            .iter()
            .all(|change| change.version < 9)
    );
    // A reader that knows nothing of what this handle holds sees the same.
    let again = DeltaTable::existing(&store, &place(&store)).await.unwrap();
    assert_eq!(ids(&again).await, before);
    assert_eq!(again.txn("a").await.unwrap(), Some(7));
    let nothing = table.optimize(&OptimizeRequest::default()).await.unwrap();
    assert_eq!(nothing.version, None);
}

#[tokio::test]
async fn an_append_from_before_an_optimize_still_lands() {
    let store = memory();
    let table = table(&store).await;
    for batch in 0..3 {
        let _ = append(&table, "a", batch, &rows(batch..batch + 1)).await;
    }
    let late = request(&table, "a", 3, &rows(3..4)).await;
    let other = DeltaTable::existing(&store, &place(&store)).await.unwrap();
    other.optimize(&OptimizeRequest::default()).await.unwrap();
    assert_eq!(made(table.commit(&late).await.unwrap()), 5);
    assert_eq!(ids(&table).await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn only_the_partitions_asked_for_are_rewritten() {
    let store = memory();
    let by_name = TableDefinition {
        partition_by: vec!["name".into()],
        ..definition(columns())
    };
    let table = DeltaTable::create_if_absent(&store, &place(&store), &by_name)
        .await
        .unwrap();
    for batch in 0..3 {
        let ids = Int64Array::from(vec![batch * 2, batch * 2 + 1]);
        let names = StringArray::from(vec![Some("x y"), None]);
        let rows = RecordBatch::try_new(columns(), vec![Arc::new(ids), Arc::new(names)]).unwrap();
        let _ = append(&table, "a", batch, &rows).await;
    }
    let values =
        |name: Option<&str>| BTreeMap::from([("name".to_owned(), name.map(str::to_owned))]);
    let request = OptimizeRequest {
        partitions: Some([values(None)].into()),
        ..OptimizeRequest::default()
    };
    let done = table.optimize(&request).await.unwrap();
    assert_eq!(
        (done.partitions, done.considered, done.removed.bytes.len()),
        (1, 3, 3)
    );
    let files = table.snapshot_files(table.version()).await.unwrap();
    let of = |name| {
        files
            .iter()
            .filter(|file| file.partition_values == values(name))
            .count()
    };
    assert_eq!((of(None), of(Some("x y"))), (1, 3));
    assert_eq!(ids(&table).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn z_order_narrows_what_files_hold_of_each_column() {
    let store = memory();
    let two = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("other", DataType::Int64, true),
    ]));
    let small_files = TableDefinition {
        properties: BTreeMap::from([("delta.targetFileSize".into(), "16kb".into())]),
        ..definition(Arc::clone(&two))
    };
    let table = DeltaTable::create_if_absent(&store, &place(&store), &small_files)
        .await
        .unwrap();
    let count = 160_000_i64;
    for batch in 0..4 {
        let numbers = (0..count / 4).map(|n| (n * 4 + batch) * 7919 % count);
        let ids = Int64Array::from_iter_values(numbers.clone());
        let others = Int64Array::from_iter_values(numbers.map(|n| n * 31 % count));
        let rows = RecordBatch::try_new(Arc::clone(&two), vec![Arc::new(ids), Arc::new(others)]);
        let _ = append(&table, "a", batch, &rows.unwrap()).await;
    }
    let request = OptimizeRequest {
        z_order_by: vec!["id".into(), "other".into()],
        all_files: true,
        ..OptimizeRequest::default()
    };
    let done = table.optimize(&request).await.unwrap();
    assert!(done.added.bytes.len() >= 4, "{:?}", done.added);
    assert_eq!(ids(&table).await, (0..count).collect::<Vec<_>>());
    let detail = table
        .commit_at(done.version.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        detail.info["operationParameters"]["zOrderBy"],
        "[\"id\",\"other\"]"
    );
    for column in ["id", "other"] {
        let widths = widths(&table, column).await;
        // A file that lies across the middle is as wide as the table; unsorted, all are.
        let mean = widths.iter().sum::<i64>() / i64::try_from(widths.len()).unwrap();
        assert!(
            mean < count * 6 / 10,
            "{column} is spread over {mean} of {count} in {} files",
            widths.len()
        );
    }
}

/// How far the smallest and the largest value of a column are apart, per file.
async fn widths(table: &DeltaTable, column: &str) -> Vec<i64> {
    let session = SessionContext::new();
    let mut widths = vec![];
    for file in table.snapshot_files(table.version()).await.unwrap() {
        let one = table
            .provider_for_files(&[file], table.version())
            .await
            .unwrap();
        let rows = session.read_table(one).unwrap();
        let batches = rows.select_columns(&[column]).unwrap().collect().await;
        let values: BTreeSet<i64> = batches
            .unwrap()
            .iter()
            .flat_map(|batch| {
                let numbers = batch.column(0).as_primitive::<Int64Type>();
                numbers.values().to_vec()
            })
            .collect();
        widths.push(values.last().unwrap() - values.first().unwrap());
    }
    widths
}

#[tokio::test]
async fn vacuum_keeps_what_is_young_needed_or_not_its_own() {
    let store = memory();
    let table = table(&store).await;
    for batch in 0..2 {
        let _ = append(&table, "a", batch, &rows(batch..batch + 1)).await;
    }
    let state = table
        .location()
        .child(["_sluice", "flow", "0", "offsets", "1.json"]);
    store.put(&state, "plan".into()).await.unwrap();
    let orphan = table.location().child(["part-orphan.parquet"]);
    store.put(&orphan, "half a batch".into()).await.unwrap();
    table.optimize(&OptimizeRequest::default()).await.unwrap();
    // The clock of this store stands years before the files' own times: everything is young.
    assert_eq!(
        table.vacuum(RETENTION_MS, false).await.unwrap().paths,
        Vec::<String>::new()
    );
    assert!(store.head(&orphan).await.unwrap().is_some());
    assert!(store.head(&state).await.unwrap().is_some());
    assert_eq!(ids(&table).await, [0, 1]);
}

#[tokio::test]
async fn restore_brings_rows_columns_and_properties_back() {
    let store = memory();
    let table = table(&store).await;
    let _ = append(&table, "a", 0, &rows(0..3)).await;
    let mut wider = columns().fields().to_vec();
    wider.push(Arc::new(Field::new("more", DataType::Int64, true)));
    let change = MetadataChange {
        columns: Some(Arc::new(Schema::new(wider))),
        properties: BTreeMap::from([("quality".into(), Some("gold".into()))]),
        ..MetadataChange::default()
    };
    table.change_metadata(change).await.unwrap();
    let all = CommitRequest {
        removes: Removes::All,
        txns: vec![("b".into(), 0)],
        operation: "WRITE".into(),
        ..CommitRequest::default()
    };
    made(table.commit(&all).await.unwrap());
    assert_eq!(ids(&table).await, Vec::<i64>::new());
    let done = table.restore(1, vec![("a".into(), 5)]).await.unwrap();
    assert_eq!(
        (
            done.version,
            done.files,
            done.restored_files,
            done.removed_files
        ),
        (4, 1, 1, 0)
    );
    assert_eq!(ids(&table).await, [0, 1, 2]);
    assert_eq!(table.schema().fields().len(), 2);
    assert!(!table.properties().contains_key("quality"));
    assert_eq!(table.txn("a").await.unwrap(), Some(5));
    let changes = table.changes(3, 4).await.unwrap();
    assert!(changes[0].is_restore());
    // And forward again, to what was there before the restore.
    table.restore(3, vec![]).await.unwrap();
    assert_eq!(ids(&table).await, Vec::<i64>::new());
    assert_eq!(table.schema().fields().len(), 3);
}
