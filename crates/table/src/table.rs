//! The handle of one Delta table: open or create it, look at its state, bring it up to date. Must not commit: `commit` does.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::SchemaRef;
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::transaction::{PROTOCOL, TransactionError};
use deltalake::kernel::{Action, Add};
use deltalake::logstore::LogStoreRef;
use deltalake::table::state::DeltaTableState;
use object_store::prefix::PrefixStore;
use tokio::sync::OnceCell;

use crate::TableError;
use crate::commit::COMMIT_ID;
use crate::error::{unreadable, unsupported};
use crate::location::Location;
use crate::log::{self, Txns};
use crate::log_store::FrugalLogStore;
use crate::property::CONSTRAINT_PREFIX;
use crate::schema::{self, TableDefinition};
use crate::stats;
use crate::store::{PutOutcome, Store};

/// One version of a table, as it was read.
///
/// The library's state costs work for every file when it moves, so it is left behind while our own appends go by, which
/// change neither metadata nor protocol; it is brought up to the version when someone asks for files.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// At this version or before it; metadata and protocol are those of this version.
    pub(crate) state: DeltaTableState,
    pub(crate) schema: SchemaRef,
    pub(crate) txns: OnceCell<Txns>,
    version: u64,
    /// What came between the state and this version.
    since: Tally,
    exact: OnceCell<DeltaTableState>,
}

/// Files, bytes and rows that were added.
#[derive(Debug, Clone, Copy)]
struct Tally {
    files: u64,
    bytes: u64,
    /// `None` if a writer did not tell.
    rows: Option<u64>,
}

impl Tally {
    const NONE: Self = Self {
        files: 0,
        bytes: 0,
        rows: Some(0),
    };

