//! `read_kinesis` of a query as a source: its arguments, the open streams, what one micro-batch takes of them.
//!
//! The end of a range is not known before it was read. So records are fetched first and held in memory, the range is
//! written down with their number and digest, and only then they are used; a range that was written down and not
//! committed is read again to the letter. Must not know offsets from the inside, nor how shards are read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::empty::EmptyTable;
use sluice_checkpoint::{SourceIdentity, SourceOffset, SourceRange};
use sluice_graph::query::{ArgumentValue, TableFunction};
use sluice_graph::{Input, RelationSchema, ResolvedFlow, ResolvedGraph};
use sluice_model::condition::kinesis::KINESIS_INVALID_OPTION;
use sluice_model::{Diagnostic, Origin, Severity};
use sluice_plan::analyze::relation_schema;
use sluice_source::SourceError;
use sluice_source::aws::AwsCredentialSpec;
use sluice_source::kinesis::{FetchLimits, KinesisOptions, KinesisSettings, KinesisSource};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::error::{Result, internal};
use crate::inputs::leaves::Leaf;

/// Where a shard may be asked again at once, whoever waits for the next look still waits.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(1);

/// What the machine and sluice.yml say about Kinesis.
#[derive(Debug, Clone, Default)]
pub struct KinesisAccess {
    /// Endpoint for calls that name none. `None`: the region's own.
    pub endpoint: Option<String>,
    /// Region for calls that name none. `None`: the environment's.
    pub region: Option<String>,
    /// What `serviceCredential` names stand for.
    pub credentials: BTreeMap<String, AwsCredentialSpec>,
    /// Credentials for calls that name none; the default chain unless set.
    pub default_credentials: AwsCredentialSpec,
    /// Time between two calls of one shard, whatever the query says: for a service that nobody else uses.
    pub poll_interval: Option<Duration>,
    /// For how long the service may fail before that is an error, whatever the query says.
    pub patience: Option<Duration>,
    /// Records of a micro-batch at most: for tests that cut batches small.
    pub batch_records_max: Option<u64>,
}

/// Reads the arguments of a call. Asks nobody.
pub(crate) fn options(call: &TableFunction) -> Result<KinesisOptions, Vec<Diagnostic>> {
    let mut named = vec![];
    for argument in &call.arguments {
        let Some(name) = argument.name.clone() else {
            let message = "`read_kinesis` takes named arguments only";
            return Err(vec![
                Diagnostic::error(&KINESIS_INVALID_OPTION, message)
                    .at(&argument.origin, "this one has no name")
                    .help("write `streamName => 'sensors'`"),
            ]);
        };
        let text = match &argument.value {
            ArgumentValue::String(text) => text.clone(),
            other => other.to_string(),
        };
        named.push((name, text, argument.origin.clone()));
    }
    KinesisOptions::from_arguments(named, &call.origin)
}

/// The columns of a call.
pub(crate) fn columns(call: &TableFunction) -> Result<SchemaRef, Vec<Diagnostic>> {
    options(call).map(|options| options.columns())
}

/// Options of all calls that are accepted and have no effect.
pub(crate) fn notes(graph: &ResolvedGraph) -> Vec<Diagnostic> {
    let inputs = graph.flows.values().flat_map(|flow| &flow.inputs);
    let calls = inputs.filter_map(|input| match &input.input {
        Input::Kinesis(call) => options(call).ok(),
        _ => None,
    });
    calls.flat_map(|options| options.notes).collect()
}

