//! Records that are pushed: one subscription of a consumer to a shard, renewed when it ends after five minutes.
//! Must not choose shards, nor wait after failures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{
    ShardIteratorType, StartingPosition, SubscribeToShardEvent, SubscribeToShardEventStream,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::client::{Answer, Start, StreamClient};
use super::read::size;
use super::trouble::Trouble;
use crate::aws::causes;

/// Events that wait to be taken. A busy shard sends several a second, and whoever takes them may be at work for seconds.
const EVENTS_WAITING_MAX: usize = 256;
/// Kibibytes of records that wait to be taken; one event may hold more.
const KIBIBYTES_WAITING_MAX: u32 = 8 << 10;
/// The service sends an event every five seconds, if only to say that there is nothing. After this long the connection
/// is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Records of one event at most.
pub(super) const EVENT_RECORDS_MAX: usize = 10_000;

/// What came out of a subscription.
pub(super) enum Pushed {
    /// Records, or the news that there are none.
    Answer(Answer),
    /// Nothing new in the time given.
    Quiet,
    /// The session is over: subscribe again, after the last record.
    Over,
}

/// An open subscription. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    events: mpsc::Receiver<Waiting>,
}

/// An event that waits to be taken, or what broke the subscription off.
#[derive(Debug)]
struct Waiting {
    event: Result<SubscribeToShardEvent, Trouble>,
    came: Instant,
    /// Given back when it is taken.
    room: Option<OwnedSemaphorePermit>,
}

impl Subscription {
    /// Subscribes. `news` is told of whatever comes that is worth being taken at once.
    pub(super) async fn open(
        client: &StreamClient,
        consumer_arn: &str,
        shard: &str,
        start: &Start,
        news: Arc<Notify>,
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
        let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
        // The connection is read by a task of its own, so that dropping a wait never loses half an event.
        tokio::spawn(async move {
            hand_on(answer.event_stream, &sender, &news).await;
            drop(sender);
            news.notify_one();
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
        let waiting = tokio::select! {
            biased;
            waiting = self.events.recv() => waiting,
            () = tokio::time::sleep_until(until.into()) => return Ok(Pushed::Quiet),
            _ = stirred.wait_for(|is_stirred| *is_stirred), if is_at_tip => return Ok(Pushed::Quiet),
        };
        let Some(Waiting {
            event,
            came,
            room: _room,
        }) = waiting
        else {
            return Ok(Pushed::Over);
        };
        let event = event?;
        let has_children = !event.child_shards().is_empty();
        let has_ended = has_children
            && (event.continuation_sequence_number.is_empty() || event.records.is_empty());
        let waited_ms = i64::try_from(came.elapsed().as_millis()).unwrap_or(i64::MAX);
        // What the service said was so when it was sent: behind an event that waits, the shard is not at its newest.
        let behind_ms = if self.events.is_empty() {
            event.millis_behind_latest
        } else {
            (event.millis_behind_latest + waited_ms).max(1)
        };
        Ok(Pushed::Answer(Answer {
            records: event.records,
            next: (!has_ended).then(String::new),
            behind_ms,
        }))
    }
}

/// Hands the events of a connection on until one of both ends is gone.
async fn hand_on(
    mut stream: EventReceiver<SubscribeToShardEventStream, SubscribeToShardEventStreamError>,
    sender: &mpsc::Sender<Waiting>,
    news: &Notify,
) {
    let room = Arc::new(Semaphore::new(KIBIBYTES_WAITING_MAX as usize));
    loop {
        let received = tokio::select! {
            () = sender.closed() => return,
            received = tokio::time::timeout(SILENCE_MAX, stream.recv()) => received,
        };
        let event = match received {
            Ok(Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)))) => Ok(event),
            Ok(Ok(Some(_))) => continue,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Trouble::Transient(format!("no event in {SILENCE_MAX:?}"))),
        };
        let came = Instant::now();
        let mut waiting = Waiting {
            event,
            came,
            room: None,
        };
        if let Ok(event) = &waiting.event {
            let is_waited_for = sender.capacity() == sender.max_capacity();
            let says_nothing = event.records.is_empty() && event.child_shards().is_empty();
            if says_nothing && !is_waited_for {
                // An event that waits already brings whoever takes it here.
                continue;
            }
            let bytes: u64 = event.records.iter().map(size).sum();
            let kibibytes = u32::try_from(bytes >> 10).unwrap_or(u32::MAX);
            let asked = Arc::clone(&room).acquire_many_owned(kibibytes.min(KIBIBYTES_WAITING_MAX));
            waiting.room = tokio::select! {
                () = sender.closed() => return,
                room = asked => room.ok(),
            };
            if !says_nothing {
                news.notify_one();
            }
        }
        let is_over = waiting.event.is_err();
        if sender.send(waiting).await.is_err() || is_over {
            return;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(number: &str) -> Waiting {
        let event = SubscribeToShardEvent::builder()
            .set_records(Some(vec![]))
            .continuation_sequence_number(number)
            .millis_behind_latest(0)
            .build();
        Waiting {
            event: Ok(event.unwrap()),
            came: Instant::now(),
            room: None,
        }
    }

    #[tokio::test]
    async fn a_shard_is_at_its_newest_record_only_when_no_event_waits() {
        let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
        for number in ["1", "2", "3"] {
            sender.send(pushed(number)).await.unwrap();
        }
        let mut subscription = Subscription { events };
        let (_stirs, stirred) = watch::channel(false);
        let mut behind = vec![];
        for _ in 0..3 {
            let next = subscription.next(true, Duration::ZERO, None, stirred.clone());
            let Ok(Pushed::Answer(answer)) = next.await else {
                panic!("an event waits");
            };
            behind.push(answer.behind_ms > 0);
        }
        assert_eq!(behind, [true, true, false]);
        let next = subscription.next(true, Duration::ZERO, None, stirred.clone());
        assert!(matches!(next.await, Ok(Pushed::Quiet)));
        drop(sender);
        let next = subscription.next(true, Duration::ZERO, None, stirred);
        assert!(matches!(next.await, Ok(Pushed::Over)));
    }
}
