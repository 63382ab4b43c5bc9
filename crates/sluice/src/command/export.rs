//! `sluice export`: the rows of a table or view as one file, or as another Delta table (`table`). What is written appears
//! whole or not at all: it is written beside its place under another name, and takes its name at the end. What may be
//! replaced is judged in `target`.

mod bucket;
mod table;
mod target;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use sluice_model::Diagnostic;
use sluice_model::condition::command::{ARGUMENT_NOT_VALID, OUTPUT_NOT_WRITABLE};
use sluice_run::{QueryResult, RowStream};

use target::Target;

use super::logs::literal;
use super::sql::report;
use crate::arguments::{Export, ExportFormat, Global};
use crate::exit::Exit;
use crate::render::Screen;
use crate::rows::Rows;
use crate::source_text::SourceTexts;
use crate::statement::COMMAND_LINE;
use crate::workplace::{Refused, Workplace, block_on};

/// Exports a table.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Export) -> Result<Exit, Refused> {
    let format = format_of(asked).map_err(|diagnostic| refused(*diagnostic))?;
    let place = super::open(global, asked.key.as_deref())?;
    let target = Target::of(asked, format, &place).map_err(|diagnostic| refused(*diagnostic))?;
    let suffix = match (&asked.version, &asked.timestamp) {
        (Some(version), _) => format!(" VERSION AS OF {version}"),
        (None, Some(time)) => format!(" TIMESTAMP AS OF {}", literal(time)),
        (None, None) => String::new(),
    };
    let text = format!("SELECT * FROM {}{suffix}", asked.table);
    let done = block_on(async {
        if let Target::Bucket(wanted) = &target
            && !asked.overwrite
        {
            let free = match format {
                ExportFormat::Delta => table::check_free(wanted).await,
                _ => wanted.check_free().await,
            };
            free.map_err(refused)?;
        }
        Ok(write(&place, asked, &target, format, &text).await)
    })??;
    match done {
        Ok(rows) => {
            screen.say(&format!("{rows} rows written to {}", asked.path.display()));
            Ok(Exit::Success)
        }
        Err(errors) => Ok(report(screen, &place, &text, &errors)),
    }
}

fn refused(diagnostic: Diagnostic) -> Refused {
    Refused {
        diagnostics: vec![diagnostic],
        texts: SourceTexts::default(),
    }
}

fn no_file(path: &Path) -> Diagnostic {
    let message = format!("`{}` names no file", path.display());
    Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)
}

/// The format that was asked for, or that the end of the path says.
fn format_of(asked: &Export) -> Result<ExportFormat, Box<Diagnostic>> {
    if let Some(format) = asked.format {
        return Ok(format);
    }
    let end = asked
        .path
        .extension()
        .map(|end| end.to_string_lossy().to_lowercase());
    match end.as_deref() {
        Some("csv") => Ok(ExportFormat::Csv),
        Some("json" | "jsonl" | "ndjson") => Ok(ExportFormat::Json),
        Some("parquet") => Ok(ExportFormat::Parquet),
        _ => {
            let message = format!("`{}` does not tell the format", asked.path.display());
            let error = Diagnostic::error(&ARGUMENT_NOT_VALID, message);
            Err(Box::new(error.help(
                "name it: `--format csv`, `json`, `parquet` or `delta`",
            )))
        }
    }
}

/// Writes the rows and gives their number.
async fn write(
    place: &Workplace,
    export: &Export,
    target: &Target,
    format: ExportFormat,
    text: &str,
) -> Result<u64, Vec<Diagnostic>> {
    let file: Arc<str> = COMMAND_LINE.into();
    let query = sluice_sql::parse_query(&file, text, vec![], &place.namespace())?;
    let asked = match target {
        Target::Disk(asked) => asked,
        Target::Bucket(wanted) => {
            let rows = place.engine.rows(&place.declared, &query).await?;
            if format == ExportFormat::Delta {
                return table::into_bucket(place, &export.table, wanted, rows).await;
            }
            let folder = tempfile::tempdir()
                .map_err(|error| vec![unwritable(&std::env::temp_dir(), &error)])?;
            let here = Beside::of(&folder.path().join("export")).map_err(|error| vec![error])?;
            let count = one_file(place, format, &here, rows).await?;
            wanted
                .upload(&here.path)
                .await
                .map_err(|error| vec![error])?;
            return Ok(count);
        }
    };
    let rows = place.engine.rows(&place.declared, &query).await?;
    let beside = Beside::of(&asked.path).map_err(|error| vec![error])?;
    let written = match format {
        ExportFormat::Delta => table::into_folder(place, &asked.table, &beside.path, rows).await,
        _ => one_file(place, format, &beside, rows).await,
    };
    let count = written?;
    beside.publish().map_err(|error| vec![error])?;
    Ok(count)
}

