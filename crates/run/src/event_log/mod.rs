//! The event log of an update: events are made here, shown to an observer at once, and kept until they are
//! written to the log's Delta table in one commit.
//!
//! Numbers of a micro-batch survive a crash between its commit and ours: they travel in the commit itself, and
//! [`store`] writes what is missing at the next start, once.

pub(crate) mod definitions;
pub(crate) mod details;
pub(crate) mod rows;
pub(crate) mod store;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sluice_model::event::{Event, EventLevel, EventOrigin};
use sluice_model::limits::HELD_EVENTS_MAX;
use sluice_model::{Clock, Diagnostic, FlowStatus, Ids, Origin, UpdateState};
use sluice_table::DeltaTable;
use tokio::sync::OnceCell;

/// Sees every event at the moment it happens.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// Called once per event, in order.
    fn event(&self, event: &Event);

    /// Called before the event that tells of what went wrong in a flow, or of what it warns of: the same with places
    /// and helps, for people who look on.
    fn trouble(&self, _diagnostics: &[Diagnostic]) {}
}

/// Sees nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn event(&self, _event: &Event) {}
}

/// The events of one update.
#[derive(Debug)]
pub(crate) struct EventLog {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    observer: Arc<dyn Observer>,
    base: EventOrigin,
    update_short: String,
    sequence: AtomicU64,
    pending: Mutex<Pending>,
    /// What its writings are numbered under: the update, or a name of its own outside any.
    writer: String,
    /// The log's table, opened at the first writing.
    table: OnceCell<DeltaTable>,
}

/// Events that are not known to be written.
#[derive(Debug, Default)]
struct Pending {
    new: Vec<Event>,
    /// Those of a writing that has not been answered, which is tried again as it was.
    begun: Vec<Event>,
    /// The number of that writing.
    number: i64,
    /// Whether events of micro-batches are left out from now on, because nobody takes them: the next update tells them from
    /// the commits.
    is_full: bool,
}

/// What a single event says, before it gets id, time and order.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    /// Its type.
    pub(crate) event_type: &'a str,
    /// Severity.
    pub(crate) level: EventLevel,
    /// Text for people.
    pub(crate) message: String,
    /// Payload.
    pub(crate) details: Value,
}

