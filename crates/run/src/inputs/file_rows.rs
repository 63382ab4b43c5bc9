//! Rows of the files that a micro-batch takes, while the query reads them, and what is seen on the way. Must not know which
//! files are taken.

use std::sync::{Arc, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;
use sluice_source::{BadRowKeeper, FileEntry, ReadCounters, SourceError};

use crate::inputs::Seen;
use crate::inputs::bad_records::not_kept;
use crate::inputs::files::FileInput;

/// Rows of planned files.
#[derive(Debug)]
pub(crate) struct FilesStream {
    /// The source.
    pub(crate) input: FileInput,
    /// Which of its files, in this order.
    pub(crate) files: Vec<FileEntry>,
    /// The columns of its rows.
    pub(crate) schema: SchemaRef,
    /// Whether `_metadata` is among them.
    pub(crate) metadata: bool,
    /// Where is told what was seen.
    pub(crate) seen: Arc<Seen>,
}

impl PartitionStream for FilesStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (source, columns) = (&self.input.source, &self.input.schema);
        let stream = match &source.options().bad_records_path {
            Some(path) => {
                let keeper = keeper(Arc::clone(&self.seen), path.clone());
                source.read_keeping(&self.files, columns, self.metadata, keeper)
            }
            None => source.read(&self.files, columns, self.metadata),
        };
        let seen = Arc::clone(&self.seen);
        let (schema, origin) = (Arc::clone(&self.schema), self.input.origin.clone());
        let batches = futures::stream::unfold((stream, seen), move |(mut stream, seen)| {
            let (schema, origin) = (Arc::clone(&schema), origin.clone());
            async move {
                match stream.next().await {
                    None => {
                        add_counters(&seen, stream.counters());
                        None
                    }
                    Some(Ok(batch)) => {
                        let batch = batch.with_schema(schema).map_err(DataFusionError::from);
                        Some((batch, (stream, seen)))
                    }
                    Some(Err(error)) => {
                        let raised = DataFusionError::External(Box::new(error.to_diagnostic()));
                        seen.source_error
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert((error, origin));
                        Some((Err(raised), (stream, seen)))
                    }
                }
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}

/// Keeps bad records on disk while they are read.
fn keeper(seen: Arc<Seen>, path: String) -> BadRowKeeper {
    BadRowKeeper::new(move |rows| {
        let mut all = seen
            .bad_records
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.entry(path.clone())
            .or_default()
            .keep(rows)
            .map_err(|reason| SourceError::Refused(Box::new(not_kept(&path, reason))))
    })
}

fn add_counters(seen: &Seen, counters: ReadCounters) {
    let mut total = seen.counters.lock().unwrap_or_else(PoisonError::into_inner);
    total.files += counters.files;
    total.bytes += counters.bytes;
    total.rows += counters.rows;
    total.bad_records += counters.bad_records;
    total.ignored_tails += counters.ignored_tails;
    total.missing_files += counters.missing_files;
    total.corrupt_files += counters.corrupt_files;
}
