//! States of flows and updates, in Spark's and Databricks' words.

use serde::{Deserialize, Serialize};

/// State of one flow within an update (Spark `GraphStates.scala`, `FlowStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FlowStatus {
    /// Waits for its upstream flows.
    Queued,
    /// Its technique is being chosen; never logged as a flow_progress event.
    Planning,
    /// About to run.
    Starting,
    /// Moves data.
    Running,
    /// Did its work.
    Completed,
    /// Stopped on an error.
    Failed,
    /// Not run because an upstream flow failed.
    Skipped,
    /// Stopped on request.
    Stopped,
    /// Not selected for this update.
    Excluded,
    /// Had nothing new to do.
    Idle,
}

impl FlowStatus {
    /// The word in capitals, as in the event log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Planning => "PLANNING",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
            Self::Stopped => "STOPPED",
            Self::Excluded => "EXCLUDED",
            Self::Idle => "IDLE",
        }
    }
}

/// State of an update, as Databricks' `update_progress` events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateState {
    /// Accepted.
    Queued,
    /// Resources are taken (here: the lease).
    WaitingForResources,
    /// Project read, graph resolved.
    Initializing,
    /// Tables under full refresh are emptied.
    Resetting,
    /// Tables are created and evolved.
    SettingUpTables,
    /// Flows run.
    Running,
    /// Stops on request.
    Stopping,
    /// All selected flows ended well.
    Completed,
    /// At least one flow failed.
    Failed,
    /// Stopped by the user.
    Canceled,
}

impl UpdateState {
    /// The word in capitals, as in the event log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::WaitingForResources => "WAITING_FOR_RESOURCES",
            Self::Initializing => "INITIALIZING",
            Self::Resetting => "RESETTING",
            Self::SettingUpTables => "SETTING_UP_TABLES",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}
