//! The I/O edge of `checkpoint`: where plans, file lists and source schemas of one flow lie, and how they are read
//! and written. Decides nothing.
//!
//! Everything here is put-if-absent and never overwritten. `offsets/<batch>.json` is the plan of a batch;
//! `files/<batch>-<source>-<digest>.parquet` the list of files that the batch takes; `schemas/<source>-<version>.json`
//! the columns of a file source; `state/<operator>/` what its operators remember (see `state.rs`). Numbers carry 20 digits so that names sort.

use bytes::Bytes;
use sluice_checkpoint::{BatchPlan, NewestPlan, PlanFault, parse_plan_name, plan_name};
use sluice_graph::FlowId;
use sluice_model::Diagnostic;
use sluice_model::condition::run::CHECKPOINT_LOST;
use sluice_table::{Location, PutOutcome, Store};

use crate::error::{Failure, Result};
use crate::inputs::file_list::last_batch;

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
            "files" => last_batch(name).is_some_and(|batch| batch <= committed),
            _ => true,
        };
        for sub_folder in ["schemas", "files", "offsets"] {
            let names = self.names(sub_folder).await?;
            for name in names.iter().filter(|name| is_wanted(sub_folder, name)) {
                let bytes = match parse_plan_name(name) {
                    // Of several writings, only the one that was committed counts.
                    Some((batch, 0)) if names.contains(&plan_name(batch, 1)) => {
                        let plan = self.plan_of(batch).await?;
                        plan.map(|plan| plan.to_text().into())
                    }
                    Some((_, 1..)) => None,
                    _ => Some(self.require(sub_folder, name).await?),
                };
                if let Some(bytes) = bytes {
                    to.put(sub_folder, name, bytes).await?;
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

    /// Every writing of the plan of a batch, in order. There are several where one was cut off, and where the files of one
    /// changed before it was done: then an engine that knew the earlier one may still commit it.
    pub(crate) async fn writings(
        &self,
        batch: i64,
    ) -> Result<Vec<std::result::Result<BatchPlan, PlanFault>>> {
        let mut found = vec![];
        // Two at a time: nearly always the first is there and the second is not, and that takes one round trip.
        for attempt in (0..).step_by(2) {
            let (place, next_place) = (
                self.plan_place(batch, attempt),
                self.plan_place(batch, attempt + 1),
            );
            let pair = tokio::try_join!(self.store.get(&place), self.store.get(&next_place))?;
            for text in [pair.0, pair.1] {
                let Some(text) = text else {
                    return Ok(found);
                };
                found.push(BatchPlan::parse(&text));
            }
        }
        Ok(found)
    }

    /// The plan of a batch: the last writing of it that reads, else what is wrong with the last one.
    pub(crate) async fn plan(&self, batch: i64) -> Result<NewestPlan> {
        let mut found = NewestPlan::Absent;
        for (attempt, writing) in (0..).zip(self.writings(batch).await?) {
            match writing {
                Ok(plan) => found = NewestPlan::Readable(Box::new(plan)),
                Err(_) if matches!(found, NewestPlan::Readable(_)) => {}
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

    /// The plan of a committed batch, if it is there and reads: of several, the one that the next batch continues.
    pub(crate) async fn plan_of(&self, batch: i64) -> Result<Option<BatchPlan>> {
        let writings = self.writings(batch).await?;
        let mut plans: Vec<BatchPlan> = writings.into_iter().flatten().collect();
        if plans.len() > 1
            && let NewestPlan::Readable(next) = self.plan(batch + 1).await?
            && let Some(last) = plans.iter().rposition(|plan| plan.is_continued_by(&next))
        {
            plans.truncate(last + 1);
        }
        Ok(plans.pop())
    }

    /// Makes the plan that a batch was committed by the last writing of it.
    pub(crate) async fn settle(&self, committed: &BatchPlan) -> Result<()> {
        loop {
            let writings = self.writings(committed.batch).await?;
            if writings.iter().flatten().next_back() == Some(committed) {
                return Ok(());
            }
            let attempt = u32::try_from(writings.len()).unwrap_or(u32::MAX);
            let place = self.plan_place(committed.batch, attempt);
            let text = committed.to_text().into();
            self.store.put_if_absent(&place, text).await?;
        }
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

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use sluice_checkpoint::{Pinned, PlannedTarget, SourceIdentity, SourceOffset, SourceRange};
    use sluice_model::{Clock, DatasetName, Ids};
    use sluice_table::StoreOptions;

    use super::*;

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now_us(&self) -> i64 {
            0
        }
    }

    impl Ids for Still {
        fn uuid(&self) -> String {
            "id".into()
        }
    }

    /// A warehouse in memory, where no time passes.
    pub(crate) fn warehouse() -> Store {
        Store::memory(StoreOptions::new(Arc::new(Still), Arc::new(Still))).unwrap()
    }

    fn store() -> CheckpointStore {
        let store = warehouse();
        let target = DatasetName::new("c", "s", "t");
        let table = store.table_location(&target);
        CheckpointStore::new(store, &table, &FlowId::implicit(&target), 0)
    }

    impl CheckpointStore {
        /// Puts something in the place of a file that nobody could read.
        pub(crate) async fn damage(&self, sub_folder: &str, name: &str) {
            let place = self.place(sub_folder, name);
            self.store.put(&place, "damaged".into()).await.unwrap();
        }
    }

    /// A plan that ends, and begins, at positions of these digests.
    pub(crate) fn plan(batch: i64, start: Option<&str>, end: &str) -> BatchPlan {
        let offset = |digest: &str| SourceOffset::Files {
            files: 1,
            bytes: 1,
            digest: digest.to_string(),
        };
        let range = SourceRange {
            identity: SourceIdentity::Files {
                root: "in".into(),
                format: "json".into(),
            },
            start: start.map(offset),
            end: offset(end),
            count: 1,
            digest: end.into(),
        };
        BatchPlan {
            flow: "sluice/t/t/0".into(),
            batch,
            previous: (batch > 0).then(|| batch - 1),
            sources: BTreeMap::from([("0".to_string(), range)]),
            pinned: Pinned {
                batch_ts_us: 0,
                time_zone: "UTC".into(),
                seed: 0,
            },
            target: PlannedTarget {
                table_id: "t".into(),
                base_version: 0,
            },
            fingerprint: "f".into(),
            engine_version: "0".into(),
            state: None,
        }
    }

    #[tokio::test]
    async fn of_several_plans_of_a_batch_the_continued_one_counts_and_else_the_last() {
        let store = store();
        let (first, again) = (plan(0, None, "a"), plan(0, None, "b"));
        store.write_plan(first.clone(), 0).await.unwrap();
        store.write_plan(again.clone(), 1).await.unwrap();
        assert_eq!(store.plan_of(0).await.unwrap(), Some(again.clone()));
        // An engine that knew the first plan only was faster.
        let next = plan(1, Some("a"), "c");
        store.write_plan(next, 0).await.unwrap();
        assert_eq!(store.plan_of(0).await.unwrap(), Some(first));
    }

    #[tokio::test]
    async fn a_settled_plan_is_the_last_writing() {
        let store = store();
        let (first, again) = (plan(0, None, "a"), plan(0, None, "b"));
        store.write_plan(first.clone(), 0).await.unwrap();
        store.write_plan(again, 1).await.unwrap();
        for _ in 0..2 {
            store.settle(&first).await.unwrap();
            assert_eq!(store.plan_of(0).await.unwrap(), Some(first.clone()));
            assert_eq!(store.writings(0).await.unwrap().len(), 3);
        }
    }
}
