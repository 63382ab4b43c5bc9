//! One update from start to end: lease, tables, flows, event log; and the questions that are asked of a pipeline
//! between updates. Effects happen here; decisions are made in `checkpoint` and `plan`.
//!
//! Must not live here: HTTP, the terminal, SQL text.

mod appended;
mod bad_records;
mod checkpoint_store;
mod clean;
mod description;
mod engine;
mod error;
mod event_log;
mod failpoint;
mod file_list;
mod file_rows;
mod files;
mod flow;
mod gone;
mod inputs;
mod kinesis;
mod lease;
mod leaves;
mod maintain;
mod memory;
mod micro_batch;
mod other_stores;
mod places;
mod prepare;
mod progress;
mod query;
mod range;
mod report;
mod restore;
mod retry;
mod schedule;
mod schema;
mod setup;
mod state;
mod stream;
mod table_range;
mod tables;
mod update;
mod version;
mod views;
mod watch;

pub use appended::Notice;
pub use description::shown_properties;
pub use engine::{Engine, EngineOptions};
pub use error::Failure;
pub use event_log::{NoObserver, Observer};
pub use failpoint::STEPS;
pub use kinesis::KinesisAccess;
pub use maintain::{OptimizeStatement, VacuumStatement};
pub use other_stores::BucketsAndDisk;
pub use query::{PlanLine, QueryResult, RowStream};
pub use report::{FlowMetrics, FlowReport, Technique, UpdateReport};
pub use update::UpdateRequest;
pub use watch::{FlowNumbers, Onlooker, PassingRows, flow_display};
