#!/usr/bin/env python3
"""Asks Spark Structured Streaming what comes out after each micro-batch, and writes input and answers as data.

`streaming_scenarios.py` and `streaming_joins.py` hold the scenarios; `tests/oracle/streaming/<list>.jsonl` gets one line for each of them: the
streams with their schema and the rows of each file, the static tables, the query, and twice what Spark answers:

    triggered    all files lie there, and one AvailableNow run takes one of them per micro-batch
    fed          one file is put down after the other, and Spark rests in between

Each micro-batch has its rows (cast to STRING, sorted), the watermark that it used, the rows that its stateful operators
dropped as late and those that they hold. A query that Spark refuses has the condition of its error instead.

    streaming.py [--fresh] [NAME …]      asks for what is not known yet, or for the named lists and scenarios

Answers are kept as they come, so a run that ends early is taken up again where it was.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from oracle import ROOT, condition_of, session  # noqa: E402
from streaming_joins import DISTINCT, REFUSED, STATIC, STREAMS  # noqa: E402
from streaming_scenarios import CLOSED, FUNCTIONS, MODES, WINDOWS  # noqa: E402

HOME = ROOT / "streaming"
WORK = Path("target/oracle-streaming").resolve()
LISTS = {
    "aggregate": CLOSED,
    "complete": MODES,
    "function": FUNCTIONS,
    "window": WINDOWS,
    "distinct": DISTINCT,
    "static_join": STATIC,
    "stream_join": STREAMS,
    "refused": REFUSED,
}
NEVER = "1970-01-01T00:00:00.000Z"


def put(folder, number, rows):
    """One JSON file; the modification time gives the files their order."""
    path = folder / f"{number}.json"
    staged = folder / f".{number}.json"
    staged.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.utime(staged, (1_700_000_000 + number,) * 2)
    staged.rename(path)


def streams(spark, scenario, folder):
    """A temporary view over a folder for each stream."""
    folders = {}
    for name, (schema, _) in scenario["streams"].items():
        folders[name] = folder / name
        folders[name].mkdir(parents=True)
        reader = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1)
        reader.json(str(folders[name])).createOrReplaceTempView(name)
    return folders


def shape(frame, name):
    """What the scenario does by the DataFrame API, where Spark SQL has no words for it."""
    if name is None:
        return frame
    method, _, columns = name.partition(" ")
    return getattr(frame, method)(columns.split(", "))


class Sink:
    """Takes the rows of each micro-batch."""

    def __init__(self):
        self.rows = {}

    def __call__(self, frame, batch):
        frame = frame.toDF(*(f"c{i}" for i in range(len(frame.columns))))
        text = frame.selectExpr("cast(struct(*) as string) AS row")
        self.rows[batch] = sorted(row[0] for row in text.collect())


def told(query, sink):
    """The micro-batches that a query ran, as its progress and its rows tell."""
    answers = {}
    for progress in query.recentProgress:
        progress = json.loads(progress.json) if hasattr(progress, "json") else progress
        batch = progress["batchId"]
        if batch not in sink.rows or "addBatch" not in progress["durationMs"]:
            continue
        watermark = progress.get("eventTime", {}).get("watermark")
        operators = progress["stateOperators"]
        answers[batch] = {
            "input": progress["numInputRows"],
            "rows": sink.rows[batch],
            "watermark": None if watermark == NEVER else watermark,
            "late": sum(operator["numRowsDroppedByWatermark"] for operator in operators),
            "state": sum(operator["numRowsTotal"] for operator in operators),
        }
    return [answers[batch] for batch in sorted(answers)]


def run(spark, scenario, kind):
    """One run of a scenario: its columns and its micro-batches."""
    folder = WORK / scenario["name"] / kind
    shutil.rmtree(folder, ignore_errors=True)
    folders = streams(spark, scenario, folder)
    files = {name: batches for name, (_, batches) in scenario["streams"].items()}
    count = max(len(batches) for batches in files.values())
    frame = shape(spark.sql(scenario.get("spark", scenario["query"])), scenario["frame"])
    sink = Sink()
    writer = frame.writeStream.outputMode(scenario["mode"]).foreachBatch(sink)
    writer = writer.option("checkpointLocation", str(folder / "checkpoint"))
    numbers = [(i, name) for i in range(count) for name in files if i < len(files[name]) and files[name][i] is not None]
    if kind == "triggered":
        for i, name in numbers:
            put(folders[name], i, files[name][i])
        query = writer.trigger(availableNow=True).start()
        query.awaitTermination()
        return frame.schema.simpleString(), told(query, sink)
    query = writer.trigger(processingTime="0 seconds").start()
    try:
        steps = []
        for i in range(count):
            for name in (name for at, name in numbers if at == i):
                put(folders[name], i, files[name][i])
            query.processAllAvailable()
            steps.append(len(sink.rows))
        # The last progress is told a moment after its batch.
        for _ in range(50):
            answers = told(query, sink)
            if len(answers) == len(sink.rows):
                break
            time.sleep(0.1)
        begins = [0, *steps]
        return frame.schema.simpleString(), [answers[a:b] for a, b in zip(begins, begins[1:])]
    finally:
        query.stop()


def refused(error):
    """The condition of an error, the cause of a failed stream included."""
    condition = condition_of(error)
    text = str(error)
    if condition == "STREAM_FAILED" or condition.startswith("_LEGACY") or condition == "StreamingQueryException":
        text = text.split("\n")[0].rpartition("terminated with exception: ")[2]
        return {"error": condition, "message": text.partition("; line ")[0][:300]}
    return {"error": condition}


def answer(spark, scenario):
    """A scenario with Spark's answer."""
    spark.conf.set("spark.sql.session.timeZone", scenario["zone"])
    for key, value in scenario["settings"].items():
        spark.conf.set(key, value)
    for name, query in scenario["tables"].items():
        spark.sql(query).createOrReplaceTempView(name)
    try:
        columns, triggered = run(spark, scenario, "triggered")
        _, fed = run(spark, scenario, "fed")
        found = {"columns": columns, "triggered": triggered, "fed": fed}
    except Exception as error:  # noqa: BLE001 any failure is an answer
        found = refused(error)
    for key in scenario["settings"]:
        spark.conf.unset(key)
    return {**scenario, **found}


def main():
    """Asks for everything that is not known yet; `--fresh` asks for all."""
    HOME.mkdir(parents=True, exist_ok=True)
    fresh = "--fresh" in sys.argv
    named = {name for name in sys.argv[1:] if not name.startswith("--")}
    spark = session()
    for title, scenarios in LISTS.items():
        if named and title not in named and not named.intersection(scenario["name"] for scenario in scenarios):
            continue
        path = HOME / f"{title}.jsonl"
        known = {}
        if path.exists() and not fresh:
            for line in path.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                known[found["name"]] = found
        for scenario in scenarios:
            before = known.get(scenario["name"])
            asked = {key: json.loads(json.dumps(value)) for key, value in scenario.items()}
            if before is None or scenario["name"] in named or any(before.get(k) != v for k, v in asked.items()):
                before = answer(spark, scenario)
                shown = before.get("error") or [batch["rows"] for batch in before["triggered"]]
                print(title, scenario["name"], shown, flush=True)
            known[scenario["name"]] = before
            kept = [json.dumps(known[s["name"]], ensure_ascii=False) for s in scenarios if s["name"] in known]
            path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    spark.stop()


if __name__ == "__main__":
    main()
