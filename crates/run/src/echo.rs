//! The echo: what a commit tells of its batch. Plans, numbers and states that are lost elsewhere are found here, in the log of
//! the table itself, and nowhere else is it known under which keys. Must not commit, and must not decide.
//!
//! All of it is plain JSON below one key of `commitInfo`. Keys are added and never change their meaning: an older binary reads
//! what a newer one wrote, and the other way round.

use serde_json::{Value, json};
use sluice_checkpoint::BatchPlan;
use sluice_model::StreamState;
use sluice_model::event::ExpectationCounts;
use sluice_table::CommitChanges;

use crate::report::FlowMetrics;

/// The key of `commitInfo`.
pub(crate) const KEY: &str = "sluice";

/// What a commit is about to tell.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// The plan of the batch.
    pub(crate) plan: &'a BatchPlan,
    /// The update that commits.
    pub(crate) update_id: &'a str,
    /// The flow, as people see it.
    pub(crate) flow_name: String,
    /// The numbers of the batch.
    pub(crate) metrics: &'a FlowMetrics,
    /// Counters of expectations.
    pub(crate) expectations: &'a [ExpectationCounts],
    /// What the next batch begins with.
    pub(crate) state: &'a StreamState,
}

impl Told<'_> {
    /// As the commit writes it.
    pub(crate) fn to_json(&self) -> Value {
        let metrics = self.metrics;
        let mut echo = json!({
            "plan": self.plan.to_echo(),
            "update_id": self.update_id,
            "flow_name": self.flow_name,
            "timestamp_us": self.plan.pinned.batch_ts_us,
            "metrics": {
                "output_rows": metrics.output_rows, "deleted_rows": metrics.deleted_rows,
                "output_bytes": metrics.output_bytes, "dropped_rows": metrics.dropped_rows,
                "bad_records": metrics.bad_records, "files": metrics.files,
            },
            "expectations": self.expectations,
        });
        if metrics.late_rows > 0 {
            echo["metrics"]["late_rows"] = json!(metrics.late_rows);
        }
        if !self.state.is_empty() {
            echo["state"] = json!(self.state);
        }
        echo
    }
}

/// What a commit told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Echo<'a>(&'a Value);

impl<'a> Echo<'a> {
    /// The echo of a commit; `None` if it is not one of the engine's batches.
    pub(crate) fn of(commit: &'a CommitChanges) -> Option<Self> {
        commit.info.get(KEY).map(Self)
    }

    /// The plan, if it can be read.
    pub(crate) fn plan(self) -> Option<BatchPlan> {
        self.0.get("plan").and_then(BatchPlan::from_echo)
    }

    /// The number of the batch.
    pub(crate) fn batch(self) -> Option<i64> {
        self.0.get("plan")?.get("batch")?.as_i64()
    }

    /// The update that committed.
    pub(crate) fn update_id(self) -> Option<&'a str> {
        self.0.get("update_id")?.as_str()
    }

    /// The flow, as people see it.
    pub(crate) fn flow_name(self) -> Option<&'a str> {
        self.0.get("flow_name")?.as_str()
    }

    /// The numbers of the batch; one that is not told is 0.
    pub(crate) fn metrics(self) -> FlowMetrics {
        let metrics = self.0.get("metrics");
        let number = |name: &str| {
            let told = metrics.and_then(|metrics| metrics.get(name));
            told.and_then(Value::as_u64).unwrap_or_default()
        };
        FlowMetrics {
            batches: 1,
            output_rows: number("output_rows"),
            deleted_rows: number("deleted_rows"),
            output_bytes: number("output_bytes"),
            dropped_rows: number("dropped_rows"),
            bad_records: number("bad_records"),
            late_rows: number("late_rows"),
            files: number("files"),
        }
    }

    /// Counters of expectations.
    pub(crate) fn expectations(self) -> Vec<ExpectationCounts> {
        let told = self.0.get("expectations").cloned().unwrap_or_default();
        serde_json::from_value(told).unwrap_or_default()
    }

    /// What the next batch begins with; empty for a flow that remembers nothing.
    ///
    /// # Errors
    /// It is told and cannot be read.
    pub(crate) fn state(self) -> serde_json::Result<StreamState> {
        match self.0.get("state") {
            Some(state) => serde_json::from_value(state.clone()),
            None => Ok(StreamState::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_model::WatermarkState;

    use super::*;
    use crate::checkpoint_store::tests::plan;

    #[test]
    fn what_is_told_is_heard() {
        let metrics = FlowMetrics {
            batches: 1,
            output_rows: 1,
            deleted_rows: 2,
            output_bytes: 3,
            dropped_rows: 4,
            bad_records: 5,
            late_rows: 6,
            files: 7,
        };
        let counts = [ExpectationCounts {
            name: "known".into(),
            dataset: "main.default.t".into(),
            passed_records: 1,
            failed_records: 2,
        }];
        let clause = WatermarkState {
            definition: "at".into(),
            watermark_us: 5,
            as_of_us: None,
        };
        let state = StreamState {
            watermark_us: 5,
            late_us: 4,
            clauses: [("0".to_owned(), clause)].into(),
            ..StreamState::default()
        };
        let plan = plan(3, None, "a");
        let value = Told {
            plan: &plan,
            update_id: "u",
            flow_name: "main.default.t".into(),
            metrics: &metrics,
            expectations: &counts,
            state: &state,
        }
        .to_json();
        let echo = Echo(&value);
        assert_eq!(echo.plan(), Some(plan));
        assert_eq!(echo.batch(), Some(3));
        assert_eq!(echo.update_id(), Some("u"));
        assert_eq!(echo.flow_name(), Some("main.default.t"));
        assert_eq!(echo.metrics(), metrics);
        assert_eq!(echo.expectations(), counts);
        assert_eq!(echo.state().unwrap(), state);
    }
}
