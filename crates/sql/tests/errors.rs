//! Bad input: which condition it gets, at which place, with which words, and that the rest of the file is still read.

#![allow(
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "tables of cases"
)]

mod support;

use support::{error_line, errors, file, line, namespace, parse};

/// Compares the errors of a pipeline file; the expectation may leave off the end of the line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = errors(text);
    let as_expected = found
        .iter()
        .zip(expected)
        .all(|(found, expected)| found.starts_with(expected));
    assert!(
        found.len() == expected.len() && as_expected,
        "{text}\nfound    {found:#?}\nexpected {expected:#?}"
    );
}

/// Compares the error of a query.
#[track_caller]
fn check_query(text: &str, expected: &str) {
    let errors = sluice_sql::parse_query(&file(), text, vec![], &namespace()).expect_err(text);
    let found: Vec<String> = errors.iter().map(error_line).collect();
    assert!(
        found.len() == 1 && found[0].starts_with(expected),
        "{text}\nfound    {found:#?}\nexpected {expected}"
    );
}

#[test]
fn all_errors_of_a_file_come_at_once_and_the_rest_is_kept() {
    let (statements, diagnostics) = parse(
        "CREATE STREAMING TABEL a AS SELECT 1;\nCREATE VIEW b AS SELECT 1 x;\nSELECT 1;\n\
         CREATE MATERIALIZED VIEW c AS SELECT FROM t;\nCREATE VIEW d AS SELECT 2 y",
    );
    let lines: Vec<String> = statements.iter().map(line).collect();
    assert_eq!(lines, ["view b <- ", "unread c", "view d <- "]);
    let places: Vec<u32> = diagnostics
        .iter()
        .map(|error| error.origin().unwrap().line)
        .collect();
    assert_eq!(places, [1, 3, 4]);
}

#[test]
fn statements() {
    check(
        "CREATE STREAMING TABEL t AS SELECT 1",
        &[
            "1:18 PARSE_SYNTAX_ERROR: found `TABEL`, expected `STREAMING TABLE`, `MATERIALIZED VIEW`, `VIEW` or `FLOW`",
        ],
    );
    check(
        "CREAT VIEW v AS SELECT 1",
        &[
            "1:1 PARSE_SYNTAX_ERROR: found `CREAT`, expected `CREATE`, `APPLY`, `SET` or `USE` | did you mean `CREATE`?",
        ],
    );
    check(
        "CREATE MATERIALISED VIEW v AS SELECT 1",
        &[
            "1:8 PARSE_SYNTAX_ERROR: found `MATERIALISED`, expected `STREAMING TABLE`, `MATERIALIZED VIEW`, `VIEW` or `FLOW` | did you mean `MATERIALIZED`?",
        ],
    );
    check(
        "CREATE MATERIALIZED VIW v AS SELECT 1",
        &["1:21 PARSE_SYNTAX_ERROR: found `VIW`, expected `VIEW` | did you mean `VIEW`?"],
    );
    check(
        "CREATE STREAMING TABLE",
        &["1:23 PARSE_SYNTAX_ERROR: the statement ends here, expected the name of the table"],
    );
    check(
        "CREATE STREAMING TABLE a.b.c.d AS SELECT 1",
        &["1:24 IDENTIFIER_TOO_MANY_NAME_PARTS: `a.b.c.d` has 4 parts"],
    );
    check(
        "CREATE STREAMING TABLE t COMENT 'x' AS SELECT 1",
        &["1:26 PARSE_SYNTAX_ERROR: found `COMENT`, expected `AS`, `FLOW`, `COMMENT`"],
    );
    check(
        "CREATE STREAMING TABLE t AS",
        &["1:28 PARSE_SYNTAX_ERROR: the statement ends here, expected a query"],
    );
    check(
        "CREATE MATERIALIZED VIEW m",
        &["1:27 PARSE_SYNTAX_ERROR: the statement ends here, expected `AS`"],
    );
    check(
        "CREATE STREAMING STREAMING TABLE t",
        &["1:18 PARSE_SYNTAX_ERROR: found `STREAMING`, expected the word once"],
    );
    check(
        "CREATE VIEW my-catalog.v AS SELECT 1 x",
        &[
            "1:15 PARSE_SYNTAX_ERROR: found `-`, expected `AS`, `COMMENT` or `TBLPROPERTIES` | a name with a hyphen",
        ],
    );
    check(
        "USE CATALOG",
        &["1:12 PARSE_SYNTAX_ERROR: the statement ends here, expected the name of a catalog"],
    );
    check(
        "SET a.b 5",
        &["1:9 PARSE_SYNTAX_ERROR: found `5`, expected `=`"],
    );
}

