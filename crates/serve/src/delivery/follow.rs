//! One destination and one table: sends the messages that [`read`] makes of what was appended, and moves the
//! position. Must not know other destinations.

mod read;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_model::condition::serve::{DELIVERY_DELAYED, DELIVERY_GIVEN_UP};
use sluice_model::destination::Destination;
use sluice_model::event::EventLevel;
use sluice_model::{Clock, Diagnostic};
use sluice_run::{Engine, Failure, Notice};
use sluice_table::{DataFile, DeltaTable};
use tokio::time::Instant;

use super::feed::Feed;
use super::message::JsonRow;
use super::send::{Answer, Sender};
use super::{Address, Delivered, Teller};
use crate::records::Records;

/// Longest wait between attempts.
const WAIT_MAX: Duration = Duration::from_mins(5);

/// Where a destination stands: what it hears of next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Identity of the table; empty before there is one.
    pub table_id: String,
    /// The version.
    pub version: u64,
    /// The file among those that the version added.
    pub file: usize,
    /// The row in that file.
    pub row: usize,
    /// When keys were last told, microseconds since the epoch; of a destination with a cool-down.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, i64>,
}

/// What a turn came to.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Something went on; there may be more.
    Went,
    /// There is nothing to tell.
    Idle,
    /// There is, but not before so long.
    Later(Duration),
}

/// A message on its way.
#[derive(Debug)]
struct Ready {
    key: String,
    body: Vec<u8>,
    rows: usize,
    /// The position when it is taken.
    after: Position,
    attempts: u32,
    not_before: Option<Instant>,
}

type Rows = BoxStream<'static, Result<RecordBatch, Failure>>;

/// One destination and one table.
pub(crate) struct Follower {
    engine: Engine,
    pipeline: String,
    address: Address,
    feed: Feed,
    sender: Sender,
    first_wait: Duration,
    teller: Arc<dyn Teller>,
    records: Records,
    /// Number of the newest record; `None` before there is one.
    number: Option<u64>,
    /// What is read next: the recorded position or beyond it.
    reads: Position,
    recorded: Position,
    table: Option<DeltaTable>,
    /// The files of the version that is read.
    files: Option<Vec<DataFile>>,
    rows: Option<Rows>,
    waiting: VecDeque<JsonRow>,
    ready: Option<Ready>,
    suppressed: u64,
    is_in_trouble: bool,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Follower({}, {:?})",
            self.address.destination.name, self.reads
        )
    }
}

/// The records of a destination's position.
pub(crate) fn records(engine: &Engine, destination: &str, feed: &Feed) -> Records {
    let folder = engine
        .own_place("delivery")
        .child([destination, feed.folder()]);
    Records::new(engine.warehouse(), folder)
}

