//! Small files, sound and broken, as PySpark's readers read them: `tests/oracle/readers/*.jsonl`, made by
//! `oracle/readers.py`. Where we are known to differ, `differences.txt` beside them has our answer and the reason.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use serde_json::Value;
use sluice_decode::cast::{CastMode, cast};
use sluice_model::SparkType;
use sluice_source::{SourceCall, SourceError};

use crate::support::{Folder, Outcome, read_all};

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle/readers")
}

fn texts(values: &Value) -> Vec<&str> {
    values
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The bytes of a file: one character each, or two digits each.
fn bytes_of(text: &str, format: &str) -> Vec<u8> {
    if format != "parquet" {
        return text
            .chars()
            .map(|symbol| u8::try_from(u32::from(symbol)).unwrap())
            .collect();
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

async fn read(format: &str, case: &Value) -> Result<Outcome, SourceError> {
    let folder = Folder::new();
    for (index, text) in texts(&case["files"]).into_iter().enumerate() {
        folder.put(&format!("{index}.{format}"), &bytes_of(text, format));
    }
    let mut options = vec![("format", format)];
    let given = case["options"].as_object().unwrap();
    options.extend(
        given
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap())),
    );
    match case["schema"].as_str() {
        Some(schema) => options.push(("schema", schema)),
        // What the engine adds to Spark's readers is left out: types as Spark infers them, no rescued data.
        None => {
            options.push(("rescuedDataColumn", ""));
            // Spark's readers take no line for a header unless told so.
            if format == "csv" && !given.contains_key("header") {
                options.push(("header", "false"));
            }
            if format == "csv" && !given.contains_key("inferSchema") {
                options.push(("inferColumnTypes", "false"));
            }
        }
    }
    read_all(&folder.source("data", SourceCall::ReadFiles, &options)).await
}

fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut out = vec![];
    for batch in batches {
        let whole: ArrayRef = Arc::new(StructArray::from(batch.clone()));
        let shown = cast(&whole, &SparkType::String, CastMode::Ansi, "UTC").unwrap();
        out.extend(
            shown
                .as_string::<i32>()
                .iter()
                .map(|row| row.unwrap().to_string()),
        );
    }
    out
}

fn line(columns: &str, rows: &[impl AsRef<str>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| Value::from(row.as_ref()).to_string())
        .collect();
    format!("{columns} {}", rows.join(" "))
}

fn differences() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(home().join("differences.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, answer) = line.split_once(" => ").unwrap();
            (name.to_string(), answer.trim_end().to_string())
        })
        .collect()
}

async fn compare(format: &str, at_least: usize) {
    let known = differences();
    let text = std::fs::read_to_string(home().join(format!("{format}.jsonl"))).unwrap();
    let (mut wrong, mut count) = (vec![], 0);
    for case in text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
    {
        count += 1;
        let name = format!("{format}/{}", case["name"].as_str().unwrap());
        let spark = match case["columns"].as_str() {
            Some(columns) => line(columns, &texts(&case["rows"])),
            None => "error".to_string(),
        };
        let (ours, said) = match read(format, &case).await {
            Ok(read) => {
                let columns = SparkType::Struct(read.schema.columns()).to_string();
                (line(&columns, &rows(&read.batches)), String::new())
            }
            Err(error) => ("error".to_string(), error.to_string()),
        };
        let (ours, spark) = (ours.trim_end(), spark.trim_end());
        match known.get(&name) {
            None if ours == spark => {}
            None => wrong.push(format!(
                "{name}\n  spark {spark}\n  ours  {ours} {said}\n  bytes {}",
                case["files"]
            )),
            Some(_) if ours == spark => wrong.push(format!("{name} no longer differs")),
            Some(answer) if answer == ours => {}
            Some(answer) => wrong.push(format!("{name}\n  was   {answer}\n  is    {ours} {said}")),
        }
    }
    assert!(count >= at_least, "{count} cases of {format}");
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn json_files_are_read_as_spark_reads_them() {
    compare("json", 60).await;
}

#[tokio::test]
async fn csv_files_are_read_as_spark_reads_them() {
    compare("csv", 60).await;
}

#[tokio::test]
async fn parquet_files_are_read_as_spark_reads_them() {
    compare("parquet", 15).await;
}
