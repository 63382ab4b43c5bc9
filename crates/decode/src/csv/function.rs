//! The SQL functions that take one CSV record per row: `from_csv`, `schema_of_csv`. Must not know files: line ends are
//! part of a value here.

use arrow_array::{ArrayRef, StringArray};
use sluice_model::{SparkField, SparkType};

use super::decode::refuse_nested;
use super::infer::{CsvInference, skips};
use super::options::CsvOptions;
use super::split::Values;
use super::value::{is_null, push};
use crate::column::{Column, nullable};
use crate::record::{BadRecord, DecodeError, ParseMode};

/// The field of a struct that takes the text of a record that does not fit, unless an option names another.
const CORRUPT: &str = "_corrupt_record";

/// Reads each text into a struct of these fields, as Spark's `from_csv` does: NULL is NULL, what does not fit its field
/// leaves it NULL.
///
/// # Errors
/// A field has a type that CSV cannot carry; `FAILFAST` met a record that does not fit; `DROPMALFORMED`, which Spark
/// refuses here.
pub fn from_csv(
    strings: &StringArray,
    fields: &[SparkField],
    options: &CsvOptions,
) -> Result<ArrayRef, DecodeError> {
    let fields = nullable(fields);
    refuse_nested(&fields)?;
    if options.mode == ParseMode::DropMalformed {
        let why = "from_csv takes PERMISSIVE and FAILFAST only";
        return Err(crate::json::refused("mode", why));
    }
    let name = options.corrupt_column.as_deref().unwrap_or(CORRUPT);
    let corrupt = fields
        .iter()
        .position(|field| field.name == name && field.data_type == SparkType::String);
    let data_type = SparkType::Struct(fields);
    let mut column = Column::new(&data_type);
    let mut values = Values::default();
    values.whole = true;
    for (row, text) in strings.iter().enumerate() {
        let (Some(text), Column::Struct { fields, nulls }) = (text, &mut column) else {
            column.push_null();
            continue;
        };
        values.read(text, 0, options);
        let blank = text.is_empty() || skips(text, options) && options.comment.is_some();
        let known = if blank { None } else { Some(&values) };
        let reason = record(fields, known, corrupt, row, options);
        nulls.append_non_null();
        if let Some(Column::Text(bytes)) = corrupt.and_then(|at| fields.get_mut(at)) {
            match reason {
                Some(_) => bytes.push(text.as_bytes()),
                None => bytes.push_null(),
            }
        }
        if let Some(why) = reason
            && options.mode == ParseMode::FailFast
        {
            let line = u64::try_from(row).unwrap_or(0) + 1;
            return Err(DecodeError::Malformed(BadRecord::new(line, why, text)));
        }
    }
    Ok(column.finish_as(&data_type)?)
}

/// Puts the values of one record into the fields but the corrupt one; says why it does not fit.
fn record(
    fields: &mut [Column],
    values: Option<&Values>,
    corrupt: Option<usize>,
    row: usize,
    options: &CsvOptions,
) -> Option<&'static str> {
    let mut reason = None;
    let mut next = 0;
    for (at, field) in fields.iter_mut().enumerate() {
        if Some(at) == corrupt {
            continue;
        }
        let found = values.and_then(|values| values.get(next));
        next += 1;
        match found {
            None => reason = reason.or(Some("the record has too few values")),
            Some((value, quoted)) if is_null(value, quoted, options) => {}
            Some((value, _)) => {
                if !push(field, value, options) {
                    reason = reason.or(Some("a value does not fit its field"));
                }
            }
        }
        if field.len() == row {
            field.push_null();
        }
    }
    if values.is_some_and(|values| values.len() > next) {
        reason = reason.or(Some("the record has too many values"));
    }
    reason
}

/// The columns of one CSV record, called `_c0`, `_c1`, ….
pub fn schema_of_csv(text: &str, options: &CsvOptions) -> Vec<SparkField> {
    let mut values = Values::default();
    values.whole = true;
    values.read(text, 0, options);
    let mut inference = CsvInference::new(options.clone());
    inference.record(&values);
    inference.finish()
}
