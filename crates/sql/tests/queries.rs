//! Queries: which relations they read, what stays in the tree, how columns are qualified, what the tokens become.

mod support;

use sluice_sql::query::{ArgumentValue, ReadMode, RelationSource, TimeTravel};
use sluice_sql::statement::{FlowBody, StatementKind};
use support::{query, relations};

/// Compares the tree and the relations of a query.
#[track_caller]
fn check(text: &str, tree: &str, expected: &str) {
    let query = query(text);
    assert_eq!(query.tree.to_string(), tree, "{text}");
    assert_eq!(relations(&query), expected, "{text}");
    for (index, relation) in query.relations.iter().enumerate() {
        assert_eq!(relation.index, index, "{text}");
    }
}

/// Compares the tree of a query that reads `t`.
#[track_caller]
fn select(items: &str, tree: &str) {
    check(
        &format!("SELECT {items} FROM t"),
        &format!("SELECT {tree} FROM __relation_0 AS t"),
        "batch t AS t",
    );
}

#[test]
fn stream_forms() {
    for (from, alias) in [
        ("STREAM t", "t"),
        ("stream(t)", "t"),
        ("STREAM (t) AS x", "x"),
        ("STREAM t x", "x"),
        ("STREAM `t`", "`t`"),
        ("Stream ( t ) `x y`", "`x y`"),
    ] {
        let plain = alias.trim_matches('`');
        check(
            &format!("SELECT a FROM {from}"),
            &format!("SELECT a FROM __relation_0 AS {alias}"),
            &format!("stream t AS {plain}"),
        );
    }
    check(
        "SELECT t.a FROM STREAM(LIVE.t)",
        "SELECT t.a FROM __relation_0 AS t",
        "stream live.t AS t",
    );
    check(
        "SELECT a FROM STREAM c.s.t WHERE a > 1",
        "SELECT a FROM __relation_0 AS t WHERE a > 1",
        "stream c.s.t AS t",
    );
    check(
        "SELECT a FROM STREAM t WITH (SKIPCHANGECOMMITS, `startingVersion` = 3, maxBytesPerTrigger = '10g') x",
        "SELECT a FROM __relation_0 AS x",
        "stream t {\"maxbytespertrigger\": \"10g\", \"skipchangecommits\": \"true\", \"startingversion\": \"3\"} AS x",
    );
    check(
        "SELECT * FROM STREAM a JOIN STREAM(b) y ON a.k = y.k, STREAM c",
        "SELECT * FROM __relation_0 AS a JOIN __relation_1 AS y ON a.k = y.k, __relation_2 AS c",
        "stream a AS a, stream b AS y, stream c AS c",
    );
}

#[test]
fn stream_and_watermark_stay_usable_as_names() {
    check(
        "SELECT stream FROM stream",
        "SELECT stream FROM __relation_0 AS stream",
        "batch stream AS stream",
    );
    check(
        "SELECT s.stream FROM stream AS s",
        "SELECT s.stream FROM __relation_0 AS s",
        "batch stream AS s",
    );
    check(
        "SELECT 1 FROM stream WHERE stream > 1",
        "SELECT 1 FROM __relation_0 AS stream WHERE stream > 1",
        "batch stream AS stream",
    );
    check(
        "SELECT 1 FROM stream JOIN u ON true",
        "SELECT 1 FROM __relation_0 AS stream JOIN __relation_1 AS u ON true",
        "batch stream AS stream, batch u AS u",
    );
    check(
        "SELECT 1 FROM stream.stream",
        "SELECT 1 FROM __relation_0 AS stream",
        "batch stream.stream AS stream",
    );
    check(
        "SELECT 1 FROM STREAM stream",
        "SELECT 1 FROM __relation_0 AS stream",
        "stream stream AS stream",
    );
    check(
        "SELECT stream(x) FROM watermark",
        "SELECT stream(x) FROM __relation_0 AS watermark",
        "batch watermark AS watermark",
    );
    select(
        "watermark, stream, interval, day, timestamp, date, window.start",
        "watermark, stream, interval, day, timestamp, date, window.start",
    );
}

