//! The columns of a dataset's table: names, types, NOT NULL and comments, from declaration and query. Must not write.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use sluice_graph::ResolvedDataset;
use sluice_table::TableDefinition;

use crate::engine::Engine;
use crate::tables::description;

/// The property that names the pipeline that owns a table.
pub(crate) const OWNER: &str = "sluice.pipeline";
/// The property that keeps CLUSTER BY.
pub(crate) const CLUSTER_BY: &str = "sluice.clusterBy";

/// The columns of a table as they should be; `None` while they are unknown.
pub(crate) fn wanted(dataset: &ResolvedDataset) -> Option<SchemaRef> {
    let schema = dataset.schema.as_ref()?;
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let declared = dataset
                .definition
                .columns
                .iter()
                .find(|column| column.name.value.eq_ignore_ascii_case(field.name()));
            let not_null = declared.is_some_and(|column| column.not_null);
            let mut metadata = HashMap::new();
            if let Some(comment) = declared.and_then(|column| column.comment.clone()) {
                metadata.insert("comment".to_string(), comment);
            }
            Field::new(field.name(), field.data_type().clone(), !not_null).with_metadata(metadata)
        })
        .collect();
    Some(Arc::new(Schema::new(fields)))
}

/// The table of a dataset as it should be made.
pub(crate) fn definition(engine: &Engine, dataset: &ResolvedDataset) -> Option<TableDefinition> {
    let declared = &dataset.definition;
    Some(TableDefinition {
        name: Some(declared.name.to_string()),
        comment: declared.comment.clone(),
        columns: wanted(dataset)?,
        partition_by: partition_by(dataset),
        properties: description::properties(engine, dataset),
    })
}

/// The partition columns, spelled as the columns are.
pub(crate) fn partition_by(dataset: &ResolvedDataset) -> Vec<String> {
    let spelled = |name: &str| {
        let fields = dataset
            .schema
            .iter()
            .flat_map(|schema| schema.fields().iter());
        let found = fields
            .map(|field| field.name())
            .find(|field| field.eq_ignore_ascii_case(name));
        found.map_or_else(|| name.to_string(), Clone::clone)
    };
    dataset
        .definition
        .partitioned_by
        .iter()
        .map(|column| spelled(&column.value))
        .collect()
}

/// The same columns, all nullable.
pub(crate) fn relaxed(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    Arc::new(Schema::new(fields))
}
