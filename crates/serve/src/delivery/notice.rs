//! One message about a run of a job: tried a few times, and then given up and told. Must not decide who hears of what.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use sluice_model::destination::DestinationKind;
use sluice_model::job::Occasion;
use sluice_model::{Diagnostic, Severity};

use super::message::{digest_of, escape};
use super::send::{Answer, Sender};
use super::{Address, Patience, follow};

/// Attempts at one message.
const ATTEMPTS_MAX: u32 = 4;

/// What happened to a run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobNotice {
    /// What.
    pub occasion: Occasion,
    /// Key of the job.
    pub job: String,
    /// Its name.
    pub name: String,
    /// When, microseconds since the epoch.
    pub at_us: i64,
}

impl JobNotice {
    fn text(&self) -> String {
        let what = match self.occasion {
            Occasion::Start => "has started",
            Occasion::Success => "has succeeded",
            Occasion::Failure => "has failed",
            Occasion::Late => "takes longer than it should",
        };
        format!("A run of job {} {what}", self.name)
    }

    fn body(&self, kind: DestinationKind, destination: &str, key: &str) -> Value {
        let at = DateTime::from_timestamp_micros(self.at_us).unwrap_or_default();
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        match kind {
            DestinationKind::Webhook => json!({
                "deduplication_key": key,
                "destination": destination,
                "event_type": self.occasion.event(),
                "job": { "job_id": self.job, "name": self.name },
                "time": at,
                "text": self.text(),
            }),
            DestinationKind::Slack => json!({ "text": escape(&format!("{} ({at})", self.text())) }),
        }
    }
}

/// Tells a destination what happened to a run of a job.
///
/// # Errors
/// What it answered to the last attempt. Unlike rows of a table, a notice that is not taken is lost.
pub async fn tell(
    address: &Address,
    notice: &JobNotice,
    patience: Patience,
) -> Result<(), Diagnostic> {
    let destination = &address.destination;
    let event = notice.occasion.event();
    let key = digest_of([event, notice.job.as_str(), &notice.at_us.to_string()]);
    let body = notice.body(destination.kind, &destination.name, &key);
    let body = body.to_string().into_bytes();
    let sender = Sender::new(patience.attempt)?;
    let mut wait = patience.first_wait;
    let mut attempt = 1;
    loop {
        match sender.send(address, &key, &body, notice.at_us).await {
            Answer::Taken => return Ok(()),
            Answer::Refused { words, .. } if attempt == ATTEMPTS_MAX => {
                let found = follow::delayed(destination, &words);
                return Err(Diagnostic {
                    severity: Severity::Warning,
                    facts: vec![format!(
                        "the notice {event} of job `{}` is given up after {attempt} attempts",
                        notice.job
                    )],
                    ..found
                });
            }
            Answer::Refused { .. } => {}
        }
        attempt += 1;
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2);
    }
}
