//! `badRecordsPath`: the records of a micro-batch that could not be parsed, kept beside the tables. Must not decide
//! what is bad.
//!
//! They wait in a temporary file while the micro-batch is read, ordered by file and line when it has ended, and are
//! written before the commit: a micro-batch that is done again overwrites its own files with the same bytes.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::PoisonError;

use bytes::Bytes;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sluice_model::Diagnostic;
use sluice_model::condition::run::WAREHOUSE_NOT_WRITABLE;
use sluice_model::limits::{BAD_RECORDS_BYTES_MAX, BAD_RECORDS_FILE_BYTES};
use sluice_source::{BadRow, resolve_path};

use crate::error::{Result, internal};
use crate::inputs::Seen;
use crate::inputs::files::store_to_write;
use crate::micro_batch::Batch;
use crate::places::encode;

/// Bytes after which rows of one file make another piece.
const PIECE_BYTES: u64 = 1 << 20;

/// Bad records on their way, in a file that nobody else sees.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: Option<File>,
    length: u64,
    pieces: Vec<Piece>,
}

/// Rows of one source file that lie together.
#[derive(Debug)]
struct Piece {
    source: String,
    start: u64,
    length: u64,
}

impl Spool {
    /// Adds rows; those of one source file come in their order.
    pub(crate) fn keep(&mut self, rows: &[BadRow]) -> std::io::Result<()> {
        let mut text = String::new();
        for row in rows {
            let line = row.to_json_line();
            let (at, length) = (self.length, line.len() as u64);
            match self.pieces.last_mut() {
                Some(last) if last.source == row.path && last.length < PIECE_BYTES => {
                    last.length += length;
                }
                _ => self.pieces.push(Piece {
                    source: row.path.clone(),
                    start: at,
                    length,
                }),
            }
            self.length += length;
            text.push_str(&line);
        }
        if self.length > BAD_RECORDS_BYTES_MAX {
            return Err(std::io::Error::other(format!(
                "the bad records of one micro-batch take more than {} GiB",
                BAD_RECORDS_BYTES_MAX >> 30
            )));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.write_all(text.as_bytes())
    }

    /// Puts the pieces into the order of files and lines, the next one last.
    fn settle(&mut self) {
        self.pieces
            .sort_by(|a, b| (&b.source, b.start).cmp(&(&a.source, a.start)));
    }

    /// The bytes of the next file to write; empty at the end.
    fn next_file(&mut self) -> std::io::Result<Vec<u8>> {
        let mut out = vec![];
        let Some(file) = &mut self.file else {
            return Ok(out);
        };
        while out.len() < BAD_RECORDS_FILE_BYTES
            && let Some(piece) = self.pieces.pop()
        {
            file.seek(SeekFrom::Start(piece.start))?;
            std::io::Read::by_ref(file)
                .take(piece.length)
                .read_to_end(&mut out)?;
        }
        Ok(out)
    }
}

/// The refusal where bad records cannot be kept.
pub(crate) fn not_kept(written: &str, reason: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(
        &WAREHOUSE_NOT_WRITABLE,
        format!("bad records cannot be written to `{written}`"),
    )
    .fact(reason.to_string())
    .help("make the folder of `badRecordsPath` writable, or remove the option")
}

impl Batch<'_> {
    /// Writes the bad records that were seen: `<path>/<table>/<flow>/<incarnation>-<batch>.json`, and further files
    /// with a number behind where they are many.
    pub(crate) async fn store_bad_records(&self, seen: &Seen) -> Result<()> {
        let all = std::mem::take(
            &mut *seen
                .bad_records
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (written, mut spool) in all {
            spool.settle();
            for number in 0_u32.. {
                let read = tokio::task::spawn_blocking(move || {
                    let bytes = spool.next_file();
                    (spool, bytes)
                });
                let (back, bytes) = read.await.map_err(|error| internal(&error.to_string()))?;
                spool = back;
                let bytes =
                    bytes.map_err(|error| not_kept(&written, error).at(&self.flow.origin, ""))?;
                if bytes.is_empty() {
                    break;
                }
                self.store_below(&written, number, bytes.into()).await?;
            }
        }
        Ok(())
    }

    async fn store_below(&self, written: &str, number: u32, bytes: Bytes) -> Result<()> {
        let rules = &self.update.engine.options.path_rules;
        let resolved = resolve_path(written, rules)
            .map_err(|diagnostic| diagnostic.at(&self.flow.origin, ""))?;
        let place = resolved
            .places
            .first()
            .ok_or_else(|| internal("a path without places"))?;
        let id = &self.flow.id;
        let further = if number == 0 {
            String::new()
        } else {
            format!("-{number:04}")
        };
        let name = format!(
            "{}/{}/{}/{}-{:020}{further}.json",
            place.base.trim_start_matches('/'),
            encode(&id.target.to_string()),
            encode(id.name.as_str()),
            self.progress.application.incarnation,
            self.plan.batch,
        );
        let refused = |reason: String| not_kept(written, reason).at(&self.flow.origin, "");
        let path = Path::parse(name).map_err(|error| refused(error.to_string()))?;
        let store = store_to_write(&self.update.engine, &place.storage);
        let put = store.put(&path, bytes.into()).await;
        put.map_err(|error| refused(error.to_string()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, line: u64, record: &str) -> BadRow {
        BadRow {
            path: path.into(),
            line,
            reason: "no JSON".into(),
            record: record.into(),
        }
    }

    #[test]
    fn rows_come_back_by_file_and_line_however_files_were_interleaved() {
        let mut spool = Spool::default();
        spool.keep(&[row("b", 1, "x")]).unwrap();
        spool.keep(&[row("a", 1, "y"), row("a", 9, "z")]).unwrap();
        spool.keep(&[row("b", 4, "w")]).unwrap();
        spool.settle();
        let text = String::from_utf8(spool.next_file().unwrap()).unwrap();
        let expected = [
            row("a", 1, "y"),
            row("a", 9, "z"),
            row("b", 1, "x"),
            row("b", 4, "w"),
        ];
        let expected: String = expected.iter().map(BadRow::to_json_line).collect();
        assert_eq!(text, expected);
        assert!(spool.next_file().unwrap().is_empty());
    }

    #[test]
    fn many_records_become_several_files() {
        let mut spool = Spool::default();
        let record = "r".repeat(1 << 20);
        for line in 0..20 {
            spool.keep(&[row("a", line, &record)]).unwrap();
        }
        spool.settle();
        let first = spool.next_file().unwrap().len();
        let second = spool.next_file().unwrap().len();
        assert!(
            (BAD_RECORDS_FILE_BYTES..BAD_RECORDS_FILE_BYTES + (2 << 20)).contains(&first),
            "{first}"
        );
        assert_eq!(first + second, usize::try_from(spool.length).unwrap());
        assert!(spool.next_file().unwrap().is_empty());
    }
}
