//! What is remembered of jobs between processes. Whoever writes the next record has taken the start that it tells of,
//! so that two processes never start the same.

use serde::{Deserialize, Serialize};
use sluice_table::{Location, Store, TableError};

use crate::decide::Seen;
use crate::records::Records;

/// What was last taken care of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The time that was due; of the first record, when the job was first seen.
    pub due_us: i64,
    /// What was seen of what the job watches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Seen,
}

/// The records of one target.
#[derive(Debug, Clone)]
pub struct Memory {
    store: Store,
    folder: Location,
}

impl Memory {
    /// The records of the jobs of a target in a warehouse.
    #[must_use]
    pub fn new(store: &Store, target: Option<&str>) -> Self {
        // No pipeline's folder has a dot in its name.
        let folder = store.place(&["_sluice", "jobs.d", target.unwrap_or("default")]);
        Self {
            store: store.clone(),
            folder,
        }
    }

    fn records(&self, job: &str) -> Records {
        Records::new(&self.store, self.folder.child([job]))
    }

    /// The newest record of a job with its number; `None` before the first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn recall(&self, job: &str) -> Result<Option<(u64, Remembered)>, TableError> {
        self.records(job).newest().await
    }

    /// Writes a record; `false` when another process has written one of this number.
    ///
    /// # Errors
    /// The store fails.
    pub async fn remember(
        &self,
        job: &str,
        number: u64,
        record: &Remembered,
    ) -> Result<bool, TableError> {
        self.records(job).write(number, record).await
    }
}
