//! What the readers promise beyond Spark's answers: rescued data, modes, learning, whole documents, limits, nested casts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StructArray};
use sluice_decode::cast::{CastMode, cast};
use sluice_decode::csv::{CsvDecoder, CsvOptions};
use sluice_decode::datetime::Zone;
use sluice_decode::json::{
    JsonDecoder, JsonForm, JsonOptions, from_json, json_array_length, json_object_keys,
    schema_of_json, to_json,
};
use sluice_decode::{DecodeError, Decoded};
use sluice_model::SparkType;
use sluice_model::data_type::parse_schema;

fn shown(parts: &[Decoded]) -> Vec<String> {
    let mut out = vec![];
    for part in parts {
        let structs: ArrayRef = Arc::new(StructArray::from(part.batch.clone()));
        let text = to_json(&structs, &JsonForm::new(Zone::UTC)).unwrap();
        out.extend(text.iter().map(|row| row.unwrap().to_string()));
    }
    out
}

fn json(
    schema: &str,
    options: &[(&str, &str)],
    text: &str,
) -> Result<(Vec<Decoded>, JsonDecoder), DecodeError> {
    let mut read = JsonOptions::default();
    for (name, value) in options {
        assert!(read.set(name, value).unwrap(), "{name}");
    }
    read.learn_new_fields = true;
    let mut decoder = JsonDecoder::new(&parse_schema(schema).unwrap(), read)?;
    decoder.start_file("/in/f.json");
    let mut parts = decoder.push(text.as_bytes())?;
    parts.extend(decoder.finish()?);
    Ok((parts, decoder))
}

fn check_json(schema: &str, options: &[(&str, &str)], text: &str, expected: &[&str]) {
    assert_eq!(
        shown(&json(schema, options, text).unwrap().0),
        expected,
        "{text}"
    );
}

const RESCUE: (&str, &str) = ("rescuedDataColumn", "_rescued_data");
const CORRUPT: (&str, &str) = ("columnNameOfCorruptRecord", "_corrupt_record");

