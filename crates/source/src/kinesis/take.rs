//! From records of one shard to rows: aggregates taken apart, digest and size counted. Must not call the service.

use arrow_array::RecordBatch;
use aws_sdk_kinesis::types::Record;

use super::client::{microseconds, milliseconds};
use super::columns::{Row, Rows};
use super::deaggregate::{Payload, take_apart};
use super::digest::{Digest, ShardSeed};
use super::read::size;
use crate::SourceError;

/// What a row holds beside key and payload: sequence number, names, time.
const ROW_BYTES: u64 = 128;

/// How records of a stream become rows.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) stream: String,
    pub(super) stream_arn: String,
    pub(super) deaggregate: bool,
    pub(super) has_sub_sequence_number: bool,
}

/// The records taken of one shard.
pub(super) struct Take {
    rows: Rows,
    seed: ShardSeed,
    deaggregate: bool,
    pub(super) digest: Digest,
    pub(super) bytes: u64,
    /// Records that look like aggregates and are damaged.
    pub(super) damaged: u64,
}

impl Take {
    pub(super) fn new(form: &Form, shard: &str) -> Self {
        Self {
            rows: Rows::new(&form.stream, shard, form.has_sub_sequence_number),
            seed: ShardSeed::new(&form.stream_arn, shard),
            deaggregate: form.deaggregate,
            digest: Digest::default(),
            bytes: 0,
            damaged: 0,
        }
    }

    /// Takes a record. Returns the bytes that it costs: its payload, of an aggregate what it is once it is taken apart.
    pub(super) fn push(&mut self, record: &Record) -> Result<u64, SourceError> {
        let data = record.data.as_ref();
        let mut cost = size(record);
        self.digest.add(self.seed, &record.sequence_number);
        self.bytes += cost;
        let arrival_us = record.approximate_arrival_timestamp.as_ref();
        let mut row = Row {
            partition_key: record.partition_key.as_deref().unwrap_or_default(),
            data,
            sequence_number: &record.sequence_number,
            arrival_us: arrival_us.map(microseconds),
            sub_sequence_number: 0,
        };
        let payload = if self.deaggregate {
            take_apart(data)
        } else {
            Payload::Plain
        };
        match payload {
            Payload::Plain => self.rows.push(&row)?,
            Payload::Damaged => {
                self.damaged += 1;
                self.rows.push(&row)?;
            }
            Payload::Aggregate(records) => {
                cost = 0;
                for (place, (key, data)) in (0..).zip(&records) {
                    cost += ROW_BYTES + (key.len() + data.len()) as u64;
                    row.partition_key = key;
                    row.data = data;
                    row.sub_sequence_number = place;
                    self.rows.push(&row)?;
                }
            }
        }
        Ok(cost)
    }

    pub(super) fn finish(self) -> Result<Vec<RecordBatch>, SourceError> {
        self.rows.finish()
    }
}

/// When a record arrived, milliseconds since the epoch.
pub(super) fn arrival_ms(record: &Record) -> Option<i64> {
    record
        .approximate_arrival_timestamp
        .as_ref()
        .map(milliseconds)
}
