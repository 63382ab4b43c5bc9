//! The tables that an update touches: each opened once here; made, described and given columns by what lies below. Must not
//! write rows.

pub(crate) mod description;
pub(crate) mod other_stores;
pub(crate) mod schema;
pub(crate) mod setup;
pub(crate) mod version;
pub(crate) mod views;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sluice_graph::ResolvedDataset;
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
}

impl Tables {
    /// No table is open yet.
    pub(crate) fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            open: Mutex::default(),
        }
    }

    /// The table at the place that a query names by its path.
    pub(crate) async fn at_path(&self, path: &str) -> Result<DeltaTable> {
        let location = self.engine.location_at(path)?;
        Ok(DeltaTable::existing(self.store(), &location).await?)
    }

    /// The store that the tables lie in.
    pub(crate) fn store(&self) -> &Store {
        self.engine.store()
    }

    /// A table that is open already, or is opened now; `None` if there is none.
    pub(crate) async fn open(&self, name: &DatasetName) -> Result<Option<DeltaTable>> {
        self.open_at(name, &self.store().table_location(name)).await
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
