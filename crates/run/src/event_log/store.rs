//! The event log as a Delta table: written in one commit per update, or now and then while a continuous
//! one runs, and made whole at the next start.
//!
//! Each commit carries, per flow, `txn("sluice-events/…", batch)`: which micro-batches it tells of. A batch that is in
//! its target and not yet told of is told from its own commit: counters are neither lost nor doubled by a crash.

use std::collections::BTreeMap;

use serde_json::json;
use sluice_model::event::{Event, EventLevel, EventOrigin, ExpectationCounts};
use sluice_model::{DatasetName, FlowKind, FlowStatus};
use sluice_table::{
    CommitOutcome, CommitRequest, DeltaTable, Location, TableDefinition, WriteOptions,
};

use super::{EventLog, details, rows};
use crate::echo::Echo;
use crate::engine::Engine;
use crate::error::{Result, internal};
use crate::progress::Progress;
use crate::report::FlowMetrics;
use crate::tables::CHECKPOINT_EVERY;
use crate::tables::schema::OWNER;
use crate::update::Update;

/// What the ids of events' transactions begin with.
const PREFIX: &str = "sluice-events/";
/// Attempts to write the events of an update while other engines write theirs.
const ATTEMPTS_MAX: u32 = 10;

impl Engine {
    /// The log of a new update.
    pub(crate) fn new_log(&self, update_id: &str) -> EventLog {
        let base = EventOrigin {
            pipeline_id: Some(self.pipeline_id()),
            pipeline_type: Some("WORKSPACE".into()),
            pipeline_name: Some(self.options.pipeline.clone()),
            update_id: Some(update_id.to_string()),
            ..EventOrigin::default()
        };
        let (clock, ids) = (self.clock().clone(), self.ids().clone());
        EventLog::new(clock, ids, self.options.observer.clone(), base)
    }

    /// Where the log's table lies.
    pub(crate) fn event_location(&self) -> Location {
        match &self.options.event_log {
            Some(name) => self.store().table_location(name),
            None => self.pipeline_folder().child(["event_log"]),
        }
    }

    /// The log's table; `None` before the first update.
    pub(crate) async fn open_event_log(&self) -> Result<Option<DeltaTable>> {
        Ok(DeltaTable::open(self.store(), &self.event_location()).await?)
    }

    async fn event_table(&self) -> Result<DeltaTable> {
        let definition = TableDefinition {
            name: Some("event_log".into()),
            comment: Some(format!("Event log of pipeline {}", self.options.pipeline)),
            columns: rows::schema(),
            partition_by: vec![],
            properties: BTreeMap::from([(OWNER.to_string(), self.pipeline_id())]),
        };
        Ok(DeltaTable::create_if_absent(self.store(), &self.event_location(), &definition).await?)
    }

    /// Writes the events of an update that are not written yet, in one commit. Micro-batches that another engine tells
    /// of first are left to it.
    pub(crate) async fn write_events(&self, log: &EventLog) -> Result<()> {
        while let Some((number, events)) = log.writing() {
            let table = log.table.get_or_try_init(|| self.event_table()).await?;
            let writing = (format!("{PREFIX}update/{}", log.writer), number);
            self.write_once(table, events, writing).await?;
            log.written();
        }
        Ok(())
    }

    async fn write_once(
        &self,
        table: &DeltaTable,
        mut events: Vec<Event>,
        writing: (String, i64),
    ) -> Result<()> {
        for _ in 0..ATTEMPTS_MAX {
            table.refresh().await?;
            let known = table.txns(PREFIX).await?;
            events.retain(|event| {
                batch_of(&event.id).is_none_or(|(application, batch)| {
                    known
                        .get(&format!("{PREFIX}{application}"))
                        .is_none_or(|last| *last < batch)
                })
            });
            match self.commit_events(table, &events, writing.clone()).await? {
                CommitOutcome::Committed { .. } | CommitOutcome::AlreadyCommitted { .. } => {
                    // Maintenance: what goes wrong leaves the log as it is.
                    let _ = table.checkpoint_if_due(CHECKPOINT_EVERY).await;
                    return Ok(());
                }
                CommitOutcome::Conflict(_) => {}
                CommitOutcome::Unknown(error) => return Err(error.into()),
            }
        }
        Err(internal("other engines keep writing the event log").into())
    }

