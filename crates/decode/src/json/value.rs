//! JSON values into columns, by the rules of Spark's `JacksonParser`: what fits, what is NULL, what is rescued.
//!
//! A value of the wrong type makes its field NULL and the record partial; inside an array or map it takes the whole
//! array or map along, up to the nearest field of an object. A fault of grammar spoils the record. Knows no lines and no files.

use std::borrow::Cow;

use sluice_model::limits::JSON_DEPTH_MAX;

use super::infer::holds_nothing;
use super::options::JsonOptions;
use super::regenerate;
use super::scalar::{byte, decimal_text, float_text, integer, real, small, timestamp};
use super::scan::{Scanner, Syntax};
use super::shape::{Shape, StructShape};
use crate::cast::text;
use crate::column::Column;
use crate::datetime::parse_date;

/// Why a value is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fail {
    /// The text is no JSON.
    Syntax(Syntax),
    /// It is JSON, but no value of this type.
    Misfit,
}

impl From<Syntax> for Fail {
    fn from(syntax: Syntax) -> Self {
        Self::Syntax(syntax)
    }
}

/// What one record tells besides its values.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Notes<'a> {
    pub(crate) options: &'a JsonOptions,
    pub(crate) root: Option<&'a StructShape>,
    /// Whether values that do not fit are collected.
    pub(crate) rescue: bool,
    /// Whether a STRING that is no string in the text keeps it as it stands (files) or as Jackson copies it (`from_json`).
    pub(crate) exact: bool,
    /// Where they stood, and their text.
    pub(crate) rescued: Vec<(Vec<String>, String)>,
    /// The first misfit, in words.
    pub(crate) reason: Option<String>,
    /// Whether a field was met that is not declared.
    pub(crate) unknown: bool,
    path: Vec<usize>,
    collections: usize,
    collection_misfit: bool,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(
        options: &'a JsonOptions,
        root: Option<&'a StructShape>,
        rescue: bool,
    ) -> Self {
        Self {
            options,
            root,
            rescue,
            exact: root.is_some(),
            rescued: vec![],
            reason: None,
            unknown: false,
            path: vec![],
            collections: 0,
            collection_misfit: false,
        }
    }

    /// Ready for the next record.
    pub(crate) fn clear(&mut self) {
        self.rescued.clear();
        self.reason = None;
        self.unknown = false;
        self.path.clear();
        self.collections = 0;
        self.collection_misfit = false;
    }

    #[cold]
    fn misfit(&mut self, name: &str, raw: &str) {
        if self.reason.is_none() {
            let shown: String = raw.chars().take(80).collect();
            self.reason = Some(format!("`{name}` cannot hold {shown}"));
        }
        self.keep(name, raw);
    }

    #[cold]
    fn keep(&mut self, name: &str, raw: &str) {
        if !self.rescue {
            return;
        }
        if self.collections > 0 {
            self.collection_misfit = true;
            return;
        }
        let mut path = vec![];
        let mut shape = self.root;
        for index in &self.path {
            let Some(current) = shape else { break };
            path.extend(current.names.get(*index).cloned());
            shape = match current.shapes.get(*index) {
                Some(Shape::Struct(inner)) => Some(inner),
                _ => None,
            };
        }
        path.push(name.to_string());
        self.rescued.push((path, raw.to_string()));
    }
}

/// Reads the members of an object into the columns of a struct; the opening brace was read. Every column then has `row + 1` values.
pub(crate) fn object(
    shape: &StructShape,
    columns: &mut [Column],
    row: usize,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
    depth: usize,
) -> Result<(), Fail> {
    let mut slot = 0;
    let mut filled = 0;
    let mut seen = 0_u64;
    let mut is_first = true;
    while scanner.next_member(b'}', is_first)? {
        is_first = false;
        let expected = shape.expected(slot);
        let (position, name) = match known_name(shape, expected, scanner) {
            Some(position) => (Some(position), Cow::Borrowed("")),
            None => {
                let name = scanner.name()?;
                (shape.find(&name), name)
            }
        };
        scanner.colon()?;
        let Some((position, column)) = position.and_then(|at| Some((at, columns.get_mut(at)?)))
        else {
            undeclared(&name, scanner, notes, depth)?;
            continue;
        };
        if position != expected {
            shape.learn(slot, position);
        }
        slot = position + 1;
        // Which of the leading fields came is kept in bits; beyond them the length of the column tells.
        let again = match u32::try_from(position)
            .ok()
            .and_then(|at| 1_u64.checked_shl(at))
        {
            Some(bit) => {
                let again = seen & bit != 0;
                seen |= bit;
                again
            }
            None => column.len() > row,
        };
        if again {
            // The last of several equal names wins.
            column.truncate(row);
        } else {
            filled += 1;
        }
        if !plain(column, scanner, notes, depth) {
            scanner.space()?;
            field(shape, position, column, row, scanner, notes, depth)?;
        }
    }
    if filled < columns.len() {
        for column in columns {
            if column.len() == row {
                column.push_null();
            }
        }
    }
    Ok(())
}

