//! The places that a path means, and the three names of a file in them: where it lies, what the user calls it, and how
//! it is shown. Pure.

use sluice_model::Diagnostic;

use super::{absolute, invalid, under};
use crate::glob::PathGlob;

/// The places that one path argument means.
#[derive(Debug, Clone)]
pub struct ResolvedPath {
    /// The argument as written.
    pub written: String,
    /// Its comma-separated parts.
    pub places: Vec<Place>,
    /// Absolute folders to leave out of every listing.
    pub excluded: Vec<String>,
}

/// One folder, file or pattern.
#[derive(Debug, Clone)]
pub struct Place {
    /// The part as written.
    pub written: String,
    /// Where the files are.
    pub storage: Storage,
    /// The fixed part: a folder or file, absolute, `/`-separated, no trailing slash (`/` is empty).
    pub base: String,
    /// The pattern below the fixed part.
    pub glob: Option<PathGlob>,
    /// Real prefix that `named` and `shown` stand for.
    pub(super) real: String,
    /// The user's name for `real`; identity of files starts with it.
    pub(super) named: String,
    /// How `_metadata.file_path` shows `real`.
    pub(super) shown: String,
}

/// A kind of storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// Local disk: the store is rooted at `/`, folders are walked directly (links, permissions).
    Disk,
    /// The object store that a source is given: keys are listed by prefix.
    Objects,
    /// A bucket of S3, by its name: keys are listed by prefix.
    Bucket(String),
}

impl ResolvedPath {
    /// The one folder that the path names, a path of local disk or a URL; `None` where it is a list or has a pattern.
    #[must_use]
    pub fn only_folder(&self) -> Option<String> {
        match self.places.as_slice() {
            [place] if place.glob.is_none() => Some(place.real_name(&place.base)),
            _ => None,
        }
    }

    /// A prefix of an object store, with an optional pattern below it: for stores that need no rules.
    ///
    /// # Errors
    /// The pattern cannot be read.
    pub fn in_store(prefix: &str, pattern: Option<&str>) -> Result<Self, Diagnostic> {
        let base = absolute(prefix);
        let glob = pattern
            .map(PathGlob::parse)
            .transpose()
            .map_err(|reason| invalid(pattern.unwrap_or_default(), &reason))?;
        let place = Place {
            written: prefix.to_string(),
            storage: Storage::Objects,
            base,
            glob,
            real: String::new(),
            named: String::new(),
            shown: String::new(),
        };
        Ok(Self {
            written: prefix.to_string(),
            places: vec![place],
            excluded: vec![],
        })
    }

    /// The key in the store of a file known by its name, or `None` if no place of this path holds it.
    #[must_use]
    pub fn key_of(&self, name: &str) -> Option<String> {
        self.place_of(name).map(|(place, rest)| {
            format!("{}{rest}", place.real)
                .trim_start_matches('/')
                .to_string()
        })
    }

    /// Where a file known by its name is kept; `None` if no place of this path holds it.
    #[must_use]
    pub fn storage_of(&self, name: &str) -> Option<&Storage> {
        self.place_of(name).map(|(place, _)| &place.storage)
    }

    /// How a file known by its name is shown to users: `_metadata.file_path`.
    #[must_use]
    pub fn shown(&self, name: &str) -> String {
        self.place_of(name).map_or_else(
            || name.to_string(),
            |(place, rest)| format!("{}{rest}", place.shown),
        )
    }

    /// The folders below the fixed part of the path in a file's name: where partition columns are looked for.
    #[must_use]
    pub fn folders_of<'a>(&self, name: &'a str) -> Vec<&'a str> {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Some((place, rest)) = self.place_of(folder) else {
            return vec![];
        };
        let inside = place.base.strip_prefix(&place.real).unwrap_or_default();
        let below = rest.strip_prefix(inside).unwrap_or(rest);
        below
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect()
    }

    fn place_of<'a>(&self, name: &'a str) -> Option<(&Place, &'a str)> {
        self.places
            .iter()
            .filter_map(|place| {
                let rest = name.strip_prefix(place.named.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then_some((place, rest))
            })
            .max_by_key(|(place, rest)| {
                (
                    place.named.len(),
                    under(&format!("{}{rest}", place.real), &place.base),
                )
            })
    }
}

impl Place {
    /// A path from the root of its storage as nobody could mean another by it: with the bucket, if it is in one.
    pub(crate) fn real_name(&self, path: &str) -> String {
        match &self.storage {
            Storage::Bucket(bucket) => format!("s3://{bucket}{path}"),
            Storage::Disk | Storage::Objects => path.to_owned(),
        }
    }

    /// The user's name of a real absolute path.
    pub(crate) fn name_of(&self, real: &str) -> String {
        format!(
            "{}{}",
            self.named,
            real.strip_prefix(self.real.as_str()).unwrap_or(real)
        )
    }
}
