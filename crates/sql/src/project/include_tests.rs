//! Files that a bundle includes.

use crate::project::tests::{check, options};

#[test]
fn files_beside_the_project_are_included_where_they_are_named() {
    let project = |include: &str| {
        format!(
            "
--- databricks.yml
bundle: {{name: b}}
include: [{include}]
resources: {{pipelines: {{p: {{catalog: '${{var.c}}', libraries: [{{file: {{path: a.sql}}}}]}}}}}}
--- a.sql
--- ../common/v.yml
variables: {{c: {{default: shared}}}}
--- ../common/w.yml
variables: {{d: {{default: x}}}}
"
        )
    };
    let read = "p [p] shared.default target=default\nsources a.sql";
    check(&project("../common/v.yml"), &options(), read);
    check(&project("'../common/*.yml'"), &options(), read);
    check(
        &project("../common/v.yml, ../common/nosuch.yml"),
        &options(),
        "p [p] shared.default target=default\nsources a.sql\ndatabricks.yml:2:28 BUNDLE_INCLUDE_NOT_FOUND",
    );
    check(
        &project("/common/v.yml, ../common/v.yml"),
        &options(),
        "p [p] shared.default target=default\nsources a.sql\ndatabricks.yml:2:11 BUNDLE_INCLUDE_NOT_FOUND",
    );
}

#[test]
fn sluice_yml_is_in_no_pattern_of_includes() {
    check(
        "
--- databricks.yml
bundle: {name: b}
include: [./*.yml]
--- p.yml
resources: {pipelines: {p: {libraries: [{file: {path: a.sql}}]}}}
--- a.sql
--- sluice.yml
volumes: {/Volumes/main/iot: data}
",
        &options(),
        "p [p] main.default target=default\nsources a.sql",
    );
}
