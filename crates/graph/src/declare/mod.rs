//! From statements to a [`DeclaredGraph`]: names made full, implicit flows made explicit, clauses checked one by
//! one. Must not look into queries: that is `resolve`.

pub(crate) mod columns;
mod flow;
mod function;
mod properties;
mod table;

use std::collections::BTreeMap;

use sluice_model::condition::graph as condition;
use sluice_model::condition::sql::IDENTIFIER_TOO_MANY_NAME_PARTS;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind, Namespace};
use sluice_sql::statement::{Statement, StatementKind, WrittenName};

use crate::names::{Names, private_schema};
use crate::pace::{IDLE_TIMEOUT, Pace, PaceFault};
use crate::{Dataset, DeclaredFlow, DeclaredGraph, Settings};

/// Collects the datasets and flows of a project. The graph holds everything that could be made sense of, also
/// beside errors, so that `resolve` can report on the rest in the same go.
#[must_use]
pub fn declare(
    statements: Vec<Statement>,
    pipeline: &str,
    configuration: &Settings,
) -> (DeclaredGraph, Vec<Diagnostic>) {
    let mut declaring = Declaring {
        graph: DeclaredGraph {
            pipeline: pipeline.to_owned(),
            configuration: configuration.clone(),
            ..DeclaredGraph::default()
        },
        diagnostics: vec![],
    };
    let mut flows = vec![];
    let mut functions = BTreeMap::new();
    for statement in statements {
        let place = Place {
            namespace: statement.namespace,
            settings: overlay(configuration, &statement.settings),
        };
        match statement.kind {
            StatementKind::StreamingTable(table) => {
                declaring.table(table, DatasetKind::StreamingTable, &place);
            }
            StatementKind::MaterializedView(table) => {
                declaring.table(table, DatasetKind::MaterializedView, &place);
            }
            StatementKind::View(view) => declaring.view(view, &place),
            StatementKind::Flow(flow) => flows.push((flow, place)),
            StatementKind::Function(function) => {
                declaring.function(function, &place, &mut functions);
            }
            StatementKind::Unread(name) => {
                let last = name.parts.last().map(|part| part.to_lowercase());
                declaring.graph.unread.extend(last);
            }
        }
    }
    for (flow, place) in flows {
        declaring.flow(flow, &place);
    }
    declaring.graph.give_functions(functions);
    declaring.check_whole();
    (declaring.graph, declaring.diagnostics)
}

/// What is in force where a statement stands.
struct Place {
    namespace: Namespace,
    settings: Settings,
}

struct Declaring {
    graph: DeclaredGraph,
    diagnostics: Vec<Diagnostic>,
}

impl Declaring {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The full name of a table or persisted view.
    fn table_name(
        &mut self,
        written: &WrittenName,
        private: bool,
        namespace: &Namespace,
    ) -> Option<DatasetName> {
        let Some(public) = DatasetName::qualify(&written.parts, namespace) else {
            self.report(
                Diagnostic::error(
                    &IDENTIFIER_TOO_MANY_NAME_PARTS,
                    format!(
                        "`{}` has {} parts",
                        written.parts.join("."),
                        written.parts.len()
                    ),
                )
                .at(&written.origin, "a name has one to three parts"),
            );
            return None;
        };
        if private {
            Some(DatasetName::new(
                &public.catalog,
                &private_schema(&self.graph.pipeline),
                &public.name,
            ))
        } else {
            Some(public)
        }
    }

    /// Takes a dataset in, unless its name is taken.
    fn add(&mut self, dataset: Dataset, written: &WrittenName, namespace: &Namespace) -> bool {
        if let Some(first) = self.graph.datasets.get(&dataset.name) {
            let error = Diagnostic::error(
                &condition::DUPLICATE_OUTPUT,
                format!("{} `{}` is declared twice", dataset.kind.words(), dataset.written),
            )
            .at(&dataset.origin, "declared again here")
            .at(&first.origin, format!("first declared here, as a {}", first.kind.words()))
            .help(if first.kind == DatasetKind::StreamingTable && dataset.kind == DatasetKind::StreamingTable {
                format!("to fill one table from several queries: `CREATE FLOW name AS INSERT INTO {} BY NAME SELECT …`", first.written)
            } else {
                "rename or remove one of the two".to_owned()
            });
            self.report(error);
            return false;
        }
        let names: &mut Names = &mut self.graph.names;
        if dataset.name.is_temporary() {
            names.add_temporary(&dataset.name);
        } else if dataset.private {
            if let Some(public) = DatasetName::qualify(&written.parts, namespace) {
                names.add_private(&public, &dataset.name);
            }
        } else {
            names.add_public(&dataset.name);
        }
        self.graph.datasets.insert(dataset.name.clone(), dataset);
        true
    }

