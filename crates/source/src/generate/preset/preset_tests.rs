//! Every preset has the fields, the ranges and the rhythm of its pipeline. Must not test faults on the way.

use serde_json::Value;

use super::*;
use crate::generate::simulator::{Outlet, Record, Simulation, Simulator};
use crate::generate::{Faults, RecordForm};

const START_US: i64 = 1_795_000_000_000_000;

#[derive(Default)]
struct Kept(Vec<(usize, String, Option<String>)>);

impl Outlet for Kept {
    type Error = ();
    fn put(&mut self, record: Record<'_>) -> Result<(), ()> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let header = record.header.map(text);
        self.0.push((record.table, text(record.bytes), header));
        Ok(())
    }
}

fn made(preset: Preset, form: RecordForm, anomalies: f64, only: Option<usize>) -> Kept {
    let simulation = Simulation {
        seed: 42,
        devices: preset.devices(),
        faults: Faults {
            anomalies,
            ..Faults::default()
        },
        number_field: None,
        form,
        only_table: only,
    };
    let mut simulator = Simulator::of_preset(preset, simulation);
    let rate = preset.rate(preset.devices());
    let mut kept = Kept::default();
    for index in 0..4_000 {
        let at_us = START_US + rate.offset_us(index * 601);
        simulator.next(at_us, &mut kept).unwrap();
    }
    kept
}

fn objects(preset: Preset, anomalies: f64) -> Vec<Value> {
    let kept = made(preset, RecordForm::Json, anomalies, None);
    let texts = kept.0.into_iter().filter(|(table, ..)| *table == 0);
    texts
        .map(|(_, text, _)| serde_json::from_str(&text).unwrap())
        .collect()
}

