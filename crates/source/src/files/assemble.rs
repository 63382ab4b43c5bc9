//! From the columns of a file to the columns of a source: partition values, `_metadata`, batches of a fair size.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StructArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use sluice_decode::cast::{CastMode, cast};
use sluice_model::{SparkField, SparkType};

use super::schema::metadata_fields;
use super::{FileEntry, SourceSchema, partition};
use crate::SourceError;

/// Adds to each batch of one file what is the same for all its rows.
pub(super) struct Assembler {
    schema: SchemaRef,
    data_columns: usize,
    rescued: bool,
    /// One row each.
    partitions: Vec<ArrayRef>,
    metadata: Option<FileMetadata>,
}

struct FileMetadata {
    path: String,
    name: String,
    size: i64,
    modified_us: i64,
}

impl Assembler {
    pub(super) fn new(
        schema: &SourceSchema,
        metadata: bool,
        file: &FileEntry,
        shown: &str,
        folders: &[&str],
        time_zone: &str,
    ) -> Result<Self, SourceError> {
        let values = partition::values_of(folders);
        let partitions = schema
            .partitions
            .iter()
            .map(|field| {
                let value = values
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(&field.name))
                    .and_then(|(_, value)| value.as_deref());
                partition_value(field, value, shown, time_zone)
            })
            .collect::<Result<_, _>>()?;
        let metadata = metadata.then(|| FileMetadata {
            path: shown.to_string(),
            name: file.name().to_string(),
            size: i64::try_from(file.size).unwrap_or(i64::MAX),
            modified_us: file.modified_us,
        });
        Ok(Self {
            schema: schema.to_arrow(metadata.is_some()),
            data_columns: schema.data.len(),
            rescued: schema.rescued.is_some(),
            partitions,
            metadata,
        })
    }

    pub(super) fn assemble(&self, batch: &RecordBatch) -> Result<RecordBatch, SourceError> {
        let rows = batch.num_rows();
        let mut columns: Vec<ArrayRef> = batch
            .columns()
            .iter()
            .take(self.data_columns)
            .cloned()
            .collect();
        for value in &self.partitions {
            columns.push(repeated(value, rows)?);
        }
        if self.rescued {
            let rescued = batch.columns().get(self.data_columns).cloned();
            columns.push(
                rescued.unwrap_or_else(|| new_null_array(&SparkType::String.to_arrow(), rows)),
            );
        }
        if let Some(metadata) = &self.metadata {
            columns.push(Arc::new(metadata.repeated(rows)?));
        }
        RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &RecordBatchOptions::new().with_row_count(Some(rows)),
        )
        .map_err(|error| SourceError::Internal(error.to_string()))
    }
}

impl FileMetadata {
    fn repeated(&self, rows: usize) -> Result<StructArray, SourceError> {
        let text = |value: &str| {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                value, rows,
            ))) as ArrayRef
        };
        let number = |value: i64| Arc::new(Int64Array::from_value(value, rows)) as ArrayRef;
        let time = Arc::new(
            TimestampMicrosecondArray::from_value(self.modified_us, rows).with_timezone("UTC"),
        );
        let columns = vec![
            text(&self.path),
            text(&self.name),
            number(self.size),
            number(0),
            number(self.size),
            time as ArrayRef,
        ];
        StructArray::try_new(metadata_fields(), columns, None)
            .map_err(|error| SourceError::Internal(error.to_string()))
    }
}

/// The value of a partition folder as an array of one row.
fn partition_value(
    field: &SparkField,
    value: Option<&str>,
    shown: &str,
    time_zone: &str,
) -> Result<ArrayRef, SourceError> {
    let text: ArrayRef = Arc::new(StringArray::from(vec![value]));
    let cast = cast(&text, &field.data_type, CastMode::Try, time_zone)
        .map_err(|error| SourceError::Internal(error.to_string()))?;
    if value.is_some() && cast.is_null(0) {
        return Err(SourceError::TypeMismatch {
            path: shown.to_string(),
            column: field.name.clone(),
            found: "a folder name that does not fit".into(),
            expected: field.data_type.to_string(),
        });
    }
    Ok(cast)
}

fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef, SourceError> {
    let indices = arrow_array::UInt32Array::from_value(0, rows);
    arrow_select::take::take(value, &indices, None)
        .map_err(|error| SourceError::Internal(error.to_string()))
}

/// Puts small batches together until they have `rows` rows, so that a thousand small files are not a thousand batches.
pub(super) fn coalesce(
    batches: BoxStream<'static, Result<RecordBatch, SourceError>>,
    rows: usize,
) -> BoxStream<'static, Result<RecordBatch, SourceError>> {
    stream::unfold(
        (batches, vec![]),
        move |(mut batches, mut held): (_, Vec<RecordBatch>)| async move {
            loop {
                match batches.next().await {
                    Some(Ok(batch)) => {
                        held.push(batch);
                        if held.iter().map(RecordBatch::num_rows).sum::<usize>() >= rows {
                            return Some((joined(std::mem::take(&mut held)), (batches, held)));
                        }
                    }
                    Some(Err(error)) => return Some((Err(error), (batches, vec![]))),
                    None if held.is_empty() => return None,
                    None => return Some((joined(std::mem::take(&mut held)), (batches, held))),
                }
            }
        },
    )
    .boxed()
}

fn joined(mut batches: Vec<RecordBatch>) -> Result<RecordBatch, SourceError> {
    if batches.len() == 1 {
        return batches
            .pop()
            .ok_or_else(|| SourceError::Internal("no batch".into()));
    }
    let schema = batches
        .first()
        .map(RecordBatch::schema)
        .ok_or_else(|| SourceError::Internal("no batch".into()))?;
    concat_batches(&schema, &batches).map_err(|error| SourceError::Internal(error.to_string()))
}
