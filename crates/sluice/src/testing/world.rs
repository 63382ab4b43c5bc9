//! The world of one test: its project and input on disk in a folder of its own, its warehouse in memory, a clock and ids
//! that are told what to say, and engines that come and go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::memory::InMemory;
use sluice_graph::DeclaredGraph;
use sluice_model::{DatasetName, Diagnostic};
use sluice_run::{Engine, EngineOptions, Timer};
use sluice_source::{PathRules, S3};
use sluice_sql::project::{LoadOptions, Project, load};
use sluice_table::{Store, StoreOptions};
use url::Url;

use super::bucket::Buckets;
use super::failure::Trouble;
use super::fate::{CountingIds, Events, Fate, ManualClock, NoWaits};
use super::fixture::Given;
use super::kinesis::Streams;
use super::sandbox;
use crate::edge::{self, Opened};
use crate::project_disk::DiskFiles;

/// 2026-01-01T00:00:00Z: when every test begins unless it says otherwise.
const BEGINNING_US: i64 = 1_767_225_600_000_000;

/// What a test begins with.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Folder of the project that is tested; `None` for a case that writes its own.
    pub project: Option<PathBuf>,
    /// Bundle target.
    pub target: Option<String>,
    /// Key of the pipeline in the bundle.
    pub pipeline_key: Option<String>,
    /// File that describes the pipeline, relative to the project.
    pub spec: Option<String>,
    /// Values of bundle variables.
    pub variables: Vec<(String, String)>,
}

/// How engines of this world are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// Files of a micro-batch at most.
    pub(crate) batch_files_max: Option<usize>,
    /// Flows at a time; 0: two.
    pub(crate) parallelism: usize,
}

/// The world of a test.
#[derive(Debug)]
pub struct World {
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
    /// What the queries of its engines may hold in memory; `None`: no limit.
    memory_bytes_max: Option<usize>,
    setting: Setting,
    given: Vec<Given>,
    /// Its Kinesis, from the first time that a stream is needed.
    pub(super) streams: Option<Streams>,
    /// Its S3, if a case has one.
    pub buckets: Option<Buckets>,
    /// Whether an update runs while stations go by.
    pub(crate) is_live: bool,
}

/// A project that was read, with everything that is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// The project, if it can be made out.
    pub project: Option<Project>,
    /// What it declares.
    pub declared: DeclaredGraph,
    /// What is wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Where its paths lie.
    pub(crate) rules: PathRules,
    /// The Kinesis streams that it reads.
    pub(crate) streams: Vec<String>,
    /// The datasets that its own statements declare, fill or read.
    pub(super) names: Vec<DatasetName>,
}

