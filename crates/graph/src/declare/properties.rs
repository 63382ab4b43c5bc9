//! `TBLPROPERTIES`: which are ours to act on, which are unknown, which would break a promise.

use sluice_model::suggest::{closest, did_you_mean};
use std::collections::BTreeMap;

use sluice_model::condition::graph as condition;
use sluice_model::{Diagnostic, Origin};
use sluice_sql::statement::Located;

use crate::pace::IDLE_TIMEOUT;

/// Properties in the `pipelines.` room that Databricks or Spark know. Only the first two act today; the others
/// are kept with the table.
const KNOWN: &[&str] = &[
    "pipelines.reset.allowed",
    "pipelines.trigger.interval",
    "pipelines.autoOptimize.managed",
    "pipelines.autoOptimize.zOrderCols",
    "pipelines.cdc.tombstoneGCThresholdInSeconds",
    "pipelines.channel",
    "pipelines.metastore.tableName",
];

/// Properties after their check.
pub(super) struct CheckedProperties {
    pub(super) kept: BTreeMap<String, Located<String>>,
    pub(super) reset_allowed: bool,
}

pub(super) fn check_properties(
    properties: &BTreeMap<String, Located<String>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> CheckedProperties {
    let mut checked = CheckedProperties {
        kept: BTreeMap::new(),
        reset_allowed: true,
    };
    for (key, value) in properties {
        let lower = key.to_lowercase();
        if lower == "delta.settransactionretentionduration" {
            diagnostics.push(
                invalid(
                    key,
                    &value.origin,
                    "would let the table forget which batches it holds",
                )
                .help("remove it: exactly-once rests on the transaction ids in the table"),
            );
            continue;
        }
        if lower.starts_with("sluice.") && !key.eq_ignore_ascii_case(IDLE_TIMEOUT) {
            diagnostics.push(
                invalid(key, &value.origin, "is set by the engine and not by hand")
                    .help("remove it"),
            );
            continue;
        }
        if lower == "pipelines.reset.allowed" {
            match value.value.to_lowercase().as_str() {
                "true" => {}
                "false" => checked.reset_allowed = false,
                _ => diagnostics.push(
                    invalid(key, &value.origin, "is `true` or `false`")
                        .fact(format!("found: {}", value.value)),
                ),
            }
        } else if lower.starts_with("pipelines.")
            && !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(key))
        {
            diagnostics.push(unknown(key, &value.origin));
            continue;
        }
        checked.kept.insert(key.clone(), value.clone());
    }
    checked
}

fn invalid(key: &str, origin: &Origin, why: &str) -> Diagnostic {
    Diagnostic::error(
        &condition::INVALID_TABLE_PROPERTY,
        format!("table property `{key}` {why}"),
    )
    .at(origin, "")
}

fn unknown(key: &str, origin: &Origin) -> Diagnostic {
    let warning = Diagnostic::warning(
        &condition::UNKNOWN_PIPELINE_PROPERTY,
        format!("table property `{key}` is not known"),
    )
    .at(origin, "dropped");
    match closest(key, KNOWN.iter().copied()) {
        Some(known) => warning.help(did_you_mean(known)),
        None => warning,
    }
}
