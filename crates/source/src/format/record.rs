//! JSON and CSV: feeds the bytes of a file to a decoder of records, and turns what comes back into parts.

use std::io::Read;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_select::filter::filter_record_batch;
use sluice_decode::{BadRecord, DecodeError, Decoded};
use sluice_model::condition::source as condition;
use sluice_model::{Diagnostic, SparkField, SparkType};

use super::bytes::{of_io, unpack};
use super::{FileJob, Part, Payload, Sink};
use crate::SourceError;
use crate::files::BadRow;
use crate::option::{Encoding, ParseMode, ReadFilesOptions};

/// Bytes handed to a decoder at once.
const PUSH_BYTES: usize = 1 << 20;
/// The column that holds bad records for `badRecordsPath` where the query declares none.
const HIDDEN_CORRUPT_COLUMN: &str = "_corrupt_record";

/// What the decoders of records have in common.
pub(super) trait RecordDecoder {
    fn start_file(&mut self, path: &str);
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>, DecodeError>;
    fn finish(&mut self) -> Result<Vec<Decoded>, DecodeError>;
    fn new_fields(&self) -> Vec<SparkField>;
}

/// Where bad records go, for a decoder's options.
pub(super) struct Corrupt {
    /// The column that the decoder shall fill.
    pub column: Option<String>,
    /// Whether rows of bad records leave the data and go to `badRecordsPath`.
    pub diverted: bool,
}

impl Corrupt {
    pub(super) fn of(job: &FileJob<'_>) -> Self {
        let diverted = job.options.bad_records_path.is_some();
        let hidden = diverted.then(|| HIDDEN_CORRUPT_COLUMN.to_string());
        Self {
            column: job.schema.corrupt.clone().or(hidden),
            diverted,
        }
    }
}

/// The mode for the decoder: bad records that are diverted must come back first.
pub(super) fn parse_mode(job: &FileJob<'_>) -> sluice_decode::ParseMode {
    match job.options.parse_mode(job.schema.format) {
        ParseMode::DropMalformed if job.options.bad_records_path.is_none() => {
            sluice_decode::ParseMode::DropMalformed
        }
        ParseMode::Permissive | ParseMode::DropMalformed => sluice_decode::ParseMode::Permissive,
        ParseMode::FailFast => sluice_decode::ParseMode::FailFast,
    }
}

/// The columns that a decoder shall fill: those of the schema, without the one for bad records.
pub(super) fn decoded_columns(job: &FileJob<'_>) -> Vec<SparkField> {
    job.schema
        .data
        .iter()
        .filter(|field| job.schema.corrupt.as_ref() != Some(&field.name))
        .cloned()
        .collect()
}

