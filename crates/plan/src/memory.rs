//! The memory that queries share, so that what all of them hold together has a bound. Must not know how much there is.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryPool, TrackConsumersPool, UnboundedMemoryPool,
};

/// Consumers of memory that an error names when there is no more.
const NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Memory of queries: sorts and aggregates spill to disk beyond their share of it, what cannot spill fails with
/// `UNABLE_TO_ACQUIRE_MEMORY`. Clones share it.
#[derive(Debug, Clone)]
pub struct QueryMemory(Arc<dyn MemoryPool>);

impl QueryMemory {
    /// So many bytes; `None`: no limit.
    #[must_use]
    pub fn of(bytes: Option<usize>) -> Self {
        Self(match bytes {
            Some(bytes) => Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED)),
            None => Arc::new(UnboundedMemoryPool::default()),
        })
    }

    /// DataFusion's handle.
    pub(crate) fn pool(&self) -> Arc<dyn MemoryPool> {
        Arc::clone(&self.0)
    }
}

impl Default for QueryMemory {
    fn default() -> Self {
        Self::of(None)
    }
}
