//! Literals: numbers, strings, dates, timestamps, intervals. Their types are Spark's: `1` INT, `3000000000` BIGINT,
//! `1.5` DECIMAL(2,1), `1e0` DOUBLE.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use sluice_decode::datetime::{DAY, Zone};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin, SparkType};
use sqlparser::ast;

use super::column::Environment;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, interval, length, time};

impl Binder<'_> {
    pub(crate) fn value(&mut self, value: &ast::ValueWithSpan) -> Result<Typed> {
        let origin = self.place(value.span);
        match &value.value {
            ast::Value::Number(text, long) => number(text, *long, &origin),
            ast::Value::SingleQuotedString(text)
            | ast::Value::DoubleQuotedString(text)
            | ast::Value::SingleQuotedRawStringLiteral(text)
            | ast::Value::DoubleQuotedRawStringLiteral(text)
            | ast::Value::EscapedStringLiteral(text) => Ok(Typed::text(text.clone())),
            ast::Value::Boolean(value) => Ok(Typed::literal(ScalarValue::Boolean(Some(*value)))),
            ast::Value::Null => Ok(Typed::null()),
            ast::Value::HexStringLiteral(text) => match hex(text) {
                Some(bytes) => Ok(Typed::literal(ScalarValue::Binary(Some(bytes)))),
                None => Err(at(
                    &condition::INVALID_TYPED_LITERAL,
                    &origin,
                    format!("`X'{text}'` is not hexadecimal"),
                )),
            },
            ast::Value::Placeholder(name) => {
                unsupported(&origin, format!("the parameter `{name}`"))
            }
            other => unsupported(&origin, format!("the literal `{other}`")),
        }
    }

    /// `-5` as one literal, so that `-2147483648` is an INT.
    pub(crate) fn negative_literal(&mut self, expr: &ast::Expr) -> Result<Option<Typed>> {
        let ast::Expr::Value(value) = expr else {
            return Ok(None);
        };
        let ast::Value::Number(text, long) = &value.value else {
            return Ok(None);
        };
        number(&format!("-{text}"), *long, &self.place(value.span)).map(Some)
    }

    /// `DATE '…'`, `TIMESTAMP '…'` in the session time zone.
    pub(crate) fn typed_literal(&mut self, literal: &ast::TypedString) -> Result<Typed> {
        let origin = self.place(literal.value.span);
        let text = self.value(&literal.value)?;
        let target = match literal.data_type {
            ast::DataType::Date => SparkType::Date,
            ast::DataType::Timestamp(..) => SparkType::Timestamp,
            ref other if other.to_string().eq_ignore_ascii_case("timestamp_ntz") => {
                SparkType::TimestampNtz
            }
            ref other => return unsupported(&origin, format!("a literal of type {other}")),
        };
        if let Some(value) = self.special_time(&text, &target.to_arrow(), &origin) {
            return Ok(value);
        }
        let shown = text.constant_text().unwrap_or_default().to_string();
        match cast::constant(self.session, &text, &target.to_arrow()) {
            Some(value) => Ok(Typed::literal(value)),
            None => {
                let message = format!("`{shown}` is not a {}", target.to_string().to_uppercase());
                Err(at(&condition::INVALID_TYPED_LITERAL, &origin, message))
            }
        }
    }

    /// `'now'`, `'today'`, `'epoch'` and their kin where a constant text becomes a date or a timestamp (Spark's
    /// `SpecialDatetimeValues`). A zone may follow, as in `'today Asia/Tokyo'`.
    pub(crate) fn special_time(
        &mut self,
        value: &Typed,
        target: &DataType,
        origin: &Origin,
    ) -> Option<Typed> {
        let text = value.constant_text()?.trim();
        let (word, zone) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let word = word.to_lowercase();
        let word = word.as_str();
        let settings = self.session.settings();
        let zone = match zone.trim() {
            "" => Zone::parse(&settings.time_zone)?,
            written => Zone::parse(written)?,
        };
        let local = zone.to_local(settings.now_us);
        let midnight = |days: i64| (local.div_euclid(DAY) + days) * DAY;
        let moment = match word {
            "epoch" => None,
            "now" => Some(local),
            "today" => Some(midnight(0)),
            "yesterday" => Some(midnight(-1)),
            "tomorrow" => Some(midnight(1)),
            _ => return None,
        };
        let instant = moment.map_or(0, |local| match word {
            "now" => settings.now_us,
            _ => zone.to_utc(local).unwrap_or(local),
        });
        let found = match target {
            DataType::Date32 => {
                let days = i32::try_from(moment.unwrap_or(0).div_euclid(DAY)).ok()?;
                ScalarValue::Date32(Some(days))
            }
            DataType::Timestamp(_, Some(_)) => time::timestamp(instant),
            DataType::Timestamp(_, None) => {
                ScalarValue::TimestampMicrosecond(Some(moment.unwrap_or(0)), None)
            }
            _ => return None,
        };
        match (moment, target) {
            (None, _) => {}
            (_, DataType::Date32) => self.facts.time.date(origin),
            _ => self.facts.time.timestamp(false, origin),
        }
        Some(Typed::literal(found))
    }

    pub(crate) fn interval(
        &mut self,
        literal: &ast::Interval,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(literal.value.as_ref());
        let value = self.expression(&literal.value, env)?;
        let Some(constant) = value.constant() else {
            return unsupported(&origin, "an INTERVAL whose length is not a constant");
        };
        let text = constant.to_string();
        let from = literal.leading_field.as_ref().map(ToString::to_string);
        let to = literal.last_field.as_ref().map(ToString::to_string);
        match interval::parse(&text, from.as_deref(), to.as_deref()) {
            Some(value) => {
                self.short_intervals |= !interval::is_of_full_type(&value, &text.to_lowercase());
                Ok(Typed::literal(value))
            }
            None => {
                let units: Vec<String> = from.into_iter().chain(to).collect();
                let message = format!("`{text} {}` is not an INTERVAL", units.join(" TO ").trim());
                Err(at(&condition::INVALID_TYPED_LITERAL, &origin, message))
            }
        }
    }
}

