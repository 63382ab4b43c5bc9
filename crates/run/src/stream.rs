//! The streaming sources of a flow: where each one stands, and what the next micro-batch takes of it.
//!
//! A triggered update takes everything that is there when it begins, and stops. Must not read rows.

use std::collections::{HashSet, VecDeque};

use sluice_checkpoint::{SourceIdentity, SourceOffset, SourceRange};
use sluice_graph::StreamOptions;
use sluice_model::condition::table::DELTA_SOURCE_TABLE_IGNORE_CHANGES;
use sluice_model::{Diagnostic, Origin};
use sluice_source::{
    FileEntry, SeenIndex, TakenFile, choose, compact_file_lists, decode_file_list, encode_file_list,
};
use sluice_table::{ChangeKind, DataFile, DeltaTable};

use crate::error::Result;
use crate::files::FileInput;
use crate::leaves::Leaf;
use crate::progress::Progress;

/// Files of a table that a micro-batch takes at most unless the query says otherwise.
const TABLE_FILES_MAX: usize = 1000;
/// Batches after which the lists of files are folded into one.
const COMPACT_EVERY: i64 = 100;

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
    Files { input: Box<FileInput>, queue: VecDeque<Vec<FileEntry>> },
    Table { table: DeltaTable, ceiling: u64, options: StreamOptions, origin: Origin },
}

/// What one micro-batch takes of one source.
#[derive(Debug, Clone)]
pub(crate) enum Taken {
    /// These files, in this order.
    Files(Vec<FileEntry>),
    /// These data files of a table.
    Data(Vec<DataFile>),
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
            Self::Whole { .. } | Self::Nothing | Self::Unpinned => 0,
        }
    }

    /// How many bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Files(files) => files.iter().map(|file| file.size).sum(),
            Self::Data(files) => files.iter().map(|file| file.size).sum(),
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
}

