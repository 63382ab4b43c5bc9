//! `include` of a bundle: which files it names, in the project folder or outside, and their mappings laid into the bundle's. Must
//! not know what their keys mean.

use sluice_model::Diagnostic;
use sluice_model::condition::project;

use super::bundle::TOP_KEYS;
use super::files::{describe, folder_of, join_anywhere, leads_out};
use super::libraries::matcher;
use super::reader::Reader;
use super::settings;
use super::yaml::{Node, Value};

/// Merges the files named by `include` into the root, each once, in order of name within a glob.
pub(super) fn include(reader: &mut Reader<'_>, root: &mut Node, file: &str) {
    let mut seen = vec![file.to_owned()];
    let patterns: Vec<Node> = root
        .get("include")
        .map(|node| node.items().to_vec())
        .unwrap_or_default();
    for pattern in patterns {
        let Some(text) = pattern.scalar() else {
            reader.wrong_kind(&pattern, "an item of `include`", "a path");
            continue;
        };
        for path in matched(reader, &pattern, &text, file) {
            let is_config = [".yml", ".yaml", ".json"]
                .iter()
                .any(|extension| path.ends_with(extension));
            if !is_config || seen.contains(&path) {
                continue;
            }
            if let Some(node) = reader.yaml(&path) {
                reader.warn_unknown(&node, TOP_KEYS, "a bundle");
                root.merge(without(node, "include"));
            }
            seen.push(path);
        }
    }
}

/// The files that one item of `include` names.
fn matched(reader: &mut Reader<'_>, pattern: &Node, text: &str, file: &str) -> Vec<String> {
    let has_wildcard = text.contains(['*', '?', '[', '{']);
    let found = match join_anywhere(folder_of(file), text) {
        Some(joined) => named(reader, &joined),
        None => Ok(vec![]),
    };
    let mut found = found.unwrap_or_else(|diagnostic| {
        reader.report(diagnostic.at(&pattern.origin, "named here"));
        vec![]
    });
    if has_wildcard {
        // `*.yml` means files of the bundle; sluice.yml lies beside them and is none.
        found.retain(|path| path != settings::FILE);
    } else if found.is_empty() {
        let message = format!("`include` names `{text}`, and there is no such file");
        reader.report(
            Diagnostic::error(&project::BUNDLE_INCLUDE_NOT_FOUND, message)
                .at(&pattern.origin, "relative to this file"),
        );
    }
    found
}

/// The files that a joined path or glob means.
fn named(reader: &Reader<'_>, joined: &str) -> Result<Vec<String>, Diagnostic> {
    let Ok(matcher) = matcher(joined) else {
        return Ok(vec![]);
    };
    let outside;
    let paths = if leads_out(joined) {
        outside = reader.files.outside(joined).map_err(|error| Diagnostic {
            labels: vec![],
            ..describe(joined, &error)
        })?;
        &outside
    } else {
        reader.files.paths()
    };
    let is_named = |path: &&String| matcher.is_match(path);
    Ok(paths.iter().filter(is_named).cloned().collect())
}

fn without(mut node: Node, key: &str) -> Node {
    if let Value::Mapping(entries) = &mut node.value {
        entries.retain(|entry| entry.key != key);
    }
    node
}

#[cfg(test)]
#[path = "include_tests.rs"]
mod tests;
