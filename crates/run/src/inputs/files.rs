//! `read_files` of a query as a source: its arguments, its listing, its columns. Must not know offsets.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use object_store::ObjectStore;
use sluice_graph::RelationSchema;
use sluice_graph::query::{ArgumentValue, ReadMode, TableFunction};
use sluice_model::condition::source::{
    PATH_NOT_FOUND, READ_FILES_INVALID_OPTION, SOURCE_STORAGE_FAILED,
};
use sluice_model::{Diagnostic, Origin};
use sluice_source::{
    FileSource, Listing, ReadFilesOptions, ReadSession, SourceCall, SourceError, SourceSchema,
    Storage, StoredSchema, resolve_path,
};
use sluice_table::{Durability, DurableLocal};

use crate::engine::Engine;
use crate::progress::Progress;

/// A `read_files` call, listed once for the whole update.
#[derive(Debug, Clone)]
pub(crate) struct FileInput {
    /// The source.
    pub(crate) source: FileSource,
    /// Everything that is there.
    pub(crate) listing: Arc<Listing>,
    /// Its columns.
    pub(crate) schema: SourceSchema,
    /// Where the call stands.
    pub(crate) origin: Origin,
}

impl FileInput {
    /// Its columns as the graph sees them: with `metadata`, `_metadata` is there for who names it.
    pub(crate) fn columns(&self, metadata: bool) -> RelationSchema {
        let plain = self.schema.to_arrow(false);
        let all = self.schema.to_arrow(metadata);
        let hidden = all.fields().iter().skip(plain.fields().len());
        RelationSchema {
            hidden: hidden.cloned().collect(),
            columns: plain,
        }
    }

    /// Makes its columns durable before the first row is read under them: once, and again where the query declares others.
    pub(crate) async fn store_schema(
        &self,
        key: &str,
        progress: &Progress,
    ) -> crate::error::Result<()> {
        let schema = self.schema.to_stored();
        let is_declared = self.source.options().schema.is_some();
        match progress.stored_schema(key).await? {
            Some((_, stored)) if stored == schema || !is_declared => Ok(()),
            _ => progress.store_schema(key, &schema).await,
        }
    }
}

/// The `read_files` calls of a graph by their places, each as it was looked at last.
#[derive(Debug, Default)]
pub(crate) struct FileInputs(RwLock<HashMap<Origin, FileInput>>);

impl FileInputs {
    /// The call at a place.
    pub(crate) fn get(&self, place: &Origin) -> Option<FileInput> {
        let inputs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inputs.get(place).cloned()
    }

    /// Puts a call in the place of what was known of it.
    pub(crate) fn insert(&self, input: FileInput) {
        let mut inputs = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inputs.insert(input.origin.clone(), input);
    }
}

impl From<HashMap<Origin, FileInput>> for FileInputs {
    fn from(inputs: HashMap<Origin, FileInput>) -> Self {
        Self(RwLock::new(inputs))
    }
}

/// What can be said of the columns of a `read_files` call.
#[derive(Debug, Clone)]
pub(crate) enum FileColumns {
    /// The call with its columns.
    Known(Box<FileInput>),
    /// There is nothing yet to tell the columns from.
    Unknown(String),
}

/// The errors of a source that was there before: a place that is not there now may come back by itself, such as a disk
/// that is not mounted for a while, or a folder that is put in the place of another.
pub(crate) fn away(errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let waited_for = |error: Diagnostic| {
        if error.condition != &PATH_NOT_FOUND {
            return error;
        }
        let waits = Diagnostic {
            condition: &SOURCE_STORAGE_FAILED,
            message: format!("{}, and it was there before", error.message),
            helps: vec![],
            ..error
        };
        waits
            .fact("nothing of it is lost: it is looked for again, later each time")
            .help("bring it back; a folder without files will do")
    };
    errors.into_iter().map(waited_for).collect()
}

