//! What is too large, too deep or no SQL at all: an error with a place, never a panic, an overflow or a hang.

mod support;

use proptest::prelude::*;
use support::{error_line, file, namespace, parse};

/// The errors of a query.
fn fail(text: &str) -> Vec<String> {
    match sluice_sql::parse_query(&file(), text, vec![], &namespace()) {
        Ok(_) => vec![],
        Err(errors) => errors.iter().map(error_line).collect(),
    }
}

#[test]
fn ten_thousand_levels_are_refused_with_their_place() {
    let n = 10_000;
    for (text, column) in [
        (format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)), 207),
        (format!("SELECT {}", "(".repeat(n)), 207),
        (format!("SELECT {}1{}", "f(".repeat(n), ")".repeat(n)), 407),
        (
            format!(
                "SELECT * FROM {}t{}",
                "(SELECT * FROM ".repeat(n),
                ")".repeat(n)
            ),
            3000,
        ),
        (
            format!(
                "SELECT {}1{}",
                "CASE WHEN a THEN ".repeat(n),
                " END".repeat(n)
            ),
            3391,
        ),
        (format!("SELECT {}1{}", "[".repeat(n), "]".repeat(n)), 207),
    ] {
        let found = fail(&text);
        let start = format!("1:{column} FAILED_TO_PARSE_TOO_COMPLEX: more than 200 parentheses");
        assert!(
            found.len() == 1 && found[0].starts_with(&start),
            "{start}\n{found:?}"
        );
    }
    for chain in [
        format!("SELECT a FROM t WHERE {}", vec!["a = 1"; n].join(" AND ")),
        format!("SELECT a FROM t WHERE {}", vec!["a = 1"; n].join(" OR ")),
        format!("SELECT {}", vec!["1"; n].join(" + ")),
        format!("SELECT {} 1", "NOT ".repeat(n)),
        format!("SELECT {} 1", "- ".repeat(n)),
        format!("SELECT a{}", "::INT".repeat(n)),
        format!("SELECT a{}", " IS NULL".repeat(n)),
        format!("SELECT {} 1", "x -> ".repeat(n)),
        vec!["SELECT 1"; n].join(" UNION ALL "),
        format!("SELECT CAST(a AS {}", "ARRAY<".repeat(n)),
        format!("SELECT * FROM a {}", "JOIN b ".repeat(n)),
        format!("SELECT {}", "! ~ ".repeat(n)),
    ] {
        let found = fail(&chain);
        assert!(
            found.len() == 1
                && found[0].contains("FAILED_TO_PARSE_TOO_COMPLEX: more than 500 operators"),
            "{chain:.60}\n{found:?}"
        );
    }
}

#[test]
fn what_people_write_is_far_from_the_limits() {
    let many: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let chain = vec!["a = 1"; 240].join(" OR ");
    let unions = vec!["SELECT a FROM t WHERE a = 1 AND b = 2"; 200].join(" UNION ALL ");
    let columns = vec!["CASE WHEN a > 1 AND b < 2 THEN c + 1 ELSE d END"; 1_000].join(", ");
    let nested = format!("{}1{}", "(".repeat(190), ")".repeat(190));
    let queries = format!(
        "{}SELECT a FROM t{}",
        "SELECT a FROM (".repeat(50),
        ")".repeat(50)
    );
    let cases = format!(
        "{}1{}",
        "CASE WHEN a THEN 1 ELSE ".repeat(60),
        " END".repeat(60)
    );
    for text in [
        format!("SELECT a FROM t WHERE a IN ({})", many.join(", ")),
        format!("SELECT a FROM t WHERE {chain}"),
        unions,
        format!("SELECT {columns} FROM t"),
        format!("SELECT {nested}"),
        queries,
        format!("SELECT {cases} FROM t"),
    ] {
        assert_eq!(fail(&text), Vec::<String>::new(), "{text:.80}");
    }
}

