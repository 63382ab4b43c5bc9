//! One flow: the real modes of its inputs, the rules of its query, its columns.

use std::collections::BTreeMap;

use arrow_schema::SchemaRef;
use sluice_model::condition::graph as condition;
use sluice_model::condition::query::{COLUMN_ALREADY_EXISTS, UNSUPPORTED_STREAMING_OPERATION};
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind};
use sluice_sql::query::{ReadMode, Relation};

use super::bind::{BoundColumns, BoundFlow, BoundRelation};
use super::fingerprint::fingerprint;
use super::view::streamed_views;
use super::{Columns, Resolving, view_is_streaming};
use crate::validate::{alias, operator, streamingness, temporary};
use crate::{
    AnalyzeRequest, Dataset, FlowExpectation, FlowId, Input, RelationSchema, ResolvedFlow,
    ResolvedInput,
};

impl Resolving<'_> {
    /// Resolves a flow; the second part is the state of its query's columns.
    pub(super) fn flow(
        &mut self,
        target: &Dataset,
        bound: &BoundFlow<'_>,
    ) -> (ResolvedFlow, Columns) {
        let flow = bound.flow;
        let mut errors: Vec<Diagnostic> = bound.errors.clone();
        let (inputs, modes) = self.inputs(target, bound, &mut errors);
        let is_bound = bound.relations.iter().all(Option::is_some);
        if is_bound && modes.len() == bound.relations.len() {
            errors.extend(streamingness::check_flow(flow, target, &modes));
            if matches!(flow.kind, FlowKind::Append | FlowKind::View)
                && modes.contains(&ReadMode::Stream)
            {
                errors.extend(operator::check(&flow.query, &modes));
            }
        }
        if target.kind.is_table() {
            errors.extend(alias::check(&flow.query, &target.written));
        }
        let columns = if is_bound {
            self.query_columns(target, flow, &inputs, &mut errors)
        } else {
            Columns::Failed
        };
        let columns = if errors.iter().any(Diagnostic::is_error) {
            Columns::Failed
        } else {
            columns
        };
        self.diagnostics.append(&mut errors);
        let query_schema = match &columns {
            Columns::Known(schema) => Some(schema.clone()),
            Columns::Unknown | Columns::Failed => None,
        };
        let mut resolved = ResolvedFlow {
            id: flow.id.clone(),
            kind: flow.kind,
            query: flow.query.clone(),
            expectations: self.expectations(target, &inputs),
            inputs,
            query_schema,
            output: None,
            settings: flow.settings.clone(),
            comment: flow.comment.clone(),
            fingerprint: crate::change::FlowFingerprint::default(),
            origin: flow.origin.clone(),
        };
        // Views are judged as part of what reads them.
        if target.kind.is_table() {
            resolved.fingerprint = fingerprint(&resolved, target, &self.resolved);
        }
        (resolved, columns)
    }

    /// The inputs with their real modes; modes stay shorter than the inputs when one has none.
    fn inputs(
        &mut self,
        target: &Dataset,
        bound: &BoundFlow<'_>,
        errors: &mut Vec<Diagnostic>,
    ) -> (Vec<ResolvedInput>, Vec<ReadMode>) {
        let mut inputs = vec![];
        let mut modes = vec![];
        for (index, relation) in bound.flow.query.relations.iter().enumerate() {
            let Some(Some(found)) = bound.relations.get(index) else {
                continue;
            };
            let mut mode = Some(relation.mode);
            if let Input::Dataset(name) = &found.input
                && let Some(read) = self.graph.datasets.get(name)
            {
                errors.extend(temporary::check(target, bound, index, read));
                // A view that failed says nothing about its streamingness: believe the reader.
                if read.kind.is_table()
                    || self
                        .columns
                        .get(name)
                        .is_some_and(|c| !matches!(c, Columns::Failed))
                {
                    let is_streaming = view_is_streaming(&self.resolved, name, read.kind);
                    match streamingness::read_mode(
                        relation,
                        read,
                        is_streaming,
                        &bound.flow.settings,
                    ) {
                        Ok(real) => mode = Some(real),
                        Err(error) => {
                            errors.push(error);
                            mode = None;
                        }
                    }
                }
            }
            modes.extend(mode);
            inputs.push(ResolvedInput {
                input: found.input.clone(),
                mode: mode.unwrap_or(relation.mode),
                schema: self.input_schema(bound, relation, found),
            });
        }
        (inputs, modes)
    }

    fn input_schema(
        &mut self,
        bound: &BoundFlow<'_>,
        relation: &Relation,
        found: &BoundRelation,
    ) -> Option<RelationSchema> {
        match (&found.columns, &found.input) {
            (BoundColumns::Known(schema), _) => Some(schema.clone()),
            (BoundColumns::Unknown(reason), _) => {
                self.unknown_sources.push(
                    Diagnostic::note(
                        &condition::SCHEMA_UNKNOWN_UNTIL_RUN,
                        format!(
                            "the columns that `{}` reads here are not known yet: {reason}",
                            bound.flow.id.target.name
                        ),
                    )
                    .at(&relation.origin, ""),
                );
                None
            }
            (BoundColumns::OfDataset, Input::Dataset(name)) => match self.columns.get(name) {
                Some(Columns::Known(schema)) => Some(RelationSchema::plain(schema.clone())),
                _ => None,
            },
            (BoundColumns::OfDataset, _) => None,
        }
    }

    fn query_columns(
        &mut self,
        target: &Dataset,
        flow: &crate::DeclaredFlow,
        inputs: &[ResolvedInput],
        errors: &mut Vec<Diagnostic>,
    ) -> Columns {
        let failed: Vec<DatasetName> = inputs
            .iter()
            .filter_map(|input| match &input.input {
                Input::Dataset(name)
                    if !matches!(
                        self.columns.get(name),
                        Some(Columns::Known(_) | Columns::Unknown)
                    ) =>
                {
                    Some(name.clone())
                }
                _ => None,
            })
            .collect();
        if !failed.is_empty() {
            // Name what has the errors, not what waits for it like this one.
            let roots: Vec<DatasetName> = failed
                .into_iter()
                .flat_map(|name| match self.after_failure.get(&name) {
                    Some(roots) => roots.iter().cloned().collect(),
                    None => vec![name],
                })
                .collect();
            if !self.in_circles.contains(&target.name) {
                self.after_failure
                    .entry(target.name.clone())
                    .or_default()
                    .extend(roots);
            }
            return Columns::Failed;
        }
        let Some(schemas) = inputs
            .iter()
            .map(|input| input.schema.clone())
            .collect::<Option<Vec<_>>>()
        else {
            return Columns::Unknown;
        };
        let analyzed = self.analyzer.analyze(&AnalyzeRequest {
            query: &flow.query,
            inputs: &schemas,
            views: streamed_views(&self.resolved, inputs),
            settings: &flow.settings,
            may_be_unnamed: may_be_unnamed(target),
        });
        match analyzed {
            Ok(analysis) => {
                self.diagnostics.extend(analysis.remarks);
                errors.extend(duplicate_columns(flow, &analysis.schema));
                Columns::Known(analysis.schema)
            }
            Err(mut found) => {
                // One place, one error: an alias that is missing was reported already. And one reason, one error:
                // the operators of a stream were judged by their syntax.
                let is_judged = errors
                    .iter()
                    .any(|known| *known.condition == condition::UNSUPPORTED_STREAMING_OPERATOR);
                found.retain(|error| {
                    let again = *error.condition == UNSUPPORTED_STREAMING_OPERATION && is_judged;
                    let is_known = |known: &Diagnostic| known.origin() == error.origin();
                    !again && (error.origin().is_none() || !errors.iter().any(is_known))
                });
                errors.append(&mut found);
                Columns::Failed
            }
        }
    }

    /// Own expectations first, then those of the temporary views that are read, each once.
    fn expectations(&self, target: &Dataset, inputs: &[ResolvedInput]) -> Vec<FlowExpectation> {
        let own = |dataset: &Dataset| {
            let name = dataset.name.clone();
            let clauses = dataset.expectations.clone();
            clauses.into_iter().map(move |clause| FlowExpectation {
                dataset: name.clone(),
                clause,
            })
        };
        let mut all: Vec<FlowExpectation> = own(target).collect();
        for input in inputs {
            let Input::Dataset(name) = &input.input else {
                continue;
            };
            let is_view = self
                .graph
                .datasets
                .get(name)
                .is_some_and(|read| read.kind == DatasetKind::TemporaryView);
            let Some(view) = self
                .resolved
                .flows
                .get(&FlowId::implicit(name))
                .filter(|_| is_view)
            else {
                continue;
            };
            for expectation in &view.expectations {
                let is_there = all.iter().any(|known| {
                    known.dataset == expectation.dataset
                        && known.clause.expectation.name == expectation.clause.expectation.name
                });
                if !is_there {
                    all.push(expectation.clone());
                }
            }
        }
        all
    }
}

fn duplicate_columns(flow: &crate::DeclaredFlow, schema: &SchemaRef) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = vec![];
    for field in schema.fields() {
        let count = seen.entry(field.name().to_lowercase()).or_default();
        *count += 1;
        if *count == 2 {
            found.push(
                Diagnostic::error(
                    &COLUMN_ALREADY_EXISTS,
                    format!(
                        "the query of `{}` yields column `{}` twice",
                        flow.id,
                        field.name()
                    ),
                )
                .at(&alias::place_of(&flow.query, field.name(), 1), "")
                .help(
                    "give one of the two another name with AS, or list the columns instead of `*`",
                ),
            );
        }
    }
    found
}

/// A stored view is a definition that others read by its names (Spark's `CREATE_PERMANENT_VIEW_WITHOUT_ALIAS`); a temporary one
/// stands in for its query.
fn may_be_unnamed(target: &Dataset) -> bool {
    match target.kind {
        DatasetKind::TemporaryView => true,
        DatasetKind::PersistedView => !target.columns.is_empty(),
        DatasetKind::StreamingTable | DatasetKind::MaterializedView => false,
    }
}
