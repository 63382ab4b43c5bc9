//! `cleanSource`: which files may go once they have been read for good, and the removal of them.

use std::io::ErrorKind;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sluice_model::Diagnostic;
use sluice_model::condition::source as condition;
use tokio::io::AsyncWriteExt;

use super::list::looks_into;
use super::source::FileSource;
use super::{FileEntry, TakenFile};
use crate::SourceError;
use crate::error::comes_of;
use crate::option::{CleanSource, ReadFilesOptions};
use crate::path::{ResolvedPath, Storage};

/// A file that may go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanAction {
    /// Delete it.
    Delete(FileEntry),
    /// Move it to this key of the store.
    Move(FileEntry, String),
}

/// What became of the files that might go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanOutcome {
    /// Files deleted or moved.
    pub cleaned: usize,
    /// Files that were gone already, or had changed and stay.
    pub left: usize,
}

/// Which files may be cleaned now: taken by a batch that is committed, and committed longer ago than the retention.
///
/// `committed_us` gives the commit time of a batch, microseconds UTC, or `None` while it is not committed **in every
/// flow that reads the files**. `destination` is the resolved folder of `cleanSource.moveDestination`, as a key.
#[must_use]
pub fn plan_clean(
    options: &ReadFilesOptions,
    taken: &[TakenFile],
    committed_us: impl Fn(u64) -> Option<i64>,
    destination: Option<&str>,
    now_us: i64,
) -> Vec<CleanAction> {
    let old_enough = |row: &&TakenFile| {
        committed_us(row.batch)
            .is_some_and(|time| now_us.saturating_sub(time) >= options.clean_retention_us)
    };
    let ripe = taken.iter().filter(old_enough).map(|row| row.file.clone());
    match (&options.clean_source, destination) {
        (CleanSource::Delete, _) => ripe.map(CleanAction::Delete).collect(),
        (CleanSource::Move { .. }, Some(folder)) => {
            let folder = folder.trim_matches('/');
            // The whole name below, so that files of the same name in different folders stay apart.
            ripe.map(|file| {
                let key = format!(
                    "{folder}/{}",
                    file.path.trim_start_matches("./").trim_start_matches('/')
                );
                CleanAction::Move(file, key)
            })
            .collect()
        }
        (CleanSource::Off | CleanSource::Move { .. }, _) => vec![],
    }
}

impl FileSource {
    /// Executes what [`plan_clean`] decided. A file that is gone is done; one that changed since it was read stays.
    ///
    /// # Errors
    /// The storage failed; what was done so far stays done, and the next call goes on.
    pub async fn clean(&self, actions: &[CleanAction]) -> Result<CleanOutcome, SourceError> {
        let own = Storage::Objects;
        let copies = self.inner.stores.of(&own);
        self.clean_into(actions, &own, &copies).await
    }

    /// As [`FileSource::clean`], where files are moved into a storage: by another name, or by a copy in the store `copies`
    /// where it is another one than theirs, or another file system. Files go when that store has answered, so its
    /// answers must hold.
    ///
    /// # Errors
    /// As [`FileSource::clean`].
    pub async fn clean_into(
        &self,
        actions: &[CleanAction],
        to: &Storage,
        copies: &Arc<dyn ObjectStore>,
    ) -> Result<CleanOutcome, SourceError> {
        let mut outcome = CleanOutcome::default();
        for action in actions {
            let (CleanAction::Delete(file) | CleanAction::Move(file, _)) = action;
            match self.inner.check(file).await {
                Ok(()) => {}
                Err(SourceError::Missing { .. } | SourceError::Changed { .. }) => {
                    outcome.left += 1;
                    continue;
                }
                Err(error) => return Err(error),
            }
            let (store, key) = self.inner.object(file)?;
            let (doing, done) = match action {
                CleanAction::Delete(_) => ("deleting", store.delete(&key).await),
                CleanAction::Move(_, name) => {
                    let place = Path::parse(name).unwrap_or_else(|_| Path::from(name.as_str()));
                    let is_one_store = Arc::ptr_eq(&store, &self.inner.stores.of(to));
                    let copies = Arc::clone(copies);
                    (
                        "moving",
                        carry(&store, &key, is_one_store, copies, place).await,
                    )
                }
            };
            done.map_err(|error| SourceError::while_doing(doing, &file.path, error))?;
            outcome.cleaned += 1;
        }
        Ok(outcome)
    }

