//! Layouts as a person would read them, and that they never change what a text says.

use super::*;

fn formatted(text: &str) -> Formatted {
    format_file(&Arc::from("a.sql"), text).expect("tokens")
}

#[track_caller]
fn becomes(text: &str, expected: &str) {
    let once = formatted(text);
    assert_eq!(once.text, expected);
    assert_eq!(formatted(&once.text).text, expected, "again");
}

#[test]
fn the_head_stays_and_the_query_is_laid_out() {
    becomes(
        "CREATE STREAMING TABLE t\nCOMMENT 'x'\nAS SELECT a,b  FROM STREAM(s)   WHERE a>1; -- end\n",
        "CREATE STREAMING TABLE t\nCOMMENT 'x'\nAS SELECT a, b\nFROM STREAM(s)\nWHERE a > 1; -- end\n",
    );
}

#[test]
fn fields_of_calls_stay_at_them() {
    becomes(
        "CREATE VIEW v AS SELECT window(ts, '1 hour').start AS s,  (a+b)::INT, f(x):y.z FROM t",
        "CREATE VIEW v AS SELECT window(ts, '1 hour').start AS s, (a + b)::INT, f(x):y.z\nFROM t",
    );
}

#[test]
fn what_the_crate_does_not_know_stays_together() {
    becomes(
        "CREATE VIEW v AS SELECT j:a.b[0].c::int, m['k'], now(), 2.5BD, r'\\d', ${key}, ~a, DATE'2026-11-21', * EXCEPT (a) FROM t@v3 \
         QUALIFY row_number() OVER (ORDER BY b)=${n}",
        "CREATE VIEW v AS SELECT j:a.b[0].c::int, m['k'], now(), 2.5BD, r'\\d', ${key}, ~a, DATE'2026-11-21', * EXCEPT (a)\nFROM t@v3\n\
         QUALIFY row_number() OVER (ORDER BY b) = ${n}",
    );
}

#[test]
fn a_named_query_begins_behind_with() {
    becomes(
        "CREATE VIEW v AS WITH a AS (SELECT 1 AS x), b AS (SELECT 2 AS x) SELECT x FROM a, b",
        "CREATE VIEW v AS WITH a AS (SELECT 1 AS x), b AS (SELECT 2 AS x)\nSELECT x\nFROM a, b",
    );
}

#[test]
fn joins_stand_below_each_other() {
    becomes(
        "CREATE VIEW v AS SELECT a FROM t LEFT ANTI JOIN u ON t.a=u.a LATERAL VIEW explode(b) e AS c",
        "CREATE VIEW v AS SELECT a\nFROM t\nLEFT ANTI JOIN u ON t.a = u.a\nLATERAL VIEW explode(b) e AS c",
    );
}

#[test]
fn comments_and_line_ends_are_kept() {
    becomes(
        "CREATE VIEW v AS\r\nSELECT -- first\r\n  a /* the a */ FROM t\r\n",
        "CREATE VIEW v AS\r\nSELECT -- first\r\na\r\n/* the a */\r\nFROM t\r\n",
    );
}

#[test]
fn changes_functions_and_pipes_are_left_alone() {
    for text in [
        "CREATE FLOW f AS AUTO CDC INTO t FROM  STREAM s KEYS (id) SEQUENCE BY n COLUMNS * EXCEPT (op);",
        "CREATE FUNCTION f(x INT) RETURNS INT RETURN (SELECT  x);",
        "CREATE VIEW v AS FROM t |> WHERE  a > 1;",
        "SET  a = 1;",
    ] {
        becomes(text, text);
    }
}

#[test]
fn a_query_without_a_safe_layout_is_left_and_named() {
    let deep = format!(
        "CREATE VIEW v AS SELECT  {}1{}",
        "(".repeat(10_000),
        ")".repeat(10_000)
    );
    for text in [
        "CREATE VIEW v AS SELECT  a[1 FROM t",
        "CREATE VIEW v AS SELECT  a /* one /* two */ b,c */ FROM t",
        &deep,
    ] {
        let found = formatted(text);
        assert_eq!(found.text, text);
        assert_eq!(found.left.len(), 1);
        assert_eq!(*found.left[0].condition, STATEMENT_NOT_FORMATTED);
    }
}

#[test]
fn text_that_is_no_sequence_of_tokens_is_refused() {
    assert!(format_file(&Arc::from("a.sql"), "CREATE VIEW v AS SELECT 'a").is_err());
}

#[test]
fn as_deep_as_can_be_parsed_is_laid_out() {
    let deep = format!(
        "CREATE VIEW v AS SELECT  {}1{}",
        "(".repeat(190),
        ")".repeat(190)
    );
    let found = formatted(&deep);
    assert!(found.left.is_empty());
    assert!(found.text.len() < 200_000, "{} bytes", found.text.len());
}
