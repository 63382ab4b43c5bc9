//! Formats: from the bytes of one file to batches of the columns that a schema names. One file per format.
//! Must not know folders, listings or partition columns.

mod binary;
mod bytes;
mod text;

use arrow_array::RecordBatch;

pub(crate) use binary::columns as binary_columns;
pub(crate) use bytes::Payload;

use crate::SourceError;
use crate::files::{BadRow, FileEntry, SourceSchema};
use crate::option::{FileFormat, ReadFilesOptions};

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
    /// Bad records one by one: the first ones, or all of them where `badRecordsPath` asks for it.
    pub bad_rows: Vec<BadRow>,
}

impl Part {
    pub(crate) fn good(batch: RecordBatch) -> Self {
        Self {
            batch,
            bad_records: 0,
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
        other => Err(job.corrupt(format!("{} files are not read yet", other.name()))),
    }
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
}
