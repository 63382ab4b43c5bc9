//! A Databricks bundle: includes, the target in force, references; out comes one pipeline's mapping with everything
//! resolved. Must not know what the keys of a pipeline mean: `pipeline` does.

use sluice_model::condition::project;
use sluice_model::suggest::listed;
use sluice_model::{Diagnostic, Origin};

use super::choice::choose_pipeline;
use super::include::include;
use super::pipeline::Declared;
use super::reader::{Reader, with_suggestion};
use super::references::References;
use super::yaml::{Node, Value};
use super::{SpecKind, variables};

pub(super) const TOP_KEYS: &[&str] = &[
    "artifacts",
    "bundle",
    "environments",
    "experimental",
    "include",
    "permissions",
    "presets",
    "python",
    "resources",
    "run_as",
    "scripts",
    "sync",
    "targets",
    "variables",
    "workspace",
];
const TARGET_KEYS: &[&str] = &[
    "artifacts",
    "bundle",
    "cluster_id",
    "compute_id",
    "default",
    "git",
    "mode",
    "permissions",
    "presets",
    "resources",
    "run_as",
    "sync",
    "variables",
    "workspace",
];

/// The target in force.
struct Target {
    name: String,
    /// Its mapping; an empty one for the target of a bundle without targets.
    node: Node,
}

/// A bundle with everything of its target laid over it and every reference resolved.
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) target: String,
    pub(super) resources: Node,
    pub(super) presets: Option<Node>,
    pub(super) mode: Option<Node>,
    top: Origin,
}

/// Reads the bundle and gives the pipeline that is meant.
pub(super) fn read(reader: &mut Reader<'_>, file: &str) -> Option<Declared> {
    let bundle = resolve(reader, file)?;
    let (key, node) = choose_pipeline(reader, &bundle.resources, &bundle.top)?;
    let mut declared = Declared::new(SpecKind::Bundle, node, key);
    apply_mode(
        reader,
        &mut declared,
        bundle.mode.as_ref(),
        bundle.presets.as_ref(),
    );
    declared.target = Some(bundle.target);
    Some(declared)
}

/// Reads the bundle for its target.
pub(super) fn resolve(reader: &mut Reader<'_>, file: &str) -> Option<Resolved> {
    let mut root = reader.yaml(file)?;
    reader.warn_unknown(&root, TOP_KEYS, "a bundle");
    include(reader, &mut root, file);
    let top = Origin::new(file, 1, 1, 0);
    let name = bundle_name(reader, &root, &top);
    let target = choose_target(reader, &root, &top)?;
    reader.warn_unknown(&target.node, TARGET_KEYS, "a target");
    for key in ["bundle", "workspace", "resources", "presets"] {
        if let Some(over) = target.node.get(key) {
            let mut base = root
                .get(key)
                .cloned()
                .unwrap_or_else(|| Node::mapping(&over.origin));
            base.merge(over.clone());
            root.put(key, base);
        }
    }
    let values = variables::values(reader, &root, &target.name, &target.node);
    let tree = tree(reader, &root, &name, &target.name, values, &top);
    let mut references = References::new(&tree);
    let resources = tree.get("resources").map_or_else(
        || Node::mapping(&top),
        |node| references.resolve_resources(node),
    );
    let presets = root.get("presets").map(|node| references.resolve(node));
    let mode = target.node.get("mode").map(|node| references.resolve(node));
    reader.diagnostics.append(&mut references.diagnostics);
    Some(Resolved {
        name,
        target: target.name,
        resources,
        presets,
        mode,
        top,
    })
}

fn bundle_name(reader: &mut Reader<'_>, root: &Node, top: &Origin) -> String {
    let name = root
        .get("bundle")
        .and_then(|bundle| reader.text(bundle, "name"));
    name.unwrap_or_else(|| {
        reader.report(
            Diagnostic::error(
                &project::PIPELINE_SPEC_MISSING_REQUIRED_FIELD,
                "the bundle has no name",
            )
            .at(top, "")
            .help("begin the file with `bundle:` and, indented below it, `name: <name>`"),
        );
        String::new()
    })
}

