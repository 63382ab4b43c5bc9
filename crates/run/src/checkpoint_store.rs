//! The I/O edge of `checkpoint`: where plans, file lists and source schemas of one flow lie, and how they are read
//! and written. Decides nothing.
//!
//! Everything here is put-if-absent and never overwritten. `offsets/<batch>.json` is the plan of a batch;
//! `files/<batch>-<source>-<digest>.parquet` the list of files that the batch takes; `schemas/<source>-<version>.json`
//! the columns of a file source; `state/<operator>/` what its operators remember (see `state.rs`). Numbers carry 20 digits so that names sort.

use bytes::Bytes;
use sluice_checkpoint::{BatchPlan, NewestPlan, parse_plan_name, plan_name};
use sluice_graph::FlowId;
use sluice_model::Diagnostic;
use sluice_model::condition::run::CHECKPOINT_LOST;
use sluice_table::{Location, PutOutcome, Store};

use crate::error::{Failure, Result};

/// The folder of one flow in one incarnation.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointStore {
    store: Store,
    folder: Location,
    /// Name of the table that the flow fills.
    pub(crate) target: String,
}

impl CheckpointStore {
    /// Names the folder of a flow below its table: `_sluice/<flow>/<incarnation>`.
    pub(crate) fn new(store: Store, table: &Location, flow: &FlowId, incarnation: u32) -> Self {
        let target = flow.target.name.clone();
        let flow = flow.name.as_str();
        let folder = table.child([
            "_sluice",
            &crate::places::encode(flow),
            &incarnation.to_string(),
        ]);
        Self {
            store,
            folder,
            target,
        }
    }

    /// The incarnation that follows `current`: no folder of it was ever written to, not even by an engine that died.
    pub(crate) async fn next_incarnation(
        store: &Store,
        table: &Location,
        flow: &str,
        current: u32,
    ) -> Result<u32> {
        let folder = table.child(["_sluice", &crate::places::encode(flow)]);
        let listed = store.list(&folder).await?;
        let used = listed.iter().filter_map(|entry| {
            let mut parts = entry.location.prefix_match(folder.path())?;
            parts.next()?.as_ref().parse::<u32>().ok()
        });
        Ok(used.max().map_or(current, |used| used.max(current)) + 1)
    }

    /// Copies everything that batches up to `committed` are known by into the folder of another incarnation.
    pub(crate) async fn copy_until(&self, committed: i64, to: &Self) -> Result<()> {
        let is_wanted = |sub_folder: &str, name: &str| match sub_folder {
            "offsets" => parse_plan_name(name).is_some_and(|(batch, _)| batch <= committed),
            "files" => {
                let digits = name.strip_prefix("upto-").unwrap_or(name).get(..20);
                let batch = digits.and_then(|digits| digits.parse::<i64>().ok());
                batch.is_some_and(|batch| batch <= committed)
            }
            _ => true,
        };
        for sub_folder in ["schemas", "files", "offsets"] {
            for name in self.names(sub_folder).await? {
                if is_wanted(sub_folder, &name) {
                    let bytes = self.require(sub_folder, &name).await?;
                    to.put(sub_folder, &name, bytes).await?;
                }
            }
        }
        Ok(())
    }

    fn place(&self, sub_folder: &str, name: &str) -> Location {
        self.folder.child(sub_folder.split('/').chain([name]))
    }

    fn plan_place(&self, batch: i64, attempt: u32) -> Location {
        self.place("offsets", &plan_name(batch, attempt))
    }

    /// The newest plan, given the last committed batch (-1: none). Looks only where plans can be: right after the
    /// committed batch (more than one there means that the target was rolled back), and at the committed batch.
    pub(crate) async fn newest_plan(&self, committed: i64) -> Result<NewestPlan> {
        let mut newest = NewestPlan::Absent;
        for batch in committed + 1.. {
            match self.plan(batch).await? {
                NewestPlan::Absent => break,
                found => newest = found,
            }
        }
        match newest {
            NewestPlan::Absent if committed >= 0 => self.plan(committed).await,
            found => Ok(found),
        }
    }

