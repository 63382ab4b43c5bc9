//! What a call of `read_kinesis` does not say itself. Must not be read from anywhere here: it is handed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_model::Clock;

use crate::aws::AwsCredentialSpec;

/// What the machine and sluice.yml say about Kinesis.
#[derive(Debug, Clone)]
pub struct KinesisSettings {
    /// Endpoint for calls that name none: an embedded Kinesis, a private one. `None`: the region's own.
    pub endpoint: Option<String>,
    /// Region for calls that name none. `None`: the environment's.
    pub region: Option<String>,
    /// What `serviceCredential` names stand for.
    pub credentials: BTreeMap<String, AwsCredentialSpec>,
    /// Credentials for calls that name none; the default chain unless set.
    pub default_credentials: AwsCredentialSpec,
    /// Tells when `latest` was. It must tell the time of the service, so the machine's own time.
    pub clock: Arc<dyn Clock>,
    /// Stands for the query in the name of a registered consumer: two flows must not share one.
    pub query_id: String,
}

impl KinesisSettings {
    /// Nothing said: the default chain of credentials, the environment's region, the region's endpoint.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, query_id: &str) -> Self {
        Self {
            endpoint: None,
            region: None,
            credentials: BTreeMap::new(),
            default_credentials: AwsCredentialSpec::default(),
            clock,
            query_id: query_id.to_owned(),
        }
    }
}
