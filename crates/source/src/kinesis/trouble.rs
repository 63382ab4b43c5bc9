//! What a failed call of the service means: wait, ask for a new position, or tell the user. Must not wait or retry.

use aws_sdk_kinesis::config::http::HttpResponse;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use sluice_model::Diagnostic;
use sluice_model::condition::{Condition, kinesis as condition};

use crate::SourceError;
use crate::aws::causes;

/// A failed call, by what to do about it.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The position in the shard is too old to be used: ask for a new one.
    ExpiredIterator,
    /// Called too often, or too much was asked for: wait and call again, for as long as it takes.
    Throttled,
    /// A failure of the service or of the way to it: wait and call again, not for ever.
    Transient(String),
    /// The stream, shard or consumer is not there.
    NotFound(String),
    /// The request is refused for what it asks; the text is the service's.
    Refused(String),
    /// Nothing that waiting mends in a moment.
    Final(SourceError),
}

/// A call, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// The IAM action.
    pub(super) action: &'static str,
    pub(super) stream: &'a str,
    pub(super) region: &'a str,
    /// The credentials in words.
    pub(super) credentials: &'a str,
}

impl Call<'_> {
    /// What a failure of this call means.
    pub(super) fn trouble<E>(&self, error: &SdkError<E, HttpResponse>) -> Trouble
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            return Trouble::Transient(causes(error));
        };
        let meta = service.err().meta();
        let code = meta.code().unwrap_or_default();
        let message = meta.message().unwrap_or("no reason given").to_owned();
        let status = service.raw().status().as_u16();
        match code.rsplit('#').next().unwrap_or(code) {
            "ExpiredIteratorException" => Trouble::ExpiredIterator,
            "ProvisionedThroughputExceededException"
            | "KMSThrottlingException"
            | "LimitExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "RequestLimitExceeded"
            | "TooManyRequestsException" => Trouble::Throttled,
            "ResourceNotFoundException" => Trouble::NotFound(message),
            "ResourceInUseException" => Trouble::Transient(message),
            "AccessDeniedException"
            | "AccessDenied"
            | "KMSAccessDeniedException"
            | "KMSOptInRequired"
            | "OptInRequired" => Trouble::Final(self.denied(code, &message)),
            "RequestExpired" | "RequestTimeTooSkewed" => Trouble::Final(self.skewed(&message)),
            "InvalidSignatureException" | "SignatureDoesNotMatch"
                if message.starts_with("Signature expired")
                    || message.starts_with("Signature not yet current") =>
            {
                Trouble::Final(self.skewed(&message))
            }
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "ExpiredTokenException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken" => Trouble::Final(self.not_accepted(&message)),
            _ if status == 429 => Trouble::Throttled,
            _ if status >= 500 => Trouble::Transient(format!("HTTP {status} {code}: {message}")),
            _ if code.is_empty() => Trouble::Transient(format!("HTTP {status}: {message}")),
            _ => Trouble::Refused(format!("{code}: {message}")),
        }
    }

    /// The error for a stream that is not there.
    pub(super) fn not_found(&self, message: &str) -> SourceError {
        refused(
            &condition::KINESIS_STREAM_NOT_FOUND,
            format!(
                "there is no stream `{}` in region `{}`",
                self.stream, self.region
            ),
            |error| {
                error
                    .fact(format!("the service says: {message}"))
                    .fact(format!("asked with {}", self.credentials))
                    .help("check the name and the region: `region => 'eu-west-1'` or a `streamARN`, which names region and account")
            },
        )
    }

    /// The error for a service that has not answered for too long.
    pub(super) fn unreachable(&self, reason: &str) -> SourceError {
        refused(
            &condition::KINESIS_UNREACHABLE,
            format!("the service of stream `{}` does not answer", self.stream),
            |error| {
                error
                    .fact(format!("last failure of {}: {reason}", self.action))
                    .fact("nothing is lost: reading goes on where the last micro-batch ended")
                    .help(format!(
                        "check the network, and that `{}` is the region",
                        self.region
                    ))
            },
        )
    }

    /// The error for a request that the service does not take.
    pub(super) fn refused(&self, message: &str) -> SourceError {
        refused(
            &condition::KINESIS_REQUEST_REFUSED,
            format!("{} on stream `{}` is refused", self.action, self.stream),
            |error| error.fact(format!("the service says: {message}")),
        )
    }

    fn denied(&self, code: &str, message: &str) -> SourceError {
        let action = if code.starts_with("KMS") {
            "kms:Decrypt"
        } else {
            self.action
        };
        refused(
            &condition::KINESIS_ACCESS_DENIED,
            format!("not allowed: {action} on stream `{}`", self.stream),
            |error| {
                error
                    .fact(format!("the service says: {message}"))
                    .fact(format!("asked with {}", self.credentials))
                    .help(format!("allow `{action}` on the stream to that identity"))
            },
        )
    }

    fn skewed(&self, message: &str) -> SourceError {
        refused(
            &condition::CLOCK_SKEWED,
            format!(
                "{} on stream `{}` was signed at another time than the service's",
                self.action, self.stream
            ),
            |error| {
                error
                    .fact(format!("the service says: {message}"))
                    .fact("nothing is lost: reading goes on where the last micro-batch ended")
                    .help("set the clock of this machine, for example with NTP: a signature holds for five minutes")
            },
        )
    }

    fn not_accepted(&self, message: &str) -> SourceError {
        refused(
            &condition::CREDENTIAL_NOT_AVAILABLE,
            format!("AWS does not accept {}", self.credentials),
            |error| {
                error
                    .fact(format!("the service says: {message}"))
                    .help("renew the credentials")
            },
        )
    }
}

fn refused(
    condition: &'static Condition,
    message: String,
    with: impl FnOnce(Diagnostic) -> Diagnostic,
) -> SourceError {
    SourceError::Refused(Box::new(with(Diagnostic::error(condition, message))))
}
