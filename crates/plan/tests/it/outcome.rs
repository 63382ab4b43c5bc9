//! What can be done with a bound query: expectations, conforming to a table, views, shapes.

use std::sync::Arc;

use sluice_model::{Expectation, Namespace, OnViolation, Origin, SparkType};
use sluice_plan::conform::{ExtraColumns, TargetColumn};
use sluice_plan::incremental::shape::{Structure, TimeDependence};
use sluice_sql::statement::ExpectationClause;

use crate::support::{Tables, answer, bind, block_on, rows, tables, words};

fn expectation(name: &str, predicate: &str, on_violation: OnViolation) -> ExpectationClause {
    let expression = sluice_sql::parse_scalar(
        &Arc::from("test.sql"),
        predicate,
        vec![],
        &Namespace::default(),
    )
    .unwrap();
    let origin = Origin::new("test.sql", 9, 1, 1);
    let expectation = Expectation {
        name: name.into(),
        predicate: predicate.into(),
        on_violation,
        origin,
    };
    ExpectationClause {
        expectation,
        predicate: expression,
    }
}

const ROWS: &str = "SELECT * FROM VALUES (1, 10), (2, NULL), (NULL, 30), (4, 40) AS t(id, v)";

#[test]
fn rows_are_kept_dropped_and_counted() {
    let clauses = [
        expectation("has_id", "id IS NOT NULL", OnViolation::DropRow),
        expectation("v_small", "v < 35", OnViolation::DropRow),
        expectation("v_known", "v > 0", OnViolation::Warn),
    ];
    let query = bind(ROWS, &Tables::new())
        .unwrap()
        .with_expectations(&clauses)
        .unwrap();
    let (kept, checks) = block_on(async {
        let mut checked = query.execute().await.unwrap();
        let mut kept = vec![];
        while let Some(batch) = checked.next().await.unwrap() {
            kept.push(batch);
        }
        (kept, checked.checks().clone())
    });
    assert_eq!(rows(&kept), ["1 | 10"]);
    let counts: Vec<(u64, u64)> = checks
        .counts
        .iter()
        .map(|count| (count.passed, count.failed))
        .collect();
    assert_eq!(counts, [(3, 1), (2, 2), (3, 1)]);
    assert_eq!(
        (checks.input_rows, checks.kept_rows, checks.dropped_rows),
        (4, 1, 3)
    );
}

#[test]
fn a_fail_update_expectation_stops_with_the_row() {
    let clauses = [expectation("v_known", "v > 0", OnViolation::FailUpdate)];
    let query = bind(ROWS, &Tables::new())
        .unwrap()
        .with_expectations(&clauses)
        .unwrap();
    let error = block_on(async {
        let mut checked = query.execute().await.unwrap();
        checked.next().await.unwrap_err()
    });
    assert_eq!(error.condition.name, "EXPECTATION_VIOLATION");
    assert_eq!(error.facts, ["expected: v > 0", "record: {id: 2, v: NULL}"]);
}

#[test]
fn predicates_are_boolean_row_expressions() {
    let check = |predicate: &str, condition: &str| {
        let query = bind(ROWS, &Tables::new()).unwrap();
        let errors = query
            .with_expectations(&[expectation("e", predicate, OnViolation::Warn)])
            .unwrap_err();
        assert_eq!(errors[0].condition.name, condition, "{}", words(&errors));
    };
    check("id + 1", "INVALID_EXPECTATION");
    check("nothing > 1", "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    check("max(id) > 1", "INVALID_WHERE_CONDITION");
    check("id IN (SELECT 1)", "UNSUPPORTED_FEATURE");
}

fn target(columns: &[(&str, &str)]) -> Vec<TargetColumn> {
    let column = |(name, data_type): &(&str, &str)| TargetColumn {
        name: (*name).into(),
        data_type: Some(SparkType::parse(data_type).unwrap()),
        default: None,
        generated: None,
        origin: Origin::new("test.sql", 1, 1, 1),
    };
    columns.iter().map(column).collect()
}

#[test]
fn columns_are_matched_by_name_and_cast() {
    let query = bind("SELECT '2024-01-01 00:00:00' AS T, 5 AS n", &Tables::new()).unwrap();
    let conformed = query
        .conform_to(
            &target(&[("n", "BIGINT"), ("t", "TIMESTAMP"), ("x", "STRING")]),
            ExtraColumns::Refuse,
        )
        .unwrap();
    let notes: Vec<&str> = conformed
        .notes
        .iter()
        .map(|note| note.message.as_str())
        .collect();
    assert_eq!(
        notes,
        [
            "column `T` is STRING in the query and TIMESTAMP in the table: it is cast",
            "the query has no column `x`: it is NULL in every row",
        ]
    );
    let batches = block_on(conformed.query.collect()).unwrap();
    assert_eq!(rows(&batches), ["5 | 2024-01-01 00:00:00 | NULL"]);
    assert_eq!(
        conformed
            .query
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().as_str())
            .collect::<Vec<_>>(),
        ["n", "t", "x"]
    );
}

