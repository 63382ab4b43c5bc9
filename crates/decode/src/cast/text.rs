//! Text to single values by the rules of Spark's CAST, and numbers to text as Java prints them. Must not know arrays.

use crate::datetime::{trim, trimmable};

/// Why a text or number has no value of the type asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is no such value.
    Invalid,
    /// It is one, but too large for the type.
    Overflow,
    /// It is a decimal of more digits than any type holds.
    Beyond,
}

/// Reads an integer: white space around it, a sign, digits, nothing else.
pub(crate) fn integer<T: TryFrom<i64>>(text: &str) -> Result<T, Misfit> {
    let trimmed = trim(text);
    let body = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if body.is_empty() || !body.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Invalid);
    }
    // Spark calls an integer text beyond the type malformed, not an overflow.
    let value: i64 = trimmed.parse().map_err(|_| Misfit::Invalid)?;
    T::try_from(value).map_err(|_| Misfit::Invalid)
}

/// Reads a double as Java's `parseDouble` does, with Spark's `inf`, `infinity`, `nan` in any case.
pub(crate) fn double(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches(|symbol: char| symbol <= ' ');
    if let Ok(value) = trimmed.parse() {
        return if matches!(trimmed.as_bytes(), [b'+' | b'-', b'n' | b'N', ..])
            && trimmed.get(1..) != Some("NaN")
        {
            None
        } else {
            Some(value)
        };
    }
    let body = trimmed.strip_suffix(['d', 'D', 'f', 'F'])?;
    let numeric = body.ends_with(|last: char| last.is_ascii_digit() || last == '.');
    if numeric { body.parse().ok() } else { None }
}

/// Reads a boolean: `t true y yes 1`, `f false n no 0`, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let trimmed = trim(text);
    let is = |words: [&str; 5]| words.iter().any(|word| trimmed.eq_ignore_ascii_case(word));
    if is(["t", "true", "y", "yes", "1"]) {
        Some(true)
    } else if is(["f", "false", "n", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// Reads a decimal into its unscaled value at a scale, rounding half up.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> Result<i128, Misfit> {
    let trimmed = trim(text);
    let (negative, body) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, trimmed.get(1..)),
        Some(b'+') => (false, trimmed.get(1..)),
        _ => (false, Some(trimmed)),
    };
    let body = body.unwrap_or_default();
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => {
            let digits = body.get(at + 1..).unwrap_or_default();
            let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
            if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Misfit::Invalid);
            }
            let exponent: i32 = digits.parse().map_err(|_| Misfit::Invalid)?;
            (body.get(..at).unwrap_or_default(), i64::from(exponent))
        }
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(Misfit::Invalid);
    }
    // Digits that stay: those before the point, moved by exponent and scale.
    let kept = i64::try_from(whole.len())
        .unwrap_or(i64::MAX)
        .saturating_add(exponent)
        .saturating_add(i64::from(scale));
    let zeros = whole
        .bytes()
        .chain(fraction.bytes())
        .take_while(|digit| *digit == b'0')
        .count();
    let integral = kept - i64::from(scale) - i64::try_from(zeros).unwrap_or(0);
    let mut value: i128 = 0;
    let mut round_up = false;
    let mut index = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return Err(Misfit::Invalid);
        }
        if index < kept {
            value = value
                .saturating_mul(10)
                .saturating_add(i128::from(digit - b'0'));
        } else if index == kept {
            round_up = digit >= b'5';
        }
        index += 1;
    }
    while index < kept && value != 0 {
        value = value.saturating_mul(10);
        index += 1;
        if value == i128::MAX {
            break;
        }
    }
    value = value.saturating_add(i128::from(round_up));
    if value >= power_of_ten(precision) {
        return Err(if integral > 38 {
            Misfit::Beyond
        } else {
            Misfit::Overflow
        });
    }
    Ok(if negative { -value } else { value })
}

/// 10 to the power, for powers up to 38.
pub(crate) const fn power_of_ten(power: u8) -> i128 {
    10_i128.pow(if power > 38 { 38 } else { power as u32 })
}

/// Appends a double as Java's `Double.toString`: `1.0`, `1.0E10`, `NaN`, `-Infinity`.
pub(crate) fn push_double(out: &mut String, value: f64) {
    if push_special(out, value) {
        return;
    }
    push_java(out, &format!("{value:e}"), value.abs());
}

