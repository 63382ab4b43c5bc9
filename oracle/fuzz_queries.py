#!/usr/bin/env python3
"""Random queries through Spark and through our binary: prints those whose answers differ, made as small as they stay different.

`fuzz_queries.py [--keep] [--stored] BINARY [SEED [COUNT [SECONDS]]]`. Joins, groupings (ROLLUP, CUBE, sets), windows with frames, set operations, subqueries
and CTEs over two small tables with NULLs, NaN, signed zeros, decimals and duplicates. Rows are compared as text, in any order. `--keep` appends
what differs in its answer to tests/oracle/query/fuzzed.in. Then it is mended, refused, or listed in docs/compatibility.md. `--stored` lets
an update write the tables first, small ones and larger ones, so that queries read Delta tables, with their statistics. Ends with 1 if anything
differs that `listed.py` does not know.
"""

import copy
import random
import re
import subprocess
import sys
import tempfile
import time

from fuzz import is_wrong, keep, our_answer, spark_answer
from listed import is_listed
from oracle import session

COLUMNS = {
    "a": {"k": "INT", "g": "STRING", "v": "DOUBLE", "n": "DECIMAL(8,2)", "d": "DATE", "t": "TIMESTAMP", "b": "BOOLEAN"},
    "z": {"k": "BIGINT", "g": "STRING", "v": "FLOAT", "n": "DECIMAL(12,4)", "d": "DATE", "w": "SMALLINT"},
}
VALUES = {
    "INT": ["1", "2", "3", "2", "-1", "0", "NULL", "2147483647"], "BIGINT": ["1", "2", "2", "5", "NULL", "-1"], "SMALLINT": ["1", "7", "NULL", "7"],
    "STRING": ["'a'", "'b'", "'B'", "''", "NULL", "'a'", "'12'"],
    "DOUBLE": ["1.5", "double('NaN')", "-0.0D", "0.0D", "double('Infinity')", "double('-Infinity')", "NULL", "1.5", "2"],
    "FLOAT": ["1.5", "float('NaN')", "-0.0D", "0", "NULL", "0.1", "2"],
    "DECIMAL(8,2)": ["1.10", "2.25", "-3.33", "NULL", "999999.99", "0", "1.10"], "DECIMAL(12,4)": ["1.1000", "2.2500", "0.0001", "NULL"],
    "DATE": ["'2024-02-29'", "'2024-03-01'", "'2023-12-31'", "NULL", "'2024-03-31'"],
    "TIMESTAMP": ["'2024-03-31 00:30:00'", "'2024-03-31 01:30:00'", "'2024-10-27 00:30:00.5'", "NULL"], "BOOLEAN": ["true", "false", "NULL"],
}
AGGREGATES = ["count(*)", "count({x})", "count(DISTINCT {x})", "min({x})", "max({x})", "sum({num})", "avg({num})", "sum(DISTINCT {num})", "avg({n})", "max(struct({x}, {y}))",
              "bool_or({bool})", "count({x}) FILTER (WHERE {bool})", "sum({num}) FILTER (WHERE {bool})", "stddev({k})", "sum({k}) + count(*)", "min({g}) || 'x'", "count_if({bool})",
              "sort_array(collect_list({g}))", "sort_array(collect_set({k}))", "max({n}) - min({n})", "avg({v})", "median({k})"]
# Any of these may hold DISTINCT, FILTER, or both.
OF_ONE = ["count", "sum", "avg", "min", "max", "try_sum", "try_avg", "stddev", "stddev_pop", "variance", "var_pop", "skewness", "kurtosis", "bit_and", "bit_or", "bit_xor", "median"]
OF_MORE = ["corr({q}{k}, {v})", "covar_pop({q}{k}, {v})", "covar_samp({q}{k}, {n})", "regr_slope({q}{k}, {v})", "regr_r2({q}{v}, {k})", "regr_count({q}{k}, {n})", "count({q}{g}, {k})", "count({q}{d})",
           "sort_array(collect_list({q}{k}))", "sort_array(array_agg({q}{g}))", "percentile({q}{k}, 0.3)", "percentile({q}{v}, array(0.25, 0.75))", "percentile_approx({q}{k}, 0.5)", "approx_percentile({q}{n}, array(0.1, 0.9))",
           "listagg({q}{g}, ',') WITHIN GROUP (ORDER BY {g})", "string_agg({q}{g}) WITHIN GROUP (ORDER BY {g} DESC)", "bool_and({q}{v} > 1)", "every({q}{n} > 1)", "approx_count_distinct({k})", "count_if({q}{k} > 1)",
           "percentile_cont(0.4) WITHIN GROUP (ORDER BY {k})", "percentile_disc(0.4) WITHIN GROUP (ORDER BY {n} DESC)", "max_by({g}, struct({all}))", "min_by({k}, struct({all}))", "sum({q}{k} + 1)", "sum({q}abs({k}))", "max({q}{g} || 'x')"]
