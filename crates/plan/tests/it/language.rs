//! Every line of `tests/oracle/language` through our session, compared with Spark's answer. Lines in which we are known
//! to differ stand in `differences.txt` there, with our answer; a line that is out of date fails.

use std::path::Path;

use crate::answers::differences;

fn check(list: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle/language");
    let wrong = differences(&folder, list);
    assert!(
        wrong.is_empty(),
        "{} lines differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn operators_mean_what_spark_means() {
    check("operator.txt");
}

#[test]
fn queries_mean_what_spark_means() {
    check("query.txt");
}

#[test]
fn pipelines_mean_what_spark_means() {
    check("pipeline.txt");
}

#[test]
fn edges_mean_what_spark_means() {
    check("edge.txt");
}

#[test]
fn subtle_things_mean_what_spark_means() {
    check("subtle.txt");
}
