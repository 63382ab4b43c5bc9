//! The handle of one Delta table: open or create it, look at its state, bring it up to date. Must not commit: `commit` does.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::SchemaRef;
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::transaction::{PROTOCOL, TransactionError};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::table::state::DeltaTableState;
use object_store::prefix::PrefixStore;
use tokio::sync::OnceCell;

use crate::TableError;
use crate::log::{self, Txns};
use crate::schema::{self, TableDefinition};
use crate::store::{Location, PutOutcome, Store};

/// One version of a table, as it was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) state: DeltaTableState,
    pub(crate) schema: SchemaRef,
    pub(crate) txns: OnceCell<Txns>,
}

impl Loaded {
    pub(crate) fn new(location: &Location, state: DeltaTableState) -> Result<Self, TableError> {
        match PROTOCOL.can_read_from(&state) {
            Ok(()) => {}
            Err(TransactionError::UnsupportedTableFeatures(features)) => {
                return Err(unsupported(location, "read", &features));
            }
            Err(error) => return Err(DeltaTableError::from(error).into()),
        }
        let converted = state.schema().as_ref().try_into_arrow();
        let schema =
            converted.map_err(|error: arrow::error::ArrowError| TableError::Unreadable {
                path: location.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            state,
            schema: Arc::new(schema),
            txns: OnceCell::new(),
        })
    }

    pub(crate) fn version(&self) -> u64 {
        self.state.version()
    }
}

pub(crate) fn unsupported(
    location: &Location,
    purpose: &'static str,
    features: &[impl ToString],
) -> TableError {
    let mut features: Vec<_> = features.iter().map(ToString::to_string).collect();
    features.sort();
    TableError::UnsupportedFeatures {
        path: location.to_string(),
        purpose,
        features,
    }
}

/// A Delta table at a version that [`DeltaTable::refresh`] and commits move forward. Cheap to clone; clones share the version.
#[derive(Debug, Clone)]
pub struct DeltaTable {
    pub(crate) store: Store,
    pub(crate) location: Location,
    pub(crate) log_store: LogStoreRef,
    loaded: Arc<RwLock<Arc<Loaded>>>,
}

impl DeltaTable {
    /// Opens the newest version; `None` if there is no table.
    ///
    /// # Errors
    /// The store fails, the log does not read, or the table needs reader features that we do not have.
    pub async fn open(store: &Store, location: &Location) -> Result<Option<Self>, TableError> {
        let log_store = log_store(store, location);
        match load(location, &log_store, None).await {
            Ok(loaded) => Ok(Some(Self {
                store: store.clone(),
                location: location.clone(),
                log_store,
                loaded: Arc::new(RwLock::new(Arc::new(loaded))),
            })),
            Err(TableError::NotFound { .. }) => Ok(None),
            // The library does not tell an absent folder from a damaged log.
            Err(TableError::Unreadable { .. }) if log::is_absent(store, location).await? => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a table that must be there.
    ///
    /// # Errors
    /// As [`DeltaTable::open`], and [`TableError::NotFound`].
    pub async fn existing(store: &Store, location: &Location) -> Result<Self, TableError> {
        let found = Self::open(store, location).await?;
        found.ok_or_else(|| TableError::NotFound {
            path: location.to_string(),
        })
    }

    /// Opens a table, making it first if there is none. Of several engines that make it at once, one does, and all open the same.
    /// The definition of a table that was there is not compared: see [`DeltaTable::evolve`].
    ///
    /// # Errors
    /// The definition cannot be a Delta table, or as [`DeltaTable::open`].
    pub async fn create_if_absent(
        store: &Store,
        location: &Location,
        definition: &TableDefinition,
    ) -> Result<Self, TableError> {
        if let Some(table) = Self::open(store, location).await? {
            return Ok(table);
        }
        let bytes = schema::first_commit(store, definition)?;
        let put = store
            .put_if_absent(&log::commit_file(location, 0), bytes)
            .await;
        match (Self::open(store, location).await, put) {
            (Ok(Some(table)), _) => Ok(table),
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(None), Ok(PutOutcome::Created | PutOutcome::AlreadyExists)) => {
                Err(TableError::NotFound {
                    path: location.to_string(),
                })
            }
        }
    }

    /// Moves to the newest version and gives it. One small request when nothing is new.
    ///
    /// # Errors
    /// The store fails or the log does not read; the handle stays where it was.
    pub async fn refresh(&self) -> Result<u64, TableError> {
        let before = self.loaded();
        let next = log::commit_file(&self.location, before.version() + 1);
        if self.store.head(&next).await?.is_none() {
            return Ok(before.version());
        }
        let mut state = before.state.clone();
        state
            .update(&self.log_store, None)
            .await
            .map_err(|error| unreadable(&self.location, error))?;
        let loaded = Loaded::new(&self.location, state)?;
        if let Some(txns) = before.txns.get() {
            let mut txns = txns.clone();
            for (_, actions) in log::read_commits(
                &self.store,
                &self.location,
                before.version() + 1,
                loaded.version(),
            )
            .await?
            {
                log::apply_txns(&mut txns, &actions);
            }
            let _ = loaded.txns.set(txns);
        }
        Ok(self.install(loaded))
    }

    /// Reads the newest version from storage again, trusting nothing that was read before, even if the log has become
    /// shorter. After an error.
    pub(crate) async fn reload(&self) -> Result<Arc<Loaded>, TableError> {
        let loaded = Arc::new(load(&self.location, &self.log_store, None).await?);
        let mut current = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::clone(&loaded);
        drop(current);
        Ok(loaded)
    }

    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a version the current one, unless a newer one is there already. Gives the current version.
    pub(crate) fn install(&self, loaded: Loaded) -> u64 {
        let mut current = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.version() >= current.version() {
            *current = Arc::new(loaded);
        }
        current.version()
    }

    /// The version of this handle.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.loaded().version()
    }

