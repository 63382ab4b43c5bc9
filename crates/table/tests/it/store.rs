//! Places: names of datasets as folders, locations, and the two kinds of store.

use bytes::Bytes;
use sluice_model::DatasetName;
use sluice_table::{DeltaTable, Durability, PutOutcome, RepairPolicy, StepAction, Store};

use crate::read::ids;
use crate::support::{append, columns, definition, made, memory, options, rows};

fn local() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path(), Durability::Process, options()).unwrap();
    (folder, store)
}

#[tokio::test]
async fn any_name_is_one_folder_and_reads_back() {
    let (folder, local) = local();
    for store in [local, memory()] {
        for (name, expected) in [
            ("readings", "readings"),
            ("Größe 1/2", "gr=C3=B6=C3=9Fe=201=2F2"),
            ("..", "=2E=2E"),
            ("100%", "100=25"),
            ("a.b", "a.b"),
        ] {
            let location = store.table_location(&DatasetName::new("main", "default", name));
            assert_eq!(location.path().filename(), Some(expected));
            let definition = definition(columns());
            let table = DeltaTable::create_if_absent(&store, &location, &definition)
                .await
                .unwrap();
            made(append(&table, "a", 0, &rows(0..3)).await);
            let again = DeltaTable::existing(&store, &location).await.unwrap();
            assert_eq!(
                ids(again.provider(None).await.unwrap()).await,
                [0, 1, 2],
                "{name}"
            );
            let files = again.snapshot_files(1).await.unwrap();
            let provider = again.provider_for_files(&files, 0).await.unwrap();
            assert_eq!(ids(provider).await, [0, 1, 2], "{name}");
        }
    }
    assert!(
        folder
            .path()
            .join("main/default/gr=C3=B6=C3=9Fe=201=2F2/_delta_log")
            .is_dir()
    );
}

#[tokio::test]
async fn a_location_is_a_path_or_url_of_the_same_store() {
    let (folder, store) = local();
    let elsewhere = folder.path().canonicalize().unwrap().join("else where");
    let location = store.location_of(elsewhere.to_str().unwrap()).unwrap();
    let table = DeltaTable::create_if_absent(&store, &location, &definition(columns()))
        .await
        .unwrap();
    made(append(&table, "a", 0, &rows(0..2)).await);
    assert!(elsewhere.join("_delta_log").is_dir());
    assert_eq!(
        store.location_of(store.url_of(&location).as_str()).unwrap(),
        location
    );
    assert!(store.location_of("s3://bucket/table").is_err());
    assert!(store.location_of("relative").is_err());
    assert!(store.location_of("/tmp/100%/t").is_err());
}

#[tokio::test]
async fn objects_are_put_once_read_listed_and_deleted() {
    let (_folder, local) = local();
    for store in [local, memory()] {
        store.probe().await.unwrap();
        let place = store.place(&["_sluice", "p", "x.json"]);
        assert_eq!(store.get(&place).await.unwrap(), None);
        assert_eq!(
            store.put_if_absent(&place, Bytes::from("1")).await.unwrap(),
            PutOutcome::Created
        );
        assert_eq!(
            store.put_if_absent(&place, Bytes::from("2")).await.unwrap(),
            PutOutcome::AlreadyExists
        );
        assert_eq!(store.get(&place).await.unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(store.head(&place).await.unwrap().unwrap().size, 1);
        let below = store.place(&["_sluice", "p"]);
        let listed = store.list(&below).await.unwrap();
        assert_eq!(
            listed.iter().map(|meta| &meta.location).collect::<Vec<_>>(),
            [place.path()]
        );
        store.delete(&place).await.unwrap();
        store.delete(&place).await.unwrap();
        assert!(store.list(&below).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_restarted_store_has_the_objects_and_not_the_hook() {
    #[derive(Debug)]
    struct Never;
    impl sluice_table::StepHook for Never {
        fn on(&self, _step: sluice_table::Step<'_>) -> StepAction {
            StepAction::FailBefore
        }
    }
    let store = memory();
    let place = store.place(&["x"]);
    store.put(&place, Bytes::from("1")).await.unwrap();
    let dead = store
        .restarted(options().with_hook(std::sync::Arc::new(Never)))
        .unwrap();
    assert!(dead.put(&place, Bytes::from("2")).await.is_err());
    assert!(dead.delete(&place).await.is_err());
    assert!(dead.step("flow.start").is_err());
    let alive = dead.restarted(options()).unwrap();
    assert_eq!(alive.get(&place).await.unwrap().as_deref(), Some(&b"1"[..]));
    alive.step("flow.start").unwrap();
    assert_eq!(RepairPolicy::of(&alive), RepairPolicy::Report);
}
