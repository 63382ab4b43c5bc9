//! Streaming tables, materialized views and views as declared.

use std::sync::Arc;

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind};
use sluice_sql::statement::{CreateTable, CreateView, ExpectationClause, FlowBody, RefreshPolicy};

use super::columns::check_columns;
use super::properties::check_properties;
use super::{Declaring, Place};
use crate::{Dataset, DeclaredFlow, FlowId};

impl Declaring {
    pub(super) fn table(&mut self, table: CreateTable, kind: DatasetKind, place: &Place) {
        let Some(name) = self.table_name(&table.name, table.private, &place.namespace) else {
            return;
        };
        self.check_clauses(&table, kind);
        check_columns(&table.columns, kind, &mut self.diagnostics);
        let expectations = self.unique_expectations(table.expectations);
        let properties = check_properties(&table.properties, &mut self.diagnostics);
        let dataset = Dataset {
            name: name.clone(),
            written: table.name.parts.join("."),
            kind,
            private: table.private,
            columns: table.columns,
            expectations,
            partitioned_by: table.partitioned_by,
            cluster_by: table.cluster_by,
            location: table.location,
            comment: table.comment.clone(),
            properties: properties.kept,
            refresh_policy: table.refresh_policy,
            reset_allowed: properties.reset_allowed,
            namespace: place.namespace.clone(),
            origin: table.name.origin.clone(),
        };
        if !self.add(dataset, &table.name, &place.namespace) {
            return;
        }
        let Some(body) = table.body else { return };
        let id = FlowId::implicit(&name);
        let kind = if kind == DatasetKind::MaterializedView {
            FlowKind::Complete
        } else {
            FlowKind::Append
        };
        if let Some((kind, query)) = self.planned(body, kind, &name) {
            self.add_flow(DeclaredFlow {
                id,
                kind,
                query,
                comment: table.comment,
                settings: place.settings.clone(),
                namespace: place.namespace.clone(),
                origin: table.name.origin,
            });
        }
    }

    pub(super) fn view(&mut self, view: CreateView, place: &Place) {
        let Some(name) = self.view_name(&view, place) else {
            return;
        };
        let kind = if view.temporary {
            DatasetKind::TemporaryView
        } else {
            DatasetKind::PersistedView
        };
        check_columns(&view.columns, kind, &mut self.diagnostics);
        let properties = check_properties(&view.properties, &mut self.diagnostics);
        let dataset = Dataset {
            name: name.clone(),
            written: view.name.parts.join("."),
            kind,
            private: false,
            columns: view.columns,
            expectations: self.unique_expectations(view.expectations),
            partitioned_by: vec![],
            cluster_by: vec![],
            location: None,
            comment: view.comment.clone(),
            properties: properties.kept,
            refresh_policy: RefreshPolicy::Auto,
            reset_allowed: true,
            namespace: place.namespace.clone(),
            origin: view.name.origin.clone(),
        };
        if self.add(dataset, &view.name, &place.namespace) {
            self.add_flow(DeclaredFlow {
                id: FlowId::implicit(&name),
                kind: FlowKind::View,
                query: Arc::new(view.query),
                comment: view.comment,
                settings: place.settings.clone(),
                namespace: place.namespace.clone(),
                origin: view.name.origin,
            });
        }
    }

    /// The parser has refused a temporary view of several parts; the last part serves to go on.
    fn view_name(&mut self, view: &CreateView, place: &Place) -> Option<DatasetName> {
        if !view.temporary {
            return self.table_name(&view.name, false, &place.namespace);
        }
        let parts = match view.name.parts.as_slice() {
            [live, rest @ ..] if !rest.is_empty() && live.eq_ignore_ascii_case("live") => rest,
            all => all,
        };
        parts.last().map(|name| DatasetName::temporary(name))
    }

    fn check_clauses(&mut self, table: &CreateTable, kind: DatasetKind) {
        let name = table.name.parts.join(".");
        for refused in &table.refused {
            self.report(
                Diagnostic::error(
                    &condition::UNSUPPORTED_CLAUSE,
                    format!(
                        "{} `{name}` uses `{}`, which is not supported",
                        kind.words(),
                        refused.value.clause
                    ),
                )
                .at(&refused.origin, "")
                .help(refused.value.help.clone()),
            );
        }
        for noted in &table.noted {
            self.report(
                Diagnostic::note(
                    &condition::CLAUSE_NOTED,
                    format!("`{}` of `{name}` has no effect here", noted.value),
                )
                .at(&noted.origin, ""),
            );
        }
    }

    /// Keeps the first expectation of each name.
    fn unique_expectations(&mut self, clauses: Vec<ExpectationClause>) -> Vec<ExpectationClause> {
        let mut kept: Vec<ExpectationClause> = Vec::with_capacity(clauses.len());
        for clause in clauses {
            let same = |other: &&ExpectationClause| {
                other.expectation.name.to_lowercase() == clause.expectation.name.to_lowercase()
            };
            if let Some(first) = kept.iter().find(same) {
                let error = Diagnostic::error(
                    &condition::DUPLICATE_EXPECTATION,
                    format!(
                        "expectation `{}` is declared twice",
                        clause.expectation.name
                    ),
                )
                .at(&clause.expectation.origin, "declared again here")
                .at(&first.expectation.origin, "first declared here")
                .help("give it a name of its own: counts go by name");
                self.report(error);
            } else {
                kept.push(clause);
            }
        }
        kept
    }

    /// The kind and query of a body that can run today; else says which one cannot, and marks the target.
    pub(super) fn planned(
        &mut self,
        body: FlowBody,
        kind: FlowKind,
        target: &DatasetName,
    ) -> Option<(FlowKind, Arc<sluice_sql::query::Query>)> {
        let error = match body {
            FlowBody::Query(query) => return Some((kind, Arc::from(query))),
            FlowBody::Once(query) if kind == FlowKind::Complete => Diagnostic::error(
                &condition::INVALID_FLOW_TARGET,
                format!("materialized view `{}` is filled by INSERT ONCE", target.name),
            )
            .at(&query.origin, "a materialized view has one query, behind AS")
            .help("declare a STREAMING TABLE to insert into"),
            FlowBody::Once(query) => return Some((FlowKind::AppendOnce, Arc::from(query))),
            FlowBody::AutoCdc(cdc) => Diagnostic::error(
                &condition::UNSUPPORTED_AUTO_CDC,
                format!("`{}` is filled by AUTO CDC, which is not built yet", target.name),
            )
            .at(&cdc.origin, "the statement itself is read and checked")
            .help("for the latest row of each key: a MATERIALIZED VIEW with `QUALIFY ROW_NUMBER() OVER (PARTITION BY key ORDER BY sequence DESC) = 1` over the changes"),
            FlowBody::Replace(replace) => Diagnostic::error(
                &condition::UNSUPPORTED_REPLACE_FLOW,
                format!("`{}` is filled by a REPLACE flow, which is not built yet", target.name),
            )
            .at(&replace.origin, "the statement itself is read and checked")
            .help("a MATERIALIZED VIEW of the same query is recomputed as a whole and holds the same rows"),
        };
        self.report(error);
        self.graph.broken.push(target.clone());
        None
    }
}
