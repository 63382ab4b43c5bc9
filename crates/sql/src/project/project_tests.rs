//! Whole projects: what is read from them, and what is reported.

use std::collections::BTreeMap;

use super::*;

/// Files as `--- path` sections of one text.
pub(super) fn files(text: &str) -> MemoryFiles {
    text.split("--- ")
        .skip(1)
        .map(|section| {
            section
                .split_once('\n')
                .map_or((section.trim(), ""), |(path, content)| {
                    (path.trim(), content)
                })
        })
        .collect()
}

pub(super) fn options() -> LoadOptions {
    LoadOptions {
        user_name: "jane.doe@example.com".to_owned(),
        folder_name: "plant".to_owned(),
        ..LoadOptions::default()
    }
}

pub(super) fn shown(diagnostics: &[sluice_model::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|d| d.severity != sluice_model::Severity::Note)
        .map(|d| {
            let place = d.origin().map(ToString::to_string).unwrap_or_default();
            format!("{place} {}", d.condition.name)
                .trim_start()
                .to_owned()
        })
        .collect()
}

/// Loads and compares `expected`: a line per fact of the project (those that are asked for), then a line per problem.
#[track_caller]
pub(super) fn check(project: &str, options: &LoadOptions, expected: &str) {
    let (loaded, diagnostics) = load(&files(project), options);
    let mut lines = vec![];
    if let Some(project) = loaded {
        lines.push(format!(
            "{} [{}] {}.{}{}{}",
            project.name,
            project.key,
            project.namespace.catalog,
            project.namespace.schema,
            project
                .target
                .map(|t| format!(" target={t}"))
                .unwrap_or_default(),
            if project.development {
                " development"
            } else {
                ""
            },
        ));
        if !project.sources.is_empty() {
            lines.push(format!("sources {}", project.sources.join(" ")));
        }
        for (key, value) in project.configuration {
            lines.push(format!("{key} = {value}"));
        }
        if let Some(name) = project.event_log {
            lines.push(format!("event log {name}"));
        }
    }
    lines.extend(shown(&diagnostics));
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(lines, expected, "{diagnostics:#?}");
}

const LAKEHOUSE: &str = "
--- databricks.yml
bundle:
  name: iot-streaming-pipeline