#[test]
fn commands_that_act_at_once_are_refused_with_what_to_write() {
    for (text, word, help) in [
        ("SELECT 1", "SELECT", "CREATE MATERIALIZED VIEW"),
        (
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "WITH",
            "CREATE MATERIALIZED VIEW",
        ),
        ("INSERT INTO t SELECT 1", "INSERT", "CREATE FLOW"),
        (
            "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
            "MERGE",
            "AUTO CDC",
        ),
        ("DROP TABLE t", "DROP", "remove the declaration"),
        (
            "ALTER TABLE t ADD COLUMN x INT",
            "ALTER",
            "change the declaration",
        ),
        ("OPTIMIZE t", "OPTIMIZE", "another Delta tool"),
        ("GRANT SELECT ON t TO u", "GRANT", "remove it"),
    ] {
        let found = errors(text);
        let start = format!(
            "1:1 UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND: {word} does not belong in a pipeline file"
        );
        assert!(
            found.len() == 1 && found[0].starts_with(&start) && found[0].contains(help),
            "{found:?}"
        );
    }
    check(
        "CREATE TABLE t AS SELECT 1",
        &["1:8 UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND: CREATE TABLE does not say how"],
    );
    check(
        "CREATE SCHEMA s",
        &["1:8 UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND: CREATE SCHEMA"],
    );
}

#[test]
fn columns_and_expectations() {
    let table =
        |items: &str| format!("CREATE STREAMING TABLE t ({items}) AS SELECT * FROM STREAM s");
    for (items, expected) in [
        (
            "a INTT",
            "1:29 UNSUPPORTED_DATATYPE: `INTT` is not a data type | did you mean `INT`?",
        ),
        (
            "a TEXT, b UUID",
            "1:29 UNSUPPORTED_DATATYPE: `TEXT` is not a data type | Spark calls it `STRING`",
        ),
        (
            "a STRUCT<x: INT, y: STRNG>",
            "1:47 UNSUPPORTED_DATATYPE: `STRNG` is not a data type | did you mean `STRING`?",
        ),
        ("a DECIMAL(50, 2)", "1:43 UNSUPPORTED_DATATYPE"),
        (
            "a INT b INT",
            "1:33 PARSE_SYNTAX_ERROR: found `b`, expected `,` or `)` | is a comma missing before it?",
        ),
        (
            "a INT,",
            "1:32 PARSE_SYNTAX_ERROR: a comma stands before `)` | remove the comma",
        ),
        ("a INT NOT NUL", "1:33 PARSE_SYNTAX_ERROR: found `NOT`"),
        (
            "CONSTRAINT c EXPECT a > 0",
            "1:47 PARSE_SYNTAX_ERROR: found `a`, expected `(` with the condition",
        ),
        (
            "CONSTRAINT c EXPECT (a >)",
            "1:51 PARSE_SYNTAX_ERROR: found `)`, expected an expression",
        ),
        (
            "CONSTRAINT c EXPECT (a) ON VIOLATION DROP",
            "1:68 PARSE_SYNTAX_ERROR: found `)`, expected `ROW`",
        ),
        (
            "CONSTRAINT c EXPECT (a) ON VIOLATION WARN",
            "1:64 PARSE_SYNTAX_ERROR: found `WARN`, expected `DROP` or `FAIL`",
        ),
        (
            "CONSTRAINT c EXPEC (a)",
            "1:40 PARSE_SYNTAX_ERROR: found `EXPEC`, expected `EXPECT`",
        ),
        (
            "CONSTRAINT c CHECK (a > 0)",
            "1:40 PARSE_SYNTAX_ERROR: a dataset of a pipeline takes expectations",
        ),
        (
            "CONSTRAINT c EXPECT (a IN (SELECT b FROM u))",
            "1:68 PARSE_SYNTAX_ERROR: the condition of an expectation cannot read a table",
        ),
    ] {
        let found = errors(&table(items));
        assert!(
            found
                .first()
                .is_some_and(|found| found.starts_with(expected)),
            "{items}\nfound    {found:#?}\nexpected {expected}"
        );
    }
    assert_eq!(errors(&table("a TEXT, b UUID, c INT")).len(), 2);
}

