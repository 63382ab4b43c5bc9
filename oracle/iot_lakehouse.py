"""Asks Apache Spark for the answers of examples/iot-lakehouse and writes them as its tests.

    target/oracle-venv/bin/python oracle/iot_lakehouse.py          # see README.md for the environment

The 26 queries are taken from the project's own files. What open Spark lacks is put in its place: `STREAM read_files`
becomes `spark.read.json` over the landing folder, `LIVE.` goes, the clock stands at NOW, declared columns become casts,
expectations become a filter and two counts. Nothing else is changed. The questions are in QUESTIONS below.
"""

import pathlib
import re

from pyspark.sql import SparkSession

ROOT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "iot-lakehouse"
NOW = "2026-11-20 12:00:00"
TODAY = "2026-11-20"

BRONZE = ["iot_events"] + [
    f"cdc_{name}"
    for name in ("customers", "products", "orders", "devices", "locations", "alerts", "alert_thresholds")
]
SILVER = ["stg_iot_events"] + [name.replace("cdc_", "stg_") for name in BRONZE[1:]]
GOLD = [
    "dim_date", "dim_locations", "dim_customers", "dim_devices", "fct_iot_events", "fct_alerts", "fct_orders",
    "agg_daily_device_metrics", "agg_hourly_device_metrics", "agg_customer_summary",
]

COUNTS = " UNION ALL\n".join(
    f"SELECT '{name}' AS dataset, COUNT(*) AS row_count FROM {name}" for name in sorted(BRONZE + SILVER + GOLD)
) + "\nORDER BY dataset"

EXPECTATIONS = """SELECT e.dataset, e.name, SUM(e.passed_records) AS passed, SUM(e.failed_records) AS failed
FROM (
  SELECT explode(from_json(
    details:flow_progress.data_quality.expectations,
    'array<struct<name:string,dataset:string,passed_records:bigint,failed_records:bigint>>'
  )) AS e
  FROM event_log(TABLE(iot_events))
  WHERE event_type = 'flow_progress'
)
GROUP BY e.dataset, e.name
ORDER BY e.dataset, e.name"""

# Test file: purpose, then queries. A query of None is answered by the counts of expectations.
QUESTIONS = {
    "row_counts": ("Every dataset has as many rows as Apache Spark gives it.", [COUNTS]),
    "expectations": ("Every expectation passed and failed as often as Apache Spark counts.", [None]),
    "bronze": (
        "Readings keep what was sent: three spellings of a time, no time, lines that came twice, lines that broke.",
        [
            "SELECT sensor_type, COUNT(*) AS events, COUNT(event_timestamp) AS with_time, COUNT(DISTINCT event_id) AS ids,\n"
            "  MIN(event_timestamp) AS first_at, MAX(event_timestamp) AS last_at, ROUND(SUM(value), 1) AS total\n"
            "FROM iot_events GROUP BY sensor_type ORDER BY sensor_type",
            "SELECT event_id, timestamp, event_timestamp, value, battery_level FROM iot_events\n"
            "WHERE event_id IN ('E00003', 'E00008', 'E00027', 'E00033', 'E00301') ORDER BY event_id",
            "SELECT __op, COUNT(*) AS changes, MIN(_cdc_timestamp) AS first_at, MAX(_cdc_timestamp) AS last_at\n"
            "FROM cdc_customers GROUP BY __op ORDER BY __op",
        ],
    ),
    "silver": (
        "One row per key: the latest change wins by milliseconds, deletes are marked, texts become numbers or NULL.",
        [
            "SELECT customer_id, contact_name, email, subscription_tier, created_at, updated_at, _cdc_operation, _is_deleted\n"
            "FROM stg_customers WHERE customer_id IN ('CUST-005', 'CUST-013', 'CUST-017', 'CUST-022', 'CUST-040') ORDER BY customer_id",
            "SELECT location_id, location_name, floor, zone, latitude, longitude, _is_deleted FROM stg_locations ORDER BY location_id",
            "SELECT order_status, _is_deleted, COUNT(*) AS orders, SUM(quantity) AS quantity, SUM(total_amount) AS amount\n"
            "FROM stg_orders GROUP BY order_status, _is_deleted ORDER BY order_status, _is_deleted",
            "SELECT product_id, unit_price, md5(product_id) = _surrogate_key AS keyed FROM stg_products ORDER BY product_id",
            "SELECT battery_status, is_valid_reading, COUNT(*) AS events FROM stg_iot_events\n"
            "GROUP BY battery_status, is_valid_reading ORDER BY battery_status, is_valid_reading",
            "SELECT threshold_id, sensor_type, min_value, max_value, _is_deleted FROM stg_alert_thresholds ORDER BY threshold_id",
        ],
    ),
    "dimensions": (
        "Dimensions carry what their sources add up to.",
        [
            "SELECT customer_id, subscription_tier, device_count, active_device_count, total_orders, total_revenue, first_order_date,\n"
            "  last_order_date, customer_value_tier, activity_status FROM dim_customers ORDER BY customer_id",
            "SELECT device_id, status, location_name, customer_name, total_events, valid_events, data_quality_pct, avg_battery_level,\n"
            "  min_battery_level, total_alerts, critical_alerts, open_alerts, health_score, is_active FROM dim_devices ORDER BY device_id",
            "SELECT location_id, full_location_path, device_count, active_device_count FROM dim_locations ORDER BY location_id",
            "SELECT * EXCEPT (_loaded_at) FROM dim_date WHERE full_date IN (DATE'2020-01-01', DATE'2021-01-03', DATE'2024-02-29',\n"
            "  DATE'2024-12-30', DATE'2026-11-19', DATE'2026-11-20', DATE'2027-12-31') ORDER BY full_date",
        ],
    ),
    "facts": (
        "Facts are one row per event, alert and order, with verdicts.",
        [
            "SELECT sensor_type, threshold_min, threshold_max, COUNT(*) AS events, COUNT_IF(is_threshold_breach) AS breaches\n"
            "FROM fct_iot_events GROUP BY sensor_type, threshold_min, threshold_max ORDER BY sensor_type",
            "SELECT severity, SUM(severity_weight) AS weight, SUM(is_critical) AS critical, SUM(is_open) AS open,\n"
            "  SUM(is_acknowledged) AS acknowledged, SUM(is_resolved) AS resolved FROM fct_alerts GROUP BY severity ORDER BY severity",
            "SELECT order_id, quantity, total_amount, unit_price, is_completed, is_pending, is_cancelled,\n"
            "  device_key = md5('UNKNOWN') AS no_device FROM fct_orders WHERE order_id < 'ORD-0021' OR order_id = 'ORD-0077' ORDER BY order_id",
        ],
    ),
    "aggregates": (
        "Aggregates over joins of dimensions and facts are what Apache Spark computes.",
        [
            "SELECT * EXCEPT (_loaded_at, metric_key, device_key) FROM agg_daily_device_metrics\n"
            "WHERE device_id IN ('DEV-001', 'DEV-030', 'DEV-058') ORDER BY device_id, event_date, sensor_type",
            "SELECT * EXCEPT (_loaded_at, metric_key, device_key) FROM agg_hourly_device_metrics\n"
            "WHERE device_id = 'DEV-003' ORDER BY event_hour_start, sensor_type",
            "SELECT day_type, sensor_type, COUNT(*) AS hours, SUM(total_readings) AS readings, SUM(active_seconds) AS active_seconds\n"
            "FROM agg_hourly_device_metrics GROUP BY day_type, sensor_type ORDER BY day_type, sensor_type",
            "SELECT * EXCEPT (_loaded_at, customer_key) FROM agg_customer_summary ORDER BY customer_id",
        ],
    ),
}


