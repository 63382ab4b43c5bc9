//! Dates and timestamps to text as Spark's CAST to STRING prints them: no trailing zeros, years beyond 9999 with a sign.

use std::fmt::Write as _;

use super::{DAY, SECOND, Zone, civil_from_days};

/// `2024-05-06`; years below 0 and above 9999 carry a sign.
pub fn date_text(days: i32) -> String {
    let mut out = String::with_capacity(10);
    push_date(&mut out, i64::from(days));
    out
}

/// The text of an instant in a zone: `2024-05-06 07:08:09.5`.
pub fn timestamp_text(micros: i64, zone: &Zone) -> String {
    let mut out = String::with_capacity(26);
    push_timestamp(&mut out, micros, zone);
    out
}

/// The text of local microseconds.
pub fn timestamp_ntz_text(local: i64) -> String {
    let mut out = String::with_capacity(26);
    push_local(&mut out, local);
    out
}

/// Appends [`timestamp_text`].
pub fn push_timestamp(out: &mut String, micros: i64, zone: &Zone) {
    // Day and time apart: the sum of instant and offset may be beyond `i64`.
    let of_day = micros.rem_euclid(DAY) + i64::from(zone.offset_at(micros)) * SECOND;
    push_parts(
        out,
        micros.div_euclid(DAY) + of_day.div_euclid(DAY),
        of_day.rem_euclid(DAY),
    );
}

/// Appends the text of a day count.
pub fn push_date(out: &mut String, days: i64) {
    let (year, month, day) = civil_from_days(days);
    push_year(out, year);
    out.push('-');
    push_two(out, month);
    out.push('-');
    push_two(out, day);
}

/// Appends [`timestamp_ntz_text`].
pub fn push_local(out: &mut String, local: i64) {
    push_parts(out, local.div_euclid(DAY), local.rem_euclid(DAY));
}

fn push_parts(out: &mut String, days: i64, of_day: i64) {
    push_date(out, days);
    let seconds = u32::try_from(of_day / SECOND).unwrap_or(0);
    for (before, value) in [
        (' ', seconds / 3600),
        (':', seconds / 60 % 60),
        (':', seconds % 60),
    ] {
        out.push(before);
        push_two(out, value);
    }
    let micros = of_day % SECOND;
    if micros != 0 {
        push_fraction(out, micros);
    }
}

/// Appends `.5` for 500000: a point and the digits without trailing zeros.
fn push_fraction(out: &mut String, mut micros: i64) {
    let mut width = 6;
    while micros % 10 == 0 && width > 1 {
        micros /= 10;
        width -= 1;
    }
    let _ = write!(out, ".{micros:0width$}");
}

fn push_two(out: &mut String, value: u32) {
    for digit in [value / 10 % 10, value % 10] {
        out.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
}

pub(super) fn push_year(out: &mut String, year: i64) {
    let _ = match year {
        0..=9999 => write!(out, "{year:04}"),
        10_000.. => write!(out, "+{year}"),
        _ => write!(out, "-{:04}", year.unsigned_abs()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_trailing_zeros_and_signs_far_years() {
        assert_eq!(timestamp_ntz_text(0), "1970-01-01 00:00:00");
        assert_eq!(timestamp_ntz_text(-1), "1969-12-31 23:59:59.999999");
        assert_eq!(timestamp_ntz_text(1_500_000), "1970-01-01 00:00:01.5");
        assert_eq!(timestamp_ntz_text(10), "1970-01-01 00:00:00.00001");
        assert_eq!(date_text(2_932_897), "+10000-01-01");
        assert_eq!(date_text(-719_529), "-0001-12-31");
        assert_eq!(
            timestamp_text(0, &Zone::parse("America/New_York").unwrap()),
            "1969-12-31 19:00:00"
        );
    }
}
