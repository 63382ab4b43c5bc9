//! Whole projects through `declare` and `resolve`: what is said, and what the graph then holds.

use crate::support::{FakeAnalyzer, check, declared, lines, outside, resolved};
use sluice_graph::{FlowId, Input, resolve};
use sluice_model::{DatasetName, FlowName};

pub(crate) const MEDALLION: &str = "
CREATE OR REFRESH STREAMING TABLE bronze AS SELECT * FROM STREAM read_files('/in', format => 'json');
CREATE TEMPORARY VIEW clean (CONSTRAINT has_id EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW)
  AS SELECT id, value FROM STREAM(bronze);
CREATE OR REFRESH STREAMING TABLE silver (CONSTRAINT has_value EXPECT (value IS NOT NULL))
  AS SELECT c.id, c.value, d.name FROM STREAM(clean) c LEFT JOIN devices d ON c.id = d.device_id;
CREATE OR REFRESH MATERIALIZED VIEW gold AS SELECT id, count(*) AS n FROM silver GROUP BY id;
CREATE OR REFRESH MATERIALIZED VIEW side AS SELECT id FROM bronze;
";

#[test]
fn a_sound_project_resolves_without_a_word() {
    let (graph, diagnostics) = resolved(MEDALLION);
    assert_eq!(lines(&diagnostics), "");
    let waves: Vec<Vec<String>> = graph
        .order()
        .iter()
        .map(|wave| wave.iter().map(|flow| flow.target.name.clone()).collect())
        .collect();
    assert_eq!(
        waves,
        [vec!["bronze"], vec!["side", "silver"], vec!["gold"]]
    );
    let silver = &graph.flows[&FlowId::implicit(&DatasetName::new("main", "default", "silver"))];
    let expectations: Vec<String> = silver
        .expectations
        .iter()
        .map(|e| format!("{} {}", e.dataset, e.clause.expectation.name))
        .collect();
    assert_eq!(
        expectations,
        ["main.default.silver has_value", "clean has_id"]
    );
    assert!(silver.is_streaming());
    let columns: Vec<&str> = silver
        .output
        .as_ref()
        .unwrap()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(columns, ["id", "value", "name"]);
    assert_eq!(graph.lineage().len(), 6);
}

#[test]
fn names_resolve_or_suggest() {
    check(
        "CREATE MATERIALIZED VIEW gold AS SELECT id FROM silver_sensor_clean;
         CREATE STREAMING TABLE silver_sensor_cleaned AS SELECT id FROM STREAM read_files('/in');",
        "error TABLE_OR_VIEW_NOT_FOUND 1:49 `gold` reads `silver_sensor_clean`, which no file declares",
    );
    check(
        "CREATE MATERIALIZED VIEW gold AS SELECT name FROM device;",
        "error TABLE_OR_VIEW_NOT_FOUND 1:51 `gold` reads `device`, which no file declares",
    );
    let (_, diagnostics) = resolved("CREATE MATERIALIZED VIEW gold AS SELECT name FROM device;");
    assert_eq!(
        diagnostics[0].helps,
        ["did you mean `main.default.devices`, a table of the warehouse?"]
    );
}

#[test]
fn the_dataset_that_reads_is_never_the_one_that_was_meant() {
    let (_, diagnostics) =
        resolved("CREATE MATERIALIZED VIEW silver.orders AS SELECT id FROM bronze.orders;");
    assert_eq!(
        diagnostics[0].facts,
        ["searched: this pipeline, then `main.bronze.orders` in the warehouse"]
    );
    assert!(
        diagnostics[0].helps[0].starts_with("where another project writes it"),
        "{:?}",
        diagnostics[0].helps
    );
    let (_, diagnostics) =
        resolved("CREATE MATERIALIZED VIEW devices AS SELECT id FROM bronze.devices;");
    assert!(
        !diagnostics[0].helps[0].contains("did you mean"),
        "{:?}",
        diagnostics[0].helps
    );
    let (_, diagnostics) = resolved(
        "CREATE MATERIALIZED VIEW silver.orders AS SELECT id FROM bronze.orders;
         CREATE MATERIALIZED VIEW gold.orders AS SELECT 1 AS id;",
    );
    assert_eq!(
        diagnostics[0].helps,
        ["did you mean `main.gold.orders` (p.sql:2:35)?"]
    );
}

