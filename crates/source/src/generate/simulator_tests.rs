//! Whole simulations: determinism, numbers, faults and their shares. Must not touch a disk.

use super::*;

const START_US: i64 = 1_795_000_000_000_000;

/// Keeps everything.
#[derive(Default)]
struct Kept(Vec<(usize, Vec<u8>)>);

impl Outlet for Kept {
    type Error = ();
    fn put(&mut self, record: Record<'_>) -> Result<(), ()> {
        self.0.push((record.table, record.bytes.to_vec()));
        Ok(())
    }
}

fn simulation(seed: u64) -> Simulation {
    Simulation {
        seed,
        devices: 5,
        faults: Faults::default(),
        number_field: None,
        form: RecordForm::Json,
        only_table: None,
    }
}

fn run(mut simulator: Simulator, records: u64) -> (Vec<(usize, Vec<u8>)>, Counts) {
    let mut kept = Kept::default();
    for index in 0..records {
        let at_us = START_US + i64::try_from(index).unwrap() * 1_000_000;
        simulator.next(at_us, &mut kept).unwrap();
    }
    simulator.finish(&mut kept).unwrap();
    (kept.0, simulator.counts())
}

fn all_faults() -> Faults {
    Faults {
        anomalies: 0.01,
        late: 0.02,
        duplicates: 0.005,
        broken: 0.001,
        late_by_us: 60_000_000,
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for preset in Preset::ALL {
        let made = |seed| {
            let simulation = Simulation {
                faults: all_faults(),
                ..simulation(seed)
            };
            run(Simulator::of_preset(preset, simulation), 3_000)
        };
        assert_eq!(made(7), made(7), "{preset:?}");
        assert_ne!(made(7), made(8), "{preset:?}");
    }
    let text = r#"{"a":{{random.number(9)}},"b":"{{name.findName}}","c":{{walk(20,1)}}}"#;
    let made = |seed| {
        let template = Template::parse(text).unwrap();
        run(Simulator::of_template(template, simulation(seed)), 100)
    };
    assert_eq!(made(7), made(7));
    assert_ne!(made(7), made(8));
}

#[test]
fn faults_have_their_shares_and_nothing_is_lost() {
    let simulation = Simulation {
        faults: all_faults(),
        number_field: Some("n".to_owned()),
        ..simulation(3)
    };
    let (records, counts) = run(Simulator::of_preset(Preset::FleetPoc, simulation), 100_000);
    let is_near = |count: u64, expected: u64| count.abs_diff(expected) * 4 < expected;
    assert!(is_near(counts.anomalies, 1_000), "{counts:?}");
    assert!(is_near(counts.late, 2_000), "{counts:?}");
    assert!(is_near(counts.duplicates, 500), "{counts:?}");
    assert!(is_near(counts.broken, 100), "{counts:?}");
    assert_eq!(counts.records, 100_000);
    assert_eq!(counts.arrived, 100_000 + counts.duplicates);
    assert_eq!(records.len() as u64, counts.arrived);

    let mut seen = vec![0_u32; 100_001];
    let (mut unreadable, mut behind, mut newest) = (0, 0, 0);
    for (_, bytes) in &records {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else {
            unreadable += 1;
            continue;
        };
        let number = usize::try_from(value["n"].as_u64().unwrap()).unwrap();
        seen[number] += 1;
        behind += u64::from(number < newest);
        newest = newest.max(number);
    }
    assert!(unreadable >= counts.broken);
    let missing = seen[1..].iter().filter(|count| **count == 0).count() as u64;
    assert_eq!(missing, counts.broken, "only broken records have no number");
    assert!(seen.iter().all(|count| *count <= 2));
    assert!(behind >= counts.late * 9 / 10);
}

#[test]
fn a_record_is_the_same_with_and_without_delays() {
    let with = Simulation {
        faults: Faults {
            late: 0.2,
            duplicates: 0.2,
            ..Faults::default()
        },
        ..simulation(11)
    };
    let preset = Preset::BridgeSensors;
    let (mut late, _) = run(Simulator::of_preset(preset, with), 500);
    let (mut plain, _) = run(Simulator::of_preset(preset, simulation(11)), 500);
    late.sort();
    late.dedup();
    plain.sort();
    assert_eq!(late, plain);
}

#[test]
fn devices_take_turns() {
    struct Devices(Vec<u64>);
    impl Outlet for Devices {
        type Error = ();
        fn put(&mut self, record: Record<'_>) -> Result<(), ()> {
            self.0.push(record.device);
            Ok(())
        }
    }
    let mut simulator = Simulator::of_preset(Preset::SensorLogs, simulation(1));
    let mut devices = Devices(vec![]);
    for at_us in 0..12 {
        simulator.next(at_us, &mut devices).unwrap();
    }
    assert_eq!(devices.0, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
}

#[test]
fn numbers_are_put_into_objects() {
    for (text, expected) in [
        (r#"{"a":1}"#, r#"{"n":1,"a":1}"#),
        ("{ }", r#"{"n":1 }"#),
        ("a,b", "a,b"),
    ] {
        let with = Simulation {
            number_field: Some("n".to_owned()),
            ..simulation(1)
        };
        let template = Template::parse(text).unwrap();
        let (records, _) = run(Simulator::of_template(template, with), 1);
        assert_eq!(String::from_utf8_lossy(&records[0].1), expected);
    }
}
