#!/usr/bin/env python3
"""Random expressions through Spark and through our binary: prints those whose answers differ.

`fuzz.py BINARY [SEED [COUNT]]`. Each expression is computed over a table of ordinary rows and over one of extremes (NULL, NaN,
signed zeros, limits of types, first and last dates) and compared as text. What differs is mended, refused, or listed in
docs/compatibility.md; a line for it goes into tests/oracle.
"""

import json
import random
import subprocess
import sys
import tempfile

from oracle import condition_of, session

COLUMNS = ["id INT", "i INT", "l BIGINT", "d DOUBLE", "f FLOAT", "n DECIMAL(10,2)", "m DECIMAL(38,10)", "t STRING", "u STRING",
           "b BOOLEAN", "dt DATE", "ts TIMESTAMP", "a ARRAY<INT>"]
ORDINARY = [
    "1, 1, 10, 1.5, 0.5, 1.25, 3.5, 'abc', '12', true, '2024-02-29', '2024-02-29 12:34:56.789', array(1, 2, 3)",
    "2, -7, -3, -2.5, 2.25, -0.05, 100, 'A b,C', ' 7 ', false, '2023-12-31', '2023-12-31 23:59:59', array(3, NULL, 1)",
    "3, 42, 365, 0.1, 1e3, 99.99, -0.1234567890, '', '0', true, '1999-01-01', '1999-01-01 00:00:00', array()",
    "4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    "5, 0, 2, 3.0, -0.75, 7, 0.5, 'äöü😀x', '-1', false, '2024-03-31', '2024-03-31 02:30:00', array(0)",
]
EXTREME = [
    "1, 2147483647, 9223372036854775807, 'NaN', 'NaN', 99999999.99, 9999999999999999999999999999.9999999999, '9999999999', '1.5',"
    " true, '9999-12-31', '9999-12-31 23:59:59.999999', array(2147483647, -2147483648)",
    "2, -2147483648, -9223372036854775808, '-Infinity', '-Infinity', -99999999.99, -9999999999999999999999999999.9999999999,"
    " 'NaN', 'x', false, '0001-01-01', '0001-01-01 00:00:00', NULL",
    "3, 0, 0, -0.0D, -0.0D, 0, 0, ' ', '', NULL, '1970-01-01', '1969-12-31 23:59:59.999999', array(NULL)",
    "4, 1, -1, 1e300, 1e38, 0.01, 0.0000000001, '2024-02-30', '1e3', true, '1582-10-15', '1900-01-01 00:00:00', array(1)",
]
# Result type: templates; a type in braces is an expression of it, in capitals a constant of it.
GRAMMAR = {
    "i": ["i", "I", "({i} + {i})", "({i} - {i})", "({i} * {i})", "({i} % {i})", "abs({i})", "length({t})", "size({a})", "year({dt})", "month({ts})",
          "dayofweek({dt})", "dayofyear({dt})", "weekofyear({dt})", "hour({ts})", "minute({ts})", "second({ts})", "datediff({dt}, {dt})", "instr({t}, {t})",
          "locate({t}, {t})", "if({b}, {i}, {i})", "coalesce({i}, {i})", "nullif({i}, {i})", "CASE WHEN {b} THEN {i} ELSE {i} END", "greatest({i}, {i})",
          "least({i}, {i})", "ascii({t})", "levenshtein({t}, {t})", "pmod({i}, {i})", "({i} & {i})", "({i} | {i})", "shiftleft({i}, I)", "quarter({dt})",
          "CAST({d} AS INT)", "CAST({n} AS INT)", "CAST({u} AS INT)", "try_cast({t} AS INT)", "CAST({b} AS INT)", "sign({i})::int", "try_add({i}, {i})",
          "element_at({a}, 1)", "try_element_at({a}, I)", "array_max({a})", "array_min({a})", "weekday({dt})", "bit_count({i})", "-{i}", "hash({i}, {t})",
          "hash({d})", "hash({n}, {dt})", "octet_length({t})", "find_in_set({t}, {t})", "date_part('DAY', {ts})", "width_bucket({d}, 0, 10, 5)::int"],
    "l": ["l", "L", "({l} + {i})", "({i} div {i})", "({l} * {i})", "CAST({d} AS BIGINT)", "CAST({t} AS BIGINT)", "floor({d})", "ceil({d})", "unix_timestamp({ts})",
          "unix_micros({ts})", "xxhash64({t}, {i})", "xxhash64({d}, {ts})", "CAST({ts} AS BIGINT)", "CAST({m} AS BIGINT)", "round({l}, -1)", "crc32({t})",
          "array_position({a}, {i})", "unix_date({dt})::bigint", "timestampdiff(HOUR, {ts}, {ts})", "timestampdiff(MONTH, {ts}, {ts})", "try_multiply({l}, {l})"],
    "d": ["d", "D", "f", "({d} + {d})", "({d} - {d})", "({d} * {d})", "({d} / {d})", "({i} / {i})", "({d} % {d})", "sqrt({d})", "exp({d})", "ln({d})", "log10({d})", "power({d}, {i})",
          "round({d}, I)", "bround({d}, 1)", "round({d})", "abs({d})", "CAST({i} AS DOUBLE)", "CAST({n} AS DOUBLE)", "CAST({t} AS DOUBLE)", "CAST({m} AS DOUBLE)", "CAST({l} AS FLOAT)",
          "sin({d})", "atan2({d}, {d})", "try_divide({d}, {d})", "nanvl({d}, {d})", "months_between({dt}, {dt})", "CAST({ts} AS DOUBLE)", "greatest({d}, {d})", "least({d}, {d})",
          "coalesce({d}, {d})", "if({b}, {d}, {d})", "signum({d})", "CAST({d} AS FLOAT)", "-{d}", "log(2, {d})", "hypot({d}, {d})", "cbrt({d})", "({u} + {d})", "rint({d})", "degrees({d})"],
    "n": ["n", "m", "N", "({n} + {n})", "({n} - {n})", "({n} * {n})", "({n} / {n})", "({n} % {n})", "({n} + {i})", "({n} * {i})", "({m} / {n})", "round({n}, 1)", "round({m}, -2)", "bround({n}, 1)",
          "CAST({d} AS DECIMAL(12,3))", "CAST({t} AS DECIMAL(8,2))", "CAST({i} AS DECIMAL(5,1))", "CAST({m} AS DECIMAL(20,5))", "abs({n})", "coalesce({n}, {m})", "ceil({n})", "floor({m})",
          "greatest({n}, {i})", "if({b}, {n}, {i})", "-{n}", "try_divide({n}, {n})", "extract(SECOND FROM {ts})", "ceil({n}, 1)", "nullif({n}, {i})"],
    "m": ["m", "{n}"],
    "u": ["u", "{t}"],
    "t": ["t", "u", "T", "upper({t})", "lower({t})", "trim({t})", "ltrim({t})", "concat({t}, {t})", "({t} || {i})", "({t} || {d})", "substring({t}, I, I)", "left({t}, I)", "right({t}, I)",
          "replace({t}, {t}, {t})", "lpad({t}, 6, {t})", "rpad({t}, 5, '*')", "repeat({t}, 2)", "reverse({t})", "split({t}, ',')[0]", "split_part({t}, ' ', I)", "regexp_replace({t}, '[a-z]', '_')",
          "regexp_extract({t}, '([0-9]+)', 1)", "CAST({d} AS STRING)", "CAST({f} AS STRING)", "CAST({n} AS STRING)", "CAST({dt} AS STRING)", "CAST({ts} AS STRING)", "CAST({b} AS STRING)", "CAST({a} AS STRING)",
          "CAST({m} AS STRING)", "date_format({ts}, 'yyyy-MM-dd HH:mm:ss.SSS')", "date_format({dt}, 'EEE d MMM yy')", "from_unixtime({l})", "hex({t})", "hex({l})", "md5({t})", "sha2({t}, 256)", "base64({t}::binary)",
          "initcap({t})", "translate({t}, 'abc', 'x')", "concat_ws('-', {t}, {t})", "coalesce({t}, {t})", "nullif({t}, {t})", "substring_index({t}, ' ', I)", "format_number({d}, 2)",
          "format_string('%d|%s', {i}, {t})", "get_json_object(concat('{{\"k\":', {t}, '}}'), '$.k')", "bin({l})", "conv({t}, 10, 16)", "soundex({t})", "chr({i})", "to_json(named_struct('k', {d}, 'v', {t}))",
          "to_json(named_struct('a', {a}, 'n', {n}))", "to_json(named_struct('k', {dt}, 'v', {ts}))", "dayname({dt})", "monthname({dt})", "overlay({t}, {t}, 2)", "array_join({a}, ',', '?')", "elt(I, {t}, {t})",
          "if({b}, {t}, {t})", "greatest({t}, {t})", "typeof({n})", "typeof({d})", "decode({i}, 1, {t}, {t})", "btrim({t})", "ascii({t})::string", "format_number({n}, 1)"],
    "f": ["f", "CAST({d} AS FLOAT)", "({f} + {f})", "CAST({i} AS FLOAT)", "CAST({t} AS FLOAT)", "({f} * {f})"],
    "b": ["b", "true", "({i} = {i})", "({i} < {l})", "({d} = {d})", "({d} > {i})", "({n} = {d})", "({n} < {i})", "({t} = {t})", "({t} < {t})", "({u} = {i})", "({u} > {d})", "({dt} < {dt})", "({dt} = {ts})",
          "({t} = {dt})", "({ts} >= {ts})", "({b} AND {b})", "({b} OR {b})", "(NOT {b})", "({t} LIKE '%b%')", "({t} RLIKE '[0-9]')", "({i} IN ({i}, {i}))", "({d} IN ({d}, {d}))", "({i} IS NULL)", "({i} <=> {i})",
          "({d} <=> {d})", "({i} BETWEEN {i} AND {i})", "isnan({d})", "array_contains({a}, {i})", "startswith({t}, {t})", "contains({t}, {t})", "CAST({i} AS BOOLEAN)", "try_cast({t} AS BOOLEAN)", "({t} IN ({t}, {t}))",
          "({t} ILIKE 'A%')", "CAST({d} AS BOOLEAN)", "({f} = {d})", "({f} < {n})"],
    "dt": ["dt", "DT", "date_add({dt}, {i})", "date_sub({dt}, I)", "add_months({dt}, I)", "last_day({dt})", "next_day({dt}, 'MON')", "trunc({dt}, 'MM')", "trunc({dt}, 'WEEK')", "trunc({dt}, 'quarter')", "CAST({ts} AS DATE)",
           "try_cast({t} AS DATE)", "CAST({t} AS DATE)", "to_date({t})", "({dt} + INTERVAL 1 DAY)", "({dt} - INTERVAL 2 MONTH)", "({dt} + {i})", "make_date({i}, 2, 3)", "greatest({dt}, {dt})", "coalesce({dt}, {dt})", "to_date({ts})"],
    "ts": ["ts", "TS", "date_trunc('HOUR', {ts})", "date_trunc('WEEK', {ts})", "date_trunc('month', {ts})", "CAST({dt} AS TIMESTAMP)", "CAST({t} AS TIMESTAMP)", "try_cast({t} AS TIMESTAMP)", "({ts} + INTERVAL 36 HOURS)",
           "({ts} - INTERVAL 1 MONTH)", "timestampadd(MINUTE, {i}, {ts})", "timestampadd(MONTH, I, {ts})", "timestamp_millis({l})", "timestamp_seconds({i})", "from_utc_timestamp({ts}, 'Asia/Tokyo')", "to_utc_timestamp({ts}, 'America/New_York')",
           "to_timestamp({t})", "try_to_timestamp({t}, 'yyyy-MM-dd')", "CAST({l} AS TIMESTAMP)", "CAST({d} AS TIMESTAMP)", "make_timestamp({i}, 1, 2, 3, 4, 5.5)", "coalesce({ts}, {ts})"],
    "a": ["a", "array({i}, {i})", "array_sort({a})", "sort_array({a}, false)", "array_distinct({a})", "array_union({a}, {a})", "array_except({a}, {a})", "array_intersect({a}, {a})", "slice({a}, 1, 2)", "reverse({a})",
          "array_remove({a}, {i})", "array_append({a}, {i})", "array_repeat({i}, 2)", "sequence(I, 3)", "array_compact({a})", "flatten(array({a}, {a}))", "concat({a}, {a})"],
}
CONSTANTS = {
    "I": ["0", "1", "2", "3", "-1", "-2", "NULL"], "L": ["0L", "5L", "-9L", "100000000000"], "D": ["0D", "1.5D", "-2.5D", "1e10", "0.5D"], "N": ["0.5", "2.00", "-1.25", "1000.001"],
    "T": ["'a'", "'b'", "''", "' x'", "'12'", "'2024-05-06'", "'1.5'"], "DT": ["DATE'2024-01-31'", "DATE'2023-03-01'"], "TS": ["TIMESTAMP'2024-01-31 10:20:30.5'", "TIMESTAMP'2020-06-15 00:00:00'"],
}
AGGREGATES = ["sum({i})", "sum({d})", "sum({n})", "avg({i})", "avg({d})", "avg({n})", "min({t})", "max({d})", "min({d})", "count({t})", "count(DISTINCT {d})", "count(DISTINCT {i})", "stddev({i})", "variance({d})", "max_by({t}, {i})",
              "min_by({i}, {d})", "median({i})", "percentile({d}, 0.3)", "percentile_approx({i}, 0.5)", "bool_or({b})", "bool_and({b})", "collect_set({i})", "collect_list({t})", "sum(DISTINCT {i})", "count_if({b})", "skewness({d})",
              "max({ts})", "min({dt})", "first({i}, true)", "mode({b})", "approx_count_distinct({t})", "sum({l})", "avg({l})", "max({a})", "min({n})", "corr({d}, {i})", "array_agg({d})", "bit_or({i})", "kurtosis({i})",
              "percentile_approx({d}, array(0.1, 0.9))", "regr_slope({d}, {i})", "sum({u})", "max({b})"]


