//! In which order flows run: waves, each after all that it reads.

use std::collections::{BTreeMap, BTreeSet};

use sluice_model::{DatasetName, FlowKind};

use crate::{FlowId, Input, ResolvedGraph};

impl ResolvedGraph {
    /// The flows that write tables, in waves: a flow reads only tables whose flows are all in earlier waves. Within
    /// a wave in order of their names. Views run nowhere, so they are in no wave. Flows in a circle are left out
    /// (such a graph has errors).
    #[must_use]
    pub fn order(&self) -> Vec<Vec<FlowId>> {
        let mut open: BTreeMap<&FlowId, BTreeSet<DatasetName>> = self
            .flows
            .values()
            .filter(|flow| flow.kind != FlowKind::View)
            .map(|flow| (&flow.id, self.upstream_tables(&flow.id)))
            .collect();
        let mut waves = vec![];
        while !open.is_empty() {
            let unfilled: BTreeSet<&DatasetName> = open.keys().map(|id| &id.target).collect();
            let ready: Vec<FlowId> = open
                .iter()
                .filter(|(_, upstream)| !upstream.iter().any(|table| unfilled.contains(table)))
                .map(|(id, _)| (*id).clone())
                .collect();
            if ready.is_empty() {
                break;
            }
            open.retain(|id, _| !ready.contains(id));
            waves.push(ready);
        }
        waves
    }

    /// The tables of this pipeline that a flow reads, directly or through views.
    #[must_use]
    pub fn upstream_tables(&self, flow: &FlowId) -> BTreeSet<DatasetName> {
        let mut tables = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![flow.clone()];
        while let Some(id) = open.pop() {
            for input in self
                .flows
                .get(&id)
                .into_iter()
                .flat_map(|flow| &flow.inputs)
            {
                let Input::Dataset(name) = &input.input else {
                    continue;
                };
                let Some(dataset) = self.datasets.get(name) else {
                    continue;
                };
                if dataset.definition.kind.is_table() {
                    tables.insert(name.clone());
                } else if seen.insert(name.clone()) {
                    open.extend(dataset.flows.iter().cloned());
                }
            }
        }
        tables
    }
}
