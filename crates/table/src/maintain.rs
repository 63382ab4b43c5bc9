//! Keeping a log readable and quick to read: checkpoints that were read back, and repairs of what a power loss left.
//!
//! Each is an action of its own, never part of a commit: an error here leaves the table as it was. What is taken out of
//! a log is kept, byte for byte, under `<table>/_sluice/quarantine/`. Must not change rows.

use std::sync::Arc;

use bytes::Bytes;
use deltalake::checkpoints::create_checkpoint;
use deltalake::table::state::DeltaTableState;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::file::metadata::ParquetMetaDataReader;
use sluice_checkpoint::FlowId;

use crate::TableError;
use crate::location::Location;
use crate::log::{self, LogFile};
use crate::log_store::FrugalLogStore;
use crate::request::{CommitOutcome, CommitRequest};
use crate::schema::MetadataChange;
use crate::store::Store;
use crate::table::{DeltaTable, Loaded};

/// Whether damage at the end of a log is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairPolicy {
    /// What can be repaired without losing a commit that was answered is repaired.
    Auto,
    /// Nothing is touched; damage is an error.
    Report,
}

impl RepairPolicy {
    /// Auto on local disk, where a power loss can leave torn files; Report where a put is one request.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        if store.puts_are_atomic() {
            Self::Report
        } else {
            Self::Auto
        }
    }
}

/// What was wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// `_last_checkpoint` did not read or named a checkpoint that is not there: the log is read without it.
    CheckpointHint,
    /// The newest commit was empty or cut off: its batch was never answered as done, and is done again.
    NewestCommit,
    /// The newest checkpoint was damaged, and the commits since the one before are all there.
    Checkpoint,
}

/// One repair that was made: to be told as an event of level ERROR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What was wrong.
    pub repair: Repair,
    /// The file that was taken out of the log.
    pub file: String,
    /// Where its bytes are kept.
    pub kept_at: String,
}

impl DeltaTable {
    /// Opens a table as [`DeltaTable::open`], and first repairs what a power loss left, as the policy allows. A sound
    /// table costs one small read more.
    ///
    /// # Errors
    /// As [`DeltaTable::open`], for damage that is not repaired.
    pub async fn open_repaired(
        store: &Store,
        location: &Location,
        policy: RepairPolicy,
    ) -> Result<(Option<Self>, Vec<Repaired>), TableError> {
        let opened = open_sound(store, location).await;
        let (Err(TableError::Unreadable { .. }), RepairPolicy::Auto) = (&opened, policy) else {
            return Ok((opened?, vec![]));
        };
        let repaired = repair(store, location).await?;
        Ok((open_sound(store, location).await?, repaired))
    }

    /// Writes a checkpoint of the handle's version if the last one lies at least `every` versions back, and reads it
    /// back before it counts. Gives its version if one was written.
    ///
    /// # Errors
    /// The store fails, or what was read back is not the table; then the checkpoint is taken out again.
    pub async fn checkpoint_if_due(&self, every: u64) -> Result<Option<u64>, TableError> {
        let loaded = self.loaded();
        let version = loaded.version();
        let last = log::last_checkpoint(&self.store, &self.location).await?;
        let since = last.map_or(version + 1, |last| version.saturating_sub(last));
        if since < every.max(1) {
            return Ok(None);
        }
        let mut table = deltalake::DeltaTable::new(self.log_store.clone());
        table.state = Some(self.files_of(&loaded).await?.clone());
        create_checkpoint(&table, None).await?;
        match self.verify_checkpoint(&loaded).await {
            Ok(()) => Ok(Some(version)),
            Err(error) => {
                let file = self
                    .location
                    .child(["_delta_log", &format!("{version:020}.checkpoint.parquet")]);
                quarantine(
                    &self.store,
                    &self.location,
                    &self.location.child(["_delta_log", "_last_checkpoint"]),
                )
                .await?;
                quarantine(&self.store, &self.location, &file).await?;
                Err(error)
            }
        }
    }

    /// Opens the table from its checkpoint alone and compares it with the version that it was made from: the handle may stand
    /// at a newer one by now.
    async fn verify_checkpoint(&self, loaded: &Loaded) -> Result<(), TableError> {
        let version = loaded.version();
        let file = self
            .location
            .child(["_delta_log", &format!("{version:020}.checkpoint.parquet")]);
        let wrong = |reason: &str| TableError::Unreadable {
            path: file.to_string(),
            reason: format!("the checkpoint just written {reason}"),
        };
        let bytes = self
            .store
            .get(&file)
            .await?
            .ok_or_else(|| wrong("is not there"))?;
        let alone: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let put = alone.put(file.path(), bytes.into()).await;
        put.map_err(TableError::storage("copy", &file))?;
        let prefixed = Arc::new(PrefixStore::new(
            Arc::clone(&alone),
            self.location.path().clone(),
        ));
        let url = self.store.url_of(&self.location);
        let log_store = FrugalLogStore::over(prefixed, alone, &url);
        let state = DeltaTableState::try_new(&log_store, Some(version)).await?;
        let files = |state: &DeltaTableState| {
            let mut files: Vec<(String, i64)> = state
                .log_data()
                .iter()
                .map(|file| (file.path().to_string(), file.size()))
                .collect();
            files.sort();
            files
        };
        if state.metadata() != loaded.state.metadata()
            || state.protocol() != loaded.state.protocol()
        {
            return Err(wrong(
                "has another schema, other properties or another protocol",
            ));
        }
        if files(&state) != files(self.files_of(loaded).await?) {
            return Err(wrong("names other files"));
        }
        let txns = log::read_txns(&self.store, &self.location, version).await?;
        if &txns != self.txns_of(loaded).await? {
            return Err(wrong("has other transactions"));
        }
        Ok(())
    }

