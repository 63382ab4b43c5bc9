//! What must hold for every input: nothing panics, how bytes are cut does not matter, and the decoder agrees with the
//! slow path (`serde_json`, value by value).

#![allow(
    clippy::cast_precision_loss,
    clippy::format_collect,
    clippy::match_same_arms,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use proptest::prelude::*;
use serde_json::{Map, Value};
use sluice_decode::cast::{CastMode, cast};
use sluice_decode::csv::{CsvDecoder, CsvInference, CsvOptions};
use sluice_decode::datetime::{
    Pattern, Zone, date_text, parse_date, parse_timestamp, timestamp_text,
};
use sluice_decode::json::{Inference, JsonDecoder, JsonOptions, JsonPath, from_json};
use sluice_model::SparkType;
use sluice_model::data_type::parse_schema;

const SCHEMA: &str =
    "a BIGINT, b STRING, c DOUBLE, d BOOLEAN, s STRUCT<x: BIGINT, y: STRING>, l ARRAY<BIGINT>";

fn json_options() -> JsonOptions {
    JsonOptions {
        rescued_column: Some("_rescued_data".to_string()),
        corrupt_column: Some("_corrupt_record".to_string()),
        learn_new_fields: true,
        batch_rows: 3,
        ..JsonOptions::default()
    }
}

fn decode_json(bytes: &[u8], cuts: usize, options: JsonOptions) -> (Vec<RecordBatch>, u64, u64) {
    let mut decoder = JsonDecoder::new(&parse_schema(SCHEMA).unwrap(), options).unwrap();
    decoder.start_file("/in/x.json");
    let mut parts = vec![];
    for chunk in bytes.chunks(cuts.max(1)) {
        parts.extend(decoder.push(chunk).unwrap());
    }
    parts.extend(decoder.finish().unwrap());
    let _ = decoder.new_fields();
    let bad = parts.iter().map(|part| part.bad_count).sum();
    let lines = parts.iter().map(|part| part.lines).sum();
    (
        parts.into_iter().map(|part| part.batch).collect(),
        bad,
        lines,
    )
}

fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut out = vec![];
    for batch in batches {
        let structs: ArrayRef = Arc::new(arrow_array::StructArray::from(batch.clone()));
        let shown = cast(&structs, &SparkType::String, CastMode::Ansi, "UTC").unwrap();
        out.extend(
            shown
                .as_string::<i32>()
                .iter()
                .map(|row| row.unwrap().to_string()),
        );
    }
    out
}

/// A value of any kind, small.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000).prop_map(|number| Value::from(number as f64 / 64.0)),
        "[a-z\\\\\"\u{e9}\u{1f600}\\n ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abcdslxyz]", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_record() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[abcdslq]", any_value()), 0..8)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// The slow path: one column of one record, or NULL where the value has another type.
fn expected(record: &Map<String, Value>, name: &str) -> Value {
    let Some(value) = record.get(name) else {
        return Value::Null;
    };
    match (name, value) {
        ("a", value) if value.is_i64() => value.clone(),
        ("b", Value::String(_)) => value.clone(),
        ("b", Value::Null) => Value::Null,
        ("b", other) => Value::from(other.to_string()),
        ("c", Value::Number(number)) => Value::from(number.as_f64().unwrap()),
        ("d", Value::Bool(_)) => value.clone(),
        _ => Value::Null,
    }
}

