//! Rows cut by the hash of their keys into files of the spill folder. Must not know what is done with the parts.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics, Time};
use datafusion::physical_plan::repartition::BatchPartitioner;
use datafusion::physical_plan::{EmptyRecordBatchStream, SpillManager};
use futures::StreamExt;

/// Rows that have one remainder of their hash in common; its file goes when it is dropped.
pub(super) struct Part {
    file: Option<Arc<dyn SpillFile>>,
    spill: Arc<SpillManager>,
}

impl Part {
    /// Its rows, in the order in which they came.
    pub(super) fn read(self) -> Result<SendableRecordBatchStream> {
        match self.file {
            Some(file) => self.spill.read_spill_as_stream(file, None),
            None => {
                let schema = SchemaRef::clone(self.spill.schema());
                Ok(Box::pin(EmptyRecordBatchStream::new(schema)))
            }
        }
    }
}

/// Reads rows to their end and gives their parts. Equal keys, NULLs among them, come into the same part, and into the
/// same part of any other side that is cut by keys of the same types.
pub(super) async fn cut(
    mut rows: SendableRecordBatchStream,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    count: usize,
    task: &TaskContext,
) -> Result<Vec<Part>> {
    let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
    let spill = Arc::new(SpillManager::new(
        task.runtime_env(),
        metrics,
        rows.schema(),
    ));
    let mut files = (0..count)
        .map(|_| spill.create_in_progress_file("a part of a join"))
        .collect::<Result<Vec<_>>>()?;
    let mut partitioner = BatchPartitioner::new_hash_partitioner(keys, count, Time::new())?;
    while let Some(batch) = rows.next().await {
        partitioner.partition(batch?, |part, rows| {
            files[part].append_batch(&rows).map(drop)
        })?;
    }
    files
        .iter_mut()
        .map(|file| {
            let (file, spill) = (file.finish()?, Arc::clone(&spill));
            Ok(Part { file, spill })
        })
        .collect()
}