#[test]
fn columns_that_do_not_fit_are_told() {
    let check = |sql: &str, extra: ExtraColumns, condition: &str| {
        let errors = bind(sql, &Tables::new())
            .unwrap()
            .conform_to(&target(&[("a", "DATE")]), extra)
            .unwrap_err();
        assert_eq!(errors[0].condition.name, condition, "{}", words(&errors));
    };
    check(
        "SELECT 1 AS a",
        ExtraColumns::Refuse,
        "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST",
    );
    check(
        "SELECT DATE '2024-01-01' AS a, 1 AS b",
        ExtraColumns::Refuse,
        "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS",
    );
    let query = bind("SELECT DATE '2024-01-01' AS a, 1 AS b", &Tables::new()).unwrap();
    let conformed = query
        .conform_to(&target(&[("a", "DATE")]), ExtraColumns::Add)
        .unwrap();
    assert_eq!(
        conformed
            .added
            .iter()
            .map(|column| column.name.as_str())
            .collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn views_are_read_like_tables() {
    let view = bind(
        "SELECT id, v * 2 AS w FROM VALUES (1, 10), (2, 20) AS t(id, v)",
        &Tables::new(),
    )
    .unwrap();
    let tables = Tables::from([("view".to_string(), view.into_provider().unwrap())]);
    assert_eq!(answer("SELECT w FROM view WHERE id = 2", &tables), ["40"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of queries")]
fn shapes_tell_what_can_be_appended() {
    let tables = tables(&[("t", "SELECT 1 AS id, DATE '2024-01-01' AS d")]);
    let shape = |sql: &str| {
        bind(sql, &tables)
            .unwrap_or_else(|e| panic!("{}", words(&e)))
            .shape()
    };
    let check = |sql: &str, structure: Structure, time: TimeDependence| {
        let shape = shape(sql);
        assert_eq!(
            (shape.structure, shape.time.dependence()),
            (structure, time),
            "{sql}"
        );
    };
    let related = |operator| Structure::Related { operator };
    check(
        "SELECT id + 1 AS n FROM t WHERE id > 0",
        Structure::Linear,
        TimeDependence::None,
    );
    check(
        "SELECT id FROM t UNION ALL SELECT id FROM t",
        Structure::Linear,
        TimeDependence::None,
    );
    check(
        "SELECT *, current_timestamp() AS at FROM t",
        Structure::Linear,
        TimeDependence::AuditStamp,
    );
    check(
        "SELECT *, current_timestamp() AS at, at > d AS late FROM t",
        Structure::Linear,
        TimeDependence::Timestamp,
    );
    check(
        "SELECT * FROM t WHERE d > current_date() - INTERVAL 7 DAY",
        Structure::Linear,
        TimeDependence::Date,
    );
    check(
        "SELECT * FROM t WHERE d > current_timestamp()",
        Structure::Linear,
        TimeDependence::Timestamp,
    );
    check(
        "SELECT count(*) AS n FROM t",
        related("AGGREGATE"),
        TimeDependence::None,
    );
    check(
        "SELECT a.id FROM t a JOIN t b ON a.id = b.id",
        related("JOIN"),
        TimeDependence::None,
    );
    check(
        "SELECT id, row_number() OVER (ORDER BY id) AS n FROM t",
        related("WINDOW"),
        TimeDependence::None,
    );
    check(
        "SELECT id FROM t WHERE id IN (SELECT id FROM t)",
        related("SUBQUERY"),
        TimeDependence::None,
    );
    check(
        "SELECT id FROM t UNION ALL SELECT 5",
        related("CONSTANT_ROWS"),
        TimeDependence::None,
    );
    assert_eq!(
        shape("SELECT uuid() AS u FROM t").nondeterministic[0].0,
        "uuid"
    );
}

#[test]
fn lineage_goes_down_to_columns_of_relations() {
    let tables = tables(&[
        ("a", "SELECT 1 AS id, 2 AS v"),
        ("b", "SELECT 2 AS id, 3 AS w"),
    ]);
    let sql = "WITH s AS (SELECT id, v + 1 AS v1 FROM a) SELECT s.id, sum(v1 + w) AS total FROM s JOIN b ON s.id = b.id GROUP BY s.id";
    let lineage = bind(sql, &tables).unwrap().column_lineage();
    let shown: Vec<String> = lineage
        .iter()
        .map(|(name, sources)| {
            let sources: Vec<String> = sources
                .iter()
                .map(|s| format!("{}.{}", s.relation, s.column))
                .collect();
            format!("{name} <- {}", sources.join(", "))
        })
        .collect();
    assert_eq!(shown, ["id <- a.id", "total <- a.v, b.w"]);
}

#[test]
fn time_in_an_expectation_counts_as_time_in_the_query() {
    let query = bind(
        "SELECT TIMESTAMP '2024-01-01 00:00:00' AS at",
        &Tables::new(),
    )
    .unwrap();
    let clauses = [expectation(
        "past",
        "at < current_timestamp()",
        OnViolation::DropRow,
    )];
    let checked = query.with_expectations(&clauses).unwrap();
    let dependence = checked.query().shape().time.dependence();
    assert_eq!(dependence, TimeDependence::Timestamp);
}