include:
  - resources/*.yml
variables:
  catalog:
    description: where it all goes
    default: iot_streaming
  schema_prefix:
    default: dev
targets:
  dev:
    mode: development
    default: true
    variables:
      catalog: iot_streaming_dev
  prod:
    mode: production
    workspace:
      root_path: /Workspace/prod
    variables:
      schema_prefix: prod
--- resources/pipeline.yml
resources:
  pipelines:
    iot_lakehouse_pipeline:
      name: iot-lakehouse-${bundle.target}
      development: false
      continuous: false
      channel: CURRENT
      catalog: ${var.catalog}
      target: ${var.schema_prefix}
      photon: false
      configuration:
        catalog: ${var.catalog}
        pipelines.schema.autoMerge: true
      libraries:
        - file: {path: ../src/bronze/iot_events.sql}
        - file: {path: ../src/gold/dim_date.sql}
--- resources/job.yml
resources:
  jobs:
    iot_ingestion_job:
      name: ingest
      schedule: {quartz_cron_expression: '0 0 * * * ?', timezone_id: UTC, pause_status: PAUSED}
      tasks:
        - task_key: run
          pipeline_task:
            pipeline_id: ${resources.pipelines.iot_streaming_pipeline.id}
            full_refresh: false
--- src/bronze/iot_events.sql
SELECT 1
--- src/gold/dim_date.sql
SELECT 1
";

#[test]
fn the_lakehouse_bundle_is_read() {
    check(
        LAKEHOUSE,
        &options(),
        "[dev jane_doe] iot-lakehouse-dev [iot_lakehouse_pipeline] iot_streaming_dev.dev target=dev development
        sources src/bronze/iot_events.sql src/gold/dim_date.sql
        catalog = iot_streaming_dev
        pipelines.schema.autoMerge = true
        resources/job.yml:9:26 BUNDLE_REFERENCE_NOT_FOUND",
    );
    check(
        LAKEHOUSE,
        &LoadOptions {
            target: Some("prod".into()),
            ..options()
        },
        "iot-lakehouse-prod [iot_lakehouse_pipeline] iot_streaming.prod target=prod
        sources src/bronze/iot_events.sql src/gold/dim_date.sql
        catalog = iot_streaming
        pipelines.schema.autoMerge = true
        resources/job.yml:9:26 BUNDLE_REFERENCE_NOT_FOUND",
    );
    check(
        LAKEHOUSE,
        &LoadOptions {
            target: Some("pord".into()),
            ..options()
        },
        "databricks.yml:12:3 BUNDLE_TARGET_NOT_FOUND",
    );
}

#[test]
fn a_variable_takes_the_first_value_there_is() {
    let project = "
--- databricks.yml
bundle: {name: b}
variables:
  x: {default: from-default}
  y: {default: '${var.x}-y'}
targets:
  t:
    variables: {x: from-target}
resources: {pipelines: {p: {name: n, configuration: {x: '${var.x}', y: '${var.y}'}, libraries: [{file: {path: a.sql}}]}}}
--- a.sql
";
    let with_overrides = format!(
        "{project}\n--- .databricks/bundle/t/variable-overrides.json\n{{\"x\": \"from-file\"}}\n"
    );
    let environment: BTreeMap<String, String> =
        [("BUNDLE_VAR_x".to_owned(), "from-env".to_owned())].into();
    let line = LoadOptions {
        variables: vec![
            ("x".into(), "first".into()),
            ("x".into(), "from-line".into()),
        ],
        environment: environment.clone(),
        ..options()
    };
    let from_environment = LoadOptions {
        environment,
        ..options()
    };
    for (text, options, expected) in [
        (project, options(), "from-target"),
        (with_overrides.as_str(), options(), "from-file"),
        (with_overrides.as_str(), from_environment, "from-env"),
        (with_overrides.as_str(), line, "from-line"),
    ] {
        check(
            text,
            &options,
            &format!(
                "n [p] main.default target=t\nsources a.sql\nx = {expected}\ny = {expected}-y"
            ),
        );
    }
}

#[test]
fn variables_that_do_not_work_are_all_reported() {
    check(
        "
--- databricks.yml
bundle: {name: b}
variables:
  needed:
  cluster:
    lookup: {cluster_policy: x}
targets:
  t: {variables: {neded: 1}}
resources:
  pipelines:
    p:
      name: ${var.neeeded}
      libraries: [{file: {path: a.sql}}]
--- a.sql
",
        &LoadOptions {
            variables: vec![("other".into(), "1".into())],
            ..options()
        },
        "${var.neeeded} [p] main.default target=t
        sources a.sql
        <command line>:1:1 BUNDLE_VARIABLE_NOT_DEFINED
        databricks.yml:7:19 BUNDLE_VARIABLE_NOT_DEFINED
        databricks.yml:3:3 BUNDLE_VARIABLE_WITHOUT_VALUE
        databricks.yml:5:5 BUNDLE_VARIABLE_LOOKUP
        databricks.yml:11:13 BUNDLE_REFERENCE_NOT_FOUND",
    );
}

#[test]
fn a_target_overlays_the_pipeline() {
    check(
        "
--- databricks.yml
bundle: {name: b}
x-defaults: &defaults {catalog: shared, schema: s}
resources:
  pipelines:
    p:
      <<: *defaults
      name: n
      configuration: {a: 1, b: 2}
      libraries: [{glob: {include: 'src/**'}}]
      event_log: {name: log}
targets:
  dev:
    resources: {pipelines: {p: {schema: other, configuration: {b: 3}}}}
--- src/b/z.sql
--- src/a.sql
--- src/README.md
",
        &options(),
        "n [p] shared.other target=dev
        sources src/a.sql src/b/z.sql
        a = 1
        b = 3
        event log shared.other.log
        databricks.yml:2:1 PROJECT_FIELD_UNKNOWN",
    );
}

#[test]
fn keys_of_a_pipeline_are_honoured_noted_or_refused() {
    let project = |keys: &str| {
        format!(
            "--- databricks.yml\nbundle: {{name: b}}\nresources:\n  pipelines:\n    p:\n      libraries: [{{file: {{path: a.sql}}}}]\n      {keys}\n--- a.sql\n"
        )
    };
    let fine = "p [p] main.default target=default\nsources a.sql\n";
    for (keys, expected) in [
        ("photon: true", ""),
        ("clusters: []", ""),
        ("lifecycle: {prevent_destroy: true}", ""),
        ("edition: advanced", ""),
        ("edition: gold", "databricks.yml:6:16 PROJECT_FIELD_VALUE"),
        ("catalogue: x", "databricks.yml:6:7 PROJECT_FIELD_UNKNOWN"),
        (
            "ingestion_definition: {connection_name: c}",
            "databricks.yml:6:7 PROJECT_FIELD_NOT_SUPPORTED",
        ),
        (
            "gateway_definition: {connection_name: c}",
            "databricks.yml:6:7 PROJECT_FIELD_NOT_SUPPORTED",
        ),
        ("continuous: [1]", "databricks.yml:6:19 PROJECT_FIELD_TYPE"),
        (
            "event_log: {schema: x}",
            "databricks.yml:6:18 PIPELINE_SPEC_MISSING_REQUIRED_FIELD",
        ),
    ] {
        check(&project(keys), &options(), &format!("{fine}{expected}"));
    }
    check(
        &project("{schema: a, target: b}")
            .replace("{schema: a, target: b}", "schema: a\n      target: b"),
        &options(),
        "p [p] main.a target=default\nsources a.sql\ndatabricks.yml:7:7 PROJECT_FIELD_CONFLICT",
    );
    let (_, diagnostics) = load(&files(&project("photon: true")), &options());
    assert_eq!(
        diagnostics.len(),
        1,
        "a key without effect is noted: {diagnostics:?}"
    );
}

#[test]
fn libraries_that_cannot_be_used_are_all_named() {
    check(
        "
--- databricks.yml
bundle: {name: b}
resources:
  pipelines:
    p:
      libraries:
        - file: {path: a.sqll}
        - file: {path: ../x.sql}
        - file: {path: etl.py}
        - notebook: {path: nb}
        - jar: dbfs:/x.jar
        - glob: {include: src}
        - glob: {include: none/**}
        - file: {path: data.csv}
        - file: {path: a.sql}
--- a.sql
--- src/b.sql
--- etl.py
import dlt
@dlt.table(name='x')
def raw():
    pass
--- nb.ipynb
--- data.csv
",
        &options(),
        "p [p] main.default target=default
        sources a.sql
        databricks.yml:6:24 PIPELINE_SOURCE_NOT_FOUND
        databricks.yml:7:24 PIPELINE_SPEC_INVALID_GLOB_PATTERN
        databricks.yml:8:24 PYTHON_SOURCE_NOT_SUPPORTED
        databricks.yml:9:28 PYTHON_SOURCE_NOT_SUPPORTED
        databricks.yml:10:11 PROJECT_FIELD_NOT_SUPPORTED
        databricks.yml:11:27 PIPELINE_SOURCE_NOT_FOUND
        databricks.yml:12:27 PIPELINE_SOURCE_NOT_FOUND
        databricks.yml:13:24 PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION",
    );
}

#[test]
fn a_spark_specification_is_strict() {
    check(
        "
--- spark-pipeline.yml
name: iot
catalog: Lake
database: bronze
storage: file:///tmp/x
configuration: {a: '1'}
libraries:
  - glob: {include: transformations/**}
--- transformations/a.sql
--- transformations/deep/b.sql
--- other.sql
",
        &options(),
        "iot [iot] lake.bronze\nsources transformations/a.sql transformations/deep/b.sql\na = 1",
    );
    check(
        "
--- spark-pipeline.yml
names: iot
schema: a
database: b
configuration: {a: 1, b: '2', c: [x]}
libraries:
  - glob: {include: '*.sql'}
  - glob: {include: transformations/**/*.sql}
  - file: {path: a.sql}
  - glob: {include: docs/**}
--- a.sql
--- docs/x.md
--- transformations/deep/b.sql
",
        &LoadOptions {
            target: Some("dev".into()),
            ..options()
        },
        "plant [plant] main.a
        sources transformations/deep/b.sql
        b = 2
        BUNDLE_TARGET_NOT_FOUND
        spark-pipeline.yml:1:1 PIPELINE_SPEC_UNEXPECTED_FIELD
        spark-pipeline.yml:1:1 PIPELINE_SPEC_MISSING_REQUIRED_FIELD
        spark-pipeline.yml:4:20 PIPELINE_SPEC_DICT_VALUE_NOT_STRING
        spark-pipeline.yml:4:34 PIPELINE_SPEC_DICT_VALUE_NOT_STRING
        spark-pipeline.yml:3:1 PROJECT_FIELD_CONFLICT
        spark-pipeline.yml:6:21 PIPELINE_SPEC_INVALID_GLOB_PATTERN
        spark-pipeline.yml:7:21 PIPELINE_SPEC_LEGACY_GLOB_PATTERN
        spark-pipeline.yml:8:5 PIPELINE_SPEC_UNEXPECTED_FIELD
        spark-pipeline.yml:9:21 PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION",
    );
}

#[test]
fn folders_without_a_specification() {
    check(
        "--- b.sql\n--- a/x.sql\n--- tests/t.sql\n",
        &options(),
        "plant [plant] main.default\nsources a/x.sql b.sql\na/x.sql:1:1 PIPELINE_WITHOUT_SPEC",
    );
    check("--- README.md\n", &options(), "PROJECT_NOT_FOUND");
    check(
        "--- pipeline.yml\nstages: [build]\n--- a.sql\n",
        &options(),
        "plant [plant] main.default\nsources a.sql\na.sql:1:1 PIPELINE_WITHOUT_SPEC",
    );
    check(
        "--- spark-pipeline.yml\n--- spark-pipeline.yaml\n",
        &options(),
        "spark-pipeline.yaml:1:1 MULTIPLE_PIPELINE_SPEC_FILES_FOUND",
    );
    check(
        "--- databricks.yml\n--- x/spark-pipeline.yml\nname: inner\nlibraries: [{glob: {include: a.sql}}]\n--- x/a.sql\n",
        &LoadOptions {
            spec: Some("x/spark-pipeline.yml".into()),
            ..options()
        },
        "inner [inner] main.default\nsources x/a.sql",
    );
    check(
        "--- a.sql\n",
        &LoadOptions {
            spec: Some("no.yml".into()),
            ..options()
        },
        "PIPELINE_SPEC_FILE_DOES_NOT_EXIST",
    );
}

#[test]
fn what_is_broken_in_several_files_is_reported_at_once() {
    check(
        "
--- databricks.yml
bundle: {name: b}
include: [resources/*.yml, gone.yml]
--- resources/a.yml
a: 1
a: 2
--- resources/b.yml
x:
\ty: 1
--- sluice.yml
warehous: x
volumes: [a]
",
        &options(),
        "resources/a.yml:2:1 YAML_DUPLICATE_KEY
        resources/b.yml:2:2 YAML_SYNTAX_ERROR
        databricks.yml:2:28 BUNDLE_INCLUDE_NOT_FOUND
        databricks.yml:1:1 PIPELINE_NOT_DECLARED
        sluice.yml:1:1 SETTINGS_FIELD_UNKNOWN
        sluice.yml:2:10 PROJECT_FIELD_TYPE",
    );
}

#[test]
fn sluice_yml_says_where_things_lie() {
    let project = files(
        "--- a.sql\n--- sluice.yml\nwarehouse: ../lake\nvolumes: {/Volumes/main/iot: data}\npaths: {'s3://bucket/': ./bucket}\n",
    );
    let (loaded, _) = load(&project, &options());
    let settings = loaded.unwrap().settings;
    assert_eq!(settings.warehouse.as_deref(), Some("../lake"));
    assert_eq!(
        settings.volumes,
        [("/Volumes/main/iot".to_owned(), "data".to_owned())].into()
    );
    assert_eq!(
        settings.paths,
        [("s3://bucket/".to_owned(), "./bucket".to_owned())].into()
    );
}

#[test]
fn sluice_yml_says_where_kinesis_is_and_who_we_are_there() {
    let project = files(
        "--- a.sql\n--- sluice.yml\nkinesis: {endpoint: 'http://127.0.0.1:4567', region: eu-north-1}\ncredentials:\n  own: {profile: dev}\n  theirs: {role_arn: 'arn:aws:iam::1:role/r', external_id: x}\n",
    );
    let (loaded, found) = load(&project, &options());
    assert!(
        found
            .iter()
            .all(|found| found.severity != sluice_model::Severity::Error),
        "{found:?}"
    );
    let settings = loaded.unwrap().settings;
    assert_eq!(settings.kinesis.region.as_deref(), Some("eu-north-1"));
    assert_eq!(settings.credentials["own"].profile.as_deref(), Some("dev"));
    assert_eq!(
        settings.credentials["theirs"].external_id.as_deref(),
        Some("x")
    );
}
