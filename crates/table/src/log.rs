//! The text of a Delta log: commits as actions, application transactions, names of log files. Must not decide anything.

use std::collections::BTreeMap;

use bytes::Bytes;
use deltalake::kernel::Action;
use deltalake::logstore::get_actions;
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::schema::types::SchemaDescriptor;
use serde::Deserialize;

use crate::TableError;
use crate::location::Location;
use crate::store::Store;

/// Commits read at a time.
const READ_AHEAD: usize = 16;

/// The latest version of each application in a log.
pub(crate) type Txns = BTreeMap<String, i64>;

pub(crate) fn log_folder(table: &Location) -> Location {
    table.child(["_delta_log"])
}

pub(crate) fn commit_file(table: &Location, version: u64) -> Location {
    table.child(["_delta_log", &format!("{version:020}.json")])
}

/// Version and kind of a file in `_delta_log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFile {
    Commit(u64),
    Checkpoint(u64),
    Other,
}

impl LogFile {
    pub(crate) fn of(name: &str) -> Self {
        let Some((digits, rest)) = name.split_at_checked(20) else {
            return Self::Other;
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Other;
        }
        match (digits.parse(), rest) {
            (Ok(version), ".json") => Self::Commit(version),
            (Ok(version), _) if rest.starts_with(".checkpoint.") => Self::Checkpoint(version),
            _ => Self::Other,
        }
    }
}

/// Whether there is no log: neither a commit nor a checkpoint.
pub(crate) async fn is_absent(store: &Store, table: &Location) -> Result<bool, TableError> {
    let listed = store.list(&log_folder(table)).await?;
    Ok(listed
        .iter()
        .all(|meta| LogFile::of(meta.location.filename().unwrap_or_default()) == LogFile::Other))
}

/// The actions of a commit; `None` if the log has no such version.
pub(crate) async fn read_commit(
    store: &Store,
    table: &Location,
    version: u64,
) -> Result<Option<Vec<Action>>, TableError> {
    let place = commit_file(table, version);
    let Some(bytes) = store.get(&place).await? else {
        return Ok(None);
    };
    parse_commit(table, version, &bytes).map(Some)
}

pub(crate) fn parse_commit(
    table: &Location,
    version: u64,
    bytes: &Bytes,
) -> Result<Vec<Action>, TableError> {
    let unreadable = |reason: String| TableError::Unreadable {
        path: table.to_string(),
        reason,
    };
    if bytes.is_empty() {
        return Err(unreadable(format!("commit {version} is empty")));
    }
    get_actions(version, bytes).map_err(|error| unreadable(format!("commit {version}: {error}")))
}

/// Whether the log holds the commit of a version.
pub(crate) async fn has_commit(
    store: &Store,
    table: &Location,
    version: u64,
) -> Result<bool, TableError> {
    Ok(store.head(&commit_file(table, version)).await?.is_some())
}

/// The version of the oldest checkpoint that is there.
pub(crate) async fn oldest_checkpoint(
    store: &Store,
    table: &Location,
) -> Result<Option<u64>, TableError> {
    let listed = store.list(&log_folder(table)).await?;
    let versions = listed.iter().filter_map(|meta| {
        match LogFile::of(meta.location.filename().unwrap_or_default()) {
            LogFile::Checkpoint(version) => Some(version),
            LogFile::Commit(_) | LogFile::Other => None,
        }
    });
    Ok(versions.min())
}

/// The commits of versions `from..=to`, in order.
pub(crate) async fn read_commits(
    store: &Store,
    table: &Location,
    from: u64,
    to: u64,
) -> Result<Vec<(u64, Vec<Action>)>, TableError> {
    futures::stream::iter(from..=to)
        .map(|version| async move {
            let actions = read_commit(store, table, version).await?;
            let missing = || TableError::VersionNotFound {
                path: table.to_string(),
                version,
            };
            Ok((version, actions.ok_or_else(missing)?))
        })
        .buffered(READ_AHEAD)
        .try_collect()
        .await
}

/// Adds the transactions of a commit to those before it.
pub(crate) fn apply_txns(txns: &mut Txns, actions: &[Action]) {
    for action in actions {
        if let Action::Txn(txn) = action {
            txns.insert(txn.app_id.clone(), txn.version);
        }
    }
}

