//! Jobs: what starts updates by itself, as a bundle declares it. Must not know calendars or the time.

use crate::Origin;

/// A value with its place in the user's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub origin: Origin,
}

/// What a bundle declares to be run by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedules {
    /// Target of the bundle in force; `None` for a project that is no bundle.
    pub target: Option<String>,
    /// The jobs, in order of their keys; a pipeline with a `trigger` of its own is a job with its key.
    pub jobs: Vec<Job>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its key in the bundle.
    pub key: String,
    /// Its name, with the prefix of a development target.
    pub name: String,
    /// Where it is declared.
    pub origin: Origin,
    /// What starts it; `None`: only people do.
    pub trigger: Option<JobTrigger>,
    /// Whether it starts by itself.
    pub pause: Pause,
    /// The updates of a run, in the order of the file.
    pub tasks: Vec<PipelineTask>,
    /// Runs at the same time.
    pub concurrent_runs_max: u32,
    /// Whether a start that finds too many runs waits for its turn instead of being left out.
    pub queues: bool,
    /// A run is stopped after so many seconds.
    pub timeout_seconds: Option<u64>,
    /// Who is told of its runs.
    pub notices: Notices,
}

/// Who is told of the runs of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    /// On which occasion, and the name of the destination.
    pub recipients: Vec<(Occasion, Placed<String>)>,
    /// A run is late after so many seconds.
    pub late_after_seconds: Option<u64>,
    /// Whether nobody is told of a start that was left out.
    pub quiet_when_left_out: bool,
    /// Whether nobody is told of a failure that somebody asked for by stopping the run.
    pub quiet_when_stopped: bool,
}

/// When people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A run starts.
    Start,
    /// A run ended well.
    Success,
    /// A run did not end well, or was left out.
    Failure,
    /// A run takes longer than it should, and goes on.
    Late,
}

impl Occasion {
    /// What Databricks calls the event.
    #[must_use]
    pub fn event(self) -> &'static str {
        match self {
            Self::Start => "jobs.on_start",
            Self::Success => "jobs.on_success",
            Self::Failure => "jobs.on_failure",
            Self::Late => "jobs.on_duration_warning_threshold_exceeded",
        }
    }
}

/// Whether a job starts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It does.
    Unpaused,
    /// `pause_status: PAUSED`.
    Paused,
    /// The target pauses what does not say otherwise, as `mode: development` does.
    ByTarget,
}

/// What starts a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobTrigger {
    /// A Quartz expression in a time zone, both not yet understood.
    Cron {
        /// `sec min hour dom mon dow [year]`.
        expression: Placed<String>,
        /// IANA name; `None`: UTC.
        time_zone: Option<Placed<String>>,
    },
    /// Every so many seconds.
    Periodic {
        /// Seconds between two starts.
        every_seconds: u64,
    },
    /// New files below a place.
    FileArrival {
        /// The place as written.
        url: Placed<String>,
        /// How often at most.
        rest: Rest,
    },
    /// New versions of tables.
    TableUpdate {
        /// The tables as written.
        tables: Vec<Placed<String>>,
        /// Whether all of them must be new.
        needs_all: bool,
        /// How often at most.
        rest: Rest,
    },
    /// A run begins when the one before has ended.
    Continuous,
}

/// How often something that was noticed may start a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rest {
    /// Seconds between two starts at least.
    pub min_between_seconds: u64,
    /// Seconds without a further change before a start.
    pub after_change_seconds: u64,
}

/// One update within a run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineTask {
    /// Its key in the job.
    pub key: String,
    /// Where it is declared.
    pub origin: Origin,
    /// Key of the pipeline.
    pub pipeline: String,
    /// Keys of tasks that must have ended before.
    pub depends_on: Vec<String>,
    /// How they must have ended.
    pub run_if: RunIf,
    /// Every table is filled anew.
    pub full_refresh: bool,
    /// Tables to refresh; empty: all.
    pub refresh: Vec<String>,
    /// Tables to fill anew.
    pub full_refresh_selection: Vec<String>,
    /// Further attempts after a failure; `None`: without end.
    pub retries_max: Option<u32>,
    /// Milliseconds between attempts.
    pub retry_interval_ms: u64,
    /// An attempt is stopped after so many seconds.
    pub timeout_seconds: Option<u64>,
}

/// How the tasks that a task depends on must have ended for it to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunIf {
    /// All of them well.
    #[default]
    AllSuccess,
    /// One of them well.
    AtLeastOneSuccess,
    /// None badly.
    NoneFailed,
    /// However they did.
    AllDone,
    /// One of them badly.
    AtLeastOneFailed,
    /// All of them badly.
    AllFailed,
}

impl RunIf {
    /// All of them with their names in a bundle.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("ALL_SUCCESS", Self::AllSuccess),
        ("AT_LEAST_ONE_SUCCESS", Self::AtLeastOneSuccess),
        ("NONE_FAILED", Self::NoneFailed),
        ("ALL_DONE", Self::AllDone),
        ("AT_LEAST_ONE_FAILED", Self::AtLeastOneFailed),
        ("ALL_FAILED", Self::AllFailed),
    ];
}
