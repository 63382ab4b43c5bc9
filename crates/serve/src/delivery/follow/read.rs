//! From what was appended to a table to the next message for one destination. Must not send, and moves no recorded
//! position but over versions that hold nothing to tell.

use futures::StreamExt;
use serde_json::json;
use sluice_model::Diagnostic;
use sluice_model::condition::run::INTERNAL_ERROR;
use sluice_model::condition::serve::{
    DELIVERY_POSITION_LOST, DELIVERY_ROWS_REPLACED, DESTINATION_COLUMN_NOT_FOUND,
};
use sluice_model::event::EventLevel;
use sluice_run::Failure;
use sluice_table::{ChangeKind, DeltaTable, TableError};

use super::super::feed::Feed;
use super::super::message::{self, JsonRow, Message, Told, digest_of};
use super::{Follower, Position, Ready};

/// Keys that are remembered for a cool-down; beyond, the oldest are forgotten and may be told again.
const KEYS_MAX: usize = 10_000;
/// Versions without rows after which the position is recorded all the same.
const SILENT_VERSIONS_MAX: u64 = 100;

impl Follower {
    /// Reads on until there is a message, or nothing more to read.
    pub(super) async fn read(&mut self) -> Result<Option<Ready>, Failure> {
        let table = if let Some(table) = &self.table {
            table.refresh().await?;
            table.clone()
        } else {
            let Some(table) = self.feed.source().open().await? else {
                return Ok(None);
            };
            self.table = Some(table.clone());
            table
        };
        if self.reads.table_id != table.id() {
            // Another table under the name: all of its rows are new.
            self.files = None;
            self.reads = Position {
                table_id: table.id(),
                told: std::mem::take(&mut self.reads.told),
                ..Position::default()
            };
        }
        let rows_max = self.address.destination.group_rows_max as usize;
        while self.reads.version <= table.version() {
            self.open_version(&table).await?;
            let version = self.reads.version;
            let suppressed = self.suppressed;
            let mut told = vec![];
            while told.len() < rows_max {
                let Some((place, row)) = self.next_row(&table).await? else {
                    break;
                };
                told.extend(self.choose(&place, row)?);
            }
            let is_read = told.len() < rows_max;
            if is_read {
                self.files = None;
                self.reads = Position {
                    version: version + 1,
                    file: 0,
                    row: 0,
                    ..std::mem::take(&mut self.reads)
                };
            }
            if !told.is_empty() {
                return Ok(Some(self.make(version, told)));
            }
            // Rows that a cool-down held back stay untold, whoever starts again after it.
            let held_back = self.suppressed > suppressed;
            let is_far = self.reads.version >= self.recorded.version + SILENT_VERSIONS_MAX;
            if is_read && (held_back || is_far) {
                let suppressed = self.suppressed;
                self.advance(self.reads.clone()).await?;
                self.suppressed = suppressed;
            }
        }
        Ok(None)
    }

    fn make(&mut self, version: u64, rows: Vec<Told>) -> Ready {
        let name = self.address.destination.name.as_str();
        let keys = rows.iter().map(|told| told.key.as_str());
        let message = Message {
            key: digest_of(std::iter::once(name).chain(keys)),
            subject: self.feed.subject().to_owned(),
            version,
            rows,
            suppressed: std::mem::take(&mut self.suppressed),
        };
        Ready {
            body: message::body(&message, &self.address.destination, &self.pipeline),
            rows: message.rows.len(),
            key: message.key,
            after: self.reads.clone(),
            attempts: 0,
            not_before: None,
        }
    }

    /// The files that the version to read has added.
    async fn open_version(&mut self, table: &DeltaTable) -> Result<(), Failure> {
        if self.files.is_some() {
            return Ok(());
        }
        self.rows = None;
        self.waiting.clear();
        let version = self.reads.version;
        let Some(before) = version.checked_sub(1) else {
            self.files = Some(table.snapshot_files(0).await?);
            return Ok(());
        };
        let commit = match table.changes(before, version).await {
            Ok(commits) => commits.into_iter().next(),
            Err(TableError::VersionNotFound { .. }) => {
                return self
                    .lost(version, "the table's log does not hold it any more")
                    .await;
            }
            Err(error) => return Err(error.into()),
        };
        let mut files = vec![];
        if let Some(commit) = commit {
            if commit.kind() == ChangeKind::Removed && !commit.added.is_empty() {
                let subject = self.feed.subject();
                let message =
                    format!("version {version} of {subject} replaced rows, and they are not told");
                let found = Diagnostic::warning(&DELIVERY_ROWS_REPLACED, message)
                    .help("feed the destination from a streaming table, which only appends");
                self.say(&found);
                self.note(EventLevel::Warn, &found, json!({ "version": version }))
                    .await?;
            } else {
                files = commit.added;
            }
        }
        self.files = Some(files);
        Ok(())
    }

