//! What a change of a flow is judged by.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::ControlFlow;

use sluice_model::DatasetName;
use sluice_sql::query::ReadMode;
use sqlparser::ast::{self, TableFactor, VisitMut, VisitorMut};

use crate::change::FlowFingerprint;
use crate::{Dataset, FlowId, Input, ResolvedFlow, ResolvedGraph, ResolvedInput};

/// Settings with this beginning can change what a query yields.
const SESSION_SETTINGS: &str = "spark.sql.";
/// Of those, settings that say how an update runs, which changes no row.
const PIPELINE_SETTINGS: &str = "spark.sql.pipelines.";

pub(super) fn fingerprint(
    flow: &ResolvedFlow,
    target: &Dataset,
    graph: &ResolvedGraph,
) -> FlowFingerprint {
    let mut sources = vec![];
    let mut query = own_words(flow, graph, &mut sources);
    // Views are part of the query; each counts once, however often and deeply it is read.
    let mut views: BTreeMap<DatasetName, String> = BTreeMap::new();
    let mut open: Vec<&ResolvedFlow> = views_of(flow, graph).collect();
    while let Some(view) = open.pop() {
        if !views.contains_key(&view.id.target) {
            let mut words = own_words(view, graph, &mut sources);
            if let Some(dataset) = graph.datasets.get(&view.id.target) {
                let _ = write!(words, "\nyields {}", output_words(&dataset.definition));
            }
            views.insert(view.id.target.clone(), words);
            open.extend(views_of(view, graph));
        }
    }
    for (name, words) in &views {
        let _ = write!(query, "\n{name} = {words}");
    }
    for (key, value) in &flow.settings {
        let key = key.to_lowercase();
        if key.starts_with(SESSION_SETTINGS) && !key.starts_with(PIPELINE_SETTINGS) {
            let _ = write!(query, "\nSET {key} = {value}");
        }
    }
    sources.sort();
    sources.dedup();
    FlowFingerprint {
        sources,
        query,
        output: output_words(target),
    }
}

/// The views that a query reads itself.
fn views_of<'a>(
    flow: &ResolvedFlow,
    graph: &'a ResolvedGraph,
) -> impl Iterator<Item = &'a ResolvedFlow> {
    let names: Vec<&DatasetName> = flow
        .inputs
        .iter()
        .filter_map(|input| match &input.input {
            Input::Dataset(name) => Some(name),
            _ => None,
        })
        .collect();
    names
        .into_iter()
        .filter(|name| {
            let dataset = graph.datasets.get(*name);
            dataset.is_some_and(|dataset| !dataset.definition.kind.is_table())
        })
        .map(FlowId::implicit)
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(|id| graph.flows.get(&id))
}

/// The tree and what its placeholders stand for; streams that are no views go into `sources`.
fn own_words(flow: &ResolvedFlow, graph: &ResolvedGraph, sources: &mut Vec<String>) -> String {
    let mut query = tree_words(&flow.query.tree);
    for words in flow.query.functions.fingerprint(&flow.query.tree) {
        let _ = write!(query, "\n{words}");
    }
    for (index, input) in flow.inputs.iter().enumerate() {
        let words = input_words(flow, index, input);
        let _ = write!(query, "\n<- {words}");
        let is_view = match &input.input {
            Input::Dataset(name) => graph
                .datasets
                .get(name)
                .is_some_and(|dataset| !dataset.definition.kind.is_table()),
            _ => false,
        };
        if input.mode == ReadMode::Stream && !is_view {
            sources.push(words);
        }
    }
    query
}

/// Declared columns and expectations.
fn output_words(dataset: &Dataset) -> String {
    let columns = dataset.columns.iter().map(|column| {
        format!(
            "{} {:?} {} {:?} {:?}",
            column.name.value.to_lowercase(),
            column.data_type,
            column.not_null,
            column.default.as_ref().map(|e| e.tree.to_string()),
            column.generated.as_ref().map(|e| e.tree.to_string()),
        )
    });
    let expectations = dataset.expectations.iter().map(|clause| {
        format!(
            "{} {} {:?}",
            clause.expectation.name, clause.predicate.tree, clause.expectation.on_violation
        )
    });
    let generated = dataset.columns.iter();
    let generated = generated.flat_map(|column| [&column.default, &column.generated]);
    let predicates = dataset.expectations.iter().map(|clause| &clause.predicate);
    let functions = generated.flatten().chain(predicates);
    let functions = functions.flat_map(|e| e.functions.fingerprint(&e.tree));
    let words = columns.chain(expectations).chain(functions);
    words.collect::<Vec<_>>().join("; ")
}

/// The tree as text; the letter case of aliases of relations, which may come from a table's name, does not count.
fn tree_words(tree: &ast::Query) -> String {
    struct LowerAliases;
    impl VisitorMut for LowerAliases {
        type Break = ();
        fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table {
                alias: Some(alias), ..
            } = factor
            {
                alias.name.value = alias.name.value.to_lowercase();
            }
            ControlFlow::Continue(())
        }
    }
    let mut tree = tree.clone();
    let _ = tree.visit(&mut LowerAliases);
    tree.to_string()
}

/// The input in words that do not depend on spelling or place.
fn input_words(flow: &ResolvedFlow, index: usize, input: &ResolvedInput) -> String {
    let source = match &input.input {
        Input::Dataset(name) | Input::External(name) => name.to_string(),
        Input::Files(function) | Input::Kinesis(function) => {
            let mut arguments: Vec<String> = function
                .arguments
                .iter()
                .map(|a| {
                    format!(
                        "{}={}",
                        a.name.as_deref().unwrap_or_default().to_lowercase(),
                        a.value
                    )
                })
                .collect();
            arguments.sort();
            format!("{}({})", function.name, arguments.join(", "))
        }
        Input::EventLog(table) => format!("event_log({table:?})"),
        Input::Path { format, path } => format!("{format}.`{path}`"),
    };
    let relation = flow.query.relations.get(index);
    format!(
        "{:?} {source} {:?} {:?}",
        input.mode,
        relation
            .map(|r| &r.options)
            .filter(|options| !options.is_empty()),
        relation.and_then(|r| r.time_travel.as_ref()),
    )
}
