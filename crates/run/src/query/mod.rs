//! Questions asked of a pipeline between updates: is it right, what would an update do, what do its tables hold.
//! Nothing here writes.

pub(crate) mod appended;
pub(crate) mod watch;

use sluice_model::suggest::did_you_mean;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use sluice_graph::query::Query;
use sluice_graph::{
    Dataset, DeclaredFlow, DeclaredGraph, FlowId, Participation, ResolvedGraph, SelectionRequest,
};
use sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
use sluice_model::condition::run::DATASET_NOT_RUN;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind, Namespace};
use sluice_plan::BoundQuery;
use sluice_table::DeltaTable;

use crate::engine::Engine;
use crate::error::{Failure, Result};
use crate::event_log::store::event_table_name;
use crate::flow::complete;
use crate::inputs::{Binding, Seen};
use crate::prepare::prepare;
use crate::report::Technique;
use crate::tables::Tables;
use crate::tables::description;
use crate::update::{Update, UpdateRequest};

/// The rows of a query.
#[derive(Debug)]
pub struct QueryResult {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
}

/// The rows of a query that is running.
pub struct RowStream {
    bound: BoundQuery,
    stream: SendableRecordBatchStream,
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream")
            .field("schema", &self.bound.schema())
            .finish_non_exhaustive()
    }
}

impl RowStream {
    /// The columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.bound.schema()
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// A value cannot be computed, or a file cannot be read.
    pub async fn next(&mut self) -> std::result::Result<Option<RecordBatch>, Vec<Diagnostic>> {
        match self.stream.next().await {
            None => Ok(None),
            Some(Ok(batch)) => Ok(Some(batch)),
            Some(Err(error)) => Err(vec![*self.bound.diagnose(&error)]),
        }
    }
}

/// What an update would do with one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// The dataset.
    pub dataset: DatasetName,
    /// What it is.
    pub kind: DatasetKind,
    /// `create`, `change`, `reset`, `refresh`, `no change`, `excluded`.
    pub action: &'static str,
    /// For materialized views that exist: how they would be refreshed, and why.
    pub technique: Option<Technique>,
    /// What changes, in words; may be empty.
    pub detail: String,
}

/// Tells of a view whose inputs are as they were that this holds only until the update has come to them. `in_doubt` are the
/// datasets that may get rows by then.
fn told_with_inputs(
    line: PlanLine,
    inputs: &[&PlanLine],
    in_doubt: &mut BTreeSet<DatasetName>,
) -> PlanLine {
    let may_move = |input: &&&PlanLine| in_doubt.contains(&input.dataset);
    let moves = |input: &&&PlanLine| !matches!(input.action, "no change" | "excluded");
    let moved = inputs.iter().find(|input| moves(input) && !may_move(input));
    let doubted = inputs.iter().find(may_move);
    match (line.action, line.kind, moved, doubted) {
        // What a stream finds is known when it looks.
        ("refresh", DatasetKind::StreamingTable, _, _) => {
            in_doubt.insert(line.dataset.clone());
            line
        }
        ("no change", _, Some(input), _) => PlanLine {
            action: "refresh",
            technique: None,
            detail: format!("`{}` changes before it", input.dataset),
            ..line
        },
        ("no change", _, None, Some(input)) => {
            in_doubt.insert(line.dataset.clone());
            PlanLine {
                detail: format!("unless `{}` gets rows before it", input.dataset),
                ..line
            }
        }
        _ => line,
    }
}

impl Engine {
    /// Resolves a declared graph against the warehouse and the files: the graph, and all that is wrong with it.
    pub async fn resolve(&self, declared: &DeclaredGraph) -> (ResolvedGraph, Vec<Diagnostic>) {
        let tables = Tables::new(self);
        match prepare(self, &tables, declared).await {
            Ok(prepared) => (prepared.graph, prepared.diagnostics),
            Err(failure) => (ResolvedGraph::default(), failure.into_diagnostics()),
        }
    }

    /// Says what an update would do, dataset by dataset in order of the graph, and writes nothing.
    pub async fn plan(
        &self,
        declared: &DeclaredGraph,
        selection: &SelectionRequest,
    ) -> std::result::Result<(Vec<PlanLine>, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.plan_lines(declared, selection)
            .await
            .map_err(Failure::into_diagnostics)
    }

