"""Asks PySpark for the expected answers of `crates/decode/tests`: casts, JSON, CSV, date patterns.

Run: `python oracle/decode_expected.py` with PySpark 4.3; writes `crates/decode/tests/oracle/*.jsonl`, one case a line.
"""

import json
import os
import pathlib
import tempfile

from pyspark.sql import SparkSession

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "crates" / "decode" / "tests" / "oracle"

STRINGS = [
    "1", " 12 ", "-7", "+3", "1.7", "1e3", ".5", "5.", "", " ", "abc", "true", "T", "no", "Y", "0", "NaN", "nan",
    "Infinity", "-inf", "inf", "1d", "2f", "128", "32768", "2147483648", "9223372036854775808", "1_000", "0x10",
    "\t42\n", "99999999999999999999999999999999999999", "1.005", "-1.005", "1e40", "0.1", "1E-7", "123456789.987654321",
    "2024-05-06", "2024-5-6", "2024-05", "2024", "2024-05-06 ", "2024-05-06T", "2024-05-06 07", "2024-05-06 07:08",
    "2024-05-06 07:08:09", "2024-05-06T07:08:09.123456789Z", "2024-05-06 7:8:9.5+02:00", "2024-05-06 07:08:09 Europe/Vienna",
    "2024-05-06 07:08:09 PST", "2024-05-06 07:08:09UTC+3", "2024-02-30", "2024-13-01", "0000-01-01", "-0001-01-01",
    "12024-05-06", "+2024-05-06", "2024-05-06 24:00:00", "2024-05-06 23:59:60", "2024-05-06 07:08:09.", "20240506",
    "2024-05-06x", "2024-05-06 07:08:09 +1:30", "2024-05-06 07:08:09.1 Z", "1.0E10", "1e-400", "1e400", "12:", "--1",
    "2024-05-06 07:08Z", "epoch", "now", "2024/05/06", "1,000", "2024-03-31 02:30:00", "2024-10-27 02:30:00",
]
TARGETS = [
    "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "decimal(38,0)", "date",
    "timestamp", "timestamp_ntz", "binary",
]
NUMBERS = [
    ("double", "1.0D"), ("double", "1.0E10D"), ("double", "-0.0D"), ("double", "1.5E-5D"), ("double", "123456.789D"),
    ("double", "1E7D"), ("double", "9999999.5D"), ("double", "double('NaN')"), ("double", "double('-Infinity')"),
    ("double", "2147483647.9D"), ("double", "2147483648.0D"), ("double", "-128.9D"), ("double", "9.3E18D"),
    ("float", "float('3.4E38')"), ("float", "float('0.1')"), ("float", "float('16777216')"), ("float", "float('1.0E-5')"),
    ("int", "300"), ("int", "-129"), ("int", "0"), ("bigint", "9223372036854775807L"), ("bigint", "-1L"),
    ("bigint", "3000000000L"), ("boolean", "true"), ("boolean", "false"), ("decimal(10,2)", "cast(1.25 as decimal(10,2))"),
    ("decimal(10,2)", "cast(-1.25 as decimal(10,2))"), ("decimal(10,2)", "cast(99999999.99 as decimal(10,2))"),
    ("decimal(38,10)", "cast('1234567890123456789.0123456789' as decimal(38,10))"),
    ("decimal(20,10)", "cast('0.0000000001' as decimal(20,10))"),
    ("date", "date'2024-05-06'"), ("date", "date'1900-01-01'"), ("timestamp", "timestamp'2024-05-06 07:08:09.5Z'"),
    ("timestamp", "timestamp'1969-12-31 23:59:59.999999Z'"), ("timestamp", "timestamp'2024-10-27 00:30:00Z'"),
    ("timestamp_ntz", "timestamp_ntz'2024-03-31 02:30:00'"), ("timestamp_ntz", "timestamp_ntz'2024-05-06 07:08:09.123456'"),
    ("array<int>", "array(1, null, 3)"), ("struct<a:int,b:string>", "named_struct('a', 1, 'b', cast(null as string))"),
    ("map<string,double>", "map('k', 1.0D, 'l', 2.5E-4D)"), ("binary", "x'6162'"),
]
TO = TARGETS[:-1] + ["string", "decimal(3,1)"]

