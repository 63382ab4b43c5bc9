//! What a join holds in memory until it knows whether all of it fits. Must not know how the join goes on.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use futures::stream;

/// Batches of one side, with memory taken for them.
pub(super) struct Held {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: RecordBatchMemoryCounter,
    memory: MemoryReservation,
}

impl Held {
    /// Nothing yet.
    pub(super) fn new(schema: SchemaRef, task: &TaskContext) -> Self {
        Self {
            schema,
            batches: vec![],
            bytes: RecordBatchMemoryCounter::new(),
            memory: MemoryConsumer::new("one side of a join").register(task.memory_pool()),
        }
    }

    /// Takes one more; false: there was no memory for it, and it is held beyond what may be held.
    #[must_use]
    pub(super) fn take(&mut self, batch: RecordBatch) -> bool {
        let fits = self.memory.try_grow(self.bytes.count_batch(&batch)).is_ok();
        self.batches.push(batch);
        fits
    }

    /// The batches for a join in memory, which takes the memory for them in its own name. They stay here as well.
    pub(super) fn given(&self) -> SendableRecordBatchStream {
        self.memory.free();
        let batches = stream::iter(self.batches.clone()).map(Ok);
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    /// The batches and the rest of their stream, for who does not hold them.
    pub(super) fn followed_by(self, rest: SendableRecordBatchStream) -> SendableRecordBatchStream {
        self.memory.free();
        let batches = stream::iter(self.batches).map(Ok).chain(rest);
        Box::pin(RecordBatchStreamAdapter::new(self.schema, batches))
    }
}

/// The other side, lent to a join in memory that begins to read it when it has done with what is held: until then both
/// can be had back, and from then on nothing is held twice.
pub(super) struct Lent(Arc<Mutex<Option<(Held, SendableRecordBatchStream)>>>);

impl Lent {
    /// The other side for the join in memory, and what is held of the first one.
    pub(super) fn of(
        held: Held,
        other: SendableRecordBatchStream,
    ) -> (Self, SendableRecordBatchStream) {
        let schema = other.schema();
        let lent = Arc::new(Mutex::new(Some((held, other))));
        let own = Self(Arc::clone(&lent));
        let rows = stream::once(async move { take(&lent) })
            .flat_map(|taken| stream::iter(taken.map(|(_, other)| other)).flatten());
        (own, Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    /// Both, `None` where the other side is being read.
    pub(super) fn take_back(self) -> Option<(Held, SendableRecordBatchStream)> {
        take(&self.0)
    }
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}
