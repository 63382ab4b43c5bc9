//! The log store that tables are read through: delta-rs' own, but for how much of a log is held at a time. Must not decide
//! what a commit says.

use std::num::NonZero;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use delta_kernel::Engine;
use delta_kernel_engine::DefaultEngineBuilder;
use delta_kernel_engine::executor::tokio::{TokioBackgroundExecutor, TokioMultiThreadExecutor};
use deltalake::DeltaResult;
use deltalake::kernel::Version;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::{
    CommitOrBytes, LogStore, LogStoreConfig, LogStoreRef, StorageConfig, default_logstore,
};
use object_store::ObjectStore;
use tokio::runtime::{Handle, RuntimeFlavor};
use url::Url;
use uuid::Uuid;

/// Files of a log that are read at a time. Each has a decoder with room for a thousand rows, a quarter of a megabyte; the
/// kernel's own number is a thousand files, which are all the commits between two checkpoints of a busy table.
const READ_AHEAD: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(15);

/// A log store that reads few files of a log at a time.
pub(crate) struct FrugalLogStore(LogStoreRef);

impl FrugalLogStore {
    /// The log store of a table: `prefixed` begins at the table, `objects` at the root of the store.
    pub(crate) fn over(
        prefixed: Arc<dyn ObjectStore>,
        objects: Arc<dyn ObjectStore>,
        url: &Url,
    ) -> LogStoreRef {
        let inner = default_logstore(prefixed, objects, url, &StorageConfig::default());
        Arc::new(Self(inner))
    }
}

#[async_trait]
impl LogStore for FrugalLogStore {
    fn engine(&self, operation_id: Option<Uuid>) -> Arc<dyn Engine> {
        let builder = DefaultEngineBuilder::new(self.root_object_store(operation_id))
            .with_buffer_size(READ_AHEAD);
        let handle = Handle::current();
        // As delta-rs chooses: the worker of a single-threaded runtime must not wait for itself.
        if handle.runtime_flavor() == RuntimeFlavor::CurrentThread {
            let executor = Arc::new(TokioBackgroundExecutor::new());
            return Arc::new(builder.with_task_executor(executor).build());
        }
        let executor = Arc::new(TokioMultiThreadExecutor::new(handle));
        Arc::new(builder.with_task_executor(executor).build())
    }

    fn name(&self) -> String {
        self.0.name()
    }

    async fn refresh(&self) -> DeltaResult<()> {
        self.0.refresh().await
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.0.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.0
            .write_commit_entry(version, commit, operation_id)
            .await
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.0
            .abort_commit_entry(version, commit, operation_id)
            .await
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.0.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.0.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.0.root_object_store(operation_id)
    }

    fn config(&self) -> &LogStoreConfig {
        self.0.config()
    }
}
