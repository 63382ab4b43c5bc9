//! What a destination hears of: rows of a table, or what happened to updates. Must not read tables.

use std::sync::Arc;

use serde_json::Value;
use sluice_model::destination::PipelineAlert;

use super::Followed;
use super::message::JsonRow;

/// What a destination hears of.
#[derive(Debug, Clone)]
pub enum Feed {
    /// The rows appended to a table.
    Rows {
        /// Its name.
        name: String,
        /// Opens it.
        table: Arc<dyn Followed>,
    },
    /// What happened to updates, from the event log.
    Updates {
        /// What of it.
        alerts: Vec<PipelineAlert>,
        /// Opens the event log.
        log: Arc<dyn Followed>,
    },
}

impl Feed {
    /// The folder of its position, below the destination's.
    pub(crate) fn folder(&self) -> &'static str {
        match self {
            Self::Rows { .. } => "rows",
            Self::Updates { .. } => "updates",
        }
    }

    /// What its messages are about.
    pub(crate) fn subject(&self) -> &str {
        match self {
            Self::Rows { name, .. } => name,
            Self::Updates { .. } => "updates",
        }
    }

    pub(crate) fn source(&self) -> &Arc<dyn Followed> {
        match self {
            Self::Rows { table, .. } => table,
            Self::Updates { log, .. } => log,
        }
    }

    /// The row as it is told; `None` when it is not.
    pub(crate) fn told(&self, row: JsonRow) -> Option<JsonRow> {
        match self {
            Self::Rows { .. } => Some(row),
            Self::Updates { alerts, .. } => {
                let (alert, details) = alert_of(&row, alerts)?;
                let of = |key: &str| row.get(key).cloned().unwrap_or(Value::Null);
                let update = parsed(&row, "origin").and_then(|o| o.get("update_id").cloned());
                let told = [
                    ("alert", Value::from(alert.as_str())),
                    ("timestamp", of("timestamp")),
                    ("message", of("message")),
                    ("level", of("level")),
                    ("update_id", update.unwrap_or(Value::Null)),
                    ("details", details),
                ];
                Some(
                    told.map(|(key, value)| (key.to_owned(), value))
                        .into_iter()
                        .collect(),
                )
            }
        }
    }
}

fn parsed(row: &JsonRow, column: &str) -> Option<Value> {
    serde_json::from_str(row.get(column)?.as_str()?).ok()
}

/// The alert that an event of the log is, among those that are asked for, with its payload.
fn alert_of(row: &JsonRow, asked: &[PipelineAlert]) -> Option<(PipelineAlert, Value)> {
    let event_type = row.get("event_type")?.as_str()?;
    if !matches!(event_type, "update_progress" | "flow_progress") {
        return None;
    }
    let details = parsed(row, "details")?.get(event_type)?.clone();
    let is = |key: &str, word: &str| details.get(key).and_then(Value::as_str) == Some(word);
    let meant: &[PipelineAlert] = match event_type {
        "update_progress" if is("state", "COMPLETED") => &[PipelineAlert::UpdateSuccess],
        // An update is given up only when trying again cannot help, or has not helped.
        "update_progress" if is("state", "FAILED") => &[
            PipelineAlert::UpdateFailure,
            PipelineAlert::UpdateFatalFailure,
        ],
        "flow_progress" if is("status", "FAILED") => {
            let is_final = row.get("level").and_then(Value::as_str) == Some("ERROR");
            if is_final {
                &[PipelineAlert::FlowFailure]
            } else {
                &[]
            }
        }
        _ => &[],
    };
    let alert = meant.iter().find(|alert| asked.contains(alert))?;
    Some((*alert, details))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(event_type: &str, level: &str, details: &Value) -> JsonRow {
        let row =
            json!({ "event_type": event_type, "level": level, "details": details.to_string() });
        row.as_object().unwrap().clone()
    }

    #[test]
    fn events_are_the_alerts_that_databricks_calls_so() {
        let all = PipelineAlert::ALL;
        let state = |state: &str| json!({ "update_progress": { "state": state } });
        let flow = json!({ "flow_progress": { "status": "FAILED" } });
        for (row, expected) in [
            (
                event("update_progress", "INFO", &state("COMPLETED")),
                Some("on-update-success"),
            ),
            (
                event("update_progress", "ERROR", &state("FAILED")),
                Some("on-update-failure"),
            ),
            (event("update_progress", "INFO", &state("RUNNING")), None),
            (
                event("flow_progress", "ERROR", &flow),
                Some("on-flow-failure"),
            ),
            (event("flow_progress", "WARN", &flow), None),
            (event("x_alert", "ERROR", &json!({})), None),
        ] {
            let found = alert_of(&row, &all).map(|(alert, _)| alert.as_str());
            assert_eq!(found, expected, "{row:?}");
        }
        let failed = event("update_progress", "ERROR", &state("FAILED"));
        let fatal = alert_of(&failed, &[PipelineAlert::UpdateFatalFailure]);
        assert_eq!(
            fatal.map(|(alert, _)| alert.as_str()),
            Some("on-update-fatal-failure")
        );
        assert!(alert_of(&failed, &[PipelineAlert::UpdateSuccess]).is_none());
    }
}
