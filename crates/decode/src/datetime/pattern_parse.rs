//! Reads text by a pattern, strictly, as Java's resolver style STRICT does under Spark. Must not print.

use super::pattern::Item;
use super::pattern_format::{MONTHS, WEEKDAYS};
use super::{DAY, SECOND, Zone, date_of, days_from_civil, is_leap};

/// The fields that a text gave; absent ones take Spark's defaults (1970-01-01 00:00:00).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    year: Option<i64>,
    before_christ: Option<bool>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<usize>,
    hour: Option<i64>,
    hour_of_half: Option<i64>,
    afternoon: Option<bool>,
    minute: Option<i64>,
    second: Option<i64>,
    micros: Option<i64>,
    zone: Option<Zone>,
}

impl Parsed {
    pub(super) fn read(items: &[Item], text: &str) -> Option<Self> {
        let mut parsed = Self::default();
        let end = parsed.read_items(items, text, 0)?;
        (end == text.len()).then_some(parsed)
    }

    /// Days since the epoch, or `None` when the fields make no date.
    pub fn days(&self) -> Option<i32> {
        let year = match (self.before_christ, self.year.unwrap_or(1970)) {
            (Some(true), year) => 1 - year,
            (_, year) => year,
        };
        let days = match self.day_of_year {
            Some(day) if self.month.is_none() && self.day.is_none() => {
                if day < 1 || day > 365 + i64::from(is_leap(year)) {
                    return None;
                }
                i32::try_from(days_from_civil(year, 1, 1) + day - 1).ok()?
            }
            _ => date_of(
                year,
                u32::try_from(self.month.unwrap_or(1)).ok()?,
                u32::try_from(self.day.unwrap_or(1)).ok()?,
            )?,
        };
        let fits = self.weekday.is_none_or(|weekday| {
            (i64::from(days) + 3).rem_euclid(7) == i64::try_from(weekday).unwrap_or(0)
        });
        fits.then_some(days)
    }

    /// Local microseconds, the zone left aside.
    pub fn local(&self) -> Option<i64> {
        let hour = match (self.hour, self.hour_of_half) {
            (Some(hour), _) => hour,
            (None, Some(hour)) => hour + if self.afternoon == Some(true) { 12 } else { 0 },
            (None, None) => {
                if self.afternoon == Some(true) {
                    12
                } else {
                    0
                }
            }
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
            return None;
        }
        let of_day = (hour * 3600 + minute * 60 + second) * SECOND + self.micros.unwrap_or(0);
        i64::from(self.days()?)
            .checked_mul(DAY)?
            .checked_add(of_day)
    }

    /// The instant; `zone` holds where the text names none.
    pub fn instant(&self, zone: &Zone) -> Option<i64> {
        self.zone.unwrap_or(*zone).to_utc(self.local()?)
    }

    /// The zone or offset in the text.
    pub fn zone(&self) -> Option<Zone> {
        self.zone
    }

    fn read_items(&mut self, items: &[Item], text: &str, mut at: usize) -> Option<usize> {
        for (index, item) in items.iter().enumerate() {
            at = match item {
                Item::Literal(literal) => {
                    let found = text.get(at..at + literal.len())?;
                    if !found.eq_ignore_ascii_case(literal) {
                        return None;
                    }
                    at + literal.len()
                }
                Item::Optional(inner) => {
                    let mut attempt = self.clone();
                    match attempt.read_items(inner, text, at) {
                        Some(end) => {
                            *self = attempt;
                            end
                        }
                        None => at,
                    }
                }
                Item::Field(letter, count) => {
                    let reserved = reserved(items.get(index + 1..).unwrap_or_default());
                    self.read_field(*letter, *count, reserved, text, at)?
                }
            };
        }
        Some(at)
    }

