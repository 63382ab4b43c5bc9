"""Asks Apache Spark for the answers of the tests of examples/fleet-poc, and prints them.

    target/oracle-venv/bin/python oracle/fleet_poc.py

Queries come from the project's own files, records and rows from its tests. `read_kinesis` becomes a view of the records.
"""

import pathlib
import re

from pyspark.sql import SparkSession

ROOT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "fleet-poc"


def station(test, verb):
    """The lines below the first station of a verb."""
    text = (ROOT / "tests" / test).read_text()
    body = re.search(rf"^--- {verb}[^\n]*\n(.*?)(?=^---|\Z)", text, re.M | re.S).group(1)
    return [line for line in body.splitlines() if line.strip()]


def query(path):
    text = "\n".join(line for line in (ROOT / path).read_text().splitlines() if not line.startswith("--"))
    return text.strip().rstrip(";")


def main():
    spark = SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")

    records = [(line,) for line in station("processed.test", "kinesis")]
    records = spark.createDataFrame(records, "json_payload STRING")
    records.selectExpr("*", "current_timestamp() AS kinesis_time").createOrReplaceTempView("iot_sensor_raw")
    text = query("src/iot_sensor_processed.sql")
    text = text[re.search(r"\bAS SELECT\b", text).start() + 3 :]
    text = text.replace("STREAM(iot_sensor_raw)", "iot_sensor_raw").replace("${critical_above}", "28.0")
    rows = spark.sql(f"SELECT * FROM ({text}) WHERE device_id IS NOT NULL ORDER BY event_timestamp")
    rows.drop("kinesis_time", "region", "device_id").show(truncate=False)

    heading, *rows = station("queries.test", "given iot_sensor_processed")
    columns = [column.strip() for column in heading.split("|")]
    values = ["(" + ", ".join(f"CAST('{cell.strip()}' AS {column.split()[1]})" for cell, column in zip(row.split("|"), columns)) + ")" for row in rows]
    names = ", ".join(column.split()[0] for column in columns)
    spark.sql(f"SELECT * FROM VALUES {', '.join(values)} AS t({names})").createOrReplaceTempView("iot_sensor_processed")
    now = re.search(r"--- clock (\S+)", (ROOT / "tests/queries.test").read_text()).group(1)
    for path in ["queries/critical_readings.sql", "queries/temperature_trend.sql"]:
        spark.sql(query(path).replace("NOW()", f"TIMESTAMP'{now}'")).show(truncate=False)


main()
