//! Which codec data files are written with.

use std::collections::BTreeMap;

use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use sluice_table::{DeltaTable, OptimizeRequest, Store, TableDefinition};

use crate::support::{append, columns, definition, made, memory, place, rows};

/// The codecs of the columns of all files of a table, each once.
async fn codecs(store: &Store, table: &DeltaTable) -> Vec<Compression> {
    let mut found = vec![];
    for file in table.snapshot_files(table.version()).await.unwrap() {
        let bytes = store.get(&place(store).file(&file.path).unwrap()).await;
        let reader = SerializedFileReader::new(bytes.unwrap().unwrap()).unwrap();
        for group in reader.metadata().row_groups() {
            found.extend(group.columns().iter().map(ColumnChunkMetaData::compression));
        }
    }
    found.dedup();
    found
}

async fn table_with(store: &Store, properties: &[(&str, &str)]) -> DeltaTable {
    let named = properties
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let definition = TableDefinition {
        properties: named.collect::<BTreeMap<_, _>>(),
        ..definition(columns())
    };
    let table = DeltaTable::create_if_absent(store, &place(store), &definition)
        .await
        .unwrap();
    for batch in 0..2 {
        made(append(&table, "a", batch, &rows(batch * 100..batch * 100 + 100)).await);
    }
    table
}

#[tokio::test]
async fn young_files_are_written_quickly_and_rewritten_ones_small() {
    let store = memory();
    let table = table_with(&store, &[]).await;
    assert_eq!(codecs(&store, &table).await, [Compression::SNAPPY]);
    table.optimize(&OptimizeRequest::default()).await.unwrap();
    let rewritten = codecs(&store, &table).await;
    assert!(
        matches!(rewritten.as_slice(), [Compression::ZSTD(_)]),
        "{rewritten:?}"
    );
}

#[tokio::test]
async fn a_table_may_name_the_codec_of_all_its_files() {
    let property = "delta.Parquet.compression.codec";
    for (name, expected) in [
        ("none", Compression::UNCOMPRESSED),
        ("LZ4_RAW", Compression::LZ4_RAW),
        ("snappy", Compression::SNAPPY),
    ] {
        let store = memory();
        let table = table_with(&store, &[(property, name)]).await;
        assert_eq!(codecs(&store, &table).await, [expected]);
        table.optimize(&OptimizeRequest::default()).await.unwrap();
        assert_eq!(codecs(&store, &table).await, [expected], "{name}");
    }
}
