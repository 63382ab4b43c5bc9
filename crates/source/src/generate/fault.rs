//! What goes wrong on the way: records that come late, twice or broken. Works on finished bytes, whoever made them.
//! Must not know what is in a record.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use sluice_model::limits::{SIMULATED_DELAYED_BYTES_MAX, SIMULATED_DELAYED_RECORDS_MAX};

use super::random::{Random, index};
use super::row::RecordForm;

/// Probabilities from 0 to 1, each for itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Values that stand out.
    pub anomalies: f64,
    /// Records that arrive behind younger ones.
    pub late: f64,
    /// Records that arrive again.
    pub duplicates: f64,
    /// Records that cannot be read.
    pub broken: f64,
    /// How late at most, in microseconds.
    pub late_by_us: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            anomalies: 0.0,
            late: 0.0,
            duplicates: 0.0,
            broken: 0.0,
            late_by_us: 600_000_000,
        }
    }
}

/// A record on its way that takes longer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Delayed {
    due_us: i64,
    number: u64,
    pub(crate) table: usize,
    pub(crate) device: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Records that take longer, the next one first. Holds a limited number: when there are more, the next one arrives
/// before its time.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    waiting: BinaryHeap<Reverse<Delayed>>,
    bytes: usize,
    count: u64,
}

impl Delays {
    pub(crate) fn hold(&mut self, due_us: i64, table: usize, device: u64, bytes: &[u8]) {
        self.count += 1;
        self.bytes += bytes.len();
        self.waiting.push(Reverse(Delayed {
            due_us,
            number: self.count,
            table,
            device,
            bytes: bytes.to_vec(),
        }));
    }

    /// The next record that has arrived by now.
    pub(crate) fn release(&mut self, now_us: i64) -> Option<Delayed> {
        let is_crowded = self.waiting.len() > SIMULATED_DELAYED_RECORDS_MAX
            || self.bytes > SIMULATED_DELAYED_BYTES_MAX;
        let next = self.waiting.peek()?;
        if next.0.due_us > now_us && !is_crowded {
            return None;
        }
        let Reverse(next) = self.waiting.pop()?;
        self.bytes -= next.bytes.len();
        Some(next)
    }
}

/// Makes a record that no reader of its form accepts: cut off, or not of this world.
pub(crate) fn break_record(record: &mut Vec<u8>, form: RecordForm, random: &mut Random) {
    let is_page = random.chance(0.2);
    let end = match form {
        RecordForm::Json => record.len(),
        // One field less, at least.
        RecordForm::Csv => record.iter().rposition(|byte| *byte == b',').unwrap_or(0),
    };
    if is_page || end < 2 {
        record.clear();
        record.extend_from_slice(b"<html><body>502 Bad Gateway</body></html>");
    } else {
        record.truncate(1 + index(random.below(end as u64 - 1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_records_come_in_the_order_of_their_arrival() {
        let mut delays = Delays::default();
        delays.hold(30, 0, 0, b"c");
        delays.hold(10, 0, 0, b"a");
        delays.hold(10, 0, 0, b"b");
        let mut at = |now| {
            delays
                .release(now)
                .map(|d| String::from_utf8(d.bytes).unwrap())
        };
        assert_eq!(at(9), None);
        assert_eq!(at(10).as_deref(), Some("a"));
        assert_eq!(at(10).as_deref(), Some("b"));
        assert_eq!(at(10), None);
        assert_eq!(at(i64::MAX).as_deref(), Some("c"));
    }

    #[test]
    fn memory_is_limited() {
        let mut delays = Delays::default();
        for _ in 0..=SIMULATED_DELAYED_RECORDS_MAX {
            delays.hold(i64::MAX, 0, 0, b"x");
        }
        assert!(delays.release(0).is_some());
        assert!(delays.release(0).is_none());
    }

    #[test]
    fn broken_records_cannot_be_read() {
        let mut random = Random::new(3);
        for _ in 0..500 {
            let mut json = br#"{"a":{"b":1},"c":"d"}"#.to_vec();
            break_record(&mut json, RecordForm::Json, &mut random);
            assert!(serde_json::from_slice::<serde_json::Value>(&json).is_err());
            assert!(!json.is_empty());
            let mut csv = b"1,2026-11-20 00:00:00,70.1,40.2,Room_A".to_vec();
            break_record(&mut csv, RecordForm::Csv, &mut random);
            assert!(csv.split(|byte| *byte == b',').count() < 5 && !csv.is_empty());
        }
    }
}
