//! Which SQL files `libraries` names. Must not read them.

use globset::{GlobBuilder, GlobMatcher};
use sluice_model::condition::{Condition, project};
use sluice_model::suggest::{closest, did_you_mean, listed};
use sluice_model::{Diagnostic, Origin};

use super::SpecKind;
use super::discovery::{has_extension, is_sql};
use super::files::{ProjectFileError, ProjectFiles, folder_of, join};
use super::reader::Reader;
use super::yaml::Node;

/// A glob over project paths: `*` stays within a folder, `**` does not.
pub(super) fn matcher(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
}

/// The `.sql` files of a pipeline in the order of `libraries`, those of one glob sorted, each once.
pub(super) fn sources(reader: &mut Reader<'_>, pipeline: &Node, kind: SpecKind) -> Vec<String> {
    let mut sources: Vec<String> = vec![];
    let libraries = pipeline.get("libraries");
    if let Some(node) = libraries.filter(|node| node.items().is_empty()) {
        reader.wrong_kind(node, "`libraries`", "a list with at least one item");
    }
    for library in libraries.map(Node::items).unwrap_or_default() {
        for path in library_sources(reader, library, kind) {
            if !sources.contains(&path) {
                sources.push(path);
            }
        }
    }
    let kept = filtered(reader, pipeline, sources);
    if kept.is_empty() && !reader.has_errors() {
        let place = libraries.map_or(&pipeline.origin, |node| &node.origin);
        reader.report(
            Diagnostic::error(
                &project::PIPELINE_WITHOUT_SOURCES,
                "the pipeline has no .sql file",
            )
            .at(place, "")
            .help("list its files: `libraries: [{glob: {include: transformations/**}}]`"),
        );
    }
    kept
}

fn library_sources(reader: &mut Reader<'_>, library: &Node, kind: SpecKind) -> Vec<String> {
    let known: &[&str] = match kind {
        SpecKind::Spark => &["glob"],
        _ => &["glob", "file", "notebook"],
    };
    let mut found = vec![];
    if library.entries().is_empty() {
        reader.wrong_kind(
            library,
            "an item of `libraries`",
            "a mapping such as `glob: {include: …}`",
        );
    }
    for entry in library.entries() {
        let place = &entry.node;
        match entry.key.as_str() {
            "glob" => {
                unknown_of_glob(reader, place, kind);
                if let Some(pattern) = text_at(reader, place, "include") {
                    found.extend(glob(reader, &pattern, kind));
                }
            }
            "file" | "notebook" if known.contains(&entry.key.as_str()) => {
                if let Some(path) = text_at(reader, place, "path") {
                    found.extend(file(reader, &path, entry.key == "notebook"));
                }
            }
            "jar" | "maven" | "whl" if kind == SpecKind::Bundle => reader.report(
                Diagnostic::error(
                    &project::PROJECT_FIELD_NOT_SUPPORTED,
                    format!(
                        "`libraries` lists a `{}`: Sluice runs SQL and loads no code",
                        entry.key
                    ),
                )
                .at(&entry.origin, "")
                .help("take it out; functions that it brought must be written in SQL"),
            ),
            key => {
                let message = format!("`libraries` does not know `{key}`");
                reader.report(
                    Diagnostic::error(unexpected(kind), message)
                        .at(&entry.origin, "")
                        .help(HOW_TO_GLOB),
                );
            }
        }
    }
    found
}

const HOW_TO_GLOB: &str = "write `glob: {include: transformations/**}`";

/// What a key is called that a file of this kind does not know.
fn unexpected(kind: SpecKind) -> &'static Condition {
    match kind {
        SpecKind::Spark => &project::PIPELINE_SPEC_UNEXPECTED_FIELD,
        _ => &project::PROJECT_FIELD_NOT_SUPPORTED,
    }
}

/// A glob knows the one key `include`; what stands beside it would be ignored.
fn unknown_of_glob(reader: &mut Reader<'_>, glob: &Node, kind: SpecKind) {
    for entry in glob.entries().iter().filter(|entry| entry.key != "include") {
        let help = match entry.key.as_str() {
            "exclude" => "leave files out with `filters: {exclude: [...]}` of the pipeline",
            _ => HOW_TO_GLOB,
        };
        let message = format!("a `glob` does not know `{}`", entry.key);
        reader.report(
            Diagnostic::error(unexpected(kind), message)
                .at(&entry.origin, "")
                .help(help),
        );
    }
}

