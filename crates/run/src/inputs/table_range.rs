//! What a stream of a Delta table takes between two positions in its log. Must not know other sources.

use std::ops::RangeInclusive;

use sluice_checkpoint::SourceOffset;
use sluice_graph::StreamOptions;
use sluice_model::condition::table::{DELTA_SOURCE_TABLE_IGNORE_CHANGES, DELTA_VERSION_NOT_FOUND};
use sluice_model::{Diagnostic, Origin};
use sluice_table::{ChangeKind, DataFile, DeltaTable};

use crate::error::{Failure, Result};

/// Files of a table that a micro-batch takes at most unless the query says otherwise.
const TABLE_FILES_MAX: usize = 1000;
/// Commits that are read, at least and at most, before it is asked whether their files are enough: a stream that is far behind
/// does not read all that is ahead of it for each micro-batch.
const PORTION: RangeInclusive<usize> = 16..=256;

/// Commits without new rows after which a micro-batch is planned for them all the same, so that a restart does not read them
/// again, and nobody who cleans the log takes one that is still to be read.
const QUIET_COMMITS_MAX: u64 = 1000;

/// Positions in the log of a Delta table, as Delta's own streaming source counts them.
#[derive(Debug)]
pub(crate) struct TableRange<'a> {
    /// The table.
    pub(crate) table: &'a DeltaTable,
    /// What the query says of the stream.
    pub(crate) options: &'a StreamOptions,
    /// Where it says so.
    pub(crate) origin: &'a Origin,
    /// The version up to which no commit behind the position has new rows, as an earlier look has seen; 0: not known.
    pub(crate) quiet_until: u64,
}

impl TableRange<'_> {
    /// The end of the next range and how many files it holds; `None` if no new rows are there up to the ceiling, and few commits.
    pub(crate) async fn next(
        &self,
        start: Option<&SourceOffset>,
        ceiling: u64,
    ) -> Result<Option<(SourceOffset, usize)>> {
        let files_max = self.options.files_max.unwrap_or(TABLE_FILES_MAX).max(1);
        // One more than fits tells that something is left.
        let rows = self
            .positions(start, ceiling, files_max.saturating_add(1))
            .await?;
        let count = rows.len().min(files_max).min(self.within_bytes(&rows));
        let Some((last, _)) = count.checked_sub(1).and_then(|index| rows.get(index)) else {
            let is_long = matches!(start, Some(SourceOffset::Table { version, .. })
                if ceiling.saturating_sub(*version) >= QUIET_COMMITS_MAX);
            return Ok(is_long.then(|| (self.after(ceiling), 0)));
        };
        let whole = count == rows.len();
        let end = if whole {
            self.after(ceiling)
        } else {
            last.clone()
        };
        Ok(Some((end, count)))
    }

    /// How many files come up to the bytes of a micro-batch, the one that reaches them included.
    fn within_bytes(&self, rows: &[(SourceOffset, DataFile)]) -> usize {
        let Some(bytes_max) = self.options.bytes_max else {
            return rows.len();
        };
        let mut bytes = 0;
        let before = rows.iter().take_while(|(_, file)| {
            let fits = bytes < bytes_max;
            bytes += file.size;
            fits
        });
        before.count()
    }

    /// The files of a range.
    pub(crate) async fn files(
        &self,
        start: Option<&SourceOffset>,
        end: &SourceOffset,
    ) -> Result<Vec<DataFile>> {
        let SourceOffset::Table { version, .. } = end else {
            return Ok(vec![]);
        };
        let rows = self.positions(start, *version, usize::MAX).await?;
        Ok(rows
            .into_iter()
            .filter(|(position, _)| end.is_at_or_after(position))
            .map(|(_, file)| file)
            .collect())
    }

    fn after(&self, version: u64) -> SourceOffset {
        SourceOffset::Table {
            table_id: self.table.id(),
            version,
            index: None,
            initial_snapshot: false,
        }
    }

    /// `startingVersion` behind the newest version, as Delta's source refuses it: rows of commits in between would be left out.
    fn beyond(&self, version: u64, newest: u64) -> Failure {
        let message = format!(
            "`startingVersion` is {version}, and the newest version of the table is {newest}"
        );
        Diagnostic::error(&DELTA_VERSION_NOT_FOUND, message)
            .at(self.origin, "")
            .help("name a version that is there, or leave the option out to read the whole table")
            .into()
    }

    /// Files with new rows after a position up to a version, each with the position right behind it: all of them, or at least
    /// `enough`.
    async fn positions(
        &self,
        start: Option<&SourceOffset>,
        ceiling: u64,
        enough: usize,
    ) -> Result<Vec<(SourceOffset, DataFile)>> {
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
                Some(version) if version > ceiling => return Err(self.beyond(version, ceiling)),
                Some(0) => (Some(0), 0),
                Some(version) => (None, version - 1),
                None => (Some(ceiling), ceiling),
            },
            Some(SourceOffset::Table {
                version,
                index: Some(_),
                initial_snapshot: true,
                ..
            }) => (Some(*version), *version),
            Some(SourceOffset::Table {
                version,
                index: Some(_),
                initial_snapshot: false,
                ..
            }) => (None, version.saturating_sub(1)),
            Some(SourceOffset::Table { version, .. }) => (None, *version),
            Some(SourceOffset::Files { .. } | SourceOffset::Kinesis { .. }) => (None, ceiling),
        };
        if let Some(version) = snapshot {
            for (index, file) in self
                .table
                .snapshot_files(version)
                .await?
                .into_iter()
                .enumerate()
            {
                found.push((behind(version, index, true), file));
            }
        }
        let is_ahead = |position: &SourceOffset| !start.is_some_and(|s| s.is_at_or_after(position));
        found.retain(|(position, _)| is_ahead(position));
        // Most commits add a file.
        let portion = enough.clamp(*PORTION.start(), *PORTION.end()) as u64;
        let mut read = commits_after.max(self.quiet_until);
        while read < ceiling && found.len() < enough {
            let to = ceiling.min(read + portion);
            for commit in self.table.changes(read, to).await? {
                self.check(commit.kind(), commit.version, &commit.operation)?;
                if commit.kind() == ChangeKind::Removed {
                    continue;
                }
                let files = commit.added.into_iter().enumerate();
                let placed =
                    files.map(|(index, file)| (behind(commit.version, index, false), file));
                found.extend(placed.filter(|(position, _)| is_ahead(position)));
            }
            read = to;
        }
        Ok(found)
    }

    fn check(&self, kind: ChangeKind, version: u64, operation: &str) -> Result<()> {
        if kind != ChangeKind::Removed || self.options.skip_change_commits {
            return Ok(());
        }
        let message = format!(
            "version {version} of the streamed table removed or replaced rows ({operation})"
        );
        let error = Diagnostic::error(&DELTA_SOURCE_TABLE_IGNORE_CHANGES, message)
            .at(self.origin, "")
            .fact("a stream takes each row once; it cannot take rows back")
            .fact("nothing was changed");
        let again = "start the table again from what the source holds now: `sluice run --full-refresh TABLE`";
        // Behind these the source writes rows again that the stream has taken: to go on would double them.
        let rewrites = ["RESTORE", "FULL REFRESH"]
            .iter()
            .any(|rewrite| operation.eq_ignore_ascii_case(rewrite));
        Err(if rewrites {
            error.help(again).into()
        } else {
            error
                .help("ignore such commits: `STREAM t WITH (skipChangeCommits = true)`")
                .help(format!("or {again}"))
                .into()
        })
    }
}
