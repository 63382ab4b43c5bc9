//! From the inputs of a flow to tables that its query can read: files of a micro-batch, data files of a commit range,
//! whole tables, views. Must not know how far a flow is: it is told what to read.

pub(crate) mod bad_records;
pub(crate) mod clean;
pub(crate) mod file_list;
pub(crate) mod file_rows;
pub(crate) mod files;
pub(crate) mod gone;
pub(crate) mod kinesis;
pub(crate) mod leaves;
pub(crate) mod left_out;
pub(crate) mod stream;
pub(crate) mod table_range;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{TryStreamExt, future::BoxFuture};
use sluice_graph::query::{ReadMode, Relation, TimeTravel};
use sluice_graph::{Input, ResolvedFlow, ResolvedInput};
use sluice_model::condition::run::DATASET_NOT_RUN;
use sluice_model::{DatasetName, Diagnostic, Origin};
use sluice_plan::analyze::relation_schema;
use sluice_plan::expect::{CheckedQuery, Checks};
use sluice_plan::incremental::shape::Shape;
use sluice_plan::{BoundQuery, Session};
use sluice_source::{FileEntry, ReadCounters, SourceError};

use crate::error::{Failure, Result, internal};
use crate::inputs::bad_records::Spool;
use crate::inputs::file_rows::FilesStream;
use crate::inputs::files::FileInput;
use crate::inputs::leaves::{Keys, view_flow};
use crate::inputs::stream::Taken;
use crate::prepare::Prepared;
use crate::query::query_name;
use crate::tables::Tables;
use crate::tables::version::{Wanted, version_of};

/// What was seen while reading: filled while the query runs, complete when it has ended.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Numbers of file readers.
    pub(crate) counters: Mutex<ReadCounters>,
    /// Records that go to `badRecordsPath`, by that path as written.
    pub(crate) bad_records: Mutex<BTreeMap<String, Spool>>,
    /// The first error of a file reader, typed.
    pub(crate) source_error: Mutex<Option<(SourceError, Origin)>>,
    /// Checks of temporary views that declare expectations.
    pub(crate) view_checks: Mutex<Vec<(DatasetName, Checks)>>,
}

/// Binds the query of a flow to its inputs.
#[derive(Debug)]
pub(crate) struct Binding<'a> {
    /// The graph and its file sources.
    pub(crate) prepared: &'a Prepared,
    /// Open tables.
    pub(crate) tables: &'a Tables,
    /// The session of the query.
    pub(crate) session: &'a Session,
    /// What the micro-batch takes, by the name of the source.
    pub(crate) taken: &'a HashMap<String, Taken>,
    /// The event log's table.
    pub(crate) event_log: Option<DatasetName>,
    /// What is seen while reading.
    pub(crate) seen: Arc<Seen>,
    /// Shapes of the queries of views, which are hidden behind their tables.
    pub(crate) view_shapes: &'a Mutex<Vec<Shape>>,
}

/// The session time zone that the flow's file has set.
pub(crate) fn zone_of(flow: &ResolvedFlow) -> Option<&str> {
    let is_zone = |key: &str| key.eq_ignore_ascii_case("spark.sql.session.timeZone");
    let mut settings = flow.settings.iter();
    let (_, zone) = settings.find(|(key, _)| is_zone(key))?;
    Some(zone)
}

