//! Discovery: the full listing of a source, filtered and in a fixed order.
//!
//! There is no incremental listing: it is known to miss files. Every listing sees everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectStore;
use regex::Regex;

use super::FileEntry;
use super::source::Stores;
use super::walk::{Filter, Found, walk};
use crate::glob::SegmentGlob;
use crate::option::ReadFilesOptions;
use crate::path::{Place, ResolvedPath, Storage, under};
use crate::{SourceError, limits};

/// What a listing found and what it left out.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The files, by time of modification, then by path.
    pub files: Vec<FileEntry>,
    /// Files that were left out for a reason worth telling.
    pub skipped: Skipped,
}

/// Why a file was left out although the path means it. Hidden files and those that a filter excludes are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// It is still being written: `*.tmp`, `*.inprogress`, `*._COPYING_`, or an upload in progress.
    Unfinished,
    /// It holds nothing yet. Spark reads no rows from it; taken now, what comes into it later would be lost.
    Empty,
    /// It is younger than `minFileAge`; a later update takes it.
    TooYoung,
    /// It is older than `maxFileAge`.
    TooOld,
    /// A link leads back to a folder above it.
    LinkLoop,
    /// A link leads out of the folder that is read.
    LinkOutside,
    /// Its name is not UTF-8.
    NameNotText,
}

/// Files left out, by reason: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    reasons: BTreeMap<SkipReason, (usize, String)>,
}

impl Skipped {
    pub(super) fn add(&mut self, reason: SkipReason, path: &str) {
        self.reasons
            .entry(reason)
            .or_insert_with(|| (0, path.to_string()))
            .0 += 1;
    }

    /// How many files were left out for a reason.
    #[must_use]
    pub fn count(&self, reason: SkipReason) -> usize {
        self.reasons.get(&reason).map_or(0, |(count, _)| *count)
    }

    /// Every reason with its count and the first file.
    pub fn iter(&self) -> impl Iterator<Item = (SkipReason, usize, &str)> {
        self.reasons
            .iter()
            .map(|(reason, (count, first))| (*reason, *count, first.as_str()))
    }
}

/// The filters of one place of a path.
struct PlaceFilter<'a> {
    place: &'a Place,
    options: &'a ReadFilesOptions,
    hidden: Regex,
    name: Option<SegmentGlob>,
}

impl PlaceFilter<'_> {
    fn is_hidden(&self, segment: &str) -> bool {
        // As in Spark, a partition column may start with an underscore.
        self.hidden.is_match(segment) && !(segment.starts_with('_') && segment.contains('='))
    }
}

impl Filter for PlaceFilter<'_> {
    fn enters(&self, folder: &[&str]) -> bool {
        let Some(last) = folder.last() else {
            return true;
        };
        if self.is_hidden(last) {
            return false;
        }
        match &self.place.glob {
            Some(glob) => glob.may_match_below(folder, self.options.strict_globber),
            None => self.options.recursive || last.contains('='),
        }
    }

    fn wants(&self, file: &[&str], skipped: &mut Skipped) -> bool {
        let Some(last) = file.last() else {
            return false;
        };
        if file.iter().any(|segment| self.is_hidden(segment)) {
            return false;
        }
        let meant = match &self.place.glob {
            Some(glob) => {
                glob.matches_file(file, self.options.strict_globber, self.options.recursive)
            }
            None => {
                self.options.recursive
                    || file[..file.len() - 1]
                        .iter()
                        .all(|segment| segment.contains('='))
            }
        };
        if !meant || self.name.as_ref().is_some_and(|name| !name.matches(last)) {
            return false;
        }
        if is_unfinished(last) {
            skipped.add(SkipReason::Unfinished, &file.join("/"));
            return false;
        }
        true
    }
}

/// Whether a source with these options would look at files in a folder below one of its places.
pub(super) fn looks_into(
    place: &Place,
    options: &ReadFilesOptions,
    folder: &str,
) -> Result<bool, SourceError> {
    let Some(rest) = folder
        .strip_prefix(&place.base)
        .filter(|_| under(folder, &place.base))
    else {
        return Ok(false);
    };
    let segments: Vec<&str> = rest
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let filter = filter(place, options)?;
    Ok((1..=segments.len()).all(|depth| filter.enters(&segments[..depth])))
}

