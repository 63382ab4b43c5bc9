//! What the commands refuse rather than do something that nobody meant, and the places that they name.

use std::fs;

use super::{folder, project, sluice};

/// What stands behind an open quote would be lost, and the rest would mean something else.
#[test]
fn sql_that_never_ends_is_not_run() {
    let room = folder(&[(
        "q.sql",
        "SELECT 1 AS a;\nSELECT 2 AS b 'abc;\nSELECT 3 AS c;\n",
    )]);
    for (line, condition, place) in [
        (
            "sql -c 'SELECT count(*) AS n FROM m /* WHERE b IS NULL'",
            "UNCLOSED_BRACKETED_COMMENT",
            "<command line>:1:29",
        ),
        (
            "sql -c 'SELECT 1 AS a' -c 'SELECT 1 AS n `x '",
            "PARSE_SYNTAX_ERROR",
            "<command line>:1:15",
        ),
        (
            "sql 'SELECT 1; SELECT 2 \"abc; SELECT 3'",
            "PARSE_SYNTAX_ERROR",
            "<command line>:1:20",
        ),
        (
            "sql -c 'VACUUM m DRY RUN /* x'",
            "UNCLOSED_BRACKETED_COMMENT",
            "<command line>:1:18",
        ),
        ("sql -f q.sql", "PARSE_SYNTAX_ERROR", "q.sql:2:15"),
    ] {
        let ended = sluice(room.path(), line);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{line}");
        for told in [condition, place, "that begins here never ends"] {
            assert!(ended.stderr.contains(told), "{line}: {}", ended.stderr);
        }
    }
}

#[test]
fn errors_of_sql_stand_at_their_place_in_the_whole_text() {
    let room = folder(&[("q.sql", "SELECT 1;\n\n\nSELECT nope\nFROM range(1);\n")]);
    for (line, told) in [
        ("sql -f q.sql", "q.sql:4:8"),
        ("sql -c 'SELECT 1; SELECT bad'", "<command line>:1:18"),
        (
            "sql -c 'SELECT * FROM json.`/nonexistent`'",
            "<command line>:1:15",
        ),
        (
            "sql -c 'SELECT * FROM json.`/nonexistent`'",
            "PATH_NOT_FOUND",
        ),
        ("sql -f nosuch.sql", "there is no file `nosuch.sql`\n"),
    ] {
        let ended = sluice(room.path(), line);
        assert_ne!(ended.code, 0, "{line}");
        assert!(ended.stderr.contains(told), "{line}: {}", ended.stderr);
    }
}

/// What reads a table is not blamed for what is wrong with the statement of that table; what is wrong elsewhere is told
/// at the same time.
#[test]
fn readers_of_a_statement_with_an_error_are_not_blamed() {
    let room = folder(&[(
        "p.sql",
        "CREATE MATERIALIZED VIEW silver AS SELECT FROM bronze;\n\
         CREATE STREAMING TABLE bronze TBLPROPERTIES ('a' = );\n\
         CREATE FLOW f AS INSERT INTO bronze BY NAME SELECT * FROM STREAM silver;\n\
         CREATE MATERIALIZED VIEW gold AS SELECT * FROM silver;\n\
         CREATE MATERIALIZED VIEW side AS SELECT * FROM nowhere;\n",
    )]);
    let ended = sluice(room.path(), "validate");
    let places: Vec<&str> = ended
        .stderr
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--> p.sql:"))
        .skip(1) // The warning that no file describes the pipeline.
        .collect();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(places, ["1:43", "2:52", "5:48"], "{}", ended.stderr);
}