impl World {
    /// A world with nothing but the description of the project, if one is tested.
    pub(crate) fn new(manner: Manner, setting: &Setting) -> Result<Self, String> {
        // A place of constant length: underlines in expected answers are as long as the paths that they mark.
        let short = Path::new("/tmp");
        let folder = if short.is_dir() {
            tempfile::tempdir_in(short)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        for name in ["project", "input", "given", "outside"] {
            std::fs::create_dir_all(folder.path().join(name)).map_err(|error| error.to_string())?;
        }
        if let Some(project) = &setting.project {
            sandbox::copy_description(project, &folder.path().join("project"))?;
        }
        Ok(Self {
            folder,
            objects: Arc::new(InMemory::new()),
            clock: Arc::new(ManualClock::at(BEGINNING_US)),
            ids: Arc::default(),
            fate: Arc::default(),
            events: Arc::default(),
            manner,
            memory_bytes_max: None,
            setting: setting.clone(),
            given: vec![],
            streams: None,
            buckets: None,
            is_live: false,
        })
    }

    /// The project's folder.
    pub(crate) fn project_folder(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The folder of the project that is tested, where it really lies.
    pub(crate) fn original(&self) -> Option<&Path> {
        self.setting.project.as_deref()
    }

    /// Replaces `$input` by the input folder.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("$input", &self.below("input"))
    }

    /// Puts back `$input`, so that answers do not depend on where a test ran.
    pub(crate) fn mask(&self, text: &str) -> String {
        let text = match &self.streams {
            Some(streams) => &text.replace(streams.endpoint(), "$kinesis"),
            None => text,
        };
        let text = match &self.buckets {
            Some(buckets) => &text.replace(&buckets.endpoint, "$s3"),
            None => text,
        };
        text.replace(&self.below("input"), "$input")
            .replace(&self.below("outside"), "$outside")
            .replace(&self.below("given"), "$given")
            .replace(&self.below("project"), "$project")
    }

    fn below(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Where a path of a station lies on disk; `None` when it leads out of the world.
    pub(crate) fn place(&self, path: &str) -> Option<PathBuf> {
        let filled = self.fill(path);
        let object = self.buckets.as_ref().and_then(|b| b.place(&filled));
        if object.is_some() {
            return object;
        }
        let is_elsewhere = filled.starts_with('/') || filled.contains(':');
        let place = if self.setting.project.is_some() && is_elsewhere {
            let resolved = sluice_source::resolve_path(&filled, &self.load().rules).ok()?;
            PathBuf::from(&resolved.places.first()?.base)
        } else {
            self.project_folder().join(&filled)
        };
        let climbs = place.components().any(|part| part.as_os_str() == "..");
        (place.starts_with(self.folder.path()) && !climbs).then_some(place)
    }

    /// Chooses the bundle target, the pipeline of a bundle by its `key`, the file that describes the pipeline (`spec`), or how much
    /// `memory` queries may hold: bytes, or `all`.
    pub(crate) fn set(&mut self, what: &str, chosen: &str) -> Result<(), Trouble> {
        match what {
            "target" => self.setting.target = Some(chosen.to_owned()),
            "key" => self.setting.pipeline_key = Some(chosen.to_owned()),
            "spec" => self.setting.spec = Some(chosen.to_owned()),
            _ if chosen == "all" => self.memory_bytes_max = None,
            _ => {
                let bytes = chosen.parse();
                let bytes = bytes
                    .map_err(|_| format!("`{chosen}` is neither a number of bytes nor `all`"))?;
                self.memory_bytes_max = Some(bytes);
            }
        }
        Ok(())
    }

    /// Puts rows in the place of what fills a dataset.
    pub(crate) fn give(&mut self, given: Given, lines: &str) -> Result<(), String> {
        let folder = self.folder.path().join("given").join(given.folder());
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let number = std::fs::read_dir(&folder).map_or(0, Iterator::count) + 1;
        std::fs::write(folder.join(format!("{number:06}.json")), lines)
            .map_err(|error| error.to_string())?;
        if !self.given.contains(&given) {
            self.given.push(given);
        }
        Ok(())
    }

    /// Sets the clock.
    pub(crate) fn set_clock(&self, time_us: i64) {
        self.clock.set(time_us);
    }

    /// The objects of the warehouse, with no hook in front.
    pub fn objects(&self) -> Arc<InMemory> {
        Arc::clone(&self.objects)
    }

    /// The warehouse as an engine sees it.
    pub fn store(&self) -> Result<Store, String> {
        let options = StoreOptions::new(self.clock.clone(), self.ids.clone())
            .with_hook(self.fate.clone())
            .with_commit_wait(std::time::Duration::ZERO);
        let options = match &self.buckets {
            None => options,
            Some(buckets) => {
                let options = buckets.known_to(options);
                match buckets.store(options.clone()) {
                    Some(opened) => return opened,
                    None => options,
                }
            }
        };
        let base = Url::parse("memory:///warehouse/").map_err(|error| error.to_string())?;
        Store::open(self.objects.clone(), base, options).map_err(|error| error.to_string())
    }

    /// Reads the project as it is now.
    pub(crate) fn load(&self) -> Loaded {
        let folder = self.project_folder();
        let mut files = DiskFiles::walk(&folder);
        if let Some(original) = &self.setting.project {
            files = files.copied_from(original);
        }
        let named = self.setting.project.as_deref().map(edge::folder_name);
        let options = LoadOptions {
            target: self.setting.target.clone(),
            pipeline_key: self.setting.pipeline_key.clone(),
            spec: self.setting.spec.clone(),
            variables: self.setting.variables.clone(),
            environment: BTreeMap::new(),
            user_name: "tester".into(),
            folder_name: named.unwrap_or_else(|| "project".into()),
        };
        let (project, found) = load(&files, &options);
        let mut diagnostics = std::mem::take(&mut files.diagnostics);
        diagnostics.extend(found);
        let mut loaded = Loaded {
            project: None,
            declared: DeclaredGraph::default(),
            diagnostics: vec![],
            rules: PathRules::default(),
            streams: vec![],
            names: vec![],
        };
        let opened = Opened {
            folder,
            files,
            project: None,
            diagnostics,
        };
        if let Some(project) = project {
            let (mut statements, mut found) = edge::statements(&opened, &project);
            loaded.names = sandbox::names(&statements);
            for given in &self.given {
                let place = self.folder.path().join("given").join(given.folder());
                found.extend(given.replace(&mut statements, &place, &project));
            }
            loaded.streams = sandbox::streams(&statements);
            loaded.rules = self.rules(&project, &sandbox::reads(&statements));
            let (declared, found) = edge::declare(&opened, &project, statements, found);
            loaded.declared = declared;
            loaded.diagnostics = found;
            loaded.project = Some(project);
        }
        loaded.diagnostics.splice(0..0, opened.diagnostics);
        loaded
    }

    /// Records of a micro-batch at most.
    pub(super) fn batch_records_max(&self) -> Option<u64> {
        self.manner.batch_files_max.map(|files| files as u64)
    }

    fn rules(&self, project: &Project, reads: &[String]) -> PathRules {
        if self.setting.project.is_some() {
            let outside = self.folder.path().join("outside");
            let mut rules = sandbox::rules(project, self.project_folder(), &outside, reads);
            // What stands for a dataset lies in the world already.
            rules.paths.push((self.below("given"), self.below("given")));
            rules.paths.push((self.below("input"), self.below("input")));
            sandbox::make_folders(reads, &rules);
            return rules;
        }
        let pairs = |map: &BTreeMap<String, String>| map.clone().into_iter().collect();
        PathRules {
            project_folder: self.project_folder(),
            volumes: pairs(&project.settings.volumes),
            paths: pairs(&project.settings.paths),
            engine_folders: vec![],
            engine_urls: self
                .buckets
                .iter()
                .filter_map(|buckets| Some(buckets.warehouse.as_ref()?.to_string()))
                .collect(),
        }
    }

    /// A new engine for a project, as after a restart.
    pub fn engine(&self, loaded: &Loaded) -> Result<Engine, String> {
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let timer: Arc<dyn Timer> = if self.is_live {
            self.clock.clone()
        } else {
            self.events.forget();
            Arc::new(NoWaits)
        };
        Ok(Engine::new(EngineOptions {
            warehouse: self.store()?,
            warehouse_folder: None,
            lease_owner: None,
            s3: self
                .buckets
                .as_ref()
                .map_or_else(S3::default, |buckets| buckets.s3.clone()),
            pipeline: project.key.clone(),
            target: project.target.clone(),
            namespace: project.namespace.clone(),
            event_log: project.event_log.clone(),
            path_rules: loaded.rules.clone(),
            kinesis: self.kinesis_access(project),
            observer: self.events.clone(),
            user: "tester".into(),
            time_zone: time_zone(project),
            parallelism: if self.manner.parallelism == 0 {
                2
            } else {
                self.manner.parallelism
            },
            memory_bytes_max: self.memory_bytes_max,
            batch_files_max: self.manner.batch_files_max,
            timer,
        }))
    }
}

/// The session time zone of a project.
pub(super) fn time_zone(project: &Project) -> String {
    let found = project
        .configuration
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("spark.sql.session.timeZone"));
    found.map_or_else(|| "UTC".into(), |(_, zone)| zone.clone())
}
