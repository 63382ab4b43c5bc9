//! Rule: a table that must not be reset does not stream from one that may be: a full refresh of the latter would
//! take away the rows that the former has already counted on.

use std::collections::BTreeSet;

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, DatasetName, Diagnostic};
use sluice_sql::query::ReadMode;

use crate::{Input, ResolvedGraph};

/// One error per protected table that streams, directly or through others, from unprotected ones.
pub(crate) fn check(graph: &ResolvedGraph) -> Vec<Diagnostic> {
    let mut found = vec![];
    for dataset in graph.datasets.values() {
        let definition = &dataset.definition;
        if definition.reset_allowed || definition.kind != DatasetKind::StreamingTable {
            continue;
        }
        let mut error: Option<Diagnostic> = None;
        for name in streamed_tables(graph, &definition.name) {
            let Some(upstream) = graph
                .datasets
                .get(&name)
                .map(|upstream| &upstream.definition)
            else {
                continue;
            };
            if upstream.reset_allowed {
                let so_far = error.take().unwrap_or_else(|| {
                    Diagnostic::error(
                        &condition::INVALID_RESETTABLE_DEPENDENCY,
                        format!(
                            "`{}` must not be reset, but streams from a table that may be",
                            definition.written
                        ),
                    )
                    .at(&definition.origin, "`pipelines.reset.allowed` is false")
                });
                error = Some(so_far.at(
                    &upstream.origin,
                    format!("`{}` may be reset", upstream.written),
                ));
            }
        }
        found.extend(error.map(|error| {
            error.help(
                "add TBLPROPERTIES (pipelines.reset.allowed = false) upstream, or remove it here",
            )
        }));
    }
    found
}

/// Streaming tables that a table streams from, through views and further tables.
fn streamed_tables(graph: &ResolvedGraph, start: &DatasetName) -> BTreeSet<DatasetName> {
    let mut reached: BTreeSet<DatasetName> = BTreeSet::new();
    let mut open = vec![start.clone()];
    while let Some(name) = open.pop() {
        let Some(dataset) = graph.datasets.get(&name) else {
            continue;
        };
        let inputs = dataset
            .flows
            .iter()
            .filter_map(|flow| graph.flows.get(flow))
            .flat_map(|flow| &flow.inputs);
        for input in inputs {
            if let (Input::Dataset(upstream), ReadMode::Stream) = (&input.input, input.mode)
                && reached.insert(upstream.clone())
            {
                open.push(upstream.clone());
            }
        }
    }
    reached.retain(|name| {
        graph
            .datasets
            .get(name)
            .is_some_and(|d| d.definition.kind == DatasetKind::StreamingTable)
    });
    reached
}