#[test]
fn where_a_name_was_searched_depends_on_how_it_is_written() {
    for (written, expected) in [
        (
            "samples.tpch.nation",
            "searched: this pipeline, then `samples.tpch.nation` in the warehouse",
        ),
        (
            "nation",
            "searched: this pipeline, then schema `main.default` of the warehouse",
        ),
        ("live.nation", "searched: this pipeline"),
    ] {
        let sql = format!("CREATE MATERIALIZED VIEW gold AS SELECT id FROM {written};");
        let (_, diagnostics) = resolved(&sql);
        let found = diagnostics.iter().find(|d| d.is_error()).unwrap();
        assert_eq!(found.facts, [expected], "{written}");
    }
}

#[test]
fn private_tables_and_temporary_views_win() {
    let (graph, diagnostics) = resolved(
        "CREATE PRIVATE STREAMING TABLE devices AS SELECT * FROM STREAM read_files('/in');
         CREATE MATERIALIZED VIEW gold AS SELECT value FROM devices;",
    );
    assert_eq!(lines(&diagnostics), "");
    assert!(
        graph
            .datasets
            .contains_key(&DatasetName::new("main", "__private_sensors", "devices"))
    );
}

#[test]
fn declarations_are_checked() {
    for (sql, expected) in [
        (
            "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('/in');
             CREATE MATERIALIZED VIEW T AS SELECT id FROM devices;",
            "error PIPELINE_DUPLICATE_IDENTIFIERS.OUTPUT 2:39 materialized view `T` is declared twice",
        ),
        ("CREATE STREAMING TABLE t;", "error PIPELINE_DATASET_WITHOUT_FLOW 1:24 no flow fills streaming table `t`"),
        (
            "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('/in');
             CREATE FLOW t AS INSERT INTO t BY NAME SELECT id FROM STREAM read_files('/more');",
            "error PIPELINE_DUPLICATE_IDENTIFIERS.FLOW 2:26 `main.default.t` has two flows named `t`",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT name FROM devices;
             CREATE FLOW f AS INSERT INTO m BY NAME SELECT name FROM devices;",
            "error MATERIALIZED_VIEW_WITH_MULTIPLE_QUERIES 2:43 flow `f` would be a second query of materialized view `m`",
        ),
        (
            "CREATE STREAMING TABLE events AS SELECT id FROM STREAM read_files('/in');
             CREATE FLOW f AS INSERT INTO event BY NAME SELECT id FROM STREAM read_files('/in');",
            "error TABLE_OR_VIEW_NOT_FOUND 2:43 flow `f` fills `event`, which no file declares",
        ),
        (
            "CREATE STREAMING TABLE t TBLPROPERTIES ('pipelines.reset.alowed' = 'false', 'pipelines.reset.allowed' = 'no')
             AS SELECT id FROM STREAM read_files('/in');",
            "error INVALID_TABLE_PROPERTY 1:77 table property `pipelines.reset.allowed` is `true` or `false`
             warning UNKNOWN_PIPELINE_PROPERTY 1:41 table property `pipelines.reset.alowed` is not known",
        ),
        (
            "CREATE STREAMING TABLE t (id STRING, ID INT) AS SELECT id FROM STREAM read_files('/in');",
            "error COLUMN_ALREADY_EXISTS 1:38 column `ID` is declared twice",
        ),
        (
            "CREATE STREAMING TABLE t (CONSTRAINT a EXPECT (id IS NOT NULL), CONSTRAINT A EXPECT (ts IS NOT NULL))
             AS SELECT * FROM STREAM read_files('/in');",
            "error DUPLICATE_EXPECTATION 1:76 expectation `A` is declared twice",
        ),
    ] {
        check(sql, expected);
    }
}

