//! sluice.yml: where things lie that the cloud provided. Optional; must not hold what belongs to the pipeline.

use std::collections::BTreeMap;

use sluice_model::Diagnostic;
use sluice_model::condition::project;

use super::files::ProjectFileError;
use super::reader::{Reader, with_suggestion};
use super::yaml::Node;
use super::{CredentialSettings, KinesisSettings, S3Settings, Settings, SpecKind, destinations};

pub(super) const FILE: &str = "sluice.yml";
const KEYS: &[&str] = &[
    "warehouse",
    "volumes",
    "paths",
    "credentials",
    "kinesis",
    "s3",
    "simulate",
    "notification_destinations",
    "serve",
];
const KINESIS_KEYS: &[&str] = &["endpoint", "region"];
const CREDENTIAL_KEYS: &[&str] = &[
    "profile",
    "role_arn",
    "external_id",
    "session_name",
    "access_key_id",
    "secret_access_key",
    "session_token",
];

const S3_KEYS: &[&str] = &[
    "endpoint",
    "region",
    "path_style",
    "credentials",
    "request_timeout_seconds",
];

/// Reads sluice.yml of the project folder; all defaults when there is none.
pub(super) fn read(reader: &mut Reader<'_>) -> Settings {
    if reader.files.read(FILE) == Err(ProjectFileError::NotFound) {
        return Settings::default();
    }
    let Some(node) = reader.yaml(FILE) else {
        return Settings::default();
    };
    report_unknown(reader, &node, KEYS, "sluice.yml");
    let kinesis = kinesis(reader, &node);
    let credentials = credentials(reader, &node);
    Settings {
        warehouse: reader.text(&node, "warehouse"),
        volumes: reader.texts(&node, "volumes", SpecKind::Bundle),
        paths: reader.texts(&node, "paths", SpecKind::Bundle),
        s3: s3(reader, &node),
        kinesis,
        credentials,
        destinations: destinations::read(reader, &node),
        simulate: reader.texts(&node, "simulate", SpecKind::Bundle),
    }
}

fn kinesis(reader: &mut Reader<'_>, node: &Node) -> KinesisSettings {
    let Some(found) = section(reader, node, "kinesis", KINESIS_KEYS) else {
        return KinesisSettings::default();
    };
    KinesisSettings {
        endpoint: reader.text(found, "endpoint"),
        region: reader.text(found, "region"),
    }
}

fn credentials(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<String, CredentialSettings> {
    let mut all = BTreeMap::new();
    let Some(mapping) = node.get("credentials") else {
        return all;
    };
    if !reader.expect_mapping(mapping, "`credentials`") {
        return all;
    }
    for entry in mapping.entries() {
        let Some(found) = section(reader, mapping, &entry.key, CREDENTIAL_KEYS) else {
            continue;
        };
        let credential = CredentialSettings {
            profile: reader.text(found, "profile"),
            role_arn: reader.text(found, "role_arn"),
            external_id: reader.text(found, "external_id"),
            session_name: reader.text(found, "session_name"),
            access_key_id: reader.text(found, "access_key_id"),
            secret_access_key: reader.text(found, "secret_access_key"),
            session_token: reader.text(found, "session_token"),
        };
        all.insert(entry.key.clone(), credential);
    }
    all
}

fn s3(reader: &mut Reader<'_>, node: &Node) -> S3Settings {
    let Some(found) = section(reader, node, "s3", S3_KEYS) else {
        return S3Settings::default();
    };
    S3Settings {
        endpoint: reader.text(found, "endpoint"),
        region: reader.text(found, "region"),
        path_style: reader.boolean(found, "path_style"),
        credentials: reader.text(found, "credentials"),
        request_timeout_seconds: seconds(reader, found, "request_timeout_seconds"),
    }
}

/// A whole number of seconds, at least one.
fn seconds(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<u64> {
    let text = reader.text(node, key)?;
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    if let (None, Some(value)) = (number, node.get(key)) {
        reader.wrong_kind(value, &format!("`{key}`"), "a whole number of seconds");
    }
    number
}

/// The mapping under `key`, its unknown keys reported.
fn section<'a>(
    reader: &mut Reader<'_>,
    node: &'a Node,
    key: &str,
    known: &[&str],
) -> Option<&'a Node> {
    let found = node.get(key)?;
    if !reader.expect_mapping(found, &format!("`{key}`")) {
        return None;
    }
    report_unknown(reader, found, known, &format!("`{key}` of sluice.yml"));
    Some(found)
}

fn report_unknown(reader: &mut Reader<'_>, node: &Node, known: &[&str], place: &str) {
    let unknown = node
        .entries()
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()));
    for entry in unknown {
        let message = format!("{place} has no key `{}`", entry.key);
        let diagnostic = Diagnostic::error(&project::SETTINGS_FIELD_UNKNOWN, message)
            .at(&entry.origin, "unknown key");
        reader.report(with_suggestion(diagnostic, &entry.key, known));
    }
}
