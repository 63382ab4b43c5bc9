//! Lines or one document of JSON into batches: the hot door of the product. Reads no files: bytes come in, batches go out.
//!
//! One bad line never fails a file: it becomes a row of NULLs, is left out, or stops the read, as `mode` says, and is
//! counted with its line and reason in every case. Memory is bounded by one batch and one line.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sluice_model::SparkField;
use sluice_model::limits::LINE_BYTES_MAX;

use super::infer::Inference;
use super::options::JsonOptions;
use super::rescue;
use super::scan::{Scanner, Syntax};
use super::shape::StructShape;
use super::value::{Fail, Notes, object};
use crate::column::{Bytes, Column, nullable};
use crate::record::{BadRecord, DecodeError, Decoded, ParseMode, Tally};

/// Input bytes after which a batch is given out even if it has few rows.
const BATCH_BYTES: usize = 64 * 1024 * 1024;

/// Decodes JSON into batches of declared columns.
#[derive(Debug)]
pub struct JsonDecoder {
    fields: Vec<SparkField>,
    schema: SchemaRef,
    shape: StructShape,
    columns: Vec<Column>,
    rescued: Option<Bytes>,
    corrupt: Option<Bytes>,
    options: JsonOptions,
    file_path: String,
    /// Line that is read next, from 1.
    line: u64,
    carry: Vec<u8>,
    /// Inside a line that is too long: everything up to its end is thrown away.
    overlong: bool,
    rows: usize,
    bytes: usize,
    tally: Tally,
    learned: Inference,
}

impl JsonDecoder {
    /// Prepares to read these columns; NULL is allowed everywhere, as a reader cannot keep a promise of the writer.
    ///
    /// # Errors
    /// A column has a type that JSON cannot carry (a map with keys that are no strings).
    pub fn new(fields: &[SparkField], options: JsonOptions) -> Result<Self, DecodeError> {
        let fields = nullable(fields);
        let mut arrow: Vec<Field> = fields.iter().map(SparkField::to_arrow).collect();
        for extra in [&options.rescued_column, &options.corrupt_column]
            .into_iter()
            .flatten()
        {
            arrow.push(Field::new(extra, DataType::Utf8, true));
        }
        Ok(Self {
            schema: Arc::new(Schema::new(arrow)),
            shape: StructShape::new(&fields, options.case_sensitive)?,
            columns: fields
                .iter()
                .map(|field| Column::new(&field.data_type))
                .collect(),
            rescued: options.rescued_column.as_ref().map(|_| Bytes::new()),
            corrupt: options.corrupt_column.as_ref().map(|_| Bytes::new()),
            learned: Inference::new(options.clone()),
            fields,
            options,
            file_path: String::new(),
            line: 1,
            carry: vec![],
            overlong: false,
            rows: 0,
            bytes: 0,
            tally: Tally::default(),
        })
    }

    /// The columns of every batch: declared ones, rescued data, corrupt record.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Starts a file: lines count from 1 again, and `path` is the `_file_path` of rescued data. Call [`Self::finish`] before.
    pub fn start_file(&mut self, path: &str) {
        self.file_path = path.to_string();
        self.line = 1;
        self.carry.clear();
        self.overlong = false;
    }

