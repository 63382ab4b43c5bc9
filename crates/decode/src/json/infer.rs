//! Types from JSON by Spark's lattice. Must not make columns.

use sluice_model::limits::{INFERRED_COLUMNS_MAX, JSON_DEPTH_MAX};
use sluice_model::{SparkField, SparkType};

use super::number::Number;
use super::options::JsonOptions;
use super::scan::{Scanner, Syntax};
use crate::datetime::{parse_timestamp, parse_timestamp_ntz};

/// Learns the columns of JSON records; fields come out in alphabetical order, as Spark sorts them.
#[derive(Debug, Clone)]
pub struct Inference {
    options: JsonOptions,
    fields: Vec<SparkField>,
    malformed: u64,
    left_out: u64,
}

impl Inference {
    /// Starts with no column.
    pub fn new(options: JsonOptions) -> Self {
        Self {
            options,
            fields: vec![],
            malformed: 0,
            left_out: 0,
        }
    }

    /// Learns from whole lines, or from a whole document in `multiLine`; bytes that are no UTF-8 are replaced.
    pub fn push_lines(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let mut scanner = Scanner::new(&text, !self.options.multi_line, self.options.grammar);
        while !scanner.is_done() {
            self.record(&mut scanner);
            if self.options.multi_line {
                return;
            }
            scanner.finish_line(0);
        }
    }

    /// Learns from one record.
    pub fn push_record(&mut self, text: &str) {
        self.record(&mut Scanner::new(text, false, self.options.grammar));
    }

    /// Records that were no JSON object so far.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Fields that the limit on columns left out so far; a decoder rescues them.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The columns: fields that were always NULL are STRING (or left out with `dropFieldIfAllNull`), so are all with
    /// `inferColumnTypes` false; objects that never had a field are left out.
    pub fn finish(self) -> Vec<SparkField> {
        let options = &self.options;
        self.fields
            .into_iter()
            .filter_map(|field| {
                let settled = settle(field.data_type, options.drop_field_if_all_null)?;
                let data_type = if options.infer_column_types {
                    settled
                } else {
                    SparkType::String
                };
                Some(SparkField::new(field.name, data_type))
            })
            .collect()
    }

    fn record(&mut self, scanner: &mut Scanner<'_>) {
        if scanner.space().is_ok() && scanner.at_end() {
            return;
        }
        let found = guess(scanner, &self.options, 0);
        match found {
            Ok(SparkType::Struct(fields)) => self.add(fields),
            Ok(SparkType::Array(element)) => {
                if let SparkType::Struct(fields) = *element {
                    self.add(fields);
                }
            }
            _ => self.malformed += 1,
        }
    }

    fn add(&mut self, fields: Vec<SparkField>) {
        for field in fields {
            match self
                .fields
                .binary_search_by(|known| known.name.as_str().cmp(&field.name))
            {
                Ok(at) => {
                    let known = std::mem::replace(&mut self.fields[at].data_type, SparkType::Null);
                    self.fields[at].data_type = compatible(known, field.data_type);
                }
                Err(_) if self.fields.len() >= INFERRED_COLUMNS_MAX => self.left_out += 1,
                Err(at) => self.fields.insert(at, field),
            }
        }
    }
}

/// The type of one value; structs have their fields sorted.
pub(super) fn guess(
    scanner: &mut Scanner<'_>,
    options: &JsonOptions,
    depth: usize,
) -> Result<SparkType, Syntax> {
    if depth > JSON_DEPTH_MAX {
        return Err(Syntax("the record nests too deeply"));
    }
    scanner.space()?;
    match scanner.peek() {
        b'{' => {
            scanner.position += 1;
            let mut fields: Vec<SparkField> = vec![];
            scanner.members(b'}', |scanner| -> Result<(), Syntax> {
                let name = scanner.name()?.into_owned();
                scanner.space()?;
                scanner.expect(b':', "expected `:` after the name of a field")?;
                let data_type = guess(scanner, options, depth + 1)?;
                fields.push(SparkField::new(name, data_type));
                Ok(())
            })?;
            Ok(SparkType::Struct(sorted(fields)))
        }
        b'[' => {
            scanner.position += 1;
            let mut element = SparkType::Null;
            scanner.members(b']', |scanner| -> Result<(), Syntax> {
                let next = guess(scanner, options, depth + 1)?;
                element = compatible(std::mem::replace(&mut element, SparkType::Null), next);
                Ok(())
            })?;
            Ok(SparkType::Array(Box::new(element)))
        }
        b't' | b'f' => {
            let word = if scanner.peek() == b't' {
                "true"
            } else {
                "false"
            };
            scanner.word(word)?;
            Ok(if options.primitives_as_string {
                SparkType::String
            } else {
                SparkType::Boolean
            })
        }
        b'n' => scanner.word("null").map(|()| SparkType::Null),
        _ if scanner.at_string() => Ok(text_type(&scanner.string()?, options)),
        _ => {
            let number = scanner.number()?;
            Ok(if options.primitives_as_string {
                SparkType::String
            } else {
                number_type(number, options)
            })
        }
    }
}

