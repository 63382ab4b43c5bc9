"""The scenarios of `streaming.py`: what streams in, and the query over it. Must not ask Spark.

A time is written `00:12` or `00:12:30.5` and lies on 2026-03-01, or is whole; `-` is NULL.
"""

DAY = "2026-03-01 "
EVENTS = "ts TIMESTAMP, k STRING, v INT"
WITH = "FROM STREAM events WATERMARK ts DELAY OF INTERVAL 10 MINUTES"
WITHOUT = "FROM STREAM events"
TUMBLING = "window(ts, '10 minutes')"


def rows(schema, *lines):
    """The rows of one file: one word per column, in the order of the schema."""
    out = []
    for line in lines:
        row = {}
        for column, word in zip(schema.split(", "), line.split(" ")):
            name, kind = column.split(" ", 1)
            if word == "-":
                row[name] = None
            elif kind in ("TIMESTAMP", "TIMESTAMP_NTZ"):
                row[name] = word.replace("_", " ") if "_" in word else DAY + (word if word.count(":") == 2 else word + ":00")
            elif kind in ("STRING", "DATE"):
                row[name] = word.replace("_", " ")
            elif kind == "BOOLEAN":
                row[name] = word == "true"
            else:
                row[name] = float(word) if "." in word else int(word)
        out.append(row)
    return out


def stream(schema, *files):
    """A stream: its schema and the rows of its files; None is a turn without a file."""
    return schema, [None if file is None else rows(schema, *file) for file in files]


def scenario(name, query, streams, note="", **more):
    """One scenario with what is usual where nothing else is said."""
    if isinstance(streams[0], str):
        streams = {"events": streams}
    else:
        streams = dict(streams)
    usual = {"mode": "append", "zone": "UTC", "tables": {}, "frame": None, "settings": {}}
    return {"name": name, "note": note, "streams": streams, "query": query, **usual, **more}


def counted(select=f"{TUMBLING} AS w, count(*) AS n", group=TUMBLING, source=WITH, tail=""):
    """An aggregate over the events."""
    return f"SELECT {select} {source} GROUP BY {group}{tail}"


