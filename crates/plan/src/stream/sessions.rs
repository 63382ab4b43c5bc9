//! Sessions of a stream: rows of state whose sessions touch become rows of one session, so that merging by keys merges
//! them. Rows come sorted by their other keys and the beginning of their session. Must not merge partial results.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

use super::lanes::Lanes;

/// Name of the column that rows are sorted by behind their keys.
const START: &str = "__session_start";

/// Gives rows of state the session that they belong to. The first `keys` columns are keys, number `session` among them.
pub(super) fn merged(
    rows: SendableRecordBatchStream,
    keys: usize,
    session: usize,
    task: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let with_start = sorted(rows, keys, session, task)?;
    let others: Vec<usize> = (0..keys).filter(|key| *key != session).collect();
    let fields = others
        .iter()
        .map(|key| SortField::new(schema.field(*key).data_type().clone()));
    let merging = Merging {
        rows: with_start,
        converter: RowConverter::new(fields.collect())?,
        others,
        session,
        pending: None,
        schema: Arc::clone(&schema),
    };
    let merged = futures::stream::try_unfold(merging, |mut merging| async move {
        Ok(merging.next().await?.map(|rows| (rows, merging)))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, merged)))
}

/// Rows sorted by their other keys, then by the beginning of their session; spills.
fn sorted(
    rows: SendableRecordBatchStream,
    keys: usize,
    session: usize,
    task: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let DataType::Struct(parts) = schema.field(session).data_type() else {
        return internal_err!("a session that is no struct");
    };
    let Some((_, start)) = parts.find("start") else {
        return internal_err!("a session without a start");
    };
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(start.as_ref().clone().with_name(START)));
    let wide: SchemaRef = Arc::new(arrow::datatypes::Schema::new(fields));
    let target = Arc::clone(&wide);
    let widened = rows.map(move |rows| {
        let rows = rows?;
        let starts = rows.column(session).as_struct().column_by_name("start");
        let mut columns = rows.columns().to_vec();
        columns.extend(starts.cloned());
        Ok(RecordBatch::try_new(Arc::clone(&target), columns)?)
    });
    let widened = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&wide), widened));
    let by = (0..keys)
        .filter(|key| *key != session)
        .chain([schema.fields().len()]);
    let by = by.map(|index| {
        let column = Column::new(wide.field(index).name(), index);
        PhysicalSortExpr::new_default(Arc::new(column))
    });
    let Some(by) = LexOrdering::new(by) else {
        return internal_err!("sessions have an order");
    };
    SortExec::new(by, Lanes::over(wide, vec![widened])).execute(0, Arc::clone(task))
}

/// Goes through sorted rows.
struct Merging {
    rows: SendableRecordBatchStream,
    converter: RowConverter,
    others: Vec<usize>,
    session: usize,
    /// Rows of the last session, which may go on.
    pending: Option<RecordBatch>,
    schema: SchemaRef,
}

impl Merging {
    /// Rows of sessions that are whole; `None` at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(more) = self.rows.next().await else {
                let Some(last) = self.pending.take() else {
                    return Ok(None);
                };
                let (whole, _) = self.apart(&last)?;
                return Ok(Some(self.rewritten(&last, &whole)?));
            };
            let more = more?;
            let rows = match self.pending.take() {
                Some(pending) => concat_batches(&more.schema(), [&pending, &more])?,
                None => more,
            };
            if rows.num_rows() == 0 {
                continue;
            }
            let (sessions, last) = self.apart(&rows)?;
            self.pending = Some(rows.slice(last, rows.num_rows() - last));
            if last > 0 {
                let whole = rows.slice(0, last);
                return Ok(Some(self.rewritten(&whole, &sessions[..last])?));
            }
        }
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
        let windows = rows.column(self.session).as_struct();
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

    /// Rows under their sessions, without the column that they were sorted by.
    fn rewritten(&self, rows: &RecordBatch, sessions: &[(i64, i64)]) -> Result<RecordBatch> {
        let mut columns = rows.columns().to_vec();
        columns.truncate(self.schema.fields().len());
        let DataType::Struct(fields) = self.schema.field(self.session).data_type() else {
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
        columns[self.session] = Arc::new(StructArray::try_new(fields.clone(), parts, None)?);
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