/// Sorts by name; of equal names the types are merged.
fn sorted(mut fields: Vec<SparkField>) -> Vec<SparkField> {
    fields.sort_by(|left, right| left.name.cmp(&right.name));
    let mut out: Vec<SparkField> = Vec::with_capacity(fields.len());
    for field in fields {
        match out.last_mut() {
            Some(last) if last.name == field.name => {
                let known = std::mem::replace(&mut last.data_type, SparkType::Null);
                last.data_type = compatible(known, field.data_type);
            }
            _ => out.push(field),
        }
    }
    out
}

fn text_type(text: &str, options: &JsonOptions) -> SparkType {
    if text.is_empty() {
        return SparkType::Null;
    }
    if options.prefers_decimal
        && let Some(decimal) = decimal_type(&text.replace(',', ""))
    {
        return decimal;
    }
    if options.infer_timestamp {
        let fits = match &options.timestamp_format {
            Some(pattern) => pattern.parse_timestamp(text, &options.time_zone).is_some(),
            None => parse_timestamp(text, &options.time_zone).is_some(),
        };
        if fits {
            return SparkType::Timestamp;
        }
        if text.contains('-')
            && options.timestamp_format.is_none()
            && parse_timestamp_ntz(text, false).is_some()
        {
            return SparkType::TimestampNtz;
        }
    }
    SparkType::String
}

fn number_type(number: Number<'_>, options: &JsonOptions) -> SparkType {
    match number {
        Number::Integer(digits) if digits.parse::<i64>().is_ok() => SparkType::Long,
        Number::Integer(digits) => decimal_type(digits).unwrap_or(SparkType::Double),
        Number::Real(digits) if options.prefers_decimal => {
            decimal_type(digits).unwrap_or(SparkType::Double)
        }
        _ => SparkType::Double,
    }
}

/// The decimal type that holds a number text exactly, where precision 38 suffices.
pub(crate) fn decimal_type(text: &str) -> Option<SparkType> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, body.get(at + 1..)?.parse::<i32>().ok()?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + fraction.len();
    if digits == 0
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let leading = whole
        .bytes()
        .chain(fraction.bytes())
        .take_while(|byte| *byte == b'0')
        .count();
    let precision = i32::try_from(digits.saturating_sub(leading).max(1)).ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let (precision, scale) = if scale < 0 {
        (precision - scale, 0)
    } else {
        (precision.max(scale), scale)
    };
    if precision > 38 {
        return None;
    }
    Some(SparkType::Decimal(
        u8::try_from(precision).ok()?,
        i8::try_from(scale).ok()?,
    ))
}

/// The type that holds values of both; STRING where no other does.
pub(crate) fn compatible(left: SparkType, right: SparkType) -> SparkType {
    use SparkType::{Array, Decimal, Double, Long, Null, String, Struct, Timestamp, TimestampNtz};
    match (left, right) {
        (left, right) if left == right => left,
        (Null, other) | (other, Null) => other,
        (Long | Decimal(..), Double) | (Double, Long | Decimal(..)) => Double,
        (Long, Decimal(p, s)) | (Decimal(p, s), Long) => wider_decimal((p, s), (20, 0)),
        (Decimal(p1, s1), Decimal(p2, s2)) => wider_decimal((p1, s1), (p2, s2)),
        (Timestamp, TimestampNtz) | (TimestampNtz, Timestamp) => Timestamp,
        (Array(left), Array(right)) => Array(Box::new(compatible(*left, *right))),
        (Struct(left), Struct(right)) => Struct(sorted(left.into_iter().chain(right).collect())),
        _ => String,
    }
}

pub(crate) fn wider_decimal((p1, s1): (u8, i8), (p2, s2): (u8, i8)) -> SparkType {
    let scale = s1.max(s2);
    let range = (i16::from(p1) - i16::from(s1)).max(i16::from(p2) - i16::from(s2));
    match u8::try_from(range + i16::from(scale)) {
        Ok(precision) if precision <= 38 => SparkType::Decimal(precision, scale),
        _ => SparkType::Double,
    }
}