    /// `metaData.id`.
    #[must_use]
    pub fn id(&self) -> String {
        self.loaded().state.metadata().id().to_owned()
    }

    /// The columns: `SparkType::to_arrow` types, comments in the field metadata under `comment`.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.loaded().schema)
    }

    /// The partition columns, in order.
    #[must_use]
    pub fn partition_by(&self) -> Vec<String> {
        self.loaded().state.metadata().partition_columns().to_vec()
    }

    /// The table properties (`TBLPROPERTIES`, `delta.…` and ours).
    #[must_use]
    pub fn properties(&self) -> BTreeMap<String, String> {
        let loaded = self.loaded();
        loaded
            .state
            .metadata()
            .configuration()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// The comment of the table.
    #[must_use]
    pub fn comment(&self) -> Option<String> {
        self.loaded()
            .state
            .metadata()
            .description()
            .map(str::to_owned)
    }

    /// Where the table lies.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The store it lies in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Rows of this version, if every file tells its count; `None` otherwise. Reads nothing.
    #[must_use]
    pub fn row_count(&self) -> Option<u64> {
        let loaded = self.loaded();
        let log = loaded.state.log_data();
        let rows = log
            .iter()
            .map(|file| match file.deletion_vector_descriptor() {
                None => file.num_records(),
                Some(_) => None,
            });
        rows.map(|rows| rows.map(|rows| rows as u64)).sum()
    }

    /// Files and bytes of this version.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let loaded = self.loaded();
        let bytes = |size: i64| u64::try_from(size).unwrap_or(0);
        loaded
            .state
            .log_data()
            .iter()
            .fold((0, 0), |(files, total), file| {
                (files + 1, total + bytes(file.size()))
            })
    }

    /// The version of an application's last transaction; `None` if it has none.
    ///
    /// # Errors
    /// The log does not read.
    pub async fn txn(&self, app_id: &str) -> Result<Option<i64>, TableError> {
        let loaded = self.loaded();
        Ok(self.txns_of(&loaded).await?.get(app_id).copied())
    }

    /// The transactions of all applications whose id starts with a prefix.
    ///
    /// # Errors
    /// The log does not read.
    pub async fn txns(&self, prefix: &str) -> Result<BTreeMap<String, i64>, TableError> {
        let loaded = self.loaded();
        let txns = self.txns_of(&loaded).await?;
        let matching = txns
            .range(prefix.to_owned()..)
            .take_while(|(id, _)| id.starts_with(prefix));
        Ok(matching
            .map(|(id, version)| (id.clone(), *version))
            .collect())
    }

    pub(crate) async fn txns_of<'a>(&self, loaded: &'a Loaded) -> Result<&'a Txns, TableError> {
        loaded
            .txns
            .get_or_try_init(|| log::read_txns(&self.store, &self.location, loaded.version()))
            .await
    }

    /// The state at a version: the current one, or one read from the log.
    pub(crate) async fn at(&self, version: Option<u64>) -> Result<Arc<Loaded>, TableError> {
        let current = self.loaded();
        match version {
            Some(version) if version != current.version() => {
                let loaded = load(&self.location, &self.log_store, Some(version)).await;
                loaded.map(Arc::new).map_err(|error| match error {
                    TableError::NotFound { .. } | TableError::Unreadable { .. } => {
                        TableError::VersionNotFound {
                            path: self.location.to_string(),
                            version,
                        }
                    }
                    other => other,
                })
            }
            _ => Ok(current),
        }
    }
}

async fn load(
    location: &Location,
    log_store: &LogStoreRef,
    version: Option<u64>,
) -> Result<Loaded, TableError> {
    let state = DeltaTableState::try_new(log_store, version).await;
    Loaded::new(
        location,
        state.map_err(|error| unreadable(location, error))?,
    )
}

fn unreadable(location: &Location, error: DeltaTableError) -> TableError {
    match error {
        DeltaTableError::NotATable(_) => TableError::NotFound {
            path: location.to_string(),
        },
        DeltaTableError::ObjectStore { source } => TableError::storage("read", location)(source),
        other => unreadable_log(location, other.to_string()),
    }
}

fn log_store(store: &Store, location: &Location) -> LogStoreRef {
    let objects = store.objects();
    let prefixed = Arc::new(PrefixStore::new(
        Arc::clone(&objects),
        location.path().clone(),
    ));
    default_logstore(
        prefixed,
        objects,
        &store.url_of(location),
        &StorageConfig::default(),
    )
}

/// The library names features that it does not know in a sentence only.
fn unreadable_log(location: &Location, reason: String) -> TableError {
    let lower = reason.to_lowercase();
    if lower.contains("feature") && (lower.contains("unsupported") || lower.contains("unknown")) {
        unsupported(location, "read", &[reason])
    } else {
        TableError::Unreadable {
            path: location.to_string(),
            reason,
        }
    }
}
