//! What commits changed: the queue that a table is to the streams that read it, and the traces of other writers.
//! Must not read data files.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use deltalake::kernel::{Action, Add, Remove};
use serde_json::Value;
use sluice_checkpoint::{FlowId, ForeignChange, ForeignKind};

use crate::TableError;
use crate::log;
use crate::stats;
use crate::table::DeltaTable;

/// A data file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// The version whose commit names it; for a snapshot, the version of the snapshot.
    pub version: u64,
    /// Path within the table, decoded.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since the epoch, as its writer told.
    pub modification_time: i64,
    /// Values of the partition columns in Delta's text form.
    pub partition_values: BTreeMap<String, Option<String>>,
    /// Rows, if its writer told.
    pub rows: Option<u64>,
    /// Whether some of its rows are marked as deleted beside it.
    pub has_deletion_vector: bool,
}

/// What a commit means to a stream that reads the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Rows were added and none went away.
    Appended,
    /// No row changed: files were rewritten, or only metadata or transactions were written.
    Rearranged,
    /// Rows went away or were replaced.
    Removed,
}

/// One commit.
#[derive(Debug, Clone)]
pub struct CommitChanges {
    /// Its version.
    pub version: u64,
    /// Milliseconds since the epoch, as its writer told; `None` if it did not.
    pub timestamp_ms: Option<i64>,
    /// Files with rows that are new, in the order of the commit. Re-added files are left out: their rows are there already.
    pub added: Vec<DataFile>,
    /// Paths of files whose rows went away.
    pub removed: Vec<String>,
    /// Whether columns, comment, properties or partitions changed.
    pub metadata_changed: bool,
    /// The operation as its writer named it; empty if it did not.
    pub operation: String,
    /// Transactions.
    pub txns: BTreeMap<String, i64>,
    /// The whole `commitInfo`, an object; empty if there is none.
    pub info: serde_json::Map<String, Value>,
}

impl CommitChanges {
    /// What it means to a stream.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        if !self.removed.is_empty() {
            ChangeKind::Removed
        } else if self.added.is_empty() {
            ChangeKind::Rearranged
        } else {
            ChangeKind::Appended
        }
    }

    /// Whether a flow of ours made it on the table with this id: it carries a transaction of such a flow.
    #[must_use]
    pub fn is_ours(&self, table_id: &str) -> bool {
        self.txns
            .keys()
            .filter_map(|app| FlowId::parse(app))
            .any(|flow| flow.table_id == table_id)
    }

    /// Whether the table was set back to an earlier version by it.
    #[must_use]
    pub fn is_restore(&self) -> bool {
        self.operation.eq_ignore_ascii_case("RESTORE")
    }
}

impl DeltaTable {
    /// The commits after one version up to another, in order.
    ///
    /// # Errors
    /// The log does not hold one of them any more, or one does not read.
    pub async fn changes(
        &self,
        from_exclusive: u64,
        to: u64,
    ) -> Result<Vec<CommitChanges>, TableError> {
        if to <= from_exclusive {
            return Ok(vec![]);
        }
        let commits =
            log::read_commits(&self.store, &self.location, from_exclusive + 1, to).await?;
        let mut active = ActivePaths {
            table: self,
            before: from_exclusive,
            paths: None,
        };
        let mut changes = Vec::with_capacity(commits.len());
        for (version, actions) in commits {
            changes.push(active.read(version, actions).await?);
        }
        Ok(changes)
    }

    /// The files of a version in the order in which a stream takes its initial snapshot: modification time, then path.
    ///
    /// # Errors
    /// The log does not hold the version, or does not read.
    pub async fn snapshot_files(&self, version: u64) -> Result<Vec<DataFile>, TableError> {
        let loaded = self.at(Some(version)).await?;
        let state = self.files_of(&loaded).await?;
        let mut files: Vec<DataFile> = state
            .log_data()
            .iter()
            .map(|file| DataFile {
                version,
                path: file.path().to_string(),
                size: u64::try_from(file.size()).unwrap_or(0),
                modification_time: file.modification_time(),
                partition_values: file.partition_values_map().into_iter().collect(),
                rows: file.num_records().map(|rows| rows as u64),
                has_deletion_vector: file.deletion_vector_descriptor().is_some(),
            })
            .collect();
        files.sort_by(|left, right| {
            (left.modification_time, &left.path).cmp(&(right.modification_time, &right.path))
        });
        Ok(files)
    }

    /// Commits of others on a table of ours after a version, each with what it did to the rows. Commits with a
    /// transaction of a flow of this table are ours, and so are those that make or maintain the table.
    ///
    /// # Errors
    /// As [`DeltaTable::changes`].
    pub async fn foreign_changes(&self, since: u64) -> Result<Vec<ForeignChange>, TableError> {
        let id = self.id();
        let changes = self.changes(since, self.version()).await?;
        let foreign = changes
            .into_iter()
            .filter(|change| change.version > 0 && !change.is_ours(&id));
        Ok(foreign
            .map(|change| ForeignChange {
                version: change.version,
                kind: match change.kind() {
                    _ if change.is_restore() => ForeignKind::Restored,
                    ChangeKind::Removed => ForeignKind::RemovedRows,
                    ChangeKind::Rearranged => ForeignKind::Harmless,
                    ChangeKind::Appended => ForeignKind::Append,
                },
                operation: change.operation,
            })
            .collect())
    }

