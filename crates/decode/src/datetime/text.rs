//! Text to dates and timestamps by the rules of Spark's CAST (`yyyy[-M[-d[T ]h:m:s.ffffff[zone]]]`). Patterns live next door.
//!
//! One difference, on purpose: a text that is a time alone (`12:30`) gets today's date in Spark; here it is no timestamp,
//! because nobody in this room knows the time.

use super::{DAY, SECOND, Zone, date_of};

/// Bytes that Spark trims around dates, numbers and booleans: white space and ISO control characters.
pub(crate) const fn trimmable(byte: u8) -> bool {
    byte <= 0x20 || byte == 0x7f
}

/// Cuts what Spark trims before it casts a text.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|symbol: char| symbol.is_ascii() && trimmable(symbol as u8))
}

/// Days since the epoch of a text such as `2024-05-06`, `2024-5`, ` 2024-05-06T…`; `None` when it is no date.
pub fn parse_date(text: &str) -> Option<i32> {
    let trimmed = trim(text);
    if let Some(days) = iso_date(trimmed.as_bytes())
        && trimmed.len() == 10
    {
        return Some(days);
    }
    let (negative, body) = sign(trimmed);
    let end = body.find([' ', 'T']).unwrap_or(body.len());
    let (date, rest) = body.split_at(end);
    let parts: Vec<&str> = date.splitn(3, '-').collect();
    if parts.len() < 3 && !rest.is_empty() {
        return None;
    }
    let (year, month, day) = segments(&parts, 7)?;
    date_of(if negative { -year } else { year }, month, day)
}

/// Microseconds since the epoch; `zone` holds where the text names none. `None` when it is no timestamp.
pub fn parse_timestamp(text: &str, zone: &Zone) -> Option<i64> {
    if let Some((local, utc)) = iso_timestamp(text.as_bytes()) {
        return if utc { Some(local) } else { zone.to_utc(local) };
    }
    let (local, named) = parse_parts(text)?;
    named.unwrap_or(*zone).to_utc(local)
}

/// Local microseconds; a zone in the text is refused, or ignored where `allow_zone` (as CAST does).
pub fn parse_timestamp_ntz(text: &str, allow_zone: bool) -> Option<i64> {
    match iso_timestamp(text.as_bytes()) {
        Some((_, true)) if !allow_zone => None,
        Some((local, _)) => Some(local),
        None => {
            let (local, named) = parse_parts(text)?;
            (allow_zone || named.is_none()).then_some(local)
        }
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Reads a run of digits whose length lies in the range.
fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    if !lengths.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn segments(parts: &[&str], year_digits: usize) -> Option<(i64, u32, u32)> {
    let year = digits(parts.first()?, 4..=year_digits)?;
    let small = |index: usize| match parts.get(index) {
        Some(part) => digits(part, 1..=2).and_then(|value| u32::try_from(value).ok()),
        None => Some(1),
    };
    Some((year, small(1)?, small(2)?))
}

/// The general path: date parts, time parts and zone, each optional from the right.
fn parse_parts(text: &str) -> Option<(i64, Option<Zone>)> {
    let trimmed = trim(text);
    let (negative, body) = sign(trimmed);
    let mut dashes = body.match_indices('-').map(|(index, _)| index);
    let day_start = dashes
        .next()
        .and(dashes.next())
        .map_or(body.len(), |index| index + 1);
    let time_start = body[day_start..]
        .find([' ', 'T'])
        .map(|index| day_start + index);
    let (date, time) = match time_start {
        Some(index) => (&body[..index], Some(&body[index + 1..])),
        None => (body, None),
    };
    let parts: Vec<&str> = date.splitn(3, '-').collect();
    let (year, month, day) = segments(&parts, 6)?;
    let days = i64::from(date_of(if negative { -year } else { year }, month, day)?);
    let (of_day, zone) = match time {
        Some(time) => parse_time(time)?,
        None => (0, None),
    };
    Some((days.checked_mul(DAY)?.checked_add(of_day)?, zone))
}

/// Reads `h:m:s.ffffff zone`: microseconds of the day and the zone.
fn parse_time(text: &str) -> Option<(i64, Option<Zone>)> {
    let mut rest = text;
    let mut fields = [0_i64; 3];
    for (index, field) in fields.iter_mut().enumerate() {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        *field = digits(&rest[..length], 1..=2)?;
        rest = &rest[length..];
        if index < 2 {
            match rest.strip_prefix(':') {
                Some(after) => rest = after,
                None if rest.is_empty() => break,
                None => return None,
            }
        }
    }
    let mut micros = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let length = after.bytes().take_while(u8::is_ascii_digit).count();
        for position in 0..6 {
            let digit = after
                .as_bytes()
                .get(..length)
                .and_then(|digits| digits.get(position))
                .map_or(0, |byte| i64::from(byte - b'0'));
            micros = micros * 10 + digit;
        }
        rest = &after[length..];
    }
    let zone = if rest.is_empty() {
        None
    } else {
        Some(Zone::parse(trim(rest))?)
    };
    let [hour, minute, second] = fields;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 3600 + minute * 60 + second) * SECOND + micros, zone))
}

fn two(bytes: &[u8], at: usize) -> Option<u32> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(high @ b'0'..=b'9'), Some(low @ b'0'..=b'9')) => {
            Some(u32::from(high - b'0') * 10 + u32::from(low - b'0'))
        }
        _ => None,
    }
}

/// The date at the head of `yyyy-MM-dd…`.
fn iso_date(bytes: &[u8]) -> Option<i32> {
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = two(bytes, 0)? * 100 + two(bytes, 2)?;
    date_of(i64::from(year), two(bytes, 5)?, two(bytes, 8)?)
}

/// The fast path: `yyyy-MM-dd[T ]HH:mm:ss[.f…][Z]`; says whether the text ended in `Z`.
fn iso_timestamp(bytes: &[u8]) -> Option<(i64, bool)> {
    let days = iso_date(bytes)?;
    if bytes.len() < 19
        || !matches!(bytes[10], b'T' | b' ')
        || bytes[13] != b':'
        || bytes[16] != b':'
    {
        return None;
    }
    let (hour, minute, second) = (two(bytes, 11)?, two(bytes, 14)?, two(bytes, 17)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut at = 19;
    let mut micros = 0_i64;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let mut scale = 100_000;
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            micros += i64::from(digit - b'0') * scale;
            scale /= 10;
            at += 1;
        }
    }
    let utc = match bytes.get(at..)? {
        [] => false,
        [b'Z'] => true,
        _ => return None,
    };
    let of_day = i64::from(hour * 3600 + minute * 60 + second) * SECOND + micros;
    Some((i64::from(days) * DAY + of_day, utc))
}
