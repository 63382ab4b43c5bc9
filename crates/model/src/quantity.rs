//! Sizes and durations as people write them in options and properties. Must not know which option.

/// Microseconds in a second.
const SECOND_US: i64 = 1_000_000;

/// A size in bytes: `1073741824`, `10g`, `512 MB`, `64kb`; units are powers of 1024, in any case.
///
/// `None` for anything else, and for what does not fit.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, unit) = number_and_rest(&lower);
    let shift = match unit {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A duration in microseconds, 0 or more: `7 days`, `2 s`, `1 hour 30 minutes`, `interval 30 days`, `interval '1' week`, `0`.
///
/// `None` for anything else, for months and years, whose length differs, and for what does not fit.
#[must_use]
pub fn duration_us(text: &str) -> Option<i64> {
    let lower = text.trim().to_ascii_lowercase().replace('\'', " ");
    let mut rest = lower.strip_prefix("interval ").unwrap_or(&lower).trim();
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_i64;
    while !rest.is_empty() {
        let (digits, behind) = number_and_rest(rest);
        let letters = behind
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let number: i64 = digits.parse().ok()?;
        total = total.checked_add(number.checked_mul(unit_us(unit)?)?)?;
        rest = behind.trim_start();
    }
    Some(total)
}

fn unit_us(unit: &str) -> Option<i64> {
    Some(match unit {
        "us" | "microsecond" | "microseconds" => 1,
        "ms" | "millisecond" | "milliseconds" => 1_000,
        "s" | "sec" | "second" | "seconds" => SECOND_US,
        "m" | "min" | "minute" | "minutes" => 60 * SECOND_US,
        "h" | "hour" | "hours" => 3_600 * SECOND_US,
        "d" | "day" | "days" => 86_400 * SECOND_US,
        "w" | "week" | "weeks" => 7 * 86_400 * SECOND_US,
        _ => return None,
    })
}

/// The digits that a text begins with, and what is behind them and the blanks that follow.
fn number_and_rest(text: &str) -> (&str, &str) {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, expected) in [
            ("1048576", Some(1 << 20)),
            (" 10m ", Some(10 << 20)),
            ("512 MB", Some(512 << 20)),
            ("1GiB", Some(1 << 30)),
            ("1tb", Some(1 << 40)),
            ("0", Some(0)),
            ("", None),
            ("kb", None),
            ("1.5g", None),
            ("-1", None),
            ("1pb", None),
            ("99999999999999999999", None),
            ("99999999999tb", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_sums_of_numbers_and_units() {
        for (text, expected) in [
            ("interval 7 days", Some(7 * 86_400 * SECOND_US)),
            ("INTERVAL '1' WEEK", Some(7 * 86_400 * SECOND_US)),
            ("1 hour 30 minutes", Some(5_400 * SECOND_US)),
            ("2s", Some(2 * SECOND_US)),
            ("10 milliseconds", Some(10_000)),
            ("0", Some(0)),
            ("0 days", Some(0)),
            ("", None),
            ("interval", None),
            ("interval 30 dayz", None),
            ("1 month", None),
            ("days", None),
            ("7", None),
            ("-1 day", None),
            ("99999999999999 days", None),
        ] {
            assert_eq!(duration_us(text), expected, "{text}");
        }
    }
}
