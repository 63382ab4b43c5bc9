//! JSON and CSV: feeds the bytes of a file to a decoder of records, and turns what comes back into parts.

use std::io::Read;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::ArrowError;
use arrow_select::filter::filter_record_batch;
use sluice_decode::{BadRecord, DecodeError, Decoded};
use sluice_model::condition::source as condition;
use sluice_model::{Diagnostic, SparkField};

use super::bytes::{CHUNK_BYTES, of_io, unpack};
use super::{FileJob, Part, Payload, Sink};
use crate::SourceError;
use crate::files::BadRow;
use crate::option::{Encoding, ParseMode, ReadFilesOptions};

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
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    let mut first = true;
    loop {
        buffer.clear();
        reader
            .by_ref()
            .take(CHUNK_BYTES as u64)
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

/// One batch of the decoder as a part of the file.
fn part(job: &FileJob<'_>, corrupt: &Corrupt, decoded: Decoded) -> Result<Part, SourceError> {
    let (bad_records, ignored_tails) = (decoded.bad_count, decoded.ignored_tails);
    let known = decoded
        .bad_records
        .into_iter()
        .map(|bad| bad_row(job, bad))
        .collect();
    let (batch, bad_rows) = if corrupt.diverted {
        divert(job, decoded.batch, known)?
    } else {
        (decoded.batch, known)
    };
    Ok(Part {
        batch: in_schema_order(job, &batch)?,
        bad_records,
        ignored_tails,
        bad_rows,
    })
}

/// Takes the rows of bad records out of a batch; their texts are in its last column.
fn divert(
    job: &FileJob<'_>,
    batch: RecordBatch,
    known: Vec<BadRow>,
) -> Result<(RecordBatch, Vec<BadRow>), SourceError> {
    let texts = batch
        .columns()
        .last()
        .and_then(|column| column.as_string_opt::<i32>());
    let Some(texts) = texts.filter(|texts| texts.null_count() < texts.len()) else {
        return Ok((batch, known));
    };
    let bad_rows = whole_rows(job, texts, &known);
    let good: BooleanArray = (0..texts.len())
        .map(|row| Some(texts.is_null(row)))
        .collect();
    let kept = filter_record_batch(&batch, &good)
        .map_err(|error| SourceError::Internal(error.to_string()))?;
    Ok((kept, bad_rows))
}

/// Puts the decoder's columns into the order of the schema: it gives rescued data and bad records last.
fn in_schema_order(job: &FileJob<'_>, batch: &RecordBatch) -> Result<RecordBatch, SourceError> {
    let internal = |error: ArrowError| SourceError::Internal(error.to_string());
    let last = batch.num_columns().saturating_sub(1);
    let mut decoded = 0..batch.num_columns();
    let mut order: Vec<usize> = vec![];
    for field in &job.schema.data {
        let is_corrupt = job.schema.corrupt.as_ref() == Some(&field.name);
        order.extend(if is_corrupt {
            Some(last)
        } else {
            decoded.next()
        });
    }
    order.extend(job.schema.rescued.as_ref().and_then(|_| decoded.next()));
    batch.project(&order).map_err(internal)
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
