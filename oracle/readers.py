#!/usr/bin/env python3
"""Asks PySpark's file readers what they make of small files, sound and broken, and writes files and answers as data.

`tests/oracle/readers/<format>.jsonl` has one case per line: name, options, schema (null: inferred), the bytes of each
file (one character per byte; Parquet in hexadecimal digits), and what Spark answers: its columns and its rows cast to STRING, or
the condition of its error. `crates/source/tests/it/readers.rs` reads the same files with our readers.
"""

import json
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from oracle import ROOT, session  # noqa: E402

from py4j.protocol import Py4JError  # noqa: E402
from pyspark.errors import PySparkException  # noqa: E402

HOME = ROOT / "readers"
WORK = Path("target/oracle-readers")
AB = "a INT, b STRING"
ABC = "a INT, b STRING, _corrupt_record STRING"
DROP, FAIL = {"mode": "DROPMALFORMED"}, {"mode": "FAILFAST"}
MULTI, HEADER = {"multiLine": "true"}, {"header": "true"}


def one(data):
    """A case with one file."""
    return [data.encode() if isinstance(data, str) else data]


BROKEN = '{"a":1,"b":"x"}\n{"a":2,"b":\n{"a":3,"b":"z"}\n'
WRONG = '{"a":1,"b":"x"}\n{"a":"two","b":"y"}\n{"a":3,"b":4}\n'
TYPES = (
    "i INT, l BIGINT, f FLOAT, d DOUBLE, c DECIMAL(6,2), b BOOLEAN, s STRING, x BINARY, day DATE, t TIMESTAMP, "
    "n TIMESTAMP_NTZ, y TINYINT, h SMALLINT"
)