fn choose_target(reader: &mut Reader<'_>, root: &Node, top: &Origin) -> Option<Target> {
    let section = root.get("targets").or_else(|| root.get("environments"));
    let entries = section.map(Node::entries).unwrap_or_default();
    let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let target_of = |name: &str| {
        entries
            .iter()
            .find(|entry| entry.key == name)
            .map(|entry| Target {
                name: name.to_owned(),
                node: if entry.node.value == Value::Null {
                    Node::mapping(&entry.origin)
                } else {
                    entry.node.clone()
                },
            })
    };
    let wanted = reader.options.target.clone();
    if let Some(wanted) = wanted.as_deref() {
        let fallback = (names.is_empty() && wanted == "default").then(|| Target {
            name: wanted.to_owned(),
            node: Node::mapping(top),
        });
        let found = target_of(wanted).or(fallback);
        if found.is_none() {
            let place = section.map_or(top, |node| &node.origin);
            let message = format!("the bundle has no target `{wanted}`");
            let diagnostic =
                Diagnostic::error(&project::BUNDLE_TARGET_NOT_FOUND, message).at(place, "");
            reader.report(with_suggestion(diagnostic, wanted, &names));
        }
        return found;
    }
    let mut defaults = vec![];
    for entry in entries {
        if reader.boolean(&entry.node, "default") == Some(true) {
            defaults.push(entry.key.as_str());
        }
    }
    match (defaults.as_slice(), names.as_slice()) {
        (_, []) => Some(Target {
            name: "default".to_owned(),
            node: Node::mapping(top),
        }),
        ([one], _) | ([], [one]) => target_of(one),
        (defaults, _) => {
            let message = if defaults.is_empty() {
                "the bundle has several targets and none is the default".to_owned()
            } else {
                format!(
                    "several targets are marked as the default: {}",
                    listed(defaults.iter().copied())
                )
            };
            reader.report(
                Diagnostic::error(&project::BUNDLE_TARGET_REQUIRED, message)
                    .at(section.map_or(top, |node| &node.origin), "")
                    .help(format!(
                        "name one with `-t`: {}",
                        listed(names.iter().copied())
                    )),
            );
            None
        }
    }
}

/// What references are resolved against.
fn tree(
    reader: &Reader<'_>,
    root: &Node,
    name: &str,
    target: &str,
    values: Node,
    top: &Origin,
) -> Node {
    let part = |key: &str| root.get(key).cloned().unwrap_or_else(|| Node::mapping(top));
    let mut bundle = part("bundle");
    bundle.put("name", Node::text(name, top));
    bundle.put("target", Node::text(target, top));
    bundle.put("environment", Node::text(target, top));
    let mut user = Node::mapping(top);
    user.put("userName", Node::text(&reader.options.user_name, top));
    user.put(
        "short_name",
        Node::text(short_name(&reader.options.user_name), top),
    );
    let mut workspace = part("workspace");
    workspace.put("current_user", user);
    // The deployed copy of the files is the project folder itself.
    workspace.put("root_path", Node::text(".", top));
    workspace.put("file_path", Node::text(".", top));
    let mut tree = Node::mapping(top);
    tree.put("bundle", bundle);
    tree.put("workspace", workspace);
    tree.put("var", values);
    tree.put("resources", part("resources"));
    tree
}

/// `jane.doe@example.com` to `jane_doe`, as Databricks shortens it.
pub(super) fn short_name(user: &str) -> String {
    let local = user.split('@').next().unwrap_or_default();
    local
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect()
}

/// `mode` and `presets` of the target.
fn apply_mode(
    reader: &mut Reader<'_>,
    declared: &mut Declared,
    mode: Option<&Node>,
    presets: Option<&Node>,
) {
    let word = mode.and_then(Node::scalar);
    let short_name = short_name(&reader.options.user_name);
    match (mode, word.as_deref()) {
        (None, _) => {}
        (Some(_), Some("development")) => {
            declared.development = Some(true);
            declared.name_prefix = format!("[dev {short_name}] ");
            declared.tags.insert("dev".to_owned(), short_name);
        }
        (Some(_), Some("production")) => {
            if reader.boolean(&declared.node, "development") == Some(true)
                && let Some(node) = declared.node.get("development")
            {
                reader.report(
                    Diagnostic::error(
                        &project::BUNDLE_TARGET_MODE,
                        "a target with `mode: production` cannot run a pipeline with `development: true`",
                    )
                    .at(&node.origin, "")
                    .help("take it out, or run a target with `mode: development`"),
                );
            }
        }
        (Some(node), _) => reader.report(
            Diagnostic::error(
                &project::BUNDLE_TARGET_MODE,
                "`mode` must be `development` or `production`",
            )
            .at(&node.origin, ""),
        ),
    }
    let Some(presets) = presets else { return };
    if let Some(prefix) = reader.text(presets, "name_prefix") {
        declared.name_prefix = prefix;
    }
    if let Some(development) = reader.boolean(presets, "pipelines_development") {
        declared.development = Some(development);
    }
    for (key, value) in reader.texts(presets, "tags", SpecKind::Bundle) {
        declared.tags.insert(key, value);
    }
}
