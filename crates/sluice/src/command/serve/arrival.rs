//! What is seen of a watched place, a folder or a prefix of a bucket: how many files lie below it, and when the newest came.
//! Must not decide anything.

use std::path::Path;
use std::time::UNIX_EPOCH;

use futures::TryStreamExt;
use object_store::ObjectStore;
use sluice_model::Diagnostic;
use sluice_model::condition::source::PATH_INVALID;
use sluice_model::job::Placed;
use sluice_run::Engine;
use sluice_source::{Storage, resolve_path};
use sluice_table::TableError;

/// Files that are looked at below a watched place; beyond, it cannot be watched.
const WATCHED_FILES_MAX: usize = 10_000;

/// Looks at the place that a trigger names; equal answers mean that nothing is new.
pub(super) async fn look(engine: &Engine, url: &Placed<String>) -> Result<String, Diagnostic> {
    let refused = |diagnostic: Diagnostic| diagnostic.at(&url.origin, "");
    let resolved = resolve_path(&url.value, engine.path_rules()).map_err(refused)?;
    let mut seen = Arrived::default();
    match (resolved.places.as_slice(), resolved.only_folder()) {
        ([place], Some(folder)) if place.storage == Storage::Disk => seen.walk(Path::new(&folder)),
        ([place], Some(_)) => {
            let Storage::Bucket(name) = &place.storage else {
                return Err(refused(unwatchable(&url.value)));
            };
            let bucket = engine.s3().bucket(name);
            let listed = seen.list(bucket.as_ref(), &place.base).await;
            listed.map_err(|error| {
                let failed = TableError::Storage {
                    action: "list",
                    path: url.value.clone(),
                    source: Box::new(error),
                };
                refused(failed.diagnostic())
            })?;
        }
        _ => return Err(refused(unwatchable(&url.value))),
    }
    if seen.number > WATCHED_FILES_MAX {
        let message = format!("`{}` holds more than {WATCHED_FILES_MAX} files", url.value);
        let diagnostic = Diagnostic::error(&PATH_INVALID, message);
        return Err(refused(
            diagnostic.help("watch a smaller folder, or use a `schedule`"),
        ));
    }
    Ok(format!("{} {}", seen.number, seen.newest_us))
}

fn unwatchable(written: &str) -> Diagnostic {
    let message = format!("`{written}` cannot be watched: it is not one folder");
    Diagnostic::error(&PATH_INVALID, message).help("name one folder without patterns")
}

/// Files below a place.
#[derive(Debug, Default)]
struct Arrived {
    number: usize,
    newest_us: i128,
}

impl Arrived {
    fn walk(&mut self, folder: &Path) {
        // A folder that is not there yet holds nothing yet.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            if self.number > WATCHED_FILES_MAX {
                return;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                self.walk(&entry.path());
                continue;
            }
            let modified = metadata.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let since_us = since.unwrap_or_default().as_micros();
            self.count(i128::try_from(since_us).unwrap_or(i128::MAX));
        }
    }

    async fn list(
        &mut self,
        bucket: &dyn ObjectStore,
        folder: &str,
    ) -> Result<(), object_store::Error> {
        let prefix = object_store::path::Path::from(folder.trim_start_matches('/'));
        let mut objects = bucket.list(Some(&prefix));
        while let Some(object) = objects.try_next().await? {
            self.count(object.last_modified.timestamp_micros().into());
            if self.number > WATCHED_FILES_MAX {
                break;
            }
        }
        Ok(())
    }

    fn count(&mut self, modified_us: i128) {
        self.number += 1;
        self.newest_us = self.newest_us.max(modified_us);
    }
}
