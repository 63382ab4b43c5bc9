//! What starts a job: `schedule`, `trigger`, `continuous`. Must not understand calendars.

use sluice_model::Diagnostic;
use sluice_model::condition::project;
use sluice_model::job::{JobTrigger, Pause, Placed, Rest};

use super::super::reader::Reader;
use super::super::yaml::{Entry, Node, Value};
use super::{missing, number, pause_status, placed, value};

/// Databricks takes no less for a watched place.
const REST_SECONDS_MIN: u64 = 60;

/// The trigger of a job, and whether it says that it is paused or not.
pub(super) fn job_trigger(
    reader: &mut Reader<'_>,
    node: &Node,
) -> (Option<JobTrigger>, Option<Pause>) {
    let given: Vec<&Entry> = ["schedule", "trigger", "continuous"]
        .iter()
        .filter_map(|key| node.entry(key).filter(|e| e.node.value != Value::Null))
        .collect();
    if let [first, second, ..] = given.as_slice() {
        conflict(reader, first, second, "a job starts in one way");
    }
    let Some(entry) = given.first() else {
        return (None, None);
    };
    if !reader.expect_mapping(&entry.node, &format!("`{}`", entry.key)) {
        return (None, None);
    }
    let pause = pause_status(reader, &entry.node, "pause_status");
    let trigger = match entry.key.as_str() {
        "schedule" => {
            let known = ["quartz_cron_expression", "timezone_id", "pause_status"];
            reader.warn_unknown(&entry.node, &known, "`schedule`");
            cron(reader, &entry.node, "quartz_cron_expression")
        }
        "trigger" => watched(reader, &entry.node),
        _ => {
            let known = ["pause_status", "task_retry_mode"];
            reader.warn_unknown(&entry.node, &known, "`continuous`");
            Some(JobTrigger::Continuous)
        }
    };
    (trigger, pause)
}

fn conflict(reader: &mut Reader<'_>, first: &Entry, second: &Entry, why: &str) {
    reader.report(
        Diagnostic::error(
            &project::PROJECT_FIELD_CONFLICT,
            format!("`{}` and `{}` are both there: {why}", first.key, second.key),
        )
        .at(&second.origin, "")
        .at(&first.origin, "the other one")
        .help("delete one of the two"),
    );
}

pub(super) fn cron(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<JobTrigger> {
    let expression = placed(reader, node, key);
    if expression.is_none() && node.get(key).is_none() {
        missing(reader, node, key, "`0 0 2 * * ?`, every night at two");
    }
    Some(JobTrigger::Cron {
        expression: expression?,
        time_zone: placed(reader, node, "timezone_id"),
    })
}

/// `periodic`, `file_arrival` or `table_update` under `trigger`.
fn watched(reader: &mut Reader<'_>, node: &Node) -> Option<JobTrigger> {
    let kinds = ["periodic", "file_arrival", "table_update"];
    let known = [&kinds[..], &["pause_status"]].concat();
    reader.warn_unknown(node, &known, "`trigger`");
    let given: Vec<&Entry> = kinds
        .iter()
        .filter_map(|key| node.entry(key).filter(|e| e.node.value != Value::Null))
        .collect();
    if let [first, second, ..] = given.as_slice() {
        conflict(reader, first, second, "a job starts in one way");
    }
    let Some(entry) = given.first() else {
        missing(
            reader,
            node,
            "periodic",
            "`periodic: {interval: 1, unit: HOURS}`; or `file_arrival`, or `table_update`",
        );
        return None;
    };
    if !reader.expect_mapping(&entry.node, &format!("`{}`", entry.key)) {
        return None;
    }
    match entry.key.as_str() {
        "periodic" => periodic(reader, &entry.node),
        "file_arrival" => {
            let url = placed(reader, &entry.node, "url");
            if url.is_none() && entry.node.get("url").is_none() {
                missing(
                    reader,
                    &entry.node,
                    "url",
                    "`url: /Volumes/main/iot/landing/`",
                );
            }
            let rest = rest(reader, &entry.node, &["url"]);
            url.map(|url| JobTrigger::FileArrival { url, rest })
        }
        _ => table_update(reader, &entry.node),
    }
}

fn periodic(reader: &mut Reader<'_>, node: &Node) -> Option<JobTrigger> {
    reader.warn_unknown(node, &["interval", "unit"], "`periodic`");
    let interval = number(reader, node, "interval");
    let unit = reader.text(node, "unit");
    if node.get("interval").is_none() || node.get("unit").is_none() {
        missing(
            reader,
            node,
            "interval` and `unit",
            "`{interval: 1, unit: HOURS}`",
        );
    }
    let unit_seconds = match unit?.to_uppercase().as_str() {
        "HOURS" => 3600,
        "DAYS" => 86_400,
        "WEEKS" => 7 * 86_400,
        _ => {
            value(
                reader,
                node.get("unit")?,
                "`unit` must be HOURS, DAYS or WEEKS",
            );
            return None;
        }
    };
    match interval?.checked_mul(unit_seconds) {
        Some(every_seconds) if every_seconds > 0 => Some(JobTrigger::Periodic { every_seconds }),
        _ => {
            value(
                reader,
                node.get("interval")?,
                "`interval` must be 1 or more",
            );
            None
        }
    }
}

fn table_update(reader: &mut Reader<'_>, node: &Node) -> Option<JobTrigger> {
    let mut tables = vec![];
    match node.get("table_names") {
        None => missing(
            reader,
            node,
            "table_names",
            "`table_names: [main.iot.readings]`",
        ),
        Some(names) if names.items().is_empty() => {
            reader.wrong_kind(names, "`table_names`", "a list of names");
        }
        Some(names) => {
            for name in names.items() {
                match name.scalar() {
                    Some(text) => tables.push(Placed {
                        value: text,
                        origin: name.origin.clone(),
                    }),
                    None => {
                        reader.wrong_kind(name, "an item of `table_names`", "the name of a table");
                    }
                }
            }
        }
    }
    let condition = reader.text(node, "condition");
    let needs_all = match condition.as_deref() {
        None | Some("ANY_UPDATED") => false,
        Some("ALL_UPDATED") => true,
        Some(_) => {
            let node = node.get("condition")?;
            value(
                reader,
                node,
                "`condition` must be ANY_UPDATED or ALL_UPDATED",
            );
            return None;
        }
    };
    let rest = rest(reader, node, &["table_names", "condition"]);
    (!tables.is_empty()).then_some(JobTrigger::TableUpdate {
        tables,
        needs_all,
        rest,
    })
}

fn rest(reader: &mut Reader<'_>, node: &Node, more: &[&str]) -> Rest {
    let keys = [
        "min_time_between_triggers_seconds",
        "wait_after_last_change_seconds",
    ];
    let known = [&keys[..], more].concat();
    reader.warn_unknown(node, &known, "the trigger");
    let mut seconds = keys.map(|key| number(reader, node, key).unwrap_or(0));
    for (key, seconds) in keys.iter().zip(&mut seconds) {
        if *seconds > 0 && *seconds < REST_SECONDS_MIN {
            if let Some(node) = node.get(key) {
                value(
                    reader,
                    node,
                    &format!("`{key}` must be {REST_SECONDS_MIN} or more"),
                );
            }
            *seconds = REST_SECONDS_MIN;
        }
    }
    let [min_between_seconds, after_change_seconds] = seconds;
    Rest {
        min_between_seconds,
        after_change_seconds,
    }
}
