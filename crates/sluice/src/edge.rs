//! What the core is given and never asks for: the time, identities, the user, the project of the current folder.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sluice_graph::DeclaredGraph;
use sluice_model::condition::graph::RUN_EMPTY_PIPELINE;
use sluice_model::condition::project::{PIPELINE_KEY_NOT_FOUND, PIPELINE_SPEC_FILE_DOES_NOT_EXIST};
use sluice_model::job::Schedules;
use sluice_model::suggest::closest;
use sluice_model::{Clock, Diagnostic, Ids};
use sluice_sql::project::{
    Bundle, LoadOptions, Project, interpolate, load, load_bundle, load_schedules, read_sql,
};
use sluice_sql::statement::Statement;

use crate::arguments::Global;
use crate::project_disk::{DiskFiles, find};
use crate::source_text::SourceTexts;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Random identities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Who this engine is, among all that may run: for people who find its lease.
pub(crate) fn engine_name() -> String {
    let process = std::process::id();
    format!("{}, process {process}, {}", user_name(), RandomIds.uuid())
}

/// Name of the user: who starts updates, and `${workspace.current_user.userName}`.
pub(crate) fn user_name() -> String {
    ["SLUICE_USER", "USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "user".to_owned())
}

/// A project that was found and read, as far as it could be.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its files.
    pub(crate) files: DiskFiles,
    /// What it declares; `None` when its description is of no use.
    pub(crate) project: Option<Project>,
    /// Everything found so far.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Opened {
    /// Texts that diagnostics point into.
    pub(crate) fn texts(&self) -> SourceTexts {
        SourceTexts::of_folder(&self.folder)
    }
}

/// Finds the project and reads its description.
pub(crate) fn open(global: &Global, key: Option<&str>) -> Result<Opened, Box<Diagnostic>> {
    let (folder, mut files, options) = found(global, key)?;
    let (project, found) = load(&files, &options);
    let mut diagnostics = std::mem::take(&mut files.diagnostics);
    diagnostics.extend(found);
    let mut opened = Opened {
        folder,
        files,
        project,
        diagnostics,
    };
    let is_no_key = |error: &Diagnostic| *error.condition == PIPELINE_KEY_NOT_FOUND;
    if let Some(key) = key
        && let Some(index) = opened.diagnostics.iter().position(is_no_key)
    {
        let help = dataset_meant(&opened, options, key);
        if let Some(error) = opened.diagnostics.get_mut(index) {
            error.helps.extend(help);
        }
    }
    Ok(opened)
}

/// Finds the project and reads it as a bundle; `None` where it is none, or cannot be read.
pub(crate) fn bundle(global: &Global) -> Result<Option<Bundle>, Box<Diagnostic>> {
    let (_, files, options) = found(global, None)?;
    Ok(load_bundle(&files, &options))
}

/// A help where a key that is no pipeline's is the name of a dataset, or nearly one.
fn dataset_meant(opened: &Opened, options: LoadOptions, key: &str) -> Option<String> {
    let options = LoadOptions {
        pipeline_key: None,
        ..options
    };
    let project = load(&opened.files, &options).0?;
    let (graph, _) = declared(opened, &project);
    let names = graph.datasets.keys().map(|name| name.name.as_str());
    let near = closest(key, names)?;
    Some(format!(
        "did you mean the dataset `{near}`? `sluice run --refresh {near}` refreshes it, `sluice show {near}` shows its rows"
    ))
}

/// Finds the project and reads what it runs by itself: its folder, the jobs, everything wrong with them.
pub(crate) fn schedules(
    global: &Global,
) -> Result<(PathBuf, Schedules, Vec<Diagnostic>), Box<Diagnostic>> {
    let (folder, mut files, options) = found(global, None)?;
    let (schedules, found) = load_schedules(&files, &options);
    let mut diagnostics = std::mem::take(&mut files.diagnostics);
    diagnostics.extend(found);
    Ok((folder, schedules, diagnostics))
}

