//! What credentials are asked for. Must not fetch any.

use std::fmt;

/// A text that must not appear in logs, errors or debug output.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Which credentials to use; with nothing set, the default chain: environment, shared files, web identity, container
/// and instance metadata.
///
/// Keys, a profile or the chain are the base; with `role_arn` that base assumes the role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AwsCredentialSpec {
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// Access key id.
    pub access_key: Option<String>,
    /// Its secret.
    pub secret_key: Option<Secret>,
    /// Session token of temporary keys.
    pub session_token: Option<Secret>,
    /// A role to assume, possibly of another account.
    pub role_arn: Option<String>,
    /// The external id that the role's owner asks for.
    pub external_id: Option<String>,
    /// Name of the session in the role owner's audit log; `sluice` if not set.
    pub session_name: Option<String>,
    /// Endpoint of the token service; the region's own if not set.
    pub sts_endpoint: Option<String>,
}

impl AwsCredentialSpec {
    /// Whether nothing is asked for but the default chain.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_appear_in_debug_output() {
        let spec = AwsCredentialSpec {
            secret_key: Some(Secret::new("hush")),
            ..AwsCredentialSpec::default()
        };
        assert!(!format!("{spec:?}").contains("hush"));
        assert!(!spec.is_default());
    }
}
