//! Storage that fails, answers that are lost, engines that race: each batch is in the table once all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_table::{CommitOutcome, DeltaTable, Step, StepAction, StepHook, Store};

use crate::read::ids;
use crate::support::{append, made, options, place, request, rows, table};

/// Makes the nth step of a name act differently, once.
#[derive(Debug)]
struct Once {
    name: &'static str,
    nth: usize,
    action: StepAction,
    seen: AtomicUsize,
}

impl Once {
    fn new(name: &'static str, nth: usize, action: StepAction) -> Arc<Self> {
        Arc::new(Self {
            name,
            nth,
            action,
            seen: AtomicUsize::new(0),
        })
    }

    fn was_hit(&self) -> bool {
        self.seen.load(Ordering::Relaxed) > self.nth
    }
}

impl StepHook for Once {
    fn on(&self, step: Step<'_>) -> StepAction {
        if step.name == self.name && self.seen.fetch_add(1, Ordering::Relaxed) == self.nth {
            self.action
        } else {
            StepAction::Proceed
        }
    }
}

fn hooked(hook: &Arc<Once>) -> Store {
    Store::memory(options().with_hook(Arc::clone(hook) as Arc<dyn StepHook>)).unwrap()
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_is_no_second_commit() {
    let hook = Once::new("put.commit", 1, StepAction::FailAfter);
    let store = hooked(&hook);
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..3)).await);
    assert_eq!(made(append(&table, "a", 1, &rows(3..6)).await), 2);
    assert!(hook.was_hit());
    assert_eq!(table.version(), 2);
    assert_eq!(
        ids(table.provider(None).await.unwrap()).await,
        (0..6).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_commit_that_did_not_land_is_tried_again() {
    let hook = Once::new("put.commit", 1, StepAction::FailBefore);
    let store = hooked(&hook);
    let table = table(&store).await;
    made(append(&table, "a", 0, &rows(0..3)).await);
    assert_eq!(made(append(&table, "a", 1, &rows(3..6)).await), 2);
    assert!(hook.was_hit());
    assert_eq!(
        ids(table.provider(None).await.unwrap()).await,
        (0..6).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_transaction_that_does_not_count_by_one_is_reconciled_too() {
    let hook = Once::new("put.commit", 1, StepAction::FailBefore);
    let store = hooked(&hook);
    let table = table(&store).await;
    made(append(&table, "events", 10, &rows(0..3)).await);
    assert_eq!(made(append(&table, "events", 25, &rows(3..6)).await), 2);
    assert!(hook.was_hit());
    assert_eq!(table.txn("events").await.unwrap(), Some(25));
}

#[tokio::test]
async fn a_lost_answer_to_the_first_commit_makes_one_table() {
    for action in [StepAction::FailAfter, StepAction::FailBefore] {
        let hook = Once::new("put.create", 0, action);
        let store = hooked(&hook);
        let definition = crate::support::definition(crate::support::columns());
        let made = DeltaTable::create_if_absent(&store, &place(&store), &definition).await;
        assert!(hook.was_hit());
        assert_eq!(made.is_ok(), action == StepAction::FailAfter);
        assert_eq!(table(&store).await.version(), 0);
    }
}

#[tokio::test]
async fn data_that_was_not_written_is_not_committed() {
    let hook = Once::new("put.data", 0, StepAction::FailBefore);
    let store = hooked(&hook);
    let table = table(&store).await;
    let mut writer = table.writer(sluice_table::WriteOptions::new("f", 0));
    writer.write(&rows(0..3)).await.unwrap();
    assert!(writer.finish().await.is_err());

    let request = request(&table, "a", 0, &rows(0..3)).await;
    let file = table.location().child(request.adds[0].path.split('/'));
    store.delete(&file).await.unwrap();
    let error = table.commit(&request).await.unwrap_err();
    assert_eq!(error.condition().name, "DELTA_TABLE_DAMAGED");
    assert_eq!(table.refresh().await.unwrap(), 0);
}

#[tokio::test]
async fn of_two_engines_with_one_batch_one_commits() {
    let store = Store::memory(options()).unwrap();
    let first = table(&store).await;
    // Another process: its own handle, cache and locks.
    let other = store.restarted(options()).unwrap();
    let second = DeltaTable::existing(&other, &place(&other)).await.unwrap();
    let batch = rows(0..3);
    let (left, right) = tokio::join!(
        append(&first, "a", 0, &batch),
        append(&second, "a", 0, &batch)
    );
    let committed = [&left, &right]
        .iter()
        .filter(|outcome| matches!(outcome, CommitOutcome::Committed { .. }))
        .count();
    let seen = [&left, &right]
        .iter()
        .filter(|outcome| matches!(outcome, CommitOutcome::AlreadyCommitted { .. }))
        .count();
    assert_eq!((committed, seen), (1, 1), "{left:?} {right:?}");
    first.refresh().await.unwrap();
    assert_eq!(ids(first.provider(None).await.unwrap()).await, [0, 1, 2]);
}

#[tokio::test]
async fn engines_that_append_side_by_side_all_get_their_rows_in() {
    let store = Store::memory(options()).unwrap();
    table(&store).await;
    let engines = (0..4_i64).map(|engine| {
        let store = store.restarted(options()).unwrap();
        async move {
            let table = DeltaTable::existing(&store, &place(&store)).await.unwrap();
            for batch in 0..5 {
                let from = engine * 100 + batch * 10;
                made(append(&table, &format!("a{engine}"), batch, &rows(from..from + 10)).await);
            }
        }
    });
    futures::future::join_all(engines).await;
    let table = DeltaTable::existing(&store, &place(&store)).await.unwrap();
    assert_eq!(table.version(), 20);
    let expected: Vec<i64> = (0..4)
        .flat_map(|engine| engine * 100..engine * 100 + 50)
        .collect();
    assert_eq!(ids(table.provider(None).await.unwrap()).await, expected);
    assert_eq!(
        table
            .txns("a")
            .await
            .unwrap()
            .values()
            .copied()
            .collect::<Vec<_>>(),
        [4, 4, 4, 4]
    );
}

#[tokio::test]
async fn a_request_that_no_engine_may_make_is_refused() {
    let store = Store::memory(options()).unwrap();
    let table = table(&store).await;
    let good = request(&table, "a", 0, &rows(0..3)).await;
    let mut without = good.clone();
    without.txns.clear();
    let mut twice = good.clone();
    twice.txns.push(("a".into(), 1));
    for bad in [without, twice] {
        assert!(table.commit(&bad).await.is_err());
    }
    assert_eq!(table.refresh().await.unwrap(), 0);
}

/// A store that overwrites what must only be created.
#[derive(Debug)]
struct Overwriting(object_store::memory::InMemory);

impl std::fmt::Display for Overwriting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Overwriting")
    }
}

mod overwriting {
    use futures::stream::BoxStream;
    use object_store::path::Path;
    use object_store::{
        CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
        PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    };

    #[async_trait::async_trait]
    impl ObjectStore for super::Overwriting {
        async fn put_opts(
            &self,
            path: &Path,
            payload: PutPayload,
            mut options: PutOptions,
        ) -> Result<PutResult> {
            options.mode = PutMode::Overwrite;
            self.0.put_opts(path, payload, options).await
        }
        async fn put_multipart_opts(
            &self,
            path: &Path,
            options: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.0.put_multipart_opts(path, options).await
        }
        async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
            self.0.get_opts(path, options).await
        }
        fn delete_stream(
            &self,
            paths: BoxStream<'static, Result<Path>>,
        ) -> BoxStream<'static, Result<Path>> {
            self.0.delete_stream(paths)
        }
        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.0.list(prefix)
        }
        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.0.list_with_delimiter(prefix).await
        }
        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.0.copy_opts(from, to, options).await
        }
    }
}

#[tokio::test]
async fn a_store_without_conditional_writes_is_refused() {
    Store::memory(options()).unwrap().probe().await.unwrap();
    let base = url::Url::parse("memory:///w/").unwrap();
    let objects = Arc::new(Overwriting(object_store::memory::InMemory::new()));
    let error = Store::open(objects, base, options())
        .unwrap()
        .probe()
        .await
        .unwrap_err();
    assert_eq!(error.condition().name, "STORAGE_UNSAFE");
}