fn names(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// All values lie between the bounds, and they use most of the room.
fn check_range(all: &[Value], pointer: &str, low: f64, high: f64) {
    let values: Vec<f64> = all
        .iter()
        .map(|value| value.pointer(pointer).and_then(Value::as_f64).unwrap())
        .collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(least >= low && most <= high, "{pointer}: {least} to {most}");
    assert!(
        most - least > (high - low) * 0.3,
        "{pointer}: {least} to {most}"
    );
}

fn share(all: &[Value], is_so: impl Fn(&Value) -> bool) -> f64 {
    crate::generate::random::real(all.iter().filter(|value| is_so(value)).count() as u64)
        / crate::generate::random::real(all.len() as u64)
}

#[test]
fn bridge_sensors() {
    let all = objects(Preset::BridgeSensors, 0.0);
    assert_eq!(
        names(&all[0]),
        [
            "device_id",
            "device_name",
            "location",
            "sensor_type",
            "temperature",
            "humidity",
            "vibration_intensity",
            "tilt_angle",
            "battery_level",
            "signal_strength",
            "timestamp",
            "status"
        ]
    );
    check_range(&all, "/temperature", 15.0, 35.0);
    check_range(&all, "/humidity", 50.0, 80.0);
    check_range(&all, "/vibration_intensity", 0.0, 3.0);
    check_range(&all, "/tilt_angle", 0.0, 5.0);
    check_range(&all, "/battery_level", 20.0, 100.0);
    check_range(&all, "/signal_strength", -80.0, -40.0);
    assert!(all[0]["battery_level"].is_i64() && all[0]["signal_strength"].is_i64());
    assert_eq!(all[0]["device_id"], "SENSOR-001");
    assert_eq!(all[1]["device_name"], "Bridge-South-Tower");
    assert_eq!(all[0]["timestamp"], "2026-11-18T11:06:40.000Z");
    assert!(all.iter().all(|value| value["status"] == "normal"));

    let odd = objects(Preset::BridgeSensors, 1.0);
    assert!(share(&odd, |v| v["device_id"].is_null()) > 0.05);
    assert!(share(&odd, |v| v["status"] == "fault") > 0.05);
    assert!(share(&odd, |v| v["temperature"].as_f64() > Some(70.0)) > 0.05);
    assert!(share(&odd, |v| v["battery_level"].as_i64() < Some(20)) > 0.05);
}

#[test]
fn fleet_poc() {
    let all = objects(Preset::FleetPoc, 0.0);
    assert_eq!(
        names(&all[0]),
        ["device_id", "timestamp", "metrics", "status", "region"]
    );
    check_range(&all, "/metrics/temperature_c", 18.0, 30.0);
    check_range(&all, "/metrics/pressure_hpa", 980.0, 1_030.0);
    check_range(&all, "/metrics/humidity_percent", 40.0, 70.0);
    let ids: std::collections::BTreeSet<&str> = all
        .iter()
        .map(|v| v["device_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 5);
    assert!(
        ids.iter()
            .all(|id| id.len() == 36 && id.as_bytes()[14] == b'4')
    );
    assert_eq!(all[0]["timestamp"], START_US / 1_000);
    for status in ["HEALTHY", "WARNING", "CRITICAL"] {
        assert!((0.28..0.39).contains(&share(&all, |v| v["status"] == status)));
    }
    let odd = objects(Preset::FleetPoc, 1.0);
    assert!(
        share(&odd, |v| v["metrics"]["temperature_c"].as_f64()
            > Some(30.0))
            > 0.1
    );
}

#[test]
fn sensor_logs() {
    let kept = made(Preset::SensorLogs, RecordForm::Csv, 0.0, None);
    let header = "sensor_id,timestamp,temperature,humidity,location";
    for (index, (_, text, found)) in kept.0.iter().enumerate() {
        assert_eq!(found.as_deref(), Some(header));
        let fields: Vec<&str> = text.split(',').collect();
        assert_eq!(fields.len(), 5, "{text}");
        assert_eq!(fields[0], (1_001 + index % 5).to_string());
        assert!((65.0..=80.0).contains(&fields[2].parse::<f64>().unwrap()));
        assert!((30.0..=60.0).contains(&fields[3].parse::<f64>().unwrap()));
        assert!(["Room_A", "Room_B", "Room_C", "Room_D"].contains(&fields[4]));
    }
    assert!(kept.0[0].1.starts_with("1001,2026-11-18 11:06:40,"));
    let odd = objects(Preset::SensorLogs, 1.0);
    assert!(share(&odd, |v| v["location"].is_null()) > 0.1);
    assert!(share(&odd, |v| v["temperature"].as_f64() > Some(100.0)) > 0.1);
    assert_eq!(
        Preset::SensorLogs.rate(5).offset_us(1),
        5_000_000,
        "a row every five seconds"
    );
}

#[test]
fn predictive_maintenance() {
    let all = objects(Preset::PredictiveMaintenance, 0.0);
    assert_eq!(
        names(&all[0]),
        [
            "equipment_id",
            "temperature",
            "pressure",
            "vibration",
            "timestamp"
        ]
    );
    check_range(&all, "/temperature", 20.0, 100.0);
    check_range(&all, "/pressure", 1.0, 5.0);
    check_range(&all, "/vibration", 0.1, 5.0);
    assert_eq!(all[9]["equipment_id"], "EQ-10");
    assert_eq!(all[0]["timestamp"], START_US / 1_000_000);
    let odd = objects(Preset::PredictiveMaintenance, 1.0);
    assert!(odd.iter().all(|v| {
        v["temperature"].as_f64() > Some(100.0)
            || v["pressure"].as_f64() > Some(5.0)
            || v["vibration"].as_f64() > Some(5.0)
    }));
}

#[test]
fn iot_lakehouse_readings() {
    let all = objects(Preset::IotLakehouse, 0.0);
    assert_eq!(
        names(&all[0]),
        [
            "event_id",
            "device_id",
            "timestamp",
            "sensor_type",
            "value",
            "unit",
            "location_id",
            "quality_flag",
            "firmware_version",
            "battery_level"
        ]
    );
    for sensor in ["temperature", "humidity", "pressure", "motion"] {
        assert!(
            share(&all, |v| v["sensor_type"] == sensor) > 0.1,
            "{sensor}"
        );
    }
    assert!(share(&all, |v| v["quality_flag"] == "good") > 0.85);
    let odd = objects(Preset::IotLakehouse, 1.0);
    for field in ["event_id", "device_id", "timestamp"] {
        assert!(share(&odd, |v| v[field].is_null()) > 0.05, "{field}");
    }
}

#[test]
fn iot_lakehouse_changes() {
    let kept = made(Preset::IotLakehouse, RecordForm::Json, 0.0, None);
    let mut operations = [const { std::collections::BTreeMap::<String, u32>::new() }; 8];
    let mut ordered = std::collections::BTreeMap::new();
    for (table, text, _) in &kept.0 {
        if *table == 0 {
            continue;
        }
        let value: Value = serde_json::from_str(text).unwrap();
        let operation = value["__op"].as_str().unwrap().to_owned();
        assert_eq!(value["__deleted"], (operation == "d").to_string());
        assert!(value["__ts_ms"].as_i64() >= Some(START_US / 1_000));
        *operations[*table].entry(operation).or_default() += 1;
        if let Some(order) = value.get("order_id") {
            let date = value["order_date"].clone();
            let first = ordered.entry(order.to_string()).or_insert(date.clone());
            assert_eq!(*first, date, "an order keeps its date");
        }
    }
    assert_eq!(operations[1]["r"], 12);
    assert_eq!(operations[2]["r"], 40);
    assert_eq!(operations[3]["r"], 15);
    assert_eq!(operations[4]["r"], 60);
    assert_eq!(operations[5]["r"], 4);
    assert!(operations[6]["c"] > 10 && operations[6]["u"] > 10);
    assert!(operations[7]["c"] > 10 && operations[7]["u"] > 10);
    assert!(operations.iter().any(|counts| counts.contains_key("d")));
}

#[test]
fn one_table_alone() {
    for (index, name) in Preset::IotLakehouse.tables().iter().enumerate() {
        let kept = made(Preset::IotLakehouse, RecordForm::Json, 0.0, Some(index));
        assert!(kept.0.iter().all(|(table, ..)| *table == index), "{name}");
    }
}

#[test]
fn presets_are_found_by_their_names() {
    for preset in Preset::ALL {
        assert_eq!(Preset::find(preset.name()), Some(preset));
    }
    assert_eq!(Preset::find("bridge"), None);
}
