//! How often a flow runs in a continuous update, and how it is tried again: table properties and settings, read and
//! checked in one place. Must not know the time.

use std::collections::BTreeMap;
use std::time::Duration;

use sluice_model::Origin;
use sluice_sql::statement::Located;

use crate::Settings;

/// The key of a trigger interval, as a property, a setting and in the configuration.
const INTERVAL: &str = "pipelines.trigger.interval";
/// The key of the time without rows after which watermarks move on with the clock; as a property, a setting and in the
/// configuration.
pub(crate) const IDLE_TIMEOUT: &str = "sluice.watermark.idleTimeout";
const RETRY_FIRST: &str = "spark.sql.pipelines.execution.watchdog.minRetryTime";
const RETRY_MOST: &str = "spark.sql.pipelines.execution.watchdog.maxRetryTime";
const RETRIES: [&str; 2] = [
    "spark.sql.pipelines.maxFlowRetryAttempts",
    "pipelines.maxFlowRetryAttempts",
];
/// Spark's defaults.
const RETRY_FIRST_DEFAULT: Duration = Duration::from_secs(5);
const RETRY_MOST_DEFAULT: Duration = Duration::from_hours(1);
const RETRIES_DEFAULT: u32 = 2;

/// The pace of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// The time between two beginnings of work, at least; `None`: as its kind of flow has it.
    pub interval: Option<Duration>,
    /// The time without rows after which the watermarks of a stream move on with the clock; `None`: never, as in Spark.
    pub idle_timeout: Option<Duration>,
    /// Where that is written as a property of the flow's own target.
    pub idle_origin: Option<Origin>,
    /// The wait before the second attempt; twice as long before each further one.
    pub retry_first: Duration,
    /// The longest wait between attempts.
    pub retry_most: Duration,
    /// Attempts after the first one in a triggered update.
    pub retries: u32,
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaceFault {
    /// Its key, as written.
    pub key: String,
    /// Its value, as written.
    pub value: String,
    /// Where it stands, for a table property; settings are told at their flow.
    pub origin: Option<Origin>,
    /// What it should be, in words.
    pub expected: &'static str,
}

impl Pace {
    /// The pace of a flow with these settings whose target has these properties.
    ///
    /// # Errors
    /// The first of them that cannot be.
    pub fn of(
        settings: &Settings,
        properties: &BTreeMap<String, Located<String>>,
    ) -> Result<Self, PaceFault> {
        let interval = span(settings, properties, INTERVAL)?.map(|(interval, _)| interval);
        let idle = span(settings, properties, IDLE_TIMEOUT)?;
        if let Some((timeout, origin)) = &idle
            && (timeout.is_zero() || interval.is_some_and(|interval| *timeout <= interval))
        {
            let (key, value) = written(settings, properties, IDLE_TIMEOUT).unwrap_or_default();
            return Err(PaceFault {
                key,
                value,
                origin: origin.clone(),
                expected: "more than nothing, and more than `pipelines.trigger.interval`: rows wait that long by themselves",
            });
        }
        let time = |key: &str, default: Duration| match find(settings, key) {
            Some((key, value)) => spark_time(value).ok_or_else(|| PaceFault {
                key: key.clone(),
                value: value.clone(),
                origin: None,
                expected: "a time: `5s`, `10m`, `1h`; a number alone is seconds",
            }),
            None => Ok(default),
        };
        let retries = RETRIES.iter().find_map(|key| find(settings, key));
        let (idle_timeout, idle_origin) = idle.unzip();
        Ok(Self {
            interval,
            idle_timeout,
            idle_origin: idle_origin.flatten(),
            retry_first: time(RETRY_FIRST, RETRY_FIRST_DEFAULT)?,
            retry_most: time(RETRY_MOST, RETRY_MOST_DEFAULT)?,
            retries: match retries {
                Some((key, value)) => value.trim().parse().map_err(|_| PaceFault {
                    key: key.clone(),
                    value: value.clone(),
                    origin: None,
                    expected: "a whole number, 0 or more",
                })?,
                None => RETRIES_DEFAULT,
            },
        })
    }
}

