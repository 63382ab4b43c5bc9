//! Parquet, Avro, text and binary files: columns by name, partition folders, `_metadata`.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Float32Array, Int32Array, Int64Array, RecordBatch, StringArray,
    StructArray,
};
use parquet::arrow::ArrowWriter;
use sluice_source::{SourceCall, SourceError};

use crate::support::{Folder, read_all, read_with};

pub(crate) fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = vec![];
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(crate) fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn parquet_columns_go_by_name_and_missing_ones_are_null() {
    let folder = Folder::new();
    folder.put(
        "1.parquet",
        &parquet(vec![("id", ints(&[1, 2])), ("name", texts(&["a", "b"]))]),
    );
    folder.put(
        "2.parquet",
        &parquet(vec![("name", texts(&["c"])), ("id", ints(&[3]))]),
    );
    folder.put("3.parquet", &parquet(vec![("id", ints(&[4]))]));
    for (name, age) in [("1.parquet", 1), ("2.parquet", 2), ("3.parquet", 3)] {
        folder.age(name, age);
    }
    let outcome = read_all(&folder.stream(&[])).await.unwrap();
    assert_eq!(
        outcome.columns(),
        "id int, name string, _rescued_data string"
    );
    assert_eq!(
        outcome.rows(),
        [
            "1 | a | NULL",
            "2 | b | NULL",
            "3 | c | NULL",
            "4 | NULL | NULL"
        ]
    );
    assert_eq!(
        (
            outcome.counters.files,
            outcome.counters.rows,
            outcome.counters.bad_records
        ),
        (3, 4, 0)
    );
}