JSON = [
    ("lines", {}, AB, one('{"a":1,"b":"x"}\n{"b":"y","a":2}\n{"a":null}\n{}\n')),
    ("no_last_line_end", {}, AB, one('{"a":1,"b":"x"}\n{"a":2,"b":"y"}')),
    ("windows_line_ends", {}, AB, one('{"a":1,"b":"x"}\r\n\r\n{"a":2,"b":"y"}\r\n')),
    ("blank_lines", {}, ABC, one('\n   \n{"a":1,"b":"x"}\n\t\n')),
    ("broken_permissive", {}, ABC, one(BROKEN)),
    ("broken_without_column", {}, AB, one(BROKEN)),
    ("broken_dropped", DROP, AB, one(BROKEN)),
    ("broken_failfast", FAIL, AB, one(BROKEN)),
    ("wrong_type_permissive", {}, ABC, one(WRONG)),
    ("wrong_type_dropped", DROP, AB, one(WRONG)),
    ("wrong_type_failfast", FAIL, AB, one(WRONG)),
    ("corrupt_column_named", {"columnNameOfCorruptRecord": "bad"}, "a INT, bad STRING", one('{"a":1}\nnope\n')),
    ("corrupt_column_first", {}, "_corrupt_record STRING, a INT", one('{"a":1}\nnope\n')),
    ("tail_after_record", {}, ABC, one('{"a":1,"b":"x"} trailing\n{"a":2} {"a":3}\n')),
    ("array_on_a_line", {}, ABC, one('[{"a":1},{"a":2,"b":"y"}]\n[]\n[1]\n')),
    ("array_with_broken_tail", {}, ABC, one('[{"a":1},{"a":2,"b":]\n')),
    ("scalars_on_lines", {}, ABC, one('1\n"x"\ntrue\nnull\n{"a":5}\n')),
    ("duplicate_keys", {}, AB, one('{"a":1,"a":2,"b":"x","b":"y"}\n')),
    ("duplicate_key_null_last", {}, AB, one('{"a":1,"a":null}\n')),
    ("names_differ_by_case", {}, AB, one('{"A":1,"B":"x"}\n{"a":1,"B":"x"}\n')),
    ("types", {}, TYPES, one(
        '{"i":1,"l":2,"f":1.5,"d":2.5,"c":12.34,"b":true,"s":"x","x":"YWI=","day":"2026-01-02",'
        '"t":"2026-01-02T03:04:05.678Z","n":"2026-01-02 03:04:05","y":7,"h":8}\n')),
    ("types_out_of_range", {}, TYPES + ", _corrupt_record STRING", one(
        '{"i":2147483648}\n{"l":9223372036854775808}\n{"y":128}\n{"h":-32769}\n{"c":12345.67}\n{"c":1.005}\n{"f":1e39}\n')),
    ("tinyint_limits", {}, "y TINYINT, _corrupt_record STRING", one('{"y":127}\n{"y":255}\n{"y":256}\n{"y":-128}\n{"y":-129}\n')),
    ("smallint_limits", {}, "h SMALLINT, _corrupt_record STRING", one('{"h":32767}\n{"h":32768}\n{"h":65535}\n{"h":-32768}\n')),
    ("types_as_strings", {}, TYPES + ", _corrupt_record STRING", one(
        '{"i":"1"}\n{"l":"2"}\n{"f":"1.5"}\n{"d":"2.5"}\n{"c":"12.34"}\n{"b":"true"}\n{"d":"NaN"}\n{"f":"Infinity"}\n{"d":"-INF"}\n')),
    ("integers_as_reals", {}, "a INT, l BIGINT, _corrupt_record STRING", one('{"a":1.0}\n{"a":1e2}\n{"l":1.5}\n{"l":-0}\n')),
    ("reals_as_integers", {}, "d DOUBLE, f FLOAT, c DECIMAL(5,1)", one('{"d":1,"f":2,"c":3}\n{"d":-0,"f":-0.0,"c":-0}\n')),
    ("huge_numbers", {}, "d DOUBLE, _corrupt_record STRING", one('{"d":1e400}\n{"d":-1e400}\n{"d":1e-400}\n{"d":1234567890123456789012345678901234567890}\n')),
    ("huge_integers_inferred", {}, None, one('{"a":1234567890123456789012345678901234567890,"b":12345678901234567890,"c":99999999999999999999999999999999999999}\n')),
    ("huge_reals_inferred", {}, None, one('{"a":1e400,"b":-0,"c":1E5,"d":0.1}\n')),
    ("string_of_anything", {}, "s STRING", one('{"s":1}\n{"s":1.50}\n{"s":true}\n{"s":{"x": [1, 2.0]}}\n{"s":[1, "a"]}\n{"s":null}\n{"s":1e2}\n')),
    ("nested", {}, "s STRUCT<x: INT, y: ARRAY<INT>>, m MAP<STRING, INT>", one('{"s":{"x":1,"y":[1,null,3]},"m":{"k":1,"n":null}}\n{"s":{},"m":{}}\n{"s":null}\n')),
    ("nested_wrong", {}, "s STRUCT<x: INT, y: ARRAY<INT>>, m MAP<STRING, INT>, _corrupt_record STRING", one(
        '{"s":{"x":"q","y":[1]}}\n{"s":{"x":1,"y":[1,"q"]}}\n{"s":[1]}\n{"m":{"k":"v"}}\n{"m":[1]}\n{"s":{"x":1,"y":{}}}\n')),
    ("dates_and_times", {}, "day DATE, t TIMESTAMP, _corrupt_record STRING", one(
        '{"day":"2026-1-2"}\n{"day":"2026-02-30"}\n{"day":"2026-01-02T00:00:00"}\n{"t":"2026-01-02"}\n{"t":"2026-01-02 03:04"}\n'
        '{"t":"2026-01-02T03:04:05+02:00"}\n{"t":1767322800}\n{"day":20000}\n{"t":""}\n{"day":""}\n')),
    ("date_format", {"dateFormat": "dd.MM.yyyy", "timestampFormat": "dd/MM/yyyy HH:mm"}, "day DATE, t TIMESTAMP, _corrupt_record STRING", one(
        '{"day":"02.01.2026","t":"02/01/2026 03:04"}\n{"day":"2026-01-02"}\n{"t":"2026-01-02 03:04:05"}\n')),
    ("empty_strings", {}, "a INT, d DOUBLE, s STRING, b BOOLEAN, _corrupt_record STRING", one('{"a":""}\n{"d":""}\n{"s":""}\n{"b":""}\n')),
    ("single_quotes", {}, AB, one("{'a':1,'b':'it\\'s'}\n")),
    ("no_single_quotes", {"allowSingleQuotes": "false"}, ABC, one("{'a':1}\n")),
    ("comments", {"allowComments": "true"}, ABC, one('{"a":1 /* one */, "b":"x"} // tail\n')),
    ("no_comments", {}, ABC, one('{"a":1 /* one */}\n')),
    ("unquoted_names", {"allowUnquotedFieldNames": "true"}, AB, one('{a:1,b:"x"}\n')),
    ("no_unquoted_names", {}, ABC, one('{a:1}\n')),
    ("leading_zeros", {"allowNumericLeadingZeros": "true"}, AB, one('{"a":007}\n')),
    ("no_leading_zeros", {}, ABC, one('{"a":007}\n')),
    ("non_numeric", {}, "d DOUBLE, _corrupt_record STRING", one('{"d":NaN}\n{"d":Infinity}\n{"d":-Infinity}\n{"d":+INF}\n{"d":nan}\n')),
    ("no_non_numeric", {"allowNonNumericNumbers": "false"}, "d DOUBLE, _corrupt_record STRING", one('{"d":NaN}\n{"d":"NaN"}\n')),
    ("any_escape", {"allowBackslashEscapingAnyCharacter": "true"}, AB, one('{"b":"a\\$b"}\n')),
    ("no_any_escape", {}, ABC, one('{"b":"a\\$b"}\n')),
    ("control_characters", {"allowUnquotedControlChars": "true"}, AB, one('{"b":"a\tb\x01c"}\n')),
    ("no_control_characters", {}, ABC, one('{"b":"a\tb"}\n{"b":"a\\tb"}\n')),
    ("escapes", {}, "b STRING", one('{"b":"\\u00e9\\n\\"\\\\\\/\\ud83d\\ude00"}\n')),
    ("lone_surrogates", {}, "a INT, b STRING", one('{"a":1,"b":"\\ud83d x"}\n{"a":2,"b":"\\ude00"}\n')),
    ("nul_between_records", {}, ABC, one(b'{"a":1}\n\x00\x00\n{"a":2,"b":"x\x00y"}\n{"a":3}\n')),
    ("byte_order_mark", {}, ABC, one(b'\xef\xbb\xbf{"a":1,"b":"x"}\n{"a":2}\n')),
    ("invalid_utf8_in_string", {}, ABC, one(b'{"a":1,"b":"x"}\n{"a":2,"b":"\xff\xfe"}\n{"a":3}\n')),
    ("invalid_utf8_dropped", DROP, AB, one(b'{"a":1,"b":"x"}\n{"a":2,"b":"\xff"}\n{"a":3}\n')),
    ("invalid_utf8_in_name", {}, ABC, one(b'{"a":1,"\xc3":"x"}\n')),
    ("invalid_utf8_inferred", {}, None, one(b'{"a":1,"b":"x"}\n{"a":2,"b":"\xff\xfe"}\n')),
    ("utf8", {}, "b STRING", one('{"b":"Wärme ☀ 😀"}\n')),
    ("latin1", {"encoding": "ISO-8859-1"}, "b STRING", one('{"b":"Wärme"}\n'.encode("latin-1"))),
    ("line_separator", {"lineSep": "|"}, AB, one('{"a":1,"b":"x"}|{"a":2,"b":"y\\n"}|')),
    ("truncated_record", {}, ABC, one('{"a":1,"b":"x"}\n{"a":2,"b":"y')),
    ("missing_comma", {}, ABC, one('{"a":1 "b":"x"}\n{"a":1,,"b":"x"}\n{"a":1,}\n{,"a":1}\n')),
    ("missing_value", {}, ABC, one('{"a"}\n{"a":}\n{:1}\n{"a":1\n"a":1}\n')),
    ("bad_numbers", {}, ABC, one('{"a":1.}\n{"a":.5}\n{"a":+1}\n{"a":1e}\n{"a":--1}\n{"a":0x10}\n{"a":1_000}\n')),
    ("bad_words", {}, ABC, one('{"b":tru}\n{"b":True}\n{"b":nul}\n{"b":undefined}\n')),
    ("deep", {}, AB, one('{"a":1,"q":' + "[" * 100 + "]" * 100 + "}\n")),
    ("multi_array", MULTI, AB, one('[\n {"a":1,\n  "b":"x"},\n {"a":2}\n]\n')),
    ("multi_object", MULTI, AB, one('{\n "a":1,\n "b":"x"\n}\n')),
    ("multi_two_objects", MULTI, ABC, one('{"a":1}\n{"a":2}\n')),
    ("multi_broken_tail", MULTI, ABC, one('[{"a":1,"b":"x"},\n {"a":2,')),
    ("multi_broken_dropped", {**MULTI, **DROP}, AB, one('[{"a":1,"b":"x"},\n {"a":2,')),
    ("multi_broken_failfast", {**MULTI, **FAIL}, AB, one('[{"a":1,"b":"x"},\n {"a":2,')),
    ("multi_wrong_type", MULTI, ABC, one('[{"a":1,"b":"x"},\n {"a":"two"},{"a":3}]')),
    ("multi_empty", MULTI, AB, one("")),
    ("multi_empty_array", MULTI, AB, one("[]")),
    ("multi_scalar", MULTI, ABC, one("42")),
    ("multi_inferred", MULTI, None, one('[{"a":1},\n {"a":1.5,"b":"x"}]')),
    ("empty_file", {}, AB, one("")),
    ("infer_merged", {}, None, one('{"b":1,"a":"x"}\n{"b":1.5,"c":[1,2]}\n{"c":["x"],"d":{"y":1}}\n{"d":{"x":true}}\n')),
    ("infer_conflicts", {}, None, one('{"a":1,"b":[1],"c":true}\n{"a":{"x":1},"b":2,"c":"t"}\n')),
    ("infer_null_only", {}, None, one('{"a":null,"b":[],"c":{},"d":[null],"e":1}\n')),
    ("infer_drop_null", {"dropFieldIfAllNull": "true"}, None, one('{"a":null,"b":[],"c":{},"d":[null],"e":1,"f":""}\n')),
    ("infer_empty_string", {}, None, one('{"a":"","b":1}\n{"a":"","b":""}\n')),
    ("infer_empty_string_number", {}, None, one('{"a":""}\n{"a":1}\n')),
    ("infer_primitives_as_string", {"primitivesAsString": "true"}, None, one('{"a":1,"b":true,"c":[1],"d":{"x":1.5}}\n')),
    ("infer_prefers_decimal_exponent", {"prefersDecimal": "true"}, None, one('{"c":1e2}\n')),
    ("infer_prefers_decimal", {"prefersDecimal": "true"}, None, one('{"a":1.25,"b":"3.5"}\n{"a":10,"b":"x"}\n')),
    ("infer_decimals_merge", {"prefersDecimal": "true"}, None, one('{"a":1.25}\n{"a":123456.5}\n{"a":7}\n')),
    ("infer_timestamps", {"inferTimestamp": "true"}, None, one('{"a":"2026-01-02T03:04:05Z","b":"2026-01-02","c":"2026-01-02 03:04:05","d":"x"}\n')),
    ("infer_timestamp_format", {"inferTimestamp": "true", "timestampFormat": "dd/MM/yyyy HH:mm"}, None, one('{"a":"02/01/2026 03:04","b":"2026-01-02 03:04:05"}\n')),
    ("infer_no_timestamps", {}, None, one('{"a":"2026-01-02T03:04:05Z"}\n')),
    ("infer_broken", {}, None, one(BROKEN)),
    ("infer_array_line", {}, None, one('[{"a":1},{"b":"x"}]\n')),
    ("infer_big_and_small", {}, None, one('{"a":1}\n{"a":12345678901234567890}\n{"b":1.5}\n{"b":12345678901234567890}\n')),
    ("infer_two_files", {}, None, [b'{"a":1,"c":"longer"}\n', b'{"a":"x","b":2}\n']),
    ("infer_all_broken_failfast", FAIL, None, one("nope\n")),
    ("infer_names_by_case", {}, None, one('{"a":1}\n{"a":2,"b":1}\n')),
]

