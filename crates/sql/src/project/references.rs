//! Resolves `${…}` of a bundle in its own tree, to a fixed point. Must not know what the keys of a pipeline mean.

use sluice_model::suggest::{closest, did_you_mean, listed};
use std::borrow::Cow;
use std::collections::BTreeMap;

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin};

use super::computed::{self, Computed};
use super::yaml::{Entry, Node, Value};

/// References inside references.
const STEPS_MAX: usize = 64;
/// Longest text after resolution, in bytes.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Nodes that resolution may produce in all.
const NODES_MAX: usize = 200_000;

/// First words of a reference that a bundle resolves; `${…}` with any other word is left alone.
const ROOTS: [&str; 4] = ["var", "bundle", "workspace", "resources"];

/// Resolves references against one tree: `bundle`, `workspace`, `resources`, and the values of variables under `var`.
pub(super) struct References<'a> {
    tree: &'a Node,
    /// What paths gave: the value, or that it has none (reported already, or left as written).
    known: BTreeMap<String, Option<Node>>,
    /// Paths being resolved, outermost first.
    stack: Vec<String>,
    produced: usize,
    /// Whether what is resolved is read by a run: a pipeline.
    is_read: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A piece of text: as it is, or a reference.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    /// The whole `${…}` and the path inside.
    Reference(&'t str, &'t str),
}

impl<'a> References<'a> {
    pub(super) fn new(tree: &'a Node) -> Self {
        Self {
            tree,
            known: BTreeMap::new(),
            stack: vec![],
            produced: 0,
            is_read: false,
            diagnostics: vec![],
        }
    }

    /// `resources` with every reference inside replaced. An id that only a deployment gives is reported where a pipeline
    /// says it; elsewhere nothing is made of it.
    pub(super) fn resolve_resources(&mut self, resources: &Node) -> Node {
        let mut resolved = Node::mapping(&resources.origin);
        // Pipelines first: what they must not take silently is not known from elsewhere yet.
        let is_pipelines = |entry: &&Entry| entry.key == "pipelines";
        let (read, others): (Vec<&Entry>, Vec<&Entry>) =
            resources.entries().iter().partition(is_pipelines);
        for (entries, is_read) in [(read, true), (others, false)] {
            self.is_read = is_read;
            for entry in entries {
                let node = self.resolve(&entry.node);
                resolved.put(&entry.key, node);
            }
        }
        resolved
    }

