//! CSV files into batches. Reads no files: bytes come in, batches go out; memory is bounded by one batch and one record.
//!
//! A record with another number of values than there are columns, or a value of the wrong type, is malformed in Spark's
//! sense: what fits is kept. With a rescued data column neither is: what does not fit goes there, under its column's
//! name or `_c3` for values that have no column.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sluice_model::limits::LINE_BYTES_MAX;
use sluice_model::{SparkField, SparkType};

use super::infer::{header, learn, skips, unnamed};
use super::options::CsvOptions;
use super::split::Values;
use super::value::{is_null, push};
use crate::column::{Bytes, Column, nullable};
use crate::json::{push_string, rescue};
use crate::record::{BadRecord, DecodeError, Decoded, ParseMode, Tally};

/// Input bytes after which a batch is given out even if it has few rows.
const BATCH_BYTES: usize = 64 * 1024 * 1024;

/// Decodes CSV into batches of declared columns.
#[derive(Debug)]
pub struct CsvDecoder {
    fields: Vec<SparkField>,
    schema: SchemaRef,
    columns: Vec<Column>,
    rescued: Option<Bytes>,
    corrupt: Option<Bytes>,
    options: CsvOptions,
    file_path: String,
    line: u64,
    skipped: u64,
    header_done: bool,
    /// Whether the first line of the file ended in `\r\n`; `None` before it was seen.
    windows: Option<bool>,
    /// Column of each value by the header of this file; `None` where values go by position.
    places: Option<Vec<Option<usize>>>,
    names: Vec<String>,
    carry: Vec<u8>,
    /// Inside a line that is too long: everything up to its end is thrown away.
    overlong: bool,
    /// Bytes to wait for before a record that goes over lines is tried again, so that a long one is not read from its
    /// start for every piece of it.
    patience: usize,
    rows: usize,
    bytes: usize,
    tally: Tally,
    learned: Vec<SparkField>,
}

impl CsvDecoder {
    /// Prepares to read these columns; NULL is allowed everywhere.
    ///
    /// # Errors
    /// A column has a type that CSV cannot carry (array, map, struct).
    pub fn new(fields: &[SparkField], options: CsvOptions) -> Result<Self, DecodeError> {
        let fields = nullable(fields);
        refuse_nested(&fields)?;
        let mut arrow: Vec<Field> = fields.iter().map(SparkField::to_arrow).collect();
        for extra in [&options.rescued_column, &options.corrupt_column]
            .into_iter()
            .flatten()
        {
            arrow.push(Field::new(extra, DataType::Utf8, true));
        }
        Ok(Self {
            schema: Arc::new(Schema::new(arrow)),
            columns: fields
                .iter()
                .map(|field| Column::new(&field.data_type))
                .collect(),
            rescued: options.rescued_column.as_ref().map(|_| Bytes::new()),
            corrupt: options.corrupt_column.as_ref().map(|_| Bytes::new()),
            fields,
            options,
            file_path: String::new(),
            line: 1,
            skipped: 0,
            header_done: false,
            windows: None,
            places: None,
            names: vec![],
            carry: vec![],
            overlong: false,
            patience: 0,
            rows: 0,
            bytes: 0,
            tally: Tally::default(),
            learned: vec![],
        })
    }

    /// The columns of every batch: declared ones, rescued data, corrupt record.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Starts a file: lines, skipped rows and the header count anew. Call [`Self::finish`] before.
    pub fn start_file(&mut self, path: &str) {
        self.file_path = path.to_string();
        self.line = 1;
        self.skipped = 0;
        self.header_done = false;
        self.windows = None;
        self.places = None;
        self.names.clear();
        self.carry.clear();
        self.overlong = false;
        self.patience = 0;
    }