/// Makes the source of a call and lists it. `stored`: its columns, as each flow that reads it has stored them.
pub(crate) async fn look(
    engine: &Engine,
    function: &TableFunction,
    mode: ReadMode,
    stored: Vec<StoredSchema>,
) -> Result<FileColumns, Vec<Diagnostic>> {
    let source = source(engine, function, mode)?;
    let place = |error: &SourceError| vec![error.to_diagnostic().at(&function.origin, "")];
    let listing = source
        .discover(engine.clock().now_us())
        .await
        .map_err(|error| place(&error))?;
    let stored = StoredSchema::of_all(stored, source.options());
    match source.schema(&listing.files, stored.as_ref()).await {
        Ok(schema) => Ok(FileColumns::Known(Box::new(FileInput {
            source,
            listing: Arc::new(listing),
            schema,
            origin: function.origin.clone(),
        }))),
        Err(SourceError::EmptyForInference { path }) if mode == ReadMode::Stream => {
            Ok(FileColumns::Unknown(format!("`{path}` is empty")))
        }
        Err(error) => Err(place(&error)),
    }
}

fn source(
    engine: &Engine,
    function: &TableFunction,
    mode: ReadMode,
) -> Result<FileSource, Vec<Diagnostic>> {
    let written = path_argument(function)?;
    let call = match mode {
        ReadMode::Stream if function.name == "cloud_files" => SourceCall::CloudFiles,
        ReadMode::Stream => SourceCall::StreamReadFiles,
        ReadMode::Batch => SourceCall::ReadFiles,
    };
    let named = function.arguments.iter().filter_map(|argument| {
        let name = argument.name.clone()?;
        let is_path = name.eq_ignore_ascii_case(PATH);
        let text = argument_text(&argument.value);
        (!is_path).then(|| (name, text, argument.origin.clone()))
    });
    let options = ReadFilesOptions::from_arguments(named, call)?;
    let path = resolve_path(&written, &engine.options.path_rules)
        .map_err(|diagnostic| vec![diagnostic.at(&function.origin, "")])?;
    let session = ReadSession {
        time_zone: engine.options.time_zone.clone(),
        // A query reads in as many lanes as it has partitions: more than one file at a time in each fills memory.
        parallel_files: 1,
        ..ReadSession::default()
    };
    let source = FileSource::with_s3(
        sluice_source::local_store(),
        engine.options.s3.clone(),
        path,
        options,
        session,
    );
    for (option, folder) in source.options().written_folders() {
        let place = |diagnostic: Diagnostic| match source.options().origins.of(option) {
            Some(origin) => vec![diagnostic.at(origin, "")],
            None => vec![diagnostic.at(&function.origin, "")],
        };
        let resolved = resolve_path(folder, &engine.options.path_rules).map_err(place)?;
        source
            .check_written_folder(option, &resolved)
            .map_err(|error| vec![error.to_diagnostic()])?;
    }
    Ok(source)
}

/// The store for files that are written where a query says so: what it answered is there after a power loss.
pub(crate) fn store_to_write(engine: &Engine, storage: &Storage) -> Arc<dyn ObjectStore> {
    match storage {
        Storage::Bucket(name) => engine.options.s3.bucket(name),
        Storage::Disk | Storage::Objects => Arc::new(DurableLocal::new(Durability::Fsync)),
    }
}

/// The first argument of `read_files`, where it is written with its name.
const PATH: &str = "path";

fn path_argument(function: &TableFunction) -> Result<String, Vec<Diagnostic>> {
    let mut paths = function.arguments.iter().filter(|argument| {
        let name = argument.name.as_deref();
        name.is_none_or(|name| name.eq_ignore_ascii_case(PATH))
    });
    let path = paths.next();
    let wrong = |message: &str| {
        vec![
            Diagnostic::error(&READ_FILES_INVALID_OPTION, message)
                .at(&function.origin, "")
                .help("write `read_files('folder', format => 'json')`"),
        ]
    };
    if paths.next().is_some() {
        return Err(wrong(
            "`read_files` takes one path; options are named: `name => value`",
        ));
    }
    match path.map(|argument| &argument.value) {
        Some(ArgumentValue::String(text)) => Ok(text.clone()),
        Some(ArgumentValue::Array(items)) => {
            let paths: Vec<String> = items.iter().map(argument_text).collect();
            Ok(paths.join(","))
        }
        _ => Err(wrong(
            "`read_files` needs a path: a string, or an array of strings",
        )),
    }
}

fn argument_text(value: &ArgumentValue) -> String {
    match value {
        ArgumentValue::String(text) => text.clone(),
        other => other.to_string(),
    }
}
