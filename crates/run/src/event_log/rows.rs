//! Events as rows of the log's table: the schema of Databricks' event log, `origin`, `sequence` and `details` as JSON text.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use serde::Serialize;
use serde_json::{Value, json};
use sluice_model::SparkField;
use sluice_model::data_type::parse_schema;
use sluice_model::event::Event;

/// The columns of the log, as DDL.
const COLUMNS: &str = "id STRING, sequence STRING, origin STRING, timestamp TIMESTAMP, message STRING, level STRING, \
    maturity_level STRING, error STRUCT<fatal: BOOLEAN, exceptions: ARRAY<STRUCT<class_name: STRING, message: STRING, \
    stack: ARRAY<STRUCT<declaring_class: STRING, method_name: STRING, file_name: STRING, line_number: BIGINT>>>>>, \
    details STRING, event_type STRING";

/// The Arrow schema of the log.
pub(crate) fn schema() -> SchemaRef {
    let fields = parse_schema(COLUMNS).unwrap_or_default();
    Arc::new(Schema::new(
        fields.iter().map(SparkField::to_arrow).collect::<Vec<_>>(),
    ))
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    sequence: String,
    origin: String,
    timestamp: String,
    message: &'a str,
    level: &'a str,
    maturity_level: &'a str,
    error: Option<&'a Value>,
    details: String,
    event_type: &'a str,
}

/// Turns events into one batch of the log's schema.
pub(crate) fn batch(events: &[Event]) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<Row<'_>> = events.iter().map(row).collect();
    let mut decoder = ReaderBuilder::new(schema())
        .with_batch_size(rows.len().max(1))
        .build_decoder()?;
    decoder.serialize(&rows)?;
    Ok(decoder
        .flush()?
        .unwrap_or_else(|| RecordBatch::new_empty(schema())))
}

fn row(event: &Event) -> Row<'_> {
    let time = chrono::DateTime::from_timestamp_micros(event.timestamp_us).unwrap_or_default();
    Row {
        id: &event.id,
        sequence: json!({ "data_plane_id": { "instance": "sluice", "seq_no": event.sequence } })
            .to_string(),
        origin: serde_json::to_string(&event.origin).unwrap_or_default(),
        timestamp: time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        message: &event.message,
        level: event.level.as_str(),
        maturity_level: "STABLE",
        error: event.error.as_ref(),
        details: event.details.to_string(),
        event_type: &event.event_type,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use sluice_model::event::{EventLevel, EventOrigin};

    use super::*;

    #[test]
    fn events_become_rows_with_json_text_and_a_nested_error() {
        let event = Event {
            id: "e1".into(),
            timestamp_us: 1_767_225_600_000_001,
            sequence: 3,
            origin: EventOrigin {
                flow_name: Some("bronze".into()),
                ..EventOrigin::default()
            },
            message: "Flow 'bronze' has FAILED.".into(),
            level: EventLevel::Error,
            error: Some(
                json!({ "fatal": true, "exceptions": [{ "class_name": "X", "message": "m", "stack": [] }] }),
            ),
            event_type: "flow_progress".into(),
            details: json!({ "flow_progress": { "status": "FAILED" } }),
        };
        let batch = batch(&[event]).unwrap();
        assert_eq!(batch.num_rows(), 1);
        let text = |name: &str| {
            batch
                .column_by_name(name)
                .unwrap()
                .as_string::<i32>()
                .value(0)
                .to_string()
        };
        assert_eq!(text("origin"), r#"{"flow_name":"bronze"}"#);
        assert_eq!(text("details"), r#"{"flow_progress":{"status":"FAILED"}}"#);
        assert!(batch.column_by_name("error").unwrap().is_valid(0));
        let time = batch.column_by_name("timestamp").unwrap();
        let micros = time.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        assert_eq!(micros.value(0), 1_767_225_600_000_001);
    }
}
