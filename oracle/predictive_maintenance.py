"""Asks Apache Spark for the answers of the tests of examples/predictive-maintenance, and writes those tests.

    target/oracle-venv/bin/python oracle/predictive_maintenance.py         # see README.md for the environment

The queries and the expectations come from the project's own files. What Spark cannot read here is put in its place: `read_files`
becomes Spark's reader with the same schema over the objects that a run finds new, `current_timestamp()` the time of that run.
"""

import json
import pathlib
import re
import tempfile

from iot_lakehouse import answer, keep, session

ROOT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "predictive-maintenance"
CONFIGURATION = {
    "limit.temperature": "80",
    "limit.pressure": "4",
    "limit.vibration": "4.5",
    "limit.failures": "5",
}
PART_HEADING = (
    "UID,Product ID,Type,Air temperature [K],Process temperature [K],Rotational speed [rpm],Torque [Nm],"
    "Tool wear [min],Machine failure,TWF,HDF,PWF,OSF,RNF\n"
)


def reading(machine, temperature, pressure, vibration, time=1795168800):
    """A record as the machines send it; values are such that every order of adding them gives the same."""
    record = {"equipment_id": machine, "temperature": temperature, "pressure": pressure, "vibration": vibration, "timestamp": time}
    return json.dumps(record, separators=(",", ":")) + "\n"


def scores(model, values):
    rows = ({"model": model, "part_id": part, "failure_probability": value} for part, value in values.items())
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def part(number, failed=0):
    return f"{number},L{number},L,300.15,310.15,1500,40.5,{number},{failed},0,0,0,0,0\n"


# Runs of a test: when, and the objects that came before it.
RUNS = {
    "readings": [
        ("2026-11-20T10:00:05Z", {
            "raw/sensor_1795168800_1000.json": reading("EQ-1", 80.5, 3.0, 4.5),
            "raw/sensor_1795168800_1001.json": reading("EQ-1", 80.0, 4.5, 4.5),
            "raw/sensor_1795168800_1002.json": reading("EQ-2", 80.0, 4.0, 4.5),
            "raw/sensor_1795168860_1003.json": reading("EQ-3", 20.25, None, 4.75, 1795168860),
            "raw/sensor_1795168860_1004.json": '{"equipment_id":"EQ-1","temperature":',
            "raw/sensor_1795168860_1005.json": reading(None, 99.0, 1.0, 1.0),
        }),
        ("2026-11-20T11:00:05Z", {
            "raw/sensor_1795172400_1000.json": reading("EQ-1", 20.5, 1.0, 0.5, 1795172400),
            # It belongs to the hour before and came late: it counts where it came.
            "raw/sensor_1795168920_1006.json": reading("EQ-2", 100.0, 5.0, 5.0, 1795168920),
        }),
        ("2026-11-20T12:00:05Z", {}),
        ("2026-11-20T13:00:05Z", {
            "raw/sensor_1795179600_1000.json": reading("EQ-1", 81.0, 4.25, 0.25, 1795179600),
        }),
    ],
    "plan": [
        ("2026-11-20T10:00:05Z", {
            "raw/sensor_1795168800_1000.json": reading("EQ-1", 90.0, 1.0, 1.0),
            "raw/sensor_1795168800_1001.json": reading("EQ-2", 90.0, 1.0, 1.0),
            "raw/sensor_1795168800_1002.json": reading("EQ-3", 50.0, 1.0, 1.0),
            "raw/sensor_1795168800_1003.json": reading("EQ-4", 50.0, 1.0, 1.0),
            "parts/parts.csv": PART_HEADING + "".join(part(number, number % 7 == 0 and 1 or 0) for number in range(1, 81)),
        }),
        ("2026-11-20T10:05:00Z", {
            "scores/scores_20261120T100000.json": scores(
                "20261120T100000",
                {number: {1: 0.75, 3: 0.875, 4: 0.625}.get(number % 10, 0.125) for number in range(1, 81)},
            ),
        }),
        ("2026-11-20T11:00:05Z", {
            "raw/sensor_1795172400_1000.json": reading("EQ-1", 50.0, 1.0, 1.0, 1795172400),
            "scores/scores_20261120T110000.json": scores("20261120T110000", {number: number / 128 for number in range(41, 81)}),
        }),
    ],
    "parts": [("2026-11-20T10:00:05Z", {})],
}

