//! What changed since the last update: a pure comparison of fingerprints. Must not know where they are kept.

use std::collections::BTreeMap;

use sluice_model::FlowKind;

use crate::{FlowId, ResolvedGraph};

/// What a change of a flow is judged by: the resolved syntax tree after interpolation, never an engine's plan.
/// White space, comments and letter case of keywords do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowFingerprint {
    /// What is read as a stream, views followed to their sources, sorted: a change means that a streaming
    /// flow's checkpoint no longer fits.
    pub sources: Vec<String>,
    /// The query with the views it reads, and the session settings that can change its result.
    pub query: String,
    /// Expectations and output columns.
    pub output: String,
}

/// What happened to a flow's definition since the last update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// New.
    Created,
    /// As it was.
    Unchanged,
    /// Other query, columns or expectations over the same streams. A materialized view is recomputed; a streaming
    /// flow takes the rows from now on by the new query.
    Query,
    /// Other streams are read: a streaming flow's checkpoint does not fit. Holds the sources before and now.
    Source {
        /// Streams of the last update.
        before: Vec<String>,
        /// Streams as declared now.
        now: Vec<String>,
    },
    /// No longer declared; its rows and its checkpoint stay.
    Removed,
}

/// Compares the flows that write tables with those of the last update; one entry per flow of either.
#[must_use]
pub fn changes(
    before: &BTreeMap<FlowId, FlowFingerprint>,
    graph: &ResolvedGraph,
) -> BTreeMap<FlowId, Change> {
    let mut found: BTreeMap<FlowId, Change> = before
        .keys()
        .map(|id| (id.clone(), Change::Removed))
        .collect();
    for flow in graph
        .flows
        .values()
        .filter(|flow| flow.kind != FlowKind::View)
    {
        let change = match before.get(&flow.id) {
            None => Change::Created,
            Some(old) if *old == flow.fingerprint => Change::Unchanged,
            Some(old) if old.sources != flow.fingerprint.sources => Change::Source {
                before: old.sources.clone(),
                now: flow.fingerprint.sources.clone(),
            },
            Some(_) => Change::Query,
        };
        found.insert(flow.id.clone(), change);
    }
    found
}
