//! A source of one or several streams: opened once, fetched from again and again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use sluice_checkpoint::{ShardOffset, ShardOffsets, SourceIdentity, SourceOffset, SourceRange};
use sluice_model::Diagnostic;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::consumer::{find_or_register, let_go};
use super::digest::Digest;
use super::loss::{Loss, damaged, interrupted, perhaps_lost};
use super::open::{Stream, open_streams};
use super::read::{Budget, Cursor, Goal, Interruptions, Reader, ShardRead};
use super::shard::{Gap, begin, judge_gap, plan_shards};
use super::take::Form;
use super::{ConsumerMode, FetchLimits, Fetched, InitialPosition, KinesisOptions, KinesisSettings};
use crate::SourceError;

/// The streams of one call of `read_kinesis`. Keep it open between fetches: it holds connections and positions, so that
/// a fetch of records that are there costs one call of the service for each shard.
#[derive(Debug)]
pub struct KinesisSource {
    pub(super) options: KinesisOptions,
    pub(super) settings: KinesisSettings,
    identity: SourceIdentity,
    pub(super) streams: Vec<Stream>,
    /// Where shards stand between fetches, by stream and shard.
    cursors: HashMap<(usize, String), Cursor>,
    /// Where the streams were begun, until the first range has been written down.
    begun: Option<SourceOffset>,
    /// Whether a position of an offset may be of an earlier process: no fetch has succeeded yet.
    is_fresh: bool,
    /// Told of records that were pushed and are not fetched yet.
    news: Arc<Notify>,
}

/// One shard to read.
pub(super) struct Task {
    pub(super) stream: usize,
    pub(super) cursor: Cursor,
    pub(super) is_closed: bool,
    pub(super) goal: Goal,
}

/// Each shard read, with its cursor.
pub(super) type Reads = BTreeMap<(usize, String), (Cursor, ShardRead)>;

impl KinesisSource {
    /// Looks the streams up: each must exist and be readable with the credentials.
    ///
    /// # Errors
    /// A stream that is not there, a missing right, region or credential, a service that does not answer.
    pub async fn open(
        options: KinesisOptions,
        settings: KinesisSettings,
    ) -> Result<Self, SourceError> {
        let streams = open_streams(&options, &settings).await?;
        let created = streams
            .iter()
            .map(|stream| (stream.summary.arn.clone(), stream.summary.created_ms));
        Ok(Self {
            identity: SourceIdentity::Kinesis {
                streams: created.collect(),
            },
            options,
            settings,
            streams,
            cursors: HashMap::new(),
            begun: None,
            is_fresh: true,
            news: Arc::default(),
        })
    }

    /// Is notified when records were pushed that the next fetch takes: nobody need wait any longer. Where shards are
    /// asked it keeps silent, and may call once too often, never too seldom.
    #[must_use]
    pub fn news(&self) -> &Arc<Notify> {
        &self.news
    }

    /// Who the source is: the streams with the time of their creation.
    #[must_use]
    pub fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    /// The options it was opened with.
    #[must_use]
    pub fn options(&self) -> &KinesisOptions {
        &self.options
    }

    /// Takes what is there after a position; `None` at the very first, for the initial position of the options.
    ///
    /// Returns when every shard is at its newest record, or at a limit. Waits no longer than one round of calls when
    /// there is nothing, so that a caller may ask again at once: the pace of the service is kept here.
    ///
    /// # Errors
    /// Records that the stream no longer holds (unless accepted), a missing right, a stream that is gone, a service that
    /// does not answer for longer than a short interruption. Throttling and single failures are no errors.
    pub async fn fetch(
        &mut self,
        from: Option<&SourceOffset>,
        limits: FetchLimits,
    ) -> Result<Fetched, SourceError> {
        let duration = limits.duration.min(self.options.fetch_duration_max);
        let deadline = Instant::now() + duration;
        self.list(self.options.list_interval).await?;
        self.find_consumers().await?;
        let start = match from {
            Some(offset) => offset.clone(),
            None => self.begin(),
        };
        let mut notes = vec![];
        let mut has_waiting = false;
        let mut end = BTreeMap::new();
        let mut tasks = vec![];
        let until_ms = limits.until_us.map(|micros| micros.div_euclid(1000));
        for index in 0..self.streams.len() {
            let plan = plan_shards(self.offsets(&start, index)?, &self.streams[index].shards);
            if !plan.lost.is_empty() {
                let loss = Loss::shards(self.name(index), &plan.lost);
                self.accept(loss, &mut notes)?;
            }
            has_waiting |= plan.has_waiting;
            for shard in &plan.readable {
                let position = &plan.positions[shard];
                tasks.push(self.task(index, shard, position, Goal::Newest(until_ms)));
            }
            end.insert(self.streams[index].summary.arn.clone(), plan.positions);
        }
        let budget = Budget::new(limits.bytes, limits.records.max(1), Some(deadline));
        let readers = (0..self.streams.len()).map(|stream| self.reader(stream));
        let reads = read_all(readers.collect(), tasks, budget).await?;
        let fetched = self.gather(start, end, reads, notes)?;
        self.is_fresh = false;
        Ok(Fetched {
            is_caught_up: fetched.is_caught_up && !has_waiting,
            must_plan: fetched.must_plan || from.is_none(),
            ..fetched
        })
    }

