//! The kinds of flows, one file each. Each takes an update and a flow and brings the target forward.

pub(crate) mod append;
pub(crate) mod complete;
mod notes;
pub(crate) mod once;
mod position;
mod replan;
mod widen;
