//! Bringing materialized views up to date: what kind of query one is, which technique a refresh takes and why.
//! Techniques are added beside the others; callers see only [`choose::Choice`]. Must not read or write tables.

pub mod choose;
pub mod shape;
