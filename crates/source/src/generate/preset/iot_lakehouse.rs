//! iot-lakehouse: readings of four kinds of devices, and beside them the change events of the tables that describe
//! them (`changes`). A snapshot of every table comes first. Must not know the pipeline that reads them.

use super::Model;
use super::changes::{Changes, KINDS};
use crate::generate::device::Reading;
use crate::generate::moment::TimePattern;
use crate::generate::random::{Random, hash};
use crate::generate::row::Row;

/// Folders of the landing volume: readings, then changes in the order of `KINDS`.
pub(super) const TABLES: [&str; 8] = [
    "iot_events/iot_events",
    "cdc/cdc_dim_location",
    "cdc/cdc_customers",
    "cdc/cdc_products",
    "cdc/cdc_dim_device",
    "cdc/cdc_dim_alert_threshold",
    "cdc/cdc_orders",
    "cdc/cdc_alerts",
];

/// One record of so many is a change.
const CHANGE_SHARE: f64 = 0.08;

#[derive(Debug)]
pub(super) struct IotLakehouse {
    time: TimePattern,
    changes: Changes,
    only: Option<usize>,
    /// What the next record is: a table of [`TABLES`].
    table: usize,
}

impl IotLakehouse {
    pub(super) fn new(devices: u64, only: Option<usize>) -> Self {
        let wanted = only.map(|table| table.checked_sub(1).and_then(|kind| KINDS.get(kind)));
        let changes = match wanted {
            None => Changes::new(devices, &KINDS),
            Some(Some(kind)) => Changes::new(devices, std::slice::from_ref(kind)),
            Some(None) => Changes::new(devices, &[]),
        };
        Self {
            time: TimePattern::iso_milliseconds(),
            changes,
            only,
            table: 0,
        }
    }
}

impl Model for IotLakehouse {
    fn table(&mut self, reading: &Reading, random: &mut Random) -> usize {
        let is_change = match self.only {
            Some(table) => table > 0,
            None => self.changes.has_snapshot() || random.chance(CHANGE_SHARE),
        };
        self.table = if is_change {
            1 + self.changes.choose(reading.at_ms(), random)
        } else {
            0
        };
        self.table
    }

    fn write(&mut self, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
        if self.table == 0 {
            event(reading, &self.time, random, row);
        } else {
            self.changes.write(reading, random, row);
        }
    }
}

/// What a device measures: name, unit, bounds, decimals.
fn measure(device: u64, random: &mut Random) -> (&'static str, &'static str, (f64, f64)) {
    match device % 10 {
        0..=3 if random.chance(0.5) => ("temperature", "C", (13.0, 29.0)),
        0..=3 => ("humidity", "%", (28.0, 85.0)),
        4..=6 => ("pressure", "hPa", (978.0, 1_046.0)),
        _ => ("motion", "count", (0.0, 5.0)),
    }
}

fn event(reading: &Reading, time: &TimePattern, random: &mut Random, row: &mut Row<'_>) {
    let (mut sensor, unit, bounds) = measure(reading.device, random);
    let decimals = usize::from(unit != "count");
    let mut value = match sensor {
        "pressure" | "motion" => reading.steady(1, bounds, random),
        _ => reading.seasonal(1, bounds, random),
    };
    let quality = match random.below(100) {
        0..=92 => "good",
        93..=97 => "suspect",
        _ => "bad",
    };
    // What an expectation should drop, and what only a threshold finds.
    let odd = reading.is_anomaly.then(|| random.below(7));
    match odd {
        Some(0 | 1) => value = bounds.1 + random.real(0.5, 2.0) * (bounds.1 - bounds.0),
        Some(2) => sensor = *random.pick(&["co2", "noise", "TEMPERATURE"]),
        _ => {}
    }
    if odd == Some(3) {
        row.null("event_id");
    } else {
        row.text("event_id", format_args!("E{:08}", reading.number));
    }
    if odd == Some(4) {
        row.null("device_id");
    } else {
        row.text("device_id", format_args!("DEV-{:03}", reading.device + 1));
    }
    match odd {
        Some(5) => row.null("timestamp"),
        Some(6) => row.text("timestamp", "not-a-time"),
        _ => row.time("timestamp", time, reading.at_us),
    }
    let own = hash(reading.seed, 0xf1, reading.device);
    row.text("sensor_type", sensor);
    row.fixed("value", value, decimals);
    row.text("unit", unit);
    row.text(
        "location_id",
        format_args!("LOC-{:02}", 1 + reading.device % 12),
    );
    row.text("quality_flag", quality);
    row.text(
        "firmware_version",
        ["1.9.4", "2.0.0", "2.1.0"][usize::try_from(own % 3).unwrap_or(0)],
    );
    row.fixed("battery_level", reading.battery((3.0, 100.0)), 1);
}
