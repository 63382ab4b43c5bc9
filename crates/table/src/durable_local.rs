//! Local disk on which what was answered is there after a power loss. Must not know Delta.
//!
//! Every object is written to a staging file `<name>#<digits>`, synced, published by hard link (create) or rename
//! (overwrite), and then its folder and all newly made ancestors are synced: so no name ever leads to bytes that are
//! not on disk. The wrapped `LocalFileSystem` reads, lists and deletes; it ignores staging files. It does not sync.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path as FsPath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use sluice_model::Diagnostic;
use sluice_model::condition::table::STORAGE_ERROR;

use crate::log_listing;

/// Whether writes reach the disk before they are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Files and folders are synced: an answered write survives a power loss.
    #[default]
    Fsync,
    /// The operating system writes when it likes: an answered write survives the death of the process only. For tests and benches.
    Process,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct DurableLocal {
    inner: Arc<LocalFileSystem>,
    durability: Durability,
}

/// Whether a name is that of a staging file.
fn is_staging(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, digits)| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A file of a folder as an object; `None` if its name cannot be one.
fn described(folder: &Path, name: &str, metadata: &std::fs::Metadata) -> Option<ObjectMeta> {
    Some(ObjectMeta {
        location: Path::parse(format!("{folder}/{name}")).ok()?,
        last_modified: metadata.modified().ok()?.into(),
        size: metadata.len(),
        e_tag: None,
        version: None,
    })
}

static STAGING: AtomicU64 = AtomicU64::new(0);

impl DurableLocal {
    /// The whole file system: paths are absolute, without the leading slash.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self {
            inner: Arc::new(LocalFileSystem::new()),
            durability,
        }
    }

    /// Files of a folder whose paths come after `offset`; `None` if the folder has folders or unusual names in it.
    fn list_flat(&self, prefix: &Path, offset: &Path) -> Option<Vec<ObjectMeta>> {
        let folder = self.inner.path_to_filesystem(prefix).ok()?;
        // Names of one folder sort as their paths do. A log of a day has 86,400 before the one that is asked for, at every commit:
        // they are passed over by their names.
        let offset_name = offset
            .as_ref()
            .strip_prefix(prefix.as_ref())
            .and_then(|rest| rest.strip_prefix('/'))
            .filter(|name| !name.contains('/'));
        let commits = offset_name.and_then(|name| log_listing::commits_from(&folder, name));
        if let Some(commits) = commits {
            let commits = commits.into_iter();
            return commits
                .map(|(name, metadata)| described(prefix, &name, &metadata))
                .collect();
        }
        let mut found = vec![];
        for entry in std::fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            if is_staging(&name) {
                continue;
            }
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if !name.bytes().all(plain) || !entry.file_type().ok()?.is_file() {
                return None;
            }
            if offset_name.is_some_and(|offset_name| name.as_str() <= offset_name) {
                continue;
            }
            // A file that is gone by now was never there.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let object = described(prefix, &name, &metadata)?;
            if object.location > *offset {
                found.push(object);
            }
        }
        Some(found)
    }

    fn stage(&self, location: &Path) -> Result<Staged> {
        let target = self.inner.path_to_filesystem(location)?;
        let folder = target.parent().unwrap_or(FsPath::new("/")).to_owned();
        let made = make_folders(&folder).map_err(|error| failed(&folder, error))?;
        loop {
            let number = STAGING.fetch_add(1, Ordering::Relaxed);
            let mut name = target.as_os_str().to_owned();
            name.push(format!("#{}{number:06}", std::process::id()));
            let staging = PathBuf::from(name);
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&staging)
            {
                Ok(file) => {
                    return Ok(Staged {
                        file,
                        staging,
                        target,
                        made,
                        durability: self.durability,
                        published: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&target, error)),
            }
        }
    }
}

impl std::fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DurableLocal({:?})", self.durability)
    }
}

/// A staging file on its way; removed when dropped before it is published.
#[derive(Debug)]
struct Staged {
    file: File,
    staging: PathBuf,
    target: PathBuf,
    /// Folders that have a new entry because of this file, beside its own folder.
    made: Vec<PathBuf>,
    durability: Durability,
    published: bool,
}

impl Staged {
    fn write(&mut self, payload: &PutPayload) -> io::Result<()> {
        for bytes in payload {
            self.file.write_all(bytes)?;
        }
        Ok(())
    }

    /// Makes the file durable under its name. With `create`, an existing name is an error and stays as it is.
    fn publish(mut self, create: bool, location: &Path) -> Result<()> {
        let wrong = |error| failed(&self.target, error);
        if self.durability == Durability::Fsync {
            self.file.sync_all().map_err(wrong)?;
        }
        if create {
            match std::fs::hard_link(&self.staging, &self.target) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::AlreadyExists {
                        path: location.to_string(),
                        source: error.into(),
                    });
                }
                Err(error) => return Err(wrong(error)),
            }
            // The name is taken; a staging file that stays behind is swept later and read by nobody.
            let _ = std::fs::remove_file(&self.staging);
        } else {
            std::fs::rename(&self.staging, &self.target).map_err(wrong)?;
        }
        self.published = true;
        if self.durability == Durability::Fsync {
            let folder = self.target.parent().unwrap_or(FsPath::new("/"));
            sync_folder(folder).map_err(|error| failed(&self.target, error))?;
            for folder in &self.made {
                sync_folder(folder).map_err(|error| failed(&self.target, error))?;
            }
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.staging);
        }
    }
}

