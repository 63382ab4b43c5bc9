//! Which files a commit takes out of a table and which it brings back. Must not commit.

use std::collections::{HashMap, HashSet};

use deltalake::kernel::{Add, Metadata, Remove};

use crate::TableError;
use crate::request::{CommitRequest, Removes};
use crate::table::{DeltaTable, Loaded};

/// What leaves and what returns.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) removes: Vec<Remove>,
    pub(crate) adds: Vec<Add>,
    /// Columns and properties that return.
    pub(crate) metadata: Option<Metadata>,
}

impl DeltaTable {
    /// What a request means on top of a version, or the path of a file that is not there any more.
    pub(crate) async fn exchange(
        &self,
        request: &CommitRequest,
        loaded: &Loaded,
    ) -> Result<Result<Exchange, String>, TableError> {
        Ok(match &request.removes {
            Removes::None => Ok(Exchange::default()),
            Removes::All => {
                let log = self.files_of(loaded).await?.log_data();
                let all = log
                    .iter()
                    .map(|file| self.removed(file.remove_action(true)));
                Ok(Exchange {
                    removes: all.collect(),
                    ..Exchange::default()
                })
            }
            Removes::Files(paths) => self.named(paths, true, loaded).await?,
            Removes::Rearranged(paths) => self.named(paths, false, loaded).await?,
            Removes::Since(version) => Ok(self.since(*version, loaded).await?),
        })
    }

    fn removed(&self, mut remove: Remove) -> Remove {
        remove.deletion_timestamp = Some(self.store.now_ms());
        remove
    }

    async fn named(
        &self,
        paths: &[String],
        data_change: bool,
        loaded: &Loaded,
    ) -> Result<Result<Exchange, String>, TableError> {
        let log = self.files_of(loaded).await?.log_data();
        let mut present: HashMap<String, Remove> = log
            .iter()
            .map(|file| (file.path().to_string(), file.remove_action(data_change)))
            .collect();
        let removes = paths.iter().map(|path| {
            let found = present.remove(path);
            found
                .map(|remove| self.removed(remove))
                .ok_or_else(|| path.clone())
        });
        Ok(removes.collect::<Result<_, _>>().map(|removes| Exchange {
            removes,
            ..Exchange::default()
        }))
    }

    /// Everything that sets the table back to a version.
    async fn since(&self, version: u64, loaded: &Loaded) -> Result<Exchange, TableError> {
        let then = self.at(Some(version)).await?;
        let wanted = self.adds_of(&then).await?;
        let kept: HashSet<(&str, Option<String>)> = wanted
            .iter()
            .map(|add| (add.path.as_str(), vector(add)))
            .collect();
        let mut exchange = Exchange::default();
        let mut stays: HashSet<String> = HashSet::new();
        let present = self.adds_of(loaded).await?;
        let log = self.files_of(loaded).await?.log_data();
        for (file, add) in log.iter().zip(present) {
            if kept.contains(&(add.path.as_str(), vector(&add))) {
                stays.insert(add.path);
            } else {
                exchange
                    .removes
                    .push(self.removed(file.remove_action(true)));
            }
        }
        exchange.adds = wanted
            .iter()
            .filter(|add| !stays.contains(&add.path))
            .cloned()
            .collect();
        if then.state.metadata() != loaded.state.metadata() {
            exchange.metadata = Some(then.state.metadata().clone());
        }
        Ok(exchange)
    }

    /// The files of a version as the log names them.
    async fn adds_of(&self, loaded: &Loaded) -> Result<Vec<Add>, TableError> {
        let log = self.files_of(loaded).await?.log_data();
        #[expect(
            deprecated,
            reason = "a commit that brings files back needs them as actions"
        )]
        Ok(log.iter().map(|file| file.add_action()).collect())
    }

    /// Checks that an earlier version can still be read. A look per file that is in no use now.
    ///
    /// # Errors
    /// [`TableError::FilesVacuumed`]; the log does not hold the version; or the store fails.
    pub async fn require_files(&self, version: u64) -> Result<(), TableError> {
        let mut missing = vec![];
        let now = self.adds_of(&self.loaded()).await?;
        let now: HashSet<&str> = now.iter().map(|add| add.path.as_str()).collect();
        for add in self.adds_of(self.at(Some(version)).await?.as_ref()).await? {
            let is_there = now.contains(add.path.as_str())
                || self
                    .store
                    .head(&self.location.file(&add.path)?)
                    .await?
                    .is_some();
            if !is_there {
                missing.push(add.path);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(TableError::FilesVacuumed {
            path: self.location.to_string(),
            version,
            files: missing,
        })
    }
}

/// Which rows of a file are marked as deleted: a file with other marks is another file.
fn vector(add: &Add) -> Option<String> {
    let marks = add.deletion_vector.as_ref()?;
    Some(format!("{}@{:?}", marks.path_or_inline_dv, marks.offset))
}