WINDOWS = ["row_number() OVER ({p} ORDER BY {all})", "rank() OVER ({p} ORDER BY {x})", "dense_rank() OVER ({p} ORDER BY {x} DESC)", "sum({num}) OVER ({p})", "count(*) OVER ({p} ORDER BY {x})",
           "lag({g}) OVER ({p} ORDER BY {all})", "lead({k}, 2, -9) OVER ({p} ORDER BY {all})", "first_value({g}) OVER ({p} ORDER BY {all})", "max({x}) OVER ({p})", "min({v}) OVER ({p} ORDER BY {all} ROWS 1 PRECEDING)",
           "sum({n}) OVER ({p} ORDER BY {all} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)", "avg({n}) OVER ({p} ORDER BY {all} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)", "count(*) OVER (ORDER BY {k} RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
           "count(*) OVER ({p} ORDER BY {v} RANGE BETWEEN 0.5D PRECEDING AND CURRENT ROW)", "count(*) OVER (ORDER BY {d} RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW)", "ntile(2) OVER ({p} ORDER BY {all})",
           "last_value({g}) IGNORE NULLS OVER ({p} ORDER BY {all} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", "percent_rank() OVER ({p} ORDER BY {x})", "cume_dist() OVER ({p} ORDER BY {x} NULLS LAST)",
           "count(*) OVER ({p} ORDER BY {d} DESC RANGE BETWEEN INTERVAL 1 MONTH PRECEDING AND CURRENT ROW)", "max({k}) OVER ({p} ORDER BY {all} ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)"]
FRAMES = ["{p}", "{p} ORDER BY {all}", "{p} ORDER BY {x}", "{p} ORDER BY {all} ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "{p} ORDER BY {all} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "{p} ORDER BY {all} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
          "{p} ORDER BY {k} RANGE BETWEEN 1 PRECEDING AND CURRENT ROW", "{p} ORDER BY {all} DESC ROWS 1 PRECEDING", "{p} ORDER BY {x} RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"]
SCALARS = ["{x}", "{x}", "{k} + 1", "coalesce({g}, '-')", "{n} * 2", "upper({g})", "CASE WHEN {bool} THEN {k} END", "{v} / 2", "abs({n})", "year({d})", "{k} % 2", "{n} + {k}", "{d} + INTERVAL 1 MONTH", "if({bool}, {g}, NULL)"]
CONDITIONS = ["{k} > 1", "{g} = 'a'", "{v} > 1", "{n} IS NOT NULL", "{x} IS NULL", "{k} IN (1, 2, NULL)", "{g} LIKE 'a%'", "{v} = 0", "{d} >= DATE'2024-01-01'", "NOT ({k} = 2)", "{n} BETWEEN 0 AND 2", "{v} <=> double('NaN')", "{k} = {n}", "{v} < {k}",
              # What statistics of files may answer.
              "{d} BETWEEN DATE'2024-01-01' AND DATE'2024-03-01'", "{d} = '2024-03-01'", "year({d}) = 2024", "{g} >= 'a'", "{g} IN ('a', 'b', '')", "{g} <> 'a'", "{g} LIKE '%a'", "{n} = 1.1", "{n} > 1.05", "{n} IN (1.10, 2.25)",
              "{v} <> 1.5", "NOT ({v} > 1)", "{v} IN (1.5, 0, double('NaN'))", "{v} >= double('NaN')", "{v} BETWEEN -1 AND 1.5", "{v} IS NULL", "{k} BETWEEN 1 AND 2", "{k} <=> NULL", "{k} NOT IN (1, 5)", "{k} + 1 > 2", "-{v} < 0", "{d} IS NOT NULL AND {g} IS NULL"]
