//! What a streaming flow remembers from one micro-batch to the next, as data: watermarks, and which files hold the
//! state of its operators. Must not read or write those files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a streaming flow knows when a micro-batch begins.
///
/// The plan of a batch holds it, so that the batch can be done again; the commit of a batch tells what the next one
/// begins with. All times are microseconds since 1970 UTC; a watermark that never moved stands at 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// The watermark in force: state at or before it is closed by this batch.
    pub watermark_us: i64,
    /// The watermark of the batch before: rows at or before it are late.
    pub late_us: i64,
    /// The `WATERMARK` clauses of the query, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clauses: BTreeMap<String, WatermarkState>,
    /// The operators with state, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operators: BTreeMap<String, OperatorState>,
}

impl StreamState {
    /// Whether there is nothing to remember: the flow has neither watermark nor state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty() && self.operators.is_empty()
    }

    /// Whether the watermark has moved past where the last batch used it, so that a batch without rows closes something.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.watermark_us > self.late_us && self.operators.values().any(|state| state.closes)
    }

    /// The files that hold the state.
    pub fn files(&self) -> impl Iterator<Item = &StateFile> {
        self.operators.values().flat_map(|state| &state.files)
    }
}

/// What one `WATERMARK` clause has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkState {
    /// Event time and delay in words: another one is another clause.
    pub definition: String,
    /// The latest event time less the delay; 0 until a row was seen.
    pub watermark_us: i64,
}

/// The state of one operator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// What the state is made of, a line for each part: state of another shape cannot be gone on with.
    pub shape: Vec<String>,
    /// Whether a watermark closes state, and lets results out.
    pub closes: bool,
    /// The files, oldest first; together they are the state.
    pub files: Vec<StateFile>,
}

/// One immutable file of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    /// Its name in the folder of its operator.
    pub name: String,
    /// The batch that wrote it.
    pub batch: i64,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The first event time in it, `None` where its rows have none.
    pub first_us: Option<i64>,
    /// The last event time in it; `None` where some row has none, which no watermark closes.
    pub last_us: Option<i64>,
}
