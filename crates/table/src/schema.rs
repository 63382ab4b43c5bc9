//! What a table is declared to be, and how it may change. Must not write rows.

use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{Action, Metadata, Protocol, StructType};
use serde_json::{Value, json};
use sluice_model::SparkType;

use crate::TableError;
use crate::commit;
use crate::evolve::check_evolution;
use crate::property::{CONSTRAINT_PREFIX, kept_properties};
use crate::store::Store;

/// What a table is to be when it is made.
#[derive(Debug, Clone)]
pub struct TableDefinition {
    /// Name for people, as catalogs show it.
    pub name: Option<String>,
    /// Comment of the table.
    pub comment: Option<String>,
    /// Columns with `SparkType::to_arrow` types; not nullable means NOT NULL; comments in the field metadata under `comment`.
    pub columns: SchemaRef,
    /// Partition columns, in order.
    pub partition_by: Vec<String>,
    /// Table properties. Those that [`judge_property`] leaves out are not stored.
    pub properties: BTreeMap<String, String>,
}

/// A change of a table's metadata, inside a commit. Default: no change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetadataChange {
    /// The new columns, all of them.
    pub columns: Option<SchemaRef>,
    /// The new comment; `Some(None)` drops it.
    pub comment: Option<Option<String>>,
    /// Properties to set, or to drop with `None`.
    pub properties: BTreeMap<String, Option<String>>,
    /// New partition columns: only together with removing all rows.
    pub partition_by: Option<Vec<String>>,
}

impl MetadataChange {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(crate) fn wrong<T>(message: impl Into<String>) -> Result<T, TableError> {
    Err(TableError::Schema {
        message: message.into(),
    })
}

/// Checks names, types and partition columns, and gives the columns in Delta's form.
fn to_delta(columns: &Schema, partition_by: &[String]) -> Result<StructType, TableError> {
    if columns.fields().is_empty() {
        return wrong("a table needs at least one column");
    }
    check_fields(columns.fields(), "")?;
    for name in partition_by {
        match columns.field_with_name(name) {
            Err(_) => {
                return wrong(format!(
                    "partition column `{name}` is not a column of the table"
                ));
            }
            Ok(field)
                if field.data_type().is_nested() || *field.data_type() == DataType::Binary =>
            {
                return wrong(format!(
                    "column `{name}` cannot be a partition column: its type is {}",
                    field.data_type()
                ));
            }
            Ok(_) => {}
        }
    }
    if partition_by.len() >= columns.fields().len() {
        return wrong("at least one column must not be a partition column");
    }
    let converted: Result<StructType, _> = columns.try_into_kernel();
    converted.or_else(|error: arrow::error::ArrowError| {
        wrong(format!("the columns have no form in Delta: {error}"))
    })
}

fn check_fields(fields: &[FieldRef], above: &str) -> Result<(), TableError> {
    let mut seen = HashSet::new();
    for field in fields {
        let name = field.name();
        if name.is_empty() {
            return wrong("a column has an empty name");
        }
        if !seen.insert(name.to_lowercase()) {
            return wrong(format!(
                "column `{above}{name}` appears twice (names do not differ by case)"
            ));
        }
        if let Some(bad) = name
            .chars()
            .find(|character| " ,;{}()\n\t=".contains(*character))
        {
            return wrong(format!(
                "column name `{above}{name}` contains `{}`, which Parquet columns of a Delta table cannot",
                bad.escape_debug()
            ));
        }
        check_type(field, &format!("{above}{name}"))?;
    }
    Ok(())
}

fn check_type(field: &Field, path: &str) -> Result<(), TableError> {
    match field.data_type() {
        DataType::Null => wrong(format!(
            "column `{path}` has type VOID, which cannot be stored: cast it to a type"
        )),
        DataType::Struct(fields) => check_fields(fields, &format!("{path}.")),
        DataType::List(item) => check_type(item, &format!("{path}.element")),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields
                .iter()
                .try_for_each(|part| check_type(part, &format!("{path}.{}", part.name()))),
            _ => wrong(format!("column `{path}` is no map")),
        },
        // The library would store some types as others: a UINT64 as a BIGINT that may not hold it.
        stored => match SparkType::from_arrow(stored) {
            Some(spark) if spark.to_arrow() == *stored => Ok(()),
            _ => wrong(format!(
                "column `{path}` has type {stored}, which has no form in Delta"
            )),
        },
    }
}

fn has_ntz(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(_, None) => true,
        DataType::Struct(fields) => fields.iter().any(|field| has_ntz(field.data_type())),
        DataType::List(item) | DataType::Map(item, _) => has_ntz(item.data_type()),
        _ => false,
    }
}

/// The protocol that columns and properties need, and no more, so that every reader reads our tables.
fn protocol_for<'a>(
    columns: &Schema,
    properties: impl Iterator<Item = (&'a String, &'a String)>,
) -> Value {
    let (mut constraints, mut change_feed) = (false, false);
    for (name, value) in properties {
        constraints |= name.starts_with(CONSTRAINT_PREFIX);
        change_feed |= name == "delta.enableChangeDataFeed" && value.eq_ignore_ascii_case("true");
    }
    if columns
        .fields()
        .iter()
        .any(|field| has_ntz(field.data_type()))
    {
        let mut writer = vec!["timestampNtz", "appendOnly", "invariants"];
        if constraints {
            writer.push("checkConstraints");
        }
        if change_feed {
            writer.push("changeDataFeed");
        }
        return json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz"], "writerFeatures": writer});
    }
    let writer = match (change_feed, constraints) {
        (true, _) => 4,
        (false, true) => 3,
        (false, false) => 2,
    };
    json!({"minReaderVersion": 1, "minWriterVersion": writer})
}

