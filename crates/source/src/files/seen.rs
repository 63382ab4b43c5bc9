//! Which files have been taken: a fold over the lists of files, made to hold a million of them in little memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::{FileEntry, TakenFile};

/// The files that a flow has taken, by the hash of their path and of their version.
///
/// A path takes 24 bytes, whatever its length: 128 bits of keyed hash stand for it, so that a collision, which
/// would leave a file unread, is out of reach even for names that someone chose to collide.
#[derive(Debug)]
pub struct SeenIndex {
    first: RandomState,
    second: RandomState,
    versions: HashMap<(u64, u64), u64>,
}

impl Default for SeenIndex {
    fn default() -> Self {
        Self {
            first: RandomState::new(),
            second: RandomState::new(),
            versions: HashMap::new(),
        }
    }
}

impl SeenIndex {
    /// An index of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the files of a list.
    pub fn extend<'a>(&mut self, taken: impl IntoIterator<Item = &'a TakenFile>) {
        for row in taken {
            self.insert(&row.file);
        }
    }

    /// Adds one file; the newest version of a path stands.
    pub fn insert(&mut self, file: &FileEntry) {
        let version = self.version(file);
        self.versions.insert(self.key(&file.path), version);
    }

    /// Whether a file has not been taken yet; with `allow_overwrites`, not in this version.
    #[must_use]
    pub fn is_new(&self, file: &FileEntry, allow_overwrites: bool) -> bool {
        match self.versions.get(&self.key(&file.path)) {
            None => true,
            Some(version) => allow_overwrites && *version != self.version(file),
        }
    }

    /// Keeps the files of a listing that have not been taken yet, in their order.
    #[must_use]
    pub fn new_files(&self, listed: Vec<FileEntry>, allow_overwrites: bool) -> Vec<FileEntry> {
        listed
            .into_iter()
            .filter(|file| self.is_new(file, allow_overwrites))
            .collect()
    }

    /// How many files have been taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether none has been taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    fn key(&self, path: &str) -> (u64, u64) {
        (self.first.hash_one(path), self.second.hash_one(path))
    }

    fn version(&self, file: &FileEntry) -> u64 {
        match &file.etag {
            Some(tag) => self.first.hash_one(("tag", tag)),
            None => self.first.hash_one((file.size, file.modified_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, modified_us: i64, etag: Option<&str>) -> FileEntry {
        FileEntry {
            path: path.into(),
            size: 1,
            modified_us,
            etag: etag.map(Into::into),
        }
    }

    #[test]
    fn a_path_is_taken_once_unless_overwrites_are_allowed() {
        let mut seen = SeenIndex::new();
        seen.extend(&[
            TakenFile {
                batch: 0,
                file: file("a", 1, None),
            },
            TakenFile {
                batch: 1,
                file: file("t", 1, Some("x")),
            },
        ]);
        for (candidate, allow_overwrites, expected) in [
            (file("a", 1, None), false, false),
            (file("a", 2, None), false, false),
            (file("a", 1, None), true, false),
            (file("a", 2, None), true, true),
            (file("b", 1, None), false, true),
            (file("t", 9, Some("x")), true, false),
            (file("t", 1, Some("y")), true, true),
        ] {
            assert_eq!(
                seen.is_new(&candidate, allow_overwrites),
                expected,
                "{candidate:?} {allow_overwrites}"
            );
        }
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn a_million_files_stay_small() {
        assert_eq!(size_of::<((u64, u64), u64)>(), 24);
    }
}