    async fn commit_events(
        &self,
        table: &DeltaTable,
        events: &[Event],
        writing: (String, i64),
    ) -> Result<CommitOutcome> {
        let batch = rows::batch(events)
            .map_err(|error| internal(&format!("an event has no form: {error}")))?;
        let mut writer = table.writer(WriteOptions::new("eventlog", 0));
        writer.write(&batch).await?;
        let mut told = BTreeMap::from([writing]);
        for event in events {
            if let Some((application, batch)) = batch_of(&event.id) {
                let last = told
                    .entry(format!("{PREFIX}{application}"))
                    .or_insert(batch);
                *last = batch.max(*last);
            }
        }
        let request = CommitRequest {
            adds: writer.finish().await?,
            txns: told.into_iter().collect(),
            operation: "WRITE".into(),
            parameters: json!({ "mode": "Append" }),
            ..CommitRequest::default()
        };
        Ok(table.commit(&request).await?)
    }

    /// Tells of micro-batches that are in their targets and were never told of, from their own commits.
    pub(crate) async fn tell_missing(&self, update: &Update) -> Result<()> {
        let table = self.open_event_log().await?;
        let known = match &table {
            Some(table) => table.txns(PREFIX).await?,
            None => BTreeMap::new(),
        };
        for flow in update
            .prepared
            .graph
            .flows
            .values()
            .filter(|flow| flow.kind != FlowKind::View)
        {
            let Some(target) = update.tables.find(&flow.id.target) else {
                continue;
            };
            let progress = Progress::read(self, &target, &flow.id).await?;
            let application = progress.application.app_id();
            let told = known
                .get(&format!("{PREFIX}{application}"))
                .copied()
                .unwrap_or(-1);
            if told >= progress.committed {
                continue;
            }
            for (batch, commit) in target.commits_of(&application, told).await? {
                let Some(echo) = Echo::of(&commit) else {
                    continue;
                };
                let origin = EventOrigin {
                    batch_id: Some(batch),
                    update_id: echo.update_id().map(str::to_owned),
                    ..update.origin_of(&flow.id)
                };
                let (metrics, expectations) = (echo.metrics(), echo.expectations());
                update
                    .log
                    .batch(&application, batch, origin, &metrics, &expectations);
            }
        }
        Ok(())
    }
}

impl EventLog {
    /// Records the numbers of a committed micro-batch under an id that telling it again would give it again.
    pub(crate) fn batch(
        &self,
        application: &str,
        batch: i64,
        origin: EventOrigin,
        metrics: &FlowMetrics,
        expectations: &[ExpectationCounts],
    ) {
        let name = origin.flow_name.clone().unwrap_or_default();
        let said = super::Said {
            event_type: "flow_progress",
            level: EventLevel::Metrics,
            message: format!("Completed a micro-batch of flow '{name}'."),
            details: details::flow_progress(FlowStatus::Running, metrics, expectations),
        };
        self.record(batch_event(application, batch), origin, said, None);
    }
}

/// The id of the event that tells of a micro-batch.
fn batch_event(application: &str, batch: i64) -> String {
    format!("{application}#{batch}")
}

/// The micro-batch that an event tells of, if its id is that of such an event.
pub(super) fn batch_of(id: &str) -> Option<(&str, i64)> {
    let (application, batch) = id.rsplit_once('#')?;
    Some((application, batch.parse().ok()?))
}

impl Update {
    /// The name under which the event log's table is open, for queries that read it.
    pub(crate) fn event_table_name(&self) -> DatasetName {
        event_table_name(&self.engine)
    }
}

/// The name under which the event log's table is open.
pub(crate) fn event_table_name(engine: &Engine) -> DatasetName {
    engine
        .options
        .event_log
        .clone()
        .unwrap_or_else(|| DatasetName::new("_sluice", &engine.options.pipeline, "event_log"))
}
