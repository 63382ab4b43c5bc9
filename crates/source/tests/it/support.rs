//! What the tests share: a folder with files, a source over it, its rows as text.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Fields};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use sluice_model::Origin;
use sluice_source::{
    BadRowKeeper, FileEntry, FileSource, FileStream, PathRules, ReadCounters, ReadFilesOptions,
    ReadSession, SourceCall, SourceError, SourceSchema, StoredSchema, resolve_path,
};
use tempfile::TempDir;

/// The time of all tests, microseconds UTC.
pub(crate) const NOW: i64 = 1_800_000_000_000_000;

/// A project folder with a `data` folder in it.
pub(crate) struct Folder {
    root: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let root = TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("data")).unwrap();
        Self { root }
    }

    /// Writes files below `data`; the first is the oldest.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (index, (name, content)) in files.iter().enumerate() {
            folder.put(name, content.as_bytes());
            folder.age(
                name,
                NOW / 1_000_000 - 1_000 + i64::try_from(index).unwrap(),
            );
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("data").join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path)
            .unwrap()
            .write_all(content)
            .unwrap();
    }

    /// Sets the time of modification, in seconds.
    pub(crate) fn age(&self, name: &str, seconds: i64) {
        let time =
            std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.try_into().unwrap());
        let file = std::fs::File::options()
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.set_modified(time).unwrap();
    }

    pub(crate) fn rules(&self) -> PathRules {
        PathRules {
            project_folder: self.root().to_path_buf(),
            ..PathRules::default()
        }
    }

    /// A source over a path of this project.
    pub(crate) fn source(
        &self,
        path: &str,
        call: SourceCall,
        options: &[(&str, &str)],
    ) -> FileSource {
        let resolved = resolve_path(path, &self.rules()).unwrap();
        FileSource::new(
            Arc::new(LocalFileSystem::new()),
            resolved,
            parse(call, options),
            ReadSession::default(),
        )
    }

    /// A stream over `data`.
    pub(crate) fn stream(&self, options: &[(&str, &str)]) -> FileSource {
        self.source("data", SourceCall::StreamReadFiles, options)
    }
}

pub(crate) fn parse(call: SourceCall, options: &[(&str, &str)]) -> ReadFilesOptions {
    let arguments = options.iter().map(|(name, value)| {
        (
            (*name).to_string(),
            (*value).to_string(),
            Origin::new("bronze.sql", 1, 1, 1),
        )
    });
    ReadFilesOptions::from_arguments(arguments, call).unwrap()
}

pub(crate) fn names(files: &[FileEntry]) -> Vec<&str> {
    files
        .iter()
        .map(|file| file.path.trim_start_matches("./data/"))
        .collect()
}

/// What a read gave.
pub(crate) struct Outcome {
    pub(crate) schema: SourceSchema,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) counters: ReadCounters,
    pub(crate) bad: Vec<sluice_source::BadRow>,
}

impl Outcome {
    /// `a | b` per row, in order.
    pub(crate) fn rows(&self) -> Vec<String> {
        rows(&self.batches)
    }

    /// `a int, b string`.
    pub(crate) fn columns(&self) -> String {
        columns(&self.schema)
    }
}

pub(crate) fn columns(schema: &SourceSchema) -> String {
    schema
        .columns()
        .iter()
        .map(|field| format!("{} {}", field.name, field.data_type))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Lists, infers and reads everything.
pub(crate) async fn read_all(source: &FileSource) -> Result<Outcome, SourceError> {
    read_with(source, None, false).await
}

pub(crate) async fn read_with(
    source: &FileSource,
    stored: Option<&StoredSchema>,
    metadata: bool,
) -> Result<Outcome, SourceError> {
    let files = source.discover(NOW).await?.files;
    let schema = source.schema(&files, stored).await?;
    read_files(source, &files, schema, metadata).await
}

pub(crate) async fn read_files(
    source: &FileSource,
    files: &[FileEntry],
    schema: SourceSchema,
    metadata: bool,
) -> Result<Outcome, SourceError> {
    let bad = Arc::new(Mutex::new(vec![]));
    let keep = Arc::clone(&bad);
    let keeper = BadRowKeeper::new(move |rows| {
        keep.lock().unwrap().extend_from_slice(rows);
        Ok(())
    });
    let mut stream: FileStream = source.read_keeping(files, &schema, metadata, keeper);
    let mut batches = vec![];
    while let Some(batch) = stream.try_next().await? {
        assert_eq!(
            batch.schema(),
            schema.to_arrow(metadata),
            "a batch has the columns that were promised"
        );
        batches.push(batch);
    }
    let counters = stream.progress().counters();
    let bad = std::mem::take(&mut *bad.lock().unwrap());
    assert_eq!(
        counters.rows,
        batches
            .iter()
            .map(|batch| batch.num_rows() as u64)
            .sum::<u64>()
    );
    Ok(Outcome {
        schema,
        batches,
        counters,
        bad,
    })
}

/// The rows as text, NULL as `NULL`.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let options = arrow_cast::display::FormatOptions::default().with_null("NULL");
    let mut out = vec![];
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(without_zone).collect();
        let columns: Vec<_> = columns
            .iter()
            .map(|column| {
                arrow_cast::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap()
            })
            .collect();
        for row in 0..batch.num_rows() {
            out.push(
                columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect::<Vec<_>>()
                    .join(" | "),
            );
        }
    }
    out
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Arrow shows times with a zone only when it has a table of zones.
fn without_zone(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            arrow_cast::cast(column, &DataType::Timestamp(*unit, None)).unwrap()
        }
        DataType::Struct(_) => {
            let whole = column.as_struct();
            let inner: Vec<ArrayRef> = whole.columns().iter().map(without_zone).collect();
            let fields: Fields = whole
                .fields()
                .iter()
                .zip(&inner)
                .map(|(field, array)| {
                    field
                        .as_ref()
                        .clone()
                        .with_data_type(array.data_type().clone())
                })
                .collect();
            Arc::new(StructArray::new(fields, inner, whole.nulls().cloned()))
        }
        _ => Arc::clone(column),
    }
}
