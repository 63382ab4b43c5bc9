//! Patterns of dates as moment.js has them, in English and UTC: what `date.now("YYYY-MM-DD")` of a template means.
//! Letters that are no token stand for themselves, `[…]` is literal. Must not ask for the time.

use std::io::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};

/// A pattern, read once.
#[derive(Debug, Clone)]
pub(crate) struct TimePattern(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    Field(&'static str),
}

/// Every token, longer ones before those that they begin with.
const TOKENS: [&str; 67] = [
    "YYYYYY",
    "YYYYY",
    "YYYY",
    "YY",
    "Y",
    "Qo",
    "Q",
    "Mo",
    "MMMM",
    "MMM",
    "MM",
    "M",
    "DDDo",
    "DDDD",
    "DDD",
    "Do",
    "DD",
    "D",
    "dddd",
    "ddd",
    "dd",
    "do",
    "d",
    "e",
    "E",
    "wo",
    "ww",
    "w",
    "Wo",
    "WW",
    "W",
    "gggg",
    "gg",
    "GGGG",
    "GG",
    "Hmmss",
    "Hmm",
    "hmmss",
    "hmm",
    "HH",
    "H",
    "hh",
    "h",
    "kk",
    "k",
    "mm",
    "m",
    "ss",
    "s",
    "SSSSSSSSS",
    "SSSSSSSS",
    "SSSSSSS",
    "SSSSSS",
    "SSSSS",
    "SSSS",
    "SSS",
    "SS",
    "S",
    "x",
    "X",
    "zz",
    "z",
    "ZZ",
    "Z",
    "A",
    "a",
    "N",
];

/// What stands for a whole pattern.
const LOCALIZED: [(&str, &str); 10] = [
    ("LTS", "h:mm:ss A"),
    ("LT", "h:mm A"),
    ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
    ("LLL", "MMMM D, YYYY h:mm A"),
    ("LL", "MMMM D, YYYY"),
    ("L", "MM/DD/YYYY"),
    ("llll", "ddd, MMM D, YYYY h:mm A"),
    ("lll", "MMM D, YYYY h:mm A"),
    ("ll", "MMM D, YYYY"),
    ("l", "M/D/YYYY"),
];

impl TimePattern {
    /// `2026-11-20T20:00:00+00:00`.
    pub(crate) fn iso_offset() -> Self {
        Self::parse("YYYY-MM-DDTHH:mm:ssZ")
    }

    /// `2026-11-20T20:00:00Z`.
    pub(crate) fn iso_utc() -> Self {
        Self::parse("YYYY-MM-DDTHH:mm:ss[Z]")
    }

    /// `2026-11-20T20:00:00.123Z`.
    pub(crate) fn iso_milliseconds() -> Self {
        Self::parse("YYYY-MM-DDTHH:mm:ss.SSS[Z]")
    }

    /// Reads a pattern; there is none that is wrong.
    pub(crate) fn parse(pattern: &str) -> Self {
        let mut pieces = vec![];
        read(pattern, &mut pieces);
        Self(pieces)
    }

    /// Writes an instant, in microseconds since 1970.
    pub(crate) fn write(&self, at_us: i64, out: &mut Vec<u8>) {
        let time = DateTime::from_timestamp_micros(at_us)
            .unwrap_or_default()
            .naive_utc();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Field(token) => field(token, &time, at_us, out),
            }
        }
    }
}

fn read(pattern: &str, pieces: &mut Vec<Piece>) {
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if letter == '['
            && let Some((literal, after)) = rest[1..].split_once(']')
        {
            push_literal(literal, pieces);
            rest = after;
        } else if let Some((token, whole)) = LOCALIZED.iter().find(|(t, _)| rest.starts_with(t)) {
            read(whole, pieces);
            rest = &rest[token.len()..];
        } else if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(**token)) {
            pieces.push(Piece::Field(token));
            rest = &rest[token.len()..];
        } else {
            let length = letter.len_utf8();
            push_literal(&rest[..length], pieces);
            rest = &rest[length..];
        }
    }
}

