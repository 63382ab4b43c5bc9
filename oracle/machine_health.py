"""Asks Apache Spark for the answers of examples/machine-health and writes them as its tests.

    target/oracle-venv/bin/python oracle/machine_health.py          # see README.md for the environment

The queries come from the project's own files; `read_files` becomes Spark's reader with the same schema and options.
"""

import pathlib
import re

from iot_lakehouse import answer, keep, session

ROOT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "machine-health"
SETTINGS = {"window_hours": "168", "z_limit": "3.0"}
ORDER = [
    "bronze_machines", "silver_machines", "gold_failure_modes", "gold_failure_rate", "bronze_temperatures",
    "labelled_windows", "silver_temperatures", "gold_scores", "gold_detection",
]

QUESTIONS = {
    "machines": (
        "AI4I 2020: cleaned rows, causes of failure, failures per quality.",
        [
            "SELECT count(*) AS parts, count_if(has_failed) AS failed, count_if(has_failed <> (size(causes) > 0)) AS disagree,\n"
            "  round(min(power_w), 1) AS least_power_w, round(max(power_w), 1) AS most_power_w FROM silver_machines",
            "SELECT * FROM silver_machines WHERE uid IN (1, 51, 70, 78, 161, 1018) ORDER BY uid",
            "SELECT * FROM gold_failure_modes ORDER BY cause",
            "SELECT * FROM gold_failure_rate ORDER BY quality",
        ],
    ),
    "temperatures": (
        "NAB: hourly values, rolling z-scores, and what they are worth against the labelled windows.",
        [
            "SELECT series, count(*) AS row_count, count(DISTINCT timestamp) AS times, round(avg(value), 4) AS mean\n"
            "FROM bronze_temperatures GROUP BY series ORDER BY series",
            "SELECT * FROM labelled_windows ORDER BY series, window_start",
            "SELECT series, count(*) AS hours, min(readings) AS fewest, max(readings) AS most, round(avg(temperature), 4) AS mean\n"
            "FROM silver_temperatures GROUP BY series ORDER BY series",
            "SELECT series, hour, temperature, z_score, is_labelled FROM gold_scores\n"
            "WHERE is_anomaly ORDER BY abs(z_score) DESC, series, hour LIMIT 20",
            "SELECT * FROM gold_detection ORDER BY series",
        ],
    ),
}


def datasets():
    """Name to (query, its read_files call if it has one, expectations that drop, all expectations)."""
    found = {}
    for path in sorted((ROOT / "src").glob("*.sql")):
        text = re.sub(r"--[^\n]*", "", path.read_text())
        for key, value in SETTINGS.items():
            text = text.replace("${" + key + "}", value)
        for statement in re.split(r";\s*(?=CREATE|$)", text):
            if not statement.strip():
                continue
            name = re.search(r"(?:TABLE|VIEW) (\w+)", statement).group(1)
            head, body = re.split(r"\bAS SELECT\b", statement, maxsplit=1)
            checks = re.findall(r"CONSTRAINT (\w+) EXPECT \((.*)\)( ON VIOLATION DROP ROW)?,?\n", head)
            found[name] = ("SELECT" + body, checks)
    return found


def read(spark, query):
    """Registers what `read_files` would give as `landing`, and puts the name in its place."""
    call = re.search(r"(?:STREAM )?read_files\(\s*'\$\{landing\}/(\w+)',(.*?)\n\s*\)", query, re.S)
    if not call:
        return re.sub(r"STREAM\((\w+)\)", r"\1", query)
    folder, options = call.groups()
    schema = re.search(r"schema => '([^']*)'", options).group(1)
    reader = spark.read.schema(schema)
    place = str(ROOT / "landing" / folder)
    rows = reader.json(place, multiLine=True) if "json" in options else reader.csv(place, header=True)
    if "json" not in options:
        rows = rows.select("*", "_metadata")
    rows.createOrReplaceTempView("landing")
    return query[: call.start()] + "landing" + query[call.end() :]


def main():
    spark = session()
    found = datasets()
    counts = []
    for name in ORDER:
        query, checks = found[name]
        rows = spark.sql(read(spark, query)).cache()
        total = rows.count()
        for check, predicate, _ in checks:
            passed = rows.filter(f"({predicate}) IS TRUE").count()
            counts.append(f"{check}: {passed} passed, {total - passed} failed")
        for _, predicate, drops in checks:
            if drops:
                rows = rows.filter(f"({predicate}) IS TRUE")
        keep(spark, name, rows)
    kept = spark.table("silver_machines").count()
    line = f"silver_machines  COMPLETED  append  +{kept} rows  " + "  ".join(counts)
    for name, (purpose, queries) in QUESTIONS.items():
        text = f"# {purpose}\n# Answers: oracle/machine_health.py (PySpark {spark.version}).\n\n"
        text += f"--- copy landing\n\n--- update\n{line}\n...\n"
        for query in queries:
            text += f"\n--- query\n{query}\n--- expect\n{answer(spark, query)}"
        (ROOT / "tests" / f"{name}.test").write_text(text)


if __name__ == "__main__":
    main()