impl Binder<'_> {
    /// Refuses what depends on the fields of an interval's type where a literal with fewer may be in it: the types here are
    /// INTERVAL DAY, DAY TO SECOND and YEAR TO MONTH only.
    pub(crate) fn fields_are_known(&self, value: &Typed, origin: &Origin) -> Result<()> {
        if !self.short_intervals || value.data_type == length::DAY {
            return Ok(());
        }
        let what =
            "the text, the type or the number of an interval, beside a literal of fewer units";
        let help = "write `INTERVAL '0 05:00:00' DAY TO SECOND` for `INTERVAL 5 HOURS`";
        unsupported(origin, what).map_err(|refused| Box::new(refused.help(help)))
    }
}

/// A number with Spark's suffixes `L S Y D F BD`.
fn number(text: &str, long: bool, origin: &Origin) -> Result<Typed> {
    let lower = text.to_ascii_lowercase();
    let range = |kind: &str| {
        at(
            &condition::NUMERIC_LITERAL_OUT_OF_RANGE,
            origin,
            format!("`{text}` does not fit {kind}"),
        )
    };
    let (digits, suffix) = match lower.find(|c: char| c.is_ascii_alphabetic() && c != 'e') {
        Some(index) => lower.split_at(index),
        None if long => (lower.as_str(), "l"),
        None => (lower.as_str(), ""),
    };
    let value = match suffix {
        "l" => ScalarValue::Int64(Some(digits.parse().map_err(|_| range("BIGINT"))?)),
        "s" => ScalarValue::Int16(Some(digits.parse().map_err(|_| range("SMALLINT"))?)),
        "y" => ScalarValue::Int8(Some(digits.parse().map_err(|_| range("TINYINT"))?)),
        "f" => {
            let value: Option<f32> = digits.parse().ok().filter(|value: &f32| value.is_finite());
            ScalarValue::Float32(Some(value.ok_or_else(|| range("FLOAT"))?))
        }
        "d" => ScalarValue::Float64(Some(finite(digits).ok_or_else(|| range("DOUBLE"))?)),
        "bd" => decimal(digits).ok_or_else(|| digits_max(text, origin))?,
        "" if digits.contains('e') => {
            ScalarValue::Float64(Some(finite(digits).ok_or_else(|| range("DOUBLE"))?))
        }
        "" if digits.contains('.') => decimal(digits).ok_or_else(|| digits_max(text, origin))?,
        "" => match (digits.parse::<i32>(), digits.parse::<i64>()) {
            (Ok(value), _) => ScalarValue::Int32(Some(value)),
            (_, Ok(value)) => ScalarValue::Int64(Some(value)),
            _ => decimal(digits).ok_or_else(|| digits_max(text, origin))?,
        },
        _ => return unsupported(origin, format!("the number `{text}`")),
    };
    Ok(Typed::literal(value))
}

/// A DOUBLE that is a number.
fn finite(digits: &str) -> Option<f64> {
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

fn digits_max(text: &str, origin: &Origin) -> Box<Diagnostic> {
    let message = format!("`{text}` has more than the 38 digits of a DECIMAL");
    at(&condition::DECIMAL_PRECISION_EXCEEDS_MAX, origin, message)
}

/// A DECIMAL of exactly the digits written.
fn decimal(text: &str) -> Option<ScalarValue> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let digits = format!("{whole}{fraction}");
    let value: i128 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let scale = i8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from(digits.len().max(fraction.len()).max(1)).ok()?;
    (precision <= 38).then_some(ScalarValue::Decimal128(
        Some(sign * value),
        precision,
        scale,
    ))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let padded = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_string()
    };
    (0..padded.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(padded.get(i..i + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_sparks_types() {
        let origin = Origin::new("a.sql", 1, 1, 1);
        let check = |text: &str, expected: ScalarValue| {
            assert_eq!(
                number(text, false, &origin).unwrap(),
                Typed::literal(expected)
            );
        };
        check("1", ScalarValue::Int32(Some(1)));
        check("-2147483648", ScalarValue::Int32(Some(i32::MIN)));
        check("3000000000", ScalarValue::Int64(Some(3_000_000_000)));
        check("1.5", ScalarValue::Decimal128(Some(15), 2, 1));
        check("0.05", ScalarValue::Decimal128(Some(5), 2, 2));
        check("1e2", ScalarValue::Float64(Some(100.0)));
        check("5L", ScalarValue::Int64(Some(5)));
        check("1.5D", ScalarValue::Float64(Some(1.5)));
        check(
            "9223372036854775808",
            ScalarValue::Decimal128(Some(9_223_372_036_854_775_808), 19, 0),
        );
        assert!(number("128Y", false, &origin).is_err());
    }
}