    /// Rows that cannot be read any more are passed over, and that is told.
    async fn lost(&mut self, version: u64, why: &str) -> Result<(), Failure> {
        let subject = self.feed.subject();
        let message = format!("version {version} of {subject} cannot be told: {why}");
        let found = Diagnostic::warning(&DELIVERY_POSITION_LOST, message)
            .fact("delivery goes on with the next version");
        self.say(&found);
        self.note(EventLevel::Warn, &found, json!({ "version": version }))
            .await?;
        self.files = Some(vec![]);
        Ok(())
    }

    /// The next row of the version with its place; moves the reading position behind it.
    async fn next_row(&mut self, table: &DeltaTable) -> Result<Option<(String, JsonRow)>, Failure> {
        loop {
            if let Some(row) = self.waiting.pop_front() {
                let Position {
                    table_id,
                    version,
                    file,
                    row: number,
                    ..
                } = &self.reads;
                let place = format!("{table_id}/{version}/{file}/{number}");
                self.reads.row += 1;
                return Ok(Some((place, row)));
            }
            let files = self.files.as_deref().unwrap_or_default();
            let Some(file) = files.get(self.reads.file) else {
                return Ok(None);
            };
            let is_new = self.rows.is_none();
            let mut rows = match self.rows.take() {
                Some(rows) => rows,
                None => self.engine.rows_of_file(table, file).await?,
            };
            // After a restart the rows before the position are read again and passed over.
            let mut skipped = if is_new { self.reads.row } else { 0 };
            loop {
                let Some(batch) = rows.next().await.transpose()? else {
                    self.reads.file += 1;
                    self.reads.row = 0;
                    break;
                };
                if batch.num_rows() <= skipped {
                    skipped -= batch.num_rows();
                    continue;
                }
                let batch = batch.slice(skipped, batch.num_rows() - skipped);
                let read = message::rows_of(&batch);
                self.waiting = read.map_err(|words| unreadable(&words))?.into();
                self.rows = Some(rows);
                break;
            }
        }
    }

    /// The row as it is told, with its key; `None` when nobody wants it or its key was told a short time before.
    fn choose(&mut self, place: &str, row: JsonRow) -> Result<Option<Told>, Failure> {
        let Some(row) = self.feed.told(row) else {
            return Ok(None);
        };
        let destination = &self.address.destination;
        let columns = match &self.feed {
            Feed::Rows { .. } => destination.deduplication_key.as_slice(),
            Feed::Updates { .. } => &[],
        };
        if columns.is_empty() {
            let key = digest_of([place]);
            return Ok(Some(Told { key, row }));
        }
        let mut parts = vec![];
        for column in columns {
            let found = row
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&column.value));
            let Some((_, value)) = found else {
                let message = format!(
                    "{} has no column `{}`, which the key of destination `{}` names",
                    self.feed.subject(),
                    column.value,
                    destination.name
                );
                return Err(Diagnostic::error(&DESTINATION_COLUMN_NOT_FOUND, message)
                    .at(&column.origin, "")
                    .fact("nothing is sent, and nothing is lost")
                    .into());
            };
            parts.push(value.to_string());
        }
        let key = digest_of(parts.iter().map(String::as_str));
        if self.note_told(&key) {
            self.suppressed += 1;
            return Ok(None);
        }
        Ok(Some(Told { key, row }))
    }

    /// Notes that a key is told; `true` if it was within the cool-down, and must not be again.
    fn note_told(&mut self, key: &str) -> bool {
        let seconds = self.address.destination.cool_down_seconds;
        if seconds == 0 {
            return false;
        }
        let now_us = self.now_us();
        let span_us = i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000);
        let told = &mut self.reads.told;
        if told
            .get(key)
            .is_some_and(|at| now_us.saturating_sub(*at) < span_us)
        {
            return true;
        }
        told.retain(|_, at| now_us.saturating_sub(*at) < span_us);
        while told.len() >= KEYS_MAX {
            let oldest = told
                .iter()
                .min_by_key(|(_, at)| **at)
                .map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            told.remove(&oldest);
        }
        told.insert(key.to_owned(), now_us);
        false
    }
}

fn unreadable(words: &str) -> Failure {
    Diagnostic::error(&INTERNAL_ERROR, format!("rows have no JSON form: {words}")).into()
}
