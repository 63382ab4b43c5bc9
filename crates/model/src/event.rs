//! Events: the record of what an update did, as Databricks' pipeline event log shapes them. Must not write them anywhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Severity of an event; METRICS is high volume and not shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventLevel {
    /// Numbers only.
    Metrics,
    /// Progress.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

impl EventLevel {
    /// The word in capitals.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "METRICS",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// What an event is about. Absent fields are left out of the JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventOrigin {
    /// Identity of the pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// Always `WORKSPACE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_type: Option<String>,
    /// Name of the pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_name: Option<String>,
    /// The update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_id: Option<String>,
    /// Full name of the dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_name: Option<String>,
    /// Stable while the flow is incremental; new after a full refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_id: Option<String>,
    /// Name of the flow: the full dataset name for an implicit flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_name: Option<String>,
    /// Micro-batch within the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<i64>,
    /// Where the element was declared (Spark's `sourceCodeLocation`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_code_location: Option<Value>,
}

/// One row of the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique id; for counters of a micro-batch derived from (flow, batch), so that a replay writes it once.
    pub id: String,
    /// Microseconds since the epoch, UTC.
    pub timestamp_us: i64,
    /// Order within the update, from 1.
    pub sequence: u64,
    /// What it is about.
    pub origin: EventOrigin,
    /// Text for people.
    pub message: String,
    /// Severity.
    pub level: EventLevel,
    /// Error, when one is reported: `{fatal, exceptions:[{class_name, message, stack}]}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// `flow_progress`, `update_progress`, …
    pub event_type: String,
    /// Payload: an object with the single key `event_type`.
    pub details: Value,
}

/// Counters of one expectation over one micro-batch or refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectationCounts {
    /// Name of the expectation.
    pub name: String,
    /// Full name of the dataset that declares it.
    pub dataset: String,
    /// Rows for which it was TRUE.
    pub passed_records: u64,
    /// Rows for which it was FALSE or NULL, whatever the action.
    pub failed_records: u64,
}
