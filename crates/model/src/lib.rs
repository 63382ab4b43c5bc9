//! The nouns of Sluice: what every other package talks about, and nothing that does anything.
//!
//! Lives here: names, origins, data types, datasets, flows, expectations, error conditions, diagnostics,
//! events, statuses, the clock and id traits, limits. Must not live here: I/O, async, SQL syntax, DataFusion.
//!
//! The glossary, one word per thing:
//! - *pipeline*: a dataflow graph with its settings and state;
//! - *dataset* ([`DatasetKind`]): what is written: streaming table, materialized view, view;
//! - *flow* ([`FlowName`]): movement of data into one dataset;
//! - *expectation* ([`Expectation`]): a named check with its on-violation action;
//! - *update*: one execution of a pipeline; *micro-batch*: unit of a streaming flow's progress;
//! - *condition* ([`Condition`]): a named error; *diagnostic* ([`Diagnostic`]): one occurrence of it, with its place.

pub mod clock;
pub mod condition;
pub mod data_type;
mod dataset;
pub mod destination;
mod diagnostic;
pub mod event;
pub mod job;
pub mod limits;
mod name;
mod origin;
pub mod quantity;
mod status;
mod stream_state;
pub mod suggest;

pub use clock::{Clock, Ids};
pub use condition::{Condition, Domain, Retry};
pub use data_type::{SparkField, SparkType};
pub use dataset::{DatasetKind, Expectation, FlowKind, OnViolation};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use name::{DatasetName, FlowName, Namespace};
pub use origin::Origin;
pub use status::{FlowStatus, UpdateState};
pub use stream_state::{OperatorState, StateFile, StreamState, WatermarkState};