/// The folder of the project, its files, and what was said beside them.
fn found(
    global: &Global,
    key: Option<&str>,
) -> Result<(PathBuf, DiskFiles, LoadOptions), Box<Diagnostic>> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let asked = global.project.as_deref().map(|folder| here.join(folder));
    let spec = global.spec.as_deref().map(|spec| here.join(spec));
    let spec_folder = spec.as_deref().and_then(Path::parent);
    let folder = find(&here, asked.as_deref().or(spec_folder))?;
    let spec = global.spec.as_deref();
    let spec = spec.map(|spec| spec_within(&folder, &here, spec));
    let spec = spec.transpose()?;
    let files = DiskFiles::walk(&folder);
    let options = LoadOptions {
        target: global.target.clone(),
        pipeline_key: key.map(ToOwned::to_owned),
        spec,
        variables: global.variables.clone(),
        environment: variables_of_environment(),
        user_name: user_name(),
        folder_name: folder_name(&folder),
    };
    Ok((folder, files, options))
}

/// The path of `--spec` within the project folder: relative to the current folder, or to the project's where that does not lie in it.
fn spec_within(folder: &Path, here: &Path, written: &Path) -> Result<String, Box<Diagnostic>> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let from_here = here.join(written);
    // The file itself may be a link to elsewhere: what counts is where it is named.
    let parent = from_here.parent().map(real);
    let name = from_here.file_name();
    let named = parent.zip(name).map(|(parent, name)| parent.join(name));
    let inside = named
        .as_deref()
        .and_then(|named| named.strip_prefix(real(folder)).ok());
    match inside {
        Some(inside) => Ok(slashed(inside)),
        None if written.is_relative() => Ok(slashed(written)),
        None => {
            let message = format!(
                "`{}` does not lie in the project folder `{}`",
                written.display(),
                folder.display()
            );
            Err(Box::new(
                Diagnostic::error(&PIPELINE_SPEC_FILE_DOES_NOT_EXIST, message)
                    .help("leave `--project` out: the folder of the file is then the project"),
            ))
        }
    }
}

fn slashed(path: &Path) -> String {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

/// Name of a folder, for a pipeline that has no other.
pub(crate) fn folder_name(folder: &Path) -> String {
    let real = folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf());
    real.file_name().map_or_else(
        || "pipeline".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn variables_of_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("BUNDLE_VAR_"))
        .collect()
}

/// Reads and parses every source of the project. Errors of all files come together.
pub(crate) fn statements(opened: &Opened, project: &Project) -> (Vec<Statement>, Vec<Diagnostic>) {
    let mut statements = vec![];
    let mut diagnostics = vec![];
    for path in &project.sources {
        match read_sql(&opened.files, path) {
            Ok(text) => {
                let (text, replacements, found) = interpolate(path, &text, &project.configuration);
                let file: Arc<str> = path.as_str().into();
                let (parsed, errors) =
                    sluice_sql::parse_file(&file, &text, replacements, &project.namespace);
                statements.extend(parsed);
                // What stays of an unknown `${…}` is no SQL either: said once is enough.
                diagnostics.extend(errors.into_iter().filter(|error| !is_within(error, &found)));
                diagnostics.extend(found);
            }
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    (statements, diagnostics)
}

/// The declared graph of a project, with everything that is wrong in its SQL.
pub(crate) fn declared(opened: &Opened, project: &Project) -> (DeclaredGraph, Vec<Diagnostic>) {
    let (statements, found) = statements(opened, project);
    declare(opened, project, statements, found)
}

/// The graph that statements declare, and `diagnostics` of reading them with what is wrong in it.
pub(crate) fn declare(
    opened: &Opened,
    project: &Project,
    statements: Vec<Statement>,
    mut diagnostics: Vec<Diagnostic>,
) -> (DeclaredGraph, Vec<Diagnostic>) {
    let (graph, found) = sluice_graph::declare(statements, &project.key, &project.configuration);
    // Where files could not be read, that nothing is declared is no news.
    let has_errors = opened
        .diagnostics
        .iter()
        .chain(&diagnostics)
        .any(Diagnostic::is_error);
    let is_news = |d: &Diagnostic| !has_errors || d.condition != &RUN_EMPTY_PIPELINE;
    diagnostics.extend(found.into_iter().filter(is_news));
    (graph, diagnostics)
}

/// Whether a diagnostic begins inside the main place of another one.
fn is_within(diagnostic: &Diagnostic, others: &[Diagnostic]) -> bool {
    let Some(origin) = diagnostic.origin() else {
        return false;
    };
    others.iter().filter_map(Diagnostic::origin).any(|other| {
        other.file == origin.file
            && other.line == origin.line
            && (other.column..other.column.saturating_add(other.length)).contains(&origin.column)
    })
}
