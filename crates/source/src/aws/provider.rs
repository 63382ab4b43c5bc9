//! Keys for a specification, renewed before they expire. Must not know which service they are for.

use std::time::SystemTime;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use sluice_model::Diagnostic;
use sluice_model::condition::kinesis as condition;

use super::AwsCredentialSpec;
use crate::SourceError;

/// Name of a role's session unless one is asked for.
const SESSION_NAME: &str = "sluice";

/// A provider of keys: hand it to a client, or ask it for the keys of this moment.
#[derive(Debug, Clone)]
pub struct AwsCredentials {
    provider: SharedCredentialsProvider,
    described: String,
}

/// Keys that hold for a while.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// Access key id.
    pub access_key: String,
    /// Its secret.
    pub secret_key: super::Secret,
    /// Session token of temporary keys.
    pub session_token: Option<super::Secret>,
    /// When they end; `None`: they do not.
    pub expires: Option<SystemTime>,
}

impl AwsCredentials {
    /// Prepares the provider. No service is asked before keys are needed; `region` is where roles are assumed.
    pub async fn of(spec: &AwsCredentialSpec, region: Option<&str>) -> Self {
        let base = base_provider(spec, region).await;
        let provider = match &spec.role_arn {
            None => base,
            Some(role) => {
                let config = sts_config(spec, region).await;
                let mut builder = AssumeRoleProvider::builder(role)
                    .session_name(spec.session_name.as_deref().unwrap_or(SESSION_NAME))
                    .configure(&config);
                if let Some(external_id) = &spec.external_id {
                    builder = builder.external_id(external_id);
                }
                SharedCredentialsProvider::new(builder.build_from_provider(base).await)
            }
        };
        Self {
            provider,
            described: describe(spec),
        }
    }

    /// The provider in the form that AWS clients take. Clients cache what it gives.
    #[must_use]
    pub fn provider(&self) -> SharedCredentialsProvider {
        self.provider.clone()
    }

    /// Which credentials these are, in words without secrets.
    #[must_use]
    pub fn described(&self) -> &str {
        &self.described
    }

    /// The keys of this moment. Ask again shortly before they expire.
    ///
    /// # Errors
    /// There are none, or a role may not be assumed: `CREDENTIAL_NOT_AVAILABLE`.
    pub async fn keys(&self) -> Result<AwsKeys, SourceError> {
        match self.provider.provide_credentials().await {
            Ok(keys) => Ok(AwsKeys {
                access_key: keys.access_key_id().to_owned(),
                secret_key: super::Secret::new(keys.secret_access_key()),
                session_token: keys.session_token().map(super::Secret::new),
                expires: keys.expiry(),
            }),
            Err(error) => Err(not_available(&self.described, &error)),
        }
    }
}

/// The error of a provider in words, with its causes.
pub(crate) fn not_available(
    described: &str,
    error: &(dyn std::error::Error + 'static),
) -> SourceError {
    let refused = Diagnostic::error(
        &condition::CREDENTIAL_NOT_AVAILABLE,
        format!("no AWS credentials from {described}"),
    )
    .fact(format!("reason: {}", causes(error)))
    .help("run `aws sts get-caller-identity` to see what this machine is; `serviceCredential` names are mapped in sluice.yml, under `credentials:`");
    SourceError::Refused(Box::new(refused))
}

/// An error with its causes, outermost first, in one line.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words: Vec<String> = vec![];
    for cause in std::iter::successors(Some(error), |error| error.source()) {
        let text = cause.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
    }
    words.join(": ")
}

fn describe(spec: &AwsCredentialSpec) -> String {
    let base = match (&spec.profile, &spec.access_key) {
        (_, Some(key)) => format!("access key `{key}`"),
        (Some(profile), None) => format!("profile `{profile}`"),
        (None, None) => "the default chain (environment, shared files, web identity, container and instance metadata)".to_owned(),
    };
    match &spec.role_arn {
        Some(role) => format!("role `{role}`, assumed by {base}"),
        None => base,
    }
}

async fn base_provider(
    spec: &AwsCredentialSpec,
    region: Option<&str>,
) -> SharedCredentialsProvider {
    let region = region.map(|name| Region::new(name.to_owned()));
    match (&spec.access_key, &spec.secret_key, &spec.profile) {
        (Some(access_key), Some(secret_key), _) => {
            SharedCredentialsProvider::new(Credentials::new(
                access_key,
                secret_key.reveal(),
                spec.session_token
                    .as_ref()
                    .map(|token| token.reveal().to_owned()),
                None,
                "options",
            ))
        }
        (_, _, Some(profile)) => SharedCredentialsProvider::new(
            ProfileFileCredentialsProvider::builder()
                .profile_name(profile)
                .build(),
        ),
        _ => {
            let mut chain = DefaultCredentialsChain::builder();
            if let Some(region) = region {
                chain = chain.region(region);
            }
            SharedCredentialsProvider::new(chain.build().await)
        }
    }
}

async fn sts_config(spec: &AwsCredentialSpec, region: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.unwrap_or("us-east-1").to_owned()))
        .no_credentials();
    if let Some(endpoint) = &spec.sts_endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
