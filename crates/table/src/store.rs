//! Where tables and the state beside them lie: local disk, memory, or any object store with conditional writes.
//! Must not know what a table is, but for the names of places.

use std::collections::HashMap;
use std::path::Path as FsPath;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, Result};
use sluice_model::{Clock, DatasetName, Ids};
use url::Url;

use crate::hook::{NoHook, Step, StepAction, StepHook};
use crate::hooked::Hooked;
use crate::{Durability, DurableLocal, TableError};

/// What a store is given beside its place.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Tells the time of commits and files.
    pub clock: Arc<dyn Clock>,
    /// Makes names of files and tables.
    pub ids: Arc<dyn Ids>,
    /// Is asked before each mutating operation.
    pub hook: Arc<dyn StepHook>,
    /// Wait before a commit whose outcome is open is looked at again; doubles with each look.
    pub commit_wait: Duration,
}

impl StoreOptions {
    /// With that clock and those ids, and no hook.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self {
            clock,
            ids,
            hook: Arc::new(NoHook),
            commit_wait: Duration::from_millis(5),
        }
    }

    /// With another wait between looks at a commit.
    #[must_use]
    pub fn with_commit_wait(mut self, wait: Duration) -> Self {
        self.commit_wait = wait;
        self
    }

    /// With a hook.
    #[must_use]
    pub fn with_hook(mut self, hook: Arc<dyn StepHook>) -> Self {
        self.hook = hook;
        self
    }
}

/// Whether put-if-absent put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is there now, with these bytes.
    Created,
    /// Another object was there before and is unchanged. After a lost answer it may be one's own: read it.
    AlreadyExists,
}

/// The place of one table, or of anything else in a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    path: Path,
}

impl Location {
    /// The path in the store, from its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
        Self::from_text(&text).unwrap_or_else(|| self.clone())
    }

    /// The place of a file below this one by its relative path, which is taken as it is.
    ///
    /// # Errors
    /// It is no path.
    pub fn file(&self, path: &str) -> Result<Self, TableError> {
        let place = Self::from_text(&format!("{}/{path}", self.path));
        place.ok_or_else(|| TableError::Invalid(format!("{path} is no path of a file")))
    }

    fn from_text(text: &str) -> Option<Self> {
        Path::parse(text).ok().map(|path| Self { path })
    }

    /// The place of an object that a listing gave.
    #[must_use]
    pub fn of(path: Path) -> Self {
        Self { path }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path)
    }
}

/// A store with a base folder, the warehouse. Cheap to clone; clones share locks and, in memory, objects.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    objects: Arc<dyn ObjectStore>,
    unhooked: Arc<dyn ObjectStore>,
    base: Url,
    base_path: Path,
    options: StoreOptions,
    durable_puts_are_atomic: bool,
    locks: Mutex<HashMap<Path, Arc<tokio::sync::Mutex<()>>>>,
}

impl Store {
    /// Local disk below a folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made or resolved.
    pub fn local(
        folder: &FsPath,
        durability: Durability,
        options: StoreOptions,
    ) -> Result<Self, TableError> {
        let wrong = |source: std::io::Error| TableError::Storage {
            action: "open",
            path: folder.display().to_string(),
            source: Box::new(object_store::Error::Generic {
                store: "DurableLocal",
                source: source.into(),
            }),
        };
        std::fs::create_dir_all(folder).map_err(wrong)?;
        let folder = folder.canonicalize().map_err(wrong)?;
        let base = Url::from_directory_path(&folder).map_err(|()| {
            TableError::Invalid(format!("{} is no absolute path", folder.display()))
        })?;
        Self::open(Arc::new(DurableLocal::new(durability)), base, options)
    }

    /// Local disk below a folder that need not be there: what was never made is empty, and looking leaves no trace.
    ///
    /// # Errors
    /// The folder cannot be resolved.
    pub fn local_unmade(
        folder: &FsPath,
        durability: Durability,
        options: StoreOptions,
    ) -> Result<Self, TableError> {
        let there = folder.ancestors().find(|part| part.exists());
        let real = there.and_then(|there| Some((there.canonicalize().ok()?, there)));
        let whole = real.and_then(|(real, there)| {
            let rest = folder.strip_prefix(there).ok()?;
            Url::from_directory_path(real.join(rest)).ok()
        });
        let base = whole.ok_or_else(|| {
            TableError::Invalid(format!("{} is no absolute path", folder.display()))
        })?;
        Self::open(Arc::new(DurableLocal::new(durability)), base, options)
    }

