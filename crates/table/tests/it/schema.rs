//! What a table may be and how it may change; constraints of rows; history and detail.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use sluice_table::{
    CommitOutcome, CommitRequest, Conflict, DeltaTable, MetadataChange, PropertyVerdict, Removes,
    TableDefinition, WriteOptions, judge_property,
};

use crate::read::{all, ids};
use crate::support::{append, columns, definition, made, memory, place, request, rows, table};

fn schema(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

#[tokio::test]
async fn definitions_that_cannot_be_are_refused() {
    let id = || Field::new("id", DataType::Int64, true);
    let cases: Vec<(TableDefinition, &str)> = vec![
        (definition(schema(vec![])), "at least one column"),
        (
            definition(schema(vec![id(), Field::new("ID", DataType::Utf8, true)])),
            "appears twice",
        ),
        (
            definition(schema(vec![Field::new("a b", DataType::Int64, true)])),
            "contains",
        ),
        (
            definition(schema(vec![Field::new("v", DataType::Null, true)])),
            "VOID",
        ),
        (
            definition(schema(vec![Field::new("u", DataType::UInt64, true)])),
            "no form in Delta",
        ),
        (
            TableDefinition {
                partition_by: vec!["x".into()],
                ..definition(columns())
            },
            "not a column",
        ),
        (
            TableDefinition {
                partition_by: vec!["id".into(), "name".into()],
                ..definition(columns())
            },
            "at least one column",
        ),
        (
            TableDefinition {
                properties: BTreeMap::from([(
                    "delta.setTransactionRetentionDuration".into(),
                    "interval 1 day".into(),
                )]),
                ..definition(columns())
            },
            "must not expire",
        ),
    ];
    for (definition, expected) in cases {
        let store = memory();
        let error = DeltaTable::create_if_absent(&store, &place(&store), &definition)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            DeltaTable::open(&store, &place(&store))
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn properties_are_kept_left_out_or_refused() {
    for (name, value, kept) in [
        ("quality", "silver", true),
        ("sluice.pipeline", "p", true),
        ("delta.appendOnly", "true", true),
        ("delta.enableDeletionVectors", "true", false),
        ("delta.feature.rowTracking", "supported", false),
        ("delta.parquet.compression.codec", "ZSTD", true),
        ("delta.parquet.compression.codec", "brotli", false),
    ] {
        assert_eq!(
            judge_property(name, value) == PropertyVerdict::Kept,
            kept,
            "{name}"
        );
    }
    assert_eq!(
        judge_property("delta.apendOnly", "true"),
        PropertyVerdict::Unknown
    );
    assert!(matches!(
        judge_property("delta.columnMapping.mode", "name"),
        PropertyVerdict::Refused(_)
    ));
    assert!(matches!(
        judge_property("delta.parquet.compression.codec", "zsdt"),
        PropertyVerdict::Refused(_)
    ));
    let store = memory();
    let definition = TableDefinition {
        comment: Some("sensors".into()),
        properties: BTreeMap::from([
            ("quality".into(), "silver".into()),
            ("delta.enableDeletionVectors".into(), "true".into()),
            ("delta.enableChangeDataFeed".into(), "true".into()),
        ]),
        ..definition(columns())
    };
    let table = DeltaTable::create_if_absent(&store, &place(&store), &definition)
        .await
        .unwrap();
    assert_eq!(
        table.properties().into_keys().collect::<Vec<_>>(),
        ["delta.enableChangeDataFeed", "quality"]
    );
    assert_eq!(table.comment().as_deref(), Some("sensors"));
    made(append(&table, "a", 0, &rows(0..3)).await);
}

#[tokio::test]
async fn new_columns_join_at_the_end_and_old_rows_have_null_there() {
    let store = memory();
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..2)).await);
    let wider = schema(vec![
        Field::new("extra", DataType::Float64, false),
        Field::new("id", DataType::Int64, true),
    ]);
    let change = table.evolve(&wider).unwrap();
    let after = change.columns.clone().unwrap();
    assert_eq!(
        after
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect::<Vec<_>>(),
        ["id", "name", "extra"]
    );
    assert!(after.fields().iter().all(|field| field.is_nullable()));
    let row = RecordBatch::try_new(
        Arc::clone(&after),
        vec![
            Arc::new(Int64Array::from(vec![7])),
            Arc::new(StringArray::from(vec!["x"])),
            Arc::new(arrow::array::Float64Array::from(vec![0.5])),
        ],
    )
    .unwrap();
    let mut writer = table.writer_for(Arc::clone(&after), vec![], WriteOptions::new("f", 1));
    writer.write(&row).await.unwrap();
    let request = CommitRequest {
        adds: writer.finish().await.unwrap(),
        txns: vec![("a".into(), 1)],
        metadata: Some(change),
        operation: "WRITE".into(),
        ..CommitRequest::default()
    };
    made(table.commit(&request).await.unwrap());
    assert_eq!(table.schema(), after);
    assert!(
        table.evolve(&columns()).unwrap().is_empty(),
        "fewer columns need no change"
    );
    let provider = table.provider(None).await.unwrap();
    assert_eq!(ids(Arc::clone(&provider)).await, [0, 1, 7]);
    let nulls: usize = all(provider)
        .await
        .iter()
        .map(|batch| batch.column_by_name("extra").unwrap().null_count())
        .sum();
    assert_eq!(nulls, 2);
    let files: Vec<_> = table
        .changes(0, 2)
        .await
        .unwrap()
        .into_iter()
        .flat_map(|change| change.added)
        .collect();
    assert_eq!(
        ids(table.provider_for_files(&files, 0).await.unwrap()).await,
        [0, 1, 7]
    );
    let typed = schema(vec![Field::new("id", DataType::Utf8, true)]);
    assert!(
        table
            .evolve(&typed)
            .unwrap_err()
            .to_string()
            .contains("change its type")
    );
}

