//! What streams need beyond a query over tables: event time ([`watermark`]), operators that remember rows of earlier
//! micro-batches ([`aggregate`], [`join`]), and the place where both meet the batch that is being run ([`StreamContext`]).
//!
//! The operators are nodes of the logical plan that DataFusion's rules leave as they are; [`planner`] makes them
//! physical. Must not know where state lies: a [`StateBackend`] is handed in.

mod aggregate;
mod aggregate_exec;
mod context;
mod files;
mod join;
mod join_exec;
mod join_rows;
mod marks;
mod planner;
mod sessions;
mod state;
mod thorough;
mod times;
mod watermark;

pub(crate) use aggregate::{StatefulAggregate, words};
pub(crate) use context::Gives;
pub use context::StreamContext;
pub(crate) use join::{SideTerms, StatefulJoin, Until};
pub(crate) use planner::StreamQueryPlanner;
pub use state::{NoState, StateBackend, StateWriter};
pub(crate) use times::TimeKind;
pub(crate) use watermark::WatermarkNode;
