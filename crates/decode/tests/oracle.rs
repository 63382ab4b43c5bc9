//! PySpark's answers against ours: every case in `tests/oracle/*.jsonl`, written by `oracle/decode_expected.py`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StructArray};
use serde_json::Value;
use sluice_decode::cast::{CastMode, cast};
use sluice_decode::csv::{CsvDecoder, CsvInference, CsvOptions};
use sluice_decode::datetime::{Pattern, Zone, parse_timestamp, timestamp_text};
use sluice_decode::json::{
    Inference, JsonDecoder, JsonForm, JsonOptions, JsonPath, from_json, to_json,
};
use sluice_decode::{Decoded, ParseMode};
use sluice_model::SparkType;
use sluice_model::data_type::parse_schema;

/// The session zone under which the answers were made.
const ZONE: &str = "Europe/Vienna";

fn cases(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs all cases and tells every difference at once; a case without an answer of ours is skipped by its reason.
fn check(
    text: &str,
    ours: impl Fn(&Value) -> Result<Value, &'static str>,
    theirs: impl Fn(&Value) -> Value,
) {
    let mut differences = vec![];
    let mut compared = 0;
    for case in cases(text) {
        let Ok(found) = ours(&case) else { continue };
        compared += 1;
        let expected = theirs(&case);
        if found != expected && !same_number(&case, &found, &expected) {
            differences.push(format!("{case}\n      ours {found}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Java 17 prints some floats with a digit too many (JDK-4511638, mended in 19); ours is the shortest text of the same number.
fn same_number(case: &Value, ours: &Value, theirs: &Value) -> bool {
    let pair = ours.as_str().zip(theirs.as_str());
    match case["to"].as_str() {
        Some("float") => pair.is_some_and(|(ours, theirs)| {
            ours.parse::<f32>()
                .is_ok_and(|number| theirs.parse() == Ok(number))
        }),
        Some("double") => pair.is_some_and(|(ours, theirs)| {
            ours.parse::<f64>()
                .is_ok_and(|number| theirs.parse() == Ok(number))
        }),
        _ => false,
    }
}

fn str_of<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {case}"))
}

/// The answer of a scalar case: its text, NULL, or the first part of its error.
fn answer(case: &Value) -> Value {
    match case.get("error") {
        Some(error) => Value::from(format!(
            "!{}",
            error.as_str().unwrap_or("").split('.').next().unwrap_or("")
        )),
        None => case["value"].clone(),
    }
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn cast_text(array: &ArrayRef, to: &str) -> Value {
    let to = SparkType::parse(to).unwrap();
    let result = cast(array, &to, CastMode::Ansi, ZONE)
        .and_then(|done| cast(&done, &SparkType::String, CastMode::Ansi, ZONE));
    match result {
        Ok(shown) if shown.is_null(0) => Value::Null,
        Ok(shown) => Value::from(shown.as_string::<i32>().value(0)),
        Err(error) => Value::from(format!(
            "!{}",
            error.condition.name.split('.').next().unwrap_or("")
        )),
    }
}

#[test]
fn texts_are_cast_as_spark_casts_them() {
    let ours = |case: &Value| {
        if matches!(str_of(case, "source"), "now" | "epoch") {
            return Err(
                "Spark's optimizer replaces these words in literals; no value in a column is read so",
            );
        }
        Ok(cast_text(
            &texts(&[case["source"].as_str()]),
            str_of(case, "to"),
        ))
    };
    check(include_str!("oracle/cast_string.jsonl"), ours, answer);
}

#[test]
fn typed_values_are_cast_as_spark_casts_them() {
    let ours = |case: &Value| {
        let source = match (str_of(case, "from"), str_of(case, "expression")) {
            ("timestamp", text) => text.split('\'').nth(1).unwrap(),
            (kind, _) if kind.contains('<') => return Err("nested values have cases of their own"),
            _ => str_of(case, "source"),
        };
        let from = SparkType::parse(str_of(case, "from")).unwrap();
        let typed = cast(&texts(&[Some(source)]), &from, CastMode::Ansi, ZONE).unwrap();
        Ok(cast_text(&typed, str_of(case, "to")))
    };
    check(include_str!("oracle/cast_typed.jsonl"), ours, answer);
}

fn rows(decoded: &[Decoded]) -> Value {
    let mut out = vec![];
    for part in decoded {
        let structs: ArrayRef = Arc::new(StructArray::from(part.batch.clone()));
        let shown = to_json(&structs, &JsonForm::new(Zone::parse(ZONE).unwrap())).unwrap();
        out.extend(shown.iter().map(|row| Value::from(row.unwrap_or("{}"))));
    }
    Value::from(out)
}

const JSON_SCHEMA: &str = "a BIGINT, b STRING, c DOUBLE, d BOOLEAN, s STRUCT<x: INT, y: STRING>, l ARRAY<INT>, t TIMESTAMP, \
     dt DATE, n DECIMAL(10,2), m MAP<STRING, INT>, ls ARRAY<STRUCT<x: INT, y: STRING>>";

fn set_all(case: &Value, mut set: impl FnMut(&str, &str) -> bool) {
    for (name, value) in case["options"].as_object().unwrap() {
        assert!(set(name, value.as_str().unwrap()), "{name}");
    }
}

#[test]
fn json_options_mean_what_they_mean_in_spark() {
    let ours = |case: &Value| {
        if str_of(case, "schema").starts_with("a TINYINT") {
            return Err("Spark reads 128 as -128 without a word; here it does not fit");
        }
        let mut options = JsonOptions {
            corrupt_column: Some("_corrupt_record".to_string()),
            time_zone: Zone::parse(ZONE).unwrap(),
            ..JsonOptions::default()
        };
        set_all(case, |name, value| options.set(name, value).unwrap());
        let mut decoder =
            JsonDecoder::new(&parse_schema(str_of(case, "schema")).unwrap(), options).unwrap();
        let mut out = vec![];
        let pushed = decoder
            .push(str_of(case, "content").as_bytes())
            .and_then(|parts| {
                out.extend(parts);
                out.extend(decoder.finish()?);
                Ok(())
            });
        Ok(if pushed.is_err() {
            Value::from("!")
        } else {
            rows(&out)
        })
    };
    check(include_str!("oracle/more_json.jsonl"), ours, |case| {
        case.get("rows").cloned().unwrap_or("!".into())
    });
}

#[test]
fn csv_options_mean_what_they_mean_in_spark() {
    let ours = |case: &Value| {
        let mut options = CsvOptions {
            corrupt_column: Some("_corrupt_record".to_string()),
            time_zone: Zone::parse(ZONE).unwrap(),
            ..CsvOptions::default()
        };
        set_all(case, |name, value| options.set(name, value).unwrap());
        let mut decoder =
            CsvDecoder::new(&parse_schema(str_of(case, "schema")).unwrap(), options).unwrap();
        let mut out = vec![];
        let pushed = decoder
            .push(str_of(case, "content").as_bytes())
            .and_then(|parts| {
                out.extend(parts);
                out.extend(decoder.finish()?);
                Ok(())
            });
        Ok(if pushed.is_err() {
            Value::from("!")
        } else {
            rows(&out)
        })
    };
    check(include_str!("oracle/more_csv.jsonl"), ours, |case| {
        case.get("rows").cloned().unwrap_or("!".into())
    });
}

#[test]
fn values_become_json_as_in_spark() {
    let ours = |case: &Value| {
        if str_of(case, "schema").starts_with("map<") || str_of(case, "schema").contains("struct<>")
        {
            return Err("from_json cannot make such a value");
        }
        let data_type = SparkType::parse(str_of(case, "schema")).unwrap();
        let options = JsonOptions {
            time_zone: Zone::parse(ZONE).unwrap(),
            ..JsonOptions::default()
        };
        let text = str_of(case, "value").replace(".123+02:00", ".123456+02:00");
        let value = from_json(&StringArray::from(vec![text]), &data_type, &options).unwrap();
        Ok(Value::from(
            to_json(&value, &JsonForm::new(Zone::parse(ZONE).unwrap()))
                .unwrap()
                .value(0),
        ))
    };
    check(include_str!("oracle/more_to_json.jsonl"), ours, answer);
}

#[test]
fn inference_options_mean_what_they_mean_in_spark() {
    let ours = |case: &Value| {
        let mut options = JsonOptions {
            time_zone: Zone::parse(ZONE).unwrap(),
            ..JsonOptions::default()
        };
        set_all(case, |name, value| options.set(name, value).unwrap());
        let mut inference = Inference::new(options);
        inference.push_lines(str_of(case, "content").as_bytes());
        Ok(Value::from(
            SparkType::Struct(inference.finish()).to_string(),
        ))
    };
    check(include_str!("oracle/more_infer.jsonl"), ours, |case| {
        case["schema"].clone()
    });
}

fn decode_json(bytes: &[u8], step: usize) -> Value {
    let options = JsonOptions {
        corrupt_column: Some("_corrupt_record".to_string()),
        time_zone: Zone::parse(ZONE).unwrap(),
        ..JsonOptions::default()
    };
    let mut decoder = JsonDecoder::new(&parse_schema(JSON_SCHEMA).unwrap(), options).unwrap();
    let mut out = vec![];
    for chunk in bytes.chunks(step) {
        out.extend(decoder.push(chunk).unwrap());
    }
    out.extend(decoder.finish().unwrap());
    rows(&out)
}

#[test]
fn json_lines_become_the_rows_of_spark() {
    for step in [1, 7, 1000] {
        let ours = |case: &Value| {
            Ok(decode_json(
                format!("{}\n", str_of(case, "line")).as_bytes(),
                step,
            ))
        };
        check(include_str!("oracle/json_lines.jsonl"), ours, |case| {
            case["rows"].clone()
        });
    }
}

#[test]
fn odd_bytes_of_json_become_the_rows_of_spark() {
    let ours = |case: &Value| {
        let hex = str_of(case, "hex");
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        Ok(decode_json(&bytes, 1000))
    };
    check(include_str!("oracle/json_bytes.jsonl"), ours, |case| {
        case["rows"].clone()
    });
}

#[test]
fn from_json_reads_as_spark_does() {
    let ours = |case: &Value| {
        let schema = str_of(case, "schema");
        let data_type = SparkType::parse(schema)
            .unwrap_or_else(|_| SparkType::Struct(parse_schema(schema).unwrap()));
        let text = StringArray::from(vec![case["text"].as_str()]);
        let value = from_json(&text, &data_type, &JsonOptions::default()).unwrap();
        let field = arrow_schema::Field::new("v", value.data_type().clone(), true);
        let outer: ArrayRef = Arc::new(StructArray::from(vec![(Arc::new(field), value)]));
        Ok(Value::from(
            to_json(&outer, &JsonForm::new(Zone::UTC)).unwrap().value(0),
        ))
    };
    check(include_str!("oracle/from_json.jsonl"), ours, answer);
}

#[test]
fn paths_reach_what_spark_reaches() {
    let ours = |case: &Value| {
        Ok(JsonPath::parse(str_of(case, "path"))
            .ok()
            .and_then(|path| path.get(str_of(case, "text")))
            .into())
    };
    check(include_str!("oracle/json_path.jsonl"), ours, answer);
}

#[test]
fn json_types_are_inferred_as_spark_infers_them() {
    let ours = |case: &Value| {
        if str_of(case, "schema").contains("_corrupt_record") {
            return Err("the caller adds the corrupt record column");
        }
        let mut inference = Inference::new(JsonOptions::default());
        inference.push_lines(str_of(case, "content").as_bytes());
        Ok(Value::from(
            SparkType::Struct(inference.finish()).to_string(),
        ))
    };
    check(include_str!("oracle/json_infer.jsonl"), ours, |case| {
        case["schema"].clone()
    });
}

#[test]
fn patterns_read_as_javas() {
    let zone = Zone::parse(ZONE).unwrap();
    let ours = |case: &Value| {
        let Ok(pattern) = Pattern::new(str_of(case, "pattern")) else {
            return Ok(Value::from("!"));
        };
        let refused = ["E", "F", "q", "Q"]
            .iter()
            .any(|letter| pattern.has(letter.chars().next().unwrap()));
        if refused {
            return Ok(Value::from("!"));
        }
        Ok(pattern
            .parse_timestamp(str_of(case, "text"), &zone)
            .map_or(Value::from("!"), |micros| {
                timestamp_text(micros, &zone).into()
            }))
    };
    check(include_str!("oracle/pattern_parse.jsonl"), ours, |case| {
        if case.get("error").is_some() {
            "!".into()
        } else {
            answer(case)
        }
    });
}

#[test]
fn patterns_print_as_javas() {
    let zone = Zone::parse(ZONE).unwrap();
    let ours = |case: &Value| {
        let Ok(pattern) = Pattern::new(str_of(case, "pattern")) else {
            return Ok(Value::from("!"));
        };
        let micros = parse_timestamp(str_of(case, "instant"), &zone).unwrap();
        Ok(Value::from(pattern.format_timestamp(micros, &zone)))
    };
    check(include_str!("oracle/pattern_format.jsonl"), ours, |case| {
        if case.get("error").is_some() {
            "!".into()
        } else {
            answer(case)
        }
    });
}

#[test]
fn csv_records_become_the_rows_of_spark() {
    for step in [1, 5, 1000] {
        let ours = |case: &Value| {
            let mut options = CsvOptions {
                corrupt_column: Some("_corrupt_record".to_string()),
                ..CsvOptions::default()
            };
            for (name, value) in case["options"].as_object().unwrap() {
                assert!(options.set(name, value.as_str().unwrap()).unwrap());
            }
            let drops = options.mode == ParseMode::DropMalformed;
            let mut decoder =
                CsvDecoder::new(&parse_schema("a INT, b STRING, c DOUBLE").unwrap(), options)
                    .unwrap();
            let mut out = vec![];
            for chunk in str_of(case, "content").as_bytes().chunks(step) {
                out.extend(decoder.push(chunk).unwrap());
            }
            out.extend(decoder.finish().unwrap());
            assert_eq!(drops, out.iter().any(|part| part.dropped > 0), "{case}");
            Ok(rows(&out))
        };
        check(include_str!("oracle/csv.jsonl"), ours, |case| {
            case["rows"].clone()
        });
    }
}

#[test]
fn csv_types_are_inferred_as_spark_infers_them() {
    let ours = |case: &Value| {
        if str_of(case, "content").starts_with("07:08") {
            return Err("a time alone needs today's date, which this room does not know");
        }
        let mut inference = CsvInference::new(CsvOptions::default());
        inference.push(str_of(case, "content").as_bytes());
        Ok(Value::from(
            SparkType::Struct(inference.finish()).to_string(),
        ))
    };
    check(include_str!("oracle/csv_infer.jsonl"), ours, |case| {
        case["schema"].clone()
    });
}
