//! The durable list of the files that each micro-batch took: bytes in, rows out. Who stores them decides where.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use md5::{Digest, Md5};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::FileEntry;
use crate::SourceError;

/// A file and the micro-batch that took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFile {
    /// The micro-batch.
    pub batch: u64,
    /// The file, in the version that was taken.
    pub file: FileEntry,
}

/// A list as bytes, with what the plan of a micro-batch records about it.
#[derive(Debug, Clone)]
pub struct EncodedFileList {
    /// A Parquet file.
    pub bytes: Bytes,
    /// MD5 of the bytes, hexadecimal: guards against torn writes and mix-ups, not against attackers.
    pub digest: String,
    /// Files in the list.
    pub count: usize,
}

/// Encodes a list as Parquet. The same rows give the same bytes.
///
/// # Errors
/// The rows cannot be encoded, which would be a bug.
pub fn encode_file_list(rows: &[TakenFile]) -> Result<EncodedFileList, SourceError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("batch", DataType::UInt64, false),
        Field::new("path", DataType::Utf8, false),
        Field::new("size", DataType::UInt64, false),
        Field::new("modified_us", DataType::Int64, false),
        Field::new("etag", DataType::Utf8, true),
    ]));
    let tags: StringArray = rows.iter().map(|row| row.file.etag.as_deref()).collect();
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(UInt64Array::from_iter_values(
                rows.iter().map(|row| row.batch),
            )),
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|row| &row.file.path),
            )),
            Arc::new(UInt64Array::from_iter_values(
                rows.iter().map(|row| row.file.size),
            )),
            Arc::new(Int64Array::from_iter_values(
                rows.iter().map(|row| row.file.modified_us),
            )),
            Arc::new(tags),
        ],
    )
    .map_err(|error| SourceError::Internal(error.to_string()))?;
    let internal = |error: parquet::errors::ParquetError| SourceError::Internal(error.to_string());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("sluice".to_string())
        .build();
    let mut bytes = vec![];
    let mut writer =
        ArrowWriter::try_new(&mut bytes, schema, Some(properties)).map_err(internal)?;
    writer.write(&batch).map_err(internal)?;
    writer.close().map_err(internal)?;
    let digest = digest_of(&bytes);
    Ok(EncodedFileList {
        bytes: bytes.into(),
        digest,
        count: rows.len(),
    })
}

/// Decodes a list; `name` is for messages, `digest` is what the plan of the micro-batch recorded, if it did.
///
/// # Errors
/// [`SourceError::ListDamaged`] where the bytes are no list or do not match the digest.
pub fn decode_file_list(
    name: &str,
    bytes: Bytes,
    digest: Option<&str>,
) -> Result<Vec<TakenFile>, SourceError> {
    let damaged = |reason: String| SourceError::ListDamaged {
        name: name.to_string(),
        reason,
    };
    if let Some(expected) = digest {
        let found = digest_of(&bytes);
        if found != expected {
            return Err(damaged(format!(
                "its digest is {found}, recorded was {expected}"
            )));
        }
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| damaged(error.to_string()))?;
    let mut rows = vec![];
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        read_rows(&batch, &mut rows)
            .ok_or_else(|| damaged("its columns are not those of a list of files".into()))?;
    }
    Ok(rows)
}

fn read_rows(batch: &RecordBatch, rows: &mut Vec<TakenFile>) -> Option<()> {
    let batches = batch
        .column_by_name("batch")?
        .as_primitive_opt::<UInt64Type>()?;
    let paths = batch.column_by_name("path")?.as_string_opt::<i32>()?;
    let sizes = batch
        .column_by_name("size")?
        .as_primitive_opt::<UInt64Type>()?;
    let times = batch
        .column_by_name("modified_us")?
        .as_primitive_opt::<Int64Type>()?;
    let tags = batch.column_by_name("etag")?.as_string_opt::<i32>()?;
    rows.extend((0..batch.num_rows()).map(|row| TakenFile {
        batch: batches.value(row),
        file: FileEntry {
            path: paths.value(row).to_string(),
            size: sizes.value(row),
            modified_us: times.value(row),
            etag: tags.is_valid(row).then(|| tags.value(row).to_string()),
        },
    }));
    Some(())
}

/// Makes one list of several: by batch, then in the order taken; a file listed twice for a batch stays once.
#[must_use]
pub fn compact_file_lists(lists: impl IntoIterator<Item = Vec<TakenFile>>) -> Vec<TakenFile> {
    let mut all: Vec<TakenFile> = lists.into_iter().flatten().collect();
    all.sort_by_key(|row| row.batch);
    let keep: Vec<bool> = {
        let mut known = HashSet::with_capacity(all.len());
        all.iter()
            .map(|row| known.insert((row.batch, row.file.path.as_str())))
            .collect()
    };
    let mut keep = keep.into_iter();
    all.retain(|_| keep.next().unwrap_or(true));
    all
}

fn digest_of(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(batch: u64, path: &str) -> TakenFile {
        let etag = (batch == 1).then(|| "t".to_string());
        TakenFile {
            batch,
            file: FileEntry {
                path: path.into(),
                size: 7,
                modified_us: -5,
                etag,
            },
        }
    }

    #[test]
    fn lists_come_back_as_they_were() {
        for rows in [vec![], vec![taken(0, "a"), taken(1, "b é")]] {
            let encoded = encode_file_list(&rows).unwrap();
            assert_eq!(encoded.count, rows.len());
            assert_eq!(encoded.digest, encode_file_list(&rows).unwrap().digest);
            assert_eq!(
                decode_file_list("1", encoded.bytes, Some(&encoded.digest)).unwrap(),
                rows
            );
        }
    }

    #[test]
    fn damage_is_noticed() {
        let encoded = encode_file_list(&[taken(0, "a")]).unwrap();
        let mut flipped = encoded.bytes.to_vec();
        flipped[10] ^= 1;
        for (bytes, digest) in [
            (Bytes::from(flipped), Some(encoded.digest.as_str())),
            (encoded.bytes.slice(..encoded.bytes.len() - 3), None),
            (Bytes::new(), None),
        ] {
            let error = decode_file_list("7.parquet", bytes, digest).unwrap_err();
            assert!(
                matches!(&error, SourceError::ListDamaged { name, .. } if name == "7.parquet"),
                "{error}"
            );
        }
    }

    #[test]
    fn compaction_orders_by_batch_and_drops_repeats() {
        let rows = compact_file_lists([
            vec![taken(2, "c")],
            vec![taken(0, "b"), taken(0, "a")],
            vec![taken(0, "a")],
        ]);
        assert_eq!(rows, [taken(0, "b"), taken(0, "a"), taken(2, "c")]);
    }
}
