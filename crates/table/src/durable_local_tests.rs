//! Tests of durable local disk.

use super::*;
use object_store::ObjectStoreExt;

fn store() -> (tempfile::TempDir, DurableLocal, Path) {
    let folder = tempfile::tempdir().unwrap();
    let base = Path::from_absolute_path(folder.path()).unwrap();
    (folder, DurableLocal::new(Durability::Fsync), base)
}

async fn names(store: &DurableLocal, base: &Path, offset: &str) -> Vec<String> {
    let offset = Path::parse(format!("{base}/{offset}")).unwrap();
    let listed: Vec<_> = store
        .list_with_offset(Some(base), &offset)
        .try_collect()
        .await
        .unwrap();
    let mut names: Vec<_> = listed
        .iter()
        .map(|meta| meta.location.filename().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_exists_is_created_once_and_stays_whole() {
    let (folder, store, base) = store();
    let path = base.clone().join("new").join("folder").join("x.json");
    let create = || PutOptions::from(PutMode::Create);
    store
        .put_opts(&path, "first".into(), create())
        .await
        .unwrap();
    let again = store.put_opts(&path, "second".into(), create()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    assert_eq!(
        store.get(&path).await.unwrap().bytes().await.unwrap(),
        "first"
    );
    store.put(&path, "third".into()).await.unwrap();
    assert_eq!(
        store.get(&path).await.unwrap().bytes().await.unwrap(),
        "third"
    );
    let files = std::fs::read_dir(folder.path().join("new/folder"))
        .unwrap()
        .count();
    assert_eq!(files, 1, "no staging file stays");
}

#[tokio::test]
async fn an_upload_appears_when_it_is_complete_and_not_before() {
    let (folder, store, base) = store();
    let path = base.clone().join("big.parquet");
    let mut upload = store.put_multipart(&path).await.unwrap();
    let parts: Vec<_> = (0..5_u8)
        .map(|part| upload.put_part(vec![part; 1000].into()))
        .collect();
    futures::future::try_join_all(parts.into_iter().rev())
        .await
        .unwrap();
    assert!(store.head(&path).await.is_err());
    upload.complete().await.unwrap();
    let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
    let expected: Vec<u8> = (0..5_u8).flat_map(|part| [part; 1000]).collect();
    assert_eq!(bytes.to_vec(), expected);

    let mut upload = store
        .put_multipart(&base.clone().join("left"))
        .await
        .unwrap();
    upload.put_part("x".into()).await.unwrap();
    drop(upload);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_listing_after_a_name_is_the_same_with_and_without_folders() {
    let (folder, store, base) = store();
    for name in ["1.json", "2.json", "3.json", "_last"] {
        store
            .put(&base.clone().join(name), "x".into())
            .await
            .unwrap();
    }
    std::fs::write(folder.path().join("4.json#12"), "torn").unwrap();
    let flat = names(&store, &base, "1.json").await;
    assert_eq!(flat, ["2.json", "3.json", "_last"]);
    std::fs::create_dir(folder.path().join("_commits")).unwrap();
    assert_eq!(names(&store, &base, "1.json").await, flat);
    assert_eq!(
        names(&store, &base.clone().join("absent"), "x").await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_the_disk_refuses_reaches_people_under_a_name() {
    let (folder, store, base) = store();
    std::fs::write(folder.path().join("taken"), "a file").unwrap();
    let path = base.clone().join("taken").join("x.json");
    let refused = store.put(&path, "x".into()).await.unwrap_err();
    let told = crate::TableError::from(deltalake::DeltaTableError::from(refused)).diagnostic();
    assert_eq!(told.condition.name, "STORAGE_ERROR");
    let place = folder.path().join("taken");
    assert!(
        told.message
            .contains(&format!("cannot write `{}", place.display())),
        "{}",
        told.message
    );
}

#[test]
fn a_full_disk_comes_with_what_to_do() {
    let full = failed(FsPath::new("/lake/raw"), io::ErrorKind::StorageFull.into());
    let Error::Generic { source, .. } = full else {
        panic!("{full}");
    };
    let told: &Diagnostic = source.downcast_ref().unwrap();
    assert!(
        told.helps.iter().any(|help| help.contains("make room")),
        "{told:?}"
    );
}
