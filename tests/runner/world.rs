//! The world of one case: its project and input on disk in a folder of its own, its warehouse in memory, a clock and ids
//! that are told what to say, and engines that come and go.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use object_store::memory::InMemory;
use sluice_graph::DeclaredGraph;
use sluice_model::event::Event;
use sluice_model::{Clock, Diagnostic, Ids};
use sluice_run::{Engine, EngineOptions, Observer};
use sluice_source::PathRules;
use sluice_sql::project::{LoadOptions, MemoryFiles, Project, interpolate, load, read_sql};
use sluice_table::{Step, StepAction, StepHook, Store, StoreOptions};
use url::Url;

/// 2026-01-01T00:00:00Z: when every case begins unless it says otherwise.
const BEGINNING_US: i64 = 1_767_225_600_000_000;

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Ids that count.
#[derive(Debug, Default)]
pub(crate) struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn uuid(&self) -> String {
        format!(
            "00000000-0000-4000-8000-{:012x}",
            self.0.fetch_add(1, Ordering::SeqCst)
        )
    }
}

/// When an engine dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Death {
    /// At the so-and-so-many-th mutating operation of its store; `after` its effect or before it.
    Operation { number: u64, after: bool },
    /// At a named step, `data-written silver`.
    Step(String),
}

/// Counts steps, and ends the engine at one of them: from then on nothing is written any more, as after a kill.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    death: Mutex<Option<Death>>,
    operations: AtomicU64,
    dead: AtomicU64,
    pause: Mutex<Option<Pause>>,
}

/// A step at which an engine waits until another one has run: once.
#[derive(Debug)]
struct Pause {
    step: String,
    paused: std::sync::mpsc::Sender<()>,
    go_on: std::sync::mpsc::Receiver<()>,
}

/// The other end of a pause.
#[derive(Debug)]
pub(crate) struct Paused {
    /// Tells when the engine waits.
    pub(crate) paused: std::sync::mpsc::Receiver<()>,
    /// Lets it go on.
    pub(crate) go_on: std::sync::mpsc::Sender<()>,
}

impl Fate {
    /// Sets when the engine dies.
    pub(crate) fn set(&self, death: Option<Death>) {
        *self.death.lock().unwrap() = death;
        self.dead.store(0, Ordering::SeqCst);
    }

    /// Lets the next engine that reaches a step wait there.
    pub(crate) fn pause_at(&self, step: &str) -> Paused {
        let (paused, is_paused) = std::sync::mpsc::channel();
        let (may_go, go_on) = std::sync::mpsc::channel();
        *self.pause.lock().unwrap() = Some(Pause {
            step: step.to_owned(),
            paused,
            go_on,
        });
        Paused {
            paused: is_paused,
            go_on: may_go,
        }
    }

    fn wait_if_asked(&self, step: &str) {
        let mut pause = self.pause.lock().unwrap();
        if pause.as_ref().is_none_or(|pause| pause.step != step) {
            return;
        }
        let Some(here) = pause.take() else { return };
        drop(pause);
        let _ = here.paused.send(());
        tokio::task::block_in_place(|| {
            let _ = here.go_on.recv();
        });
    }

    /// Mutating operations so far.
    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }

    /// Whether the engine is dead.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst) > 0
    }
}

impl StepHook for Fate {
    fn on(&self, step: Step<'_>) -> StepAction {
        if self.is_dead() {
            return StepAction::FailBefore;
        }
        let is_operation = step.name.starts_with("put.") || step.name == "delete";
        let number = if is_operation {
            self.operations.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            0
        };
        if !is_operation {
            self.wait_if_asked(step.name);
        }
        let action = match &*self.death.lock().unwrap() {
            Some(Death::Operation {
                number: last,
                after,
            }) if number == *last => {
                if *after {
                    StepAction::FailAfter
                } else {
                    StepAction::FailBefore
                }
            }
            Some(Death::Step(name)) if name == step.name => StepAction::FailBefore,
            _ => return StepAction::Proceed,
        };
        self.dead.store(1, Ordering::SeqCst);
        action
    }
}

/// Keeps the events of the last update.
#[derive(Debug, Default)]
pub(crate) struct Events(pub Mutex<Vec<Event>>);

impl Observer for Events {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// How engines of this world are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// Files of a micro-batch at most.
    pub(crate) batch_files_max: Option<usize>,
    /// Flows at a time; 0: two.
    pub(crate) parallelism: usize,
}

/// The world of a case.
#[derive(Debug)]
pub(crate) struct World {
    folder: tempfile::TempDir,
    objects: Arc<InMemory>,
    /// The clock.
    pub(crate) clock: Arc<ManualClock>,
    ids: Arc<CountingIds>,
    /// What becomes of the engine.
    pub(crate) fate: Arc<Fate>,
    /// What the observer saw.
    pub(crate) events: Arc<Events>,
    manner: Manner,
    target: Option<String>,
    pipeline_key: Option<String>,
    spec: Option<String>,
}

