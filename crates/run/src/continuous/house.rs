//! Upkeep while a continuous update runs: its events are written down, logs get their checkpoints, small files are put
//! together. Nothing of it changes a row, and what goes wrong is tried again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_model::DatasetName;
use sluice_table::{DeltaTable, OptimizeRequest};

use crate::continuous::live::Round;
use crate::continuous::pulse::Woken;
use crate::continuous::trigger::micros;
use crate::error::{Failure, Result};
use crate::update::Update;

/// Between two rounds of upkeep.
const UPKEEP_EVERY: Duration = Duration::from_secs(10);
/// Versions of a table after which its small files are put together.
const COMPACT_EVERY: u64 = 100;
/// Files below this are put together, bytes: each row is rewritten a few times at most before it lies in a larger file.
const SMALL_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Keeps house until the round ends.
pub(crate) async fn keep(update: Arc<Update>, round: Arc<Round>) -> Result<()> {
    let seat = round.seats.len();
    let mut compacted: HashMap<DatasetName, u64> = HashMap::new();
    let mut is_told = false;
    loop {
        let next_us = round.bedside.clock.now_us() + micros(UPKEEP_EVERY);
        if round.bedside.pause(seat, next_us).await == Woken::Stopped {
            return Ok(());
        }
        match update.engine.write_events(&update.log).await {
            Ok(()) => is_told = false,
            // They stay with the log: the next round writes them.
            Err(Failure::Said(diagnostics)) => {
                if !is_told {
                    update.log.trouble(&diagnostics);
                }
                is_told = true;
            }
            Err(Failure::Killed) => return Err(Failure::Killed),
        }
        update.tables.checkpoint_logs().await;
        for (name, table) in update.own_tables() {
            let version = table.version();
            let last = *compacted.entry(name.clone()).or_insert(version);
            if version.saturating_sub(last) >= COMPACT_EVERY {
                compact(&table).await?;
                compacted.insert(name, table.version());
            }
        }
    }
}

async fn compact(table: &DeltaTable) -> Result<()> {
    let request = OptimizeRequest {
        files_below: Some(SMALL_FILE_BYTES),
        ..OptimizeRequest::default()
    };
    match table.optimize(&request).await.map_err(Failure::from) {
        Err(Failure::Killed) => Err(Failure::Killed),
        Ok(_) | Err(Failure::Said(_)) => Ok(()),
    }
}

impl Update {
    /// The open tables of this update's datasets, and its event log.
    fn own_tables(&self) -> Vec<(DatasetName, DeltaTable)> {
        let names = self.prepared.graph.datasets.keys();
        let of_datasets = names.filter_map(|name| Some((name.clone(), self.tables.find(name)?)));
        let log = self.log.table().cloned();
        let of_log = log.map(|table| (self.event_table_name(), table));
        of_datasets.chain(of_log).collect()
    }
}
