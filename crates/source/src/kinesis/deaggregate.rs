//! Aggregated records of the Kinesis Producer Library: many user records in one record of the stream.
//!
//! Layout: four magic bytes, an `AggregatedRecord` message, the MD5 digest of that message. Must not decide where a
//! batch ends: batches are cut between records of the stream, never inside one.

use std::sync::Arc;

use md5::{Digest as _, Md5};
use prost::Message as _;
use sluice_model::limits::{PARTITION_KEY_CHARACTERS_MAX, TAKEN_APART_BYTES_MAX};

const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const DIGEST_BYTES: usize = 16;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    pub(super) partition_key_table: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) explicit_hash_key_table: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub(super) records: Vec<UserRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UserRecord {
    #[prost(uint64, required, tag = "1")]
    pub(super) partition_key_index: u64,
    #[prost(uint64, optional, tag = "2")]
    pub(super) explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "vec", required, tag = "3")]
    pub(super) data: Vec<u8>,
}

/// What the payload of a record of the stream is.
#[derive(Debug, PartialEq)]
pub(super) enum Payload {
    /// As it was put.
    Plain,
    /// Begins like an aggregate and is none, or a damaged one: to be kept as it is, and counted.
    Damaged,
    /// User records in their order, each with its partition key, which many may share.
    Aggregate(Vec<(Arc<str>, Vec<u8>)>),
}

/// Looks at a payload.
pub(super) fn take_apart(data: &[u8]) -> Payload {
    let Some(rest) = data.strip_prefix(&MAGIC) else {
        return Payload::Plain;
    };
    let Some((message, digest)) = rest
        .len()
        .checked_sub(DIGEST_BYTES)
        .map(|length| rest.split_at(length))
    else {
        return Payload::Damaged;
    };
    if Md5::digest(message).as_slice() != digest {
        return Payload::Damaged;
    }
    AggregatedRecord::decode(message)
        .ok()
        .and_then(keyed)
        .map_or(Payload::Damaged, Payload::Aggregate)
}

/// The user records with their keys; `None` where that cannot be, or would be more than anybody aggregates: each record
/// has its key in full once it is a row.
fn keyed(aggregate: AggregatedRecord) -> Option<Vec<(Arc<str>, Vec<u8>)>> {
    let keys: Vec<Arc<str>> = aggregate
        .partition_key_table
        .into_iter()
        .map(Arc::from)
        .collect();
    let is_long = |key: &Arc<str>| key.chars().nth(PARTITION_KEY_CHARACTERS_MAX).is_some();
    if keys.iter().any(is_long) {
        return None;
    }
    let mut bytes = 0;
    let keyed = aggregate.records.into_iter().map(|record| {
        let key = keys.get(usize::try_from(record.partition_key_index).ok()?)?;
        bytes += key.len() + record.data.len();
        (bytes <= TAKEN_APART_BYTES_MAX).then(|| (Arc::clone(key), record.data))
    });
    keyed.collect()
}

#[cfg(test)]
#[path = "deaggregate_tests.rs"]
mod tests;
