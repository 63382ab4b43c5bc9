//! Values of options: from the text of an argument to a boolean, number, size, duration or instant.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// The form under which an option is known: lower case, without `cloudFiles.`.
pub(crate) fn key(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    lower
        .strip_prefix("cloudfiles.")
        .unwrap_or(&lower)
        .to_string()
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.trim()
        .parse()
        .map_err(|_| "expected a whole number, 0 or more".to_string())
}

pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match count(text) {
        Ok(0) | Err(_) => Err("expected a whole number, 1 or more".into()),
        Ok(number) => Ok(number),
    }
}

/// A size: `1073741824`, `10g`, `512 MB`, `64kb`; powers of 1024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let expected = || "expected a size such as 1073741824, 512m or 10g".to_string();
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(lower.len());
    let number: u64 = lower[..digits].parse().map_err(|_| expected())?;
    let shift = match lower[digits..].trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(expected()),
    };
    number
        .checked_mul(1 << shift)
        .filter(|size| *size > 0)
        .ok_or_else(expected)
}

/// A duration in microseconds: `7 days`, `2 s`, `1 hour 30 minutes`, `interval 30 days`.
pub(crate) fn duration_us(text: &str) -> Result<i64, String> {
    let expected = || "expected a duration such as '30 days' or '10 seconds'".to_string();
    let lower = text.trim().to_ascii_lowercase();
    let mut rest = lower.strip_prefix("interval ").unwrap_or(&lower).trim();
    if rest == "0" {
        return Ok(0);
    }
    let mut total = 0_i64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(expected)?;
        let number: i64 = rest[..digits].parse().map_err(|_| expected())?;
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit: i64 = match &rest[..letters] {
            "us" | "microsecond" | "microseconds" => 1,
            "ms" | "millisecond" | "milliseconds" => 1_000,
            "s" | "sec" | "second" | "seconds" => 1_000_000,
            "m" | "min" | "minute" | "minutes" => 60_000_000,
            "h" | "hour" | "hours" => 3_600_000_000,
            "d" | "day" | "days" => 86_400_000_000,
            "w" | "week" | "weeks" => 7 * 86_400_000_000,
            _ => return Err(expected()),
        };
        total = number
            .checked_mul(unit)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(expected)?;
        rest = rest[letters..].trim_start();
    }
    if lower.is_empty() {
        Err(expected())
    } else {
        Ok(total)
    }
}

/// An instant in microseconds UTC; a text without zone is UTC, as the session is unless set.
pub(crate) fn instant_us(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Ok(instant.timestamp_micros());
    }
    let spaced = text.replacen('T', " ", 1);
    for pattern in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(instant) = NaiveDateTime::parse_from_str(&spaced, pattern) {
            return Ok(instant.and_utc().timestamp_micros());
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map(|day| {
            day.and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp_micros()
        })
        .map_err(|_| "expected a timestamp such as 2026-01-31T00:00:00".into())
}

/// One character, or none for an empty text; `\t` and the like are understood.
pub(crate) fn character(text: &str) -> Result<Option<char>, String> {
    let unescaped = separator(text);
    let mut letters = unescaped.chars();
    match (letters.next(), letters.next()) {
        (None, _) | (Some('\0'), None) => Ok(None),
        (Some(letter), None) => Ok(Some(letter)),
        _ => Err("expected a single character".into()),
    }
}

/// A separator with its escapes read: `\t`, `\n`, `\r`, `\\`, `\u0001`, `\0`.
pub(crate) fn separator(text: &str) -> String {
    if let Some(code) = text
        .strip_prefix("\\u")
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        && let Some(letter) = char::from_u32(code)
    {
        return letter.to_string();
    }
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_take_the_usual_spellings() {
        for (text, expected) in [
            ("10g", Some(10 << 30)),
            ("512 MB", Some(512 << 20)),
            ("7", Some(7)),
            ("", None),
            ("0", None),
            ("1.5g", None),
            ("99999999999t", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("30 days", Some(30 * 86_400_000_000)),
            ("1 hour 30 minutes", Some(5_400_000_000)),
            ("2s", Some(2_000_000)),
            ("interval 1 week", Some(7 * 86_400_000_000)),
            ("0", Some(0)),
            ("5", None),
            ("", None),
            ("2 fortnights", None),
        ] {
            assert_eq!(duration_us(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn instants_are_utc_unless_they_say_otherwise() {
        let expected = 1_767_225_600_000_000;
        for text in [
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00.000",
            "2026-01-01T01:00:00+01:00",
            "2026-01-01 00:00",
        ] {
            assert_eq!(instant_us(text), Ok(expected), "{text}");
        }
        assert!(instant_us("yesterday").is_err());
    }

    #[test]
    fn a_character_may_be_escaped_or_empty() {
        for (text, expected) in [
            ("|", Ok(Some('|'))),
            ("\\t", Ok(Some('\t'))),
            ("", Ok(None)),
            ("\\u0001", Ok(Some('\u{1}'))),
            ("\\", Ok(Some('\\'))),
        ] {
            assert_eq!(character(text), expected, "{text}");
        }
        assert!(character("||").is_err());
    }
}
