//! Comments and properties of a table: what a changed declaration changes of them. What others have set stays: the
//! table remembers what came from its declaration. Must not commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use sluice_graph::{Dataset, ResolvedDataset};
use sluice_model::condition::graph::{
    DELTA_UNKNOWN_CONFIGURATION, INVALID_TABLE_PROPERTY, TABLE_PROPERTY_WITHOUT_EFFECT,
};
use sluice_model::condition::table::DELTA_FAILED_TO_MERGE_FIELDS;
use sluice_model::{DatasetKind, Diagnostic};
use sluice_table::{
    CONSTRAINT_PREFIX, DeltaTable, MetadataChange, PropertyVerdict, canonical_property,
    judge_property,
};

use crate::engine::Engine;
use crate::error::Result;
use crate::tables::schema::{self, CLUSTER_BY, OWNER};

/// The property that lists what the declaration has set: properties, `comment`, and `comment:` with a column.
const DECLARED: &str = "sluice.declared";
const COMMENT: &str = "comment";

/// The properties of a table as people see them: without the engine's list of what the declaration has set.
#[must_use]
pub fn shown_properties(table: &DeltaTable) -> BTreeMap<String, String> {
    let mut properties: BTreeMap<String, String> = table.properties().into_iter().collect();
    properties.remove(DECLARED);
    properties
}

/// What is to be said of the properties of a dataset's table, each where it stands.
pub(crate) fn judged_properties(dataset: &Dataset) -> Vec<Diagnostic> {
    let tables = dataset
        .properties
        .iter()
        .filter(|_| dataset.kind.is_table());
    let judged = tables.filter_map(|(key, value)| {
        let origin = &value.origin;
        match judge_property(key, &value.value) {
            PropertyVerdict::Kept => None,
            PropertyVerdict::Unknown => Some(
                Diagnostic::warning(
                    &DELTA_UNKNOWN_CONFIGURATION,
                    format!("table property `{key}` is none that Delta knows"),
                )
                .at(origin, "kept as text, without effect"),
            ),
            PropertyVerdict::LeftOut(reason) => Some(
                Diagnostic::warning(
                    &TABLE_PROPERTY_WITHOUT_EFFECT,
                    format!("table property `{key}` has no effect: {reason}"),
                )
                .at(origin, "left out"),
            ),
            PropertyVerdict::Refused(reason) => Some(
                Diagnostic::error(
                    &INVALID_TABLE_PROPERTY,
                    format!(
                        "table property `{key}` = `{}` cannot be kept: {reason}",
                        value.value
                    ),
                )
                .at(origin, "")
                .fact("a table without it would mean something else: it is not left out")
                .help("remove it"),
            ),
        }
    });
    judged.collect()
}

/// The properties of a dataset's table as they should be.
pub(crate) fn properties(engine: &Engine, dataset: &ResolvedDataset) -> BTreeMap<String, String> {
    let declared = &dataset.definition;
    let kept = declared
        .properties
        .iter()
        .map(|(key, value)| (key, &value.value))
        .filter(|(key, value)| !matches!(judge_property(key, value), PropertyVerdict::LeftOut(_)));
    let mut properties: BTreeMap<String, String> = kept
        .map(|(key, value)| (canonical_property(key), value.clone()))
        .collect();
    let mut names: BTreeSet<String> = properties.keys().cloned().collect();
    names.extend(declared.comment.iter().map(|_| COMMENT.to_string()));
    let commented = declared.columns.iter().filter(|c| c.comment.is_some());
    names.extend(commented.map(|column| of_column(&column.name.value)));
    if !names.is_empty() {
        properties.insert(DECLARED.into(), serde_json::json!(names).to_string());
    }
    properties.insert(OWNER.into(), engine.pipeline_id());
    if !declared.cluster_by.is_empty() {
        let columns = declared
            .cluster_by
            .iter()
            .map(|column| column.value.as_str());
        properties.insert(CLUSTER_BY.into(), columns.collect::<Vec<_>>().join(","));
    }
    properties
}