#[test]
fn clauses() {
    for (clause, expected) in [
        (
            "COMMENT 'a' COMMENT 'b'",
            "1:40 DUPLICATE_CLAUSES: COMMENT stands twice",
        ),
        (
            "TBLPROPERTIES (a = 1, a = 2)",
            "1:50 DUPLICATE_CLAUSES: property `a` is given twice",
        ),
        (
            "TBLPROPERTIES (a = )",
            "1:47 PARSE_SYNTAX_ERROR: found `)`, expected a string, a number",
        ),
        (
            "PARTITIONED BY (a) CLUSTER BY (b)",
            "1:59 SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED",
        ),
        (
            "SCHEDULE DAILY",
            "1:37 PARSE_SYNTAX_ERROR: found `DAILY`, expected `EVERY` or `CRON`",
        ),
        (
            "SCHEDULE EVERY 5 MINUTES",
            "1:45 PARSE_SYNTAX_ERROR: found `MINUTES`, expected `HOUR`",
        ),
        (
            "REFRESH POLICY SOMETIMES",
            "1:43 PARSE_SYNTAX_ERROR: found `SOMETIMES`, expected `AUTO`, `INCREMENTAL` or `FULL`",
        ),
        (
            "PARTITIONED (a)",
            "1:40 PARSE_SYNTAX_ERROR: found `(`, expected `BY`",
        ),
    ] {
        check(
            &format!("CREATE MATERIALIZED VIEW m {clause} AS SELECT 1 a"),
            &[expected],
        );
    }
}

#[test]
fn flows_and_changes() {
    for (text, expected) in [
        (
            "CREATE FLOW a.f AS INSERT INTO t SELECT 1",
            "1:13 MULTIPART_FLOW_NAME_NOT_SUPPORTED",
        ),
        (
            "CREATE FLOW f AS INSERT OVERWRITE t SELECT 1",
            "1:25 PARSE_SYNTAX_ERROR: a flow appends, it does not OVERWRITE",
        ),
        (
            "CREATE FLOW f AS INSERT INTO t (a, b) SELECT 1",
            "1:32 PARSE_SYNTAX_ERROR: the INSERT of a flow takes no list of columns",
        ),
        (
            "CREATE FLOW f AS UPDATE t",
            "1:18 PARSE_SYNTAX_ERROR: found `UPDATE`, expected `INSERT` or `AUTO`",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s SEQUENCE BY ts",
            "1:50 PARSE_SYNTAX_ERROR: the statement ends here, expected `KEYS (...)`",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s KEYS (k)",
            "1:44 PARSE_SYNTAX_ERROR: the statement ends here, expected `SEQUENCE BY ...`",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s KEYS () SEQUENCE BY ts",
            "1:41 AUTOCDC_EMPTY_KEYS",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s KEYS (s.k) SEQUENCE BY ts",
            "1:42 AUTOCDC_MULTIPART_COLUMN_IDENTIFIER: `s.k`",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s KEYS (k) SEQUENCE BY ts IGNORE NULL UPDATES ON ()",
            "1:83 AUTOCDC_IGNORE_NULL_EMPTY_COLUMN_LIST",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s KEYS (k) KEYS (l) SEQUENCE BY ts",
            "1:45 DUPLICATE_CLAUSES: KEYS stands twice",
        ),
        (
            "APPLY CHANGES INTO t FROM STREAM s KEYS (k) SEQUENCE BY ts STORED AS SCD TYPE 3",
            "1:79 PARSE_SYNTAX_ERROR: found `3`, expected `1` or `2`",
        ),
        (
            "APPLY CHANGES INTO t FROM a JOIN b ON true KEYS (k) SEQUENCE BY ts",
            "1:27 PARSE_SYNTAX_ERROR: AUTO CDC reads exactly one stream",
        ),
        (
            "CREATE FLOW f AS AUTO CDC INTO t FROM SNAPSHOT (s) KEYS (k)",
            "1:39 UNSUPPORTED_FEATURE.AUTO_CDC_FROM_SNAPSHOT",
        ),
        (
            "CREATE TEMPORARY VIEW a.v AS SELECT 1",
            "1:23 TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS",
        ),
        (
            "CREATE VIEW v (CONSTRAINT c EXPECT (a)) AS SELECT 1 a",
            "1:27 PARSE_SYNTAX_ERROR: a view of the catalog takes no expectations",
        ),
    ] {
        check(text, &[expected]);
    }
}

