//! The tables that an update touches: each opened once here; made, described and given columns by what lies below. Must not
//! write rows.

pub(crate) mod description;
pub(crate) mod heal;
pub(crate) mod other_stores;
pub(crate) mod place;
pub(crate) mod schema;
pub(crate) mod setup;
pub(crate) mod version;
pub(crate) mod views;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sluice_graph::{DeclaredGraph, Input, ResolvedDataset};
use sluice_model::DatasetName;
use sluice_table::{DeltaTable, Location, Store};

use crate::engine::Engine;
use crate::error::Result;

/// Versions between two checkpoints of a table's log.
pub(crate) const CHECKPOINT_EVERY: u64 = 100;

/// Open tables by name.
#[derive(Debug)]
pub(crate) struct Tables {
    engine: Engine,
    open: Mutex<HashMap<DatasetName, DeltaTable>>,
    /// Tables that a declaration puts elsewhere than where their names say.
    places: Mutex<HashMap<DatasetName, Location>>,
    /// Tables of others that are streamed by their path: not ours to look after.
    streamed: Mutex<HashMap<String, DeltaTable>>,
}

impl Tables {
    /// No table is open yet.
    pub(crate) fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            open: Mutex::default(),
            places: Mutex::default(),
            streamed: Mutex::default(),
        }
    }

    /// The table at the place that a query names by its path.
    pub(crate) async fn at_path(&self, path: &str) -> Result<DeltaTable> {
        let location = self.engine.location_at(path)?;
        Ok(DeltaTable::existing(self.store(), &location).await?)
    }

    /// The table that a stream reads, by name or by path; `None` if there is none, or the input is no table.
    pub(crate) async fn streamed(&self, input: &Input) -> Result<Option<DeltaTable>> {
        let path = match input {
            Input::Dataset(name) | Input::External(name) => return self.open(name).await,
            Input::Path { format, path } if format == "delta" => path,
            _ => return Ok(None),
        };
        let known = || self.streamed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known().get(path).cloned() {
            return Ok(Some(table));
        }
        let location = self.engine.location_at(path)?;
        let opened = DeltaTable::open(self.store(), &location).await?;
        if let Some(table) = &opened {
            known().insert(path.clone(), table.clone());
        }
        Ok(opened)
    }

    /// The store that the tables lie in.
    pub(crate) fn store(&self) -> &Store {
        self.engine.store()
    }

    /// Takes note of where a project puts its tables, so that a name alone never finds one that lies elsewhere. A place
    /// that cannot be is told by the graph.
    pub(crate) fn know_places(&self, declared: &DeclaredGraph) {
        let datasets = declared.datasets.values();
        let placed = datasets.filter(|dataset| dataset.location.is_some());
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.extend(placed.filter_map(|dataset| {
            let location = self.engine.location_of(dataset).ok()?;
            Some((dataset.name.clone(), location))
        }));
    }

    /// A table that is open already, or is opened now; `None` if there is none.
    pub(crate) async fn open(&self, name: &DatasetName) -> Result<Option<DeltaTable>> {
        let placed = {
            let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            places.get(name).cloned()
        };
        let location = placed.unwrap_or_else(|| self.store().table_location(name));
        self.open_at(name, &location).await
    }

    /// As [`Tables::open`], at the place that its declaration names.
    pub(crate) async fn open_declared(
        &self,
        dataset: &ResolvedDataset,
    ) -> Result<Option<DeltaTable>> {
        let location = self.location(dataset)?;
        self.open_at(&dataset.definition.name, &location).await
    }

    async fn open_at(&self, name: &DatasetName, location: &Location) -> Result<Option<DeltaTable>> {
        if let Some(table) = self.find(name) {
            return Ok(Some(table));
        }
        let opened = DeltaTable::open(self.store(), location).await?;
        if let Some(table) = &opened {
            self.insert(name, table.clone());
        }
        Ok(opened)
    }

    /// A table that is open already.
    pub(crate) fn find(&self, name: &DatasetName) -> Option<DeltaTable> {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Remembers an open table.
    pub(crate) fn insert(&self, name: &DatasetName, table: DeltaTable) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone(), table);
    }

    /// Writes the log checkpoints that are due, so that a long log stays quick to open. Maintenance: what goes wrong
    /// leaves the tables as they are, and is tried again after the next update.
    pub(crate) async fn checkpoint_logs(&self) {
        let open: Vec<DeltaTable> = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        for table in open {
            let _ = table.checkpoint_if_due(CHECKPOINT_EVERY).await;
        }
    }

    /// Where a dataset's table lies.
    pub(crate) fn location(&self, dataset: &ResolvedDataset) -> Result<Location> {
        Ok(self.engine.location_of(&dataset.definition)?)
    }
}
