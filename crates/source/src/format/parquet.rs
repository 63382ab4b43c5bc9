//! Parquet files: columns by name, whatever their order.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Fields, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use parquet::file::reader::ChunkReader;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use sluice_model::limits::{PARQUET_FOOTER_BYTES_MAX, WHOLE_FILE_BYTES_MAX};
use sluice_model::{SparkField, SparkType};

use super::bytes::read_whole;
use super::fit::Fitting;
use super::{FileJob, Part, Payload, Sink, found_columns, known_columns};
use crate::SourceError;

const FORMAT: &str = "parquet";

pub(super) fn decode(
    job: &FileJob<'_>,
    payload: Payload,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    match payload {
        Payload::Disk(mut file) => {
            check_footer(&mut file, job)?;
            decode_chunks(job, file, sink)
        }
        arriving @ Payload::Arriving(..) => decode_chunks(
            job,
            Bytes::from(read_whole(
                arriving.into_read(),
                job.shown,
                FORMAT,
                WHOLE_FILE_BYTES_MAX,
            )?),
            sink,
        ),
    }
}

/// The columns of a file, as Spark sees them.
pub(crate) fn columns(payload: Payload, shown: &str) -> Result<Vec<SparkField>, SourceError> {
    let damaged = |error: parquet::errors::ParquetError| footer(shown, &error);
    let metadata = match payload {
        Payload::Disk(file) => ArrowReaderMetadata::load(&file, options()).map_err(damaged)?,
        arriving @ Payload::Arriving(..) => {
            let bytes = Bytes::from(read_whole(
                arriving.into_read(),
                shown,
                FORMAT,
                WHOLE_FILE_BYTES_MAX,
            )?);
            ArrowReaderMetadata::load(&bytes, options()).map_err(damaged)?
        }
    };
    let fields = as_spark_reads(metadata.schema().fields(), metadata.parquet_schema());
    found_columns(&fields, shown)
}

fn options() -> ArrowReaderOptions {
    // Spark does not know the Arrow schema that Arrow writers embed.
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

fn decode_chunks<C: ChunkReader + 'static>(
    job: &FileJob<'_>,
    chunks: C,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    let metadata =
        ArrowReaderMetadata::load(&chunks, options()).map_err(|error| footer(job.shown, &error))?;
    let fields = as_spark_reads(metadata.schema().fields(), metadata.parquet_schema());
    let metadata = if fields == *metadata.schema().fields() {
        metadata
    } else {
        let schema = Arc::new(Schema::new(fields.clone()));
        ArrowReaderMetadata::try_new(
            Arc::clone(metadata.metadata()),
            options().with_schema(schema),
        )
        .map_err(|error| footer(job.shown, &error))?
    };
    job.stop_for_new(&known_columns(&fields))?;
    let fitting = Fitting::new(job, &fields)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, metadata)
        .with_batch_size(job.batch_rows)
        .build()
        .map_err(|error| job.corrupt(error.to_string()))?;
    for batch in reader {
        let fitted = batch
            .and_then(|batch| fitting.apply(&batch))
            .map_err(|error| job.corrupt(error.to_string()))?;
        if !sink(Part::good(fitted)) {
            return Ok(());
        }
    }
    Ok(())
}

/// Spark takes INT96 for an instant, at any depth; Arrow takes it for a time without zone.
fn as_spark_reads(fields: &Fields, parquet: &SchemaDescriptor) -> Fields {
    let is_int96 = |column: &ColumnDescPtr| column.physical_type() == PhysicalType::INT96;
    if !parquet.columns().iter().any(is_int96) {
        return fields.clone();
    }
    // Both list the leaves in the same order.
    let mut leaves = parquet.columns().iter().map(is_int96);
    fields
        .iter()
        .map(|field| with_instants(field, &mut leaves))
        .collect()
}

fn with_instants(field: &FieldRef, leaves: &mut dyn Iterator<Item = bool>) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| with_instants(field, leaves))
                .collect(),
        ),
        DataType::List(element) => DataType::List(with_instants(element, leaves)),
        DataType::Map(entries, sorted) => DataType::Map(with_instants(entries, leaves), *sorted),
        _ if leaves.next() == Some(true) => SparkType::Timestamp.to_arrow(),
        other => other.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn check_footer(file: &mut File, job: &FileJob<'_>) -> Result<(), SourceError> {
    let mut tail = [0_u8; 8];
    let read = file
        .seek(SeekFrom::End(-8))
        .and_then(|_| file.read_exact(&mut tail))
        .and_then(|()| file.rewind());
    if read.is_err() {
        return Err(job.corrupt("it has no footer: it is too short"));
    }
    let [a, b, c, d, magic @ ..] = tail;
    if magic != *b"PAR1" {
        return Err(
            job.corrupt("it has no footer: it is cut off, still being written, or no Parquet file")
        );
    }
    if u64::from(u32::from_le_bytes([a, b, c, d])) > PARQUET_FOOTER_BYTES_MAX {
        return Err(SourceError::TooLarge {
            path: job.shown.to_string(),
            reason: format!(
                "its footer is larger than {} MiB",
                PARQUET_FOOTER_BYTES_MAX >> 20
            ),
        });
    }
    Ok(())
}

fn footer(shown: &str, error: &parquet::errors::ParquetError) -> SourceError {
    SourceError::Corrupt {
        path: shown.to_string(),
        format: FORMAT,
        reason: format!("its footer cannot be read: {error}"),
    }
}
