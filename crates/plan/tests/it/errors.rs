//! Errors of binding: condition, place, help.

use crate::support::{Tables, bind, tables, words};

fn one() -> Tables {
    tables(&[(
        "readings",
        "SELECT 'a' AS device_id, 1.5e0 AS temperature, array(1) AS items",
    )])
}

/// `condition line:column length` of each error.
fn check(sql: &str, expected: &[&str]) {
    let found = match bind(sql, &one()) {
        Ok(query) => panic!("{sql} was bound: {}", query.explain_logical()),
        Err(errors) => errors,
    };
    let shown: Vec<String> = found
        .iter()
        .map(|error| {
            let origin = error
                .origin()
                .unwrap_or_else(|| panic!("no place: {}", words(&found)));
            format!("{} {}:{}", error.condition.name, origin.line, origin.column)
        })
        .collect();
    assert_eq!(shown, expected, "{sql}\n{}", words(&found));
}

#[test]
fn unknown_columns_are_all_told_at_once_with_their_places() {
    check(
        "SELECT device_id,\n  temprature,\n  nothing\nFROM readings",
        &[
            "UNRESOLVED_COLUMN.WITH_SUGGESTION 2:3",
            "UNRESOLVED_COLUMN.WITH_SUGGESTION 3:3",
        ],
    );
    let errors = bind("SELECT temprature FROM readings", &one()).unwrap_err();
    assert_eq!(errors[0].helps, ["did you mean `temperature`?"]);
    assert_eq!(
        errors[0].facts,
        ["columns: readings.device_id, readings.temperature, readings.items"]
    );
}

#[test]
fn a_column_that_is_not_grouped_by_is_told_by_its_own_name() {
    let sql = "SELECT v, count(*) FROM VALUES (1, 2) AS t(k, v) GROUP BY k";
    let errors = bind(sql, &one()).unwrap_err();
    assert_eq!(
        errors[0].helps,
        [
            "group by it: `GROUP BY …, v`",
            "or take any of its values: `any_value(v)`"
        ]
    );
}

#[test]
fn every_refusal_has_a_place() {
    check(
        "SELECT nosuch(device_id) FROM readings",
        &["UNRESOLVED_ROUTINE 1:8"],
    );
    check(
        "SELECT a.x FROM readings r",
        &["UNRESOLVED_COLUMN.WITH_SUGGESTION 1:8"],
    );
    check(
        "SELECT device_id FROM readings a JOIN readings b ON a.device_id = b.device_id",
        &["AMBIGUOUS_REFERENCE 1:8"],
    );
    check(
        "SELECT device_id, sum(temperature) FROM readings",
        &["MISSING_GROUP_BY 1:8"],
    );
    check(
        "SELECT 1 FROM readings WHERE sum(temperature) > 1",
        &["INVALID_WHERE_CONDITION 1:30"],
    );
    check(
        "SELECT 1 FROM readings WHERE temperature",
        &["DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN 1:30"],
    );
    check(
        "SELECT 1 FROM readings GROUP BY 3",
        &["GROUP_BY_POS_OUT_OF_RANGE 1:33"],
    );
    check(
        "SELECT items + 1 FROM readings",
        &["DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES 1:8"],
    );
    check(
        "SELECT items = 1 FROM readings",
        &["DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES 1:8"],
    );
    check(
        "SELECT device_id.x FROM readings",
        &["INVALID_EXTRACT_BASE_FIELD_TYPE 1:8"],
    );
    check(
        "SELECT sum(sum(temperature)) FROM readings",
        &["NESTED_AGGREGATE_FUNCTION 1:12"],
    );
    check(
        "SELECT 1 UNION ALL SELECT 1, 2",
        &["NUM_COLUMNS_MISMATCH 1:20"],
    );
    check("SELECT DATE '2024-02-30'", &["INVALID_TYPED_LITERAL 1:13"]);
    check(
        "SELECT x.* FROM readings",
        &["CANNOT_RESOLVE_STAR_EXPAND 1:8"],
    );
    check(
        "SELECT * FROM readings UNPIVOT ((a, b) FOR c IN ((device_id, temperature, items)))",
        &["UNPIVOT_VALUE_SIZE_MISMATCH 1:51"],
    );
    check(
        "SELECT explode(items) + 1 FROM readings",
        &["UNSUPPORTED_GENERATOR 1:8"],
    );
}

#[test]
fn state_over_streams_is_refused() {
    let refused = |sql: &str| check(sql, &["UNSUPPORTED_STREAMING_OPERATION 1:8"]);
    refused("SELECT count(*) FROM STREAM(readings)");
    refused("SELECT row_number() OVER (ORDER BY temperature) AS n FROM STREAM(readings)");
    assert!(
        bind(
            "SELECT * FROM STREAM(readings) WHERE temperature > 1",
            &one()
        )
        .unwrap()
        .is_streaming()
    );
    assert!(
        bind(
            "SELECT * FROM STREAM(readings) s LEFT JOIN readings r ON s.device_id = r.device_id",
            &one()
        )
        .is_ok()
    );
    assert!(
        bind(
            "SELECT * FROM readings r LEFT JOIN STREAM(readings) s ON s.device_id = r.device_id",
            &one()
        )
        .is_err()
    );
}

#[test]
fn computed_columns_of_tables_need_names() {
    let query = bind(
        "SELECT device_id, temperature * 2, upper(device_id) AS u, 1 AS U FROM readings",
        &one(),
    )
    .unwrap();
    let problems: Vec<String> = query
        .check_table_columns()
        .iter()
        .map(|problem| {
            format!(
                "{} {}",
                problem.condition.name,
                problem.origin().unwrap().column
            )
        })
        .collect();
    assert_eq!(
        problems,
        [
            "CREATE_VIEW_COLUMN_WITHOUT_ALIAS 19",
            "COLUMN_ALREADY_EXISTS 59"
        ]
    );
}
