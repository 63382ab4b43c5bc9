//! The plan of one micro-batch and its text. Must not store it: the edge writes the text once, by put-if-absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use sluice_model::StreamState;

use crate::{SourceIdentity, SourceOffset};

/// Version of the text that this engine writes; others are refused by [`BatchPlan::parse`] as typed outcome.
pub const FORMAT_VERSION: u32 = 1;

/// The file name of a plan: `00000000000000000005.json`, and `00000000000000000005.1.json` where the first writing of
/// it was found torn, or named files that had changed or gone before it was done. Names of plans sort by batch.
#[must_use]
pub fn plan_name(batch: i64, attempt: u32) -> String {
    match attempt {
        0 => format!("{batch:020}.json"),
        _ => format!("{batch:020}.{attempt}.json"),
    }
}

/// Batch and attempt of a file name as [`plan_name`] makes it; `None` for any other name.
#[must_use]
pub fn parse_plan_name(name: &str) -> Option<(i64, u32)> {
    let stem = name.strip_suffix(".json")?;
    let (batch, attempt) = stem.split_once('.').unwrap_or((stem, "0"));
    let parsed = (batch.parse().ok()?, attempt.parse().ok()?);
    (plan_name(parsed.0, parsed.1) == name).then_some(parsed)
}

/// What one batch reads of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRange {
    /// Who the source is.
    pub identity: SourceIdentity,
    /// Where the batch begins; `None` at the very beginning of the source. The first batch of a stream whose beginning
    /// is a choice ([`SourceOffset::is_recorded_beginning`]) records it here.
    pub start: Option<SourceOffset>,
    /// Where it ends: the start of the next batch.
    pub end: SourceOffset,
    /// How many files the range holds; of a stream: how many records.
    pub count: u64,
    /// Digest over the range (for files: of the list that the batch took; for streams: over shards and sequence
    /// numbers, in any order), hexadecimal; empty if the source is immutable.
    pub digest: String,
}

/// What a replay must not ask the world for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// What `current_timestamp()` gives in this batch, microseconds since the epoch, UTC.
    pub batch_ts_us: i64,
    /// Session time zone.
    pub time_zone: String,
    /// Seed of random functions.
    pub seed: u64,
}

/// The table the batch goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTarget {
    /// `metaData.id`.
    pub table_id: String,
    /// Version of the table when the batch was planned.
    pub base_version: u64,
}

/// The plan of one micro-batch: immutable, durable before any output, and enough to do the batch again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPlan {
    /// Delta application id of the flow, see [`crate::FlowId::app_id`].
    pub flow: String,
    /// Number of the batch, from 0: the version of the flow's txn once it is committed.
    pub batch: i64,
    /// Number of the batch before; `None` for batch 0.
    pub previous: Option<i64>,
    /// What is read, by the name the query gives the source.
    pub sources: BTreeMap<String, SourceRange>,
    /// Pinned facts.
    pub pinned: Pinned,
    /// Where it goes.
    pub target: PlannedTarget,
    /// Fingerprint of the flow's query when the batch was planned.
    pub fingerprint: String,
    /// Version of the engine that planned it.
    pub engine_version: String,
    /// What the flow remembers of the batches before: watermarks, and the files of its state. `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StreamState>,
}

/// Why the text of a plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// The text ends before its last line, or is not as long as that line says: a write that was cut off.
    #[error("the plan is cut off: {found} bytes are there{}", expected.map(|n| format!(", {n} were written")).unwrap_or_default())]
    Torn {
        /// Length of the body found, in bytes.
        found: usize,
        /// Length of the body that the last line tells, if it can be read.
        expected: Option<usize>,
    },
    /// The length is right and the bytes are not.
    #[error("the checksum of the plan is {found:08x}, {expected:08x} was written")]
    Checksum {
        /// CRC-32C of the bytes found.
        found: u32,
        /// CRC-32C that the last line tells.
        expected: u32,
    },
    /// Whole and sound, but of another format version.
    #[error("the plan has format version {found}, this engine reads version {FORMAT_VERSION}")]
    OtherFormat {
        /// Version found.
        found: u32,
    },
    /// Whole and sound, of our version, and still not a plan: a newer source kind, or a bug.
    #[error("the plan cannot be read: {0}")]
    Malformed(String),
}

#[derive(Serialize, Deserialize)]
struct Seal {
    format: u32,
    length: usize,
    crc32c: u32,
}

