//! Real lines with something broken in them, and lines of random bytes: nothing panics, no line is lost, and the three
//! modes agree on what is bad.

#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sluice_decode::csv::{CsvDecoder, CsvOptions};
use sluice_decode::json::{JsonDecoder, JsonOptions};
use sluice_decode::{DecodeError, Decoded, ParseMode};
use sluice_model::data_type::parse_schema;

const JSON_LINES: &[&str] = &[
    r#"{"device_id":"d-17","ts":"2026-01-02T03:04:05.678Z","temperature":21.5,"on":true,"tags":["a","b"]}"#,
    r#"{"device_id":"d-18","temperature":-0,"meta":{"fw":"1.2.3","n":[1,2,{"x":null}]},"seq":9007199254740993}"#,
    r#"{"device_id":"\u00e9\ud83d\ude00 \"q\"","temperature":1e400,"on":null,"seq":12345678901234567890}"#,
    r#"  { "seq" : 1 , "tags" : [ ] , "meta" : { } }  "#,
    "",
];
const JSON_SCHEMA: &str = "device_id STRING, ts TIMESTAMP, temperature DOUBLE, `on` BOOLEAN, tags ARRAY<STRING>, \
                           meta STRUCT<fw: STRING, n: STRING>, seq BIGINT";
const CSV_LINES: &[&str] = &[
    "d-17,2026-01-02 03:04:05,21.5,true,9",
    "\"d,18\",2026-01-02,-0,FALSE,9223372036854775807",
    "\"say \"\"hi\"\"\",,1e5,,",
    "d-19,2026-13-45,warm,yes,1.5",
    "",
];
const CSV_SCHEMA: &str =
    "device_id STRING, ts TIMESTAMP, temperature DOUBLE, `on` BOOLEAN, seq BIGINT";

/// What is done to a line.
#[derive(Debug, Clone)]
enum Damage {
    Cut(usize),
    Put(usize, u8),
    Change(usize, u8),
    Remove(usize),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Line ends would make two lines of one, and the sum would not be known.
    let byte = prop_oneof![
        3 => prop::sample::select(b"{}[],:\"'\\ -+.eE0nulltrue#".to_vec()),
        1 => any::<u8>(),
    ]
    .prop_filter("a line stays one line", |byte| {
        !matches!(byte, b'\n' | b'\r')
    });
    prop_oneof![
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Damage::Put(at, byte)),
        (any::<usize>(), byte).prop_map(|(at, byte)| Damage::Change(at, byte)),
        any::<usize>().prop_map(Damage::Remove),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn damaged(line: &str, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for damage in damages {
        let length = bytes.len().max(1);
        match *damage {
            Damage::Cut(at) => bytes.truncate(at % length),
            Damage::Put(at, byte) => bytes.insert(at % length % (bytes.len() + 1), byte),
            Damage::Change(at, byte) => {
                if let Some(place) = bytes.get_mut(at % length) {
                    *place = byte;
                }
            }
            Damage::Remove(at) => {
                if at % length < bytes.len() {
                    bytes.remove(at % length);
                }
            }
            Damage::Repeat(from, to) => {
                let (from, to) = (
                    (from % length).min(to % length),
                    (from % length).max(to % length),
                );
                let piece = bytes.get(from..to).unwrap_or_default().to_vec();
                bytes.splice(from..from, piece);
            }
        }
    }
    bytes
}

fn lines(known: &'static [&'static str]) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let random = prop::collection::vec(
        any::<u8>().prop_filter("one line", |byte| !matches!(byte, b'\n' | b'\r')),
        0..60,
    );
    let real = (
        prop::sample::select(known),
        prop::collection::vec(damage(), 0..4),
    )
        .prop_map(|(line, damages)| damaged(line, &damages));
    prop::collection::vec(prop_oneof![4 => real, 1 => random], 1..12)
}

/// Rows kept, bad records, rows left out, lines.
fn counts(parts: &[Decoded]) -> (u64, u64, u64, u64) {
    parts.iter().fold((0, 0, 0, 0), |sum, part| {
        let rows = part.batch.num_rows() as u64;
        (
            sum.0 + rows,
            sum.1 + part.bad_count,
            sum.2 + part.dropped,
            sum.3 + part.lines,
        )
    })
}