    /// Takes bytes, cut anywhere, and gives back the batches that became full.
    ///
    /// # Errors
    /// `FAILFAST` met a bad record, or a document in `multiLine` exceeds the limit of its size.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
        if self.options.multi_line {
            if self.carry.len() + bytes.len() > LINE_BYTES_MAX {
                return Err(DecodeError::Limit {
                    line: 1,
                    what: "a JSON document",
                    limit: LINE_BYTES_MAX,
                });
            }
            self.carry.extend_from_slice(bytes);
            return Ok(vec![]);
        }
        let mut out = vec![];
        let mut bytes = bytes;
        if self.overlong {
            let Some(end) = line_end(bytes) else {
                return Ok(out);
            };
            self.overlong = false;
            bytes = bytes.get(end..).unwrap_or_default();
        }
        let Some(last) = last_line_end(bytes) else {
            self.keep(bytes)?;
            return Ok(out);
        };
        let (whole, rest) = bytes.split_at(last);
        if self.carry.is_empty() {
            self.region(whole, &mut out)?;
        } else {
            let (first, others) = whole.split_at(line_end(whole).unwrap_or(last));
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(first);
            self.region(&line, &mut out)?;
            self.region(others, &mut out)?;
        }
        self.keep(rest)?;
        Ok(out)
    }

    /// Ends the input: reads a last line without its end, or the document, and gives back what is left.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self) -> Result<Vec<Decoded>, DecodeError> {
        let mut out = vec![];
        let rest = std::mem::take(&mut self.carry);
        self.region(&rest, &mut out)?;
        if self.rows > 0 || self.tally.lines > 0 {
            out.append(&mut self.flush()?);
        }
        Ok(out)
    }

    /// Fields met in the data that are not declared, with inferred types; of declared structs only what is new in them.
    /// Empty unless the option `learn_new_fields` is set.
    pub fn new_fields(&self) -> Vec<SparkField> {
        super::infer::difference(&self.fields, &self.learned.clone().finish())
    }

    /// Keeps the head of a line whose end has not come yet.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.carry.extend_from_slice(bytes);
        if self.carry.len() <= LINE_BYTES_MAX {
            return Ok(());
        }
        let line = std::mem::take(&mut self.carry);
        let head = String::from_utf8_lossy(line.get(..BadRecord::TEXT_MAX).unwrap_or_default())
            .into_owned();
        self.overlong = true;
        self.malformed(self.rows, "the line is too long", &head)?;
        self.line += 1;
        self.tally.lines += 1;
        Ok(())
    }

    /// Reads whole lines; bytes that are no UTF-8 spoil their line only.
    fn region(&mut self, bytes: &[u8], out: &mut Vec<Decoded>) -> Result<(), DecodeError> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
                return self.text(text, out);
            }
            let valid = std::str::from_utf8(bytes)
                .err()
                .map_or(bytes.len(), |error| error.valid_up_to());
            let (before, from) = bytes.split_at(valid);
            let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
            let start = if self.options.multi_line {
                None
            } else {
                before.iter().rposition(is_end)
            }
            .map_or(0, |at| at + 1);
            let good = bytes.get(..start).unwrap_or_default();
            self.text(std::str::from_utf8(good).unwrap_or_default(), out)?;
            let end = if self.options.multi_line {
                None
            } else {
                from.iter().position(is_end)
            }
            .map_or(bytes.len(), |at| {
                valid
                    + at
                    + if from.get(at..at + 2) == Some(b"\r\n") {
                        2
                    } else {
                        1
                    }
            });
            let line =
                String::from_utf8_lossy(bytes.get(start..end).unwrap_or_default()).into_owned();
            self.malformed(
                self.rows,
                "the text is not UTF-8",
                line.trim_end_matches(['\n', '\r']),
            )?;
            self.line += 1;
            self.tally.lines += 1;
            bytes = bytes.get(end..).unwrap_or_default();
        }
        Ok(())
    }

    fn text(&mut self, text: &str, out: &mut Vec<Decoded>) -> Result<(), DecodeError> {
        let mut scanner = Scanner::new(text, !self.options.multi_line, self.options.grammar);
        while !scanner.is_done() {
            let start = scanner.position;
            self.record(&mut scanner)?;
            self.bytes += scanner.position - start;
            if self.rows >= self.options.batch_rows || self.bytes >= BATCH_BYTES {
                out.append(&mut self.flush()?);
            }
        }
        Ok(())
    }

    /// Reads one record and the rest of its line.
    fn record(&mut self, scanner: &mut Scanner<'_>) -> Result<(), DecodeError> {
        let mark = scanner.position;
        let first_row = self.rows;
        let mut notes = Notes::new(&self.options, Some(&self.shape), self.rescued.is_some());
        let mut sink = Sink {
            shape: &self.shape,
            columns: &mut self.columns,
            rescued: self.rescued.as_mut(),
            file_path: &self.file_path,
            rows: &mut self.rows,
        };
        let result = scanner.space().map_err(Fail::from).and_then(|()| {
            if scanner.at_end() {
                Ok(false)
            } else {
                sink.root(scanner, &mut notes).map(|()| true)
            }
        });
        let (reason, unknown) = (notes.reason.take(), notes.unknown);
        if let Ok(true) = result {
            let tail = scanner.space().is_err() || !scanner.at_end();
            self.tally.ignored_tails += u64::from(tail);
        }
        let whole = if self.options.multi_line {
            scanner.finish_text(mark)
        } else {
            scanner.finish_line(mark)
        };
        match result {
            Ok(true) => self.accept(first_row, reason, whole)?,
            Ok(false) => {}
            Err(Fail::Syntax(Syntax(why))) => self.malformed(first_row, why, whole)?,
            Err(Fail::Misfit) => {
                self.malformed(first_row, "the record is no JSON object", whole)?;
            }
        }
        if unknown && self.options.learn_new_fields {
            self.learned.push_record(whole);
        }
        self.line += 1;
        self.tally.lines += 1;
        Ok(())
    }

    /// Books a record that was read, with the first misfit in it if there was one.
    fn accept(
        &mut self,
        first_row: usize,
        reason: Option<String>,
        whole: &str,
    ) -> Result<(), DecodeError> {
        let bad = reason.filter(|_| self.rescued.is_none());
        if let Some(why) = &bad {
            match self.options.mode {
                ParseMode::Permissive => self.tally.bad(self.line, why, whole),
                ParseMode::DropMalformed => {
                    self.tally.bad(self.line, why, whole);
                    self.tally.dropped += 1;
                    self.undo(first_row);
                    return Ok(());
                }
                ParseMode::FailFast => {
                    return Err(DecodeError::Malformed(BadRecord::new(
                        self.line,
                        why.as_str(),
                        whole,
                    )));
                }
            }
        }
        if let Some(corrupt) = &mut self.corrupt {
            for _ in first_row..self.rows {
                if bad.is_some() {
                    corrupt.push(whole.as_bytes());
                } else {
                    corrupt.push_null();
                }
            }
        }
        Ok(())
    }

    /// Books a record that could not be read: whatever it gave is taken back.
    #[cold]
    fn malformed(&mut self, first_row: usize, why: &str, whole: &str) -> Result<(), DecodeError> {
        if self.options.mode == ParseMode::FailFast {
            return Err(DecodeError::Malformed(BadRecord::new(
                self.line, why, whole,
            )));
        }
        self.undo(first_row);
        self.tally.bad(self.line, why, whole);
        if self.options.mode == ParseMode::DropMalformed {
            self.tally.dropped += 1;
            return Ok(());
        }
        self.columns.iter_mut().for_each(Column::push_null);
        match (&mut self.rescued, &mut self.corrupt) {
            (Some(rescued), Some(corrupt)) => {
                rescued.push_null();
                corrupt.push(whole.as_bytes());
            }
            (Some(rescued), None) => {
                rescued.push(rescue::corrupt(whole, &self.file_path).as_bytes());
            }
            (None, Some(corrupt)) => corrupt.push(whole.as_bytes()),
            (None, None) => {}
        }
        self.rows = first_row + 1;
        Ok(())
    }

    fn undo(&mut self, first_row: usize) {
        self.columns
            .iter_mut()
            .for_each(|column| column.truncate(first_row));
        for extra in [&mut self.rescued, &mut self.corrupt].into_iter().flatten() {
            extra.truncate(first_row);
        }
        self.rows = first_row;
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

/// Where the rows of one record go.
struct Sink<'a> {
    shape: &'a StructShape,
    columns: &'a mut [Column],
    rescued: Option<&'a mut Bytes>,
    file_path: &'a str,
    rows: &'a mut usize,
}

