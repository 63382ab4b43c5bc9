//! The lease among the objects of a warehouse: `lease.json` says who holds it and until when, and only changes from the
//! very content that was read. Must not know files.
//!
//! Its holder writes a later end every ten seconds. Who finds an end that has passed takes the lease over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sluice_model::Diagnostic;
use sluice_table::{Location, PutOutcome, Replaced, Store};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::already_running;
use crate::error::{Result, internal};

/// How long a lease holds after it was last renewed.
const HELD_US: i64 = 30_000_000;
/// How often it is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(10);
/// Attempts at a lease that others change meanwhile.
const TRIES_MAX: usize = 8;

/// What `lease.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    owner: String,
    /// Grows by one with each holder.
    epoch: u64,
    expires: DateTime<Utc>,
}

impl Entry {
    fn until(owner: &str, epoch: u64, end_us: i64) -> Self {
        Self {
            owner: owner.to_owned(),
            epoch,
            expires: DateTime::from_timestamp_micros(end_us).unwrap_or_default(),
        }
    }

    fn text(&self) -> bytes::Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

/// What can be done about a lease as it was found.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nobody holds it: take it under this epoch.
    Take(u64),
    /// It is one's own already: an answer was lost.
    Own(u64),
    /// Another engine holds it.
    Held,
}

/// Judges a lease. What does not read was written by nobody who runs.
fn judge(found: Option<&Entry>, owner: &str, now_us: i64) -> Verdict {
    match found {
        None => Verdict::Take(0),
        Some(entry) if entry.owner == owner => Verdict::Own(entry.epoch),
        Some(entry) if entry.expires.timestamp_micros() > now_us => Verdict::Held,
        Some(entry) => Verdict::Take(entry.epoch + 1),
    }
}

/// A held lease, renewed until it is released or dropped.
#[derive(Debug)]
pub(crate) struct ObjectLease {
    held: Arc<Held>,
    renewal: JoinHandle<()>,
}

#[derive(Debug)]
struct Held {
    store: Store,
    place: Location,
    owner: String,
    epoch: u64,
    /// Of the content that we wrote last; `None` when another engine has taken over.
    tag: Mutex<Option<String>>,
}

impl ObjectLease {
    /// Takes the lease, or says who holds it.
    pub(super) async fn take(
        store: &Store,
        place: Location,
        owner: &str,
        pipeline: &str,
    ) -> Result<Self> {
        for _ in 0..TRIES_MAX {
            let found = store.get_tagged(&place).await?;
            let entry = found
                .as_ref()
                .and_then(|(bytes, _)| serde_json::from_slice::<Entry>(bytes).ok());
            let now_us = store.clock().now_us();
            let epoch = match judge(entry.as_ref(), owner, now_us) {
                Verdict::Held => {
                    return Err(held_by(entry.as_ref(), pipeline, now_us).into());
                }
                Verdict::Take(epoch) | Verdict::Own(epoch) => epoch,
            };
            let text = Entry::until(owner, epoch, now_us + HELD_US).text();
            let tag = match &found {
                None => match store.put_if_absent(&place, text).await? {
                    PutOutcome::Created => store.get_tagged(&place).await?.map(|(_, tag)| tag),
                    PutOutcome::AlreadyExists => None,
                },
                Some((_, tag)) => match store.put_if_unchanged(&place, text, tag).await? {
                    Replaced::Yes(tag) => Some(tag),
                    Replaced::No => None,
                },
            };
            if let Some(tag) = tag {
                return Ok(Self::hold(store, place, owner, epoch, tag));
            }
        }
        Err(internal("a lease changed hands faster than it could be read").into())
    }

    fn hold(store: &Store, place: Location, owner: &str, epoch: u64, tag: String) -> Self {
        let held = Arc::new(Held {
            store: store.clone(),
            place,
            owner: owner.to_owned(),
            epoch,
            tag: Mutex::new(Some(tag)),
        });
        let renewed = Arc::clone(&held);
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWED_EVERY).await;
                let end_us = renewed.store.clock().now_us() + HELD_US;
                if !renewed.write(end_us).await {
                    return;
                }
            }
        });
        Self { held, renewal }
    }

    /// Ends the lease now, so that the next engine need not wait.
    pub(super) async fn release(self) {
        self.renewal.abort();
        let now_us = self.held.store.clock().now_us();
        self.held.write(now_us).await;
    }
}

impl Drop for ObjectLease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Held {
    /// Writes another end; `false` when the lease is not ours any more. A store that fails is asked again at the next turn:
    /// there are two more before the lease ends.
    async fn write(&self, end_us: i64) -> bool {
        let mut tag = self.tag.lock().await;
        let text = Entry::until(&self.owner, self.epoch, end_us).text();
        for _ in 0..TRIES_MAX {
            let Some(known) = tag.as_ref() else {
                return false;
            };
            match self
                .store
                .put_if_unchanged(&self.place, text.clone(), known)
                .await
            {
                Ok(Replaced::Yes(new)) => {
                    *tag = Some(new);
                    return true;
                }
                // Another engine's, or our own whose answer was lost.
                Ok(Replaced::No) => match self.store.get_tagged(&self.place).await {
                    Ok(Some((bytes, found))) if self.is_own(&bytes) => *tag = Some(found),
                    Ok(_) => *tag = None,
                    Err(_) => return true,
                },
                Err(_) => return true,
            }
        }
        true
    }

    fn is_own(&self, bytes: &[u8]) -> bool {
        serde_json::from_slice::<Entry>(bytes).is_ok_and(|entry| entry.owner == self.owner)
    }
}

fn held_by(entry: Option<&Entry>, pipeline: &str, now_us: i64) -> Diagnostic {
    let refused = already_running(pipeline).fact("nothing was changed by this one");
    let Some(entry) = entry else {
        return refused;
    };
    let seconds = (entry.expires.timestamp_micros() - now_us).max(0) / 1_000_000 + 1;
    refused
        .fact(format!("held by {}, epoch {}", entry.owner, entry.epoch))
        .help(format!(
            "wait for it to end, or stop it; if it died, its lease ends by itself in {seconds} seconds"
        ))
}

#[cfg(test)]
mod tests;
