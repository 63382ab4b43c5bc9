//! sluice.yml: where things lie that the cloud provided. Optional; must not hold what belongs to the pipeline.

use sluice_model::Diagnostic;
use sluice_model::condition::project;

use super::files::ProjectFileError;
use super::reader::{Reader, with_suggestion};
use super::{Settings, SpecKind};

const FILE: &str = "sluice.yml";
const KEYS: &[&str] = &[
    "warehouse",
    "volumes",
    "paths",
    "credentials",
    "kinesis",
    "notification_destinations",
    "serve",
];

/// Reads sluice.yml of the project folder; all defaults when there is none.
pub(super) fn read(reader: &mut Reader<'_>) -> Settings {
    if reader.files.read(FILE) == Err(ProjectFileError::NotFound) {
        return Settings::default();
    }
    let Some(node) = reader.yaml(FILE) else {
        return Settings::default();
    };
    for entry in node
        .entries()
        .iter()
        .filter(|entry| !KEYS.contains(&entry.key.as_str()))
    {
        let message = format!("sluice.yml has no key `{}`", entry.key);
        let diagnostic = Diagnostic::error(&project::SETTINGS_FIELD_UNKNOWN, message)
            .at(&entry.origin, "unknown key");
        reader.report(with_suggestion(diagnostic, &entry.key, KEYS));
    }
    Settings {
        warehouse: reader.text(&node, "warehouse"),
        volumes: reader.texts(&node, "volumes", SpecKind::Bundle),
        paths: reader.texts(&node, "paths", SpecKind::Bundle),
    }
}