    /// Columns that headers have and the schema has not, with inferred types; empty unless `learn_new_fields` is set.
    pub fn new_fields(&self) -> Vec<SparkField> {
        let settled = |field: &SparkField| match field.data_type {
            SparkType::Null => SparkField::new(&field.name, SparkType::String),
            _ => field.clone(),
        };
        self.learned.iter().map(settled).collect()
    }

    /// Takes bytes, cut anywhere, and gives back the batches that became full.
    ///
    /// # Errors
    /// `FAILFAST` met a bad record, or one record of several lines exceeds the limit of its size.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
        let mut out = vec![];
        let mut bytes = bytes;
        if self.overlong {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                return Ok(out);
            };
            self.overlong = false;
            bytes = bytes.get(end + 1..).unwrap_or_default();
        }
        if self.carry.len() + bytes.len() < self.patience {
            self.carry.extend_from_slice(bytes);
            return Ok(out);
        }
        let last = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let (whole, rest) = bytes.split_at(last);
        if !whole.is_empty() {
            let mut region = std::mem::take(&mut self.carry);
            region.extend_from_slice(whole);
            let used = self.region(&region, false, &mut out)?;
            self.patience = match used {
                0 => (2 * region.len()).min(LINE_BYTES_MAX),
                _ => 0,
            };
            self.carry
                .extend_from_slice(region.get(used..).unwrap_or_default());
        }
        self.carry.extend_from_slice(rest);
        if self.carry.len() > LINE_BYTES_MAX && !self.options.multi_line {
            let line = std::mem::take(&mut self.carry);
            let head = line.get(..BadRecord::TEXT_MAX).unwrap_or_default();
            let head = String::from_utf8_lossy(head).into_owned();
            self.overlong = true;
            self.reject("the line is too long", &head)?;
            self.line += 1;
            self.tally.lines += 1;
        } else if self.carry.len() > LINE_BYTES_MAX {
            return Err(DecodeError::Limit {
                line: self.line,
                what: "a CSV record",
                limit: LINE_BYTES_MAX,
            });
        }
        Ok(out)
    }

    /// Ends the input: reads a last record without its line end, and gives back what is left.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self) -> Result<Vec<Decoded>, DecodeError> {
        let mut out = vec![];
        let rest = std::mem::take(&mut self.carry);
        self.region(&rest, true, &mut out)?;
        if self.rows > 0 || self.tally.lines > 0 {
            out.append(&mut self.flush()?);
        }
        Ok(out)
    }

    /// Reads records; gives the bytes used. A record that may go on in the next bytes is left.
    fn region(
        &mut self,
        bytes: &[u8],
        last: bool,
        out: &mut Vec<Decoded>,
    ) -> Result<usize, DecodeError> {
        let lossy = String::from_utf8_lossy(bytes);
        let text: &str = &lossy;
        if self.windows.is_none() {
            let first = text.find('\n');
            self.windows = first.map(|at| text.get(..at).is_some_and(|line| line.ends_with('\r')));
        }
        let mut values = Values::default();
        values.windows = self.windows == Some(true);
        let mut at = if self.line == 1 && text.starts_with('\u{feff}') {
            3
        } else {
            0
        };
        while at < text.len() {
            let (end, complete) = values.read(text, at, &self.options);
            if !complete && !last {
                break;
            }
            let record = text.get(at..end).unwrap_or_default();
            self.record(&values, record.trim_end_matches(['\n', '\r']))?;
            let ends = record.bytes().filter(|byte| *byte == b'\n').count().max(1);
            self.line += ends as u64;
            self.tally.lines += ends as u64;
            self.bytes += end - at;
            at = end.max(at + 1);
            if self.rows >= self.options.batch_rows || self.bytes >= BATCH_BYTES {
                out.append(&mut self.flush()?);
            }
        }
        // Replaced bytes change lengths: what is left is counted from the end, where a record begins after a line end.
        Ok(if lossy.len() == bytes.len() {
            at.min(bytes.len())
        } else {
            used_of(bytes, text.get(at..).unwrap_or_default())
        })
    }

    fn record(&mut self, values: &Values, record: &str) -> Result<(), DecodeError> {
        if self.skipped < self.options.skip_rows {
            self.skipped += 1;
            return Ok(());
        }
        if skips(record, &self.options) {
            return Ok(());
        }
        if self.options.header && !self.header_done {
            self.header_done = true;
            self.bind(values);
            return Ok(());
        }
        let too_many = values.len() > self.options.max_columns;
        let (reason, rescued) = if too_many {
            (Some("the record has too many values".to_string()), vec![])
        } else {
            self.row(values)
        };
        if too_many && self.rescued.is_some() {
            self.columns
                .iter_mut()
                .for_each(|column| column.truncate(self.rows));
        }
        let bad = reason.filter(|_| self.rescued.is_none() || too_many);
        for column in &mut self.columns {
            if column.len() == self.rows {
                column.push_null();
            }
        }
        if let Some(why) = &bad {
            match self.options.mode {
                ParseMode::FailFast => {
                    return Err(DecodeError::Malformed(BadRecord::new(
                        self.line,
                        why.as_str(),
                        record,
                    )));
                }
                ParseMode::DropMalformed => {
                    self.tally.bad(self.line, why, record);
                    self.tally.dropped += 1;
                    self.columns
                        .iter_mut()
                        .for_each(|column| column.truncate(self.rows));
                    return Ok(());
                }
                ParseMode::Permissive => self.tally.bad(self.line, why, record),
            }
        }
        if let Some(column) = &mut self.rescued {
            match (&bad, rescued.is_empty()) {
                (Some(_), _) => column.push(rescue::corrupt(record, &self.file_path).as_bytes()),
                (None, true) => column.push_null(),
                (None, false) => column.push(rescue::text(&rescued, &self.file_path).as_bytes()),
            }
        }
        if let Some(column) = &mut self.corrupt {
            if bad.is_some() {
                column.push(record.as_bytes());
            } else {
                column.push_null();
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Books a record that is not even split into values: a row of NULLs, or none, as the mode says.
    fn reject(&mut self, why: &str, head: &str) -> Result<(), DecodeError> {
        if self.options.mode == ParseMode::FailFast {
            return Err(DecodeError::Malformed(BadRecord::new(self.line, why, head)));
        }
        self.tally.bad(self.line, why, head);
        if self.options.mode == ParseMode::DropMalformed {
            self.tally.dropped += 1;
            return Ok(());
        }
        self.columns.iter_mut().for_each(Column::push_null);
        if let Some(column) = &mut self.rescued {
            column.push(rescue::corrupt(head, &self.file_path).as_bytes());
        }
        if let Some(column) = &mut self.corrupt {
            column.push(head.as_bytes());
        }
        self.rows += 1;
        Ok(())
    }

    /// Takes the names of a header: by name where columns evolve, by position otherwise.
    fn bind(&mut self, values: &Values) {
        self.names = header(values, &self.options);
        if self.options.enforce_schema
            && self.options.rescued_column.is_none()
            && !self.options.learn_new_fields
        {
            return;
        }
        let same = |left: &str, right: &str| {
            if self.options.case_sensitive {
                left == right
            } else {
                left.to_lowercase() == right.to_lowercase()
            }
        };
        let place = |name: &String| self.fields.iter().position(|field| same(&field.name, name));
        let places: Vec<Option<usize>> = self.names.iter().map(place).collect();
        if self.options.learn_new_fields {
            for (name, place) in self.names.iter().zip(&places) {
                if place.is_none() && !self.learned.iter().any(|known| known.name == *name) {
                    self.learned.push(SparkField::new(name, SparkType::Null));
                }
            }
        }
        self.places = Some(places);
    }

    /// Puts the values of one record into their columns; gives the first misfit in words, and what is to be rescued.
    fn row(&mut self, values: &Values) -> (Option<String>, Vec<(Vec<String>, String)>) {
        let expected = self.places.as_ref().map_or(self.columns.len(), Vec::len);
        let mut reason = None;
        let mut rescued = vec![];
        if values.len() != expected {
            let found = match values.len() {
                1 => "1 value".to_string(),
                count => format!("{count} values"),
            };
            reason = Some(format!("the record has {found} where {expected} belong"));
        }
        for index in 0..values.len() {
            let Some((value, quoted)) = values.get(index) else {
                break;
            };
            let place = match &self.places {
                Some(places) => places.get(index).copied().flatten(),
                None => Some(index),
            };
            let long = self
                .options
                .max_chars_per_column
                .is_some_and(|limit| value.len() > limit && value.chars().count() > limit);
            let column = place
                .and_then(|at| self.columns.get_mut(at))
                .filter(|column| column.len() == self.rows);
            if is_null(value, quoted, &self.options) {
                if let Some(column) = column {
                    column.push_null();
                }
                continue;
            }
            let declared = column.is_some();
            if let Some(column) = column
                && !long
                && push(column, value, &self.options)
            {
                continue;
            }
            let name = match place.and_then(|at| self.fields.get(at)) {
                Some(field) => field.name.clone(),
                None => self
                    .names
                    .get(index)
                    .cloned()
                    .unwrap_or_else(|| unnamed(index)),
            };
            if declared && reason.is_none() {
                reason = Some(format!(
                    "`{name}` cannot hold {}",
                    value.chars().take(80).collect::<String>()
                ));
            }
            if !declared && self.options.learn_new_fields {
                self.learn(&name, value, quoted);
            }
            if self.rescued.is_some() {
                let mut text = String::new();
                push_string(&mut text, value);
                rescued.push((vec![name], text));
            }
        }
        (reason, rescued)
    }

    fn learn(&mut self, name: &str, value: &str, quoted: bool) {
        if let Some(field) = self.learned.iter_mut().find(|known| known.name == name) {
            let known = std::mem::replace(&mut field.data_type, SparkType::Null);
            let date = crate::datetime::Pattern::new("yyyy-MM-dd").ok();
            field.data_type = if self.options.infer_column_types {
                learn(known, value, quoted, &self.options, date.as_ref())
            } else {
                SparkType::String
            };
        }
    }

    fn flush(&mut self) -> Result<Vec<Decoded>, DecodeError> {
        let mut arrays = vec![];
        for (column, field) in self.columns.iter_mut().zip(&self.fields) {
            arrays.push(column.finish_as(&field.data_type)?);
        }
        for extra in [&mut self.rescued, &mut self.corrupt].into_iter().flatten() {
            arrays.push(extra.finish_text()?);
        }
        let size = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        let whole = RecordBatch::try_new_with_options(self.schema(), arrays, &size)?;
        self.rows = 0;
        self.bytes = 0;
        Ok(std::mem::take(&mut self.tally).into_decoded(&whole, self.options.batch_rows.max(1)))
    }
}

/// Refuses columns that CSV cannot carry.
pub(super) fn refuse_nested(fields: &[SparkField]) -> Result<(), DecodeError> {
    let nested = |field: &&SparkField| {
        matches!(
            field.data_type,
            SparkType::Array(_) | SparkType::Map(..) | SparkType::Struct(_)
        )
    };
    match fields.iter().find(nested) {
        Some(field) => Err(DecodeError::Type {
            format: "CSV",
            column: field.name.clone(),
            data_type: field.data_type.to_string(),
        }),
        None => Ok(()),
    }
}

/// Bytes before the tail that `rest` was decoded from.
fn used_of(bytes: &[u8], rest: &str) -> usize {
    let lines = rest.bytes().filter(|byte| *byte == b'\n').count();
    if rest.is_empty() {
        return bytes.len();
    }
    let mut ends = bytes
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1);
    ends.nth(lines).unwrap_or(0)
}
