//! What is remembered of jobs between processes: small records that are written once, each with a number of its own.
//! Whoever writes the next one has taken the start that it tells of, so that two processes never start the same.

use serde::{Deserialize, Serialize};
use sluice_table::{Location, PutOutcome, Store, TableError};

use crate::decide::Seen;

/// Records that are kept behind the newest one.
const KEPT: u64 = 3;

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

    fn place(&self, job: &str, number: u64) -> Location {
        let name = format!("{number:020}.json");
        self.folder.child([job, name.as_str()])
    }

    /// The newest record of a job with its number; `None` before the first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn recall(&self, job: &str) -> Result<Option<(u64, Remembered)>, TableError> {
        let listed = self.store.list(&self.folder.child([job])).await?;
        let numbers = listed.iter().filter_map(|object| number(object.location.filename()?));
        let Some(newest) = numbers.max() else {
            return Ok(None);
        };
        let bytes = self.store.get(&self.place(job, newest)).await?;
        // A record that does not read says nothing of the time: the job is taken as seen for the first time.
        let record = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Some((newest, record.unwrap_or_default())))
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
        let bytes = serde_json::to_vec(record).unwrap_or_default();
        let put = self.store.put_if_absent(&self.place(job, number), bytes.into()).await?;
        if put == PutOutcome::Created && number > KEPT {
            // Best effort: an old record harms nobody.
            let _ = self.store.delete(&self.place(job, number - KEPT - 1)).await;
        }
        Ok(put == PutOutcome::Created)
    }
}

/// The number in the name of a record.
pub(crate) fn number(file: &str) -> Option<u64> {
    file.strip_suffix(".json")?.parse().ok()
}
