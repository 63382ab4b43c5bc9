//! Destinations of sluice.yml: what is read from them, and what is reported.

use super::*;

fn read(settings: &str) -> (Vec<String>, Vec<String>) {
    let bundle = "bundle: {name: b}\nresources: {pipelines: {etl: {libraries: [{file: {path: a.sql}}], notifications: [{alerts: [on-update-failure], email_recipients: [Ops@example.com]}]}}}\n";
    let files: MemoryFiles = [
        ("databricks.yml", bundle),
        ("a.sql", "SELECT 1"),
        ("sluice.yml", settings),
    ]
    .into_iter()
    .collect();
    let (project, diagnostics) = load(&files, &LoadOptions::default());
    let destinations = project.unwrap().settings.destinations;
    let shown = destinations.iter().map(|d| {
        let columns: Vec<&str> = d
            .deduplication_key
            .iter()
            .map(|c| c.value.as_str())
            .collect();
        let alerts: Vec<&str> = d.alerts.iter().map(|a| a.as_str()).collect();
        format!(
            "{} {:?} {} {} [{}] {}x {}s [{}]",
            d.name,
            d.kind,
            d.url.value,
            d.table.as_ref().map_or("-", |table| &table.value),
            columns.join(","),
            d.group_rows_max,
            d.cool_down_seconds,
            alerts.join(",")
        )
    });
    let found = diagnostics.iter().map(|d| {
        let line = d.origin().map(|origin| origin.line).unwrap_or_default();
        format!("{line} {}", d.condition.name)
    });
    (shown.collect(), found.collect())
}

#[test]
fn destinations_are_read_and_a_recipient_is_one_by_its_address() {
    let (shown, found) = read(
        "notification_destinations:
  ops@example.com: {slack: env:SLACK_URL}
  tickets:
    webhook: 'file:secrets/url'
    table: gold_alerts
    deduplication_key: [sensor, at]
    group_rows_max: 5
    cool_down: 10m
    alerts: [on-flow-failure]
  here: {webhook: 'http://127.0.0.1:8080/hook'}
",
    );
    assert_eq!(
        shown,
        [
            "ops@example.com Slack env:SLACK_URL - [] 20x 0s [on-update-failure]",
            "tickets Webhook file:secrets/url gold_alerts [sensor,at] 5x 600s [on-flow-failure]",
            "here Webhook plain - [] 20x 0s []",
        ]
    );
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_cannot_be_sent_is_told_with_its_line() {
    let (_, found) = read(
        "notification_destinations:
  a: {email: x@example.com}
  b: {slack: 'https://hooks.example.com/x'}
  c: {webhook: env:A, slack: env:B}
  d: {webhook: env:A, colour: red}
  e: {table: t}
  f: {webhook: env:A, cool_down: soon, group_rows_max: 0}
  g: {webhook: env:A, alerts: [on-update-failed]}
",
    );
    assert_eq!(
        found,
        [
            "2 DESTINATION_KIND_UNSUPPORTED",
            "3 DESTINATION_SECRET_PLAIN",
            "4 PROJECT_FIELD_CONFLICT",
            "5 SETTINGS_FIELD_UNKNOWN",
            "6 PIPELINE_SPEC_MISSING_REQUIRED_FIELD",
            "7 PROJECT_FIELD_VALUE",
            "7 PROJECT_FIELD_VALUE",
            "8 PROJECT_FIELD_VALUE",
            "2 NOTIFICATION_WITHOUT_DESTINATION",
        ]
    );
}

#[test]
fn a_secret_is_never_shown() {
    use sluice_model::destination::Secret;
    assert_eq!(format!("{:?}", Secret::Plain("abc".into())), "plain");
}