#[tokio::test]
async fn parquet_types_widen_as_in_spark_or_are_rescued() {
    let folder = Folder::new();
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![1.5]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    folder.put(
        "1.parquet",
        &parquet(vec![
            ("a", ints(&[1])),
            ("b", floats),
            ("c", texts(&["x"])),
            ("d", day),
            ("B", ints(&[9])),
            ("e", ints(&[5])),
        ]),
    );
    let shown = format!("file://{}", folder.path("1.parquet").display());
    let schema = ("schema", "a BIGINT, b DOUBLE, c INT, d TIMESTAMP_NTZ");
    let outcome = read_all(&folder.stream(&[schema, ("schemaEvolutionMode", "rescue")]))
        .await
        .unwrap();
    let rescued = format!(r#"{{"c":"x","B":9,"e":5,"_file_path":"{shown}"}}"#);
    assert_eq!(
        outcome.rows(),
        [format!("1 | 1.5 | NULL | 1970-01-02T00:00:00 | {rescued}")]
    );
    let error = read_all(&folder.stream(&[schema])).await.err().unwrap();
    assert!(
        matches!(&error, SourceError::TypeMismatch { column, found, expected, .. } if (column.as_str(), found.as_str(), expected.as_str()) == ("c", "string", "int")),
        "{error}"
    );
    assert_eq!(
        error.condition().name,
        "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH"
    );
    let fits = read_all(&folder.stream(&[("schema", "A INT, E INT")]))
        .await
        .unwrap();
    assert_eq!(fits.rows(), ["1 | 5"]);
}

#[tokio::test]
async fn leftovers_inside_structs_are_rescued_in_place() {
    let folder = Folder::new();
    let inner = |values: &[(&str, ArrayRef)]| -> ArrayRef {
        Arc::new(StructArray::try_from(values.to_vec()).unwrap())
    };
    folder.put(
        "1.parquet",
        &parquet(vec![("s", inner(&[("x", ints(&[1])), ("y", ints(&[2]))]))]),
    );
    let options = [
        ("schema", "s STRUCT<x: BIGINT, z: STRING>"),
        ("rescuedDataColumn", "_r"),
    ];
    let outcome = read_all(&folder.stream(&options)).await.unwrap();
    let shown = format!("file://{}", folder.path("1.parquet").display());
    assert_eq!(
        outcome.rows(),
        [format!(
            r#"{{x: 1, z: NULL}} | {{"s":{{"y":2}},"_file_path":"{shown}"}}"#
        )]
    );
}

#[tokio::test]
async fn partition_folders_become_columns_and_stand_above_the_files() {
    let folder = Folder::new();
    folder.put(
        "day=2026-01-01/hour=07/1.parquet",
        &parquet(vec![("id", ints(&[1])), ("hour", ints(&[99]))]),
    );
    folder.put(
        "day=__HIVE_DEFAULT_PARTITION__/hour=8/2.parquet",
        &parquet(vec![("id", ints(&[2]))]),
    );
    folder.age("day=2026-01-01/hour=07/1.parquet", 1);
    folder.age("day=__HIVE_DEFAULT_PARTITION__/hour=8/2.parquet", 2);
    let outcome = read_all(&folder.source("data", SourceCall::ReadFiles, &[]))
        .await
        .unwrap();
    assert_eq!(
        outcome.columns(),
        "id int, day date, hour int, _rescued_data string"
    );
    assert_eq!(
        outcome.rows(),
        ["1 | 2026-01-01 | 7 | NULL", "2 | NULL | 8 | NULL"]
    );
    let hinted =
        read_all(&folder.stream(&[("schemaHints", "hour STRING"), ("partitionColumns", "hour")]))
            .await
            .unwrap();
    assert_eq!(
        hinted.columns(),
        "id int, hour string, _rescued_data string"
    );
    assert_eq!(hinted.rows()[0], "1 | 07 | NULL");
    let ignored = read_all(&folder.stream(&[("partitionColumns", "")]))
        .await
        .unwrap();
    assert_eq!(ignored.columns(), "id int, hour int, _rescued_data string");
}

#[tokio::test]
async fn metadata_tells_the_file_of_each_row() {
    let folder = Folder::with(&[("a.txt", "1\n2\n")]);
    let outcome = read_with(&folder.stream(&[]), None, true).await.unwrap();
    let shown = folder.path("a.txt").display().to_string();
    let expected = format!(
        "1 | {{file_path: file://{shown}, file_name: a.txt, file_size: 4, file_block_start: 0, file_block_length: 4, file_modification_time: 2027-01-15T07:43:20}}"
    );
    assert_eq!(outcome.rows()[0], expected);
}

#[tokio::test]
async fn text_and_binary_files_have_fixed_columns() {
    let folder = Folder::with(&[("a.txt", "x\r\ny\n\nz"), ("b.txt", "")]);
    let lines = read_all(&folder.stream(&[("format", "text")]))
        .await
        .unwrap();
    assert_eq!(
        (lines.columns().as_str(), lines.rows()),
        (
            "value string",
            ["x", "y", "", "z"].map(String::from).to_vec()
        )
    );
    let whole = read_all(&folder.stream(&[("format", "text"), ("wholeText", "true")]))
        .await
        .unwrap();
    assert_eq!(whole.rows(), ["x\r\ny\n\nz"]);
    let split = read_all(&folder.stream(&[("format", "text"), ("lineSep", "y")]))
        .await
        .unwrap();
    assert_eq!(split.rows(), ["x\r\n", "\n\nz"]);
    let binary = read_all(&folder.stream(&[("format", "binaryFile")]))
        .await
        .unwrap();
    assert_eq!(
        binary.columns(),
        "path string, modificationTime timestamp, length bigint, content binary"
    );
    assert!(
        binary.rows()[0].ends_with("a.txt | 2027-01-15T07:43:20 | 7 | 780d0a790a0a7a"),
        "{:?}",
        binary.rows()
    );
}

#[tokio::test]
async fn formats_with_columns_of_their_own_take_no_others() {
    let folder = Folder::with(&[("a.txt", "x")]);
    for (format, schema, fits) in [
        ("text", "line STRING", true),
        ("text", "a STRING, b STRING", false),
        ("text", "a INT", false),
        ("binaryFile", "length BIGINT, path STRING", true),
        ("binaryFile", "length INT", false),
    ] {
        let outcome = read_all(&folder.stream(&[("format", format), ("schema", schema)])).await;
        match outcome {
            Ok(outcome) => assert!(fits && outcome.counters.rows == 1, "{format} {schema}"),
            Err(error) => assert!(
                !fits && error.to_diagnostic().origin().is_some(),
                "{format} {schema}: {error}"
            ),
        }
    }
}

/// Two rows of `id` and `name`.
pub(crate) fn avro_bytes() -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("name", texts(&["a", "b"])),
    ])
    .unwrap();
    let mut writer =
        arrow_avro::writer::AvroWriter::new(vec![], batch.schema().as_ref().clone()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner()
}

