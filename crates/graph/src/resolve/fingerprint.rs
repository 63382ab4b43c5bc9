//! What a change of a flow is judged by.

use std::fmt::Write;
use std::ops::ControlFlow;

use sluice_sql::query::ReadMode;
use sqlparser::ast::{self, TableFactor, VisitMut, VisitorMut};

use crate::change::FlowFingerprint;
use crate::{Dataset, FlowId, Input, ResolvedFlow, ResolvedGraph, ResolvedInput};

/// Settings with this beginning can change what a query yields.
const SESSION_SETTINGS: &str = "spark.sql.";

pub(super) fn fingerprint(
    flow: &ResolvedFlow,
    target: &Dataset,
    graph: &ResolvedGraph,
) -> FlowFingerprint {
    let mut sources = vec![];
    let mut query = tree_words(&flow.query.tree);
    for (index, input) in flow.inputs.iter().enumerate() {
        let words = input_words(flow, index, input);
        let view = match &input.input {
            Input::Dataset(name) => graph
                .datasets
                .get(name)
                .filter(|dataset| !dataset.definition.kind.is_table())
                .and_then(|_| graph.flows.get(&FlowId::implicit(name))),
            _ => None,
        };
        if let Some(view) = view {
            let _ = write!(query, "\n<- ({})", view.fingerprint.query);
            let _ = write!(query, " expects ({})", view.fingerprint.output);
            sources.extend(view.fingerprint.sources.iter().cloned());
        } else {
            let _ = write!(query, "\n<- {words}");
            if input.mode == ReadMode::Stream {
                sources.push(words);
            }
        }
    }
    for (key, value) in &flow.settings {
        if key.to_lowercase().starts_with(SESSION_SETTINGS) {
            let _ = write!(query, "\nSET {} = {value}", key.to_lowercase());
        }
    }
    let mut output: Vec<String> = target
        .columns
        .iter()
        .map(|column| {
            format!(
                "{} {:?} {} {:?} {:?}",
                column.name.value.to_lowercase(),
                column.data_type,
                column.not_null,
                column.default.as_ref().map(|e| e.tree.to_string()),
                column.generated.as_ref().map(|e| e.tree.to_string()),
            )
        })
        .collect();
    output.extend(target.expectations.iter().map(|clause| {
        format!(
            "{} {} {:?}",
            clause.expectation.name, clause.predicate.tree, clause.expectation.on_violation
        )
    }));
    FlowFingerprint {
        sources,
        query,
        output: output.join("; "),
    }
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
        Input::Files(function) | Input::Range(function) => {
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
