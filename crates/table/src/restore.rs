//! A table set back to an earlier version, as a new commit. Must not decide what becomes of the flows that write it: the
//! caller says with which transactions.

use serde_json::json;

use crate::TableError;
use crate::request::{CommitOutcome, CommitRequest, Removes};
use crate::table::DeltaTable;

/// What RESTORE did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// The version made.
    pub version: u64,
    /// Files and bytes of the table now.
    pub files: u64,
    /// Bytes of the table now.
    pub bytes: u64,
    /// Files that went.
    pub removed_files: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Files that came back.
    pub restored_files: u64,
    /// Their bytes.
    pub restored_bytes: u64,
}

impl DeltaTable {
    /// Sets rows, columns and properties back to a version, in one commit that carries `txns` beside its own.
    ///
    /// # Errors
    /// The log does not hold the version, files of it are gone, or as [`DeltaTable::commit`].
    pub async fn restore(
        &self,
        version: u64,
        mut txns: Vec<(String, i64)>,
    ) -> Result<Restored, TableError> {
        self.refresh().await?;
        self.require_files(version).await?;
        let (now, then) = (
            self.snapshot_files(self.version()).await?,
            self.snapshot_files(version).await?,
        );
        let tally = |from: &[crate::DataFile], other: &[crate::DataFile]| {
            let paths: std::collections::HashSet<&str> =
                other.iter().map(|file| file.path.as_str()).collect();
            from.iter()
                .filter(|file| !paths.contains(file.path.as_str()))
                .fold((0_u64, 0_u64), |(files, bytes), file| {
                    (files + 1, bytes + file.size)
                })
        };
        let ((removed_files, removed_bytes), (restored_files, restored_bytes)) =
            (tally(&now, &then), tally(&then, &now));
        let mut done = Restored {
            version: 0,
            files: then.len() as u64,
            bytes: then.iter().map(|file| file.size).sum(),
            removed_files,
            removed_bytes,
            restored_files,
            restored_bytes,
        };
        txns.push(self.maintenance_txn().await?);
        let request = CommitRequest {
            removes: Removes::Since(version),
            txns,
            operation: "RESTORE".into(),
            parameters: json!({ "version": version.to_string(), "timestamp": null }),
            metrics: Some(json!({
                "tableSizeAfterRestore": done.bytes.to_string(),
                "numOfFilesAfterRestore": done.files.to_string(),
                "numRemovedFiles": removed_files.to_string(),
                "removedFilesSize": removed_bytes.to_string(),
                "numRestoredFiles": restored_files.to_string(),
                "restoredFilesSize": restored_bytes.to_string(),
            })),
            ..CommitRequest::default()
        };
        match self.commit(&request).await? {
            CommitOutcome::Committed { version } | CommitOutcome::AlreadyCommitted { version } => {
                done.version = version;
                Ok(done)
            }
            CommitOutcome::Unknown(error) => Err(error),
            CommitOutcome::Conflict(_) => Err(TableError::Disturbed {
                path: self.location.to_string(),
            }),
        }
    }
}
