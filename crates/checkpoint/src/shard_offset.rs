//! How far a shard of a Kinesis stream has been read. Must not read streams.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Position in one shard: everything before it belongs to earlier batches.
///
/// There is no position *at* a record: to begin there again would read the last record of a batch twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardOffset {
    /// Before the oldest record that the shard keeps.
    TrimHorizon,
    /// Before the first record that arrived at or after this time, milliseconds since the epoch.
    AtTimestamp(i64),
    /// After the record with this sequence number, a decimal number of some fifty digits.
    After(String),
    /// After the last record of a shard that was split or merged: what follows is in its children.
    ShardEnd,
}

impl ShardOffset {
    /// Whether the shard has no further records.
    #[must_use]
    pub fn is_end(&self) -> bool {
        *self == Self::ShardEnd
    }

    /// Whether this position is at or after `earlier` in the same shard. Two times are only ordered when they are
    /// equal or rise, and no record is known to lie between them.
    #[must_use]
    pub fn is_at_or_after(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::AtTimestamp(now), Self::AtTimestamp(was)) => now >= was,
            (Self::After(now), Self::After(was)) => {
                compare_sequence_numbers(now, was) != Ordering::Less
            }
            _ => self.rank() >= earlier.rank(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::TrimHorizon => 0,
            Self::AtTimestamp(_) => 1,
            Self::After(_) => 2,
            Self::ShardEnd => 3,
        }
    }
}

/// Orders two sequence numbers of one shard. They are decimal numbers too large for machine integers.
#[must_use]
pub fn compare_sequence_numbers(left: &str, right: &str) -> Ordering {
    let left = left.trim_start_matches('0');
    let right = right.trim_start_matches('0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The positions in the shards of one stream, by shard id.
pub type ShardOffsets = BTreeMap<String, ShardOffset>;

/// Whether all shards of a stream stand at or after where they stood. A shard may appear (a child), and one that was
/// at its end may go (nobody needs it any more); a shard that was still to be read must not go.
pub(crate) fn are_at_or_after(now: &ShardOffsets, was: &ShardOffsets) -> bool {
    was.iter().all(|(shard, before)| match now.get(shard) {
        Some(after) => after.is_at_or_after(before),
        None => before.is_end(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(number: &str) -> ShardOffset {
        ShardOffset::After(number.into())
    }

    #[test]
    fn positions_in_a_shard_are_ordered_by_kind_and_then_by_number() {
        let ordered = [
            ShardOffset::TrimHorizon,
            ShardOffset::AtTimestamp(5),
            ShardOffset::AtTimestamp(6),
            after("9"),
            after("10"),
            after("49590338271490256608559692538361571095921575989136588898"),
            after("49590338271490256608559692540925702759324208523137515618"),
            ShardOffset::ShardEnd,
        ];
        for (i, left) in ordered.iter().enumerate() {
            for (j, right) in ordered.iter().enumerate() {
                assert_eq!(left.is_at_or_after(right), i >= j, "{left:?} {right:?}");
            }
        }
        assert!(after("0010").is_at_or_after(&after("10")));
    }

    #[test]
    fn a_shard_may_come_and_only_a_finished_one_may_go() {
        let of = |list: &[(&str, ShardOffset)]| -> ShardOffsets {
            list.iter()
                .map(|(shard, offset)| ((*shard).to_owned(), offset.clone()))
                .collect()
        };
        let was = of(&[("a", ShardOffset::ShardEnd), ("b", after("7"))]);
        assert!(are_at_or_after(&was, &was));
        assert!(are_at_or_after(
            &of(&[("b", after("7")), ("c", ShardOffset::TrimHorizon)]),
            &was
        ));
        assert!(!are_at_or_after(&of(&[("a", ShardOffset::ShardEnd)]), &was));
        assert!(!are_at_or_after(
            &of(&[("a", ShardOffset::ShardEnd), ("b", after("6"))]),
            &was
        ));
    }

    #[test]
    fn offsets_read_back_from_their_text() {
        for (offset, text) in [
            (ShardOffset::TrimHorizon, r#""trim_horizon""#),
            (ShardOffset::AtTimestamp(12), r#"{"at_timestamp":12}"#),
            (after("49"), r#"{"after":"49"}"#),
            (ShardOffset::ShardEnd, r#""shard_end""#),
        ] {
            assert_eq!(serde_json::to_string(&offset).unwrap(), text);
            assert_eq!(serde_json::from_str::<ShardOffset>(text).unwrap(), offset);
        }
        assert!(serde_json::from_str::<ShardOffset>(r#"{"at":"49"}"#).is_err());
    }
}