    /// Changes columns, comment or properties in a commit of their own, if they are not so already.
    ///
    /// # Errors
    /// As [`DeltaTable::commit`], and for a change that cannot be.
    pub async fn change_metadata(
        &self,
        change: MetadataChange,
    ) -> Result<Option<CommitOutcome>, TableError> {
        let loaded = self.loaded();
        let (metadata, protocol) = (loaded.state.metadata(), loaded.state.protocol());
        let actions =
            crate::schema::change_actions(metadata, protocol, &loaded.schema, &change, false)?;
        if actions.is_empty() {
            return Ok(None);
        }
        let app = FlowId::new(&self.id(), "_definition", 0).app_id();
        let last = self.txn(&app).await?.unwrap_or(-1);
        let request = CommitRequest {
            txns: vec![(app, last + 1)],
            metadata: Some(change),
            operation: "CHANGE TABLE".into(),
            ..CommitRequest::default()
        };
        self.commit(&request).await.map(Some)
    }
}

/// Opens a table and looks at its newest commit, which the library takes for a commit without actions when it is empty.
async fn open_sound(store: &Store, location: &Location) -> Result<Option<DeltaTable>, TableError> {
    let Some(table) = DeltaTable::open(store, location).await? else {
        return Ok(None);
    };
    log::read_commit(store, location, table.version()).await?;
    Ok(Some(table))
}

/// Repairs what is wrong at the end of a log; newest first, because what comes after a torn file was never there.
async fn repair(store: &Store, location: &Location) -> Result<Vec<Repaired>, TableError> {
    let mut repaired = vec![];
    let mut names: Vec<(LogFile, Location)> = vec![];
    for meta in store.list(&log::log_folder(location)).await? {
        let file = LogFile::of(meta.location.filename().unwrap_or_default());
        names.push((file, location.at(meta.location)));
    }
    let commits: Vec<u64> = versions(&names, |file| match file {
        LogFile::Commit(version) => Some(version),
        _ => None,
    });
    let checkpoints: Vec<u64> = versions(&names, |file| match file {
        LogFile::Checkpoint(version) => Some(version),
        _ => None,
    });
    if let Some(newest) = commits.last().copied() {
        let place = log::commit_file(location, newest);
        let bytes = store.get(&place).await?.unwrap_or_default();
        if (newest > 0 || checkpoints.is_empty())
            && log::parse_commit(location, newest, &bytes).is_err()
        {
            repaired.push(take_out(store, location, &place, Repair::NewestCommit).await?);
        }
    }
    if let Some(newest) = checkpoints.last().copied() {
        let first_needed = checkpoints
            .iter()
            .rev()
            .find(|version| **version < newest)
            .map_or(0, |version| version + 1);
        let all_there =
            (first_needed..=newest).all(|version| commits.binary_search(&version).is_ok());
        let files = names
            .iter()
            .filter(|(file, _)| *file == LogFile::Checkpoint(newest));
        for (_, place) in files {
            let bytes = store.get(place).await?.unwrap_or_default();
            if all_there && place.path().as_ref().ends_with(".parquet") && !is_parquet(&bytes) {
                repaired.push(take_out(store, location, place, Repair::Checkpoint).await?);
            }
        }
    }
    let hint = location.child(["_delta_log", "_last_checkpoint"]);
    if store.get(&hint).await?.is_some() {
        let named = log::last_checkpoint(store, location).await?;
        let gone = |version| {
            repaired
                .iter()
                .any(|done| done.repair == Repair::Checkpoint)
                && Some(&version) == checkpoints.last()
        };
        let dangling = named
            .is_none_or(|version| checkpoints.binary_search(&version).is_err() || gone(version));
        if dangling {
            repaired.push(take_out(store, location, &hint, Repair::CheckpointHint).await?);
        }
    }
    Ok(repaired)
}

fn versions(names: &[(LogFile, Location)], kind: impl Fn(LogFile) -> Option<u64>) -> Vec<u64> {
    let mut versions: Vec<u64> = names.iter().filter_map(|(file, _)| kind(*file)).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// Whether footer and pages are where a Parquet file has them.
fn is_parquet(bytes: &Bytes) -> bool {
    ParquetMetaDataReader::new().parse_and_finish(bytes).is_ok()
}

async fn take_out(
    store: &Store,
    table: &Location,
    file: &Location,
    repair: Repair,
) -> Result<Repaired, TableError> {
    let kept_at = quarantine(store, table, file).await?;
    Ok(Repaired {
        repair,
        file: file.to_string(),
        kept_at: kept_at.to_string(),
    })
}

/// Copies a file beside the table's state, then deletes it.
async fn quarantine(
    store: &Store,
    table: &Location,
    file: &Location,
) -> Result<Location, TableError> {
    let bytes = store.get(file).await?.unwrap_or_default();
    let name = format!(
        "{}-{}",
        store.ids().uuid(),
        file.path().filename().unwrap_or_default()
    );
    let kept = table.child(["_sluice", "quarantine", &name]);
    store.put(&kept, bytes).await?;
    store.delete(file).await?;
    Ok(kept)
}
