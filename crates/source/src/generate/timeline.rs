//! How many records in what time: exact in whole numbers, so that a day has as many records as it should. Must not
//! wait for anything.

use sluice_model::limits::SIMULATED_RECORDS_PER_SECOND_MAX;

/// So many records in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    records: u64,
    per_us: u64,
}

impl Rate {
    /// `records` in every `per_us` microseconds; neither can be 0.
    #[must_use]
    pub fn new(records: u64, per_us: u64) -> Self {
        Self {
            records: records.max(1),
            per_us: per_us.max(1),
        }
    }

    /// Reads `100/s`, `5/m`, `1/h`, or `100`, which is per second.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "write a whole number of records per s, m or h, such as `100/s`, or `max`; at most {SIMULATED_RECORDS_PER_SECOND_MAX}/s"
            )
        };
        let (records, unit) = text.split_once('/').unwrap_or((text, "s"));
        let per_us = match unit.trim() {
            "s" | "sec" | "second" => 1_000_000,
            "m" | "min" | "minute" => 60_000_000,
            "h" | "hour" => 3_600_000_000,
            _ => return Err(wrong()),
        };
        let records: u64 = records.trim().parse().map_err(|_| wrong())?;
        let seconds = per_us / 1_000_000;
        if records == 0 || records / seconds > SIMULATED_RECORDS_PER_SECOND_MAX {
            return Err(wrong());
        }
        Ok(Self { records, per_us })
    }

    /// Microseconds from the first record to the one with this index.
    #[must_use]
    pub fn offset_us(self, index: u64) -> i64 {
        let offset = u128::from(index) * u128::from(self.per_us) / u128::from(self.records);
        i64::try_from(offset).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_as_many_records_as_it_should() {
        let rate = Rate::parse("7/m").unwrap();
        assert_eq!(rate.offset_us(7 * 60 * 24), 86_400_000_000);
        assert!(rate.offset_us(7 * 60 * 24 - 1) < 86_400_000_000);
        assert_eq!(Rate::parse("100").unwrap(), Rate::parse("100/s").unwrap());
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["0", "", "-1", "1.5/s", "10/day", "5/", "99999999999/s"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }
}
