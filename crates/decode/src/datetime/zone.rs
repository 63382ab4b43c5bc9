//! Time zones by the names that Java's `ZoneId` takes; gaps and overlaps resolved as `ZonedDateTime.ofLocal` does.

use chrono::offset::{LocalResult, Offset, TimeZone};
use chrono_tz::Tz;

use super::{DAY, SECOND, civil_from_days, days_from_civil, is_leap};

/// A time zone: a fixed offset in seconds east of UTC, or a region with its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Seconds east of UTC, at most 18 hours either way.
    Fixed(i32),
    /// A region of the tz database.
    Named(Tz),
}

/// Java's `ZoneId.SHORT_IDS`, which Spark accepts wherever it takes a zone.
const SHORT_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
    ("EST", "-05:00"),
    ("MST", "-07:00"),
    ("HST", "-10:00"),
];

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self::Fixed(0);

    /// Finds a zone by name or offset (`Europe/Vienna`, `+02:00`, `UTC-3`, `PST`, `Z`); names are case-sensitive as in Java.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((_, target)) = SHORT_IDS.iter().find(|(short, _)| *short == name) {
            return Self::parse(target);
        }
        if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
            return Some(Self::UTC);
        }
        if name.starts_with(['+', '-']) {
            return parse_offset(name).map(Self::Fixed);
        }
        for prefix in ["UTC", "GMT", "UT"] {
            if let Some(rest) = name.strip_prefix(prefix)
                && rest.starts_with(['+', '-'])
            {
                return parse_offset(rest).map(Self::Fixed);
            }
        }
        name.parse().ok().map(Self::Named)
    }

    /// Seconds east of UTC at an instant in microseconds.
    pub fn offset_at(&self, micros: i64) -> i32 {
        match self {
            Self::Fixed(seconds) => *seconds,
            Self::Named(zone) => {
                match chrono::DateTime::from_timestamp(within_tables(micros.div_euclid(SECOND)), 0)
                {
                    Some(instant) => zone
                        .offset_from_utc_datetime(&instant.naive_utc())
                        .fix()
                        .local_minus_utc(),
                    None => 0,
                }
            }
        }
    }

    /// Local microseconds (wall clock counted as if UTC) of an instant.
    pub fn to_local(&self, micros: i64) -> i64 {
        micros.saturating_add(i64::from(self.offset_at(micros)) * SECOND)
    }

    /// The instant of local microseconds: the earlier of two in an overlap, moved later by the gap in a gap; `None` beyond `i64`.
    pub fn to_utc(&self, local: i64) -> Option<i64> {
        let offset = match self {
            Self::Fixed(seconds) => *seconds,
            Self::Named(zone) => {
                match chrono::DateTime::from_timestamp(within_tables(local.div_euclid(SECOND)), 0) {
                    Some(wall) => match zone.offset_from_local_datetime(&wall.naive_utc()) {
                        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => {
                            offset.fix().local_minus_utc()
                        }
                        LocalResult::None => self.offset_at(local.saturating_sub(DAY)),
                    },
                    None => 0,
                }
            }
        };
        local.checked_sub(i64::from(offset) * SECOND)
    }

    /// Offset text as Spark's `XXX` prints it: `Z`, `+02:00`, with seconds when there are some.
    pub fn offset_text(seconds: i32) -> String {
        if seconds == 0 {
            return "Z".to_string();
        }
        let sign = if seconds < 0 { '-' } else { '+' };
        let total = seconds.unsigned_abs();
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
        if rest == 0 {
            format!("{sign}{hours:02}:{minutes:02}")
        } else {
            format!("{sign}{hours:02}:{minutes:02}:{rest:02}")
        }
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(seconds) => f.write_str(&Self::offset_text(*seconds)),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}

/// Brings seconds into the years that the tables cover: later years have the rules of a year before 2100 whose days
/// fall alike, earlier ones the local mean time of the oldest.
fn within_tables(seconds: i64) -> i64 {
    const OLDEST: i64 = -377_705_116_800;
    const YEAR_2099: i64 = 4_070_908_800;
    if seconds < YEAR_2099 {
        return seconds.max(OLDEST);
    }
    let (year, _, _) = civil_from_days(seconds.div_euclid(86_400));
    let first = days_from_civil(year, 1, 1);
    let alike = (2071..2099).find(|other| {
        is_leap(*other) == is_leap(year)
            && (days_from_civil(*other, 1, 1) - first).rem_euclid(7) == 0
    });
    alike.map_or(seconds, |other| {
        seconds + (days_from_civil(other, 1, 1) - first) * 86_400
    })
}

/// Reads `+h`, `+hh`, `+h:mm`, `+hh:m`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`, `+hhmmss` into seconds.
fn parse_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let body = text.get(1..)?;
    if !body
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b':')
    {
        return None;
    }
    let parts: Vec<&str> = if body.contains(':') {
        body.split(':').collect()
    } else {
        match body.len() {
            1 | 2 => vec![body],
            4 => vec![&body[..2], &body[2..]],
            6 => vec![&body[..2], &body[2..4], &body[4..]],
            _ => return None,
        }
    };
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if !matches!(
        lengths.as_slice(),
        [1 | 2] | [1 | 2, 2] | [2, 1] | [1 | 2, 2, 2]
    ) {
        return None;
    }
    let mut values = parts.iter().map(|part| part.parse::<i32>().ok());
    let hours = values.next()??;
    let minutes = values.next().unwrap_or(Some(0))?;
    let seconds = values.next().unwrap_or(Some(0))?;
    let total = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= 18 * 3600).then_some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_javas_names() {
        let fixed = [
            ("Z", 0),
            ("+1", 3600),
            ("-08:30", -30_600),
            ("UTC+5", 18_000),
            ("GMT-0230", -9000),
            ("+1:30", 5400),
            ("EST", -18_000),
        ];
        for (name, seconds) in fixed {
            assert_eq!(Zone::parse(name), Some(Zone::Fixed(seconds)), "{name}");
        }
        assert!(matches!(Zone::parse("Europe/Vienna"), Some(Zone::Named(_))));
        for name in [
            "",
            "+19",
            "+1:2:3",
            "europe/vienna",
            "UTC+",
            "+ab",
            "+123",
            "Mars/Olympus",
        ] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_gap_moves_later_and_an_overlap_takes_the_earlier_instant() {
        let vienna = Zone::parse("Europe/Vienna").unwrap();
        // 2024-03-31 02:30 does not exist: 03:30 summer time = 01:30Z. 2024-10-27 02:30 exists twice: 00:30Z is the earlier.
        assert_eq!(
            vienna.to_utc(1_711_852_200 * SECOND),
            Some(1_711_848_600 * SECOND)
        );
        assert_eq!(
            vienna.to_utc(1_729_996_200 * SECOND),
            Some(1_729_989_000 * SECOND)
        );
    }
}