/// All transactions at a version: those of the last checkpoint before it, then those of the commits after that.
pub(crate) async fn read_txns(
    store: &Store,
    table: &Location,
    version: u64,
) -> Result<Txns, TableError> {
    let (mut txns, first) = match checkpoint_before(store, table, version).await? {
        Some((at, files)) => (checkpoint_txns(store, table, &files).await?, at + 1),
        None => (Txns::new(), 0),
    };
    if first > version {
        return Ok(txns);
    }
    for (_, actions) in read_commits(store, table, first, version).await? {
        apply_txns(&mut txns, &actions);
    }
    Ok(txns)
}

#[derive(Deserialize)]
struct LastCheckpoint {
    version: u64,
}

/// The version that `_last_checkpoint` names; `None` if the file is missing or says nothing.
pub(crate) async fn last_checkpoint(
    store: &Store,
    table: &Location,
) -> Result<Option<u64>, TableError> {
    let place = table.child(["_delta_log", "_last_checkpoint"]);
    let Some(bytes) = store.get(&place).await? else {
        return Ok(None);
    };
    Ok(serde_json::from_slice(&bytes)
        .ok()
        .map(|last: LastCheckpoint| last.version))
}

/// The newest checkpoint at or before a version, with its files. A log that begins at version 0 and has no hint is
/// read by its commits, without a listing.
async fn checkpoint_before(
    store: &Store,
    table: &Location,
    version: u64,
) -> Result<Option<(u64, Vec<Location>)>, TableError> {
    match last_checkpoint(store, table).await? {
        Some(at) if at <= version => {
            let single = table.child(["_delta_log", &format!("{at:020}.checkpoint.parquet")]);
            if store.head(&single).await?.is_some() {
                return Ok(Some((at, vec![single])));
            }
        }
        None if store.head(&commit_file(table, 0)).await?.is_some() => return Ok(None),
        _ => {}
    }
    let mut newest: Option<(u64, Vec<Location>)> = None;
    for meta in store.list(&log_folder(table)).await? {
        let LogFile::Checkpoint(at) = LogFile::of(meta.location.filename().unwrap_or_default())
        else {
            continue;
        };
        if at > version {
            continue;
        }
        let file = table.at(meta.location);
        match &mut newest {
            Some((found, files)) if *found == at => files.push(file),
            Some((found, _)) if *found > at => {}
            _ => newest = Some((at, vec![file])),
        }
    }
    Ok(newest)
}

async fn checkpoint_txns(
    store: &Store,
    table: &Location,
    files: &[Location],
) -> Result<Txns, TableError> {
    let mut txns = Txns::new();
    for file in files {
        let bytes = store.get(file).await?.unwrap_or_default();
        if file.path().extension() == Some("json") {
            apply_txns(&mut txns, &parse_commit(table, 0, &bytes)?);
        } else {
            parquet_txns(&mut txns, bytes)?;
        }
    }
    Ok(txns)
}

/// Reads the `txn` column of a checkpoint, and nothing else of it.
fn parquet_txns(txns: &mut Txns, bytes: Bytes) -> Result<(), TableError> {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let mask = txn_columns(builder.parquet_schema());
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let Some(txn) = batch
            .column_by_name("txn")
            .and_then(|column| column.as_struct_opt())
        else {
            continue;
        };
        let ids = txn
            .column_by_name("appId")
            .and_then(|ids| ids.as_string_opt::<i32>());
        let versions = txn
            .column_by_name("version")
            .and_then(|ids| ids.as_primitive_opt::<Int64Type>());
        let (Some(ids), Some(versions)) = (ids, versions) else {
            continue;
        };
        for row in (0..batch.num_rows()).filter(|row| txn.is_valid(*row) && ids.is_valid(*row)) {
            txns.insert(ids.value(row).to_owned(), versions.value(row));
        }
    }
    Ok(())
}

fn txn_columns(schema: &SchemaDescriptor) -> ProjectionMask {
    let wanted = ["txn.appId", "txn.version"];
    let leaves = schema
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| wanted.contains(&column.path().string().as_str()))
        .map(|(index, _)| index);
    ProjectionMask::leaves(schema, leaves.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_log_folder_tell_version_and_kind() {
        for (name, expected) in [
            ("00000000000000000007.json", LogFile::Commit(7)),
            (
                "00000000000000000100.checkpoint.parquet",
                LogFile::Checkpoint(100),
            ),
            (
                "00000000000000000100.checkpoint.0000000001.0000000002.parquet",
                LogFile::Checkpoint(100),
            ),
            ("00000000000000000007.crc", LogFile::Other),
            ("00000000000000000007.json#1", LogFile::Other),
            ("_last_checkpoint", LogFile::Other),
            ("7.json", LogFile::Other),
        ] {
            assert_eq!(LogFile::of(name), expected, "{name}");
        }
    }
}