#[test]
fn watermarks_are_cut_out_and_kept() {
    for (clause, text, name, delay_us) in [
        (
            "WATERMARK ts DELAY OF INTERVAL 10 MINUTES",
            "ts",
            None,
            600_000_000,
        ),
        (
            "WATERMARK to_timestamp(a, 'x') AS event_time DELAY OF INTERVAL '1' HOUR",
            "to_timestamp(a, 'x')",
            Some("event_time"),
            3_600_000_000,
        ),
        (
            "watermark s.ts delay of interval '90 seconds'",
            "s.ts",
            None,
            90_000_000,
        ),
        (
            "WITH (skipChangeCommits) WATERMARK ts DELAY OF INTERVAL 0 SECONDS",
            "ts",
            None,
            0,
        ),
        (
            "AS x WATERMARK ts DELAY OF INTERVAL 1 DAY --",
            "ts",
            None,
            86_400_000_000,
        ),
    ] {
        let query = query(&format!("SELECT a FROM STREAM t {clause} AS x"));
        assert_eq!(
            query.tree.to_string(),
            "SELECT a FROM __relation_0 AS x",
            "{clause}"
        );
        let watermark = query.relations[0].watermark.as_ref().unwrap();
        assert_eq!(
            (
                watermark.expression.text.as_str(),
                watermark.name.as_deref(),
                watermark.delay_us
            ),
            (text, name, delay_us),
            "{clause}"
        );
    }
}

#[test]
fn ctes_hide_tables_where_they_are_visible() {
    check(
        "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a, b x WHERE a.k IN (SELECT k FROM A)",
        "WITH a AS (SELECT * FROM __relation_0 AS b), b AS (SELECT * FROM a) SELECT * FROM a, b AS x WHERE a.k IN (SELECT k FROM A)",
        "batch b AS b",
    );
    check(
        "SELECT * FROM (WITH a AS (SELECT 1 k) SELECT * FROM a) x JOIN a ON x.k = a.k",
        "SELECT * FROM (WITH a AS (SELECT 1 AS k) SELECT * FROM a) x JOIN __relation_0 AS a ON x.k = a.k",
        "batch a AS a",
    );
    check(
        "WITH t AS (SELECT * FROM t) SELECT * FROM t",
        "WITH t AS (SELECT * FROM __relation_0 AS t) SELECT * FROM t",
        "batch t AS t",
    );
    check(
        "WITH t AS (SELECT 1) SELECT * FROM s.t",
        "WITH t AS (SELECT 1) SELECT * FROM __relation_0 AS t",
        "batch s.t AS t",
    );
    check(
        "WITH a AS (WITH b AS (SELECT * FROM STREAM s) SELECT * FROM b) SELECT * FROM a UNION ALL SELECT * FROM b",
        "WITH a AS (WITH b AS (SELECT * FROM __relation_0 AS s) SELECT * FROM b) SELECT * FROM a UNION ALL SELECT * FROM __relation_1 AS b",
        "stream s AS s, batch b AS b",
    );
    check(
        "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
        "",
    );
    check(
        "WITH `My T` AS (SELECT 1) SELECT * FROM `my t`",
        "WITH `My T` AS (SELECT 1) SELECT * FROM `my t`",
        "",
    );
}

