//! What a query means: Spark's semantics on DataFusion.
//!
//! A parsed query ([`sluice_sql::query::Query`]) and the tables behind its relations go in; a typed plan comes
//! out ([`BoundQuery`]) which can be checked ([`expect`]), made to fit its target ([`conform`]), explained and
//! executed. Lives here: name and type resolution (`bind`), one file per difference between Spark and DataFusion
//! (`rewrite`), functions by family (`function`), techniques of refreshing materialized views ([`incremental`]).
//! Must not live here: the Delta log, sources, tasks, pipeline statements.

#![allow(
    clippy::unused_self,
    reason = "the binder's methods are called alike, whether they look at the binder or not"
)]
#![allow(
    clippy::unnecessary_box_returns,
    reason = "diagnostics travel boxed from where they are made"
)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "nodes of the syntax tree and time zones are handed on as they are held"
)]
#![allow(
    clippy::match_same_arms,
    reason = "rules of types are listed as Spark lists them, one arm each"
)]

pub mod analyze;
pub mod bind;
pub mod conform;
pub mod error;
pub mod expect;
pub mod explain;
pub mod function;
pub mod incremental;
mod join;
mod lanes;
pub mod lineage;
mod memory;
mod predicate;
mod recursion;
mod rewrite;
pub mod session;
pub mod stream;
mod time_travel;

pub use bind::BoundQuery;
pub use memory::QueryMemory;
pub use session::{Session, SessionSettings};
pub use stream::StreamContext;
