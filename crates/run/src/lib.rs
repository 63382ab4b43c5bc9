//! One update from start to end: lease, tables, flows, event log; and the questions that are asked of a pipeline
//! between updates. Effects happen here; decisions are made in `checkpoint` and `plan`.
//!
//! Must not live here: HTTP, the terminal, SQL text.

// The futures of an update hold those of everything below it: their layout is deeper than the 128 that the compiler walks unasked.
#![recursion_limit = "256"]

mod checkpoint_store;
mod continuous;
mod echo;
mod engine;
mod error;
mod event_log;
mod failpoint;
mod flow;
mod inputs;
mod lease;
mod maintain;
mod memory;
mod micro_batch;
mod places;
mod prepare;
mod progress;
mod query;
mod report;
mod restore;
mod schedule;
mod stop;
mod tables;
mod timer;
mod update;

pub use continuous::pulse::Pulse;
pub use engine::{Engine, EngineOptions};
pub use error::Failure;
pub use event_log::{NoObserver, Observer};
pub use failpoint::STEPS;
pub use inputs::kinesis::KinesisAccess;
pub use maintain::{OptimizeStatement, VacuumStatement};
pub use query::appended::Notice;
pub use query::watch::{FlowNumbers, Onlooker, PassingRows, flow_display};
pub use query::{PlanLine, QueryResult, RowStream};
pub use report::{FlowMetrics, FlowReport, Technique, UpdateReport};
pub use stop::Stop;
pub use tables::description::shown_properties;
pub use tables::other_stores::BucketsAndDisk;
pub use timer::{Timer, WallTimer};
pub use update::{Mode, UpdateRequest};
