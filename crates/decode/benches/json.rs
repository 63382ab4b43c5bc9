//! JSON bytes to 12 typed columns, in CPU-seconds per million records: keys in the order of the schema; any order and spaces;
//! 1 % broken lines; one record cut short in each. Run it with `cargo bench -p sluice-decode -p sluice --bench json`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops where something is wrong"
)]

use std::fmt::Write as _;

use sluice_decode::json::{JsonDecoder, JsonOptions};
use sluice_model::{SparkField, SparkType};

const RECORDS: usize = 250_000;
const RUNS: usize = 7;
const PUSH_BYTES: usize = 1 << 20;

fn fields() -> Vec<SparkField> {
    let double = || SparkType::Double;
    [
        ("event_id", SparkType::Long),
        ("device_id", SparkType::String),
        ("site", SparkType::String),
        ("kind", SparkType::String),
        ("at", SparkType::Timestamp),
        ("temperature", double()),
        ("humidity", double()),
        ("pressure", double()),
        ("vibration", double()),
        ("battery", SparkType::Int),
        ("firmware", SparkType::String),
        ("note", SparkType::String),
    ]
    .map(|(name, data_type)| SparkField::new(name, data_type))
    .into()
}

/// The members of one event, each as key and value.
fn members(event: usize) -> Vec<(&'static str, String)> {
    let device = event * 7919 % 200;
    let second = event / 12;
    let part = |modulus: usize, unit: f64| (event * 104_729 % modulus) as f64 * unit;
    vec![
        ("event_id", event.to_string()),
        ("device_id", format!("\"device-{device:05}\"")),
        ("site", format!("\"site-{:02}\"", device % 20)),
        (
            "kind",
            format!("\"{}\"", ["pump", "motor", "valve", "fan"][device % 4]),
        ),
        (
            "at",
            format!(
                "\"2026-01-{:02}T{:02}:{:02}:{:02}.{:03}Z\"",
                1 + second / 86_400,
                second / 3600 % 24,
                second / 60 % 60,
                second % 60,
                event * 83 % 1000
            ),
        ),
        ("temperature", format!("{:.2}", part(9001, 0.01) - 10.0)),
        ("humidity", format!("{:.2}", 20.0 + part(7001, 0.01))),
        ("pressure", format!("{:.2}", 980.0 + part(6007, 0.01))),
        ("vibration", format!("{:.3}", part(9973, 0.001))),
        ("battery", (1 + event % 100).to_string()),
        ("firmware", format!("\"4.{}.{}\"", device % 7, device % 13)),
        (
            "note",
            format!(
                "\"measured under nominal load, calibration of this quarter {:02}\"",
                event % 100
            ),
        ),
    ]
}

fn in_order(text: &mut String, event: usize) {
    text.push('{');
    for (index, (key, value)) in members(event).into_iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(text, "{comma}\"{key}\":{value}").unwrap();
    }
    text.push_str("}\n");
}

/// Another order in each of a few groups of events, and spaces: no guess about the next key holds for long.
fn in_any_order(text: &mut String, event: usize) {
    let mut members = members(event);
    let length = members.len();
    let mut state = event as u64 * 2_654_435_761 % 1009 + 1;
    for index in (1..length).rev() {
        state = state * 48_271 % 2_147_483_647;
        members.swap(index, usize::try_from(state).unwrap() % (index + 1));
    }
    text.push_str("{ ");
    for (index, (key, value)) in members.into_iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        write!(text, "{comma}\"{key}\" : {value}").unwrap();
    }
    text.push_str(" }\n");
}

fn document(line: fn(&mut String, usize), broken: bool) -> String {
    let mut text = String::new();
    for event in 0..RECORDS {
        let start = text.len();
        line(&mut text, event);
        if broken && event % 100 == 50 {
            text.truncate(start + (text.len() - start) * 2 / 3);
            text.push('\n');
        }
    }
    text
}

/// Seconds that this thread has computed, from the kernel's own book.
fn cpu_seconds() -> f64 {
    let book = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    book.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn decode(text: &str) -> usize {
    let options = JsonOptions {
        rescued_column: Some("_rescued_data".into()),
        ..JsonOptions::default()
    };
    let mut decoder = JsonDecoder::new(&fields(), options).unwrap();
    decoder.start_file("events.json");
    let mut rows = 0;
    for chunk in text.as_bytes().chunks(PUSH_BYTES) {
        let batches = decoder.push(chunk).unwrap();
        rows += batches
            .iter()
            .map(|batch| batch.batch.num_rows())
            .sum::<usize>();
    }
    let batches = decoder.finish().unwrap();
    rows + batches
        .iter()
        .map(|batch| batch.batch.num_rows())
        .sum::<usize>()
}

/// Writes a record of this number.
type Shape = fn(&mut String, usize);

fn main() {
    let shapes: [(&str, Shape, bool); 4] = [
        ("keys in the order of the schema", in_order, false),
        ("keys in any order, with spaces", in_any_order, false),
        ("order of the schema, 1 % broken", in_order, true),
        ("any order, 1 % broken", in_any_order, true),
    ];
    for (name, line, broken) in shapes {
        let text = document(line, broken);
        let mut seconds: Vec<f64> = (0..RUNS)
            .map(|_| {
                let begun = cpu_seconds();
                assert_eq!(decode(&text), RECORDS);
                (cpu_seconds() - begun) * 1e6 / RECORDS as f64
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let bytes = text.len() / RECORDS;
        println!(
            "{name}: {:.3} CPU-s per million records (lowest {:.3}), {bytes} bytes each",
            seconds[RUNS / 2],
            seconds[0]
        );
    }
}