#[tokio::test]
async fn replacing_all_rows_may_replace_the_columns() {
    let store = memory();
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..5)).await);
    let other = schema(vec![Field::new("id", DataType::Int64, true)]);
    let row = RecordBatch::try_new(
        Arc::clone(&other),
        vec![Arc::new(Int64Array::from(vec![42]))],
    )
    .unwrap();
    let mut writer = table.writer_for(Arc::clone(&other), vec![], WriteOptions::new("f", 1));
    writer.write(&row).await.unwrap();
    let request = CommitRequest {
        adds: writer.finish().await.unwrap(),
        removes: Removes::All,
        txns: vec![("a".into(), 1)],
        metadata: Some(MetadataChange {
            columns: Some(Arc::clone(&other)),
            ..MetadataChange::default()
        }),
        operation: "WRITE".into(),
        ..CommitRequest::default()
    };
    made(table.commit(&request).await.unwrap());
    assert_eq!(table.schema(), other);
    assert_eq!(ids(table.provider(None).await.unwrap()).await, [42]);
    assert_eq!(
        ids(table.provider(Some(1)).await.unwrap()).await,
        [0, 1, 2, 3, 4]
    );
}

#[tokio::test]
async fn a_full_refresh_empties_the_table_and_opens_an_incarnation_once() {
    let store = memory();
    let table = table(&store).await;
    made(append(&table, "f/0", 0, &rows(0..5)).await);
    let request = CommitRequest {
        removes: Removes::All,
        txns: vec![("f/1".into(), -1), ("g/1".into(), -1)],
        operation: "FULL REFRESH".into(),
        ..CommitRequest::default()
    };
    assert_eq!(made(table.commit(&request).await.unwrap()), 2);
    let again = table.commit(&request).await.unwrap();
    assert!(matches!(
        again,
        CommitOutcome::AlreadyCommitted { version: 2 }
    ));
    assert_eq!(table.row_count(), Some(0));
    assert_eq!(table.txn("f/0").await.unwrap(), Some(0));
    assert_eq!(table.txn("f/1").await.unwrap(), Some(-1));
    made(append(&table, "f/1", 0, &rows(0..5)).await);
    let mut both = request.clone();
    both.txns = vec![("f/1".into(), 0), ("g/1".into(), 0)];
    let outcome = table.commit(&both).await.unwrap();
    assert!(matches!(
        outcome,
        CommitOutcome::Conflict(Conflict::PartlyCommitted { .. })
    ));
    assert_eq!(
        ids(table.provider(None).await.unwrap()).await,
        [0, 1, 2, 3, 4]
    );
}

#[tokio::test]
async fn a_commit_from_before_a_change_of_columns_is_a_conflict() {
    let store = memory();
    let first = table(&store).await;
    let other = store.restarted(crate::support::options()).unwrap();
    let second = DeltaTable::existing(&other, &place(&other)).await.unwrap();
    let late = request(&second, "b", 0, &rows(0..1)).await;
    let properties = BTreeMap::from([("quality".to_owned(), Some("gold".to_owned()))]);
    let change = MetadataChange {
        properties,
        ..MetadataChange::default()
    };
    made(
        first
            .change_metadata(change.clone())
            .await
            .unwrap()
            .unwrap(),
    );
    assert!(
        first.change_metadata(change).await.unwrap().is_none(),
        "nothing left to change"
    );
    let outcome = second.commit(&late).await.unwrap();
    assert!(
        matches!(
            outcome,
            CommitOutcome::Conflict(Conflict::MetadataChanged { version: 1 })
        ),
        "{outcome:?}"
    );
    made(second.commit(&late).await.unwrap());
}