JSON_LINES = [
    '{"a":1,"b":"x","c":1.5,"d":true}', '{"d":false,"c":2,"b":"y","a":2}', ' { "a" : 3 , "b" : "z" } ', '{}', '',
    '{"a":1.5,"b":"keep"}', '{"a":"1","b":"keep"}', '{"a":null,"b":null}', '{"b":1.50}', '{"b":{"x": [1, 2]}}', '{"b":[1,  2]}',
    '{"b":true}', '{"a":1,"a":2}', '{"a":1', '{"a":1}}', '{"a":1} trailing', '{"a":1}{"a":2}', '[{"a":1},{"a":2}]', '[]',
    '[1]', 'null', '1', '"text"', 'garbage', "{'a':1,'b':'single'}", '{a:1}', '{"a":1,}', '{"a":01}', '{"a":+1}', '{"a":.5}',
    '{"c":1.}', '{"c":1e5}', '{"c":"NaN"}', '{"c":NaN}', '{"c":-Infinity}', '{"c":"1.5"}', '{"c":1e400}', '{"a":9223372036854775808}',
    '{"b":"\\u0041\\ud83d\\ude00"}', '{"b":"\\ud83d"}', '{"b":"\\q"}', '{"b":"tab\there"}', '{"b":"nul\\u0000"}', '{"d":"true"}',
    '{"d":1}', '{"s":{"x":1,"y":"q"}}', '{"s":{"x":"bad","y":"q"}}', '{"s":[]}', '{"s":null}', '{"l":[1,2,null]}',
    '{"l":[1,"x",3],"b":"after"}', '{"l":{}}', '{"l":[]}', '{"t":"2024-05-06T07:08:09Z"}', '{"t":"2024-05-06 07:08:09.5+02:00"}',
    '{"t":1714979289}', '{"t":1.5}', '{"t":""}', '{"t":"bad","b":"keep"}', '{"dt":"2024-05-06"}', '{"dt":"123"}', '{"dt":19000}',
    '{"n":12.345}', '{"n":"1,234.5"}', '{"n":99999999999}', '{"n":1e2}', '{"m":{"k":1,"l":null}}', '{"m":[]}', '{"A":1}',
    '{"b":""}', '{"a":""}', '{"x":{"y":[}', '{"a":tru}', '{"b":"unterminated', '{"a" 1}', '{"a":1 "b":2}', '{"c":100000000000000000000}',
    '{"ls":[{"x":1},{"x":"bad","y":"w"}],"b":"after"}', '/* c */ {"a":1}', '{"b":123456789012345678901234567890}', '{"a":-0}', '{"a":1e2}',
]
JSON_SCHEMA = (
    "a BIGINT, b STRING, c DOUBLE, d BOOLEAN, s STRUCT<x: INT, y: STRING>, l ARRAY<INT>, t TIMESTAMP, dt DATE, "
    "n DECIMAL(10,2), m MAP<STRING, INT>, ls ARRAY<STRUCT<x: INT, y: STRING>>, _corrupt_record STRING"
)

FROM_JSON = [
    ("a INT, b STRING", t) for t in ['{"a":1,"b":2.50}', '{"a":"x","b":"k"}', '{bad', '', ' ', 'null', '[{"a":1}]', '{}', '1', '{"b":{"z": 1.0}}', '{"a":1} x']
] + [
    ("ARRAY<INT>", t) for t in ['[1,2]', '[1,"x"]', '{}', 'null', '[', '[]', '1']
] + [
    ("ARRAY<STRUCT<a: INT>>", t) for t in ['[{"a":1},{"a":"x"}]', '{"a":5}', '[null]']
] + [("MAP<STRING,INT>", t) for t in ['{"k":1}', '{"k":"x"}', '[]', '{"k":null}']]

