//! What the keys of a pipeline mean, bundle's and Spark's: each is honoured, noted, or refused. Must not read files.

use std::collections::BTreeMap;

use sluice_model::condition::project;
use sluice_model::{DatasetName, Diagnostic, Namespace};

use super::reader::{Reader, with_suggestion};
use super::yaml::{Node, Value};
use super::{Project, Settings, SpecKind, destinations, libraries};

/// A pipeline's mapping, references resolved, with what its surroundings say.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) kind: SpecKind,
    pub(super) node: Node,
    pub(super) key: String,
    pub(super) target: Option<String>,
    /// What the target's mode says, which goes before the pipeline's own word.
    pub(super) development: Option<bool>,
    pub(super) name_prefix: String,
    pub(super) tags: BTreeMap<String, String>,
}

impl Declared {
    pub(super) fn new(kind: SpecKind, node: Node, key: String) -> Self {
        Self {
            kind,
            node,
            key,
            target: None,
            development: None,
            name_prefix: String::new(),
            tags: BTreeMap::new(),
        }
    }
}

const SPARK_KEYS: &[&str] = &[
    "name",
    "storage",
    "catalog",
    "database",
    "schema",
    "configuration",
    "libraries",
];
/// Keys of a bundle's pipeline that mean something to a run.
const HONOURED: &[&str] = &[
    "name",
    "catalog",
    "schema",
    "target",
    "configuration",
    "continuous",
    "development",
    "edition",
    "event_log",
    "filters",
    "libraries",
    "notifications",
    "parameters",
    "root_path",
    "tags",
    "trigger",
];
/// Keys that have no effect, with the reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("allow_duplicate_names", "nothing is deployed"),
    ("budget_policy_id", "nothing is billed"),
    ("cascade_on_destroy", "nothing is deployed"),
    ("channel", "there is one runtime, this one"),
    ("clusters", "there is no cluster"),
    ("environment", "there is no Python"),
    ("id", "a pipeline is known by its key"),
    ("lifecycle", "nothing is deployed"),
    ("permissions", "the permissions of your files hold"),
    ("photon", "there is one engine, this one"),
    ("restart_window", "an update is started by you"),
    ("run_as", "an update runs as you"),
    ("serverless", "there is no cluster"),
    ("serverless_compute_id", "there is no cluster"),
    (
        "storage",
        "tables lie in the warehouse; `warehouse` of sluice.yml moves it",
    ),
    ("usage_policy_id", "nothing is billed"),
];
const REFUSED: &[(&str, &str)] = &[
    (
        "gateway_definition",
        "a managed ingestion gateway runs at Databricks only: land its changes as files and read them with `read_files`",
    ),
    (
        "ingestion_definition",
        "a managed connector runs at Databricks only: land its rows as files and read them with `read_files`",
    ),
];

/// Reads the pipeline. `None` only when it cannot be told which files belong to it.
pub(super) fn read(reader: &mut Reader<'_>, declared: Declared) -> Project {
    let node = &declared.node;
    match declared.kind {
        SpecKind::Spark => check_spark_keys(reader, node),
        _ => check_bundle_keys(reader, node),
    }
    let name = reader.text(node, "name").unwrap_or_else(|| {
        if declared.kind == SpecKind::Spark {
            reader.report(
                Diagnostic::error(
                    &project::PIPELINE_SPEC_MISSING_REQUIRED_FIELD,
                    "the pipeline has no name",
                )
                .at(&node.origin, "")
                .help("add `name: <name>`"),
            );
        }
        declared.key.clone()
    });
    let mut configuration = reader.texts(node, "configuration", declared.kind);
    for (key, value) in reader.texts(node, "parameters", SpecKind::Bundle) {
        configuration.entry(key).or_insert(value);
    }
    let mut tags = reader.texts(node, "tags", SpecKind::Bundle);
    tags.extend(declared.tags);
    let namespace = namespace(reader, node);
    let own_development = reader.boolean(node, "development");
    let continuous = reader.boolean(node, "continuous").unwrap_or(false);
    Project {
        kind: declared.kind,
        key: if declared.kind == SpecKind::Spark {
            name.clone()
        } else {
            declared.key
        },
        name: format!("{}{name}", declared.name_prefix),
        target: declared.target,
        development: declared.development.or(own_development).unwrap_or(false),
        continuous,
        event_log: event_log(reader, node, &namespace),
        namespace,
        configuration,
        sources: libraries::sources(reader, node, declared.kind),
        tags,
        notifications: destinations::notifications(reader, node),
        settings: Settings::default(),
    }
}

