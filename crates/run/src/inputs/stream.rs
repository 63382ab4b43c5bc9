//! The streaming sources of a flow: where each one stands, and what the next micro-batch takes of it.
//!
//! A triggered update takes everything that is there when it begins, and stops; a continuous one looks again and again.
//! Must not read rows.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use sluice_checkpoint::{SourceIdentity, SourceOffset, SourceRange};
use sluice_graph::query::ReadMode;
use sluice_graph::{Input, ResolvedFlow, StreamOptions};
use sluice_model::{Clock, Diagnostic, Origin};
use sluice_source::{FileEntry, SeenIndex, choose, decode_file_list};
use sluice_table::{DataFile, DeltaTable};

use crate::error::{Result, internal};
use crate::inputs::file_list::{chained, encode, list_name, seen};
use crate::inputs::files::{FileInput, away};
use crate::inputs::kinesis::{OpenStreams, StreamInput};
use crate::inputs::leaves::{Leaf, leaves};
use crate::inputs::table_range::TableRange;
use crate::progress::Progress;
use crate::update::Update;

/// Between two listings of files, at least.
const FILES_EVERY: Duration = Duration::from_millis(250);
/// Between two listings of files, at most.
const FILES_EVERY_MOST: Duration = Duration::from_mins(1);
/// Between two looks at the log of a table that others write.
const TABLES_EVERY: Duration = Duration::from_secs(1);

/// One streaming source of a flow, at its position.
#[derive(Debug)]
pub(crate) struct StreamSource {
    /// Its name in plans.
    pub(crate) key: String,
    /// Who it is.
    pub(crate) identity: SourceIdentity,
    /// Where the next range begins; `None`: at the very beginning.
    pub(crate) position: Option<SourceOffset>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Files {
        input: Box<FileInput>,
        seen: SeenIndex,
        files_max: usize,
        queue: VecDeque<Vec<FileEntry>>,
        /// How long it took to list them last.
        listing_us: i64,
    },
    Table {
        table: DeltaTable,
        /// Its columns, if others write it; our own tables change theirs only when the graph is resolved.
        external: Option<SchemaRef>,
        ceiling: u64,
        /// As [`TableRange::quiet_until`].
        quiet_until: u64,
        options: StreamOptions,
        origin: Origin,
    },
    Kinesis(Box<StreamInput>),
}

/// What a look at a source shows of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// They are those that the graph knows.
    SameColumns,
    /// The graph must be resolved again.
    OtherColumns,
}

/// What one micro-batch takes of one source.
#[derive(Debug, Clone)]
pub(crate) enum Taken {
    /// These files, in this order.
    Files(Vec<FileEntry>),
    /// These data files of a table.
    Data(Vec<DataFile>),
    /// These records of streams.
    Records(Vec<RecordBatch>),
    /// A table as it was at a version.
    Whole {
        /// The version.
        version: u64,
        /// Its size.
        bytes: u64,
    },
    /// Nothing: its rows have not changed since they were taken.
    Nothing,
    /// Everything that is there when it is read; its size is not known.
    Unpinned,
}

impl Taken {
    /// How many files.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Files(files) => files.len(),
            Self::Data(files) => files.len(),
            Self::Records(_) | Self::Whole { .. } | Self::Nothing | Self::Unpinned => 0,
        }
    }

    /// How many bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Files(files) => files.iter().map(|file| file.size).sum(),
            Self::Data(files) => files.iter().map(|file| file.size).sum(),
            Self::Records(batches) => batches
                .iter()
                .map(|batch| batch.get_array_memory_size() as u64)
                .sum(),
            Self::Whole { bytes, .. } => *bytes,
            Self::Nothing => 0,
            Self::Unpinned => u64::from(u32::MAX),
        }
    }
}

/// What a streaming leaf is, before its position is known.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Files.
    Files(Box<FileInput>),
    /// A table, with the version that this update reads up to.
    Table(DeltaTable),
    /// Kinesis streams.
    Kinesis(Box<OpenStreams>),
}

/// The streaming sources of a flow; `None` while one of them does not exist yet or tells no columns.
pub(crate) async fn open(
    update: &Update,
    flow: &ResolvedFlow,
) -> Result<Option<Vec<(Leaf, Opened)>>> {
    let mut opened = vec![];
    for leaf in leaves(&update.prepared.graph, flow) {
        if leaf.mode != ReadMode::Stream {
            continue;
        }
        let source = match &leaf.input {
            Input::Files(function) => match update.prepared.files.get(&function.origin) {
                Some(input) => Opened::Files(Box::new(input)),
                None => return Ok(None),
            },
            Input::Kinesis(call) => Opened::Kinesis(Box::new(
                OpenStreams::open(&update.engine, flow, &leaf, call).await?,
            )),
            Input::EventLog(_) => return Err(internal("the event log cannot be streamed").into()),
            table => match update.tables.streamed(table).await? {
                Some(table) => {
                    table.refresh().await?;
                    Opened::Table(table)
                }
                None => return Ok(None),
            },
        };
        opened.push((leaf, source));
    }
    Ok(Some(opened))
}

