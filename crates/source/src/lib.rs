//! Sources: folders of files and Kinesis streams read into Arrow columns, exactly the range that a plan names.
//!
//! Lives here: options of `read_files` and `read_kinesis`, shards, credentials, paths and patterns, discovery, formats, inference and evolution of schemas,
//! rescued data, the list of files that a micro-batch took, the simulator. Must not live here: Delta, SQL text, DataFusion, the
//! clock (the time is handed in).

pub mod aws;
mod error;
mod files;
mod format;
pub mod generate;
mod glob;
pub mod kinesis;
mod option;
mod path;
mod s3;

use sluice_model::limits;

pub use error::{NewColumns, SourceError};
pub use files::*;
pub use glob::{PathGlob, SegmentGlob};
pub use option::{
    CleanSource, Encoding, EvolutionMode, FileFormat, FormatOptions, OptionOrigins, ParseMode,
    PartitionColumns, ReadFilesOptions, SchemaHint, SourceCall,
};
pub use path::{PathRules, Place, ResolvedPath, Storage, resolve_path};
pub use s3::{S3, S3Settings};
