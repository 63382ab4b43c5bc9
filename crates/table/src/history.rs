//! What a table tells about itself: its history and its detail, as rows. Must not read data files.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int32Array, Int64Array, Int64Builder, ListBuilder, MapBuilder,
    MapFieldNames, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use crate::TableError;
use crate::changes::CommitChanges;
use crate::log;
use crate::table::DeltaTable;

impl DeltaTable {
    /// The commits that the log still holds, newest first, at most `limit`: the rows of DESCRIBE HISTORY (version,
    /// timestamp, userId, userName, operation, operationParameters, readVersion, isolationLevel, isBlindAppend,
    /// operationMetrics, userMetadata, engineInfo). What a writer did not tell is NULL.
    ///
    /// # Errors
    /// The store fails, or a commit does not read.
    pub async fn history(&self, limit: Option<usize>) -> Result<RecordBatch, TableError> {
        let newest = self.version();
        let wanted = limit.map_or(newest + 1, |limit| (limit as u64).min(newest + 1));
        let commits: Vec<Option<CommitChanges>> = futures::stream::iter(0..wanted)
            .map(|back| self.commit_at(newest - back))
            .buffered(16)
            .try_collect()
            .await?;
        history_rows(
            &commits
                .into_iter()
                .map_while(|commit| commit)
                .collect::<Vec<_>>(),
        )
    }

    /// The columns at a version, as [`DeltaTable::schema`].
    ///
    /// # Errors
    /// The log does not hold the version, or does not read.
    pub async fn schema_at(&self, version: u64) -> Result<SchemaRef, TableError> {
        Ok(Arc::clone(&self.at(Some(version)).await?.schema))
    }

    /// The oldest version that can be read: the first commit of the log if all that follow are there, else the oldest
    /// checkpoint.
    ///
    /// # Errors
    /// The store fails.
    pub async fn oldest_version(&self) -> Result<u64, TableError> {
        if log::has_commit(&self.store, &self.location, 0).await? {
            return Ok(0);
        }
        let oldest = log::oldest_checkpoint(&self.store, &self.location).await?;
        Ok(oldest.unwrap_or_else(|| self.version()))
    }

    /// One commit; `None` if the log does not hold it any more.
    ///
    /// # Errors
    /// The store fails, or the commit does not read.
    pub async fn commit_at(&self, version: u64) -> Result<Option<CommitChanges>, TableError> {
        let actions = log::read_commit(&self.store, &self.location, version).await?;
        Ok(actions.map(|actions| {
            crate::changes::plain_changes(version, actions, &std::collections::HashSet::new())
        }))
    }

    /// The row of DESCRIBE DETAIL (format, id, name, description, location, createdAt, lastModified, partitionColumns,
    /// numFiles, sizeInBytes, properties, minReaderVersion, minWriterVersion, tableFeatures).
    ///
    /// # Errors
    /// The store fails.
    pub async fn detail(&self) -> Result<RecordBatch, TableError> {
        let loaded = self.loaded();
        let metadata = loaded.state.metadata();
        let protocol = serde_json::to_value(loaded.state.protocol()).unwrap_or_default();
        let newest = self
            .commit_at(loaded.version())
            .await?
            .and_then(|commit| commit.timestamp_ms);
        let (files, bytes) = self.size();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let version = |key: &str| i32::try_from(protocol[key].as_i64().unwrap_or(0)).unwrap_or(0);
        let mut features: Vec<String> = ["readerFeatures", "writerFeatures"]
            .iter()
            .flat_map(|key| protocol[*key].as_array().cloned().unwrap_or_default())
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        features.extend(implied(&protocol).iter().map(|name| (*name).to_owned()));
        features.sort();
        features.dedup();
        let mut properties = map_builder();
        for (name, value) in self.properties() {
            properties.keys().append_value(name);
            properties.values().append_value(value);
        }
        properties.append(true)?;
        let location = self.store.url_of(&self.location);
        rows(vec![
            ("format", text([Some("delta")])),
            ("id", text([Some(metadata.id())])),
            ("name", text([metadata.name()])),
            ("description", text([metadata.description()])),
            (
                "location",
                text([Some(location.as_str().trim_end_matches('/'))]),
            ),
            ("createdAt", times([metadata.created_time()])),
            ("lastModified", times([newest])),
            ("partitionColumns", list(metadata.partition_columns())),
            ("numFiles", Arc::new(Int64Array::from(vec![count(files)]))),
            (
                "sizeInBytes",
                Arc::new(Int64Array::from(vec![count(bytes)])),
            ),
            ("properties", Arc::new(properties.finish())),
            (
                "minReaderVersion",
                Arc::new(Int32Array::from(vec![version("minReaderVersion")])),
            ),
            (
                "minWriterVersion",
                Arc::new(Int32Array::from(vec![version("minWriterVersion")])),
            ),
            ("tableFeatures", list(&features)),
        ])
    }
}

