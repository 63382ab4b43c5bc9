//! S3 and servers that speak as it does: buckets as object stores, reached with the credentials of `aws`.
//!
//! Lives here: settings, opening a bucket, what a lost or doubtful answer of the service means, its errors in words.
//! Must not live here: what is stored. Warehouse, state, leases and source files all go through a [`S3`].

mod bucket;
mod connect;
mod explain;
mod steady;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ObjectStore;

use crate::aws::AwsCredentialSpec;

pub(crate) use explain::carried;

/// How buckets are reached. All defaults: AWS itself, with region and credentials of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// URL of a server that is not AWS. Only then plain `http` is allowed.
    pub endpoint: Option<String>,
    /// Region; `None`: that of the environment, else where the bucket says it is.
    pub region: Option<String>,
    /// Whether buckets are named in the path of a URL and not in its host; `None`: for an endpoint only.
    pub path_style: Option<bool>,
    /// Which credentials are used.
    pub credentials: AwsCredentialSpec,
    /// Wait before a request is sent again; doubles with each further one.
    pub retry_wait: Duration,
    /// After this long a request is not sent again.
    pub retry_timeout: Duration,
    /// After this long a request counts as lost.
    pub request_timeout: Duration,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            path_style: None,
            credentials: AwsCredentialSpec::default(),
            retry_wait: Duration::from_millis(100),
            retry_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// S3 under some settings. Cheap to clone; clones share connections and credentials.
#[derive(Debug, Clone, Default)]
pub struct S3 {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    settings: S3Settings,
    buckets: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl S3 {
    /// Nothing is asked of the service before a bucket is used.
    #[must_use]
    pub fn new(settings: S3Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                buckets: Mutex::default(),
            }),
        }
    }

    /// A bucket, its keys as paths. That it cannot be reached shows when it is used.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Arc<dyn ObjectStore> {
        let mut buckets = self
            .inner
            .buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let open = || Arc::new(bucket::Bucket::new(name, &self.inner.settings)) as _;
        Arc::clone(buckets.entry(name.to_owned()).or_insert_with(open))
    }

    /// The bucket that a URL names, whichever of the schemes `s3`, `s3a` and `s3n` it is written with.
    #[must_use]
    pub fn bucket_of(url: &str) -> Option<&str> {
        let (scheme, rest) = url.split_once("://")?;
        let is_s3 = ["s3", "s3a", "s3n"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        let bucket = rest.split('/').next().unwrap_or_default();
        (is_s3 && !bucket.is_empty()).then_some(bucket)
    }
}
