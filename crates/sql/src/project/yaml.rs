//! YAML text to a tree whose every value knows its place. The only room that knows the YAML library.
//!
//! Anchors and merge keys are expanded, duplicate keys and documents that explode are errors. What the values mean
//! is not known here.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, Options, Spanned, budget, options};
use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin, limits};

/// Mappings and sequences inside each other: far beyond any project file, far below the stack.
const NESTING_MAX: usize = 32;

/// A value of a YAML document with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it stands; for a mapping or sequence, a point at its beginning.
    pub(super) origin: Origin,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, in its shortest spelling.
    Number(String),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order written.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) origin: Origin,
    /// The value.
    pub(super) node: Node,
}

impl Node {
    /// A node made by us rather than read: text at a given place.
    pub(super) fn text(text: impl Into<String>, origin: &Origin) -> Self {
        Self {
            value: Value::String(text.into()),
            origin: origin.clone(),
        }
    }

    /// An empty mapping.
    pub(super) fn mapping(origin: &Origin) -> Self {
        Self {
            value: Value::Mapping(vec![]),
            origin: origin.clone(),
        }
    }

    /// The entries of a mapping; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entry under `key`.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under `key`; a NULL counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key)
            .map(|entry| &entry.node)
            .filter(|node| node.value != Value::Null)
    }

    /// Puts a value under `key`, in place of one that is there.
    pub(super) fn put(&mut self, key: &str, node: Node) {
        if let Value::Mapping(entries) = &mut self.value {
            match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) => entry.node = node,
                None => {
                    entries.push(Entry {
                        key: key.to_owned(),
                        origin: node.origin.clone(),
                        node,
                    });
                }
            }
        }
    }

    /// Whether it says nothing: no value, an empty mapping or an empty list.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Sequence(items) => items.is_empty(),
            Value::Mapping(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// The text of a scalar: what a string, number or boolean is when text is asked for.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::String(text) | Value::Number(text) => Some(text.clone()),
            Value::Boolean(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The kind in words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Boolean(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// Lays `over` upon this: mappings are merged key by key, sequences are joined, anything else is replaced.
    pub(super) fn merge(&mut self, over: Node) {
        match (&mut self.value, over.value) {
            (Value::Mapping(_), Value::Mapping(entries)) => {
                for entry in entries {
                    self.merge_entry(entry);
                }
            }
            (Value::Sequence(items), Value::Sequence(more)) => items.extend(more),
            (_, Value::Null) => {}
            (value, over_value) => {
                *value = over_value;
                self.origin = over.origin;
            }
        }
    }

    fn merge_entry(&mut self, over: Entry) {
        if let Value::Mapping(entries) = &mut self.value {
            match entries.iter_mut().find(|entry| entry.key == over.key) {
                Some(entry) => entry.node.merge(over.node),
                None => entries.push(over),
            }
        }
    }
}

/// Reads one YAML document. An empty one is an empty mapping.
pub(super) fn parse(file: &str, text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let file: Arc<str> = file.into();
    let mut reader = Reader {
        file: Arc::clone(&file),
        lines: text.split('\n').collect(),
        diagnostics: vec![],
    };
    let parsed: Result<Spanned<Raw>, Error> = serde_saphyr::from_str_with_options(text, settings());
    let node = match parsed {
        Ok(raw) => Some(reader.node(raw)),
        Err(error) if matches!(error.without_snippet(), Error::Eof { .. }) => None,
        Err(error) => {
            let diagnostic = reader.describe(&error);
            return (None, vec![diagnostic]);
        }
    };
    let top = Origin::new(file, 1, 1, 0);
    let node = node
        .filter(|n| n.value != Value::Null)
        .unwrap_or_else(|| Node::mapping(&top));
    (Some(node), reader.diagnostics)
}

fn settings() -> Options {
    options! {
        budget: budget! {
            max_nodes: limits::YAML_NODES_MAX,
            max_events: limits::YAML_NODES_MAX * 3,
            max_depth: NESTING_MAX,
            flow_nesting_limit: NESTING_MAX,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The tree as serde builds it.
#[derive(Debug)]
enum Raw {
    Null,
    Boolean(bool),
    Number(String),
    String(String),
    Sequence(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = vec![];
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = vec![];
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Mapping(entries))
    }
}

/// Turns serde's tree into ours, with places.
struct Reader<'a> {
    file: Arc<str>,
    lines: Vec<&'a str>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let location = raw.defined;
        let (value, origin) = match raw.value {
            Raw::Null => (Value::Null, self.origin(location, false)),
            Raw::Boolean(value) => (Value::Boolean(value), self.origin(location, true)),
            Raw::Number(text) => (Value::Number(text), self.origin(location, true)),
            Raw::String(text) => {
                let origin = self.origin(location, true);
                self.check_comment(&text, &origin);
                (Value::String(text), origin)
            }
            Raw::Sequence(items) => {
                let items = items.into_iter().map(|item| self.node(item)).collect();
                (Value::Sequence(items), self.origin(location, false))
            }
            Raw::Mapping(entries) => {
                let entries = entries
                    .into_iter()
                    .map(|(key, raw)| Entry {
                        origin: self.origin(key.defined, true),
                        key: key.value,
                        node: self.node(raw),
                    })
                    .collect();
                (Value::Mapping(entries), self.origin(location, false))
            }
        };
        Node { value, origin }
    }

    fn origin(&self, location: Location, covers: bool) -> Origin {
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let (line, column) = (
            narrow(location.line()).max(1),
            narrow(location.column()).max(1),
        );
        let length = if covers {
            let rest = self.rest_of_line(line, column).trim_end().chars().count();
            narrow(location.span().len()).min(u32::try_from(rest).unwrap_or(u32::MAX))
        } else {
            0
        };
        Origin::new(Arc::clone(&self.file), line, column, length)
    }

    fn line(&self, line: u32) -> &str {
        self.lines
            .get(line.saturating_sub(1) as usize)
            .copied()
            .unwrap_or_default()
    }

    fn rest_of_line(&self, line: u32, column: u32) -> &str {
        let text = self.line(line);
        let skipped = column.saturating_sub(1) as usize;
        text.char_indices()
            .nth(skipped)
            .and_then(|(at, _)| text.get(at..))
            .unwrap_or_default()
    }

    /// `value // remark`: YAML takes the remark as part of the value, people do not mean it.
    fn check_comment(&mut self, text: &str, origin: &Origin) {
        let written = self.rest_of_line(origin.line, origin.column);
        let is_plain = !written.starts_with(['"', '\'', '|', '>', '*', '&', '!']);
        if is_plain && text.contains(" //") {
            self.diagnostics.push(
                Diagnostic::warning(
                    &project::YAML_SLASH_COMMENT,
                    format!("`//` does not begin a comment in YAML: the value is `{text}`"),
                )
                .at(origin, "all of this is the value")
                .help(
                    "begin the comment with `#`, or put the value in quotes if `//` belongs to it",
                ),
            );
        }
    }

    fn describe(&self, error: &Error) -> Diagnostic {
        let error = error.without_snippet();
        let location = error.location();
        let origin = location.map_or_else(
            || Origin::new(Arc::clone(&self.file), 1, 1, 0),
            |location| self.origin(location, true),
        );
        match error {
            Error::DuplicateMappingKey { key, .. } => {
                let key = key.as_deref().unwrap_or("?");
                Diagnostic::error(
                    &project::YAML_DUPLICATE_KEY,
                    format!("the key `{key}` is written twice in one mapping"),
                )
                .at(&origin, "written before, above")
                .help("delete one of the two, or rename it")
            }
            Error::Budget { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. } => Diagnostic::error(
                &project::YAML_LIMIT_EXCEEDED,
                format!(
                    "`{}` is too large or too deeply nested for a project file",
                    self.file
                ),
            )
            .at(&origin, "the limit is reached here")
            .fact(format!(
                "allowed are {} values after anchors are expanded, and {NESTING_MAX} levels",
                limits::YAML_NODES_MAX
            )),
            Error::AliasError { error, .. } => self.describe(error),
            other => self.syntax(other, &origin),
        }
    }

    fn syntax(&self, error: &Error, origin: &Origin) -> Diagnostic {
        let words = error.to_string();
        if words.contains("recursion limit") || words.contains("nesting") {
            return Diagnostic::error(
                &project::YAML_LIMIT_EXCEEDED,
                format!("`{}` is too deeply nested", self.file),
            )
            .at(origin, "");
        }
        let words = words.lines().next().unwrap_or_default();
        let words = words.split(" at line ").next().unwrap_or_default();
        let mut diagnostic = Diagnostic::error(
            &project::YAML_SYNTAX_ERROR,
            format!("`{}` is not valid YAML: {words}", self.file),
        )
        .at(origin, "");
        let near = [
            origin.line.saturating_sub(1),
            origin.line,
            origin.line.saturating_add(1),
        ]
        .map(|line| self.line(line));
        if near
            .iter()
            .any(|line| line.trim_start_matches(' ').starts_with('\t'))
        {
            diagnostic = diagnostic.help("indent with spaces: YAML does not allow tabs");
        }
        if near
            .iter()
            .any(|line| line.contains(" //") || line.trim_start().starts_with("//"))
        {
            diagnostic = diagnostic.help("a comment begins with `#` in YAML, not with `//`");
        }
        diagnostic
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