/// Features of writers in the order in which versions of the protocol brought them.
const IMPLIED: [&str; 7] = [
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "generatedColumns",
    "columnMapping",
    "identityColumns",
];

/// The features that a protocol without a list of them implies.
fn implied(protocol: &Value) -> &'static [&'static str] {
    match protocol["minWriterVersion"].as_u64() {
        Some(2) => IMPLIED.get(..2),
        Some(3) => IMPLIED.get(..3),
        Some(4) => IMPLIED.get(..5),
        Some(5) => IMPLIED.get(..6),
        Some(6) => IMPLIED.get(..7),
        _ => None,
    }
    .unwrap_or_default()
}

fn history_rows(commits: &[CommitChanges]) -> Result<RecordBatch, TableError> {
    let string = |key: &str| {
        text(
            commits
                .iter()
                .map(|commit| commit.info.get(key).and_then(Value::as_str)),
        )
    };
    let mut read_versions = Int64Builder::new();
    let mut blind = BooleanBuilder::new();
    for commit in commits {
        read_versions.append_option(commit.info.get("readVersion").and_then(Value::as_i64));
        blind.append_option(commit.info.get("isBlindAppend").and_then(Value::as_bool));
    }
    let versions = commits
        .iter()
        .map(|commit| i64::try_from(commit.version).unwrap_or(i64::MAX));
    rows(vec![
        ("version", Arc::new(Int64Array::from_iter_values(versions))),
        (
            "timestamp",
            times(commits.iter().map(|commit| commit.timestamp_ms)),
        ),
        ("userId", string("userId")),
        ("userName", string("userName")),
        ("operation", string("operation")),
        ("operationParameters", maps(commits, "operationParameters")?),
        ("readVersion", Arc::new(read_versions.finish())),
        ("isolationLevel", string("isolationLevel")),
        ("isBlindAppend", Arc::new(blind.finish())),
        ("operationMetrics", maps(commits, "operationMetrics")?),
        ("userMetadata", string("userMetadata")),
        ("engineInfo", string("engineInfo")),
    ])
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, TableError> {
    let fields = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok(RecordBatch::try_new(
        schema,
        columns.into_iter().map(|(_, column)| column).collect(),
    )?)
}

fn text<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn times(milliseconds: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    let micros = milliseconds
        .into_iter()
        .map(|value| value.map(|value| value.saturating_mul(1000)));
    Arc::new(
        micros
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

fn list(values: &[String]) -> ArrayRef {
    let field = Field::new("element", arrow::datatypes::DataType::Utf8, true);
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(field);
    for value in values {
        builder.values().append_value(value);
    }
    builder.append(true);
    Arc::new(builder.finish())
}

fn map_builder() -> MapBuilder<StringBuilder, StringBuilder> {
    let names = MapFieldNames {
        entry: "key_value".into(),
        key: "key".into(),
        value: "value".into(),
    };
    MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
}

fn maps(commits: &[CommitChanges], key: &str) -> Result<ArrayRef, TableError> {
    let mut builder = map_builder();
    for commit in commits {
        let object = commit.info.get(key).and_then(Value::as_object);
        let mut entries: Vec<_> = object.into_iter().flatten().collect();
        entries.sort_by(|left, right| left.0.cmp(right.0));
        for (name, value) in entries {
            builder.keys().append_value(name);
            match value {
                Value::String(text) => builder.values().append_value(text),
                Value::Null => builder.values().append_null(),
                other => builder.values().append_value(other.to_string()),
            }
        }
        builder.append(object.is_some())?;
    }
    Ok(Arc::new(builder.finish()))
}
