//! Reading one shard, asked or pushed: positions, pace, and what to do when a call fails. Must not choose shards.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};
use std::time::{Duration, Instant};

use aws_sdk_kinesis::types::Record;
use sluice_checkpoint::{ShardOffset, compare_sequence_numbers};
use sluice_model::Clock;
use tokio::sync::{Notify, Semaphore, watch};

use super::client::{Answer, Start, StreamClient};
use super::pace::Pace;
use super::subscription::{EVENT_RECORDS_MAX, Pushed, Subscription};
use super::take::{Form, Take, arrival_ms};
use super::trouble::Trouble;
use crate::SourceError;

/// After this long a call counts as failed, or sooner where patience is shorter.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// What the first answer of a shard is taken to hold, for the sake of memory.
const ANSWER_BYTES_FIRST: u64 = 1 << 20;
/// The least that room is made for.
const ANSWER_BYTES_MIN: u64 = 64 << 10;
/// The most: what the service sends at a time, and some for what surrounds it.
const ANSWER_BYTES_MAX: u64 = 12 << 20;

/// What all shards of a stream share while they are read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) client: Arc<StreamClient>,
    /// The consumer that records are pushed to; `None`: shards are asked.
    pub(super) consumer_arn: Option<String>,
    pub(super) form: Arc<Form>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) records_per_call_max: usize,
    pub(super) interval: Duration,
    pub(super) bytes_per_second: u64,
    /// For how long the service may fail before that is an error.
    pub(super) patience: Duration,
    /// Told of records that were pushed.
    pub(super) news: Arc<Notify>,
}

/// How far to read a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goal {
    /// To its newest record, or up to this moment in milliseconds since the epoch.
    Newest(Option<i64>),
    /// Through the record with this sequence number.
    Through(String),
    /// To its end.
    End,
}

/// What all shards of one fetch take together.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_max: u64,
    records_max: u64,
    bytes: AtomicU64,
    records: AtomicU64,
    /// Kibibytes for answers on their way.
    room: Semaphore,
    room_max: u32,
    /// Whether some shard has taken records: others need not wait for theirs any longer.
    stirred: watch::Sender<bool>,
    pub(super) deadline: Option<Instant>,
}

impl Budget {
    pub(super) fn new(bytes_max: u64, records_max: u64, deadline: Option<Instant>) -> Self {
        let room = bytes_max.clamp(ANSWER_BYTES_MAX, 1 << 30) >> 10;
        let room_max = u32::try_from(room).unwrap_or(u32::MAX);
        Self {
            bytes_max,
            records_max,
            bytes: AtomicU64::new(0),
            records: AtomicU64::new(0),
            room: Semaphore::new(room_max as usize),
            room_max,
            stirred: watch::channel(false).0,
            deadline,
        }
    }

    /// Records that may still be asked for; 0: the fetch is full.
    fn left(&self) -> u64 {
        if self.bytes.load(Memory::Relaxed) >= self.bytes_max {
            return 0;
        }
        self.records_max
            .saturating_sub(self.records.load(Memory::Relaxed))
    }

    fn spend(&self, bytes: u64, records: u64) {
        self.bytes.fetch_add(bytes, Memory::Relaxed);
        self.records.fetch_add(records, Memory::Relaxed);
        self.stirred
            .send_if_modified(|is_stirred| !std::mem::replace(is_stirred, true));
    }
}

/// Where reading a shard stands between two fetches.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) shard: String,
    /// After the last record taken.
    pub(super) position: ShardOffset,
    /// The service's handle for the next call; it may be further on than the position, past stretches without records.
    iterator: Option<String>,
    /// The last record of an earlier process: the first one asked for, to see whether it is still there.
    probe: Option<String>,
    subscription: Option<Subscription>,
    /// Whether nothing newer was there when last looked.
    is_at_tip: bool,
    /// Records that arrived before this are passed over until one did not. A service that holds no record after the
    /// time asked for may begin earlier.
    skip_before_ms: Option<i64>,
    pace: Pace,
    answer_bytes: u64,
    dice: u64,
}

