//! What the tables must hold at the end of a history, counted anew from its records. Must not know what happened on the way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Microseconds of a window.
const WINDOW_MINUTES: i64 = 10;

/// One record as it was put.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) device: &'static str,
    /// Its number, which records that come twice share.
    pub(super) number: u64,
    /// How many records of the device were before it.
    pub(super) order: u64,
    /// Minutes after the beginning of event time.
    pub(super) minute: i64,
    pub(super) value: u64,
    /// Whether it is no JSON at all.
    pub(super) is_broken: bool,
}

impl Record {
    /// Its bytes, one line.
    pub(super) fn line(&self) -> String {
        let time = time_of(self.minute).replace(' ', "T");
        let (n, k, value) = (self.number, self.order, self.value);
        let start = if self.is_broken { "not " } else { "" };
        format!("{start}{{\"n\":{n},\"k\":{k},\"ts\":\"{time}Z\",\"value\":{value}.0}}")
    }

    fn is_kept(&self) -> bool {
        !self.is_broken && self.value < 90
    }
}

/// The queries at the end, with their answers.
pub(super) fn questions(records: &[Record], tables: &[&str]) -> String {
    let mut text = String::new();
    let total = records.len();
    ask(
        &mut text,
        "SELECT count(*) AS taken, count(DISTINCT sequenceNumber) AS different FROM raw",
        "taken | different",
        [format!("{total} | {total}")],
    );
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    for record in records {
        *numbers.entry(record.line()).or_default() += 1;
    }
    ask(
        &mut text,
        "SELECT payload, count(*) AS times FROM raw GROUP BY payload",
        "payload | times",
        numbers
            .iter()
            .map(|(line, times)| format!("{line} | {times}")),
    );
    let kept: Vec<&Record> = records.iter().filter(|record| record.is_kept()).collect();
    ask_silver(&mut text, records, &kept);
    if tables.contains(&"alerts") {
        let high = kept.iter().filter(|record| record.value > 80);
        let mut rows: BTreeMap<u64, u64> = BTreeMap::new();
        for record in high {
            *rows.entry(record.number).or_default() += 1;
        }
        let rows = rows.iter().map(|(n, times)| format!("{n} | {times}"));
        let query = "SELECT n, count(*) AS times FROM alerts GROUP BY n";
        ask(&mut text, query, "n | times", rows);
    }
    let mut groups: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for record in &kept {
        let group = groups.entry(record.device).or_default();
        group.0 += 1;
        group.1 += record.number;
    }
    for table in ["totals", "gold"] {
        if tables.contains(&table) {
            let query = format!("SELECT device, readings, checksum FROM {table}");
            let rows = groups
                .iter()
                .map(|(d, (n, sum))| format!("{d} | {n} | {sum}"));
            ask(&mut text, &query, "device | readings | checksum", rows);
        }
    }
    if tables.contains(&"windows") {
        ask_windows(&mut text, &kept);
    }
    text
}

fn ask_silver(text: &mut String, records: &[Record], kept: &[&Record]) {
    let mut numbers: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    for record in kept {
        *numbers.entry((record.device, record.number)).or_default() += 1;
    }
    ask(
        text,
        "SELECT device, n, count(*) AS times FROM silver GROUP BY device, n",
        "device | n | times",
        numbers
            .iter()
            .map(|((device, n), times)| format!("{device} | {n} | {times}")),
    );
    let broken = records.iter().filter(|record| record.is_broken).count();
    let (whole, sane) = (records.len() - broken, kept.len());
    ask(
        text,
        "SELECT e.name, sum(e.passed_records) AS passed, sum(e.failed_records) AS failed FROM (SELECT explode(from_json(\
         details:flow_progress.data_quality.expectations, 'array<struct<name:string,dataset:string,passed_records:bigint,\
         failed_records:bigint>>')) AS e FROM event_log(TABLE(silver)) WHERE event_type = 'flow_progress') GROUP BY e.name",
        "name | passed | failed",
        [
            format!("sane | {sane} | {}", records.len() - sane),
            format!("whole | {whole} | {broken}"),
        ],
    );
}

/// Every window but the last one is closed: nothing came later than the watermark allows.
fn ask_windows(text: &mut String, kept: &[&Record]) {
    let mut windows: BTreeMap<(i64, &str), u64> = BTreeMap::new();
    for record in kept {
        let window = record.minute.div_euclid(WINDOW_MINUTES);
        *windows.entry((window, record.device)).or_default() += 1;
    }
    let last = windows.keys().map(|(window, _)| *window).max();
    windows.retain(|(window, _), _| Some(*window) != last);
    let rows = windows.iter().map(|((window, device), readings)| {
        format!(
            "{} | {device} | {readings}",
            time_of(window * WINDOW_MINUTES)
        )
    });
    let query = "SELECT begins, device, readings FROM windows";
    ask(text, query, "begins | device | readings", rows);
}

fn ask(text: &mut String, query: &str, header: &str, rows: impl IntoIterator<Item = String>) {
    let _ = writeln!(text, "--- query\n{query}\n--- expect\n{header}");
    for row in rows {
        let _ = writeln!(text, "{row}");
    }
    text.push('\n');
}

/// A minute of event time, which begins with the year.
fn time_of(minute: i64) -> String {
    let (day, hour, minute) = (minute / 1440 + 1, minute / 60 % 24, minute % 60);
    format!("2026-01-{day:02} {hour:02}:{minute:02}:00")
}
