//! Formats: from the bytes of one file to batches of the columns that a schema names. One file per format.
//! Must not know folders, listings or partition columns.

mod avro;
mod binary;
mod bytes;
mod csv;
mod fit;
mod json;
mod learn;
mod parquet;
mod record;
mod rescue;
mod text;

use arrow_array::RecordBatch;
use arrow_schema::Fields;
use sluice_model::SparkField;

pub(crate) use binary::columns as binary_columns;
pub(crate) use bytes::Payload;
pub(crate) use learn::Learner;

use crate::files::{BadRow, FileEntry, SourceSchema};
use crate::option::{FileFormat, ReadFilesOptions};
use crate::{NewColumns, SourceError};

/// One file to decode, with everything that decides how.
pub(crate) struct FileJob<'a> {
    /// The version that was planned.
    pub file: &'a FileEntry,
    /// Its path as shown to users.
    pub shown: &'a str,
    /// The columns to give.
    pub schema: &'a SourceSchema,
    /// The options of the call.
    pub options: &'a ReadFilesOptions,
    /// The session's time zone.
    pub time_zone: &'a str,
    /// Rows per batch to aim for.
    pub batch_rows: usize,
}

/// Some rows of a file.
pub(crate) struct Part {
    /// The columns of `schema.data` in order, then the rescued data column if the schema has one.
    pub batch: RecordBatch,
    /// Bad records among or beside them.
    pub bad_records: u64,
    /// Lines with something behind their record, which was left out.
    pub ignored_tails: u64,
    /// Bad records one by one: the first ones, or all of them where `badRecordsPath` asks for it.
    pub bad_rows: Vec<BadRow>,
}

impl Part {
    pub(crate) fn good(batch: RecordBatch) -> Self {
        Self {
            batch,
            bad_records: 0,
            ignored_tails: 0,
            bad_rows: vec![],
        }
    }
}

/// Where parts go; `false` says that nobody wants more.
pub(crate) type Sink<'a> = dyn FnMut(Part) -> bool + 'a;

/// Decodes one file into parts, in order.
pub(crate) fn decode(
    job: &FileJob<'_>,
    payload: Payload,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    match job.schema.format {
        FileFormat::Text => text::decode(job, payload, sink),
        FileFormat::BinaryFile => binary::decode(job, payload, sink),
        FileFormat::Parquet => parquet::decode(job, payload, sink),
        FileFormat::Avro => avro::decode(job, payload, sink),
        FileFormat::Json => json::decode(job, payload, sink),
        FileFormat::Csv => csv::decode(job, payload, sink),
    }
}

/// The columns that one file brings, as Spark sees them: what inference starts from.
pub(crate) fn columns(
    format: FileFormat,
    payload: Payload,
    shown: &str,
) -> Result<Vec<SparkField>, SourceError> {
    match format {
        FileFormat::Parquet => parquet::columns(payload, shown),
        FileFormat::Avro => avro::columns(payload, shown),
        other => Err(SourceError::Internal(format!(
            "{} files do not tell their columns",
            other.name()
        ))),
    }
}

/// The fields of a file as Spark's; a type that Spark does not know is an error.
fn found_columns(fields: &Fields, shown: &str) -> Result<Vec<SparkField>, SourceError> {
    fields
        .iter()
        .map(|field| {
            SparkField::from_arrow(field).ok_or_else(|| SourceError::NoSchema {
                path: shown.to_string(),
                reason: format!(
                    "column `{}` is of type {}, which Spark does not have",
                    field.name(),
                    field.data_type()
                ),
            })
        })
        .collect()
}

/// The fields of a file as far as Spark knows their types.
fn known_columns(fields: &Fields) -> Vec<SparkField> {
    fields
        .iter()
        .filter_map(|field| SparkField::from_arrow(field))
        .collect()
}

impl FileJob<'_> {
    /// The file is damaged.
    pub(crate) fn corrupt(&self, reason: impl Into<String>) -> SourceError {
        SourceError::Corrupt {
            path: self.shown.to_string(),
            format: self.schema.format.name(),
            reason: reason.into(),
        }
    }

    /// Stops for columns that the schema does not know, if the evolution mode says so.
    pub(crate) fn stop_for_new(&self, found: &[SparkField]) -> Result<(), SourceError> {
        match self.schema.new_columns(found, self.options) {
            Some(wider) => Err(SourceError::NewColumns(Box::new(NewColumns {
                path: self.file.path.clone(),
                columns: self.schema.added_in(&wider),
                wider: Some(wider.to_stored()),
            }))),
            None => Ok(()),
        }
    }
}
