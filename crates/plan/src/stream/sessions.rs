//! Sessions of a stream: rows of state whose sessions touch become rows of one session, so that merging by keys merges
//! them. Rows come sorted by their other keys and the beginning of their session. Rows in files that stay as they are
//! only show where sessions begin and end; when theirs is over, they come out, and are gone from then on: `marks` says
//! so. Must not merge partial results.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{
    DataType, Field, Int64Type, SchemaRef, TimestampMicrosecondType, UInt32Type,
};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::channel::mpsc::Sender;
use futures::{SinkExt, StreamExt};
use sluice_model::StateFile;

use super::StreamContext;
use super::marks::Marks;
use crate::lanes::Lanes;

/// Name of the column that rows are sorted by behind their keys.
const START: &str = "__session_start";
/// Names of the columns that say in which file a row stays, and which one of its rows it is.
const PLACE: [&str; 2] = ["__session_file", "__session_row"];

/// What becomes of a file that stays as it is.
struct Kept {
    file: StateFile,
    /// First and last end of the sessions of its rows that are not over.
    open_us: Option<(i64, i64)>,
    /// The rows whose sessions are over now.
    over: Vec<u32>,
}

/// The files of a state of sessions that a batch leaves as they are.
#[derive(Clone)]
pub(super) struct KeptFiles(Arc<Mutex<Vec<Kept>>>);

impl KeptFiles {
    /// These files.
    pub(super) fn new(files: &[StateFile]) -> Self {
        let kept = |file: &StateFile| Kept {
            file: file.clone(),
            open_us: None,
            over: vec![],
        };
        Self(Arc::new(Mutex::new(files.iter().map(kept).collect())))
    }

    /// Notes the end of the session of a row of a file, and whether that is over.
    fn note(&self, places: impl Iterator<Item = (u32, u32, i64, bool)>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (file, row, end_us, is_over) in places {
            let Some(file) = kept.get_mut(file as usize) else {
                continue;
            };
            if is_over {
                file.over.push(row);
            } else {
                let (first, last) = file.open_us.unwrap_or((end_us, end_us));
                file.open_us = Some((first.min(end_us), last.max(end_us)));
            }
        }
    }

    /// Makes durable which rows are gone; gives the files that hold others, with the ends of the sessions of these.
    pub(super) async fn finish(
        &self,
        mut gone: Marks,
        context: &StreamContext,
    ) -> Result<Vec<StateFile>> {
        let kept = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *kept)
        };
        let mut files = vec![];
        for Kept {
            mut file,
            open_us,
            over,
        } in kept
        {
            let Some((first_us, last_us)) = open_us else {
                continue;
            };
            for row in over {
                gone.mark(&file, row as usize)?;
            }
            file.first_us = file.first_us.map(|_| first_us);
            file.last_us = file.last_us.map(|_| last_us);
            files.push(file);
        }
        gone.finish(context, &files).await?;
        Ok(files)
    }
}

/// How sessions are told apart, and what becomes of rows in files that stay.
pub(super) struct Terms {
    /// How many of the first columns are keys.
    pub(super) keys: usize,
    /// The number of the key that holds the session.
    pub(super) session: usize,
    /// Sessions that end at or before it are over; `None` where all sessions are the result of each batch.
    pub(super) watermark_us: Option<i64>,
    /// By how much rows may lie behind the watermark, microseconds, 0 or less.
    pub(super) lag_us: i64,
    pub(super) kept: KeptFiles,
    /// Takes the rows of the result that lie in files that stay.
    pub(super) out: Sender<RecordBatch>,
}

/// Rows of state on their way into sessions.
pub(super) struct Source {
    pub(super) rows: SendableRecordBatchStream,
    /// The rows of a file that are not gone, with their numbers in it, as [`in_file`] gives them; the file stays if it has a number.
    pub(super) file: Option<u32>,
}

/// Gives rows of state the session that they belong to: rows that are to be written. Others go to `terms.out`.
pub(super) fn merged(
    sources: Vec<Source>,
    schema: &SchemaRef,
    terms: Terms,
    task: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let with_start = sorted(sources, schema, &terms, task)?;
    let others = (0..terms.keys).filter(|key| *key != terms.session);
    let others: Vec<usize> = others.collect();
    let fields = others
        .iter()
        .map(|key| SortField::new(schema.field(*key).data_type().clone()));
    let merging = Merging {
        rows: with_start,
        converter: RowConverter::new(fields.collect())?,
        others,
        terms,
        pending: None,
        schema: Arc::clone(schema),
    };
    let merged = futures::stream::try_unfold(merging, |mut merging| async move {
        Ok(merging.next().await?.map(|rows| (rows, merging)))
    });
    let schema = Arc::clone(schema);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, merged)))
}

