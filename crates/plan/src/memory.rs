//! The memory that queries share, so that what all of them hold together has a bound, and the files beyond it. Must not
//! know how much there is, nor where the files lie.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryPool, TrackConsumersPool, UnboundedMemoryPool,
};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;

/// Consumers of memory that an error names when there is no more.
const NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Memory of queries: sorts and aggregates spill to disk beyond their share of it, what cannot spill fails with
/// `UNABLE_TO_ACQUIRE_MEMORY`. Clones share it.
#[derive(Debug, Clone)]
pub struct QueryMemory {
    pool: Arc<dyn MemoryPool>,
    disk: DiskManagerBuilder,
}

impl QueryMemory {
    /// So many bytes; `None`: no limit. What spills goes where `disk` puts it.
    #[must_use]
    pub fn of(bytes: Option<usize>, disk: DiskManagerBuilder) -> Self {
        let pool: Arc<dyn MemoryPool> = match bytes {
            Some(bytes) => Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED)),
            None => Arc::new(UnboundedMemoryPool::default()),
        };
        Self { pool, disk }
    }

    /// DataFusion's handles of both.
    pub(crate) fn runtime(&self) -> RuntimeEnvBuilder {
        RuntimeEnvBuilder::new()
            .with_disk_manager_builder(self.disk.clone())
            .with_memory_pool(Arc::clone(&self.pool))
    }
}

impl Default for QueryMemory {
    fn default() -> Self {
        Self::of(None, DiskManagerBuilder::default())
    }
}
