#!/usr/bin/env python3
"""Random expressions through Spark and through our binary: prints those whose answers differ.

`fuzz.py [--keep] BINARY [SEED [COUNT [SECONDS]]]`. Each expression is computed over a table of ordinary rows and over one of
extremes (NULL, NaN, signed zeros, limits of types, first and last dates, hours that a change of time zone doubles or leaves out)
and compared as text. What differs in its answer is made as small as still differs and printed with a line that shows it over
the columns and the row that it needs; `--keep` appends that line to tests/oracle/functions/fuzzed.in. Then it is mended,
refused, or listed in docs/compatibility.md. What is listed is told from the rest by `listed.py`; ends with 1 if anything else differs.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
import time

from listed import is_listed, is_loud
from oracle import ROOT, condition_of, session

COLUMNS = ["id INT", "i INT", "l BIGINT", "d DOUBLE", "f FLOAT", "n DECIMAL(10,2)", "m DECIMAL(38,10)", "t STRING", "u STRING",
           "b BOOLEAN", "dt DATE", "ts TIMESTAMP", "a ARRAY<INT>", "da ARRAY<DOUBLE>", "s STRUCT<x: INT, y: STRING>", "mp MAP<STRING, INT>",
           "ss ARRAY<STRUCT<k: STRING, v: DECIMAL(8,2)>>"]
ORDINARY = [
    "1, 1, 10, 1.5, 0.5, 1.25, 3.5, 'abc', '12', true, '2024-02-29', '2024-02-29 12:34:56.789', array(1, 2, 3), array(1.5D, 0.5D), named_struct('x', 1, 'y', 'q'), map('a', 1, 'b', 2), array(named_struct('k', 'a', 'v', 1.5), named_struct('k', 'b', 'v', -2))",
    "2, -7, -3, -2.5, 2.25, -0.05, 100, 'A b,C', ' 7 ', false, '2023-12-31', '2023-12-31 23:59:59', array(3, NULL, 1), array(2D), named_struct('x', -3, 'y', ''), map('a', -1), array(named_struct('k', NULL, 'v', 3))",
    "3, 42, 365, 0.1, 1e3, 99.99, -0.1234567890, '', '0', true, '1999-01-01', '1999-01-01 00:00:00', array(), array(), named_struct('x', 7, 'y', 'abc'), map(), array()",
    "4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    "5, 0, 2, 3.0, -0.75, 7, 0.5, 'äöü😀x', '-1', false, '2024-03-31', '2024-03-31 02:30:00', array(0), array(0D, -1D), named_struct('x', NULL, 'y', NULL), map('12', NULL), array(NULL)",
]
EXTREME = [
    "1, 2147483647, 9223372036854775807, 'NaN', 'NaN', 99999999.99, 9999999999999999999999999999.9999999999, '9999999999', '1.5',"
    " true, '9999-12-31', '9999-12-31 23:59:59.999999', array(2147483647, -2147483648), array(double('NaN'), 1D, double('Infinity')), named_struct('x', 2147483647, 'y', NULL), map('a', 2147483647), array(named_struct('k', 'x', 'v', 999999.99))",
    "2, -2147483648, -9223372036854775808, '-Infinity', '-Infinity', -99999999.99, -9999999999999999999999999999.9999999999,"
    " 'NaN', 'x', false, '0001-01-01', '0001-01-01 00:00:00', NULL, array(-0.0D, 0.0D, NULL), NULL, NULL, NULL",
    "3, 0, 0, -0.0D, -0.0D, 0, 0, ' ', '', NULL, '1970-01-01', '1969-12-31 23:59:59.999999', array(NULL), array(double('-Infinity'), double('NaN'), double('NaN')), named_struct('x', -2147483648, 'y', '9'), map('', 0), array(named_struct('k', '', 'v', NULL))",
    "4, 1, -1, 1e300, 1e38, 0.01, 0.0000000001, '2024-02-30', '1e3', true, '1582-10-15', '1900-01-01 00:00:00', array(1), array(1e308D, 1e308D), named_struct('x', 0, 'y', '1e3'), map('a', NULL, 'b', 1), array(named_struct('k', 'b', 'v', 0), named_struct('k', 'a', 'v', 0))",
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
    "da": ["da", "array({d}, {d})", "transform({a}, x -> x / 2)", "sort_array({da})", "array_sort({da})", "array_distinct({da})", "array_union({da}, {da})", "filter({da}, x -> x < {d})", "reverse({da})", "concat({da}, {da})", "array_except({da}, {da})"],
    "s": ["s", "named_struct('x', {i}, 'y', {t})", "if({b}, {s}, {s})", "coalesce({s}, {s})"],
    "mp": ["mp", "map({t}, {i})", "map_filter({mp}, (k, z) -> z IS NOT NULL)", "transform_values({mp}, (k, z) -> z + {i})", "map_concat({mp}, map('zz', {i}))", "map_from_arrays(array({t}), array({i}))", "coalesce({mp}, map())"],
    "ss": ["ss", "array(named_struct('k', {t}, 'v', CAST(1 AS DECIMAL(8,2))))", "filter({ss}, z -> z.v > 0)", "array_sort({ss}, (y, z) -> CASE WHEN y.k < z.k THEN -1 WHEN y.k > z.k THEN 1 ELSE 0 END)", "reverse({ss})", "sort_array({ss})"],
    "iv": ["INTERVAL 36 HOURS", "INTERVAL '1' DAY", "({ts} - {ts})", "(INTERVAL '1' DAY * {i})", "(INTERVAL '1 02:03:04.5' DAY TO SECOND / {i})", "make_dt_interval({i}, {i}, 1, 1.5)", "-{iv}", "({iv} + {iv})"],
}
MORE = {
    "i": ["size(filter({a}, x -> x > {i}))", "aggregate({a}, 0, (q, x) -> q + coalesce(x, 0))", "{s}.x", "{mp}['a']", "element_at({mp}, {t})", "map_values({mp})[0]", "size({mp})", "size({ss})", "cardinality({da})", "length(CAST({t} AS BINARY))", "extract(WEEK FROM {ts})", "extract(YEAROFWEEK FROM {dt})", "get({a}, I)", "{a}[I]", "regexp_count({t}, '[a-c]')", "regexp_instr({t}, '[0-9]')", "array_size({a})", "~{i}", "shiftright({i}, I)", "shiftrightunsigned({i}, I)", "nvl2({t}, {i}, {i})", "decode({t}, 'a', {i}, {i})", "ifnull({i}, {i})", "datediff({ts}, {dt})", "dayofmonth({ts})", "try_subtract({i}, {i})", "bit_length({t})"],
    "l": ["timestampdiff(DAY, {ts}, {ts})", "timestampdiff(SECOND, {ts}, {ts})", "timestampdiff(WEEK, {ts}, {ts})", "unix_seconds({ts})", "unix_millis({ts})", "aggregate({a}, 0L, (q, x) -> q + x)", "bigint({b})", "try_cast({n} AS BIGINT)", "{l} & {l}", "hash({a})::bigint", "xxhash64({s}, {a})", "xxhash64({mp}['a'], {da})", "hash({s}, {da})::bigint"],
    "d": ["{da}[0]", "array_max({da})", "array_min({da})", "aggregate({da}, 0D, (q, x) -> q + x)", "try_add({d}, {d})", "try_subtract({d}, {d})", "positive({d})", "log1p({d})", "expm1({d})", "tanh({d})", "radians({d})", "pmod({d}, {d})", "nullif({d}, {d})", "double({ts})", "e() * {d}", "({d} / {i})", "({m} / {d})", "ceil({d}, 1)::double", "try_mod({d}, {d})", "({l} / {l})"],
    "n": ["{ss}[0].v", "element_at({ss}.v, 1)", "aggregate({ss}, CAST(0 AS DECIMAL(20,2)), (q, z) -> CAST(q + z.v AS DECIMAL(20,2)))", "try_add({n}, {n})", "try_multiply({m}, {n})", "({m} * {m})", "({m} + {m})", "({m} - {n})", "({n} / {i})", "({l} * {n})", "pmod({n}, {n})", "({m} % {n})", "CAST({l} AS DECIMAL(20,0))", "try_cast({t} AS DECIMAL(38,18))", "round({n}, -1)", "bround({m}, 3)", "least({n}, {m})", "({n} div {n})"],
    "t": ["CAST({s} AS STRING)", "CAST({mp} AS STRING)", "CAST({ss} AS STRING)", "CAST({da} AS STRING)", "to_json({s})", "to_json({mp})", "to_json({ss})", "array_join(transform({a}, x -> concat(x, {t})), '|')", "aggregate({ss}.k, '', (q, z) -> concat(q, z))", "{s}.y", "concat_ws(',', {ss}.k)", "array_join(map_keys({mp}), ',')", "CAST({ts} - {ts} AS STRING)", "CAST({dt} - {dt} AS STRING)", "CAST(INTERVAL 90 MINUTES * {i} AS STRING)", "CAST(INTERVAL 5 MONTHS * {i} AS STRING)", "CAST(INTERVAL '1' DAY + INTERVAL '2' HOUR AS STRING)", "date_format({ts}, 'DDD Q a hh K k SSSSSS')", "date_format({ts}, \"EEEE, d MMMM yyyy 'at' HH\")", "cast(from_json({t}, 'x INT') AS STRING)", "cast(from_json(to_json({s}), 'y STRING, x DOUBLE') AS STRING)", "get_json_object(to_json({ss}), '$[0].k')", "get_json_object(to_json({s}), '$.y')", "to_csv({s})", "luhn_check({t})::string", "lpad({i}, 5, '0')", "char_length({t})::string", "regexp_extract_all({t}, '([a-z])', 1)::string", "regexp_substr({t}, '[0-9]+')", "unhex(hex({t}))::string", "hex(encode({t}, 'UTF-16BE'))", "decode(encode({t}, 'utf-8'), 'utf-8')", "url_encode({t})", "quote({t})", "trim(BOTH 'a' FROM {t})", "overlay({t} PLACING {t} FROM 2)", "CAST(map_filter({mp}, (k, z) -> z > {i}) AS STRING)", "CAST(transform_values({mp}, (k, z) -> concat(k, z)) AS STRING)", "CAST(map_entries({mp}) AS STRING)", "CAST(arrays_zip({a}, {da}) AS STRING)", "to_char({n}, '999,999.99')", "CAST(str_to_map({t}, ',', ' ') AS STRING)", "CAST(named_struct('q', {d}, 'r', {dt}) AS STRING)", "CAST(sort_array({da}) AS STRING)"],
    "b": ["exists({a}, x -> x = {i})", "forall({da}, x -> x >= 0)", "({a} = {a})", "({s} = {s})", "({da} < {da})", "({s} < {s})", "arrays_overlap({a}, {a})", "array_contains({da}, {d})", "map_contains_key({mp}, {t})", "({t} LIKE ANY ('%a%', {t}))", "({t} NOT LIKE ALL ('a%', '%1'))", "({d} BETWEEN {d} AND {d})", "({dt} BETWEEN {dt} AND {ts})", "({t} > {ts})", "({u} <= {n})", "({t} = {b})", "equal_null({d}, {d})", "({ts} - {ts} > INTERVAL 1 DAY)", "({iv} < INTERVAL '2' DAY)", "isnull({s})", "({a} <=> {a})", "({i} IN ({l}, {n}))", "endswith({t}, {t})", "(({d} = {n}) IS TRUE)", "rlike({t}, '^[a-c]+$')", "({s} IN ({s}, {s}))", "bool({t})"],
    "dt": ["date_sub({dt}, {i})", "make_date({i}, {i}, I)", "({ts} + INTERVAL 1 DAY)::date", "greatest({dt}, {ts}::date)", "to_date({t}, 'yyyy-MM-dd')", "try_to_date({t})", "date_from_unix_date({i})", "({dt} + INTERVAL '1' YEAR)", "timestampadd(DAY, {i}, {ts})::date", "element_at(sequence({dt}, {dt} + INTERVAL 3 MONTH, INTERVAL 1 MONTH), 2)", "nullif({dt}, {dt})"],
    "ts": ["from_utc_timestamp({ts}, 'Europe/Vienna')", "to_utc_timestamp({ts}, 'Europe/Vienna')", "from_utc_timestamp({ts}, '+05:30')", "to_utc_timestamp({ts}, 'Australia/Lord_Howe')", "({ts} + {iv})", "({dt} + {iv})", "({ts} + INTERVAL '1-2' YEAR TO MONTH)", "date_trunc('QUARTER', {ts})", "date_trunc('DAY', {ts})", "date_trunc('MILLISECOND', {ts})", "timestampadd(QUARTER, {i}, {ts})", "timestampadd(HOUR, {l}::int, {ts})", "greatest({ts}, {dt})", "timestamp_micros({l})", "to_timestamp({t}, 'yyyy-MM-dd HH:mm:ss')", "try_to_timestamp({t})", "convert_timezone('Europe/Vienna', 'America/New_York', {ts})", "least({ts}, {ts})", "try_make_timestamp({i}, {i}, 1, 0, 0, 0)"],
    "a": ["transform({a}, x -> x + {i})", "transform({a}, (x, j) -> x * j)", "filter({a}, x -> x IS NOT NULL)", "zip_with({a}, {a}, (x, y) -> coalesce(x, y))", "array_sort({a}, (x, y) -> CASE WHEN x > y THEN -1 WHEN x < y THEN 1 ELSE 0 END)", "map_values({mp})", "array_prepend({a}, {i})", "array_insert({a}, 2, {i})", "transform({da}, x -> try_cast(x AS INT))", "array_distinct(transform({a}, x -> x % 2))", "if({b}, {a}, {a})", "coalesce({a}, {a})", "transform({ss}, z -> length(z.k))", "try_cast({da} AS ARRAY<INT>)"],
}
for _kind, _templates in MORE.items():
    GRAMMAR[_kind] += _templates
CONSTANTS = {
    "I": ["0", "1", "2", "3", "-1", "-2", "NULL"], "L": ["0L", "5L", "-9L", "100000000000"], "D": ["0D", "1.5D", "-2.5D", "1e10", "0.5D"], "N": ["0.5", "2.00", "-1.25", "1000.001"],
    "T": ["'a'", "'b'", "''", "' x'", "'12'", "'2024-05-06'", "'1.5'"], "DT": ["DATE'2024-01-31'", "DATE'2023-03-01'"], "TS": ["TIMESTAMP'2024-01-31 10:20:30.5'", "TIMESTAMP'2020-06-15 00:00:00'", "TIMESTAMP'2024-03-31 01:30:00'", "TIMESTAMP'2024-03-31 02:30:00'", "TIMESTAMP'2024-10-27 02:30:00'", "TIMESTAMP'2024-10-27 00:30:00'", "TIMESTAMP'1900-01-01 00:00:00'"],
}
# Aggregates of which Spark may give another row's value each time (`first`, `listagg` without an order) are left out.
AGGREGATES = ["sum({i})", "sum({d})", "sum({n})", "avg({i})", "avg({d})", "avg({n})", "min({t})", "max({d})", "min({d})", "count({t})", "count(DISTINCT {d})", "count(DISTINCT {i})", "stddev({i})", "variance({d})", "max_by({t}, {i})",
              "min_by({i}, {d})", "median({i})", "percentile({d}, 0.3)", "percentile_approx({i}, 0.5)", "bool_or({b})", "bool_and({b})", "array_sort(collect_set({i}))", "array_sort(collect_list({t}))", "sum(DISTINCT {i})", "count_if({b})", "skewness({d})",
              "max({ts})", "min({dt})", "mode({b})", "approx_count_distinct({t})", "sum({l})", "avg({l})", "max({a})", "min({n})", "corr({d}, {i})", "array_sort(array_agg({d}))", "bit_or({i})", "kurtosis({i})",
              "percentile_approx({d}, array(0.1, 0.9))", "regr_slope({d}, {i})", "sum({u})", "max({b})", "max({s})", "min({a})", "max({da})", "sum({m})", "avg({m})", "max_by({s}, {d})", "array_sort(collect_list({s}))", "sum(size(filter({a}, x -> x > 0)))",
              "try_sum({i})", "try_avg({n})", "count(DISTINCT {t}, {i})", "sum(DISTINCT {d})", "percentile_approx({n}, 0.5)", "covar_samp({d}, {i})", "stddev_pop({n})", "bit_xor({l})", "regr_r2({d}, {i})", "max({iv})", "every({b})",
              "min_by({t}, {n})", "sum({i}) FILTER (WHERE {b})", "percentile({n}, array(0.2, 0.9))", "median({d})", "mode({i})", "var_pop({d})", "array_sort(collect_set({d}))"]


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


class Node:
    """An expression as a template and what fills its gaps, so that it can be made smaller."""

    def __init__(self, kind, parts):
        self.kind = kind
        self.parts = parts

    def __str__(self):
        return "".join(str(part) for part in self.parts)

    def children(self):
        """The places of the parts that are expressions."""
        return [i for i, part in enumerate(self.parts) if isinstance(part, Node)]

    def size(self):
        """How much there is to take away."""
        return len(str(self))


def make(kind, depth, rng):
    """A random expression of a kind."""
    templates = GRAMMAR[kind]
    return fill(kind, rng.choice(templates[:2] if depth <= 0 else templates), depth - 1, rng)


def fill(kind, template, depth, rng):
    """A template with random parts in its gaps."""
    if template in CONSTANTS:
        return Node(kind, [rng.choice(CONSTANTS[template])])
    out, at = [], 0
    while at < len(template):
        rest = template[at:]
        if rest.startswith(("{{", "}}")):
            out, at = [*out, rest[0]], at + 2
        elif rest[0] == "{":
            end = rest.index("}")
            out, at = [*out, make(rest[1:end], depth, rng)], at + end + 1
        elif rest[0] == "I" and (at == 0 or not template[at - 1].isalpha()) and not rest[1:2].isalpha():
            out, at = [*out, rng.choice(CONSTANTS["I"])], at + 1
        else:
            out, at = [*out, rest[0]], at + 1
    return Node(kind, out)


def smaller(node):
    """Forms of an expression with less in it."""
    for child in node.children():
        inner = node.parts[child]
        if inner.kind == node.kind:
            yield inner
        leaf = Node(inner.kind, [GRAMMAR[inner.kind][0]])
        if leaf.size() < inner.size():
            yield Node(node.kind, [*node.parts[:child], leaf, *node.parts[child + 1:]])
        for form in smaller(inner):
            yield Node(node.kind, [*node.parts[:child], form, *node.parts[child + 1:]])


def shrunk(node, differs, tries=40):
    """The smallest form found that still differs."""
    found = True
    while found and tries > 0:
        found = False
        for form in smaller(node):
            tries -= 1
            if form.size() < node.size() and differs(str(form)):
                node, found = form, True
                break
            if tries <= 0:
                break
    return node


# Rules of Spark's optimizer by which a NULL on one side spares the other side.
SHORTENING = ["NullPropagation", "ConstantFolding", "SimplifyExtractValueOps"]


def spark_answer(spark, query):
    """Spark's rows as text, or the name of its error."""
    try:
        return [["" if v is None else f"'{v}'" for v in row] for row in spark.sql(query).collect()]
    except Exception as error:  # noqa: BLE001 any failure is an answer
        return "error:" + condition_of(error).split(".")[0]