impl BatchPlan {
    /// The text of the plan: one line of JSON, then one line with format version, length and CRC-32C of the first.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = json(self);
        text.push('\n');
        let seal = Seal {
            format: FORMAT_VERSION,
            length: text.len(),
            crc32c: crc32c::crc32c(text.as_bytes()),
        };
        text.push_str(&json(&seal));
        text.push('\n');
        text
    }

    /// Reads a text as [`BatchPlan::to_text`] writes it.
    ///
    /// # Errors
    /// The text is cut off, damaged, of another format version, or no plan: see [`PlanFault`].
    pub fn parse(text: &[u8]) -> Result<Self, PlanFault> {
        let torn = |expected| PlanFault::Torn {
            found: text.len(),
            expected,
        };
        let sealed = text.strip_suffix(b"\n").ok_or_else(|| torn(None))?;
        let body_end = sealed
            .iter()
            .rposition(|byte| *byte == b'\n')
            .ok_or_else(|| torn(None))?
            + 1;
        let (body, last_line) = sealed.split_at(body_end);
        let seal: Seal = serde_json::from_slice(last_line).map_err(|_| torn(None))?;
        if body.len() != seal.length {
            return Err(PlanFault::Torn {
                found: body.len(),
                expected: Some(seal.length),
            });
        }
        let found = crc32c::crc32c(body);
        if found != seal.crc32c {
            return Err(PlanFault::Checksum {
                found,
                expected: seal.crc32c,
            });
        }
        if seal.format != FORMAT_VERSION {
            return Err(PlanFault::OtherFormat { found: seal.format });
        }
        serde_json::from_slice(body).map_err(|error| PlanFault::Malformed(error.to_string()))
    }

    /// Whether a plan of the batch after this one begins where this one ends: of several plans of a batch, the one that
    /// was committed is continued.
    #[must_use]
    pub fn is_continued_by(&self, next: &Self) -> bool {
        self.sources.iter().all(|(name, range)| {
            let after = next.sources.get(name);
            after.is_none_or(|after| after.start.as_ref() == Some(&range.end))
        })
    }

    /// The plan as the value that is echoed in the commit of the batch.
    #[must_use]
    pub fn to_echo(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }

    /// Reads an echo back; `None` if it is not one.
    #[must_use]
    pub fn from_echo(echo: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(echo.clone()).ok()
    }
}

/// JSON of our own plain data, which has string keys only and therefore always serializes.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn plan(batch: i64) -> BatchPlan {
        let offset = |files: u64| SourceOffset::Files {
            files,
            bytes: files * 10,
            digest: format!("{files:x}"),
        };
        let number = u64::try_from(batch).unwrap();
        BatchPlan {
            flow: "sluice/t/bronze/0".into(),
            batch,
            previous: (batch > 0).then(|| batch - 1),
            sources: BTreeMap::from([(
                "files".to_owned(),
                SourceRange {
                    identity: SourceIdentity::Files {
                        root: "/data".into(),
                        format: "json".into(),
                    },
                    start: (batch > 0).then(|| offset(number)),
                    end: offset(number + 1),
                    count: 1,
                    digest: "ab".into(),
                },
            )]),
            pinned: Pinned {
                batch_ts_us: 7,
                time_zone: "UTC".into(),
                seed: 42,
            },
            target: PlannedTarget {
                table_id: "t".into(),
                base_version: number,
            },
            fingerprint: "f".into(),
            engine_version: "0.1.0".into(),
            state: None,
        }
    }

    #[test]
    fn a_plan_reads_back_from_its_text_and_from_its_echo() {
        let plan = plan(3);
        assert_eq!(
            BatchPlan::parse(plan.to_text().as_bytes()),
            Ok(plan.clone())
        );
        assert_eq!(BatchPlan::from_echo(&plan.to_echo()), Some(plan));
    }

    #[test]
    fn a_plan_is_continued_where_it_ends() {
        assert!(plan(3).is_continued_by(&plan(4)));
        assert!(!plan(2).is_continued_by(&plan(4)));
    }

    #[test]
    fn names_of_plans_read_back_and_others_do_not() {
        for (batch, attempt) in [(0, 0), (17, 0), (17, 3), (i64::MAX, 1)] {
            assert_eq!(
                parse_plan_name(&plan_name(batch, attempt)),
                Some((batch, attempt))
            );
        }
        for name in [
            "5.json",
            "00000000000000000005.0.json",
            "00000000000000000005.json#1",
            "x.json",
            "meta.json",
        ] {
            assert_eq!(parse_plan_name(name), None, "{name}");
        }
    }

    #[test]
    fn every_cut_is_found() {
        let text = plan(1).to_text();
        for length in 0..text.len() {
            let fault = BatchPlan::parse(&text.as_bytes()[..length]).unwrap_err();
            assert!(
                matches!(fault, PlanFault::Torn { .. }),
                "cut at {length}: {fault}"
            );
        }
    }

    #[test]
    fn every_changed_byte_is_found() {
        let text = plan(1).to_text();
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            assert!(BatchPlan::parse(&bytes).is_err(), "byte {place}");
        }
        let zeros = vec![0; text.len()];
        assert!(matches!(
            BatchPlan::parse(&zeros),
            Err(PlanFault::Torn { .. })
        ));
    }

    #[test]
    fn another_format_version_is_named() {
        let body = "{\"batches\":[]}\n";
        let text = format!(
            "{body}{{\"format\":2,\"length\":{},\"crc32c\":{}}}\n",
            body.len(),
            crc32c::crc32c(body.as_bytes())
        );
        assert_eq!(
            BatchPlan::parse(text.as_bytes()),
            Err(PlanFault::OtherFormat { found: 2 })
        );
        let same = text.replace("\"format\":2", "\"format\":1");
        assert!(matches!(
            BatchPlan::parse(same.as_bytes()),
            Err(PlanFault::Malformed(_))
        ));
    }
}
