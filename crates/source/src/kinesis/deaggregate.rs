//! Aggregated records of the Kinesis Producer Library: many user records in one record of the stream.
//!
//! Layout: four magic bytes, an `AggregatedRecord` message, the MD5 digest of that message. Must not decide where a
//! batch ends: batches are cut between records of the stream, never inside one.

use md5::{Digest as _, Md5};
use prost::Message as _;

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
    /// User records in their order, each with its partition key.
    Aggregate(Vec<(String, Vec<u8>)>),
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
    let Ok(mut aggregate) = AggregatedRecord::decode(message) else {
        return Payload::Damaged;
    };
    let records = std::mem::take(&mut aggregate.records);
    let keyed = records.into_iter().map(|record| {
        let index = usize::try_from(record.partition_key_index).ok()?;
        let key = aggregate.partition_key_table.get(index)?;
        Some((key.clone(), record.data))
    });
    keyed
        .collect::<Option<Vec<_>>>()
        .map_or(Payload::Damaged, Payload::Aggregate)
}

#[cfg(test)]
#[path = "deaggregate_tests.rs"]
mod tests;
