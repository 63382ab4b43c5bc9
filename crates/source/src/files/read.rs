//! The rows of planned files, in order, as a stream: a few files are decoded ahead, each on its own thread.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio::sync::{Semaphore, mpsc};

use super::assemble::Assembler;
use super::source::Inner;
use super::{BadRowKeeper, FileEntry, SourceSchema};
use crate::format::{self, FileJob, Part, Payload};
use crate::{NewColumns, SourceError};

/// Batches that a file may be decoded ahead of the reader.
const BATCHES_AHEAD: usize = 2;
/// Files per decoding thread that may be under way: small ones are opened and checked while others decode.
const FILES_AHEAD: usize = 4;

/// What has been read so far, for events and for counters of expectations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadCounters {
    /// Files read to their end.
    pub files: u64,
    /// Bytes of these files, as they lie.
    pub bytes: u64,
    /// Rows given.
    pub rows: u64,
    /// Records that could not be parsed, whatever became of them.
    pub bad_records: u64,
    /// Lines with something behind their record, which was left out as Spark leaves it out.
    pub ignored_tails: u64,
    /// Files that were gone and skipped (`ignoreMissingFiles`).
    pub missing_files: u64,
    /// Files that were damaged and whose rest was skipped (`ignoreCorruptFiles`).
    pub corrupt_files: u64,
}

/// How far a read is; a handle that outlives the stream, for who hands the stream on.
#[derive(Debug, Clone, Default)]
pub struct ReadProgress {
    shared: Arc<Mutex<ReadCounters>>,
}

impl ReadProgress {
    /// What has been read so far.
    #[must_use]
    pub fn counters(&self) -> ReadCounters {
        self.with(|counters| *counters)
    }

    fn with<T>(&self, change: impl FnOnce(&mut ReadCounters) -> T) -> T {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The rows of planned files. After an error the stream ends, and nothing that it gave may be committed.
pub struct FileStream {
    batches: BoxStream<'static, Result<RecordBatch, SourceError>>,
    progress: ReadProgress,
}

impl std::fmt::Debug for FileStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStream")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl FileStream {
    /// What has been read so far.
    #[must_use]
    pub fn counters(&self) -> ReadCounters {
        self.progress.counters()
    }

    /// How far the read is.
    #[must_use]
    pub fn progress(&self) -> ReadProgress {
        self.progress.clone()
    }
}

impl Stream for FileStream {
    type Item = Result<RecordBatch, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.as_mut().poll_next(context)
    }
}

pub(super) fn read(
    inner: &Arc<Inner>,
    files: &[FileEntry],
    schema: &SourceSchema,
    metadata: bool,
    keeper: Option<BadRowKeeper>,
) -> FileStream {
    let progress = ReadProgress::default();
    let task = Arc::new(Task {
        inner: Arc::clone(inner),
        files: files.into(),
        schema: schema.clone(),
        metadata,
        keeper,
        progress: progress.clone(),
        ended: AtomicUsize::new(0),
    });
    let batches = stream::once(async move { start(task) }).flatten();
    let batches = super::assemble::coalesce(batches.boxed(), inner.session.batch_rows);
    FileStream {
        batches: stop_after_error(batches),
        progress,
    }
}

type Outcome = Result<RecordBatch, SourceError>;

fn stop_after_error(batches: BoxStream<'static, Outcome>) -> BoxStream<'static, Outcome> {
    let mut failed = false;
    let until_failed = move |batch: &Outcome| {
        let goes_on = !failed;
        failed |= batch.is_err();
        std::future::ready(goes_on)
    };
    batches.take_while(until_failed).boxed()
}

/// What all files of one read share.
struct Task {
    inner: Arc<Inner>,
    files: Arc<[FileEntry]>,
    schema: SourceSchema,
    metadata: bool,
    keeper: Option<BadRowKeeper>,
    progress: ReadProgress,
    /// Files that came to their end without an error.
    ended: AtomicUsize,
}

/// Starts to read the files, each into a short queue of its own; the queues are emptied in the order of the files.
///
/// A file gets its thread before any file after it, so the one whose rows are due next never waits for others.
/// Dropping the stream closes the queues, and that ends the work.
fn start(task: Arc<Task>) -> impl Stream<Item = Outcome> {
    let threads = task.inner.session.parallel_files.max(1);
    let (queues, due) = mpsc::channel(threads * FILES_AHEAD);
    let whole = Arc::clone(&task);
    tokio::spawn(async move {
        let permits = Arc::new(Semaphore::new(threads));
        for file in task.files.iter() {
            let file = file.clone();
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                return;
            };
            let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
            if queues.send(receiver).await.is_err() {
                return;
            }
            let task = Arc::clone(&task);
            tokio::spawn(async move {
                match task.file(&file, &sender).await {
                    Ok(()) => {
                        task.ended.fetch_add(1, Ordering::AcqRel);
                    }
                    // Nobody waits for it where the stream was dropped.
                    Err(error) => {
                        let _ = sender.send(Err(error)).await;
                    }
                }
                drop(permit);
            });
        }
    });
    // A queue also closes where its task dies: silence must not pass for the end of a file.
    let check = stream::once(async move {
        let (ended, planned) = (whole.ended.load(Ordering::Acquire), whole.files.len());
        (ended != planned).then(|| {
            Err(SourceError::Internal(format!(
                "{ended} of {planned} files were read to their end"
            )))
        })
    });
    received(due)
        .flat_map(received)
        .chain(check.filter_map(std::future::ready))
}