/// The final type of what was learned, or `None` where nothing is left of it.
pub(super) fn settle(data_type: SparkType, drop_null: bool) -> Option<SparkType> {
    match data_type {
        SparkType::Null if drop_null => None,
        SparkType::Null => Some(SparkType::String),
        SparkType::Array(element) => Some(SparkType::Array(Box::new(settle(*element, drop_null)?))),
        SparkType::Struct(fields) => {
            let kept: Vec<SparkField> = fields
                .into_iter()
                .filter_map(|field| {
                    Some(SparkField::new(
                        field.name,
                        settle(field.data_type, drop_null)?,
                    ))
                })
                .collect();
            if kept.is_empty() {
                None
            } else {
                Some(SparkType::Struct(kept))
            }
        }
        other => Some(other),
    }
}

/// Whether a value is one that `dropFieldIfAllNull` takes for nothing: NULL, or empty all the way down.
pub(super) fn holds_nothing(raw: &str, options: &JsonOptions) -> bool {
    let mut scanner = Scanner::new(raw, false, options.grammar);
    let is_text = scanner.at_string();
    let found = guess(&mut scanner, options, 0);
    !is_text && found.is_ok_and(|found| settle(found, true).is_none())
}

/// What `found` has that `declared` has not: new fields, and structs with only their new fields; types of known fields never differ.
pub fn difference(declared: &[SparkField], found: &[SparkField]) -> Vec<SparkField> {
    let mut out = vec![];
    for field in found {
        match declared.iter().find(|known| known.name == field.name) {
            None => out.push(field.clone()),
            Some(known) => {
                if let Some(data_type) = type_difference(&known.data_type, &field.data_type) {
                    out.push(SparkField::new(&field.name, data_type));
                }
            }
        }
    }
    out
}

fn type_difference(known: &SparkType, found: &SparkType) -> Option<SparkType> {
    match (known, found) {
        (SparkType::Struct(known), SparkType::Struct(found)) => {
            let fields = difference(known, found);
            if fields.is_empty() {
                None
            } else {
                Some(SparkType::Struct(fields))
            }
        }
        (SparkType::Array(known), SparkType::Array(found)) => {
            type_difference(known, found).map(|element| SparkType::Array(Box::new(element)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, options: &[(&str, &str)], expected: &str) {
        let mut read = JsonOptions::default();
        for (name, value) in options {
            assert!(read.set(name, value).unwrap(), "{name}");
        }
        let mut inference = Inference::new(read);
        inference.push_lines(lines.as_bytes());
        assert_eq!(
            SparkType::Struct(inference.finish()).to_string(),
            expected,
            "{lines}"
        );
    }

    #[test]
    fn types_follow_sparks_lattice() {
        check(
            "{\"b\":1,\"a\":\"x\"}\n\n{\"b\":1.5}\r\n",
            &[],
            "struct<a:string,b:double>",
        );
        check(
            "{\"a\":9999999999999999999}",
            &[],
            "struct<a:decimal(19,0)>",
        );
        check(
            "{\"a\":1.25}\n{\"a\":10}",
            &[("prefersDecimal", "true")],
            "struct<a:decimal(22,2)>",
        );
        check(
            "{\"a\":null,\"b\":\"\",\"c\":{},\"d\":[]}",
            &[],
            "struct<a:string,b:string,d:array<string>>",
        );
        check(
            "{\"a\":null,\"b\":1}",
            &[("dropFieldIfAllNull", "TRUE")],
            "struct<b:bigint>",
        );
        check(
            "{\"a\":[1,null,2.5],\"s\":{\"y\":1}}\n{\"s\":{\"x\":true}}",
            &[],
            "struct<a:array<double>,s:struct<x:boolean,y:bigint>>",
        );
        check("{\"a\":1}\n{\"a\":{\"b\":1}}", &[], "struct<a:string>");
        check(
            "{\"a\":1,\"b\":true}",
            &[("primitivesAsString", "true")],
            "struct<a:string,b:string>",
        );
        check(
            "{\"a\":{\"b\":1}}",
            &[("inferColumnTypes", "false")],
            "struct<a:string>",
        );
        check("{bad\n{\"a\":1}", &[], "struct<a:bigint>");
        check(
            "[{\"a\":1},{\"a\":1.5}]",
            &[("multiLine", "true")],
            "struct<a:double>",
        );
    }

    #[test]
    fn schemas_differ_inside_structs() {
        let old = sluice_model::data_type::parse_schema("a INT, s STRUCT<x: INT>").unwrap();
        let found = sluice_model::data_type::parse_schema(
            "a STRING, b DOUBLE, s STRUCT<x: STRING, y: INT>",
        )
        .unwrap();
        let new = difference(&old, &found);
        assert_eq!(
            SparkType::Struct(new.clone()).to_string(),
            "struct<b:double,s:struct<y:int>>"
        );
    }
}
