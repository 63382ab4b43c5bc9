//! Who is told of alerts: `notification_destinations` of sluice.yml, and the `notifications` of a pipeline that go there.
//! Must not look up secrets.

use sluice_model::condition::{project, serve};
use sluice_model::destination::{
    Destination, DestinationKind, Notification, PipelineAlert, Secret,
};
use sluice_model::job::Placed;
use sluice_model::{Diagnostic, Origin};

use super::Settings;
use super::jobs::{number, placed};
use super::reader::{Reader, with_suggestion};
use super::yaml::{Entry, Node, Value};

/// Rows in one message where the destination does not say: what fits a screen.
const GROUP_ROWS: u64 = 20;
/// More would not fit what a receiver takes.
const GROUP_ROWS_MAX: u64 = 1000;
/// Attempts at one message where the destination does not say: with doubling waits about twenty minutes.
const ATTEMPTS: u64 = 12;

const KEYS: &[&str] = &[
    "webhook",
    "slack",
    "table",
    "deduplication_key",
    "group_rows_max",
    "cool_down",
    "template",
    "signing_secret",
    "alerts",
    "attempts_max",
];
/// Forms that Databricks has and we do not.
const OTHER_KINDS: &[&str] = &["email", "microsoft_teams", "pagerduty"];

/// Reads the destinations.
pub(super) fn read(reader: &mut Reader<'_>, settings: &Node) -> Vec<Destination> {
    let Some(node) = settings.get("notification_destinations") else {
        return vec![];
    };
    if !reader.expect_mapping(node, "`notification_destinations`") {
        return vec![];
    }
    node.entries()
        .iter()
        .filter_map(|entry| destination(reader, entry))
        .collect()
}

fn destination(reader: &mut Reader<'_>, entry: &Entry) -> Option<Destination> {
    let node = &entry.node;
    if !reader.expect_mapping(node, &format!("the destination `{}`", entry.key)) {
        return None;
    }
    check_keys(reader, node);
    let (kind, address) = match (node.entry("webhook"), node.entry("slack")) {
        (Some(first), Some(second)) => {
            let message = "a destination is a `webhook` or a `slack`, not both";
            reader.report(
                Diagnostic::error(&project::PROJECT_FIELD_CONFLICT, message)
                    .at(&second.origin, "")
                    .at(&first.origin, "the other one"),
            );
            return None;
        }
        (Some(_), None) => (DestinationKind::Webhook, "webhook"),
        (None, Some(_)) => (DestinationKind::Slack, "slack"),
        (None, None) => {
            let is_named = node
                .entries()
                .iter()
                .any(|e| OTHER_KINDS.contains(&e.key.as_str()));
            if !is_named {
                let message = format!("the destination `{}` has no address", entry.key);
                reader.report(
                    Diagnostic::error(&project::PIPELINE_SPEC_MISSING_REQUIRED_FIELD, message)
                        .at(&entry.origin, "")
                        .help("add `slack: env:SLACK_URL` or `webhook: env:WEBHOOK_URL`"),
                );
            }
            return None;
        }
    };
    let url = secret(reader, node, address)?;
    Some(Destination {
        name: entry.key.clone(),
        origin: entry.origin.clone(),
        kind,
        url,
        table: placed(reader, node, "table"),
        deduplication_key: columns(reader, node),
        group_rows_max: bounded(reader, node, "group_rows_max", GROUP_ROWS, GROUP_ROWS_MAX),
        cool_down_seconds: duration(reader, node, "cool_down").unwrap_or(0),
        template: reader.text(node, "template"),
        signing_secret: secret(reader, node, "signing_secret"),
        alerts: alerts(reader, node),
        attempts_max: bounded(reader, node, "attempts_max", ATTEMPTS, 1000),
    })
}

fn check_keys(reader: &mut Reader<'_>, node: &Node) {
    for entry in node.entries() {
        let key = entry.key.as_str();
        if OTHER_KINDS.contains(&key) {
            let message = format!("a destination of form `{key}` is not supported");
            reader.report(
                Diagnostic::error(&serve::DESTINATION_KIND_UNSUPPORTED, message)
                    .at(&entry.origin, "")
                    .help("write `slack: env:SLACK_URL` or `webhook: env:WEBHOOK_URL`; a webhook can pass messages on"),
            );
        } else if !KEYS.contains(&key) {
            let message = format!("a destination has no key `{key}`");
            let diagnostic = Diagnostic::error(&project::SETTINGS_FIELD_UNKNOWN, message);
            reader.report(with_suggestion(
                diagnostic.at(&entry.origin, "unknown key"),
                key,
                KEYS,
            ));
        }
    }
}

