#!/usr/bin/env python3
"""Asks PySpark for the answers that our tests compare with, and writes them as data.

Reads `tests/oracle/<area>/<family>.in`, one expression or query per line, and writes `<family>.txt` beside it:

    expression => type => value
    expression => error:CONDITION

Settings are fixed: ANSI mode, session time zone UTC, one partition. See README.md for the format.
"""

import datetime
import decimal
import json
import math
import os
import re
import struct
import sys
import time
from pathlib import Path

os.environ["TZ"] = "UTC"
time.tzset()

from pyspark.errors import PySparkException  # noqa: E402
from pyspark.sql import SparkSession, types  # noqa: E402

EQUIVALENT = " <~ "
ARROW = " => "
ZONE = "# session time zone: "
QUERY_BEGINS = ("SELECT ", "WITH ", "FROM ", "(SELECT ")
ROOT = Path(__file__).resolve().parent.parent / "tests" / "oracle"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.warehouse.dir": "target/oracle-warehouse",
    "spark.driver.memory": "1g",
}
# Values of these types do not fit Python's types at their extremes: Spark writes them itself.
WRITTEN_BY_SPARK = (types.DateType, types.TimestampType, types.TimestampNTZType, types.DayTimeIntervalType)


def session():
    """The one Spark session, quiet."""
    builder = SparkSession.builder.master("local[1]").appName("oracle")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def java_float(value, single):
    """A floating point number as Java and Spark write it: shortest digits, `E` outside 1e-3..1e7."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    text = repr(value)
    if single:
        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
                break
    sign, digits, exponent = decimal.Decimal(text).normalize().as_tuple()
    point = len(digits) + exponent
    digits = "".join(map(str, digits))
    minus = "-" if sign else ""
    if -3 < point <= 7:
        if point <= 0:
            return f"{minus}0.{'0' * -point}{digits}"
        whole = digits[:point].ljust(point, "0")
        return f"{minus}{whole}.{digits[point:] or '0'}"
    return f"{minus}{digits[0]}.{digits[1:] or '0'}E{point - 1}"


def text_of(value, data_type):
    """One value in the form of the answer files."""
    if value is None:
        return "NULL"
    if isinstance(data_type, types.StringType):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(data_type, types.BooleanType):
        return "true" if value else "false"
    if isinstance(data_type, (types.FloatType, types.DoubleType)):
        return java_float(value, isinstance(data_type, types.FloatType))
    if isinstance(data_type, types.DecimalType):
        return f"{value:.{data_type.scale}f}"
    if isinstance(data_type, types.BinaryType):
        return "x'" + bytes(value).hex() + "'"
    if isinstance(data_type, types.DateType):
        return value.isoformat()
    if isinstance(data_type, (types.TimestampType, types.TimestampNTZType)):
        text = value.replace(tzinfo=None).isoformat(sep=" ")
        return text.rstrip("0") if "." in text else text
    if isinstance(data_type, types.ArrayType):
        return "[" + ", ".join(text_of(item, data_type.elementType) for item in value) + "]"
    if isinstance(data_type, types.MapType):
        pairs = (f"{text_of(k, data_type.keyType)}: {text_of(v, data_type.valueType)}" for k, v in value.items())
        return "map{" + ", ".join(pairs) + "}"
    if isinstance(data_type, types.StructType):
        return "{" + ", ".join(text_of(v, f.dataType) for v, f in zip(value, data_type.fields)) + "}"
    return str(value)


def run(spark, statement):
    """The type and value of an expression, or the types and rows of a query."""
    is_query = statement.upper().startswith(QUERY_BEGINS) or statement.upper() == "SELECT"
    frame = spark.sql(statement if is_query else f"SELECT {statement} AS v")
    fields = frame.schema.fields
    by_spark = [isinstance(f.dataType, WRITTEN_BY_SPARK) for f in fields]
    names = [f"c{i}" for i in range(len(fields))]
    frame = frame.toDF(*names)
    frame = frame.selectExpr(*(f"CAST({n} AS STRING) AS {n}" if s else n for n, s in zip(names, by_spark)))
    rows = []
    for row in frame.collect():
        cells = []
        for cell, field, spark_text in zip(row, fields, by_spark):
            cells.append(("NULL" if cell is None else cell) if spark_text else text_of(cell, field.dataType))
        rows.append(" | ".join(cells))
    return " | ".join(f.dataType.simpleString() for f in fields), " ; ".join(rows)


def condition_of(error):
    """The name of the error condition, or the class of the exception where Spark names none."""
    name = error.getCondition() if isinstance(error, PySparkException) else None
    # What happens while a query runs comes as an exception of Java, with the condition in its text.
    inside = None if name else re.search(r"Exception: \[([A-Z0-9_.]+)\]", str(error))
    return name or (inside.group(1) if inside else type(error).__name__)


def answer(spark, line):
    """One line of a list with its answer."""
    ours, _, equivalent = line.partition(EQUIVALENT)
    try:
        kind, value = run(spark, (equivalent or ours).strip())
        return f"{ours}{ARROW}{kind}{ARROW}{value}"
    except Exception as error:  # noqa: BLE001 any failure is an answer
        return f"{ours}{ARROW}error:{condition_of(error)}"


def create_tables(spark, folder):
    """The relations that the lists of a folder share: `name: query` in `tables.sql`."""
    shared = folder / "tables.sql"
    if not shared.exists():
        return
    for line in shared.read_text(encoding="utf-8").splitlines():
        name, _, query = line.partition(": ")
        if query:
            spark.sql(query).createOrReplaceTempView(name)


def complete(spark, path, fresh):
    """Writes the answers of one list; answers that are there already are kept unless `fresh`."""
    target = path.with_suffix(".txt")
    known = {}
    if target.exists() and not fresh:
        for line in target.read_text(encoding="utf-8").splitlines():
            known.setdefault(line.split(ARROW, 1)[0], line)
    out = []
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    create_tables(spark, path.parent)
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.rstrip()
        if line.startswith(ZONE):
            spark.conf.set("spark.sql.session.timeZone", line.removeprefix(ZONE))
        if not line or line.startswith("#"):
            out.append(line)
            continue
        out.append(known.get(line.partition(EQUIVALENT)[0]) or answer(spark, line))
    target.write_text("\n".join(out) + "\n", encoding="utf-8")
    errors = sum(f"{ARROW}error:" in line for line in out)
    print(f"{path.relative_to(ROOT)}: {sum(ARROW in line for line in out)} answers, {errors} of them errors")


def main():
    """`oracle.py [--fresh] [FILE.in …]`: all lists unless some are named; `-e EXPRESSION` prints one answer."""
    arguments = sys.argv[1:]
    spark = session()
    if arguments[:1] == ["-e"]:
        create_tables(spark, ROOT / "query")
        for expression in arguments[1:]:
            print(answer(spark, expression))
        return
    fresh = "--fresh" in arguments
    named = [Path(a).resolve() for a in arguments if not a.startswith("--")]
    for path in named or sorted(ROOT.rglob("*.in")):
        complete(spark, path, fresh)


if __name__ == "__main__":
    main()
