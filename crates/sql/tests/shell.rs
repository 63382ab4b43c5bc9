//! Statements of `sluice sql`.

mod support;

use sluice_sql::{DescribeForm, ShellStatement, parse_shell_statement, split_statements};
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
        Err(errors) => errors.iter().map(error_line).collect(),
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
            "1:1 PARSE_SYNTAX_ERROR: found `DROP`, expected a query, `DESCRIBE`, `SHOW` or `EXPLAIN`",
        ),
        (
            "SHWO TABLES",
            "1:1 PARSE_SYNTAX_ERROR: found `SHWO`, expected a query, `DESCRIBE`, `SHOW` or `EXPLAIN` | did you mean `SHOW`?",
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
            "1:6 PARSE_SYNTAX_ERROR: found `COLUMNS`, expected `TABLES` or `TBLPROPERTIES`",
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
    let (parts, complete) = split_statements(text);
    let texts: Vec<&str> = parts.iter().map(|part| &text[part.clone()]).collect();
    assert_eq!(texts, ["SELECT ';'", "SELECT `a;b`", "SELECT 3"]);
    assert!(!complete);
    for (text, complete) in [
        ("SELECT 1;", true),
        ("SELECT 1", false),
        ("SELECT 'a;", false),
        ("", true),
        ("SELECT 1; -- done", true),
    ] {
        assert_eq!(split_statements(text).1, complete, "{text}");
    }
}