/// `env:NAME`, `file:PATH`, or the value itself, which gets a warning unless it goes to this very machine.
fn secret(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<Placed<Secret>> {
    let written = placed(reader, node, key)?;
    let text = written.value.trim();
    let value = if let Some(name) = text.strip_prefix("env:") {
        Secret::Environment(name.trim().to_owned())
    } else if let Some(path) = text.strip_prefix("file:") {
        Secret::File(path.trim().to_owned())
    } else {
        let is_here = ["http://localhost", "http://127.0.0.1", "http://[::1]"]
            .iter()
            .any(|start| text.starts_with(start));
        if !is_here {
            let message = format!(
                "`{key}` stands in sluice.yml itself, where every reader of the project sees it"
            );
            reader.report(
                Diagnostic::warning(&serve::DESTINATION_SECRET_PLAIN, message)
                    .at(&written.origin, "")
                    .help(format!("write `{key}: env:NAME` or `{key}: file:PATH`")),
            );
        }
        Secret::Plain(text.to_owned())
    };
    Some(Placed {
        value,
        origin: written.origin,
    })
}

fn columns(reader: &mut Reader<'_>, node: &Node) -> Vec<Placed<String>> {
    let Some(list) = node.get("deduplication_key") else {
        return vec![];
    };
    let one = std::slice::from_ref(list);
    let items = if matches!(list.value, Value::Sequence(_)) {
        list.items()
    } else {
        one
    };
    let mut columns = vec![];
    for item in items {
        match item.scalar() {
            Some(value) => columns.push(Placed {
                value,
                origin: item.origin.clone(),
            }),
            None => reader.wrong_kind(item, "`deduplication_key`", "a list of columns"),
        }
    }
    columns
}

fn bounded(reader: &mut Reader<'_>, node: &Node, key: &str, default: u64, max: u64) -> u32 {
    let written = number(reader, node, key);
    if let (Some(number), Some(node)) = (written, node.get(key))
        && (number == 0 || number > max)
    {
        reader.report(
            Diagnostic::error(
                &project::PROJECT_FIELD_VALUE,
                format!("`{key}` must be between 1 and {max}"),
            )
            .at(&node.origin, ""),
        );
    }
    u32::try_from(written.unwrap_or(default).clamp(1, max)).unwrap_or(1)
}

/// Seconds of `90s`, `10m`, `2h`, `1d`.
fn duration(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<u64> {
    let text = reader.text(node, key)?;
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim() {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit?));
    if seconds.is_none() {
        let place = node.get(key).map_or(&node.origin, |node| &node.origin);
        let message = format!("`{key}` must be a duration such as 90s, 10m, 2h or 1d");
        reader.report(Diagnostic::error(&project::PROJECT_FIELD_VALUE, message).at(place, ""));
    }
    seconds
}

fn alerts(reader: &mut Reader<'_>, node: &Node) -> Vec<PipelineAlert> {
    let items = node.get("alerts").map(Node::items).unwrap_or_default();
    let mut alerts = vec![];
    for item in items {
        let word = item.scalar().unwrap_or_default();
        match PipelineAlert::ALL
            .iter()
            .find(|alert| alert.as_str() == word)
        {
            Some(alert) => alerts.push(*alert),
            None => {
                let known = PipelineAlert::ALL.map(PipelineAlert::as_str);
                let message = format!("there is no alert `{word}`");
                let diagnostic = Diagnostic::error(&project::PROJECT_FIELD_VALUE, message);
                reader.report(with_suggestion(
                    diagnostic.at(&item.origin, ""),
                    &word,
                    &known,
                ));
            }
        }
    }
    alerts
}

/// Reads `notifications` of a pipeline.
pub(super) fn notifications(reader: &mut Reader<'_>, pipeline: &Node) -> Vec<Notification> {
    let items = pipeline.get("notifications").map(Node::items);
    let mut notifications = vec![];
    for node in items.unwrap_or_default() {
        if !reader.expect_mapping(node, "an item of `notifications`") {
            continue;
        }
        reader.warn_unknown(node, &["alerts", "email_recipients"], "`notifications`");
        let recipients = node
            .get("email_recipients")
            .map(Node::items)
            .unwrap_or_default();
        notifications.push(Notification {
            alerts: alerts(reader, node),
            recipients: recipients
                .iter()
                .filter_map(|node| {
                    let (value, origin) = (node.scalar()?, node.origin.clone());
                    Some(Placed { value, origin })
                })
                .collect(),
        });
    }
    notifications
}

/// Gives the alerts of a pipeline's `notifications` to the destinations that its recipients name.
pub(super) fn address(
    reader: &mut Reader<'_>,
    notifications: &[Notification],
    settings: &mut Settings,
) {
    for notification in notifications {
        for recipient in &notification.recipients {
            let named = |d: &&mut Destination| d.name.eq_ignore_ascii_case(&recipient.value);
            if let Some(found) = settings.destinations.iter_mut().find(named) {
                found.alerts.extend(&notification.alerts);
                found.alerts.sort_unstable();
                found.alerts.dedup();
            } else {
                reader.report(unheard(&recipient.value, &recipient.origin));
            }
        }
    }
}

fn unheard(recipient: &str, origin: &Origin) -> Diagnostic {
    Diagnostic::warning(
        &serve::NOTIFICATION_WITHOUT_DESTINATION,
        format!("`{recipient}` hears nothing: no e-mail is sent from here"),
    )
    .at(origin, "")
    .help(format!(
        "give the address a destination in sluice.yml: `notification_destinations: {{{recipient}: {{slack: env:SLACK_URL}}}}`"
    ))
}
