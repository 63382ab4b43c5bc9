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
    /// Keys of tasks that must have ended well before.
    pub depends_on: Vec<String>,
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
