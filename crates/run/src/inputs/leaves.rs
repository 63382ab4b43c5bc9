//! The sources of a flow behind the views that it reads: what its progress counts in.

use sluice_graph::query::{ReadMode, Relation};
use sluice_graph::{FlowId, Input, ResolvedFlow, ResolvedGraph};

use crate::error::Result;
use crate::update::Update;

/// One source of a flow.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// Its name in the plans of batches.
    pub(crate) key: String,
    /// What is read.
    pub(crate) input: Input,
    /// As a stream or whole.
    pub(crate) mode: ReadMode,
    /// How the query writes it; `None` only for a query whose relations could not all be bound.
    pub(crate) relation: Option<Relation>,
}

/// Names sources in order of appearance, views followed where they are read. Streams are counted by themselves, so
/// that a join with one more table does not make a stream another one.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    streams: usize,
    tables: usize,
}

impl Keys {
    /// The name of the next source.
    pub(crate) fn next(&mut self, mode: ReadMode) -> String {
        let (count, name) = match mode {
            ReadMode::Stream => (&mut self.streams, ""),
            ReadMode::Batch => (&mut self.tables, "table-"),
        };
        *count += 1;
        format!("{name}{}", *count - 1)
    }
}

/// The sources of a flow, in order of appearance.
pub(crate) fn leaves(graph: &ResolvedGraph, flow: &ResolvedFlow) -> Vec<Leaf> {
    let mut found = vec![];
    walk(graph, flow, &mut Keys::default(), &mut found);
    found
}

fn walk(graph: &ResolvedGraph, flow: &ResolvedFlow, keys: &mut Keys, found: &mut Vec<Leaf>) {
    for (index, input) in flow.inputs.iter().enumerate() {
        match view_flow(graph, &input.input) {
            Some(view) => walk(graph, view, keys, found),
            // A version of a table is what it is: no progress counts in it.
            None if flow
                .query
                .relations
                .get(index)
                .is_some_and(|relation| relation.time_travel.is_some()) => {}
            None => found.push(Leaf {
                key: keys.next(input.mode),
                input: input.input.clone(),
                mode: input.mode,
                relation: flow.query.relations.get(index).cloned(),
            }),
        }
    }
}

/// Whether it reads a table that cannot be made yet, because nothing tells its columns: the flow itself may declare its own.
pub(crate) async fn reads_unmade_table(update: &Update, flow: &ResolvedFlow) -> Result<bool> {
    let graph = &update.prepared.graph;
    for leaf in leaves(graph, flow) {
        if let Input::Dataset(name) = &leaf.input
            && let Some(source) = graph.datasets.get(name)
            && source.schema.is_none()
            && update.tables.open(name).await?.is_none()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The flow behind an input that is a view of this pipeline.
pub(crate) fn view_flow<'a>(graph: &'a ResolvedGraph, input: &Input) -> Option<&'a ResolvedFlow> {
    let Input::Dataset(name) = input else {
        return None;
    };
    let dataset = graph.datasets.get(name)?;
    if dataset.definition.kind.is_table() {
        return None;
    }
    dataset
        .flows
        .first()
        .and_then(|id: &FlowId| graph.flows.get(id))
}