    /// The plan of a batch: the first writing of it that reads, else what is wrong with the last one.
    pub(crate) async fn plan(&self, batch: i64) -> Result<NewestPlan> {
        let mut found = NewestPlan::Absent;
        for attempt in 0.. {
            let Some(text) = self.store.get(&self.plan_place(batch, attempt)).await? else {
                break;
            };
            match BatchPlan::parse(&text) {
                Ok(plan) => return Ok(NewestPlan::Readable(Box::new(plan))),
                Err(fault) => {
                    found = NewestPlan::Faulty {
                        batch,
                        attempt,
                        fault,
                    }
                }
            }
        }
        Ok(found)
    }

    /// The plan of a batch, if it is there and reads.
    pub(crate) async fn plan_of(&self, batch: i64) -> Result<Option<BatchPlan>> {
        Ok(match self.plan(batch).await? {
            NewestPlan::Readable(plan) => Some(*plan),
            _ => None,
        })
    }

    /// Writes a plan, or adopts the one that is there already: another engine's, or our own whose answer was lost.
    pub(crate) async fn write_plan(&self, plan: BatchPlan, attempt: u32) -> Result<BatchPlan> {
        let place = self.plan_place(plan.batch, attempt);
        match self
            .store
            .put_if_absent(&place, plan.to_text().into())
            .await?
        {
            PutOutcome::Created => Ok(plan),
            PutOutcome::AlreadyExists => match self.plan(plan.batch).await? {
                NewestPlan::Readable(theirs) => Ok(*theirs),
                other => Err(self.lost(&format!("the plan of batch {} is {other:?}", plan.batch))),
            },
        }
    }

    /// Deletes plans before `batch`, which no recovery can need any more.
    pub(crate) async fn forget_plans_before(&self, batch: i64) -> Result<()> {
        for name in self.names("offsets").await? {
            if parse_plan_name(&name).is_some_and(|(number, _)| number < batch) {
                self.store.delete(&self.place("offsets", &name)).await?;
            }
        }
        Ok(())
    }

    /// Reads a file; `None` if it is not there.
    pub(crate) async fn get(&self, sub_folder: &str, name: &str) -> Result<Option<Bytes>> {
        Ok(self.store.get(&self.place(sub_folder, name)).await?)
    }

    /// Reads a file that must be there: without it, going on could read the same input twice.
    pub(crate) async fn require(&self, sub_folder: &str, name: &str) -> Result<Bytes> {
        match self.get(sub_folder, name).await? {
            Some(bytes) => Ok(bytes),
            None => Err(self.lost(&format!("`{sub_folder}/{name}` is missing"))),
        }
    }

    /// Writes a file once.
    pub(crate) async fn put(
        &self,
        sub_folder: &str,
        name: &str,
        bytes: Bytes,
    ) -> Result<PutOutcome> {
        Ok(self
            .store
            .put_if_absent(&self.place(sub_folder, name), bytes)
            .await?)
    }

    /// The names of the files of a sub-folder, sorted.
    pub(crate) async fn names(&self, sub_folder: &str) -> Result<Vec<String>> {
        let listed = self.store.list(&self.folder.child([sub_folder])).await?;
        let mut names: Vec<String> = listed
            .iter()
            .filter_map(|entry| entry.location.filename().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The files one level below a sub-folder, by folder and name.
    pub(crate) async fn nested(&self, sub_folder: &str) -> Result<Vec<(String, String)>> {
        let top = self.folder.child([sub_folder]);
        let listed = self.store.list(&top).await?;
        let parts = listed.iter().filter_map(|entry| {
            let mut parts = entry.location.prefix_match(top.path())?;
            let folder = parts.next()?.as_ref().to_string();
            Some((folder, parts.next()?.as_ref().to_string()))
        });
        Ok(parts.collect())
    }

    /// Deletes a file that nothing names any more.
    pub(crate) async fn forget(&self, sub_folder: &str, name: &str) -> Result<()> {
        Ok(self.store.delete(&self.place(sub_folder, name)).await?)
    }

    /// The error for progress that is not whole.
    pub(crate) fn lost(&self, what: &str) -> Failure {
        Diagnostic::error(
            &CHECKPOINT_LOST,
            format!("the progress of a flow is incomplete: {what}"),
        )
        .fact(format!("folder: `{}`", self.folder))
        .fact("the table keeps all its rows; nothing was changed")
        .help("restore the folder from a backup")
        .help(format!(
            "or start the table again from nothing: `sluice run --full-refresh {}`",
            self.target
        ))
        .into()
    }
}
