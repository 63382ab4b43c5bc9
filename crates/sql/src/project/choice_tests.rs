//! Which pipeline is meant, in a bundle and without one.

use crate::project::tests::{check, files, options, shown};
use crate::project::{LoadOptions, load, load_bundle};

const TWO: &str = "
--- databricks.yml
bundle: {name: b}
resources:
  pipelines:
    one: {name: first, libraries: [{file: {path: a.sql}}]}
    two: {libraries: [{notebook: {path: ./b}}]}
  jobs:
    nightly: {tasks: [{pipeline_task: {pipeline_id: '${resources.pipelines.two.id}'}}]}
--- a.sql
--- b.sql
";

#[test]
fn several_pipelines_are_told_apart_by_key() {
    check(TWO, &options(), "databricks.yml:4:5 PIPELINE_KEY_REQUIRED");
    let with = |key: &str| LoadOptions {
        pipeline_key: Some(key.into()),
        ..options()
    };
    check(
        TWO,
        &with("one"),
        "first [one] main.default target=default\nsources a.sql",
    );
    check(
        TWO,
        &with("two"),
        "two [two] main.default target=default\nsources b.sql",
    );
    check(
        TWO,
        &with("nightly"),
        "two [two] main.default target=default\nsources b.sql",
    );
    check(
        TWO,
        &with("three"),
        "databricks.yml:4:5 PIPELINE_KEY_NOT_FOUND",
    );
}

#[test]
fn a_job_that_runs_several_pipelines_is_no_key() {
    let project = "
--- databricks.yml
bundle: {name: b}
resources:
  pipelines:
    one: {libraries: [{file: {path: a.sql}}]}
    two: {libraries: [{file: {path: a.sql}}]}
  jobs:
    nightly:
      tasks:
        - {task_key: a, pipeline_task: {pipeline_id: '${resources.pipelines.two.id}'}}
        - {task_key: b, pipeline_task: {pipeline_id: '${resources.pipelines.one.id}'}}
    other:
      tasks: [{task_key: a, notebook_task: {notebook_path: x}}]
--- a.sql
";
    for (key, expected, help) in [
        (
            "nightly",
            "databricks.yml:7:5 PIPELINE_KEY_REQUIRED",
            "run each: `sluice run two`, then `sluice run one`",
        ),
        (
            "other",
            "databricks.yml:11:5 PIPELINE_KEY_NOT_FOUND",
            "name a pipeline: `one`, `two`",
        ),
    ] {
        let options = LoadOptions {
            pipeline_key: Some(key.into()),
            ..options()
        };
        let (_, diagnostics) = load(&files(project), &options);
        assert_eq!(shown(&diagnostics), [expected]);
        assert_eq!(diagnostics[0].helps[0], help);
    }
    let bundle = load_bundle(&files(project), &options()).unwrap();
    assert_eq!(bundle.name, "b");
    assert_eq!(bundle.pipelines, ["one", "two"]);
}

#[test]
fn a_key_without_a_bundle_is_that_of_the_one_pipeline() {
    const SPARK: &str = "
--- spark-pipeline.yml
{name: s, libraries: [{glob: {include: a.sql}}]}
--- a.sql
";
    let with = |key: &str| LoadOptions {
        pipeline_key: Some(key.into()),
        ..options()
    };
    check(SPARK, &with("s"), "s [s] main.default\nsources a.sql");
    for (project, key, is_known) in [
        (SPARK, "s", true),
        (SPARK, "t", false),
        ("--- a.sql\n", "plant", true),
        ("--- a.sql\n", "a", false),
    ] {
        let (loaded, diagnostics) = load(&files(project), &with(key));
        let is_refused = diagnostics
            .iter()
            .any(|d| *d.condition == sluice_model::condition::project::PIPELINE_KEY_NOT_FOUND);
        assert_eq!(
            (loaded.is_some(), is_refused),
            (is_known, !is_known),
            "{key}"
        );
    }
}
