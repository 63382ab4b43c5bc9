"""Asks PySpark for more expected answers of `crates/decode/tests`: reader options, `to_json`, quotes of CSV, inference options.

Run: `python oracle/decode_more.py` with PySpark 4.3; writes `crates/decode/tests/oracle/more_*.jsonl`, one case a line.
"""

import os
import tempfile

from decode_expected import literal, text, write
from pyspark.sql import SparkSession

JSON = [
    ("t TIMESTAMP", {"timestampFormat": "dd.MM.yyyy HH:mm"}, '{"t":"06.05.2024 07:08"}\n{"t":"2024-05-06T07:08:09Z"}\n{"t":"06.05.2024 07:08 "}\n{"t":17}'),
    ("t TIMESTAMP", {"timeZone": "America/New_York"}, '{"t":"2024-05-06 07:08:09"}'),
    ("d DATE", {"dateFormat": "dd/MM/yyyy"}, '{"d":"06/05/2024"}\n{"d":"2024-05-06"}'),
    ("d DATE", {}, '{"d":"2024-05-06T07:08:09"}\n{"d":"2024"}\n{"d":"12345"}\n{"d":" 2024-05-06 "}'),
    ("t TIMESTAMP_NTZ", {}, '{"t":"2024-05-06T07:08:09"}\n{"t":"2024-05-06T07:08:09Z"}\n{"t":1}'),
    ("a INT", {"mode": "DROPMALFORMED"}, '{"a":1}\n{"a":"x"}\n{bad'),
    ("a INT", {"mode": "FAILFAST"}, '{"a":1}\n{"a":"x"}'),
    ("a INT", {"multiLine": "true"}, '[{"a":1},\n{"a":"x"}]'),
    ("a INT", {"multiLine": "true"}, '{"a":1}\n{"a":2}'),
    ("a INT", {"multiLine": "true"}, '{"a":1'),
    ("a INT", {"allowComments": "true"}, '// c\n{"a":1} // x\n/* y */{"a":2}'),
    ("a INT, `b-c` INT", {"allowUnquotedFieldNames": "true"}, '{a:1,b-c:2}\n{1a:3}'),
    ("a STRING", {"allowSingleQuotes": "false"}, "{'a':'b'}"),
    ("a STRING", {}, "{'a':'it\\'s \"q\"'}"),
    ("a STRING", {"allowBackslashEscapingAnyCharacter": "true"}, '{"a":"\\q\\$"}'),
    ("a STRING", {"allowUnquotedControlChars": "true"}, '{"a":"x\ty"}'),
    ("a INT", {"allowNumericLeadingZeros": "true"}, '{"a":007}\n{"a":-00}'),
    ("a DOUBLE", {"allowNonNumericNumbers": "false"}, '{"a":NaN}\n{"a":"NaN"}\n{"a":1}'),
    ("a FLOAT", {}, '{"a":NaN}\n{"a":"Infinity"}\n{"a":INF}\n{"a":-INF}\n{"a":+INF}\n{"a":1e39}\n{"a":0.1}'),
    ("a TINYINT, b SMALLINT", {}, '{"a":127,"b":32767}\n{"a":128,"b":32768}'),
    ("a BINARY", {}, '{"a":"YWI="}\n{"a":"YWI"}\n{"a":"*"}\n{"a":""}'),
    ("a STRUCT<b: STRUCT<c: INT>>, d INT", {}, '{"a":{"b":{"c":"x"}},"d":1}\n{"a":{"b":5},"d":1}\n{"a":[],"d":1}'),
    ("a ARRAY<ARRAY<INT>>, d INT", {}, '{"a":[[1],["x"],[3]],"d":1}\n{"a":[[1],null],"d":2}'),
    ("a STRING, b STRING", {}, '{"a":{"x": [1,  2.50], "y":null},"b":-0.0}\n{"a":1E5,"b":[true]}'),
    ("a DECIMAL(5,2)", {}, '{"a":1.005}\n{"a":"1.005"}\n{"a":999.995}\n{"a":1e2}\n{"a":"x"}\n{"a":""}\n{"a":" 1"}'),
    ("a BOOLEAN", {}, '{"a":"true"}\n{"a":1}\n{"a":true}'),
    ("a INT", {}, '{"b":{"c":[1,{"d":"}"}]},"a":1}\n{"a":1,"b":"\\"}\n{"a":3}'),
    ("a INT", {}, '\ufeff{"a":1}\n\ufeff{"a":2}'),
    ("a INT", {}, '{"a":1}\u00a0\n\u00a0{"a":2}\n{"a":3}\u000b'),
    ("a STRING", {}, '{"a":"\\u00e9\\u0000\\/\\b\\f"}\n{"a":"\\ud83d\\ud83d\\ude00\\ude00"}\n{"a":"\\u12"}'),
    ("`a.b` INT", {}, '{"a.b":1}'),
    ("a MAP<STRING, STRUCT<x: INT>>", {}, '{"a":{"k":{"x":1},"l":{"x":"bad"},"k":{"x":3}}}'),
]
CSV = [
    ("a INT, b STRING", {"escape": '"'}, '1,"a""b"\n2,"a""",\n3,""""\n4,"a""b\n'),
    ("a INT, b STRING", {"quote": ""}, '1,"x"\n'),
    ("a INT, b STRING", {"multiLine": "true"}, '1,"a\r\nb"\r\n2,x\r\n'),
    ("a INT, b STRING", {"multiLine": "true"}, '1,"open\n2,x\n'),
    ("a INT, b STRING", {"multiLine": "true", "header": "true"}, '"a","b"\n1,"x\n\ny"\n'),
    ("a INT, b STRING", {"emptyValue": "EMPTY"}, '1,""\n2,\n'),
    ("a INT, b STRING", {"nullValue": "-"}, '1,""\n2,\n-,-\n'),
    ("a TIMESTAMP, b DATE", {"timestampFormat": "dd.MM.yyyy HH:mm", "dateFormat": "dd.MM.yyyy"}, "06.05.2024 07:08,06.05.2024\n2024-05-06,2024-05-06\n"),
    ("a TIMESTAMP, b DATE", {}, "2024-05-06 07:08:09,2024-05-06\n2024-05-06T07:08:09.5Z,2024-5-6\n"),
    ("a BOOLEAN, b DECIMAL(5,2)", {}, 'TRUE,"1,234.5"\nfalse,1.005\n1, 2\n'),
    ("a FLOAT, b BIGINT", {}, "1d,+5\nnan,-0\nInfinity,1e3\n"),
    ("a TINYINT, b SMALLINT", {}, "128,1\n1,32768\n"),
    ("a INT, b STRING", {"header": "true"}, "A,B\n1,x\n"),
    ("a INT, b STRING", {"comment": "#"}, "# c\n1,#x\n #d,y\n"),
    ("a INT, b STRING", {"mode": "FAILFAST"}, "1,x\n2\n"),
    ("a INT, b STRING", {"ignoreLeadingWhiteSpace": "true"}, '1,  "x"  \n2,  y  \n'),
    ("a INT, b STRING", {"ignoreTrailingWhiteSpace": "true"}, '1,  "x"  \n2,  y  \n'),
    ("a INT, b STRING", {}, '1,"a\\\\"\n2,"a\\n"\n3,"a\\\\\\"b"\n4,a\\,b\n'),
    ("a INT, b STRING", {}, '1,"x"y"z"\n2,"x" y\n3,"x",\n'),
    ("a INT, b STRING", {"maxCharsPerColumn": "3"}, "1,abc\n"),
    ("a STRING, b STRING", {}, '"",""\n"a",\n'),
]
TO_JSON = [
    "named_struct('a', 1, 'b', cast(null as string), 'c', array(1, null), 'd', map('k', cast(null as int), 'l', 2))",
    "named_struct('t', timestamp'2024-05-06 07:08:09.123456', 'n', timestamp_ntz'2024-05-06 07:08:09', 'd', date'2024-05-06')",
    "named_struct('f', double('NaN'), 'g', 1.0D, 'h', 1E10D, 'i', float('0.1'), 'j', cast(1.50 as decimal(10,3)), 'k', -0.0D)",
    "named_struct('s', 'q\"\\\\ / é \\n \\t \\u0001 \\u007f', 'b', x'00ff', 'e', named_struct(), 'x', true)",
    "array(named_struct('a', 1), null)", "map(1, 2)", "map(date'2024-05-06', 'x')", "named_struct('y', named_struct('z', cast(null as int)))",
    "named_struct('d', cast('0.0000001' as decimal(20,10)), 'e', cast('12345678901234567890' as decimal(30,2)))",
]
INFER = [
    ({"prefersDecimal": "true"}, '{"a":1.25,"b":"1.5","c":0.001}\n{"a":100}'),
    ({"primitivesAsString": "true"}, '{"a":1,"b":true,"c":[1.5]}'),
    ({"inferTimestamp": "true"}, '{"a":"2024-05-06T07:08:09Z","b":"2024-05-06","c":"2024"}'),
    ({"dropFieldIfAllNull": "true"}, '{"a":null,"b":[],"c":{},"d":[null],"e":{"f":null},"g":1}'),
    ({}, '{"a":9223372036854775808,"b":1}\n{"a":1,"b":1.5}'), ({}, '{"a":[]}\n{"a":[1]}\n{"a":null}'), ({}, '{"a":{"b":1}}\n{"a":{"c":"x","b":2.5}}'),
    ({"multiLine": "true"}, '[{"a":1},{"a":null,"b":"x"}]'), ({}, '{"a":12345678901234567890123456789012345678}\n{"a":1.5}'),
]


