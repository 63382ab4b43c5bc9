//! Other programs that write to tables of a case: through the Delta library alone, as Spark or a notebook would,
//! knowing nothing of flows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::DeltaTable;
use deltalake::delta_datafusion::create_session;
use deltalake::logstore::{StorageConfig, default_logstore};
use deltalake::protocol::SaveMode;
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use sluice_table::{Location, Store};

/// What another program does to a table.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Adds rows; makes the table if there is none.
    Append(Vec<RecordBatch>),
    /// Replaces all rows.
    Overwrite(Vec<RecordBatch>),
    /// Deletes the rows that a predicate holds for.
    Delete(String),
    /// Rewrites small files as large ones.
    Optimize,
    /// Sets a table property.
    Set(String, String),
    /// Sets the table back to a version.
    Restore(u64),
}

/// Does it.
pub(crate) async fn act(
    objects: Arc<dyn ObjectStore>,
    store: &Store,
    location: &Location,
    act: Act,
) -> Result<(), String> {
    let table = open(objects, store, location, matches!(act, Act::Append(_))).await?;
    let done = match act {
        Act::Append(rows) => table
            .write(rows)
            .with_save_mode(SaveMode::Append)
            .await
            .map(drop),
        Act::Overwrite(rows) => table
            .write(rows)
            .with_save_mode(SaveMode::Overwrite)
            .await
            .map(drop),
        Act::Delete(predicate) => {
            let session = Arc::new(create_session().into_inner().state());
            table
                .delete()
                .with_session_state(session)
                .with_predicate(predicate)
                .await
                .map(drop)
        }
        Act::Optimize => table.optimize().await.map(drop),
        Act::Set(key, value) => table
            .set_tbl_properties()
            .with_properties([(key, value)].into())
            .with_raise_if_not_exists(false)
            .await
            .map(drop),
        Act::Restore(version) => table
            .restore()
            .with_version_to_restore(version)
            .await
            .map(drop),
    };
    done.map_err(|error| error.to_string())
}

/// The table as another program opens it: on the bare objects, without our store's wrappers.
async fn open(
    objects: Arc<dyn ObjectStore>,
    store: &Store,
    location: &Location,
    may_be_absent: bool,
) -> Result<DeltaTable, String> {
    let prefixed = Arc::new(PrefixStore::new(
        Arc::clone(&objects),
        location.path().clone(),
    ));
    let log = default_logstore(
        prefixed,
        objects,
        &store.url_of(location),
        &StorageConfig::default(),
    );
    let mut table = DeltaTable::new(log);
    match table.load().await {
        Err(error) if !may_be_absent => Err(error.to_string()),
        _ => Ok(table),
    }
}
