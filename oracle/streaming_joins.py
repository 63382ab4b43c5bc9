"""The scenarios of `streaming.py` with DISTINCT, with several relations, and those that Spark refuses. Must not ask Spark."""

from streaming_scenarios import EVENTS, NUMBERS, PLAIN, WITH, WITHOUT, scenario, stream

DEVICES = {"devices": "SELECT * FROM VALUES ('a', 'north'), ('b', 'south'), ('b', 'second'), ('d', 'nobody') AS t(k, place)"}
ADS = stream(
    "shown TIMESTAMP, ad STRING, cost INT",
    ["00:00 x 1", "00:02 y 2", "00:03 n 3"],
    ["00:20 x 4", "00:21 z 5"],
    ["00:50 w 6"],
    ["01:30 q 7"],
)
CLICKS = stream(
    "clicked TIMESTAMP, ad STRING, who INT",
    ["00:05 x 1", "00:30 z 2"],
    ["00:08 y 3", "00:31 x 4", "00:25 z 5"],
    ["00:55 w 6", "00:57 w 7", "00:40 p 8"],
    ["01:40 q 9"],
)
BOTH = (("ads", ADS), ("clicks", CLICKS))
LEFT = "STREAM ads WATERMARK shown DELAY OF INTERVAL 10 MINUTES AS a"
RIGHT = "STREAM clicks WATERMARK clicked DELAY OF INTERVAL 5 MINUTES AS c"
BOUNDS = "a.ad = c.ad AND c.clicked >= a.shown AND c.clicked <= a.shown + INTERVAL 15 MINUTES"
COLUMNS = "a.ad AS ad, a.shown AS shown, c.ad AS of, c.clicked AS clicked, c.who AS who"


def static(name, kind, on="e.k = d.k", columns="e.k AS k, e.v AS v, d.place AS place", **more):
    """The events joined to a table."""
    return scenario(f"static_{name}", f"SELECT {columns} FROM STREAM events e {kind} JOIN devices d ON {on}", PLAIN, tables=DEVICES, **more)


def joined(name, kind, on=BOUNDS, columns=COLUMNS, left=LEFT, right=RIGHT, streams=BOTH, note="", **more):
    """Two streams joined."""
    return scenario(f"streams_{name}", f"SELECT {columns} FROM {left} {kind} JOIN {right} ON {on}", streams, note, **more)


