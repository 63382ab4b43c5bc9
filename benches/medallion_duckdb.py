"""The peer of benches/medallion: the same six Delta tables by DuckDB, written with deltalake. Keeps which files it has read."""
import json, pathlib, sys

import duckdb
from deltalake import DeltaTable, write_deltalake

COLUMNS = {
    "event_id": "BIGINT", "device_id": "VARCHAR", "site": "VARCHAR", "kind": "VARCHAR", "at": "TIMESTAMPTZ", "temperature": "DOUBLE",
    "humidity": "DOUBLE", "pressure": "DOUBLE", "vibration": "DOUBLE", "battery": "INTEGER", "firmware": "VARCHAR", "note": "VARCHAR",
}


def files_of(table):
    return DeltaTable(str(table)).file_uris()


def listed(files):
    return "[" + ", ".join(f"'{file}'" for file in files) + "]"


def append(connection, query, table, mode="append"):
    """Appends the rows of a query; gives the files that this added."""
    before = set(files_of(table)) if table.exists() and mode == "append" else set()
    rows = connection.sql(query)
    stream = rows.to_arrow_reader(100_000) if hasattr(rows, "to_arrow_reader") else rows.fetch_arrow_reader(100_000)
    write_deltalake(str(table), stream, mode=mode)
    return [file for file in files_of(table) if file not in before]


def run(landing, tables):
    tables.mkdir(parents=True, exist_ok=True)
    state = tables / "seen.json"
    seen = set(json.loads(state.read_text())) if state.exists() else set()
    new = [str(file) for file in sorted(landing.iterdir()) if str(file) not in seen]
    connection = duckdb.connect()
    connection.sql("SET TimeZone = 'UTC'")
    connection.sql("SET preserve_insertion_order = false")
    append(connection, f"SELECT payload FROM read_csv({listed(new)}, columns = {{'payload': 'VARCHAR'}}, header = false, "
           "auto_detect = false, delim = '\x01', quote = '', escape = '')", tables / "bronze_raw")
    bronze = append(connection, f"SELECT * FROM read_json({listed(new)}, "
                    f"format = 'newline_delimited', columns = {COLUMNS})", tables / "bronze_events")
    silver = append(connection, f"""
        SELECT event_id, device_id, site, kind, "at", temperature, humidity, pressure, vibration, battery,
          CASE WHEN temperature > 90 OR vibration > 9.5 THEN 'critical' WHEN temperature > 70 THEN 'warning' ELSE 'normal' END AS severity
        FROM read_parquet({listed(bronze)})
        WHERE event_id IS NOT NULL AND device_id IS NOT NULL AND temperature BETWEEN -50 AND 150""", tables / "silver_events")
    connection.sql(f"""SELECT count(*) FILTER (WHERE event_id IS NULL OR device_id IS NULL),
        count(*) FILTER (WHERE temperature NOT BETWEEN -50 AND 150), count(*) FILTER (WHERE battery <= 5)
        FROM read_parquet({listed(bronze)})""").fetchall()
    append(connection, f"""SELECT event_id, device_id, "at", severity, temperature, vibration FROM read_parquet({listed(silver)})
        WHERE severity = 'critical'""", tables / "alerts")
    every = listed(files_of(tables / "silver_events"))
    append(connection, f"""
        SELECT device_id, time_bucket(INTERVAL '10 minutes', "at") AS window_start, count(*) AS events, avg(temperature) AS mean_temperature,
          max(temperature) AS max_temperature, min(battery) AS min_battery
        FROM read_parquet({every}) GROUP BY ALL""", tables / "gold_windows", "overwrite")
    append(connection, f"""
        SELECT site, "at"::DATE AS day, count(*) AS events, count(DISTINCT device_id) AS devices, avg(humidity) AS mean_humidity,
          sum(CASE WHEN severity = 'critical' THEN 1 ELSE 0 END)::BIGINT AS critical
        FROM read_parquet({every}) GROUP BY ALL""", tables / "daily_summary", "overwrite")
    state.write_text(json.dumps(sorted(seen | set(new))))


def look(table, columns):
    connection = duckdb.connect()
    connection.sql("SET TimeZone = 'UTC'")
    print(json.dumps(connection.sql(f"SELECT {columns} FROM read_parquet({listed(files_of(table))})").fetchall(), default=str))


if sys.argv[1] == "run":
    run(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
else:
    look(pathlib.Path(sys.argv[2]), sys.argv[3])
