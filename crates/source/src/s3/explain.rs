//! What S3 answers, in words: a condition for what people can mend, and which answers may be better next time.
//! Must not send requests.

use std::error::Error as StdError;

use object_store::Error;
use sluice_model::Diagnostic;
use sluice_model::condition::kinesis::CLOCK_SKEWED;
use sluice_model::condition::s3 as condition;

/// What was asked of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Write,
    List,
    Delete,
}

impl Act {
    fn words(self) -> &'static str {
        match self {
            Self::Read => "read from",
            Self::Write => "write to",
            Self::List => "list",
            Self::Delete => "delete from",
        }
    }

    /// The IAM action that allows it, and on what.
    fn permission(self, bucket: &str) -> (&'static str, String) {
        match self {
            Self::Read => ("s3:GetObject", format!("arn:aws:s3:::{bucket}/*")),
            Self::Write => ("s3:PutObject", format!("arn:aws:s3:::{bucket}/*")),
            Self::List => ("s3:ListBucket", format!("arn:aws:s3:::{bucket}")),
            Self::Delete => ("s3:DeleteObject", format!("arn:aws:s3:::{bucket}/*")),
        }
    }
}

/// A diagnostic as an error of a store, so that it survives the way through whoever uses the store.
pub(super) fn raised(diagnostic: Diagnostic) -> Error {
    Error::Generic {
        store: "S3",
        source: Box::new(diagnostic),
    }
}

/// The diagnostic that an error carries somewhere in it.
pub(crate) fn carried<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Diagnostic> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(diagnostic) = error.downcast_ref::<Diagnostic>() {
            return Some(diagnostic);
        }
        cause = error.source();
    }
    None
}

/// Whether the same request may be answered otherwise in a moment. `error` comes from [`told`].
pub(super) fn may_pass(error: &Error) -> bool {
    carried(error).is_some_and(|told| *told.condition == condition::S3_UNAVAILABLE)
}

/// An error of the client with its words, where it is one that has some.
pub(super) fn told(error: Error, act: Act, bucket: &str) -> Error {
    if carried(&error).is_some() {
        return error;
    }
    let text = whole(&error);
    let code = code_of(&text);
    match (&error, code) {
        (_, Some("NoSuchBucket")) => raised(no_bucket(bucket)),
        (_, Some("RequestTimeTooSkewed" | "RequestExpired")) => raised(skewed(bucket)),
        (_, Some(code)) if is_of_credentials(code) => raised(refused(bucket, code)),
        (
            _,
            Some(
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
            ),
        ) => raised(elsewhere(bucket, &text)),
        (
            Error::NotFound { .. }
            | Error::AlreadyExists { .. }
            | Error::Precondition { .. }
            | Error::NotModified { .. },
            _,
        ) => error,
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) => {
            raised(denied(act, bucket))
        }
        _ if text.contains("AccessDenied") => raised(denied(act, bucket)),
        _ if text.contains("eceived redirect") => raised(elsewhere(bucket, &text)),
        (Error::Generic { .. } | Error::JoinError { .. }, _) if is_of_the_moment(&text) => {
            raised(unavailable(act, bucket, &text))
        }
        _ => error,
    }
}

/// An error with all its causes.
fn whole(error: &Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        text.push('\n');
        cause = error.source();
    }
    text
}

/// What stands between two tags of an answer.
fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    rest.split_once(&format!("</{tag}>"))
        .map(|(found, _)| found)
}

fn code_of(text: &str) -> Option<&str> {
    between(text, "Code")
}

fn is_of_credentials(code: &str) -> bool {
    matches!(
        code,
        "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "NotSignedUp"
    )
}

/// Statuses of a server in trouble, and connections that ended before there was a status.
fn is_of_the_moment(text: &str) -> bool {
    match text.split_once("status code: ") {
        Some((_, rest)) => {
            let status: String = rest.chars().take_while(char::is_ascii_digit).collect();
            status.starts_with('5') || matches!(status.as_str(), "408" | "409" | "429")
        }
        None => true,
    }
}

fn no_bucket(bucket: &str) -> Diagnostic {
    Diagnostic::error(
        &condition::S3_BUCKET_NOT_FOUND,
        format!("there is no bucket `{bucket}`"),
    )
    .fact("nothing was changed")
    .help(format!("make it: `aws s3 mb s3://{bucket}`"))
    .help("or correct its name, or the `endpoint` under `s3:` in sluice.yml")
}