/// Rows sorted by their other keys, then by the beginning of their session; spills.
fn sorted(
    sources: Vec<Source>,
    schema: &SchemaRef,
    terms: &Terms,
    task: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let session = terms.session;
    let DataType::Struct(parts) = schema.field(session).data_type() else {
        return internal_err!("a session that is no struct");
    };
    let Some((_, start)) = parts.find("start") else {
        return internal_err!("a session without a start");
    };
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(start.as_ref().clone().with_name(START)));
    fields.extend(PLACE.map(|name| Arc::new(Field::new(name, DataType::UInt32, true))));
    let wide: SchemaRef = Arc::new(arrow::datatypes::Schema::new(fields));
    let width = schema.fields().len();
    let target = Arc::clone(&wide);
    let widened = futures::stream::iter(sources).flat_map(move |Source { rows, file }| {
        let target = Arc::clone(&target);
        rows.map(move |rows| {
            let rows = rows?;
            let starts = rows.column(session).as_struct().column_by_name("start");
            let mut columns = rows.columns()[..width].to_vec();
            columns.extend(starts.cloned());
            columns.push(Arc::new(UInt32Array::from(vec![file; rows.num_rows()])));
            columns.push(match rows.columns().get(width) {
                Some(numbers) => Arc::clone(numbers),
                None => arrow::array::new_null_array(&DataType::UInt32, rows.num_rows()),
            });
            Ok(RecordBatch::try_new(Arc::clone(&target), columns)?)
        })
    });
    let widened = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&wide), widened));
    let by = (0..terms.keys).filter(|key| *key != session).chain([width]);
    let by = by.map(|index| {
        let column = Column::new(wide.field(index).name(), index);
        PhysicalSortExpr::new_default(Arc::new(column))
    });
    let Some(by) = LexOrdering::new(by) else {
        return internal_err!("sessions have an order");
    };
    SortExec::new(by, Lanes::over(wide, vec![widened])).execute(0, Arc::clone(task))
}

/// The rows of a file that are not gone, each with its number in it as one more column.
pub(super) fn in_file(
    rows: SendableRecordBatchStream,
    file: &StateFile,
    gone: &Marks,
) -> SendableRecordBatchStream {
    let mut fields: Vec<_> = rows.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(PLACE[1], DataType::UInt32, true)));
    let schema: SchemaRef = Arc::new(arrow::datatypes::Schema::new(fields));
    let target = Arc::clone(&schema);
    let gone = gone.of(file);
    let mut begin = 0;
    let numbered = rows.map(move |rows| {
        let rows = rows?;
        let numbers = begin..begin + rows.num_rows();
        begin = numbers.end;
        let stays = numbers.clone().map(|row| Some(!gone.has(row)));
        let stays: arrow::array::BooleanArray = stays.collect();
        let numbers: UInt32Array = numbers.map(|row| u32::try_from(row).ok()).collect();
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(numbers));
        let numbered = RecordBatch::try_new(Arc::clone(&target), columns)?;
        Ok(filter_record_batch(&numbered, &stays)?)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, numbered))
}

/// Goes through sorted rows.
struct Merging {
    rows: SendableRecordBatchStream,
    converter: RowConverter,
    others: Vec<usize>,
    terms: Terms,
    /// Rows of the last session, which may go on.
    pending: Option<RecordBatch>,
    schema: SchemaRef,
}

