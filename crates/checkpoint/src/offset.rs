//! Who a source is and how far it has been read. Must not read sources.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ShardOffsets;
use crate::shard_offset::are_at_or_after;

/// Who a source is: what must stay the same for its offsets to mean anything.
///
/// A further kind of source is a further variant; a text that names a kind which this engine does not know is
/// refused as written by another version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceIdentity {
    /// Files under a root.
    Files {
        /// URL or path pattern the files are listed under.
        root: String,
        /// Format of the files, lower case: `json`, `csv`, …
        format: String,
    },
    /// The commits of a Delta table.
    Table {
        /// `metaData.id` of the table: a table dropped and made again is another table.
        table_id: String,
    },
    /// One call of `read_kinesis`, with all streams that it names.
    Kinesis {
        /// When each stream was created, milliseconds since the epoch, by the stream's ARN: a stream that was deleted
        /// and created again under the same name is another stream.
        streams: BTreeMap<String, i64>,
    },
}

impl fmt::Display for SourceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { root, format } => write!(f, "{format} files at {root}"),
            Self::Table { table_id } => write!(f, "the Delta table with id {table_id}"),
            Self::Kinesis { streams } => {
                f.write_str("Kinesis ")?;
                for (place, (arn, created_ms)) in streams.iter().enumerate() {
                    let separator = if place > 0 { ", " } else { "" };
                    write!(f, "{separator}{arn} (created at {created_ms} ms)")?;
                }
                Ok(())
            }
        }
    }
}

/// How far a source has been read: everything before this position belongs to earlier batches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceOffset {
    /// Position in a set of files: which files were taken is in the flow's file lists, one list for each batch.
    Files {
        /// Files taken by all batches up to here.
        files: u64,
        /// Their size in bytes together.
        bytes: u64,
        /// Digest of the list of this batch chained to the digest before it; hexadecimal.
        digest: String,
    },
    /// Position in the log of a Delta table, as Delta's own streaming source counts.
    Table {
        /// `metaData.id` of the table.
        table_id: String,
        /// Version of the commit, or of the initial snapshot.
        version: u64,
        /// Files of that version already taken, in their fixed order; `None` when the version is taken whole.
        index: Option<u64>,
        /// Whether the position lies inside the initial snapshot rather than in a commit.
        initial_snapshot: bool,
    },
    /// Positions in the shards of Kinesis streams.
    Kinesis {
        /// The shards of each stream, by the stream's ARN.
        streams: BTreeMap<String, ShardOffsets>,
    },
}

impl SourceOffset {
    /// Whether the first range of such a source begins at a position of its own, written into the first plan.
    ///
    /// "The newest" of a stream means the time at which it was first asked for; a source that begins at its very
    /// beginning needs no such record.
    #[must_use]
    pub fn is_recorded_beginning(&self) -> bool {
        matches!(self, Self::Kinesis { .. })
    }

    /// Whether this offset counts in a source of that identity.
    #[must_use]
    pub fn belongs_to(&self, identity: &SourceIdentity) -> bool {
        match (self, identity) {
            (Self::Files { .. }, SourceIdentity::Files { .. }) => true,
            (Self::Table { table_id: left, .. }, SourceIdentity::Table { table_id: right }) => {
                left == right
            }
            (Self::Kinesis { streams: counted }, SourceIdentity::Kinesis { streams }) => {
                counted.keys().eq(streams.keys())
            }
            _ => false,
        }
    }

    /// Whether this position is at or after `earlier`; positions of different kinds or tables are never ordered.
    #[must_use]
    pub fn is_at_or_after(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (
                Self::Files {
                    files: now,
                    bytes: now_bytes,
                    ..
                },
                Self::Files {
                    files: was,
                    bytes: was_bytes,
                    ..
                },
            ) => now >= was && now_bytes >= was_bytes,
            (Self::Table { table_id: now, .. }, Self::Table { table_id: was, .. }) => {
                now == was && self.table_rank() >= earlier.table_rank()
            }
            (Self::Kinesis { streams: now }, Self::Kinesis { streams: was }) => {
                now.len() == was.len()
                    && was.iter().all(|(stream, before)| {
                        now.get(stream)
                            .is_some_and(|after| are_at_or_after(after, before))
                    })
            }
            _ => false,
        }
    }

    /// Order of table positions: version, then commit after snapshot, then files taken (`None`: all of them).
    fn table_rank(&self) -> (u64, bool, u64) {
        match self {
            Self::Table {
                version,
                index,
                initial_snapshot,
                ..
            } => (
                *version,
                index.is_none() || !initial_snapshot,
                index.unwrap_or(u64::MAX),
            ),
            Self::Files { .. } | Self::Kinesis { .. } => (0, false, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(version: u64, index: Option<u64>, initial_snapshot: bool) -> SourceOffset {
        SourceOffset::Table {
            table_id: "t".into(),
            version,
            index,
            initial_snapshot,
        }
    }

    #[test]
    fn table_positions_are_ordered_by_version_snapshot_and_index() {
        let ordered = [
            table(3, Some(0), true),
            table(3, Some(7), true),
            table(3, None, true),
            table(4, Some(1), false),
            table(4, None, false),
            table(5, Some(0), false),
        ];
        for (i, left) in ordered.iter().enumerate() {
            for (j, right) in ordered.iter().enumerate() {
                assert_eq!(
                    left.is_at_or_after(right),
                    i >= j,
                    "{left:?} after {right:?}"
                );
            }
        }
    }

    #[test]
    fn positions_of_different_sources_are_never_ordered() {
        let files = SourceOffset::Files {
            files: 1,
            bytes: 1,
            digest: String::new(),
        };
        assert!(!files.is_at_or_after(&table(0, None, false)));
        assert!(!table(9, None, false).is_at_or_after(&SourceOffset::Table {
            table_id: "other".into(),
            version: 0,
            index: None,
            initial_snapshot: false
        }));
        assert!(!files.belongs_to(&SourceIdentity::Table {
            table_id: "t".into()
        }));
        assert!(table(0, None, false).belongs_to(&SourceIdentity::Table {
            table_id: "t".into()
        }));
    }

    #[test]
    fn a_kind_from_another_version_is_not_understood() {
        let text = r#"{"kind":"kafka","partitions":{}}"#;
        assert!(serde_json::from_str::<SourceOffset>(text).is_err());
    }

    fn stream(arn: &str, shards: &[(&str, crate::ShardOffset)]) -> SourceOffset {
        let shards = shards
            .iter()
            .map(|(shard, offset)| ((*shard).to_owned(), offset.clone()))
            .collect();
        SourceOffset::Kinesis {
            streams: BTreeMap::from([(arn.to_owned(), shards)]),
        }
    }

    #[test]
    fn positions_in_a_stream_belong_to_its_arn_and_are_ordered_shard_by_shard() {
        let at = |number: &str| stream("s", &[("0", crate::ShardOffset::After(number.into()))]);
        assert!(at("10").is_at_or_after(&at("9")));
        assert!(!at("9").is_at_or_after(&at("10")));
        let other = stream("t", &[("0", crate::ShardOffset::After("99".into()))]);
        assert!(!other.is_at_or_after(&at("9")));
        let identity = SourceIdentity::Kinesis {
            streams: BTreeMap::from([("s".to_owned(), 1)]),
        };
        assert!(at("9").belongs_to(&identity));
        assert!(!other.belongs_to(&identity));
    }
}