    fn read_field(
        &mut self,
        letter: char,
        count: usize,
        reserved: usize,
        text: &str,
        at: usize,
    ) -> Option<usize> {
        let rest = text.get(at..)?;
        match letter {
            'X' | 'x' | 'Z' | 'O' | 'V' | 'z' => {
                let (zone, length) = read_zone(letter, count, rest)?;
                self.zone = Some(zone);
                return Some(at + length);
            }
            'S' => {
                let length = rest
                    .bytes()
                    .take(count)
                    .take_while(u8::is_ascii_digit)
                    .count();
                let digits: String = rest
                    .get(..length)?
                    .chars()
                    .chain("000000".chars())
                    .take(6)
                    .collect();
                self.micros = Some(digits.parse().ok()?);
                return (length > 0).then_some(at + length);
            }
            'M' | 'L' if count > 2 => {
                let (index, length) = read_name(&MONTHS, count, rest)?;
                self.month = i64::try_from(index + 1).ok();
                return Some(at + length);
            }
            'E' => {
                let (index, length) = read_name(&WEEKDAYS, count.max(3), rest)?;
                self.weekday = Some(index);
                return Some(at + length);
            }
            'a' => {
                let half = rest.get(..2)?;
                self.afternoon = Some(half.eq_ignore_ascii_case("PM"));
                return (half.eq_ignore_ascii_case("AM") || half.eq_ignore_ascii_case("PM"))
                    .then_some(at + 2);
            }
            'G' => {
                let names: [&str; 2] = if count == 4 {
                    ["Anno Domini", "Before Christ"]
                } else {
                    ["AD", "BC"]
                };
                let index = names.iter().position(|name| {
                    rest.get(..name.len())
                        .is_some_and(|head| head.eq_ignore_ascii_case(name))
                })?;
                self.before_christ = Some(index == 1);
                return Some(at + names[index].len());
            }
            _ => {}
        }
        let (value, length) = read_number(letter, count, reserved, rest)?;
        self.set(letter, count, value)?;
        Some(at + length)
    }

    fn set(&mut self, letter: char, count: usize, value: i64) -> Option<()> {
        let within = |range: std::ops::RangeInclusive<i64>| range.contains(&value).then_some(value);
        match letter {
            'y' => self.year = Some(if count == 2 { 2000 + value } else { value }),
            'M' | 'L' => self.month = Some(within(1..=12)?),
            'd' => self.day = Some(within(1..=31)?),
            'D' => self.day_of_year = Some(within(1..=366)?),
            'H' => self.hour = Some(within(0..=23)?),
            'k' => self.hour = Some(within(1..=24)? % 24),
            'K' => self.hour_of_half = Some(within(0..=11)?),
            'h' => self.hour_of_half = Some(within(1..=12)? % 12),
            'm' => self.minute = Some(within(0..=59)?),
            's' => self.second = Some(within(0..=59)?),
            // Q, q and F are refused by Spark when reading.
            _ => return None,
        }
        Some(())
    }
}

/// Digits that the fields right after a variable-width number need: `yyyyMMdd` leaves four for `MMdd`.
fn reserved(following: &[Item]) -> usize {
    following
        .iter()
        .map_while(|item| match item {
            Item::Field('M' | 'L' | 'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's' | 'y', 2) => Some(2),
            Item::Field('D', 3) => Some(3),
            _ => None,
        })
        .sum()
}

fn read_number(letter: char, count: usize, reserved: usize, rest: &str) -> Option<(i64, usize)> {
    let (sign, body) = match rest.as_bytes().first() {
        Some(b'-') => (-1, rest.get(1..)?),
        Some(b'+') if letter == 'y' && count >= 4 => (2, rest.get(1..)?),
        _ => (1, rest),
    };
    let run = body.bytes().take_while(u8::is_ascii_digit).count();
    let length = match (letter, count) {
        ('y' | 'M' | 'L' | 'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's', 2) => 2,
        ('D', 3) => 3,
        // Java takes all digits that what follows does not need, and refuses a long year without its sign.
        ('y', 4..) if sign != 2 && run > count + reserved => return None,
        ('y', 4..) => run.saturating_sub(reserved),
        _ => run.saturating_sub(reserved).min(18),
    };
    let fixed = length == 2 && count == 2;
    if length < count
        || length > run
        || length > 18
        || (fixed && sign != 1)
        || (sign == 2 && length <= count)
    {
        return None;
    }
    let value: i64 = body.get(..length)?.parse().ok()?;
    let signed = if sign == -1 { -value } else { value };
    Some((signed, length + usize::from(sign != 1)))
}

fn read_name(names: &[&str], count: usize, rest: &str) -> Option<(usize, usize)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let wanted = if count == 3 { &name[..3] } else { name };
        let head = rest.get(..wanted.len())?;
        head.eq_ignore_ascii_case(wanted)
            .then_some((index, wanted.len()))
    })
}

