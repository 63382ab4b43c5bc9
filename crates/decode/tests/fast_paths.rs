//! However a record is written, its columns are the same: what the decoder reads in a short way (keys as declared, in the
//! declared order, texts without escapes, plain numbers) must equal what it reads in the long way.

#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test")]

use arrow_array::RecordBatch;
use proptest::prelude::*;
use sluice_decode::json::{JsonDecoder, JsonOptions};
use sluice_model::SparkField;
use sluice_model::data_type::parse_schema;

/// Names that differ in their first bytes, names that do not, names longer than what is compared at once, mixed case.
const SCHEMAS: [&str; 3] = [
    "id BIGINT, name STRING, at TIMESTAMP, value DOUBLE, flag BOOLEAN, day DATE, n INT, s STRUCT<x: BIGINT, y: STRING>",
    "sensor_1 BIGINT, sensor_2 STRING, sensor_3 TIMESTAMP, sensor_4 DOUBLE, sensor_10 BOOLEAN, sensor_11 DATE, \
     sensor_12 INT, sensor_13 STRUCT<sensor_1: BIGINT, sensor_2: STRING>",
    "a_name_that_is_longer_than_what_is_compared_at_once BIGINT, deviceName STRING, \
     a_name_that_is_longer_than_what_is_compared_at_once_2 TIMESTAMP, V DOUBLE, `a b` BOOLEAN, `höhe` DATE, \
     a_name_of_just_thirty_bytes_xx INT, Nested STRUCT<deviceName: BIGINT, v: STRING>",
];

/// How a record is written.
#[derive(Debug, Clone)]
struct Style {
    /// Moves the members: rotation by the first, then swaps.
    order: Vec<usize>,
    spaces: bool,
    /// Escapes the first letter of every name and text, which nothing reads in a short way.
    escaped: bool,
    capitals: bool,
}

fn style() -> impl Strategy<Value = Style> {
    let parts = (
        prop::collection::vec(0..8_usize, 0..8),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(|(order, spaces, escaped, capitals)| Style {
        order,
        spaces,
        escaped,
        capitals,
    })
}

/// A text as a JSON string; what must be escaped is.
fn quoted(text: &str, escaped: bool) -> String {
    let body: String = text
        .chars()
        .enumerate()
        .map(|(index, symbol)| match symbol {
            '"' | '\\' => format!("\\{symbol}"),
            symbol if symbol < ' ' || (escaped && index == 0 && (symbol as u32) < 0x1_0000) => {
                format!("\\u{:04x}", symbol as u32)
            }
            symbol => symbol.to_string(),
        })
        .collect();
    format!("\"{body}\"")
}

#[derive(Debug, Clone)]
enum Value {
    Raw(String),
    Text(String),
    Object(Vec<(usize, Value)>),
}

fn text(style: &Style, fields: &[SparkField], members: &[(usize, Value)], out: &mut String) {
    let mut members: Vec<&(usize, Value)> = members.iter().collect();
    for (index, with) in style.order.iter().enumerate() {
        let length = members.len();
        if length > 0 {
            members.swap(index % length, with % length);
        }
    }
    let space = if style.spaces { " " } else { "" };
    out.push('{');
    for (index, (position, value)) in members.into_iter().enumerate() {
        let field = &fields[*position];
        let comma = if index > 0 { "," } else { "" };
        let name = if style.capitals {
            field.name.to_uppercase()
        } else {
            field.name.clone()
        };
        let name = quoted(&name, style.escaped);
        for part in [space, comma, space, &name, space, ":", space] {
            *out += part;
        }
        match value {
            Value::Raw(raw) => *out += raw,
            Value::Text(words) => *out += &quoted(words, style.escaped),
            Value::Object(inner) => {
                let sluice_model::SparkType::Struct(fields) = &field.data_type else {
                    unreachable!("only structs hold objects")
                };
                text(style, fields, inner, out);
            }
        }
    }
    *out += space;
    out.push('}');
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,12}",
        "[ -~]{0,40}",
        "[a-zé€😀]{14,19}",
        Just("quotes \" and \\ and \t in it".to_string()),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,4})?",
        "-?[1-9][0-9]{14,21}",
        "-?[1-9]\\.[0-9]{10,20}",
        "-?[1-9](\\.[0-9])?[eE][+-]?[0-9]{1,2}",
        Just("007".to_string()),
        Just("-".to_string()),
        Just("1.".to_string()),
    ]
}