/// Steps over the value of a field that is not declared, and notes it.
fn undeclared(
    name: &str,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
    depth: usize,
) -> Result<(), Fail> {
    scanner.space()?;
    let mark = scanner.position;
    scanner.skip(depth + 1)?;
    notes.unknown = true;
    let raw = scanner.since(mark);
    // What inference leaves out on purpose is no value that was lost.
    if !notes.options.drop_field_if_all_null || !holds_nothing(raw, notes.options) {
        notes.keep(name, raw);
    }
    Ok(())
}

/// Reads a value as sensors send most of them. `false`, with nothing read, where [`field`] must decide.
#[inline]
fn plain(column: &mut Column, scanner: &mut Scanner<'_>, notes: &Notes<'_>, depth: usize) -> bool {
    if depth >= JSON_DEPTH_MAX {
        return false;
    }
    let mark = scanner.position;
    let found = match column {
        Column::Text(bytes) => scanner
            .plain_string()
            .map(|(length, text)| bytes.push_head(length, text)),
        Column::Long(values) => scanner.plain_integer().map(|value| values.push(value)),
        Column::Double(values) => scanner.plain_real().map(|value| values.push(value)),
        Column::Int(values) => scanner
            .plain_integer()
            .and_then(|value| i32::try_from(value).ok())
            .map(|value| values.push(value)),
        Column::Timestamp(values, zoned) if scanner.peek() == b'"' => {
            let moment = timestamp(scanner, notes, *zoned);
            moment.ok().map(|moment| values.push(moment))
        }
        _ => None,
    };
    if found.is_none() {
        scanner.position = mark;
    }
    found.is_some()
}

/// Steps over the name of a declared field, spelled as declared: the one that is expected, or the one that the first bytes
/// suggest.
#[inline]
fn known_name(shape: &StructShape, expected: usize, scanner: &mut Scanner<'_>) -> Option<usize> {
    if shape.key(expected).is_some_and(|key| scanner.accept(key)) {
        return Some(expected);
    }
    let guess = shape.guess(scanner.word_behind()?)?;
    scanner.accept(shape.key(guess)?).then_some(guess)
}

#[allow(
    clippy::too_many_arguments,
    reason = "one step of the recursion, split for its length"
)]
fn field(
    shape: &StructShape,
    position: usize,
    column: &mut Column,
    row: usize,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
    depth: usize,
) -> Result<(), Fail> {
    let mark = scanner.position;
    let Some(inner) = shape.shapes.get(position) else {
        return Err(Fail::Misfit);
    };
    let outermost = notes.collections == 0;
    let leads_deeper = outermost && matches!(inner, Shape::Struct(_));
    if leads_deeper {
        notes.path.push(position);
    }
    let result = value(inner, column, scanner, notes, depth + 1);
    if leads_deeper {
        notes.path.truncate(notes.path.len().saturating_sub(1));
    }
    match result {
        Ok(()) if outermost && notes.collection_misfit => {
            notes.collection_misfit = false;
            notes.keep(&shape.names[position], scanner.since(mark));
            Ok(())
        }
        Err(Fail::Misfit) => {
            column.truncate(row);
            column.push_null();
            scanner.position = mark;
            scanner.skip(depth + 1)?;
            if outermost {
                notes.collections = 0;
                notes.collection_misfit = false;
            }
            notes.misfit(&shape.names[position], scanner.since(mark));
            Ok(())
        }
        other => other,
    }
}