fn check_spark_keys(reader: &mut Reader<'_>, node: &Node) {
    for entry in node
        .entries()
        .iter()
        .filter(|entry| !SPARK_KEYS.contains(&entry.key.as_str()))
    {
        let diagnostic = Diagnostic::error(
            &project::PIPELINE_SPEC_UNEXPECTED_FIELD,
            format!("a pipeline specification has no key `{}`", entry.key),
        );
        reader.report(with_suggestion(
            diagnostic.at(&entry.origin, "unknown key"),
            &entry.key,
            SPARK_KEYS,
        ));
    }
    if let Some(storage) = node.entry("storage") {
        reader.note_without_effect(
            "storage",
            &storage.origin,
            "tables and checkpoints lie in the warehouse; `warehouse` of sluice.yml moves it",
        );
    }
}

fn check_bundle_keys(reader: &mut Reader<'_>, node: &Node) {
    let known: Vec<&str> = HONOURED
        .iter()
        .copied()
        .chain(WITHOUT_EFFECT.iter().map(|(key, _)| *key))
        .chain(REFUSED.iter().map(|(key, _)| *key))
        .collect();
    reader.warn_unknown(node, &known, "a pipeline");
    for entry in node.entries().iter().filter(|entry| !entry.node.is_empty()) {
        if let Some((key, why)) = WITHOUT_EFFECT.iter().find(|(key, _)| *key == entry.key) {
            reader.note_without_effect(key, &entry.origin, why);
        }
        if let Some((key, help)) = REFUSED.iter().find(|(key, _)| *key == entry.key) {
            reader.report(
                Diagnostic::error(
                    &project::PROJECT_FIELD_NOT_SUPPORTED,
                    format!("`{key}` is not supported"),
                )
                .at(&entry.origin, "")
                .help(*help),
            );
        }
    }
    if let Some(edition) = node.get("edition") {
        let word = edition.scalar().unwrap_or_default().to_uppercase();
        if !matches!(word.as_str(), "CORE" | "PRO" | "ADVANCED") {
            reader.report(
                Diagnostic::error(
                    &project::PROJECT_FIELD_VALUE,
                    "`edition` must be CORE, PRO or ADVANCED",
                )
                .at(&edition.origin, ""),
            );
        }
    }
}

fn namespace(reader: &mut Reader<'_>, node: &Node) -> Namespace {
    let default = Namespace::default();
    let catalog = reader.text(node, "catalog").unwrap_or(default.catalog);
    let spellings = ["schema", "target", "database"];
    let given: Vec<_> = spellings
        .iter()
        .filter_map(|key| node.entry(key).filter(|e| e.node.value != Value::Null))
        .collect();
    if let [first, second, ..] = given.as_slice() {
        reader.report(
            Diagnostic::error(
                &project::PROJECT_FIELD_CONFLICT,
                format!("`{}` and `{}` both name the schema", first.key, second.key),
            )
            .at(&second.origin, "")
            .at(&first.origin, "the other one")
            .help(format!("keep `{}`", first.key)),
        );
    }
    let schema = given
        .first()
        .and_then(|entry| reader.text(node, &entry.key))
        .unwrap_or(default.schema);
    Namespace::new(&catalog, &schema)
}

fn event_log(reader: &mut Reader<'_>, node: &Node, namespace: &Namespace) -> Option<DatasetName> {
    let event_log = node.get("event_log")?;
    if !reader.expect_mapping(event_log, "`event_log`") {
        return None;
    }
    reader.warn_unknown(event_log, &["catalog", "schema", "name"], "`event_log`");
    let catalog = reader
        .text(event_log, "catalog")
        .unwrap_or_else(|| namespace.catalog.clone());
    let schema = reader
        .text(event_log, "schema")
        .unwrap_or_else(|| namespace.schema.clone());
    let Some(name) = reader.text(event_log, "name") else {
        reader.report(
            Diagnostic::error(
                &project::PIPELINE_SPEC_MISSING_REQUIRED_FIELD,
                "`event_log` has no `name`",
            )
            .at(&event_log.origin, ""),
        );
        return None;
    };
    Some(DatasetName::new(&catalog, &schema, &name))
}