#[test]
fn broken_nested_text_fails_fast() {
    // sqlparser tries such forms twice: without care the time doubles with each level.
    for text in [
        format!("SELECT {} @", "CAST(".repeat(150)),
        format!("SELECT {} @", "SUBSTRING(".repeat(150)),
        format!("SELECT {} @", "TRIM(".repeat(150)),
        format!("SELECT {} @", "CASE WHEN ".repeat(150)),
        format!("SELECT {} @", "POSITION(".repeat(150)),
        format!("SELECT {} @", "CURRENT_TIMESTAMP(".repeat(150)),
        format!("SELECT {} @", "CEIL(".repeat(150)),
        format!("SELECT {} @", "EXTRACT(YEAR FROM ".repeat(150)),
        format!("SELECT {} @", "STRUCT(".repeat(150)),
        format!("SELECT {} @", "ARRAY(".repeat(150)),
        format!("SELECT {} @", "EXISTS(".repeat(150)),
        format!("SELECT {} @", "a IN (".repeat(150)),
        format!("SELECT {} @", "NOT ".repeat(150)),
        format!("SELECT {} @", "LAMBDA x : ".repeat(100)),
        format!("SELECT {} @", "OVERLAY(".repeat(150)),
        format!("SELECT {} @", "CONVERT(".repeat(150)),
        format!("SELECT {} @", "(1, ".repeat(150)),
        format!("SELECT {} @", "x -> (".repeat(150)),
        format!("SELECT * FROM {} @", "(SELECT * FROM ".repeat(150)),
        format!("SELECT * FROM {} @", "((SELECT * FROM ".repeat(60)),
        format!("SELECT * FROM {} @", "((".repeat(60)),
        format!("SELECT * FROM {} @", "t JOIN (".repeat(60)),
        format!(
            "SELECT * FROM t WHERE EXISTS {} @",
            "(SELECT 1 FROM t WHERE EXISTS ".repeat(100)
        ),
        format!("WITH {} @", "a AS (WITH ".repeat(100)),
        format!("SELECT * FROM read_files({} @", "array(".repeat(150)),
        format!("SELECT * FROM {}", "t WATERMARK ".repeat(2_000)),
        format!("SELECT {} @", "INTERVAL ".repeat(150)),
        format!("SELECT {} @", "DATE ".repeat(150)),
        format!("SELECT {} @", "sum(x) OVER (PARTITION BY ".repeat(100)),
        format!("SELECT {} @", "MAP<INT, ".repeat(150)),
        format!("SELECT {} @", "STRUCT<a ".repeat(150)),
        format!("{} @", "(SELECT 1 UNION ".repeat(100)),
        format!("{} @", "VALUES (".repeat(100)),
        format!("{} @", "EXPLAIN ".repeat(100)),
    ] {
        assert_eq!(fail(&text).len(), 1, "{text:.60}");
    }
}

#[test]
fn large_files_are_refused() {
    let large = " ".repeat(50 * 1024 * 1024);
    let (_, errors) = parse(&large);
    assert!(
        error_line(&errors[0]).starts_with("1:1 SQL_FILE_TOO_LARGE: the file has 52428800 bytes"),
        "{errors:?}"
    );
    let many = "USE s;\n".repeat(10_001);
    let (_, errors) = parse(&many);
    assert_eq!(errors.len(), 1);
    assert!(
        error_line(&errors[0])
            .starts_with("10001:1 SQL_FILE_TOO_LARGE: the file holds more than 10000 statements"),
        "{errors:?}"
    );
    let (_, errors) = parse(&"#\n".repeat(100_000));
    assert_eq!(errors.len(), 100);
}

#[test]
fn types_of_columns_do_not_nest_without_end() {
    let text = format!(
        "CREATE STREAMING TABLE t (a {}) AS SELECT 1",
        "ARRAY<".repeat(10_000)
    );
    assert_eq!(parse(&text).1.len(), 1);
    let closed = format!(
        "CREATE STREAMING TABLE t (a {}INT{}) AS SELECT 1 a",
        "ARRAY<".repeat(5_000),
        ">".repeat(5_000)
    );
    assert!(
        error_line(&parse(&closed).1[0])
            .contains("UNSUPPORTED_DATATYPE: the type nests too deeply")
    );
}

