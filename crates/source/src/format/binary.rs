//! `binaryFile`: one row per file: path, modificationTime, length, content.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::Schema;
use sluice_model::limits::WHOLE_FILE_BYTES_MAX;
use sluice_model::{SparkField, SparkType};

use super::bytes::read_whole;
use super::{FileJob, Part, Payload, Sink};
use crate::SourceError;

/// The columns of the format.
pub(crate) fn columns() -> Vec<SparkField> {
    vec![
        SparkField::new("path", SparkType::String),
        SparkField::new("modificationTime", SparkType::Timestamp),
        SparkField::new("length", SparkType::Long),
        SparkField::new("content", SparkType::Binary),
    ]
}

pub(super) fn decode(
    job: &FileJob<'_>,
    payload: Payload,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    let mut columns: Vec<ArrayRef> = vec![];
    let mut payload = Some(payload);
    for field in &job.schema.data {
        columns.push(match field.name.as_str() {
            "path" => Arc::new(StringArray::from(vec![job.shown])),
            "modificationTime" => Arc::new(
                TimestampMicrosecondArray::from(vec![job.file.modified_us]).with_timezone("UTC"),
            ),
            "length" => Arc::new(Int64Array::from(vec![
                i64::try_from(job.file.size).unwrap_or(i64::MAX),
            ])),
            "content" => match payload.take() {
                // As they lie: a compressed file stays compressed.
                Some(payload) => Arc::new(BinaryArray::from(vec![
                    read_whole(
                        payload.into_read(),
                        job.shown,
                        "binaryFile",
                        WHOLE_FILE_BYTES_MAX,
                    )?
                    .as_slice(),
                ])),
                None => return Err(SourceError::Internal("two columns `content`".into())),
            },
            other => return Err(job.corrupt(format!(
                "the format has no column `{other}`; it has path, modificationTime, length, content"
            ))),
        });
    }
    let schema = Arc::new(Schema::new(
        job.schema
            .data
            .iter()
            .map(SparkField::to_arrow)
            .collect::<Vec<_>>(),
    ));
    let batch = RecordBatch::try_new_with_options(
        schema,
        columns,
        &RecordBatchOptions::new().with_row_count(Some(1)),
    )
    .map_err(|error| SourceError::Internal(error.to_string()))?;
    sink(Part::good(batch));
    Ok(())
}
