//! The dataflow graph: from the statements of a project to datasets and flows whose inputs, order and columns are
//! known, with everything that is wrong said at once.
//!
//! The way through: [`declare`] collects statements into a [`DeclaredGraph`]; [`resolve`] binds every relation,
//! asks an [`Analyzer`] for the columns of every query and returns a [`ResolvedGraph`], which `run` executes
//! without looking at SQL text again. Pure: no I/O, no DataFusion, no async. What the meaning of a query is,
//! `plan` says (through the trait); which tables and files exist outside, the caller says ([`ExternalTables`]).

mod analyzer;
pub mod change;
mod declare;
mod declared;
mod lineage;
mod names;
mod order;
mod pace;
mod resolve;
mod resolved;
mod select;
mod stream_option;
mod validate;

pub use analyzer::{
    Analysis, AnalyzeRequest, Analyzer, ExpressionPurpose, ExpressionRequest, ExternalSchema,
    ExternalSource, ExternalTables, RelationSchema, StreamedView,
};
pub use declare::declare;
pub use declared::{Dataset, DeclaredFlow, DeclaredGraph, FlowId, Settings};
pub use lineage::LineageEdge;
pub use pace::{Pace, PaceFault};
pub use resolve::resolve;
pub use resolved::{
    ColumnSource, FlowExpectation, Input, OutputColumn, ResolvedDataset, ResolvedFlow,
    ResolvedGraph, ResolvedInput, stream_words,
};
pub use select::{Participation, Selection, SelectionRequest};
pub use stream_option::{OptionFault, StreamOptions};

/// Queries, relations and clauses, as the graph carries them: `run`, which must not know `sql`, hands them to `plan`
/// without looking at SQL text.
pub use sluice_sql::{function, query, statement};
