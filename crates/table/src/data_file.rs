//! One partition's rows to one Parquet file after another. Must not know partitions, only their values.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use deltalake::kernel::Add;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use tokio::sync::mpsc;

use crate::TableError;
use crate::location::Location;
use crate::sample;
use crate::stats::{self, FloatBounds};
use crate::store::Store;
use crate::text_bounds::{FileTexts, TextBounds};
use crate::write::WriteOptions;

/// Encodes the rows of one partition into one file after another.
pub(crate) struct FileTask {
    pub(crate) store: Store,
    pub(crate) location: Location,
    pub(crate) schema: SchemaRef,
    pub(crate) folder: Vec<String>,
    pub(crate) partition_values: HashMap<String, Option<String>>,
    pub(crate) options: WriteOptions,
    pub(crate) buffers: Arc<Buffers>,
}

struct CurrentFile {
    path: String,
    writer: AsyncArrowWriter<BufWriter>,
    floats: FloatBounds,
    texts: FileTexts,
    /// What this file has told the shared buffers.
    buffered: usize,
}

/// Bytes that all open files of a writer hold back together.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    held: AtomicUsize,
}

impl Buffers {
    /// Corrects what one file holds, and tells whether all together hold too much.
    fn hold(&self, told: &mut usize, now: usize) -> bool {
        let before = std::mem::replace(told, now);
        let held = if now >= before {
            self.held.fetch_add(now - before, Ordering::Relaxed) + (now - before)
        } else {
            self.held.fetch_sub(before - now, Ordering::Relaxed) - (before - now)
        };
        held > BUFFER_BYTES_MAX
    }
}

/// Beyond this, files write out what they hold, however small the row groups become.
const BUFFER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Rows of a row group at most: it is held in memory until it is whole, and once more while it is written out.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Bytes of a page before it is compressed: it is copied and compressed while it is still in the cache of a core.
const PAGE_BYTES: usize = 256 * 1024;
/// Bytes that go to the store at a time; smaller files go in one piece. S3 takes no smaller parts.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// Below this a row group is not worth being written on its own.
const ROW_GROUP_BYTES_MIN: usize = 1024 * 1024;

impl FileTask {
    pub(crate) async fn run(
        self,
        mut batches: mpsc::Receiver<RecordBatch>,
    ) -> Result<Vec<Add>, TableError> {
        let mut adds = vec![];
        let mut current: Option<CurrentFile> = None;
        let mut waiting: Vec<RecordBatch> = vec![];
        let mut waiting_rows = 0;
        while let Some(batch) = batches.recv().await {
            waiting_rows += batch.num_rows();
            waiting.push(batch);
            if waiting_rows >= BATCH_ROWS {
                waiting_rows = 0;
                self.encode(&mut current, std::mem::take(&mut waiting), &mut adds)
                    .await?;
            }
        }
        self.encode(&mut current, waiting, &mut adds).await?;
        if let Some(file) = current {
            adds.push(self.end(file).await?);
        }
        Ok(adds)
    }

    async fn encode(
        &self,
        current: &mut Option<CurrentFile>,
        batches: Vec<RecordBatch>,
        adds: &mut Vec<Add>,
    ) -> Result<(), TableError> {
        let rows = match batches.as_slice() {
            [] => return Ok(()),
            [one] => one.clone(),
            several => concat_batches(&self.schema, several)?,
        };
        if current.is_none() {
            *current = Some(self.begin(&rows)?);
        }
        let Some(file) = current.as_mut() else {
            return Ok(());
        };
        file.floats.add(&rows);
        file.texts.add(&rows);
        file.writer.write(&rows).await?;
        let buffered = file.writer.in_progress_size();
        if self.buffers.hold(&mut file.buffered, buffered) && buffered >= ROW_GROUP_BYTES_MIN {
            file.writer.flush().await?;
            self.buffers
                .hold(&mut file.buffered, file.writer.in_progress_size());
        }
        let bytes = file.writer.bytes_written() + file.writer.in_progress_size();
        if bytes as u64 >= self.options.file_bytes
            && let Some(file) = current.take()
        {
            adds.push(self.end(file).await?);
        }
        Ok(())
    }

    /// Begins a file whose first rows are these.
    fn begin(&self, rows: &RecordBatch) -> Result<CurrentFile, TableError> {
        let name = format!(
            "part-{}-{}-{}.parquet",
            self.options.flow,
            self.options.batch,
            self.store.ids().uuid()
        );
        let parts: Vec<&str> = self
            .folder
            .iter()
            .map(String::as_str)
            .chain([name.as_str()])
            .collect();
        let place = self.location.file(&parts.join("/"))?;
        let objects = self.store.objects_of(&place)?;
        let sink = BufWriter::with_capacity(objects, place.path().clone(), PART_BYTES);
        let mut properties = WriterProperties::builder()
            .set_compression(self.options.codec.compression())
            .set_statistics_truncate_length(Some(stats::STRING_BOUND_BYTES))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_created_by(format!("sluice {}", env!("CARGO_PKG_VERSION")));
        let texts = match self.options.text_bounds {
            TextBounds::OfFiles => FileTexts::of_unordered(rows),
            TextBounds::OfRowGroups => FileTexts::default(),
        };
        for path in stats::float_paths(&self.schema)
            .into_iter()
            .chain(texts.paths())
        {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
        for (path, encoding) in sample::unique_columns(rows) {
            properties = properties
                .set_column_encoding(path.clone(), encoding)
                .set_column_dictionary_enabled(path, false);
        }
        let options = ArrowWriterOptions::new()
            .with_properties(properties.build())
            .with_skip_arrow_metadata(true);
        let writer =
            AsyncArrowWriter::try_new_with_options(sink, Arc::clone(&self.schema), options)?;
        Ok(CurrentFile {
            path: parts.join("/"),
            writer,
            floats: FloatBounds::default(),
            texts,
            buffered: 0,
        })
    }

    async fn end(&self, mut file: CurrentFile) -> Result<Add, TableError> {
        let metadata = file.writer.finish().await?;
        self.buffers.hold(&mut file.buffered, 0);
        let size = i64::try_from(file.writer.bytes_written()).unwrap_or(i64::MAX);
        Ok(Add {
            path: file.path,
            partition_values: self.partition_values.clone(),
            size,
            modification_time: self.store.now_ms(),
            data_change: true,
            stats: Some(stats::delta_stats(&metadata, &file.floats, &file.texts)),
            ..Add::default()
        })
    }
}

/// Rows that are encoded at a time, so that small batches do not cost a write each.
const BATCH_ROWS: usize = 8 * 1024;