def table(rows):
    """The rows as a relation with typed columns."""
    casts = ", ".join(f"CAST(c{i} AS {c.split(' ', 1)[1]}) AS {c.split(' ', 1)[0]}" for i, c in enumerate(COLUMNS))
    # Each row of its own, so that each value is cast from what was written.
    written = (", ".join(f"{value} AS c{i}" for i, value in enumerate(split(row))) for row in rows)
    return "(" + " UNION ALL ".join(f"SELECT {casts} FROM (SELECT {values})" for values in written) + ")"


def split(row):
    """Values at commas outside of parentheses and quotes."""
    out, depth, quoted, current = [], 0, False, ""
    for symbol in row:
        quoted ^= symbol == "'"
        depth += (symbol == "(") - (symbol == ")")
        if symbol == "," and depth == 0 and not quoted:
            out.append(current.strip())
            current = ""
        else:
            current += symbol
    return [*out, current.strip()]


def make(kind, depth, rng):
    """A random expression of a kind."""
    templates = GRAMMAR[kind]
    template = rng.choice(templates[:2] if depth <= 0 else templates)
    return fill(template, depth - 1, rng)


def fill(template, depth, rng):
    """A template with random parts in its gaps."""
    if template in CONSTANTS:
        return rng.choice(CONSTANTS[template])
    out, at = "", 0
    while at < len(template):
        rest = template[at:]
        if rest.startswith(("{{", "}}")):
            out, at = out + rest[0], at + 2
        elif rest[0] == "{":
            end = rest.index("}")
            out, at = out + make(rest[1:end], depth, rng), at + end + 1
        elif rest[0] == "I" and (at == 0 or not template[at - 1].isalpha()) and not rest[1:2].isalpha():
            out, at = out + rng.choice(CONSTANTS["I"]), at + 1
        else:
            out, at = out + rest[0], at + 1
    return out