SUBQUERIES = ["{k} IN (SELECT k FROM z)", "{k} NOT IN (SELECT k FROM z)", "{k} NOT IN (SELECT k FROM z WHERE k IS NOT NULL)", "EXISTS (SELECT 1 FROM z s WHERE s.k = {k})", "NOT EXISTS (SELECT * FROM z s WHERE s.g = {g})",
              "{k} > (SELECT avg(k) FROM z)", "{k} = (SELECT max(s.k) FROM z s WHERE s.g = {g})", "{v} IN (SELECT v FROM z)", "(SELECT count(*) FROM z s WHERE s.k = {k}) > 1"]
STORED = 25
JOINS = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN", "CROSS JOIN"]
ON = ["l.k = r.k", "l.g = r.g", "l.k = r.k AND l.g = r.g", "l.v = r.v", "l.n = r.n", "l.k <=> r.k", "l.k < r.k", "l.k = r.k AND l.n > r.n", "l.d = r.d OR l.k = r.k", "l.g <=> r.g AND l.v > 1"]


def aggregate(rng):
    """An aggregate, perhaps of DISTINCT rows, perhaps with a FILTER."""
    if rng.random() < 0.4:
        return rng.choice(AGGREGATES)
    distinct = "DISTINCT " if rng.random() < 0.5 else ""
    made = f"{rng.choice(OF_ONE)}({distinct}{rng.choice(['{num}', '{k}', '{v}'])})" if rng.random() < 0.5 else rng.choice(OF_MORE).replace("{q}", distinct)
    filtered = rng.random() < 0.15 and not made.startswith("sort_array")
    return made + (" FILTER (WHERE {bool})" if filtered else "")


def window(rng):
    """A window function, or an aggregate over a frame."""
    if rng.random() < 0.6:
        return rng.choice(WINDOWS)
    made = f"{rng.choice(OF_ONE)}({rng.choice(['{num}', '{k}', '{v}'])})" if rng.random() < 0.6 else rng.choice(OF_MORE[:17]).replace("{q}", "")
    if made.startswith(("sort_array", "listagg", "string_agg")):
        return rng.choice(WINDOWS)
    return f"{made} OVER ({rng.choice(FRAMES)})"


def table(name, rng, count=None):
    """A table with rows of its own."""
    columns = COLUMNS[name]
    rows = ", ".join("(" + ", ".join(rng.choice(VALUES[kind]) for kind in columns.values()) + ")" for _ in range(count or rng.randint(2, 7)))
    casts = ", ".join(f"CAST(c{i} AS {kind}) AS {column}" for i, (column, kind) in enumerate(columns.items()))
    names = ", ".join(f"c{i}" for i in range(len(columns)))
    return f"{name} AS (SELECT {casts} FROM VALUES {rows} AS t({names}))"


def fill(template, sides, rng):
    """A template with columns of the sides in force."""
    alias = rng.choice(sides)
    columns = COLUMNS["a" if alias == "l" else "z"]
    # An order of all columns leaves no ties, but between rows that are equal.
    out = template.replace("{all}", ", ".join(f"{side}.{c}" for side in sides for c in COLUMNS["a" if side == "l" else "z"]))
    out = out.replace("{p}", rng.choice(["", f"PARTITION BY {alias}.g", f"PARTITION BY {alias}.k", f"PARTITION BY {alias}.v"]))
    while "{bool}" in out:
        out = out.replace("{bool}", rng.choice(CONDITIONS), 1)
    for gap in ("{x}", "{y}"):
        while gap in out:
            out = out.replace(gap, f"{alias}.{rng.choice(list(columns))}", 1)
    while "{num}" in out:
        out = out.replace("{num}", f"{alias}.{rng.choice(['k', 'v', 'n'])}", 1)
    for column in ("k", "g", "v", "n", "d"):
        out = out.replace("{" + column + "}", f"{alias}.{column}")
    return out