fn from_json<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, TableError> {
    serde_json::from_value(value)
        .map_err(|error| TableError::Invalid(format!("a Delta action of ours: {error}")))
}

fn schema_string(columns: &StructType) -> Result<String, TableError> {
    serde_json::to_string(columns)
        .map_err(|error| TableError::Invalid(format!("a Delta schema of ours: {error}")))
}

/// The text of version 0 of a table.
pub(crate) fn first_commit(
    store: &Store,
    definition: &TableDefinition,
) -> Result<Bytes, TableError> {
    let columns = to_delta(&definition.columns, &definition.partition_by)?;
    let properties = kept_properties(&definition.properties)?;
    let protocol: Protocol = from_json(protocol_for(&definition.columns, properties.iter()))?;
    let metadata: Metadata = from_json(json!({
        "id": store.ids().uuid(),
        "name": definition.name,
        "description": definition.comment,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(&columns)?,
        "partitionColumns": definition.partition_by,
        "configuration": properties,
        "createdTime": store.now_ms(),
    }))?;
    let parameters = json!({
        "isManaged": "true",
        "partitionBy": json!(definition.partition_by).to_string(),
        "properties": json!(properties).to_string(),
    });
    let info = commit::commit_info(store, "CREATE TABLE", parameters, None, BTreeMap::new());
    commit::text(&[info, Action::Protocol(protocol), Action::Metadata(metadata)])
}

/// The metadata and protocol actions of a change; none if the table is already so. With `replaces_all`, any columns may follow.
pub(crate) fn change_actions(
    metadata: &Metadata,
    protocol: &Protocol,
    current: &Schema,
    change: &MetadataChange,
    replaces_all: bool,
) -> Result<Vec<Action>, TableError> {
    let partition_by = change
        .partition_by
        .clone()
        .unwrap_or_else(|| metadata.partition_columns().to_vec());
    if !replaces_all && partition_by != metadata.partition_columns() {
        return wrong("the partition columns of a table that keeps its rows cannot change");
    }
    let columns = change.columns.as_deref().unwrap_or(current);
    if !replaces_all {
        check_evolution(current.fields(), columns.fields(), "")?;
    }
    let delta = to_delta(columns, &partition_by)?;
    let mut properties: BTreeMap<String, String> = metadata
        .configuration()
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in &change.properties {
        match value {
            Some(value) => {
                properties.extend(kept_properties(&BTreeMap::from([(
                    name.clone(),
                    value.clone(),
                )]))?);
            }
            None => {
                properties.remove(name);
            }
        }
    }
    let comment = change
        .comment
        .clone()
        .unwrap_or_else(|| metadata.description().map(str::to_owned));
    let changed: Metadata = from_json(json!({
        "id": metadata.id(),
        "name": metadata.name(),
        "description": comment,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(&delta)?,
        "partitionColumns": partition_by,
        "configuration": properties,
        "createdTime": metadata.created_time(),
    }))?;
    let mut actions = vec![];
    if let Some(raised) = raised_protocol(protocol, &protocol_for(columns, properties.iter()))? {
        actions.push(Action::Protocol(raised));
    }
    if changed != *metadata {
        actions.push(Action::Metadata(changed));
    }
    Ok(actions)
}

/// The protocol that has what both have; `None` if the present one suffices.
fn raised_protocol(present: &Protocol, needed: &Value) -> Result<Option<Protocol>, TableError> {
    let mut merged = serde_json::to_value(present).unwrap_or_default();
    let before = merged.clone();
    let legacy_writer = merged["minWriterVersion"].as_u64().unwrap_or(0);
    for key in ["minReaderVersion", "minWriterVersion"] {
        if needed[key].as_u64() > merged[key].as_u64() {
            merged[key] = needed[key].clone();
        }
    }
    if merged["minWriterVersion"] == 7 {
        let mut add = |key: &str, names: Vec<Value>| {
            let mut all = merged[key].as_array().cloned().unwrap_or_default();
            for name in names {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            merged[key] = Value::Array(all);
        };
        add(
            "writerFeatures",
            needed["writerFeatures"]
                .as_array()
                .cloned()
                .unwrap_or_default(),
        );
        if legacy_writer == 3 || legacy_writer == 4 {
            add("writerFeatures", vec![json!("checkConstraints")]);
        }
        if legacy_writer == 4 {
            add(
                "writerFeatures",
                vec![json!("changeDataFeed"), json!("generatedColumns")],
            );
        }
        if needed["minReaderVersion"] == 3 || merged_is_three(&before) {
            add(
                "readerFeatures",
                needed["readerFeatures"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default(),
            );
        }
    }
    if merged == before {
        Ok(None)
    } else {
        from_json(merged).map(Some)
    }
}

fn merged_is_three(protocol: &Value) -> bool {
    protocol["minReaderVersion"] == 3
}
