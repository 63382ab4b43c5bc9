//! What the first rows of a file decide of its encoding, and what they must not change.

use arrow::compute::concat_batches;
use parquet::basic::Encoding;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};
use sluice_table::{CommitRequest, DeltaTable, OptimizeRequest, Store};

use crate::read::all;
use crate::support::{columns, memory, place, request, rows, table};

/// The first columns `id` and `name` of the only file of a table.
async fn chunks(store: &Store, table: &DeltaTable) -> Vec<ColumnChunkMetaData> {
    let files = table.snapshot_files(table.version()).await.unwrap();
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    let bytes = store.get(&place(store).file(&file.path).unwrap()).await;
    let reader = SerializedFileReader::new(bytes.unwrap().unwrap()).unwrap();
    reader.metadata().row_group(0).columns().to_vec()
}

fn stats(request: &CommitRequest) -> Value {
    serde_json::from_str(request.adds[0].stats.as_deref().unwrap()).unwrap()
}

#[tokio::test]
async fn counters_are_kept_by_steps_and_texts_in_no_order_without_bounds_of_row_groups() {
    let store = memory();
    let table = table(&store).await;
    let request = request(&table, "a", 0, &rows(0..6000)).await;
    let expected = json!({
        "numRecords": 6000,
        "minValues": {"id": 0, "name": "n1"},
        "maxValues": {"id": 5999, "name": "n999"},
        "nullCount": {"id": 0, "name": 858},
    });
    assert_eq!(stats(&request), expected);
    table.commit(&request).await.unwrap();
    let [id, name] = chunks(&store, &table).await.try_into().unwrap();
    assert!(
        id.encodings()
            .any(|one| one == Encoding::DELTA_BINARY_PACKED)
    );
    assert!(id.statistics().is_some());
    assert!(name.statistics().is_none());
    let read = all(table.provider(None).await.unwrap()).await;
    assert_eq!(concat_batches(&columns(), &read).unwrap(), rows(0..6000));
}

#[tokio::test]
async fn rewritten_files_keep_the_bounds_of_every_row_group() {
    let store = memory();
    let table = table(&store).await;
    for (batch, ids) in [(0, 0..3000), (1, 3000..9000)] {
        let request = request(&table, "a", batch, &rows(ids)).await;
        table.commit(&request).await.unwrap();
    }
    table.optimize(&OptimizeRequest::default()).await.unwrap();
    let [_, name] = chunks(&store, &table).await.try_into().unwrap();
    let bounds = name.statistics().unwrap();
    assert_eq!(bounds.min_bytes_opt(), Some(&b"n1"[..]));
    assert_eq!(bounds.max_bytes_opt(), Some(&b"n999"[..]));
}
