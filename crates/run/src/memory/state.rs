//! The state of streaming operators: immutable Parquet files below the table that the flow feeds. Must not know what
//! the rows mean, nor which files are current: the plan of a batch says that.
//!
//! `state/<operator>/<batch>-<number>-<digest>.parquet`, durable before the commit of the batch that names them. A batch
//! that is done again writes the same bytes under the same name, or others under another one; so nothing is ever
//! overwritten, and what an attempt left behind that died is nobody's. A file that batches no longer name goes two
//! commits later, when no engine can be at work on the batch that named it last.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result as QueryResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sluice_model::{StateFile, StreamState};
use sluice_plan::stream::{StateBackend, StateWriter};
use sluice_table::PutOutcome;

use crate::checkpoint_store::CheckpointStore;
use crate::error::{Failure, Result, internal};

/// Bytes of encoded rows after which a file ends and the next one begins: so much of a state is held in memory.
const FILE_BYTES: usize = 32 << 20;

/// The folder of state.
const FOLDER: &str = "state";

/// The state of one flow, for one batch.
#[derive(Debug)]
pub(crate) struct FlowState {
    store: CheckpointStore,
    batch: i64,
    /// How it failed: DataFusion would tell a text only.
    failure: Arc<Mutex<Option<Failure>>>,
}

impl FlowState {
    /// The state of a flow for a batch.
    pub(crate) fn new(store: &CheckpointStore, batch: i64) -> Self {
        Self {
            store: store.clone(),
            batch,
            failure: Arc::default(),
        }
    }

    /// Why reading or writing failed, once.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Keeps a failure for [`FlowState::failure`], and makes an error of it that ends the query.
fn keep(place: &Mutex<Option<Failure>>, failure: Failure) -> DataFusionError {
    let text = failure.to_string();
    place
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert(failure);
    DataFusionError::Execution(text)
}

impl StateBackend for FlowState {
    fn read(
        &self,
        operator: &str,
        files: Vec<StateFile>,
        schema: SchemaRef,
    ) -> SendableRecordBatchStream {
        let (store, folder) = (self.store.clone(), folder_of(operator));
        let failure = Arc::clone(&self.failure);
        let target = Arc::clone(&schema);
        let rows = futures::stream::iter(files)
            .then(move |file| {
                let (store, folder) = (store.clone(), folder.clone());
                let (failure, schema) = (Arc::clone(&failure), Arc::clone(&target));
                async move {
                    let read = async {
                        let bytes = store.require(&folder, &file.name).await?;
                        decode(bytes, &schema).map_err(|reason| {
                            let name = &file.name;
                            store.lost(&format!("`{folder}/{name}` cannot be read: {reason}"))
                        })
                    };
                    let batches = read.await.map_err(|lost| keep(&failure, lost))?;
                    Ok::<_, DataFusionError>(futures::stream::iter(batches).map(Ok))
                }
            })
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    fn writer(&self, operator: &str, schema: SchemaRef) -> QueryResult<Box<dyn StateWriter>> {
        Ok(Box::new(Files {
            store: self.store.clone(),
            folder: folder_of(operator),
            batch: self.batch,
            schema,
            open: None,
            done: vec![],
            failure: Arc::clone(&self.failure),
        }))
    }
}

fn folder_of(operator: &str) -> String {
    format!("{FOLDER}/{operator}")
}

/// The rows of a file. They are decoded at once: a file is small.
fn decode(bytes: Bytes, schema: &SchemaRef) -> std::result::Result<Vec<RecordBatch>, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let mut batches = vec![];
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| error.to_string())?;
        batches.push(batch);
    }
    Ok(batches)
}

