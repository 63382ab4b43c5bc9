//! JSON files: lines, or one document per file with `multiLine`.

use sluice_decode::datetime::{Pattern, Zone};
use sluice_decode::json::{Grammar, Inference, JsonDecoder, JsonOptions};
use sluice_decode::{DecodeError, Decoded};
use sluice_model::SparkField;

use super::record::{self, Corrupt, RecordDecoder, of_decode, parse_mode};
use super::{FileJob, Payload, Sink};
use crate::SourceError;
use crate::option::{FormatOptions, ReadFilesOptions};

impl RecordDecoder for JsonDecoder {
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
    let mut options = options(job.options, job.time_zone)
        .map_err(|error| of_decode(job.options, job.shown, error))?;
    options.mode = parse_mode(job);
    options.rescued_column.clone_from(&job.schema.rescued);
    options.corrupt_column = Corrupt::of(job).column;
    options.learn_new_fields = job.options.stops_for_new_columns();
    options.batch_rows = job.batch_rows;
    let mut decoder = JsonDecoder::new(&record::decoded_columns(job), options)
        .map_err(|error| of_decode(job.options, job.shown, error))?;
    record::decode(job, payload, &mut decoder, sink)
}

/// An inference of columns that is fed file by file.
pub(crate) fn inference(
    options: &ReadFilesOptions,
    time_zone: &str,
) -> Result<Inference, DecodeError> {
    Ok(Inference::new(self::options(options, time_zone)?))
}

/// Spark's options for the decoder.
fn options(options: &ReadFilesOptions, time_zone: &str) -> Result<JsonOptions, DecodeError> {
    let format = &options.format_options;
    let mut out = JsonOptions {
        multi_line: format.multi_line,
        time_zone: zone(format, time_zone)?,
        date_format: pattern("dateFormat", format.date_format.as_deref())?,
        timestamp_format: pattern("timestampFormat", format.timestamp_format.as_deref())?,
        timestamp_ntz_format: pattern(
            "timestampNTZFormat",
            format.timestamp_ntz_format.as_deref(),
        )?,
        case_sensitive: format.case_sensitive,
        primitives_as_string: format.primitives_as_string,
        prefers_decimal: format.prefers_decimal,
        infer_timestamp: format.infer_timestamp.unwrap_or(false),
        infer_column_types: options.infer_column_types,
        drop_field_if_all_null: format.drop_field_if_all_null,
        grammar: Grammar {
            comments: format.allow_comments,
            single_quotes: format.allow_single_quotes,
            unquoted_names: format.allow_unquoted_field_names,
            non_numeric_numbers: format.allow_non_numeric_numbers,
            any_escape: format.allow_backslash_escaping_any_character,
            control_characters: format.allow_unquoted_control_chars,
            leading_zeros: format.allow_numeric_leading_zeros,
        },
        ..JsonOptions::default()
    };
    if let Some(separator) = &format.line_separator {
        out.set("lineSep", separator)?;
    }
    Ok(out)
}

/// The time zone that an option or the session names.
pub(super) fn zone(format: &FormatOptions, session: &str) -> Result<Zone, DecodeError> {
    let name = format.time_zone.as_deref().unwrap_or(session);
    Zone::parse(name).ok_or_else(|| DecodeError::Option {
        name: "timeZone".into(),
        reason: format!("`{name}` is no time zone"),
    })
}

/// A pattern that an option holds.
pub(super) fn pattern(name: &str, text: Option<&str>) -> Result<Option<Pattern>, DecodeError> {
    let parse = |text| {
        Pattern::new(text).map_err(|error| DecodeError::Option {
            name: name.into(),
            reason: error.to_string(),
        })
    };
    text.map(parse).transpose()
}