/// Feeds the bytes of a file to `take`, UTF-8 without byte order mark; stops when it says so.
pub(super) fn feed(
    payload: Payload,
    name: &str,
    shown: &str,
    format: &'static str,
    encoding: Encoding,
    mut take: impl FnMut(&[u8]) -> Result<bool, SourceError>,
) -> Result<(), SourceError> {
    let mut reader = unpack(payload, name, shown)?;
    let mut buffer = Vec::with_capacity(PUSH_BYTES);
    let mut first = true;
    loop {
        buffer.clear();
        reader
            .by_ref()
            .take(PUSH_BYTES as u64)
            .read_to_end(&mut buffer)
            .map_err(|error| of_io(shown, format, &error))?;
        if buffer.is_empty() {
            return Ok(());
        }
        let mut bytes = buffer.as_slice();
        if std::mem::take(&mut first) {
            if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
                let reason = "it is in UTF-16; only UTF-8 and ISO-8859-1 are read".to_string();
                return Err(SourceError::Corrupt {
                    path: shown.to_string(),
                    format,
                    reason,
                });
            }
            bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
        }
        let goes_on = match encoding {
            Encoding::Utf8 => take(bytes)?,
            Encoding::Latin1 => take(
                bytes
                    .iter()
                    .copied()
                    .map(char::from)
                    .collect::<String>()
                    .as_bytes(),
            )?,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// Decodes one file.
pub(super) fn decode<D: RecordDecoder>(
    job: &FileJob<'_>,
    payload: Payload,
    decoder: &mut D,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    decoder.start_file(job.shown);
    let corrupt = Corrupt::of(job);
    let (mut wanted, mut stopped) = (true, false);
    let name = job.file.name();
    let (format, encoding) = (
        job.schema.format.name(),
        job.options.format_options.encoding,
    );
    let fed = feed(payload, name, job.shown, format, encoding, |bytes| {
        let batches = decoder.push(bytes).map_err(|error| {
            stopped = true;
            of_decode(job.options, job.shown, error)
        });
        for decoded in batches? {
            wanted = wanted && sink(part(job, &corrupt, decoded)?);
        }
        Ok(wanted)
    });
    // What was whole before the damage is given; under `ignoreCorruptFiles` it stays.
    if wanted && !stopped {
        let last = decoder
            .finish()
            .map_err(|error| of_decode(job.options, job.shown, error))?;
        for decoded in last {
            wanted = wanted && sink(part(job, &corrupt, decoded)?);
        }
    }
    fed?;
    job.stop_for_new(&decoder.new_fields())
}

/// Puts the decoder's columns into the order of the schema, and bad records where they belong.
fn part(job: &FileJob<'_>, corrupt: &Corrupt, decoded: Decoded) -> Result<Part, SourceError> {
    let internal = |error: arrow_schema::ArrowError| SourceError::Internal(error.to_string());
    let mut batch = decoded.batch;
    let mut bad_rows: Vec<BadRow> = decoded
        .bad_records
        .into_iter()
        .map(|bad| bad_row(job, bad))
        .collect();
    if corrupt.diverted {
        let texts = batch
            .columns()
            .last()
            .and_then(|column| column.as_string_opt::<i32>())
            .cloned();
        if let Some(texts) = texts.filter(|texts| texts.null_count() < texts.len()) {
            bad_rows = whole_rows(job, &texts, &bad_rows);
            batch = filter_record_batch(
                &batch,
                &arrow_array::BooleanArray::from_iter(
                    (0..texts.len()).map(|row| Some(texts.is_null(row))),
                ),
            )
            .map_err(internal)?;
        }
    }
    let decoded_count = decoded_columns(job).len();
    let mut columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .take(decoded_count)
        .cloned()
        .collect();
    let mut fields: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .take(decoded_count)
        .cloned()
        .collect();
    if let Some(position) = job
        .schema
        .data
        .iter()
        .position(|field| job.schema.corrupt.as_ref() == Some(&field.name))
    {
        let column = batch
            .columns()
            .last()
            .cloned()
            .ok_or_else(|| SourceError::Internal("no corrupt record column".into()))?;
        columns.insert(position, column);
        fields.insert(
            position,
            SparkField::new(&job.schema.data[position].name, SparkType::String)
                .to_arrow()
                .into(),
        );
    }
    if let Some(name) = &job.schema.rescued {
        let column = batch
            .columns()
            .get(decoded_count)
            .cloned()
            .ok_or_else(|| SourceError::Internal("no rescued data column".into()))?;
        columns.push(column);
        fields.push(SparkField::new(name, SparkType::String).to_arrow().into());
    }
    let size = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch =
        RecordBatch::try_new_with_options(arrow_schema::Schema::new(fields).into(), columns, &size)
            .map_err(internal)?;
    Ok(Part {
        batch,
        bad_records: decoded.bad_count,
        bad_rows,
    })
}

fn bad_row(job: &FileJob<'_>, bad: BadRecord) -> BadRow {
    BadRow {
        path: job.shown.to_string(),
        line: bad.line,
        reason: bad.reason,
        record: bad.text,
    }
}

/// All bad records with their whole text; place and reason as far as the decoder kept them.
fn whole_rows(
    job: &FileJob<'_>,
    texts: &arrow_array::StringArray,
    known: &[BadRow],
) -> Vec<BadRow> {
    let mut known = known.iter();
    texts
        .iter()
        .flatten()
        .map(|text| {
            let place = known.next();
            BadRow {
                path: job.shown.to_string(),
                line: place.map_or(0, |place| place.line),
                reason: place.map_or_else(
                    || "it does not fit".to_string(),
                    |place| place.reason.clone(),
                ),
                record: text.to_string(),
            }
        })
        .collect()
}

/// A decoder's error with its file.
pub(super) fn of_decode(
    options: &ReadFilesOptions,
    shown: &str,
    error: DecodeError,
) -> SourceError {
    let path = shown.to_string();
    match error {
        DecodeError::Malformed(bad) => SourceError::Malformed {
            path,
            reason: format!("line {}: {}", bad.line, bad.reason),
        },
        DecodeError::Limit { .. } => SourceError::TooLarge {
            path,
            reason: error.to_string(),
        },
        DecodeError::Internal(reason) => SourceError::Internal(reason),
        DecodeError::Option { ref name, .. } => {
            let refused =
                Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, error.to_string());
            SourceError::Refused(Box::new(match options.origins.of(name) {
                Some(origin) => refused.at(origin, ""),
                None => refused,
            }))
        }
        DecodeError::Type { .. } => {
            let refused =
                Diagnostic::error(&condition::READ_FILES_UNSUPPORTED_OPTION, error.to_string());
            SourceError::Refused(Box::new(match options.origins.of("schema") {
                Some(origin) => refused.at(origin, ""),
                None => refused,
            }))
        }
    }
}
