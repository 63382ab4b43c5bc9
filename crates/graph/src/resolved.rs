//! The graph as resolved: every relation bound, every column known as far as it can be, plain data for `run`.
//! Built by [`crate::resolve`]. Questions about order, selection and lineage live in files of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use sluice_model::{DatasetName, FlowKind, Origin};
use sluice_sql::query::{ArgumentValue, Expression, Query, ReadMode, TableFunction};
use sluice_sql::statement::ExpectationClause;

use crate::{Dataset, FlowId, RelationSchema, Settings};

/// The whole graph. Only complete when [`crate::resolve`] returned no error beside it.
#[derive(Debug, Clone, Default)]
pub struct ResolvedGraph {
    /// The pipeline's name.
    pub pipeline: String,
    /// Datasets by full name.
    pub datasets: BTreeMap<DatasetName, ResolvedDataset>,
    /// Flows by identity, those of views included (kind [`FlowKind::View`]).
    pub flows: BTreeMap<FlowId, ResolvedFlow>,
}

/// A dataset with its columns.
#[derive(Debug, Clone)]
pub struct ResolvedDataset {
    /// What was declared.
    pub definition: Dataset,
    /// Its columns: declared ones as declared, else what its flows yield. `None`: unknown until the update runs.
    pub schema: Option<SchemaRef>,
    /// The flows that fill it, in order of their names.
    pub flows: Vec<FlowId>,
}

/// A flow with everything that is needed to run it.
#[derive(Debug, Clone)]
pub struct ResolvedFlow {
    /// Target and name.
    pub id: FlowId,
    /// How it moves data.
    pub kind: FlowKind,
    /// Its query; relation *i* is `inputs[i]`.
    pub query: Arc<Query>,
    /// What its relations are, by their numbers.
    pub inputs: Vec<ResolvedInput>,
    /// Output columns of the query itself. `None`: unknown until the update runs.
    pub query_schema: Option<SchemaRef>,
    /// What is written: one entry per column of the target, in the target's order, made from the query's columns.
    /// `None`: unknown until the update runs; `run` then resolves again once the input is known.
    pub output: Option<Vec<OutputColumn>>,
    /// Expectations that rows of this flow meet: those of the target, over `output`, and those of the temporary
    /// views it reads (directly or through other views), over the view's columns, counted for this flow.
    pub expectations: Vec<FlowExpectation>,
    /// Configuration overlaid with the `SET` statements above it.
    pub settings: Settings,
    /// `COMMENT` of the flow.
    pub comment: Option<String>,
    /// What a change of the flow is judged by; see [`crate::change`]. Empty for views: they count with their readers.
    pub fingerprint: crate::change::FlowFingerprint,
    /// Place of its declaration.
    pub origin: Origin,
}

impl ResolvedFlow {
    /// Whether any input is read as a stream.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.inputs
            .iter()
            .any(|input| input.mode == ReadMode::Stream)
    }
}

/// A relation of a query, bound.
#[derive(Debug, Clone)]
pub struct ResolvedInput {
    /// What is read.
    pub input: Input,
    /// As a stream or whole. For views: what the view's own query is.
    pub mode: ReadMode,
    /// Its columns. `None`: unknown until the update runs.
    pub schema: Option<RelationSchema>,
}

/// What a relation is bound to.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A dataset of this pipeline; for a view, its flow in the graph holds the query.
    Dataset(DatasetName),
    /// A table of the warehouse that is not of this pipeline.
    External(DatasetName),
    /// Files: `read_files` (and `cloud_files`, which the parser turned into it).
    Files(TableFunction),
    /// The records of a Kinesis stream: `read_kinesis`. Always read as a stream.
    Kinesis(TableFunction),
    /// `event_log(…)`: the event log of this pipeline; the table, if one is named, is one of its own.
    EventLog(Option<DatasetName>),
    /// ``format.`path` ``.
    Path {
        /// Lower case: `delta`, `json`, `parquet`, …
        format: String,
        /// As written.
        path: String,
    },
}

/// The streams of a call of `read_kinesis` in words: `kinesis://iot-sensor-data`.
#[must_use]
pub fn stream_words(call: &TableFunction) -> String {
    let named = call.named("streamName").or_else(|| call.named("streamARN"));
    match named.map(|argument| &argument.value) {
        Some(ArgumentValue::String(names)) => format!("kinesis://{}", names.replace(' ', "")),
        _ => "kinesis://".to_owned(),
    }
}

/// One column of what a flow writes.
#[derive(Debug, Clone)]
pub struct OutputColumn {
    /// The target's name for it.
    pub name: String,
    /// The target's type.
    pub data_type: DataType,
    /// Whether the target takes NULL.
    pub nullable: bool,
    /// Where the value comes from.
    pub source: ColumnSource,
}

/// Where the value of an output column comes from.
#[derive(Debug, Clone)]
pub enum ColumnSource {
    /// Column number of the query's output, as it is.
    Query(usize),
    /// Column number of the query's output, under an ANSI cast to the target's type.
    Cast(usize),
    /// `GENERATED ALWAYS AS`: computed from the other output columns.
    Generated(Box<Expression>),
    /// `DEFAULT`: the same value for every row of a batch.
    Default(Box<Expression>),
    /// NULL.
    Null,
}

/// An expectation that rows of a flow meet.
#[derive(Debug, Clone)]
pub struct FlowExpectation {
    /// The dataset that declares it: the flow's target, or a temporary view that it reads.
    pub dataset: DatasetName,
    /// Name, predicate, action.
    pub clause: ExpectationClause,
}
