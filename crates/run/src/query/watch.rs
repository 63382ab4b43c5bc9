//! Looking on while a table grows: the rows and the numbers of its commits since the last look, for whoever watches an
//! engine, in this process or another. Writes nothing and takes no lease. Must not wait: its caller says when to look.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::prelude::DataFrame;
use sluice_graph::{DeclaredGraph, FlowId};
use sluice_model::{DatasetName, Diagnostic};
use sluice_table::{ChangeKind, CommitChanges, DataFile, DeltaTable, TableError};

use crate::echo::Echo;
use crate::engine::Engine;
use crate::error::{Failure, Result};
use crate::query::QueryResult;
use crate::update::Update;

/// Watches one table.
#[derive(Debug, Clone)]
pub struct Onlooker {
    engine: Engine,
    table: DeltaTable,
    seen: u64,
}

/// Rows that came since the last look.
#[derive(Debug, Default)]
pub struct PassingRows {
    /// The rows, in pieces with columns of their own: a table's columns may change meanwhile.
    pub parts: Vec<QueryResult>,
    /// Whether there were more than were asked for.
    pub has_more: bool,
}

/// Numbers of the commits of one flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowNumbers {
    /// Commits.
    pub commits: u64,
    /// Rows that they wrote.
    pub written_rows: u64,
    /// Rows that expectations dropped.
    pub dropped_rows: u64,
    /// Records that could not be read.
    pub bad_records: u64,
    /// When the newest of them was made, milliseconds since the epoch, as its writer told.
    pub newest_ms: Option<i64>,
}

impl FlowNumbers {
    /// Adds those of further commits.
    pub fn add(&mut self, further: &Self) {
        self.commits += further.commits;
        self.written_rows += further.written_rows;
        self.dropped_rows += further.dropped_rows;
        self.bad_records += further.bad_records;
        self.newest_ms = self.newest_ms.max(further.newest_ms);
    }
}

/// The name of a flow as commits and events tell it: the full name of the table for its own flow.
#[must_use]
pub fn flow_display(id: &FlowId) -> String {
    Update::flow_display(id)
}

impl Engine {
    /// Begins to watch a table from its newest version on, or with `from_start` from its first; `None` when there is no
    /// such table yet.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn watch(
        &self,
        declared: &DeclaredGraph,
        name: &DatasetName,
        from_start: bool,
    ) -> std::result::Result<Option<Onlooker>, Vec<Diagnostic>> {
        let table = self.table(declared, name).await?;
        Ok(table.map(|table| Onlooker {
            engine: self.clone(),
            seen: if from_start { 0 } else { table.version() },
            table,
        }))
    }
}

impl Onlooker {
    /// The table, as it was at the last look.
    #[must_use]
    pub fn table(&self) -> &DeltaTable {
        &self.table
    }

    /// The rows that commits brought since the last look, at most so many. Of a commit that replaced rows, those that
    /// were not there before.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rows(
        &mut self,
        rows_max: usize,
    ) -> std::result::Result<PassingRows, Vec<Diagnostic>> {
        self.new_rows(rows_max)
            .await
            .map_err(Failure::into_diagnostics)
    }

    /// The numbers of the commits since the last look, by flow as [`flow_display`] names it. What others wrote is left out.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn numbers(
        &mut self,
    ) -> std::result::Result<BTreeMap<String, FlowNumbers>, Vec<Diagnostic>> {
        let commits = self.commits().await.map_err(Failure::into_diagnostics)?;
        let mut numbers: BTreeMap<String, FlowNumbers> = BTreeMap::new();
        for commit in &commits {
            let Some(echo) = Echo::of(commit) else {
                continue;
            };
            let told = echo.metrics();
            let flow = echo.flow_name().unwrap_or_default();
            let of_flow = numbers.entry(flow.to_owned()).or_default();
            of_flow.add(&FlowNumbers {
                commits: 1,
                written_rows: told.output_rows,
                dropped_rows: told.dropped_rows,
                bad_records: told.bad_records,
                newest_ms: commit.timestamp_ms,
            });
        }
        Ok(numbers)
    }

    /// Moves to the newest version and gives the commits on the way.
    async fn commits(&mut self) -> Result<Vec<CommitChanges>> {
        let newest = self.table.refresh().await?;
        let commits = self.table.changes(self.seen, newest).await?;
        self.seen = newest.max(self.seen);
        Ok(commits)
    }

    async fn new_rows(&mut self, rows_max: usize) -> Result<PassingRows> {
        let commits = self.commits().await?;
        let mut passing = PassingRows::default();
        let mut left = rows_max;
        // One by one: rows of a commit never stand behind those of a later one.
        for commit in commits {
            match commit.kind() {
                ChangeKind::Rearranged => {}
                ChangeKind::Appended => {
                    self.take_appended(&commit.added, &mut left, &mut passing)
                        .await?;
                }
                ChangeKind::Removed => {
                    if let Some(rows) = self.replaced(&commit).await? {
                        take(rows, &mut left, &mut passing).await?;
                    }
                }
            }
        }
        Ok(passing)
    }

    async fn take_appended(
        &self,
        files: &[DataFile],
        left: &mut usize,
        passing: &mut PassingRows,
    ) -> Result<()> {
        if *left == 0 {
            passing.has_more = true;
            return Ok(());
        }
        let provider = self.table.provider_for_files(files, 0).await?;
        take(self.frame(provider)?, left, passing).await
    }

    /// Rows of the files that a commit added less those of the files that it removed.
    async fn replaced(&self, commit: &CommitChanges) -> Result<Option<DataFrame>> {
        if commit.added.is_empty() {
            return Ok(None);
        }
        let after = self
            .table
            .provider_for_files(&commit.added, commit.version)
            .await?;
        let removed: HashSet<&String> = commit.removed.iter().collect();
        let before = commit.version.saturating_sub(1);
        let mut files = self.table.snapshot_files(before).await?;
        files.retain(|file| removed.contains(&file.path));
        let after = self.frame(after)?;
        if files.is_empty() {
            return Ok(Some(after));
        }
        let before = self.table.provider_for_files(&files, before).await?;
        if before.schema() != after.schema().inner().clone() {
            return Ok(Some(after));
        }
        // Columns that cannot be compared, such as maps: then all rows of the new files are shown.
        let new = after.clone().except(self.frame(before)?);
        Ok(Some(new.unwrap_or(after)))
    }

    fn frame(&self, provider: Arc<dyn TableProvider>) -> Result<DataFrame> {
        // One partition: rows of a file stay in their order.
        let session = self.engine.session_with(self.engine.clock().now_us(), 1)?;
        Ok(session
            .context()
            .read_table(provider)
            .map_err(TableError::from)?)
    }
}

async fn take(rows: DataFrame, left: &mut usize, passing: &mut PassingRows) -> Result<()> {
    if *left == 0 {
        passing.has_more = true;
        return Ok(());
    }
    let schema = Arc::new(rows.schema().as_arrow().clone());
    // One more than wanted tells whether there are more.
    let limited = rows
        .limit(0, Some(left.saturating_add(1)))
        .map_err(TableError::from)?;
    let mut batches = vec![];
    for batch in limited.collect().await.map_err(TableError::from)? {
        let count = batch.num_rows().min(*left);
        passing.has_more |= batch.num_rows() > count;
        *left -= count;
        if count > 0 {
            batches.push(batch.slice(0, count));
        }
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows > 0 {
        passing.parts.push(QueryResult { schema, batches });
    }
    Ok(())
}
