//! The command line as types. Must not do anything.

mod authoring;
mod events;
mod given;
mod live;
mod serve;
mod simulate;
mod upkeep;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use authoring::{Fmt, Init, Regimes, Test};
pub(crate) use given::told_apart;
pub(crate) use live::{Dev, Tap, TapFormat, Top};
pub(crate) use serve::{AlertList, AlertTest, Alerts, Next, Schedule, Serve};
pub(crate) use simulate::{Pace, RecordFormat, Simulate};
pub(crate) use upkeep::{Export, ExportFormat, Optimize, Restore, Vacuum};

/// Runs Lakeflow and Spark Declarative Pipelines SQL projects: streaming and batch, exactly once, on plain files.
#[derive(Debug, Parser)]
#[command(
    name = "sluice",
    version,
    about,
    disable_help_subcommand = false,
    infer_subcommands = false
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Target of the bundle (databricks.yml)
    #[arg(short, long, global = true, value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// Folder of the project; without it, the nearest one at or above the current folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// File that describes the pipeline
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
    /// Where the tables are, instead of what sluice.yml says
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub(crate) warehouse: Option<String>,
    /// Value of a bundle variable
    #[arg(long = "var", global = true, value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) variables: Vec<(String, String)>,
    /// Form of the result on stdout
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Same as `--output json`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say less: once without progress, twice without warnings
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) quiet: u8,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colours; the environment variable NO_COLOR turns them off too
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Never ask anything
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

impl Global {
    pub(crate) fn is_json(&self) -> bool {
        self.json || self.output == Output::Json
    }
}