    /// Refuses a folder that the engine shall write to (`badRecordsPath`, `cleanSource.moveDestination`) where the
    /// source would read it: what is written there would come back as data.
    ///
    /// # Errors
    /// The refusal, at the option.
    pub fn check_written_folder(
        &self,
        option: &str,
        folder: &ResolvedPath,
    ) -> Result<(), SourceError> {
        for written in &folder.places {
            for place in &self.inner.path.places {
                if !looks_into(place, &self.inner.options, &written.base)? {
                    continue;
                }
                let message = format!(
                    "`{option}` lies in the folder that is read, so what is put there would be read as data"
                );
                let mut refused = Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, message)
                    .help("name a folder beside the source, or one whose name starts with `_`");
                if let Some(origin) = self.inner.options.origins.of(option) {
                    refused = refused.at(origin, "");
                }
                return Err(SourceError::Refused(Box::new(refused)));
            }
        }
        Ok(())
    }
}

/// Moves an object: by its name where it stays in the store, else by a copy, which is whole before the object goes.
async fn carry(
    from: &Arc<dyn ObjectStore>,
    key: &Path,
    is_one_store: bool,
    to: Arc<dyn ObjectStore>,
    place: Path,
) -> object_store::Result<()> {
    if is_one_store {
        match from.rename(key, &place).await {
            // One store may be several file systems, and no name leads from one to another.
            Err(error) if comes_of(&error, ErrorKind::CrossesDevices) => {}
            renamed => return renamed,
        }
    }
    let mut chunks = from.get(key).await?.into_stream();
    let mut writer = BufWriter::new(to, place);
    let lost = |source: std::io::Error| object_store::Error::Generic {
        store: "cleanSource",
        source: Box::new(source),
    };
    while let Some(chunk) = chunks.try_next().await? {
        writer.put(chunk).await?;
    }
    writer.shutdown().await.map_err(lost)?;
    from.delete(key).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::option::SourceCall;

    fn check(clean_source: CleanSource, destination: Option<&str>, now_us: i64, expected: &[&str]) {
        let mut options = ReadFilesOptions::defaults(SourceCall::StreamReadFiles);
        options.clean_source = clean_source;
        options.clean_retention_us = 100;
        let taken: Vec<TakenFile> = ["./a/1", "./b/1", "./c/1"]
            .iter()
            .zip(0..)
            .map(|(path, batch)| TakenFile {
                batch,
                file: FileEntry {
                    path: (*path).into(),
                    size: 1,
                    modified_us: 0,
                    etag: None,
                },
            })
            .collect();
        let committed = |batch: u64| {
            [Some(0), Some(50), None]
                .get(usize::try_from(batch).unwrap())
                .copied()
                .flatten()
        };
        let shown: Vec<String> = plan_clean(&options, &taken, committed, destination, now_us)
            .into_iter()
            .map(|action| match action {
                CleanAction::Delete(file) => file.path,
                CleanAction::Move(file, to) => format!("{} -> {to}", file.path),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_files_of_old_commits_go() {
        let mover = || CleanSource::Move {
            destination: "done".into(),
        };
        check(CleanSource::Off, None, 1_000, &[]);
        check(CleanSource::Delete, None, 99, &[]);
        check(CleanSource::Delete, None, 100, &["./a/1"]);
        check(CleanSource::Delete, None, 1_000, &["./a/1", "./b/1"]);
        check(
            mover(),
            Some("/done/"),
            1_000,
            &["./a/1 -> done/a/1", "./b/1 -> done/b/1"],
        );
        check(mover(), None, 1_000, &[]);
    }
}
