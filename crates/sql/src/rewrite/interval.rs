//! Interval literals: every spelling of Spark's becomes `INTERVAL '<n> <unit> …'`. Must not compute with dates.

/// The amounts of an interval literal with their units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IntervalLiteral {
    /// Amount (an optional sign, digits, an optional fraction) and unit (lower case, plural).
    pub(crate) parts: Vec<(String, &'static str)>,
}

/// Units with their length in microseconds; months and years have none.
const UNITS: &[(&str, Option<i64>)] = &[
    ("years", None),
    ("months", None),
    ("weeks", Some(604_800_000_000)),
    ("days", Some(86_400_000_000)),
    ("hours", Some(3_600_000_000)),
    ("minutes", Some(60_000_000)),
    ("seconds", Some(1_000_000)),
    ("milliseconds", Some(1_000)),
    ("microseconds", Some(1)),
];

/// The unit that a word names, singular or plural.
pub(crate) fn unit(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    UNITS
        .iter()
        .map(|(name, _)| *name)
        .find(|name| *name == word || name.strip_suffix('s') == Some(word.as_str()))
}

/// Whether a text is one number: an optional sign, digits, an optional fraction.
pub(crate) fn is_amount(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['+', '-']);
    let signs = text.trim().len() - digits.len();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    signs <= 1
        && !(whole.is_empty() && fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
        && digits.len() <= 40
        && digits != "."
        && !digits.is_empty()
}

/// The units of a range from days to seconds, in order.
const ORDER: [&str; 4] = ["days", "hours", "minutes", "seconds"];

impl IntervalLiteral {
    /// Reads a text with units inside: `24 HOURS`, `1 day 2 hours`, `interval 1 day`.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace().peekable();
        if words
            .peek()
            .is_some_and(|word| word.eq_ignore_ascii_case("interval"))
        {
            words.next();
        }
        let mut parts = vec![];
        while let Some(word) = words.next() {
            let mut amount = word.to_string();
            if matches!(word, "-" | "+") {
                amount.push_str(words.next()?);
            }
            let unit = unit(words.next()?)?;
            parts.push(Self::part(&amount, unit)?);
        }
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// One amount with its unit.
    pub(crate) fn part(amount: &str, unit: &'static str) -> Option<(String, &'static str)> {
        let amount = amount.trim();
        is_amount(amount).then(|| (amount.trim_start_matches('+').to_string(), unit))
    }

    /// Reads the text of a range such as `DAY TO SECOND`: `1 02:03:04.5`.
    pub(crate) fn from_range(text: &str, from: &'static str, to: &'static str) -> Option<Self> {
        let text = text.trim();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let units: &[&'static str] = if (from, to) == ("years", "months") {
            &["years", "months"]
        } else {
            let at = |unit: &str| ORDER.iter().position(|name| *name == unit);
            ORDER.get(at(from)?..=at(to)?)?
        };
        let values: Vec<&str> = digits.split([' ', ':', '-']).collect();
        if units.len() < 2 || values.len() != units.len() || !has_shape(digits, units) {
            return None;
        }
        let parts = values
            .iter()
            .zip(units)
            .map(|(value, unit)| {
                let plain = *unit == "seconds" || value.bytes().all(|byte| byte.is_ascii_digit());
                (plain && is_amount(value)).then(|| (format!("{sign}{value}"), *unit))
            })
            .collect::<Option<_>>()?;
        Some(Self { parts })
    }

    /// Turns the signs around: `- INTERVAL` as part of the literal.
    pub(crate) fn negate(mut self) -> Self {
        for (amount, _) in &mut self.parts {
            *amount = match amount.strip_prefix('-') {
                Some(positive) => positive.to_string(),
                None => format!("-{amount}"),
            };
        }
        self
    }

    /// The text that stands for it behind `INTERVAL`.
    pub(crate) fn text(&self) -> String {
        let parts: Vec<String> = self
            .parts
            .iter()
            .map(|(amount, unit)| format!("{amount} {unit}"))
            .collect();
        parts.join(" ")
    }

    /// Its length in microseconds; `None` with months or years, or when it does not fit.
    pub(crate) fn microseconds(&self) -> Option<i64> {
        self.parts.iter().try_fold(0_i64, |total, (amount, unit)| {
            let length = UNITS.iter().find(|(name, _)| name == unit)?.1?;
            let (sign, digits) = match amount.strip_prefix('-') {
                Some(digits) => (-1_i64, digits),
                None => (1, amount.as_str()),
            };
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let whole: i64 = if whole.is_empty() {
                0
            } else {
                whole.parse().ok()?
            };
            let fraction = format!("{fraction:0<6}");
            let millionths: i64 = fraction.get(..6)?.parse().ok()?;
            let part = whole
                .checked_mul(length)?
                .checked_add(millionths * length / 1_000_000)?;
            total.checked_add(sign * part)
        })
    }
}

/// Whether the separators stand where the units want them: `d h:m:s`, `y-m`.
fn has_shape(digits: &str, units: &[&str]) -> bool {
    let found: String = digits
        .chars()
        .filter(|symbol| " :-".contains(*symbol))
        .collect();
    let expected: String = units
        .iter()
        .take(units.len() - 1)
        .map(|unit| match *unit {
            "years" => '-',
            "days" => ' ',
            _ => ':',
        })
        .collect();
    found == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_amounts_with_units() {
        for (text, expected) in [
            ("24 HOURS", "24 hours"),
            ("1 day 2 hours", "1 days 2 hours"),
            (" interval -1.5 Second ", "-1.5 seconds"),
            ("- 3 weeks", "-3 weeks"),
        ] {
            assert_eq!(
                IntervalLiteral::from_text(text).unwrap().text(),
                expected,
                "{text}"
            );
        }
        for text in [
            "",
            "24",
            "hours",
            "1 fortnight",
            "1 day 2",
            "x days",
            "1.2.3 days",
            "-- 1 day",
        ] {
            assert_eq!(IntervalLiteral::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_read_by_their_units() {
        for (text, from, to, expected) in [
            (
                "1 02:03:04.5",
                "days",
                "seconds",
                "1 days 02 hours 03 minutes 04.5 seconds",
            ),
            ("-1 2:3", "days", "minutes", "-1 days -2 hours -3 minutes"),
            ("2-6", "years", "months", "2 years 6 months"),
            ("10:30", "minutes", "seconds", "10 minutes 30 seconds"),
        ] {
            let literal = IntervalLiteral::from_range(text, from, to).unwrap();
            assert_eq!(literal.text(), expected, "{text}");
        }
        for (text, from, to) in [
            ("1:02", "days", "hours"),
            ("1 2", "hours", "days"),
            ("1-2", "days", "hours"),
        ] {
            assert_eq!(IntervalLiteral::from_range(text, from, to), None, "{text}");
        }
    }

    #[test]
    fn a_delay_has_microseconds_unless_it_has_months() {
        for (text, expected) in [
            ("10 minutes", Some(600_000_000)),
            ("1.5 seconds", Some(1_500_000)),
            ("-1 day 1 hour", Some(-82_800_000_000)),
            ("1 month", None),
            ("99999999999999 weeks", None),
        ] {
            assert_eq!(
                IntervalLiteral::from_text(text).unwrap().microseconds(),
                expected,
                "{text}"
            );
        }
    }
}
