//! From a [`DeclaredGraph`] to a [`ResolvedGraph`]: relations bound, queries typed in dependency order, rules
//! checked, everything that is wrong said at once and nothing said twice.

pub(crate) mod bind;
mod clause;
mod fingerprint;
mod flow;
mod output;
mod storable;
mod types;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::SchemaRef;
use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, DatasetName, Diagnostic};

use crate::validate::{cycle, reset};
use crate::{
    Analyzer, Dataset, DeclaredGraph, ExternalTables, FlowId, ResolvedDataset, ResolvedFlow,
    ResolvedGraph,
};
use bind::{BoundFlow, bind};

/// Binds and types a graph. An error among the diagnostics means that nothing of the graph may run; the graph is
/// returned all the same, for tools that show it.
///
/// Order of diagnostics: errors and warnings in dependency order, then notes on what could not be checked.
#[must_use]
pub fn resolve(
    graph: &DeclaredGraph,
    analyzer: &dyn Analyzer,
    externals: &dyn ExternalTables,
) -> (ResolvedGraph, Vec<Diagnostic>) {
    let mut bound: BTreeMap<&DatasetName, Vec<BoundFlow<'_>>> =
        graph.datasets.keys().map(|name| (name, vec![])).collect();
    for flow in graph.flows.values() {
        if let Some(flows) = bound.get_mut(&flow.id.target) {
            flows.push(bind(graph, flow, externals));
        }
    }
    let reads = reads(graph, &bound);
    let ordered = cycle::order(&reads);
    let (circles, in_circles) = cycle::check(&reads, &ordered);
    let mut resolving = Resolving {
        graph,
        analyzer,
        resolved: ResolvedGraph {
            pipeline: graph.pipeline.clone(),
            ..ResolvedGraph::default()
        },
        columns: BTreeMap::new(),
        diagnostics: circles,
        in_circles,
        after_failure: BTreeMap::new(),
        after_unknown: BTreeSet::new(),
        unknown_sources: vec![],
    };
    let placed: BTreeSet<DatasetName> = ordered.iter().cloned().collect();
    let in_circles = graph.datasets.keys().filter(|name| !placed.contains(*name));
    for name in ordered.iter().chain(in_circles) {
        let flows = bound.remove(name).unwrap_or_default();
        if let Some(dataset) = graph.datasets.get(name) {
            resolving.dataset(dataset, &flows, placed.contains(name));
        }
    }
    let (resolved, diagnostics) = resolving.finish();
    (resolved, with_functions(graph, analyzer, diagnostics))
}

/// What is wrong with the functions of the project first; what their callers say about the same places is left out.
fn with_functions(
    graph: &DeclaredGraph,
    analyzer: &dyn Analyzer,
    mut diagnostics: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = vec![];
    for (name, function) in graph.functions.iter() {
        let functions = graph.functions_in(&function.namespace);
        for error in analyzer.check_function(name, function, &functions) {
            if !found.iter().any(|known| is_again(known, &error)) {
                found.push(error);
            }
        }
    }
    diagnostics.retain(|error| !found.iter().any(|known| is_again(known, error)));
    found.append(&mut diagnostics);
    found
}

fn is_again(known: &Diagnostic, error: &Diagnostic) -> bool {
    known.condition == error.condition && known.origin() == error.origin()
}

/// What is known of a dataset's columns while resolving.
#[derive(Debug, Clone)]
enum Columns {
    Known(SchemaRef),
    /// Not before the update runs.
    Unknown,
    /// The dataset, or something above it, has errors.
    Failed,
}

struct Resolving<'a> {
    graph: &'a DeclaredGraph,
    analyzer: &'a dyn Analyzer,
    resolved: ResolvedGraph,
    columns: BTreeMap<DatasetName, Columns>,
    diagnostics: Vec<Diagnostic>,
    /// Datasets that read each other in a circle: an error has said so.
    in_circles: BTreeSet<DatasetName>,
    /// Datasets not checked because of errors above them, with the failed inputs.
    after_failure: BTreeMap<DatasetName, BTreeSet<DatasetName>>,
    /// Datasets whose columns wait for the update.
    after_unknown: BTreeSet<DatasetName>,
    /// Notes on sources without columns.
    unknown_sources: Vec<Diagnostic>,
}

