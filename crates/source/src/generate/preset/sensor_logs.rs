//! sensor-logs: rooms with a temperature in Fahrenheit and a humidity, logged as CSV. Must not know the pipeline that
//! reads them.

use super::Model;
use crate::generate::device::Reading;
use crate::generate::moment::TimePattern;
use crate::generate::random::Random;
use crate::generate::row::Row;

const ROOMS: [&str; 4] = ["Room_A", "Room_B", "Room_C", "Room_D"];

#[derive(Debug)]
pub(super) struct SensorLogs {
    time: TimePattern,
}

impl SensorLogs {
    pub(super) fn new() -> Self {
        Self {
            time: TimePattern::parse("YYYY-MM-DD HH:mm:ss"),
        }
    }
}

impl Model for SensorLogs {
    fn write(&mut self, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
        let mut temperature = Some(reading.seasonal(1, (65.0, 80.0), random));
        let mut humidity = Some(reading.seasonal(2, (30.0, 60.0), random));
        let mut room = Some(*random.pick(&ROOMS));
        if reading.is_anomaly {
            match random.below(5) {
                0 => temperature = Some(random.real(20.0, 49.0)),
                1 => temperature = Some(random.real(101.0, 150.0)),
                2 => temperature = None,
                3 => humidity = None,
                _ => room = None,
            }
        }
        row.whole("sensor_id", 1_001 + reading.device);
        row.time("timestamp", &self.time, reading.at_us);
        for (name, value) in [("temperature", temperature), ("humidity", humidity)] {
            match value {
                Some(value) => row.fixed(name, value, 2),
                None => row.null(name),
            }
        }
        match room {
            Some(room) => row.text("location", room),
            None => row.null("location"),
        }
    }
}