def main():
    spark = (
        SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "Europe/Vienna").config("spark.sql.shuffle.partitions", "1").getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    folder = tempfile.mkdtemp()

    def read(kind, schema, options, content):
        path = os.path.join(folder, f"in.{kind}")
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(content)
        try:
            frame = spark.read.options(**options).schema(schema + ", _corrupt_record STRING").option("columnNameOfCorruptRecord", "_corrupt_record")
            frame = frame.json(path) if kind == "json" else frame.csv(path)
            return {"rows": [row[0] for row in frame.selectExpr("to_json(struct(*))").collect()]}
        except Exception:  # noqa: BLE001 - any failure is an answer
            return {"error": True}

    write("more_json", [{"schema": s, "options": o, "content": c, **read("json", s, o, c)} for s, o, c in JSON])
    write("more_csv", [{"schema": s, "options": o, "content": c, **read("csv", s, o, c)} for s, o, c in CSV])
    write("more_to_json", [{"expression": e, "schema": spark.sql(f"SELECT {e} v").schema["v"].dataType.simpleString(), **text(spark, f"to_json({e})")} for e in TO_JSON])
    cases = []
    for options, content in INFER:
        path = os.path.join(folder, "infer.json")
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        cases.append({"options": options, "content": content, "schema": spark.read.options(**options).json(path).schema.simpleString()})
    write("more_infer", cases)
    spark.stop()


if __name__ == "__main__":
    main()
