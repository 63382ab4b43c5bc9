//! One engine per pipeline and target: a lock that the operating system drops when its holder dies.
//!
//! Liveness only. Safety never depends on it: where two engines run all the same, the Delta `txn` of each flow
//! decides (recovery.md, K10 and K11).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use sluice_model::Diagnostic;
use sluice_model::condition::run::{PIPELINE_ALREADY_RUNNING, WAREHOUSE_NOT_WRITABLE};

/// The held lease; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Lease {
    _file: Option<File>,
}

/// Takes the lease of a pipeline whose own folder is `folder`; `None` for a warehouse in memory, which no other
/// process can reach.
pub(crate) fn take(folder: Option<&Path>, pipeline: &str) -> Result<Lease, Diagnostic> {
    let Some(folder) = folder else {
        return Ok(Lease { _file: None });
    };
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
            Ok(Lease { _file: Some(file) })
        }
        Err(TryLockError::WouldBlock) => Err(Diagnostic::error(
            &PIPELINE_ALREADY_RUNNING,
            format!("another engine runs pipeline `{pipeline}` on this target"),
        )
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