#[test]
fn relations_are_found_wherever_a_table_may_stand() {
    check(
        "SELECT (SELECT max(x) FROM a), CASE WHEN EXISTS (SELECT 1 FROM b) THEN 1 END FROM ((c JOIN d USING (k))) LEFT JOIN (e) ON true WHERE k IN (SELECT k FROM f)",
        "SELECT (SELECT max(x) FROM __relation_0 AS a), CASE WHEN EXISTS (SELECT 1 FROM __relation_1 AS b) THEN 1 END \
         FROM ((__relation_2 AS c JOIN __relation_3 AS d USING(k))) LEFT JOIN __relation_4 AS e ON true WHERE k IN (SELECT k FROM __relation_5 AS f)",
        "batch a AS a, batch b AS b, batch c AS c, batch d AS d, batch e AS e, batch f AS f",
    );
    check(
        "(SELECT a FROM x) UNION (SELECT a FROM y) INTERSECT SELECT a FROM z",
        "(SELECT a FROM __relation_0 AS x) UNION (SELECT a FROM __relation_1 AS y) INTERSECT SELECT a FROM __relation_2 AS z",
        "batch x AS x, batch y AS y, batch z AS z",
    );
    check(
        "SELECT * FROM a LEFT SEMI JOIN b ON a.x = b.x LEFT ANTI JOIN c ON true FULL OUTER JOIN d ON true CROSS JOIN e NATURAL JOIN f",
        "SELECT * FROM __relation_0 AS a LEFT SEMI JOIN __relation_1 AS b ON a.x = b.x LEFT ANTI JOIN __relation_2 AS c ON true FULL JOIN __relation_3 AS d ON true CROSS JOIN __relation_4 AS e NATURAL JOIN __relation_5 AS f",
        "batch a AS a, batch b AS b, batch c AS c, batch d AS d, batch e AS e, batch f AS f",
    );
    check(
        "SELECT extract(year FROM ts), trim(BOTH 'x' FROM y), a IS NOT DISTINCT FROM b FROM t, u WHERE a IS DISTINCT FROM b",
        "SELECT EXTRACT(YEAR FROM ts), TRIM(BOTH 'x' FROM y), a IS NOT DISTINCT FROM b FROM __relation_0 AS t, __relation_1 AS u WHERE a IS DISTINCT FROM b",
        "batch t AS t, batch u AS u",
    );
    check(
        "FROM t SELECT a",
        "FROM __relation_0 AS t SELECT a",
        "batch t AS t",
    );
    check(
        "SELECT * FROM a JOIN b ON window(a.ts, '1 hour') = b.w, c",
        "SELECT * FROM __relation_0 AS a JOIN __relation_1 AS b ON window(a.ts, '1 hour') = b.w, __relation_2 AS c",
        "batch a AS a, batch b AS b, batch c AS c",
    );
}

#[test]
fn values_and_generators_stay_in_the_tree() {
    check(
        "SELECT * FROM VALUES (1, 'a'), (2, 'b') AS v(x, y), t",
        "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (x, y), __relation_0 AS t",
        "batch t AS t",
    );
    check("VALUES (1, 2)", "VALUES (1, 2)", "");
    check(
        "SELECT * FROM explode(array(1, 2)) AS e(x)",
        "SELECT * FROM explode(array(1, 2)) AS e (x)",
        "",
    );
    check(
        "SELECT * FROM t LATERAL VIEW OUTER explode(m) x AS k, v LATERAL VIEW posexplode(a) WHERE k > 1",
        "SELECT * FROM __relation_0 AS t LATERAL VIEW OUTER explode(m) x AS k, v LATERAL VIEW posexplode(a) __lateral_1 WHERE k > 1",
        "batch t AS t",
    );
    check(
        "SELECT * FROM t LATERAL VIEW explode(f(m)) AS k",
        "SELECT * FROM __relation_0 AS t LATERAL VIEW explode(f(m)) __lateral_0 AS k",
        "batch t AS t",
    );
    check(
        "SELECT DISTINCT(*) FROM STREAM t",
        "SELECT DISTINCT * FROM __relation_0 AS t",
        "stream t AS t",
    );
    check(
        "SELECT * FROM t, LATERAL explode(t.a) AS e(x), LATERAL (SELECT t.b FROM u)",
        "SELECT * FROM __relation_0 AS t, LATERAL explode(t.a) AS e (x), LATERAL (SELECT t.b FROM __relation_1 AS u)",
        "batch t AS t, batch u AS u",
    );
}