impl Follower {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a follower, put together in one place"
    )]
    pub(crate) fn new(
        engine: Engine,
        pipeline: String,
        address: Address,
        feed: Feed,
        sender: Sender,
        first_wait: Duration,
        teller: Arc<dyn Teller>,
    ) -> Self {
        let records = records(&engine, &address.destination.name, &feed);
        Self {
            engine,
            pipeline,
            address,
            feed,
            sender,
            first_wait,
            teller,
            records,
            number: None,
            reads: Position::default(),
            recorded: Position::default(),
            table: None,
            files: None,
            rows: None,
            waiting: VecDeque::new(),
            ready: None,
            suppressed: 0,
            is_in_trouble: false,
        }
    }

    fn now_us(&self) -> i64 {
        let clock: &Arc<dyn Clock> = self.engine.warehouse().clock();
        clock.now_us()
    }

    /// Takes up the recorded position; the first time, records where the table stands now.
    pub(crate) async fn begin(&mut self) {
        if let Err(failure) = self.take_up().await {
            self.trouble(failure);
        }
    }

    async fn take_up(&mut self) -> Result<(), Failure> {
        let newest = self.records.newest::<Position>().await?;
        self.forget();
        if let Some((number, position)) = newest {
            self.number = Some(number);
            self.recorded = position;
        } else {
            let table = self.feed.source().open().await?;
            self.recorded = table.map_or_else(Position::default, |table| Position {
                table_id: table.id(),
                version: table.version() + 1,
                ..Position::default()
            });
            self.records.write(0, &self.recorded).await?;
            self.number = Some(0);
        }
        self.reads = self.recorded.clone();
        Ok(())
    }

    /// Forgets what was read beyond the position.
    fn forget(&mut self) {
        self.table = None;
        self.files = None;
        self.rows = None;
        self.waiting.clear();
        self.ready = None;
        self.suppressed = 0;
    }

    /// Does one thing.
    pub(crate) async fn turn(&mut self) -> Turn {
        match self.try_turn().await {
            Ok(turn) => turn,
            Err(failure) => {
                self.forget();
                self.reads = self.recorded.clone();
                self.trouble(failure);
                Turn::Later(WAIT_MAX.min(self.first_wait * 10))
            }
        }
    }

    fn trouble(&mut self, failure: Failure) {
        for diagnostic in failure.into_diagnostics() {
            self.say_once(&diagnostic);
        }
    }

    fn say_once(&mut self, diagnostic: &Diagnostic) {
        if !self.is_in_trouble {
            self.is_in_trouble = true;
            let name = &self.address.destination.name;
            self.teller.tell(name, &Delivered::Trouble(diagnostic));
        }
    }

    async fn try_turn(&mut self) -> Result<Turn, Failure> {
        if self.number.is_none() {
            self.take_up().await?;
        }
        if self.ready.is_none() {
            self.ready = self.read().await?;
        }
        let Some(ready) = &self.ready else {
            return Ok(Turn::Idle);
        };
        if let Some(wait) = ready
            .not_before
            .map(|at| at.saturating_duration_since(Instant::now()))
            && !wait.is_zero()
        {
            return Ok(Turn::Later(wait));
        }
        let sent = self
            .sender
            .send(&self.address, &ready.key, &ready.body, self.now_us());
        match sent.await {
            Answer::Taken => self.taken().await?,
            Answer::Refused { words, after } => {
                if let Some(wait) = self.refused(&words, after).await? {
                    return Ok(Turn::Later(wait));
                }
            }
        }
        Ok(Turn::Went)
    }

    async fn taken(&mut self) -> Result<(), Failure> {
        let Some(ready) = self.ready.take() else {
            return Ok(());
        };
        self.is_in_trouble = false;
        let name = self.address.destination.name.clone();
        self.teller
            .tell(&name, &Delivered::Taken { rows: ready.rows });
        self.advance(ready.after).await
    }

    /// Moves the recorded position. Where another process has moved it, goes on from there.
    async fn advance(&mut self, after: Position) -> Result<(), Failure> {
        let number = self.number.map_or(0, |number| number + 1);
        if self.records.write(number, &after).await? {
            self.number = Some(number);
            self.recorded = after;
            Ok(())
        } else {
            self.take_up().await
        }
    }

    /// After an attempt that failed: how long to wait; `None` when the message was put aside.
    async fn refused(
        &mut self,
        words: &str,
        asked: Option<Duration>,
    ) -> Result<Option<Duration>, Failure> {
        let destination = self.address.destination.clone();
        let Some(ready) = &mut self.ready else {
            return Ok(None);
        };
        ready.attempts += 1;
        if ready.attempts < destination.attempts_max {
            let wait = wait(self.first_wait, ready.attempts, &ready.key, asked);
            ready.not_before = Some(Instant::now() + wait);
            self.say_once(&delayed(&destination, words));
            return Ok(Some(wait));
        }
        let (key, rows) = (ready.key.clone(), ready.rows);
        let folder = self.engine.own_place("delivery");
        let place = folder.child([&destination.name, "dead", &format!("{key}.json")]);
        let bytes = ready.body.clone().into();
        self.engine.warehouse().put_if_absent(&place, bytes).await?;
        let message = format!(
            "destination `{}` did not take {rows} rows of {} in {} attempts: {words}",
            destination.name,
            self.feed.subject(),
            ready.attempts
        );
        let found = Diagnostic::error(&DELIVERY_GIVEN_UP, message)
            .at(&destination.origin, "")
            .fact(format!("the message is kept as `{place}` in the warehouse"))
            .fact("delivery goes on with the next rows");
        self.is_in_trouble = false;
        self.say_once(&found);
        self.note(
            EventLevel::Error,
            &found,
            json!({ "deduplication_key": key, "rows": rows }),
        )
        .await?;
        if let Some(ready) = self.ready.take() {
            self.advance(ready.after).await?;
        }
        Ok(None)
    }

    fn say(&self, found: &Diagnostic) {
        let name = &self.address.destination.name;
        self.teller.tell(name, &Delivered::Trouble(found));
    }

    /// Puts what happened into the event log.
    fn note(
        &self,
        level: EventLevel,
        found: &Diagnostic,
        mut details: Value,
    ) -> BoxFuture<'static, Result<(), Failure>> {
        if let Some(object) = details.as_object_mut() {
            object.insert("condition".into(), found.condition.name.into());
            object.insert(
                "destination".into(),
                self.address.destination.name.as_str().into(),
            );
        }
        let notice = Notice {
            event_type: "x_alert",
            level,
            message: found.message.clone(),
            details,
        };
        let engine = self.engine.clone();
        Box::pin(async move { engine.record(vec![notice]).await })
    }
}

/// What is told when a destination does not take a message.
pub(crate) fn delayed(destination: &Destination, words: &str) -> Diagnostic {
    let message = format!(
        "destination `{}` did not take a message: {words}",
        destination.name
    );
    Diagnostic::warning(&DELIVERY_DELAYED, message)
        .at(&destination.origin, "")
        .fact("it is sent again, and nothing is lost")
}

/// How long to wait after so many attempts: what the destination asks for, else twice as long each time, up to half of
/// it more or less so that many do not come back at once.
fn wait(first: Duration, attempts: u32, key: &str, asked: Option<Duration>) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(16)));
    let bounded = doubled.min(WAIT_MAX);
    // The same message waits the same: chance comes from its key.
    let chance = key
        .bytes()
        .fold(attempts, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
    let jittered = bounded / 2 + bounded.saturating_mul(chance % 1000) / 1000;
    asked.map_or(jittered, |asked| asked.max(jittered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_spread_and_honour_what_is_asked() {
        let first = Duration::from_secs(1);
        for attempts in 1..40 {
            let waited = wait(first, attempts, "key", None);
            let plain = first
                .saturating_mul(1 << (attempts - 1).min(16))
                .min(WAIT_MAX);
            assert!(
                waited >= plain / 2 && waited <= plain * 3 / 2,
                "{attempts}: {waited:?}"
            );
        }
        assert_ne!(wait(first, 5, "a", None), wait(first, 5, "b", None));
        let asked = Duration::from_secs(90);
        assert_eq!(wait(first, 1, "key", Some(asked)), asked);
    }
}