impl Opened {
    /// Who the source is.
    pub(crate) fn identity(&self) -> SourceIdentity {
        match self {
            Self::Files(input) => SourceIdentity::Files {
                root: input.source.path().written.clone(),
                format: input.schema.format.name().to_string(),
            },
            Self::Table(table) => SourceIdentity::Table { table_id: table.id() },
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
                let options = input.source.options();
                let new = seen.new_files(input.listing.files.clone(), options.allow_overwrites);
                let limit = files_max.unwrap_or(options.max_files_per_trigger).max(1);
                let queue = choose(new, limit, options.max_bytes_per_trigger).into();
                Kind::Files { input, queue }
            }
            Opened::Table(table) => {
                let ceiling = table.version();
                let written = leaf.relation.as_ref().map(|relation| &relation.options);
                let mut options = written.map(|written| StreamOptions::parse(written).0).unwrap_or_default();
                options.files_max = files_max.or(options.files_max);
                Kind::Table { table, ceiling, options, origin: origin.clone() }
            }
        };
        Ok(Self { key: leaf.key.clone(), identity, position, kind })
    }

    /// The file source, if it is one.
    pub(crate) fn file_input(&self) -> Option<&FileInput> {
        match &self.kind {
            Kind::Files { input, .. } => Some(input),
            Kind::Table { .. } => None,
        }
    }

    /// The table, if it is one.
    pub(crate) fn table(&self) -> Option<&DeltaTable> {
        match &self.kind {
            Kind::Table { table, .. } => Some(table),
            Kind::Files { .. } => None,
        }
    }

    /// The position of a source that has been looked at and has nothing yet.
    pub(crate) fn nothing_yet(&self) -> SourceOffset {
        match &self.kind {
            Kind::Files { .. } => SourceOffset::Files { files: 0, bytes: 0, digest: String::new() },
            Kind::Table { table, ceiling, .. } => {
                SourceOffset::Table { table_id: table.id(), version: *ceiling, index: None, initial_snapshot: false }
            }
        }
    }

    /// The range that the next micro-batch takes; `None` if there is nothing new. Makes the list of its files durable.
    pub(crate) async fn next_range(&self, batch: i64, progress: &Progress) -> Result<Option<SourceRange>> {
        let start = self.position.clone();
        let (end, count, digest) = match &self.kind {
            Kind::Files { queue, .. } => {
                let Some(files) = queue.front() else { return Ok(None) };
                let list = encode(batch, files)?;
                progress.store.put("files", &list_name(batch, &self.key, &list.digest), list.bytes).await?;
                let (taken, bytes, chain) = match &start {
                    Some(SourceOffset::Files { files, bytes, digest }) => (*files, *bytes, digest.as_str()),
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
            Kind::Table { table, ceiling, options, origin } => {
                let range = TableRange { table, options, origin };
                let Some((end, count)) = range.next(start.as_ref(), *ceiling).await? else {
                    return Ok(None);
                };
                (end, count as u64, String::new())
            }
        };
        Ok(Some(SourceRange { identity: self.identity.clone(), start, end, count, digest }))
    }

    /// The files of a planned range: the same ones, whenever it is asked.
    pub(crate) async fn taken(&self, batch: i64, range: &SourceRange, progress: &Progress) -> Result<Taken> {
        match &self.kind {
            Kind::Files { .. } => {
                if range.count == 0 {
                    return Ok(Taken::Files(vec![]));
                }
                let name = list_name(batch, &self.key, &range.digest);
                let bytes = progress.store.require("files", &name).await?;
                let rows = decode_file_list(&name, bytes, Some(&range.digest)).map_err(|error| error.to_diagnostic())?;
                Ok(Taken::Files(rows.into_iter().map(|row| row.file).collect()))
            }
            Kind::Table { table, options, origin, .. } => {
                let source = TableRange { table, options, origin };
                Ok(Taken::Data(source.files(range.start.as_ref(), &range.end).await?))
            }
        }
    }

    /// Moves past a committed range, whoever planned it: what it took is not taken again.
    pub(crate) fn advance(&mut self, range: &SourceRange, taken: Option<&Taken>) {
        self.position = Some(range.end.clone());
        let (Kind::Files { queue, .. }, Some(Taken::Files(files))) = (&mut self.kind, taken) else { return };
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

fn encode(batch: i64, files: &[FileEntry]) -> Result<sluice_source::EncodedFileList> {
    let batch = u64::try_from(batch).unwrap_or_default();
    let rows: Vec<TakenFile> = files.iter().map(|file| TakenFile { batch, file: file.clone() }).collect();
    Ok(encode_file_list(&rows).map_err(|error| error.to_diagnostic())?)
}

fn list_name(batch: i64, key: &str, digest: &str) -> String {
    format!("{batch:020}-{key}-{digest}.parquet")
}

fn compact_name(batch: i64, key: &str) -> String {
    format!("upto-{batch:020}-{key}.parquet")
}

/// A digest of the list of a batch chained to the one before it.
fn chained(before: &str, list: &str) -> String {
    format!("{:08x}", crc32c::crc32c(format!("{before}{list}").as_bytes()))
}

/// The files that committed batches took, folded from their lists; `expected` is how many the last offset counts.
async fn seen(progress: &Progress, key: &str, expected: u64) -> Result<SeenIndex> {
    let mut index = SeenIndex::new();
    let mut count = 0_u64;
    for rows in committed_lists(progress, key).await? {
        count += rows.len() as u64;
        index.extend(&rows);
    }
    if count == expected {
        return Ok(index);
    }
    Err(progress.store.lost(&format!("the lists of taken files hold {count} files, the last micro-batch counts {expected}")))
}

/// The lists of files of all committed batches, the folded one first.
async fn committed_lists(progress: &Progress, key: &str) -> Result<Vec<Vec<TakenFile>>> {
    if progress.committed < 0 {
        return Ok(vec![]);
    }
    let names = progress.store.names("files").await?;
    let suffix = format!("-{key}.parquet");
    let folded = names
        .iter()
        .filter_map(|name| {
            let batch: i64 = name.strip_prefix("upto-")?.strip_suffix(&suffix)?.parse().ok()?;
            (batch <= progress.committed).then_some(batch)
        })
        .max();
    let mut lists = vec![];
    if let Some(batch) = folded {
        lists.push(read_list(progress, &compact_name(batch, key)).await?);
    }
    for batch in folded.map_or(0, |batch| batch + 1)..=progress.committed {
        let prefix = format!("{batch:020}-{key}-");
        let candidates: Vec<&String> = names.iter().filter(|name| name.starts_with(&prefix)).collect();
        if candidates.is_empty() {
            continue;
        }
        // A list without a plan that names it was left by an engine that died before it wrote the plan.
        let plan = progress.store.plan_of(batch).await?;
        let range = plan.as_ref().and_then(|plan| plan.sources.get(key));
        let named = range.filter(|range| range.count > 0).map(|range| list_name(batch, key, &range.digest));
        match (plan, named, candidates.as_slice()) {
            (Some(_), Some(name), _) => lists.push(read_list(progress, &name).await?),
            (None, _, [only]) => lists.push(read_list(progress, only).await?),
            _ => {}
        }
    }
    Ok(lists)
}

async fn read_list(progress: &Progress, name: &str) -> Result<Vec<TakenFile>> {
    let bytes = progress.store.require("files", name).await?;
    Ok(decode_file_list(name, bytes, None).map_err(|error| error.to_diagnostic())?)
}

/// Every file that committed batches took.
pub(crate) async fn taken_files(progress: &Progress, key: &str) -> Result<Vec<TakenFile>> {
    Ok(committed_lists(progress, key).await?.into_iter().flatten().collect())
}

/// Folds the lists of files and forgets old plans, now and then; safe to stop anywhere.
pub(crate) async fn tidy_up(progress: &Progress, keys: &[String]) -> Result<()> {
    if progress.committed < COMPACT_EVERY || progress.committed % COMPACT_EVERY != 0 {
        return Ok(());
    }
    for key in keys {
        let rows = compact_file_lists(committed_lists(progress, key).await?);
        let list = encode_file_list(&rows).map_err(|error| error.to_diagnostic())?;
        progress.store.put("files", &compact_name(progress.committed, key), list.bytes).await?;
    }
    progress.store.forget_plans_before(progress.committed - COMPACT_EVERY).await
}

/// Positions in the log of a Delta table, as Delta's own streaming source counts them.
struct TableRange<'a> {
    table: &'a DeltaTable,
    options: &'a StreamOptions,
    origin: &'a Origin,
}

impl TableRange<'_> {
    /// The end of the next range and how many files it holds; `None` if no new rows are there up to the ceiling.
    async fn next(&self, start: Option<&SourceOffset>, ceiling: u64) -> Result<Option<(SourceOffset, usize)>> {
        let rows = self.positions(start, ceiling).await?;
        let count = rows.len().min(self.options.files_max.unwrap_or(TABLE_FILES_MAX).max(1)).min(self.within_bytes(&rows));
        let Some((last, _)) = count.checked_sub(1).and_then(|index| rows.get(index)) else { return Ok(None) };
        let whole = count == rows.len();
        let end = if whole { self.after(ceiling) } else { last.clone() };
        Ok(Some((end, count)))
    }

    /// How many files come up to the bytes of a micro-batch, the one that reaches them included.
    fn within_bytes(&self, rows: &[(SourceOffset, DataFile)]) -> usize {
        let Some(bytes_max) = self.options.bytes_max else { return rows.len() };
        let mut bytes = 0;
        let before = rows.iter().take_while(|(_, file)| {
            let fits = bytes < bytes_max;
            bytes += file.size;
            fits
        });
        before.count()
    }

    /// The files of a range.
    async fn files(&self, start: Option<&SourceOffset>, end: &SourceOffset) -> Result<Vec<DataFile>> {
        let SourceOffset::Table { version, .. } = end else { return Ok(vec![]) };
        let rows = self.positions(start, *version).await?;
        Ok(rows.into_iter().filter(|(position, _)| end.is_at_or_after(position)).map(|(_, file)| file).collect())
    }

    fn after(&self, version: u64) -> SourceOffset {
        SourceOffset::Table { table_id: self.table.id(), version, index: None, initial_snapshot: false }
    }

    /// Files with new rows after a position up to a version, each with the position right behind it.
    async fn positions(&self, start: Option<&SourceOffset>, ceiling: u64) -> Result<Vec<(SourceOffset, DataFile)>> {
        let id = self.table.id();
        let behind = |version, index: usize, initial_snapshot| SourceOffset::Table {
            table_id: id.clone(),
            version,
            index: Some(index as u64 + 1),
            initial_snapshot,
        };
        let mut found = vec![];
        let (snapshot, commits_after) = match start {
            None => match self.options.starting_version {
                Some(0) => (Some(0), 0),
                Some(version) => (None, version - 1),
                None => (Some(ceiling), ceiling),
            },
            Some(SourceOffset::Table { version, index: Some(_), initial_snapshot: true, .. }) => (Some(*version), *version),
            Some(SourceOffset::Table { version, index: Some(_), initial_snapshot: false, .. }) => (None, version.saturating_sub(1)),
            Some(SourceOffset::Table { version, .. }) => (None, *version),
            Some(SourceOffset::Files { .. }) => (None, ceiling),
        };
        if let Some(version) = snapshot {
            for (index, file) in self.table.snapshot_files(version).await?.into_iter().enumerate() {
                found.push((behind(version, index, true), file));
            }
        }
        for commit in self.table.changes(commits_after, ceiling).await? {
            self.check(commit.kind(), commit.version, &commit.operation)?;
            if commit.kind() == ChangeKind::Removed {
                continue;
            }
            for (index, file) in commit.added.into_iter().enumerate() {
                found.push((behind(commit.version, index, false), file));
            }
        }
        if let Some(start) = start {
            found.retain(|(position, _)| !start.is_at_or_after(position));
        }
        Ok(found)
    }

    fn check(&self, kind: ChangeKind, version: u64, operation: &str) -> Result<()> {
        if kind != ChangeKind::Removed || self.options.skip_change_commits {
            return Ok(());
        }
        let message = format!("version {version} of the streamed table removed or replaced rows ({operation})");
        Err(Diagnostic::error(&DELTA_SOURCE_TABLE_IGNORE_CHANGES, message)
            .at(self.origin, "")
            .fact("a stream takes each row once; it cannot take rows back")
            .fact("nothing was changed")
            .help("ignore such commits: `STREAM t WITH (skipChangeCommits = true)`")
            .help("or start the table again from what the source holds now: `sluice run --full-refresh TABLE`")
            .into())
    }
}