    async fn plan_lines(
        &self,
        declared: &DeclaredGraph,
        selection: &SelectionRequest,
    ) -> Result<(Vec<PlanLine>, Vec<Diagnostic>)> {
        let tables = Arc::new(Tables::new(self));
        let prepared = prepare(self, &tables, declared).await?;
        if prepared.has_errors() {
            return Err(prepared.diagnostics.into());
        }
        let chosen = prepared.graph.select(selection, &self.options.namespace)?;
        let diagnostics = prepared.diagnostics.clone();
        let request = UpdateRequest {
            selection: selection.clone(),
            ..UpdateRequest::default()
        };
        let update = Update::for_plan(self, &request, prepared, chosen, &tables)?;
        let mut lines: Vec<PlanLine> = vec![];
        let mut in_doubt = BTreeSet::new();
        for id in update.prepared.graph.order().into_iter().flatten() {
            if lines.iter().any(|line| line.dataset == id.target) {
                continue;
            }
            let line = self.plan_line(&update, &id).await?;
            let upstream = update.prepared.graph.upstream_tables(&id);
            let inputs = lines
                .iter()
                .filter(|other| upstream.contains(&other.dataset));
            let inputs: Vec<&PlanLine> = inputs.collect();
            let line = told_with_inputs(line, &inputs, &mut in_doubt);
            lines.push(line);
        }
        Ok((lines, diagnostics))
    }

    async fn plan_line(&self, update: &Update, id: &FlowId) -> Result<PlanLine> {
        let dataset = update.dataset(&id.target)?;
        let kind = dataset.definition.kind;
        let line = |action, technique, detail: String| PlanLine {
            dataset: id.target.clone(),
            kind,
            action,
            technique,
            detail,
        };
        match update.selection.flows.get(id) {
            Some(Participation::Excluded) | None => {
                return Ok(line("excluded", None, String::new()));
            }
            Some(Participation::FullRefresh) => {
                return Ok(line("reset", None, "emptied and filled again".into()));
            }
            Some(_) => {}
        }
        let Some(table) = update.tables.open_declared(dataset).await? else {
            update.check_place(dataset).await?;
            return Ok(line(
                "create",
                None,
                dataset.schema.as_ref().map_or_else(
                    || "columns unknown until its sources hold data".into(),
                    |schema| format!("{} columns", schema.fields().len()),
                ),
            ));
        };
        let Some(flow) = update.prepared.graph.flows.get(id) else {
            return Ok(line("refresh", None, String::new()));
        };
        let change = description::change(self, dataset, &table)?;
        let detail = description::words(&change, &table).join("; ");
        let is_changed = !change.is_empty();
        if kind == DatasetKind::MaterializedView && dataset.schema.is_some() {
            let technique = complete::choice(update, flow, dataset, &table).await?;
            let action = match technique.name {
                _ if is_changed => "change",
                "NO_OP" => "no change",
                _ => "refresh",
            };
            return Ok(line(action, Some(technique), detail));
        }
        Ok(line(
            if is_changed { "change" } else { "refresh" },
            None,
            detail,
        ))
    }

    /// Runs a query over the tables and views of a pipeline, as they are now. Names resolve as inside the pipeline.
    pub async fn query(
        &self,
        declared: &DeclaredGraph,
        query: &Query,
    ) -> std::result::Result<QueryResult, Vec<Diagnostic>> {
        let mut rows = self.rows(declared, query).await?;
        let mut batches = vec![];
        while let Some(batch) = rows.next().await? {
            batches.push(batch);
        }
        Ok(QueryResult {
            schema: rows.schema(),
            batches,
        })
    }

    /// As [`Engine::query`], batch by batch: rows are not held.
    pub async fn rows(
        &self,
        declared: &DeclaredGraph,
        query: &Query,
    ) -> std::result::Result<RowStream, Vec<Diagnostic>> {
        self.run_query(declared, query)
            .await
            .map_err(Failure::into_diagnostics)
    }