RAGGED = "1,x\n2\n3,y,more\n4,z\n"
CSV = [
    ("plain", {}, AB, one("1,x\n2,y\n")),
    ("header", HEADER, AB, one("a,b\n1,x\n")),
    ("header_other_order", HEADER, AB, one("b,a\nx,1\n")),
    ("header_not_enforced_other_order", {**HEADER, "enforceSchema": "false"}, AB, one("b,a\nx,1\n")),
    ("header_differs_between_files", HEADER, AB, [b"a,b\n1,longer\n", b"b,a\n2,y\n"]),
    ("header_only", HEADER, AB, one("a,b\n")),
    ("header_only_inferred", {**HEADER, "inferSchema": "true"}, None, one("a,b\n")),
    ("empty_file", {}, AB, one("")),
    ("ragged", {}, ABC, one(RAGGED)),
    ("ragged_without_column", {}, AB, one(RAGGED)),
    ("ragged_dropped", DROP, AB, one(RAGGED)),
    ("ragged_failfast", FAIL, AB, one(RAGGED)),
    ("wrong_type", {}, ABC, one("1,x\ntwo,y\n3,z\n")),
    ("wrong_type_dropped", DROP, AB, one("1,x\ntwo,y\n")),
    ("wrong_type_failfast", FAIL, AB, one("1,x\ntwo,y\n")),
    ("corrupt_column_in_the_middle", {}, "a INT, _corrupt_record STRING, b STRING", one("1,x\ntwo,y\n")),
    ("types", {}, TYPES, one("1,2,1.5,2.5,12.34,true,x,ab,2026-01-02,2026-01-02T03:04:05.678Z,2026-01-02 03:04:05,7,8\n")),
    ("types_out_of_range", {}, "i INT, l BIGINT, y TINYINT, c DECIMAL(6,2), f FLOAT, _corrupt_record STRING", one(
        "2147483648,,,,\n,9223372036854775808,,,\n,,128,,\n,,,12345.67,\n,,,1.005,\n,,,,1e39\n")),
    ("number_texts", {}, "i INT, d DOUBLE, c DECIMAL(10,2), _corrupt_record STRING", one(
        "+1,+1.5,+1.5\n 2, 2.5, 2.5\n1.0,1e3,1e3\n-0,-0,-0\n\"1,234\",\"1,234.5\",\"1,234.5\"\n0x10,0x10,0\n1d,1d,1\n1f,1f,2\n")),
    ("booleans", {}, "b BOOLEAN, _corrupt_record STRING", one("true\nTRUE\nFalse\nyes\n1\nt\n")),
    ("special_doubles", {}, "d DOUBLE, f FLOAT, _corrupt_record STRING", one("NaN,NaN\nInf,-Inf\n-Inf,Inf\nInfinity,-Infinity\nnan,inf\n")),
    ("special_doubles_named", {"nanValue": "n/a", "positiveInf": "up", "negativeInf": "down"}, "d DOUBLE, _corrupt_record STRING", one("n/a\nup\ndown\nNaN\nInf\n")),
    ("dates", {}, "day DATE, t TIMESTAMP, _corrupt_record STRING", one(
        "2026-1-2,\n2026-02-30,\n2026,\n,2026-01-02\n,2026-01-02 03:04\n,2026-01-02T03:04:05+02:00\n,1767322800\n")),
    ("date_format", {"dateFormat": "dd.MM.yyyy", "timestampFormat": "dd/MM/yyyy HH:mm"}, "day DATE, t TIMESTAMP, _corrupt_record STRING", one(
        "02.01.2026,02/01/2026 03:04\n2026-01-02,\n,2026-01-02 03:04:05\n")),
    ("separator", {"sep": ";"}, AB, one("1;x,y\n")),
    ("separator_tab", {"sep": "\\t"}, AB, one("1\tx y\n")),
    ("separator_of_two", {"sep": "||"}, AB, one("1||x|y\n2||\"q||r\"\n")),
    ("quotes", {}, AB, one('1,"x,y"\n2,"say ""hi"""\n3,""\n4,"a\\"b"\n')),
    ("quotes_escape_quote", {"escape": '"'}, AB, one('1,"say ""hi"""\n2,"a\\b"\n3,"""x"""\n')),
    ("quote_in_the_middle", {}, AB, one('1,x"y"z\n2,"x"y\n3,x"\n4,"x"y",\n')),
    ("quote_not_closed", {}, ABC, one('1,"x\n2,y\n3,z\n')),
    ("quote_single", {"quote": "'"}, AB, one("1,'x,y'\n2,\"x\"\n")),
    ("quote_off", {"quote": ""}, AB, one('1,"x"\n')),
    ("quoted_numbers", {}, AB, one('"1","x"\n" 2","y"\n')),
    ("escape_at_end", {}, AB, one('1,"x\\\\"\n2,x\\\\\n3,"a\\nb"\n')),
    ("multi_line", MULTI, AB, one('1,"x\ny"\n2,"p\r\nq"\n3,z\n')),
    ("multi_line_windows", MULTI, AB, one('1,"x\r\ny"\r\n2,"p\nq"\r\n')),
    ("multi_line_mixed", MULTI, AB, one('1,x\r\n2,"p\r\nq"\n3,"r\rs"\n')),
    ("multi_line_off", {}, ABC, one('1,"x\ny"\n2,z\n')),
    ("multi_line_not_closed", MULTI, ABC, one('1,"x\n2,y\n')),
    ("multi_line_header_inferred", {**MULTI, **HEADER, "inferSchema": "true"}, None, one('a,"b\nc"\n1,"x\ny"\n')),
    ("comment", {"comment": "#"}, AB, one("# note\n1,x\n#2,y\n3,#z\n")),
    ("comment_before_header", {"comment": "#", **HEADER}, AB, one("# note\na,b\n1,x\n")),
    ("no_comment", {}, ABC, one("#1,x\n2,y\n")),
    ("null_value", {"nullValue": "NA"}, AB, one('NA,NA\n1,"NA"\n2,\n3,""\n')),
    ("null_value_default", {}, "a INT, b STRING, d DOUBLE", one(',,\n"","",""\n')),
    ("empty_value", {"emptyValue": "EMPTY"}, AB, one('1,""\n2,\n')),
    ("white_space", {}, AB, one(" 1 , x \n2,\" y \"\n")),
    ("white_space_off", {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"}, AB, one(' 1 , x \n2,  "y"  \n3, " z "\n')),
    ("blank_lines", {}, ABC, one("\n1,x\n   \n2,y\n\n,\n")),
    ("windows_line_ends", {}, AB, one("1,x\r\n2,y\r\n")),
    ("no_last_line_end", {}, AB, one("1,x\n2,y")),
    ("byte_order_mark", HEADER, AB, one(b"\xef\xbb\xbfa,b\n1,x\n")),
    ("byte_order_mark_inferred", {**HEADER, "inferSchema": "true"}, None, one(b"\xef\xbb\xbfa,b\n1,x\n")),
    ("invalid_utf8", {}, ABC, one(b"1,x\n2,\xff\xfey\n3,z\n")),
    ("nul", {}, ABC, one(b"1,x\x00y\n\x00,z\n2,\x00\n")),
    ("latin1", {"encoding": "ISO-8859-1"}, AB, one("1,Wärme\n".encode("latin-1"))),
    ("utf8", {}, AB, one("1,Wärme ☀ 😀\n")),
    ("line_separator", {"lineSep": "|"}, AB, one("1,x|2,y|")),
    ("max_chars", {"maxCharsPerColumn": "3"}, ABC, one("1,xyz\n2,wxyz\n3,z\n")),
    ("max_columns", {"maxColumns": "2"}, ABC, one("1,x\n2,y,z\n3,z\n")),
    ("infer_off", {}, None, one("1,x\n2,y\n")),
    ("infer_off_header", HEADER, None, one("a,b\n1,x\n")),
    ("infer_types", {"inferSchema": "true", **HEADER}, None, one(
        "i,l,c,d,b,day,t,s\n1,2147483648,12345678901234567890,1.5,true,2026-01-02,2026-01-02 03:04:05,x\n")),
    ("infer_widening", {"inferSchema": "true"}, None, one("1,1,1,2026-01-02,true\n2147483648,1.5,12345678901234567890,2026-01-02 03:04:05,1\n")),
    ("infer_nulls", {"inferSchema": "true"}, None, one("1,,\n,,x\n")),
    ("infer_ragged", {"inferSchema": "true"}, None, one("1,x\n2\n3,y,z\n")),
    ("infer_ragged_longer_later", {"inferSchema": "true"}, None, one("1\n2,x\n")),
    ("infer_date_then_year", {"inferSchema": "true"}, None, one("2026-01-02,2026\n2026,2026-01-02\n")),
    ("infer_date_format", {"inferSchema": "true", "dateFormat": "dd.MM.yyyy"}, None, one("02.01.2026,2026-01-02\n")),
    ("infer_timestamp_format", {"inferSchema": "true", "timestampFormat": "dd/MM/yyyy HH:mm"}, None, one("02/01/2026 03:04,2026-01-02 03:04:05\n")),
    ("infer_signs_and_blanks", {"inferSchema": "true"}, None, one("+1, 1,1 ,-0,1e5,.5,5.,1d\n")),
    ("infer_points", {"inferSchema": "true"}, None, one("5.,-5.,+7.,.\n")),
    ("infer_specials", {"inferSchema": "true"}, None, one("NaN,Inf,-Inf,nan,Infinity\n")),
    ("infer_big_decimals", {"inferSchema": "true"}, None, one("99999999999999999999999999999999999999,123456789012345678901234567890123456789\n")),
    ("infer_duplicate_header", {**HEADER, "inferSchema": "true"}, None, one("a,a,b\n1,2,3\n")),
    ("infer_header_by_case", {**HEADER, "inferSchema": "true"}, None, one("a,A,b\n1,2,3\n")),
    ("infer_empty_header_name", {**HEADER, "inferSchema": "true"}, None, one("a,,c\n1,2,3\n")),
    ("infer_two_files", {**HEADER, "inferSchema": "true"}, None, [b"a,b\n1,longer\n", b"a,b\n1.5,y\n"]),
    ("infer_quoted", {"inferSchema": "true"}, None, one('"1","2.5","true"\n')),
    ("infer_comment", {"inferSchema": "true", "comment": "#"}, None, one("#h,h\n1,x\n")),
]

PARQUET = [
    ("types", {}, None, "SELECT 1Y y, 2S h, 3 i, 4L l, 1.5F f, 2.5D d, 12.34BD c, true b, 's' s, X'6162' x, DATE'2026-01-02' day, TIMESTAMP'2026-01-02 03:04:05.678901' t, TIMESTAMP_NTZ'2026-01-02 03:04:05' n"),
    ("nested", {}, None, "SELECT named_struct('x', 1, 'y', array(1, NULL)) s, map('k', 2) m, array(named_struct('z', 's')) l UNION ALL SELECT NULL, NULL, NULL"),
    ("int96", {"int96": "1"}, None, "SELECT TIMESTAMP'2026-01-02 03:04:05.678901' t, array(TIMESTAMP'1900-01-01 00:00:00') l"),
    ("no_rows", {}, None, "SELECT 1 a, 's' b WHERE false"),
    ("wider_int", {}, "a BIGINT", "SELECT 1 a"),
    ("wider_double", {}, "a DOUBLE", "SELECT 1 a"),
    ("wider_float", {}, "a DOUBLE", "SELECT 1.5F a"),
    ("wider_decimal", {}, "a DECIMAL(12,3)", "SELECT 1.25BD a"),
    ("int_as_decimal", {}, "a DECIMAL(12,2)", "SELECT 1 a"),
    ("date_as_ntz", {}, "a TIMESTAMP_NTZ", "SELECT DATE'2026-01-02' a"),
    ("narrower_int", {}, "a INT", "SELECT 1L a"),
    ("string_as_int", {}, "a INT", "SELECT '1' a"),
    ("int_as_string", {}, "a STRING", "SELECT 1 a"),
    ("string_as_binary", {}, "a BINARY", "SELECT 'ab' a"),
    ("binary_as_string", {}, "a STRING", "SELECT X'6162' a"),
    ("missing_column", {}, "a INT, q STRING", "SELECT 1 a"),
    ("other_case", {}, "A INT", "SELECT 1 a"),
    ("struct_field_missing", {}, "s STRUCT<y: INT, x: INT, q: STRING>", "SELECT named_struct('x', 1, 'y', 2, 'z', 3) s"),
    ("merge_schema", {"mergeSchema": "true"}, None, ["SELECT 1 a, 's' b, 'longer' d", "SELECT 2 a, 3 c"]),
    ("merge_schema_of_two_types", {"mergeSchema": "true"}, None, ["SELECT 1 a, 'longer' b", "SELECT 2L a, 3 c"]),
]


def settled(reader, paths):
    """Columns and rows of a read, or the condition of its error."""
    try:
        frame = reader(paths).cache()
        if "_corrupt_record" in frame.columns and not reader.declared:
            frame = frame.drop("_corrupt_record")
        names = ", ".join(f"`{name}`" for name in frame.columns)
        rows = []
        if frame.columns:
            rows = [row[0] for row in frame.selectExpr(f"cast(struct({names}) as string)").collect()]
        return {"columns": frame.schema.simpleString(), "rows": rows}
    except (PySparkException, Py4JError) as error:
        names = re.findall(r"\[([A-Z][A-Z0-9]+_[A-Z0-9_.]+)\]", str(error))
        return {"error": names[-1] if names else type(error).__name__}


class Reader:
    """`spark.read` of one case."""

    def __init__(self, spark, form, options, schema):
        self.spark, self.form, self.options, self.declared = spark, form, options, schema is not None
        self.schema = schema

    def __call__(self, paths):
        reader = self.spark.read.format(self.form).options(**self.options)
        if self.schema is not None:
            reader = reader.schema(self.schema)
        return reader.load(paths)


def written(spark, queries, int96):
    """The bytes of one Parquet file per query."""
    spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96" if int96 else "TIMESTAMP_MICROS")
    out = []
    for query in [queries] if isinstance(queries, str) else queries:
        folder = WORK / "written"
        shutil.rmtree(folder, ignore_errors=True)
        spark.sql(query).coalesce(1).write.option("compression", "none").parquet(str(folder))
        parts = sorted(folder.glob("part-*.parquet"))
        out.append(parts[0].read_bytes())
    return out


def main():
    """Asks for everything that is not known yet; `--fresh` asks for all."""
    HOME.mkdir(parents=True, exist_ok=True)
    spark = session()
    for form, cases in (("json", JSON), ("csv", CSV), ("parquet", PARQUET)):
        lines = []
        for name, options, schema, content in cases:
            options = dict(options)
            files = written(spark, content, options.pop("int96", None)) if form == "parquet" else content
            folder = WORK / form / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            paths = []
            for index, data in enumerate(files):
                path = folder / f"{index}.{form}"
                path.write_bytes(data)
                paths.append(str(path))
            answer = settled(Reader(spark, form, options, schema), paths)
            texts = [data.hex() if form == "parquet" else data.decode("latin-1") for data in files]
            case = {"name": name, "options": options, "schema": schema, "files": texts, **answer}
            lines.append(json.dumps(case, ensure_ascii=False))
            print(form, name, answer, flush=True)
            spark.catalog.clearCache()
        (HOME / f"{form}.jsonl").write_text("\n".join(lines) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