/// Words and symbols of the dialect, in no order.
#[expect(clippy::too_many_lines, reason = "a list of words")]
fn soup() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "CREATE",
        "OR",
        "REFRESH",
        "STREAMING",
        "MATERIALIZED",
        "TEMPORARY",
        "LIVE",
        "PRIVATE",
        "TABLE",
        "VIEW",
        "FLOW",
        "AS",
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP",
        "BY",
        "ALL",
        "ORDER",
        "JOIN",
        "ON",
        "USING",
        "UNION",
        "WITH",
        "STREAM",
        "stream",
        "read_files",
        "cloud_files",
        "map",
        "array",
        "TABLE(",
        "WATERMARK",
        "DELAY",
        "OF",
        "INTERVAL",
        "DAY",
        "TO",
        "SECOND",
        "VERSION",
        "TIMESTAMP",
        "@",
        "v3",
        "(",
        ")",
        "(",
        ")",
        ",",
        ",",
        ".",
        ";",
        ";",
        "=>",
        "->",
        "::",
        ":",
        "[",
        "]",
        "<",
        ">",
        "=",
        "<=>",
        "+",
        "-",
        "*",
        "/",
        "||",
        "!",
        "NOT",
        "AND",
        "IS",
        "NULL",
        "DISTINCT",
        "IN",
        "BETWEEN",
        "LIKE",
        "RLIKE",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "CAST",
        "TRY_CAST",
        "STRUCT",
        "EXISTS",
        "LATERAL",
        "explode",
        "VALUES",
        "PIVOT",
        "QUALIFY",
        "OVER",
        "EXCEPT",
        "CONSTRAINT",
        "c",
        "EXPECT",
        "VIOLATION",
        "DROP",
        "ROW",
        "COMMENT",
        "TBLPROPERTIES",
        "PARTITIONED",
        "CLUSTER",
        "APPLY",
        "CHANGES",
        "INTO",
        "KEYS",
        "SEQUENCE",
        "AUTO",
        "CDC",
        "INSERT",
        "ONCE",
        "NAME",
        "REPLACE",
        "COLUMNS",
        "STORED",
        "SCD",
        "TYPE",
        "SET",
        "USE",
        "CATALOG",
        "t",
        "a",
        "b",
        "`q`",
        "'s'",
        "\"d\"",
        "1",
        "2L",
        "1.5BD",
        "1e5",
        "delta",
        "`/p`",
        "DIV",
        "EXPLAIN",
        "DESCRIBE",
        "SHOW",
        "TABLES",
        "-- x\n",
        "/* y */",
        "'open",
        "`open",
        "/* open",
        "é",
        "\0",
        "$",
        "INT",
        "STRING",
        "DECIMAL(10,2)",
    ];
    prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.join(" "))
}

/// Every entry point, on any text.
fn any_text_is_safe(text: &str) {
    let (statements, errors) = parse(text);
    for error in &errors {
        assert!(
            error
                .origin()
                .is_some_and(|origin| origin.line > 0 && origin.column > 0),
            "{text:?}: {error}"
        );
    }
    drop(statements);
    let asked = sluice_sql::parse_query(&file(), text, vec![], &namespace());
    if let Ok(query) = asked {
        // What the tree says parses to the same tree again, with the placeholders as ordinary names.
        assert!(!query.fingerprint().is_empty());
    }
    let _ = sluice_sql::parse_shell_statement(&file(), text, vec![], &namespace());
    let _ = sluice_sql::parse_scalar(&file(), text, vec![], &namespace());
    let parts = sluice_sql::split_statements(&file(), text).unwrap_or_default();
    assert!(parts.iter().all(|part| text.get(part.clone()).is_some()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_ends_in_a_value_or_an_error_with_a_place(text in "\\PC{0,200}") {
        any_text_is_safe(&text);
    }

    #[test]
    fn any_words_of_the_dialect_end_in_a_value_or_an_error_with_a_place(text in soup()) {
        any_text_is_safe(&text);
        any_text_is_safe(&format!("CREATE STREAMING TABLE t AS SELECT {text}"));
        any_text_is_safe(&format!("SELECT a FROM {text}"));
        any_text_is_safe(&format!("CREATE STREAMING TABLE t ({text}) AS SELECT 1"));
    }
}