fn text_at(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<Node> {
    match node.get(key) {
        Some(value) if value.scalar().is_some() => Some(value.clone()),
        Some(value) => {
            reader.wrong_kind(value, &format!("`{key}`"), "a path");
            None
        }
        None => {
            reader.wrong_kind(
                node,
                "an item of `libraries`",
                &format!("a mapping with `{key}`"),
            );
            None
        }
    }
}

/// The project path that a node's text names, relative to the file that says it.
fn resolve(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = node.scalar().unwrap_or_default();
    let joined = join(folder_of(&node.origin.file), &text).filter(|path| !path.is_empty());
    if joined.is_none() {
        reader.report(
            Diagnostic::error(
                &project::PIPELINE_SPEC_INVALID_GLOB_PATTERN,
                format!("`{text}` is not a path inside the project folder"),
            )
            .at(&node.origin, "")
            .help("write a path relative to this file that stays inside the project"),
        );
    }
    joined
}

fn file(reader: &mut Reader<'_>, node: &Node, is_notebook: bool) -> Option<String> {
    let path = resolve(reader, node)?;
    let exists = |path: &str| reader.files.paths().iter().any(|p| p == path);
    // Files of data are not listed; one that is named is there all the same.
    let is_there = |path: &str| !matches!(reader.files.read(path), Err(ProjectFileError::NotFound));
    let found = if exists(&path) || is_there(&path) {
        Some(path.clone())
    } else {
        // Databricks names a notebook without its extension.
        ["sql", "py", "ipynb", "scala", "r"]
            .iter()
            .map(|extension| format!("{path}.{extension}"))
            .find(|path| is_notebook && exists(path))
    };
    match found {
        None => {
            let message = format!("`libraries` names `{path}`, and there is no such file");
            let near = closest(&path, reader.files.paths().iter().map(String::as_str))
                .map(ToOwned::to_owned);
            let diagnostic = Diagnostic::error(&project::PIPELINE_SOURCE_NOT_FOUND, message)
                .at(&node.origin, "no such file");
            reader.report(match near {
                Some(near) => diagnostic.help(did_you_mean(near)),
                None => diagnostic,
            });
            None
        }
        Some(path) if is_sql(&path) => Some(path),
        Some(path) if is_code(&path) => {
            refuse_code(reader, &path, &node.origin);
            None
        }
        Some(path) => {
            refuse_extension(reader, &path, &node.origin);
            None
        }
    }
}

fn glob(reader: &mut Reader<'_>, node: &Node, kind: SpecKind) -> Vec<String> {
    let Some(pattern) = resolve(reader, node) else {
        return vec![];
    };
    let has_wildcard = |text: &str| text.contains(['*', '?', '[', '{']);
    let folder = pattern.strip_suffix("/**").unwrap_or(&pattern);
    if kind == SpecKind::Spark && has_wildcard(folder) {
        let legacy = pattern
            .strip_suffix("/**/*.sql")
            .filter(|folder| !has_wildcard(folder));
        let Some(folder) = legacy else {
            reader.report(
                Diagnostic::error(
                    &project::PIPELINE_SPEC_INVALID_GLOB_PATTERN,
                    format!(
                        "the glob `{pattern}` is neither a file nor a folder followed by `/**`"
                    ),
                )
                .at(&node.origin, "")
                .help("write `transformations/**`"),
            );
            return vec![];
        };
        reader.report(
            Diagnostic::warning(
                &project::PIPELINE_SPEC_LEGACY_GLOB_PATTERN,
                format!("today's Spark refuses the glob `{pattern}`"),
            )
            .at(&node.origin, "")
            .help(format!("write `{folder}/**`")),
        );
    }
    let Ok(compiled) = matcher(&pattern) else {
        reader.report(
            Diagnostic::error(
                &project::PIPELINE_SPEC_INVALID_GLOB_PATTERN,
                format!("`{pattern}` is not a valid glob"),
            )
            .at(&node.origin, ""),
        );
        return vec![];
    };
    let matched: Vec<String> = reader
        .files
        .paths()
        .iter()
        .filter(|p| compiled.is_match(p))
        .cloned()
        .collect();
    if matched.is_empty() {
        report_empty_glob(reader, &pattern, node);
    }
    let mut sources = vec![];
    for path in matched {
        if is_sql(&path) {
            sources.push(path);
        } else if is_code(&path) {
            if !path.ends_with("__init__.py") && !path.contains("__pycache__/") {
                refuse_code(reader, &path, &node.origin);
            }
        } else if kind == SpecKind::Spark && !path.contains("__pycache__/") {
            refuse_extension(reader, &path, &node.origin);
        }
    }
    sources
}

fn report_empty_glob(reader: &mut Reader<'_>, pattern: &str, node: &Node) {
    let folder = format!("{pattern}/");
    let is_folder = reader
        .files
        .paths()
        .iter()
        .any(|path| path.starts_with(&folder));
    let diagnostic = Diagnostic::error(
        &project::PIPELINE_SOURCE_NOT_FOUND,
        if is_folder {
            format!("`{pattern}` is a folder")
        } else {
            format!("no file of the project matches `{pattern}`")
        },
    )
    .at(&node.origin, "");
    reader.report(if is_folder {
        diagnostic.help(format!(
            "to take all files below it, write `{}/**`",
            node.scalar().unwrap_or_default()
        ))
    } else {
        diagnostic
    });
}

fn is_code(path: &str) -> bool {
    ["py", "ipynb", "scala", "r"]
        .iter()
        .any(|extension| has_extension(path, extension))
}

fn refuse_code(reader: &mut Reader<'_>, path: &str, origin: &Origin) {
    let datasets = reader
        .files
        .read(path)
        .map(|bytes| python_datasets(&String::from_utf8_lossy(&bytes)));
    let datasets = datasets.unwrap_or_default();
    let mut diagnostic = Diagnostic::error(
        &project::PYTHON_SOURCE_NOT_SUPPORTED,
        format!("`{path}` is not SQL: Sluice runs the SQL of a pipeline"),
    )
    .at(origin, "listed here");
    if !datasets.is_empty() {
        let names = listed(datasets.iter().map(String::as_str));
        diagnostic = diagnostic.fact(format!("it defines {names}"));
    }
    reader.report(
        diagnostic
            .help("write its datasets as SQL statements, or take the file out of `libraries`"),
    );
}

fn refuse_extension(reader: &mut Reader<'_>, path: &str, origin: &Origin) {
    reader.report(
        Diagnostic::error(
            &project::PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION,
            format!("`{path}` is listed as a source and is not a .sql file"),
        )
        .at(origin, "listed here")
        .help("move it out of the folder, or list the .sql files one by one"),
    );
}

/// Names of functions that a pipeline decorator declares as datasets, for the message only.
fn python_datasets(text: &str) -> Vec<String> {
    let mut datasets = vec![];
    let mut is_decorated = false;
    for line in text.lines().map(str::trim) {
        if let Some(decorator) = line.strip_prefix('@') {
            let name = decorator.split('(').next().unwrap_or_default();
            let (module, function) = name.split_once('.').unwrap_or(("", name));
            is_decorated |= matches!(module, "dlt" | "dp" | "sdp")
                && matches!(
                    function,
                    "table" | "materialized_view" | "view" | "temporary_view"
                );
        } else if let Some(rest) = line.strip_prefix("def ") {
            if is_decorated && let Some(name) = rest.split('(').next() {
                datasets.push(name.trim().to_owned());
            }
            is_decorated = false;
        }
    }
    datasets
}

/// Applies `filters: {include, exclude}`: globs over paths relative to the project folder.
fn filtered(reader: &mut Reader<'_>, pipeline: &Node, sources: Vec<String>) -> Vec<String> {
    let Some(filters) = pipeline.get("filters") else {
        return sources;
    };
    let mut globs = |key: &str| -> Vec<GlobMatcher> {
        let items = filters
            .get(key)
            .map(|node| node.items().to_vec())
            .unwrap_or_default();
        let mut matchers = vec![];
        for item in items {
            match item.scalar().map(|text| matcher(&text)) {
                Some(Ok(matcher)) => matchers.push(matcher),
                _ => reader.wrong_kind(&item, &format!("an item of `filters.{key}`"), "a glob"),
            }
        }
        matchers
    };
    let (include, exclude) = (globs("include"), globs("exclude"));
    sources
        .into_iter()
        .filter(|path| include.is_empty() || include.iter().any(|glob| glob.is_match(path)))
        .filter(|path| !exclude.iter().any(|glob| glob.is_match(path)))
        .collect()
}

/// Every `.sql` file of a bare folder, those of its tests left out.
pub(super) fn of_folder(files: &dyn ProjectFiles) -> Vec<String> {
    files
        .paths()
        .iter()
        .filter(|path| is_sql(path) && !path.starts_with("tests/"))
        .cloned()
        .collect()
}