def session():
    builder = SparkSession.builder.master("local[1]").appName("iot-lakehouse")
    for key, value in {
        "spark.sql.ansi.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def source(layer, name):
    """The SQL of a dataset without comments, at the pinned time."""
    text = (ROOT / "src" / layer / f"{name}.sql").read_text()
    text = re.sub(r"--[^\n]*", "", text).strip().rstrip(";")
    text = re.sub(r"current_timestamp\(\)", f"TIMESTAMP'{NOW}'", text)
    return re.sub(r"current_date\(\)", f"DATE'{TODAY}'", text)


def bronze(spark, name, counts):
    """A streaming table: query, casts to the declared types, expectations."""
    text = source("bronze", name)
    head, body = re.split(r"\bAS SELECT\b", text, maxsplit=1)
    declared = head[head.index("(") + 1 : head.index("PARTITIONED BY")]
    columns = re.findall(r"^\s+(\w+)\s+(STRING|TIMESTAMP|DATE|DOUBLE|BIGINT)\b", declared, re.M)
    checks = re.findall(r"CONSTRAINT (\w+) EXPECT \((.*)\) ON VIOLATION DROP ROW", declared)
    path = re.search(r"/landing/vol01/([^']+)'", body).group(1)
    spark.read.json(str(ROOT / "landing" / path)).select("*", "_metadata").createOrReplaceTempView("landing")
    query = "SELECT " + re.sub(r"STREAM read_files\(.*?\)\s*$", "landing", body, flags=re.S)
    casts = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in columns)
    rows = spark.sql(f"SELECT {casts} FROM ({query})").cache()
    for check, predicate in checks:
        passed = rows.filter(f"({predicate}) IS TRUE").count()
        counts.append((f"iot_streaming_dev.dev.{name}", check, passed, rows.count() - passed))
    for _, predicate in checks:
        rows = rows.filter(f"({predicate}) IS TRUE")
    keep(spark, name, rows)


def view(spark, layer, name):
    text = source(layer, name).replace("LIVE.", "")
    body = re.split(r"\)\s*AS\b(?=\s+(?:SELECT|WITH))", text, maxsplit=1)[1]
    keep(spark, name, spark.sql(body))


def keep(spark, name, rows):
    rows = rows.cache()
    rows.count()
    rows.createOrReplaceTempView(name)


def table(names, rows):
    """Columns padded to a common width, NULL in capitals."""
    lines = [names] + [["NULL" if value is None else str(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    padded = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join(padded) + "\n"


def answer(spark, query):
    rows = spark.sql(query)
    texts = rows.select([rows[name].cast("string") for name in rows.columns])
    return table(rows.columns, texts.collect())


def main():
    spark = session()
    counts = []
    for name in BRONZE:
        bronze(spark, name, counts)
    for name in SILVER:
        view(spark, "silver", name)
    for name in GOLD:
        view(spark, "gold", name)
    for name, (purpose, queries) in QUESTIONS.items():
        text = f"# {purpose}\n# Answers: oracle/iot_lakehouse.py (PySpark {spark.version}).\n\n"
        text += f"--- copy landing\n\n--- clock {NOW.replace(' ', 'T')}Z\n\n--- update\n"
        for query in queries:
            expected = answer(spark, query) if query else table(["dataset", "name", "passed", "failed"], sorted(counts))
            text += f"\n--- query\n{query or EXPECTATIONS}\n--- expect\n{expected}"
        (ROOT / "tests" / f"{name}.test").write_text(text)


if __name__ == "__main__":
    main()
