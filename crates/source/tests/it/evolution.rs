//! Schemas that grow while a source is read.

use sluice_source::{NewColumns, SourceCall, SourceError, StoredSchema};

use crate::support::{Folder, NOW, columns, read_all, read_files, read_with};

const JSON: (&str, &str) = ("format", "json");

/// Reads with a schema that was inferred before `file` came.
async fn after_new_file(
    options: &[(&str, &str)],
    file: &str,
) -> (Folder, StoredSchema, Result<Vec<String>, SourceError>) {
    let folder = Folder::with(&[("1.json", "{\"id\":1,\"v\":{\"x\":1}}\n")]);
    let source = folder.stream(options);
    let files = source.discover(NOW).await.unwrap().files;
    let stored = source.schema(&files, None).await.unwrap().to_stored();
    folder.put("2.json", file.as_bytes());
    folder.age("2.json", NOW / 1_000_000);
    let outcome = read_with(&source, Some(&stored), false)
        .await
        .map(|outcome| outcome.rows());
    (folder, stored, outcome)
}

fn new_columns(outcome: Result<Vec<String>, SourceError>) -> NewColumns {
    match outcome {
        Err(SourceError::NewColumns(new)) => *new,
        other => panic!("{other:?}"),
    }
}

const WIDER: &str = "{\"id\":2,\"v\":{\"x\":2,\"y\":\"b\"},\"w\":2.5}\n";

#[tokio::test]
async fn new_columns_stop_the_read_and_the_wider_schema_goes_on() {
    let (folder, _, outcome) = after_new_file(&[JSON], WIDER).await;
    let new = new_columns(outcome);
    assert_eq!(new.names(), ["v", "w"]);
    assert!(new.path.ends_with("2.json"));
    let wider = new.wider.unwrap();
    let outcome = read_with(&folder.stream(&[JSON]), Some(&wider), false)
        .await
        .unwrap();
    assert_eq!(
        outcome.columns(),
        "id bigint, v struct<x:bigint,y:string>, w double, _rescued_data string"
    );
    assert_eq!(
        outcome.rows(),
        [
            "1 | {x: 1, y: NULL} | NULL | NULL",
            "2 | {x: 2, y: b} | 2.5 | NULL"
        ]
    );
}

#[tokio::test]
async fn one_stop_learns_the_new_columns_of_all_files() {
    let folder = Folder::with(&[
        ("1.json", "{\"a\":1}"),
        ("2.json", "{\"b\":1}"),
        ("3.json", "{\"c\":\"x\"}"),
    ]);
    let source = folder.stream(&[JSON]);
    let files = source.discover(NOW).await.unwrap().files;
    let first = source.schema(&files[..1], None).await.unwrap();
    let new = new_columns(
        read_files(&source, &files, first, false)
            .await
            .map(|outcome| outcome.rows()),
    );
    assert_eq!(new.names(), ["b", "c"]);
    let outcome = read_with(&source, new.wider.as_ref(), false).await.unwrap();
    assert_eq!(
        outcome.rows(),
        [
            "1 | NULL | NULL | NULL",
            "NULL | 1 | NULL | NULL",
            "NULL | NULL | x | NULL"
        ]
    );
}

#[tokio::test]
async fn other_modes_rescue_ignore_or_stop_for_good() {
    let (folder, _, rescued) =
        after_new_file(&[JSON, ("schemaEvolutionMode", "rescue")], WIDER).await;
    let shown = format!("file://{}", folder.path("2.json").display());
    let rows = rescued.unwrap();
    assert!(rows[1].starts_with("2 | {x: 2} | {"), "{rows:?}");
    assert!(
        rows[1].contains("\"w\":2.5") && rows[1].contains(&format!("\"_file_path\":\"{shown}\"")),
        "{rows:?}"
    );
    let (_, _, ignored) = after_new_file(&[JSON, ("schemaEvolutionMode", "none")], WIDER).await;
    assert_eq!(ignored.unwrap(), ["1 | {x: 1}", "2 | {x: 2}"]);
    let (_, _, stopped) =
        after_new_file(&[JSON, ("schemaEvolutionMode", "failOnNewColumns")], WIDER).await;
    let error = stopped.unwrap_err();
    assert_eq!(
        error.condition().name,
        "UNKNOWN_FIELD_EXCEPTION.NEW_FIELDS_IN_FILE"
    );
    assert!(new_columns(Err(error)).wider.is_none());
}

#[tokio::test]
async fn known_types_stay_and_what_does_not_fit_is_rescued() {
    let (_, stored, outcome) =
        after_new_file(&[JSON], "{\"id\":\"two\",\"ID\":7}\n{\"id\":3}\n").await;
    let rows = outcome.unwrap();
    assert_eq!(stored.data.len(), 2);
    assert!(
        rows[1].starts_with("NULL | NULL | {")
            && rows[1].contains("\"id\":\"two\"")
            && rows[1].contains("\"ID\":7"),
        "{rows:?}"
    );
    assert_eq!(rows[2], "3 | NULL | NULL");
}

