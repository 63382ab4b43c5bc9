//! The SQL functions that take one JSON text per row: `from_json`, `schema_of_json`, `json_array_length`, `json_object_keys`.

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int32Array, ListArray, StringArray};
use arrow_schema::{DataType, Field};
use sluice_model::SparkType;

use super::infer::{guess, settle};
use super::options::JsonOptions;
use super::scan::{Scanner, Syntax};
use super::shape::Shape;
use super::value::{Fail, Notes, value};
use crate::column::{Column, nullable_type};
use crate::record::{BadRecord, DecodeError, ParseMode};

/// Reads each text into a struct, array or map, as Spark's `from_json` does: NULL and blank texts are NULL; in
/// PERMISSIVE mode a text that is no JSON is a struct of NULLs (with its text in the corrupt record field if the struct
/// has it), or a NULL array or map; a value of the wrong type makes its field NULL.
///
/// # Errors
/// `FAILFAST` met a text that does not fit; the type is not one of the three, or has map keys that are no strings;
/// `DROPMALFORMED`, which Spark refuses here.
pub fn from_json(
    strings: &StringArray,
    data_type: &SparkType,
    options: &JsonOptions,
) -> Result<ArrayRef, DecodeError> {
    let data_type = nullable_type(data_type);
    if !matches!(
        data_type,
        SparkType::Struct(_) | SparkType::Array(_) | SparkType::Map(..)
    ) {
        return Err(DecodeError::Type {
            format: "from_json",
            column: String::new(),
            data_type: data_type.to_string(),
        });
    }
    if options.mode == ParseMode::DropMalformed {
        return Err(super::refused(
            "mode",
            "from_json takes PERMISSIVE and FAILFAST only",
        ));
    }
    let shape = Shape::new(&data_type, options.case_sensitive, "")?;
    let corrupt = corrupt_field(&data_type, options);
    let mut column = Column::new(&data_type);
    let mut notes = Notes::new(options, None, false);
    for (row, text) in strings.iter().enumerate() {
        let Some(text) =
            text.filter(|text| !text.trim_matches(|symbol: char| symbol <= ' ').is_empty())
        else {
            column.push_null();
            continue;
        };
        notes.clear();
        let mut scanner = Scanner::new(text, false, options.grammar);
        let result = read(&shape, &mut column, &mut scanner, &mut notes);
        let reason = match result {
            Ok(()) => notes.reason.take(),
            Err(fail) => {
                column.truncate(row);
                push_failed(&mut column, &data_type);
                Some(match fail {
                    Fail::Syntax(Syntax(why)) => why.to_string(),
                    Fail::Misfit => format!("the text is no {data_type}"),
                })
            }
        };
        if let Some(why) = &reason
            && options.mode == ParseMode::FailFast
        {
            let line = u64::try_from(row).unwrap_or(0) + 1;
            return Err(DecodeError::Malformed(BadRecord::new(
                line,
                why.as_str(),
                text,
            )));
        }
        if let (Some(field), Column::Struct { fields, .. }) = (corrupt, &mut column)
            && let Some(Column::Text(bytes)) = fields.get_mut(field)
        {
            bytes.truncate(row);
            if reason.is_some() {
                bytes.push(text.as_bytes());
            } else {
                bytes.push_null();
            }
        }
    }
    Ok(column.finish_as(&data_type)?)
}

/// The position of the corrupt record field, if the struct declares it as STRING.
fn corrupt_field(data_type: &SparkType, options: &JsonOptions) -> Option<usize> {
    let SparkType::Struct(fields) = data_type else {
        return None;
    };
    let name = options
        .corrupt_column
        .as_deref()
        .unwrap_or("_corrupt_record");
    fields
        .iter()
        .position(|field| field.name == name && field.data_type == SparkType::String)
}

fn read(
    shape: &Shape,
    column: &mut Column,
    scanner: &mut Scanner<'_>,
    notes: &mut Notes<'_>,
) -> Result<(), Fail> {
    scanner.space()?;
    if scanner.peek() == b'n' {
        return Err(Fail::Misfit);
    }
    if let (
        Shape::List(inner),
        Column::List {
            offsets,
            nulls,
            element,
        },
    ) = (shape, &mut *column)
        && scanner.peek() == b'{'
        && matches!(**inner, Shape::Struct(_))
    {
        // One object where an array of them is expected is an array of one.
        value(inner, element, scanner, notes, 1)?;
        offsets.push(i32::try_from(element.len()).unwrap_or(i32::MAX));
        nulls.append_non_null();
        return Ok(());
    }
    value(shape, column, scanner, notes, 0)
}

/// A struct whose fields are all NULL, or a NULL array or map.
fn push_failed(column: &mut Column, data_type: &SparkType) {
    match (column, data_type) {
        (Column::Struct { fields, nulls }, SparkType::Struct(_)) => {
            fields.iter_mut().for_each(Column::push_null);
            nulls.append_non_null();
        }
        (column, _) => column.push_null(),
    }
}

/// The type of one JSON text; `None` when it is no JSON.
pub fn schema_of_json(text: &str, options: &JsonOptions) -> Option<SparkType> {
    let mut scanner = Scanner::new(text, false, options.grammar);
    let found = guess(&mut scanner, options, 0).ok()?;
    Some(settle(found, options.drop_field_if_all_null).unwrap_or(SparkType::Struct(vec![])))
}

/// The number of elements of each JSON array; NULL for anything else.
pub fn json_array_length(strings: &StringArray) -> Int32Array {
    let mut out = Int32Builder::new();
    for text in strings {
        out.append_option(text.and_then(|text| {
            let mut scanner = strict(text);
            scanner.space().ok()?;
            scanner.expect(b'[', "").ok()?;
            let mut count = 0;
            scanner
                .members(b']', |scanner| {
                    count += 1;
                    scanner.skip(1)
                })
                .ok()?;
            Some(count)
        }));
    }
    out.finish()
}

/// The names of each JSON object's fields; NULL for anything else.
pub fn json_object_keys(strings: &StringArray) -> ListArray {
    let field = Arc::new(Field::new("element", DataType::Utf8, true));
    let mut out = ListBuilder::new(StringBuilder::new()).with_field(field);
    for text in strings {
        let names = text.and_then(|text| {
            let mut scanner = strict(text);
            scanner.space().ok()?;
            scanner.expect(b'{', "").ok()?;
            let mut names = vec![];
            scanner
                .members(b'}', |scanner| -> Result<(), Syntax> {
                    names.push(scanner.name()?);
                    scanner.space()?;
                    scanner.expect(b':', "")?;
                    scanner.skip(1)
                })
                .ok()?;
            Some(names)
        });
        match names {
            Some(names) => {
                for name in &names {
                    out.values().append_value(name);
                }
                out.append(true);
            }
            None => out.append(false),
        }
    }
    out.finish()
}

fn strict(text: &str) -> Scanner<'_> {
    Scanner::new(text, false, super::Grammar::of_paths())
}
