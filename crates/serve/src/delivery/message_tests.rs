//! The forms of messages.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use sluice_model::Origin;
use sluice_model::destination::Secret;
use sluice_model::job::Placed;

use super::*;

fn destination(kind: DestinationKind, template: Option<&str>) -> Destination {
    let origin = Origin::new("sluice.yml", 1, 1, 0);
    Destination {
        name: "ops".into(),
        origin: origin.clone(),
        kind,
        url: Placed {
            value: Secret::Plain("http://localhost/".into()),
            origin,
        },
        table: None,
        deduplication_key: vec![],
        group_rows_max: 20,
        cool_down_seconds: 0,
        template: template.map(str::to_owned),
        signing_secret: None,
        alerts: vec![],
        attempts_max: 3,
    }
}

fn message() -> Message {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a<b"), None]));
    let values: ArrayRef = Arc::new(Int32Array::from(vec![7, 8]));
    let batch =
        RecordBatch::try_from_iter_with_nullable([("sensor", names, true), ("v", values, true)]);
    let rows = rows_of(&batch.unwrap()).unwrap();
    Message {
        key: "k".into(),
        subject: "main.iot.alerts".into(),
        version: 4,
        rows: rows
            .into_iter()
            .enumerate()
            .map(|(index, row)| Told {
                key: index.to_string(),
                row,
            })
            .collect(),
        suppressed: 1,
    }
}

#[test]
fn a_webhook_gets_the_rows_as_they_are() {
    let bytes = body(
        &message(),
        &destination(DestinationKind::Webhook, None),
        "plant",
    );
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        value,
        json!({
            "deduplication_key": "k", "destination": "ops", "pipeline": "plant", "table": "main.iot.alerts",
            "version": 4, "text": "main.iot.alerts: 2 new rows, 1 more of keys told before",
            "rows": [{"sensor": "a<b", "v": 7}, {"sensor": null, "v": 8}], "row_keys": ["0", "1"], "suppressed": 1,
        })
    );
}

#[test]
fn slack_gets_a_line_for_each_row_with_its_own_signs_escaped() {
    let bytes = body(
        &message(),
        &destination(DestinationKind::Slack, Some("{{sensor}} is at {{v}}")),
        "plant",
    );
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        value["text"],
        "main.iot.alerts: 2 new rows, 1 more of keys told before"
    );
    assert_eq!(
        value["blocks"][1]["text"]["text"],
        "• a&lt;b is at 7\n• null is at 8"
    );
    assert_eq!(value["blocks"][2]["type"], "context");
}

#[test]
fn digests_tell_where_texts_end() {
    assert_ne!(digest_of(["ab", "c"]), digest_of(["a", "bc"]));
    assert_eq!(digest_of(["a"]).len(), 32);
}