#[test]
fn a_key_that_is_no_pipeline_is_refused() {
    let project = project();
    let at = project.path();
    fs::create_dir(at.join("tests")).unwrap();
    fs::write(at.join("tests/a.test"), "# Nothing.\n--- validate\n").unwrap();
    for line in [
        "run nosuch",
        "run --validate-only nosuch",
        "plan nosuch",
        "validate nosuch",
        "logs nosuch",
        "history nosuch",
        "show total --key nosuch",
        "sql --key nosuch -c 'SELECT 1'",
        "fmt --key nosuch",
    ] {
        let ended = sluice(at, line);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{line}");
        let told = "PIPELINE_KEY_NOT_FOUND";
        assert!(ended.stderr.contains(told), "{line}: {}", ended.stderr);
    }
    let tested = sluice(at, "test --key nosuch");
    let told = tested.stdout + &tested.stderr;
    assert_eq!(tested.code, 1, "{told}");
    assert!(told.contains("PIPELINE_KEY_NOT_FOUND"), "{told}");
    assert!(!at.join(".sluice").exists());
    let meant = sluice(at, "run total");
    let told = "`sluice run --refresh total` refreshes it";
    assert!(meant.stderr.contains(told), "{}", meant.stderr);
    let typo = sluice(at, "history reading");
    let told = "did you mean the dataset `readings`?";
    assert!(typo.stderr.contains(told), "{}", typo.stderr);
    assert_eq!(sluice(at, "validate plant").code, 0);
}

#[test]
fn an_export_replaces_nothing_but_an_export() {
    let project = project();
    let at = project.path();
    assert_eq!(sluice(at, "run -q").code, 0);
    fs::create_dir(at.join("exports")).unwrap();
    fs::write(at.join("exports/kept.txt"), "kept").unwrap();
    let readings = ".sluice/warehouse/main/iot/readings";
    for target in [
        "exports --format csv".to_owned(),
        "exports --format delta".to_owned(),
        ". --format delta".to_owned(),
        ".. --format delta".to_owned(),
        ".sluice --format delta".to_owned(),
        format!("{readings} --format delta"),
        format!("{readings}/_delta_log/00000000000000000000.json"),
    ] {
        let ended = sluice(at, &format!("export total {target} --overwrite"));
        assert_eq!(ended.code, 2, "{target}: {}", ended.stderr);
        let told = "OUTPUT_NOT_WRITABLE";
        assert!(ended.stderr.contains(told), "{target}: {}", ended.stderr);
    }
    assert_eq!(
        fs::read_to_string(at.join("exports/kept.txt")).unwrap(),
        "kept"
    );
    let rows = sluice(at, "sql --mode csv 'SELECT count(*) AS n FROM readings'");
    assert_eq!(rows.stdout, "n\n2\n", "{}", rows.stderr);
    for _ in 0..2 {
        let ended = sluice(at, "export total exports/t --format delta --overwrite");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
}

#[test]
fn arguments_that_mean_nothing_are_told() {
    let project = project();
    let at = project.path();
    fs::write(at.join("bad.sql"), "SELEC (").unwrap();
    for (line, code, told) in [
        ("logs --start-time gestern", 2, "2026-11-20T20:00:00Z"),
        ("schedule next nojob", 1, "it declares no jobs at all"),
        ("fmt bad.sql", 0, "warning[PARSE_SYNTAX_ERROR]"),
    ] {
        let ended = sluice(at, line);
        assert_eq!(ended.code, code, "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(told), "{line}: {}", ended.stderr);
    }
    let two = folder(&[
        (
            "databricks.yml",
            "bundle: {name: b}\nresources: {pipelines: {one: {libraries: [{file: {path: a.sql}}]}, two: {libraries: [{file: {path: b.sql}}]}}}\n",
        ),
        ("a.sql", "CREATE MATERIALIZED VIEW a AS SELECT  1 AS x;\n"),
        ("b.sql", "CREATE MATERIALIZED VIEW b AS SELECT  1 AS x;\n"),
    ]);
    let unsaid = sluice(two.path(), "show a");
    assert!(
        unsaid.stderr.contains("`--key KEY`: `one`, `two`"),
        "{}",
        unsaid.stderr
    );
    let laid_out = sluice(two.path(), "fmt --key two");
    assert_eq!((laid_out.code, laid_out.stdout.as_str()), (0, "b.sql\n"));
    let listed = sluice(two.path(), "explain");
    let told = "BUNDLE_TARGET_REQUIRED  databricks.yml has several targets and none of them is the default\n";
    assert!(listed.stdout.contains(told), "{}", listed.stdout);
}