    fn and(self, adds: &[Add]) -> Self {
        adds.iter().fold(self, |tally, add| Self {
            files: tally.files + 1,
            bytes: tally.bytes + u64::try_from(add.size).unwrap_or(0),
            rows: tally
                .rows
                .zip(stats::rows_in(add.stats.as_deref()))
                .map(|(left, right)| left + right),
        })
    }
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
        // The library reads VARIANT as the struct of two binary values that it is stored as.
        let features = state.protocol().reader_features().unwrap_or_default();
        let variant: Vec<String> = features
            .iter()
            .map(ToString::to_string)
            .filter(|name| name.starts_with("variant"))
            .collect();
        if !variant.is_empty() {
            return Err(unsupported(location, "read", &variant));
        }
        let converted = state.schema().as_ref().try_into_arrow();
        let schema =
            converted.map_err(|error: arrow::error::ArrowError| TableError::Unreadable {
                path: location.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            version: state.version(),
            state,
            schema: Arc::new(schema),
            txns: OnceCell::new(),
            since: Tally::NONE,
            exact: OnceCell::new(),
        })
    }

    /// The version after this one, made by an append of ours.
    pub(crate) fn appended(&self, adds: &[Add], txns: &[(String, i64)]) -> Self {
        let known = self.txns.get().map(|known| {
            let mut known = known.clone();
            known.extend(txns.iter().cloned());
            known
        });
        let (state, since) = match self.exact.get() {
            Some(exact) => (exact, Tally::NONE),
            None => (&self.state, self.since),
        };
        Self {
            version: self.version + 1,
            state: state.clone(),
            schema: Arc::clone(&self.schema),
            txns: OnceCell::new_with(known),
            since: since.and(adds),
            exact: OnceCell::new(),
        }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
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
        let log_store = log_store(store, location)?;
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

    /// Moves to the newest version and gives it. One small request when nothing is new; appends of ours cost a small
    /// read each.
    ///
    /// # Errors
    /// The store fails or the log does not read; the handle stays where it was.
    pub async fn refresh(&self) -> Result<u64, TableError> {
        let before = self.loaded();
        let mut moved: Option<Loaded> = None;
        loop {
            let here = moved.as_ref().unwrap_or(&before);
            let next = here.version() + 1;
            let Some(actions) = log::read_commit(&self.store, &self.location, next).await? else {
                break;
            };
            match own_append(&actions) {
                Some((adds, txns)) => moved = Some(here.appended(&adds, &txns)),
                None => return self.refresh_state(&before).await,
            }
        }
        Ok(match moved {
            Some(moved) => self.install(moved),
            None => before.version(),
        })
    }

    /// Moves to the newest version with the library's state, whatever the commits did.
    async fn refresh_state(&self, before: &Loaded) -> Result<u64, TableError> {
        let mut state = before.state.clone();
        let updated = state.update(&self.log_store, None).await;
        updated.map_err(|error| unreadable(&self.location, error))?;
        let loaded = Loaded::new(&self.location, state)?;
        if let (Some(txns), true) = (before.txns.get(), loaded.version() > before.version()) {
            let mut txns = txns.clone();
            let (from, to) = (before.version() + 1, loaded.version());
            for (_, actions) in log::read_commits(&self.store, &self.location, from, to).await? {
                log::apply_txns(&mut txns, &actions);
            }
            let _ = loaded.txns.set(txns);
        }
        Ok(self.install(loaded))
    }

    /// The library's state at exactly the version of `loaded`, with its files.
    pub(crate) async fn files_of<'a>(
        &self,
        loaded: &'a Loaded,
    ) -> Result<&'a DeltaTableState, TableError> {
        let exact = loaded.exact.get_or_try_init(|| async {
            let mut state = loaded.state.clone();
            if state.version() != loaded.version() {
                state
                    .update(&self.log_store, Some(loaded.version()))
                    .await?;
            }
            Ok(state)
        });
        exact
            .await
            .map_err(|error| unreadable(&self.location, error))
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

    /// The CHECK constraints, by name: who writes rows checks that each is TRUE for every one of them, as the protocol asks of
    /// writers. What their texts mean is for SQL to say, not for this package.
    #[must_use]
    pub fn constraints(&self) -> BTreeMap<String, String> {
        let properties = self.properties().into_iter();
        properties
            .filter_map(|(key, text)| Some((key.strip_prefix(CONSTRAINT_PREFIX)?.to_owned(), text)))
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
                None => file.num_records().map(|rows| rows as u64),
                Some(_) => None,
            });
        rows.chain([loaded.since.rows]).sum()
    }

    /// Files and bytes of this version.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let loaded = self.loaded();
        let bytes = |size: i64| u64::try_from(size).unwrap_or(0);
        let start = (loaded.since.files, loaded.since.bytes);
        loaded
            .state
            .log_data()
            .iter()
            .fold(start, |(files, total), file| {
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

    /// As [`DeltaTable::txns`], at an earlier version.
    ///
    /// # Errors
    /// The log does not hold the version, or does not read.
    pub async fn txns_at(
        &self,
        version: u64,
        prefix: &str,
    ) -> Result<BTreeMap<String, i64>, TableError> {
        let loaded = self.at(Some(version)).await?;
        let txns = self.txns_of(&loaded).await?.clone();
        Ok(txns
            .into_iter()
            .filter(|(id, _)| id.starts_with(prefix))
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

/// What a commit adds: files, and transactions by application id.
type Appended = (Vec<Add>, Vec<(String, i64)>);

/// The adds and transactions of a commit of ours that does nothing but append; `None` for any other commit.
fn own_append(actions: &[Action]) -> Option<Appended> {
    let (mut adds, mut txns, mut ours) = (vec![], vec![], false);
    for action in actions {
        match action {
            Action::Add(add) => adds.push(add.clone()),
            Action::Txn(txn) => txns.push((txn.app_id.clone(), txn.version)),
            Action::CommitInfo(info) => ours |= info.info.contains_key(COMMIT_ID),
            _ => return None,
        }
    }
    ours.then_some((adds, txns))
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

fn log_store(store: &Store, location: &Location) -> Result<LogStoreRef, TableError> {
    let objects = store.objects_of(location)?;
    let prefixed = Arc::new(PrefixStore::new(
        Arc::clone(&objects),
        location.path().clone(),
    ));
    Ok(FrugalLogStore::over(
        prefixed,
        objects,
        &store.url_of(location),
    ))
}
