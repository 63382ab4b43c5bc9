//! Prints dates and timestamps by a pattern. Must not read text.

use std::fmt::Write as _;

use chrono::offset::TimeZone;

use super::format::push_year;
use super::pattern::{Item, Pattern};
use super::{DAY, SECOND, Zone, civil_from_days, days_from_civil};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

struct Moment<'a> {
    year: i64,
    month: u32,
    day: u32,
    days: i64,
    second_of_day: i64,
    micros: i64,
    offset: i32,
    instant: i64,
    zone: &'a Zone,
    /// The pattern names the era, so that years count within it; else they go on below 1 (Spark writes `u` for `y` then).
    of_era: bool,
}

impl Pattern {
    /// The text of an instant in a zone.
    pub fn format_timestamp(&self, micros: i64, zone: &Zone) -> String {
        let offset = zone.offset_at(micros);
        self.format(
            micros.saturating_add(i64::from(offset) * SECOND),
            micros,
            offset,
            zone,
        )
    }

    /// The text of local microseconds; zone letters print UTC.
    pub fn format_timestamp_ntz(&self, local: i64) -> String {
        self.format(local, local, 0, &Zone::UTC)
    }

    /// The text of a date, at midnight.
    pub fn format_date(&self, days: i32) -> String {
        self.format_timestamp_ntz(i64::from(days).saturating_mul(DAY))
    }

    fn format(&self, local: i64, instant: i64, offset: i32, zone: &Zone) -> String {
        let days = local.div_euclid(DAY);
        let (year, month, day) = civil_from_days(days);
        let of_day = local.rem_euclid(DAY);
        let moment = Moment {
            year,
            month,
            day,
            days,
            second_of_day: of_day / SECOND,
            micros: of_day % SECOND,
            offset,
            instant,
            zone,
            of_era: self.has('G'),
        };
        let mut out = String::with_capacity(self.as_str().len() + 8);
        moment.push_items(&mut out, &self.items);
        out
    }
}