#[test]
fn queries() {
    for (text, expected) in [
        (
            "SELECT a FORM t",
            "1:10 PARSE_SYNTAX_ERROR: `FORM` is no clause of a query | did you mean `FROM`?",
        ),
        (
            "SELECT a b c FROM t",
            "1:12 PARSE_SYNTAX_ERROR: found `c`, expected the end of it or a further clause | is a comma missing before `c`?",
        ),
        (
            "SELECT a, FROM t",
            "1:11 PARSE_SYNTAX_ERROR: found `FROM`, expected an expression | remove the comma before it",
        ),
        (
            "SELECT (a FROM t",
            "1:11 PARSE_SYNTAX_ERROR: found `FROM`, expected `)`",
        ),
        (
            "SELECT a FROM t WHERE",
            "1:22 PARSE_SYNTAX_ERROR: the statement ends here, expected an expression",
        ),
        (
            "SELECT a FROM t GRUOP BY a",
            "1:17 PARSE_SYNTAX_ERROR: `GRUOP` is no clause of a query | did you mean `GROUP`?",
        ),
        (
            "SELECT a FROM t JION u ON a = b",
            "1:17 PARSE_SYNTAX_ERROR: `JION` is no clause of a query | did you mean `JOIN`?",
        ),
        (
            "SELECT count(* FROM t",
            "1:16 PARSE_SYNTAX_ERROR: found `FROM`, expected `)`",
        ),
        ("SELECT a FROM t) x", "1:16 PARSE_SYNTAX_ERROR: found `)`"),
        (
            "SELECT a\nFROM t\nCREATE VIEW x",
            "3:1 PARSE_SYNTAX_ERROR: found `CREATE`, expected the end of it or a further clause | is a `;` missing before `CREATE`?",
        ),
        (
            "SELECT 'a' AS 'b'",
            "1:15 PARSE_SYNTAX_ERROR: a string cannot name a column: `'b'`",
        ),
        (
            "SELECT case when a then b FROM t",
            "1:27 PARSE_SYNTAX_ERROR: found `FROM`, expected `END`",
        ),
        (
            "SELECT a FROM STREAM foo('x')",
            "1:22 PARSE_SYNTAX_ERROR: `foo` is not a source",
        ),
        (
            "SELECT a FROM STREAM read_file('x')",
            "1:22 PARSE_SYNTAX_ERROR: `read_file` is not a source that can be read as a stream | did you mean `read_files`?",
        ),
        (
            "SELECT a FROM STREAM(SELECT 1)",
            "1:22 PARSE_SYNTAX_ERROR: STREAM reads a table",
        ),
        (
            "SELECT a FROM STREAM(t",
            "1:23 PARSE_SYNTAX_ERROR: the statement ends here, expected `)`",
        ),
        (
            "WITH a AS (SELECT 1) SELECT * FROM STREAM a",
            "1:36 PARSE_SYNTAX_ERROR: `a` is a common table expression",
        ),
        (
            "SELECT a FROM t@3",
            "1:17 PARSE_SYNTAX_ERROR: found `3`, expected `v` with a version number",
        ),
        (
            "SELECT a FROM t@v3 VERSION AS OF 4",
            "1:20 PARSE_SYNTAX_ERROR: a version is given twice",
        ),
        (
            "SELECT INTERVAL '24'",
            "1:21 PARSE_SYNTAX_ERROR: the statement ends here, expected a unit",
        ),
        ("SELECT INTERVAL 'x y'", "1:17 INVALID_INTERVAL_FORMAT"),
        (
            "SELECT INTERVAL '1:2' DAY TO SECOND",
            "1:17 INVALID_INTERVAL_FORMAT",
        ),
        (
            "SELECT a FROM STREAM t WATERMARK f(ts) DELAY OF INTERVAL 1 HOUR",
            "1:34 REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE",
        ),
        (
            "SELECT a FROM STREAM t WATERMARK f(ts) AS (x, y) DELAY OF INTERVAL 1 HOUR",
            "1:43 CANNOT_USE_MULTI_ALIASES_IN_WATERMARK_CLAUSE",
        ),
        (
            "SELECT a FROM STREAM t WATERMARK ts DELAY OF INTERVAL 1 MONTH",
            "1:46 INVALID_INTERVAL_FORMAT",
        ),
        (
            "SELECT a FROM read_files('x', map('a'))",
            "1:31 PARSE_SYNTAX_ERROR: `map` takes pairs",
        ),
        (
            "SELECT a FROM a.b.c.d",
            "1:15 IDENTIFIER_TOO_MANY_NAME_PARTS",
        ),
        (
            "SELECT 1; SELECT 2",
            "1:11 PARSE_SYNTAX_ERROR: a second statement begins here",
        ),
        (
            "",
            "1:1 PARSE_SYNTAX_ERROR: the statement ends here, expected a query",
        ),
        (
            "SELECT a FROM t FOR UPDATE",
            "1:17 PARSE_SYNTAX_ERROR: FOR cannot stand here",
        ),
        (
            "SELECT a INTO b FROM t",
            "1:10 PARSE_SYNTAX_ERROR: INTO cannot stand here",
        ),
        (
            "SELECT DISTINCT ON (a) a FROM t",
            "1:17 PARSE_SYNTAX_ERROR: ON cannot stand here",
        ),
        ("SELECT a ~ b FROM t", "1:10 PARSE_SYNTAX_ERROR: found `~`"),
        (
            "SELECT a FROM my-catalog.s.t",
            "1:17 PARSE_SYNTAX_ERROR: found `-`, expected the end of it or a further clause | a name with a hyphen",
        ),
        (
            "SELECT a FROM \"t\"",
            "1:15 PARSE_SYNTAX_ERROR: a string cannot name a table: `'t'` | quote the name with back-ticks: `t`",
        ),
        (
            "SELECT t.\"a\" FROM t",
            "1:8 PARSE_SYNTAX_ERROR: a string cannot name a column: `'a'`",
        ),
        ("TABLE t", "1:1 PARSE_SYNTAX_ERROR"),
        ("INSERT INTO t SELECT 1", "1:1 PARSE_SYNTAX_ERROR"),
    ] {
        check_query(text, expected);
    }
    check(
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM t PIVOT (sum(x) FOR y IN ('a'))",
        &["1:47 UNSUPPORTED_FEATURE.PIPELINE_PIVOT"],
    );
}