/// The columns of a dataset's table as they should be, with the comments that others gave them; `None` while they are
/// unknown.
pub(crate) fn columns(dataset: &ResolvedDataset, table: &DeltaTable) -> Option<SchemaRef> {
    let wanted = schema::wanted(dataset)?;
    let (there, names) = (table.schema(), remembered(table));
    let field = |field: &FieldRef| match there.field_with_name(field.name()) {
        Ok(old) if field.metadata().is_empty() && !names.contains(&of_column(field.name())) => {
            with_comment(field, old)
        }
        _ => field.as_ref().clone(),
    };
    let fields: Vec<Field> = wanted.fields().iter().map(field).collect();
    Some(Arc::new(Schema::new(fields)))
}

/// What must change of a table that keeps its rows. The columns of a materialized view change when it is computed.
pub(crate) fn change(
    engine: &Engine,
    dataset: &ResolvedDataset,
    table: &DeltaTable,
) -> Result<MetadataChange> {
    let Some(wanted) = columns(dataset, table) else {
        return Ok(MetadataChange::default());
    };
    let there = table.schema();
    let grown = match dataset.definition.kind {
        DatasetKind::StreamingTable => table.evolve(&wanted).map_err(|error| {
            let origin = &dataset.definition.origin;
            error.diagnostic().at(origin, "")
        })?,
        _ => MetadataChange::default(),
    };
    let fields = grown.columns.as_ref().unwrap_or(&there).fields().iter();
    let described = fields.map(|field| match wanted.field_with_name(field.name()) {
        Ok(wanted) => with_comment(field, wanted),
        Err(_) => field.as_ref().clone(),
    });
    let described = Schema::new(described.collect::<Vec<Field>>());
    check_not_null(dataset, &described, &wanted)?;
    let change = MetadataChange {
        columns: (described != *there).then(|| Arc::new(described)),
        comment: comment_changes(dataset, table).then(|| dataset.definition.comment.clone()),
        properties: property_changes(&properties(engine, dataset), table),
        partition_by: None,
    };
    check_constraints(dataset, table, &change)?;
    Ok(change)
}