impl Merging {
    /// Rows of sessions that are whole and to be written; `None` at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let (rows, is_last) = match (self.rows.next().await, self.pending.take()) {
                (None, None) => return Ok(None),
                (None, Some(pending)) => (pending, true),
                (Some(more), None) => (more?, false),
                (Some(more), Some(pending)) => {
                    let more = more?;
                    (concat_batches(&more.schema(), [&pending, &more])?, false)
                }
            };
            if rows.num_rows() == 0 {
                continue;
            }
            let (sessions, mut last) = self.apart(&rows)?;
            if is_last {
                last = rows.num_rows();
            } else {
                self.pending = Some(rows.slice(last, rows.num_rows() - last));
            }
            let written = self.settle(&rows.slice(0, last), &sessions[..last]).await?;
            if written.num_rows() > 0 {
                return Ok(Some(written));
            }
        }
    }

    /// Gives out rows of the result that lie in files that stay; returns those that are to be written.
    async fn settle(&mut self, rows: &RecordBatch, sessions: &[(i64, i64)]) -> Result<RecordBatch> {
        let width = self.schema.fields().len();
        let place = |part: usize| rows.column(width + part).as_primitive::<UInt32Type>();
        let (files, numbers) = (place(1), place(2));
        let watermark_us = self.terms.watermark_us;
        let end_us = |row: usize| sessions[row].1.saturating_sub(self.terms.lag_us);
        let is_over = |row: usize| watermark_us.is_some_and(|passed| end_us(row) <= passed);
        let stays = (0..rows.num_rows()).filter(|row| files.is_valid(*row));
        self.terms.kept.note(stays.map(|row| {
            (
                files.value(row),
                numbers.value(row),
                end_us(row),
                is_over(row),
            )
        }));
        let whole = self.rewritten(rows, sessions)?;
        let comes_out = |row| files.is_valid(row) && (watermark_us.is_none() || is_over(row));
        let out = (0..rows.num_rows()).map(|row| Some(comes_out(row)));
        let out = filter_record_batch(&whole, &out.collect())?;
        if out.num_rows() > 0 && self.terms.out.send(out).await.is_err() {
            return exec_err!("nobody reads the sessions of a stream");
        }
        Ok(filter_record_batch(
            &whole,
            &arrow::compute::is_null(files)?,
        )?)
    }

    /// The session of each row, and the row at which the last one begins.
    fn apart(&self, rows: &RecordBatch) -> Result<(Vec<(i64, i64)>, usize)> {
        let columns: Vec<ArrayRef> = self
            .others
            .iter()
            .map(|key| Arc::clone(rows.column(*key)))
            .collect();
        let keys = match columns.as_slice() {
            [] => None,
            columns => Some(self.converter.convert_columns(columns)?),
        };
        let is_same_key = |row: usize| {
            let same = |keys: &Rows| keys.row(row) == keys.row(row - 1);
            keys.as_ref().is_none_or(same)
        };
        let windows = rows.column(self.terms.session).as_struct();
        let (starts, ends) = (instants(windows, "start")?, instants(windows, "end")?);
        let mut sessions: Vec<(i64, i64)> = vec![];
        let mut first = 0;
        let (mut start, mut end) = (0, 0);
        for row in 0..rows.num_rows() {
            let (begins, ends) = (starts.value(row), ends.value(row));
            // A session that begins where another one ends goes on with it.
            if row > 0 && is_same_key(row) && begins <= end {
                end = end.max(ends);
                continue;
            }
            sessions.resize(row, (start, end));
            first = row;
            (start, end) = (begins, ends);
        }
        sessions.resize(rows.num_rows(), (start, end));
        Ok((sessions, first))
    }

    /// Rows under their sessions, without the columns that say where they come from.
    fn rewritten(&self, rows: &RecordBatch, sessions: &[(i64, i64)]) -> Result<RecordBatch> {
        let mut columns = rows.columns().to_vec();
        columns.truncate(self.schema.fields().len());
        let DataType::Struct(fields) = self.schema.field(self.terms.session).data_type() else {
            return internal_err!("a session that is no struct");
        };
        let mut parts: Vec<ArrayRef> = vec![];
        for field in fields {
            let times = sessions
                .iter()
                .map(|(start, end)| match field.name().as_str() {
                    "start" => *start,
                    _ => *end,
                });
            let times = arrow::array::Int64Array::from_iter_values(times);
            let times = times.reinterpret_cast::<TimestampMicrosecondType>();
            parts.push(match field.data_type() {
                DataType::Timestamp(_, zone) => Arc::new(times.with_timezone_opt(zone.clone())),
                _ => return internal_err!("a session of no timestamps"),
            });
        }
        columns[self.terms.session] = Arc::new(StructArray::try_new(fields.clone(), parts, None)?);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn instants(windows: &StructArray, part: &str) -> Result<arrow::array::Int64Array> {
    let column = windows.column_by_name(part);
    let times = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    match times {
        Some(times) => Ok(times.reinterpret_cast::<Int64Type>()),
        None => internal_err!("a session without its {part}"),
    }
}
