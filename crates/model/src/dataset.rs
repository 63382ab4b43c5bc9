//! Kinds of datasets and flows, and expectations. Must not hold SQL syntax trees: those belong to `sql`.

use serde::{Deserialize, Serialize};

use crate::Origin;

/// What a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DatasetKind {
    /// Filled by streaming flows; each input row is processed once.
    StreamingTable,
    /// Always equal to its query at the time of its last refresh.
    MaterializedView,
    /// Known inside the pipeline only, stored nowhere.
    TemporaryView,
    /// A stored definition, no stored rows.
    PersistedView,
}

impl DatasetKind {
    /// Whether rows of this dataset are stored in a Delta table.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::StreamingTable | Self::MaterializedView)
    }

    /// The words for people: `streaming table`, `materialized view`, …
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::StreamingTable => "streaming table",
            Self::MaterializedView => "materialized view",
            Self::TemporaryView => "temporary view",
            Self::PersistedView => "view",
        }
    }
}

/// How a flow moves data into its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FlowKind {
    /// Streaming rows are appended, micro-batch by micro-batch.
    Append,
    /// A batch query is appended once, and again only after a full refresh.
    AppendOnce,
    /// The target is made equal to the query (materialized views).
    Complete,
    /// The query of a view: computed by whoever reads it.
    View,
}

/// What happens to a row for which an expectation is not TRUE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnViolation {
    /// The row is kept and counted.
    Warn,
    /// The row is counted and not written.
    DropRow,
    /// Nothing of the micro-batch is written and the flow fails.
    FailUpdate,
}

/// A named check on the output rows of a flow. A row passes if and only if the predicate is TRUE: NULL fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expectation {
    /// Name, unique per dataset, as written.
    pub name: String,
    /// The predicate as the user wrote it, without the outer parentheses.
    pub predicate: String,
    /// The action.
    pub on_violation: OnViolation,
    /// Where it was declared.
    pub origin: Origin,
}
