"""Opens every table that projects wrote with python deltalake and DuckDB, and compares rows and types with an export of
`sluice`. Run by `tests/readers/check`, which makes environment and tables. Arguments: the binary, the folder of projects.
"""

import math
import subprocess
import sys
from pathlib import Path

import duckdb
import duckdb_extension_delta
import pyarrow as pa
import pyarrow.parquet
from deltalake import DeltaTable

from warehouses import quoted, tables

BINARY, FOLDER = sys.argv[1], Path(sys.argv[2])


def duck():
    """A connection with the Delta extension that came as a package."""
    connection = duckdb.connect(config={"allow_unsigned_extensions": "false"})
    extension = next(Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def plain(value):
    """A value that compares with itself, whoever read it."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value
    if isinstance(value, dict):
        return tuple(sorted((key, plain(part)) for key, part in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(plain(part) for part in value)
    return value


def kind(data_type):
    """A type without what differs between readers of one format: width of offsets, names of list items."""
    if pa.types.is_struct(data_type):
        return "struct<" + ", ".join(f"{field.name}: {kind(field.type)}" for field in data_type) + ">"
    if pa.types.is_list(data_type) or pa.types.is_large_list(data_type) or pa.types.is_list_view(data_type):
        return f"list<{kind(data_type.value_type)}>"
    if pa.types.is_map(data_type):
        return f"map<{kind(data_type.key_type)}, {kind(data_type.item_type)}>"
    text = str(data_type)
    for prefix in ("large_",):
        text = text.removeprefix(prefix)
    if pa.types.is_dictionary(data_type):
        return kind(data_type.value_type)
    text = text.removesuffix("_view").replace("decimal64", "decimal128").replace("decimal32", "decimal128")
    return "date32[day]" if text == "date32" else text


def rows(table):
    """Sorted rows of an Arrow table, and its types."""
    types = [f"{field.name} {kind(field.type)}" for field in table.schema]
    found = [tuple(plain(value) for value in row.values()) for row in table.to_pylist()]
    return types, sorted(found, key=repr)


def main():
    connection = duck()
    passed, failed = 0, 0
    for project, folder in tables(FOLDER):
        export = FOLDER / "export.parquet"
        name = f"delta.{quoted(str(folder))}"
        command = [BINARY, "export", name, str(export), "--project", str(project), "--overwrite", "--quiet"]
        subprocess.run(command, check=True, capture_output=True)
        ours = rows(pa.parquet.read_table(export))
        readers = {
            "deltalake": lambda: DeltaTable(str(folder)).to_pyarrow_table(),
            "DuckDB": lambda: connection.execute(f"SELECT * FROM delta_scan('{folder}')").to_arrow_table(),
        }
        for reader, read in readers.items():
            try:
                theirs = rows(read())
            except Exception as error:  # noqa: BLE001: what a reader says is told
                theirs = ([str(error).splitlines()[0][:300]], [])
            if theirs == ours:
                passed += 1
                continue
            failed += 1
            print(f"{reader} reads {folder.relative_to(FOLDER)} otherwise:")
            if theirs[0] != ours[0]:
                print(f"  types: ours {ours[0]}\n        theirs {theirs[0]}")
            else:
                pairs = [(o, t) for o, t in zip(ours[1], theirs[1]) if o != t]
                print(f"  {len(ours[1])} and {len(theirs[1])} rows; first that differ: {pairs[:1]}")
    print(f"deltalake and DuckDB: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