#[test]
fn what_comes_later_is_refused_by_name() {
    for (sql, condition) in [
        (
            "CREATE STREAMING TABLE t; CREATE FLOW f AS AUTO CDC INTO t FROM STREAM read_files('/in') KEYS (id) SEQUENCE BY ts;",
            "UNSUPPORTED_AUTO_CDC",
        ),
        (
            "CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_kafka(subscribe => 's');",
            "UNSUPPORTED_SOURCE",
        ),
    ] {
        let (_, diagnostics) = resolved(sql);
        let names: Vec<&str> = diagnostics.iter().map(|d| d.condition.name).collect();
        assert_eq!(names, [condition], "{sql}");
        assert!(
            !diagnostics[0].helps.is_empty() && diagnostics[0].origin().is_some(),
            "{sql}"
        );
    }
}

#[test]
fn streams_go_where_streams_belong() {
    for (sql, expected) in [
        (
            "CREATE STREAMING TABLE t AS SELECT name FROM devices;",
            "error INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE 1:46 flow `t` reads `devices` as a batch",
        ),
        (
            "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_kinesis(streamName => 's');",
            "",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT id FROM read_kinesis(streamName => 's');",
            "error UNSUPPORTED_BATCH_SOURCE 1:46 `read_kinesis` can be read as a stream only",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT id FROM STREAM read_files('/in');",
            "error INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_MATERIALIZED_VIEW 1:53 materialized view `m` reads a stream",
        ),
        (
            "CREATE STREAMING TABLE t; CREATE FLOW f AS INSERT ONCE INTO t BY NAME SELECT id FROM STREAM read_files('/in');",
            "error INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_ONCE_FLOW 1:93 flow `f` inserts once and reads a stream",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT name FROM devices;
             CREATE STREAMING TABLE t AS SELECT name FROM STREAM(m);",
            "error INCOMPATIBLE_BATCH_VIEW_READ 2:66 materialized view `m` cannot be read as a stream",
        ),
        (
            "CREATE TEMPORARY VIEW v AS SELECT name FROM devices;
             CREATE STREAMING TABLE t AS SELECT name FROM STREAM(v);",
            "error INCOMPATIBLE_BATCH_VIEW_READ 2:66 temporary view `v` cannot be read as a stream: its query is none",
        ),
        (
            "CREATE TEMPORARY VIEW v AS SELECT id FROM STREAM read_files('/in');
             CREATE STREAMING TABLE t AS SELECT id FROM v;",
            "error INCOMPATIBLE_STREAMING_VIEW_READ 2:57 temporary view `v` is a stream and is read as a batch",
        ),
        (
            "SET pipelines.incompatibleViewCheck.enabled = false;
             CREATE TEMPORARY VIEW v AS SELECT id FROM STREAM read_files('/in');
             CREATE STREAMING TABLE t AS SELECT id FROM v;",
            "",
        ),
        (
            "CREATE TEMPORARY VIEW v AS SELECT name FROM devices;
             CREATE VIEW p AS SELECT name FROM v;",
            "error INVALID_TEMP_OBJ_REFERENCE 2:48 view `p` reads temporary view `v`",
        ),
    ] {
        check(sql, expected);
    }
}

/// What is said about a streaming table of this query; only streaming operators may be refused.
fn refused_operators(query: &str) -> Vec<String> {
    let (_, diagnostics) = resolved(&format!("CREATE STREAMING TABLE t AS {query};"));
    let said = diagnostics.iter().map(|d| {
        assert_eq!(
            d.condition.name, "UNSUPPORTED_STREAMING_OPERATOR",
            "{query}"
        );
        d.message
            .trim_end_matches(" over a stream is not built yet")
            .to_owned()
    });
    said.collect()
}

#[test]
fn stateful_streams_are_refused() {
    let stream = "STREAM read_files('/in')";
    for (query, expected) in [
        (format!("SELECT id FROM {stream} ORDER BY id"), "ORDER BY"),
        (format!("SELECT id FROM {stream} LIMIT 3"), "LIMIT"),
        (
            format!("SELECT row_number() OVER (ORDER BY id) AS n FROM {stream}"),
            "the window function `row_number`",
        ),
        (
            format!("SELECT a.id FROM {stream} a, {stream} b WHERE a.id = b.id"),
            "a join with a second stream",
        ),
        (
            format!("SELECT a.id FROM devices d LEFT JOIN {stream} a ON a.id = d.device_id"),
            "an outer join that keeps rows of the table",
        ),
        (
            format!("SELECT id FROM {stream} UNION SELECT id FROM {stream}"),
            "UNION without ALL",
        ),
    ] {
        assert_eq!(refused_operators(&query), [expected], "{query}");
    }
}

