//! Files that no version within the retention needs, taken from the disk. Must not touch the log, state of flows, or
//! anything young enough to belong to a commit that is on its way.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use futures::{StreamExt, TryStreamExt};
use sluice_model::quantity;

use crate::TableError;
use crate::table::DeltaTable;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Retention of tables that say nothing.
pub const RETENTION_MS: i64 = 7 * 24 * HOUR_MS;
/// Files deleted at a time.
const DELETE_AHEAD: usize = 16;

/// What VACUUM found, and deleted unless it was only asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// The files, as paths within the table, sorted.
    pub paths: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
}

impl DeltaTable {
    /// How long files that left the table stay on disk: `delta.deletedFileRetentionDuration`, or seven days.
    #[must_use]
    pub fn file_retention_ms(&self) -> i64 {
        let properties = self.properties();
        let written = properties.get("delta.deletedFileRetentionDuration");
        written
            .and_then(|text| quantity::duration_us(text))
            .map_or(RETENTION_MS, |us| us / 1000)
    }

    /// Deletes the data files that left the table before `retention_ms` ago or never were part of it and are as old.
    /// Folders that begin with `_` or `.` are left alone, unless they are those of a partition. With `dry_run`, only tells.
    ///
    /// Safe to kill anywhere: what it deletes is needed by nothing, and is found again.
    ///
    /// # Errors
    /// The log does not read, or the store fails.
    pub async fn vacuum(&self, retention_ms: i64, dry_run: bool) -> Result<Vacuumed, TableError> {
        self.refresh().await?;
        let loaded = self.loaded();
        self.check_writable(&loaded)?;
        let state = self.files_of(&loaded).await?;
        let border_ms = self.store.now_ms().saturating_sub(retention_ms.max(0));
        let mut needed: HashSet<String> = HashSet::new();
        for file in state.log_data().iter() {
            needed.insert(file.path().to_string());
        }
        let mut tombstones = state.all_tombstones(self.log_store.as_ref());
        while let Some(tombstone) = tombstones.try_next().await? {
            if tombstone
                .deletion_timestamp()
                .is_none_or(|gone_ms| gone_ms >= border_ms)
            {
                needed.insert(tombstone.path().to_string());
            }
        }
        let mut found = Vacuumed::default();
        let mut places = vec![];
        let partitions = self.partition_by();
        for meta in self.store.list(&self.location).await? {
            let Some(path) = self.within(&meta.location, &partitions) else {
                continue;
            };
            let is_young = meta.last_modified.timestamp_millis() >= border_ms;
            // Files of marks of deleted rows have coded names in the log: they stay.
            if needed.contains(&path)
                || is_young
                || Path::new(&path).extension() == Some(OsStr::new("bin"))
            {
                continue;
            }
            found.bytes += meta.size;
            found.paths.push(path);
            places.push(self.location.at(meta.location));
        }
        if !dry_run {
            let deleted = futures::stream::iter(places).map(|place| {
                let store = self.store.clone();
                async move { store.delete(&place).await }
            });
            deleted
                .buffer_unordered(DELETE_AHEAD)
                .try_collect::<Vec<()>>()
                .await?;
        }
        Ok(found)
    }

    /// The path of an object within the table, if it lies where data files lie.
    fn within(&self, object: &object_store::path::Path, partitions: &[String]) -> Option<String> {
        let parts: Vec<String> = object
            .prefix_match(self.location.path())?
            .map(|part| part.as_ref().to_owned())
            .collect();
        let is_hidden = |part: &String| {
            let is_partition = part
                .split_once('=')
                .is_some_and(|(name, _)| partitions.iter().any(|column| column == name));
            (part.starts_with('_') || part.starts_with('.')) && !is_partition
        };
        (!parts.is_empty() && !parts.iter().any(is_hidden)).then(|| parts.join("/"))
    }
}