/// Form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it, for the whole process"
)]
pub(crate) enum Command {
    /// Write a new project that runs at once
    Init(Init),
    /// Check the project: settings, SQL, names, types, order. Moves no data
    #[command(visible_aliases = ["dry-run", "check"])]
    Validate(Validate),
    /// Show what an update would do to each table, and why
    Plan(Plan),
    /// Run one update
    Run(Run),
    /// Run the jobs of the bundle by their schedules, until stopped
    Serve(Serve),
    /// Show what starts by itself, and when
    #[command(subcommand)]
    Schedule(Schedule),
    /// Show who is told of alerts, and try it
    #[command(subcommand)]
    Alerts(Alerts),
    /// Run the project while you write it: streams and sensors on this machine, everything that changes started again
    Dev(Dev),
    /// Run the tests of the project: tests/*.test
    Test(Test),
    /// Break the lines of the queries in SQL files anew; no word, string or comment changes
    Fmt(Fmt),
    /// Query the tables; without -c or -f, a shell
    #[command(visible_alias = "shell")]
    Sql(Sql),
    /// Show rows, columns or history of a table
    Show(Show),
    /// Show rows of a table as they are committed
    Tap(Tap),
    /// Show rows per second and in all, flow by flow
    Top(Top),
    /// Show events of past updates
    Logs(Logs),
    /// List past updates, or the versions of a table
    History(History),
    /// Put small files of tables together, or rows in another order
    Optimize(Optimize),
    /// Delete files that no version within the retention needs
    Vacuum(Vacuum),
    /// Set a table back to an earlier version
    Restore(Restore),
    /// Write the rows of a table or view to a file, or to another Delta table
    Export(Export),
    /// Show which dataset reads which
    #[command(visible_alias = "graph")]
    Lineage(Lineage),
    /// Make records of sensors that do not exist
    Simulate(Simulate),
    /// Explain an error condition by its name; without one, list all
    Explain(Explain),
    /// Print a completion script for a shell
    Completion(Completion),
    /// Print the version
    Version,
    /// Write the reference pages that are made from the code
    #[command(hide = true)]
    Docs(Docs),
    /// The spellings of `databricks bundle`
    #[command(subcommand)]
    Bundle(Bundle),
    /// The spellings of `databricks pipelines`
    #[command(subcommand)]
    Pipelines(Pipelines),
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Validate {
    /// Key of the pipeline in the bundle; without it, all of them
    #[arg(value_name = "KEY", conflicts_with = "syntax")]
    pub(crate) key: Option<String>,
    /// Only check that every statement of this file is one that we know
    #[arg(long, value_name = "FILE")]
    pub(crate) syntax: Option<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Which datasets take part.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SelectionArguments {
    /// Refresh only these: names, `+name` with all it reads, `name+` with all that read it
    #[arg(
        long,
        visible_alias = "select",
        value_name = "TABLES",
        value_delimiter = ','
    )]
    pub(crate) refresh: Vec<String>,
    /// Empty these and fill them again from the beginning
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    pub(crate) full_refresh: Vec<String>,
    /// Empty every table and fill it again from the beginning
    #[arg(long, conflicts_with_all = ["refresh", "full_refresh"])]
    pub(crate) full_refresh_all: bool,
    /// Leave these out
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Plan {
    /// Key of the pipeline in the bundle
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// Exit with 2 when there is something to do
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Clone, Args)]
pub(crate) struct Run {
    /// Key of the pipeline, or of a job that runs it, in the bundle
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    /// Refresh everything that is there, which is what happens without any selection
    #[arg(long, conflicts_with_all = ["refresh", "full_refresh", "full_refresh_all"])]
    pub(crate) refresh_all: bool,
    /// Keep running: rows go on as they come, until Ctrl-C. Also what `continuous: true` of the pipeline asks for
    #[arg(long)]
    pub(crate) continuous: bool,
    /// End when everything that is there is done, whatever the pipeline says
    #[arg(long, conflicts_with = "continuous")]
    pub(crate) once: bool,
    /// Only check, as `sluice validate`
    #[arg(long)]
    pub(crate) validate_only: bool,
    /// Write every event as a line of JSON to this file; `-` is stdout, and the report at the end goes to stderr
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Flows that run at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallelism: Option<u16>,
    /// Exit with 3 when rows broke expectations
    #[arg(long)]
    pub(crate) fail_on_violations: bool,
    /// Exit with 99 when nothing was new
    #[arg(long)]
    pub(crate) skip_code: bool,
    /// Full-refresh even where rows would be lost because their source files are gone
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Has no effect: an update always runs to its end
    #[arg(long, hide = true)]
    pub(crate) restart: bool,
    /// As `restart`
    #[arg(long, hide = true)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Sql {
    /// Query to run
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// Query to run; may be given several times
    #[arg(
        short,
        long = "command",
        value_name = "SQL",
        conflicts_with = "query",
        allow_hyphen_values = true
    )]
    pub(crate) commands: Vec<String>,
    /// File of queries to run; `-` is stdin
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["query", "commands"])]
    pub(crate) file: Option<PathBuf>,
    /// Form of the rows; without it `box` on a terminal, else `csv`
    #[arg(long, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// A table drawn with lines.
    Box,
    /// RFC 4180, header first; NULL is empty and an empty text is two quotes.
    Csv,
    /// An array of objects.
    Json,
    /// One object per line.
    Jsonlines,
    /// A table of Markdown.
    Markdown,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// The table, one to three parts
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    /// Rows to show
    #[arg(short = 'n', long = "rows", default_value_t = 10, value_name = "N")]
    pub(crate) rows: u32,
    /// Show its commits instead
    #[arg(long, conflicts_with = "schema")]
    pub(crate) history: bool,
    /// Show its columns instead
    #[arg(long)]
    pub(crate) schema: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Logs {
    /// Key of the pipeline in the bundle
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Of this update only
    #[arg(long, value_name = "ID")]
    pub(crate) update_id: Option<String>,
    /// Of these levels only: METRICS, INFO, WARN, ERROR
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', value_parser = events::level)]
    pub(crate) level: Vec<String>,
    /// Of these types only, such as flow_progress
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = events::event_type)]
    pub(crate) event_type: Vec<String>,
    /// The newest so many
    #[arg(short = 'n', long, default_value_t = 100, value_name = "N")]
    pub(crate) number: u32,
    /// From this time on, as in 2026-11-20T20:00:00Z
    #[arg(long, value_name = "TIME", value_parser = events::time)]
    pub(crate) start_time: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = events::time)]
    pub(crate) end_time: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct History {
    /// A table, or the key of the pipeline in the bundle
    #[arg(value_name = "TABLE|KEY")]
    pub(crate) key: Option<String>,
    /// The newest so many
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    pub(crate) number: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Lineage {
    /// Only what this dataset reads and what reads it, at any distance
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: Option<String>,
    /// Form of the graph
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Form of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// One dataset per line with what it reads.
    Text,
    /// Mermaid.
    Mermaid,
    /// Graphviz.
    Dot,
    /// One JSON object.
    Json,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Explain {
    /// Name of the condition, as it stands in brackets behind `error`
    #[arg(value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Docs {
    /// Where to
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// `databricks bundle …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// As `sluice init`
    Init(Init),
    /// As `sluice validate`
    Validate(Validate),
    /// As `sluice plan`
    Plan(Plan),
    /// Check the project; nothing else is to do before it runs
    Deploy(Deploy),
    /// As `sluice run KEY`
    Run(Run),
    /// Show what the bundle declares for the target
    Summary(Summary),
}

/// What Databricks takes to deploy has no effect: nothing is put anywhere.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Deploy {
    #[arg(long, hide = true)]
    pub(crate) auto_approve: bool,
    #[arg(short, long, hide = true, value_name = "ID", alias = "compute-id")]
    pub(crate) cluster_id: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) fail_on_active_runs: bool,
    #[arg(long, hide = true)]
    pub(crate) force: bool,
    #[arg(long, hide = true)]
    pub(crate) force_lock: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Summary {
    /// Key of the pipeline in the bundle; without it, all of them
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// `databricks pipelines …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Pipelines {
    /// As `sluice init`
    Init(Init),
    /// As `sluice bundle deploy`
    Deploy(Deploy),
    /// As `sluice run`
    Run(Run),
    /// As `sluice validate`
    DryRun(Validate),
    /// As `sluice logs`
    Logs(Logs),
    /// As `sluice history`
    History(History),
    /// As `sluice show`
    Show(Show),
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
