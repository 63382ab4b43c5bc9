"""Writes the sample data of examples/sensor-logs, and asks Apache Spark for the answers of its tests.

    python3 oracle/sensor_logs.py --data                        # the files under landing/: seeded, always the same
    target/oracle-venv/bin/python oracle/sensor_logs.py         # the answers; see README.md for the environment

The queries come from the project's own files. What open Spark lacks is put in its place: `read_files` becomes
`spark.read.csv` with the same options; the rescued columns, which only Auto Loader has, are what the script put there.
"""

import datetime
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "sensor-logs"
NAMES = ["sensor_id", "timestamp", "temperature", "humidity", "location"]
SCHEMA = "sensor_id INT, timestamp STRING, temperature DOUBLE, humidity DOUBLE, location STRING"
DRIFTED = "arriving-03.csv"

QUESTIONS = {
    "bronze": (
        "Both ways in: history whole with inferred types, files as they arrive with announced ones.",
        [
            "SELECT count(*) AS row_count, count(temperature) AS temperatures, round(sum(temperature), 2) AS total,\n"
            "  min(timestamp) AS first_at, max(timestamp) AS last_at FROM bronze_history",
            "SELECT source_file, count(*) AS row_count, count(timestamp) AS times, round(sum(humidity), 2) AS humidity\n"
            "FROM bronze_arriving GROUP BY source_file ORDER BY source_file",
            "SELECT * FROM schema_drift ORDER BY source_file",
        ],
    ),
    "silver": (
        "Incomplete rows, doubles and impossible temperatures are gone; the borders 50 and 100 stay.",
        [
            "SELECT count(*) AS row_count, count(DISTINCT sensor_id, timestamp) AS keys, min(temperature) AS coldest,\n"
            "  max(temperature) AS hottest FROM silver_readings",
            "SELECT sensor_id, count(*) AS readings, round(avg(temperature), 3) AS avg_temperature, max(timestamp) AS last_at\n"
            "FROM silver_readings GROUP BY sensor_id ORDER BY sensor_id",
            "SELECT * FROM silver_readings WHERE timestamp >= '2025-05-01 00:41:35' ORDER BY timestamp, sensor_id LIMIT 12",
        ],
    ),
    "gold": (
        "Averages by room and hour of the day.",
        ["SELECT * FROM sensor_hourly_avg ORDER BY location, hour"],
    ),
}


def write_data():
    """500 readings of history, one every five seconds, and three files that arrive later, the last with one column more."""
    chance = random.Random(1001)
    begin = datetime.datetime(2025, 5, 1)

    def reading(number):
        return [
            str(chance.randint(1001, 1005)),
            str(begin + datetime.timedelta(seconds=5 * number)),
            f"{chance.uniform(65, 80):.2f}",
            f"{chance.uniform(30, 60):.2f}",
            f"Room_{chance.choice('ABCD')}",
        ]

    history = [reading(number) for number in range(500)]
    for number, column in [(17, 2), (40, 3), (41, 4), (200, 2), (333, 3)]:
        history[number][column] = ""
    for number, value in [(60, "50.00"), (61, "49.99"), (62, "100.00"), (63, "100.01"), (300, "-999.00")]:
        history[number][2] = value
    history += [list(history[number]) for number in (5, 6, 7)]
    broken = list(history[8])
    broken[2] = ""
    history.insert(8, broken)
    arriving = [[reading(500 + 720 * part + number * 9) for number in range(80)] for part in range(3)]
    arriving[0] += [list(history[-1]), [arriving[0][3][0], arriving[0][3][1], "999.00", "40.00", "Room_A"]]
    arriving[1][10][1] = ""
    arriving[1] += [list(row) for row in arriving[0][:2]]
    keep("history/history.csv", NAMES, history)
    for part, rows in enumerate(arriving, 1):
        drifts = f"arriving-{part:02}.csv" == DRIFTED
        rows = [row + [str(chance.randint(20, 100))] if drifts else row for row in rows]
        keep(f"arriving/arriving-{part:02}.csv", NAMES + ["battery"] if drifts else NAMES, rows)


def keep(path, names, rows):
    (ROOT / "landing" / path).write_text("".join(",".join(row) + "\n" for row in [names] + rows))


def body(name):
    text = re.sub(r"--[^\n]*", "", (ROOT / "src" / f"{name}.sql").read_text())
    return re.search(r"\bAS\s+(SELECT\b.*);", text, re.S).group(1)


def main():
    from iot_lakehouse import answer, keep as cached, session

    spark = session()
    landing = ROOT / "landing"
    spark.read.csv(str(landing / "history"), header=True, inferSchema=True).createOrReplaceTempView("landing")
    cached(spark, "bronze_history", spark.sql(re.sub(r"read_files\(.*\)", "landing", body("bronze_history"), flags=re.S)))
    parts = []
    for path in sorted((landing / "arriving").glob("*.csv")):
        wide = SCHEMA + ", battery STRING" if path.name == DRIFTED else SCHEMA
        rows = spark.read.csv(str(path), header=True, schema=wide).select("*", "_metadata")
        rescued = "NULL"
        if path.name == DRIFTED:
            rescued = "to_json(named_struct('battery', battery, '_file_path', _metadata.file_path))"
        parts.append(rows.selectExpr(*NAMES, f"CAST({rescued} AS STRING) AS _rescued_data", "_metadata"))
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part)
    rows.createOrReplaceTempView("landing")
    query = re.sub(r"STREAM read_files\(.*\)", "landing", body("bronze_arriving"), flags=re.S)
    cached(spark, "bronze_arriving", spark.sql(query))
    for name in ("schema_drift", "silver_readings", "sensor_hourly_avg"):
        text = body(name)
        if "QUALIFY" in text:  # which only Databricks has
            inner, condition = text.split("QUALIFY")
            window = condition.replace("= 1", "").strip()
            inner = inner.replace("SELECT sensor_id", f"SELECT {window} AS place, sensor_id", 1)
            text = f"SELECT * EXCEPT (place) FROM ({inner}) WHERE place = 1"
        cached(spark, name, spark.sql(text))
    kept = spark.table("bronze_arriving").count()
    drifted = spark.table("bronze_arriving").filter("_rescued_data IS NOT NULL").count()
    for name, (purpose, queries) in QUESTIONS.items():
        text = f"# {purpose}\n# Answers: oracle/sensor_logs.py (PySpark {spark.version}).\n\n--- copy landing\n\n--- update\n"
        text += f"bronze_arriving  COMPLETED  append  +{kept} rows  no_schema_drift: {kept - drifted} passed, {drifted} failed\n...\n"
        for query in queries:
            expected = answer(spark, query).replace("file:" + str(landing), "/Volumes/main/sensor_logs_dev/landing")
            text += f"\n--- query\n{query}\n--- expect\n{expected}"
        (ROOT / "tests" / f"{name}.test").write_text(text)


if __name__ == "__main__":
    write_data() if "--data" in sys.argv else main()