fn received<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> BoxStream<'static, T> {
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    })
    .boxed()
}

impl Task {
    /// Reads one file from its opening to the check that it is still the planned one.
    async fn file(
        self: &Arc<Self>,
        file: &FileEntry,
        sender: &mpsc::Sender<Outcome>,
    ) -> Result<(), SourceError> {
        let folders = self.inner.path.folders_of(&file.path);
        if let Some(wider) = self.schema.new_partitions(folders, &self.inner.options) {
            let new = NewColumns {
                path: file.path.clone(),
                columns: self.schema.added_in(&wider),
                wider: Some(wider.to_stored()),
            };
            return Err(self.inner.widen(&self.schema, &self.files, new).await);
        }
        let Some(payload) = self.inner.payload(file).await? else {
            self.progress.with(|counters| counters.missing_files += 1);
            return Ok(());
        };
        let (worker, planned, queue) = (Arc::clone(self), file.clone(), sender.clone());
        let handle = tokio::task::spawn_blocking(move || worker.decode(&planned, payload, &queue));
        self.finish(file, handle).await
    }

    /// Decodes one file, on a thread of its own.
    fn decode(
        &self,
        file: &FileEntry,
        payload: Payload,
        sender: &mpsc::Sender<Outcome>,
    ) -> Result<(), SourceError> {
        let shown = self.inner.path.shown(&file.path);
        let folders = self.inner.path.folders_of(&file.path);
        let session = &self.inner.session;
        let assembler = Assembler::new(
            &self.schema,
            self.metadata,
            file,
            &shown,
            &folders,
            &session.time_zone,
        )?;
        let job = FileJob {
            file,
            shown: &shown,
            schema: &self.schema,
            options: &self.inner.options,
            time_zone: &session.time_zone,
            batch_rows: session.batch_rows.max(1),
        };
        let mut failed = None;
        let mut sink = |part: Part| match assembler.assemble(&part.batch) {
            Ok(batch) => match self.count(&part, batch.num_rows() as u64) {
                Ok(()) => batch.num_rows() == 0 || sender.blocking_send(Ok(batch)).is_ok(),
                Err(error) => {
                    failed = Some(error);
                    false
                }
            },
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        let decoded = format::decode(&job, payload, &mut sink);
        failed.map_or(decoded, Err)
    }

    fn count(&self, part: &Part, rows: u64) -> Result<(), SourceError> {
        if let Some(keeper) = &self.keeper {
            keeper.keep(&part.bad_rows)?;
        }
        self.progress.with(|counters| {
            counters.rows += rows;
            counters.bad_records += part.bad_records;
            counters.ignored_tails += part.ignored_tails;
        });
        Ok(())
    }

    /// Waits for the end of a file and looks whether it is still the one that was planned.
    async fn finish(
        &self,
        file: &FileEntry,
        handle: tokio::task::JoinHandle<Result<(), SourceError>>,
    ) -> Result<(), SourceError> {
        let outcome = handle.await.unwrap_or_else(|panic| {
            // Decoders of other packages may give up on damaged files in this way.
            let reason = "its decoder gave up on it".to_string();
            if !panic.is_panic() {
                return Err(SourceError::Internal("a reading thread was stopped".into()));
            }
            let (path, format) = (self.inner.path.shown(&file.path), self.schema.format.name());
            Err(SourceError::Corrupt {
                path,
                format,
                reason,
            })
        });
        // A file that was overwritten while it was read looks damaged: the truer error is that it changed.
        match self.inner.check(file).await {
            Err(SourceError::Missing { .. }) if outcome.is_ok() => {}
            Err(SourceError::Missing { .. }) if self.inner.options.ignore_missing_files => {
                self.progress.with(|counters| counters.missing_files += 1);
                return Ok(());
            }
            other => other?,
        }
        match outcome {
            Err(error) if error.is_corrupt_file() && self.inner.options.ignore_corrupt_files => {
                self.progress.with(|counters| counters.corrupt_files += 1);
                Ok(())
            }
            Err(SourceError::NewColumns(new)) => {
                Err(self.inner.widen(&self.schema, &self.files, *new).await)
            }
            Err(error) => Err(error),
            Ok(()) => {
                self.progress.with(|progress| {
                    progress.files += 1;
                    progress.bytes += file.size;
                });
                Ok(())
            }
        }
    }
}
