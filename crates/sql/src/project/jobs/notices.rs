//! Who is told of a job's runs, and after how long a run is late. Must not know how anybody is told.

use sluice_model::condition::{project, serve};
use sluice_model::job::{Job, Notices, Occasion, Placed};
use sluice_model::{Diagnostic, Origin};

use super::super::reader::Reader;
use super::super::yaml::Node;
use super::number;

/// The keys of both kinds of notifications that name occasions.
const OCCASIONS: &[(&str, Occasion)] = &[
    ("on_start", Occasion::Start),
    ("on_success", Occasion::Success),
    ("on_failure", Occasion::Failure),
    ("on_duration_warning_threshold_exceeded", Occasion::Late),
];
/// Keys that are known and change nothing here.
const WITHOUT_EFFECT: &[&str] = &["on_streaming_backlog_exceeded", "no_alert_for_skipped_runs"];
/// The only metric of a job that this engine measures.
const RUN_DURATION: &str = "RUN_DURATION_SECONDS";

/// The notices of a job.
pub(super) fn notices(reader: &mut Reader<'_>, job: &Node) -> Notices {
    let mut notices = Notices::default();
    for (kind, names_by_id) in [
        ("webhook_notifications", true),
        ("email_notifications", false),
    ] {
        let Some(node) = job.get(kind) else { continue };
        if !reader.expect_mapping(node, &format!("`{kind}`")) {
            continue;
        }
        let mut known: Vec<&str> = OCCASIONS.iter().map(|(key, _)| *key).collect();
        known.extend(WITHOUT_EFFECT);
        reader.warn_unknown(node, &known, &format!("`{kind}`"));
        for (key, occasion) in OCCASIONS {
            for item in node.get(key).map(Node::items).unwrap_or_default() {
                let named = if names_by_id {
                    item.get("id")
                } else {
                    Some(item)
                };
                match named.and_then(|named| Some((named.scalar()?, named.origin.clone()))) {
                    Some((value, origin)) => {
                        let recipient = Placed { value, origin };
                        notices.recipients.push((*occasion, recipient));
                    }
                    None if names_by_id => {
                        reader.wrong_kind(item, &format!("an item of `{key}`"), "`id: NAME`");
                    }
                    None => reader.wrong_kind(item, &format!("an item of `{key}`"), "an address"),
                }
            }
        }
        without_effect(reader, node, WITHOUT_EFFECT);
    }
    if let Some(settings) = job.get("notification_settings")
        && reader.expect_mapping(settings, "`notification_settings`")
    {
        let known = ["no_alert_for_skipped_runs", "no_alert_for_canceled_runs"];
        reader.warn_unknown(settings, &known, "`notification_settings`");
        let mut quiet = |key| reader.boolean(settings, key).unwrap_or(false);
        notices.quiet_when_left_out = quiet("no_alert_for_skipped_runs");
        notices.quiet_when_stopped = quiet("no_alert_for_canceled_runs");
    }
    notices.late_after_seconds = late_after(reader, job);
    notices
}

/// Of tasks nobody is told, and they have no health of their own.
pub(super) fn of_task(reader: &mut Reader<'_>, task: &Node) {
    let keys = [
        "webhook_notifications",
        "email_notifications",
        "notification_settings",
        "health",
    ];
    without_effect(reader, task, &keys);
}

fn late_after(reader: &mut Reader<'_>, job: &Node) -> Option<u64> {
    let health = job.get("health")?;
    if !reader.expect_mapping(health, "`health`") {
        return None;
    }
    reader.warn_unknown(health, &["rules"], "`health`");
    let mut late_after = None;
    for rule in health.get("rules").map(Node::items).unwrap_or_default() {
        if !reader.expect_mapping(rule, "a rule of `health`") {
            continue;
        }
        reader.warn_unknown(rule, &["metric", "op", "value"], "a rule of `health`");
        let metric = reader.text(rule, "metric").unwrap_or_default();
        if metric != RUN_DURATION {
            let place = rule.get("metric").map_or(&rule.origin, |node| &node.origin);
            let message =
                format!("a rule about `{metric}` has no effect: only {RUN_DURATION} is measured");
            let found = Diagnostic::warning(&project::PROJECT_FIELD_WITHOUT_EFFECT, message);
            reader.report(found.at(place, ""));
            continue;
        }
        if reader
            .text(rule, "op")
            .is_some_and(|op| op != "GREATER_THAN")
        {
            let place = rule.get("op").map_or(&rule.origin, |node| &node.origin);
            let found =
                Diagnostic::error(&project::PROJECT_FIELD_VALUE, "`op` must be GREATER_THAN");
            reader.report(found.at(place, ""));
        }
        let seconds = number(reader, rule, "value");
        late_after = [late_after, seconds].into_iter().flatten().min();
    }
    late_after
}

fn without_effect(reader: &mut Reader<'_>, node: &Node, keys: &[&str]) {
    for key in keys {
        if let Some(entry) = node.entry(key).filter(|entry| !entry.node.is_empty()) {
            let message = format!("`{key}` has no effect here");
            let found = Diagnostic::warning(&project::PROJECT_FIELD_WITHOUT_EFFECT, message);
            reader.report(found.at(&entry.origin, ""));
        }
    }
}

/// Says who of the recipients of jobs is no destination.
pub(super) fn check(reader: &mut Reader<'_>, jobs: &[Job], destinations: &[String]) {
    let mut told: Vec<&str> = vec![];
    for (_, recipient) in jobs.iter().flat_map(|job| &job.notices.recipients) {
        let name = recipient.value.as_str();
        let is_known = destinations
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        if !is_known && !told.contains(&name) {
            told.push(name);
            reader.report(unheard(name, &recipient.origin));
        }
    }
}

fn unheard(name: &str, origin: &Origin) -> Diagnostic {
    Diagnostic::warning(
        &serve::NOTIFICATION_WITHOUT_DESTINATION,
        format!("`{name}` hears nothing of this job: sluice.yml has no destination of this name"),
    )
    .at(origin, "")
    .help(format!("add it to sluice.yml: `notification_destinations: {{{name}: {{webhook: env:WEBHOOK_URL}}}}`"))
}
