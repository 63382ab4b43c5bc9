//! predictive-maintenance: machines with temperature, pressure and vibration, times in seconds. An anomaly is beyond
//! the thresholds that the pipeline flags (80, 4, 4.5) and beyond what a sound machine shows. Must not know the
//! pipeline that reads them.

use super::Model;
use crate::generate::device::Reading;
use crate::generate::random::Random;
use crate::generate::row::Row;

#[derive(Debug)]
pub(super) struct Machines;

impl Model for Machines {
    fn write(&mut self, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
        let mut temperature = reading.seasonal(1, (20.0, 100.0), random);
        let mut pressure = reading.steady(2, (1.0, 5.0), random);
        let mut vibration = reading.steady(3, (0.1, 5.0), random);
        if reading.is_anomaly {
            match random.below(3) {
                0 => temperature = random.real(101.0, 180.0),
                1 => pressure = random.real(5.1, 9.0),
                _ => vibration = random.real(5.1, 12.0),
            }
        }
        row.text("equipment_id", format_args!("EQ-{}", reading.device + 1));
        row.fixed("temperature", temperature, 2);
        row.fixed("pressure", pressure, 2);
        row.fixed("vibration", vibration, 2);
        row.whole("timestamp", reading.at_us.div_euclid(1_000_000));
    }
}