def select(rng, width):
    """A random SELECT as its parts."""
    sides, join = ["l"], None
    if rng.random() < 0.5:
        kind = rng.choice(JOINS)
        join = (kind, "" if kind == "CROSS JOIN" else rng.choice(ON))
        sides = ["l"] if "SEMI" in kind or "ANTI" in kind else ["l", "r"]
    made = {"join": join, "where": [], "group": None, "having": [], "distinct": False, "qualify": None}
    if rng.random() < 0.4:
        made["where"] = [fill(rng.choice(CONDITIONS + SUBQUERIES), sides, rng) for _ in range(rng.randint(1, 2))]
    shape = rng.random()
    if shape < 0.45:
        keys = [fill(rng.choice(["{x}", "{x}", "{k} % 2", "coalesce({g}, '-')"]), sides, rng) for _ in range(rng.randint(0, 2))]
        form = rng.choice(["{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())"]) if keys else None
        made["group"] = (form, keys)
        items = keys + [fill(aggregate(rng), sides, rng) for _ in range(max(1, width - len(keys)))]
        if form and "{}" != form and rng.random() < 0.5:
            items[-1] = f"grouping({keys[0]})"
        if rng.random() < 0.25:
            made["having"] = [fill(rng.choice(["count(*) > 1", "max({k}) > 1", "sum({num}) IS NOT NULL"]), sides, rng)]
    elif shape < 0.7:
        items = [fill(rng.choice(SCALARS), sides, rng), *(fill(window(rng), sides, rng) for _ in range(max(1, width - 1)))]
    else:
        items = [fill(rng.choice(SCALARS), sides, rng) for _ in range(width)]
        made["distinct"] = rng.random() < 0.3
    made["items"] = items[:width] if len(items) >= width else items + ["1"] * (width - len(items))
    return made


def text(made):
    """A SELECT as SQL; columns c0, c1, …"""
    items = ", ".join(f"{item} AS c{i}" for i, item in enumerate(made["items"]))
    out = f"SELECT {'DISTINCT ' if made['distinct'] else ''}{items} FROM a l"
    if made["join"]:
        kind, on = made["join"]
        out += f" {kind} z r" + (f" ON {on}" if on else "")
    if made["where"]:
        out += " WHERE " + " AND ".join(made["where"])
    if made["group"] and made["group"][1]:
        out += " GROUP BY " + made["group"][0].replace("{}", ", ".join(made["group"][1]))
    if made["having"]:
        out += " HAVING " + " AND ".join(made["having"])
    return out


def apart(query):
    """A query whose tables share no names: columns of `z` begin with one. Filters of joins reach its files only so."""
    query = re.sub(r"\b([rs])\.([kgvndw])\b", r"\1.z\2", query)
    query = re.sub(r"\(SELECT (avg\()?([kv])(\)?) FROM z\b", r"(SELECT \1z\2\3 FROM z", query)
    return query.replace("WHERE k IS NOT NULL)", "WHERE zk IS NOT NULL)")


def whole(tables, parts):
    """The whole query, every column as text."""
    written = text_of(tables, parts)
    return apart(written) if "zk" in tables[1] else written


def text_of(tables, parts):
    """As `whole`, columns named as in [`COLUMNS`]."""
    body = " ".join((f"{operator} " if operator else "") + (f"({text(made)})" if len(parts) > 1 else text(made)) for operator, made in parts)
    columns = ", ".join(f"CAST(c{i} AS STRING) AS c{i}" for i in range(len(parts[0][1]["items"])))
    return f"WITH {', '.join(tables)} SELECT {columns} FROM ({body})"


def smaller(parts):
    """Queries with one thing less."""
    if len(parts) > 1:
        for at in range(len(parts)):
            rest = [part for i, part in enumerate(parts) if i != at]
            yield [(None, rest[0][1]), *rest[1:]]
    for at, (operator, made) in enumerate(parts):
        changes = [("where", []), ("having", []), ("distinct", False), ("join", None)]
        for key, value in changes:
            if made[key] != value:
                less = copy.deepcopy(parts)
                less[at][1][key] = value
                yield less
        if len(parts) == 1 and len(made["items"]) > 1:
            for item in range(len(made["items"])):
                less = copy.deepcopy(parts)
                less[at][1]["items"].pop(item)
                yield less


def plain(rows):
    """Rows in one order; of equal zeros any sign may stay. Over stored tables the order of rows, and with it the last digits, is anyone's."""
    def settled(cell):
        if "--stored" in sys.argv and re.fullmatch(r"'-?\d+\.\d+(E-?\d+)?'", cell):
            return f"'{float(cell[1:-1]) + 0:.10g}'"
        return cell.replace("-0.0'", "0.0'")

    return sorted([settled(cell) for cell in row] for row in rows)


