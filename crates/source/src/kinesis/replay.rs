//! Reading a range that was written down: exactly its records, or the loss told. Must not move the positions of fetches.

use arrow_array::RecordBatch;
use sluice_checkpoint::{ShardOffset, SourceRange};
use sluice_model::Diagnostic;

use super::digest::Digest;
use super::loss::{Loss, damaged, interrupted};
use super::read::{Budget, Cursor, Goal, Interruptions, Reader};
use super::source::{KinesisSource, Task, read_all};
use crate::SourceError;

/// The records of a range, in the order of shards.
pub(super) async fn replay(
    source: &KinesisSource,
    range: &SourceRange,
) -> Result<(Vec<RecordBatch>, Vec<Diagnostic>), SourceError> {
    let mut notes = vec![];
    let mut tasks = vec![];
    for stream in 0..source.streams.len() {
        let reader = asking(source, stream);
        let starts = match &range.start {
            Some(start) => Some(source.offsets(start, stream)?),
            None => None,
        };
        for (shard, end) in source.offsets(&range.end, stream)? {
            // A shard that was not there before was read from its beginning.
            let start = starts
                .and_then(|starts| starts.get(shard))
                .unwrap_or(&ShardOffset::TrimHorizon);
            let goal = match end {
                _ if start == end => continue,
                ShardOffset::After(number) => Goal::Through(number.clone()),
                ShardOffset::ShardEnd => Goal::End,
                ShardOffset::TrimHorizon | ShardOffset::AtTimestamp(_) => continue,
            };
            tasks.push(Task {
                stream,
                cursor: Cursor::new(&reader, shard, start, false),
                is_closed: false,
                goal,
            });
        }
    }
    // The range was cut to the limits when it was fetched.
    let budget = Budget::new(u64::MAX, u64::MAX, None);
    let readers = (0..source.streams.len()).map(|stream| asking(source, stream));
    let reads = read_all(readers.collect(), tasks, budget).await?;
    let (mut batches, mut digest) = (vec![], Digest::default());
    let mut told = (Interruptions::default(), 0);
    let mut lost = vec![];
    let mut name = source.name(0);
    for ((stream, shard), (_, read)) in reads {
        if read.is_unknown {
            lost.push(shard);
            name = source.name(stream);
        }
        digest.join(read.take.digest);
        told.0.join(&read.interruptions);
        told.1 += read.take.damaged;
        batches.extend(read.take.finish()?);
    }
    notes.extend(interrupted(name, &told.0));
    notes.extend(damaged(name, told.1));
    let found = digest.to_hex();
    if (digest.count, found.as_str()) != (range.count, range.digest.as_str()) {
        let loss = Loss::range(
            name,
            (range.count, &range.digest),
            (digest.count, &found),
            &lost,
        );
        source.accept(loss, &mut notes)?;
    }
    Ok((batches, notes))
}

/// A range is asked for also where new records are pushed: a subscription would have to be taken from the fetches.
fn asking(source: &KinesisSource, stream: usize) -> Reader {
    Reader {
        consumer_arn: None,
        ..source.reader(stream)
    }
}
