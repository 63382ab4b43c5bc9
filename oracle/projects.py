"""Asks Apache Spark for the answers of the small projects under tests/projects and writes them as their tests.

    target/oracle-venv/bin/python oracle/projects.py          # see README.md for the environment

Queries come from the projects' own files; what open Spark lacks is put in its place, as in iot_lakehouse.py.
"""

import pathlib
import re

from iot_lakehouse import answer, keep, session

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "projects"
NOW = "2026-11-20 12:00:00"


def statements(path):
    text = path.read_text()
    text = re.sub(r"/\*.*\*/", "", text)
    text = re.sub(r"--[^\n]*", "", text)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def query(text):
    """What follows the head of a CREATE statement."""
    found = re.search(r"\b(?:as|by name)\s+((?:select|with)\b.*)$", text, re.I | re.S)
    return found.group(1)


def van_fleet(spark):
    root = ROOT / "van-fleet-notebook"
    named = {}
    for text in statements(root / "van_fleet.sql"):
        name = re.search(r"(?:TABLE|VIEW) (\w+)", text).group(1)
        body = re.sub(r"STREAM\(LIVE\.(\w+)\)", r"\1", query(text)).replace("LIVE.", "")
        body = re.sub(r"cloud_files\(.*", "landing", body, flags=re.S)
        body = body.replace("/mnt/fleet", str(root / "landing")).replace("current_timestamp()", f"TIMESTAMP'{NOW}'")
        checks = re.findall(r"EXPECT \((.*)\) ON VIOLATION DROP ROW", text)
        named[name] = (body, checks)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.read.json(str(root / "landing" / "pings")).createOrReplaceTempView("landing")
    for name, (body, checks) in named.items():
        rows = spark.sql(body)
        for check in checks:
            rows = rows.filter(f"({check}) IS TRUE")
        keep(spark, name, rows)
    write(spark, root, "A notebook in the spelling of the first years of Delta Live Tables runs as it is.", [
        "SELECT van_id, depot_id, sent_at, speed_kmh, lat, lon, stop_count, ping_date FROM pings ORDER BY van_id, sent_at",
        "SELECT * FROM depots ORDER BY depot_id",
        "SELECT * FROM van_days ORDER BY van_id, ping_date",
        "SELECT * FROM warnings ORDER BY van_id",
    ])


def cold_store(spark):
    root = ROOT / "cold-store"
    landing = root / "landing" / "doors"
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    spark.read.csv(str(landing / "hall_a"), header=True, schema="door STRING, opened_at TIMESTAMP, open_seconds INT") \
        .createOrReplaceTempView("hall_a")
    spark.read.json(str(landing / "hall_b"), schema="door STRING, `when` STRING, seconds STRING") \
        .createOrReplaceTempView("hall_b")
    doors = statements(root / "transformations" / "doors.sql")
    flows = [text for text in doors if text.startswith("create flow")]
    parts = []
    for text in flows:
        hall = re.search(r"create flow (\w+)", text).group(1)
        parts.append(spark.sql(re.sub(r"stream read_files\((?:[^()]|\([^()]*\))*\)", hall, query(text))))
    keep(spark, "openings", parts[0].unionByName(parts[1]))
    too_long = next(text for text in doors if "open too long" in text)
    keep(spark, "open_too_long", spark.sql(query(too_long).replace("${limit_seconds}", "90")))
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    for text in statements(root / "transformations" / "reports" / "by_hour.sql")[2:]:
        name = re.search(r"view (\w+)", text).group(1)
        keep(spark, name, spark.sql(query(text).replace("cold.openings", "openings")))
    write(spark, root, "A project of Apache Spark's own kind: spark-pipeline.yml, lower case, a zone, flows, a second schema.", [
        "SELECT door, opened_at, open_seconds, hall FROM openings ORDER BY opened_at",
        "SELECT door, times, seconds FROM `open too long` ORDER BY door",
        "SELECT hall, hour, openings, longest FROM reports.by_hour ORDER BY hall, hour",
        "SELECT shift, from_hour, openings FROM reports.shifts ORDER BY from_hour",
    ])


def write(spark, root, purpose, queries):
    text = f"# {purpose}\n# Answers: oracle/projects.py (PySpark {spark.version}).\n\n"
    text += f"--- copy landing\n\n--- clock {NOW.replace(' ', 'T')}Z\n\n--- update\n"
    for question in queries:
        asked = question.replace("reports.", "").replace("`open too long`", "open_too_long")
        text += f"\n--- query\n{question}\n--- expect\n{answer(spark, asked)}"
    (root / "tests" / "answers.test").write_text(text)


def main():
    spark = session()
    van_fleet(spark)
    cold_store(spark)


if __name__ == "__main__":
    main()