/// A place beside the one that is to be written; whatever is left there is deleted when it is dropped.
#[derive(Debug)]
struct Beside {
    path: PathBuf,
    wanted: PathBuf,
}

impl Beside {
    fn of(wanted: &Path) -> Result<Self, Diagnostic> {
        let name = wanted
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name else {
            return Err(no_file(wanted));
        };
        let folder = match wanted.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        let folder = folder
            .canonicalize()
            .map_err(|error| unwritable(&folder, &error))?;
        Ok(Self {
            path: folder.join(format!("{name}.sluice-{}.part", uuid::Uuid::new_v4())),
            wanted: folder.join(name),
        })
    }

    /// Gives what was written its name.
    fn publish(&self) -> Result<(), Diagnostic> {
        let failed = |error: std::io::Error| unwritable(&self.wanted, &error);
        if !self.wanted.is_dir() {
            return fs::rename(&self.path, &self.wanted).map_err(failed);
        }
        // A folder cannot be replaced in one step: the old one steps aside first.
        let old = self.path.with_extension("old");
        fs::rename(&self.wanted, &old).map_err(failed)?;
        if let Err(error) = fs::rename(&self.path, &self.wanted) {
            let _ = fs::rename(&old, &self.wanted);
            return Err(failed(error));
        }
        fs::remove_dir_all(&old).map_err(failed)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = if self.path.is_dir() {
            fs::remove_dir_all(&self.path)
        } else {
            fs::remove_file(&self.path)
        };
    }
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Diagnostic {
    let message = format!("cannot write `{}`: {error}", path.display());
    Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)
}

async fn one_file(
    place: &Workplace,
    format: ExportFormat,
    beside: &Beside,
    mut rows: RowStream,
) -> Result<u64, Vec<Diagnostic>> {
    let failed = |error: &dyn std::fmt::Display| vec![unwritable(&beside.wanted, error)];
    let schema = rows.schema();
    let file = File::create(&beside.path).map_err(|error| failed(&error))?;
    let mut sink = match format {
        ExportFormat::Parquet => {
            let writer = ArrowWriter::try_new(file, Arc::clone(&schema), None);
            Sink::Parquet(Box::new(writer.map_err(|error| failed(&error))?))
        }
        ExportFormat::Csv => Sink::Csv(BufWriter::new(file)),
        _ => Sink::Json(BufWriter::new(file)),
    };
    if let Sink::Csv(file) = &mut sink {
        let header = texts(&schema, vec![], place).csv_header();
        file.write_all(header.as_bytes())
            .map_err(|error| failed(&error))?;
    }
    let mut count = 0;
    while let Some(batch) = rows.next().await? {
        count += batch.num_rows() as u64;
        let written = match &mut sink {
            Sink::Parquet(writer) => writer.write(&batch).map_err(|error| error.to_string()),
            Sink::Csv(file) => {
                let lines = texts(&schema, vec![batch], place).csv_lines();
                file.write_all(lines.as_bytes())
                    .map_err(|error| error.to_string())
            }
            Sink::Json(file) => {
                let lines = texts(&schema, vec![batch], place).json_lines();
                file.write_all(lines.as_bytes())
                    .map_err(|error| error.to_string())
            }
        };
        written.map_err(|error| failed(&error))?;
    }
    sink.end().map_err(|error| failed(&error))?;
    Ok(count)
}

enum Sink {
    Csv(BufWriter<File>),
    Json(BufWriter<File>),
    Parquet(Box<ArrowWriter<File>>),
}

impl Sink {
    /// Makes everything durable.
    fn end(self) -> Result<(), String> {
        let file = match self {
            Self::Csv(file) | Self::Json(file) => {
                file.into_inner().map_err(|error| error.to_string())?
            }
            Self::Parquet(writer) => writer.into_inner().map_err(|error| error.to_string())?,
        };
        file.sync_all().map_err(|error| error.to_string())
    }
}

fn texts(schema: &SchemaRef, batches: Vec<arrow::array::RecordBatch>, place: &Workplace) -> Rows {
    let result = QueryResult {
        schema: Arc::clone(schema),
        batches,
    };
    Rows::of(&result, &place.time_zone)
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