#[tokio::test]
async fn files_that_are_gone_cannot_be_replaced_again() {
    let store = memory();
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..5)).await);
    let path = table.snapshot_files(1).await.unwrap()[0].path.clone();
    let mut replace = request(&table, "a", 1, &rows(5..6)).await;
    replace.removes = Removes::Files(vec![path.clone()]);
    made(table.commit(&replace).await.unwrap());
    let mut again = request(&table, "a", 2, &rows(6..7)).await;
    again.removes = Removes::Files(vec![path.clone()]);
    let outcome = table.commit(&again).await.unwrap();
    assert!(
        matches!(&outcome, CommitOutcome::Conflict(Conflict::FilesChanged { path: gone, .. }) if *gone == path)
    );
    assert_eq!(ids(table.provider(None).await.unwrap()).await, [5]);
}

#[tokio::test]
async fn rows_that_break_a_promise_of_the_table_are_named() {
    let store = memory();
    let properties = BTreeMap::from([(
        "delta.constraints.positive".into(),
        "id > 0 AND name <> 'bad'".into(),
    )]);
    let definition = TableDefinition {
        properties,
        ..definition(columns())
    };
    let table = DeltaTable::create_if_absent(&store, &place(&store), &definition)
        .await
        .unwrap();
    assert_eq!(
        table.constraints(),
        BTreeMap::from([("positive".into(), "id > 0 AND name <> 'bad'".into())])
    );
    let open = schema(
        columns()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect(),
    );
    let row = RecordBatch::try_new(
        open,
        vec![
            Arc::new(Int64Array::from(vec![None])),
            Arc::new(StringArray::from(vec![Some("x")])),
        ],
    );
    let mut writer = table.writer(WriteOptions::new("f", 0));
    let error = writer.write(&row.unwrap()).await.unwrap_err();
    assert_eq!(error.condition().name, "DELTA_NOT_NULL_CONSTRAINT_VIOLATED");
    let told = error.diagnostic();
    assert!(told.facts[0].contains("id: "), "{told:?}");
    made(append(&table, "a", 0, &rows(1..2)).await);
    let mut writer = table.writer(WriteOptions::new("f", 1));
    let wrong = RecordBatch::try_new(
        schema(vec![Field::new("other", DataType::Int64, true)]),
        vec![Arc::new(Int64Array::from(vec![1]))],
    );
    assert_eq!(
        writer
            .write(&wrong.unwrap())
            .await
            .unwrap_err()
            .condition()
            .name,
        "DELTA_FAILED_TO_MERGE_FIELDS"
    );
}

#[tokio::test]
async fn history_and_detail_tell_what_was_done() {
    let store = memory();
    let table = table(&store).await;
    let mut first = request(&table, "a", 0, &rows(0..5)).await;
    first.metrics = Some(serde_json::json!({"numOutputRows": 5}));
    first.parameters = serde_json::json!({"mode": "Append"});
    made(table.commit(&first).await.unwrap());
    let history = table.history(None).await.unwrap();
    let versions = history
        .column_by_name("version")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(versions.values().to_vec(), [1, 0]);
    let text = format!("{:?}", history.column_by_name("operationMetrics").unwrap());
    assert!(
        text.contains("numOutputRows") && text.contains('5'),
        "{text}"
    );
    let operations = history
        .column_by_name("operation")
        .unwrap()
        .as_string::<i32>();
    assert_eq!(
        operations.iter().flatten().collect::<Vec<_>>(),
        ["WRITE", "CREATE TABLE"]
    );
    assert_eq!(table.history(Some(1)).await.unwrap().num_rows(), 1);
    let detail = table.detail().await.unwrap();
    assert_eq!(
        detail
            .column_by_name("numFiles")
            .unwrap()
            .as_primitive::<Int64Type>()
            .value(0),
        1
    );
    assert_eq!(
        detail
            .column_by_name("format")
            .unwrap()
            .as_string::<i32>()
            .value(0),
        "delta"
    );
}

#[tokio::test]
async fn a_large_batch_becomes_files_of_the_wanted_size() {
    let store = memory();
    let table = table(&store).await;
    let options = WriteOptions {
        file_bytes: 20_000,
        ..WriteOptions::new("abcd1234", 3)
    };
    let mut writer = table.writer(options);
    for part in 0..10 {
        writer
            .write(&rows(part * 10_000..(part + 1) * 10_000))
            .await
            .unwrap();
    }
    assert_eq!(writer.rows(), 100_000);
    let adds = writer.finish().await.unwrap();
    assert!(adds.len() > 2, "{}", adds.len());
    assert!(
        adds.iter()
            .all(|add| add.path.starts_with("part-abcd1234-3-"))
    );
    let request = CommitRequest {
        adds,
        txns: vec![("a".into(), 0)],
        ..CommitRequest::default()
    };
    made(table.commit(&request).await.unwrap());
    assert_eq!(table.row_count(), Some(100_000));
    assert_eq!(
        ids(table.provider(None).await.unwrap()).await,
        (0..100_000).collect::<Vec<_>>()
    );
}