#[test]
fn qualifiers_become_aliases() {
    check(
        "SELECT main.default.t.a, default.t.b.c, LIVE.t.d, t.e, t.x.y FROM t ORDER BY default.t.a",
        "SELECT t.a, t.b.c, t.d, t.e, t.x.y FROM __relation_0 AS t ORDER BY t.a",
        "batch t AS t",
    );
    check(
        "SELECT LIVE.t.*, default.t.arr[0].z FROM LIVE.t",
        "SELECT t.*, t.arr[0].z FROM __relation_0 AS t",
        "batch live.t AS t",
    );
    check(
        "SELECT * FROM s.t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = s.t.k AND main.default.u.x)",
        "SELECT * FROM __relation_0 AS t WHERE EXISTS (SELECT 1 FROM __relation_1 AS u WHERE u.k = t.k AND u.x)",
        "batch s.t AS t, batch u AS u",
    );
    // An alias hides the name of the table: what looks like a qualifier is a field then.
    check(
        "SELECT default.t.a FROM t AS x",
        "SELECT default.t.a FROM __relation_0 AS x",
        "batch t AS x",
    );
}

#[test]
fn tables_whose_names_end_alike_are_told_apart() {
    check(
        "SELECT bronze.t.a, silver.t.* FROM bronze.t JOIN silver.t ON bronze.t.k = silver.t.k",
        "SELECT `bronze.t`.a, `silver.t`.* FROM __relation_0 AS `bronze.t` JOIN __relation_1 AS `silver.t` ON `bronze.t`.k = `silver.t`.k",
        "batch bronze.t AS bronze.t, batch silver.t AS silver.t",
    );
    check(
        "SELECT x.a, y.a FROM t x JOIN t y ON x.k = y.k",
        "SELECT x.a, y.a FROM __relation_0 AS x JOIN __relation_1 AS y ON x.k = y.k",
        "batch t AS x, batch t AS y",
    );
    check(
        "SELECT * FROM read_files('a') JOIN read_files('b') USING (k)",
        "SELECT * FROM __relation_0 AS `read_files_0` JOIN __relation_1 AS `read_files_1` USING(k)",
        "batch read_files(='a') AS read_files_0, batch read_files(='b') AS read_files_1",
    );
    check(
        "SELECT * FROM t, t",
        "SELECT * FROM __relation_0 AS t, __relation_1 AS t",
        "batch t AS t, batch t AS t",
    );
}

#[test]
fn table_functions_keep_their_arguments() {
    let query = query(
        "SELECT *, _metadata.file_path FROM STREAM read_files('/a/*.json', format => 'json', inferColumnTypes => true,
           `cloudFiles.cleanSource` => 'delete', maxFilesPerTrigger => -1, schemaHints => \"a INT\", x => array('p', 'q'),
           y => map('k', 1, 'l', NULL), z => concat('a', 'b'), cloudFiles.maxFileAge => 10L) r",
    );
    let RelationSource::Function(function) = &query.relations[0].source else {
        panic!("{query:?}")
    };
    assert_eq!(query.relations[0].mode, ReadMode::Stream);
    assert_eq!(function.name, "read_files");
    let shown: Vec<String> = function
        .arguments
        .iter()
        .map(|argument| {
            format!(
                "{}={}",
                argument.name.as_deref().unwrap_or("-"),
                argument.value
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "-='/a/*.json'",
            "format='json'",
            "inferColumnTypes=true",
            "cloudFiles.cleanSource='delete'",
            "maxFilesPerTrigger=-1",
            "schemaHints='a INT'",
            "x=array('p', 'q')",
            "y=map('k', 1, 'l', NULL)",
            "z=concat('a', 'b')",
            "cloudFiles.maxFileAge=10",
        ]
    );
    assert_eq!(
        function.arguments[8].value,
        ArgumentValue::Expression("concat('a', 'b')".into())
    );
    assert_eq!(
        (
            function.arguments[3].origin.line,
            function.arguments[3].origin.column
        ),
        (2, 12)
    );
}

