//! Credentials for AWS: which ones a query or sluice.yml asks for, and a provider of keys that renews them.
//!
//! Kinesis and S3 share this. Must not know what the credentials are used for.

mod provider;
mod spec;

pub(crate) use provider::causes;
pub use provider::{AwsCredentials, AwsKeys};
pub use spec::{AwsCredentialSpec, Secret};
