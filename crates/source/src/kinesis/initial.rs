//! `initialPosition`: where a stream is begun the first time. Must not resolve `latest`: that needs the clock.

use sluice_decode::datetime::{Pattern, Zone};

/// Where shards are begun that were there at the first start. Shards that appear later are read from their beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialPosition {
    /// With the first record that arrives in the second of the start or later.
    Latest,
    /// With the oldest record that the stream keeps.
    TrimHorizon,
    /// With the first record that arrived at or after this time, milliseconds since the epoch.
    AtTimestamp(i64),
}

const EXPECTED: &str = "expected 'latest', 'trim_horizon', 'earliest' or '{\"at_timestamp\": \"06/25/2020 10:23:45 PDT\", \"format\": \"MM/dd/yyyy HH:mm:ss ZZZ\"}'";

impl InitialPosition {
    /// Reads the value of the option, in any case.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        match trimmed.to_ascii_lowercase().as_str() {
            "latest" => Ok(Self::Latest),
            "trim_horizon" | "earliest" => Ok(Self::TrimHorizon),
            _ if trimmed.starts_with('{') => at_timestamp(trimmed).map(Self::AtTimestamp),
            _ => Err(EXPECTED.into()),
        }
    }
}

/// The JSON form: a time and, if it is not in ISO form, the pattern that it is written in.
fn at_timestamp(text: &str) -> Result<i64, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| EXPECTED)?;
    let fields = value.as_object().ok_or(EXPECTED)?;
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let written = field("at_timestamp").ok_or(EXPECTED)?;
    if let Some(seconds) = written.as_f64() {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a time in seconds fits in milliseconds"
        )]
        return Ok((seconds * 1000.0) as i64);
    }
    let written = written.as_str().ok_or(EXPECTED)?;
    let micros = match field("format").and_then(serde_json::Value::as_str) {
        None => crate::option::value::instant_us(written)?,
        Some(format) => {
            let pattern = Pattern::new(&spark_form(format)).map_err(|error| {
                format!("the format `{format}` cannot be used: {}", error.reason)
            })?;
            let (text, zone) = if spark_form(format) == format.trim() {
                (written.trim().to_owned(), None)
            } else {
                split_zone_name(written)
            };
            let utc = Zone::parse("UTC").ok_or("UTC is unknown")?;
            let zone = zone.and_then(Zone::parse).unwrap_or(utc);
            pattern
                .parse_timestamp(&text, &zone)
                .ok_or_else(|| format!("`{written}` is not written as `{format}` says"))?
        }
    };
    Ok(micros.div_euclid(1000))
}

/// Java's `Z` letters at the end of a pattern stand for a zone that people write as a name (`PDT`): the name is taken
/// off the text first and put in as an offset.
fn spark_form(format: &str) -> String {
    format.trim_end_matches([' ', 'Z', 'z']).to_owned()
}

/// The text without the zone at its end, and that zone in a form that is understood.
fn split_zone_name(written: &str) -> (String, Option<&str>) {
    let Some((rest, last)) = written.trim().rsplit_once(' ') else {
        return (written.trim().to_owned(), None);
    };
    let known = match last {
        "PST" => "-08:00",
        "PDT" | "MST" => "-07:00",
        "MDT" | "CST" => "-06:00",
        "CDT" | "EST" => "-05:00",
        "EDT" => "-04:00",
        "CET" => "+01:00",
        "CEST" => "+02:00",
        "GMT" | "UTC" | "Z" => "UTC",
        other if other.starts_with(['+', '-']) || other.contains('/') => other,
        _ => return (written.trim().to_owned(), None),
    };
    (rest.trim_end().to_owned(), Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_positions_are_read_in_any_case() {
        for (text, expected) in [
            ("latest", InitialPosition::Latest),
            ("LATEST", InitialPosition::Latest),
            ("TRIM_HORIZON", InitialPosition::TrimHorizon),
            ("earliest", InitialPosition::TrimHorizon),
        ] {
            assert_eq!(InitialPosition::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "newest", "{", "{}", r#"{"at_timestamp":"yesterday"}"#] {
            assert!(InitialPosition::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_may_come_with_its_pattern_and_zone() {
        // 2020-06-25 10:23:45 in California is 17:23:45 UTC.
        let expected = Ok(InitialPosition::AtTimestamp(1_593_105_825_000));
        for text in [
            r#"{"at_timestamp":"06/25/2020 10:23:45 PDT","format":"MM/dd/yyyy HH:mm:ss ZZZ"}"#,
            r#"{"at_timestamp":"06/25/2020 10:23:45 -07:00","format":"MM/dd/yyyy HH:mm:ss ZZZ"}"#,
            r#"{"AT_TIMESTAMP":"2020-06-25T17:23:45Z"}"#,
            r#"{"at_timestamp":1593105825}"#,
        ] {
            assert_eq!(InitialPosition::parse(text), expected, "{text}");
        }
        assert!(
            InitialPosition::parse(r#"{"at_timestamp":"2020-06-25","format":"MM/dd/yyyy"}"#)
                .is_err()
        );
    }
}