DISTINCT = [
    scenario("distinct_with_event_time", f"SELECT DISTINCT ts, k {WITH}", stream(
        EVENTS, ["00:01 a 1", "00:01 a 2", "00:02 a 3"], ["00:01 a 4", "00:20 a 5", "00:20 b 6"],
        ["00:01 a 7", "00:20 a 8", "00:15 c 9"], ["01:00 a 1"], ["00:20 a 2", "00:55 a 3", "00:55 a 4"])),
    scenario("distinct_null_event_time", f"SELECT DISTINCT ts, k {WITH}", stream(EVENTS, ["- a 1", "- a 2", "00:01 a 3"], ["- a 4", "00:40 a 5"], ["- a 6", "- b 7"])),
    scenario("distinct_without_event_time", f"SELECT DISTINCT k {WITH}", PLAIN),
    scenario("distinct_without_watermark", f"SELECT DISTINCT k {WITHOUT}", PLAIN),
    scenario("distinct_complete", f"SELECT DISTINCT k {WITHOUT}", PLAIN, mode="complete"),
    scenario("distinct_window", f"SELECT DISTINCT window(ts, '10 minutes') AS w, k {WITH}", PLAIN),
    scenario("drop_duplicates_with_event_time", f"SELECT ts, k, v {WITH}", stream(
        EVENTS, ["00:01 a 1", "00:01 a 2"], ["00:01 a 3", "00:20 a 4"], ["00:01 a 5", "00:20 a 6", "00:10:00.001 a 7"], ["01:00 a 8"], ["00:20 a 9"]),
        frame="dropDuplicates ts, k"),
    scenario("drop_duplicates_without_event_time", f"SELECT ts, k, v {WITH}", PLAIN, "state grows without end", frame="dropDuplicates k"),
    scenario("drop_duplicates_without_watermark", f"SELECT ts, k, v {WITHOUT}", PLAIN, frame="dropDuplicates k"),
    scenario("drop_duplicates_null_keys", f"SELECT ts, k, v {WITHOUT}", stream(EVENTS, ["00:01 - 1", "00:02 - 2"], ["00:03 - 3", "00:03 a 4"]), frame="dropDuplicates k"),
    scenario("drop_duplicates_within_watermark", f"SELECT ts, k, v {WITH}", stream(
        EVENTS, ["00:01 a 1", "00:05 a 2"], ["00:10:59 a 3", "00:12 b 4"], ["00:11 a 5", "00:30 c 6"], ["00:31 a 7", "00:19 b 8"], ["01:00 a 9"]),
        frame="dropDuplicatesWithinWatermark k"),
    scenario("drop_duplicates_within_no_watermark", f"SELECT ts, k, v {WITHOUT}", PLAIN, frame="dropDuplicatesWithinWatermark k"),
    scenario("distinct_then_count", f"SELECT window(ts, '10 minutes') AS w, count(*) AS n FROM (SELECT DISTINCT ts, k {WITH}) GROUP BY window(ts, '10 minutes')", PLAIN),
]
STATIC = [
    static("inner", "INNER"),
    static("left", "LEFT"),
    static("right", "RIGHT"),
    static("full", "FULL"),
    static("semi", "LEFT SEMI", columns="e.k AS k, e.v AS v"),
    static("anti", "LEFT ANTI", columns="e.k AS k, e.v AS v"),
    static("by_range", "INNER", on="e.v > length(d.place)"),
    static("cross", "CROSS", on="true"),
    scenario("static_first_right", "SELECT d.k AS k, d.place AS place, e.v AS v FROM devices d RIGHT JOIN STREAM events e ON e.k = d.k", PLAIN, tables=DEVICES),
    scenario("static_first_left", "SELECT d.k AS k, d.place AS place, e.v AS v FROM devices d LEFT JOIN STREAM events e ON e.k = d.k", PLAIN, tables=DEVICES),
    scenario("static_in", "SELECT k, v FROM STREAM events WHERE k IN (SELECT k FROM devices)", PLAIN, tables=DEVICES),
    scenario("static_not_exists", "SELECT k, v FROM STREAM events e WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.k = e.k)", PLAIN, tables=DEVICES),
    scenario("static_scalar", "SELECT k, v, (SELECT count(*) FROM devices) AS n FROM STREAM events", PLAIN, tables=DEVICES),
    scenario("static_then_window", f"SELECT d.place AS place, window(ts, '10 minutes') AS w, count(*) AS n {WITH} AS e JOIN devices d ON e.k = d.k GROUP BY d.place, window(ts, '10 minutes')", PLAIN, tables=DEVICES),
    scenario("window_then_static", f"SELECT k, w, n, place FROM (SELECT k, window(ts, '10 minutes') AS w, count(*) AS n {WITH} GROUP BY k, window(ts, '10 minutes')) LEFT JOIN devices USING (k)", PLAIN, tables=DEVICES),
]
WINDOWED = (
    "SELECT a.ad AS ad, a.w AS w, c.who AS who FROM (SELECT *, window(shown, '10 minutes') AS w FROM STREAM ads WATERMARK shown DELAY OF INTERVAL 10 MINUTES) a "
    "{} JOIN (SELECT *, window(clicked, '10 minutes') AS w FROM STREAM clicks WATERMARK clicked DELAY OF INTERVAL 5 MINUTES) c ON a.ad = c.ad AND a.w = c.w"
)
PLAIN_LEFT, PLAIN_RIGHT = "STREAM ads AS a", "STREAM clicks AS c"
MAX_POLICY = {"spark.sql.streaming.multipleWatermarkPolicy": "max"}
STREAMS = [
    joined("inner", "INNER"),
    joined("inner_without_watermark", "INNER", left=PLAIN_LEFT, right=PLAIN_RIGHT),
    joined("inner_without_bounds", "INNER", on="a.ad = c.ad"),
    joined("inner_one_watermark", "INNER", right=PLAIN_RIGHT),
    joined("inner_more_conditions", "INNER", on=f"{BOUNDS} AND a.cost < c.who"),
    joined("inner_filtered", "INNER", on=f"{BOUNDS} WHERE c.who > 3"),
    joined("inner_only_bounds", "INNER", on="c.clicked BETWEEN a.shown AND a.shown + INTERVAL 15 MINUTES"),
    joined("inner_same_time", "INNER", on="a.ad = c.ad AND a.shown = c.clicked", streams=(
        ("ads", stream("shown TIMESTAMP, ad STRING, cost INT", ["00:00 x 1", "00:20 y 2"], ["00:30 y 3"], ["01:00 z 4"])),
        ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:00 x 1", "00:00 x 2"], ["00:20 y 3", "00:00 x 4"], ["00:30 y 5", "00:00 x 6"]))),
        note="state goes where the event time is a key"),
    joined("left", "LEFT"),
    joined("left_more_conditions", "LEFT", on=f"{BOUNDS} AND a.cost > 1"),
    joined("left_right_condition", "LEFT", on=f"{BOUNDS} AND c.who > 3"),
    joined("left_without_bounds", "LEFT", on="a.ad = c.ad"),
    joined("left_without_watermark", "LEFT", left=PLAIN_LEFT, right=PLAIN_RIGHT),
    joined("left_watermark_left_only", "LEFT", right=PLAIN_RIGHT),
    joined("left_watermark_right_only", "LEFT", left=PLAIN_LEFT),
    joined("right", "RIGHT"),
    joined("right_watermark_left_only", "RIGHT", right=PLAIN_RIGHT),
    joined("full", "FULL"),
    joined("full_watermark_left_only", "FULL", right=PLAIN_RIGHT),
    joined("semi", "LEFT SEMI", columns="a.ad AS ad, a.shown AS shown"),
    joined("semi_without_bounds", "LEFT SEMI", on="a.ad = c.ad", columns="a.ad AS ad, a.shown AS shown"),
    joined("anti", "LEFT ANTI", columns="a.ad AS ad, a.shown AS shown"),
    joined("cross", "CROSS", on="true"),
    joined("left_null_keys", "LEFT", streams=(
        ("ads", stream("shown TIMESTAMP, ad STRING, cost INT", ["00:00 - 1", "00:01 x 2", "- x 3"], ["00:40 y 4"], ["01:20 y 5"])),
        ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:02 - 1", "00:03 x 2"], ["00:41 y 3", "- y 4"], ["01:20 - 6"])))),
    joined("full_null_keys", "FULL", streams=(
        ("ads", stream("shown TIMESTAMP, ad STRING, cost INT", ["00:00 - 1", "00:01 x 2", "- x 3"], ["00:40 y 4"], ["01:20 y 5"])),
        ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:02 - 1", "00:03 x 2"], ["00:41 y 3", "- y 4"], ["01:20 - 6"])))),
    joined("inner_late", "INNER", streams=(
        ("ads", stream("shown TIMESTAMP, ad STRING, cost INT", ["00:00 x 1", "00:30 y 2"], ["00:05 x 3", "00:31 y 4"], ["00:06 x 5", "00:20 x 6"], ["01:00 z 7"])),
        ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:30 y 1"], ["00:07 x 2", "00:31 y 3"], ["00:07 x 4", "00:21 x 5"], ["01:00 z 6"]))),
        note="late rows of both sides"),
    joined("left_late", "LEFT", streams=(
        ("ads", stream("shown TIMESTAMP, ad STRING, cost INT", ["00:00 x 1", "00:30 y 2"], ["00:05 x 3", "00:31 y 4"], ["00:06 x 5", "00:20 x 6"], ["01:00 z 7"], ["02:00 z 8"])),
        ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:30 y 1"], ["00:07 x 2", "00:31 y 3"], ["00:07 x 4", "00:21 x 5"], ["01:00 z 6"], ["02:00 p 7"])))),
    joined("left_one_side_silent", "LEFT", streams=(
        ("ads", ADS), ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:05 x 1"], None, None, None))),
        note="the slower watermark holds back"),
    joined("left_max_policy", "LEFT", streams=(
        ("ads", ADS), ("clicks", stream("clicked TIMESTAMP, ad STRING, who INT", ["00:05 x 1"], None, None, None))),
        settings=MAX_POLICY),
    joined("left_max_policy_both", "LEFT", settings=MAX_POLICY),
    joined("inner_before_and_after", "INNER", on="a.ad = c.ad AND c.clicked BETWEEN a.shown - INTERVAL 5 MINUTES AND a.shown + INTERVAL 10 MINUTES"),
    joined("left_open_bound", "LEFT", on="a.ad = c.ad AND c.clicked >= a.shown"),
    joined("left_other_open_bound", "LEFT", on="a.ad = c.ad AND c.clicked <= a.shown + INTERVAL 15 MINUTES"),
    joined("left_strict_bounds", "LEFT", on="a.ad = c.ad AND c.clicked > a.shown AND c.clicked < a.shown + INTERVAL 15 MINUTES"),
    scenario("streams_inner_by_window", WINDOWED.format("INNER"), BOTH),
    scenario("streams_left_by_window", WINDOWED.format("LEFT"), BOTH),
    scenario("streams_using", f"SELECT ad, a.cost AS cost, c.who AS who FROM {LEFT} JOIN {RIGHT} USING (ad) WHERE c.clicked BETWEEN a.shown AND a.shown + INTERVAL 15 MINUTES", BOTH),
    scenario("streams_joined_then_window", f"SELECT window(shown, '10 minutes') AS w, count(*) AS n FROM (SELECT a.shown AS shown, c.who AS who FROM {LEFT} JOIN {RIGHT} ON {BOUNDS}) GROUP BY window(shown, '10 minutes')", BOTH),
    scenario("streams_three", f"SELECT a.ad AS ad, c.who AS who, e.v AS v FROM {LEFT} JOIN {RIGHT} ON {BOUNDS} JOIN STREAM events WATERMARK ts DELAY OF INTERVAL 10 MINUTES AS e ON e.k = a.ad",
             (*BOTH, ("events", stream(EVENTS, ["00:01 x 1"], ["00:25 z 2"], ["00:50 w 3"], ["01:30 q 4"])))),
    scenario("streams_left_then_window", f"SELECT window(shown, '10 minutes') AS w, count(*) AS n, count(who) AS m FROM (SELECT a.shown AS shown, c.who AS who FROM {LEFT} LEFT JOIN {RIGHT} ON {BOUNDS}) GROUP BY window(shown, '10 minutes')", BOTH),
    scenario("streams_joined_then_later_window", f"SELECT window(clicked, '10 minutes') AS w, count(*) AS n FROM (SELECT c.clicked AS clicked FROM {LEFT} JOIN {RIGHT} ON {BOUNDS}) GROUP BY window(clicked, '10 minutes')", BOTH),
    scenario("streams_joined_before_and_after_then_window", f"SELECT window(shown, '10 minutes') AS w, count(*) AS n FROM (SELECT a.shown AS shown FROM {LEFT} JOIN {RIGHT} ON a.ad = c.ad AND c.clicked BETWEEN a.shown - INTERVAL 5 MINUTES AND a.shown + INTERVAL 10 MINUTES) GROUP BY window(shown, '10 minutes')", BOTH),
    *(scenario(f"windows_joined_{kind.lower()}",
               "SELECT a.w AS w, a.n AS n, b.n AS m FROM (SELECT window(shown, '10 minutes') AS w, count(*) AS n FROM STREAM ads WATERMARK shown DELAY OF INTERVAL 10 MINUTES GROUP BY window(shown, '10 minutes')) AS a "
               f"{kind} JOIN (SELECT window(clicked, '10 minutes') AS w, count(*) AS n FROM STREAM clicks WATERMARK clicked DELAY OF INTERVAL 5 MINUTES GROUP BY window(clicked, '10 minutes')) AS b ON a.w = b.w", BOTH)
      for kind in ("INNER", "LEFT")),
    scenario("streams_self", f"SELECT a.ad AS ad, a.cost AS first, b.cost AS second FROM {LEFT} JOIN STREAM ads WATERMARK shown DELAY OF INTERVAL 10 MINUTES AS b ON a.ad = b.ad AND a.cost < b.cost", (("ads", ADS),)),
    scenario("union_all", "SELECT shown AS t, ad FROM STREAM ads UNION ALL SELECT clicked, ad FROM STREAM clicks", BOTH),
    scenario("union_all_then_window",
             "SELECT window(t, '10 minutes') AS w, count(*) AS n FROM (SELECT shown AS t FROM STREAM ads WATERMARK shown DELAY OF INTERVAL 10 MINUTES "
             "UNION ALL SELECT clicked FROM STREAM clicks WATERMARK clicked DELAY OF INTERVAL 5 MINUTES) GROUP BY window(t, '10 minutes')", BOTH),
    scenario("union_all_one_watermark",
             "SELECT window(t, '10 minutes') AS w, count(*) AS n FROM (SELECT shown AS t FROM STREAM ads UNION ALL SELECT clicked FROM STREAM clicks) "
             "WATERMARK t DELAY OF INTERVAL 10 MINUTES GROUP BY window(t, '10 minutes')", BOTH),
    scenario("union_all_of_static", "SELECT k FROM STREAM events UNION ALL SELECT k FROM devices", PLAIN, tables=DEVICES),
    scenario("union_of_streams", "SELECT ad FROM STREAM ads UNION SELECT ad FROM STREAM clicks", BOTH),
]
REFUSED = [
    scenario("aggregate_without_watermark", "SELECT k, count(*) AS n FROM STREAM events GROUP BY k", PLAIN),
    scenario("window_without_watermark", "SELECT window(ts, '10 minutes') AS w, count(*) AS n FROM STREAM events GROUP BY window(ts, '10 minutes')", PLAIN),
    scenario("aggregate_by_other_key", f"SELECT k, count(*) AS n {WITH} GROUP BY k", PLAIN),
    scenario("aggregate_of_all", f"SELECT count(*) AS n {WITH}", PLAIN),
    scenario("ordered", f"SELECT k, v {WITHOUT} ORDER BY v", PLAIN),
    scenario("limited", f"SELECT k, v {WITHOUT} LIMIT 2", PLAIN),
    scenario("offset", f"SELECT k, v {WITHOUT} OFFSET 2", PLAIN),
    scenario("row_number", f"SELECT k, row_number() OVER (PARTITION BY k ORDER BY ts) AS n {WITHOUT}", PLAIN),
    scenario("row_number_after_window", f"SELECT *, row_number() OVER (ORDER BY n) AS r FROM (SELECT window(ts, '10 minutes') AS w, count(*) AS n {WITH} GROUP BY window(ts, '10 minutes'))", PLAIN),
    scenario("intersect", "SELECT ad FROM STREAM ads INTERSECT SELECT ad FROM STREAM clicks", BOTH),
    scenario("except", "SELECT ad FROM STREAM ads EXCEPT SELECT ad FROM STREAM clicks", BOTH),
    scenario("except_static", "SELECT k FROM STREAM events EXCEPT SELECT k FROM devices", PLAIN, tables=DEVICES),
    scenario("in_a_stream", "SELECT k, place FROM devices WHERE k IN (SELECT k FROM STREAM events)", PLAIN, tables=DEVICES),
    scenario("stream_in_a_stream", "SELECT ad FROM STREAM ads WHERE ad IN (SELECT ad FROM STREAM clicks)", BOTH),
    scenario("scalar_of_a_stream", "SELECT place, (SELECT max(v) FROM STREAM events) AS m FROM devices", PLAIN, tables=DEVICES),
    scenario("grouping_sets", f"SELECT k, window.start AS s, count(*) AS n {WITH} GROUP BY GROUPING SETS ((window(ts, '10 minutes'), k), (window(ts, '10 minutes')))", PLAIN),
    scenario("pivot", f"SELECT * FROM (SELECT k, v {WITHOUT}) PIVOT (sum(v) FOR k IN ('a', 'b'))", PLAIN),
    scenario("two_aggregates_without_watermark", f"SELECT n, count(*) AS m FROM (SELECT k, count(*) AS n {WITHOUT} GROUP BY k) GROUP BY n", PLAIN, mode="complete"),
    scenario("two_aggregates_by_other_key", f"SELECT n, count(*) AS m FROM (SELECT window(ts, '10 minutes') AS w, count(*) AS n {WITH} GROUP BY window(ts, '10 minutes')) GROUP BY n", PLAIN),
    scenario("distinct_of_aggregate", f"SELECT DISTINCT n FROM (SELECT window(ts, '10 minutes') AS w, count(*) AS n {WITH} GROUP BY window(ts, '10 minutes'))", PLAIN),
    scenario("two_watermarks_on_one_stream", "SELECT window(ts, '10 minutes') AS w, count(*) AS n FROM (SELECT * FROM STREAM events WATERMARK ts DELAY OF INTERVAL 10 MINUTES) "
             "WATERMARK ts DELAY OF INTERVAL 1 MINUTE GROUP BY window(ts, '10 minutes')", PLAIN),
    scenario("watermark_on_a_table", "SELECT window(ts, '10 minutes') AS w, count(*) AS n FROM beats WATERMARK ts DELAY OF INTERVAL 10 MINUTES, STREAM events WHERE v > 1 GROUP BY window(ts, '10 minutes')",
             NUMBERS, tables={"beats": "SELECT TIMESTAMP'2026-03-01 00:01:00' AS ts"}),
    scenario("watermark_of_missing_column", "SELECT k FROM STREAM events WATERMARK nothing DELAY OF INTERVAL 10 MINUTES", PLAIN),
    scenario("watermark_unused", f"SELECT k, v {WITH}", PLAIN, "a watermark without state drops nothing"),
    scenario("tablesample", "SELECT k FROM STREAM events TABLESAMPLE (50 PERCENT)", PLAIN),
]