impl Binding<'_> {
    /// The query with everything it reads.
    pub(crate) async fn bind(&self, flow: &ResolvedFlow) -> Result<BoundQuery> {
        self.bind_from(flow, &mut Keys::default()).await
    }

    fn bind_from<'b>(
        &'b self,
        flow: &'b ResolvedFlow,
        keys: &'b mut Keys,
    ) -> BoxFuture<'b, Result<BoundQuery>> {
        Box::pin(async move {
            let mut providers = vec![];
            for (index, input) in flow.inputs.iter().enumerate() {
                providers.push(match view_flow(&self.prepared.graph, &input.input) {
                    Some(view) => self.view(view, keys).await?,
                    None => match flow.query.relations.get(index) {
                        Some(Relation {
                            time_travel: Some(version),
                            origin,
                            ..
                        }) => self.version(version, origin, input, flow).await?,
                        _ => self.leaf(&keys.next(input.mode), input, flow).await?,
                    },
                });
            }
            Ok(self.session_of(flow).bind(&flow.query, &providers)?)
        })
    }

    /// The session in the time zone that the flow's file has set.
    fn session_of(&self, flow: &ResolvedFlow) -> Session {
        match zone_of(flow) {
            Some(zone) => self.session.in_zone(zone),
            None => self.session.clone(),
        }
    }

    /// A view as a table: its query, and its expectations in the same pass.
    async fn view(&self, view: &ResolvedFlow, keys: &mut Keys) -> Result<Arc<dyn TableProvider>> {
        let mut bound = self.bind_from(view, keys).await?;
        if let Some(declared) = self.prepared.graph.datasets.get(&view.id.target) {
            bound = bound.renamed(
                declared
                    .definition
                    .columns
                    .iter()
                    .map(|column| column.name.value.as_str()),
            );
        }
        let dataset = &view.id.target;
        let clauses: Vec<_> = view
            .expectations
            .iter()
            .filter(|expectation| expectation.dataset == *dataset)
            .map(|expectation| expectation.clause.clone())
            .collect();
        let tell = |shape: Shape| {
            self.view_shapes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(shape);
        };
        if clauses.is_empty() {
            tell(bound.shape());
            return Ok(bound.into_provider().map_err(|diagnostic| *diagnostic)?);
        }
        let checked = bound.with_expectations(&clauses)?;
        tell(checked.query().shape());
        let schema = checked.query().marked_schema();
        let stream = ViewStream {
            dataset: dataset.clone(),
            checked,
            schema: Arc::clone(&schema),
            seen: Arc::clone(&self.seen),
        };
        streaming_table(schema, vec![Arc::new(stream)])
    }

    /// A table as it was: `VERSION AS OF`, `TIMESTAMP AS OF`.
    async fn version(
        &self,
        version: &TimeTravel,
        origin: &Origin,
        input: &ResolvedInput,
        flow: &ResolvedFlow,
    ) -> Result<Arc<dyn TableProvider>> {
        let table = match &input.input {
            Input::Dataset(name) | Input::External(name) => self
                .tables
                .open(name)
                .await?
                .ok_or_else(|| not_run(name, flow))?,
            Input::Path { path, .. } => self.tables.at_path(path).await?,
            _ => {
                return Err(internal("a version of what has none should have been refused").into());
            }
        };
        let wanted = if flow.id.target == query_name() {
            Wanted::ByQuestion
        } else {
            Wanted::ByFlow
        };
        let version = version_of(&table, version, self.session, wanted, origin).await?;
        let placed = |error: sluice_table::TableError| error.diagnostic().at(origin, "");
        table.require_files(version).await.map_err(placed)?;
        Ok(table.provider(Some(version)).await.map_err(placed)?)
    }

    async fn leaf(
        &self,
        key: &str,
        input: &ResolvedInput,
        flow: &ResolvedFlow,
    ) -> Result<Arc<dyn TableProvider>> {
        if let (ReadMode::Stream, Some(taken)) = (input.mode, self.taken.get(key)) {
            return self.streamed(input, taken, flow).await;
        }
        match &input.input {
            Input::Dataset(name) | Input::External(name) => {
                let table = self
                    .tables
                    .open(name)
                    .await?
                    .ok_or_else(|| not_run(name, flow))?;
                Ok(match self.taken.get(key) {
                    Some(Taken::Data(files)) => {
                        table.provider_for_files(files, table.version()).await?
                    }
                    Some(Taken::Nothing) => Arc::new(EmptyTable::new(table.schema())),
                    Some(Taken::Whole { version, .. }) => table.provider(Some(*version)).await?,
                    _ => table.provider(None).await?,
                })
            }
            Input::Files(function) => {
                let file_input = self
                    .prepared
                    .files
                    .get(&function.origin)
                    .ok_or_else(|| internal("a file source was not looked at"))?;
                let files = self.files_taken(key, &file_input);
                self.files(&file_input, &files, flow)
            }
            Input::Kinesis(_) => Err(internal("a stream of records has no whole").into()),
            Input::EventLog(_) => match &self.event_log {
                Some(name) => match self.tables.open(name).await? {
                    Some(table) => Ok(table.provider(None).await?),
                    None => Ok(Arc::new(EmptyTable::new(crate::event_log::rows::schema()))),
                },
                None => Ok(Arc::new(EmptyTable::new(crate::event_log::rows::schema()))),
            },
            Input::Path { format, path } if format != "delta" => {
                let place = crate::prepare::files_of_path(format, path).origin;
                let file_input = self
                    .prepared
                    .files
                    .get(&place)
                    .ok_or_else(|| internal("a path was not looked at"))?;
                let files = self.files_taken(key, &file_input);
                self.files(&file_input, &files, flow)
            }
            Input::Path { path, .. } => Ok(self.tables.at_path(path).await?.provider(None).await?),
        }
    }

    /// The files that a whole read of a call takes: those of the refresh, or all that were listed.
    fn files_taken(&self, key: &str, input: &FileInput) -> Vec<FileEntry> {
        match self.taken.get(key) {
            Some(Taken::Nothing) => vec![],
            Some(Taken::Files(files)) => files.clone(),
            _ => input.listing.files.clone(),
        }
    }

    async fn streamed(
        &self,
        input: &ResolvedInput,
        taken: &Taken,
        flow: &ResolvedFlow,
    ) -> Result<Arc<dyn TableProvider>> {
        match (taken, &input.input) {
            (Taken::Files(files), Input::Files(function)) => {
                let file_input = self
                    .prepared
                    .files
                    .get(&function.origin)
                    .ok_or_else(|| internal("a file source was not looked at"))?;
                self.files(&file_input, files, flow)
            }
            (Taken::Records(batches), Input::Kinesis(call)) => {
                kinesis::table_of(call, batches, self.session.settings().partitions)
            }
            (Taken::Data(files), table) => {
                let table = self.tables.streamed(table).await?;
                let table = table.ok_or_else(|| internal("a streamed table is not there"))?;
                Ok(table.provider_for_files(files, table.version()).await?)
            }
            _ => Err(internal("a stream was given what it cannot read").into()),
        }
    }

    fn files(
        &self,
        input: &FileInput,
        files: &[FileEntry],
        flow: &ResolvedFlow,
    ) -> Result<Arc<dyn TableProvider>> {
        let metadata = mentions_metadata(self.prepared, flow);
        let schema = relation_schema(&input.columns(metadata));
        if files.is_empty() {
            return Ok(Arc::new(EmptyTable::new(schema)));
        }
        let lanes = self.session.settings().partitions.clamp(1, files.len());
        let mut groups: Vec<Vec<FileEntry>> = vec![vec![]; lanes];
        for (index, file) in files.iter().enumerate() {
            groups[index % lanes].push(file.clone());
        }
        let streams = groups.into_iter().map(|files| {
            let (input, schema, seen) =
                (input.clone(), Arc::clone(&schema), Arc::clone(&self.seen));
            Arc::new(FilesStream {
                input,
                files,
                schema,
                metadata,
                seen,
            }) as Arc<dyn PartitionStream>
        });
        streaming_table(Arc::clone(&schema), streams.collect())
    }
}

