//! Walks a folder of the local disk. Apart from object stores because only a disk has links that loop or lead
//! away, folders that may not be read, and names that are not text.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::list::{SkipReason, Skipped};
use crate::SourceError;
use crate::path::{is_system, under};

/// A file found, by its real absolute path.
#[derive(Debug)]
pub(super) struct Found {
    pub path: String,
    pub size: u64,
    pub modified_us: i64,
    pub etag: Option<String>,
}

/// What the walk asks about each entry.
pub(super) trait Filter {
    /// Whether to go into a folder, given by its segments below the base.
    fn enters(&self, folder: &[&str]) -> bool;
    /// Whether a file is wanted, given by its segments below the base.
    fn wants(&self, file: &[&str], skipped: &mut Skipped) -> bool;
}

struct Walk<'a, F> {
    filter: &'a F,
    excluded: &'a [String],
    real_base: PathBuf,
    found: Vec<Found>,
    skipped: &'a mut Skipped,
    files_max: usize,
}

/// Lists the files at or below `base`, an absolute path; `None` where nothing is there.
pub(super) fn walk<F: Filter>(
    base: &str,
    filter: &F,
    excluded: &[String],
    skipped: &mut Skipped,
) -> Result<Option<Vec<Found>>, SourceError> {
    let base_path = Path::new(base);
    let metadata = match std::fs::metadata(base_path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(base, &error)),
    };
    let real_base = base_path
        .canonicalize()
        .map_err(|error| unreadable(base, &error))?;
    if is_system(&real_base.to_string_lossy()) {
        return Err(SourceError::Unreadable {
            path: base.into(),
            reason: "a link leads into a folder of the operating system".into(),
        });
    }
    if metadata.is_file() {
        return Ok(Some(vec![found(base.to_string(), &metadata)]));
    }
    let mut walk = Walk {
        filter,
        excluded,
        real_base,
        found: vec![],
        skipped,
        files_max: sluice_model::limits::LISTED_FILES_MAX,
    };
    let ancestors = vec![walk.real_base.clone()];
    walk.folder(base, &[], &ancestors)?;
    Ok(Some(walk.found))
}

impl<F: Filter> Walk<'_, F> {
    fn folder(
        &mut self,
        path: &str,
        segments: &[&str],
        ancestors: &[PathBuf],
    ) -> Result<(), SourceError> {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            // A folder that went away while we looked held nothing that stays.
            Err(error) if error.kind() == ErrorKind::NotFound && !segments.is_empty() => {
                return Ok(());
            }
            Err(error) => return Err(unreadable(path, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(path, &error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.skipped.add(
                    SkipReason::NameNotText,
                    &format!("{path}/{}", name.to_string_lossy()),
                );
                continue;
            };
            let mut below = segments.to_vec();
            below.push(name);
            self.entry(&entry, &format!("{path}/{name}"), &below, ancestors)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &std::fs::DirEntry,
        path: &str,
        segments: &[&str],
        ancestors: &[PathBuf],
    ) -> Result<(), SourceError> {
        let Ok(kind) = entry.file_type() else {
            return Ok(());
        };
        if kind.is_dir() && !self.filter.enters(segments) {
            return Ok(());
        }
        if kind.is_file() && !self.filter.wants(segments, self.skipped) {
            return Ok(());
        }
        let mut real = None;
        if kind.is_symlink() {
            match self.follow(path) {
                Some(target) => real = Some(target),
                None => return Ok(()),
            }
        }
        // A dangling link, or a file that went away while we looked, is not there.
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(path, &error)),
        };
        if metadata.is_dir() {
            let real = real.unwrap_or_else(|| {
                ancestors
                    .last()
                    .map_or_else(PathBuf::new, |last| last.join(entry.file_name()))
            });
            return self.enter(path, segments, ancestors, real);
        }
        if !metadata.is_file() || (kind.is_symlink() && !self.filter.wants(segments, self.skipped))
        {
            return Ok(());
        }
        if self.found.len() >= self.files_max {
            return Err(SourceError::TooLarge {
                path: path.into(),
                reason: format!("the folder holds more than {} files", self.files_max),
            });
        }
        self.found.push(found(path.to_string(), &metadata));
        Ok(())
    }

    /// The target of a link, or `None` where it must not be followed.
    fn follow(&mut self, path: &str) -> Option<PathBuf> {
        let target = match Path::new(path).canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(_) => {
                self.skipped.add(SkipReason::LinkLoop, path);
                return None;
            }
        };
        if target.starts_with(&self.real_base) {
            return Some(target);
        }
        self.skipped.add(SkipReason::LinkOutside, path);
        None
    }

    fn enter(
        &mut self,
        path: &str,
        segments: &[&str],
        ancestors: &[PathBuf],
        real: PathBuf,
    ) -> Result<(), SourceError> {
        let text = real.to_string_lossy();
        if self
            .excluded
            .iter()
            .any(|folder| under(&text, folder) || under(path, folder))
            || !self.filter.enters(segments)
        {
            return Ok(());
        }
        if ancestors.contains(&real) {
            self.skipped.add(SkipReason::LinkLoop, path);
            return Ok(());
        }
        let mut deeper = ancestors.to_vec();
        deeper.push(real);
        self.folder(path, segments, &deeper)
    }
}

fn found(path: String, metadata: &Metadata) -> Found {
    // As the store tells it, so that the two agree to the microsecond.
    let modified = metadata.modified().map(DateTime::<Utc>::from);
    let modified_us = modified.map_or(0, |time| time.timestamp_micros());
    Found {
        path,
        size: metadata.len(),
        modified_us,
        etag: None,
    }
}

fn unreadable(path: &str, error: &std::io::Error) -> SourceError {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_string(),
        _ => error.to_string(),
    };
    SourceError::Unreadable {
        path: path.to_string(),
        reason,
    }
}