PLAIN = stream(
    EVENTS,
    ["00:01 a 1", "00:12 a 2", "00:04 b 3"],
    ["00:25 a 4", "00:09 a 5"],
    ["00:03 a 6", "00:26 b 7"],
    ["00:40 a 8"],
)
NUMBERS = stream(
    EVENTS,
    ["00:01 a 4", "00:02 a 1", "00:03 a -", "00:04 b 7"],
    ["00:05 a 9", "00:06 a 2", "00:07 b -", "00:08 c -"],
    ["00:40 z 0"],
)
CLOSED = [
    scenario("tumbling", counted(), PLAIN),
    scenario("tumbling_by_key", counted(f"k, {TUMBLING} AS w, count(*) AS n, sum(v) AS total", f"k, {TUMBLING}"), PLAIN),
    scenario("tumbling_group_by_alias", counted(group="w"), PLAIN),
    scenario("tumbling_group_by_position", counted(group="1"), PLAIN),
    scenario("window_parts", counted("window.start AS s, window.end AS e, max(v) AS m"), PLAIN),
    scenario("window_not_selected", counted("k, count(*) AS n", f"{TUMBLING}, k"), PLAIN),
    scenario("window_time_selected", counted("window_time(window) AS t, count(*) AS n"), PLAIN),
    scenario("group_all", counted(f"{TUMBLING} AS w, k, count(*) AS n", "ALL"), PLAIN),
    scenario("having", counted(tail=" HAVING count(*) > 1"), PLAIN),
    scenario("having_other_aggregate", counted(tail=" HAVING max(v) > 4"), PLAIN),
    scenario("filter_before", counted(source=f"{WITH} WHERE v > 1"), PLAIN,
             "rows that WHERE removes do not move the watermark: Spark filters below it"),
    scenario("filter_above_watermark", f"SELECT w, n FROM ({counted()}) WHERE n > 1", PLAIN),
    scenario("filter_below_watermark",
             "SELECT window(ts, '10 minutes') AS w, count(*) AS n FROM (SELECT * FROM STREAM events WHERE v < 4) "
             "WATERMARK ts DELAY OF INTERVAL 10 MINUTES GROUP BY window(ts, '10 minutes')", PLAIN),
    scenario("late_before_at_after_the_border", counted(), stream(
        EVENTS, ["00:05 a 1", "00:20 a 2"], ["00:09:59.999999 a 3", "00:10 a 4", "00:10:00.000001 a 5"],
        ["00:09:59.999999 a 6", "00:10 a 7"], ["01:00 a 8"])),
    scenario("watermark_of_milliseconds", counted(), stream(
        EVENTS, ["00:05 a 1", "00:19:59.999999 a 2"], ["00:06 a 3"], ["00:20:00.000999 a 4"], ["00:07 a 5"], ["01:00 a 6"]),
             "the watermark counts milliseconds"),
    scenario("late_within_one_batch", counted(), stream(EVENTS, ["01:00 a 1", "00:01 a 2"], ["00:02 a 3"], ["02:00 a 4"]),
             "a row is never late for the other rows of its batch"),
    scenario("late_for_the_batch_before", counted(), stream(
        EVENTS, ["00:01 a 1"], ["00:30 a 2", "00:02 a 3"], ["00:03 a 4"], ["00:04 a 5"], ["01:00 a 6"]),
             "a batch drops what was late for the batch before it, and closes by its own watermark"),
    scenario("late_by_key", counted(f"k, {TUMBLING} AS w, count(*) AS n", f"k, {TUMBLING}"), stream(
        EVENTS, ["00:01 a 1", "00:30 b 2"], ["00:02 a 3", "00:02 b 4", "00:03 a 5"], ["00:04 c 6"], ["01:00 a 7"])),
    scenario("null_times", counted(), stream(EVENTS, ["- a 1", "00:01 a 2"], ["- a 3"], ["00:30 a 4", "- a 5"])),
    scenario("only_null_times", counted(), stream(EVENTS, ["- a 1"], ["- a 3"])),
    scenario("null_keys", counted(f"k, {TUMBLING} AS w, count(*) AS n, count(k) AS m", f"k, {TUMBLING}"), stream(
        EVENTS, ["00:01 - 1", "00:02 a 2"], ["00:03 - 3"], ["00:30 - 4"])),
    scenario("no_more_data", counted(), stream(EVENTS, ["00:01 a 1", "00:30 a 2"]),
             "a batch without data closes the window after the watermark has moved"),
    scenario("last_window_stays_open", counted(), stream(EVENTS, ["00:01 a 1"], ["00:02 a 2"])),
    scenario("time_goes_back", counted(), stream(EVENTS, ["01:00 a 1"], ["00:55 a 2"], ["00:45 a 3"], ["00:52 a 4"], ["01:30 a 5"]),
             "the watermark never goes back"),
    scenario("far_future", counted(), stream(EVENTS, ["00:01 a 1"], ["2999-01-01_00:00:00 a 2"], ["00:40 a 3"])),
    scenario("far_past", counted(), stream(EVENTS, ["1960-01-01_00:01:30 a 1"], ["1970-01-01_00:05:00 a 2"], ["00:40 a 3"]),
             "before the first watermark nothing is late but what lies before 1970"),
    scenario("empty_file", counted(), stream(EVENTS, ["00:01 a 1", "00:30 a 2"], [], ["00:02 a 3"])),
    scenario("group_by_event_time", counted("ts, count(*) AS n", "ts"), stream(
        EVENTS, ["00:01 a 1", "00:01 b 2", "00:05 a 3"], ["00:11 a 4", "00:00:59 a 5"], ["00:01 a 6", "00:01:00.000001 a 7", "00:30 a 8"])),
    scenario("group_by_date_trunc", counted("date_trunc('HOUR', ts) AS h, count(*) AS n", "date_trunc('HOUR', ts)"), PLAIN),
    scenario("watermark_of_expression",
             "SELECT window(t, '10 minutes') AS w, count(*) AS n FROM STREAM events "
             "WATERMARK to_timestamp(s) AS t DELAY OF INTERVAL 10 MINUTES GROUP BY window(t, '10 minutes')",
             stream("s STRING, v INT", ["2026-03-01_00:01:00 1"], ["2026-03-01_00:40:00 2"], ["2026-03-01_00:02:00 3"])),
    scenario("watermark_of_unnamed_expression",
             "SELECT count(*) FROM STREAM events WATERMARK to_timestamp(s) DELAY OF INTERVAL 10 MINUTES",
             stream("s STRING, v INT", ["2026-03-01_00:01:00 1"])),
    scenario("watermark_of_string",
             "SELECT window(s, '10 minutes') AS w, count(*) AS n FROM STREAM events "
             "WATERMARK s DELAY OF INTERVAL 10 MINUTES GROUP BY window(s, '10 minutes')",
             stream("s STRING, v INT", ["2026-03-01_00:01:00 1"])),
    scenario("watermark_of_date",
             "SELECT window(d, '1 day') AS w, count(*) AS n FROM STREAM events "
             "WATERMARK d DELAY OF INTERVAL 10 MINUTES GROUP BY window(d, '1 day')",
             stream("d DATE, v INT", ["2026-03-01 1"], ["2026-03-03 1"])),
    scenario("watermark_of_ntz",
             "SELECT window(d, '10 minutes') AS w, count(*) AS n FROM STREAM events "
             "WATERMARK d DELAY OF INTERVAL 10 MINUTES GROUP BY window(d, '10 minutes')",
             stream("d TIMESTAMP_NTZ, v INT", ["00:01 1"], ["00:40 1"])),
    scenario("delay_of_two_units",
             counted(source="FROM STREAM events WATERMARK ts DELAY OF INTERVAL 1 HOUR 30 MINUTES"), stream(
                 EVENTS, ["00:01 a 1"], ["01:39:59 a 2"], ["01:40 a 3"], ["00:05 a 4"], ["03:00 a 5"])),
    scenario("delay_of_zero", counted(source="FROM STREAM events WATERMARK ts DELAY OF INTERVAL 0 SECONDS"), PLAIN),
    scenario("delay_below_zero", counted(source="FROM STREAM events WATERMARK ts DELAY OF INTERVAL -1 SECONDS"), PLAIN),
    scenario("delay_of_a_month", counted(source="FROM STREAM events WATERMARK ts DELAY OF INTERVAL 1 MONTH"), stream(
        EVENTS, ["00:01 a 1"], ["2026-03-31_23:59:59 a 2"], ["2026-04-01_00:10:00 a 2"])),
    scenario("expression_over_aggregates", counted(f"{TUMBLING} AS w, sum(v) * 2 + count(*) AS n, upper(k) AS u", f"{TUMBLING}, k"), PLAIN),
    scenario("struct_key", counted("named_struct('k', k) AS s, window.start AS w, count(*) AS n", f"named_struct('k', k), {TUMBLING}"), PLAIN),
    scenario("exploded", "SELECT window(ts, '10 minutes') AS w, x, count(*) AS n FROM (SELECT ts, explode(array(k, 'z')) AS x "
             f"{WITH}) GROUP BY window(ts, '10 minutes'), x", PLAIN),
    scenario("rollup", counted("k, window.start AS s, count(*) AS n", f"{TUMBLING}, ROLLUP(k)"), PLAIN),
]
MODES = [
    scenario("complete_without_watermark", counted(source=WITHOUT), PLAIN, mode="complete"),
    scenario("complete_by_key", counted("k, count(*) AS n, max(ts) AS t", "k", WITHOUT), PLAIN, mode="complete"),
    scenario("complete_of_all_rows", "SELECT count(*) AS n, sum(v) AS s FROM STREAM events", PLAIN, mode="complete"),
    scenario("complete_of_no_rows", "SELECT count(*) AS n, sum(v) AS s FROM STREAM events", stream(EVENTS, [], ["00:01 a 1"]), mode="complete"),
    scenario("complete_with_watermark", counted(), PLAIN, "nothing is dropped and nothing is closed", mode="complete"),
    scenario("complete_having", counted("k, count(*) AS n", "k", WITHOUT, " HAVING count(*) < 4"), PLAIN, "a group may go again", mode="complete"),
    scenario("complete_ordered", counted("k, count(*) AS n", "k", WITHOUT, " ORDER BY n DESC LIMIT 1"), PLAIN, mode="complete"),
    scenario("complete_without_aggregate", "SELECT k FROM STREAM events", PLAIN, mode="complete"),
    scenario("complete_distinct_count", counted("k, count(DISTINCT v) AS n", "k", WITHOUT), PLAIN, mode="complete"),
    scenario("complete_null_times", counted(source=WITHOUT), stream(EVENTS, ["- a 1", "00:01 a 2"], ["- a 3"]), mode="complete"),
]
AGGREGATES = {
    "counts": "count(*) AS a, count(v) AS b, count_if(v > 3) AS c, count(1) FILTER (WHERE v < 5) AS d",
    "sums": "sum(v) AS a, sum(v * 1.5BD) AS b, sum(CAST(v AS DOUBLE)) AS c, sum(CAST(v AS BIGINT)) AS d, try_sum(v) AS e",
    "averages": "avg(v) AS a, avg(v * 1.5BD) AS b, mean(CAST(v AS DOUBLE)) AS c, try_avg(v) AS d",
    "extremes": "min(v) AS a, max(v) AS b, min(k) AS c, max(ts) AS d, min(v > 3) AS e",
    "moments": "stddev(v) AS a, stddev_pop(v) AS b, variance(v) AS c, var_pop(v) AS d, skewness(v) AS e, kurtosis(v) AS f",
    "pairs": "corr(v, v * v) AS a, covar_pop(v, v * v) AS b, covar_samp(v, v * v) AS c, regr_slope(v, v * v) AS d",
    "by": "max_by(ts, v) AS a, min_by(ts, v) AS b, max_by(v, ts) AS c",
    "booleans": "bool_and(v > 0) AS a, bool_or(v > 8) AS b, every(v IS NULL) AS c, any(v = 4) AS d",
    "bits": "bit_and(v) AS a, bit_or(v) AS b, bit_xor(v) AS c",
    "lists": "sort_array(collect_list(v)) AS a, sort_array(collect_set(v % 2)) AS b, sort_array(array_agg(k)) AS c",
    "first_and_last": "first(v) AS a, last(v) AS b, first(v, true) AS c, last(v, true) AS d, any_value(k) AS e",
    "percentiles": "percentile_approx(v, 0.5) AS a, approx_percentile(v, array(0.0, 1.0)) AS b",
    "exact_percentiles": "percentile(v, 0.5) AS a, median(v) AS b",
    "approximate_distinct": "approx_count_distinct(v) AS a, approx_count_distinct(k) AS b",
    "distinct": "count(DISTINCT v) AS a",
    "distinct_sum": "sum(DISTINCT v) AS a",
    "mode": "mode(v % 2) AS a",
    "texts": "listagg(k, ',') AS a",
    "histogram": "histogram_numeric(v, 3) AS a",
}
FUNCTIONS = [
    scenario(f"aggregate_{name}", counted(f"k, {TUMBLING} AS w, {select}", f"k, {TUMBLING}"), NUMBERS)
    for name, select in AGGREGATES.items()
]


