//! A Kinesis stream filled as a producer fills it: many records to a call, what was refused again. Must not decide what
//! is written or when.

use std::convert::Infallible;
use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Config, Region};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};
use futures::future::try_join_all;

use super::partition_key::PartitionKey;
use super::simulator::{Outlet, Record};
use super::stream_calls::{Lane, Outgoing, lanes};
use crate::aws::{AwsCredentialSpec, AwsCredentials};

/// What may wait before it should be sent: enough for several calls at a time.
const WAITING_RECORDS_MAX: usize = 8_000;
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Wait after a call of which something was refused; doubles as long as nothing of a call is taken.
const WAIT: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Calls in a row of which nothing was taken, before it is given up.
const ATTEMPTS_MAX: u32 = 20;
/// Between two looks at a stream that is being made.
const ACTIVE_WAIT: Duration = Duration::from_millis(200);
/// Looks at it before it is given up: the service takes less than a minute.
const ACTIVE_LOOKS_MAX: u32 = 1_500;

/// Why records do not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamWriteError {
    /// There is no such stream.
    #[error("there is no stream `{stream}`")]
    NotFound {
        /// Its name.
        stream: String,
    },
    /// Nobody says in which region it is.
    #[error("no region is known for stream `{stream}`")]
    NoRegion {
        /// Its name.
        stream: String,
    },
    /// The service does not do it.
    #[error("{action} on stream `{stream}` failed: {code}: {message}")]
    Refused {
        /// Its name.
        stream: String,
        /// The operation, as an IAM policy names it.
        action: &'static str,
        /// The service's own name of the error.
        code: String,
        /// The service's own words.
        message: String,
    },
    /// The service does not answer, or there are no credentials to ask it with.
    #[error("{action} on stream `{stream}` had no answer: {reason}")]
    Unreachable {
        /// Its name.
        stream: String,
        /// The operation, as an IAM policy names it.
        action: &'static str,
        /// The chain of causes.
        reason: String,
    },
}

/// Where a stream is, and who writes to it.
#[derive(Debug, Clone, Default)]
pub struct StreamPlace {
    /// Its name.
    pub stream: String,
    /// Its region; `None`: the environment's.
    pub region: Option<String>,
    /// The service that has it; `None`: the region's own.
    pub endpoint: Option<String>,
    /// The credentials.
    pub credentials: AwsCredentialSpec,
}

impl StreamPlace {
    async fn client(&self) -> Result<Client, StreamWriteError> {
        let region = match &self.region {
            Some(region) => Some(Region::new(region.clone())),
            None => DefaultRegionChain::builder().build().region().await,
        };
        let region = region.ok_or_else(|| StreamWriteError::NoRegion {
            stream: self.stream.clone(),
        })?;
        let credentials = AwsCredentials::of(&self.credentials, Some(region.as_ref())).await;
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials.provider());
        config.set_endpoint_url(self.endpoint.clone());
        Ok(Client::from_conf(config.build()))
    }
}

/// Takes records to a stream. They wait until [`StreamWriter::send`].
#[derive(Debug)]
pub struct StreamWriter {
    client: Client,
    stream: String,
    key: PartitionKey,
    waiting: Vec<Outgoing>,
    waiting_bytes: usize,
    numbered: u64,
    sent: u64,
    again: u64,
}

impl StreamWriter {
    /// A writer for a stream. One that is not there is made with so many shards, if shards are given.
    ///
    /// # Errors
    /// It cannot be found, asked for or made.
    pub async fn open(
        place: &StreamPlace,
        key: PartitionKey,
        shards: Option<i32>,
    ) -> Result<Self, StreamWriteError> {
        let client = place.client().await?;
        let stream = place.stream.as_str();
        match (wait_until_active(&client, stream).await, shards) {
            (Err(StreamWriteError::NotFound { .. }), Some(shards)) => {
                create(&client, stream, shards).await?;
                wait_until_active(&client, stream).await?;
            }
            (found, _) => found?,
        }
        Ok(Self {
            client,
            stream: stream.to_owned(),
            key,
            waiting: vec![],
            waiting_bytes: 0,
            numbered: 0,
            sent: 0,
            again: 0,
        })
    }

    /// Records that the stream has taken.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Records that were sent again after the stream refused them, each as often as that happened.
    #[must_use]
    pub fn sent_again(&self) -> u64 {
        self.again
    }