def fails_unoptimized(spark, query):
    """Whether Spark itself fails where its optimizer does not take away what one NULL makes needless: such a difference is listed."""
    spark.conf.set("spark.sql.optimizer.excludedRules", ",".join(f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in SHORTENING))
    try:
        return isinstance(spark_answer(spark, query), str)
    finally:
        spark.conf.unset("spark.sql.optimizer.excludedRules")


def answer_over_tables(spark, query):
    """Spark's answer as it is over stored rows: those of VALUES it computes before its optimizer has looked for NULLs."""
    spark.conf.set("spark.sql.optimizer.excludedRules", "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation")
    try:
        return spark_answer(spark, query)
    finally:
        spark.conf.unset("spark.sql.optimizer.excludedRules")


def our_answer(binary, project, query):
    """Our rows as text, or the name of our error."""
    done = subprocess.run([binary, "sql", "--project", project, "--mode", "json", "-c", query], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        name = done.stderr.partition("error[")[2].partition("]")[0]
        return "error:" + (name.split(".")[0] or done.stderr.strip()[:200])
    return [["" if v is None else f"'{v}'" for v in row.values()] for row in json.loads(done.stdout)]


def kind_of(theirs, ours):
    """How two answers differ, empty if they do not."""
    if isinstance(theirs, str) and isinstance(ours, str):
        return "" if theirs == ours else f"{theirs} / {ours}"
    if isinstance(ours, str):
        return f"refused {ours}"
    if isinstance(theirs, str):
        return f"ACCEPTED {theirs}"
    return "" if theirs == ours else "VALUES"


def line_of(expression, rows, theirs, ours):
    """The difference as one line of a list: the columns that it names, and the first row that differs (an aggregate needs all)."""
    names = [c.split(" ", 1) for c in COLUMNS]
    used = [i for i, (name, _) in enumerate(names) if re.search(rf"(?<![\w'.]){name}\b(?!\()", expression)] or [0]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(rows):
        rows = [row for row, t, o in zip(rows, theirs, ours) if t != o][:1] or rows[:1]
    elif isinstance(theirs, list) and len(theirs) == len(rows):
        rows = rows[:1]
    values = [[split(row)[i] for i in used] for row in rows]
    one = (", ".join(f"CAST({v} AS {names[i][1]}) AS {names[i][0]}" for i, v in zip(used, row)) for row in values)
    return f"SELECT {expression} AS v FROM (" + " UNION ALL ".join(f"SELECT {row}" for row in one) + ")"


def is_wrong(kind):
    """Whether a difference is one of answers, and not something that we refuse by name."""
    return kind.startswith(("VALUES", "ACCEPTED")) or "QUERY_EXECUTION" in kind


def keep(folder, line):
    """Appends a line to the folder's list of differences found, which it begins if there is none."""
    path = ROOT / folder / "fuzzed.in"
    known = path.read_text(encoding="utf-8") if path.exists() else f"# Found by random {folder}, made as small as they stayed different."
    if line not in known.splitlines():
        path.write_text(known.rstrip("\n") + "\n" + line + "\n", encoding="utf-8")


def main():
    """Compares COUNT random expressions, for at most SECONDS."""
    arguments = [a for a in sys.argv[1:] if a != "--keep"]
    binary = arguments[0]
    rng = random.Random(int(arguments[1]) if len(arguments) > 1 else 1)
    count = int(arguments[2]) if len(arguments) > 2 else 300
    end = time.monotonic() + (float(arguments[3]) if len(arguments) > 3 else 1e9)
    spark = session()
    relations = [("ordinary", ORDINARY, table(ORDINARY)), ("extreme", EXTREME, table(EXTREME))]
    seen, made, unlisted = {}, 0, 0
    with tempfile.TemporaryDirectory() as project:
        with open(f"{project}/p.sql", "w", encoding="utf-8") as file:
            file.write("CREATE MATERIALIZED VIEW p AS SELECT 1 AS a;\n")
        while made < count and time.monotonic() < end:
            made += 1
            aggregate = rng.random() < 0.2
            if aggregate:
                node = fill("aggregate", rng.choice(AGGREGATES), 1, rng)
            else:
                # An interval has no text here: it stands inside of others only.
                node = make(rng.choice([kind for kind in GRAMMAR if kind != "iv"]), rng.choice([1, 1, 2, 3]), rng)
            for name, rows, relation in relations:
                def asked(expression):
                    return f"SELECT CAST({expression} AS STRING) AS v FROM {relation} AS r" + ("" if aggregate else " ORDER BY id")

                def compared(expression):
                    return spark_answer(spark, asked(expression)), our_answer(binary, project, asked(expression))

                theirs, ours = compared(node)
                kind = kind_of(theirs, ours)
                if not kind:
                    continue
                wrong = is_wrong(kind)
                if wrong:
                    node = shrunk(node, lambda form: kind_of(*compared(form)) == kind)
                    theirs, ours = compared(node)
                seen[kind] = seen.get(kind, 0) + 1
                known = is_listed(str(node), theirs, ours) or kind.startswith("ACCEPTED") and not kind_of(answer_over_tables(spark, asked(node)), ours)
                unlisted += not known
                word = "loud" if is_loud(theirs, ours) and not fails_unoptimized(spark, asked(node)) else "listed" if known else "NEW"
                print(f"{word} {kind}\t{name}\t{node}")
                if wrong:
                    line = line_of(str(node), rows, theirs, ours)
                    print(f"\tspark {theirs}\n\tours  {ours}\n\tline  {line}")
                    if "--keep" in sys.argv:
                        keep("functions", line)
                sys.stdout.flush()
                break
    print(made, "expressions,", unlisted, "new differences", seen)
    sys.exit(1 if unlisted else 0)


if __name__ == "__main__":
    main()