def difference(spark, binary, project, query):
    """What differs, empty if nothing does."""
    theirs, ours = spark_answer(spark, query), our_answer(binary, project, query)
    if isinstance(theirs, list) and isinstance(ours, list):
        return "" if plain(theirs) == plain(ours) else "VALUES", theirs, ours
    if isinstance(theirs, str) and isinstance(ours, str):
        return "" if theirs == ours else f"{theirs} / {ours}", theirs, ours
    return (f"refused {ours}" if isinstance(ours, str) else f"ACCEPTED {theirs}"), theirs, ours


def stored(spark, binary, project, rng):
    """Pairs of tables that an update has written, the same for Spark; each as what a query calls `a` and `z`, and its statements.

    Some are one file, others several that their flows add, so that statistics tell files apart; some are partitioned.
    """
    pairs, statements = [], []
    for number in range(STORED):
        pair, shown = [], ""
        for name, columns in COLUMNS.items():
            parts = [table(name, rng, rng.choice([1, 3, 5, 20])).partition(" AS ")[2][1:-1] for _ in range(rng.choice([1, 1, 3, 4]))]
            first = "z" if name == "z" and number % 2 else ""
            parts = [re.sub(r" AS ([kgvndw])\b", rf" AS {first}\1", part) for part in parts]
            # Not by text: an empty one becomes NULL, as Delta says.
            by = f" PARTITIONED BY ({first}{rng.choice([c for c in columns if c != 'g'])})" if rng.random() < 0.4 else ""
            made = f"CREATE STREAMING TABLE {name}{number}{by};\n"
            made += "".join(f"CREATE FLOW {name}{number}_{i} AS INSERT INTO ONCE {name}{number} BY NAME {part};\n" for i, part in enumerate(parts))
            spark.sql(f"CREATE OR REPLACE TEMP VIEW {name}{number} AS {' UNION ALL '.join(parts)}")
            pair.append(f"{name} AS (SELECT {', '.join(first + c for c in columns)} FROM {name}{number})")
            statements.append(made)
            shown += made
        pairs.append((pair, shown))
    with open(f"{project}/p.sql", "w", encoding="utf-8") as file:
        file.writelines(statements)
    subprocess.run([binary, "run", "--quiet", "--project", project], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return pairs


def main():
    """Compares COUNT random queries, for at most SECONDS."""
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    binary = arguments[0]
    rng = random.Random(int(arguments[1]) if len(arguments) > 1 else 1)
    count = int(arguments[2]) if len(arguments) > 2 else 300
    end = time.monotonic() + (float(arguments[3]) if len(arguments) > 3 else 1e9)
    spark, seen, made, unlisted = session(), {}, 0, 0
    with tempfile.TemporaryDirectory() as project:
        with open(f"{project}/p.sql", "w", encoding="utf-8") as file:
            file.write("CREATE MATERIALIZED VIEW p AS SELECT 1 AS a;\n")
        pairs = stored(spark, binary, project, rng) if "--stored" in sys.argv else []
        while made < count and time.monotonic() < end:
            made += 1
            tables, shown = rng.choice(pairs) if pairs else ([table("a", rng), table("z", rng)], "")
            width = rng.randint(1, 3)
            parts = [(None, select(rng, width))]
            if rng.random() < 0.15:
                operator = rng.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"])
                parts.append((operator, select(rng, width)))
            kind, *answers = difference(spark, binary, project, whole(tables, parts))
            if not kind:
                continue
            for _ in range(8):
                less = next((less for less in smaller(parts) if difference(spark, binary, project, whole(tables, less))[0] == kind), None)
                if less is None:
                    break
                parts = less
            kind, *answers = difference(spark, binary, project, whole(tables, parts))
            seen[kind] = seen.get(kind, 0) + 1
            known = is_listed(whole(tables, parts), *answers)
            unlisted += not known
            print(f"{'listed' if known else 'NEW'} {kind}\t{whole(tables, parts)}\n\tspark {answers[0]}\n\tours  {answers[1]}", flush=True)
            print(shown, end="", flush=True)
            if "--keep" in sys.argv and not pairs and is_wrong(kind):
                keep("query", whole(tables, parts))
    print(made, "queries,", unlisted, "new differences", seen)
    sys.exit(1 if unlisted else 0)


if __name__ == "__main__":
    main()