def spark_answer(spark, query):
    """Spark's rows as text, or the name of its error."""
    try:
        return [["" if v is None else f"'{v}'" for v in row] for row in spark.sql(query).collect()]
    except Exception as error:  # noqa: BLE001 any failure is an answer
        return "error:" + condition_of(error).split(".")[0]


def our_answer(binary, project, query):
    """Our rows as text, or the name of our error."""
    done = subprocess.run([binary, "sql", "--project", project, "--mode", "json", "-c", query], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        name = done.stderr.partition("error[")[2].partition("]")[0]
        return "error:" + (name.split(".")[0] or done.stderr.strip()[:200])
    return [["" if v is None else f"'{v}'" for v in row.values()] for row in json.loads(done.stdout)]


def main():
    """Compares COUNT random expressions."""
    binary = sys.argv[1]
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    spark = session()
    relations = [("ordinary", table(ORDINARY)), ("extreme", table(EXTREME))]
    seen = {}
    with tempfile.TemporaryDirectory() as project:
        with open(f"{project}/p.sql", "w", encoding="utf-8") as file:
            file.write("CREATE MATERIALIZED VIEW p AS SELECT 1 AS a;\n")
        for _ in range(count):
            if rng.random() < 0.2:
                expression = fill(rng.choice(AGGREGATES), 1, rng)
                aggregate = True
            else:
                expression = make(rng.choice(list(GRAMMAR)), rng.choice([1, 1, 2, 3]), rng)
                aggregate = False
            for name, relation in relations:
                query = f"SELECT CAST({expression} AS STRING) AS v FROM {relation} AS r" + ("" if aggregate else " ORDER BY id")
                theirs, ours = spark_answer(spark, query), our_answer(binary, project, query)
                if isinstance(theirs, str) and isinstance(ours, str):
                    kind = "" if theirs == ours else f"{theirs} / {ours}"
                elif isinstance(ours, str):
                    kind = f"refused {ours}"
                elif isinstance(theirs, str):
                    kind = f"ACCEPTED {theirs}"
                else:
                    kind = "" if theirs == ours else "VALUES"
                if kind:
                    seen[kind] = seen.get(kind, 0) + 1
                    print(f"{kind}\t{name}\t{expression}")
                    if kind.startswith(("VALUES", "ACCEPTED")):
                        print(f"\tspark {theirs}\n\tours  {ours}")
    print(seen)


if __name__ == "__main__":
    main()