/// The records of a micro-batch as a table. Batches that lie together stay together, so that records of one shard keep
/// their order in a file.
pub(crate) fn table_of(
    call: &TableFunction,
    batches: &[RecordBatch],
    partitions: usize,
) -> Result<Arc<dyn TableProvider>> {
    let schema = relation_schema(&RelationSchema::plain(columns(call)?));
    if batches.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let unlike = |error: &dyn std::fmt::Display| {
        internal(&format!(
            "records have other columns than the call: {error}"
        ))
    };
    let batches = batches
        .iter()
        .map(|batch| batch.clone().with_schema(Arc::clone(&schema)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unlike(&error))?;
    let lane = batches.len().div_ceil(partitions.max(1));
    let lanes = batches.chunks(lane).map(<[RecordBatch]>::to_vec).collect();
    let table = MemTable::try_new(schema, lanes).map_err(|error| unlike(&error))?;
    Ok(Arc::new(table))
}

/// The streams of one call, open, and not yet at a position.
#[derive(Debug)]
pub(crate) struct OpenStreams {
    source: KinesisSource,
    origin: Origin,
    limits: FetchLimits,
    /// Between two calls of one shard.
    poll_interval: Duration,
    /// What was noticed while reading, and not told yet.
    notes: Vec<Diagnostic>,
}

impl OpenStreams {
    /// Opens the streams of a call for a flow, to be read up to now.
    pub(crate) async fn open(
        engine: &Engine,
        flow: &ResolvedFlow,
        leaf: &Leaf,
        call: &TableFunction,
    ) -> Result<Self> {
        let access = &engine.options.kinesis;
        let mut options = options(call)?;
        if let Some(interval) = access.poll_interval {
            options.poll_interval_min = interval;
            options.list_interval = interval;
        }
        if let Some(patience) = access.patience {
            options.patience = patience;
        }
        let limits = FetchLimits {
            records: access
                .batch_records_max
                .unwrap_or_else(|| FetchLimits::default().records),
            duration: options.fetch_duration_max,
            until_us: Some(engine.clock().now_us()),
            ..FetchLimits::default()
        };
        let poll_interval = options.poll_interval_min;
        let settings = KinesisSettings {
            endpoint: access.endpoint.clone(),
            region: access.region.clone(),
            credentials: access.credentials.clone(),
            default_credentials: access.default_credentials.clone(),
            ..KinesisSettings::new(Arc::clone(engine.clock()), &query_id(engine, flow, leaf))
        };
        let source = KinesisSource::open(options, settings)
            .await
            .map_err(|error| placed(&error, &call.origin))?;
        Ok(Self {
            source,
            origin: call.origin.clone(),
            limits,
            poll_interval,
            notes: vec![],
        })
    }

    fn note(&mut self, notes: Vec<Diagnostic>) {
        let placed = notes.into_iter().map(|note| note.at_least_at(&self.origin));
        self.notes.extend(placed);
    }

    /// Who the streams are.
    pub(crate) fn identity(&self) -> SourceIdentity {
        self.source.identity().clone()
    }
}

/// Streams that a flow reads, with what was fetched and is not committed yet.
#[derive(Debug)]
pub(crate) struct StreamInput {
    streams: OpenStreams,
    held: Option<Held>,
    /// Where the last fetch ended, if nothing had to be written down for it.
    reached: Option<SourceOffset>,
    /// Whether everything that was there at the last look was fetched.
    is_caught_up: bool,
}

/// Records in memory, under the range that they are.
#[derive(Debug)]
struct Held {
    range: SourceRange,
    batches: Vec<RecordBatch>,
}

impl StreamInput {
    pub(crate) fn new(streams: OpenStreams) -> Self {
        Self {
            streams,
            held: None,
            reached: None,
            is_caught_up: false,
        }
    }

    /// What there is from now on counts as new up to this time.
    pub(crate) fn look(&mut self, now_us: i64) {
        self.streams.limits.until_us = Some(now_us);
        self.is_caught_up = false;
    }

    /// How often it makes sense to look: its shards are asked no more often.
    pub(crate) fn look_every(&self) -> Duration {
        self.streams.poll_interval.max(LOOK_EVERY_MIN)
    }

    /// Is notified when records were pushed: whoever rests need not wait for the next look.
    pub(crate) fn news(&self) -> &Arc<Notify> {
        self.streams.source.news()
    }

    /// Gives back what the service keeps for the streams. What it does not take is a warning: all rows are where they
    /// belong.
    pub(crate) async fn close(&mut self) -> Option<Diagnostic> {
        let kept = self.streams.source.close().await.err()?;
        Some(Diagnostic {
            severity: Severity::Warning,
            ..placed(&kept, &self.streams.origin)
        })
    }

    /// What was noticed since the last time somebody asked.
    pub(crate) fn take_notes(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.streams.notes)
    }

    /// Where a stream stands that was looked at and has nothing that has to be written down.
    pub(crate) fn nothing_yet(&self) -> SourceOffset {
        self.reached
            .clone()
            .unwrap_or_else(|| SourceOffset::Kinesis {
                streams: BTreeMap::new(),
            })
    }

    /// Fetches the next range and holds its records; `None` when everything was taken that was there at the last look.
    pub(crate) async fn next_range(
        &mut self,
        position: Option<&SourceOffset>,
    ) -> Result<Option<SourceRange>> {
        while !self.is_caught_up {
            let from = self.reached.as_ref().or(position);
            let streams = &mut self.streams;
            let fetched = streams
                .source
                .fetch(from, streams.limits)
                .await
                .map_err(|error| placed(&error, &streams.origin))?;
            streams.note(fetched.notes);
            self.is_caught_up = fetched.is_caught_up;
            if !fetched.must_plan {
                self.reached = Some(fetched.end);
                continue;
            }
            let range = SourceRange {
                identity: streams.identity(),
                // What was passed over since the position held nothing.
                start: Some(position.cloned().unwrap_or(fetched.start)),
                end: fetched.end,
                count: fetched.count,
                digest: fetched.digest,
            };
            self.held = Some(Held {
                range: range.clone(),
                batches: fetched.batches,
            });
            return Ok(Some(range));
        }
        Ok(None)
    }

    /// The records of a range: those that are held, or the same ones read again.
    pub(crate) async fn records(&mut self, range: &SourceRange) -> Result<Vec<RecordBatch>> {
        if range.count == 0 {
            return Ok(vec![]);
        }
        if let Some(held) = self.held.as_ref().filter(|held| held.range == *range) {
            return Ok(held.batches.clone());
        }
        let streams = &mut self.streams;
        let (batches, notes) = streams
            .source
            .replay(range)
            .await
            .map_err(|error| placed(&error, &streams.origin))?;
        streams.note(notes);
        Ok(batches)
    }

    /// Lets go of what was committed. A range that somebody else planned says nothing of what is behind it.
    pub(crate) fn advance(&mut self, range: &SourceRange) {
        let is_ours = self.held.take().is_some_and(|held| held.range == *range);
        if !is_ours && range.count > 0 {
            self.is_caught_up = false;
        }
        self.reached = None;
    }
}

fn placed(error: &SourceError, origin: &Origin) -> Diagnostic {
    error.to_diagnostic().at_least_at(origin)
}

/// Stands for the query in the name of a registered consumer: letters, digits, `_`, `-` and `.` only.
fn query_id(engine: &Engine, flow: &ResolvedFlow, leaf: &Leaf) -> String {
    let written = format!(
        "{}.{}.{}.{}",
        engine.pipeline_id(),
        flow.id.target,
        flow.id.name,
        leaf.key
    );
    let plain = |c: char| {
        let is_plain = c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if is_plain { c } else { '-' }
    };
    written.chars().map(plain).collect()
}
