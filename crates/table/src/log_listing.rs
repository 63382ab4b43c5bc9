//! What a log on disk has from a version on, found by the names that commits must have. Not here: the listing of any other folder.
//!
//! The file system gives a folder whole or not at all, and a log of a day of micro-batches holds 86,400 commits: read at every commit,
//! it would make each slower than the one before. Commits follow each other without a gap (Delta protocol, "Delta Log Entries"), so that
//! behind the last checkpoint their names tell where they end.

use std::fs::{self, Metadata};
use std::path::Path;

use serde::Deserialize;

/// Commits that are asked for one by one; where there are more, reading the folder costs less.
const COMMITS_MAX: u64 = 1_000;
const LOG_FOLDER: &str = "_delta_log";
const VERSION_DIGITS: usize = 20;

/// The part of `_last_checkpoint` that is read here.
#[derive(Deserialize)]
struct LastCheckpoint {
    version: u64,
}

/// Names and metadata of the commits, and of the checkpoints of one file, from the version on that is all of `offset_name`.
///
/// `None` where the folder must be read: it is no log, or `offset_name` no bare version, or the version does not lie behind the last
/// checkpoint (which may consist of files of any name), or its commit is not there (cleaned, or not yet made), or too many follow.
/// Checksums, compacted commits and checkpoints of several files are left out: none is needed behind a checkpoint.
pub(crate) fn commits_from(folder: &Path, offset_name: &str) -> Option<Vec<(String, Metadata)>> {
    let is_version = offset_name.len() == VERSION_DIGITS
        && offset_name.bytes().all(|byte| byte.is_ascii_digit());
    if !is_version || folder.file_name()? != LOG_FOLDER {
        return None;
    }
    let first: u64 = offset_name.parse().ok()?;
    let last_checkpoint = fs::read(folder.join("_last_checkpoint")).ok()?;
    let last_checkpoint: LastCheckpoint = serde_json::from_slice(&last_checkpoint).ok()?;
    if first <= last_checkpoint.version {
        return None;
    }
    let mut found = vec![];
    for version in first..first.checked_add(COMMITS_MAX)? {
        let commit = format!("{version:020}.json");
        let Ok(metadata) = fs::metadata(folder.join(&commit)) else {
            return (version > first).then_some(found);
        };
        let checkpoint = format!("{version:020}.checkpoint.parquet");
        if let Ok(metadata) = fs::metadata(folder.join(&checkpoint)) {
            found.push((checkpoint, metadata));
        }
        found.push((commit, metadata));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(files: &[&str], last_checkpoint: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join(LOG_FOLDER);
        fs::create_dir(&log).unwrap();
        for name in files {
            fs::write(log.join(name), "{}").unwrap();
        }
        if !last_checkpoint.is_empty() {
            fs::write(log.join("_last_checkpoint"), last_checkpoint).unwrap();
        }
        (folder, log)
    }

    fn names(log: &Path, version: u64) -> Option<Vec<String>> {
        let found = commits_from(log, &format!("{version:020}"))?;
        Some(found.into_iter().map(|(name, _)| name).collect())
    }

    const FILES: &[&str] = &[
        "00000000000000000009.json",
        "00000000000000000010.json",
        "00000000000000000010.checkpoint.parquet",
        "00000000000000000011.json",
        "00000000000000000012.json",
        "00000000000000000012.checkpoint.parquet",
        "00000000000000000013.json",
    ];

    #[test]
    fn commits_behind_the_last_checkpoint_are_found_by_name() {
        let (_folder, log) = log(FILES, r#"{"version":10,"size":3}"#);
        let expected = ["11.json", "12.checkpoint.parquet", "12.json", "13.json"];
        let expected = expected.map(|name| format!("{}{name}", "0".repeat(18)));
        assert_eq!(names(&log, 11).unwrap(), expected);
        assert_eq!(names(&log, 13).unwrap(), expected[3..]);
    }

    #[test]
    fn the_folder_is_read_where_names_do_not_tell() {
        let (_folder, log) = log(FILES, r#"{"version":10,"size":3}"#);
        assert_eq!(names(&log, 10), None, "the checkpoint itself");
        assert_eq!(names(&log, 14), None, "no such commit");
        assert!(commits_from(&log, "00000000000000000011.json").is_none());
        assert!(commits_from(log.parent().unwrap(), "00000000000000000011").is_none());
        for hint in ["", "torn", r#"{"version":-1}"#] {
            let (_folder, log) = self::log(FILES, hint);
            assert_eq!(names(&log, 11), None, "{hint}");
        }
    }
}
