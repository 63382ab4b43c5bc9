"""Asks Apache Spark for the answers of the tests of examples/bridge-sensors, and writes those tests.

    target/oracle-venv/bin/python oracle/bridge_sensors.py         # see README.md for the environment

The queries and the expectations come from the project's own files. What Spark cannot read here is put in its place: the records
of the stream are a table, `STREAM(t)` is `t`, and a row that breaks an expectation with DROP ROW is taken out by its predicate.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "bridge-sensors"
NOW = "2026-11-20T12:00:00Z"
CONFIGURATION = {
    "alert.temperature_max": "50",
    "alert.temperature_min": "5",
    "alert.humidity_max": "85",
    "alert.vibration_max": "2.0",
    "alert.battery_min": "20",
    "vibration.high": "1.0",
    "vibration.medium": "0.5",
}


def reading(device, time, **other):
    """A record as the sensors of the original send it."""
    number = device.rsplit("-", 1)[-1] if device else "0"
    record = {
        "device_id": device,
        "device_name": f"Bridge-{int(number)}",
        "location": "latitude:40.7128,longitude:-74.0060",
        "sensor_type": "temperature",
        "temperature": 21.5,
        "humidity": 60.0,
        "vibration_intensity": 0.25,
        "tilt_angle": 1.5,
        "battery_level": 90,
        "signal_strength": -60,
        "timestamp": f"2026-11-20T{time}Z",
        "status": "normal",
    }
    record.update(other)
    return json.dumps(record, separators=(",", ":"))


BATCHES = [
    [
        reading("SENSOR-001", "11:50:00"),
        reading("SENSOR-001", "11:51:00", temperature=22.25, vibration_intensity=0.75),
        reading("SENSOR-001", "11:59:59.999", temperature=50.0, humidity=85.0, vibration_intensity=2.0, battery_level=20),
        reading("SENSOR-2", "11:50:30", temperature=50.5),
        reading("SENSOR-2", "11:52:00", temperature=4.5, humidity=99.0),
        reading("SENSOR-2", "11:53:00", humidity=85.5),
        reading("SENSOR-003", "11:54:00", vibration_intensity=2.5, tilt_angle=4.25),
        reading("SENSOR-003", "11:55:00", battery_level=19),
        reading("SENSOR-009", "11:56:00", vibration_intensity=1.25),
        reading("SENSOR-001", "11:57:00", status="fault", temperature=65.0),
        reading("SENSOR-001", "11:57:30", temperature=70.5),
        reading("SENSOR-001", "11:57:40", humidity=100.5),
        reading("SENSOR-001", "11:57:50", battery_level=0),
        reading("SENSOR-001", "11:58:00", temperature=None),
        reading(None, "11:58:10"),
        '{"device_id":"SENSOR-001","temperature":',
        "no JSON at all",
    ],
    [
        reading("SENSOR-001", "11:59:30", temperature=25.0),
        reading("SENSOR-001", "12:00:00", temperature=70.0, vibration_intensity=1.5),
        reading("SENSOR-2", "12:09:59", temperature=-50.0, battery_level=5),
        reading("SENSOR-003", "12:10:00", temperature=20.0, humidity=0.0),
        reading("SENSOR-003", "2026-11-21T00:00:01"[11:], timestamp="2026-11-21T00:00:01Z"),
        reading("SENSOR-009", "12:11:00", timestamp="yesterday"),
    ],
]

FLOWS = [
    ("bronze", "bronze_sensor_parsed"),
    ("silver", "silver_device_metadata"),
    ("silver", "silver_sensor_cleaned"),
    ("silver", "silver_sensor_enriched"),
    ("gold", "gold_sensor_aggregates_10min"),
    ("gold", "gold_sensor_alerts"),
    ("gold", "gold_daily_summary"),
]

QUESTIONS = {
    "bronze": (
        "Every record is kept as it came; what is no JSON or names no device is dropped where it becomes columns.",
        [
            "SELECT count(*) AS records, count(DISTINCT raw_payload) AS payloads FROM bronze_sensor_raw",
            "SELECT device_id, count(*) AS readings, count(temperature) AS temperatures, count(timestamp) AS times\n"
            "FROM bronze_sensor_parsed GROUP BY device_id ORDER BY device_id",
        ],
    ),
    "silver": (
        "Readings that no sensor can measure are dropped at the borders that the expectations name, and devices have a name and a kind.",
        [
            "SELECT device_id, timestamp, temperature_celsius, humidity_percent, vibration_intensity, vibration_category, battery_level\n"
            "FROM silver_sensor_cleaned ORDER BY timestamp, device_id, temperature_celsius",
            "SELECT device_id, device_name, category, count(*) AS readings FROM silver_sensor_enriched\n"
            "GROUP BY device_id, device_name, category ORDER BY device_id",
        ],
    ),
    "gold": (
        "Alerts are under the first reason that holds, days and windows of ten minutes add up.",
        [
            "SELECT * EXCEPT (alert_timestamp) FROM gold_sensor_alerts ORDER BY timestamp, device_id",
            "SELECT * FROM gold_daily_summary ORDER BY date, device_id",
            "SELECT * FROM gold_sensor_aggregates_10min ORDER BY window_start, device_id",
        ],
    ),
}


def text_of(layer, name):
    text = re.sub(r"--[^\n]*", "", (ROOT / "src" / layer / f"{name}.sql").read_text())
    for key, value in CONFIGURATION.items():
        text = text.replace("${" + key + "}", value)
    return text


def rows_of(spark, layer, name):
    text = text_of(layer, name)
    query = re.sub(r"STREAM\((\w+)\)", r"\1", re.search(r"\bAS\s+(SELECT\b.*);", text, re.S).group(1))
    rows = spark.sql(query)
    for predicate in re.findall(r"EXPECT \((.*)\) ON VIOLATION DROP ROW", text):
        rows = rows.where(f"coalesce({predicate}, false)")
    return rows


def main():
    from iot_lakehouse import answer, keep, session

    spark = session()
    records = [(record,) for batch in BATCHES for record in batch]
    keep(spark, "bronze_sensor_raw", spark.createDataFrame(records, "raw_payload STRING"))
    for layer, name in FLOWS:
        keep(spark, name, rows_of(spark, layer, name))
    for name, (purpose, queries) in QUESTIONS.items():
        text = f"# {purpose}\n# Answers: oracle/bridge_sensors.py (PySpark {spark.version}).\n"
        for batch in BATCHES:
            lines = "".join(record + "\n" for record in batch)
            text += f"\n--- clock {NOW}\n\n--- kinesis iot-sensor-data\n{lines}\n--- update\n"
        for query in queries:
            text += f"\n--- query\n{query}\n--- expect\n{answer(spark, query)}"
        (ROOT / "tests" / f"{name}.test").write_text(text)


if __name__ == "__main__":
    main()
