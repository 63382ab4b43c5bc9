//! CSV files.

use sluice_decode::csv::{CsvDecoder, CsvInference, CsvOptions};
use sluice_decode::{DecodeError, Decoded};
use sluice_model::SparkField;

use super::json::{pattern, zone};
use super::record::{self, Corrupt, RecordDecoder, of_decode, parse_mode};
use super::{FileJob, Payload, Sink};
use crate::SourceError;
use crate::option::ReadFilesOptions;

impl RecordDecoder for CsvDecoder {
    fn start_file(&mut self, path: &str) {
        Self::start_file(self, path);
    }

    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
        Self::push(self, bytes)
    }

    fn finish(&mut self) -> Result<Vec<Decoded>, DecodeError> {
        Self::finish(self)
    }

    fn new_fields(&self) -> Vec<SparkField> {
        Self::new_fields(self)
    }
}

pub(super) fn decode(
    job: &FileJob<'_>,
    payload: Payload,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    let refused = |error| of_decode(job.options, job.shown, error);
    let mut options = options(job.options, job.time_zone).map_err(refused)?;
    options.mode = parse_mode(job);
    options.rescued_column.clone_from(&job.schema.rescued);
    options.corrupt_column = Corrupt::of(job).column;
    options.learn_new_fields = job.options.stops_for_new_columns();
    options.batch_rows = job.batch_rows;
    let mut decoder = CsvDecoder::new(&record::decoded_columns(job), options).map_err(refused)?;
    record::decode(job, payload, &mut decoder, sink)
}

/// An inference of columns that is fed file by file.
pub(super) fn inference(
    options: &ReadFilesOptions,
    time_zone: &str,
) -> Result<CsvInference, DecodeError> {
    Ok(CsvInference::new(self::options(options, time_zone)?))
}

/// Spark's options for the decoder.
fn options(options: &ReadFilesOptions, time_zone: &str) -> Result<CsvOptions, DecodeError> {
    let format = &options.format_options;
    let mut out = CsvOptions {
        separator: format.separator.clone(),
        quote: format.quote,
        escape: format.escape,
        comment: format.comment,
        header: format.header,
        enforce_schema: format.enforce_schema,
        null_value: format.null_value.clone(),
        empty_value: format.empty_value.clone(),
        nan_value: format.nan_value.clone(),
        positive_infinity: format.positive_inf.clone(),
        negative_infinity: format.negative_inf.clone(),
        multi_line: format.multi_line,
        trim_start: format.ignore_leading_white_space,
        trim_end: format.ignore_trailing_white_space,
        skip_rows: format.skip_rows as u64,
        max_columns: format.max_columns,
        max_chars_per_column: format.max_chars_per_column,
        timestamp_format: pattern("timestampFormat", format.timestamp_format.as_deref())?,
        timestamp_ntz_format: pattern(
            "timestampNTZFormat",
            format.timestamp_ntz_format.as_deref(),
        )?,
        date_format: pattern("dateFormat", format.date_format.as_deref())?,
        time_zone: zone(format, time_zone)?,
        case_sensitive: format.case_sensitive,
        infer_column_types: options.infer_column_types,
        ..CsvOptions::default()
    };
    if let Some(separator) = &format.line_separator {
        out.set("lineSep", separator)?;
    }
    Ok(out)
}
