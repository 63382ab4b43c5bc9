//! Avro object container files, read by `arrow-avro`.

use std::io::{BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_avro::reader::{Reader, ReaderBuilder};
use arrow_schema::ArrowError;
use sluice_model::SparkField;

use super::bytes::of_io;
use super::fit::Fitting;
use super::{FileJob, Part, Payload, Sink, found_columns, known_columns};
use crate::SourceError;

const FORMAT: &str = "avro";

const MARKER: usize = 16;

type Tail = Arc<Mutex<Vec<u8>>>;

/// Remembers the last bytes read: the reader takes a file that is cut within its last block for a shorter one, and
/// would lose rows without a word.
struct Watched {
    inner: Box<dyn Read + Send>,
    tail: Tail,
}

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(out)?;
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(
            out[..length]
                .get(length.saturating_sub(MARKER)..)
                .unwrap_or_default(),
        );
        let surplus = tail.len().saturating_sub(MARKER);
        tail.drain(..surplus);
        Ok(length)
    }
}

type AvroReader = Reader<BufReader<Watched>>;

fn open(
    payload: Payload,
    shown: &str,
    batch_rows: usize,
) -> Result<(AvroReader, Tail), SourceError> {
    let tail = Tail::default();
    let watched = Watched {
        inner: payload.into_read(),
        tail: Arc::clone(&tail),
    };
    let reader = BufReader::with_capacity(256 << 10, watched);
    let opened = ReaderBuilder::new()
        .with_batch_size(batch_rows)
        .build(reader);
    opened
        .map(|reader| (reader, tail))
        .map_err(|error| damaged(shown, &error))
}

fn damaged(shown: &str, error: &ArrowError) -> SourceError {
    match error {
        ArrowError::IoError(_, io) => of_io(shown, FORMAT, io),
        other => SourceError::Corrupt {
            path: shown.to_string(),
            format: FORMAT,
            reason: other.to_string(),
        },
    }
}

/// The columns of a file, as Spark sees them.
pub(crate) fn columns(payload: Payload, shown: &str) -> Result<Vec<SparkField>, SourceError> {
    found_columns(open(payload, shown, 1)?.0.schema().fields(), shown)
}

pub(super) fn decode(
    job: &FileJob<'_>,
    payload: Payload,
    sink: &mut Sink<'_>,
) -> Result<(), SourceError> {
    let (mut reader, tail) = open(payload, job.shown, job.batch_rows)?;
    let schema = reader.schema();
    job.stop_for_new(&known_columns(schema.fields()))?;
    let fitting = Fitting::new(job, schema.fields())?;
    for batch in reader.by_ref() {
        let batch = batch.map_err(|error| damaged(job.shown, &error))?;
        let fitted = fitting
            .apply(&batch)
            .map_err(|error| job.corrupt(error.to_string()))?;
        if !sink(Part::good(fitted)) {
            return Ok(());
        }
    }
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    if *tail != reader.avro_header().sync() {
        return Err(job.corrupt("it ends too early: it is cut off or still being written"));
    }
    Ok(())
}
