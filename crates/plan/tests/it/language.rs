//! Every line of `tests/oracle/language` and `tests/oracle/query` through our session, compared with Spark's answer. Lines in which we are known
//! to differ stand in `differences.txt` there, with our answer; a line that is out of date fails.

use std::path::Path;

use crate::answers::differences;

fn check(list: &str) {
    check_in("language", list);
}

fn check_in(area: &str, list: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/oracle")
        .join(area);
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
fn distinct_aggregates_mean_what_spark_means() {
    check_in("query", "distinct_aggregate.txt");
}

#[test]
fn joins_of_shared_names_mean_what_spark_means() {
    check_in("query", "shared_names.txt");
}

#[test]
fn unnamed_columns_are_called_as_spark_calls_them() {
    check_in("query", "names.txt");
}

#[test]
fn filters_mean_what_spark_means() {
    check_in("query", "filter.txt");
}

#[test]
fn ordinary_forms_mean_what_spark_means() {
    check_in("query", "ordinary.txt");
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

#[test]
fn grouping_means_what_spark_means() {
    check_in("query", "grouping.txt");
}

#[test]
fn relations_mean_what_spark_means() {
    check_in("query", "relation.txt");
}

#[test]
fn joins_and_set_operations_mean_what_spark_means() {
    check_in("query", "join.txt");
}

#[test]
fn selects_mean_what_spark_means() {
    check_in("query", "select.txt");
}

#[test]
fn time_windows_mean_what_spark_means() {
    check_in("query", "time_window.txt");
}

#[test]
fn wrong_queries_are_refused_under_sparks_names() {
    check_in("query", "wrong.txt");
}

#[test]
fn subqueries_mean_what_spark_means() {
    check_in("query", "subquery.txt");
}

#[test]
fn forms_mean_what_spark_means() {
    check_in("query", "form.txt");
}

#[test]
fn recursions_mean_what_spark_means() {
    check_in("query", "recursive.txt");
}

#[test]
fn moving_frames_mean_what_spark_means() {
    check_in("query", "moving.txt");
}

#[test]
fn pipes_mean_what_spark_means() {
    check_in("query", "pipe.txt");
}

#[test]
fn random_queries_mean_what_spark_means() {
    check_in("query", "fuzzed.txt");
}
