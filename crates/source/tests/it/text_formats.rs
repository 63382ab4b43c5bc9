//! JSON and CSV files, good and bad.

use sluice_source::SourceError;

use crate::support::{Folder, gzip, read_all};

const JSON: (&str, &str) = ("format", "json");
const SCHEMA: (&str, &str) = ("schema", "a INT, b STRING");

async fn json(content: &str, options: &[(&str, &str)]) -> Result<(Vec<String>, u64), SourceError> {
    let folder = Folder::with(&[("1.json", content)]);
    let mut all = vec![JSON];
    all.extend_from_slice(options);
    read_all(&folder.stream(&all))
        .await
        .map(|outcome| (outcome.rows(), outcome.counters.bad_records))
}

#[tokio::test]
async fn lines_become_rows() {
    let (rows, bad) = json("{\"a\":1,\"b\":\"x\"}\n\n{\"b\":\"y\"}\r\n{\"a\":3}", &[])
        .await
        .unwrap();
    assert_eq!(
        (rows, bad),
        (
            vec![
                "1 | x | NULL".into(),
                "NULL | y | NULL".into(),
                "3 | NULL | NULL".into()
            ],
            0
        )
    );
}

#[tokio::test]
async fn a_bad_line_never_fails_the_file() {
    let content = "{\"a\":1}\n{\"a\":oops\n\u{0}\n[1]\n{\"a\":2}\n";
    let (rows, bad) = json(content, &[SCHEMA]).await.unwrap();
    assert_eq!((rows.len(), bad), (5, 3), "{rows:?}");
    assert_eq!(
        (rows[0].as_str(), rows[4].as_str()),
        ("1 | NULL", "2 | NULL")
    );
    let (rows, bad) = json(content, &[SCHEMA, ("mode", "DROPMALFORMED")])
        .await
        .unwrap();
    assert_eq!((rows, bad), (vec!["1 | NULL".into(), "2 | NULL".into()], 3));
    let error = json(content, &[SCHEMA, ("mode", "FAILFAST")])
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.condition().name,
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    );
    assert!(
        error.to_string().contains("1.json") && error.to_string().contains("line 2"),
        "{error}"
    );
    let (rows, _) = json(content, &[("schema", "_corrupt_record STRING, a INT")])
        .await
        .unwrap();
    assert_eq!(
        (rows[0].as_str(), rows[1].as_str()),
        ("NULL | 1", "{\"a\":oops | NULL")
    );
}

#[tokio::test]
async fn bad_records_go_to_their_path_whole() {
    let long = format!("{{\"a\":{}", "9".repeat(2_000));
    let folder = Folder::with(&[("1.json", &format!("{{\"a\":1}}\n{long}\n{{\"a\":2}}\n"))]);
    let outcome = read_all(&folder.stream(&[JSON, SCHEMA, ("badRecordsPath", "/tmp/bad")]))
        .await
        .unwrap();
    assert_eq!(outcome.rows(), ["1 | NULL", "2 | NULL"]);
    assert_eq!((outcome.bad.len(), outcome.counters.bad_records), (1, 1));
    assert_eq!((outcome.bad[0].line, &outcome.bad[0].record), (2, &long));
    assert!(outcome.bad[0].path.ends_with("1.json"));
}

