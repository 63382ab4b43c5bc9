//! Tables that other writers change: what a commit of theirs means to streams that read it and flows that write it.

use std::sync::Arc;

use deltalake::delta_datafusion::create_session;
use deltalake::logstore::{StorageConfig, default_logstore};
use deltalake::protocol::SaveMode;
use object_store::prefix::PrefixStore;
use sluice_checkpoint::{FlowId, ForeignKind};
use sluice_table::{ChangeKind, DeltaTable, Store};

use crate::read::ids;
use crate::support::{append, made, memory, place, request, rows, table};

/// The table as another program opens it, without our wrappers.
async fn theirs(store: &Store) -> deltalake::DeltaTable {
    let (objects, location) = (store.objects(), place(store));
    let prefixed = Arc::new(PrefixStore::new(
        Arc::clone(&objects),
        location.path().clone(),
    ));
    let log = default_logstore(
        prefixed,
        objects,
        &store.url_of(&location),
        &StorageConfig::default(),
    );
    let mut table = deltalake::DeltaTable::new(log);
    table.load().await.unwrap();
    table
}

fn app(table: &DeltaTable) -> String {
    FlowId::new(&table.id(), "f", 0).app_id()
}

/// Three batches of ten rows by a flow of ours; versions 1 to 3.
async fn ours(store: &Store) -> DeltaTable {
    let table = table(store).await;
    for batch in 0..3 {
        made(
            append(
                &table,
                &app(&table),
                batch,
                &rows(batch * 10..batch * 10 + 10),
            )
            .await,
        );
    }
    table
}

async fn kinds(table: &DeltaTable) -> Vec<(ChangeKind, ForeignKind, String)> {
    table.refresh().await.unwrap();
    let changes = table.changes(3, table.version()).await.unwrap();
    let foreign = table.foreign_changes(3).await.unwrap();
    assert_eq!(changes.len(), foreign.len());
    changes
        .iter()
        .zip(foreign)
        .map(|(change, foreign)| (change.kind(), foreign.kind, foreign.operation))
        .collect()
}

#[tokio::test]
async fn commits_of_our_flows_are_not_foreign() {
    let store = memory();
    let table = ours(&store).await;
    assert_eq!(table.foreign_changes(0).await.unwrap(), []);
    let changes = table.changes(0, 3).await.unwrap();
    assert_eq!(
        changes
            .iter()
            .map(sluice_table::CommitChanges::kind)
            .collect::<Vec<_>>(),
        [ChangeKind::Appended; 3]
    );
    assert!(
        changes
            .iter()
            .all(|change| change.is_ours(&table.id()) && !change.is_ours("another"))
    );
    let last = table.commit_of(&app(&table), 1).await.unwrap().unwrap();
    assert_eq!(last.version, 3, "the newest commit at or after the batch");
    assert!(table.commit_of("other", 0).await.unwrap().is_none());
}