impl Sink<'_> {
    /// Reads the value at the root: an object is a row, an array of objects several.
    fn root(&mut self, scanner: &mut Scanner<'_>, notes: &mut Notes<'_>) -> Result<(), Fail> {
        match scanner.peek() {
            b'{' => self.row(scanner, notes),
            b'[' => {
                scanner.position += 1;
                scanner.members(b']', |scanner| {
                    if scanner.peek() == b'{' {
                        self.row(scanner, notes)
                    } else {
                        Err(Fail::Misfit)
                    }
                })
            }
            _ => {
                scanner.skip(0)?;
                Err(Fail::Misfit)
            }
        }
    }

    fn row(&mut self, scanner: &mut Scanner<'_>, notes: &mut Notes<'_>) -> Result<(), Fail> {
        scanner.position += 1;
        object(self.shape, self.columns, *self.rows, scanner, notes, 1)?;
        if let Some(rescued) = &mut self.rescued {
            if notes.rescued.is_empty() {
                rescued.push_null();
            } else {
                rescued.push(rescue::text(&notes.rescued, self.file_path).as_bytes());
                notes.rescued.clear();
            }
        }
        *self.rows += 1;
        Ok(())
    }
}

/// The byte after the first line end: `\n` if there is one, else a `\r` that something follows.
fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .or_else(|| lone_return(bytes))
        .map(|at| at + 1)
}

/// The byte after the last line end.
fn last_line_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .or_else(|| lone_return(bytes))
        .map(|at| at + 1)
}

fn lone_return(bytes: &[u8]) -> Option<usize> {
    bytes
        .split_last()
        .and_then(|(_, head)| head.iter().rposition(|byte| *byte == b'\r'))
}
