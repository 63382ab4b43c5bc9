//! Whether the files that describe a project have changed: told by the system as it happens, and looked after now and
//! then, for file systems that tell nothing. Must not read what the files say.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use sluice_sql::project::ProjectFiles as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::project_disk::DiskFiles;

/// An editor writes a file in several steps.
const SETTLE: Duration = Duration::from_millis(150);
/// Between two looks without being told.
const LOOK: Duration = Duration::from_secs(2);

/// Watches the files of a project.
pub(super) struct Changes {
    folder: PathBuf,
    seen: u64,
    told: UnboundedReceiver<()>,
    /// None where the system cannot watch.
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
}

impl Changes {
    /// Begins: what the files are now is no change.
    pub(super) fn of(folder: &Path) -> Self {
        let (tell, told) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |_| {
            let _ = tell.send(());
        });
        let (seen, folders) = state(folder);
        let mut changes = Self {
            folder: folder.to_path_buf(),
            seen,
            told,
            watcher: watcher.ok(),
            watched: vec![],
        };
        changes.watch(folders);
        changes
    }

    /// Waits for the next change.
    pub(super) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.told.recv(), if self.watcher.is_some() => {
                    tokio::time::sleep(SETTLE).await;
                    while self.told.try_recv().is_ok() {}
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            let (now, folders) = state(&self.folder);
            self.watch(folders);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }

    fn watch(&mut self, folders: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for folder in folders {
            // A folder that cannot be watched is looked after.
            if !self.watched.contains(&folder)
                && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.push(folder);
            }
        }
    }
}

/// What the describing files are, as a number that changes with them, and the folders that hold them.
fn state(folder: &Path) -> (u64, Vec<PathBuf>) {
    let mut hasher = DefaultHasher::new();
    let mut folders = vec![folder.to_path_buf()];
    for path in DiskFiles::walk(folder).paths() {
        let place = folder.join(path);
        let extension = place.extension().unwrap_or_default();
        if !["sql", "yml", "yaml"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
        {
            continue;
        }
        let data = std::fs::metadata(&place).ok();
        let changed = data.as_ref().and_then(|data| data.modified().ok());
        let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        (path, data.map(|data| data.len()), changed).hash(&mut hasher);
        if let Some(parent) = place.parent()
            && !folders.iter().any(|known| known == parent)
        {
            folders.push(parent.to_path_buf());
        }
    }
    (hasher.finish(), folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_of_descriptions_are_told_and_data_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir(at.join("src")).unwrap();
        std::fs::write(at.join("src/a.sql"), "SELECT 1").unwrap();
        let before = state(at).0;
        std::fs::write(at.join("src/data.json"), "{}").unwrap();
        assert_eq!(state(at).0, before);
        let mut changes = Changes::of(at);
        std::fs::write(at.join("src/a.sql"), "SELECT 12").unwrap();
        changes.next().await;
        std::fs::create_dir(at.join("more")).unwrap();
        std::fs::write(at.join("more/b.yml"), "a: 1").unwrap();
        changes.next().await;
        std::fs::remove_file(at.join("src/a.sql")).unwrap();
        changes.next().await;
    }
}
