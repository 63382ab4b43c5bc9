//! Inference of columns from records, file by file.

use sluice_decode::csv::CsvInference;
use sluice_decode::json::Inference;
use sluice_model::SparkField;

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
        match self {
            Self::Json(inference) => json::learn(
                inference,
                &options.format_options,
                payload,
                name,
                shown,
                budget,
            ),
            Self::Csv(inference) => csv::learn(
                inference,
                &options.format_options,
                payload,
                name,
                shown,
                budget,
            ),
        }
    }

    pub(crate) fn finish(self) -> Vec<SparkField> {
        match self {
            Self::Json(inference) => inference.finish(),
            Self::Csv(inference) => inference.finish(),
        }
    }
}
