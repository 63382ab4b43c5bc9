//! Records that a stream no longer holds, and other things to tell: their words. Must not decide whether to go on.

use sluice_model::Diagnostic;
use sluice_model::condition::kinesis as condition;

use super::read::Interruptions;
use crate::SourceError;

/// Records that should be there and are not.
pub(super) struct Loss {
    message: String,
    facts: Vec<String>,
}

impl Loss {
    /// Shards that went before they were read to their end.
    pub(super) fn shards(stream: &str, shards: &[String]) -> Self {
        Self {
            message: format!("stream `{stream}` no longer holds all records of its shards"),
            facts: vec![format!(
                "gone before their end was read: {}",
                shards.join(", ")
            )],
        }
    }

    /// The last record read has passed the retention, and the stream is trimmed right up to the first one left.
    pub(super) fn gap(stream: &str, shard: &str, first_left_ms: i64, retention_ms: i64) -> Self {
        Self {
            message: format!(
                "stream `{stream}` no longer holds the records after the last micro-batch"
            ),
            facts: vec![
                format!(
                    "shard {shard}: the last record read is gone, the oldest one kept arrived at {}",
                    time(first_left_ms)
                ),
                format!(
                    "the stream keeps records for {} h",
                    retention_ms / 3_600_000
                ),
            ],
        }
    }

    /// A range was read again and is not what it was.
    pub(super) fn range(
        stream: &str,
        expected: (u64, &str),
        found: (u64, &str),
        gone: &[String],
    ) -> Self {
        let mut facts = vec![
            format!("planned: {} records, digest {}", expected.0, expected.1),
            format!("found: {} records, digest {}", found.0, found.1),
        ];
        if !gone.is_empty() {
            facts.push(format!("shards that are gone: {}", gone.join(", ")));
        }
        Self {
            message: format!("stream `{stream}` no longer holds a micro-batch that was begun"),
            facts,
        }
    }

    /// The loss as an error: nothing goes on.
    pub(super) fn into_error(self) -> SourceError {
        let error = Diagnostic::error(&condition::KINESIS_DATA_LOST, self.message);
        let error = self.facts.into_iter().fold(error, Diagnostic::fact);
        SourceError::Refused(Box::new(
            error
                .fact("nothing of this micro-batch was written")
                .help("accept the gap and go on: `failOnDataLoss => false`")
                .help("raise the stream's retention before it happens again"),
        ))
    }

    /// The loss as a warning: it is accepted.
    pub(super) fn into_warning(self) -> Diagnostic {
        let warning = Diagnostic::warning(&condition::KINESIS_DATA_LOST, self.message);
        self.facts
            .into_iter()
            .fold(warning, Diagnostic::fact)
            .fact("accepted by `failOnDataLoss => false`")
    }
}

/// The last record read has passed the retention, and it cannot be known whether others followed it.
pub(super) fn perhaps_lost(stream: &str, shard: &str, first_left_ms: Option<i64>) -> Diagnostic {
    let left = match first_left_ms {
        Some(ms) => format!("the oldest record kept arrived at {}", time(ms)),
        None => "the shard holds no record now".to_owned(),
    };
    Diagnostic::warning(
        &condition::KINESIS_DATA_LOST,
        format!(
            "the last record read of shard {shard} of stream `{stream}` has passed its retention"
        ),
    )
    .fact(left)
    .fact("if records came between the two, they are gone")
}

/// Calls that had to be made again, if there were any.
pub(super) fn interrupted(stream: &str, all: &Interruptions) -> Option<Diagnostic> {
    let kinds = [
        (all.throttled, "throttled"),
        (all.failed, "failed"),
        (all.expired, "came too late for their position"),
    ];
    let words: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if words.is_empty() {
        return None;
    }
    let note = Diagnostic::note(
        &condition::KINESIS_INTERRUPTED,
        format!(
            "calls of stream `{stream}` were made again: {}",
            words.join(", ")
        ),
    );
    Some(match &all.last {
        Some(reason) => note.fact(format!("last failure: {reason}")),
        None => note,
    })
}

/// Damaged aggregates, if there were any.
pub(super) fn damaged(stream: &str, count: u64) -> Option<Diagnostic> {
    (count > 0).then(|| {
        Diagnostic::warning(
            &condition::KINESIS_RECORDS_NOT_DEAGGREGATED,
            format!("{count} records of stream `{stream}` look like aggregates and are damaged"),
        )
        .fact("each was kept as one row, as it is")
    })
}

fn time(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(
        || format!("{ms} ms"),
        |time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    )
}