fn find<'a>(settings: &'a Settings, wanted: &str) -> Option<(&'a String, &'a String)> {
    settings
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
}

/// A span of time under a key, and where it stands: a property goes before a setting.
fn span(
    settings: &Settings,
    properties: &BTreeMap<String, Located<String>>,
    wanted: &str,
) -> Result<Option<(Duration, Option<Origin>)>, PaceFault> {
    let origin = property(properties, wanted).map(|(_, value)| value.origin.clone());
    let Some((key, value)) = written(settings, properties, wanted) else {
        return Ok(None);
    };
    match parse_interval(&value) {
        Some(span) => Ok(Some((span, origin))),
        None => Err(PaceFault {
            key,
            value,
            origin,
            expected: "a number and a unit: second, minute, hour or day, as in `10 seconds`",
        }),
    }
}

fn property<'a>(
    properties: &'a BTreeMap<String, Located<String>>,
    wanted: &str,
) -> Option<(&'a String, &'a Located<String>)> {
    properties
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
}

/// What is in force under a key, as written.
fn written(
    settings: &Settings,
    properties: &BTreeMap<String, Located<String>>,
    wanted: &str,
) -> Option<(String, String)> {
    match property(properties, wanted) {
        Some((key, value)) => Some((key.clone(), value.value.clone())),
        None => find(settings, wanted).map(|(key, value)| (key.clone(), value.clone())),
    }
}

/// `10 seconds`, `1 hour`: a number and a unit, singular or plural.
fn parse_interval(text: &str) -> Option<Duration> {
    let mut words = text.split_whitespace();
    let (number, unit) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    let unit = unit.to_ascii_lowercase();
    let seconds = match unit.strip_suffix('s').unwrap_or(&unit) {
        "millisecond" => return Some(Duration::from_millis(number)),
        "second" => 1,
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// A time as Spark's configuration writes it: `5s`, `100ms`, `10min`; seconds where no unit stands.
fn spark_time(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim() {
        "us" => return Some(Duration::from_micros(number)),
        "ms" => return Some(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_a_number_and_a_unit() {
        for (text, expected) in [
            ("10 seconds", Some(10_000)),
            ("1 hour", Some(3_600_000)),
            ("0 seconds", Some(0)),
            ("2 Days", Some(172_800_000)),
            (" 5  minute ", Some(300_000)),
            ("500 milliseconds", Some(500)),
            ("10", None),
            ("10s", None),
            ("ten seconds", None),
            ("-1 seconds", None),
            ("1 week", None),
            ("1 second 2", None),
            ("99999999999999999999 days", None),
            ("9999999999999999999 days", None),
        ] {
            let found = parse_interval(text).map(|found| found.as_millis());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn times_of_spark_may_lack_a_unit() {
        for (text, expected) in [
            ("5", Some(5000)),
            ("5s", Some(5000)),
            ("250ms", Some(250)),
            ("10min", Some(600_000)),
            ("1 h", Some(3_600_000)),
            ("", None),
            ("5 parsecs", None),
        ] {
            let found = spark_time(text).map(|found| found.as_millis());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_property_goes_before_a_setting() {
        let settings: Settings = [(INTERVAL.to_owned(), "1 minute".to_owned())].into();
        let pace = Pace::of(&settings, &BTreeMap::new()).unwrap();
        assert_eq!(pace.interval, Some(Duration::from_mins(1)));
        let written = Located {
            value: "3 seconds".to_owned(),
            origin: Origin::new("a.sql", 1, 1, 0),
        };
        let properties = [("Pipelines.Trigger.Interval".to_owned(), written)].into();
        let pace = Pace::of(&settings, &properties).unwrap();
        assert_eq!(pace.interval, Some(Duration::from_secs(3)));
    }
}