fn push_literal(text: &str, pieces: &mut Vec<Piece>) {
    if let Some(Piece::Literal(last)) = pieces.last_mut() {
        last.push_str(text);
    } else {
        pieces.push(Piece::Literal(text.to_owned()));
    }
}

fn field(token: &str, time: &NaiveDateTime, at_us: i64, out: &mut Vec<u8>) {
    let (_, hour_12) = time.hour12();
    let hour_24 = if time.hour() == 0 { 24 } else { time.hour() };
    let _ = match token {
        "YYYYYY" => write!(out, "{:+07}", time.year()),
        "YYYYY" => write!(out, "{:05}", time.year()),
        "YYYY" => write!(out, "{:04}", time.year()),
        "YY" => write!(out, "{:02}", time.year().rem_euclid(100)),
        "Y" => write!(out, "{}", time.year()),
        "HH" => write!(out, "{:02}", time.hour()),
        "H" => write!(out, "{}", time.hour()),
        "hh" => write!(out, "{hour_12:02}"),
        "h" => write!(out, "{hour_12}"),
        "kk" => write!(out, "{hour_24:02}"),
        "k" => write!(out, "{hour_24}"),
        "Hmm" => write!(out, "{}{:02}", time.hour(), time.minute()),
        "hmm" => write!(out, "{hour_12}{:02}", time.minute()),
        "Hmmss" => write!(
            out,
            "{}{:02}{:02}",
            time.hour(),
            time.minute(),
            time.second()
        ),
        "hmmss" => write!(out, "{hour_12}{:02}{:02}", time.minute(), time.second()),
        "mm" => write!(out, "{:02}", time.minute()),
        "m" => write!(out, "{}", time.minute()),
        "ss" => write!(out, "{:02}", time.second()),
        "s" => write!(out, "{}", time.second()),
        "x" => write!(out, "{}", at_us.div_euclid(1_000)),
        "X" => write!(out, "{}", at_us.div_euclid(1_000_000)),
        "z" | "zz" => write!(out, "UTC"),
        "Z" => write!(out, "+00:00"),
        "ZZ" => write!(out, "+0000"),
        "A" => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
        "a" => write!(out, "{}", if time.hour() < 12 { "am" } else { "pm" }),
        "N" => write!(out, "AD"),
        _ if token.starts_with('S') => {
            let digits = format!("{:09}", time.nanosecond() % 1_000_000_000);
            write!(out, "{}", &digits[..token.len()])
        }
        _ => return day(token, time.date(), out),
    };
}

fn day(token: &str, date: NaiveDate, out: &mut Vec<u8>) {
    let weekday = date.weekday().num_days_from_sunday();
    let iso = date.iso_week();
    let (week_year, week) = week_of_year(date);
    let quarter = date.quarter();
    let _ = match token {
        "MMMM" => write!(out, "{}", date.format("%B")),
        "MMM" => write!(out, "{}", date.format("%b")),
        "MM" => write!(out, "{:02}", date.month()),
        "M" => write!(out, "{}", date.month()),
        "Mo" => write!(out, "{}", Ordinal(date.month())),
        "Q" => write!(out, "{quarter}"),
        "Qo" => write!(out, "{}", Ordinal(quarter)),
        "DDDD" => write!(out, "{:03}", date.ordinal()),
        "DDD" => write!(out, "{}", date.ordinal()),
        "DDDo" => write!(out, "{}", Ordinal(date.ordinal())),
        "DD" => write!(out, "{:02}", date.day()),
        "D" => write!(out, "{}", date.day()),
        "Do" => write!(out, "{}", Ordinal(date.day())),
        "dddd" => write!(out, "{}", date.format("%A")),
        "ddd" => write!(out, "{}", date.format("%a")),
        "dd" => write!(out, "{:.2}", date.format("%a").to_string()),
        "d" | "e" => write!(out, "{weekday}"),
        "do" => write!(out, "{}", Ordinal(weekday)),
        "E" => write!(out, "{}", date.weekday().number_from_monday()),
        "ww" => write!(out, "{week:02}"),
        "w" => write!(out, "{week}"),
        "wo" => write!(out, "{}", Ordinal(week)),
        "WW" => write!(out, "{:02}", iso.week()),
        "W" => write!(out, "{}", iso.week()),
        "Wo" => write!(out, "{}", Ordinal(iso.week())),
        "gggg" => write!(out, "{week_year:04}"),
        "gg" => write!(out, "{:02}", week_year.rem_euclid(100)),
        "GGGG" => write!(out, "{:04}", iso.year()),
        "GG" => write!(out, "{:02}", iso.year().rem_euclid(100)),
        _ => Ok(()),
    };
}

