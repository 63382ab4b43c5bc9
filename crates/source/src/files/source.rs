//! One source of files: where it is, how it is read. The door of this package.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use object_store::{GetOptions, ObjectStore, ObjectStoreExt};
use sluice_model::condition::source as condition;
use sluice_model::{Diagnostic, SparkField, SparkType};

use super::read::{FileStream, read};
use super::{BadRowKeeper, FileEntry, Listing, SourceSchema, StoredSchema, list, partition};
use crate::option::{FileFormat, ReadFilesOptions};
use crate::path::{ResolvedPath, Storage};
use crate::s3::S3;
use crate::{SourceError, format};

/// The store of local disk, rooted at `/` as [`FileSource`] expects it.
#[must_use]
pub fn local_store() -> Arc<dyn ObjectStore> {
    Arc::new(object_store::local::LocalFileSystem::new())
}

/// What a session decides about reading.
#[derive(Debug, Clone)]
pub struct ReadSession {
    /// Time zone of timestamps without one; an IANA name.
    pub time_zone: String,
    /// Rows per batch to aim for.
    pub batch_rows: usize,
    /// Files that are decoded at the same time.
    pub parallel_files: usize,
}

impl Default for ReadSession {
    fn default() -> Self {
        Self {
            time_zone: "UTC".into(),
            batch_rows: 8_192,
            parallel_files: 2,
        }
    }
}

/// A folder, file or pattern of files, with the options of the query that reads it.
#[derive(Debug, Clone)]
pub struct FileSource {
    pub(super) inner: Arc<Inner>,
}

/// The stores that the places of a path are in.
#[derive(Debug, Clone)]
pub(super) struct Stores {
    own: Arc<dyn ObjectStore>,
    s3: S3,
}

impl Stores {
    pub(super) fn of(&self, storage: &Storage) -> Arc<dyn ObjectStore> {
        match storage {
            Storage::Bucket(name) => self.s3.bucket(name),
            Storage::Disk | Storage::Objects => Arc::clone(&self.own),
        }
    }
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) stores: Stores,
    pub(super) path: ResolvedPath,
    pub(super) options: ReadFilesOptions,
    pub(super) session: ReadSession,
}

impl FileSource {
    /// Makes a source. For local disk the store is [`local_store`].
    #[must_use]
    pub fn new(
        store: Arc<dyn ObjectStore>,
        path: ResolvedPath,
        options: ReadFilesOptions,
        session: ReadSession,
    ) -> Self {
        Self::with_s3(store, S3::default(), path, options, session)
    }

