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
use crate::location::{Location, path_of};
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
    /// Opens stores beside the warehouse's own, for tables that a `LOCATION` puts there.
    pub others: Arc<dyn OtherStores>,
}

/// Opens stores by the URL of their root (`s3://bucket/`, `file:///`).
pub trait OtherStores: std::fmt::Debug + Send + Sync {
    /// The objects of a store, their paths from its root; `None` for what cannot hold tables.
    fn open(&self, root: &Url) -> Option<Arc<dyn ObjectStore>>;
}

/// No store but the warehouse's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOtherStores;

impl OtherStores for NoOtherStores {
    fn open(&self, _root: &Url) -> Option<Arc<dyn ObjectStore>> {
        None
    }
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
            others: Arc::new(NoOtherStores),
        }
    }

    /// With stores beside the warehouse's own.
    #[must_use]
    pub fn with_others(mut self, others: Arc<dyn OtherStores>) -> Self {
        self.others = others;
        self
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
    locks: Mutex<HashMap<Location, Arc<tokio::sync::Mutex<()>>>>,
    others: Mutex<HashMap<Url, Arc<dyn ObjectStore>>>,
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
                others: Mutex::default(),
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
        let (path, scheme) = (self.inner.base_path.clone(), self.inner.base.scheme());
        Location::new(path, scheme).child(parts.iter().copied())
    }

    /// Where a dataset lies: `<base>/<catalog>/<schema>/<name>`, lower case, each named as [`Location::child`] does.
    #[must_use]
    pub fn table_location(&self, name: &DatasetName) -> Location {
        self.place(&[&name.catalog, &name.schema, &name.name])
    }

    /// The place that a `LOCATION` names: a URL, or an absolute path on local disk.
    ///
    /// # Errors
    /// It lies in a store that is none for tables.
    pub fn location_of(&self, text: &str) -> Result<Location, TableError> {
        let base = &self.inner.base;
        let url = if text.starts_with('/') {
            let mut url = Url::from_directory_path(text)
                .map_err(|()| TableError::Invalid(format!("{text} is no absolute path")))?;
            if base.scheme() == "memory" {
                url = Url::parse(&format!("memory://{}", url.path()))
                    .map_err(|error| TableError::Invalid(error.to_string()))?;
            }
            url
        } else {
            Url::parse(text)
                .map_err(|error| TableError::Invalid(format!("{text} is no location: {error}")))?
        };
        let location = Location::new(path_of(&url)?, base.scheme());
        if url.scheme() == base.scheme() && url.host_str() == base.host_str() {
            return Ok(location);
        }
        let mut root = url;
        root.set_path("/");
        self.other(&root)
            .map(|_| location.in_root(root))
            .map_err(|_| TableError::Invalid(format!("{text} lies in another store than {base}")))
    }

    /// The objects of another store, opened once.
    fn other(&self, root: &Url) -> Result<Arc<dyn ObjectStore>, TableError> {
        let mut others = self
            .inner
            .others
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(objects) = others.get(root) {
            return Ok(Arc::clone(objects));
        }
        let Some(inner) = self.inner.options.others.open(root) else {
            return Err(TableError::Invalid(format!("{root} holds no tables")));
        };
        let hook = Arc::clone(&self.inner.options.hook);
        let objects: Arc<dyn ObjectStore> = Arc::new(Hooked { inner, hook });
        others.insert(root.clone(), Arc::clone(&objects));
        Ok(objects)
    }

    /// The root of the store that a place lies in.
    #[must_use]
    pub fn root_of(&self, location: &Location) -> Url {
        let mut root = location.root().unwrap_or(&self.inner.base).clone();
        root.set_path("/");
        root
    }

    /// The URL of a place, with a slash at its end.
    #[must_use]
    pub fn url_of(&self, location: &Location) -> Url {
        let mut url = self.root_of(location);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            for part in location.path().as_ref().split('/') {
                segments.push(part);
            }
            segments.push("");
        }
        url
    }

    /// The objects of the warehouse's store, with the hook in front. Paths start at the root of the store.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.objects)
    }

    /// As [`Store::objects`], of the store that a place lies in.
    ///
    /// # Errors
    /// It was made by a store that knows further ones than this.
    pub fn objects_of(&self, location: &Location) -> Result<Arc<dyn ObjectStore>, TableError> {
        match location.root() {
            None => Ok(self.objects()),
            Some(root) => self.other(root),
        }
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
            .objects_of(place)?
            .put_opts(place.path(), bytes.into(), PutMode::Create.into())
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
        let put = self
            .objects_of(place)?
            .put(place.path(), bytes.into())
            .await;
        put.map(|_| ()).map_err(TableError::storage("write", place))
    }

    /// Reads an object; `None` if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn get(&self, place: &Location) -> Result<Option<Bytes>, TableError> {
        let objects = self.objects_of(place)?;
        let read = async { objects.get(place.path()).await?.bytes().await };
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
        match self.objects_of(place)?.head(place.path()).await {
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
        let objects = self.objects_of(place)?;
        let listed: Result<Vec<_>> = objects.list(Some(place.path())).try_collect().await;
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
        match self.objects_of(place)?.delete(place.path()).await {
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
        Arc::clone(locks.entry(location.clone()).or_default())
    }
}
