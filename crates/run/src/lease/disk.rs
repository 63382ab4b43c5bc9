//! The lease on local disk: a lock that the operating system drops when its holder dies. Must not know object stores.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use sluice_model::Diagnostic;
use sluice_model::condition::run::WAREHOUSE_NOT_WRITABLE;

use super::already_running;

/// Takes the lease of a pipeline whose own folder is `folder`. Dropping the file ends it.
pub(super) fn take(folder: &Path, pipeline: &str) -> Result<File, Diagnostic> {
    let path = folder.join("lease.lock");
    let mut file = open(folder, &path).map_err(|error| {
        Diagnostic::error(
            &WAREHOUSE_NOT_WRITABLE,
            format!(
                "cannot write to the warehouse: `{}`: {error}",
                path.display()
            ),
        )
        .fact("nothing was changed")
        .help("make the folder writable, or set `warehouse:` in sluice.yml to one that is")
    })?;
    match file.try_lock() {
        Ok(()) => {
            // For people who look into the file; the lock itself is what counts.
            let _ = file
                .set_len(0)
                .and_then(|()| writeln!(file, "pid {}", std::process::id()));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(already_running(pipeline)
            .fact(holder(&path))
            .fact("nothing was changed by this one")
            .help("wait for it to end, or stop it; the lease ends with its process")),
        Err(TryLockError::Error(error)) => Err(Diagnostic::error(
            &WAREHOUSE_NOT_WRITABLE,
            format!("cannot lock `{}`: {error}", path.display()),
        )),
    }
}

fn open(folder: &Path, path: &PathBuf) -> std::io::Result<File> {
    std::fs::create_dir_all(folder)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn holder(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    match text.trim() {
        "" => "its holder left no name".to_string(),
        text => format!("held by {text}"),
    }
}