    /// As [`FileSource::new`], with buckets that are reached in this way.
    #[must_use]
    pub fn with_s3(
        own: Arc<dyn ObjectStore>,
        s3: S3,
        path: ResolvedPath,
        options: ReadFilesOptions,
        session: ReadSession,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                stores: Stores { own, s3 },
                path,
                options,
                session,
            }),
        }
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &ReadFilesOptions {
        &self.inner.options
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &ResolvedPath {
        &self.inner.path
    }

    /// Lists every file that the path and the options mean, by time of modification, then by path. `now_us` is
    /// asked only for `minFileAge` and `maxFileAge`.
    ///
    /// # Errors
    /// Nothing is at the path, or a folder cannot be read.
    pub async fn discover(&self, now_us: i64) -> Result<Listing, SourceError> {
        list::list(
            &self.inner.stores,
            &self.inner.path,
            &self.inner.options,
            now_us,
        )
        .await
    }

    /// Which of planned files are not what was planned any more: changed, or gone where `ignoreMissingFiles` does not pass
    /// over them. Those that `listing` does not show as planned are asked one by one.
    ///
    /// # Errors
    /// The storage does not answer, or refuses to.
    pub async fn changed(
        &self,
        files: &[FileEntry],
        listing: &Listing,
    ) -> Result<Vec<SourceError>, SourceError> {
        let listed: HashSet<&FileEntry> = listing.files.iter().collect();
        let mut changed = vec![];
        for file in files.iter().filter(|file| !listed.contains(file)) {
            match self.inner.check(file).await {
                Ok(()) => {}
                Err(SourceError::Missing { .. }) if self.inner.options.ignore_missing_files => {}
                Err(change @ (SourceError::Missing { .. } | SourceError::Changed { .. })) => {
                    changed.push(change);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(changed)
    }

    /// The schema of the source: as stored, as declared, or inferred from files (a sample is taken of them).
    ///
    /// # Errors
    /// No files to infer from, files of several formats, or files that cannot be read.
    pub async fn schema(
        &self,
        files: &[FileEntry],
        stored: Option<&StoredSchema>,
    ) -> Result<SourceSchema, SourceError> {
        let options = &self.inner.options;
        if let Some(stored) = stored {
            let schema = SourceSchema::from_stored(stored, options);
            if options.schema.is_some() {
                self.check_fixed(&schema)?;
            }
            return Ok(schema);
        }
        let format = self.format(files)?;
        let partitions = partition::columns_of(
            files
                .iter()
                .map(|file| self.inner.path.folders_of(&file.path)),
            options,
        );
        let data = match (&options.schema, format) {
            (Some(fields), _) => fields.clone(),
            (None, FileFormat::Text) => vec![SparkField::new("value", SparkType::String)],
            (None, FileFormat::BinaryFile) => format::binary_columns(),
            (None, _) if files.is_empty() => {
                return Err(SourceError::EmptyForInference {
                    path: self.inner.path.written.clone(),
                });
            }
            (None, _) => self.inner.infer(files, format).await?,
        };
        let schema = SourceSchema::new(format, data, partitions, options);
        self.check_fixed(&schema)?;
        Ok(schema)
    }

    /// Formats with columns of their own take no others.
    fn check_fixed(&self, schema: &SourceSchema) -> Result<(), SourceError> {
        let (fits, expected) = match schema.format {
            FileFormat::Text => {
                let single =
                    matches!(schema.data.as_slice(), [only] if only.data_type == SparkType::String);
                (single, "one column, of type STRING")
            }
            FileFormat::BinaryFile => {
                let own = format::binary_columns();
                let known = |field: &SparkField| {
                    own.iter()
                        .any(|other| other.name == field.name && other.data_type == field.data_type)
                };
                let expected =
                    "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY";
                (schema.data.iter().all(known), expected)
            }
            _ => (true, ""),
        };
        if fits {
            return Ok(());
        }
        let message = format!("files of format `{}` have {expected}", schema.format.name());
        let refused = Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, message);
        Err(SourceError::Refused(Box::new(
            match self.inner.options.origins.of("schema") {
                Some(origin) => refused.at(origin, ""),
                None => refused,
            },
        )))
    }

    /// Reads files in the order given. Nothing is read before the stream is polled.
    #[must_use]
    pub fn read(&self, files: &[FileEntry], schema: &SourceSchema, metadata: bool) -> FileStream {
        read(&self.inner, files, schema, metadata, None)
    }

    /// Reads files as [`Self::read`] does, and hands every record that `badRecordsPath` keeps to `keeper`.
    #[must_use]
    pub fn read_keeping(
        &self,
        files: &[FileEntry],
        schema: &SourceSchema,
        metadata: bool,
        keeper: BadRowKeeper,
    ) -> FileStream {
        read(&self.inner, files, schema, metadata, Some(keeper))
    }

    /// The format: as written, or as the extensions of the files tell.
    fn format(&self, files: &[FileEntry]) -> Result<FileFormat, SourceError> {
        if let Some(format) = self.inner.options.format {
            return Ok(format);
        }
        let mut found: Vec<FileFormat> = vec![];
        for file in files {
            if let Some(format) = FileFormat::of_file_name(file.name())
                && !found.contains(&format)
            {
                found.push(format);
            }
        }
        let path = &self.inner.path.written;
        let message = match found.as_slice() {
            [only] => return Ok(*only),
            [] if files.is_empty() => {
                let pattern = self.inner.options.file_name_pattern.iter();
                let written = self.inner.path.places.iter().map(|place| &place.written);
                let told = written
                    .chain(pattern)
                    .find_map(|name| FileFormat::of_file_name(name));
                if let Some(format) = told {
                    return Ok(format);
                }
                return Err(SourceError::EmptyForInference { path: path.clone() });
            }
            [] => format!("the format of the files in `{path}` cannot be told by their names"),
            several => {
                let names: BTreeSet<&str> = several.iter().map(|format| format.name()).collect();
                format!(
                    "`{path}` holds files of several formats: {}",
                    names.into_iter().collect::<Vec<_>>().join(", ")
                )
            }
        };
        let refused = Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, message)
            .help("write the format: `format => 'json'`");
        Err(SourceError::Refused(Box::new(refused)))
    }
}

impl Inner {
    /// Opens a planned file; `None` where it is gone and may be.
    pub(super) async fn open(
        &self,
        file: &FileEntry,
    ) -> Result<Option<object_store::GetResult>, SourceError> {
        let shown = self.path.shown(&file.path);
        let (store, key) = self.object(file)?;
        // A bucket gives the listed version or none; a disk is asked again when the file has been read.
        let wanted = GetOptions {
            if_match: file.etag.clone(),
            ..GetOptions::default()
        };
        match store.get_opts(&key, wanted).await {
            Ok(result) => {
                self.check_version(file, &result.meta)?;
                Ok(Some(result))
            }
            Err(error) => match SourceError::of_store(&shown, error) {
                SourceError::Missing { .. } if self.options.ignore_missing_files => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Checks that a file is still the planned version.
    pub(super) async fn check(&self, file: &FileEntry) -> Result<(), SourceError> {
        let shown = self.path.shown(&file.path);
        let (store, key) = self.object(file)?;
        match store.head(&key).await {
            Ok(meta) => self.check_version(file, &meta),
            Err(error) => Err(SourceError::of_store(&shown, error)),
        }
    }

    fn check_version(
        &self,
        file: &FileEntry,
        meta: &object_store::ObjectMeta,
    ) -> Result<(), SourceError> {
        let modified_us = meta.last_modified.timestamp_micros();
        // Servers that list no tags list times more exactly than they tell them of one object.
        let is_bucket = matches!(self.path.storage_of(&file.path), Some(Storage::Bucket(_)));
        let is_same_second = is_bucket
            && file.etag.is_none()
            && file.size == meta.size
            && file.modified_us.div_euclid(1_000_000) == modified_us.div_euclid(1_000_000);
        if is_same_second || file.is_version(meta.size, modified_us, meta.e_tag.as_deref()) {
            return Ok(());
        }
        Err(SourceError::Changed {
            path: self.path.shown(&file.path),
            planned: FileEntry::version_text(file.size, file.modified_us),
            found: FileEntry::version_text(meta.size, modified_us),
        })
    }

    /// The store of a file, and its key there.
    pub(super) fn object(
        &self,
        file: &FileEntry,
    ) -> Result<(Arc<dyn ObjectStore>, object_store::path::Path), SourceError> {
        let storage = self
            .path
            .storage_of(&file.path)
            .unwrap_or(&Storage::Objects);
        let key = self
            .path
            .key_of(&file.path)
            .ok_or_else(|| SourceError::Missing {
                path: file.path.clone(),
            })?;
        let key =
            object_store::path::Path::parse(&key).map_err(|error| SourceError::Unreadable {
                path: file.path.clone(),
                reason: error.to_string(),
            })?;
        Ok((self.stores.of(storage), key))
    }
}
