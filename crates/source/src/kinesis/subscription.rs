//! Records that are pushed: one subscription of a consumer to a shard, renewed when it ends after five minutes.
//! Must not choose shards, nor wait after failures.

use std::time::{Duration, Instant};

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{
    ShardIteratorType, StartingPosition, SubscribeToShardEvent, SubscribeToShardEventStream,
};
use tokio::sync::{mpsc, watch};

use super::client::{Answer, Start, StreamClient};
use super::trouble::Trouble;
use crate::aws::causes;

/// Events that wait to be taken: each may hold some megabytes.
const EVENTS_WAITING_MAX: usize = 2;
/// The service sends an event every five seconds, if only to say that there is nothing. After this long the connection
/// is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Records of one event at most.
pub(super) const EVENT_RECORDS_MAX: usize = 10_000;

/// What came out of a subscription.
pub(super) enum Pushed {
    /// Records, or the news that there are none.
    Answer(Answer),
    /// Nothing new in the time given, and the shard was at its newest record before.
    Quiet,
    /// The session is over: subscribe again, after the last record.
    Over,
}

/// An open subscription. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    events: mpsc::Receiver<Result<SubscribeToShardEvent, Trouble>>,
}

impl Subscription {
    /// Subscribes.
    pub(super) async fn open(
        client: &StreamClient,
        consumer_arn: &str,
        shard: &str,
        start: &Start,
    ) -> Result<Self, Trouble> {
        let call = client.call("kinesis:SubscribeToShard");
        let answer = client
            .client
            .subscribe_to_shard()
            .consumer_arn(consumer_arn)
            .shard_id(shard)
            .starting_position(position(start)?)
            .send()
            .await
            .map_err(|error| call.trouble(&error))?;
        let mut stream = answer.event_stream;
        let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
        // The connection is read by a task of its own, so that dropping a wait never loses half an event.
        tokio::spawn(async move {
            loop {
                let received = tokio::select! {
                    () = sender.closed() => return,
                    received = tokio::time::timeout(SILENCE_MAX, stream.recv()) => received,
                };
                let Ok(received) = received else {
                    let silent = Trouble::Transient(format!("no event in {SILENCE_MAX:?}"));
                    let _ = sender.send(Err(silent)).await;
                    return;
                };
                let event = match received {
                    Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event))) => {
                        Ok(event)
                    }
                    Ok(Some(_)) => continue,
                    Ok(None) => return,
                    Err(error) => Err(broken(&error)),
                };
                let is_over = event.is_err();
                if sender.send(event).await.is_err() || is_over {
                    return;
                }
            }
        });
        Ok(Self { events })
    }

    /// The next event. Where the shard was at its newest record (`is_at_tip`), waits no longer than `idle`, and not at
    /// all once another shard has rows to show; else until the deadline.
    pub(super) async fn next(
        &mut self,
        is_at_tip: bool,
        idle: Duration,
        deadline: Option<Instant>,
        mut stirred: watch::Receiver<bool>,
    ) -> Result<Pushed, Trouble> {
        let far = Instant::now() + Duration::from_hours(1);
        let mut until = deadline.unwrap_or(far);
        if is_at_tip {
            until = until.min(Instant::now() + idle);
        }
        let event = tokio::select! {
            biased;
            event = self.events.recv() => event,
            () = tokio::time::sleep_until(until.into()) => return Ok(Pushed::Quiet),
            _ = stirred.wait_for(|is_stirred| *is_stirred), if is_at_tip => return Ok(Pushed::Quiet),
        };
        match event {
            None => Ok(Pushed::Over),
            Some(Err(trouble)) => Err(trouble),
            Some(Ok(event)) => {
                let has_children = !event.child_shards().is_empty();
                let has_ended = has_children
                    && (event.continuation_sequence_number.is_empty() || event.records.is_empty());
                Ok(Pushed::Answer(Answer {
                    records: event.records,
                    next: (!has_ended).then(String::new),
                    behind_ms: event.millis_behind_latest,
                }))
            }
        }
    }
}

/// Positions are those of records. The service's continuation number is none of them: a range that ends there could
/// not be read again and compared.
fn position(start: &Start) -> Result<StartingPosition, Trouble> {
    let builder = StartingPosition::builder();
    let builder = match start {
        Start::TrimHorizon => builder.r#type(ShardIteratorType::TrimHorizon),
        Start::AtTimestamp(ms) => builder
            .r#type(ShardIteratorType::AtTimestamp)
            .timestamp(DateTime::from_millis(*ms)),
        Start::At(number) => builder
            .r#type(ShardIteratorType::AtSequenceNumber)
            .sequence_number(number),
        Start::After(number) => builder
            .r#type(ShardIteratorType::AfterSequenceNumber)
            .sequence_number(number),
    };
    builder
        .build()
        .map_err(|error| Trouble::Refused(error.to_string()))
}

/// A subscription that broke off.
fn broken<E, R>(error: &SdkError<E, R>) -> Trouble
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let code = error
        .as_service_error()
        .and_then(|error| error.meta().code());
    match code {
        Some("KMSThrottlingException") => Trouble::Throttled,
        Some("ResourceNotFoundException") => Trouble::NotFound(causes(error)),
        _ => Trouble::Transient(causes(error)),
    }
}