#[test]
fn what_does_not_fit_is_rescued_and_is_no_error() {
    let schema = "a INT, s STRUCT<x: INT>, l ARRAY<INT>";
    check_json(
        schema,
        &[RESCUE],
        r#"{"a":1,"s":{"x":2},"l":[3]}"#,
        &[r#"{"a":1,"s":{"x":2},"l":[3]}"#],
    );
    for (text, rescued) in [
        (r#"{"a":1.5}"#, r#"{"a":1.5"#),
        (r#"{"A":1}"#, r#"{"A":1"#),
        (r#"{"q":{"z":[1, 2]}}"#, r#"{"q":{"z":[1, 2]}"#),
        (r#"{"l":[1,"x"]}"#, r#"{"l":[1,"x"]"#),
    ] {
        let (parts, _) = json(schema, &[RESCUE, ("mode", "FAILFAST")], text).unwrap();
        let column = parts[0]
            .batch
            .column_by_name("_rescued_data")
            .unwrap()
            .as_string::<i32>();
        assert_eq!(
            column.value(0),
            format!("{rescued},\"_file_path\":\"/in/f.json\"}}")
        );
        assert_eq!(parts[0].bad_count, 0);
    }
    let nested =
        r#"{"_rescued_data":"{\"s\":{\"x\":\"no\",\"y\":1},\"_file_path\":\"/in/f.json\"}"}"#;
    let found = shown(
        &json(schema, &[RESCUE], r#"{"s":{"x":"no","y":1}}"#)
            .unwrap()
            .0,
    );
    assert_eq!(found, [nested.replacen('{', "{\"s\":{},", 1)]);
}

#[test]
fn a_line_that_is_no_json_is_kept_dropped_or_stops() {
    let text = "{\"a\":1}\n{bad\n\n{\"a\":2}";
    check_json(
        "a INT",
        &[CORRUPT],
        text,
        &["{\"a\":1}", "{\"_corrupt_record\":\"{bad\"}", "{\"a\":2}"],
    );
    check_json(
        "a INT",
        &[("mode", "dropmalformed")],
        text,
        &["{\"a\":1}", "{\"a\":2}"],
    );
    let DecodeError::Malformed(bad) = json("a INT", &[("mode", "FAILFAST")], text).unwrap_err()
    else {
        panic!()
    };
    assert_eq!((bad.line, bad.text.as_str()), (2, "{bad"));
    let (parts, _) = json("a INT", &[RESCUE], text).unwrap();
    assert_eq!(
        (
            parts[0].bad_count,
            parts[0].lines,
            parts[0].bad_records[0].line
        ),
        (1, 4, 2)
    );
    let column = parts[0]
        .batch
        .column_by_name("_rescued_data")
        .unwrap()
        .as_string::<i32>();
    assert_eq!(
        column.value(1),
        r#"{"_corrupt_record":"{bad","_file_path":"/in/f.json"}"#
    );
}

#[test]
fn a_tail_after_the_record_is_counted() {
    let (parts, _) = json("a INT", &[], "{\"a\":1} {\"a\":2}\n{\"a\":3} \n").unwrap();
    assert_eq!(parts[0].ignored_tails, 1);
}

#[test]
fn new_fields_are_learned_with_their_types() {
    let (_, decoder) = json(
        "a INT, s STRUCT<x: INT>",
        &[],
        "{\"a\":1,\"n\":1.5}\n{\"s\":{\"y\":[true]},\"n\":2}\n{\"a\":\"x\"}",
    )
    .unwrap();
    let learned = SparkType::Struct(decoder.new_fields());
    assert_eq!(
        learned.to_string(),
        "struct<n:double,s:struct<y:array<boolean>>>"
    );
    assert_eq!(json("a INT", &[], "{\"a\":1}").unwrap().1.new_fields(), []);
}

#[test]
fn a_document_is_an_object_or_an_array_of_objects() {
    let options = [("multiLine", "true"), CORRUPT];
    check_json("a INT", &options, "{\n \"a\": 1\n}\n", &["{\"a\":1}"]);
    check_json(
        "a INT",
        &options,
        "[\n{\"a\":1},\n{\"a\":2}]",
        &["{\"a\":1}", "{\"a\":2}"],
    );
    check_json(
        "a INT",
        &options,
        "[{\"a\":1},",
        &["{\"_corrupt_record\":\"[{\\\"a\\\":1},\"}"],
    );
    check_json("a INT", &options, "", &[]);
}

#[test]
fn options_change_the_grammar() {
    check_json(
        "a INT",
        &[("allowComments", "true")],
        "/*x*/ {\"a\": // y\n{\"a\":1} // z",
        &["{}", "{\"a\":1}"],
    );
    check_json(
        "a INT",
        &[("allowUnquotedFieldNames", "true")],
        "{a:1}",
        &["{\"a\":1}"],
    );
    check_json(
        "a STRING",
        &[("allowSingleQuotes", "false")],
        "{'a':'b'}",
        &["{}"],
    );
    check_json(
        "a STRING",
        &[("allowBackslashEscapingAnyCharacter", "true")],
        "{\"a\":\"\\q\\é\"}",
        &["{\"a\":\"qé\"}"],
    );
    check_json(
        "a DOUBLE",
        &[("allowNonNumericNumbers", "false")],
        "{\"a\":NaN}",
        &["{}"],
    );
    check_json(
        "a INT",
        &[("allowNumericLeadingZeros", "true")],
        "{\"a\":007}",
        &["{\"a\":7}"],
    );
    check_json(
        "Ab INT",
        &[("readerCaseSensitive", "false")],
        "{\"aB\":7}",
        &["{\"Ab\":7}"],
    );
    check_json(
        "t TIMESTAMP",
        &[("timestampFormat", "dd.MM.yyyy HH:mm")],
        "{\"t\":\"06.05.2024 07:08\"}",
        &["{\"t\":\"2024-05-06T07:08:00.000Z\"}"],
    );
    assert!(JsonOptions::default().set("mode", "maybe").is_err());
    assert!(!JsonOptions::default().set("header", "true").unwrap());
}

#[test]
fn depth_has_a_limit_and_long_lines_do_not_hurt() {
    for nest in ["[", "{\"a\":"] {
        let (parts, _) = json(
            "b STRING",
            &[],
            &format!("{{\"b\":{}\n{{\"b\":\"x\"}}\n", nest.repeat(100_000)),
        )
        .unwrap();
        assert_eq!(shown(&parts), ["{}", "{\"b\":\"x\"}"]);
    }
    let long = "x".repeat(3_000_000);
    let (parts, _) = json("b STRING", &[], &format!("{{\"b\":\"{long}\"}}")).unwrap();
    assert_eq!(
        parts[0].batch.column(0).as_string::<i32>().value(0).len(),
        long.len()
    );
}

#[test]
fn batches_are_cut_at_their_size() {
    let mut decoder = JsonDecoder::new(
        &parse_schema("a INT").unwrap(),
        JsonOptions {
            batch_rows: 4,
            ..JsonOptions::default()
        },
    )
    .unwrap();
    let mut parts = decoder.push("{\"a\":1}\n".repeat(10).as_bytes()).unwrap();
    parts.extend(decoder.finish().unwrap());
    assert_eq!(
        parts
            .iter()
            .map(|part| part.batch.num_rows())
            .collect::<Vec<_>>(),
        [4, 4, 2]
    );
    assert_eq!(parts.iter().map(|part| part.lines).sum::<u64>(), 10);
}

fn csv(schema: &str, options: &[(&str, &str)], text: &str) -> (Vec<Decoded>, CsvDecoder) {
    let mut read = CsvOptions::default();
    for (name, value) in options {
        assert!(read.set(name, value).unwrap(), "{name}");
    }
    read.learn_new_fields = read.rescued_column.is_some();
    let mut decoder = CsvDecoder::new(&parse_schema(schema).unwrap(), read).unwrap();
    decoder.start_file("/in/f.csv");
    let mut parts = decoder.push(text.as_bytes()).unwrap();
    parts.extend(decoder.finish().unwrap());
    (parts, decoder)
}

#[test]
fn csv_columns_go_by_name_where_they_evolve() {
    let header = ("header", "true");
    let text = "b,a,n\nx,1,2.5\ny,bad,3\nz\n";
    let (parts, decoder) = csv("a INT, b STRING", &[header, RESCUE], text);
    let expected = [
        r#"{"a":1,"b":"x","_rescued_data":"{\"n\":\"2.5\",\"_file_path\":\"/in/f.csv\"}"}"#,
        r#"{"b":"y","_rescued_data":"{\"a\":\"bad\",\"n\":\"3\",\"_file_path\":\"/in/f.csv\"}"}"#,
        r#"{"b":"z"}"#,
    ];
    assert_eq!(shown(&parts), expected);
    assert_eq!(
        SparkType::Struct(decoder.new_fields()).to_string(),
        "struct<n:double>"
    );
    let (parts, _) = csv("a INT, b STRING", &[RESCUE], "1,x,more\n");
    assert_eq!(
        shown(&parts),
        [r#"{"a":1,"b":"x","_rescued_data":"{\"_c2\":\"more\",\"_file_path\":\"/in/f.csv\"}"}"#]
    );
}

#[test]
fn csv_rows_are_skipped_before_the_header() {
    let (parts, _) = csv(
        "a INT",
        &[("header", "true"), ("skipRows", "2")],
        "note\n1\nh\n5\n",
    );
    assert_eq!(shown(&parts), ["{\"a\":5}"]);
}

#[test]
fn nested_values_are_cast_item_by_item() {
    let read = |text: &str, data_type: &str| {
        from_json(
            &StringArray::from(vec![text]),
            &SparkType::parse(data_type).unwrap(),
            &JsonOptions::default(),
        )
        .unwrap()
    };
    let text = |array: &ArrayRef| {
        cast(array, &SparkType::String, CastMode::Ansi, "UTC")
            .unwrap()
            .as_string::<i32>()
            .value(0)
            .to_string()
    };
    let array = read(
        r#"{"a":["1",null,"x"],"m":{"k":"2"}}"#,
        "struct<a:array<string>,m:map<string,string>>",
    );
    assert_eq!(text(&array), "{[1, null, x], {k -> 2}}");
    let to = SparkType::parse("struct<b:array<int>,c:map<string,double>>").unwrap();
    let tried = cast(&array, &to, CastMode::Try, "UTC").unwrap();
    assert_eq!(text(&tried), "{[1, null, null], {k -> 2.0}}");
    assert_eq!(*tried.data_type(), to.to_arrow());
    let error = cast(&array, &to, CastMode::Ansi, "UTC").unwrap_err();
    assert_eq!(
        (
            error.condition.name,
            error.value.as_str(),
            error.to.as_str()
        ),
        ("CAST_INVALID_INPUT", "x", "int")
    );
}

#[test]
fn small_json_functions_answer_null_for_what_they_do_not_take() {
    let strings = StringArray::from(vec![
        Some("[1,[2],{}]"),
        Some("{\"b\":1,\"a\":{}}"),
        Some("bad"),
        None,
    ]);
    let lengths = json_array_length(&strings);
    assert_eq!(
        lengths.iter().collect::<Vec<_>>(),
        [Some(3), None, None, None]
    );
    let keys = json_object_keys(&strings);
    assert_eq!(
        keys.value(1)
            .as_string::<i32>()
            .iter()
            .flatten()
            .collect::<Vec<_>>(),
        ["b", "a"]
    );
    assert!(keys.is_null(0) && keys.is_null(2));
    let schema = schema_of_json("{\"b\":[1],\"a\":1.5}", &JsonOptions::default()).unwrap();
    assert_eq!(schema.to_string(), "struct<a:double,b:array<bigint>>");
}

#[test]
fn decoders_may_travel_between_threads() {
    fn travels<T: Send + Sync>() {}
    travels::<JsonDecoder>();
    travels::<CsvDecoder>();
}

#[test]
fn any_stable_order_of_fields_is_read_right() {
    let orders = [
        "{\"a\":1,\"b\":2,\"c\":3}",
        "{\"c\":3,\"a\":1,\"b\":2}",
        "{\"c\":3,\"q\":9,\"b\":2,\"a\":1}",
        "{\"b\":2}",
        "{\"c\":0,\"c\":3}",
    ];
    let expected = ["{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":2}", "{\"c\":3}"];
    for first in 0..orders.len() {
        for second in 0..orders.len() {
            let text = [orders[first], orders[second], orders[first], orders[second]].join("\n");
            let found = shown(&json("a INT, b INT, c INT", &[], &text).unwrap().0);
            let wanted = |order: usize| expected[order.saturating_sub(2)];
            assert_eq!(
                found,
                [wanted(first), wanted(second), wanted(first), wanted(second)],
                "{text}"
            );
        }
    }
}
