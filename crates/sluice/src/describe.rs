//! `DESCRIBE` in all its forms: columns and partitions, what is known of a table, its commits. Must not print.

use std::sync::Arc;

use arrow::array::RecordBatch;
use sluice_model::{DatasetKind, Diagnostic, SparkType};
use sluice_run::QueryResult;
use sluice_sql::DescribeForm;
use sluice_sql::statement::WrittenName;
use sluice_table::DeltaTable;

use crate::rows::Rows;
use crate::statement::{COMMAND_LINE, Shell, full_name, open};

/// Answers one `DESCRIBE`.
pub(crate) async fn describe(
    shell: &Shell<'_>,
    form: DescribeForm,
    name: &WrittenName,
    limit: Option<u64>,
) -> Result<Rows, Vec<Diagnostic>> {
    let of = |batch: RecordBatch| {
        let schema = batch.schema();
        let batches = vec![batch];
        Rows::of(&QueryResult { schema, batches }, shell.time_zone)
    };
    match form {
        DescribeForm::Columns | DescribeForm::Extended => {
            let mut rows = columns(shell, name).await?;
            // A view has no table behind it.
            let table = open(shell, name).await.ok();
            if let Some(table) = &table {
                partitions(&mut rows, table);
            }
            if form == DescribeForm::Extended {
                details(&mut rows, shell, name, table.as_ref());
            }
            Ok(rows)
        }
        DescribeForm::History => {
            let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
            let history = open(shell, name).await?.history(limit).await;
            history
                .map(of)
                .map_err(|error| vec![error.diagnostic().at(&name.origin, "")])
        }
        DescribeForm::Detail => {
            let detail = open(shell, name).await?.detail().await;
            detail
                .map(of)
                .map_err(|error| vec![error.diagnostic().at(&name.origin, "")])
        }
    }
}

/// Columns of a table or view, by asking for none of its rows; comments as its table or its declaration has them.
pub(crate) async fn columns(
    shell: &Shell<'_>,
    name: &WrittenName,
) -> Result<Rows, Vec<Diagnostic>> {
    let quoted: Vec<String> = name
        .parts
        .iter()
        .map(|part| format!("`{}`", part.replace('`', "``")))
        .collect();
    let text = format!("SELECT * FROM {} LIMIT 0", quoted.join("."));
    let file: Arc<str> = COMMAND_LINE.into();
    let query = sluice_sql::parse_query(&file, &text, vec![], &shell.namespace)?;
    let result = shell.engine.query(shell.declared, &query).await;
    let result = result.map_err(|errors| relocated(errors, name))?;
    let declared = shell.declared.datasets.get(&full_name(shell, name));
    let stored = open(shell, name).await.ok().map(|table| table.schema());
    let comment = |column: &str| {
        let field = stored
            .as_ref()
            .and_then(|schema| schema.field_with_name(column).ok());
        let in_table = field.and_then(|field| field.metadata().get("comment").cloned());
        in_table.or_else(|| {
            let columns = declared.map(|dataset| &dataset.columns)?;
            let found = columns
                .iter()
                .find(|c| c.name.value.eq_ignore_ascii_case(column))?;
            found.comment.clone()
        })
    };
    let cells = result
        .schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = SparkType::from_arrow(field.data_type())
                .map_or_else(|| field.data_type().to_string(), |t| t.to_string());
            vec![
                Some(field.name().clone()),
                Some(data_type),
                comment(field.name()),
            ]
        })
        .collect();
    Ok(Rows::of_texts(&["col_name", "data_type", "comment"], cells))
}

fn row(rows: &mut Rows, name: &str, value: Option<String>) {
    rows.cells
        .push(vec![Some(name.to_owned()), value, Some(String::new())]);
}

/// The section of partition columns, if there are any.
fn partitions(rows: &mut Rows, table: &DeltaTable) {
    let columns = table.partition_by();
    if columns.is_empty() {
        return;
    }
    let listed: Vec<_> = rows
        .cells
        .iter()
        .filter(|cells| matches!(cells.first(), Some(Some(name)) if columns.contains(name)))
        .cloned()
        .collect();
    row(rows, "# Partition Information", Some(String::new()));
    let heads = ["# col_name", "data_type", "comment"];
    rows.cells
        .push(heads.iter().map(|head| Some((*head).to_owned())).collect());
    rows.cells.extend(listed);
}

/// What `EXTENDED` adds.
fn details(rows: &mut Rows, shell: &Shell<'_>, name: &WrittenName, table: Option<&DeltaTable>) {
    let full = full_name(shell, name);
    let dataset = shell.declared.datasets.get(&full);
    let kind = match dataset.map(|dataset| dataset.kind) {
        Some(DatasetKind::StreamingTable) => "STREAMING_TABLE",
        Some(DatasetKind::MaterializedView) => "MATERIALIZED_VIEW",
        _ if table.is_none() => "VIEW",
        _ => "MANAGED",
    };
    row(rows, "", Some(String::new()));
    row(rows, "# Detailed Table Information", Some(String::new()));
    if !full.is_temporary() {
        row(rows, "Catalog", Some(full.catalog.clone()));
        row(rows, "Database", Some(full.schema.clone()));
    }
    row(rows, "Table", Some(full.name.clone()));
    row(rows, "Type", Some(kind.to_owned()));
    let Some(table) = table else {
        let comment = dataset.and_then(|dataset| dataset.comment.clone());
        if comment.is_some() {
            row(rows, "Comment", comment);
        }
        return;
    };
    if let Some(comment) = table.comment() {
        row(rows, "Comment", Some(comment));
    }
    let location = table.store().url_of(table.location()).to_string();
    row(
        rows,
        "Location",
        Some(location.trim_end_matches('/').to_owned()),
    );
    row(rows, "Provider", Some("delta".to_owned()));
    let properties: Vec<String> = sluice_run::shown_properties(table)
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    row(
        rows,
        "Table Properties",
        Some(format!("[{}]", properties.join(","))),
    );
}

/// Errors about a query that the user did not write point to the name that they did.
fn relocated(errors: Vec<Diagnostic>, name: &WrittenName) -> Vec<Diagnostic> {
    let move_one = |mut error: Diagnostic| {
        for label in &mut error.labels {
            if *label.origin.file == *COMMAND_LINE {
                label.origin = name.origin.clone();
            }
        }
        error
    };
    errors.into_iter().map(move_one).collect()
}
