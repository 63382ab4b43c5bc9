//! Numbers of JSON: Jackson's grammar, and a short way for the plain ones that sensors send. Must not know columns.

use super::scan::{Scanner, Syntax};

/// A number or word as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number<'a> {
    /// Digits with an optional minus.
    Integer(&'a str),
    /// With a point or an exponent.
    Real(&'a str),
    /// `NaN` or an infinity.
    Special(f64),
}

/// Powers of ten that a double holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Adds the digits from a place on to a number; gives the place after them.
#[inline]
fn run(bytes: &[u8], from: usize, number: &mut u64) -> usize {
    let mut at = from;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        *number = number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    at
}

impl<'a> Scanner<'a> {
    /// Reads a number of at most 18 digits without exponent: its sign, digits and how many of them are behind the point.
    /// `None`, with nothing read, for every other number and for what is none.
    #[inline]
    fn plain_number(&mut self) -> Option<(bool, u64, usize)> {
        let rest = self.bytes.get(self.position..)?;
        let negative = rest.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut digits = 0;
        let point = run(rest, start, &mut digits);
        let whole = point - start;
        let mut end = point;
        let mut fraction = 0;
        if rest.get(point) == Some(&b'.') {
            end = run(rest, point + 1, &mut digits);
            fraction = end - point - 1;
            if fraction == 0 {
                return None;
            }
        }
        if !matches!(rest.get(end), Some(b',' | b'}' | b']' | b' ')) {
            return None;
        }
        let zero_first = whole > 1 && rest.get(start) == Some(&b'0');
        if whole == 0 || zero_first || whole + fraction > 18 {
            return None;
        }
        self.position += end;
        Some((negative, digits, fraction))
    }

    /// Reads a plain integer; `None`, with nothing read, where the long way must decide.
    #[inline]
    pub(crate) fn plain_integer(&mut self) -> Option<i64> {
        let mark = self.position;
        if let Some((negative, digits, 0)) = self.plain_number() {
            let value = i64::try_from(digits).ok()?;
            Some(if negative { -value } else { value })
        } else {
            self.position = mark;
            None
        }
    }

    /// Reads a plain number as the double nearest to it; `None`, with nothing read, where the long way must decide.
    ///
    /// Digits below 2^53 and the power of ten are exact, so their quotient is rounded once: the nearest double.
    #[inline]
    #[allow(clippy::cast_precision_loss, reason = "checked to be exact")]
    pub(crate) fn plain_real(&mut self) -> Option<f64> {
        let mark = self.position;
        match self.plain_number() {
            Some((negative, digits, fraction)) if digits < 1 << 53 => {
                let value = digits as f64 / EXACT.get(fraction)?;
                // An integer has no negative zero, even where it becomes a double.
                let negative = negative && (digits > 0 || fraction > 0);
                Some(if negative { -value } else { value })
            }
            _ => {
                self.position = mark;
                None
            }
        }
    }

    /// Reads a number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'a>, Syntax> {
        let start = self.position;
        if self.peek() == b'-' {
            self.position += 1;
        }
        let digits_start = self.position;
        self.digits();
        let digits = self.position - digits_start;
        if digits == 0 {
            self.position = start;
            return self.special();
        }
        if digits > 1 && self.bytes.get(digits_start) == Some(&b'0') && !self.grammar.leading_zeros
        {
            return Err(Syntax("a number starts with a zero"));
        }
        let mut real = false;
        if self.peek() == b'.' {
            real = true;
            self.position += 1;
            if self.digits() == 0 {
                return Err(self.unexpected("a number has no digit after its point"));
            }
        }
        if matches!(self.peek(), b'e' | b'E') {
            real = true;
            self.position += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.position += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected("a number has no digit in its exponent"));
            }
        }
        let text = self.since(start);
        Ok(if real {
            Number::Real(text)
        } else {
            Number::Integer(text)
        })
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.position;
        while self.peek().is_ascii_digit() {
            self.position += 1;
        }
        self.position - start
    }

    #[cold]
    fn special(&mut self) -> Result<Number<'a>, Syntax> {
        const WORDS: [(&str, f64); 6] = [
            ("NaN", f64::NAN),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("+Infinity", f64::INFINITY),
            ("-INF", f64::NEG_INFINITY),
            ("+INF", f64::INFINITY),
        ];
        if self.grammar.non_numeric_numbers {
            for (word, value) in WORDS {
                if self.word(word).is_ok() {
                    return Ok(Number::Special(value));
                }
            }
        }
        Err(self
            .unexpected("a value is neither a string, number, object, array, true, false nor null"))
    }
}
