//! The JSON of `details`, event type by event type, as Databricks writes it (event_log schema page of the
//! pipeline docs). Must not know where events go.

use serde_json::{Map, Value, json};
use sluice_model::event::ExpectationCounts;
use sluice_model::{DatasetKind, Diagnostic, FlowKind, FlowStatus, UpdateState};

use crate::report::{FlowMetrics, Technique};

/// `details` of an event: one object with one key, the event type.
pub(crate) fn details(event_type: &str, body: Value) -> Value {
    let mut object = Map::new();
    object.insert(event_type.to_string(), body);
    Value::Object(object)
}

/// `update_progress`.
pub(crate) fn update_progress(state: UpdateState) -> Value {
    details("update_progress", json!({ "state": state.as_str() }))
}

/// `dataset_definition`.
pub(crate) fn dataset_definition(kind: DatasetKind, flows: usize, expectations: &[Value]) -> Value {
    let dataset_type = match kind {
        DatasetKind::StreamingTable => "STREAMING_TABLE",
        DatasetKind::MaterializedView => "MATERIALIZED_VIEW",
        DatasetKind::TemporaryView | DatasetKind::PersistedView => "VIEW",
    };
    details(
        "dataset_definition",
        json!({ "dataset_type": dataset_type, "num_flows": flows, "expectations": expectations }),
    )
}

/// What `flow_definition` says of a flow.
#[derive(Debug)]
pub(crate) struct FlowDefinition<'a> {
    /// Full name of the target.
    pub(crate) output_dataset: String,
    /// Full names of what it reads: the edges of the lineage.
    pub(crate) input_datasets: Vec<String>,
    /// How it moves data.
    pub(crate) kind: FlowKind,
    /// Columns, when known.
    pub(crate) schema: Option<&'a arrow::datatypes::Schema>,
    /// `COMMENT`.
    pub(crate) comment: Option<&'a str>,
}

/// `flow_definition`.
pub(crate) fn flow_definition(flow: &FlowDefinition<'_>) -> Value {
    let flow_type = match flow.kind {
        FlowKind::Append | FlowKind::AppendOnce => "APPEND",
        FlowKind::Complete => "MATERIALIZED_VIEW",
        FlowKind::View => "VIEW",
    };
    let columns: Vec<Value> = flow.schema.map(columns).unwrap_or_default();
    let mut body = json!({
        "output_dataset": flow.output_dataset,
        "input_datasets": flow.input_datasets,
        "flow_type": flow_type,
        "language": "SQL",
        "once": flow.kind == FlowKind::AppendOnce,
        "schema": columns,
        "schema_json": Value::Array(columns.clone()).to_string(),
    });
    if let (Some(comment), Some(body)) = (flow.comment, body.as_object_mut()) {
        body.insert("comment".into(), comment.into());
    }
    details("flow_definition", body)
}

fn columns(schema: &arrow::datatypes::Schema) -> Vec<Value> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let data_type = sluice_model::SparkType::from_arrow(field.data_type())
                .map_or_else(|| field.data_type().to_string(), |spark| spark.to_string());
            json!({ "name": field.name(), "data_type": data_type })
        })
        .collect()
}

/// `flow_progress` with a status only.
pub(crate) fn flow_status(status: FlowStatus) -> Value {
    details("flow_progress", json!({ "status": status.as_str() }))
}

/// `flow_progress` with the numbers of a micro-batch or refresh.
pub(crate) fn flow_progress(
    status: FlowStatus,
    metrics: &FlowMetrics,
    expectations: &[ExpectationCounts],
) -> Value {
    let mut body = json!({
        "status": status.as_str(),
        "metrics": {
            "num_output_rows": metrics.output_rows,
            "num_upserted_rows": metrics.output_rows,
            "num_deleted_rows": metrics.deleted_rows,
            "num_output_bytes": metrics.output_bytes,
            "x_num_files": metrics.files,
            "x_num_bad_records": metrics.bad_records,
        },
    });
    if metrics.late_rows > 0 {
        body["metrics"]["x_num_late_rows"] = json!(metrics.late_rows);
    }
    if let (false, Some(body)) = (expectations.is_empty(), body.as_object_mut()) {
        body.insert(
            "data_quality".into(),
            json!({ "dropped_records": metrics.dropped_rows, "expectations": expectations }),
        );
    }
    details("flow_progress", body)
}

/// `planning_information` with the chosen technique.
pub(crate) fn planning_information(technique: &Technique, issues: &[Value]) -> Value {
    details(
        "planning_information",
        json!({
            "technique_information": [{
                "maintenance_type": format!("MAINTENANCE_TYPE_{}", technique.name),
                "is_chosen": true,
                "is_applicable": true,
                "x_reason": technique.reason,
                "incrementalization_issues": issues,
            }],
        }),
    )
}

/// The `error` column for diagnostics.
pub(crate) fn error(diagnostics: &[Diagnostic], fatal: bool) -> Value {
    let exceptions: Vec<Value> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .map(|diagnostic| {
            let stack: Vec<Value> = diagnostic
                .labels
                .iter()
                .map(|label| {
                    json!({
                        "declaring_class": "", "method_name": "",
                        "file_name": label.origin.file.as_ref(), "line_number": label.origin.line,
                    })
                })
                .collect();
            json!({ "class_name": diagnostic.condition.name, "message": diagnostic.message, "stack": stack })
        })
        .collect();
    json!({ "fatal": fatal, "exceptions": exceptions })
}