#[tokio::test]
async fn avro_files_are_read_by_name() {
    let bytes = avro_bytes();
    let folder = Folder::new();
    folder.put("1.avro", &bytes);
    let outcome = read_all(&folder.stream(&[])).await.unwrap();
    assert_eq!(
        outcome.columns(),
        "id bigint, name string, _rescued_data string"
    );
    assert_eq!(outcome.rows(), ["1 | a | NULL", "2 | b | NULL"]);
    let some = read_all(&folder.stream(&[("schema", "name STRING, other INT")]))
        .await
        .unwrap();
    assert_eq!(some.rows(), ["a | NULL", "b | NULL"]);
    folder.put("1.avro", &bytes[..bytes.len() - 7]);
    let cut = read_all(&folder.stream(&[])).await.err().unwrap();
    assert_eq!(cut.condition().name, "FAILED_READ_FILE.NO_HINT", "{cut}");
}

#[tokio::test]
async fn nested_parquet_columns_keep_their_values() {
    use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(7);
    map.append(true).unwrap();
    let mut list = ListBuilder::new(StringBuilder::new());
    list.values().append_value("e");
    list.append(true);
    let millis = arrow_array::TimestampMillisecondArray::from(vec![1_500]).with_timezone("UTC");
    let local = arrow_array::TimestampNanosecondArray::from(vec![2_000_000_000]);
    let decimal = arrow_array::Decimal128Array::from(vec![12_345])
        .with_precision_and_scale(7, 2)
        .unwrap();
    let folder = Folder::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("m", Arc::new(map.finish())),
        ("l", Arc::new(list.finish())),
        ("t", Arc::new(millis)),
        ("n", Arc::new(local)),
        ("d", Arc::new(decimal)),
        (
            "b",
            Arc::new(arrow_array::BinaryArray::from(vec![b"bytes".as_slice()])),
        ),
        (
            "v",
            Arc::new(arrow_array::StringViewArray::from(vec!["view"])),
        ),
    ];
    folder.put("1.parquet", &parquet(columns));
    let outcome = read_all(&folder.stream(&[("rescuedDataColumn", "")]))
        .await
        .unwrap();
    assert_eq!(
        outcome.columns(),
        "m map<string,int>, l array<string>, t timestamp, n timestamp_ntz, d decimal(7,2), b binary, v string"
    );
    assert_eq!(
        outcome.rows(),
        [
            "{k: 7} | [e] | 1970-01-01T00:00:01.500 | 1970-01-01T00:00:02 | 123.45 | 6279746573 | view"
        ]
    );
}

#[tokio::test]
async fn int96_is_an_instant_as_in_spark() {
    use parquet::data_type::{Int96, Int96Type};
    use parquet::file::writer::SerializedFileWriter;
    let schema =
        parquet::schema::parser::parse_message_type("message m { OPTIONAL INT96 at; }").unwrap();
    let mut bytes = vec![];
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let mut value = Int96::new();
    // One second after midnight of the day 1970-01-01, as Julian day and nanoseconds.
    value.set_data(1_000_000_000, 0, 2_440_588);
    column
        .typed::<Int96Type>()
        .write_batch(&[value], Some(&[1]), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let folder = Folder::new();
    folder.put("1.parquet", &bytes);
    let outcome = read_all(&folder.stream(&[])).await.unwrap();
    assert_eq!(outcome.columns(), "at timestamp, _rescued_data string");
    assert_eq!(outcome.rows(), ["1970-01-01T00:00:01 | NULL"]);
}
