//! Which shards may be read: parents before children, nothing skipped, nothing twice. Pure: the list of shards and
//! the positions come in, a decision goes out. Must not call the service.

use std::collections::BTreeMap;

use sluice_checkpoint::{ShardOffset, ShardOffsets};

/// A shard as the service lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedShard {
    pub(super) id: String,
    /// The shard it came out of, and for a merge the other one.
    pub(super) parents: Vec<String>,
    /// Whether it takes no further records.
    pub(super) is_closed: bool,
}

/// What a batch does with the shards of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShardPlan {
    /// Every shard that stays in the offset, with its position: known ones, and children that may be read from now on.
    /// What nobody needs any more is not in it.
    pub(super) positions: ShardOffsets,
    /// Those of them to be read now.
    pub(super) readable: Vec<String>,
    /// Whether some shard waits for a parent.
    pub(super) has_waiting: bool,
    /// Shards whose records were not all read and which the stream does not have any more. They count as ended.
    pub(super) lost: Vec<String>,
}

/// The positions of a stream that is begun: all shards of the list at the same one.
pub(super) fn begin(listed: &[ListedShard], position: &ShardOffset) -> ShardOffsets {
    listed
        .iter()
        .map(|shard| (shard.id.clone(), position.clone()))
        .collect()
}

/// Decides which shards a batch reads that starts at `from`.
///
/// A shard is readable once each parent was read to its end in an earlier batch, so that records of one partition key
/// keep their order across batches. A shard that appears later is read from its beginning, also where the stream was
/// begun at `latest`: its records came after those of its parents. A parent that ended stays in the offset until all its
/// children have progressed and the service has forgotten it; else it would look new, and be read twice.
pub(super) fn plan_shards(from: &ShardOffsets, listed: &[ListedShard]) -> ShardPlan {
    let by_id: BTreeMap<&str, &ListedShard> = listed
        .iter()
        .map(|shard| (shard.id.as_str(), shard))
        .collect();
    let children = |id: &str| {
        let id = id.to_owned();
        listed
            .iter()
            .filter(move |shard| shard.parents.contains(&id))
    };
    let mut plan = ShardPlan::default();
    let mut positions = from.clone();
    for (id, position) in from {
        if !position.is_end() && !by_id.contains_key(id.as_str()) {
            plan.lost.push(id.clone());
            positions.insert(id.clone(), ShardOffset::ShardEnd);
        }
    }
    for shard in listed {
        if from.contains_key(&shard.id) {
            continue;
        }
        // Its children were begun, so it was read before: the list lags behind, or forgot it for a moment.
        if children(&shard.id).any(|child| from.contains_key(&child.id)) {
            continue;
        }
        let ended_before = |parent: &String| {
            from.get(parent).is_some_and(ShardOffset::is_end)
                || !by_id.contains_key(parent.as_str())
        };
        if shard.parents.iter().all(ended_before) {
            for parent in &shard.parents {
                if !from.contains_key(parent) && !plan.lost.contains(parent) {
                    // It came and went between two batches: nobody read it.
                    plan.lost.push(parent.clone());
                }
            }
            positions.insert(shard.id.clone(), ShardOffset::TrimHorizon);
        } else {
            plan.has_waiting = true;
        }
    }
    positions.retain(|id, position| {
        let is_needed = by_id.contains_key(id.as_str())
            || plan.lost.contains(id)
            || children(id).any(|child| !has_progressed(from.get(&child.id)));
        !position.is_end() || is_needed
    });
    for (id, position) in &positions {
        if position.is_end() || !by_id.contains_key(id.as_str()) {
            continue;
        }
        let parents = by_id
            .get(id.as_str())
            .map_or(&[][..], |shard| &shard.parents);
        // Ended *before* this batch: what ends in it lets its children begin in the next.
        let waits = parents.iter().any(|parent| {
            from.get(parent).is_some_and(|position| !position.is_end())
                && by_id.contains_key(parent.as_str())
        });
        if waits && !matches!(position, ShardOffset::After(_)) {
            plan.has_waiting = true;
        } else {
            plan.readable.push(id.clone());
        }
    }
    plan.positions = positions;
    plan
}

fn has_progressed(position: Option<&ShardOffset>) -> bool {
    matches!(
        position,
        Some(ShardOffset::After(_) | ShardOffset::ShardEnd)
    )
}

/// What a missing record before the first one that is left means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// The stream is being trimmed right up to that record: others went before it.
    Lost,
    /// The stream was quiet for a good while before that record: probably nothing was there.
    Quiet,
}

/// Judges a shard whose last read record has passed the stream's retention. Sequence numbers have gaps, so it cannot
/// be known whether records followed it that are gone too; but a shard that was written all the time keeps a record
/// from nearly every moment of its retention.
pub(super) fn judge_gap(first_arrival_ms: i64, now_ms: i64, retention_ms: i64) -> Gap {
    let horizon_ms = now_ms - retention_ms;
    if first_arrival_ms - horizon_ms < retention_ms / 10 {
        Gap::Lost
    } else {
        Gap::Quiet
    }
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
