//! Values of a bundle's variables: `--var`, environment, overrides file, target, default; the first that is there
//! wins. Must not resolve references inside values: `references` does.

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin};

use super::files::ProjectFileError;
use super::reader::{Reader, with_suggestion};
use super::yaml::{Entry, Node, Value};

/// The mapping of every declared variable to its value, references unresolved.
pub(super) fn values(
    reader: &mut Reader<'_>,
    root: &Node,
    target: &str,
    target_node: &Node,
) -> Node {
    let declared = root
        .get("variables")
        .map(|node| node.entries().to_vec())
        .unwrap_or_default();
    let of_target = target_node
        .get("variables")
        .map(|node| node.entries().to_vec())
        .unwrap_or_default();
    let overrides = overrides(reader, target);
    let names: Vec<&str> = declared
        .iter()
        .map(|entry| entry.key.as_str())
        // A target may declare a variable of its own by giving it a mapping with a default.
        .chain(
            of_target
                .iter()
                .filter(|entry| is_definition(&entry.node))
                .map(|entry| entry.key.as_str()),
        )
        .collect();
    let from_command_line: Vec<(String, Node)> = reader
        .options
        .variables
        .iter()
        .map(|(name, value)| {
            (
                name.clone(),
                Node::text(value, &Origin::new("<command line>", 1, 1, 0)),
            )
        })
        .collect();
    for (name, node) in &from_command_line {
        report_unknown(reader, &names, name, &node.origin);
    }
    for entry in of_target.iter().filter(|entry| !is_definition(&entry.node)) {
        report_unknown(reader, &names, &entry.key, &entry.origin);
    }
    for entry in overrides.entries() {
        report_unknown(reader, &names, &entry.key, &entry.origin);
    }
    let top = Origin::new("<bundle>", 1, 1, 0);
    let mut values = Node::mapping(&top);
    for name in &names {
        let definition = find(&declared, name).map(|entry| &entry.node);
        let over = find(&of_target, name).map(|entry| &entry.node);
        let environment = reader
            .options
            .environment
            .get(&format!("BUNDLE_VAR_{name}"));
        let value = from_command_line
            .iter()
            .rev()
            .find(|(given, _)| given == name)
            .map(|(_, node)| node.clone())
            .or_else(|| {
                environment.map(|text| Node::text(text, &Origin::new("<environment>", 1, 1, 0)))
            })
            .or_else(|| overrides.get(name).cloned())
            .or_else(|| over.and_then(given_by))
            .or_else(|| definition.and_then(|node| node.get("default").cloned()));
        match value {
            Some(value) => values.put(name, value),
            None => {
                report_missing(reader, name, definition.or(over), find(&declared, name));
                // A stand-in, so that places which refer to it do not report it again.
                values.put(name, Node::text(*name, &top));
            }
        }
    }
    values
}

fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == name)
}

/// Whether a target's entry defines the variable rather than giving a complex value.
fn is_definition(node: &Node) -> bool {
    let known = ["default", "description", "lookup", "type"];
    matches!(node.value, Value::Mapping(_))
        && !node.entries().is_empty()
        && node
            .entries()
            .iter()
            .all(|entry| known.contains(&entry.key.as_str()))
}

/// The value that a target's entry gives.
fn given_by(node: &Node) -> Option<Node> {
    if is_definition(node) {
        node.get("default").cloned()
    } else {
        Some(node.clone())
    }
}

/// `.databricks/bundle/<target>/variable-overrides.json`: a mapping of names to values; JSON is YAML.
fn overrides(reader: &mut Reader<'_>, target: &str) -> Node {
    let path = format!(".databricks/bundle/{target}/variable-overrides.json");
    let empty = Node::mapping(&Origin::new(path.as_str(), 1, 1, 0));
    if reader.files.read(&path) == Err(ProjectFileError::NotFound) {
        return empty;
    }
    reader.yaml(&path).unwrap_or(empty)
}

fn report_unknown(reader: &mut Reader<'_>, names: &[&str], name: &str, origin: &Origin) {
    if names.contains(&name) {
        return;
    }
    let diagnostic = Diagnostic::error(
        &project::BUNDLE_VARIABLE_NOT_DEFINED,
        format!("the variable `{name}` is given a value and is not declared"),
    )
    .at(origin, "");
    reader.report(with_suggestion(diagnostic, name, names));
}

fn report_missing(
    reader: &mut Reader<'_>,
    name: &str,
    node: Option<&Node>,
    declared: Option<&Entry>,
) {
    let help = format!(
        "give it a value: `--var {name}=…` or the environment variable `BUNDLE_VAR_{name}`"
    );
    let diagnostic = if let Some(lookup) = node.and_then(|node| node.entry("lookup")) {
        let message = format!(
            "the variable `{name}` is looked up in a Databricks workspace, and there is none here"
        );
        Diagnostic::error(&project::BUNDLE_VARIABLE_LOOKUP, message).at(&lookup.origin, "")
    } else {
        let message = format!("the variable `{name}` has no value");
        let diagnostic = Diagnostic::error(&project::BUNDLE_VARIABLE_WITHOUT_VALUE, message);
        match (declared, node) {
            (Some(entry), _) => diagnostic.at(&entry.origin, "declared without a default"),
            (None, Some(node)) => diagnostic.at(&node.origin, ""),
            (None, None) => diagnostic,
        }
    };
    reader.report(diagnostic.help(help));
}