fn refused(bucket: &str, code: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &condition::S3_CREDENTIALS_REFUSED,
        format!("S3 does not accept the credentials for bucket `{bucket}`: {code}"),
    );
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            diagnostic.help("get new ones, for example with `aws sso login`, and run again")
        }
        _ => diagnostic
            .help("run `aws sts get-caller-identity` to see which credentials this machine has")
            .help("sluice.yml names others: `s3:` with `credentials: NAME`, and NAME under `credentials:`"),
    }
}

fn skewed(bucket: &str) -> Diagnostic {
    Diagnostic::error(
        &CLOCK_SKEWED,
        format!("a request to bucket `{bucket}` was signed at another time than that of S3"),
    )
    .fact("what was committed before stays; the next attempt resumes there")
    .help("set the clock of this machine, for example with NTP: a signature holds for fifteen minutes")
}

fn elsewhere(bucket: &str, text: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &condition::S3_WRONG_REGION,
        format!("bucket `{bucket}` is in another region than the one that was asked"),
    );
    match between(text, "Region") {
        Some(region) => diagnostic.help(format!(
            "write its region into sluice.yml:\ns3:\n  region: {region}"
        )),
        None => diagnostic
            .help("write its region into sluice.yml, under `s3:`, as `region:`")
            .help(format!(
                "`aws s3api get-bucket-location --bucket {bucket}` tells it"
            )),
    }
}

fn denied(act: Act, bucket: &str) -> Diagnostic {
    let (action, resource) = act.permission(bucket);
    Diagnostic::error(
        &condition::S3_ACCESS_DENIED,
        format!(
            "these credentials may not {} bucket `{bucket}`",
            act.words()
        ),
    )
    .fact("without `s3:ListBucket`, S3 answers so for objects that are not there, too")
    .help(format!(
        "allow `{action}` on `{resource}`; the whole policy is in docs/guides/s3.md"
    ))
}

fn unavailable(act: Act, bucket: &str, text: &str) -> Diagnostic {
    let reason = between(text, "Code")
        .map(ToOwned::to_owned)
        .or_else(|| text.lines().next_back().map(ToOwned::to_owned))
        .unwrap_or_default();
    Diagnostic::error(
        &condition::S3_UNAVAILABLE,
        format!(
            "S3 did not answer the request to {} bucket `{bucket}`",
            act.words()
        ),
    )
    .fact(format!("last answer: {reason}"))
    .fact("what was committed before stays; the next attempt resumes there")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    fn name_of(error: Error) -> Option<&'static str> {
        let told = told(error, Act::Write, "b");
        carried(&told).map(|diagnostic| diagnostic.condition.name)
    }

    #[test]
    fn answers_that_people_can_mend_have_names() {
        for (text, name) in [
            (
                "status code: 404 Not Found: <Code>NoSuchBucket</Code>",
                "S3_BUCKET_NOT_FOUND",
            ),
            (
                "status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code>",
                "S3_CREDENTIALS_REFUSED",
            ),
            (
                "status code: 400: <Code>ExpiredToken</Code>",
                "S3_CREDENTIALS_REFUSED",
            ),
            (
                "status code: 400: <Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region>",
                "S3_WRONG_REGION",
            ),
            ("Received redirect without LOCATION", "S3_WRONG_REGION"),
            (
                "status code: 403 Forbidden: <Code>AccessDenied</Code>",
                "S3_ACCESS_DENIED",
            ),
            (
                "status code: 503 Service Unavailable: <Code>SlowDown</Code>",
                "S3_UNAVAILABLE",
            ),
            (
                "connection closed before message completed",
                "S3_UNAVAILABLE",
            ),
        ] {
            assert_eq!(name_of(generic(text)), Some(name), "{text}");
        }
    }

    #[test]
    fn only_what_is_of_the_moment_may_pass() {
        let slow = told(
            generic("status code: 503: <Code>SlowDown</Code>"),
            Act::Read,
            "b",
        );
        let denied = told(
            generic("status code: 403: <Code>AccessDenied</Code>"),
            Act::Read,
            "b",
        );
        assert!(may_pass(&slow));
        assert!(!may_pass(&denied));
        assert!(!may_pass(&told(
            generic("status code: 400 Bad Request"),
            Act::Read,
            "b"
        )));
    }

    #[test]
    fn what_callers_tell_apart_stays() {
        let absent = Error::NotFound {
            path: "x".into(),
            source: "status code: 404: <Code>NoSuchKey</Code>".into(),
        };
        assert!(matches!(
            told(absent, Act::Read, "b"),
            Error::NotFound { .. }
        ));
    }

    #[test]
    fn the_region_of_the_answer_is_told() {
        let told = told(
            generic(
                "status code: 400: <Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region>",
            ),
            Act::List,
            "b",
        );
        assert!(carried(&told).unwrap().helps[0].contains("region: eu-central-1"));
    }
}
