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
    // Aggregates need rows.
    let known = sluice_plan::function::entries().filter(|entry| entry.family != "aggregate");
    let mut wrong = vec![];
    for entry in known {
        let found = ours(entry.example);
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
