//! How much one fetch takes, and what it gives. Must not fetch.

use std::time::Duration;

use arrow_array::RecordBatch;
use sluice_checkpoint::SourceOffset;
use sluice_model::Diagnostic;

/// Where one fetch stops. The first limit that is reached counts; a record is never cut, and at least one answer of the
/// service is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Records of the stream (aggregated ones count once).
    pub records: u64,
    /// Bytes of their payload, of aggregated ones those of their rows: what is held in memory. May be passed by one answer
    /// of a shard (up to 10 MiB, more where aggregates in it are taken apart).
    pub bytes: u64,
    /// Time from the call on. `maxFetchDuration` holds too.
    pub duration: Duration,
    /// A shard counts as caught up once it was read up to this moment, microseconds since the epoch; `None`: up to
    /// its newest record. With the start of a triggered update here, a busy stream does not keep it for ever.
    pub until_us: Option<i64>,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            records: 500_000,
            bytes: 64 << 20,
            duration: Duration::from_secs(10),
            until_us: None,
        }
    }
}

/// What one fetch took: a range and its rows.
///
/// Write the range down (`start`, `end`, `count`, `digest`) before anything of the batches is committed.
#[derive(Debug)]
pub struct Fetched {
    /// The rows. Those of one shard are in its order; shards come one after the other.
    pub batches: Vec<RecordBatch>,
    /// Where the range begins: the position given, or the resolved initial one.
    pub start: SourceOffset,
    /// Where it ends: the start of the next.
    pub end: SourceOffset,
    /// Records of the stream in it.
    pub count: u64,
    /// Digest over their shards and sequence numbers, in any order; hexadecimal.
    pub digest: String,
    /// Bytes of their payload.
    pub bytes: u64,
    /// Whether every shard was read as far as asked for, and none waits for its parent.
    pub is_caught_up: bool,
    /// Whether the range has to be written down, and committed, even without rows: a shard was read to its end, or this
    /// is the first range, which records where `latest` was. Also true when there are rows.
    pub must_plan: bool,
    /// What happened on the way: interruptions, damaged aggregates, accepted losses.
    pub notes: Vec<Diagnostic>,
}
