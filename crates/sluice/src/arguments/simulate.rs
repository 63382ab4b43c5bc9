//! Arguments of `sluice simulate`, and how their values are read. Must not do anything.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use sluice_model::limits::SIMULATED_DEVICES_MAX;
use sluice_source::generate::{Preset, Rate};

#[derive(Debug, Clone, Args)]
pub(crate) struct Simulate {
    /// The fleet
    #[arg(value_name = "PRESET", required_unless_present = "template", conflicts_with = "template",
          value_parser = PossibleValuesParser::new(Preset::ALL.map(Preset::name)))]
    pub(crate) preset: Option<String>,
    /// A template of the Amazon Kinesis Data Generator instead
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Where to: `stdout`, `file:DIR` or `kinesis:STREAM`
    #[arg(long, value_name = "TARGET", default_value = "stdout")]
    pub(crate) to: String,
    /// Only this table of a preset with several
    #[arg(long, value_name = "TABLE", conflicts_with = "template")]
    pub(crate) table: Option<String>,
    /// Form of the records of a preset; without it, the one that its pipeline reads
    #[arg(long, value_enum, conflicts_with = "template")]
    pub(crate) format: Option<RecordFormat>,
    /// Records per time, as in `100/s` or `5/m`, or `max`; without it, as many as the devices send in real life
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) rate: Option<Pace>,
    /// End after so many records; one that arrives twice counts once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Simulate the time: begin then (as in 2026-11-20T20:00:00Z) and do not wait
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<i64>,
    /// End of the simulated time
    #[arg(long, value_name = "TIME", value_parser = time, requires = "from")]
    pub(crate) to_time: Option<i64>,
    /// Simulated seconds per second, instead of as fast as possible
    #[arg(long, value_name = "FACTOR", value_parser = factor, requires = "from")]
    pub(crate) speedup: Option<f64>,
    /// Devices that take turns; without it, as many as the pipeline knows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SIMULATED_DEVICES_MAX))]
    pub(crate) devices: Option<u64>,
    /// Where all randomness comes from: with --from, the same seed gives the same bytes
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Share of records with values that stand out, as in `1%`
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0%")]
    pub(crate) anomalies: f64,
    /// Share of records that arrive behind younger ones
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0%")]
    pub(crate) late: f64,
    /// How late at most
    #[arg(long, value_name = "TIME", value_parser = duration_us, default_value = "10m")]
    pub(crate) late_by: u64,
    /// Share of records that arrive twice
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0%")]
    pub(crate) duplicates: f64,
    /// Share of records that cannot be read
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0%")]
    pub(crate) broken: f64,
    /// Add a field that numbers the records from 1
    #[arg(long, value_name = "NAME", value_parser = field)]
    pub(crate) number_field: Option<String>,
    /// Records per file
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rows_per_file: u64,
    /// A file is complete after this time at the latest; without it 10s, and no limit in simulated time
    #[arg(long, value_name = "TIME", value_parser = duration_us)]
    pub(crate) files_every: Option<u64>,
    /// Field that tells the partition key on a stream; without it, the one that tells the devices of the preset apart, and for
    /// a template a key for each record
    #[arg(long, value_name = "FIELD", value_parser = field)]
    pub(crate) partition_key: Option<String>,
    /// Make the stream with so many shards if it is not there
    #[arg(long, value_name = "SHARDS", value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub(crate) create_stream: Option<i32>,
    /// Region of the stream; without it, the one of sluice.yml or of the environment
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// URL of the service that has the stream; without it, the one of sluice.yml, else AWS
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// One of `credentials:` of sluice.yml; without it, what the environment has
    #[arg(long, value_name = "NAME")]
    pub(crate) credential: Option<String>,
    /// Pack files with gzip
    #[arg(long)]
    pub(crate) gzip: bool,
}

