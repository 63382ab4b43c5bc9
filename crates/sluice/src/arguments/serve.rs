//! Arguments of the verbs that run things by themselves and tell people. Must not do anything.

use clap::{Args, Subcommand};

/// `sluice schedule …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Schedule {
    /// List the jobs, with what starts them
    List,
    /// Show when jobs start next
    Next(Next),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Next {
    /// Only this job
    #[arg(value_name = "JOB")]
    pub(crate) job: Option<String>,
    /// Starts to show for each job
    #[arg(short = 'n', long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) number: u16,
    /// After this time instead of now, as in 2026-11-20T20:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    /// Only these jobs
    #[arg(value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
    /// Run what is due now, and end
    #[arg(long)]
    pub(crate) once: bool,
}

/// `sluice alerts …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Alerts {
    /// List the destinations, and how far each one is
    List(AlertList),
    /// Send a test message to a destination
    Test(AlertTest),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AlertList {
    /// Key of the pipeline in the bundle
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AlertTest {
    /// Name of the destination in sluice.yml
    #[arg(value_name = "DESTINATION")]
    pub(crate) destination: String,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}