#[test]
fn what_needs_no_end_of_a_stream_may_be_anything() {
    let stream = "STREAM read_files('/in')";
    for query in [
        format!("SELECT id, count(*) AS n FROM {stream} GROUP BY id"),
        format!("SELECT count(*) AS n FROM {stream} ORDER BY n LIMIT 1"),
        format!("SELECT DISTINCT id FROM {stream} ORDER BY id LIMIT 1"),
        format!("SELECT a.id FROM {stream} a FULL JOIN {stream} b ON a.id = b.id"),
        format!("SELECT id FROM {stream} UNION ALL SELECT id FROM {stream}"),
        format!("SELECT id FROM {stream} a LEFT JOIN devices d ON a.id = d.device_id"),
        format!(
            "SELECT id FROM {stream} a JOIN (SELECT device_id, max(name) AS n FROM devices GROUP BY device_id) d ON a.id = d.device_id"
        ),
        format!("SELECT id FROM {stream} WHERE id IN (SELECT DISTINCT device_id FROM devices)"),
        format!("SELECT upper(id) AS u FROM {stream}"),
    ] {
        assert_eq!(refused_operators(&query), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn columns_are_checked_against_the_declaration() {
    for (sql, expected) in [
        (
            "CREATE STREAMING TABLE t (id STRING) AS SELECT id, ts FROM STREAM read_files('/in');",
            "error USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE 1:52 the query of `main.default.t` yields `ts`, which `t` does not declare",
        ),
        (
            "CREATE STREAMING TABLE t (id STRING, ts TIMESTAMP) AS SELECT id, ts FROM STREAM read_files('/in');",
            "note COLUMN_CAST_TO_DECLARED_TYPE 1:66 column `ts` of `t`: STRING from the query is cast to TIMESTAMP",
        ),
        (
            "CREATE STREAMING TABLE t (id STRING, ts ARRAY<INT>) AS SELECT id, ts FROM STREAM read_files('/in');",
            "error USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE 1:67 column `ts` of `t` is declared array<int>, the query yields STRING",
        ),
        (
            "CREATE STREAMING TABLE t (id STRING, site STRING NOT NULL) AS SELECT id FROM STREAM read_files('/in');",
            "error USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE 1:63 column `site` of `t` is NOT NULL, and the query of `main.default.t` does not yield it",
        ),
        (
            "CREATE STREAMING TABLE t PARTITIONED BY (day) AS SELECT id FROM STREAM read_files('/in');",
            "error PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA 1:42 PARTITIONED BY of `t` names `day`, which is no column of it",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT upper(name), device_id FROM devices;",
            "error UNALIASED_COLUMN 1:38 a column of `m` has no name: `upper(name)`",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT name, device_id AS NAME FROM devices;",
            "error COLUMN_ALREADY_EXISTS 1:57 the query of `main.default.m` yields column `NAME` twice",
        ),
        (
            "CREATE STREAMING TABLE t (CONSTRAINT c EXPECT (id)) AS SELECT id FROM STREAM read_files('/in');",
            "error DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN 1:48 expectation `c` of `t` is STRING, not BOOLEAN",
        ),
        (
            "CREATE STREAMING TABLE t; 
             CREATE FLOW a AS INSERT INTO t BY NAME SELECT id FROM STREAM read_files('/a');
             CREATE FLOW b AS INSERT INTO t BY NAME SELECT CAST(id AS INT) AS id FROM STREAM read_files('/b');",
            "error UNABLE_TO_INFER_PIPELINE_TABLE_SCHEMA 3:79 two flows of `t` give column `id` different types",
        ),
        (
            "CREATE VIEW v (a, b) AS SELECT name FROM devices; CREATE MATERIALIZED VIEW m AS SELECT name FROM devices;",
            "error CREATE_VIEW_COLUMN_ARITY_MISMATCH 1:13 view `v` lists 2 columns, its query yields 1",
        ),
    ] {
        check(sql, expected);
    }
}

#[test]
fn errors_are_said_once_and_their_consequences_as_notes() {
    check(
        "CREATE MATERIALIZED VIEW a AS SELECT wrong FROM devices;
         CREATE MATERIALIZED VIEW b AS SELECT x FROM a;
         CREATE MATERIALIZED VIEW c AS SELECT x FROM b;",
        "error UNRESOLVED_COLUMN.WITH_SUGGESTION 1:38 no column `wrong`
         note UPSTREAM_FAILED 2:35 `b` was not checked, because of errors in `a`
         note UPSTREAM_FAILED 3:35 `c` was not checked, because of errors in `a`",
    );
    check(
        "CREATE STREAMING TABLE a AS SELECT * FROM STREAM read_files('/empty');
         CREATE MATERIALIZED VIEW b AS SELECT x FROM a;",
        "note SCHEMA_UNKNOWN_UNTIL_RUN 1:50 the columns that `a` reads here are not known yet: the folder is empty",
    );
    check(
        "CREATE MATERIALIZED VIEW a AS SELECT x FROM b;
         CREATE MATERIALIZED VIEW b AS SELECT x FROM a;
         CREATE MATERIALIZED VIEW c AS SELECT x FROM a;",
        "error PIPELINE_GRAPH_NOT_TOPOLOGICALLY_SORTED 1:45 datasets read each other in a circle: `a` reads `b` reads `a`
         note UPSTREAM_FAILED 3:35 `c` was not checked, because of errors in `a`",
    );
}

#[test]
fn protected_tables_need_protected_sources() {
    let sql = |upstream: &str, view: &str| {
        format!(
            "CREATE STREAMING TABLE bronze {upstream} AS SELECT id FROM STREAM read_files('/in');
             CREATE TEMPORARY VIEW v AS SELECT id FROM STREAM(bronze);
             CREATE STREAMING TABLE silver TBLPROPERTIES (pipelines.reset.allowed = false) AS SELECT id FROM {view};"
        )
    };
    check(
        &sql(
            "TBLPROPERTIES (pipelines.reset.allowed = false)",
            "STREAM(v)",
        ),
        "",
    );
    check(
        &sql("", "STREAM(v)"),
        "error INVALID_RESETTABLE_DEPENDENCY 3:37 `silver` must not be reset, but streams from a table that may be",
    );
}

#[test]
fn flows_of_one_table_share_its_columns() {
    let (graph, diagnostics) = resolved(
        "CREATE STREAMING TABLE t (id STRING, site STRING DEFAULT 'north', note STRING);
         CREATE FLOW a AS INSERT INTO t BY NAME SELECT id FROM STREAM read_files('/a');
         CREATE FLOW b AS INSERT ONCE INTO t BY NAME SELECT name AS id, device_id AS site FROM devices;",
    );
    assert_eq!(lines(&diagnostics), "");
    let sources = |flow: &str| -> Vec<String> {
        let target = DatasetName::new("main", "default", "t");
        let flow = &graph.flows[&FlowId {
            target,
            name: FlowName::new(flow),
        }];
        let columns = flow.output.as_ref().unwrap().iter();
        columns
            .map(|c| {
                format!("{:?}", c.source)
                    .split('(')
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(sources("a"), ["Query", "Default", "Null"]);
    assert_eq!(sources("b"), ["Query", "Query", "Null"]);
}

#[test]
fn a_declared_table_taken_out_of_the_graph_is_read_from_the_warehouse() {
    let (mut graph, _) = declared(
        "CREATE STREAMING TABLE devices AS SELECT wrong FROM STREAM read_files('/in');
         CREATE TEMPORARY VIEW names AS SELECT name FROM LIVE.devices;",
    );
    let devices = DatasetName::new("main", "default", "devices");
    graph.datasets.remove(&devices);
    graph.flows.remove(&FlowId::implicit(&devices));
    let (graph, diagnostics) = resolve(&graph, &FakeAnalyzer, &outside());
    assert_eq!(lines(&diagnostics), "");
    let view = &graph.flows[&FlowId::implicit(&DatasetName::temporary("names"))];
    assert_eq!(view.inputs[0].input, Input::External(devices));
}
