//! Small records that are written once and never changed, each with a number of its own; the newest one counts. Whoever
//! writes a number first has it. Must not know what a record says.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_table::{Location, PutOutcome, Store, TableError};

/// Records that are kept behind the newest one.
const KEPT: u64 = 3;

/// The records below one folder.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    store: Store,
    folder: Location,
}

impl Records {
    pub(crate) fn new(store: &Store, folder: Location) -> Self {
        Self {
            store: store.clone(),
            folder,
        }
    }

    fn place(&self, number: u64) -> Location {
        self.folder.child([format!("{number:020}.json").as_str()])
    }

    /// The newest record with its number; `None` before the first. One that does not read is as if it said nothing.
    pub(crate) async fn newest<T: DeserializeOwned + Default>(
        &self,
    ) -> Result<Option<(u64, T)>, TableError> {
        let listed = self.store.list(&self.folder).await?;
        let numbers = listed.iter().filter_map(|object| {
            object
                .location
                .filename()?
                .strip_suffix(".json")?
                .parse()
                .ok()
        });
        let Some(newest) = numbers.max() else {
            return Ok(None);
        };
        let bytes = self.store.get(&self.place(newest)).await?;
        let record = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Some((newest, record.unwrap_or_default())))
    }

    /// Writes a record; `false` when another process has written one of this number.
    pub(crate) async fn write<T: Serialize + Sync>(
        &self,
        number: u64,
        record: &T,
    ) -> Result<bool, TableError> {
        let bytes = serde_json::to_vec(record).unwrap_or_default();
        let put = self
            .store
            .put_if_absent(&self.place(number), bytes.into())
            .await?;
        if put == PutOutcome::Created && number > KEPT {
            // Best effort: an old record harms nobody.
            let _ = self.store.delete(&self.place(number - KEPT - 1)).await;
        }
        Ok(put == PutOutcome::Created)
    }
}