impl Simulate {
    /// Records on a stream without end, in real time.
    pub(crate) fn on_stream(
        stream: &str,
        preset: Option<String>,
        template: Option<PathBuf>,
        rate: Pace,
        anomalies: f64,
    ) -> Self {
        Self {
            preset,
            template,
            to: format!("kinesis:{stream}"),
            table: None,
            format: None,
            rate: Some(rate),
            count: None,
            from: None,
            to_time: None,
            speedup: None,
            devices: None,
            seed: None,
            anomalies,
            late: 0.0,
            late_by: 0,
            duplicates: 0.0,
            broken: 0.0,
            number_field: None,
            rows_per_file: 1,
            files_every: None,
            partition_key: None,
            create_stream: None,
            region: None,
            endpoint: None,
            credential: None,
            gzip: false,
        }
    }
}

/// Form of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordFormat {
    /// One object per line.
    Json,
    /// A header, then one row per line.
    Csv,
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// So many.
    Rate(Rate),
    /// As fast as possible.
    Max,
}

pub(super) fn rate(text: &str) -> Result<Pace, String> {
    match text {
        "max" => Ok(Pace::Max),
        text => Rate::parse(text).map(Pace::Rate),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let wrong = || "write a share from 0% to 100%, such as `0.5%`".to_owned();
    let percent = text.strip_suffix('%').ok_or_else(wrong)?.trim();
    let percent: f64 = percent.parse().map_err(|_| wrong())?;
    if (0.0..=100.0).contains(&percent) {
        Ok(percent / 100.0)
    } else {
        Err(wrong())
    }
}

fn factor(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('x').unwrap_or(text).parse::<f64>();
    match number {
        Ok(factor) if (1e-3..=1e9).contains(&factor) => Ok(factor),
        _ => Err("write a number above 0, such as `60`".to_owned()),
    }
}

pub(super) fn duration_us(text: &str) -> Result<u64, String> {
    let wrong = || "write a time, such as `500ms`, `10s`, `5m`, `2h` or `1d`".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit_us: u64 = match &text[digits..] {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let us = count.checked_mul(unit_us).ok_or_else(wrong)?;
    // A hundred years: beyond that it is a slip of the fingers.
    if (1..=36_500 * 86_400_000_000).contains(&us) {
        Ok(us)
    } else {
        Err(wrong())
    }
}

/// Microseconds since 1970; without an offset, UTC.
fn time(text: &str) -> Result<i64, String> {
    let naive = || {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
            .iter()
            .find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())
            .or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0))
            .map(|time| time.and_utc().timestamp_micros())
    };
    let (low, high) = (-62_135_596_800_000_000, 253_402_300_799_999_999);
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.timestamp_micros())
        .or_else(naive)
        .filter(|us| (low..=high).contains(us))
        .ok_or_else(|| "write a time, such as `2026-11-20T20:00:00Z` or `2026-11-20`".to_owned())
}

fn field(text: &str) -> Result<String, String> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if !text.is_empty() && text.len() <= 128 && text.chars().all(is_name) {
        Ok(text.to_owned())
    } else {
        Err("write letters, digits and underscores".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(share("0.5%"), Ok(0.005));
        assert_eq!(duration_us("250ms"), Ok(250_000));
        assert_eq!(duration_us("2h"), Ok(7_200_000_000));
        assert_eq!(time("1970-01-01"), Ok(0));
        assert_eq!(time("1970-01-01T01:00:01+01:00"), Ok(1_000_000));
        assert_eq!(time("1970-01-01 00:00:01.5"), Ok(1_500_000));
        assert_eq!(factor("60x"), Ok(60.0));
        assert_eq!(rate("max"), Ok(Pace::Max));
    }

    #[test]
    fn other_values_are_refused() {
        assert!(share("1").is_err(), "one percent, or all?");
        for text in ["101%", "-1%", "NaN%", "%"] {
            assert!(share(text).is_err(), "{text}");
        }
        for text in ["10", "s", "0s", "-1s", "99999999999999999999d", "ü"] {
            assert!(duration_us(text).is_err(), "{text}");
        }
        for text in ["yesterday", "2026-13-01", ""] {
            assert!(time(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "inf", "NaN"] {
            assert!(factor(text).is_err(), "{text}");
        }
        for text in ["", "a b", "a\"b"] {
            assert!(field(text).is_err(), "{text}");
        }
    }
}
