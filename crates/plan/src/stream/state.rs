//! How operators read and write their state: a trait that the room with the disk implements. Must not do I/O.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::EmptyRecordBatchStream;
use futures::future::BoxFuture;
use sluice_model::StateFile;

/// Where the state of a flow's operators lies.
pub trait StateBackend: std::fmt::Debug + Send + Sync {
    /// The rows of files of an operator, in the order of the files.
    fn read(
        &self,
        operator: &str,
        files: Vec<StateFile>,
        schema: SchemaRef,
    ) -> SendableRecordBatchStream;

    /// A writer of new files of an operator for the batch that is being run.
    ///
    /// # Errors
    /// The schema is none that a file can hold.
    fn writer(&self, operator: &str, schema: SchemaRef) -> Result<Box<dyn StateWriter>>;
}

/// Takes rows of state.
pub trait StateWriter: Send {
    /// Takes rows whose event times lie in `times`: first and last, the last `None` where some row has none.
    fn write<'a>(
        &'a mut self,
        rows: &'a RecordBatch,
        times: (Option<i64>, Option<i64>),
    ) -> BoxFuture<'a, Result<()>>;

    /// Makes the rows durable and names their files; none if there were no rows.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Vec<StateFile>>>;
}

/// No state: for queries that are bound to learn what they are, and not run.
#[derive(Debug, Clone, Copy)]
pub struct NoState;

impl StateBackend for NoState {
    fn read(&self, _: &str, _: Vec<StateFile>, schema: SchemaRef) -> SendableRecordBatchStream {
        Box::pin(EmptyRecordBatchStream::new(Arc::clone(&schema)))
    }

    fn writer(&self, operator: &str, _: SchemaRef) -> Result<Box<dyn StateWriter>> {
        internal_err!("`{operator}` has no place for its state")
    }
}
