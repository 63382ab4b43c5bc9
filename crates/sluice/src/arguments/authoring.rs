//! Arguments of the verbs for those who write a project. Must not do anything.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Args)]
pub(crate) struct Test {
    /// Only test files whose path contains this
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: Option<String>,
    /// Only tests whose path or first line contains this, in any case of letters
    #[arg(short = 'k', value_name = "TEXT")]
    pub(crate) keyword: Option<String>,
    /// Write the answers that are found into the test files: read the difference before you keep it
    #[arg(long, conflicts_with = "regimes")]
    pub(crate) update: bool,
    /// Run each test in further ways that must give the same tables: ended at durable steps and started again, one file
    /// per micro-batch, flows side by side, everything refreshed from nothing at the end. `all` ends it at every step
    #[arg(
        long,
        value_enum,
        value_name = "HOW MANY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "sample"
    )]
    pub(crate) regimes: Option<Regimes>,
    /// Write the results as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// How many crashes the regimes try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Regimes {
    /// A few per test.
    Sample,
    /// One at every durable step.
    All,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Init {
    /// files-medallion (without a word, this one), iot-kinesis, minimal or spark
    #[arg(value_name = "TEMPLATE")]
    pub(crate) template: Option<String>,
    /// Name of the project, of its folder and its schema
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Folder to write the project's folder into
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// JSON object with `project_name` and `default_catalog`, as `databricks bundle init` takes it
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Fmt {
    /// SQL files, or folders of them; without any, the SQL files of the project
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,
    /// Write nothing: list the files that would change, and exit with 1 if there are any
    #[arg(long)]
    pub(crate) check: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}
