//! fleet-poc: devices with random identities, nested metrics and a status, times in milliseconds. Must not know the
//! pipeline that reads them.

use super::Model;
use crate::generate::device::Reading;
use crate::generate::random::{Random, hash};
use crate::generate::row::Row;

const STATUSES: [&str; 3] = ["HEALTHY", "WARNING", "CRITICAL"];

#[derive(Debug)]
pub(super) struct FleetPoc;

impl Model for FleetPoc {
    fn write(&mut self, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
        let mut temperature = Some(reading.seasonal(1, (18.0, 30.0), random));
        let mut pressure = reading.steady(2, (980.0, 1_030.0), random);
        let mut humidity = reading.seasonal(3, (40.0, 70.0), random);
        let mut status = *random.pick(&STATUSES);
        if reading.is_anomaly {
            match random.below(4) {
                0 => {
                    temperature = Some(random.real(31.0, 60.0));
                    status = "CRITICAL";
                }
                1 => pressure = random.real(850.0, 950.0),
                2 => humidity = random.real(95.0, 130.0),
                _ => temperature = None,
            }
        }
        let id = |half| hash(reading.seed, half, reading.device);
        row.uuid("device_id", id(0x1d0), id(0x1d1));
        row.whole("timestamp", reading.at_ms());
        row.open("metrics");
        match temperature {
            Some(temperature) => row.fixed("temperature_c", temperature, 2),
            None => row.null("temperature_c"),
        }
        row.fixed("pressure_hpa", pressure, 2);
        row.fixed("humidity_percent", humidity, 2);
        row.close();
        row.text("status", status);
        row.text("region", "us-east-1");
    }
}
