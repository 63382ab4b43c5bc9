//! The stores beside the warehouse's own that tables may lie in: buckets, and local disk. Must not know tables.

use std::sync::Arc;

use object_store::ObjectStore;
use sluice_source::S3;
use sluice_table::{Durability, DurableLocal, OtherStores};
use url::Url;

/// Buckets, reached in one way, and the disk of this machine.
#[derive(Debug, Clone)]
pub struct BucketsAndDisk {
    s3: S3,
    durability: Durability,
}

impl BucketsAndDisk {
    /// With buckets that are reached in this way.
    #[must_use]
    pub fn new(s3: S3, durability: Durability) -> Self {
        Self { s3, durability }
    }
}

impl OtherStores for BucketsAndDisk {
    fn open(&self, root: &Url) -> Option<Arc<dyn ObjectStore>> {
        match root.scheme() {
            "file" => Some(Arc::new(DurableLocal::new(self.durability))),
            _ => S3::bucket_of(root.as_str()).map(|bucket| self.s3.bucket(bucket)),
        }
    }
}