/// A change in words: `adds a, b`, `comment`, `sets quality`.
pub(crate) fn words(change: &MetadataChange, table: &DeltaTable) -> Vec<String> {
    let there = table.schema();
    let fields = || change.columns.iter().flat_map(|columns| columns.fields());
    let is_new = |field: &&FieldRef| there.field_with_name(field.name()).is_err();
    let is_renoted = |field: &&FieldRef| {
        let old = there.field_with_name(field.name());
        old.is_ok_and(|old| old.metadata() != field.metadata())
    };
    let names = |wanted: &dyn Fn(&&FieldRef) -> bool| {
        let names = fields().filter(wanted).map(|field| field.name().as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let keys = |is_set: bool| {
        let chosen = change
            .properties
            .iter()
            .filter(|(key, value)| value.is_some() == is_set && key.as_str() != DECLARED);
        chosen
            .map(|(key, _)| key.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let comment = change.comment.as_ref().map(|_| "the comment");
    let said = [
        ("adds ", names(&is_new)),
        ("changes ", comment.unwrap_or_default().to_string()),
        ("changes the comments of ", names(&is_renoted)),
        ("sets ", keys(true)),
        ("removes ", keys(false)),
    ];
    let said = said.into_iter().filter(|(_, what)| !what.is_empty());
    said.map(|(verb, what)| format!("{verb}{what}")).collect()
}

/// The operation as the table's history names it.
pub(crate) fn operation(change: &MetadataChange, table: &DeltaTable) -> &'static str {
    let columns = change.columns.as_ref();
    match columns.map(|columns| columns.fields().len() > table.schema().fields().len()) {
        Some(true) => "ADD COLUMNS",
        Some(false) if change.properties.is_empty() => "CHANGE COLUMN",
        _ => "SET TBLPROPERTIES",
    }
}

fn of_column(name: &str) -> String {
    format!("{COMMENT}:{}", name.to_lowercase())
}

fn with_comment(field: &Field, of: &Field) -> Field {
    field.clone().with_metadata(of.metadata().clone())
}

/// What the declaration had set when the table was last described.
fn remembered(table: &DeltaTable) -> BTreeSet<String> {
    let text = table.properties().remove(DECLARED).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Whether the declared comment goes to the table: a comment that others set stays when none is declared.
fn comment_changes(dataset: &ResolvedDataset, table: &DeltaTable) -> bool {
    let wanted = &dataset.definition.comment;
    let may_go = remembered(table).contains(COMMENT);
    table.comment() != *wanted && (wanted.is_some() || may_go)
}

fn property_changes(
    wanted: &BTreeMap<String, String>,
    table: &DeltaTable,
) -> BTreeMap<String, Option<String>> {
    let there = table.properties();
    let set = wanted
        .iter()
        .filter(|(key, value)| there.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    let ours = remembered(table);
    let is_ours = |key: &str| [DECLARED, CLUSTER_BY].contains(&key) || ours.contains(key);
    let gone = there
        .keys()
        .filter(|key| is_ours(key) && !wanted.contains_key(*key))
        .map(|key| (key.clone(), None));
    set.chain(gone).collect()
}

/// NOT NULL holds for all rows of a table, and those that are there were never checked. A materialized view is computed again.
fn check_not_null(dataset: &ResolvedDataset, described: &Schema, wanted: &Schema) -> Result<()> {
    let definition = &dataset.definition;
    if definition.kind != DatasetKind::StreamingTable {
        return Ok(());
    }
    let allows_null = |field: &&FieldRef| {
        let there = described.field_with_name(field.name());
        !field.is_nullable() && there.is_ok_and(Field::is_nullable)
    };
    let Some(field) = wanted.fields().iter().find(allows_null) else {
        return Ok(());
    };
    let name = &definition.name;
    let column = definition
        .columns
        .iter()
        .find(|column| column.name.value.eq_ignore_ascii_case(field.name()));
    let origin = column.map_or(&definition.origin, |column| &column.name.origin);
    let message = format!(
        "column `{}` of `{name}` allows NULL and is declared NOT NULL",
        field.name()
    );
    Err(Diagnostic::error(&DELTA_FAILED_TO_MERGE_FIELDS, message)
        .at(origin, "")
        .fact("NOT NULL must hold for every row of the table; nothing was changed")
        .help("use an expectation, which counts for rows from now on")
        .help(format!(
            "or fill the table anew: `sluice run --full-refresh {}`",
            name.name
        ))
        .into())
}

/// A constraint holds for all rows of a table: one that comes later would have to be checked against those that are
/// there.
fn check_constraints(
    dataset: &ResolvedDataset,
    table: &DeltaTable,
    change: &MetadataChange,
) -> Result<()> {
    let mut set = change
        .properties
        .iter()
        .filter(|(_, value)| value.is_some());
    let Some((key, _)) = set.find(|(key, _)| key.starts_with(CONSTRAINT_PREFIX)) else {
        return Ok(());
    };
    if table.row_count() == Some(0) {
        return Ok(());
    }
    let name = &dataset.definition.name;
    let message = format!("`{key}` cannot be given to `{name}`, which has rows already");
    Err(Diagnostic::error(&INVALID_TABLE_PROPERTY, message)
        .at(&dataset.definition.origin, "")
        .fact("a constraint must hold for every row of the table; nothing was changed")
        .help("use an expectation, which counts for rows from now on")
        .help(match dataset.definition.kind {
            DatasetKind::StreamingTable => {
                format!(
                    "or fill the table anew: `sluice run --full-refresh {}`",
                    name.name
                )
            }
            _ => "or drop the table: it is computed again".to_string(),
        })
        .into())
}