#[test]
fn cloud_files_becomes_read_files_with_auto_loaders_defaults() {
    check(
        "SELECT * FROM cloud_files('/p', 'json', map('cloudFiles.inferColumnTypes', 'true', 'cloudFiles.maxFileAge', '1 day', 'header', true))",
        "SELECT * FROM __relation_0 AS cloud_files",
        "stream read_files(='/p',format='json',inferColumnTypes='true',cloudFiles.maxFileAge='1 day',header=true,useStrictGlobber=false) AS cloud_files",
    );
    check(
        "SELECT * FROM STREAM(cloud_files(\"/p\", \"csv\")) x",
        "SELECT * FROM __relation_0 AS x",
        "stream read_files(='/p',format='csv',inferColumnTypes=false,useStrictGlobber=false) AS x",
    );
}

#[test]
fn other_functions_and_paths_that_are_relations() {
    check(
        "SELECT * FROM range(10), event_log(TABLE(a.t)), table_changes('t', 2, 5) c, STREAM read_kinesis(streamName => 's') k, cloud_files_state(TABLE(t))",
        "SELECT * FROM range(10), __relation_0 AS event_log, __relation_1 AS c, __relation_2 AS k, __relation_3 AS cloud_files_state",
        "batch event_log(=TABLE(a.t)) AS event_log, batch table_changes(='t',=2,=5) AS c, \
         stream read_kinesis(streamName='s') AS k, batch cloud_files_state(=TABLE(t)) AS cloud_files_state",
    );
    check(
        "SELECT * FROM delta.`/a/b` d, STREAM json.`s3://b/x` AS j, delta.`schema_name`",
        "SELECT * FROM __relation_0 AS d, __relation_1 AS j, __relation_2 AS `schema_name`",
        "batch delta.`/a/b` AS d, stream json.`s3://b/x` AS j, batch delta.schema_name AS schema_name",
    );
}

#[test]
fn time_travel_leaves_the_tree() {
    for (from, expected) in [
        ("t VERSION AS OF 3", TimeTravel::Version(3)),
        ("t FOR VERSION AS OF 3 x", TimeTravel::Version(3)),
        ("t@v12", TimeTravel::Version(12)),
        (
            "t@20260102030405678 AS x",
            TimeTravel::Timestamp("2026-01-02 03:04:05.678".into()),
        ),
        (
            "t TIMESTAMP AS OF '2026-01-01'",
            TimeTravel::Timestamp("2026-01-01".into()),
        ),
        (
            "t FOR SYSTEM_TIME AS OF DATE'2026-01-01' x",
            TimeTravel::Timestamp("DATE'2026-01-01'".into()),
        ),
        (
            "t TIMESTAMP AS OF current_timestamp() - INTERVAL 1 DAY x",
            TimeTravel::Timestamp("current_timestamp() - INTERVAL 1 DAY".into()),
        ),
    ] {
        let query = query(&format!("SELECT a FROM {from} WHERE b"));
        assert_eq!(query.relations[0].time_travel, Some(expected), "{from}");
        let tree = query.tree.to_string();
        assert!(
            tree == "SELECT a FROM __relation_0 AS t WHERE b"
                || tree == "SELECT a FROM __relation_0 AS x WHERE b",
            "{tree}"
        );
    }
}

#[test]
fn intervals_take_one_form() {
    select(
        "INTERVAL '24 HOURS', INTERVAL 24 HOURS, interval '24' hour, INTERVAL '1 02:03:04.5' DAY TO SECOND, INTERVAL 1 DAY 2 HOURS",
        "INTERVAL '24 hours', INTERVAL '24 hours', INTERVAL '24 hours', INTERVAL '1 days 02 hours 03 minutes 04.5 seconds', INTERVAL '1 days 2 hours'",
    );
    select(
        "a - INTERVAL 7 DAYS - INTERVAL '1-6' YEAR TO MONTH, INTERVAL -5 MINUTES, INTERVAL -'5' DAY, -INTERVAL 1 WEEK",
        "a - INTERVAL '7 days' - INTERVAL '1 years 6 months', INTERVAL '-5 minutes', INTERVAL '-5 days', -INTERVAL '1 weeks'",
    );
    select(
        "interval, interval - 5, max(interval), t.interval",
        "interval, interval - 5, max(interval), t.interval",
    );
}

