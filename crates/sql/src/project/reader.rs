//! Reads typed values out of YAML nodes and collects what is wrong with them, all of it. Knows no key by name.

use sluice_model::suggest::{closest, did_you_mean, listed};
use std::collections::BTreeMap;

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin};

use super::files::{ProjectFiles, read_yaml};
use super::yaml::{self, Node, Value};
use super::{LoadOptions, SpecKind};

/// What loading a project carries along: the files, the options, and everything found so far.
pub(super) struct Reader<'a> {
    pub(super) files: &'a dyn ProjectFiles,
    pub(super) options: &'a LoadOptions,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reads and parses a YAML file; `None` after reporting why not.
    pub(super) fn yaml(&mut self, path: &str) -> Option<Node> {
        match read_yaml(self.files, path) {
            Ok(text) => {
                let (node, diagnostics) = yaml::parse(path, &text);
                self.diagnostics.extend(diagnostics);
                let node = node?;
                self.expect_mapping(&node, &format!("`{path}`"))
                    .then_some(node)
            }
            Err(diagnostic) => {
                self.report(*diagnostic);
                None
            }
        }
    }

    /// Reports a value of the wrong kind.
    pub(super) fn wrong_kind(&mut self, node: &Node, what: &str, expected: &str) {
        self.report(
            Diagnostic::error(
                &project::PROJECT_FIELD_TYPE,
                format!("{what} must be {expected}"),
            )
            .at(&node.origin, format!("this is {}", node.kind())),
        );
    }

    pub(super) fn expect_mapping(&mut self, node: &Node, what: &str) -> bool {
        let fine = matches!(node.value, Value::Mapping(_));
        if !fine {
            self.wrong_kind(node, what, "a mapping of keys to values");
        }
        fine
    }

    /// The text under `key`; numbers and booleans are taken as text.
    pub(super) fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let value = node.get(key)?;
        let text = value.scalar();
        if text.is_none() {
            self.wrong_kind(value, &format!("`{key}`"), "text");
        }
        text
    }

    /// The boolean under `key`; the words `true` and `false` count, so that a variable can give it.
    pub(super) fn boolean(&mut self, node: &Node, key: &str) -> Option<bool> {
        let value = node.get(key)?;
        match value.scalar().as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.wrong_kind(value, &format!("`{key}`"), "true or false");
                None
            }
        }
    }

    /// The mapping of text to text under `key`. With `kind` [`SpecKind::Spark`] only strings will do.
    pub(super) fn texts(
        &mut self,
        node: &Node,
        key: &str,
        kind: SpecKind,
    ) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        let Some(mapping) = node.get(key) else {
            return texts;
        };
        if !self.expect_mapping(mapping, &format!("`{key}`")) {
            return texts;
        }
        for entry in mapping.entries() {
            let value = &entry.node;
            if kind == SpecKind::Spark && !matches!(value.value, Value::String(_)) {
                let diagnostic = Diagnostic::error(
                    &project::PIPELINE_SPEC_DICT_VALUE_NOT_STRING,
                    format!("`{}` under `{key}` must be a string", entry.key),
                )
                .at(&value.origin, format!("this is {}", value.kind()));
                let diagnostic = match value.scalar() {
                    Some(text) => {
                        diagnostic.help(format!("put it in quotes: `{}: \"{text}\"`", entry.key))
                    }
                    None => diagnostic,
                };
                self.report(diagnostic);
                continue;
            }
            match (value.scalar(), &value.value) {
                (Some(text), _) => {
                    texts.insert(entry.key.clone(), text);
                }
                (None, Value::Null) => {
                    texts.insert(entry.key.clone(), String::new());
                }
                _ => self.wrong_kind(value, &format!("`{}` under `{key}`", entry.key), "text"),
            }
        }
        texts
    }

    /// Warns of keys that are not among `known`.
    pub(super) fn warn_unknown(&mut self, node: &Node, known: &[&str], place: &str) {
        for entry in node
            .entries()
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let diagnostic = Diagnostic::warning(
                &project::PROJECT_FIELD_UNKNOWN,
                format!("`{}` is not a key of {place}: it has no effect", entry.key),
            );
            self.report(with_suggestion(
                diagnostic.at(&entry.origin, "unknown key"),
                &entry.key,
                known,
            ));
        }
    }

    /// Notes a key that has no effect here.
    pub(super) fn note_without_effect(&mut self, key: &str, origin: &Origin, why: &str) {
        self.report(
            Diagnostic::note(
                &project::PROJECT_FIELD_WITHOUT_EFFECT,
                format!("`{key}` has no effect here: {why}"),
            )
            .at(origin, ""),
        );
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Adds "did you mean", or the list of what is known.
pub(super) fn with_suggestion(diagnostic: Diagnostic, word: &str, known: &[&str]) -> Diagnostic {
    match closest(word, known.iter().copied()) {
        Some(near) => diagnostic.help(did_you_mean(near)),
        None if known.is_empty() => diagnostic,
        None => diagnostic.help(format!("known are {}", listed(known.iter().copied()))),
    }
}