    /// Memory, which lives as long as a clone of this store.
    ///
    /// # Errors
    /// Never in practice.
    pub fn memory(options: StoreOptions) -> Result<Self, TableError> {
        let base = Url::parse("memory:///warehouse/")
            .map_err(|error| TableError::Invalid(error.to_string()))?;
        Self::open(Arc::new(InMemory::new()), base, options)
    }

    /// Any object store. Its paths start at the root that the URL's path starts at.
    ///
    /// # Errors
    /// The URL is no base of paths.
    pub fn open(
        objects: Arc<dyn ObjectStore>,
        mut base: Url,
        options: StoreOptions,
    ) -> Result<Self, TableError> {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let base_path = path_of(&base)?;
        let durable_puts_are_atomic = base.scheme() != "file";
        let hooked = Hooked {
            inner: Arc::clone(&objects),
            hook: Arc::clone(&options.hook),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                objects: Arc::new(hooked),
                unhooked: objects,
                base,
                base_path,
                options,
                durable_puts_are_atomic,
                locks: Mutex::default(),
            }),
        })
    }

    /// The same objects after a simulated restart: new locks, and another clock, ids and hook.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn restarted(&self, options: StoreOptions) -> Result<Self, TableError> {
        Self::open(
            Arc::clone(&self.inner.unhooked),
            self.inner.base.clone(),
            options,
        )
    }

    /// Checks that an object that exists is not written again, and refuses a store that does. Once, before tables are used.
    ///
    /// # Errors
    /// The store overwrites, or cannot be written at all.
    pub async fn probe(&self) -> Result<(), TableError> {
        let name = format!("probe-{}", self.ids().uuid());
        let place = self.place(&["_sluice", "probes", &name]);
        self.put_if_absent(&place, Bytes::from_static(b"first"))
            .await?;
        let second = self
            .put_if_absent(&place, Bytes::from_static(b"second"))
            .await;
        let bytes = self.get(&place).await;
        self.delete(&place).await?;
        match (second?, bytes?.as_deref()) {
            (PutOutcome::AlreadyExists, Some(b"first")) => Ok(()),
            _ => Err(TableError::UnsafeStore {
                url: self.inner.base.to_string(),
            }),
        }
    }

    /// The base as a URL, with a slash at its end.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.inner.base
    }

    /// A place below the base, as [`Location::child`] names it.
    #[must_use]
    pub fn place(&self, parts: &[&str]) -> Location {
        Location {
            path: self.inner.base_path.clone(),
        }
        .child(parts.iter().copied())
    }

    /// Where a dataset lies: `<base>/<catalog>/<schema>/<name>`, lower case, each named as [`Location::child`] does.
    #[must_use]
    pub fn table_location(&self, name: &DatasetName) -> Location {
        self.place(&[&name.catalog, &name.schema, &name.name])
    }

    /// Whether its places are folders of this machine, or of the memory that stands for them.
    #[must_use]
    pub fn has_folders(&self) -> bool {
        matches!(self.inner.base.scheme(), "file" | "memory")
    }

    /// The place that a `LOCATION` names: a URL of the same store, or an absolute path on local disk.
    ///
    /// # Errors
    /// It lies in another store.
    pub fn location_of(&self, text: &str) -> Result<Location, TableError> {
        let base = &self.inner.base;
        if self.has_folders() && text.starts_with('/') {
            let url = Url::from_directory_path(text)
                .map_err(|()| TableError::Invalid(format!("{text} is no absolute path")))?;
            return Ok(Location {
                path: path_of(&url)?,
            });
        }
        let url = Url::parse(text)
            .map_err(|error| TableError::Invalid(format!("{text} is no location: {error}")))?;
        if url.scheme() != base.scheme() || url.host_str() != base.host_str() {
            return Err(TableError::Invalid(format!(
                "{text} lies in another store than {base}"
            )));
        }
        let path = path_of(&url)?;
        Ok(Location { path })
    }

    /// The URL of a place, with a slash at its end.
    #[must_use]
    pub fn url_of(&self, location: &Location) -> Url {
        let mut url = self.inner.base.clone();
        url.set_path("/");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            for part in location.path.as_ref().split('/') {
                segments.push(part);
            }
            segments.push("");
        }
        url
    }

    /// The objects, with the hook in front. Paths start at the root of the store.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.objects)
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.options.clock
    }

    pub(crate) fn commit_wait(&self) -> Duration {
        self.inner.options.commit_wait
    }

    /// The ids.
    #[must_use]
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.inner.options.ids
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock().now_us().div_euclid(1000)
    }

    /// Whether a put is seen whole or not at all, even after a power loss: true where it is one request.
    pub(crate) fn puts_are_atomic(&self) -> bool {
        self.inner.durable_puts_are_atomic
    }

    /// A named point of the engine, so that tests can stop it there.
    ///
    /// # Errors
    /// The hook says so.
    pub fn step(&self, name: &str) -> Result<(), TableError> {
        match self.inner.options.hook.on(Step { name, path: "" }) {
            StepAction::Proceed => Ok(()),
            _ => Err(TableError::Stopped {
                step: name.to_owned(),
            }),
        }
    }

    /// Writes an object if there is none, durably.
    ///
    /// # Errors
    /// The store fails; the object may be there all the same.
    pub async fn put_if_absent(
        &self,
        place: &Location,
        bytes: Bytes,
    ) -> Result<PutOutcome, TableError> {
        match self
            .objects()
            .put_opts(&place.path, bytes.into(), PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(PutOutcome::Created),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(PutOutcome::AlreadyExists),
            Err(error) => Err(TableError::storage("write", place)(error)),
        }
    }

    /// Writes an object, over one that may be there, durably.
    ///
    /// # Errors
    /// The store fails; the object may be there all the same.
    pub async fn put(&self, place: &Location, bytes: Bytes) -> Result<(), TableError> {
        let put = self.objects().put(&place.path, bytes.into()).await;
        put.map(|_| ()).map_err(TableError::storage("write", place))
    }

    /// Reads an object; `None` if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn get(&self, place: &Location) -> Result<Option<Bytes>, TableError> {
        let read = async { self.objects().get(&place.path).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(TableError::storage("read", place)(error)),
        }
    }

    /// Size and time of an object; `None` if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn head(&self, place: &Location) -> Result<Option<ObjectMeta>, TableError> {
        match self.objects().head(&place.path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(TableError::storage("read", place)(error)),
        }
    }

    /// Objects below a place, at any depth, in the order of their paths.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list(&self, place: &Location) -> Result<Vec<ObjectMeta>, TableError> {
        let listed: Result<Vec<_>> = self.objects().list(Some(&place.path)).try_collect().await;
        let mut listed = match listed {
            Err(object_store::Error::NotFound { .. }) => vec![],
            other => other.map_err(TableError::storage("list", place))?,
        };
        listed.sort_by(|left, right| left.location.cmp(&right.location));
        Ok(listed)
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// The store fails.
    pub async fn delete(&self, place: &Location) -> Result<(), TableError> {
        match self.objects().delete(&place.path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(TableError::storage("delete", place)(error)),
        }
    }

    /// The lock of a table in this process: held while a commit is on its way, so that our own commits do not race.
    pub(crate) fn lock_of(&self, location: &Location) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self
            .inner
            .locks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(location.path.clone()).or_default())
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
fn path_of(url: &Url) -> Result<Path, TableError> {
    let path = Path::from_url_path(url.path())
        .map_err(|error| TableError::Invalid(format!("{url} is no place for tables: {error}")))?;
    if path.as_ref().contains('%') {
        return Err(TableError::Invalid(format!(
            "{url} is no place for tables: a folder name contains `%`"
        )));
    }
    Ok(path)
}