    /// Reads a range that was written down: the same records. `fetch` is not disturbed by it.
    ///
    /// # Errors
    /// As for [`Self::fetch`]; above all `SOURCE_DATA_LOST.KINESIS_TRIMMED` where count or digest differ.
    pub async fn replay(
        &mut self,
        range: &SourceRange,
    ) -> Result<(Vec<RecordBatch>, Vec<Diagnostic>), SourceError> {
        super::replay::replay(self, range).await
    }

    /// Ends the subscriptions, and lets the consumers go where `requireConsumerDeregistration` asks for it. A source that
    /// is dropped instead leaves them registered.
    ///
    /// # Errors
    /// The service does not let a consumer go: the first one that it keeps. Others go all the same.
    pub async fn close(&mut self) -> Result<(), SourceError> {
        self.cursors.clear();
        let mut closed = Ok(());
        for stream in &mut self.streams {
            if let Some(consumer) = stream.consumer.take() {
                let gone = let_go(&stream.client, &consumer, &self.options.consumer).await;
                closed = closed.and(gone);
            }
        }
        closed
    }

    /// Looks for the consumer of each stream where records are pushed, and again after a while.
    async fn find_consumers(&mut self) -> Result<(), SourceError> {
        if self.options.consumer_mode == ConsumerMode::Polling {
            return Ok(());
        }
        let options = &self.options.consumer;
        for (place, stream) in self.streams.iter_mut().enumerate() {
            let known = stream.consumer.take();
            let is_recent = known
                .as_ref()
                .is_some_and(|known| known.looked_at.elapsed() < options.refresh_interval);
            if is_recent {
                stream.consumer = known;
                continue;
            }
            let (arn, query) = (&stream.summary.arn, &self.settings.query_id);
            let patience = self.options.patience;
            let found =
                find_or_register(&stream.client, arn, options, place, query, patience).await?;
            stream.consumer = Some(found);
        }
        Ok(())
    }

    /// Lists the shards of every stream whose list is older.
    async fn list(&mut self, age_max: Duration) -> Result<(), SourceError> {
        let (page, patience) = (self.options.shards_per_list_max, self.options.patience);
        for stream in &mut self.streams {
            stream.list(age_max, page, patience).await?;
        }
        Ok(())
    }

    /// The initial position, resolved: the same one until the first range is used.
    fn begin(&mut self) -> SourceOffset {
        if let Some(begun) = &self.begun {
            return begun.clone();
        }
        let position = match self.options.initial_position {
            InitialPosition::TrimHorizon => ShardOffset::TrimHorizon,
            InitialPosition::AtTimestamp(ms) => ShardOffset::AtTimestamp(ms),
            // The whole second: a service may know arrivals no closer, and a record of now must not be passed over.
            InitialPosition::Latest => {
                ShardOffset::AtTimestamp(self.settings.clock.now_us().div_euclid(1_000_000) * 1000)
            }
        };
        let streams = self
            .streams
            .iter()
            .map(|stream| (stream.summary.arn.clone(), begin(&stream.shards, &position)));
        let begun = SourceOffset::Kinesis {
            streams: streams.collect(),
        };
        self.begun = Some(begun.clone());
        begun
    }

