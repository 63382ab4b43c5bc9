//! Statements of `sluice sql`.

mod support;

use sluice_sql::{
    DescribeForm, ShellStatement, is_complete, parse_shell_statement, split_statements,
};
use support::{error_line, file, namespace, relations};

fn shown(text: &str) -> String {
    match parse_shell_statement(&file(), text, vec![], &namespace()) {
        Ok(ShellStatement::Query(query)) => format!("query {}", relations(&query)),
        Ok(ShellStatement::Explain(query)) => format!("explain {}", relations(&query)),
        Ok(ShellStatement::Describe { form, table, limit }) => {
            let form = match form {
                DescribeForm::Columns => "columns",
                DescribeForm::Extended => "extended",
                DescribeForm::History => "history",
                DescribeForm::Detail => "detail",
            };
            format!("describe {form} {} {limit:?}", table.parts.join("."))
        }
        Ok(ShellStatement::ShowTables { schema, pattern }) => {
            format!(
                "tables {:?} {pattern:?}",
                schema.map(|name| name.parts.join("."))
            )
        }
        Ok(ShellStatement::ShowTableProperties { table, key }) => {
            format!("properties {} {key:?}", table.parts.join("."))
        }
        Ok(ShellStatement::ShowColumns { table }) => format!("columns {}", table.parts.join(".")),
        Ok(ShellStatement::Optimize(optimize)) => {
            let order: Vec<&str> = optimize
                .z_order_by
                .iter()
                .map(|c| c.value.as_str())
                .collect();
            let predicate = optimize.predicate.map(|predicate| predicate.text);
            let name = optimize.table.parts.join(".");
            format!(
                "optimize {name} full={} {predicate:?} {order:?}",
                optimize.full
            )
        }
        Ok(ShellStatement::Vacuum(vacuum)) => {
            let retain = vacuum.retain_ms.map(|retain| retain.value);
            let name = vacuum.table.parts.join(".");
            format!("vacuum {name} {retain:?} dry={}", vacuum.dry_run)
        }
        Ok(ShellStatement::Restore(restore)) => {
            format!(
                "restore {} {:?}",
                restore.table.parts.join("."),
                restore.to.value
            )
        }
        Err(errors) => errors.iter().map(error_line).collect(),
    }
}

