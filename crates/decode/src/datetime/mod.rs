//! Dates, times and zones as Spark reads and writes them, on the proleptic Gregorian calendar. Must not ask for the time.
//!
//! Text without a pattern follows Spark's cast rules ([`parse_date`], [`parse_timestamp`]); with a pattern those of
//! Java's `DateTimeFormatter` ([`Pattern`]). Dates are days, instants microseconds since 1970-01-01 UTC.

mod format;
mod pattern;
mod pattern_format;
mod pattern_parse;
mod text;
mod zone;

pub use format::{
    date_text, push_date, push_local, push_timestamp, timestamp_ntz_text, timestamp_text,
};
pub use pattern::{Pattern, PatternError};
pub use pattern_parse::Parsed;
pub use text::{parse_date, parse_timestamp, parse_timestamp_ntz};
pub(crate) use text::{trim, trimmable};
pub use zone::Zone;

/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400 * SECOND;

/// Counts the days from 1970-01-01 to a date that is known to exist; negative before.
pub const fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let shifted = (month as i64 + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day as i64 - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Splits a day count into year, month and day.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "months and days are small and positive"
)]
pub const fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted - era * 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_shifted + 2) / 5 + 1) as u32;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    } as u32;
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Whether a year has 366 days.
pub const fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// Days of a month, 1 to 12; 0 for any other number.
pub const fn days_of_month(year: i64, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days since the epoch of a date, or `None` when the calendar has no such date or `i32` cannot count it.
pub fn date_of(year: i64, month: u32, day: u32) -> Option<i32> {
    if day == 0 || day > days_of_month(year, month) {
        return None;
    }
    i32::try_from(days_from_civil(year, month, day)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse_over_four_centuries_and_far_years() {
        for days in (-200_000..200_000).step_by(7).chain([
            i64::from(i32::MIN),
            i64::from(i32::MAX),
            -719_528,
            -719_529,
        ]) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!((1..=days_of_month(year, month)).contains(&day));
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(date_of(2023, 2, 29), None);
        assert_eq!(date_of(2024, 2, 29), Some(19_782));
    }
}