fn read_zone(letter: char, count: usize, rest: &str) -> Option<(Zone, usize)> {
    if matches!(letter, 'X') || (letter == 'Z' && count == 5) {
        if rest.starts_with(['Z', 'z']) {
            return Some((Zone::UTC, 1));
        }
    } else if matches!(letter, 'V' | 'z') {
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"/_+-:".contains(byte))
            .count();
        return (1..=length)
            .rev()
            .find_map(|end| Some((Zone::parse(rest.get(..end)?)?, end)));
    } else if letter == 'O' || count == 4 && letter == 'Z' {
        let body = rest.strip_prefix("GMT")?;
        let length = body
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || b"+-:".contains(byte))
            .count();
        let zone = if length == 0 {
            Zone::UTC
        } else {
            Zone::parse(body.get(..length)?)?
        };
        return Some((zone, 3 + length));
    }
    let width = if letter == 'Z' {
        if count == 5 { 5 } else { 2 }
    } else {
        count
    };
    let lengths: &[usize] = match width {
        1 => &[5, 3],
        2 => &[5],
        3 => &[6],
        4 => &[7, 5],
        _ => &[9, 6],
    };
    lengths.iter().find_map(|length| {
        let offset = rest.get(..*length)?;
        let colons = offset.contains(':');
        let fits = offset.starts_with(['+', '-']) && colons == (width == 3 || width == 5);
        Some((
            if fits {
                Zone::parse(offset)?
            } else {
                return None;
            },
            *length,
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Pattern, timestamp_ntz_text};
    use super::*;

    fn check(pattern: &str, text: &str, expected: Option<&str>) {
        let found = Pattern::new(pattern)
            .unwrap()
            .parse_timestamp(text, &Zone::UTC);
        assert_eq!(
            found.map(timestamp_ntz_text).as_deref(),
            expected,
            "{pattern} {text}"
        );
    }

    #[test]
    fn texts_are_read_strictly() {
        check(
            "yyyy-MM-dd HH:mm:ss",
            "2024-05-06 07:08:09",
            Some("2024-05-06 07:08:09"),
        );
        check(
            "yyyyMMddHHmmss",
            "20240506070809",
            Some("2024-05-06 07:08:09"),
        );
        check(
            "dd/MM/yy hh:mm a",
            "06/05/24 01:08 pm",
            Some("2024-05-06 13:08:00"),
        );
        check(
            "yyyy-MM-dd'T'HH:mm[:ss][XXX]",
            "2024-05-06T07:08+02:00",
            Some("2024-05-06 05:08:00"),
        );
        check(
            "yyyy-MM-dd HH:mm:ss.SSSSSS",
            "2024-05-06 07:08:09.12",
            Some("2024-05-06 07:08:09.12"),
        );
        check("d MMM yyyy", "6 May 2024", Some("2024-05-06 00:00:00"));
        check("yyyyDDD", "2024127", Some("2024-05-06 00:00:00"));
        check("yyyy-MM-dd", "2024-5-06", None);
        check("yyyy-MM-dd", "2024-02-30", None);
        check("yyyy-MM-dd", "2024-05-06 ", None);
        check("HH:mm", "25:00", None);
    }
}
