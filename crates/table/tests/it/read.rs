//! Reading: versions, files, types, partitions, pruning.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;

use crate::support::{append, columns, made, memory, rows, table};

pub(crate) async fn all(provider: Arc<dyn TableProvider>) -> Vec<RecordBatch> {
    SessionContext::new()
        .read_table(provider)
        .unwrap()
        .collect()
        .await
        .unwrap()
}

/// The values of column `id`, sorted.
pub(crate) async fn ids(provider: Arc<dyn TableProvider>) -> Vec<i64> {
    let batches = all(provider).await;
    let mut ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            batch
                .column_by_name("id")
                .unwrap()
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_provider_stays_at_its_version_and_has_the_declared_types() {
    let store = memory();
    let table = table(&store).await;
    let first = made(append(&table, "a", 0, &rows(0..10)).await);
    made(append(&table, "a", 1, &rows(10..15)).await);
    assert_eq!(
        ids(table.provider(Some(first)).await.unwrap()).await,
        (0..10).collect::<Vec<_>>()
    );
    let newest = table.provider(None).await.unwrap();
    assert_eq!(newest.schema(), columns());
    let batches = all(Arc::clone(&newest)).await;
    assert!(
        batches.iter().all(|batch| batch.schema() == columns()),
        "{:?}",
        batches[0].schema()
    );
    assert_eq!(ids(newest).await, (0..15).collect::<Vec<_>>());
    assert!(table.provider(Some(99)).await.is_err());
}

#[tokio::test]
async fn files_of_commits_are_read_alone() {
    let store = memory();
    let table = table(&store).await;
    for batch in 0..4 {
        made(append(&table, "a", batch, &rows(batch * 10..batch * 10 + 10)).await);
    }
    let changes = table.changes(1, 3).await.unwrap();
    let files: Vec<_> = changes
        .into_iter()
        .flat_map(|change| change.added)
        .collect();
    assert_eq!(
        files.iter().map(|file| file.rows).collect::<Vec<_>>(),
        [Some(10), Some(10)]
    );
    let provider = table.provider_for_files(&files, 0).await.unwrap();
    assert_eq!(ids(provider).await, (10..30).collect::<Vec<_>>());
    assert_eq!(
        ids(table.provider_for_files(&[], 0).await.unwrap()).await,
        Vec::<i64>::new()
    );
    assert_eq!(table.snapshot_files(4).await.unwrap().len(), 4);
}