/// Makes a folder with its ancestors and gives the folders that got a new entry by it.
fn make_folders(folder: &FsPath) -> io::Result<Vec<PathBuf>> {
    let mut missing = vec![];
    let mut here = folder;
    while !here.exists() {
        missing.push(here.to_owned());
        match here.parent() {
            Some(parent) => here = parent,
            None => break,
        }
    }
    if missing.is_empty() {
        return Ok(vec![]);
    }
    std::fs::create_dir_all(folder)?;
    Ok(missing
        .iter()
        .filter_map(|made| made.parent().map(FsPath::to_owned))
        .collect())
}

fn sync_folder(folder: &FsPath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// An error of the disk as one for people, who see it whichever library hands it on.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it turns one error into another"
)]
fn failed(path: &FsPath, source: io::Error) -> Error {
    let told = Diagnostic::error(
        &STORAGE_ERROR,
        format!("cannot write `{}`: {source}", path.display()),
    );
    let told = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => told
            .help("make room on the disk: the next start, or the next attempt, goes on from there"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => told
            .help("let the user that runs the engine write there, or set `warehouse` to a place where it may"),
        _ => told,
    };
    Error::Generic {
        store: "DurableLocal",
        source: Box::new(told),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::JoinError { source: error }),
    }
}

const PUT: PutResult = PutResult {
    e_tag: None,
    version: None,
};

#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented {
                    operation: "conditional update".into(),
                    implementer: self.to_string(),
                });
            }
        };
        let (this, location) = (self.clone(), location.clone());
        blocking(move || {
            let mut staged = this.stage(&location)?;
            staged
                .write(&payload)
                .map_err(|error| failed(&staged.target, error))?;
            staged.publish(create, &location)
        })
        .await?;
        Ok(PUT)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let (this, path) = (self.clone(), location.clone());
        let staged = blocking(move || this.stage(&path)).await?;
        Ok(Box::new(Upload {
            location: location.clone(),
            staged: Arc::new(Mutex::new(Parts::new(staged))),
            next: 0,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    /// A log has thousands of commits before the one that is asked for: they are not even looked at.
    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix, offset) = (self.clone(), prefix.cloned(), offset.clone());
        let listed = async move {
            let quick = match prefix.clone() {
                Some(prefix) => {
                    let (this, offset) = (this.clone(), offset.clone());
                    blocking(move || Ok(this.list_flat(&prefix, &offset))).await?
                }
                None => None,
            };
            let inner = &this.inner;
            Ok::<_, Error>(match quick {
                Some(found) => futures::stream::iter(found.into_iter().map(Ok)).boxed(),
                None => inner.list_with_offset(prefix.as_ref(), &offset),
            })
        };
        futures::stream::once(listed).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let bytes = self
            .inner
            .get_opts(from, GetOptions::default())
            .await?
            .bytes()
            .await?;
        let mode = match options.mode {
            object_store::CopyMode::Create => PutMode::Create,
            object_store::CopyMode::Overwrite => PutMode::Overwrite,
        };
        self.put_opts(to, bytes.into(), mode.into())
            .await
            .map(|_| ())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mode = match options.target_mode {
            object_store::RenameTargetMode::Create => object_store::CopyMode::Create,
            object_store::RenameTargetMode::Overwrite => object_store::CopyMode::Overwrite,
        };
        self.copy_opts(from, to, CopyOptions::new().with_mode(mode))
            .await?;
        let gone = futures::stream::once(std::future::ready(Ok(from.clone()))).boxed();
        self.delete_stream(gone)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        Ok(())
    }
}

/// Parts of an upload, written in their order whatever order they arrive in.
#[derive(Debug)]
struct Parts {
    staged: Option<Staged>,
    written: usize,
    waiting: std::collections::BTreeMap<usize, PutPayload>,
}

impl Parts {
    fn new(staged: Staged) -> Self {
        Self {
            staged: Some(staged),
            written: 0,
            waiting: std::collections::BTreeMap::new(),
        }
    }

    fn take(&mut self, number: usize, payload: PutPayload) -> Result<()> {
        self.waiting.insert(number, payload);
        while let Some(payload) = self.waiting.remove(&self.written) {
            if let Some(staged) = &mut self.staged {
                staged
                    .write(&payload)
                    .map_err(|error| failed(&staged.target, error))?;
            }
            self.written += 1;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Upload {
    location: Path,
    staged: Arc<Mutex<Parts>>,
    next: usize,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (parts, number) = (Arc::clone(&self.staged), self.next);
        self.next += 1;
        blocking(move || {
            let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.take(number, data)
        })
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (parts, location, expected) =
            (Arc::clone(&self.staged), self.location.clone(), self.next);
        blocking(move || {
            let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
            if parts.written != expected {
                return Err(Error::Generic {
                    store: "DurableLocal",
                    source: format!(
                        "{location}: {} of {expected} parts were written",
                        parts.written
                    )
                    .into(),
                });
            }
            match parts.staged.take() {
                Some(staged) => staged.publish(false, &location),
                None => Err(Error::Generic {
                    store: "DurableLocal",
                    source: format!("{location}: the upload has ended").into(),
                }),
            }
        })
        .await?;
        Ok(PUT)
    }

    async fn abort(&mut self) -> Result<()> {
        let parts = Arc::clone(&self.staged);
        blocking(move || {
            drop(
                parts
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .staged
                    .take(),
            );
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
#[path = "durable_local_tests.rs"]
mod tests;
