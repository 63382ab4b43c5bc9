"""Opens every table that an example wrote with other Delta readers and compares what they see with `sluice sql`.

Run by `tests/readers/check`, which makes the environment. Arguments: the binary, the project folder.
"""

import subprocess
import sys
from pathlib import Path

import duckdb
from deltalake import DeltaTable

BINARY, PROJECT = sys.argv[1], Path(sys.argv[2])
WAREHOUSE = PROJECT / ".sluice" / "warehouse"


def sluice(query):
    """Rows of a query without the header line."""
    command = [BINARY, "sql", "--project", str(PROJECT), "--mode", "csv", "-c", query]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1:]


def checks(columns):
    """Aggregates that DuckDB and Spark compute alike: rows, and of each column non-NULLs and lowest and highest value."""
    listed = ["count(*)"]
    for column in columns:
        name = str(column.type.type) if hasattr(column.type, "type") else ""
        listed.append(("count", column.name))
        if name in ("string", "integer", "long", "short", "byte", "date"):
            listed.append(("min", column.name))
            listed.append(("max", column.name))
        if name in ("integer", "long", "short", "byte"):
            listed.append(("sum", column.name))
    return listed


def spelled(listed, quote):
    return ", ".join(item if item == "count(*)" else f"{item[0]}({quote}{item[1]}{quote})" for item in listed)


def plain(value):
    return "" if value is None else str(value)


def main():
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL delta; LOAD delta;")
        own_reader = True
    except duckdb.Error as error:
        own_reader = False
        print(f"DuckDB's delta extension cannot be had ({str(error).splitlines()[0][:100]}): DuckDB reads through deltalake")
    passed, failed = 0, 0
    logs = sorted(path.parent for path in WAREHOUSE.rglob("_delta_log") if "_sluice" not in path.relative_to(WAREHOUSE).parts)
    for folder in logs:
        table = DeltaTable(str(folder))
        name = ".".join(f"`{part}`" for part in folder.relative_to(WAREHOUSE).parts)
        listed = checks(table.schema().fields)
        ours = sluice(f"SELECT concat_ws('|', {', '.join(f'coalesce(CAST({part} AS STRING), chr(0))' for part in spelled(listed, '`').split(', '))}) AS x FROM {name}")
        ours = ours[0].strip('"').replace('""', '"').replace("\0", "")
        arrow = table.to_pyarrow_table()
        readers = {"deltalake": "arrow"}
        if own_reader:
            readers["duckdb"] = f"delta_scan('{folder}')"
        for reader, source in readers.items():
            theirs = "|".join(map(plain, connection.execute(f"SELECT {spelled(listed, chr(34))} FROM {source}").fetchone()))
            if theirs == ours:
                passed += 1
            else:
                failed += 1
                print(f"{reader} reads {name} otherwise:\n  sluice {ours[:400]}\n  {reader} {theirs[:400]}")
    if not logs:
        failed += 1
        print(f"no tables under {WAREHOUSE}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