/// Calls that had to be made again.
#[derive(Debug, Clone, Default)]
pub(super) struct Interruptions {
    pub(super) throttled: u64,
    pub(super) failed: u64,
    pub(super) expired: u64,
    pub(super) last: Option<String>,
}

impl Interruptions {
    pub(super) fn join(&mut self, other: &Self) {
        self.throttled += other.throttled;
        self.failed += other.failed;
        self.expired += other.expired;
        if other.last.is_some() {
            self.last.clone_from(&other.last);
        }
    }
}

/// What is left of a shard behind a gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstLeft {
    /// When the first record after it arrived; `None`: there is none, or it does not say.
    pub(super) arrival_ms: Option<i64>,
}

/// What reading one shard gave.
pub(super) struct ShardRead {
    pub(super) take: Take,
    pub(super) end: ShardOffset,
    /// Whether the goal was reached.
    pub(super) is_done: bool,
    /// Whether the service does not know the shard: the list of shards is old.
    pub(super) is_unknown: bool,
    pub(super) interruptions: Interruptions,
    /// Whether the record read before is gone.
    pub(super) gap: Option<FirstLeft>,
}

impl Cursor {
    /// A cursor at a position of the offset. `probes`: the position comes from an earlier process.
    pub(super) fn new(reader: &Reader, shard: &str, position: &ShardOffset, probes: bool) -> Self {
        let probe = match position {
            ShardOffset::After(number) if probes => Some(number.clone()),
            _ => None,
        };
        let skip_before_ms = match position {
            ShardOffset::AtTimestamp(ms) => Some(*ms),
            _ => None,
        };
        let dice = shard
            .bytes()
            .fold(0x9e37_79b9_7f4a_7c15, |dice: u64, byte| {
                (dice ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self {
            shard: shard.to_owned(),
            position: position.clone(),
            iterator: None,
            probe,
            subscription: None,
            is_at_tip: false,
            skip_before_ms,
            pace: Pace::new(reader.interval, reader.bytes_per_second, Instant::now()),
            answer_bytes: ANSWER_BYTES_FIRST,
            dice,
        }
    }

    fn start(&self) -> Start {
        match &self.position {
            ShardOffset::TrimHorizon | ShardOffset::ShardEnd => Start::TrimHorizon,
            ShardOffset::AtTimestamp(ms) => Start::AtTimestamp(*ms),
            ShardOffset::After(number) if self.probe.is_some() => Start::At(number.clone()),
            ShardOffset::After(number) => Start::After(number.clone()),
        }
    }

    /// A number between 0 and 1, other for each shard and pause.
    fn chance(&mut self) -> f64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        f64::from(u32::try_from(self.dice >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

impl Reader {
    /// Reads a shard until the goal, the end of the budget, or its deadline. `is_closed`: the list of shards says that it
    /// takes no further records, so that its end is near and worth waiting for.
    pub(super) async fn read(
        &self,
        cursor: &mut Cursor,
        is_closed: bool,
        goal: &Goal,
        budget: &Budget,
    ) -> Result<ShardRead, SourceError> {
        let mut read = ShardRead {
            take: Take::new(&self.form, &cursor.shard),
            end: cursor.position.clone(),
            is_done: false,
            is_unknown: false,
            interruptions: Interruptions::default(),
            gap: None,
        };
        let mut empty_at_tip = 0;
        while !read.is_done && !read.is_unknown {
            let next = cursor.pace.next();
            if budget.deadline.is_some_and(|deadline| next > deadline) || budget.left() == 0 {
                break;
            }
            tokio::time::sleep_until(next.into()).await;
            let called = match &self.consumer_arn {
                None => self.ask(cursor, &mut read, budget).await?,
                Some(consumer) => self.wait(consumer, cursor, &mut read, budget).await?,
            };
            let Some((answer, limit)) = called else {
                continue;
            };
            let is_at_tip = answer.behind_ms == 0 && answer.records.len() < limit;
            let is_empty = answer.records.is_empty();
            cursor.is_at_tip = is_at_tip;
            let reached = Self::accept(cursor, &mut read, &answer.records, goal, budget)?;
            if answer.next.is_none() {
                cursor.position = ShardOffset::ShardEnd;
            }
            cursor.iterator = answer.next;
            if is_at_tip && cursor.probe.take().is_some() {
                read.gap = Some(FirstLeft { arrival_ms: None });
            }
            empty_at_tip = if is_at_tip && is_empty {
                empty_at_tip + 1
            } else {
                0
            };
            read.is_done = cursor.position.is_end()
                || match goal {
                    Goal::Newest(until_ms) => {
                        let read_up_to_ms = self.clock.now_us() / 1000 - answer.behind_ms;
                        let is_late_enough = until_ms.is_some_and(|until| read_up_to_ms >= until);
                        !is_closed && (is_at_tip || (is_late_enough && answer.behind_ms > 0))
                    }
                    // What is not there when the shard has nothing more is gone.
                    Goal::Through(_) => reached || empty_at_tip >= 2,
                    Goal::End => false,
                };
        }
        read.end = cursor.position.clone();
        Ok(read)
    }

    /// One call; `None`: it failed, and the pause before the next is set.
    async fn ask(
        &self,
        cursor: &mut Cursor,
        read: &mut ShardRead,
        budget: &Budget,
    ) -> Result<Option<(Answer, usize)>, SourceError> {
        let iterator = match cursor.iterator.clone() {
            Some(iterator) => iterator,
            None => {
                let start = cursor.start();
                let asked =
                    in_time(self.patience, self.client.iterator(&cursor.shard, &start)).await;
                match asked {
                    Ok(iterator) => cursor.iterator.insert(iterator).clone(),
                    Err(trouble) => {
                        self.recover(cursor, read, trouble, "kinesis:GetShardIterator")?;
                        return Ok(None);
                    }
                }
            }
        };
        let kibibytes = u32::try_from(cursor.answer_bytes >> 10).unwrap_or(u32::MAX);
        let room = budget
            .room
            .acquire_many(kibibytes.min(budget.room_max))
            .await;
        let _room = room.map_err(|error| SourceError::Internal(error.to_string()))?;
        let left = usize::try_from(budget.left()).unwrap_or(usize::MAX);
        let limit = self.records_per_call_max.min(left.max(1));
        let called = Instant::now();
        match in_time(self.patience, self.client.records(&iterator, limit)).await {
            Ok(answer) => {
                let bytes: u64 = answer.records.iter().map(size).sum();
                cursor.pace.answered(called, bytes);
                cursor.answer_bytes = (bytes + bytes / 4).clamp(ANSWER_BYTES_MIN, ANSWER_BYTES_MAX);
                Ok(Some((answer, limit)))
            }
            Err(trouble) => {
                self.recover(cursor, read, trouble, "kinesis:GetRecords")?;
                Ok(None)
            }
        }
    }

    /// One event of the shard's subscription; `None`: it has to be opened again, or failed.
    async fn wait(
        &self,
        consumer_arn: &str,
        cursor: &mut Cursor,
        read: &mut ShardRead,
        budget: &Budget,
    ) -> Result<Option<(Answer, usize)>, SourceError> {
        let action = "kinesis:SubscribeToShard";
        if cursor.subscription.is_none() {
            let start = cursor.start();
            let (client, news) = (&self.client, Arc::clone(&self.news));
            let opening = Subscription::open(client, consumer_arn, &cursor.shard, &start, news);
            match in_time(self.patience, opening).await {
                Ok(subscription) => cursor.subscription = Some(subscription),
                Err(trouble) => {
                    self.recover(cursor, read, trouble, action)?;
                    return Ok(None);
                }
            }
        }
        let Some(subscription) = &mut cursor.subscription else {
            return Ok(None);
        };
        let stirred = budget.stirred.subscribe();
        let waiting = subscription.next(cursor.is_at_tip, self.interval, budget.deadline, stirred);
        match waiting.await {
            Ok(Pushed::Answer(answer)) => {
                cursor.pace.answered_at_once(Instant::now());
                Ok(Some((answer, EVENT_RECORDS_MAX)))
            }
            Ok(Pushed::Quiet) if cursor.is_at_tip => {
                let nothing = Answer {
                    records: vec![],
                    next: Some(String::new()),
                    behind_ms: 0,
                };
                Ok(Some((nothing, EVENT_RECORDS_MAX)))
            }
            Ok(Pushed::Quiet) => Ok(None),
            Ok(Pushed::Over) => {
                cursor.subscription = None;
                cursor.pace.over(Instant::now());
                Ok(None)
            }
            Err(trouble) => {
                cursor.subscription = None;
                self.recover(cursor, read, trouble, action)?;
                Ok(None)
            }
        }
    }

    /// Takes the records of an answer; tells whether the goal's record was among them.
    fn accept(
        cursor: &mut Cursor,
        read: &mut ShardRead,
        records: &[Record],
        goal: &Goal,
        budget: &Budget,
    ) -> Result<bool, SourceError> {
        for record in records {
            let number = &record.sequence_number;
            if let ShardOffset::After(last) = &cursor.position {
                let order = compare_sequence_numbers(number, last);
                if cursor.probe.take_if(|_| order != Ordering::Less).is_some()
                    && order == Ordering::Greater
                {
                    read.gap = Some(FirstLeft {
                        arrival_ms: arrival_ms(record),
                    });
                }
                // Sequence numbers rise: whatever a service sends again was taken.
                if order != Ordering::Greater {
                    continue;
                }
            }
            if let Some(since_ms) = cursor.skip_before_ms {
                if arrival_ms(record).is_some_and(|arrival| arrival < since_ms) {
                    continue;
                }
                cursor.skip_before_ms = None;
            }
            let order = match goal {
                Goal::Through(last) => compare_sequence_numbers(number, last),
                Goal::Newest(_) | Goal::End => Ordering::Less,
            };
            if order == Ordering::Greater {
                return Ok(true);
            }
            let cost = read.take.push(record)?;
            budget.spend(cost, 1);
            cursor.position = ShardOffset::After(number.clone());
            if order == Ordering::Equal {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sets the pause after a failed call, or gives up.
    fn recover(
        &self,
        cursor: &mut Cursor,
        read: &mut ShardRead,
        trouble: Trouble,
        action: &'static str,
    ) -> Result<(), SourceError> {
        let call = self.client.call(action);
        let (now, chance) = (Instant::now(), cursor.chance());
        let interruptions = &mut read.interruptions;
        match trouble {
            Trouble::ExpiredIterator => {
                cursor.iterator = None;
                cursor.pace.answered(now, 0);
                interruptions.expired += 1;
                Ok(())
            }
            Trouble::Throttled => {
                cursor.pace.throttled(now, chance);
                interruptions.throttled += 1;
                Ok(())
            }
            Trouble::Transient(reason) => {
                interruptions.failed += 1;
                interruptions.last = Some(reason.clone());
                if cursor.pace.failed(now, chance) > self.patience {
                    return Err(call.unreachable(&reason));
                }
                Ok(())
            }
            Trouble::NotFound(message) => {
                read.is_unknown = true;
                cursor.iterator = None;
                if cursor.pace.failed(now, chance) > self.patience {
                    return Err(call.not_found(&message));
                }
                Ok(())
            }
            // The time of `latest` is ahead of the service's clock: it will come.
            Trouble::Refused(message)
                if matches!(cursor.position, ShardOffset::AtTimestamp(_))
                    && message.to_ascii_lowercase().contains("timestamp") =>
            {
                interruptions.failed += 1;
                interruptions.last = Some(message.clone());
                if cursor.pace.failed(now, chance) > self.patience {
                    return Err(call.refused(&message));
                }
                Ok(())
            }
            Trouble::Refused(message) => Err(call.refused(&message)),
            Trouble::Final(error) => Err(error),
        }
    }
}

pub(super) fn size(record: &Record) -> u64 {
    record.data.as_ref().len() as u64
}

/// A call that takes too long has failed.
pub(super) async fn in_time<T>(
    patience: Duration,
    call: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let longest = CALL_TIMEOUT.min(patience);
    tokio::time::timeout(longest, call)
        .await
        .unwrap_or_else(|_| Err(Trouble::Transient(format!("no answer in {longest:?}"))))
}
