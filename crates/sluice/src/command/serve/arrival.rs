//! What is seen of a watched place, a folder or a prefix of a bucket: how many files lie below it, and when the newest came.
//! Must not decide anything.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use futures::TryStreamExt;
use object_store::ObjectStore;
use sluice_model::Diagnostic;
use sluice_model::condition::source::PATH_INVALID;
use sluice_model::job::Placed;
use sluice_run::Engine;
use sluice_source::{SourceError, Storage, resolve_path};
use sluice_table::TableError;

/// Files and folders that are looked at below a watched place; beyond, it cannot be watched.
const WATCHED_ENTRIES_MAX: usize = 10_000;

/// Looks at the place that a trigger names; equal answers mean that nothing is new.
pub(super) async fn look(engine: &Engine, url: &Placed<String>) -> Result<String, Diagnostic> {
    let refused = |diagnostic: Diagnostic| diagnostic.at(&url.origin, "");
    let resolved = resolve_path(&url.value, engine.path_rules()).map_err(refused)?;
    let seen = match (resolved.places.as_slice(), resolved.only_folder()) {
        ([place], Some(folder)) if place.storage == Storage::Disk => {
            // A disk may be slow: nothing that serves is to wait on the same thread.
            let walk = tokio::task::spawn_blocking(move || Arrived::on_disk(PathBuf::from(folder)));
            let walked = walk.await.map_err(|error| error.to_string());
            let seen = walked.unwrap_or_else(|words| Err(SourceError::Internal(words)));
            seen.map_err(|error| refused(error.to_diagnostic()))?
        }
        ([place], Some(_)) => {
            let Storage::Bucket(name) = &place.storage else {
                return Err(refused(unwatchable(&url.value)));
            };
            let bucket = engine.s3().bucket(name);
            let listed = Arrived::in_bucket(bucket.as_ref(), &place.base).await;
            listed.map_err(|error| {
                let failed = TableError::Storage {
                    action: "list",
                    path: url.value.clone(),
                    source: Box::new(error),
                };
                refused(failed.diagnostic())
            })?
        }
        _ => return Err(refused(unwatchable(&url.value))),
    };
    if seen.is_too_much() {
        let message = format!(
            "`{}` holds more than {WATCHED_ENTRIES_MAX} files and folders",
            url.value
        );
        let diagnostic = Diagnostic::error(&PATH_INVALID, message);
        return Err(refused(
            diagnostic.help("watch a smaller folder, or use a `schedule`"),
        ));
    }
    Ok(seen.mark())
}

fn unwatchable(written: &str) -> Diagnostic {
    let message = format!("`{written}` cannot be watched: it is not one folder");
    Diagnostic::error(&PATH_INVALID, message).help("name one folder without patterns")
}

/// What lies below a place.
#[derive(Debug, Default)]
struct Arrived {
    files: usize,
    /// Counted for the limit only: a folder by itself is nothing new.
    folders: usize,
    /// When the newest file was written, microseconds since the epoch.
    newest_us: i128,
}

impl Arrived {
    /// Looks through a folder of this machine. One that is not there, or no longer, holds nothing; one that cannot be read
    /// may hold anything.
    fn on_disk(folder: PathBuf) -> Result<Self, SourceError> {
        let mut seen = Self::default();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            match seen.enter(&folder, &mut folders) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(unreadable(&folder, &error));
                }
                _ if seen.is_too_much() => break,
                _ => {}
            }
        }
        Ok(seen)
    }

    /// Counts the files of a folder, and adds its folders to those that are still to be entered.
    fn enter(&mut self, folder: &Path, folders: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_dir() {
                self.folders += 1;
                folders.push(entry.path());
            } else {
                let modified = metadata.modified().ok();
                let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let since_us = since.unwrap_or_default().as_micros();
                self.count(i128::try_from(since_us).unwrap_or(i128::MAX));
            }
            if self.is_too_much() {
                break;
            }
        }
        Ok(())
    }

    /// Lists what lies below a prefix of a bucket.
    async fn in_bucket(
        bucket: &dyn ObjectStore,
        folder: &str,
    ) -> Result<Self, object_store::Error> {
        let mut seen = Self::default();
        let prefix = object_store::path::Path::from(folder.trim_start_matches('/'));
        let mut objects = bucket.list(Some(&prefix));
        while let Some(object) = objects.try_next().await? {
            seen.count(object.last_modified.timestamp_micros().into());
            if seen.is_too_much() {
                break;
            }
        }
        Ok(seen)
    }

    fn count(&mut self, modified_us: i128) {
        self.files += 1;
        self.newest_us = self.newest_us.max(modified_us);
    }

    fn is_too_much(&self) -> bool {
        self.files + self.folders > WATCHED_ENTRIES_MAX
    }

    /// Equal marks mean that nothing is new.
    fn mark(&self) -> String {
        format!("{} {}", self.files, self.newest_us)
    }
}

fn unreadable(folder: &Path, error: &io::Error) -> SourceError {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    SourceError::Unreadable {
        path: folder.display().to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_folder_that_is_not_there_holds_nothing() {
        let place = tempfile::tempdir().unwrap();
        let below = |name: &str| Arrived::on_disk(place.path().join(name));
        assert_eq!(below("absent").unwrap().mark(), "0 0");
        fs::create_dir_all(place.path().join("data/new/empty")).unwrap();
        assert_eq!(below("data").unwrap().mark(), "0 0");
        fs::write(place.path().join("data/new/1.json"), "{}").unwrap();
        fs::write(place.path().join("data/2.json"), "{}").unwrap();
        let mark = below("data").unwrap().mark();
        assert!(mark.starts_with("2 ") && mark != "2 0", "{mark}");
        let failed = below("data/2.json").unwrap_err().to_diagnostic();
        assert_eq!(failed.condition.name, "FILE_UNREADABLE");
        assert!(failed.message.contains("2.json"), "{}", failed.message);
    }

    #[test]
    fn folders_count_against_the_limit() {
        let place = tempfile::tempdir().unwrap();
        for number in 0..=WATCHED_ENTRIES_MAX {
            fs::create_dir(place.path().join(number.to_string())).unwrap();
        }
        let seen = Arrived::on_disk(place.path().to_owned()).unwrap();
        assert!(seen.is_too_much(), "{seen:?}");
    }
}
