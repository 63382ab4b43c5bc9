//! The S3 of a test's world: buckets of a server that our own cases start, and a warehouse in one of them if a case wants
//! it. Must not start a server.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use sluice_run::BucketsAndDisk;
use sluice_source::S3;
use sluice_table::{Durability, Store, StoreOptions};
use url::Url;

/// Buckets, for as long as the world is there.
#[derive(Debug, Clone)]
pub struct Buckets {
    /// How an engine reaches them.
    pub s3: S3,
    /// Where the server listens.
    pub endpoint: String,
    /// The folder that holds the objects as files, one folder per bucket.
    pub folder: PathBuf,
    /// URL of the warehouse, if it is in a bucket.
    pub warehouse: Option<Url>,
    /// What ends the server when it is dropped.
    pub server: Arc<dyn Any + Send + Sync>,
}

impl Buckets {
    /// Where the object of a URL lies as a file.
    pub(super) fn place(&self, url: &str) -> Option<PathBuf> {
        S3::bucket_of(url)?;
        let (_, below) = url.split_once("://")?;
        let climbs = below.split('/').any(|part| part == "..");
        (!climbs).then(|| self.folder.join(below))
    }

    /// Options with which tables may lie in these buckets.
    pub(super) fn known_to(&self, options: StoreOptions) -> StoreOptions {
        let others = BucketsAndDisk::new(self.s3.clone(), Durability::Process);
        options.with_others(Arc::new(others))
    }

    /// The warehouse in a bucket.
    pub(super) fn store(&self, options: StoreOptions) -> Option<Result<Store, String>> {
        let base = self.warehouse.clone()?;
        let bucket = self.s3.bucket(S3::bucket_of(base.as_str())?);
        Some(Store::open(bucket, base, options).map_err(|error| error.to_string()))
    }
}