#[tokio::test]
async fn hints_decide_types_and_a_hinted_new_column_keeps_its_hint() {
    let hints = (
        "schemaHints",
        "id STRING, v.x INT, w DECIMAL(10,2), late DATE",
    );
    let folder = Folder::with(&[("1.json", "{\"id\":1,\"v\":{\"x\":1},\"w\":1.5}")]);
    let source = folder.stream(&[JSON, hints]);
    let outcome = read_all(&source).await.unwrap();
    assert_eq!(
        outcome.columns(),
        "id string, v struct<x:int>, w decimal(10,2), late date, _rescued_data string"
    );
    assert_eq!(outcome.rows(), ["1 | {x: 1} | 1.50 | NULL | NULL"]);
}

#[tokio::test]
async fn auto_loader_reads_strings_unless_it_is_told_to_infer() {
    let folder = Folder::with(&[("1.json", "{\"id\":1,\"ok\":true}")]);
    let source = folder.source(
        "data",
        SourceCall::CloudFiles,
        &[("cloudFiles.format", "json")],
    );
    assert_eq!(
        read_all(&source).await.unwrap().columns(),
        "id string, ok string, _rescued_data string"
    );
    let infers = folder.source(
        "data",
        SourceCall::CloudFiles,
        &[
            ("cloudFiles.format", "json"),
            ("cloudFiles.inferColumnTypes", "true"),
        ],
    );
    let files = infers.discover(NOW).await.unwrap().files;
    assert_eq!(
        columns(&infers.schema(&files, None).await.unwrap()),
        "id bigint, ok boolean, _rescued_data string"
    );
}

#[tokio::test]
async fn a_folder_without_a_single_record_has_no_schema() {
    for content in ["\n\n", "not json\n"] {
        let folder = Folder::with(&[("1.json", content)]);
        let error = read_all(&folder.stream(&[JSON])).await.err().unwrap();
        assert_eq!(
            error.condition().name,
            "UNABLE_TO_INFER_SCHEMA",
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn names_that_differ_in_case_are_one_column() {
    let folder = Folder::with(&[("1.json", "{\"id\":1,\"ID\":2}\n{\"id\":3}\n")]);
    let outcome = read_all(&folder.stream(&[JSON])).await.unwrap();
    assert_eq!(outcome.columns(), "ID bigint, _rescued_data string");
    let rows = outcome.rows();
    assert!(
        rows[0].starts_with("2 | {") && rows[0].contains("\"id\":1"),
        "{rows:?}"
    );
}

#[tokio::test]
async fn a_new_partition_folder_is_a_new_column() {
    let folder = Folder::with(&[
        ("1.json", "{\"a\":1}"),
        ("day=2026-01-02/site=x/2.json", "{\"a\":2,\"b\":3}"),
    ]);
    let source = folder.stream(&[JSON]);
    let files = source.discover(NOW).await.unwrap().files;
    let first = source.schema(&files[..1], None).await.unwrap();
    let new = new_columns(
        read_files(&source, &files, first, false)
            .await
            .map(|outcome| outcome.rows()),
    );
    assert_eq!(new.names(), ["b", "day", "site"]);
    let outcome = read_with(&source, new.wider.as_ref(), false).await.unwrap();
    assert_eq!(
        outcome.columns(),
        "a bigint, b bigint, day date, site string, _rescued_data string"
    );
    assert_eq!(
        outcome.rows(),
        [
            "1 | NULL | NULL | NULL | NULL",
            "2 | 3 | 2026-01-02 | x | NULL"
        ]
    );
}

#[tokio::test]
async fn types_do_not_widen() {
    use crate::typed_formats::{ints, parquet};
    let folder = Folder::new();
    folder.put("1.parquet", &parquet(vec![("a", ints(&[1]))]));
    folder.age("1.parquet", 1);
    let long: arrow_array::ArrayRef =
        std::sync::Arc::new(arrow_array::Int64Array::from(vec![1 << 40]));
    let source = folder.stream(&[]);
    let files = source.discover(NOW).await.unwrap().files;
    let stored = source.schema(&files[..1], None).await.unwrap().to_stored();
    folder.put("2.parquet", &parquet(vec![("a", long)]));
    folder.age("2.parquet", 2);
    let outcome = read_with(&source, Some(&stored), false).await.unwrap();
    let rows = outcome.rows();
    assert!(
        rows[1].starts_with("NULL | {\"a\":1099511627776,"),
        "{rows:?}"
    );
}
