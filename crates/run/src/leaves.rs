//! The sources of a flow behind the views that it reads: what its progress counts in.

use sluice_graph::query::ReadMode;
use sluice_graph::{FlowId, Input, ResolvedFlow, ResolvedGraph};

/// One source of a flow.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// Its name in the plans of batches: its number in order of appearance, views followed where they are read.
    pub(crate) key: String,
    /// What is read.
    pub(crate) input: Input,
    /// As a stream or whole.
    pub(crate) mode: ReadMode,
}

/// The sources of a flow, in order of appearance.
pub(crate) fn leaves(graph: &ResolvedGraph, flow: &ResolvedFlow) -> Vec<Leaf> {
    let mut found = vec![];
    walk(graph, flow, &mut found);
    found
}

fn walk(graph: &ResolvedGraph, flow: &ResolvedFlow, found: &mut Vec<Leaf>) {
    for input in &flow.inputs {
        match view_flow(graph, &input.input) {
            Some(view) => walk(graph, view, found),
            None => found.push(Leaf {
                key: found.len().to_string(),
                input: input.input.clone(),
                mode: input.mode,
            }),
        }
    }
}

/// The flow behind an input that is a view of this pipeline.
pub(crate) fn view_flow<'a>(graph: &'a ResolvedGraph, input: &Input) -> Option<&'a ResolvedFlow> {
    let Input::Dataset(name) = input else { return None };
    let dataset = graph.datasets.get(name)?;
    if dataset.definition.kind.is_table() {
        return None;
    }
    dataset.flows.first().and_then(|id: &FlowId| graph.flows.get(id))
}
