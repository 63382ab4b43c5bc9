//! Logs that a power loss damaged, and log checkpoints.

use bytes::Bytes;
use sluice_table::{DeltaTable, Durability, Location, Repair, RepairPolicy, Store};

use crate::read::ids;
use crate::support::{append, made, memory, options, place, rows, table};

fn log_file(store: &Store, name: &str) -> Location {
    place(store).child(["_delta_log", name])
}

fn commit(store: &Store, version: u64) -> Location {
    log_file(store, &format!("{version:020}.json"))
}

/// A table with three batches of ten rows, and a checkpoint at version 2.
async fn damaged_later() -> Store {
    let store = memory();
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..10)).await);
    made(append(&table, "a", 1, &rows(10..20)).await);
    assert_eq!(table.checkpoint_if_due(1).await.unwrap(), Some(2));
    made(append(&table, "a", 2, &rows(20..30)).await);
    store
}

/// Damages a file and checks what is repaired, how many rows are there then, and that nothing is touched without leave.
async fn check(
    name: &str,
    damage: impl Fn(Bytes) -> Option<Bytes>,
    repairs: &[Repair],
    rows_left: i64,
) {
    let store = damaged_later().await;
    let file = log_file(&store, name);
    let bytes = store.get(&file).await.unwrap().unwrap();
    match damage(bytes) {
        Some(bytes) => store.put(&file, bytes).await.unwrap(),
        None => store.delete(&file).await.unwrap(),
    }
    let damaged = store.get(&file).await.unwrap();
    if !repairs.is_empty() {
        let report = DeltaTable::open_repaired(&store, &place(&store), RepairPolicy::Report).await;
        assert_eq!(
            report.unwrap_err().condition().name,
            "DELTA_TABLE_DAMAGED",
            "{name}"
        );
        assert_eq!(store.get(&file).await.unwrap(), damaged);
    }
    let (opened, repaired) = DeltaTable::open_repaired(&store, &place(&store), RepairPolicy::Auto)
        .await
        .unwrap();
    assert_eq!(
        repaired
            .iter()
            .map(|repaired| repaired.repair)
            .collect::<Vec<_>>(),
        repairs,
        "{name}"
    );
    let opened = opened.unwrap();
    let provider = opened.provider(None).await.unwrap();
    assert_eq!(
        ids(provider).await,
        (0..rows_left).collect::<Vec<_>>(),
        "{name}"
    );
    assert_eq!(opened.txn("a").await.unwrap(), Some(rows_left / 10 - 1));
    for repaired in &repaired {
        assert!(repaired.kept_at.contains("_sluice/quarantine/"));
    }
    // The batch that was torn away is done again.
    for batch in rows_left / 10..3 {
        made(append(&opened, "a", batch, &rows(batch * 10..batch * 10 + 10)).await);
    }
    assert_eq!(
        ids(opened.provider(None).await.unwrap()).await,
        (0..30).collect::<Vec<_>>(),
        "{name}"
    );
}

#[tokio::test]
async fn what_a_power_loss_leaves_is_repaired_without_losing_rows() {
    let newest = "00000000000000000003.json";
    let checkpoint = "00000000000000000002.checkpoint.parquet";
    check(newest, |_| Some(Bytes::new()), &[Repair::NewestCommit], 20).await;
    check(
        newest,
        |bytes| Some(bytes.slice(..bytes.len() / 2)),
        &[Repair::NewestCommit],
        20,
    )
    .await;
    check(
        newest,
        |bytes| Some(Bytes::from(vec![0; bytes.len()])),
        &[Repair::NewestCommit],
        20,
    )
    .await;
    check(
        checkpoint,
        |bytes| Some(bytes.slice(..bytes.len() / 2)),
        &[Repair::Checkpoint, Repair::CheckpointHint],
        30,
    )
    .await;
    check(checkpoint, |_| None, &[Repair::CheckpointHint], 30).await;
    check(
        "_last_checkpoint",
        |_| Some(Bytes::from_static(b"garbage")),
        &[],
        30,
    )
    .await;
    check("_last_checkpoint", |_| None, &[], 30).await;
}

#[tokio::test]
async fn a_table_that_was_torn_while_it_was_made_is_made_again() {
    let store = memory();
    store
        .put(&commit(&store, 0), Bytes::from_static(b"{\"commitInfo\":"))
        .await
        .unwrap();
    let (opened, repaired) = DeltaTable::open_repaired(&store, &place(&store), RepairPolicy::Auto)
        .await
        .unwrap();
    assert!(opened.is_none());
    assert_eq!(repaired.len(), 1);
    made(append(&table(&store).await, "a", 0, &rows(0..1)).await);
}

#[tokio::test]
async fn a_gap_in_the_log_is_not_repaired() {
    let store = memory();
    let table = table(&store).await;
    for batch in 0..3 {
        made(append(&table, "a", batch, &rows(batch * 10..batch * 10 + 10)).await);
    }
    store.delete(&commit(&store, 2)).await.unwrap();
    assert!(
        DeltaTable::open_repaired(&store, &place(&store), RepairPolicy::Auto)
            .await
            .is_err()
    );
    assert!(store.get(&commit(&store, 3)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_table_opens_from_its_checkpoint_alone() {
    let store = memory();
    let table = table(&store).await;
    let mut written = vec![];
    for batch in 0..250 {
        made(append(&table, "a", batch, &rows(batch..batch + 1)).await);
        written.extend(table.checkpoint_if_due(100).await.unwrap());
    }
    assert_eq!(written, [99, 199]);
    for version in 0..=199 {
        store.delete(&commit(&store, version)).await.unwrap();
    }
    let again = DeltaTable::existing(&store, &place(&store)).await.unwrap();
    assert_eq!(again.version(), 250);
    assert_eq!(again.txn("a").await.unwrap(), Some(249));
    assert_eq!(
        ids(again.provider(None).await.unwrap()).await,
        (0..250).collect::<Vec<_>>()
    );
    made(append(&again, "a", 250, &rows(250..251)).await);
    assert_eq!(again.row_count(), Some(251));
}

#[tokio::test]
async fn staging_files_of_a_killed_process_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path(), Durability::Fsync, options()).unwrap();
    store.probe().await.unwrap();
    assert_eq!(RepairPolicy::of(&store), RepairPolicy::Auto);
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..10)).await);
    let log = folder.path().join("main/default/t/_delta_log");
    std::fs::write(log.join("00000000000000000002.json#123"), b"{\"half").unwrap();
    std::fs::write(
        folder.path().join("main/default/t/part-x.parquet#7"),
        b"PAR",
    )
    .unwrap();
    let (again, repaired) = DeltaTable::open_repaired(&store, &place(&store), RepairPolicy::Auto)
        .await
        .unwrap();
    let again = again.unwrap();
    assert!(repaired.is_empty());
    made(append(&again, "a", 1, &rows(10..20)).await);
    assert_eq!(
        ids(again.provider(None).await.unwrap()).await,
        (0..20).collect::<Vec<_>>()
    );
    let left: Vec<_> = std::fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        left.iter()
            .filter(|name| name.to_string_lossy().contains('#'))
            .count(),
        1,
        "{left:?}"
    );
}

#[tokio::test]
async fn a_checkpoint_holds_while_the_table_moves_on() {
    let store = memory();
    let table = table(&store).await;
    for batch in 0..10 {
        let values = rows(batch..batch + 1);
        let (written, appended) = tokio::join!(
            table.checkpoint_if_due(1),
            append(&table, "a", batch, &values)
        );
        made(appended);
        let at = u64::try_from(batch).unwrap();
        assert_eq!(written.unwrap(), Some(at));
    }
}