impl Opened {
    /// Who the source is.
    pub(crate) fn identity(&self) -> SourceIdentity {
        match self {
            Self::Files(input) => SourceIdentity::Files {
                root: input.source.path().written.clone(),
                format: input.schema.format.name().to_string(),
            },
            Self::Table(table) => SourceIdentity::Table {
                table_id: table.id(),
            },
            Self::Kinesis(streams) => streams.identity(),
        }
    }
}

impl StreamSource {
    /// Puts a source at its position after the last committed batch.
    pub(crate) async fn at(
        leaf: &Leaf,
        opened: Opened,
        position: Option<SourceOffset>,
        progress: &Progress,
        files_max: Option<usize>,
        origin: &Origin,
    ) -> Result<Self> {
        let identity = opened.identity();
        let kind = match opened {
            Opened::Files(input) => {
                let taken = match &position {
                    Some(SourceOffset::Files { files, .. }) => *files,
                    _ => 0,
                };
                let seen = seen(progress, &leaf.key, taken).await?;
                let written = input.source.options().max_files_per_trigger;
                let files_max = files_max.unwrap_or(written).max(1);
                let queue = new_files(&input, &seen, files_max);
                Kind::Files {
                    input,
                    seen,
                    files_max,
                    queue,
                    listing_us: 0,
                }
            }
            Opened::Table(table) => {
                let ceiling = table.version();
                let written = leaf.relation.as_ref().map(|relation| &relation.options);
                let mut options = written
                    .map(|written| StreamOptions::parse(written).0)
                    .unwrap_or_default();
                options.files_max = files_max.or(options.files_max);
                Kind::Table {
                    external: (!matches!(leaf.input, Input::Dataset(_))).then(|| table.schema()),
                    table,
                    ceiling,
                    quiet_until: 0,
                    options,
                    origin: origin.clone(),
                }
            }
            Opened::Kinesis(streams) => Kind::Kinesis(Box::new(StreamInput::new(*streams))),
        };
        Ok(Self {
            key: leaf.key.clone(),
            identity,
            position,
            kind,
        })
    }

    /// Looks what is new: files by listing them again, a table of others by reading its log, one of our own at the
    /// version that its handle stands at, which our commits move.
    pub(crate) async fn look(&mut self, clock: &dyn Clock) -> Result<Look> {
        let now_us = clock.now_us();
        match &mut self.kind {
            Kind::Files {
                input,
                seen,
                files_max,
                queue,
                listing_us,
            } => {
                let listing = input
                    .source
                    .discover(now_us)
                    .await
                    .map_err(|error| away(vec![error.to_diagnostic().at(&input.origin, "")]))?;
                *listing_us = clock.now_us() - now_us;
                input.listing = Arc::new(listing);
                *queue = new_files(input, seen, *files_max);
            }
            Kind::Table {
                table,
                external,
                ceiling,
                ..
            } => {
                if let Some(columns) = external {
                    table.refresh().await?;
                    if table.schema() != *columns {
                        return Ok(Look::OtherColumns);
                    }
                }
                *ceiling = table.version();
            }
            Kind::Kinesis(input) => input.look(now_us),
        }
        Ok(Look::SameColumns)
    }

    /// What was noticed while reading, since the last time somebody asked.
    pub(crate) fn take_notes(&mut self) -> Vec<Diagnostic> {
        match &mut self.kind {
            Kind::Kinesis(input) => input.take_notes(),
            Kind::Files { .. } | Kind::Table { .. } => vec![],
        }
    }

    /// Gives back what others keep for it; what they do not take is a warning.
    pub(crate) async fn close(&mut self) -> Option<Diagnostic> {
        match &mut self.kind {
            Kind::Kinesis(input) => input.close().await,
            Kind::Files { .. } | Kind::Table { .. } => None,
        }
    }

    /// Whether it can be read again only as far as somebody else keeps it.
    pub(crate) fn is_forgetful(&self) -> bool {
        matches!(self.kind, Kind::Kinesis(_))
    }

    /// How often it must be looked at though no commit of ours calls: long folders less often, so that listing them
    /// is a tenth of the time at most.
    pub(crate) fn look_every(&self) -> Option<Duration> {
        match &self.kind {
            Kind::Files { listing_us, .. } => {
                let listing = Duration::from_micros(u64::try_from(*listing_us).unwrap_or(0));
                Some((listing * 10).clamp(FILES_EVERY, FILES_EVERY_MOST))
            }
            Kind::Table { external, .. } => external.as_ref().map(|_| TABLES_EVERY),
            Kind::Kinesis(input) => Some(input.look_every()),
        }
    }

    /// Ends when records were pushed that nobody has taken yet; never, where they have to be asked for.
    pub(crate) async fn news(&self) {
        match &self.kind {
            Kind::Kinesis(input) => input.news().notified().await,
            Kind::Files { .. } | Kind::Table { .. } => std::future::pending().await,
        }
    }

    /// The file source, if it is one.
    pub(crate) fn file_input(&self) -> Option<&FileInput> {
        match &self.kind {
            Kind::Files { input, .. } => Some(input),
            Kind::Table { .. } | Kind::Kinesis(_) => None,
        }
    }

