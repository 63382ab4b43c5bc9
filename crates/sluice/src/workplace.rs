//! A project with its engine: what every command but the simplest needs. Wires options from the project, sluice.yml
//! and the environment; must not do what an engine does.

use std::path::PathBuf;
use std::sync::Arc;

use sluice_graph::DeclaredGraph;
use sluice_model::condition::project::PROJECT_NOT_FOUND;
use sluice_model::{Diagnostic, Namespace};
use sluice_run::{Engine, EngineOptions, KinesisAccess, Observer};
use sluice_source::aws::{AwsCredentialSpec, Secret};
use sluice_source::{PathRules, S3};
use sluice_sql::project::{CredentialSettings, Project, Settings};
use sluice_table::{Durability, Store};

use crate::arguments::Global;
use crate::edge::{self, Opened};
use crate::memory;
use crate::s3;
use crate::source_text::SourceTexts;
use crate::statement::Shell;
use crate::warehouse::{Place, store_options};

/// What the engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Questions only: nothing is made on disk.
    Read,
    /// An update: the warehouse is made if it is not there.
    Write,
}

/// What a command fails with: everything to report, and the texts it points into.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) texts: SourceTexts,
}

impl Refused {
    /// For one reason that points into no text.
    pub(crate) fn one(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            texts: SourceTexts::default(),
        }
    }
}

/// A project and its engine.
#[derive(Debug)]
pub(crate) struct Workplace {
    /// The project; `None` for a shell outside any.
    pub(crate) project: Option<Project>,
    /// Its folder, or the current one.
    pub(crate) folder: PathBuf,
    /// What it declares.
    pub(crate) declared: DeclaredGraph,
    /// What was found on the way, errors too: whether they matter is the command's business.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Texts that diagnostics point into.
    pub(crate) texts: SourceTexts,
    /// The engine.
    pub(crate) engine: Engine,
    /// Session time zone.
    pub(crate) time_zone: String,
}

impl Workplace {
    /// Opens the project at or above the current folder, and an engine for it.
    pub(crate) fn open(
        global: &Global,
        key: Option<&str>,
        purpose: Purpose,
        observer: Arc<dyn Observer>,
        parallelism: Option<u16>,
    ) -> Result<Self, Refused> {
        Self::open_with(global, key, purpose, observer, parallelism, |_| {})
    }

    /// As [`Workplace::open`], with a change of what the project declares before anything is made of it.
    pub(crate) fn open_with(
        global: &Global,
        key: Option<&str>,
        purpose: Purpose,
        observer: Arc<dyn Observer>,
        parallelism: Option<u16>,
        change: impl FnOnce(&mut DeclaredGraph),
    ) -> Result<Self, Refused> {
        let opened = edge::open(global, key).map_err(|diagnostic| Refused::one(*diagnostic))?;
        let Some(mut project) = opened.project.clone() else {
            let texts = opened.texts();
            return Err(Refused {
                diagnostics: opened.diagnostics,
                texts,
            });
        };
        if let Some(written) = &global.warehouse {
            project.settings.warehouse = Some(if written.contains("://") {
                written.clone()
            } else {
                let here = std::env::current_dir().unwrap_or_default();
                here.join(written).display().to_string()
            });
        }
        let mut place = Self::of(opened, project, purpose, observer, parallelism)?;
        change(&mut place.declared);
        Ok(place)
    }

    /// As [`Workplace::open`] for questions; where no project is, an empty one in memory.
    pub(crate) fn open_or_empty(
        global: &Global,
        key: Option<&str>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Refused> {
        match Self::open(global, key, Purpose::Read, observer, None) {
            Err(refused)
                if global.project.is_none()
                    && global.spec.is_none()
                    && refused
                        .diagnostics
                        .iter()
                        .all(|d| d.condition == &PROJECT_NOT_FOUND) =>
            {
                Self::empty()
            }
            other => other,
        }
    }

    fn of(
        opened: Opened,
        project: Project,
        purpose: Purpose,
        observer: Arc<dyn Observer>,
        parallelism: Option<u16>,
    ) -> Result<Self, Refused> {
        let (declared, found) = edge::declared(&opened, &project);
        let texts = opened.texts();
        let folder = opened.folder.canonicalize().unwrap_or(opened.folder);
        let mut diagnostics = opened.diagnostics;
        diagnostics.extend(found);
        if purpose == Purpose::Write && diagnostics.iter().any(Diagnostic::is_error) {
            // Said before anything is made on disk.
            return Err(Refused { diagnostics, texts });
        }
        let kinesis = kinesis_access(&project.settings);
        let found = s3::of(&project, &kinesis.credentials).and_then(|s3| {
            let place = Place::of(&project, &folder, purpose, &s3)?;
            Ok((place, s3, memory::bytes_max()?))
        });
        let (place, s3, memory_bytes_max) = match found {
            Ok(found) => found,
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                return Err(Refused { diagnostics, texts });
            }
        };
        let time_zone = time_zone(&project);
        let options = EngineOptions {
            path_rules: place.path_rules(&project, &folder),
            // What was never made has no lease.
            warehouse_folder: place
                .folder
                .filter(|folder| purpose == Purpose::Write || folder.is_dir()),
            warehouse: place.store,
            lease_owner: Some(edge::engine_name()),
            s3,
            pipeline: project.key.clone(),
            target: project.target.clone(),
            namespace: project.namespace.clone(),
            event_log: project.event_log.clone(),
            kinesis,
            observer,
            user: edge::user_name(),
            time_zone: time_zone.clone(),
            parallelism: parallelism.map_or_else(processors, usize::from),
            memory_bytes_max,
            batch_files_max: None,
            timer: Arc::new(sluice_run::WallTimer::new(Arc::new(edge::SystemClock))),
        };
        let engine = Engine::new(options);
        Ok(Self {
            project: Some(project),
            folder,
            declared,
            diagnostics,
            texts,
            engine,
            time_zone,
        })
    }