fn value(position: usize) -> BoxedStrategy<Value> {
    let raw = |strategy: BoxedStrategy<String>| strategy.prop_map(Value::Raw).boxed();
    let fitting = match position {
        0 | 3 | 6 => raw(number().boxed()),
        1 => words().prop_map(Value::Text).boxed(),
        2 => "20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,7})?(Z|\\+01:00)?"
            .prop_map(Value::Text)
            .boxed(),
        4 => raw("true|false".boxed()),
        5 => "20[0-9]{2}-[01]?[0-9]-[0-3]?[0-9]".prop_map(Value::Text).boxed(),
        _ => (number(), words())
            .prop_map(|(x, y)| Value::Object(vec![(0, Value::Raw(x)), (1, Value::Text(y))]))
            .boxed(),
    };
    prop_oneof![
        8 => fitting,
        1 => Just(Value::Raw("null".into())),
        1 => Just(Value::Raw("[1, {\"id\": 2}]".into())),
        1 => words().prop_map(Value::Text),
        1 => number().prop_map(Value::Raw),
    ]
    .boxed()
}

/// Members of a record, each at most once: of equal names the last one wins, so their order would matter.
fn record() -> impl Strategy<Value = Vec<(usize, Value)>> {
    let members: Vec<_> = (0..8)
        .map(|position| prop::option::weighted(0.9, value(position)))
        .collect();
    members.prop_map(|values| {
        values
            .into_iter()
            .enumerate()
            .filter_map(|(position, value)| Some((position, value?)))
            .collect()
    })
}

fn decode(fields: &[SparkField], text: &str, cut: usize) -> (Vec<RecordBatch>, Vec<u64>) {
    let options = JsonOptions {
        batch_rows: 4,
        case_sensitive: false,
        ..JsonOptions::default()
    };
    let mut decoder = JsonDecoder::new(fields, options).unwrap();
    decoder.start_file("/in/x.json");
    let mut parts = vec![];
    for chunk in text.as_bytes().chunks(cut.max(1)) {
        parts.extend(decoder.push(chunk).unwrap());
    }
    parts.extend(decoder.finish().unwrap());
    let bad = parts.iter().map(|part| part.bad_count).collect();
    (parts.into_iter().map(|part| part.batch).collect(), bad)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_record_gives_the_same_columns_however_it_is_written(
        schema in 0..SCHEMAS.len(),
        records in prop::collection::vec((record(), style()), 1..9),
        cut in 1..300_usize,
    ) {
        let fields = parse_schema(SCHEMAS[schema]).unwrap();
        let plain = Style { order: vec![], spaces: false, escaped: false, capitals: false };
        let slow = Style { order: vec![3, 1, 4, 1, 5], spaces: true, escaped: true, capitals: true };
        let (mut quick, mut long, mut mixed) = (String::new(), String::new(), String::new());
        for (members, style) in &records {
            for (style, out) in [(&plain, &mut quick), (&slow, &mut long), (style, &mut mixed)] {
                text(style, &fields, members, out);
                out.push('\n');
            }
        }
        let expected = decode(&fields, &long, 1 << 20);
        prop_assert_eq!(&decode(&fields, &quick, 1 << 20), &expected, "{}", quick);
        prop_assert_eq!(&decode(&fields, &mixed, cut), &expected, "{}", mixed);
    }
}

#[test]
fn of_equal_names_the_last_one_wins_in_wide_records_too() {
    let schema: Vec<String> = (0..80).map(|index| format!("c{index} BIGINT")).collect();
    let fields = parse_schema(&schema.join(", ")).unwrap();
    let members: Vec<String> = (0..80)
        .flat_map(|index| [format!("\"c{index}\":1"), format!("\"c{index}\":{index}")])
        .collect();
    let once: Vec<String> = (0..80)
        .map(|index| format!("\"c{index}\":{index}"))
        .collect();
    let twice = decode(&fields, &format!("{{{}}}\n", members.join(",")), 1 << 20);
    assert_eq!(
        twice,
        decode(&fields, &format!("{{{}}}\n", once.join(",")), 1 << 20)
    );
}
