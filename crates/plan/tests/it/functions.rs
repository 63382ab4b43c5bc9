//! Every line of `tests/oracle/functions` through our session, compared with Spark's answer. Lines in which we are known
//! to differ stand in `differences.txt` there, with our answer; a line that is out of date fails.

use std::path::Path;

use crate::answers::{differences, ours};

#[test]
fn functions_mean_what_spark_means() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle/functions");
    let mut wrong = vec![];
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|end| end == "txt") && name != "differences.txt" {
            wrong.extend(differences(&folder, &name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} lines differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The examples of the function reference are calls that run.
#[test]
fn examples_run() {
    let mut wrong = vec![];
    for entry in sluice_plan::function::entries() {
        let found = ours(&asked(&entry));
        let raises = [
            "raise_error",
            "monotonically_increasing_id",
            "input_file_name",
        ]
        .contains(&entry.name);
        if found.starts_with("error:") != raises {
            wrong.push(format!("{} => {found}", entry.example));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} examples fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A query that holds an example: those of aggregates and windows stand over rows.
fn asked(entry: &sluice_plan::function::FunctionEntry) -> String {
    let example = entry.example;
    let over = |columns: &str, group: &str| {
        format!("SELECT {example} AS v FROM VALUES {columns} GROUP BY {group}")
    };
    let times = "(timestamp'2026-01-01 00:00:00') AS t(ts)";
    let truths = "(true) AS t(x)";
    let numbers = "(1, 2), (3, 4) AS t(x, y)";
    match (entry.family, entry.name) {
        (_, "bool_and" | "bool_or") => over(truths, "ALL"),
        (_, "grouping" | "grouping_id") => over(numbers, "ROLLUP(x)"),
        (_, "window" | "session_window") => over(times, "ALL"),
        (_, "window_time") => over(times, "window(ts, '1 hour')"),
        ("generator", _) => format!("SELECT {example}"),
        ("aggregate" | "window", _) => format!("SELECT {example} AS v FROM VALUES {numbers}"),
        _ => example.to_owned(),
    }
}
