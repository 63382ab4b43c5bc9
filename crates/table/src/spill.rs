//! Files for the rows of a query that do not fit into memory. They have no name: a process that is killed leaves nothing
//! behind on the disk. Must not know what is in them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::Stream;
use sluice_model::Diagnostic;
use sluice_model::condition::table::STORAGE_ERROR;

/// Bytes that the files of one [`SpillFiles`] hold together at most.
const BYTES_MAX: u64 = 100 << 30;
/// Bytes read at a time.
const READ_BYTES: usize = 128 * 1024;

/// Gives DataFusion files without a name in the folder of the system for temporary files, for whatever spills. All that
/// is made from one of them shares the bound of 100 GiB.
#[derive(Debug, Clone, Default)]
pub struct SpillFiles {
    held: Arc<AtomicU64>,
}

impl SpillFiles {
    /// The disk manager of a runtime that spills into such files.
    #[must_use]
    pub fn disk_manager(&self) -> DiskManagerBuilder {
        DiskManagerBuilder::default().with_temp_file_factory(Arc::new(self.clone()))
    }
}

impl TempFileFactory for SpillFiles {
    fn create_temp_file(&self, _purpose: &str) -> Result<Arc<dyn SpillFile>> {
        let file = tempfile::tempfile().map_err(failed)?;
        Ok(Arc::new(Nameless(Arc::new(Spilled {
            file: Mutex::new(file),
            bytes: AtomicU64::new(0),
            held: Arc::clone(&self.held),
        }))))
    }
}

/// What people are told: the disk for temporary files is seldom the one of the tables.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it turns one error into another"
)]
fn failed(source: io::Error) -> io::Error {
    let folder = std::env::temp_dir();
    let folder = folder.display();
    let message = format!("cannot keep rows that do not fit into memory in `{folder}`: {source}");
    let told = Diagnostic::error(&STORAGE_ERROR, message)
        .fact("what was committed before stays, and nothing of this was written")
        .help("make room there, or name a folder on a larger disk: `TMPDIR=/large/disk sluice run`")
        .help("or let the engine have more memory, in MiB: `SLUICE_MEMORY_MB=8192 sluice run`");
    io::Error::other(told)
}

/// A file that is gone when it is no longer used. It has one cursor, so that whoever reads or writes moves it first.
struct Spilled {
    file: Mutex<File>,
    bytes: AtomicU64,
    held: Arc<AtomicU64>,
}

impl Spilled {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let added = bytes.len() as u64;
        // Counted before it is written, so that two writers cannot pass the bound together.
        self.bytes.fetch_add(added, Ordering::Relaxed);
        if self.held.fetch_add(added, Ordering::Relaxed) + added > BYTES_MAX {
            let message = format!("queries hold more than {} GiB there", BYTES_MAX >> 30);
            return Err(failed(io::Error::other(message)));
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.write_all(bytes).map_err(failed)
    }

    /// The next bytes from a position; empty: there are no more.
    fn read(&self, from: u64) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(READ_BYTES);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut chunk = (&*file).take(READ_BYTES as u64);
        chunk.read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

struct Nameless(Arc<Spilled>);

impl SpillFile for Nameless {
    fn size(&self) -> Option<u64> {
        Some(self.0.bytes.load(Ordering::Relaxed))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let begin = (Arc::clone(&self.0), 0);
        let chunks = futures::stream::try_unfold(begin, |(file, from)| async move {
            let reader = Arc::clone(&file);
            let read = tokio::task::spawn_blocking(move || reader.read(from));
            let bytes = read
                .await
                .map_err(|e| DataFusionError::External(e.into()))??;
            let next = from + bytes.len() as u64;
            Ok((!bytes.is_empty()).then_some((bytes, (file, next))))
        });
        Ok(Box::pin(chunks))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Appending(Arc::clone(&self.0))))
    }
}

struct Appending(Arc<Spilled>);

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Appending {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "spill_tests.rs"]
mod tests;
