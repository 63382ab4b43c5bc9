//! Arguments of the verbs that keep tables in order or take them elsewhere. Must not do anything.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Args)]
pub(crate) struct Optimize {
    /// The tables; without any, all tables of the pipeline
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// Only partitions for which this predicate is true
    #[arg(long = "where", value_name = "PREDICATE")]
    pub(crate) predicate: Option<String>,
    /// Columns whose near values are to lie together
    #[arg(long = "zorder", value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) z_order: Vec<String>,
    /// Of tables with CLUSTER BY: order all rows again, not only those of small files
    #[arg(long, conflicts_with = "z_order")]
    pub(crate) full: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Vacuum {
    /// The tables; without any, all tables of the pipeline
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// How long files stay that left the table, in hours as in 168h; without it, what the table says, or seven days
    #[arg(long, value_name = "HOURS")]
    pub(crate) retain: Option<String>,
    /// Only list the files
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Allow to keep files for less time than the table says
    #[arg(long)]
    pub(crate) force: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Restore {
    /// The table, one to three parts
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    /// To this version
    #[arg(long, value_name = "N", required_unless_present = "timestamp")]
    pub(crate) version: Option<u64>,
    /// To the newest version that was committed by this time, as in '2026-01-01 10:00:00'
    #[arg(long, value_name = "TIME", conflicts_with = "version")]
    pub(crate) timestamp: Option<String>,
    /// Also where rows would be lost because the source files that they came from are gone
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Export {
    /// The table or view, one to three parts
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    /// The file to write, here or as `s3://bucket/key`; for delta the folder
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// What to write; without it, what the end of PATH says
    #[arg(long, value_enum)]
    pub(crate) format: Option<ExportFormat>,
    /// The table as it was at this version
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    /// The table as it was at this time
    #[arg(long, value_name = "TIME", conflicts_with = "version")]
    pub(crate) timestamp: Option<String>,
    /// Replace the file at PATH; for delta the Delta table. Other folders, and what the pipeline keeps, stay
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// RFC 4180, header first.
    Csv,
    /// One object per line.
    Json,
    /// One Parquet file.
    Parquet,
    /// A Delta table.
    Delta,
}