/// Files on their way.
struct Files {
    store: CheckpointStore,
    folder: String,
    batch: i64,
    schema: SchemaRef,
    open: Option<Open>,
    done: Vec<StateFile>,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// When the rows of a file end.
#[derive(Debug, Clone, Copy)]
enum Last {
    /// No rows yet.
    OfNothing,
    /// The latest event time, microseconds.
    At(i64),
    /// Some row has no event time.
    Never,
}

impl Last {
    fn micros(self) -> Option<i64> {
        match self {
            Self::At(micros) => Some(micros),
            Self::OfNothing | Self::Never => None,
        }
    }
}

/// A file that takes rows.
struct Open {
    writer: ArrowWriter<Vec<u8>>,
    rows: u64,
    first_us: Option<i64>,
    last: Last,
}

impl Files {
    async fn take(
        &mut self,
        rows: &RecordBatch,
        (first, last): (Option<i64>, Option<i64>),
    ) -> Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open {
                writer: self.new_writer()?,
                rows: 0,
                first_us: None,
                last: Last::OfNothing,
            },
        };
        open.writer
            .write(rows)
            .map_err(|error| internal(&format!("state cannot be written: {error}")))?;
        open.rows += rows.num_rows() as u64;
        open.first_us = match (open.first_us, first) {
            (Some(known), Some(first)) => Some(known.min(first)),
            (known, first) => known.or(first),
        };
        open.last = match (open.last, last) {
            (Last::OfNothing, Some(last)) => Last::At(last),
            (Last::At(known), Some(last)) => Last::At(known.max(last)),
            (_, None) | (Last::Never, _) => Last::Never,
        };
        let size = open.writer.bytes_written() + open.writer.in_progress_size();
        self.open = Some(open);
        if size >= FILE_BYTES {
            self.close().await?;
        }
        Ok(())
    }

    fn new_writer(&self) -> Result<ArrowWriter<Vec<u8>>> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("sluice".to_string())
            .build();
        ArrowWriter::try_new(vec![], Arc::clone(&self.schema), Some(properties))
            .map_err(|error| internal(&format!("state cannot be written: {error}")).into())
    }

    /// Makes the open file durable.
    async fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let bytes = open
            .writer
            .into_inner()
            .map_err(|error| internal(&format!("state cannot be written: {error}")))?;
        let bytes = Bytes::from(bytes);
        let stem = format!(
            "{:020}-{}-{:08x}",
            self.batch,
            self.done.len(),
            crc32c::crc32c(&bytes)
        );
        let file = StateFile {
            name: place(&self.store, &self.folder, &stem, &bytes).await?,
            batch: self.batch,
            rows: open.rows,
            bytes: bytes.len() as u64,
            first_us: open.first_us,
            last_us: open.last.micros(),
        };
        self.done.push(file);
        Ok(())
    }
}

/// Puts bytes under a name that begins with `stem`: the one that has them already, or a new one.
async fn place(store: &CheckpointStore, folder: &str, stem: &str, bytes: &Bytes) -> Result<String> {
    for number in 0_u32.. {
        let name = match number {
            0 => format!("{stem}.parquet"),
            _ => format!("{stem}-{number}.parquet"),
        };
        let is_there = store.put(folder, &name, bytes.clone()).await? == PutOutcome::Created
            || store.get(folder, &name).await?.as_ref() == Some(bytes);
        if is_there {
            return Ok(name);
        }
    }
    Err(internal("state finds no name").into())
}

impl StateWriter for Files {
    fn write<'a>(
        &'a mut self,
        rows: &'a RecordBatch,
        times: (Option<i64>, Option<i64>),
    ) -> BoxFuture<'a, QueryResult<()>> {
        Box::pin(async move {
            let failure = Arc::clone(&self.failure);
            let taken = self.take(rows, times).await;
            taken.map_err(|error| keep(&failure, error))
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, QueryResult<Vec<StateFile>>> {
        Box::pin(async move {
            let failure = Arc::clone(&self.failure);
            self.close().await.map_err(|error| keep(&failure, error))?;
            Ok(std::mem::take(&mut self.done))
        })
    }
}

/// Deletes the files that `before` names and none of `needed` does.
pub(crate) async fn forget(
    store: &CheckpointStore,
    before: &StreamState,
    needed: [&StreamState; 2],
) -> Result<()> {
    let named = names(needed);
    for (operator, state) in &before.operators {
        for file in &state.files {
            if !named.contains(file.name.as_str()) {
                store.forget(&folder_of(operator), &file.name).await?;
            }
        }
    }
    Ok(())
}

/// Deletes what attempts at batches up to `committed` left behind and `needed` does not name. Looks at every file.
pub(crate) async fn sweep(
    store: &CheckpointStore,
    committed: i64,
    needed: [&StreamState; 2],
) -> Result<()> {
    let named = names(needed);
    for (operator, name) in store.nested(FOLDER).await? {
        let digits = name.get(..20);
        let batch = digits.and_then(|digits| digits.parse::<i64>().ok());
        if batch.is_some_and(|batch| batch <= committed) && !named.contains(name.as_str()) {
            store.forget(&folder_of(&operator), &name).await?;
        }
    }
    Ok(())
}

/// Copies the files of a state into another folder of progress.
pub(crate) async fn copy(
    from: &CheckpointStore,
    state: &StreamState,
    to: &CheckpointStore,
) -> Result<()> {
    for (operator, state) in &state.operators {
        let folder = folder_of(operator);
        for file in &state.files {
            let Some(bytes) = from.get(&folder, &file.name).await? else {
                let what = "the state that its stream had at that version was replaced since";
                return Err(from.lost(what));
            };
            to.put(&folder, &file.name, bytes).await?;
        }
    }
    Ok(())
}

fn names(states: [&StreamState; 2]) -> BTreeSet<&str> {
    let files = states.into_iter().flat_map(StreamState::files);
    files.map(|file| file.name.as_str()).collect()
}