#[test]
fn what_never_ends_is_one_error_at_its_beginning() {
    check(
        "CREATE VIEW a AS SELECT 1 x;\nCREATE VIEW b AS SELECT 'abc;\nCREATE VIEW c AS SELECT 1 y;",
        &["2:25 PARSE_SYNTAX_ERROR: the string that begins here never ends"],
    );
    check(
        "CREATE VIEW a AS SELECT `x FROM t",
        &["1:25 PARSE_SYNTAX_ERROR: the quoted name"],
    );
    check(
        "CREATE VIEW a AS SELECT 1 x; /* oops",
        &["1:30 UNCLOSED_BRACKETED_COMMENT"],
    );
    check(
        "CREATE VIEW a AS SELECT 1 # 2",
        &["1:27 PARSE_SYNTAX_ERROR: `#` does not belong"],
    );
    check(
        "CREATE VIEW a AS SELECT '${x}' AS y, $z",
        &["1:38 PARSE_SYNTAX_ERROR: `$` does not belong in SQL text"],
    );
    check(
        "CREATE VIEW a AS SELECT 1\0",
        &["1:26 PARSE_SYNTAX_ERROR: a NUL character"],
    );
}

#[test]
fn columns_count_characters_and_replaced_values_point_at_the_users_text() {
    check(
        "CREATE VIEW größe AS SELECT 'äöü', , 1",
        &["1:36 PARSE_SYNTAX_ERROR: found `,`"],
    );
    // `${catalog}` (10 characters) became `prod` (4): what stands behind it moves back.
    let replacement = sluice_sql::source_map::Replacement {
        parsed: (1, 13),
        parsed_end: (1, 17),
        written: (1, 13),
        written_end: (1, 23),
    };
    let (_, errors) = sluice_sql::parse_file(
        &file(),
        "CREATE VIEW prod.s.v AS SELEC 1",
        vec![replacement],
        &namespace(),
    );
    assert_eq!(
        error_line(&errors[0]).split(' ').next(),
        Some("1:31"),
        "{errors:?}"
    );
}