/// Year and number of a week that begins on Sunday; the first one is that of January the 1st.
fn week_of_year(date: NaiveDate) -> (i32, u32) {
    let weekday = date.weekday().num_days_from_sunday();
    let days_in_year = if date.leap_year() { 366 } else { 365 };
    if date.ordinal() + (6 - weekday) > days_in_year {
        return (date.year() + 1, 1);
    }
    let first_weekday = (weekday + 7 * 53 - date.ordinal0()) % 7;
    (date.year(), (date.ordinal0() + first_weekday) / 7 + 1)
}

/// `1st`, `2nd`, `11th`.
struct Ordinal(u32);

impl std::fmt::Display for Ordinal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_teen = (11..=13).contains(&(self.0 % 100));
        let suffix = match self.0 % 10 {
            1 if !is_teen => "st",
            2 if !is_teen => "nd",
            3 if !is_teen => "rd",
            _ => "th",
        };
        write!(f, "{}{suffix}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(at: &str, pattern: &str, expected: &str) {
        let at_us = NaiveDateTime::parse_from_str(at, "%Y-%m-%d %H:%M:%S%.f")
            .unwrap()
            .and_utc()
            .timestamp_micros();
        let mut out = vec![];
        TimePattern::parse(pattern).write(at_us, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            expected,
            "{pattern} of {at}"
        );
    }

    /// The examples of moment's own documentation, and of the Kinesis Data Generator's help.
    #[test]
    fn patterns_of_the_documentation() {
        check(
            "2010-02-14 15:25:50",
            "dddd, MMMM Do YYYY, h:mm:ss a",
            "Sunday, February 14th 2010, 3:25:50 pm",
        );
        check("2010-02-14 15:25:50", "ddd, hA", "Sun, 3PM");
        check(
            "2009-07-14 20:12:22",
            "DD/MMM/YYYY:HH:mm:ss Z",
            "14/Jul/2009:20:12:22 +00:00",
        );
        check(
            "2026-11-20 00:05:09.123456",
            "YYYY-MM-DDTHH:mm:ss.SSS[Z]",
            "2026-11-20T00:05:09.123Z",
        );
        check("1970-01-01 00:00:01.5", "x X", "1500 1");
        check("2013-02-08 09:00:00", "L LT", "02/08/2013 9:00 AM");
        check("2013-02-08 09:00:00", "llll", "Fri, Feb 8, 2013 9:00 AM");
        check(
            "2013-12-30 09:00:00",
            "gggg-[w]ww GGGG-[W]WW",
            "2014-w01 2014-W01",
        );
        check(
            "2012-01-01 09:00:00",
            "gggg w GGGG W E e",
            "2012 1 2011 52 7 0",
        );
        check(
            "2026-11-20 00:30:00",
            "kk:mm h Qo DDDo dd",
            "24:30 12 4th 324th Fr",
        );
        check("2026-11-20 00:30:00", "[today is] D. ü", "today is 20. ü");
        check("2026-11-20 00:30:00", "[open", "[op5n");
    }
}
