//! A Databricks bundle: includes, the target in force, references; out comes one pipeline's mapping with everything
//! resolved. Must not know what the keys of a pipeline mean: `pipeline` does.

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin};

use super::files::{folder_of, join};
use super::libraries::matcher;
use super::pipeline::Declared;
use super::reader::{Reader, with_suggestion};
use super::references::References;
use super::suggest::listed;
use super::yaml::{Node, Value};
use super::{SpecKind, variables};

const TOP_KEYS: &[&str] = &[
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
    let resources = tree
        .get("resources")
        .map_or_else(|| Node::mapping(&top), |node| references.resolve(node));
    let presets = root.get("presets").map(|node| references.resolve(node));
    let mode = target.node.get("mode").map(|node| references.resolve(node));
    reader.diagnostics.append(&mut references.diagnostics);
    Some(Resolved {
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

/// Merges the files named by `include` into the root, each once, in order of name within a glob.
fn include(reader: &mut Reader<'_>, root: &mut Node, file: &str) {
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
        let matched: Vec<String> = match join(folder_of(file), &text).as_deref().map(matcher) {
            Some(Ok(matcher)) => reader
                .files
                .paths()
                .iter()
                .filter(|p| matcher.is_match(p))
                .cloned()
                .collect(),
            _ => vec![],
        };
        if matched.is_empty() && !text.contains(['*', '?', '[', '{']) {
            reader.report(
                Diagnostic::error(
                    &project::BUNDLE_INCLUDE_NOT_FOUND,
                    format!("`include` names `{text}`, and there is no such file"),
                )
                .at(&pattern.origin, "relative to this file"),
            );
        }
        for path in matched {
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

fn without(mut node: Node, key: &str) -> Node {
    if let Value::Mapping(entries) = &mut node.value {
        entries.retain(|entry| entry.key != key);
    }
    node
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

/// The pipeline that is meant: by key, by the key of a job that runs just one, or the only one.
fn choose_pipeline(
    reader: &mut Reader<'_>,
    resources: &Node,
    top: &Origin,
) -> Option<(String, Node)> {
    let section = resources.get("pipelines");
    let entries = section.map(Node::entries).unwrap_or_default();
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let of = |key: &str| {
        entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| (key.to_owned(), entry.node.clone()))
    };
    let place = section.map_or(top, |node| &node.origin);
    let found = match (reader.options.pipeline_key.as_deref(), entries) {
        (_, []) => {
            reader.report(
                Diagnostic::error(&project::PIPELINE_NOT_DECLARED, "the bundle declares no pipeline")
                    .at(top, "")
                    .help("declare it under `resources`, `pipelines`; see that `include` covers the file that does"),
            );
            None
        }
        (Some(key), _) => of(key)
            .or_else(|| of_job(resources, key).and_then(of))
            .or_else(|| {
                let message = format!("the bundle declares no pipeline `{key}`");
                let diagnostic =
                    Diagnostic::error(&project::PIPELINE_KEY_NOT_FOUND, message).at(place, "");
                reader.report(with_suggestion(diagnostic, key, &keys));
                None
            }),
        (None, [one]) => of(&one.key),
        (None, _) => {
            reader.report(
                Diagnostic::error(
                    &project::PIPELINE_KEY_REQUIRED,
                    format!("the bundle declares {} pipelines", entries.len()),
                )
                .at(place, "")
                .help(format!(
                    "name the one to run: {}",
                    listed(keys.iter().copied())
                )),
            );
            None
        }
    }?;
    reader
        .expect_mapping(&found.1, &format!("the pipeline `{}`", found.0))
        .then_some(found)
}

/// The pipeline of a job whose tasks run exactly one.
fn of_job<'a>(resources: &'a Node, key: &str) -> Option<&'a str> {
    let tasks = resources.get("jobs")?.get(key)?.get("tasks")?;
    let mut pipelines = tasks.items().iter().filter_map(|task| {
        match &task.get("pipeline_task")?.get("pipeline_id")?.value {
            Value::String(id) => Some(id.as_str()),
            _ => None,
        }
    });
    let first = pipelines.next()?;
    pipelines.all(|other| other == first).then_some(first)
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
