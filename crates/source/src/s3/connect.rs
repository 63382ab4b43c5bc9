//! The client of one bucket: region, endpoint, credentials, time limits. Must not send requests about objects.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use object_store::aws::{
    AmazonS3, AmazonS3Builder, AwsCredential, S3ConditionalPut, resolve_bucket_region,
};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, Error, Result, RetryConfig};
use sluice_model::Diagnostic;
use sluice_model::condition::s3 as condition;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::S3Settings;
use super::explain::raised;
use crate::SourceError;
use crate::aws::AwsCredentials;

/// Requests are sent again at most this often.
const RETRIES_MAX: usize = 8;
/// Longest wait between two of them.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Keys are asked for anew after this long; the shortest that AWS gives hold for fifteen minutes.
const KEYS_AGE_MAX: Duration = Duration::from_mins(5);

/// Makes the client of a bucket.
pub(super) async fn connect(bucket: &str, settings: &S3Settings) -> Result<AmazonS3> {
    let options = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(settings.request_timeout);
    let region = region(bucket, settings, &options).await;
    let keys = AwsCredentials::of(&settings.credentials, Some(&region)).await;
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: settings.retry_wait,
            max_backoff: WAIT_MAX.max(settings.retry_wait),
            base: 2.0,
        },
        max_retries: RETRIES_MAX,
        retry_timeout: settings.retry_timeout,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&region)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(options)
        .with_retry(retry)
        .with_credentials(Arc::new(Keys {
            keys,
            held: Mutex::default(),
        }));
    let path_style = settings.path_style.unwrap_or(settings.endpoint.is_some());
    // A bucket with a dot does not fit the certificate of its own host.
    let in_host = !path_style && !bucket.contains('.');
    builder = builder.with_virtual_hosted_style_request(in_host);
    if let Some(endpoint) = &settings.endpoint {
        let endpoint = if in_host {
            in_host_of(endpoint, bucket)
        } else {
            endpoint.clone()
        };
        builder = builder
            .with_allow_http(endpoint.starts_with("http://"))
            .with_endpoint(endpoint);
    }
    builder.build().map_err(|error| {
        raised(
            Diagnostic::error(
                &condition::S3_SETTINGS_INVALID,
                format!("bucket `{bucket}` cannot be reached with these settings: {error}"),
            )
            .help("look at `s3:` in sluice.yml: `endpoint` is a URL such as `https://minio.plant.example:9000`"),
        )
    })
}

/// `https://host` with the bucket as the first part of the host.
fn in_host_of(endpoint: &str, bucket: &str) -> String {
    match endpoint.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
        None => endpoint.to_owned(),
    }
}

/// The region as set, as the bucket itself says, or as the environment says.
async fn region(bucket: &str, settings: &S3Settings, options: &ClientOptions) -> String {
    if let Some(region) = &settings.region {
        return region.clone();
    }
    if settings.endpoint.is_none()
        && let Ok(region) = resolve_bucket_region(bucket, options).await
    {
        return region;
    }
    let of_environment = EnvironmentVariableRegionProvider::new().region().await;
    of_environment.map_or_else(|| "us-east-1".to_owned(), |region| region.to_string())
}

/// Credentials as the client asks for them, before each request.
#[derive(Debug)]
struct Keys {
    keys: AwsCredentials,
    held: Mutex<Option<(Instant, Arc<AwsCredential>)>>,
}

#[async_trait]
impl CredentialProvider for Keys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let mut held = self.held.lock().await;
        if let Some((since, keys)) = held.as_ref()
            && since.elapsed() < KEYS_AGE_MAX
        {
            return Ok(Arc::clone(keys));
        }
        let keys = self.keys.keys().await.map_err(|error| match error {
            SourceError::Refused(diagnostic) => raised(*diagnostic),
            other => Error::Generic {
                store: "S3",
                source: Box::new(other),
            },
        })?;
        let keys = Arc::new(AwsCredential {
            key_id: keys.access_key,
            secret_key: keys.secret_key.reveal().to_owned(),
            token: keys.session_token.map(|token| token.reveal().to_owned()),
        });
        *held = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }
}
