//! One file of a source, as a listing saw it.

use serde::{Deserialize, Serialize};

/// A file: its identity and the version of it that was listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileEntry {
    /// The user's name of the file (`/Volumes/main/iot/raw/1.json`, `./data/1.json`): its identity, independent
    /// of where the project lies.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Time of last modification, microseconds UTC.
    pub modified_us: i64,
    /// The store's tag of this version; none on local disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl FileEntry {
    /// The last segment of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether a file found later is this very version: by tag where both have one, else by size and time.
    #[must_use]
    pub fn is_version(&self, size: u64, modified_us: i64, etag: Option<&str>) -> bool {
        match (self.etag.as_deref(), etag) {
            (Some(planned), Some(found)) => planned == found,
            _ => self.size == size && self.modified_us == modified_us,
        }
    }

    /// The version in words, for messages.
    pub(crate) fn version_text(size: u64, modified_us: i64) -> String {
        let time = chrono::DateTime::from_timestamp_micros(modified_us).unwrap_or_default();
        format!(
            "{size} bytes, modified {}",
            time.format("%Y-%m-%dT%H:%M:%S%.6fZ")
        )
    }
}
