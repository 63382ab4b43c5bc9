//! Calls of the service for one stream, with their answers in our own types. Must not retry, wait or decide.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{Record, ShardIteratorType, StreamStatus};

use super::StreamName;
use super::shard::ListedShard;
use super::trouble::{Call, Trouble};

/// One stream as it is asked for.
#[derive(Debug, Clone)]
pub(super) struct StreamClient {
    pub(super) client: Client,
    pub(super) name: StreamName,
    pub(super) region: String,
    /// The credentials in words.
    pub(super) credentials: String,
}

/// What the service says about a stream.
#[derive(Debug, Clone)]
pub(super) struct Summary {
    pub(super) arn: String,
    pub(super) created_ms: i64,
    pub(super) retention_ms: i64,
}

/// Where reading a shard begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    TrimHorizon,
    AtTimestamp(i64),
    /// At a record that was read before, to see whether it is still there.
    At(String),
    After(String),
}

/// One answer of a shard.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) records: Vec<Record>,
    /// `None`: the shard has ended.
    pub(super) next: Option<String>,
    pub(super) behind_ms: i64,
}

impl StreamClient {
    pub(super) fn call(&self, action: &'static str) -> Call<'_> {
        Call {
            action,
            stream: self.name.name(),
            region: &self.region,
            credentials: &self.credentials,
        }
    }

    /// Name and ARN as requests take them. The ARN goes along where it is known: it may name another account.
    pub(super) fn named(&self) -> (Option<String>, Option<String>) {
        match &self.name {
            StreamName::Name(name) => (Some(name.clone()), None),
            StreamName::Arn(arn) => (Some(self.name.name().to_owned()), Some(arn.clone())),
        }
    }

    pub(super) async fn describe(&self) -> Result<Summary, Trouble> {
        let (name, arn) = self.named();
        let request = self.client.describe_stream_summary();
        let answer = request
            .set_stream_name(name)
            .set_stream_arn(arn)
            .send()
            .await;
        let call = self.call("kinesis:DescribeStreamSummary");
        let answer = answer.map_err(|error| call.trouble(&error))?;
        let summary = answer
            .stream_description_summary
            .ok_or_else(|| Trouble::Transient("an answer without a summary".into()))?;
        if matches!(
            summary.stream_status,
            StreamStatus::Creating | StreamStatus::Deleting
        ) {
            let status = summary.stream_status.as_str();
            return Err(Trouble::Transient(format!("the stream is {status}")));
        }
        Ok(Summary {
            created_ms: milliseconds(&summary.stream_creation_timestamp),
            arn: summary.stream_arn,
            retention_ms: i64::from(summary.retention_period_hours) * 3_600_000,
        })
    }

    /// One page of the shards after `after`; the flag tells whether there are more.
    ///
    /// Pages are asked for by the last shard before them rather than by token: a token ends after five minutes.
    pub(super) async fn list_shards(
        &self,
        after: Option<&str>,
        max: usize,
    ) -> Result<(Vec<ListedShard>, bool), Trouble> {
        let (name, arn) = self.named();
        let answer = self
            .client
            .list_shards()
            .set_stream_name(name)
            .set_stream_arn(arn)
            .set_exclusive_start_shard_id(after.map(str::to_owned))
            .max_results(i32::try_from(max).unwrap_or(i32::MAX))
            .send()
            .await;
        let call = self.call("kinesis:ListShards");
        let answer = answer.map_err(|error| call.trouble(&error))?;
        let has_more = answer.next_token.is_some();
        let shards = answer.shards.unwrap_or_default();
        let listed = shards.into_iter().map(|shard| ListedShard {
            id: shard.shard_id,
            parents: shard
                .parent_shard_id
                .into_iter()
                .chain(shard.adjacent_parent_shard_id)
                .collect(),
            is_closed: shard
                .sequence_number_range
                .is_some_and(|range| range.ending_sequence_number.is_some()),
        });
        Ok((listed.collect(), has_more))
    }

    pub(super) async fn iterator(&self, shard: &str, start: &Start) -> Result<String, Trouble> {
        let (name, arn) = self.named();
        let request = self
            .client
            .get_shard_iterator()
            .set_stream_name(name)
            .set_stream_arn(arn)
            .shard_id(shard);
        let request = match start {
            Start::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Start::AtTimestamp(ms) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(*ms)),
            Start::At(number) => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(number),
            Start::After(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number),
        };
        let call = self.call("kinesis:GetShardIterator");
        let answer = request.send().await.map_err(|error| call.trouble(&error))?;
        answer
            .shard_iterator
            .ok_or_else(|| Trouble::Transient("an answer without an iterator".into()))
    }

    pub(super) async fn records(&self, iterator: &str, limit: usize) -> Result<Answer, Trouble> {
        let (_, arn) = self.named();
        let answer = self
            .client
            .get_records()
            .shard_iterator(iterator)
            .limit(i32::try_from(limit).unwrap_or(10_000))
            .set_stream_arn(arn)
            .send()
            .await;
        let call = self.call("kinesis:GetRecords");
        let answer = answer.map_err(|error| call.trouble(&error))?;
        Ok(Answer {
            records: answer.records,
            next: answer.next_shard_iterator,
            behind_ms: answer.millis_behind_latest.unwrap_or(0),
        })
    }
}

/// Milliseconds since the epoch.
pub(super) fn milliseconds(time: &DateTime) -> i64 {
    i64::try_from(time.as_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// Microseconds since the epoch.
pub(super) fn microseconds(time: &DateTime) -> i64 {
    i64::try_from(time.as_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}
