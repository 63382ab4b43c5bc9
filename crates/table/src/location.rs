//! The place of a table, or of anything else in a store, and how names become folders. Must not read or write anything.

use object_store::path::Path;
use url::Url;

use crate::TableError;

/// The place of one table, or of anything else in a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// The root of its store; `None`: the store that the warehouse lies in.
    root: Option<Url>,
    path: Path,
    /// Whether it is shown as a path of this machine's disk.
    on_disk: bool,
}

impl Location {
    /// A place in the warehouse's store, which lies under URLs of this scheme.
    pub(crate) fn new(path: Path, scheme: &str) -> Self {
        Self {
            root: None,
            path,
            on_disk: scheme == "file",
        }
    }

    pub(crate) fn in_root(self, root: Url) -> Self {
        Self {
            root: Some(root),
            ..self
        }
    }

    pub(crate) fn root(&self) -> Option<&Url> {
        self.root.as_ref()
    }

    /// The path in the store, from its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether one of two places lies in the other, or both are one.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.root == other.root
            && (self.path.prefix_matches(&other.path) || other.path.prefix_matches(&self.path))
    }

    /// A place below this one. Each part becomes one folder or file name: what is not a letter or digit of ASCII or one
    /// of `- _ .` is written as `=` and two hexadecimal digits, byte by byte. Empty parts are left out.
    #[must_use]
    pub fn child<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = self.path.to_string();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(&encode_name(part));
        }
        Path::parse(&text).map_or_else(|_| self.clone(), |path| self.at(path))
    }

    /// The place of a file below this one by its relative path, which is taken as it is.
    ///
    /// # Errors
    /// It is no path.
    pub fn file(&self, path: &str) -> Result<Self, TableError> {
        let place = Path::parse(format!("{}/{path}", self.path));
        place
            .map(|path| self.at(path))
            .map_err(|_| TableError::Invalid(format!("{path} is no path of a file")))
    }

    /// The place of an object of the same store that a listing gave.
    #[must_use]
    pub fn at(&self, path: Path) -> Self {
        Self {
            root: self.root.clone(),
            path,
            on_disk: self.on_disk,
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.root {
            Some(root) => write!(f, "{root}{}", self.path),
            None if self.on_disk => write!(f, "/{}", self.path),
            None => write!(f, "{}", self.path),
        }
    }
}

/// One part of a name as one folder: safe on every disk and in every URL, and never `.` or `..`. Not with `%`, which
/// the Delta library unescapes in some places and not in others.
fn encode_name(name: &str) -> String {
    use std::fmt::Write as _;
    let dots_only = name.bytes().all(|byte| byte == b'.');
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-')
            || (byte == b'.' && !dots_only)
        {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "={byte:02X}");
        }
    }
    encoded
}

/// The path of a URL, refused where the Delta library would lose it.
pub(crate) fn path_of(url: &Url) -> Result<Path, TableError> {
    let path = Path::from_url_path(url.path())
        .map_err(|error| TableError::Invalid(format!("{url} is no place for tables: {error}")))?;
    if path.as_ref().contains('%') {
        return Err(TableError::Invalid(format!(
            "{url} is no place for tables: a folder name contains `%`"
        )));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_disk_is_shown_as_an_absolute_path() {
        let path = Path::from("srv/warehouse");
        let disk = Location::new(path.clone(), "file");
        assert_eq!(disk.child(["t"]).to_string(), "/srv/warehouse/t");
        let bucket = Location::new(path, "s3");
        assert_eq!(bucket.child(["t"]).to_string(), "srv/warehouse/t");
    }
}