    /// The range of a source that has nothing new but has been read before.
    pub(crate) fn nothing_new(&self) -> Option<SourceRange> {
        let position = self.position.clone()?;
        Some(SourceRange {
            identity: self.identity.clone(),
            start: Some(position.clone()),
            end: position,
            count: 0,
            digest: String::new(),
        })
    }

    /// The position of a source that has been looked at and has nothing yet.
    pub(crate) fn nothing_yet(&self) -> SourceOffset {
        match &self.kind {
            Kind::Files { .. } => SourceOffset::Files {
                files: 0,
                bytes: 0,
                digest: String::new(),
            },
            Kind::Table { table, ceiling, .. } => SourceOffset::Table {
                table_id: table.id(),
                version: *ceiling,
                index: None,
                initial_snapshot: false,
            },
            Kind::Kinesis(input) => input.nothing_yet(),
        }
    }

    /// The range that the next micro-batch takes; `None` if there is nothing new. Makes the list of its files durable;
    /// records of a stream are fetched and held.
    pub(crate) async fn next_range(
        &mut self,
        batch: i64,
        progress: &Progress,
    ) -> Result<Option<SourceRange>> {
        let start = self.position.clone();
        let (end, count, digest) = match &mut self.kind {
            Kind::Kinesis(input) => return input.next_range(start.as_ref()).await,
            Kind::Files { queue, .. } => {
                let Some(files) = queue.front() else {
                    return Ok(None);
                };
                let list = encode(batch, files)?;
                let name = list_name(batch, &self.key, &list.digest);
                progress.store.put("files", &name, list.bytes).await?;
                let (taken, bytes, chain) = match &start {
                    Some(SourceOffset::Files {
                        files,
                        bytes,
                        digest,
                    }) => (*files, *bytes, digest.as_str()),
                    _ => (0, 0, ""),
                };
                let size: u64 = files.iter().map(|file| file.size).sum();
                let end = SourceOffset::Files {
                    files: taken + files.len() as u64,
                    bytes: bytes + size,
                    digest: chained(chain, &list.digest),
                };
                (end, files.len() as u64, list.digest)
            }
            Kind::Table {
                table,
                ceiling,
                quiet_until,
                options,
                origin,
                ..
            } => {
                let range = TableRange {
                    table,
                    options,
                    origin,
                    quiet_until: *quiet_until,
                };
                let Some((end, count)) = range.next(start.as_ref(), *ceiling).await? else {
                    if start.is_some() {
                        *quiet_until = *ceiling;
                    }
                    return Ok(None);
                };
                (end, count as u64, String::new())
            }
        };
        Ok(Some(SourceRange {
            identity: self.identity.clone(),
            start,
            end,
            count,
            digest,
        }))
    }

    /// The files or records of a planned range: the same ones, whenever it is asked.
    pub(crate) async fn taken(
        &mut self,
        batch: i64,
        range: &SourceRange,
        progress: &Progress,
    ) -> Result<Taken> {
        match &mut self.kind {
            Kind::Kinesis(input) => Ok(Taken::Records(input.records(range).await?)),
            Kind::Files { .. } => {
                if range.count == 0 {
                    return Ok(Taken::Files(vec![]));
                }
                let name = list_name(batch, &self.key, &range.digest);
                let bytes = progress.store.require("files", &name).await?;
                let rows = decode_file_list(&name, bytes, Some(&range.digest))
                    .map_err(|error| error.to_diagnostic())?;
                Ok(Taken::Files(rows.into_iter().map(|row| row.file).collect()))
            }
            Kind::Table {
                table,
                quiet_until,
                options,
                origin,
                ..
            } => {
                let source = TableRange {
                    table,
                    options,
                    origin,
                    quiet_until: *quiet_until,
                };
                Ok(Taken::Data(
                    source.files(range.start.as_ref(), &range.end).await?,
                ))
            }
        }
    }

    /// Moves past a committed range, whoever planned it: what it took is not taken again.
    pub(crate) fn advance(&mut self, range: &SourceRange, taken: Option<&Taken>) {
        self.position = Some(range.end.clone());
        if let Kind::Kinesis(input) = &mut self.kind {
            input.advance(range);
        }
        let (Kind::Files { queue, seen, .. }, Some(Taken::Files(files))) = (&mut self.kind, taken)
        else {
            return;
        };
        for file in files {
            seen.insert(file);
        }
        if queue.front() == Some(files) {
            queue.pop_front();
            return;
        }
        let paths: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        for batch in queue.iter_mut() {
            batch.retain(|file| !paths.contains(file.path.as_str()));
        }
        queue.retain(|batch| !batch.is_empty());
    }
}

/// The files of a listing that no micro-batch took, cut into micro-batches.
fn new_files(input: &FileInput, seen: &SeenIndex, files_max: usize) -> VecDeque<Vec<FileEntry>> {
    let options = input.source.options();
    let new = seen.new_files(input.listing.files.clone(), options.allow_overwrites);
    choose(new, files_max, options.max_bytes_per_trigger).into()
}