    fn empty() -> Result<Self, Refused> {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let options = EngineOptions {
            // Without a project there are no tables but those that are named by their place.
            warehouse: Store::local_unmade(
                &folder.join(".sluice").join("warehouse"),
                Durability::Fsync,
                store_options(&S3::default()),
            )
            .map_err(|error| Refused::one(error.diagnostic()))?,
            warehouse_folder: None,
            lease_owner: None,
            s3: S3::default(),
            pipeline: "shell".to_owned(),
            target: None,
            namespace: Namespace::default(),
            event_log: None,
            kinesis: KinesisAccess::default(),
            path_rules: PathRules {
                project_folder: folder.clone(),
                ..PathRules::default()
            },
            observer: Arc::new(sluice_run::NoObserver),
            user: edge::user_name(),
            time_zone: "UTC".to_owned(),
            parallelism: processors(),
            memory_bytes_max: memory::bytes_max().map_err(|error| Refused::one(*error))?,
            batch_files_max: None,
            timer: Arc::new(sluice_run::WallTimer::new(Arc::new(edge::SystemClock))),
        };
        Ok(Self {
            project: None,
            folder,
            declared: DeclaredGraph::default(),
            diagnostics: vec![],
            texts: SourceTexts::default(),
            engine: Engine::new(options),
            time_zone: "UTC".to_owned(),
        })
    }

    /// Whether the project has errors.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// What statements run in.
    pub(crate) fn shell(&self) -> Shell<'_> {
        let configuration = self
            .project
            .as_ref()
            .map(|project| project.configuration.clone());
        Shell {
            engine: &self.engine,
            declared: &self.declared,
            namespace: self.namespace(),
            configuration: configuration.unwrap_or_default(),
            time_zone: &self.time_zone,
            force: false,
        }
    }

    /// Catalog and schema that complete unqualified names.
    pub(crate) fn namespace(&self) -> Namespace {
        self.project
            .as_ref()
            .map(|project| project.namespace.clone())
            .unwrap_or_default()
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn time_zone(project: &Project) -> String {
    let key = "spark.sql.session.timezone";
    let set = project
        .configuration
        .iter()
        .find(|(name, _)| name.to_lowercase() == key);
    set.map_or_else(|| "UTC".to_owned(), |(_, zone)| zone.clone())
}

/// Where Kinesis is, as sluice.yml says. A value `env:NAME` is that variable of the environment.
pub(crate) fn kinesis_access(settings: &Settings) -> KinesisAccess {
    let value = |written: &Option<String>| {
        let written = written.as_ref()?;
        match written.strip_prefix("env:") {
            Some(name) => std::env::var(name).ok(),
            None => Some(written.clone()),
        }
    };
    let spec = |written: &CredentialSettings| AwsCredentialSpec {
        profile: value(&written.profile),
        access_key: value(&written.access_key_id),
        secret_key: value(&written.secret_access_key).map(Secret::new),
        session_token: value(&written.session_token).map(Secret::new),
        role_arn: value(&written.role_arn),
        external_id: value(&written.external_id),
        session_name: value(&written.session_name),
        sts_endpoint: None,
    };
    let credentials = settings.credentials.iter();
    KinesisAccess {
        endpoint: value(&settings.kinesis.endpoint),
        region: value(&settings.kinesis.region),
        credentials: credentials
            .map(|(name, written)| (name.clone(), spec(written)))
            .collect(),
        ..KinesisAccess::default()
    }
}

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Refused> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors())
        // Plans of deep queries are walked recursively.
        .thread_stack_size(8 * 1024 * 1024)
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("the system gives no threads: {error}");
            Refused::one(Diagnostic::error(
                &sluice_model::condition::run::INTERNAL_ERROR,
                message,
            ))
        })?;
    Ok(runtime.block_on(future))
}
