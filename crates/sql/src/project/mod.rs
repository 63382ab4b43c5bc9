//! Project files: which pipeline a folder declares, with which settings, and which SQL files belong to it.
//!
//! Reads Databricks bundles, Spark's pipeline specifications and bare folders from files that it is handed
//! ([`ProjectFiles`]). Must not touch the disk or the environment, and does not look into the SQL.

mod bundle;
mod choice;
mod computed;
mod destinations;
mod discovery;
mod files;
mod include;
mod interpolate;
mod jobs;
mod libraries;
mod load;
mod pipeline;
mod reader;
mod references;
mod settings;
mod variables;
mod yaml;

use std::collections::BTreeMap;

use sluice_model::destination::{Destination, Notification};
use sluice_model::{DatasetName, Namespace};

pub use discovery::{SpecChoice, SpecKind, spec_of};
pub use files::{MemoryFiles, ProjectFileError, ProjectFiles, describe, read_sql, text_of};
pub use interpolate::interpolate;
pub use jobs::load_schedules;
pub use load::{load, load_bundle};

/// What the user said beside the files.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Target of the bundle (`-t`).
    pub target: Option<String>,
    /// Key of the pipeline within the bundle.
    pub pipeline_key: Option<String>,
    /// The file that describes the pipeline (`--spec`), relative to the project folder.
    pub spec: Option<String>,
    /// `--var name=value`, in order; the last one of a name wins.
    pub variables: Vec<(String, String)>,
    /// Environment variables; those named `BUNDLE_VAR_<name>` count.
    pub environment: BTreeMap<String, String>,
    /// Name of the user, as in an address; `${workspace.current_user.userName}`.
    pub user_name: String,
    /// Name of the project folder: names the pipeline of a bare folder.
    pub folder_name: String,
}

/// One pipeline as its project files declare it.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// What describes it.
    pub kind: SpecKind,
    /// Name, `[dev user] ` in front in targets of mode `development`.
    pub name: String,
    /// Key within the bundle; for others the name.
    pub key: String,
    /// Target of the bundle in force; `None` for others.
    pub target: Option<String>,
    /// Development mode: no retries.
    pub development: bool,
    /// Whether an update never ends by itself.
    pub continuous: bool,
    /// What completes unqualified names.
    pub namespace: Namespace,
    /// Values for `${key}` in SQL, and session settings.
    pub configuration: BTreeMap<String, String>,
    /// The `.sql` files in order, relative to the project folder, each once.
    pub sources: Vec<String>,
    /// The table named by `event_log`, if any.
    pub event_log: Option<DatasetName>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// What the pipeline's `notifications` ask for.
    pub notifications: Vec<Notification>,
    /// What sluice.yml says.
    pub settings: Settings,
}

/// A bundle as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its name.
    pub name: String,
    /// The target in force.
    pub target: String,
    /// Keys of its pipelines, in the order of the files.
    pub pipelines: Vec<String>,
}

/// What sluice.yml says: where things lie that the cloud provided. Everything has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where tables lie: a path relative to the project folder, absolute, or a URL. `None`: `.sluice/warehouse`.
    pub warehouse: Option<String>,
    /// Volume path prefix to path, as written.
    pub volumes: BTreeMap<String, String>,
    /// Any path prefix (`s3://bucket/`) to path, as written.
    pub paths: BTreeMap<String, String>,
    /// How buckets are reached.
    pub s3: S3Settings,
    /// Where Kinesis is.
    pub kinesis: KinesisSettings,
    /// What `serviceCredential => 'name'` stands for, by that name.
    pub credentials: BTreeMap<String, CredentialSettings>,
    /// Who is told of alerts, in the order written.
    pub destinations: Vec<Destination>,
    /// What `sluice dev` puts on a stream, by its name: a preset of the simulator, the file of a template, or `none`.
    pub simulate: BTreeMap<String, String>,
}

/// `kinesis:` of sluice.yml.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KinesisSettings {
    /// URL of a Kinesis that is not AWS's own.
    pub endpoint: Option<String>,
    /// Region of streams whose call names none.
    pub region: Option<String>,
}

/// One of `credentials:` of sluice.yml, its values as written. Which of them go together is not judged here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialSettings {
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// A role to take on.
    pub role_arn: Option<String>,
    /// What the role asks for of strangers.
    pub external_id: Option<String>,
    /// Under which name the role is taken on.
    pub session_name: Option<String>,
    /// An access key.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<String>,
    /// Its token, if it is a temporary one.
    pub session_token: Option<String>,
}

/// `s3:` of sluice.yml.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Settings {
    /// URL of a server that speaks as S3 does and is not AWS's own.
    pub endpoint: Option<String>,
    /// Region of the buckets.
    pub region: Option<String>,
    /// Whether buckets are named in the path of a URL and not in its host.
    pub path_style: Option<bool>,
    /// Which of `credentials:` is used.
    pub credentials: Option<String>,
    /// After so many seconds a request counts as lost.
    pub request_timeout_seconds: Option<u64>,
}

#[cfg(test)]
#[path = "destinations_tests.rs"]
mod destinations_tests;
#[cfg(test)]
#[path = "jobs_tests.rs"]
mod jobs_tests;
#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;