#[test]
fn maintenance() {
    for (text, expected) in [
        ("OPTIMIZE a.b.t", "optimize a.b.t full=false None []"),
        ("OPTIMIZE t FULL", "optimize t full=true None []"),
        (
            "OPTIMIZE t WHERE (day >= '2026-01-01' OR x) AND y ZORDER BY (a, `b c`);",
            "optimize t full=false Some(\"(day >= '2026-01-01' OR x) AND y\") [\"a\", \"b c\"]",
        ),
        (
            "OPTIMIZE t ZORDER BY a, b",
            "optimize t full=false None [\"a\", \"b\"]",
        ),
        ("VACUUM t", "vacuum t None dry=false"),
        (
            "VACUUM t RETAIN 169 HOURS DRY RUN",
            "vacuum t Some(608400000) dry=true",
        ),
        (
            "VACUUM t LITE DRY RUN RETAIN 0.5 HOURS",
            "vacuum t Some(1800000) dry=true",
        ),
        ("RESTORE TABLE t TO VERSION AS OF 3", "restore t Version(3)"),
        (
            "RESTORE t TIMESTAMP AS OF '2026-01-01'",
            "restore t Timestamp(\"2026-01-01\")",
        ),
        ("SHOW COLUMNS IN t", "columns t"),
        ("SHOW COLUMNS FROM t FROM a.s", "columns a.s.t"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    for (text, expected) in [
        (
            "OPTIMIZE",
            "1:9 PARSE_SYNTAX_ERROR: the statement ends here, expected a table",
        ),
        (
            "OPTIMIZE t WHERE",
            "1:17 PARSE_SYNTAX_ERROR: the statement ends here, expected a predicate",
        ),
        (
            "OPTIMIZE t ZORDER a",
            "1:12 PARSE_SYNTAX_ERROR: found `ZORDER`, expected the end of the statement",
        ),
        (
            "VACUUM t RETAIN a HOURS",
            "1:17 PARSE_SYNTAX_ERROR: found `a`, expected a number of hours",
        ),
        (
            "VACUUM t RETAIN 1 DAYS",
            "1:19 PARSE_SYNTAX_ERROR: found `DAYS`, expected `HOURS`",
        ),
        (
            "VACUUM t DRY RUN DRY RUN",
            "1:18 PARSE_SYNTAX_ERROR: found `DRY`, expected the end of the statement",
        ),
        (
            "RESTORE TABLE t",
            "1:16 PARSE_SYNTAX_ERROR: the statement ends here, expected `TO VERSION AS OF` or `TO TIMESTAMP AS OF`",
        ),
        (
            "RESTORE TABLE t TO VERSION AS OF x",
            "1:34 PARSE_SYNTAX_ERROR: found `x`, expected a version number",
        ),
    ] {
        assert!(shown(text).starts_with(expected), "{text}\n{}", shown(text));
    }
}

#[test]
fn queries_and_descriptions_are_told_apart() {
    for (text, expected) in [
        ("SELECT * FROM t;", "query batch t AS t"),
        ("(SELECT 1)", "query "),
        (
            "WITH a AS (SELECT 1) SELECT * FROM a, b;;",
            "query batch b AS b",
        ),
        ("VALUES (1)", "query "),
        ("FROM t SELECT a", "query batch t AS t"),
        ("EXPLAIN EXTENDED SELECT * FROM t", "explain batch t AS t"),
        (
            "SELECT * FROM t PIVOT (sum(x) FOR y IN ('a'))",
            "query batch t AS t",
        ),
        ("DESCRIBE t", "describe columns t None"),
        ("desc table a.b.t", "describe columns a.b.t None"),
        ("DESCRIBE EXTENDED t", "describe extended t None"),
        ("DESCRIBE TABLE EXTENDED t", "describe extended t None"),
        ("DESCRIBE HISTORY t LIMIT 5", "describe history t Some(5)"),
        ("DESCRIBE DETAIL t", "describe detail t None"),
        ("SHOW TABLES", "tables None None"),
        (
            "SHOW TABLES IN silver LIKE 'stg*'",
            "tables Some(\"silver\") Some(\"stg*\")",
        ),
        ("SHOW TABLES 'a|b'", "tables None Some(\"a|b\")"),
        ("SHOW TBLPROPERTIES t", "properties t None"),
        (
            "SHOW TBLPROPERTIES t (quality)",
            "properties t Some(\"quality\")",
        ),
        (
            "SHOW TBLPROPERTIES t ('delta.appendOnly')",
            "properties t Some(\"delta.appendOnly\")",
        ),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    for (text, expected) in [
        (
            "DROP TABLE t",
            "1:1 PARSE_SYNTAX_ERROR: found `DROP`, expected a query, `DESCRIBE`, `SHOW`, `EXPLAIN`, `OPTIMIZE`, `VACUUM` or `RESTORE`",
        ),
        (
            "SHWO TABLES",
            "1:1 PARSE_SYNTAX_ERROR: found `SHWO`, expected a query, `DESCRIBE`, `SHOW`, `EXPLAIN`, `OPTIMIZE`, `VACUUM` or `RESTORE` | did you mean `SHOW`?",
        ),
        (
            "DESCRIBE",
            "1:9 PARSE_SYNTAX_ERROR: the statement ends here, expected a table",
        ),
        (
            "DESCRIBE t u",
            "1:12 PARSE_SYNTAX_ERROR: found `u`, expected the end of the statement",
        ),
        (
            "SHOW COLUMNS",
            "1:13 PARSE_SYNTAX_ERROR: the statement ends here, expected `IN` or `FROM`",
        ),
        (
            "EXPLAIN CREATE MATERIALIZED VIEW m AS SELECT 1",
            "1:9 PARSE_SYNTAX_ERROR: EXPLAIN takes a query here",
        ),
    ] {
        assert!(shown(text).starts_with(expected), "{text}\n{}", shown(text));
    }
}

#[test]
fn typed_text_is_split_at_semicolons_outside_strings() {
    let text = "SELECT ';' ; -- ; \n/* ; */ SELECT `a;b` ;; SELECT 3";
    let parts = split_statements(&file(), text).unwrap();
    let texts: Vec<&str> = parts.iter().map(|part| &text[part.clone()]).collect();
    assert_eq!(texts, ["SELECT ';'", "SELECT `a;b`", "SELECT 3"]);
    for (text, complete) in [
        (text, false),
        ("SELECT 1;", true),
        ("SELECT 1", false),
        ("SELECT 'a;", false),
        ("", true),
        ("SELECT 1; -- done", true),
    ] {
        assert_eq!(is_complete(text), complete, "{text}");
    }
}

/// What stands behind an open quote would be lost, and the rest would mean something else.
#[test]
fn what_never_ends_is_no_statement() {
    for (text, expected) in [
        (
            "SELECT 1; SELECT 2 'abc; SELECT 3",
            "1:20 PARSE_SYNTAX_ERROR: the string that begins here never ends",
        ),
        (
            "SELECT n\nFROM m `x ",
            "2:8 PARSE_SYNTAX_ERROR: the quoted name that begins here never ends",
        ),
        (
            "VACUUM m DRY RUN /* x",
            "1:18 UNCLOSED_BRACKETED_COMMENT: the comment that begins here never ends",
        ),
    ] {
        let errors = split_statements(&file(), text).unwrap_err();
        let shown: Vec<String> = errors.iter().map(error_line).collect();
        assert_eq!(shown.len(), 1, "{text}: {shown:?}");
        assert!(shown[0].starts_with(expected), "{text}: {shown:?}");
    }
}