impl Moment<'_> {
    fn push_items(&self, out: &mut String, items: &[Item]) {
        for item in items {
            match item {
                Item::Literal(text) => out.push_str(text),
                Item::Optional(inner) => self.push_items(out, inner),
                Item::Field(letter, count) => self.push_field(out, *letter, *count),
            }
        }
    }

    fn push_field(&self, out: &mut String, letter: char, count: usize) {
        let hour = self.second_of_day / 3600;
        let value = match letter {
            'y' if self.of_era && self.year <= 0 => {
                let before = Moment {
                    year: 1 - self.year,
                    ..*self
                };
                return before.push_year(out, count);
            }
            'y' => return self.push_year(out, count),
            'G' => {
                let names = if self.year > 0 {
                    ("AD", "Anno Domini")
                } else {
                    ("BC", "Before Christ")
                };
                return out.push_str(if count == 4 { names.1 } else { names.0 });
            }
            'M' | 'L' if count > 2 => {
                let name = MONTHS
                    .get(self.month as usize - 1)
                    .copied()
                    .unwrap_or_default();
                return out.push_str(if count == 3 { &name[..3] } else { name });
            }
            'E' => {
                let index = usize::try_from((self.days + 3).rem_euclid(7)).unwrap_or(0);
                let name = WEEKDAYS[index];
                return out.push_str(if count == 4 { name } else { &name[..3] });
            }
            'Q' | 'q' => return self.push_quarter(out, count),
            'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'S' => {
                let nanos = format!("{:06}000", self.micros);
                return out.push_str(nanos.get(..count).unwrap_or(&nanos));
            }
            'X' | 'x' | 'Z' | 'O' | 'V' | 'z' => return self.push_zone(out, letter, count),
            'M' | 'L' => i64::from(self.month),
            'd' => i64::from(self.day),
            'D' => self.days - days_from_civil(self.year, 1, 1) + 1,
            'F' => i64::from((self.day - 1) % 7 + 1),
            'H' => hour,
            'k' => {
                if hour == 0 {
                    24
                } else {
                    hour
                }
            }
            'K' => hour % 12,
            'h' => {
                if hour % 12 == 0 {
                    12
                } else {
                    hour % 12
                }
            }
            'm' => self.second_of_day / 60 % 60,
            _ => self.second_of_day % 60,
        };
        let _ = write!(out, "{value:0count$}");
    }

    fn push_year(&self, out: &mut String, count: usize) {
        match count {
            2 => {
                let _ = write!(out, "{:02}", self.year.rem_euclid(100));
            }
            4 => push_year(out, self.year),
            _ => {
                let sign = if self.year < 0 { "-" } else { "" };
                let _ = write!(out, "{sign}{:0count$}", self.year.unsigned_abs());
            }
        }
    }

    fn push_quarter(&self, out: &mut String, count: usize) {
        let quarter = (self.month - 1) / 3 + 1;
        let _ = match count {
            1 => write!(out, "{quarter}"),
            2 => write!(out, "{quarter:02}"),
            3 => write!(out, "Q{quarter}"),
            _ => {
                let ending = ["st", "nd", "rd", "th"]
                    .get(quarter as usize - 1)
                    .copied()
                    .unwrap_or("th");
                write!(out, "{quarter}{ending} quarter")
            }
        };
    }

    fn push_zone(&self, out: &mut String, letter: char, count: usize) {
        match (letter, count, self.zone) {
            ('V' | 'z', _, Zone::Fixed(0)) => out.push_str("UTC"),
            ('V', _, zone) => {
                let _ = write!(out, "{zone}");
            }
            ('z', _, Zone::Named(zone)) => {
                if let Some(instant) =
                    chrono::DateTime::from_timestamp(self.instant.div_euclid(SECOND), 0)
                {
                    let offset = zone.offset_from_utc_datetime(&instant.naive_utc());
                    let _ = write!(out, "{offset}");
                }
            }
            ('z', _, zone) => {
                let _ = write!(out, "{zone}");
            }
            ('O', _, _) | ('Z', 4, _) => self.push_gmt(out, count),
            ('Z', 5, _) => self.push_offset(out, 5, "Z"),
            ('Z', _, _) => self.push_offset(out, 2, "+0000"),
            ('X', _, _) => self.push_offset(out, count, "Z"),
            _ => self.push_offset(
                out,
                count,
                match count {
                    1 => "+00",
                    2 | 4 => "+0000",
                    _ => "+00:00",
                },
            ),
        }
    }

    /// `X` widths: 1 `+HHmm` with minutes only when there are some, 2 `+HHMM`, 3 `+HH:MM`, 4 and 5 with seconds when there are some.
    fn push_offset(&self, out: &mut String, width: usize, zero: &str) {
        if self.offset == 0 {
            return out.push_str(zero);
        }
        let total = self.offset.unsigned_abs();
        let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
        let colon = if width == 3 || width == 5 { ":" } else { "" };
        let _ = write!(out, "{}{hours:02}", if self.offset < 0 { '-' } else { '+' });
        if width > 1 || minutes != 0 {
            let _ = write!(out, "{colon}{minutes:02}");
        }
        if width > 3 && seconds != 0 {
            let _ = write!(out, "{colon}{seconds:02}");
        }
    }

    fn push_gmt(&self, out: &mut String, count: usize) {
        out.push_str("GMT");
        if self.offset == 0 {
            return;
        }
        let total = self.offset.unsigned_abs();
        let (hours, minutes) = (total / 3600, total / 60 % 60);
        out.push(if self.offset < 0 { '-' } else { '+' });
        let _ = if count == 4 {
            write!(out, "{hours:02}:{minutes:02}")
        } else if minutes == 0 {
            write!(out, "{hours}")
        } else {
            write!(out, "{hours}:{minutes:02}")
        };
    }
}