#[test]
fn literals_carry_their_type() {
    select(
        "1L, 2S, 3Y, 1.5D, 2F, 10BD, 1.50bd, 1e3, 5, 1.5, 'a' 'b', \"c\", r'\\d', 'it\\'s', X'1F', DATE'2020-01-01', TIMESTAMP '2020-01-01 00:00:00'",
        "CAST(1 AS BIGINT), CAST(2 AS SMALLINT), CAST(3 AS TINYINT), CAST(1.5 AS DOUBLE), CAST(2 AS FLOAT), CAST(10 AS DECIMAL(2,0)), CAST(1.50 AS DECIMAL(3,2)), \
         1e3, 5, 1.5, 'ab', 'c', '\\d', 'it''s', X'1F', DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00:00'",
    );
    select(
        "-9223372036854775808L, -128Y, 3 - 128Y, -1L",
        "CAST(-9223372036854775808 AS BIGINT), CAST(-128 AS TINYINT), 3 - CAST(128 AS TINYINT), -CAST(1 AS BIGINT)",
    );
    select(
        "CAST(a AS byte), b::short, TRY_CAST(c AS long), d AS byte",
        "CAST(a AS TINYINT), b::SMALLINT, TRY_CAST(c AS BIGINT), d AS byte",
    );
}

/// The tree with parentheses around every operation.
fn grouped(expression: &sqlparser::ast::Expr) -> String {
    use sqlparser::ast::Expr;
    match expression {
        Expr::BinaryOp { left, op, right } => {
            format!("({} {op} {})", grouped(left), grouped(right))
        }
        Expr::UnaryOp { op, expr } => format!("({op} {})", grouped(expr)),
        Expr::Nested(inner) => grouped(inner),
        Expr::IsDistinctFrom(left, right) => {
            format!("({} DISTINCT {})", grouped(left), grouped(right))
        }
        Expr::IsNotDistinctFrom(left, right) => {
            format!("({} SAME {})", grouped(left), grouped(right))
        }
        Expr::JsonAccess { value, path } => format!("({}{path})", grouped(value)),
        Expr::Cast {
            expr, data_type, ..
        } => format!("({} AS {data_type})", grouped(expr)),
        Expr::IsNull(inner) => format!("({} IS NULL)", grouped(inner)),
        other => other.to_string(),
    }
}

#[test]
fn operators_bind_as_sparks_do() {
    for (text, expected) in [
        ("a DIV b + c", "((a DIV b) + c)"),
        ("a + b div c * d", "(a + ((b DIV c) * d))"),
        ("1 + 2 || 'a'", "((1 + 2) || 'a')"),
        ("a || b * c", "(a || (b * c))"),
        ("1 + p:x.y[0]", "(1 + (p:x.y[0]))"),
        ("p:x::int > 5 AND q", "((((p:x) AS INT) > 5) AND q)"),
        ("p:['k k']", "(p:['k k'])"),
        ("a IS DISTINCT FROM b AND c", "((a DISTINCT b) AND c)"),
        ("a IS NOT DISTINCT FROM b OR c", "((a SAME b) OR c)"),
        ("a <=> b AND c", "((a <=> b) AND c)"),
        ("NOT a = b AND c", "((NOT (a = b)) AND c)"),
        ("!a AND b", "((! a) AND b)"),
        ("a == b OR c != d", "((a = b) OR (c <> d))"),
        ("a | b ^ c & d", "(a | (b ^ (c & d)))"),
        ("-a * b", "((- a) * b)"),
        ("~a * b + c", "(((~ a) * b) + c)"),
        ("a = b IS NULL", "((a = b) IS NULL)"),
    ] {
        let file = support::file();
        let parsed = sluice_sql::parse_scalar(&file, text, vec![], &support::namespace()).unwrap();
        assert_eq!(grouped(&parsed.tree), expected, "{text}");
    }
}

