//! An export as a Delta table, with the columns, comment and partitions of the exported one. In a bucket a new table appears
//! with the one object of its log, which is put last; a table that is replaced becomes the rows with one commit. Must not
//! know other formats.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use sluice_model::{DatasetName, Diagnostic};
use sluice_run::RowStream;
use sluice_table::{
    CommitOutcome, CommitRequest, DataWriter, DeltaTable, Durability, MetadataChange, Removes,
    Store, StoreOptions, TableDefinition, TableError, WriteOptions,
};
use url::Url;

use super::bucket::Wanted;
use super::unwritable;
use crate::edge::{RandomIds, SystemClock};
use crate::workplace::Workplace;

/// The application of a commit in the table's log.
const APPLICATION: &str = "sluice-export";

/// The folder of a table's log.
pub(super) const LOG: &str = "_delta_log";

/// Refuses to write where anything is below the key.
pub(super) async fn check_free(wanted: &Wanted) -> Result<(), Diagnostic> {
    let first = wanted.bucket.list(Some(&wanted.key)).try_next().await;
    match first.map_err(|error| wanted.failed("list", error))? {
        None => Ok(()),
        Some(_) => Err(wanted.taken()),
    }
}

/// The rows as a new table in a folder; gives their number.
pub(super) async fn into_folder(
    place: &Workplace,
    exported: &str,
    folder: &Path,
    rows: RowStream,
) -> Result<u64, Vec<Diagnostic>> {
    std::fs::create_dir_all(folder).map_err(|error| vec![unwritable(folder, &error)])?;
    let definition = definition(place, exported, &rows.schema()).await?;
    let store = Store::local(folder, Durability::Fsync, options()).map_err(told)?;
    let table = DeltaTable::create_if_absent(&store, &store.place(&[]), &definition)
        .await
        .map_err(told)?;
    let writer = table.writer(WriteOptions::new("export", 0));
    let request = CommitRequest {
        txns: vec![(APPLICATION.to_owned(), 0)],
        parameters: serde_json::json!({ "mode": "Append" }),
        ..CommitRequest::default()
    };
    written(&table, writer, rows, request, folder).await
}

/// The rows as a table below a key of a bucket; gives their number.
pub(super) async fn into_bucket(
    place: &Workplace,
    exported: &str,
    wanted: &Wanted,
    rows: RowStream,
) -> Result<u64, Vec<Diagnostic>> {
    let written_as = Path::new(&wanted.written);
    let base = Url::parse(&format!("s3://{}/{}/", wanted.name, wanted.key))
        .map_err(|error| vec![unwritable(written_as, &error)])?;
    let store = Store::open(Arc::clone(&wanted.bucket), base, options()).map_err(told)?;
    let there = DeltaTable::open(&store, &store.place(&[])).await;
    if let Some(table) = there.map_err(told)? {
        let definition = definition(place, exported, &rows.schema()).await?;
        let (columns, partitions) = (&definition.columns, &definition.partition_by);
        let options = WriteOptions::new("export", 0);
        let writer = table.writer_for(Arc::clone(columns), partitions.clone(), options);
        // Each replacement is a transaction of its own.
        let number = i64::try_from(table.version()).unwrap_or(i64::MAX - 1) + 1;
        let replaces = CommitRequest {
            removes: Removes::All,
            txns: vec![(APPLICATION.to_owned(), number)],
            parameters: serde_json::json!({ "mode": "Overwrite" }),
            metadata: Some(MetadataChange {
                columns: Some(definition.columns),
                comment: Some(definition.comment),
                properties: BTreeMap::new(),
                partition_by: Some(definition.partition_by),
            }),
            ..CommitRequest::default()
        };
        return written(&table, writer, rows, replaces, written_as).await;
    }
    let folder =
        tempfile::tempdir().map_err(|error| vec![unwritable(&std::env::temp_dir(), &error)])?;
    let count = into_folder(place, exported, folder.path(), rows).await?;
    let put = upload(wanted, folder.path()).await;
    put.map_err(|error| vec![error])?;
    Ok(count)
}

