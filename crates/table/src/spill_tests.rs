//! Files of spilled rows: what is written comes back, and what is said when it cannot be written.

use futures::TryStreamExt;
use sluice_model::condition::table::STORAGE_ERROR;

use super::*;

async fn all(file: &Arc<dyn SpillFile>) -> Vec<u8> {
    let chunks: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn every_reader_gets_what_was_written_while_more_is() {
    let files = SpillFiles::default();
    let file = files.create_temp_file("a test").unwrap();
    assert!(all(&file).await.is_empty());

    let mut writer = file.open_writer().unwrap();
    let first = vec![7; READ_BYTES + 1];
    writer.write_all(&first).unwrap();
    let mut reader = file.read_stream().unwrap();
    assert_eq!(reader.try_next().await.unwrap().unwrap().len(), READ_BYTES);

    writer.write_all(b"more").unwrap();
    writer.finish().unwrap();
    let rest: Vec<Bytes> = reader.try_collect().await.unwrap();
    assert_eq!(rest.concat(), b"\x07more");
    assert_eq!(all(&file).await, [first.as_slice(), b"more"].concat());
    assert_eq!(file.size(), Some(READ_BYTES as u64 + 5));
}

#[test]
fn the_bound_holds_for_all_files_together_and_is_told() {
    let files = SpillFiles::default();
    let (one, other) = (
        files.create_temp_file("a test").unwrap(),
        files.create_temp_file("a test").unwrap(),
    );
    one.open_writer().unwrap().write_all(b"1234").unwrap();
    files.held.fetch_add(BYTES_MAX - 4, Ordering::Relaxed);

    let error = other.open_writer().unwrap().write_all(b"5").unwrap_err();
    let told = error.get_ref().and_then(|e| e.downcast_ref::<Diagnostic>());
    let told = told.unwrap();
    assert_eq!(told.condition, &STORAGE_ERROR);
    assert!(told.message.contains("more than 100 GiB"), "{told:?}");

    drop(other);
    drop(one);
    assert_eq!(files.held.load(Ordering::Relaxed), BYTES_MAX - 4);
}