    /// The newest commit with this transaction or a later one of the same application, searched backwards from the
    /// newest version; `None` if the log does not hold it any more.
    ///
    /// # Errors
    /// A commit does not read.
    pub async fn commit_of(
        &self,
        app_id: &str,
        txn: i64,
    ) -> Result<Option<CommitChanges>, TableError> {
        for version in (0..=self.version()).rev() {
            let Some(actions) = log::read_commit(&self.store, &self.location, version).await?
            else {
                return Ok(None);
            };
            let found = actions.iter().any(
                |action| matches!(action, Action::Txn(found) if found.app_id == app_id && found.version >= txn),
            );
            if found {
                return Ok(Some(plain_changes(version, actions, &HashSet::new())));
            }
        }
        Ok(None)
    }
}

impl DeltaTable {
    /// The commits that carry a transaction of this application after `txn`, with their transactions, oldest first, as
    /// far back as the log goes. Reads the log once.
    ///
    /// # Errors
    /// A commit does not read.
    pub async fn commits_of(
        &self,
        app_id: &str,
        txn: i64,
    ) -> Result<Vec<(i64, CommitChanges)>, TableError> {
        let mut found = vec![];
        for version in (0..=self.version()).rev() {
            let Some(actions) = log::read_commit(&self.store, &self.location, version).await?
            else {
                break;
            };
            let here = actions.iter().find_map(|action| match action {
                Action::Txn(found) if found.app_id == app_id => Some(found.version),
                _ => None,
            });
            match here {
                Some(here) if here <= txn => break,
                Some(here) => found.push((here, plain_changes(version, actions, &HashSet::new()))),
                None => {}
            }
            if here == Some(txn + 1) {
                break;
            }
        }
        found.reverse();
        Ok(found)
    }
}

/// The paths that are in the table, read only when a commit of another writer makes it necessary to know them.
struct ActivePaths<'a> {
    table: &'a DeltaTable,
    before: u64,
    /// Active paths by the time of the commit that is read next.
    paths: Option<BTreeSet<String>>,
}

impl ActivePaths<'_> {
    /// Reads a commit. The rows of an add whose path is in the table already are no new rows: some writers commit a
    /// file twice when an answer was lost. Our own paths are never used twice, so our commits need no such look.
    async fn read(
        &mut self,
        version: u64,
        actions: Vec<Action>,
    ) -> Result<CommitChanges, TableError> {
        let ours = actions.iter().any(|action| match action {
            Action::CommitInfo(info) => info.info.contains_key(crate::commit::COMMIT_ID),
            _ => false,
        });
        let adds_rows = actions
            .iter()
            .any(|action| matches!(action, Action::Add(add) if add.data_change));
        if !ours && adds_rows && self.paths.is_none() {
            self.paths = Some(self.paths_before(version).await?);
        }
        let mut again = HashSet::new();
        if let Some(paths) = &mut self.paths {
            let removed: HashSet<&str> = actions.iter().filter_map(removed_path).collect();
            for action in &actions {
                match action {
                    Action::Add(add)
                        if paths.contains(&add.path) && !removed.contains(add.path.as_str()) =>
                    {
                        again.insert(add.path.clone());
                    }
                    _ => {}
                }
            }
            paths.retain(|path| !removed.contains(path.as_str()));
            paths.extend(actions.iter().filter_map(added_path).map(str::to_owned));
        }
        Ok(plain_changes(version, actions, &again))
    }

    async fn paths_before(&self, version: u64) -> Result<BTreeSet<String>, TableError> {
        let mut paths: BTreeSet<String> = self
            .table
            .snapshot_files(self.before)
            .await?
            .into_iter()
            .map(|file| file.path)
            .collect();
        if version > self.before + 1 {
            for (_, actions) in log::read_commits(
                &self.table.store,
                &self.table.location,
                self.before + 1,
                version - 1,
            )
            .await?
            {
                let removed: HashSet<&str> = actions.iter().filter_map(removed_path).collect();
                paths.retain(|path| !removed.contains(path.as_str()));
                paths.extend(actions.iter().filter_map(added_path).map(str::to_owned));
            }
        }
        Ok(paths)
    }
}

fn removed_path(action: &Action) -> Option<&str> {
    match action {
        Action::Remove(remove) => Some(&remove.path),
        _ => None,
    }
}

fn added_path(action: &Action) -> Option<&str> {
    match action {
        Action::Add(add) => Some(&add.path),
        _ => None,
    }
}

pub(crate) fn plain_changes(
    version: u64,
    actions: Vec<Action>,
    again: &HashSet<String>,
) -> CommitChanges {
    let mut changes = CommitChanges {
        version,
        timestamp_ms: None,
        added: vec![],
        removed: vec![],
        metadata_changed: false,
        operation: String::new(),
        txns: BTreeMap::new(),
        info: serde_json::Map::new(),
    };
    for action in actions {
        match action {
            Action::Add(add) if add.data_change && !again.contains(&add.path) => {
                changes.added.push(data_file(version, add));
            }
            Action::Remove(Remove {
                path,
                data_change: true,
                ..
            }) => changes.removed.push(path),
            Action::Metadata(_) | Action::Protocol(_) => changes.metadata_changed = true,
            Action::Txn(txn) => {
                changes.txns.insert(txn.app_id, txn.version);
            }
            Action::CommitInfo(info) => {
                changes.timestamp_ms = info.in_commit_timestamp.or(info.timestamp);
                changes.operation = info.operation.clone().unwrap_or_default();
                if let Ok(Value::Object(object)) = serde_json::to_value(&info) {
                    changes.info = object;
                }
            }
            _ => {}
        }
    }
    changes
}

fn data_file(version: u64, add: Add) -> DataFile {
    let partition_values: HashMap<String, Option<String>> = add.partition_values;
    DataFile {
        version,
        rows: stats::rows_in(add.stats.as_deref()),
        size: u64::try_from(add.size).unwrap_or(0),
        modification_time: add.modification_time,
        partition_values: partition_values.into_iter().collect(),
        has_deletion_vector: add.deletion_vector.is_some(),
        path: add.path,
    }
}