#[test]
fn sparks_expressions_and_clauses_parse() {
    for items in [
        "transform(arr, x -> x + 1)",
        "aggregate(arr, 0, (acc, x) -> acc + x)",
        "arr[0].x",
        "m['k']",
        "struct(a AS x, b)",
        "named_struct('a', 1)",
        "array(1, 2)",
        "map('a', 1)",
        "exists(arr, x -> x > 1)",
        "substring(a, 1, 2)",
        "SUBSTRING(a FROM 1 FOR 2)",
        "POSITION('a' IN b)",
        "position('a', b)",
        "overlay(a PLACING 'b' FROM 1)",
        "ceil(a, 2)",
        "floor(a)",
        "trim(a)",
        "count(DISTINCT a, b)",
        "count(*) FILTER (WHERE a > 1)",
        "first(a) IGNORE NULLS",
        "any_value(a IGNORE NULLS)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY a)",
        "lag(a, 1) OVER (PARTITION BY b ORDER BY c DESC NULLS LAST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
        "timestampdiff(HOUR, a, b)",
        "current_date",
        "current_timestamp()",
        "CASE a WHEN 1 THEN 'x' ELSE 'y' END",
        "a LIKE ANY ('x%', 'y')",
        "a NOT RLIKE '^x'",
        "a BETWEEN 1 AND 2 AND b NOT IN (1, 2)",
        "a::timestamp_ntz",
        "CAST(a AS ARRAY<STRUCT<x: INT, y: MAP<STRING, ARRAY<DOUBLE>>>>)",
        "inline(arr) AS (a, b)",
        "secret('scope', 'key')",
        "if(a, b, c)",
        "date_format(a, 'yyyy-MM')",
        "a AS `with space`",
        "* EXCEPT (a, b)",
        "details:flow_progress:metrics.rows[0], payload:`odd name`",
        "clouds.all, sys.type, snow.1h, main.temp",
        "year(a), month(a), day(a), hour(a), left(a, 1), right(a, 2), replace(a, 'x', 'y')",
    ] {
        query(&format!("SELECT {items} FROM t"));
    }
    for text in [
        "SELECT a FROM t GROUP BY ALL ORDER BY ALL",
        "SELECT a, row_number() OVER w AS n FROM t WINDOW w AS (PARTITION BY a)",
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1",
        "SELECT a, b, sum(c) FROM t GROUP BY a, b WITH ROLLUP",
        "SELECT a FROM t GROUP BY GROUPING SETS ((a), ())",
        "SELECT a FROM t GROUP BY CUBE (a, b) HAVING count(*) > 1",
        "SELECT DISTINCT a FROM t ORDER BY a DESC NULLS FIRST LIMIT 5 OFFSET 2",
        "SELECT a FROM t SORT BY a",
        "SELECT * FROM t PIVOT (sum(x) FOR y IN ('a', 'b'))",
        "SELECT * FROM t UNPIVOT (v FOR k IN (a, b))",
        "WITH a(x, y) AS (SELECT 1, 2) SELECT x FROM a",
        "SELECT /*+ BROADCAST(b) */ * FROM a JOIN b USING (id)",
        "SELECT a FROM t UNION ALL SELECT b FROM u MINUS SELECT c FROM v",
        "SELECT s.a FROM(SELECT explode(data.items) AS s FROM STREAM(raw))",
        "( SELECT a FROM t )",
        "SELECT 2024_total FROM 2024_sales;",
    ] {
        query(text);
    }
}