#[tokio::test]
async fn wrong_types_duplicate_keys_and_extremes_keep_their_row() {
    let deep = format!(
        "{{\"a\":1,\"b\":{}1{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let huge = format!("{{\"a\":1{}}}", "0".repeat(500));
    let content = [
        "{\"a\":\"text\",\"b\":\"x\"}",
        "{\"a\":1,\"a\":2,\"b\":\"y\"}",
        &huge,
        &deep,
        "{\"a\":5,\"b\":\"nul\\u0000byte\"}",
    ]
    .join("\n");
    let (rows, _) = json(&content, &[SCHEMA]).await.unwrap();
    assert_eq!(rows.len(), 5, "{rows:?}");
    assert_eq!(rows[1], "2 | y");
    assert_eq!(rows[4], "5 | nul\u{0}byte");
    let (rows, bad) = json(
        "{\"a\":\"text\",\"b\":\"x\"}",
        &[SCHEMA, ("rescuedDataColumn", "_r"), ("mode", "FAILFAST")],
    )
    .await
    .unwrap();
    assert!(
        bad == 0 && rows[0].starts_with("NULL | x | {\"a\":\"text\""),
        "a type mismatch is rescued, not malformed: {rows:?}"
    );
}

#[tokio::test]
async fn marks_encodings_and_documents_are_understood() {
    assert_eq!(
        json("\u{FEFF}{\"a\":1}\n", &[SCHEMA]).await.unwrap().0,
        ["1 | NULL"]
    );
    let folder = Folder::new();
    folder.put("1.json", b"{\"b\":\"caf\xE9\"}\n");
    let latin = read_all(&folder.stream(&[JSON, SCHEMA, ("encoding", "ISO-8859-1")]))
        .await
        .unwrap();
    assert_eq!(latin.rows(), ["NULL | caf\u{e9}"]);
    let broken = read_all(&folder.stream(&[JSON, SCHEMA])).await.unwrap();
    assert_eq!((broken.rows().len(), broken.counters.bad_records), (1, 1));
    let document = "[\n {\"a\": 1,\n  \"b\": \"x\"},\n {\"a\": 2}\n]";
    assert_eq!(
        json(document, &[SCHEMA, ("multiLine", "true")])
            .await
            .unwrap()
            .0,
        ["1 | x", "2 | NULL"]
    );
    assert_eq!(
        json(document, &[("multiLine", "true")]).await.unwrap().0,
        ["1 | x | NULL", "2 | NULL | NULL"]
    );
}

#[tokio::test]
async fn many_lines_of_a_packed_file_come_in_order() {
    let lines: Vec<String> = (0..200_000)
        .map(|index| format!("{{\"a\":{index},\"b\":\"row {index}\"}}\n"))
        .collect();
    let lines = lines.concat();
    let folder = Folder::new();
    folder.put("1.json.gz", &gzip(lines.as_bytes()));
    let outcome = read_all(&folder.stream(&[SCHEMA])).await.unwrap();
    let rows = outcome.rows();
    assert_eq!(rows.len(), 200_000);
    assert!(
        rows.iter()
            .enumerate()
            .all(|(index, row)| *row == format!("{index} | row {index}"))
    );
    assert!(
        outcome.batches.len() >= 20,
        "memory stays bounded: {} batches",
        outcome.batches.len()
    );
}

#[tokio::test]
async fn a_line_of_a_hundred_megabytes_is_read_or_counted() {
    let folder = Folder::new();
    let text = "x".repeat(100 << 20);
    folder.put(
        "1.json",
        format!("{{\"a\":1}}\n{{\"b\":\"{text}\"}}\n{{\"a\":3}}\n").as_bytes(),
    );
    let outcome = read_all(&folder.stream(&[JSON, SCHEMA])).await.unwrap();
    assert_eq!(outcome.counters.rows, 3);
    assert!(outcome.counters.bad_records <= 1);
}

async fn csv(
    content: &str,
    options: &[(&str, &str)],
) -> Result<(String, Vec<String>, u64), SourceError> {
    let folder = Folder::with(&[("1.csv", content)]);
    read_all(&folder.stream(options)).await.map(|outcome| {
        (
            outcome.columns(),
            outcome.rows(),
            outcome.counters.bad_records,
        )
    })
}

const HEADER: (&str, &str) = ("header", "true");

#[tokio::test]
async fn csv_columns_are_inferred_with_or_without_a_header() {
    let content = "id,name,price\n1,\"a, b\",1.5\n2,,2\n";
    let (columns, rows, bad) = csv(content, &[HEADER]).await.unwrap();
    assert_eq!(
        columns,
        "id int, name string, price double, _rescued_data string"
    );
    assert_eq!(
        (rows, bad),
        (
            vec![
                "1 | a, b | 1.5 | NULL".into(),
                "2 | NULL | 2.0 | NULL".into()
            ],
            0
        )
    );
    let (columns, rows, _) = csv("1;x\n2;y\n", &[("sep", ";"), ("header", "false")])
        .await
        .unwrap();
    assert_eq!(columns, "_c0 int, _c1 string, _rescued_data string");
    assert_eq!(rows, ["1 | x | NULL", "2 | y | NULL"]);
    let (columns, ..) = csv(content, &[HEADER, ("inferColumnTypes", "false")])
        .await
        .unwrap();
    assert_eq!(
        columns,
        "id string, name string, price string, _rescued_data string"
    );
}

#[tokio::test]
async fn ragged_csv_rows_are_kept_and_counted() {
    let content = "a,b\n1,x\n2\n3,y,extra\nfour,z\n";
    let (_, rows, bad) = csv(content, &[HEADER, SCHEMA]).await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].as_str(), bad),
        (4, "1 | x", 3),
        "{rows:?}"
    );
    let (_, rows, bad) = csv(content, &[HEADER, SCHEMA, ("mode", "DROPMALFORMED")])
        .await
        .unwrap();
    assert_eq!((rows, bad), (vec!["1 | x".to_string()], 3));
    let error = csv(content, &[HEADER, SCHEMA, ("mode", "FAILFAST")])
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("line 3"), "{error}");
}

#[tokio::test]
async fn csv_files_with_other_headers_evolve_by_name() {
    let folder = Folder::with(&[("1.csv", "a,b\n1,x\n"), ("2.csv", "b,c,a\ny,7,2\n")]);
    let source = folder.stream(&[HEADER]);
    let files = source.discover(crate::support::NOW).await.unwrap().files;
    let first = source.schema(&files[..1], None).await.unwrap();
    let stopped = crate::support::read_files(&source, &files, first, false)
        .await
        .err()
        .unwrap();
    let SourceError::NewColumns(new) = stopped else {
        panic!("{stopped}")
    };
    assert_eq!(new.names(), ["c"]);
    let outcome = crate::support::read_with(&source, new.wider.as_ref(), false)
        .await
        .unwrap();
    assert_eq!(
        outcome.columns(),
        "a int, b string, c int, _rescued_data string"
    );
    assert_eq!(outcome.rows(), ["1 | x | NULL | NULL", "2 | y | 7 | NULL"]);
}
