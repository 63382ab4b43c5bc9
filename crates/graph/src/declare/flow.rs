//! Flows declared apart from their targets.

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind};
use sluice_sql::statement::CreateFlow;

use super::{Declaring, Place};
use crate::names::closest;
use crate::{DeclaredFlow, FlowId};

impl Declaring {
    pub(super) fn flow(&mut self, flow: CreateFlow, place: &Place) {
        let Some(target) = self.graph.names.find(&flow.target.parts, &place.namespace) else {
            if !self.graph.is_unread(&flow.target) {
                let error = self.unknown_target(&flow);
                self.report(error);
            }
            return;
        };
        let Some(dataset) = self.graph.datasets.get(&target) else {
            return;
        };
        match dataset.kind {
            DatasetKind::StreamingTable => {}
            DatasetKind::MaterializedView => {
                let error = Diagnostic::error(
                    &condition::MATERIALIZED_VIEW_WITH_MULTIPLE_QUERIES,
                    format!(
                        "flow `{}` would be a second query of materialized view `{}`",
                        flow.name.value, dataset.written
                    ),
                )
                .at(&flow.target.origin, "a materialized view has one query")
                .at(&dataset.origin, "its query is declared here")
                .help("put both queries into it with UNION ALL, or declare a STREAMING TABLE");
                self.report(error);
                return;
            }
            DatasetKind::TemporaryView | DatasetKind::PersistedView => {
                let error = Diagnostic::error(
                    &condition::INVALID_FLOW_TARGET,
                    format!(
                        "flow `{}` fills {} `{}`",
                        flow.name.value,
                        dataset.kind.words(),
                        dataset.written
                    ),
                )
                .at(&flow.target.origin, "only streaming tables take flows")
                .at(&dataset.origin, "declared here");
                self.report(error);
                return;
            }
        }
        if let Some((kind, query)) = self.planned(flow.body, FlowKind::Append, &target) {
            self.add_flow(DeclaredFlow {
                id: FlowId {
                    target,
                    name: flow.name.value,
                },
                kind,
                query,
                comment: flow.comment,
                settings: place.settings.clone(),
                namespace: place.namespace.clone(),
                origin: flow.name.origin,
            });
        }
    }

    fn unknown_target(&self, flow: &CreateFlow) -> Diagnostic {
        let written = flow.target.parts.join(".");
        let error = Diagnostic::error(
            &condition::TABLE_OR_VIEW_NOT_FOUND,
            format!(
                "flow `{}` fills `{written}`, which no file declares",
                flow.name.value
            ),
        )
        .at(&flow.target.origin, "no such streaming table");
        let last = flow.target.parts.last().map_or("", String::as_str);
        let tables: Vec<&DatasetName> = self
            .graph
            .datasets
            .values()
            .filter(|dataset| dataset.kind == DatasetKind::StreamingTable)
            .map(|dataset| &dataset.name)
            .collect();
        match closest(last, tables.into_iter()).and_then(|name| self.graph.datasets.get(name)) {
            Some(near) => error.help(format!(
                "did you mean `{}` ({})?",
                near.written, near.origin
            )),
            None => error.help(format!(
                "declare it: `CREATE OR REFRESH STREAMING TABLE {written};`"
            )),
        }
    }
}