fn streaming_table(
    schema: SchemaRef,
    streams: Vec<Arc<dyn PartitionStream>>,
) -> Result<Arc<dyn TableProvider>> {
    let table =
        StreamingTable::try_new(schema, streams).map_err(|error| internal(&error.to_string()))?;
    Ok(Arc::new(table))
}

/// Whether the flow, or a view on its way to files, names `_metadata` or a function over it.
fn mentions_metadata(prepared: &Prepared, flow: &ResolvedFlow) -> bool {
    let named = |flow: &ResolvedFlow| {
        let text = flow.query.text.to_ascii_lowercase();
        text.contains("_metadata") || text.contains("input_file_name")
    };
    named(flow)
        || flow
            .inputs
            .iter()
            .filter_map(|input| view_flow(&prepared.graph, &input.input))
            .any(named)
}

fn not_run(name: &DatasetName, flow: &ResolvedFlow) -> Failure {
    Diagnostic::error(
        &DATASET_NOT_RUN,
        format!("`{name}` is declared, but no update has made its table yet"),
    )
    .at(&flow.origin, "")
    .help(format!(
        "run it first: `sluice run --refresh +{}`",
        name.name
    ))
    .into()
}

/// Rows of a temporary view that pass its expectations.
#[derive(Debug)]
struct ViewStream {
    dataset: DatasetName,
    checked: CheckedQuery,
    schema: SchemaRef,
    seen: Arc<Seen>,
}

impl PartitionStream for ViewStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (dataset, checked, seen) = (
            self.dataset.clone(),
            self.checked.clone(),
            Arc::clone(&self.seen),
        );
        let raise = |diagnostic: Box<Diagnostic>| DataFusionError::External(diagnostic);
        let batches = async move {
            let running = checked.execute().await.map_err(raise)?;
            let rows = futures::stream::try_unfold(
                (running, dataset, seen),
                move |(mut running, dataset, seen)| async move {
                    if let Some(batch) = running.next().await.map_err(raise)? {
                        return Ok(Some((batch, (running, dataset, seen))));
                    }
                    let mut all = seen
                        .view_checks
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    // A view that a query reads twice runs twice; its rows are counted once.
                    if !all.iter().any(|(name, _)| *name == dataset) {
                        all.push((dataset.clone(), running.checks().clone()));
                    }
                    Ok::<_, DataFusionError>(None)
                },
            );
            Ok::<_, DataFusionError>(rows)
        };
        let batches = futures::stream::once(batches).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}