/// Puts the files of a new table, and then its log as one commit.
async fn upload(wanted: &Wanted, folder: &Path) -> Result<(), Diagnostic> {
    let unread = |error: object_store::Error| unwritable(Path::new(&wanted.written), &error);
    let here = LocalFileSystem::new_with_prefix(folder).map_err(unread)?;
    let files: Vec<_> = here.list(None).try_collect().await.map_err(unread)?;
    let mut keys: Vec<Key> = files.into_iter().map(|file| file.location).collect();
    keys.sort();
    let mut log: Vec<String> = vec![];
    for key in keys {
        let file = here.path_to_filesystem(&key).map_err(unread)?;
        if key.as_ref().starts_with(LOG) {
            let commit = std::fs::read_to_string(&file);
            let commit = commit.map_err(|error| unwritable(&file, &error))?;
            // One commit tells of itself once: as the last one.
            log.retain(|action| !action.starts_with("{\"commitInfo\""));
            log.extend(commit.lines().map(|action| format!("{action}\n")));
            continue;
        }
        let target = Key::parse(format!("{}/{key}", wanted.key));
        let target = target.map_err(|error| unread(error.into()))?;
        wanted.upload_as(&file, &target).await?;
    }
    let first = Key::from(format!("{}/{LOG}/{:020}.json", wanted.key, 0));
    let log = log.concat();
    let put = wanted
        .bucket
        .put_opts(&first, log.clone().into(), PutMode::Create.into());
    match put.await {
        Ok(_) => Ok(()),
        // It may be ours, put by a request whose answer was lost: the names of its files are nobody else's.
        Err(object_store::Error::AlreadyExists { .. }) => {
            let there = wanted.bucket.get(&first).await;
            let there = there.map_err(|error| wanted.failed("read", error))?;
            let there = there.bytes().await;
            let there = there.map_err(|error| wanted.failed("read", error))?;
            if there == log.as_bytes() {
                Ok(())
            } else {
                Err(wanted.taken())
            }
        }
        Err(error) => Err(wanted.failed("write", error)),
    }
}

/// What the table is to be, as far as the exported one tells it.
async fn definition(
    place: &Workplace,
    exported: &str,
    schema: &SchemaRef,
) -> Result<TableDefinition, Vec<Diagnostic>> {
    let parts = exported.split('.').map(|part| part.trim_matches('`'));
    let parts: Vec<String> = parts.map(str::to_owned).collect();
    let exported = match DatasetName::qualify(&parts, &place.namespace()) {
        Some(name) => place.engine.table(&place.declared, &name).await?,
        None => None,
    };
    // Columns of an older version may be others: then only what the rows say is known.
    let names = |schema: &SchemaRef| -> Vec<String> {
        let fields = schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    };
    let same = exported.filter(|table| names(&table.schema()) == names(schema));
    let same = same.as_ref();
    Ok(TableDefinition {
        name: None,
        comment: same.and_then(DeltaTable::comment),
        columns: same.map_or_else(|| Arc::clone(schema), DeltaTable::schema),
        partition_by: same.map(DeltaTable::partition_by).unwrap_or_default(),
        properties: BTreeMap::new(),
    })
}

/// Commits the rows to a table; gives their number.
async fn written(
    table: &DeltaTable,
    mut writer: DataWriter,
    mut rows: RowStream,
    request: CommitRequest,
    named: &Path,
) -> Result<u64, Vec<Diagnostic>> {
    while let Some(batch) = rows.next().await? {
        writer.write(&batch).await.map_err(told)?;
    }
    let count = writer.rows();
    let request = CommitRequest {
        adds: writer.finish().await.map_err(told)?,
        operation: "WRITE".to_owned(),
        ..request
    };
    match table.commit(&request).await.map_err(told)? {
        CommitOutcome::Committed { .. } => Ok(count),
        other => Err(vec![unwritable(named, &format!("{other:?}"))]),
    }
}

fn options() -> StoreOptions {
    StoreOptions::new(Arc::new(SystemClock), Arc::new(RandomIds))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it turns one error into another"
)]
fn told(error: TableError) -> Vec<Diagnostic> {
    vec![error.diagnostic()]
}
