//! The engine of one pipeline and target: what it was given, and the session that its queries run in.

use std::path::PathBuf;
use std::sync::Arc;

use sluice_graph::Dataset;
use sluice_model::{Clock, DatasetName, Diagnostic, Ids, Namespace};
use sluice_plan::{QueryMemory, Session, SessionSettings};
use sluice_source::{PathRules, S3, resolve_path};
use sluice_table::{Location, SpillFiles, Store, TableError};

use crate::error::Result;
use crate::event_log::Observer;
use crate::inputs::kinesis::KinesisAccess;
use crate::places;
use crate::timer::Timer;

/// Everything an engine is given; nothing is looked up behind the caller's back.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The warehouse, with clock and ids.
    pub warehouse: Store,
    /// The warehouse's folder on local disk, where the lease is taken; `None` for a warehouse in memory.
    pub warehouse_folder: Option<PathBuf>,
    /// Who this engine is on a lease among the objects of the warehouse; `None` where no lease is kept there.
    pub lease_owner: Option<String>,
    /// How buckets of S3 are reached.
    pub s3: S3,
    /// The pipeline's name.
    pub pipeline: String,
    /// The bundle target, if any.
    pub target: Option<String>,
    /// Catalog and schema that complete unqualified names.
    pub namespace: Namespace,
    /// The table that the event log goes to; `None`: the pipeline's own folder.
    pub event_log: Option<DatasetName>,
    /// How paths in queries become places.
    pub path_rules: PathRules,
    /// Where Kinesis is, and who we are there.
    pub kinesis: KinesisAccess,
    /// Sees events as they happen.
    pub observer: Arc<dyn Observer>,
    /// `current_user()`, and who started the update.
    pub user: String,
    /// Session time zone; an IANA name.
    pub time_zone: String,
    /// Flows that run at the same time, and partitions of a query.
    pub parallelism: usize,
    /// Memory for all queries together, bytes; `None`: unbounded.
    pub memory_bytes_max: Option<usize>,
    /// Files of a micro-batch at most, whatever the query says: for tests that cut batches small.
    pub batch_files_max: Option<usize>,
    /// Waits for the clock.
    pub timer: Arc<dyn Timer>,
}

/// The engine of one pipeline and target. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) options: Arc<EngineOptions>,
    memory: QueryMemory,
}

impl Engine {
    /// Makes an engine. Touches nothing.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        Self {
            memory: QueryMemory::of(
                options.memory_bytes_max,
                SpillFiles::default().disk_manager(),
            ),
            options: Arc::new(options),
        }
    }

    /// The warehouse.
    #[must_use]
    pub fn warehouse(&self) -> &Store {
        &self.options.warehouse
    }

    /// How buckets are reached.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.options.s3
    }

    /// How paths become places.
    #[must_use]
    pub fn path_rules(&self) -> &PathRules {
        &self.options.path_rules
    }

    pub(crate) fn store(&self) -> &Store {
        &self.options.warehouse
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.options.warehouse.clock()
    }

    pub(crate) fn ids(&self) -> &Arc<dyn Ids> {
        self.options.warehouse.ids()
    }

    /// The pipeline's own folder: `_sluice/<pipeline>/<target>`.
    pub(crate) fn pipeline_folder(&self) -> Location {
        self.pipeline_folder_of(&self.pipeline_id())
    }

    /// The own folder of a pipeline, named as [`Engine::pipeline_id`] does.
    pub(crate) fn pipeline_folder_of(&self, pipeline_id: &str) -> Location {
        let [pipeline, target] = self.folder_names(pipeline_id);
        self.store().place(&["_sluice", &pipeline, &target])
    }

    /// The folder of the lease of a pipeline on local disk.
    pub(crate) fn lease_folder_of(&self, pipeline_id: &str) -> Option<PathBuf> {
        let warehouse = self.options.warehouse_folder.as_ref()?;
        let [pipeline, target] = self.folder_names(pipeline_id);
        Some(warehouse.join("_sluice").join(pipeline).join(target))
    }

    /// Names of the folders of pipeline and target.
    fn folder_names(&self, pipeline_id: &str) -> [String; 2] {
        let (pipeline, target) = if pipeline_id == self.pipeline_id() {
            (
                self.options.pipeline.as_str(),
                self.options.target.as_deref(),
            )
        } else {
            match pipeline_id.rsplit_once('/') {
                Some((pipeline, target)) => (pipeline, Some(target)),
                None => (pipeline_id, None),
            }
        };
        [
            places::encode(pipeline),
            places::encode(target.unwrap_or("default")),
        ]
    }

    /// Who this pipeline is, as tables and events name it.
    pub(crate) fn pipeline_id(&self) -> String {
        match &self.options.target {
            Some(target) => format!("{}/{target}", self.options.pipeline),
            None => self.options.pipeline.clone(),
        }
    }

    /// Where the table of a declared dataset lies: at its `LOCATION`, which is a folder as `read_files` takes it (relative
    /// to the project, mapped in sluice.yml) or a URL of the warehouse's store; else in the warehouse.
    pub(crate) fn location_of(&self, dataset: &Dataset) -> Result<Location, Box<Diagnostic>> {
        let store = self.store();
        let Some(written) = &dataset.location else {
            return Ok(store.table_location(&dataset.name));
        };
        let placed = |diagnostic: Diagnostic| Box::new(diagnostic.at(&written.origin, ""));
        let refused = |error: TableError| {
            placed(error.diagnostic())
                .help("write a folder, absolute or relative to the project")
                .help("or leave LOCATION out: the table then lies in the warehouse")
                .into()
        };
        let path = resolve_path(&written.value, &self.options.path_rules).map_err(placed)?;
        let folder = path.only_folder().filter(|folder| !folder.is_empty());
        let Some(folder) = folder else {
            let message = format!("LOCATION '{}' is not one folder", written.value);
            return Err(refused(TableError::Invalid(message)));
        };
        store.location_of(&folder).map_err(refused)
    }

    /// The place of a table that a query names by its path: a folder, a URL, or what sluice.yml maps to one of them.
    pub fn location_at(&self, path: &str) -> Result<Location, TableError> {
        let mapped = resolve_path(path, &self.options.path_rules).ok();
        let mapped = mapped.and_then(|resolved| resolved.only_folder());
        let is_relative = !path.starts_with('/') && !path.contains(":/");
        match mapped.filter(|_| !is_relative) {
            Some(place) => self.store().location_of(&place),
            None => self.store().location_of(path),
        }
    }

    /// A session whose queries see `now_us` as the current time.
    pub(crate) fn session(&self, now_us: i64) -> Result<Session> {
        self.session_with(now_us, self.options.parallelism)
    }

    /// As [`Engine::session`], with so many partitions.
    pub(crate) fn session_with(&self, now_us: i64, partitions: usize) -> Result<Session> {
        let options = &self.options;
        let settings = SessionSettings {
            time_zone: options.time_zone.clone(),
            now_us,
            current_user: options.user.clone(),
            catalog: options.namespace.catalog.clone(),
            schema: options.namespace.schema.clone(),
            partitions: partitions.max(1),
            memory: self.memory.clone(),
            ..SessionSettings::default()
        };
        Ok(Session::new(&settings).map_err(|diagnostic| *diagnostic)?)
    }
}
