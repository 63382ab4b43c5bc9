//! The fleets of the five pipelines that Sluice must run (their fields, ranges and rhythms), as models that make one
//! record at a time. Must not know of faults, files or pace.

mod bridge_sensors;
mod changes;
mod fleet_poc;
mod iot_lakehouse;
mod predictive_maintenance;
mod sensor_logs;

use std::fmt;

use super::device::Reading;
use super::random::Random;
use super::row::{RecordForm, Row};
use super::timeline::Rate;

/// What makes the records of a fleet.
pub(crate) trait Model: fmt::Debug + Send {
    /// The table that the next record belongs to, as an index into the preset's tables.
    fn table(&mut self, _reading: &Reading, _random: &mut Random) -> usize {
        0
    }

    /// Writes the fields of that record.
    fn write(&mut self, reading: &Reading, random: &mut Random, row: &mut Row<'_>);
}

/// A fleet that needs no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Temperature, vibration and tilt of bridges.
    BridgeSensors,
    /// Five devices that report their health every second.
    FleetPoc,
    /// Rooms, logged as CSV.
    SensorLogs,
    /// Machines whose readings foretell failures.
    PredictiveMaintenance,
    /// Readings beside change events of seven tables.
    IotLakehouse,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 5] = [
        Self::BridgeSensors,
        Self::FleetPoc,
        Self::SensorLogs,
        Self::PredictiveMaintenance,
        Self::IotLakehouse,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BridgeSensors => "bridge-sensors",
            Self::FleetPoc => "fleet-poc",
            Self::SensorLogs => "sensor-logs",
            Self::PredictiveMaintenance => "predictive-maintenance",
            Self::IotLakehouse => "iot-lakehouse",
        }
    }

    /// The preset of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The preset whose records belong on a stream of this name: the stream that its pipeline reads, or one that is
    /// named after it.
    #[must_use]
    pub fn of_stream(stream: &str) -> Option<Self> {
        let is_named = |preset: &Self| {
            let name = stream.to_lowercase().replace('_', "-");
            name.contains(preset.name())
        };
        let known = match stream {
            "iot-sensor-data" => Some(Self::BridgeSensors),
            "iot-sensor-data-stream" => Some(Self::FleetPoc),
            "IoTSensorStream" => Some(Self::PredictiveMaintenance),
            _ => None,
        };
        known.or_else(|| Self::ALL.into_iter().find(is_named))
    }

    /// The folders that its records go to; one without name when there is one table.
    #[must_use]
    pub fn tables(self) -> &'static [&'static str] {
        match self {
            Self::IotLakehouse => &iot_lakehouse::TABLES,
            _ => &[""],
        }
    }

    /// Devices, unless others are asked for.
    #[must_use]
    pub fn devices(self) -> u64 {
        match self {
            Self::BridgeSensors => 3,
            Self::FleetPoc | Self::SensorLogs => 5,
            Self::PredictiveMaintenance => 10,
            Self::IotLakehouse => 60,
        }
    }

    /// Records in real life: every device has its rhythm.
    #[must_use]
    pub fn rate(self, devices: u64) -> Rate {
        let interval_us = match self {
            Self::BridgeSensors | Self::FleetPoc | Self::PredictiveMaintenance => 1_000_000,
            Self::SensorLogs => 25_000_000,
            Self::IotLakehouse => 60_000_000,
        };
        Rate::new(devices, interval_us)
    }

    /// How its records are written, unless asked otherwise.
    #[must_use]
    pub fn form(self) -> RecordForm {
        match self {
            Self::SensorLogs => RecordForm::Csv,
            _ => RecordForm::Json,
        }
    }

    /// The field that tells the partition key of its records on a stream: what sent them, or what they are about.
    #[must_use]
    pub fn key_field(self) -> &'static str {
        match self {
            Self::BridgeSensors | Self::FleetPoc | Self::IotLakehouse => "device_id",
            Self::SensorLogs => "sensor_id",
            Self::PredictiveMaintenance => "equipment_id",
        }
    }

    pub(crate) fn model(self, devices: u64, only: Option<usize>) -> Box<dyn Model> {
        match self {
            Self::BridgeSensors => Box::new(bridge_sensors::BridgeSensors::new()),
            Self::FleetPoc => Box::new(fleet_poc::FleetPoc),
            Self::SensorLogs => Box::new(sensor_logs::SensorLogs::new()),
            Self::PredictiveMaintenance => Box::new(predictive_maintenance::Machines),
            Self::IotLakehouse => Box::new(iot_lakehouse::IotLakehouse::new(devices, only)),
        }
    }
}

#[cfg(test)]
#[path = "preset_tests.rs"]
mod tests;