    /// The node with every reference inside replaced; what cannot be resolved is reported and stays as written.
    pub(super) fn resolve(&mut self, node: &Node) -> Node {
        self.produced += 1;
        let value = match &node.value {
            Value::String(text) if text.contains("${") => {
                return self.resolve_text(text, &node.origin);
            }
            _ if self.produced > NODES_MAX => {
                self.report_limit(&node.origin);
                Value::Null
            }
            Value::Sequence(items) => {
                Value::Sequence(items.iter().map(|item| self.resolve(item)).collect())
            }
            Value::Mapping(entries) => Value::Mapping(
                entries
                    .iter()
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        origin: entry.origin.clone(),
                        node: self.resolve(&entry.node),
                    })
                    .collect(),
            ),
            value => value.clone(),
        };
        Node {
            value,
            origin: node.origin.clone(),
        }
    }

    fn resolve_text(&mut self, text: &str, origin: &Origin) -> Node {
        let pieces = pieces(text);
        if let [Piece::Reference(_, path)] = pieces.as_slice() {
            // The whole value is one reference: it may be of any kind, and belongs to the file that refers.
            return match self.lookup(path, origin) {
                Some(found) => Node {
                    value: found.value,
                    origin: origin.clone(),
                },
                None => Node::text(text, origin),
            };
        }
        let mut resolved = String::with_capacity(text.len());
        for piece in &pieces {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Reference(written, path) => match self.lookup(path, origin) {
                    None => resolved.push_str(written),
                    Some(found) => {
                        if let Some(text) = found.scalar() {
                            resolved.push_str(&text);
                        } else {
                            self.diagnostics.push(not_text(written, &found, origin));
                            resolved.push_str(written);
                        }
                    }
                },
            }
            if resolved.len() > TEXT_BYTES_MAX {
                self.report_limit(origin);
                return Node::text("", origin);
            }
        }
        Node::text(resolved, origin)
    }

    /// The value behind a path; `None` when it stays as written.
    fn lookup(&mut self, path: &str, origin: &Origin) -> Option<Node> {
        let root = path.split(['.', '[']).next().unwrap_or_default();
        if !ROOTS.contains(&root) {
            return None;
        }
        if let Some(position) = self.stack.iter().position(|on_the_way| on_the_way == path) {
            let mut circle: Vec<String> = self
                .stack
                .iter()
                .skip(position)
                .map(|p| format!("`{p}`"))
                .collect();
            circle.push(format!("`{path}`"));
            self.diagnostics.push(
                Diagnostic::error(
                    &project::BUNDLE_REFERENCE_CYCLE,
                    "references of the bundle go in a circle",
                )
                .at(origin, "this closes the circle")
                .fact(circle.join(" -> ")),
            );
            return None;
        }
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        if self.stack.len() >= STEPS_MAX {
            self.report_limit(origin);
            return None;
        }
        self.stack.push(path.to_owned());
        let found = self.walk(path, origin);
        self.stack.pop();
        // A path that is in no circle gives the same every time; a failure is reported at each place that refers.
        if found.is_some() {
            self.known.insert(path.to_owned(), found.clone());
        }
        found
    }

    fn walk(&mut self, path: &str, origin: &Origin) -> Option<Node> {
        let mut node: Cow<'_, Node> = Cow::Borrowed(self.tree);
        let steps = steps(path);
        for (depth, step) in steps.iter().enumerate() {
            if depth > 0 && matches!(node.value, Value::String(_)) {
                node = Cow::Owned(self.resolve(&node));
            }
            let next = match step {
                Step::Key(key) => {
                    // `${var.x.value}` is an old spelling of `${var.x}`.
                    let old = depth == 2 && *key == "value" && path.starts_with("var.");
                    if old && node.get(key).is_none() {
                        Some(node.as_ref().clone())
                    } else {
                        node.get(key).cloned()
                    }
                }
                Step::Index(index) => node.items().get(*index).cloned(),
            };
            match next {
                Some(next) => node = Cow::Owned(next),
                None => {
                    return match computed_field(&steps, depth) {
                        Some((kind, key, field)) => self.computed(path, kind, key, field, origin),
                        None => self.missing(path, &steps, depth, &node, origin),
                    };
                }
            }
        }
        Some(self.resolve(&node))
    }

    /// Reports what is missing.
    fn missing(
        &mut self,
        path: &str,
        steps: &[Step<'_>],
        depth: usize,
        node: &Node,
        origin: &Origin,
    ) -> Option<Node> {
        let last = match steps.get(depth) {
            Some(Step::Key(key)) => (*key).to_owned(),
            Some(Step::Index(index)) => index.to_string(),
            None => String::new(),
        };
        let siblings: Vec<&str> = node
            .entries()
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        let message = match steps {
            [Step::Key("var"), ..] if depth == 1 => {
                format!("`${{{path}}}`: no variable `{last}` is declared")
            }
            [Step::Key("resources"), ..] => {
                format!("`${{{path}}}` refers to `{last}`, which the bundle does not define")
            }
            _ => format!("`${{{path}}}` refers to `{last}`, which is not there"),
        };
        // What only a workspace or a clone can tell is worth a warning; it may well not matter here.
        let is_fatal = !matches!(
            steps,
            [Step::Key("resources" | "workspace"), ..]
                | [Step::Key("bundle"), Step::Key("git"), ..]
        );
        let condition = &project::BUNDLE_REFERENCE_NOT_FOUND;
        let diagnostic = if is_fatal {
            Diagnostic::error(condition, message)
        } else {
            Diagnostic::warning(condition, message)
        };
        let diagnostic = diagnostic.at(origin, "");
        self.diagnostics
            .push(match closest(&last, siblings.iter().copied()) {
                Some(near) => diagnostic.help(did_you_mean(near)),
                None if siblings.is_empty() => diagnostic,
                None => diagnostic.help(format!("defined are {}", listed(siblings))),
            });
        None
    }

    /// What Databricks computes, as far as the bundle tells it.
    fn computed(
        &mut self,
        path: &str,
        kind: &str,
        key: &str,
        field: Computed,
        origin: &Origin,
    ) -> Option<Node> {
        match field {
            Computed::Deployed if self.is_read => {
                self.diagnostics.push(computed::unknown(path, origin));
                None
            }
            Computed::Key | Computed::Deployed => Some(Node::text(key, origin)),
            Computed::Name {
                prefix,
                parts,
                between,
            } => {
                let mut texts = vec![];
                for part in parts {
                    let part = self.lookup(&format!("resources.{kind}.{key}.{part}"), origin);
                    texts.push(part.and_then(|node| node.scalar()));
                }
                let texts: Vec<String> = texts.into_iter().collect::<Option<_>>()?;
                let text = format!("{prefix}{}", texts.join(between));
                Some(Node::text(text, origin))
            }
        }
    }

    fn report_limit(&mut self, origin: &Origin) {
        let is_new = !self
            .diagnostics
            .iter()
            .any(|d| d.condition == &project::BUNDLE_REFERENCE_LIMIT);
        if is_new {
            self.diagnostics.push(
                Diagnostic::error(&project::BUNDLE_REFERENCE_LIMIT, "the references of the bundle grow without end")
                    .at(origin, "the limit is reached here")
                    .fact(format!("allowed are {STEPS_MAX} steps, {TEXT_BYTES_MAX} bytes of text and {NODES_MAX} values")),
            );
        }
    }
}