impl Resolving<'_> {
    fn dataset(&mut self, dataset: &Dataset, flows: &[BoundFlow<'_>], is_placed: bool) {
        let mut resolved: Vec<(ResolvedFlow, Columns)> = vec![];
        for bound in flows {
            resolved.push(self.flow(dataset, bound));
        }
        let mut state = self.target_columns(dataset, &mut resolved);
        if let Columns::Known(schema) = &state {
            let schema = schema.clone();
            let flows: Vec<&ResolvedFlow> = resolved.iter().map(|(flow, _)| flow).collect();
            self.check_storable(dataset, &schema, &flows);
            self.check_against(dataset, &schema);
        }
        if !is_placed || self.graph.broken.contains(&dataset.name) {
            state = Columns::Failed;
        }
        if matches!(state, Columns::Unknown) {
            self.after_unknown.insert(dataset.name.clone());
        }
        let schema = match &state {
            Columns::Known(schema) => Some(schema.clone()),
            Columns::Unknown | Columns::Failed => None,
        };
        let ids: Vec<FlowId> = resolved.iter().map(|(flow, _)| flow.id.clone()).collect();
        self.columns.insert(dataset.name.clone(), state);
        self.resolved.datasets.insert(
            dataset.name.clone(),
            ResolvedDataset {
                definition: dataset.clone(),
                schema,
                flows: ids,
            },
        );
        for (flow, _) in resolved {
            self.resolved.flows.insert(flow.id.clone(), flow);
        }
    }

    /// Checks that need all datasets, and the closing notes.
    fn finish(mut self) -> (ResolvedGraph, Vec<Diagnostic>) {
        self.diagnostics.extend(reset::check(&self.resolved));
        if self.graph.is_empty {
            self.diagnostics.push(
                Diagnostic::error(
                    &condition::RUN_EMPTY_PIPELINE,
                    "the project declares no table and no persisted view",
                )
                .help("declare one: `CREATE OR REFRESH STREAMING TABLE t AS SELECT * FROM STREAM read_files('…')`"),
            );
        }
        for (name, failed) in &self.after_failure {
            let Some(dataset) = self.graph.datasets.get(name) else {
                continue;
            };
            let failed: Vec<String> = failed
                .iter()
                .map(|name| format!("`{}`", name.name))
                .collect();
            self.diagnostics.push(
                Diagnostic::note(
                    &condition::UPSTREAM_FAILED,
                    format!(
                        "`{}` was not checked, because of errors in {}",
                        name.name,
                        failed.join(", ")
                    ),
                )
                .at(&dataset.origin, ""),
            );
        }
        let waiting: Vec<String> = self
            .after_unknown
            .iter()
            .map(|name| format!("`{}`", name.name))
            .collect();
        for note in std::mem::take(&mut self.unknown_sources) {
            let note = if waiting.is_empty() {
                note
            } else {
                note.fact(format!(
                    "not checked before the update runs: {}",
                    waiting.join(", ")
                ))
            };
            self.diagnostics.push(note);
        }
        (self.resolved, self.diagnostics)
    }
}

fn reads(
    graph: &DeclaredGraph,
    bound: &BTreeMap<&DatasetName, Vec<BoundFlow<'_>>>,
) -> cycle::Reads {
    let mut reads = cycle::Reads::new();
    for (name, flows) in bound {
        let inputs = reads.entry((*name).clone()).or_default();
        for flow in flows {
            for (index, input) in flow.datasets() {
                if let (true, Some(relation)) = (
                    graph.datasets.contains_key(input),
                    flow.flow.query.relations.get(index),
                ) {
                    inputs
                        .entry(input.clone())
                        .or_insert_with(|| relation.origin.clone());
                }
            }
        }
    }
    reads
}

/// Whether a view's own query is a stream.
fn view_is_streaming(resolved: &ResolvedGraph, name: &DatasetName, kind: DatasetKind) -> bool {
    !kind.is_table()
        && resolved
            .flows
            .get(&FlowId::implicit(name))
            .is_some_and(ResolvedFlow::is_streaming)
}