PATHS = [
    ('{"a":{"b":[{"k":"x"},{"k":1.50}]},"n":null,"s":"q\\"t"}', p)
    for p in ["$.a", "$.a.b[0].k", "$.a.b[1].k", "$.a.b[*].k", "$.a.b.k", "$.n", "$.s", "$['a']['b']", "$.zz", "$", "$.a.b[5]", "a", "$.a.*", "$.a.b[*]"]
] + [('[1,2,3]', p) for p in ["$[0]", "$[*]", "$"]] + [('{bad', "$.a"), ('"str"', "$"), ('{"a":[{"b":1}]}', "$.a[*].b"), ('{"a":[[1,2],[3]]}', "$.a[*][0]"), ('{"a": true}', "$.a"), ('{"a":1e10}', "$.a"), ('{"a":"x"} tail', "$.a"), ('{"a":1,"a":2}', "$.a"), ('{"a.b":1}', "$['a.b']"), ('{"a":[]}', "$.a[*]")]

PATTERNS = [
    ("yyyy-MM-dd HH:mm:ss", "2024-05-06 07:08:09"), ("yyyy-MM-dd", "2024-5-6"), ("y-M-d", "2024-5-6"), ("dd/MM/yyyy HH:mm", "06/05/2024 07:08"),
    ("yyyyMMddHHmmss", "20240506070809"), ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "2024-05-06T07:08:09.5+02:00"),
    ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "2024-05-06T07:08:09"), ("d MMM yyyy", "6 May 2024"), ("MMMM d, yyyy h:mm a", "May 6, 2024 1:05 PM"),
    ("EEE, d MMM yyyy", "Mon, 6 May 2024"), ("yy-MM-dd", "24-05-06"), ("yyyy-DDD", "2024-127"), ("HH:mm", "07:08"), ("yyyy", "2024"),
    ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-05-06 07:08:09.123456"), ("yyyy-MM-dd HH:mm:ss.SSS", "2024-05-06 07:08:09.1234"),
    ("yyyy-MM-dd HH:mm:ss z", "2024-05-06 07:08:09 UTC"), ("yyyy-MM-dd HH:mm:ss Z", "2024-05-06 07:08:09 +0200"),
    ("yyyy-MM-dd HH:mm:ss VV", "2024-05-06 07:08:09 Europe/Vienna"), ("yyyy-MM-dd HH:mm:ssx", "2024-05-06 07:08:09+02"),
    ("yyyy-MM-dd kk:mm", "2024-05-06 24:08"), ("yyyy-MM-dd KK:mm a", "2024-05-06 00:08 PM"), ("yyyy-MM-dd hh", "2024-05-06 12"),
    ("yyyy-MM-dd", "2024-02-30"), ("yyyy-MM-dd", "12024-02-03"), ("yyyy-MM-dd", "+12024-02-03"), ("yyyy-MM-dd", "2024-02-03x"), ("YYYY", "2024"), ("MMMMM", "M"),
    ("G yyyy", "AD 2024"), ("yyyy-MM-dd O", "2024-05-06 GMT+2"), ("Q", "1"), ("H:m:s", "7:8:9"), ("yyyyMMddHHmmssSSS", "20240506070809123"),
]
FORMATS = [
    "yyyy-MM-dd HH:mm:ss", "y-M-d H:m:s", "yy", "D DD DDD", "E EEEE", "MMM MMMM L LL LLL LLLL", "a h hh k kk K KK", "S SSS SSSSSS SSSSSSSSS",
    "X XX XXX XXXX XXXXX", "x xx xxx xxxx", "Z ZZ ZZZ ZZZZ ZZZZZ", "O OOOO", "VV", "z zzz", "Q QQ QQQ QQQQ", "q qq", "G GGGG", "F", "''yyyy'T'[HH]",
]
INSTANTS = ["2024-05-06 07:08:09.5Z", "1899-12-31 23:59:59Z", "2024-12-31 00:00:00Z"]


