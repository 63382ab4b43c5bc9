"""Lets Spark with Delta write one small table per feature, for `sluice sql` to read or to refuse by the feature's name.

Run by `tests/readers/spark`. Arguments: the folder for the tables; beside each, `NAME.rows.json` gets its rows as Spark
reads them: one text per row, sorted, every value as Spark casts it to STRING, nested values as JSON.
"""

import json
import sys
from pathlib import Path

from spark_session import session, texts

FOLDER = Path(sys.argv[1]).resolve()

TYPES = """(n INT, b BOOLEAN, i8 TINYINT, i16 SMALLINT, i64 BIGINT, f FLOAT, d DOUBLE, dec DECIMAL(20, 3), s STRING,
    bin BINARY, day DATE, ts TIMESTAMP, a ARRAY<INT>, m MAP<STRING, INT>, st STRUCT<x: INT, y: STRUCT<z: STRING>>)"""
VALUES = """(1, true, 1, 2, 3, 1.5, 2.5, 12345.678, 'text, "quoted"', X'00ff', DATE'2026-01-01',
    TIMESTAMP'2026-01-01 10:00:00.123456', array(1, NULL), map('k', 1), named_struct('x', 1, 'y', named_struct('z', 'deep'))),
    (2, false, -128, -32768, -9223372036854775808, -0.0, CAST('NaN' AS DOUBLE), -0.001, '', X'', DATE'0001-01-01',
    TIMESTAMP'1900-01-01 00:00:00', array(), map(), named_struct('x', NULL, 'y', NULL)),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"""

# Name of the table, and the statements that make it; `{t}` is the table.
TABLES = {
    "types": [f"CREATE TABLE {{t}} {TYPES} USING delta", f"INSERT INTO {{t}} VALUES {VALUES}"],
    "partitioned": [
        "CREATE TABLE {t} (id INT, p STRING, day DATE) USING delta PARTITIONED BY (p, day)",
        "INSERT INTO {t} VALUES (1, 'a b/c=d', DATE'2026-01-01'), (2, NULL, NULL), (3, 'ä%', DATE'2026-01-02')",
    ],
    "checkpointed": ["CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.checkpointInterval' = '3')"]
    + [f"INSERT INTO {{t}} VALUES ({n})" for n in range(7)],
    "checkpoint_v2": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.checkpointInterval' = '2', 'delta.checkpointPolicy' = 'v2')"
    ]
    + [f"INSERT INTO {{t}} VALUES ({n})" for n in range(5)],
    "optimized": ["CREATE TABLE {t} (id INT, x INT) USING delta"]
    + [f"INSERT INTO {{t}} VALUES ({n}, {10 - n})" for n in range(4)]
    + ["OPTIMIZE {t} ZORDER BY (x)"],
    "changed": [
        "CREATE TABLE {t} (id INT, v STRING) USING delta",
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "UPDATE {t} SET v = 'B' WHERE id = 2",
        "DELETE FROM {t} WHERE id = 3",
        "ALTER TABLE {t} ADD COLUMN more INT",
        "INSERT INTO {t} VALUES (4, 'd', 5)",
    ],
    "column_mapping": [
        "CREATE TABLE {t} (id INT, `odd name` STRING, s STRUCT<a: INT>) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "INSERT INTO {t} VALUES (1, 'x', named_struct('a', 2))",
        "ALTER TABLE {t} RENAME COLUMN id TO key",
        "ALTER TABLE {t} DROP COLUMN s",
        "INSERT INTO {t} VALUES (2, 'y')",
    ],
    "deletion_vectors": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "INSERT INTO {t} SELECT /*+ COALESCE(1) */ CAST(id AS INT) FROM range(100)",
        "DELETE FROM {t} WHERE id % 10 = 3",
    ],
    "check_constraint": [
        "CREATE TABLE {t} (id INT NOT NULL, v INT) USING delta",
        "ALTER TABLE {t} ADD CONSTRAINT positive CHECK (v > 0)",
        "INSERT INTO {t} VALUES (1, 2)",
    ],
    "generated": [
        "CREATE TABLE {t} (id INT, twice INT GENERATED ALWAYS AS (id * 2)) USING delta",
        "INSERT INTO {t} (id) VALUES (4)",
    ],
    "identity": [
        "CREATE TABLE {t} (id BIGINT GENERATED ALWAYS AS IDENTITY, v INT) USING delta",
        "INSERT INTO {t} (v) VALUES (7)",
    ],
    "default_value": [
        "CREATE TABLE {t} (id INT, v INT DEFAULT 7) USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
        "INSERT INTO {t} (id) VALUES (1)",
    ],
    "timestamp_ntz": [
        "CREATE TABLE {t} (id INT, at TIMESTAMP_NTZ) USING delta",
        "INSERT INTO {t} VALUES (1, TIMESTAMP_NTZ'2026-01-01 10:00:00')",
    ],
    "clustered": [
        "CREATE TABLE {t} (id INT, v STRING) USING delta CLUSTER BY (id)",
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b')",
    ],
    "row_tracking": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true')",
        "INSERT INTO {t} VALUES (1)",
    ],
    "change_data_feed": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
        "INSERT INTO {t} VALUES (1), (2)",
        "DELETE FROM {t} WHERE id = 1",
    ],
    "in_commit_timestamps": [
        "CREATE TABLE {t} (id INT) USING delta TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')",
        "INSERT INTO {t} VALUES (1)",
    ],
    "type_widening": [
        "CREATE TABLE {t} (id SMALLINT) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
        "INSERT INTO {t} VALUES (1)",
        "ALTER TABLE {t} ALTER COLUMN id TYPE INT",
        "INSERT INTO {t} VALUES (100000)",
    ],
    "variant": [
        "CREATE TABLE {t} (id INT, v VARIANT) USING delta",
        "INSERT INTO {t} SELECT 1, parse_json('{\"a\": 1}')",
    ],
    "vacuumed_log": ["CREATE TABLE {t} (id INT) USING delta", "INSERT INTO {t} VALUES (1)", "VACUUM {t}"],
}


def main():
    spark = session()
    for name, statements in TABLES.items():
        table = f"delta.`{FOLDER / name}`"
        try:
            for statement in statements:
                spark.sql(statement.format(t=table) if "parse_json" not in statement else statement.replace("{t}", table))
            rows = texts(spark, f"SELECT * FROM {table}")
        except Exception as error:  # noqa: BLE001: a feature that this Spark lacks is told, not hidden
            print(f"Spark cannot make `{name}`: {str(error).splitlines()[0][:200]}")
            continue
        (FOLDER / f"{name}.rows.json").write_text(json.dumps(rows, indent=0, ensure_ascii=False))


if __name__ == "__main__":
    main()