/// A project that was read, with everything that is wrong with it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The project, if it can be made out.
    pub(crate) project: Option<Project>,
    /// What it declares.
    pub(crate) declared: DeclaredGraph,
    /// What is wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl World {
    /// An empty world.
    pub(crate) fn new(manner: Manner) -> Result<Self, String> {
        // A place of constant length: underlines in expected answers are as long as the paths that they mark.
        let folder = tempfile::tempdir_in("/tmp").map_err(|error| error.to_string())?;
        for name in ["project", "input"] {
            std::fs::create_dir_all(folder.path().join(name)).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            folder,
            objects: Arc::new(InMemory::new()),
            clock: Arc::new(ManualClock(AtomicI64::new(BEGINNING_US))),
            ids: Arc::default(),
            fate: Arc::default(),
            events: Arc::default(),
            manner,
            target: None,
            pipeline_key: None,
            spec: None,
        })
    }

    /// The project's folder.
    pub(crate) fn project_folder(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Replaces `$input` by the input folder.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace(
            "$input",
            &self.folder.path().join("input").display().to_string(),
        )
    }

    /// Puts back `$input`, so that answers do not depend on where a case ran.
    pub(crate) fn mask(&self, text: &str) -> String {
        text.replace(
            &self.folder.path().join("input").display().to_string(),
            "$input",
        )
        .replace(&self.project_folder().display().to_string(), "$project")
    }

    /// Where a path of a station lies on disk.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        let filled = self.fill(path);
        if Path::new(&filled).is_absolute() {
            PathBuf::from(filled)
        } else {
            self.project_folder().join(filled)
        }
    }

    /// Chooses the bundle target.
    pub(crate) fn set_target(&mut self, target: Option<&str>) {
        self.target = target.map(str::to_owned);
    }

    /// Chooses the pipeline of a bundle.
    pub(crate) fn set_pipeline_key(&mut self, key: &str) {
        self.pipeline_key = Some(key.to_owned());
    }

    /// Chooses the file that describes the pipeline.
    pub(crate) fn set_spec(&mut self, path: &str) {
        self.spec = Some(path.to_owned());
    }

    /// Copies a folder of a real project into this one.
    pub(crate) fn copy_project(&self, from: &Path) -> Result<(), String> {
        copy(from, &self.project_folder()).map_err(|error| format!("{}: {error}", from.display()))
    }

    /// Sets the clock.
    pub(crate) fn set_clock(&self, time_us: i64) {
        self.clock.0.store(time_us, Ordering::SeqCst);
    }

    /// The objects of the warehouse, with no hook in front.
    pub(crate) fn objects(&self) -> Arc<InMemory> {
        Arc::clone(&self.objects)
    }

    /// The warehouse as an engine sees it.
    pub(crate) fn store(&self) -> Result<Store, String> {
        let options = StoreOptions::new(self.clock.clone(), self.ids.clone())
            .with_hook(self.fate.clone())
            .with_commit_wait(std::time::Duration::ZERO);
        let base = Url::parse("memory:///warehouse/").map_err(|error| error.to_string())?;
        Store::open(self.objects.clone(), base, options).map_err(|error| error.to_string())
    }

    /// Reads the project as it is now.
    pub(crate) fn load(&self) -> Loaded {
        let mut files = vec![];
        read_folder(&self.project_folder(), "", &mut files);
        let files: MemoryFiles = files.into_iter().collect();
        let options = LoadOptions {
            target: self.target.clone(),
            pipeline_key: self.pipeline_key.clone(),
            spec: self.spec.clone(),
            variables: vec![],
            environment: std::collections::BTreeMap::new(),
            user_name: "tester".into(),
            folder_name: "project".into(),
        };
        let (project, mut diagnostics) = load(&files, &options);
        let mut statements = vec![];
        if let Some(project) = &project {
            for path in &project.sources {
                match read_sql(&files, path) {
                    Err(diagnostic) => diagnostics.push(*diagnostic),
                    Ok(text) => {
                        let (text, replacements, found) =
                            interpolate(path, &text, &project.configuration);
                        diagnostics.extend(found);
                        let file: Arc<str> = path.as_str().into();
                        let (parsed, found) =
                            sluice_sql::parse_file(&file, &text, replacements, &project.namespace);
                        statements.extend(parsed);
                        diagnostics.extend(found);
                    }
                }
            }
        }
        let declared = match &project {
            Some(project) => {
                let (declared, found) =
                    sluice_graph::declare(statements, &project.key, &project.configuration);
                diagnostics.extend(found);
                declared
            }
            None => DeclaredGraph::default(),
        };
        Loaded {
            project,
            declared,
            diagnostics,
        }
    }

    /// A new engine for a project, as after a restart.
    pub(crate) fn engine(&self, project: &Project) -> Result<Engine, String> {
        self.events.0.lock().unwrap().clear();
        let settings = &project.settings;
        let pairs =
            |map: &std::collections::BTreeMap<String, String>| map.clone().into_iter().collect();
        Ok(Engine::new(EngineOptions {
            warehouse: self.store()?,
            warehouse_folder: None,
            pipeline: project.key.clone(),
            target: project.target.clone(),
            namespace: project.namespace.clone(),
            event_log: project.event_log.clone(),
            path_rules: PathRules {
                project_folder: self.project_folder(),
                volumes: pairs(&settings.volumes),
                paths: pairs(&settings.paths),
                engine_folders: vec![],
            },
            observer: self.events.clone(),
            user: "tester".into(),
            time_zone: time_zone(project),
            parallelism: if self.manner.parallelism == 0 {
                2
            } else {
                self.manner.parallelism
            },
            memory_bytes_max: None,
            batch_files_max: self.manner.batch_files_max,
            retry_wait: std::time::Duration::ZERO,
        }))
    }
}

fn time_zone(project: &Project) -> String {
    let found = project
        .configuration
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("spark.sql.session.timeZone"));
    found.map_or_else(|| "UTC".into(), |(_, zone)| zone.clone())
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            read_folder(&path, &format!("{name}/"), files);
        } else if let Ok(bytes) = std::fs::read(&path) {
            files.push((name, bytes));
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".sluice" || name == "tests" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            std::fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
