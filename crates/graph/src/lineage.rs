//! Lineage between datasets. Columns' lineage is `plan`'s.

use sluice_model::DatasetName;
use sluice_sql::query::ReadMode;

use crate::{FlowId, Input, ResolvedGraph};

/// One edge: a flow reads an input.
#[derive(Debug, Clone, PartialEq)]
pub struct LineageEdge {
    /// What is read.
    pub from: Input,
    /// As a stream or whole.
    pub mode: ReadMode,
    /// By which flow.
    pub flow: FlowId,
    /// Into what.
    pub to: DatasetName,
}

impl ResolvedGraph {
    /// All edges, in order of the flows and of the relations within their queries; a relation that a query reads
    /// twice in the same mode is one edge.
    #[must_use]
    pub fn lineage(&self) -> Vec<LineageEdge> {
        let mut edges: Vec<LineageEdge> = vec![];
        for flow in self.flows.values() {
            for input in &flow.inputs {
                let edge = LineageEdge {
                    from: input.input.clone(),
                    mode: input.mode,
                    flow: flow.id.clone(),
                    to: flow.id.target.clone(),
                };
                if !edges.contains(&edge) {
                    edges.push(edge);
                }
            }
        }
        edges
    }
}