def by_window(call, source=WITH):
    """Counts by one kind of time window."""
    return f"SELECT {call} AS w, count(*) AS n, sum(v) AS s {source} GROUP BY {call}"


BEATS = stream(
    EVENTS,
    ["00:00 a 1", "00:02 a 2", "00:20 a 3", "00:01 b 4"],
    ["00:05:30 a 5", "00:07 a 6", "00:12 b 7"],
    ["00:50 a 8", "00:03 a 9", "00:45 b 10"],
    ["01:30 c 11"],
)
SESSION = "session_window(ts, '5 minutes')"
KEYED_SESSION = f"SELECT k, {SESSION} AS w, count(*) AS n, sum(v) AS s {WITH} GROUP BY k, {SESSION}"
WINDOWS = [
    scenario("sliding", by_window("window(ts, '10 minutes', '5 minutes')"), PLAIN),
    scenario("sliding_that_does_not_divide", by_window("window(ts, '10 minutes', '4 minutes')"), PLAIN),
    scenario("sliding_shifted", by_window("window(ts, '10 minutes', '5 minutes', '2 minutes')"), PLAIN),
    scenario("shifted", by_window("window(ts, '10 minutes', '10 minutes', '3 minutes')"), PLAIN),
    scenario("shifted_back", by_window("window(ts, '10 minutes', '10 minutes', '-3 minutes')"), PLAIN),
    scenario("sliding_late", by_window("window(ts, '10 minutes', '5 minutes')"), stream(
        EVENTS, ["00:01 a 1", "00:22 a 2"], ["00:08 a 3"], ["00:08 a 4", "00:03 a 5"], ["01:00 a 6"]),
        "a row may be late for one of its windows and not for the other"),
    scenario("window_of_a_week", by_window("window(ts, '1 week')"), stream(
        EVENTS, ["00:01 a 1"], ["2026-03-05_00:00:00 a 2", "2026-03-04_23:59:59 a 3"], ["2026-03-20_00:00:00 a 2"])),
    scenario("window_of_days_in_vienna", by_window("window(ts, '1 day')"), stream(
        EVENTS, ["2026-03-28_23:30:00 a 1", "2026-03-29_00:30:00 a 2", "2026-03-29_01:59:00 a 3"],
        ["2026-03-29_03:01:00 a 4", "2026-03-30_01:59:59 a 5", "2026-03-30_02:00:00 a 6"], ["2026-04-02_00:00:00 a 7"]),
        "windows lie on UTC days, whatever the session time zone", zone="Europe/Vienna"),
    scenario("window_over_the_hour_that_comes_twice", by_window("window(ts, '1 hour')"), stream(
        EVENTS, ["2026-10-25_00:59:59 a 1", "2026-10-25_02:30:00 a 2", "2026-10-25_03:30:00 a 3"], ["2026-10-26_00:00:00 a 4"]),
        zone="Europe/Vienna"),
    scenario("window_of_days_from_midnight_in_vienna", by_window("window(ts, '1 day', '1 day', '-1 hours')"), stream(
        EVENTS, ["2026-02-28_23:30:00 a 1", "2026-03-01_00:30:00 a 2", "2026-03-01_23:59:00 a 3"],
        ["2026-03-05_00:00:00 a 7"]), zone="Europe/Vienna"),
    scenario("window_of_a_month", by_window("window(ts, '1 month')"), PLAIN),
    scenario("window_of_nothing", by_window("window(ts, '0 minutes')"), PLAIN),
    scenario("window_below_zero", by_window("window(ts, '-1 minutes')"), PLAIN),
    scenario("slide_above_size", by_window("window(ts, '5 minutes', '10 minutes')"), PLAIN),
    scenario("slide_of_nothing", by_window("window(ts, '5 minutes', '0 minutes')"), PLAIN),
    scenario("start_above_slide", by_window("window(ts, '10 minutes', '10 minutes', '10 minutes')"), PLAIN),
    scenario("size_from_a_column", by_window("window(ts, k)"), PLAIN),
    scenario("window_of_a_number", by_window("window(v, '10 minutes')"), PLAIN),
    scenario("two_windows", f"SELECT count(*) AS n {WITH} GROUP BY window(ts, '10 minutes'), window(ts, '5 minutes')", PLAIN),
    scenario("window_of_a_window_column",
             "SELECT window(w, '1 hour') AS h, sum(n) AS s FROM (SELECT window(ts, '10 minutes') AS w, count(*) AS n "
             f"{WITH} GROUP BY window(ts, '10 minutes')) GROUP BY window(w, '1 hour')", PLAIN),
    scenario("chained_by_window_time",
             "SELECT window(window_time(w), '1 hour') AS h, sum(n) AS s FROM (SELECT window(ts, '10 minutes') AS w, k, count(*) AS n "
             f"{WITH} GROUP BY window(ts, '10 minutes'), k) GROUP BY window(window_time(w), '1 hour')", stream(
                 EVENTS, ["00:01 a 1", "00:12 a 2", "00:15 b 3"], ["01:05 a 4", "00:59 a 5"], ["01:30 a 6"], ["03:00 a 7"])),
    scenario("chained_session_by_window",
             f"SELECT window(session_window, '1 hour') AS h, count(*) AS s, sum(n) AS n FROM (SELECT {SESSION} , k, count(*) AS n {WITH} GROUP BY {SESSION}, k) GROUP BY window(session_window, '1 hour')", BEATS),
    scenario("chained_three_times",
             "SELECT window(h, '1 day') AS d, count(*) AS hours, sum(s) AS s FROM (SELECT window(w, '1 hour') AS h, sum(n) AS s FROM (SELECT window(ts, '10 minutes') AS w, count(*) AS n "
             f"{WITH} GROUP BY window(ts, '10 minutes')) GROUP BY window(w, '1 hour')) GROUP BY window(h, '1 day')", stream(
                 EVENTS, ["00:01 a 1", "00:12 a 2", "22:15 b 3"], ["23:05 a 4", "22:59 a 5"], ["23:30 a 6"], ["2026-03-02_01:00:00 a 7"], ["2026-03-02_23:00:00 a 8"], ["2026-03-03_01:00:00 a 9"])),
    scenario("window_in_the_select_list", f"SELECT window(ts, '10 minutes') AS w, v {WITH}", PLAIN, "without a group"),
    scenario("sliding_in_the_select_list", f"SELECT window(ts, '10 minutes', '5 minutes') AS w, v {WITH}", PLAIN),
    scenario("session", by_window(SESSION), BEATS),
    scenario("session_by_key", KEYED_SESSION, BEATS),
    scenario("session_parts", f"SELECT k, session_window.start AS s, session_window.end AS e, count(*) AS n {WITH} GROUP BY k, {SESSION}", BEATS),
    scenario("session_grown_together", KEYED_SESSION, stream(
        EVENTS, ["00:10 a 1", "00:18 a 2"], ["00:14 a 3"], ["00:14 b 4"], ["01:00 a 5"]),
        "a row between two sessions makes them one"),
    scenario("session_at_the_gap", KEYED_SESSION, stream(
        EVENTS, ["00:10 a 1", "00:15 a 2"], ["00:19:59.999999 a 3", "00:25 a 4"], ["01:00 a 5"]),
        "an end touches a beginning and is another session"),
    scenario("session_late", KEYED_SESSION, stream(
        EVENTS, ["00:10 a 1", "00:26 a 2"], ["00:11 a 3"], ["00:10:30 a 4", "00:12 a 5"], ["00:11 b 6"], ["01:00 a 7"])),
    scenario("session_of_a_column",
             f"SELECT k, session_window(ts, concat(v, ' minutes')) AS w, count(*) AS n {WITH} GROUP BY k, session_window(ts, concat(v, ' minutes'))",
             stream(EVENTS, ["00:00 a 5", "00:04 a 10", "00:12 a 1"], ["00:13 a 3", "00:00 b 0", "00:01 b 2"], ["01:00 a 1"])),
    scenario("session_of_a_case",
             f"SELECT k, session_window(ts, CASE WHEN k = 'a' THEN '10 minutes' ELSE '2 minutes' END) AS w, count(*) AS n {WITH} "
             "GROUP BY k, session_window(ts, CASE WHEN k = 'a' THEN '10 minutes' ELSE '2 minutes' END)", BEATS),
    scenario("session_below_zero",
             f"SELECT k, session_window(ts, concat(v, ' minutes')) AS w, count(*) AS n {WITH} GROUP BY k, session_window(ts, concat(v, ' minutes'))",
             stream(EVENTS, ["00:00 a 5", "00:04 a -3", "00:12 a -"], ["01:00 a 1"])),
    scenario("session_null_times", KEYED_SESSION, stream(EVENTS, ["- a 1", "00:01 a 2"], ["00:02 a 3", "- a 4"], ["01:00 b 5"])),
    scenario("session_of_a_month", by_window("session_window(ts, '1 month')"), PLAIN),
    scenario("session_complete", KEYED_SESSION.replace(WITH, WITHOUT), BEATS, mode="complete"),
    scenario("session_without_watermark", KEYED_SESSION.replace(WITH, WITHOUT), BEATS),
    scenario("session_of_aggregates",
             f"SELECT k, {SESSION} AS w, min(v) AS a, max(v) AS b, avg(v) AS c, sort_array(collect_list(v)) AS d {WITH} GROUP BY k, {SESSION}", BEATS),
    scenario("session_having", KEYED_SESSION + " HAVING count(*) > 1", BEATS),
    scenario("session_window_time", f"SELECT k, window_time(session_window) AS t, count(*) AS n {WITH} GROUP BY k, {SESSION}", BEATS),
]
