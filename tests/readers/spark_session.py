"""A Spark session with Delta, and rows as texts that do not depend on who reads them."""

import os
from pathlib import Path

from pyspark.sql import SparkSession

JARS = Path(os.environ["SLUICE_DELTA_JARS"])


def session():
    """One thread, UTC, quiet."""
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.jars", ",".join(str(jar) for jar in JARS.glob("*.jar")))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    return spark


def texts(spark, query):
    """Rows as sorted texts: name, type and value of each column; nested values as JSON."""
    rows = spark.sql(query)
    parts = []
    for field in rows.schema.fields:
        column = "`" + field.name.replace("`", "``") + "`"
        kind = field.dataType.typeName()
        if kind in ("struct", "array", "map", "variant"):
            value = f"to_json({column})"
        elif kind == "binary":
            value = f"hex({column})"
        else:
            value = f"CAST({column} AS STRING)"
        parts.append(f"coalesce({value}, '\\u2205')")
    head = [f"{field.name} {field.dataType.simpleString()}" for field in rows.schema.fields]
    rows.createOrReplaceTempView("read_now")
    joined = spark.sql(f"SELECT concat_ws(' | ', {', '.join(parts)}) AS x FROM read_now")
    return head + sorted(row.x for row in joined.collect())