    /// The shards of one stream in an offset.
    pub(super) fn offsets<'a>(
        &self,
        offset: &'a SourceOffset,
        stream: usize,
    ) -> Result<&'a ShardOffsets, SourceError> {
        let arn = &self.streams[stream].summary.arn;
        match offset {
            SourceOffset::Kinesis { streams } => streams.get(arn),
            SourceOffset::Files { .. } | SourceOffset::Table { .. } => None,
        }
        .ok_or_else(|| SourceError::Internal(format!("an offset does not count in {arn}")))
    }

    pub(super) fn name(&self, stream: usize) -> &str {
        self.streams[stream].client.name.name()
    }

    /// The shard with its cursor: the one kept, if it stands there, else a new one.
    fn task(&mut self, stream: usize, shard: &str, position: &ShardOffset, goal: Goal) -> Task {
        let kept = self
            .cursors
            .remove(&(stream, shard.to_owned()))
            .filter(|cursor| cursor.position == *position);
        let cursor = kept
            .unwrap_or_else(|| Cursor::new(&self.reader(stream), shard, position, self.is_fresh));
        let listed = self.streams[stream].shards.iter();
        let is_closed = listed
            .filter(|listed| listed.id == shard)
            .any(|listed| listed.is_closed);
        Task {
            stream,
            cursor,
            is_closed,
            goal,
        }
    }

    pub(super) fn reader(&self, stream: usize) -> Reader {
        let opened = &self.streams[stream];
        Reader {
            client: Arc::clone(&opened.client),
            consumer_arn: opened
                .consumer
                .as_ref()
                .map(|consumer| consumer.arn.clone()),
            form: Arc::new(Form {
                stream: self.name(stream).to_owned(),
                stream_arn: opened.summary.arn.clone(),
                deaggregate: self.options.deaggregate,
                has_sub_sequence_number: self.options.has_sub_sequence_number,
            }),
            clock: Arc::clone(&self.settings.clock),
            records_per_call_max: self.options.records_per_call_max,
            interval: self.options.poll_interval_min,
            bytes_per_second: self.options.shard_bytes_per_second_max,
            patience: self.options.patience,
            news: Arc::clone(&self.news),
        }
    }

    /// Puts the reads of all shards together, and keeps their cursors.
    fn gather(
        &mut self,
        start: SourceOffset,
        mut end: BTreeMap<String, ShardOffsets>,
        reads: Reads,
        mut notes: Vec<Diagnostic>,
    ) -> Result<Fetched, SourceError> {
        let (mut batches, mut digest, mut bytes) = (vec![], Digest::default(), 0);
        let mut is_caught_up = true;
        let mut trouble: BTreeMap<usize, (Interruptions, u64)> = BTreeMap::new();
        for ((stream, shard), (cursor, read)) in reads {
            if let Some(first_left) = read.gap {
                self.judge(stream, &shard, first_left.arrival_ms, &mut notes)?;
            }
            digest.join(read.take.digest);
            bytes += read.take.bytes;
            let ended = read.end.is_end();
            // Children of a shard that has ended are read in the next range.
            is_caught_up &= read.is_done && !ended;
            if ended || read.is_unknown {
                self.streams[stream].listed_at = None;
            }
            if read.is_unknown {
                self.streams[stream].consumer = None;
            }
            let told = trouble.entry(stream).or_default();
            told.0.join(&read.interruptions);
            told.1 += read.take.damaged;
            batches.extend(read.take.finish()?);
            if let Some(shards) = end.get_mut(&self.streams[stream].summary.arn) {
                shards.insert(shard.clone(), read.end);
            }
            if !ended {
                self.cursors.insert((stream, shard), cursor);
            }
        }
        for (stream, (interruptions, count)) in trouble {
            notes.extend(interrupted(self.name(stream), &interruptions));
            notes.extend(damaged(self.name(stream), count));
        }
        let end = SourceOffset::Kinesis { streams: end };
        Ok(Fetched {
            batches,
            must_plan: digest.count > 0 || end != start,
            start,
            end,
            count: digest.count,
            digest: digest.to_hex(),
            bytes,
            is_caught_up,
            notes,
        })
    }

    /// What it means that the last record of an earlier process is gone.
    fn judge(
        &self,
        stream: usize,
        shard: &str,
        first_left_ms: Option<i64>,
        notes: &mut Vec<Diagnostic>,
    ) -> Result<(), SourceError> {
        let retention_ms = self.streams[stream].summary.retention_ms;
        let now_ms = self.settings.clock.now_us().div_euclid(1000);
        match first_left_ms {
            Some(first) if judge_gap(first, now_ms, retention_ms) == Gap::Lost => {
                let loss = Loss::gap(self.name(stream), shard, first, retention_ms);
                self.accept(loss, notes)
            }
            _ => {
                notes.push(perhaps_lost(self.name(stream), shard, first_left_ms));
                Ok(())
            }
        }
    }

    /// Stops at a loss, or notes it where the options accept it.
    pub(super) fn accept(
        &self,
        loss: Loss,
        notes: &mut Vec<Diagnostic>,
    ) -> Result<(), SourceError> {
        if self.options.fail_on_data_loss {
            return Err(loss.into_error());
        }
        notes.push(loss.into_warning());
        Ok(())
    }
}

/// Reads shards at the same time; the first error ends all of them.
pub(super) async fn read_all(
    readers: Vec<Reader>,
    tasks: Vec<Task>,
    budget: Budget,
) -> Result<Reads, SourceError> {
    let readers: Vec<Arc<Reader>> = readers.into_iter().map(Arc::new).collect();
    let budget = Arc::new(budget);
    let mut running = JoinSet::new();
    for mut task in tasks {
        let reader = Arc::clone(&readers[task.stream]);
        let budget = Arc::clone(&budget);
        running.spawn(async move {
            let read = reader
                .read(&mut task.cursor, task.is_closed, &task.goal, &budget)
                .await;
            (task.stream, task.cursor, read)
        });
    }
    let mut reads = Reads::new();
    while let Some(joined) = running.join_next().await {
        let (stream, cursor, read) =
            joined.map_err(|error| SourceError::Internal(error.to_string()))?;
        let key = (stream, cursor.shard.clone());
        reads.insert(key, (cursor, read?));
    }
    Ok(reads)
}
