//! `text`: one row per line, or per file with `wholeText`.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use sluice_model::SparkField;
use sluice_model::limits::WHOLE_FILE_BYTES_MAX;

use super::bytes::{Chunks, read_whole, to_text, unpack};
use super::{FileJob, Part, Payload, Sink};
use crate::SourceError;

pub(super) fn decode(
    job: &FileJob<'_>,
    payload: Payload,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    let options = &job.options.format_options;
    let reader = unpack(payload, job.file.name(), job.shown)?;
    if options.whole_text {
        let whole = read_whole(reader, job.shown, "text", WHOLE_FILE_BYTES_MAX)?;
        let mut values = StringBuilder::new();
        values.append_value(to_text(&whole, options.encoding));
        sink(Part::good(batch(job, &mut values)?));
        return Ok(());
    }
    let separator = options.line_separator.as_deref();
    let mut chunks = Chunks::new(reader, separator, job.shown, "text");
    let mut values = StringBuilder::new();
    let mut rows = 0;
    while let Some(chunk) = chunks.next()? {
        let text = to_text(chunk, options.encoding);
        for line in lines(&text, separator) {
            values.append_value(line);
            rows += 1;
            if rows == job.batch_rows {
                rows = 0;
                // The next batch will be about as large: room for it at once, not by doubling.
                let bytes = values.values_slice().len();
                if !sink(Part::good(batch(job, &mut values)?)) {
                    return Ok(());
                }
                values = StringBuilder::with_capacity(job.batch_rows, bytes + bytes / 8);
            }
        }
    }
    if rows > 0 {
        sink(Part::good(batch(job, &mut values)?));
    }
    Ok(())
}

fn batch(job: &FileJob<'_>, values: &mut StringBuilder) -> Result<RecordBatch, SourceError> {
    let array = Arc::new(values.finish());
    let rows = array.len();
    let schema = Arc::new(Schema::new(
        job.schema
            .data
            .iter()
            .map(SparkField::to_arrow)
            .collect::<Vec<_>>(),
    ));
    let columns = if job.schema.data.is_empty() {
        vec![]
    } else {
        vec![array as _]
    };
    RecordBatch::try_new_with_options(
        schema,
        columns,
        &RecordBatchOptions::new().with_row_count(Some(rows)),
    )
    .map_err(|error| SourceError::Internal(error.to_string()))
}

/// Lines without their ends: `\n`, `\r\n` and `\r` unless a separator is given. No row follows the last end.
pub(crate) fn lines<'a>(
    text: &'a str,
    separator: Option<&'a str>,
) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    if let Some(separator) = separator {
        return Box::new(
            text.strip_suffix(separator)
                .unwrap_or(text)
                .split(separator)
                .take(if text.is_empty() { 0 } else { usize::MAX }),
        );
    }
    let mut rest = text;
    Box::new(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail
            .strip_prefix("\r\n")
            .or_else(|| tail.get(1..))
            .unwrap_or_default();
        Some(line)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_any_of_three_ways_or_at_the_separator() {
        for (text, separator, expected) in [
            ("a\nb\r\nc\rd", None, &["a", "b", "c", "d"][..]),
            ("a\n\n", None, &["a", ""]),
            ("", None, &[]),
            ("", Some("|"), &[]),
            ("a|b|", Some("|"), &["a", "b"]),
            ("a\n|", Some("|"), &["a\n"]),
            ("|", Some("|"), &[""]),
        ] {
            assert_eq!(
                lines(text, separator).collect::<Vec<_>>(),
                expected,
                "{text:?} {separator:?}"
            );
        }
    }
}
