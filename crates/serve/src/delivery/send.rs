//! One attempt at one message over HTTP. Must not decide whether there is another one.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use ring::hmac;
use sluice_model::Diagnostic;
use sluice_model::condition::run::INTERNAL_ERROR;
use sluice_model::condition::serve::DESTINATION_URL_NOT_ALLOWED;

use super::Address;
use super::message::hexadecimal;

/// A destination that asks for more patience than this is asked again all the same.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Sends messages.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    client: Client,
}

/// What a destination answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has the message.
    Taken,
    /// It does not, or did not say so.
    Refused {
        /// Why, without the address.
        words: String,
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
}

impl Sender {
    /// Attempts end after `patience`.
    pub(crate) fn new(patience: Duration) -> Result<Self, Diagnostic> {
        // Whoever was first has chosen the cryptography of this process; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(patience)
            .connect_timeout(patience.min(Duration::from_secs(10)))
            // A message goes where the project says and nowhere else.
            .redirect(Policy::none())
            .build();
        let client = client.map_err(|error| {
            Diagnostic::error(&INTERNAL_ERROR, format!("no HTTP client: {error}"))
        })?;
        Ok(Self { client })
    }

    /// Tries once.
    pub(crate) async fn send(
        &self,
        address: &Address,
        key: &str,
        body: &[u8],
        now_us: i64,
    ) -> Answer {
        let mut request = self
            .client
            .post(address.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .header("Idempotency-Key", key)
            .header("X-Sluice-Deduplication-Key", key);
        if let Some(signing_key) = &address.signing_key {
            request = request.header("X-Sluice-Signature", signature(signing_key, body, now_us));
        }
        match request.body(body.to_vec()).send().await {
            Ok(response) if response.status().is_success() => Answer::Taken,
            Ok(response) => {
                let status = response.status();
                let header = response.headers().get(RETRY_AFTER);
                let after = header.and_then(|value| retry_after(value.to_str().ok()?, now_us));
                let mut words = format!("it answered {status}");
                if status.is_redirection() {
                    words.push_str(
                        " and points elsewhere, where nothing is sent: write the final address",
                    );
                }
                Answer::Refused { words, after }
            }
            Err(error) => {
                let what = if error.is_timeout() {
                    "it did not answer in time"
                } else if error.is_connect() {
                    "no connection"
                } else {
                    "the connection broke"
                };
                Answer::Refused {
                    words: what.to_owned(),
                    after: None,
                }
            }
        }
    }
}

/// `t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">`.
pub(crate) fn signature(key: &[u8], body: &[u8], now_us: i64) -> String {
    let seconds = now_us.div_euclid(1_000_000);
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    format!("t={seconds},v1={}", hexadecimal(context.sign().as_ref()))
}

/// Seconds, or a date of HTTP.
fn retry_after(text: &str, now_us: i64) -> Option<Duration> {
    let seconds = match text.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
            let left = date.timestamp() - now_us.div_euclid(1_000_000);
            u64::try_from(left).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Reads the address of a destination; what must not be asked is refused. Never says the address itself.
pub(crate) fn address_of(text: &str) -> Result<Url, Box<Diagnostic>> {
    let refused = |why: &str| {
        let message = format!("the address of the destination {why}");
        Box::new(
            Diagnostic::error(&DESTINATION_URL_NOT_ALLOWED, message)
                .help("write `https://host/path`"),
        )
    };
    let url = Url::parse(text.trim()).map_err(|_| refused("is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("holds a user or a password"));
    }
    // Addresses of a machine's own network, where clouds tell credentials.
    let host = url.host_str().unwrap_or_default();
    if host.starts_with("169.254.") || host.to_lowercase().starts_with("[fe80:") {
        return Err(refused("is one of the link itself"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_must_not_be_asked_are_refused() {
        for (text, allowed) in [
            ("https://hooks.example.com/x", true),
            ("http://127.0.0.1:9/", true),
            ("file:///etc/passwd", false),
            ("ftp://example.com/", false),
            ("https://user:word@example.com/", false),
            ("http://169.254.169.254/latest/", false),
            ("hooks.example.com", false),
        ] {
            let found = address_of(text);
            assert_eq!(found.is_ok(), allowed, "{text}");
            if let Err(refused) = found {
                assert_eq!(refused.condition.name, "DESTINATION_URL_NOT_ALLOWED");
                assert!(!refused.message.contains(text), "{text}");
            }
        }
    }

    #[test]
    fn a_signature_covers_time_and_body() {
        let one = signature(b"key", b"body", 5_000_000);
        assert!(one.starts_with("t=5,v1="), "{one}");
        assert_eq!(one.len(), 7 + 64);
        assert_ne!(one, signature(b"key", b"body", 6_000_000));
        assert_ne!(one, signature(b"key", b"bodz", 5_000_000));
        assert_ne!(one, signature(b"kez", b"body", 5_000_000));
    }

    #[test]
    fn patience_is_read_as_seconds_or_as_a_date() {
        let at = |text| retry_after(text, 1_445_412_480_000_000);
        assert_eq!(at("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            at("Wed, 21 Oct 2015 07:28:10 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(at("Wed, 21 Oct 2015 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(at("999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(at("soon"), None);
    }
}
