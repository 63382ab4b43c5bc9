//! Values of options: from the text of an argument to a boolean, number, size, duration or instant.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use sluice_model::quantity;

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

/// A size above 0.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    quantity::bytes(text)
        .filter(|size| *size > 0)
        .ok_or_else(|| "expected a size such as 1073741824, 512m or 10g".to_string())
}

/// A duration in microseconds.
pub(crate) fn duration_us(text: &str) -> Result<i64, String> {
    quantity::duration_us(text)
        .ok_or_else(|| "expected a duration such as '30 days' or '10 seconds'".to_string())
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
