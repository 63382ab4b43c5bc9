//! Bundles of several pipelines and of files beside the project, as a user of the command line sees them.

use super::*;

const TWO: &str = "bundle: {name: plant}
resources:
  pipelines:
    one: {libraries: [{file: {path: a.sql}}]}
    two: {schema: other, libraries: [{file: {path: b.sql}}]}
";

fn two(more: &[(&str, &str)]) -> TempDir {
    let mut files = vec![
        ("databricks.yml", TWO),
        (
            "a.sql",
            "CREATE MATERIALIZED VIEW readings AS SELECT 1 AS x;",
        ),
        ("b.sql", "CREATE MATERIALIZED VIEW alarms AS SELECT 1 AS x;"),
    ];
    files.extend(more);
    folder(&files)
}

#[test]
fn every_pipeline_of_a_bundle_is_checked_and_told_of() {
    let project = two(&[]);
    let told = sluice(project.path(), "bundle validate");
    assert_eq!(told.code, 0, "{}", told.stderr);
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", told.stdout);
    assert!(lines[0].starts_with("Name: one "), "{}", lines[0]);
    assert!(lines[2].starts_with("Name: two "), "{}", lines[2]);
    assert_eq!([lines[1], lines[3]], ["Validation OK"; 2]);
    let summary = sluice(project.path(), "bundle summary --json").json();
    assert_eq!(summary["bundle"]["name"], "plant");
    assert_eq!(summary["resources"]["pipelines"]["two"]["schema"], "other");
    assert_eq!(
        summary["resources"]["pipelines"]["one"]["schema"],
        "default"
    );
    assert_eq!(sluice(project.path(), "plan").code, 2);

    fs::write(
        project.path().join("b.sql"),
        "CREATE MATERIALIZED VIEW m AS SELECT y",
    )
    .unwrap();
    let told = sluice(project.path(), "validate --json");
    assert_eq!(told.code, 1, "{}", told.stdout);
    let told = told.json();
    assert_eq!(told["valid"], false);
    assert_eq!(told["pipelines"][0]["valid"], true);
    assert_eq!(
        told["pipelines"][0]["datasets"][0]["name"],
        "main.default.readings"
    );
    assert_eq!(told["pipelines"][1]["valid"], false);
    assert_eq!(told["pipelines"][1]["pipeline"], "two");
    let one = sluice(project.path(), "validate one --json");
    assert_eq!(one.code, 0, "{}", one.stdout);
    assert_eq!(one.json()["pipeline"], "one");
}

#[test]
fn a_destination_of_a_table_that_nobody_declares_is_told_of() {
    let of = |table: &str| {
        format!(
            "notification_destinations: {{a: {{webhook: 'http://127.0.0.1:9/', table: {table}}}}}\n"
        )
    };
    let project = two(&[("sluice.yml", &of("alarm"))]);
    let told = sluice(project.path(), "validate --strict");
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert_eq!(
        told.stderr.matches("[DESTINATION_TABLE_NOT_FOUND]").count(),
        1,
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("sluice.yml:1:"), "{}", told.stderr);
    assert!(
        told.stderr.contains("did you mean `main.other.alarms`?"),
        "{}",
        told.stderr
    );
    // A table of another pipeline than the one that is checked is one of the project.
    fs::write(project.path().join("sluice.yml"), of("alarms")).unwrap();
    let told = sluice(project.path(), "validate one --strict");
    assert_eq!(told.code, 0, "{}", told.stderr);
}

#[test]
fn what_lies_beside_the_project_is_read_where_it_is_included() {
    let top = folder(&[
        ("common/v.yml", "variables: {c: {default: shared}}\n"),
        (
            "p/databricks.yml",
            "bundle: {name: b}\ninclude: [../common/*.yml]\nresources: {pipelines: {p: {catalog: '${var.c}', libraries: [{file: {path: a.sql}}]}}}\n",
        ),
        ("p/a.sql", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;"),
        (
            "p/tests/m.test",
            "# It is there.\n\n--- update\n\n--- query\nSELECT x FROM shared.default.m\n--- expect\nx\n1\n",
        ),
    ]);
    let project = top.path().join("p");
    let told = sluice(&project, "validate --strict --json");
    assert_eq!(told.code, 0, "{}", told.stdout);
    assert_eq!(told.json()["datasets"][0]["name"], "shared.default.m");
    let tested = sluice(&project, "test");
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
    fs::write(top.path().join("common/v.yml"), "variables: {c: [}\n").unwrap();
    let told = sluice(&project, "validate");
    assert!(
        told.stderr.contains("../common/v.yml:1:"),
        "{}",
        told.stderr
    );
}

#[test]
fn a_spec_beside_a_project_is_looked_for_here_and_there() {
    let top = folder(&[
        (
            "q/spark-pipeline.yml",
            "name: q\nlibraries: [{glob: {include: a.sql}}]\n",
        ),
        ("q/a.sql", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;"),
        ("spark-pipeline.yml", "name: other\nlibraries: []\n"),
    ]);
    for spec in ["spark-pipeline.yml", "q/spark-pipeline.yml"] {
        let told = sluice(
            top.path(),
            &format!("validate --project q --spec {spec} --json"),
        );
        assert_eq!(told.code, 0, "{spec}: {}", told.stdout);
        assert_eq!(told.json()["name"], "q", "{spec}");
    }
    let missing = sluice(top.path(), "validate --project q --spec nosuch.yml");
    assert!(
        missing.stderr.contains("there is no file `nosuch.yml`"),
        "{}",
        missing.stderr
    );
    let outside = top.path().join("spark-pipeline.yml");
    let line = format!("validate --project q --spec {}", outside.display());
    let outside = sluice(top.path(), &line);
    assert_eq!(outside.code, 2, "{}", outside.stderr);
    assert!(
        outside
            .stderr
            .contains("does not lie in the project folder"),
        "{}",
        outside.stderr
    );
}
