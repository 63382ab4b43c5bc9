//! Creating tables and appending to them.

use sluice_table::{CommitOutcome, DeltaTable};

use crate::support::{append, columns, definition, made, memory, place, rows, table};

#[tokio::test]
async fn rows_are_appended_once_for_each_batch() {
    let store = memory();
    assert!(
        DeltaTable::open(&store, &place(&store))
            .await
            .unwrap()
            .is_none()
    );
    let table = table(&store).await;
    assert_eq!(table.version(), 0);
    assert_eq!(table.txn("a").await.unwrap(), None);

    assert_eq!(made(append(&table, "a", 0, &rows(0..10)).await), 1);
    assert_eq!(made(append(&table, "a", 1, &rows(10..15)).await), 2);
    assert!(matches!(
        append(&table, "a", 1, &rows(10..15)).await,
        CommitOutcome::AlreadyCommitted { version: 2 }
    ));

    let again = DeltaTable::existing(&store, &place(&store)).await.unwrap();
    assert_eq!(again.version(), 2);
    assert_eq!(again.row_count(), Some(15));
    assert_eq!(again.txn("a").await.unwrap(), Some(1));
    assert_eq!(again.id(), table.id());
    assert_eq!(again.schema(), columns());
}

#[tokio::test]
async fn a_table_is_made_once_whoever_comes_first() {
    let store = memory();
    let location = place(&store);
    let tables = futures::future::join_all((0..8).map(|_| {
        let (store, location) = (store.clone(), location.clone());
        async move {
            DeltaTable::create_if_absent(&store, &location, &definition(columns()))
                .await
                .unwrap()
                .id()
        }
    }))
    .await;
    assert!(tables.iter().all(|id| *id == tables[0]), "{tables:?}");
}