/// Names of files that are being written; `name#7` is an upload of the local object store itself.
fn is_unfinished(name: &str) -> bool {
    let staged = name
        .rsplit_once('#')
        .is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()));
    staged
        || [".tmp", ".inprogress", "._COPYING_"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Lists every file that the path means.
pub(super) async fn list(
    stores: &Stores,
    path: &ResolvedPath,
    options: &ReadFilesOptions,
    now_us: i64,
) -> Result<Listing, SourceError> {
    let mut listing = Listing::default();
    for place in &path.places {
        let found = match &place.storage {
            Storage::Disk => list_disk(place, path, options, &mut listing.skipped).await?,
            storage => {
                let store = stores.of(storage);
                list_objects(&store, place, path, options, &mut listing.skipped).await?
            }
        };
        keep(place, found, options, now_us, &mut listing);
    }
    listing
        .files
        .sort_by(|a, b| (a.modified_us, &a.path).cmp(&(b.modified_us, &b.path)));
    listing.files.dedup_by(|a, b| a.path == b.path);
    Ok(listing)
}

fn keep(
    place: &Place,
    found: Vec<Found>,
    options: &ReadFilesOptions,
    now_us: i64,
    listing: &mut Listing,
) {
    for file in found {
        let age = now_us.saturating_sub(file.modified_us);
        if options
            .modified_after_us
            .is_some_and(|after| file.modified_us <= after)
            || options
                .modified_before_us
                .is_some_and(|before| file.modified_us >= before)
        {
            continue;
        }
        let path = place.name_of(&file.path);
        if file.size == 0 {
            listing.skipped.add(SkipReason::Empty, &path);
        } else if age < options.min_file_age_us && options.min_file_age_us > 0 {
            listing.skipped.add(SkipReason::TooYoung, &path);
        } else if options.max_file_age_us.is_some_and(|max| age > max) {
            listing.skipped.add(SkipReason::TooOld, &path);
        } else {
            listing.files.push(FileEntry {
                path,
                size: file.size,
                modified_us: file.modified_us,
                etag: file.etag,
            });
        }
    }
}

fn filter<'a>(
    place: &'a Place,
    options: &'a ReadFilesOptions,
) -> Result<PlaceFilter<'a>, SourceError> {
    let hidden = Regex::new(&options.ignored_segment)
        .map_err(|error| SourceError::Internal(error.to_string()))?;
    let name = options
        .file_name_pattern
        .as_deref()
        .map(SegmentGlob::parse)
        .transpose()
        .map_err(SourceError::Internal)?;
    Ok(PlaceFilter {
        place,
        options,
        hidden,
        name,
    })
}

async fn list_disk(
    place: &Place,
    path: &ResolvedPath,
    options: &ReadFilesOptions,
    skipped: &mut Skipped,
) -> Result<Vec<Found>, SourceError> {
    let (task_place, task_options, excluded) =
        (place.clone(), options.clone(), path.excluded.clone());
    let (found, task_skipped) = tokio::task::spawn_blocking(move || {
        let mut skipped = Skipped::default();
        let filter = filter(&task_place, &task_options)?;
        walk(&task_place.base, &filter, &excluded, &mut skipped).map(|found| (found, skipped))
    })
    .await
    .map_err(|error| SourceError::Internal(error.to_string()))??;
    for (reason, (count, first)) in task_skipped.reasons {
        skipped.reasons.entry(reason).or_insert((0, first)).0 += count;
    }
    found.ok_or_else(|| SourceError::PathNotFound {
        path: place.written.clone(),
        looked_at: place.base.clone(),
    })
}

async fn list_objects(
    store: &Arc<dyn ObjectStore>,
    place: &Place,
    path: &ResolvedPath,
    options: &ReadFilesOptions,
    skipped: &mut Skipped,
) -> Result<Vec<Found>, SourceError> {
    let filter = filter(place, options)?;
    let base = place.base.trim_start_matches('/');
    let prefix = object_store::path::Path::parse(base)
        .unwrap_or_else(|_| object_store::path::Path::from(base));
    let is_of_engine = |key: &str| {
        let name = place.real_name(key);
        path.excluded.iter().any(|folder| under(&name, folder))
    };
    let mut found = vec![];
    let mut any = false;
    let mut objects = store.list(Some(&prefix));
    while let Some(object) = objects
        .try_next()
        .await
        .map_err(|error| SourceError::of_store(&place.written, error))?
    {
        any = true;
        let path = format!("/{}", object.location);
        if !under(&path, &place.base) || is_of_engine(&path) {
            continue;
        }
        let below: Vec<&str> = path[place.base.len()..]
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        if filter.wants(&below, skipped) {
            found.push(of_object(path, &object));
        }
        if found.len() > limits::LISTED_FILES_MAX {
            return Err(SourceError::TooLarge {
                path: place.written.clone(),
                reason: format!("it holds more than {} files", limits::LISTED_FILES_MAX),
            });
        }
    }
    if any || place.glob.is_some() || base.is_empty() {
        return Ok(found);
    }
    // A prefix without objects below it may be a single object.
    match object_store::ObjectStoreExt::head(store.as_ref(), &prefix).await {
        Ok(object) => Ok(vec![of_object(format!("/{}", object.location), &object)]),
        // In a bucket a folder goes with its last file, which `cleanSource` may have taken away.
        Err(object_store::Error::NotFound { .. })
            if options.call.is_stream() && matches!(place.storage, Storage::Bucket(_)) =>
        {
            Ok(found)
        }
        Err(object_store::Error::NotFound { .. }) => Err(SourceError::PathNotFound {
            path: place.written.clone(),
            looked_at: place.real_name(&place.base),
        }),
        Err(error) => Err(SourceError::of_store(&place.written, error)),
    }
}

fn of_object(path: String, object: &object_store::ObjectMeta) -> Found {
    Found {
        path,
        size: object.size,
        modified_us: object.last_modified.timestamp_micros(),
        etag: object.e_tag.clone(),
    }
}