#[tokio::test]
async fn an_optimize_changes_no_rows_and_old_files_are_still_read_by_their_versions() {
    let store = memory();
    let table = ours(&store).await;
    let files: Vec<_> = table
        .changes(1, 3)
        .await
        .unwrap()
        .into_iter()
        .flat_map(|change| change.added)
        .collect();
    theirs(&store).await.optimize().await.unwrap();
    assert_eq!(
        kinds(&table).await,
        [(
            ChangeKind::Rearranged,
            ForeignKind::Harmless,
            "OPTIMIZE".into()
        )]
    );
    assert_eq!(table.txn(&app(&table)).await.unwrap(), Some(2));
    let provider = table
        .provider_for_files(&files, table.version())
        .await
        .unwrap();
    assert_eq!(ids(provider).await, (10..30).collect::<Vec<_>>());
    made(append(&table, &app(&table), 3, &rows(30..40)).await);
    assert_eq!(
        ids(table.provider(None).await.unwrap()).await,
        (0..40).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_delete_takes_rows_away() {
    let store = memory();
    let table = ours(&store).await;
    let session = Arc::new(create_session().into_inner().state());
    theirs(&store)
        .await
        .delete()
        .with_session_state(session)
        .with_predicate("id < 5")
        .await
        .unwrap();
    assert_eq!(
        kinds(&table).await,
        [(
            ChangeKind::Removed,
            ForeignKind::RemovedRows,
            "DELETE".into()
        )]
    );
}

#[tokio::test]
async fn appends_and_overwrites_of_others_are_told_apart() {
    let store = memory();
    let table = ours(&store).await;
    let theirs = theirs(&store)
        .await
        .write(vec![rows(90..91)])
        .with_save_mode(SaveMode::Append)
        .await
        .unwrap();
    theirs
        .write(vec![rows(91..92)])
        .with_save_mode(SaveMode::Overwrite)
        .await
        .unwrap();
    let kinds = kinds(&table).await;
    assert_eq!(kinds[0].0, ChangeKind::Appended);
    assert_eq!(kinds[0].1, ForeignKind::Append);
    assert_eq!(kinds[1].1, ForeignKind::RemovedRows);
    assert_eq!(
        table.txn(&app(&table)).await.unwrap(),
        Some(2),
        "transactions survive an overwrite"
    );
}

#[tokio::test]
async fn a_restore_is_seen_although_the_transaction_stays() {
    let store = memory();
    let table = ours(&store).await;
    theirs(&store)
        .await
        .restore()
        .with_version_to_restore(1)
        .await
        .unwrap();
    let kinds = kinds(&table).await;
    assert_eq!((kinds.len(), kinds[0].1), (1, ForeignKind::Restored));
    assert_eq!(table.txn(&app(&table)).await.unwrap(), Some(2));
    assert_eq!(
        ids(table.provider(None).await.unwrap()).await,
        (0..10).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_file_that_is_added_twice_gives_its_rows_once() {
    let store = memory();
    let table = ours(&store).await;
    let again = table.snapshot_files(3).await.unwrap()[0].clone();
    let fresh = request(&table, "x", 0, &rows(70..71)).await.adds.remove(0);
    let add = |path: &str, size: i64| {
        format!(
            "{{\"add\":{{\"path\":\"{path}\",\"partitionValues\":{{}},\"size\":{size},\"modificationTime\":1,\"dataChange\":true}}}}"
        )
    };
    let text = format!(
        "{}\n{}",
        add(&again.path, i64::try_from(again.size).unwrap()),
        add(&fresh.path, fresh.size)
    );
    let place = place(&store).child(["_delta_log", "00000000000000000004.json"]);
    store.put_if_absent(&place, text.into()).await.unwrap();
    table.refresh().await.unwrap();
    let changes = table.changes(3, 4).await.unwrap();
    assert_eq!(
        changes[0]
            .added
            .iter()
            .map(|file| file.path.as_str())
            .collect::<Vec<_>>(),
        [fresh.path.as_str()]
    );
    assert_eq!(changes[0].operation, "");
}

#[tokio::test]
async fn a_log_without_the_versions_that_a_stream_needs_is_an_error() {
    let store = memory();
    let table = ours(&store).await;
    store
        .delete(&place(&store).child(["_delta_log", "00000000000000000002.json"]))
        .await
        .unwrap();
    let error = table.changes(0, 3).await.unwrap_err();
    assert_eq!(error.condition().name, "DELTA_VERSION_NOT_FOUND");
}

#[tokio::test]
async fn features_that_we_do_not_write_are_refused_by_name() {
    let store = memory();
    let table = ours(&store).await;
    let text = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["appendOnly","invariants","domainMetadata","rowTracking"]}}"#;
    let place = place(&store).child(["_delta_log", "00000000000000000004.json"]);
    store.put_if_absent(&place, text.into()).await.unwrap();
    let table = DeltaTable::existing(&store, table.location())
        .await
        .unwrap();
    assert_eq!(ids(table.provider(None).await.unwrap()).await.len(), 30);
    let request = request(&table, "x", 0, &rows(0..1)).await;
    let error = table.commit(&request).await.unwrap_err();
    assert_eq!(
        error.condition().name,
        "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE"
    );
    assert!(error.to_string().contains("rowTracking"), "{error}");
}

#[tokio::test]
async fn features_that_we_do_not_read_are_refused_by_name() {
    let store = memory();
    let table = ours(&store).await;
    let text = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["typeWidening","madeUp"],"writerFeatures":["typeWidening","madeUp"]}}"#;
    let place = place(&store).child(["_delta_log", "00000000000000000004.json"]);
    store.put_if_absent(&place, text.into()).await.unwrap();
    let error = DeltaTable::open(&store, table.location())
        .await
        .unwrap_err();
    assert_eq!(
        error.condition().name,
        "DELTA_UNSUPPORTED_FEATURES_FOR_READ",
        "{error}"
    );
    assert!(error.to_string().contains("madeUp"), "{error}");
}

#[tokio::test]
async fn a_table_that_was_dropped_and_made_again_is_not_written_by_an_old_handle() {
    let store = memory();
    let old = ours(&store).await;
    let late = request(&old, &app(&old), 3, &rows(30..40)).await;
    for object in store
        .list(&place(&store).child(["_delta_log"]))
        .await
        .unwrap()
    {
        store
            .delete(&place(&store).at(object.location))
            .await
            .unwrap();
    }
    let new = table(&store).await;
    assert_ne!(new.id(), old.id());
    let outcome = old.commit(&late).await.unwrap();
    assert!(
        matches!(outcome, sluice_table::CommitOutcome::Conflict(_)),
        "{outcome:?}"
    );
    assert_eq!(new.refresh().await.unwrap(), 0);
}

#[tokio::test]
async fn an_append_only_table_refuses_to_lose_rows_at_once() {
    let store = memory();
    let properties = std::collections::BTreeMap::from([("delta.appendOnly".into(), "true".into())]);
    let definition = sluice_table::TableDefinition {
        properties,
        ..crate::support::definition(crate::support::columns())
    };
    let table = DeltaTable::create_if_absent(&store, &place(&store), &definition)
        .await
        .unwrap();
    made(append(&table, "a", 0, &rows(0..3)).await);
    let mut replace = request(&table, "a", 1, &rows(3..6)).await;
    replace.removes = sluice_table::Removes::All;
    let error = table.commit(&replace).await.unwrap_err();
    assert!(error.to_string().contains("delta.appendOnly"), "{error}");
    assert_eq!(table.refresh().await.unwrap(), 1);
}
