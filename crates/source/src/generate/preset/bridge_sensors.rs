//! bridge-sensors: sensors on bridges and buildings, twelve fields each, as their Kinesis stream carries them. Must not
//! know the pipeline that reads them.

use super::Model;
use crate::generate::device::Reading;
use crate::generate::moment::TimePattern;
use crate::generate::random::{Random, whole};
use crate::generate::row::Row;

/// Devices that the pipeline's metadata knows, by name and place; further ones are bridges without a story.
const KNOWN: [(&str, f64, f64); 3] = [
    ("Bridge-North-Tower", 40.7128, -74.0060),
    ("Bridge-South-Tower", 40.7124, -74.0065),
    ("Building-MainOffice", 40.7150, -74.0050),
];

#[derive(Debug)]
pub(super) struct BridgeSensors {
    time: TimePattern,
}

/// What the sensors measured.
struct Measured {
    device: bool,
    temperature: f64,
    humidity: f64,
    vibration: f64,
    battery: i64,
    status: &'static str,
}

impl BridgeSensors {
    pub(super) fn new() -> Self {
        Self {
            time: TimePattern::iso_milliseconds(),
        }
    }
}

/// One thing goes wrong: what an alert should find, what an expectation should drop, what a filter should hide.
fn disturb(measured: &mut Measured, random: &mut Random) {
    match random.below(9) {
        0 => measured.temperature = random.real(50.5, 69.0),
        1 => measured.temperature = random.real(-20.0, 4.5),
        2 => measured.temperature = random.real(120.0, 999.0),
        3 => measured.humidity = random.real(86.0, 100.0),
        4 => measured.humidity = random.real(101.0, 180.0),
        5 => measured.vibration = random.real(3.1, 6.0),
        6 => measured.battery = random.between(0, 19),
        7 => measured.status = "fault",
        _ => measured.device = false,
    }
}

impl Model for BridgeSensors {
    fn write(&mut self, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
        let tilt = reading.steady(4, (0.0, 5.0), random);
        let signal = whole(reading.steady(5, (-80.0, -40.0), random));
        let mut measured = Measured {
            device: true,
            temperature: reading.seasonal(1, (15.0, 35.0), random),
            humidity: reading.seasonal(2, (50.0, 80.0), random),
            vibration: reading.steady(3, (0.0, 3.0), random),
            battery: whole(reading.battery((20.0, 100.0))),
            status: "normal",
        };
        if reading.is_anomaly {
            disturb(&mut measured, random);
        }
        let number = reading.device + 1;
        if measured.device {
            row.text("device_id", format_args!("SENSOR-{number:03}"));
        } else {
            row.null("device_id");
        }
        let known = usize::try_from(reading.device)
            .ok()
            .and_then(|device| KNOWN.get(device));
        if let Some((name, latitude, longitude)) = known {
            row.text("device_name", name);
            row.text(
                "location",
                format_args!("latitude:{latitude:.4},longitude:{longitude:.4}"),
            );
        } else {
            row.text("device_name", format_args!("Bridge-{number}"));
            row.text(
                "location",
                format_args!(
                    "latitude:40.{},longitude:-74.{}",
                    7_100 + number % 101,
                    5 + number % 96
                ),
            );
        }
        row.text("sensor_type", "temperature");
        row.fixed("temperature", measured.temperature, 2);
        row.fixed("humidity", measured.humidity, 2);
        row.fixed("vibration_intensity", measured.vibration, 3);
        row.fixed("tilt_angle", tilt, 2);
        row.whole("battery_level", measured.battery);
        row.whole("signal_strength", signal);
        row.time("timestamp", &self.time, reading.at_us);
        row.text("status", measured.status);
    }
}
