//! Delivery: rows appended to alert tables, and what happened to updates, are told to destinations, each at least once.
//! It reads what was committed and runs beside the flows, which know nothing of it.
//!
//! A destination's position is the version of the table, and the file and row in it, that it hears of next. It moves
//! only when a message was taken (or was put aside after all attempts), by a record that is written once. Whoever dies
//! in between sends the same rows again, under the same deduplication key.

mod feed;
mod follow;
mod message;
mod notice;
mod send;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use reqwest::Url;
use sluice_model::destination::Destination;
use sluice_model::{Diagnostic, Severity};
use sluice_run::{Engine, Failure, Stop};
use sluice_table::DeltaTable;

use follow::{Follower, Turn};
use message::{Message, Told, digest_of};
use send::{Answer, Sender};

pub use feed::Feed;
pub use follow::Position;
pub use notice::{JobNotice, tell};

/// How often tables are asked for new versions while nothing wakes the delivery.
const POLL: Duration = Duration::from_secs(2);

/// A destination with what its secrets say. Never shown.
#[derive(Clone)]
pub struct Address {
    pub(crate) destination: Destination,
    pub(crate) url: Url,
    pub(crate) signing_key: Option<Vec<u8>>,
}

impl Address {
    /// Puts a destination together with its address and, perhaps, the key of its signatures.
    ///
    /// # Errors
    /// The address is none that may be asked.
    pub fn new(
        destination: Destination,
        url: &str,
        signing_key: Option<Vec<u8>>,
    ) -> Result<Self, Box<Diagnostic>> {
        let place = destination.url.origin.clone();
        let url = send::address_of(url).map_err(|found| Box::new(found.at(&place, "")))?;
        Ok(Self {
            destination,
            url,
            signing_key,
        })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.destination.name)
    }
}

/// Opens the table that a destination hears of.
pub trait Followed: fmt::Debug + Send + Sync {
    /// The table as it is now; `None` while there is none.
    fn open(&self) -> BoxFuture<'_, Result<Option<DeltaTable>, Failure>>;
}

/// Something that happened to a delivery.
#[derive(Debug)]
pub enum Delivered<'a> {
    /// A message was taken.
    Taken {
        /// Its rows.
        rows: usize,
    },
    /// Something is wrong; told once until it has passed.
    Trouble(&'a Diagnostic),
}

/// Tells people what happens.
pub trait Teller: fmt::Debug + Send + Sync {
    /// Called as it happens.
    fn tell(&self, destination: &str, delivered: &Delivered<'_>);
}

/// How patient a delivery is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One attempt ends after so long.
    pub attempt: Duration,
    /// Wait after the first attempt that failed; doubles with each further one.
    pub first_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(30),
            first_wait: Duration::from_secs(1),
        }
    }
}

/// All destinations of one pipeline.
#[derive(Debug)]
pub struct Delivery {
    followers: Vec<Follower>,
}

impl Delivery {
    /// Begins: a destination that is seen for the first time hears of what is committed from now on. To be called before
    /// the update whose rows are to be told.
    ///
    /// # Errors
    /// No HTTP client can be made. What hinders one destination is told and hinders no other.
    pub async fn begin(
        engine: &Engine,
        pipeline: &str,
        feeds: Vec<(Address, Feed)>,
        patience: Patience,
        teller: &Arc<dyn Teller>,
    ) -> Result<Self, Diagnostic> {
        let sender = Sender::new(patience.attempt)?;
        let mut followers = vec![];
        for (address, feed) in feeds {
            let mut follower = Follower::new(
                engine.clone(),
                pipeline.to_owned(),
                address,
                feed,
                sender.clone(),
                patience.first_wait,
                Arc::clone(teller),
            );
            follower.begin().await;
            followers.push(follower);
        }
        Ok(Self { followers })
    }

    /// Sends all that there is, but no longer than this. Says how many destinations are behind.
    pub async fn drain(&mut self, longest: Duration) -> usize {
        let until = tokio::time::Instant::now() + longest;
        let draining = self.followers.iter_mut().map(|follower| async move {
            loop {
                match tokio::time::timeout_at(until, follower.turn()).await {
                    Ok(Turn::Went) => {}
                    Ok(Turn::Idle) => return false,
                    Ok(Turn::Later(wait)) if tokio::time::Instant::now() + wait < until => {
                        tokio::time::sleep(wait).await;
                    }
                    Ok(Turn::Later(_)) | Err(_) => return true,
                }
            }
        });
        let behind = join_all(draining).await;
        behind.into_iter().filter(|is_behind| *is_behind).count()
    }

    /// Sends what comes until `stop` is asked; destinations do not wait for each other.
    pub async fn run(&mut self, stop: &Stop) {
        let running = self.followers.iter_mut().map(|follower| async move {
            while !stop.is_asked() {
                let wait = match follower.turn().await {
                    Turn::Went => continue,
                    Turn::Idle => POLL,
                    Turn::Later(wait) => wait,
                };
                // Whichever comes first.
                let _ = tokio::time::timeout(wait, stop.asked()).await;
            }
        });
        join_all(running).await;
    }
}

/// Sends a message that says that it is a test, once.
///
/// # Errors
/// What the destination answered.
pub async fn test(
    address: &Address,
    pipeline: &str,
    now_us: i64,
    patience: Patience,
) -> Result<(), Diagnostic> {
    let row = [(
        "message".to_owned(),
        serde_json::Value::from("a test by `sluice alerts test`"),
    )];
    let message = Message {
        key: digest_of(["test", &now_us.to_string()]),
        subject: "test".into(),
        version: 0,
        rows: vec![Told {
            key: "test".into(),
            row: row.into_iter().collect(),
        }],
        suppressed: 0,
    };
    let body = message::body(&message, &address.destination, pipeline);
    let sender = Sender::new(patience.attempt)?;
    match sender.send(address, &message.key, &body, now_us).await {
        Answer::Taken => Ok(()),
        Answer::Refused { words, .. } => {
            let found = follow::delayed(&address.destination, &words);
            Err(Diagnostic {
                severity: Severity::Error,
                facts: vec![],
                ..found
            })
        }
    }
}

/// How far a destination is with its table; `None` when it never heard of any.
///
/// # Errors
/// The record cannot be read.
pub async fn position(
    engine: &Engine,
    destination: &str,
    feed: &Feed,
) -> Result<Option<Position>, Failure> {
    let records = follow::records(engine, destination, feed);
    Ok(records.newest().await?.map(|(_, position)| position))
}

#[cfg(test)]
mod delivery_tests;