HEALTH = "SELECT * EXCEPT (first_at, last_at) FROM equipment_health ORDER BY equipment_id, processed_at"
PLAN = "SELECT * EXCEPT (processed_at, avg_pressure, avg_vibration) FROM maintenance_plan ORDER BY equipment_id"
COUNTED = re.sub(r"--[^\n]*\n", "", (ROOT / "queries" / "counted_once.sql").read_text()).strip().rstrip(";")

# Test: purpose, queries after each run.
QUESTIONS = {
    "readings": (
        "Each reading counts in one aggregate: of the run that took it, late ones too. A run adds rows and changes none; the limits themselves are no anomaly.",
        [HEALTH, COUNTED],
    ),
    "plan": (
        "What to do comes from the newest averages of a machine and from the newest model; before the first model from the sensors alone.",
        [PLAN],
    ),
    "parts": (
        "AI4I 2020: all parts with their conditions, dealt to the machines in turn.",
        [
            "SELECT equipment_id, count(*) AS parts, count_if(has_failed) AS failed, round(avg(power_w), 1) AS avg_power_w\n"
            "FROM silver_parts GROUP BY equipment_id ORDER BY equipment_id",
            "SELECT * FROM silver_parts WHERE part_id IN (1, 70, 10000) ORDER BY part_id",
        ],
    ),
}


def query_of(name):
    """The query of a dataset, with its configuration, and the predicates that drop rows."""
    text = re.sub(r"--[^\n]*", "", (ROOT / "src" / f"{name}.sql").read_text())
    for key, value in CONFIGURATION.items():
        text = text.replace("${" + key + "}", value)
    query = re.search(r"\bAS\s+((?:SELECT|WITH)\b.*);", text, re.S).group(1)
    return query, re.findall(r"EXPECT \((.*)\) ON VIOLATION DROP ROW", text)


def stream(spark, name, lake, now):
    """What a streaming table takes from the objects of one run."""
    query, predicates = query_of(name)
    call = re.search(r"STREAM read_files\(\s*'\$\{lake\}/(\w+)',(.*)\n\)", query, re.S)
    folder, options = call.groups()
    reader = spark.read.schema(re.search(r"schema => '([^']*)'", options).group(1))
    place = str(lake / folder)
    rows = reader.csv(place, header=True) if "csv" in options else reader.json(place)
    rows.select("*", "_metadata").createOrReplaceTempView("landing")
    query = query[: call.start()] + "landing" + query[call.end() :]
    rows = spark.sql(query.replace("current_timestamp()", f"TIMESTAMP'{now}'"))
    for predicate in predicates:
        rows = rows.where(f"coalesce({predicate}, false)")
    return rows.cache()


def main():
    spark = session()
    for test, runs in RUNS.items():
        purpose, queries = QUESTIONS[test]
        text = f"# {purpose}\n"
        if test != "parts":
            text += "# not under: full-refresh (it takes all readings in one run, whose aggregates then count them all)\n"
        text += f"# Answers: oracle/predictive_maintenance.py (PySpark {spark.version}).\n"
        if test == "parts":
            text += "\n--- copy landing/parts\n"
        taken = {}
        for now, objects in runs:
            lake = pathlib.Path(tempfile.mkdtemp())
            for folder in ("raw", "parts", "scores"):
                (lake / folder).mkdir()
            if test == "parts":
                lake = ROOT / "landing"
            text += f"\n--- clock {now}\n"
            for name, content in objects.items():
                (lake / name).write_text(content)
                text += f"\n--- put landing/{name}\n{content}"
            text += "\n--- update\n"
            for name in ("bronze_readings", "silver_parts", "failure_scores"):
                rows = stream(spark, name, lake, now)
                rows.count()
                taken[name] = taken[name].unionByName(rows) if name in taken else rows
                keep(spark, name, taken[name])
            for name in ("equipment_health", "maintenance_plan"):
                keep(spark, name, spark.sql(query_of(name)[0]))
            for query in queries:
                text += f"\n--- query\n{query}\n--- expect\n{answer(spark, query)}"
        (ROOT / "tests" / f"{test}.test").write_text(text)


if __name__ == "__main__":
    main()