impl EventLog {
    /// Starts the log of an update; `base` names pipeline and update and is part of every event.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        observer: Arc<dyn Observer>,
        base: EventOrigin,
    ) -> Self {
        let update_short = base
            .update_id
            .as_deref()
            .unwrap_or_default()
            .chars()
            .take(6)
            .collect();
        let writer = base.update_id.clone().unwrap_or_else(|| ids.uuid());
        Self {
            writer,
            clock,
            ids,
            observer,
            base,
            update_short,
            sequence: AtomicU64::new(0),
            pending: Mutex::default(),
            table: OnceCell::new(),
        }
    }

    /// Records an event.
    pub(crate) fn say(&self, origin: EventOrigin, said: Said<'_>) {
        self.record(self.ids.uuid(), origin, said, None);
    }

    /// Records an event with an id of its own choosing and, perhaps, an error.
    pub(crate) fn record(
        &self,
        id: String,
        origin: EventOrigin,
        said: Said<'_>,
        error: Option<Value>,
    ) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Event {
            id,
            timestamp_us: self.clock.now_us(),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            origin: merge(&self.base, origin),
            message: said.message,
            level: said.level,
            error,
            event_type: said.event_type.to_string(),
            details: said.details,
        };
        self.observer.event(&event);
        pending.is_full |= pending.new.len() >= HELD_EVENTS_MAX;
        if !pending.is_full || store::batch_of(&event.id).is_none() {
            pending.new.push(event);
        }
    }

    /// Records a change of the update's state.
    pub(crate) fn update_state(&self, state: UpdateState) {
        let said = Said {
            event_type: "update_progress",
            level: if state == UpdateState::Failed {
                EventLevel::Error
            } else {
                EventLevel::Info
            },
            message: format!("Update {} is {}.", self.update_short, state.as_str()),
            details: details::update_progress(state),
        };
        self.say(EventOrigin::default(), said);
    }

    /// Records a change of a flow's status without numbers.
    pub(crate) fn flow_status(&self, origin: EventOrigin, status: FlowStatus) {
        let name = origin.flow_name.clone().unwrap_or_default();
        let said = Said {
            event_type: "flow_progress",
            level: EventLevel::Info,
            message: flow_message(&name, status),
            details: details::flow_status(status),
        };
        self.say(origin, said);
    }

    /// Records that a flow failed, with its errors.
    pub(crate) fn flow_failed(&self, origin: EventOrigin, diagnostics: &[Diagnostic], fatal: bool) {
        let name = origin.flow_name.clone().unwrap_or_default();
        let first = diagnostics
            .iter()
            .find(|d| d.is_error())
            .map(ToString::to_string)
            .unwrap_or_default();
        let said = Said {
            event_type: "flow_progress",
            level: if fatal {
                EventLevel::Error
            } else {
                EventLevel::Warn
            },
            message: format!("{} {first}", flow_message(&name, FlowStatus::Failed)),
            details: details::flow_status(FlowStatus::Failed),
        };
        self.observer.trouble(diagnostics);
        self.record(
            self.ids.uuid(),
            origin,
            said,
            Some(details::error(diagnostics, fatal)),
        );
    }

    /// Records what a flow noticed and went on after, such as records that a stream lost.
    pub(crate) fn flow_warned(&self, origin: EventOrigin, warning: &Diagnostic) {
        let name = origin.flow_name.clone().unwrap_or_default();
        let said = Said {
            event_type: "flow_progress",
            level: EventLevel::Warn,
            message: format!("{} {warning}", flow_message(&name, FlowStatus::Running)),
            details: details::flow_status(FlowStatus::Running),
        };
        self.observer.trouble(std::slice::from_ref(warning));
        let error = details::error(std::slice::from_ref(warning), false);
        self.record(self.ids.uuid(), origin, said, Some(error));
    }

    /// Tells who looks on that the log itself cannot be written: no event could.
    pub(crate) fn trouble(&self, diagnostics: &[Diagnostic]) {
        self.observer.trouble(diagnostics);
    }

    /// The events of the next writing, with its number: those of the last one as long as it is not known to be done.
    fn writing(&self) -> Option<(i64, Vec<Event>)> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.begun.is_empty() {
            pending.begun = std::mem::take(&mut pending.new);
        }
        (!pending.begun.is_empty()).then(|| (pending.number, pending.begun.clone()))
    }

    /// The events of the last writing are in the table.
    fn written(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.begun.clear();
        pending.number += 1;
    }

    /// The log's table, if this update has written to it.
    pub(crate) fn table(&self) -> Option<&DeltaTable> {
        self.table.get()
    }
}

/// The text of a flow's status, as Spark writes it.
pub(crate) fn flow_message(name: &str, status: FlowStatus) -> String {
    match status {
        FlowStatus::Completed | FlowStatus::Failed => {
            format!("Flow '{name}' has {}.", status.as_str())
        }
        other => format!("Flow '{name}' is {}.", other.as_str()),
    }
}

/// Where an element was declared, as events carry it.
pub(crate) fn source_location(origin: &Origin) -> Value {
    serde_json::json!({
        "path": origin.file.as_ref(), "line_number": origin.line, "column_number": origin.column,
    })
}

fn merge(base: &EventOrigin, own: EventOrigin) -> EventOrigin {
    EventOrigin {
        pipeline_id: own.pipeline_id.or_else(|| base.pipeline_id.clone()),
        pipeline_type: own.pipeline_type.or_else(|| base.pipeline_type.clone()),
        pipeline_name: own.pipeline_name.or_else(|| base.pipeline_name.clone()),
        update_id: own.update_id.or_else(|| base.update_id.clone()),
        ..own
    }
}