fn found(batch: &RecordBatch, name: &str, row: usize) -> Value {
    let column = batch.column_by_name(name).unwrap();
    if column.is_null(row) {
        return Value::Null;
    }
    match name {
        "a" => column.as_primitive::<Int64Type>().value(row).into(),
        "b" => column.as_string::<i32>().value(row).into(),
        "c" => column.as_primitive::<Float64Type>().value(row).into(),
        _ => column.as_boolean().value(row).into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_agree_with_the_slow_path(records in prop::collection::vec(any_record(), 1..6), cut in 1_usize..40) {
        let lines: String = records.iter().map(|record| format!("{}\n", Value::from(record.clone()))).collect();
        let (batches, bad, count) = decode_json(lines.as_bytes(), cut, json_options());
        prop_assert_eq!(bad, 0, "with a rescued data column no type mismatch is bad: {}", lines);
        prop_assert_eq!(count, records.len() as u64);
        let mut row = 0;
        for batch in &batches {
            for inside in 0..batch.num_rows() {
                for name in ["a", "b", "c", "d"] {
                    prop_assert_eq!(found(batch, name, inside), expected(&records[row], name), "{} in {}", name, lines);
                }
                // Whatever did not fit is in the rescued data, and nothing else is.
                let rescued = batch.column_by_name("_rescued_data").unwrap().as_string::<i32>();
                let lost = ["a", "c", "d"].iter().any(|name| {
                    records[row].get(*name).is_some_and(|value| !value.is_null()) && expected(&records[row], name).is_null()
                });
                let unknown = records[row].contains_key("q");
                if lost || unknown {
                    let text: Value = serde_json::from_str(rescued.value(inside)).unwrap();
                    prop_assert!(text.get("_file_path").is_some());
                    prop_assert_eq!(text.get("q").is_some(), unknown);
                }
                row += 1;
            }
        }
        prop_assert_eq!(row, records.len());
    }

    #[test]
    fn cuts_do_not_matter_and_nothing_panics(
        bytes in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(b"{}[]:,\"'\\\n\r\t abcdslt012.-+eEnulfrsINa/*u".to_vec()),
            1 => any::<u8>(),
        ], 0..120),
        cut in 1_usize..20,
    ) {
        let whole = decode_json(&bytes, bytes.len(), json_options());
        let pieces = decode_json(&bytes, cut, json_options());
        // A lone carriage return at a cut is a line end only once the next byte is known: same rows, other batches.
        prop_assert_eq!(rows(&whole.0), rows(&pieces.0));
        prop_assert_eq!(whole.1, pieces.1);
        let _ = decode_json(&bytes, cut, JsonOptions { multi_line: true, ..json_options() });
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut inference = Inference::new(JsonOptions::default());
        inference.push_lines(&bytes);
        let _ = inference.finish();
        let strings = StringArray::from(vec![Some(text.as_str()), None]);
        for schema in ["struct<a:int,b:string>", "array<int>", "map<string,array<string>>"] {
            let read = from_json(&strings, &SparkType::parse(schema).unwrap(), &JsonOptions::default()).unwrap();
            prop_assert_eq!(read.len(), 2);
        }
        for path in ["$.a[0]", "$[*].b", "$"] {
            let _ = JsonPath::parse(path).unwrap().get(&text);
        }
        let _ = JsonPath::parse(&text).map(|path| path.get("{\"a\":[1]}"));
        let _ = JsonPath::parse_operator(&text).map(|path| path.get("{\"a\":[1]}"));
    }

    #[test]
    fn csv_cuts_do_not_matter(
        bytes in prop::collection::vec(prop_oneof![
            6 => prop::sample::select(b",;\"'\\\n ab12.-e#\t".to_vec()),
            1 => any::<u8>().prop_filter("a lone return is a matter of its own", |byte| *byte != b'\r'),
        ], 0..120),
        cut in 1_usize..20,
        multi_line in any::<bool>(),
        header in any::<bool>(),
    ) {
        let decode = |cut: usize| {
            let options = CsvOptions {
                multi_line,
                header,
                rescued_column: Some("_rescued_data".to_string()),
                corrupt_column: Some("_corrupt_record".to_string()),
                learn_new_fields: true,
                batch_rows: 4,
                ..CsvOptions::default()
            };
            let mut decoder = CsvDecoder::new(&parse_schema("a INT, b STRING, c DOUBLE, d DATE").unwrap(), options).unwrap();
            let mut parts = vec![];
            for chunk in bytes.chunks(cut.max(1)) {
                parts.extend(decoder.push(chunk).unwrap());
            }
            parts.extend(decoder.finish().unwrap());
            rows(&parts.into_iter().map(|part| part.batch).collect::<Vec<_>>())
        };
        prop_assert_eq!(decode(bytes.len()), decode(cut));
        let mut inference = CsvInference::new(CsvOptions { header, multi_line, ..CsvOptions::default() });
        inference.push(&bytes);
        let _ = inference.finish();
    }

    #[test]
    fn dates_and_timestamps_survive_their_text(days in -700_000_i32..2_900_000, micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
        prop_assert_eq!(parse_date(&date_text(days)), Some(days));
        prop_assert_eq!(parse_timestamp(&timestamp_text(micros, &Zone::UTC), &Zone::UTC), Some(micros));
        let pattern = Pattern::new("yyyy-MM-dd HH:mm:ss.SSSSSSXXX").unwrap();
        let zone = Zone::parse("+05:30").unwrap();
        prop_assert_eq!(pattern.parse_timestamp(&pattern.format_timestamp(micros, &zone), &Zone::UTC), Some(micros));
    }

    #[test]
    fn no_text_panics_in_a_cast(text in "\\PC{0,24}|[-+0-9.eE: TZ]{0,30}") {
        let array: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
        for to in ["boolean", "tinyint", "int", "bigint", "float", "double", "decimal(38,37)", "decimal(5,0)", "date", "timestamp", "timestamp_ntz", "binary"] {
            let to = SparkType::parse(to).unwrap();
            let tried = cast(&array, &to, CastMode::Try, "America/New_York").unwrap();
            prop_assert_eq!(cast(&array, &to, CastMode::Ansi, "America/New_York").is_err(), tried.is_null(0));
        }
        if let Ok(pattern) = Pattern::new(&text) {
            let _ = pattern.parse_timestamp(&text, &Zone::UTC);
            let _ = pattern.format_timestamp(1_715_000_000_123_456, &Zone::UTC);
        }
        let _ = Zone::parse(&text);
    }
}
