"""Reads every table of a folder of projects with Spark and Delta. Arguments: the folder, the JSON file to write."""

import json
import sys
from pathlib import Path

from spark_session import session, texts
from warehouses import tables

FOLDER, OUT = Path(sys.argv[1]), Path(sys.argv[2])


def main():
    spark = session()
    read = {}
    for _, table in tables(FOLDER):
        try:
            read[str(table)] = texts(spark, f"SELECT * FROM delta.`{table}`")
        except Exception as error:  # noqa: BLE001: what Spark says is compared, and told
            read[str(table)] = [f"Spark cannot read it: {str(error).splitlines()[0][:300]}"]
    OUT.write_text(json.dumps(read, ensure_ascii=False))


if __name__ == "__main__":
    main()
