//! The columns of a stream and the batches made of its records. Must not know where records come from.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sluice_model::SparkType;

use crate::SourceError;

/// Rows of one batch; the engine's operators work on pieces of about this size.
const BATCH_ROWS_MAX: usize = 8192;
/// Payload of one batch: keeps offsets within Arrow's 32 bits and a batch of large records small.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// The columns, in Databricks' order and with its names; all may be NULL, as columns of a Spark source are.
pub(super) fn fields(has_sub_sequence_number: bool) -> Vec<Field> {
    let timestamp = SparkType::Timestamp.to_arrow();
    let mut fields = vec![
        Field::new("partitionKey", DataType::Utf8, true),
        Field::new("data", DataType::Binary, true),
        Field::new("stream", DataType::Utf8, true),
        Field::new("shardId", DataType::Utf8, true),
        Field::new("sequenceNumber", DataType::Utf8, true),
        Field::new("approximateArrivalTimestamp", timestamp, true),
    ];
    if has_sub_sequence_number {
        fields.push(Field::new("subSequenceNumber", DataType::Int64, true));
    }
    fields
}

/// One row before it is a row.
pub(super) struct Row<'a> {
    pub(super) partition_key: &'a str,
    pub(super) data: &'a [u8],
    pub(super) sequence_number: &'a str,
    pub(super) arrival_us: Option<i64>,
    /// Place inside an aggregated record, from 0; 0 for a plain one.
    pub(super) sub_sequence_number: i64,
}

/// Collects the rows of one shard into batches.
pub(super) struct Rows {
    schema: SchemaRef,
    stream: String,
    shard: String,
    partition_keys: StringBuilder,
    data: BinaryBuilder,
    sequence_numbers: StringBuilder,
    arrivals: TimestampMicrosecondBuilder,
    sub_sequence_numbers: Int64Builder,
    count: usize,
    bytes: usize,
    done: Vec<RecordBatch>,
}

impl Rows {
    pub(super) fn new(stream: &str, shard: &str, has_sub_sequence_number: bool) -> Self {
        Self {
            schema: Arc::new(Schema::new(fields(has_sub_sequence_number))),
            stream: stream.to_owned(),
            shard: shard.to_owned(),
            partition_keys: StringBuilder::new(),
            data: BinaryBuilder::new(),
            sequence_numbers: StringBuilder::new(),
            arrivals: TimestampMicrosecondBuilder::new(),
            sub_sequence_numbers: Int64Builder::new(),
            count: 0,
            bytes: 0,
            done: vec![],
        }
    }

    pub(super) fn push(&mut self, row: &Row<'_>) -> Result<(), SourceError> {
        if self.count >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX {
            self.finish_batch()?;
        }
        self.partition_keys.append_value(row.partition_key);
        self.data.append_value(row.data);
        self.sequence_numbers.append_value(row.sequence_number);
        self.arrivals.append_option(row.arrival_us);
        self.sub_sequence_numbers
            .append_value(row.sub_sequence_number);
        self.count += 1;
        self.bytes += row.data.len() + row.partition_key.len() + row.sequence_number.len();
        Ok(())
    }

    /// All batches, in order.
    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>, SourceError> {
        self.finish_batch()?;
        Ok(self.done)
    }

    fn finish_batch(&mut self) -> Result<(), SourceError> {
        if self.count == 0 {
            return Ok(());
        }
        let same = |text: &str| -> ArrayRef {
            Arc::new(arrow_array::StringArray::from_iter_values(
                std::iter::repeat_n(text, self.count),
            ))
        };
        let (stream, shard) = (same(&self.stream), same(&self.shard));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.partition_keys.finish()),
            Arc::new(self.data.finish()),
            stream,
            shard,
            Arc::new(self.sequence_numbers.finish()),
            Arc::new(self.arrivals.finish().with_timezone("UTC")),
        ];
        let sub_sequence_numbers = self.sub_sequence_numbers.finish();
        if self.schema.fields().len() > columns.len() {
            columns.push(Arc::new(sub_sequence_numbers));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| SourceError::Internal(error.to_string()))?;
        self.done.push(batch);
        (self.count, self.bytes) = (0, 0);
        Ok(())
    }
}