    /// Whether so much waits that it should be sent before more is made.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_RECORDS_MAX || self.waiting_bytes >= WAITING_BYTES_MAX
    }

    /// Sends all that waits and comes back when the stream has taken it.
    ///
    /// # Errors
    /// The service fails, or takes nothing for too long; what it took before stays there.
    pub async fn send(&mut self) -> Result<(), StreamWriteError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.waiting_bytes = 0;
        let lanes = lanes(std::mem::take(&mut self.waiting));
        let calls = lanes.into_iter().map(|lane| self.send_lane(lane));
        for (sent, again) in try_join_all(calls).await? {
            self.sent += sent;
            self.again += again;
        }
        Ok(())
    }

    /// Sends the records of a lane. Tells how many were taken, and how many refusals there were.
    async fn send_lane(&self, mut lane: Lane) -> Result<(u64, u64), StreamWriteError> {
        let (mut sent, mut again) = (0, 0);
        let (mut wait, mut attempts) = (WAIT, 0);
        loop {
            let call = lane.next_call();
            if call.is_empty() {
                return Ok((sent, again));
            }
            let count = call.len();
            let (refused, reason) = self.put(call).await?;
            let left = refused.len();
            sent += (count - left) as u64;
            again += left as u64;
            if left == 0 {
                (wait, attempts) = (WAIT, 0);
                continue;
            }
            attempts = if left < count { 0 } else { attempts + 1 };
            if attempts > ATTEMPTS_MAX {
                let (code, message) = reason.unwrap_or_default();
                return Err(self.refused(code, message));
            }
            lane.put_back(refused);
            tokio::time::sleep(wait).await;
            wait = if left < count {
                WAIT
            } else {
                (wait * 2).min(WAIT_MAX)
            };
        }
    }

    /// One call. Gives the records that were not taken, in their order, and why.
    async fn put(
        &self,
        call: Vec<Outgoing>,
    ) -> Result<(Vec<Outgoing>, Option<(String, String)>), StreamWriteError> {
        let entries = call.iter().map(|record| {
            PutRecordsRequestEntry::builder()
                .partition_key(&record.key)
                .data(Blob::new(record.data.clone()))
                .build()
        });
        let entries: Result<Vec<_>, _> = entries.collect();
        let entries = entries
            .map_err(|error| self.refused("ValidationException".to_owned(), error.to_string()))?;
        let request = self
            .client
            .put_records()
            .stream_name(&self.stream)
            .set_records(Some(entries));
        let answer = request
            .send()
            .await
            .map_err(|error| told(&self.stream, "kinesis:PutRecords", &error))?;
        let mut reason = None;
        let mut refused = vec![];
        for (record, result) in call.into_iter().zip(answer.records()) {
            if let Some(code) = result.error_code() {
                let message = result.error_message().unwrap_or_default().to_owned();
                reason = Some((code.to_owned(), message));
                refused.push(record);
            }
        }
        Ok((refused, reason))
    }

    fn refused(&self, code: String, message: String) -> StreamWriteError {
        StreamWriteError::Refused {
            stream: self.stream.clone(),
            action: "kinesis:PutRecords",
            code,
            message,
        }
    }
}

impl Outlet for StreamWriter {
    type Error = Infallible;

    fn put(&mut self, record: Record<'_>) -> Result<(), Infallible> {
        self.numbered += 1;
        self.waiting_bytes += record.bytes.len();
        self.waiting.push(Outgoing {
            key: self.key.of(&record, self.numbered),
            data: record.bytes.to_vec(),
        });
        Ok(())
    }
}

async fn create(client: &Client, stream: &str, shards: i32) -> Result<(), StreamWriteError> {
    let make = client.create_stream().stream_name(stream);
    match make.shard_count(shards).send().await {
        Ok(_) => Ok(()),
        // Somebody else was quicker.
        Err(error) if error.code() == Some("ResourceInUseException") => Ok(()),
        Err(error) => Err(told(stream, "kinesis:CreateStream", &error)),
    }
}

async fn wait_until_active(client: &Client, stream: &str) -> Result<(), StreamWriteError> {
    let action = "kinesis:DescribeStreamSummary";
    for _ in 0..ACTIVE_LOOKS_MAX {
        let answer = client.describe_stream_summary().stream_name(stream).send();
        let answer = answer.await.map_err(|error| told(stream, action, &error))?;
        let summary = answer.stream_description_summary();
        match summary.map(|summary| summary.stream_status().clone()) {
            Some(StreamStatus::Active | StreamStatus::Updating) => return Ok(()),
            _ => tokio::time::sleep(ACTIVE_WAIT).await,
        }
    }
    Err(StreamWriteError::Refused {
        stream: stream.to_owned(),
        action,
        code: "ResourceInUseException".to_owned(),
        message: "the stream does not become active".to_owned(),
    })
}

/// An error with its causes, outermost first; what only wraps another error says nothing new.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words: Vec<String> = vec![];
    for cause in std::iter::successors(Some(error), |error| error.source()) {
        let text = cause.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
    }
    words.join(": ")
}

/// What an error of the service says.
fn told<E>(stream: &str, action: &'static str, error: &SdkError<E>) -> StreamWriteError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let stream = stream.to_owned();
    match error.code() {
        Some("ResourceNotFoundException") => StreamWriteError::NotFound { stream },
        Some(code) => StreamWriteError::Refused {
            stream,
            action,
            code: code.to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        },
        None => StreamWriteError::Unreachable {
            stream,
            action,
            reason: causes(error),
        },
    }
}
