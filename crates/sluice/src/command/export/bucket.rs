//! An export into a bucket: written on this machine first, then put under its name, which it has whole or not at all. Must
//! not know formats.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use sluice_model::Diagnostic;
use sluice_model::condition::command::OUTPUT_EXISTS;
use sluice_table::TableError;
use tokio::io::AsyncWriteExt;

use super::unwritable;

/// Bytes that are read and sent at a time.
const PIECE_BYTES: usize = 8 * 1024 * 1024;

/// An object that is to be written.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) bucket: Arc<dyn ObjectStore>,
    /// The bucket's name.
    pub(super) name: String,
    pub(super) key: Key,
    /// As the user wrote it.
    pub(super) written: String,
}

impl Wanted {
    /// Refuses to write over what is there.
    pub(super) async fn check_free(&self) -> Result<(), Diagnostic> {
        match self.bucket.head(&self.key).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("read", error)),
            Ok(_) => Err(self.taken()),
        }
    }

    /// What is there may not be replaced.
    pub(super) fn taken(&self) -> Diagnostic {
        let message = format!("`{}` is there already", self.written);
        Diagnostic::error(&OUTPUT_EXISTS, message)
            .fact("nothing was written")
            .help("replace it: `--overwrite`")
    }

    /// Puts a file under the key.
    pub(super) async fn upload(&self, file: &Path) -> Result<(), Diagnostic> {
        self.upload_as(file, &self.key).await
    }

    /// Puts a file; one that is large in parts, which become an object with the last of them.
    pub(super) async fn upload_as(&self, file: &Path, key: &Key) -> Result<(), Diagnostic> {
        let unread = |error: &std::io::Error| unwritable(Path::new(&self.written), error);
        let mut file = File::open(file).map_err(|error| unread(&error))?;
        let mut writer = BufWriter::new(Arc::clone(&self.bucket), key.clone());
        loop {
            let mut piece = vec![];
            let mut some = (&mut file).take(PIECE_BYTES as u64);
            some.read_to_end(&mut piece)
                .map_err(|error| unread(&error))?;
            if piece.is_empty() {
                break;
            }
            if let Err(error) = writer.put(piece.into()).await {
                // Best effort: parts that nobody completes cost until the bucket forgets them.
                let _ = writer.abort().await;
                return Err(self.failed("write", error));
            }
        }
        writer.shutdown().await.map_err(|error| {
            let source = object_store::Error::Generic {
                store: "S3",
                source: Box::new(error),
            };
            self.failed("write", source)
        })
    }

    /// A request of the bucket that failed.
    pub(super) fn failed(&self, action: &'static str, error: object_store::Error) -> Diagnostic {
        let failed = TableError::Storage {
            action,
            path: self.written.clone(),
            source: Box::new(error),
        };
        failed.diagnostic()
    }
}
