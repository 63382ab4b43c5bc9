//! Inference of columns from records, file by file.

use sluice_decode::csv::CsvInference;
use sluice_decode::json::Inference;
use sluice_model::SparkField;
use sluice_model::limits::{LINE_BYTES_MAX, WHOLE_FILE_BYTES_MAX};

use super::bytes::{Chunks, as_utf8, read_whole, unpack};
use super::record::of_decode;
use super::{Payload, csv, json};
use crate::SourceError;
use crate::option::{FileFormat, ReadFilesOptions};

/// Learns the columns of a source from a sample of its files.
pub(crate) enum Learner {
    /// From JSON records.
    Json(Box<Inference>),
    /// From CSV records.
    Csv(Box<CsvInference>),
}

impl Learner {
    pub(crate) fn new(
        format: FileFormat,
        options: &ReadFilesOptions,
        time_zone: &str,
        path: &str,
    ) -> Result<Self, SourceError> {
        match format {
            FileFormat::Json => json::inference(options, time_zone)
                .map(|inference| Self::Json(Box::new(inference)))
                .map_err(|error| of_decode(options, path, error)),
            FileFormat::Csv => csv::inference(options, time_zone)
                .map(|inference| Self::Csv(Box::new(inference)))
                .map_err(|error| of_decode(options, path, error)),
            other => Err(SourceError::NoSchema {
                path: path.to_string(),
                reason: format!("{} files do not tell their columns", other.name()),
            }),
        }
    }

    /// Learns from at most `budget` bytes of a file; gives back what is left of the budget.
    pub(crate) fn learn(
        &mut self,
        options: &ReadFilesOptions,
        payload: Payload,
        name: &str,
        shown: &str,
        budget: u64,
    ) -> Result<u64, SourceError> {
        let options = &options.format_options;
        let reader = unpack(payload, name, shown)?;
        let (format, whole_max) = match self {
            Self::Json(_) => ("json", LINE_BYTES_MAX as u64),
            Self::Csv(inference) => {
                inference.start_file();
                ("csv", WHOLE_FILE_BYTES_MAX)
            }
        };
        if options.multi_line {
            let whole = read_whole(reader, shown, format, whole_max)?;
            let left = budget.saturating_sub(whole.len() as u64);
            let whole = as_utf8(&whole, options.encoding);
            self.push(
                whole
                    .strip_prefix(b"\xEF\xBB\xBF".as_slice())
                    .unwrap_or(&whole),
            );
            return Ok(left);
        }
        let mut left = budget;
        let mut chunks = Chunks::new(reader, None, shown, format).without_overlong_lines();
        while left > 0 {
            let Some(chunk) = chunks.next()? else { break };
            left = left.saturating_sub(chunk.len() as u64);
            let text = as_utf8(chunk, options.encoding);
            self.push(&text);
        }
        Ok(left)
    }

    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Json(inference) => inference.push_lines(bytes),
            Self::Csv(inference) => inference.push(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<SparkField> {
        match self {
            Self::Json(inference) => inference.finish(),
            Self::Csv(inference) => inference.finish(),
        }
    }
}