    /// Takes a flow in, unless its target has one of that name.
    fn add_flow(&mut self, flow: DeclaredFlow) {
        if let Some(first) = self.graph.flows.get(&flow.id) {
            let error = Diagnostic::error(
                &condition::DUPLICATE_FLOW,
                format!(
                    "`{}` has two flows named `{}`",
                    flow.id.target, flow.id.name
                ),
            )
            .at(&flow.origin, "declared again here")
            .at(
                &first.origin,
                if first.id.is_implicit() {
                    "first declared here: the query of a table is a flow named as the table"
                } else {
                    "first declared here"
                },
            )
            .help("give the flow another name; its checkpoint goes by that name");
            self.report(error);
            return;
        }
        self.check_pace(&flow);
        self.graph.flows.insert(flow.id.clone(), flow);
    }

    /// Refuses a pace that cannot be; said once, however many flows it holds for.
    fn check_pace(&mut self, flow: &DeclaredFlow) {
        let none = BTreeMap::new();
        let target = self.graph.datasets.get(&flow.id.target);
        let properties = target.map_or(&none, |target| &target.properties);
        let pace = Pace::of(&flow.settings, properties);
        if let (
            FlowKind::Complete,
            Ok(Pace {
                idle_origin: Some(place),
                ..
            }),
        ) = (flow.kind, &pace)
        {
            let message = format!("table property `{IDLE_TIMEOUT}` is of streams");
            let error = Diagnostic::error(&condition::INVALID_TABLE_PROPERTY, message)
                .at(place, "on a materialized view, which keeps no window open")
                .help("remove it, or set it on the streaming table whose windows are to close");
            return self.report(error);
        }
        let (FlowKind::Append | FlowKind::AppendOnce | FlowKind::Complete, Err(fault)) =
            (flow.kind, pace)
        else {
            return;
        };
        let PaceFault {
            key,
            value,
            origin,
            expected,
        } = fault;
        let (condition, what) = match &origin {
            Some(_) => (&condition::INVALID_TABLE_PROPERTY, "table property"),
            None => (&condition::INVALID_CONF_VALUE, "setting"),
        };
        let message = format!("{what} `{key}` cannot be '{value}'");
        if self
            .diagnostics
            .iter()
            .any(|known| known.message == message)
        {
            return;
        }
        let place = origin.as_ref().unwrap_or(&flow.origin);
        let error = Diagnostic::error(condition, message)
            .at(
                place,
                if origin.is_some() {
                    ""
                } else {
                    "in force here"
                },
            )
            .help(format!("write {expected}"));
        self.report(error);
    }

    /// Checks that need all statements.
    fn check_whole(&mut self) {
        let mut found = vec![];
        for dataset in self.graph.datasets.values() {
            let flows: Vec<&DeclaredFlow> = self.graph.flows_of(&dataset.name).collect();
            if flows.is_empty() && !self.graph.broken.contains(&dataset.name) {
                found.push(
                    Diagnostic::error(
                        &condition::DATASET_WITHOUT_FLOW,
                        format!("no flow fills {} `{}`", dataset.kind.words(), dataset.written),
                    )
                    .at(&dataset.origin, "declared without a query")
                    .help(format!("add a query (`AS SELECT …`), or `CREATE FLOW name AS INSERT INTO {} BY NAME SELECT …`", dataset.written)),
                );
            }
        }
        self.graph.is_empty = self.diagnostics.is_empty()
            && self
                .graph
                .datasets
                .values()
                .all(|dataset| dataset.kind == DatasetKind::TemporaryView);
        self.diagnostics.append(&mut found);
    }
}

fn overlay(configuration: &Settings, statement: &BTreeMap<String, String>) -> Settings {
    let mut settings = configuration.clone();
    for (key, value) in statement {
        settings.retain(|known, _| !known.eq_ignore_ascii_case(key));
        settings.insert(key.clone(), value.clone());
    }
    settings
}