    /// How a query would be computed: its optimized plan and the physical one, as text.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn explain_query(
        &self,
        declared: &DeclaredGraph,
        query: &Query,
    ) -> std::result::Result<String, Vec<Diagnostic>> {
        let bound = self.bound_query(declared, query);
        let bound = bound.await.map_err(Failure::into_diagnostics)?;
        bound.explain().await.map_err(|error| vec![*error])
    }

    async fn run_query(&self, declared: &DeclaredGraph, query: &Query) -> Result<RowStream> {
        let bound = self.bound_query(declared, query).await?;
        let stream = bound.execute().await?;
        Ok(RowStream { bound, stream })
    }

    async fn bound_query(&self, declared: &DeclaredGraph, query: &Query) -> Result<BoundQuery> {
        let tables = Tables::new(self);
        let graph = self.query_graph(declared, query, &tables).await?;
        let prepared = prepare(self, &tables, &graph).await?;
        let flow = prepared
            .graph
            .flows
            .values()
            .find(|flow| flow.id.target == query_name())
            .ok_or_else(|| crate::error::internal("the query is not in its graph"))?;
        // What only tables must have, such as names for all columns, a query need not have; but all that it reads must be there.
        let is_bound = flow.inputs.len() == query.relations.len();
        let errors: Vec<Diagnostic> = prepared
            .diagnostics
            .iter()
            .filter(|d| {
                d.is_error()
                    && d.origin()
                        .is_some_and(|origin| origin.file == query.origin.file)
            })
            .filter(|d| !is_bound || *d.condition == TABLE_OR_VIEW_NOT_FOUND)
            .map(|d| explain_missing(d.clone(), declared, query, &self.options.namespace))
            .collect();
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let session = self.session(self.clock().now_us())?;
        let view_shapes = Mutex::default();
        let binding = Binding {
            prepared: &prepared,
            tables: &tables,
            session: &session,
            taken: &HashMap::new(),
            event_log: Some(event_table_name(self)),
            seen: Arc::new(Seen::default()),
            view_shapes: &view_shapes,
        };
        binding.bind(flow).await
    }

    /// The graph that a query is resolved in: the views of the pipeline, and the query as one more view. Tables are read as they are in
    /// the warehouse, so their flows need not be looked at.
    async fn query_graph(
        &self,
        declared: &DeclaredGraph,
        query: &Query,
        tables: &Tables,
    ) -> Result<DeclaredGraph> {
        let mut graph = declared.clone();
        graph.broken.clear();
        for dataset in declared
            .datasets
            .values()
            .filter(|dataset| dataset.kind.is_table() && !dataset.private)
        {
            graph.datasets.remove(&dataset.name);
            graph.flows.retain(|id, _| id.target != dataset.name);
            if dataset.location.is_some() {
                let location = self.location_of(dataset)?;
                if let Some(table) = DeltaTable::open(self.store(), &location).await? {
                    tables.insert(&dataset.name, table);
                }
            }
        }
        if let Some(log) = self.open_event_log().await? {
            tables.insert(&event_table_name(self), log);
        }
        let name = query_name();
        let namespace = self.options.namespace.clone();
        let mut asked = query.clone();
        asked.functions = declared.functions_in(&namespace);
        graph.datasets.insert(
            name.clone(),
            Dataset::temporary_view(name.clone(), namespace.clone(), query.origin.clone()),
        );
        let id = FlowId::implicit(&name);
        graph.flows.insert(
            id.clone(),
            DeclaredFlow {
                id,
                kind: FlowKind::View,
                query: Arc::new(asked),
                comment: None,
                settings: declared.configuration.clone(),
                namespace,
                origin: query.origin.clone(),
            },
        );
        Ok(graph)
    }

    /// Opens the table of a dataset: declared in the pipeline, or any table of the warehouse.
    pub async fn table(
        &self,
        declared: &DeclaredGraph,
        name: &DatasetName,
    ) -> std::result::Result<Option<DeltaTable>, Vec<Diagnostic>> {
        let location = match declared.datasets.get(name) {
            Some(dataset) => self.location_of(dataset).map_err(|error| vec![*error])?,
            None => self.store().table_location(name),
        };
        DeltaTable::open(self.store(), &location)
            .await
            .map_err(|error| vec![error.diagnostic()])
    }
}

/// The name under which a query stands in its graph.
pub(crate) fn query_name() -> DatasetName {
    DatasetName::temporary("__query")
}

/// A dataset that is declared and was never run is told apart from one that nobody knows, and from one that could not be read.
fn explain_missing(
    diagnostic: Diagnostic,
    declared: &DeclaredGraph,
    query: &Query,
    namespace: &Namespace,
) -> Diagnostic {
    let written = query
        .relations
        .iter()
        .find_map(|relation| match &relation.source {
            sluice_graph::query::RelationSource::Name(name)
                if diagnostic.origin() == Some(&name.origin) =>
            {
                Some(name)
            }
            _ => None,
        });
    let full = written.and_then(|name| DatasetName::qualify(&name.parts, namespace));
    let is_missing = *diagnostic.condition == TABLE_OR_VIEW_NOT_FOUND;
    match full.filter(|full| is_missing && declared.datasets.contains_key(full)) {
        Some(full) => {
            let origin = diagnostic.origin().cloned();
            let message = format!("`{full}` is declared, but no update has made its table yet");
            let said =
                Diagnostic::error(&DATASET_NOT_RUN, message).help("run it first: `sluice run`");
            match origin {
                Some(origin) => said.at(&origin, ""),
                None => said,
            }
        }
        None => {
            let found = Diagnostic {
                message: diagnostic.message.replace("`__query`", "the query"),
                ..diagnostic
            };
            // Tables of the pipeline stand in no graph of a query, so that it knows no name near to theirs.
            let is_helped = found.helps.iter().any(|help| help.starts_with("did you"));
            let unhelped = written.filter(|_| is_missing && !is_helped);
            match unhelped.and_then(|written| declared.nearest(written)) {
                Some((_, spelled)) => Diagnostic {
                    helps: vec![did_you_mean(spelled)],
                    ..found
                },
                None => found,
            }
        }
    }
}