fn json(bytes: &[u8], mode: ParseMode, rescue: bool) -> Result<Vec<Decoded>, DecodeError> {
    let options = JsonOptions {
        mode,
        rescued_column: rescue.then(|| "_rescued_data".to_string()),
        learn_new_fields: true,
        batch_rows: 5,
        ..JsonOptions::default()
    };
    let mut decoder = JsonDecoder::new(&parse_schema(JSON_SCHEMA).unwrap(), options)?;
    decoder.start_file("/in/x.json");
    let mut parts = decoder.push(bytes)?;
    parts.extend(decoder.finish()?);
    let _ = decoder.new_fields();
    Ok(parts)
}

fn csv(bytes: &[u8], mode: ParseMode, rescue: bool) -> Result<Vec<Decoded>, DecodeError> {
    let options = CsvOptions {
        mode,
        rescued_column: rescue.then(|| "_rescued_data".to_string()),
        batch_rows: 5,
        ..CsvOptions::default()
    };
    let mut decoder = CsvDecoder::new(&parse_schema(CSV_SCHEMA).unwrap(), options)?;
    decoder.start_file("/in/x.csv");
    let mut parts = decoder.push(bytes)?;
    parts.extend(decoder.finish()?);
    Ok(parts)
}

type Decode = fn(&[u8], ParseMode, bool) -> Result<Vec<Decoded>, DecodeError>;

/// What holds for every format: `records` lines hold something.
fn check(decode: Decode, bytes: &[u8], records: u64, all: u64) -> Result<(), TestCaseError> {
    for rescue in [false, true] {
        let (rows, bad, dropped, lines) =
            counts(&decode(bytes, ParseMode::Permissive, rescue).unwrap());
        prop_assert_eq!((rows, dropped, lines), (records, 0, all), "kept");
        let (kept, also_bad, dropped, _) =
            counts(&decode(bytes, ParseMode::DropMalformed, rescue).unwrap());
        prop_assert_eq!(
            (also_bad, dropped, kept),
            (bad, bad, records - bad),
            "left out"
        );
        let stopped = decode(bytes, ParseMode::FailFast, rescue);
        prop_assert_eq!(stopped.is_err(), bad > 0, "stopped");
        let is_malformed = matches!(stopped, Ok(_) | Err(DecodeError::Malformed(_)));
        prop_assert!(is_malformed);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_lines_are_rows_or_bad_records(lines in lines(JSON_LINES)) {
        let blank = |line: &Vec<u8>| line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        // An array at the root is as many rows as it has objects.
        let is_array = |line: &Vec<u8>| line.iter().find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b'[');
        prop_assume!(!lines.iter().any(is_array));
        let records = lines.iter().filter(|line| !blank(line)).count() as u64;
        let bytes = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect::<Vec<u8>>();
        check(json, &bytes, records, lines.len() as u64)?;
    }

    #[test]
    fn csv_lines_are_rows_or_bad_records(lines in lines(CSV_LINES)) {
        let blank = |line: &Vec<u8>| line.iter().all(|byte| *byte <= b' ');
        // A byte order mark at the head is no part of the first line.
        prop_assume!(!lines[0].starts_with(b"\xEF\xBB\xBF"));
        let records = lines.iter().filter(|line| !blank(line)).count() as u64;
        let bytes = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect::<Vec<u8>>();
        check(csv, &bytes, records, lines.len() as u64)?;
    }
}

#[test]
fn a_line_beyond_the_limit_is_one_bad_record() {
    let long = "x".repeat(sluice_model::limits::LINE_BYTES_MAX + 1);
    let around = |good: &str| format!("{good}\n{long}\n{good}\n");
    let mut parts = vec![];
    let mut decoder =
        JsonDecoder::new(&parse_schema(JSON_SCHEMA).unwrap(), JsonOptions::default()).unwrap();
    for piece in around("{\"seq\":1}").as_bytes().chunks(8 << 20) {
        parts.extend(decoder.push(piece).unwrap());
    }
    parts.extend(decoder.finish().unwrap());
    assert_eq!(counts(&parts), (3, 1, 0, 3), "json");
    let mut parts = vec![];
    let mut decoder =
        CsvDecoder::new(&parse_schema(CSV_SCHEMA).unwrap(), CsvOptions::default()).unwrap();
    for piece in around("d,,,,1").as_bytes().chunks(8 << 20) {
        parts.extend(decoder.push(piece).unwrap());
    }
    parts.extend(decoder.finish().unwrap());
    assert_eq!(counts(&parts), (3, 1, 0, 3), "csv");
}
