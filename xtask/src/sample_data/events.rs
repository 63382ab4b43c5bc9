//! Readings: about 5,000 over six and a half days, some late, some broken.

use super::{DAY_MS, FIRST_DAY_MS, HOUR_MS, LandingFile, Random, parts, text};

const COUNT: i64 = 5_000;
/// Readings end at 2026-11-20T11:00:00Z.
const SPAN_MS: i64 = 6 * DAY_MS + 11 * HOUR_MS;
const DAYS: i64 = 7;

pub(super) fn files(random: &mut Random) -> Vec<LandingFile> {
    let mut days: Vec<Vec<String>> = vec![vec![]; DAYS as usize];
    for number in 1..=COUNT {
        let at_ms = FIRST_DAY_MS + number * (SPAN_MS / COUNT) + random.below(60_000);
        let mut day = (at_ms - FIRST_DAY_MS) / DAY_MS;
        // Two in a hundred arrive one or two days late, in a later day's file.
        if random.chance(2) {
            day = (day + 1 + random.below(2)).min(DAYS - 1);
        }
        let line = reading(random, number, at_ms);
        let lines = &mut days[day as usize];
        if number % 450 == 17 {
            let cut = line.len() / 2;
            lines.push(line[..cut].to_owned());
        } else if number % 400 == 33 {
            lines.push(line.clone());
            lines.push(line);
        } else {
            lines.push(line);
        }
    }
    days.into_iter()
        .enumerate()
        .map(|(day, lines)| {
            let (date, _, _) = parts(FIRST_DAY_MS + day as i64 * DAY_MS);
            // Older days are packed, as an archive would have them.
            let suffix = if day < 5 { "json.gz" } else { "json" };
            LandingFile {
                path: format!("iot_events/iot_events/{date}.{suffix}"),
                lines,
            }
        })
        .collect()
}

/// One reading. Devices 1 to 24 measure temperature and humidity, to 42 pressure, to 54 motion, to 57 went silent
/// on the fourth day, 58 and 59 are unknown to the device table's owner, 60 never spoke.
fn reading(random: &mut Random, number: i64, at_ms: i64) -> String {
    let mut device = 1 + random.below(59);
    let day = (at_ms - FIRST_DAY_MS) / DAY_MS;
    if (55..=57).contains(&device) && day >= 4 {
        device -= 30;
    }
    let (sensor, unit, value) = measure(random, device, at_ms);
    let sensor = if number % 160 == 7 {
        random.pick(&["co2", "noise", "TEMPERATURE"])
    } else {
        sensor
    };
    let quality = match random.below(100) {
        0..=91 => Some("good"),
        92..=96 => Some("suspect"),
        97..=98 => Some("bad"),
        _ => None,
    };
    let drained = day as f64 * 2.5 + (device * 7 % 60) as f64;
    let battery = if random.chance(2) {
        "null".to_owned()
    } else {
        format!(
            "{:.1}",
            (98.0 - drained + random.tenths(-1.0, 1.0)).clamp(3.0, 100.0)
        )
    };
    let event_id = if number % 900 == 71 {
        "null".to_owned()
    } else {
        format!("\"E{number:05}\"")
    };
    let device_id = if number % 1_000 == 501 {
        "null".to_owned()
    } else {
        format!("\"DEV-{device:03}\"")
    };
    let firmware = text(Some(["1.9.4", "2.0.0", "2.1.0"][(device % 3) as usize]));
    format!(
        "{{\"event_id\":{event_id},\"device_id\":{device_id},\"timestamp\":{},\"sensor_type\":\"{sensor}\",\"value\":{value},\
         \"unit\":\"{unit}\",\"location_id\":{},\"quality_flag\":{},\"firmware_version\":{firmware},\"battery_level\":{battery}}}",
        timestamp(number, at_ms),
        if number % 250 == 99 {
            "null".to_owned()
        } else {
            format!("\"LOC-{:02}\"", 1 + device % 12)
        },
        text(quality),
    )
}

fn measure(random: &mut Random, device: i64, at_ms: i64) -> (&'static str, &'static str, String) {
    let hour = at_ms.rem_euclid(DAY_MS) as f64 / HOUR_MS as f64;
    // A day's swing: coldest at 4, warmest at 16.
    let swing = 1.0 - ((hour - 16.0).abs().min(24.0 - (hour - 16.0).abs()) / 6.0);
    match device {
        1..=24 | 55..=57 if random.chance(50) => {
            let outlier = if random.chance(1) { 45.0 } else { 0.0 };
            (
                "temperature",
                "C",
                format!(
                    "{:.1}",
                    21.0 + 6.0 * swing + outlier + random.tenths(-2.0, 2.0)
                ),
            )
        }
        1..=24 | 55..=57 => (
            "humidity",
            "%",
            format!("{:.1}", 55.0 - 12.0 * swing + random.tenths(-15.0, 20.0)),
        ),
        25..=42 | 58 => (
            "pressure",
            "hPa",
            format!("{:.1}", 1_012.0 + 4.0 * swing + random.tenths(-30.0, 32.0)),
        ),
        _ => ("motion", "count", format!("{}.0", random.below(6))),
    }
}

/// A time as devices send it: three spellings, sometimes no time, sometimes nothing.
fn timestamp(number: i64, at_ms: i64) -> String {
    if number % 800 == 203 {
        return "null".to_owned();
    }
    if number % 700 == 301 {
        return "\"not-a-time\"".to_owned();
    }
    let (date, time, milliseconds) = parts(at_ms);
    match number % 10 {
        3 => format!("\"{date} {time}.{milliseconds:03}\""),
        7 => {
            let (date, time, _) = parts(at_ms + HOUR_MS);
            format!("\"{date}T{time}+01:00\"")
        }
        _ => format!("\"{date}T{time}Z\""),
    }
}