def text(spark, expression):
    """The value as text with its NULL, or the condition of its error."""
    try:
        value = spark.sql(f"SELECT CAST(({expression}) AS STRING)").collect()[0][0]
        return {"value": value}
    except Exception as error:  # noqa: BLE001 - any failure is an answer
        name = getattr(error, "getCondition", lambda: None)() or getattr(error, "getErrorClass", lambda: None)()
        return {"error": name or type(error).__name__}


def literal(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t") + "'"


def write(name, cases):
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / f"{name}.jsonl", "w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(case, ensure_ascii=False) + "\n")


def main():
    spark = (
        SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "Europe/Vienna").config("spark.sql.shuffle.partitions", "1").getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    cases = []
    for source in STRINGS:
        for target in TARGETS:
            cases.append({"from": "string", "source": source, "to": target, **text(spark, f"CAST({literal(source)} AS {target})")})
    write("cast_string", cases)
    cases = []
    for kind, source in NUMBERS:
        shown = text(spark, source)["value"]
        for target in TO:
            cases.append({"from": kind, "expression": source, "source": shown, "to": target, **text(spark, f"CAST({source} AS {target})")})
    write("cast_typed", cases)

    folder = tempfile.mkdtemp()
    cases = []
    rows_of = lambda frame: [json.loads(row) for row in frame.selectExpr("to_json(struct(*), map('ignoreNullFields','false')) AS j").toPandas()["j"]] if False else [row[0] for row in frame.selectExpr("to_json(struct(*)) AS j").collect()]
    for line in JSON_LINES:
        path = os.path.join(folder, "in.json")
        with open(path, "w", encoding="utf-8") as out:
            out.write(line + "\n")
        try:
            answer = {"rows": rows_of(spark.read.schema(JSON_SCHEMA).json(path))}
        except Exception as error:  # noqa: BLE001
            answer = {"error": str(error)[:200]}
        cases.append({"line": line, **answer})
    write("json_lines", cases)
    raw = []
    for content in [b'{"b":"\xff"}', b'\xff', b'\xef\xbb\xbf{"a":1}', b'{"b":"a\x00b"}', b'{"a":1}\r{"a":2}\r\n{"a":3}', b'\x00', b'{"q":"\xff","a":1}']:
        path = os.path.join(folder, "raw.json")
        with open(path, "wb") as out:
            out.write(content)
        try:
            answer = {"rows": rows_of(spark.read.schema(JSON_SCHEMA).json(path))}
        except Exception as error:  # noqa: BLE001
            answer = {"error": str(error)[:200]}
        raw.append({"hex": content.hex(), **answer})
    write("json_bytes", raw)
    write("from_json", [{"schema": schema, "text": t, **text(spark, f"to_json(named_struct('v', from_json({literal(t)}, '{schema}')))")} for schema, t in FROM_JSON])
    write("json_path", [{"text": t, "path": p, **text(spark, f"get_json_object({literal(t)}, {literal(p)})")} for t, p in PATHS])
    write("pattern_parse", [{"pattern": p, "text": t, **text(spark, f"to_timestamp({literal(t)}, {literal(p)})")} for p, t in PATTERNS])
    write("pattern_format", [{"pattern": p, "instant": i, **text(spark, f"date_format(timestamp'{i}', {literal(p)})")} for p in FORMATS for i in INSTANTS])

    infer = []
    for content in ['{"b":1,"a":"x"}\n{"b":1.5}', '{"a":9999999999999999999}', '{"a":null,"b":""}', '{"a":{}}', '{"a":[]}', '{"a":[1,"x"]}', '{"a":1}\n{"a":{"b":1}}', '{"a":true}\n{"a":1}', '{"a":[{"x":1},{"y":2}]}', '{"a":1e3}', '{"a":123456789012345678901234567890123456789012}', '{"B":1,"a":2,"_":3}', '{"a":1}\n{bad']:
        path = os.path.join(folder, "infer.json")
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        infer.append({"content": content, "schema": spark.read.json(path).schema.simpleString()})
    write("json_infer", infer)

    csv = []
    contents = [
        ("a,b,c\n1,x,2.5\n2,y,\n", {"header": "true"}), ("1,x,2.5\n", {}), ("1,x\n", {}), ("1,x,2.5,extra\n", {}), ("bad,x,2.5\n", {}), ('1,"a,b",2.5\n', {}),
        ('1,"a""b",2.5\n', {}), ('1,"a\\"b",2.5\n', {}), ("1,a\"b,2.5\n", {}), ('1,"ab"c,2.5\n', {}), ('1,"open,2.5\n2,x,1\n', {}), ("1, x ,2.5\n", {}),
        ("1, x ,2.5\n", {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"}), ("#note\n1,x,2.5\n", {"comment": "#"}), ("\n\n1,x,2.5\n\n", {}),
        ('1,"",2.5\n', {}), ("1,,2.5\n", {}), ("1,NA,2.5\n", {"nullValue": "NA"}), ('1,"NA",2.5\n', {"nullValue": "NA"}), ("1;x;2.5\n", {"sep": ";"}),
        ("1||x||2.5\n", {"sep": "||"}), ("1\tx\t2.5\n", {"sep": "\t"}), ('1,"line\nbreak",2.5\n', {"multiLine": "true"}), ("1,x,NaN\n", {}), ("1,x,Inf\n", {}), ("1,x,-Inf\n", {}),
        (" 1,x, 2.5\n", {}), ("1,x,1e5\n", {}), ("1.0,x,2.5\n", {}), ("1,x,2.5\r\n2,y,3.5\r\n", {}), ("\ufeff1,x,2.5\n", {}), ("1,'q,r',2.5\n", {"quote": "'"}),
        ("1,\"a\\\\b\",2.5\n", {}), ("1,a\\b,2.5\n", {}), ('"1","x","2.5"\n', {}), ("1,x,2.5\n1,x\n", {"mode": "DROPMALFORMED"}), ('1,"x" ,2.5\n', {}), ('1, "x",2.5\n', {}), ("   \n1,x,2.5\n", {}), ("1,x,\"\"\n", {}),
        ("b,a,c\n1,2,3\n", {"header": "true"}), (",,\n", {}), ("1,\"x\n", {}),
    ]
    for content, options in contents:
        path = os.path.join(folder, "in.csv")
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(content)
        try:
            frame = spark.read.options(**options).schema("a INT, b STRING, c DOUBLE, _corrupt_record STRING").option("columnNameOfCorruptRecord", "_corrupt_record").csv(path)
            answer = {"rows": rows_of(frame)}
        except Exception as error:  # noqa: BLE001
            answer = {"error": str(error)[:200]}
        csv.append({"content": content, "options": options, **answer})
    write("csv", csv)
    csv_infer = []
    for content in ["1,2.5,x,true,2024-05-06,2024-05-06 07:08:09,\n", "1\n3000000000\n", "1\n2.5\n", "1\nx\n", "2024-05-06\n2024-05-06 01:02:03\n", "99999999999999999999\n", "true\n1\n", "1.5\n99999999999999999999\n", "NaN\n", "1e5\n", "\n1\n", "2024-05-06T07:08:09Z\n", "2024-05\n", "07:08:09\n", " 1\n", "2024-05-06\n1\n"]:
        path = os.path.join(folder, "infer.csv")
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        csv_infer.append({"content": content, "schema": spark.read.option("inferSchema", "true").csv(path).schema.simpleString()})
    write("csv_infer", csv_infer)
    spark.stop()


if __name__ == "__main__":
    main()
