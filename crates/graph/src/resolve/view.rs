//! The streaming views under a query, for whoever types it. Must not type anything.

use std::collections::BTreeMap;

use sluice_sql::query::ReadMode;

use crate::{FlowId, Input, ResolvedGraph, ResolvedInput, StreamedView};

/// The streaming views among the inputs of a query, by their numbers. One whose columns are not known is left out: its
/// reader is not typed either.
pub(super) fn streamed_views<'a>(
    resolved: &'a ResolvedGraph,
    inputs: &[ResolvedInput],
) -> BTreeMap<usize, StreamedView<'a>> {
    let inputs = inputs.iter().enumerate();
    inputs
        .filter_map(|(index, input)| Some((index, streamed_view(resolved, input)?)))
        .collect()
}

fn streamed_view<'a>(
    resolved: &'a ResolvedGraph,
    input: &ResolvedInput,
) -> Option<StreamedView<'a>> {
    let Input::Dataset(name) = &input.input else {
        return None;
    };
    let definition = &resolved.datasets.get(name)?.definition;
    if definition.kind.is_table() || input.mode != ReadMode::Stream {
        return None;
    }
    let flow = resolved.flows.get(&FlowId::implicit(name))?;
    let schemas = flow.inputs.iter().map(|input| input.schema.clone());
    let names = definition.columns.iter();
    Some(StreamedView {
        query: &flow.query,
        inputs: schemas.collect::<Option<Vec<_>>>()?,
        views: streamed_views(resolved, &flow.inputs),
        names: names.map(|column| column.name.value.as_str()).collect(),
    })
}