#[test]
fn forms_that_planners_overlook_take_another_form() {
    for (text, tree) in [
        (
            "SELECT a, b FROM t GROUP BY a, b WITH ROLLUP",
            "SELECT a, b FROM __relation_0 AS t GROUP BY ROLLUP (a, b)",
        ),
        (
            "SELECT a FROM t GROUP BY a WITH CUBE",
            "SELECT a FROM __relation_0 AS t GROUP BY CUBE (a)",
        ),
        (
            "SELECT a FROM t GROUP BY a GROUPING SETS ((a), ())",
            "SELECT a FROM __relation_0 AS t GROUP BY GROUPING SETS ((a), ())",
        ),
        (
            "SELECT a FROM t MINUS SELECT a FROM t",
            "SELECT a FROM __relation_0 AS t EXCEPT SELECT a FROM __relation_1 AS t",
        ),
        (
            "SELECT * FROM t SEMI JOIN u USING (k)",
            "SELECT * FROM __relation_0 AS t LEFT SEMI JOIN __relation_1 AS u USING(k)",
        ),
        (
            "SELECT * FROM (t ANTI JOIN u ON true)",
            "SELECT * FROM (__relation_0 AS t LEFT ANTI JOIN __relation_1 AS u ON true)",
        ),
        (
            "SELECT top, T.a, T.x[0] FROM t",
            "SELECT top, t.a, t.x[0] FROM __relation_0 AS t",
        ),
        (
            "SELECT t.a, T.b FROM `T`",
            "SELECT `T`.a, `T`.b FROM __relation_0 AS `T`",
        ),
    ] {
        assert_eq!(query(text).tree.to_string(), tree, "{text}");
    }
}

#[test]
fn what_nothing_executes_is_kept_as_refused() {
    for (query, clause, tree, column) in [
        (
            "SELECT * FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (5) s",
            "TABLESAMPLE",
            "SELECT * FROM __relation_0 AS s",
            47,
        ),
        (
            "SELECT * FROM (SELECT * FROM STREAM t) WATERMARK ts DELAY OF INTERVAL 1 HOUR AS x",
            "WATERMARK on a subquery",
            "SELECT * FROM (SELECT * FROM __relation_0 AS t) AS x",
            70,
        ),
    ] {
        let statements = support::statements(&format!("CREATE MATERIALIZED VIEW m AS {query}"));
        let StatementKind::MaterializedView(table) = &statements[0].kind else {
            panic!("{query}")
        };
        let Some(FlowBody::Query(found)) = &table.body else {
            panic!("{query}")
        };
        assert_eq!(found.refused[0].value.clause, clause);
        assert_eq!(
            (
                found.tree.to_string().as_str(),
                found.refused[0].origin.column
            ),
            (tree, column)
        );
        let error = sluice_sql::parse_query(&support::file(), query, vec![], &support::namespace())
            .unwrap_err();
        assert_eq!(error[0].condition.name, "UNSUPPORTED_CLAUSE");
    }
}

#[test]
fn a_fingerprint_ignores_space_comments_and_the_case_of_keywords() {
    let one = query("select a, count(*) from stream t where b = 'X' group by a").fingerprint();
    let two =
        query("SELECT a,count(*)  -- rows\nFROM STREAM(T)\nWHERE b='X' GROUP BY a;").fingerprint();
    assert_eq!(one.replace(" AS t ", " AS T "), two);
    assert_ne!(
        one,
        query("select a, count(*) from t where b = 'X' group by a").fingerprint()
    );
    assert_ne!(
        one,
        query("select a, count(*) from stream t where b = 'x' group by a").fingerprint()
    );
}

#[test]
fn functions_are_listed_with_their_places() {
    let called = sluice_sql::functions_called(&query(
        "SELECT Max(a),\n  nvl(b, uuid()) FROM t WHERE EXISTS (SELECT f(x) FROM u)",
    ));
    let shown: Vec<String> = called
        .iter()
        .map(|(name, origin)| format!("{name}@{}:{}", origin.line, origin.column))
        .collect();
    assert_eq!(shown, ["max@1:8", "nvl@2:3", "uuid@2:10", "f@2:46"]);
}