/// Kind, key and computed field of a resource, where its mapping has no such field.
fn computed_field<'p>(steps: &[Step<'p>], depth: usize) -> Option<(&'p str, &'p str, Computed)> {
    match steps {
        [
            Step::Key("resources"),
            Step::Key(kind),
            Step::Key(key),
            Step::Key(field),
        ] if depth == 3 => Some((kind, key, computed::field(kind, field)?)),
        _ => None,
    }
}

/// A list or mapping that stands inside a text.
fn not_text(written: &str, found: &Node, origin: &Origin) -> Diagnostic {
    Diagnostic::error(
        &project::PROJECT_FIELD_TYPE,
        format!("`{written}` is {} and stands inside a text", found.kind()),
    )
    .at(origin, "only text can be put here")
}

/// One step of a path.
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = vec![];
    for part in path.split('.') {
        let (name, indexes) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Key(name));
        steps.extend(
            indexes
                .split(['[', ']'])
                .filter_map(|i| i.parse().ok())
                .map(Step::Index),
        );
    }
    steps
}

/// Cuts text at its references. What does not have the form of one (`${a b}`, `${}`) is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let (mut from, mut search) = (0, 0);
    while let Some(start) = text
        .get(search..)
        .and_then(|rest| rest.find("${"))
        .map(|at| search + at)
    {
        let inside = text.get(start + 2..).unwrap_or_default();
        match inside
            .find('}')
            .and_then(|length| inside.get(..length))
            .filter(|path| is_path(path))
        {
            Some(path) => {
                let end = start + 2 + path.len() + 1;
                if start > from {
                    pieces.push(Piece::Text(text.get(from..start).unwrap_or_default()));
                }
                pieces.push(Piece::Reference(
                    text.get(start..end).unwrap_or_default(),
                    path,
                ));
                (from, search) = (end, end);
            }
            None => search = start + 2,
        }
    }
    if from < text.len() {
        pieces.push(Piece::Text(text.get(from..).unwrap_or_default()));
    }
    pieces
}

fn is_path(path: &str) -> bool {
    !path.is_empty()
        && path.split('.').all(|part| {
            let (name, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
            name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                && (indexes.is_empty()
                    || indexes
                        .strip_prefix('[')
                        .and_then(|rest| rest.strip_suffix(']'))
                        .is_some_and(|rest| {
                            rest.split("][")
                                .all(|i| !i.is_empty() && i.chars().all(|c| c.is_ascii_digit()))
                        }))
        })
}

#[cfg(test)]
#[path = "references_tests.rs"]
mod tests;