/// Appends a float as Java's `Float.toString`.
pub(crate) fn push_float(out: &mut String, value: f32) {
    if push_special(out, f64::from(value)) {
        return;
    }
    push_java(out, &format!("{value:e}"), f64::from(value.abs()));
}

fn push_special(out: &mut String, value: f64) -> bool {
    let text = if value.is_nan() {
        "NaN"
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }
    } else if value == 0.0 {
        if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        }
    } else {
        return false;
    };
    out.push_str(text);
    true
}

/// Lays shortest digits (`-1.25e3`) out as Java does: plain between 1e-3 and 1e7, else with an exponent.
fn push_java(out: &mut String, shortest: &str, size: f64) {
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(1e-3..1e7).contains(&size) {
        out.push_str(mantissa);
        if !mantissa.contains('.') {
            out.push_str(".0");
        }
        out.push('E');
        out.push_str(&exponent.to_string());
        return;
    }
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if mantissa.starts_with('-') {
        out.push('-');
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if whole == 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n(
            '0',
            usize::try_from(-exponent - 1).unwrap_or(0),
        ));
        out.push_str(&digits);
    } else {
        out.extend(digits.chars().chain(std::iter::repeat('0')).take(whole));
        out.push('.');
        out.push_str(
            digits
                .get(whole..)
                .filter(|rest| !rest.is_empty())
                .unwrap_or("0"),
        );
    }
}

/// Appends an unscaled decimal at its scale, without exponent (`toPlainString`).
pub(crate) fn push_decimal(out: &mut String, value: i128, scale: i8) {
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs().to_string();
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        out.push_str(&digits);
        return;
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    out.push_str(whole);
    out.push('.');
    out.push_str(fraction);
}

/// Reads base64 (MIME alphabet, padding required as Jackson does, white space skipped); `None` when it is none.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padded, mut length) = (0_u32, 0, false, 0_usize);
    for byte in text.bytes().filter(|byte| !trimmable(*byte)) {
        length += 1;
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padded = true;
                continue;
            }
            _ => return None,
        };
        if padded {
            return None;
        }
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    (count != 6 && length % 4 == 0).then_some(out)
}

/// Appends base64 with padding.
pub fn push_base64(out: &mut String, bytes: &[u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (word >> (18 - 6 * place) & 63) as usize;
            out.push(if place <= chunk.len() {
                char::from(LETTERS[index])
            } else {
                '='
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_java_does() {
        let check = |value: f64, expected: &str| {
            let mut out = String::new();
            push_double(&mut out, value);
            assert_eq!(out, expected);
        };
        check(1.0, "1.0");
        check(-0.0, "-0.0");
        check(123_456.789, "123456.789");
        check(1e7, "1.0E7");
        check(9_999_999.5, "9999999.5");
        check(0.001, "0.001");
        check(0.000_999, "9.99E-4");
        check(-1.5e-10, "-1.5E-10");
        check(100.0, "100.0");
        check(f64::MAX, "1.7976931348623157E308");
    }

    #[test]
    fn decimals_round_half_up_and_overflow() {
        assert_eq!(decimal("1.005", 10, 2), Ok(101));
        assert_eq!(decimal("-1.005", 10, 2), Ok(-101));
        assert_eq!(decimal(" 12e2 ", 10, 2), Ok(120_000));
        assert_eq!(decimal("0.004", 10, 2), Ok(0));
        assert_eq!(decimal("5e-1", 3, 0), Ok(1));
        assert_eq!(decimal("999.5", 3, 0), Err(Misfit::Overflow));
        assert_eq!(decimal("1e999999999", 38, 0), Err(Misfit::Beyond));
        assert_eq!(decimal("0e999999999", 38, 0), Ok(0));
        assert_eq!(decimal("1e-999999999", 38, 10), Ok(0));
        assert_eq!(decimal(".", 3, 0), Err(Misfit::Invalid));
        assert_eq!(decimal("1.2.3", 5, 1), Err(Misfit::Invalid));
    }

    #[test]
    fn base64_goes_both_ways() {
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"\x00\xff\x10\x80"] {
            let mut text = String::new();
            push_base64(&mut text, bytes);
            assert_eq!(base64(&text).as_deref(), Some(bytes));
        }
        assert_eq!(base64("a"), None);
        assert_eq!(base64("YWI"), None);
        assert_eq!(base64("a*b="), None);
    }
}