/// Reads one value into a column, which then is one longer; on [`Fail`] the caller truncates.
pub(crate) fn value(
    shape: &Shape,
    column: &mut Column,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
    depth: usize,
) -> Result<(), Fail> {
    if depth > JSON_DEPTH_MAX {
        return Err(Syntax("the record nests too deeply").into());
    }
    if scanner.peek() == b'n' {
        scanner.word("null")?;
        column.push_null();
        return Ok(());
    }
    match (column, shape) {
        (Column::Text(bytes), _) => {
            if let Some((length, text)) = scanner.plain_string() {
                bytes.push_head(length, text);
            } else if scanner.at_string() {
                bytes.push(scanner.string()?.as_bytes());
            } else if notes.exact {
                let mark = scanner.position;
                scanner.skip(depth)?;
                bytes.push(scanner.since(mark).as_bytes());
            } else {
                let mut copied = String::new();
                regenerate::copy(&mut copied, scanner, depth)?;
                bytes.push(copied.as_bytes());
            }
        }
        (Column::Long(values), _) => values.push(integer(scanner)?),
        (Column::Double(values), _) => values.push(real(scanner, notes)?),
        (Column::Timestamp(values, zoned), _) => values.push(timestamp(scanner, notes, *zoned)?),
        (Column::Boolean(values, nulls), _) => {
            let truth = scanner.peek() == b't';
            if !truth && scanner.peek() != b'f' {
                return Err(Fail::Misfit);
            }
            scanner.word(if truth { "true" } else { "false" })?;
            values.append(truth);
            nulls.append_non_null();
        }
        (column @ (Column::Struct { .. } | Column::List { .. } | Column::Map { .. }), shape) => {
            nested(shape, column, scanner, notes, depth)?;
        }
        (column, _) => rare(column, scanner, notes, depth)?,
    }
    Ok(())
}

/// Reads an object or array into a struct, list or map.
fn nested(
    shape: &Shape,
    column: &mut Column,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
    depth: usize,
) -> Result<(), Fail> {
    match (column, shape) {
        (Column::Struct { fields, nulls }, Shape::Struct(inner)) => {
            if scanner.peek() != b'{' {
                return Err(Fail::Misfit);
            }
            scanner.position += 1;
            object(inner, fields, nulls.len(), scanner, notes, depth)?;
            nulls.append_non_null();
        }
        (
            Column::List {
                offsets,
                nulls,
                element,
            },
            Shape::List(inner),
        ) => {
            if scanner.peek() != b'[' {
                return Err(Fail::Misfit);
            }
            scanner.position += 1;
            notes.collections += 1;
            let result = scanner.members(b']', |scanner| {
                value(inner, element, scanner, notes, depth + 1)
            });
            notes.collections = notes.collections.saturating_sub(1);
            result?;
            offsets.push(i32::try_from(element.len()).map_err(|_| Syntax("an array is too long"))?);
            nulls.append_non_null();
        }
        (
            Column::Map {
                offsets,
                nulls,
                keys,
                values,
            },
            Shape::Map(inner),
        ) => {
            if scanner.peek() != b'{' {
                return Err(Fail::Misfit);
            }
            scanner.position += 1;
            notes.collections += 1;
            let result = scanner.members(b'}', |scanner| -> Result<(), Fail> {
                keys.push(scanner.name()?.as_bytes());
                scanner.space()?;
                scanner.expect(b':', "expected `:` after the name of a field")?;
                scanner.space()?;
                value(inner, values, scanner, notes, depth + 1)
            });
            notes.collections = notes.collections.saturating_sub(1);
            result?;
            offsets.push(i32::try_from(keys.len()).map_err(|_| Syntax("a map is too long"))?);
            nulls.append_non_null();
        }
        _ => return Err(Fail::Misfit),
    }
    Ok(())
}

/// Scalars that sensors seldom send.
fn rare(
    column: &mut Column,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
    depth: usize,
) -> Result<(), Fail> {
    match column {
        Column::Null(length) => {
            scanner.skip(depth)?;
            *length += 1;
        }
        Column::Byte(values) => values.push(byte(scanner)?),
        Column::Short(values) => values.push(small(scanner)?),
        Column::Int(values) => values.push(small(scanner)?),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a FLOAT keeps what fits, as Java's parseFloat does"
        )]
        Column::Float(values) => values.push(match float_text(scanner)? {
            Some("-0") => 0.0,
            Some(number) => number.parse().map_err(|_| Fail::Misfit)?,
            None => real(scanner, notes)? as f32,
        }),
        Column::Decimal(values, precision, scale) => {
            let unscaled = match decimal_text(scanner)? {
                Cow::Borrowed(number) => text::decimal(number, *precision, *scale),
                Cow::Owned(number) => text::decimal(&number, *precision, *scale),
            };
            values.push(unscaled.map_err(|_| Fail::Misfit)?);
        }
        Column::Binary(bytes) if scanner.at_string() => {
            bytes.push(&text::base64(&scanner.string()?).ok_or(Fail::Misfit)?);
        }
        Column::Date(values) if scanner.at_string() => {
            let found = scanner.string()?;
            let days = match &notes.options.date_format {
                Some(pattern) => pattern.parse_date(&found),
                // Spark 1.5 wrote dates as day counts; its readers still take them.
                None => parse_date(&found).or_else(|| found.parse().ok()),
            };
            values.push(days.ok_or(Fail::Misfit)?);
        }
        _ => return Err(Fail::Misfit),
    }
    Ok(())
}
