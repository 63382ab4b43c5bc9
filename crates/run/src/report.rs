//! What an update did, as data: the result of `sluice run` before anybody renders it.

use sluice_model::event::ExpectationCounts;
use sluice_model::{
    DatasetKind, DatasetName, Diagnostic, FlowKind, FlowName, FlowStatus, UpdateState,
};

/// The outcome of one update.
#[derive(Debug, Clone)]
pub struct UpdateReport {
    /// Id of the update, a UUID.
    pub update_id: String,
    /// Final state: COMPLETED, FAILED or CANCELED.
    pub state: UpdateState,
    /// One entry per flow, in order of the graph.
    pub flows: Vec<FlowReport>,
    /// What concerns the update as a whole, and notes.
    pub diagnostics: Vec<Diagnostic>,
    /// Wall time in milliseconds.
    pub duration_ms: i64,
}

impl UpdateReport {
    /// Whether any flow wrote, removed or recomputed anything.
    #[must_use]
    pub fn changed_anything(&self) -> bool {
        self.flows
            .iter()
            .any(|flow| flow.status == FlowStatus::Completed)
    }

    /// Micro-batches and refreshes of all flows.
    pub(crate) fn batches(&self) -> u64 {
        self.flows.iter().map(|flow| flow.metrics.batches).sum()
    }

    /// Adds what a flow did in one more pass over the graph to what it did before.
    pub(crate) fn add_flow(&mut self, new: FlowReport) {
        let Some(old) = self
            .flows
            .iter_mut()
            .find(|old| old.flow == new.flow && old.dataset == new.dataset)
        else {
            self.flows.push(new);
            return;
        };
        old.metrics.add(&new.metrics);
        add_counts(&mut old.expectations, &new.expectations);
        old.diagnostics.extend(new.diagnostics);
        old.duration_ms += new.duration_ms;
        if new.status != FlowStatus::Idle || old.status != FlowStatus::Completed {
            old.status = new.status;
            old.technique = new.technique.or(old.technique.take());
        }
        old.versions = match (old.versions, new.versions) {
            (Some((from, _)), Some((_, to))) => Some((from, to)),
            (old, new) => new.or(old),
        };
    }
}

/// The outcome of one flow within an update.
#[derive(Debug, Clone)]
pub struct FlowReport {
    /// The flow.
    pub flow: FlowName,
    /// Its target.
    pub dataset: DatasetName,
    /// What the target is.
    pub dataset_kind: DatasetKind,
    /// How the flow moves data.
    pub kind: FlowKind,
    /// Final status.
    pub status: FlowStatus,
    /// How a materialized view was brought up to date (`NO_OP`, `APPEND_ONLY`, `COMPLETE_RECOMPUTE`), and why.
    pub technique: Option<Technique>,
    /// Numbers.
    pub metrics: FlowMetrics,
    /// Counters of expectations over all micro-batches of the update.
    pub expectations: Vec<ExpectationCounts>,
    /// Delta version of the target before and after; `None` where it has none.
    pub versions: Option<(i64, i64)>,
    /// Wall time in milliseconds.
    pub duration_ms: i64,
    /// Errors of this flow, and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// The chosen refresh technique with its reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technique {
    /// Name as in the event log, without the `MAINTENANCE_TYPE_` prefix.
    pub name: &'static str,
    /// Why, in words.
    pub reason: String,
}

/// Numbers of a flow over all micro-batches of an update.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowMetrics {
    /// Micro-batches or refreshes committed.
    pub batches: u64,
    /// Rows written.
    pub output_rows: u64,
    /// Rows removed (recomputed views: the rows they had).
    pub deleted_rows: u64,
    /// Bytes written.
    pub output_bytes: u64,
    /// Rows dropped by expectations.
    pub dropped_rows: u64,
    /// Records of files that could not be read as what they should be.
    pub bad_records: u64,
    /// Rows of a stream that came after the watermark had passed them.
    pub late_rows: u64,
    /// Files read.
    pub files: u64,
}

impl FlowMetrics {
    /// Adds the numbers of another micro-batch.
    pub fn add(&mut self, other: &Self) {
        self.batches += other.batches;
        self.output_rows += other.output_rows;
        self.deleted_rows += other.deleted_rows;
        self.output_bytes += other.output_bytes;
        self.dropped_rows += other.dropped_rows;
        self.bad_records += other.bad_records;
        self.late_rows += other.late_rows;
        self.files += other.files;
    }
}

/// Adds counters of one micro-batch to running totals, by name and dataset.
pub(crate) fn add_counts(totals: &mut Vec<ExpectationCounts>, counts: &[ExpectationCounts]) {
    for count in counts {
        match totals
            .iter_mut()
            .find(|t| t.name == count.name && t.dataset == count.dataset)
        {
            Some(total) => {
                total.passed_records += count.passed_records;
                total.failed_records += count.failed_records;
            }
            None => totals.push(count.clone()),
        }
    }
}
