//! An aggregate over a stream at work. The state of a group is the row of partial results that DataFusion's own partial
//! aggregation makes of it; rows of one group merge whenever they meet. So a batch adds the partial results of its own
//! rows to the state and needs to read only what it closes.
//!
//! With event time among the keys (APPEND): rows that come too late fall out; groups that the watermark has passed
//! leave the state and are the result. Without (COMPLETE): the whole state is read, as the result is all of it, and only
//! what the batch adds is written. Either way files merge now and then, so that few hold a group. Sessions are found
//! anew from all rows of state, as a new one may join two of them; but what lies in files stays there until they merge.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::SchemaRef;
use datafusion::common::plan_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt};
use sluice_model::{OperatorState, StateFile};

use super::files::{Division, divide};
use super::marks::Marks;
use super::sessions::{KeptFiles, Source, Terms};
use super::state::StateWriter;
use super::thorough::{Thorough, nothing};
use super::times::{TimeKind, behind, passed, span, times};
use super::{StateBackend, StreamContext, sessions};
use crate::lanes::Lanes;

/// By what rows are grouped and what is computed of them.
#[derive(Debug, Clone)]
pub(super) struct Grouped {
    pub(super) groups: Arc<PhysicalGroupBy>,
    pub(super) functions: Vec<Arc<AggregateFunctionExpr>>,
    pub(super) filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    /// The key of event time, by number.
    pub(super) time: Option<(usize, TimeKind)>,
    /// The key of sessions, by number: a new row may make one session of several.
    pub(super) session: Option<usize>,
    /// By how much its rows may lie behind the watermark, microseconds, 0 or less.
    pub(super) lag_us: i64,
    pub(super) operator: String,
    /// Keys and functions in words.
    pub(super) parts: Vec<String>,
}

/// The operator.
#[derive(Debug, Clone)]
pub(super) struct StatefulAggregateExec {
    input: Arc<dyn ExecutionPlan>,
    grouped: Grouped,
    context: Arc<StreamContext>,
    properties: Arc<PlanProperties>,
}

impl Grouped {
    /// A step of the aggregation over an input; `rows` is the schema of the rows that are aggregated.
    fn step(
        &self,
        mode: AggregateMode,
        input: Arc<dyn ExecutionPlan>,
        rows: &SchemaRef,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (groups, filters) = match mode {
            AggregateMode::Partial => (Arc::clone(&self.groups), self.filters.clone()),
            _ => (
                Arc::new(self.groups.as_final()),
                vec![None; self.functions.len()],
            ),
        };
        let functions = self.functions.clone();
        let step =
            AggregateExec::try_new(mode, groups, functions, filters, input, Arc::clone(rows))?;
        Ok(Arc::new(step))
    }

    /// The event times of rows of state, as they stand to the watermark.
    fn times(&self, rows: &RecordBatch) -> Result<Option<Int64Array>> {
        let Some((key, kind)) = self.time else {
            return Ok(None);
        };
        let times = times(kind, rows.column(key))?;
        Ok(Some(behind(&times, self.lag_us)))
    }

    /// What the state is made of, a line for each part.
    fn shape(&self, state: &SchemaRef) -> Vec<String> {
        let fields = state.fields().iter().skip(self.groups.expr().len());
        let types: Vec<String> = fields.map(|field| field.data_type().to_string()).collect();
        let keys = state.fields().iter().take(self.groups.expr().len());
        let keys: Vec<String> = keys.map(|field| field.data_type().to_string()).collect();
        let mut shape = self.parts.clone();
        shape.push(format!("keys of types ({})", keys.join(", ")));
        shape.push(format!("partial results of types ({})", types.join(", ")));
        shape
    }
}

impl StatefulAggregateExec {
    /// The operator over its input.
    pub(super) fn over(
        input: Arc<dyn ExecutionPlan>,
        grouped: Grouped,
        context: Arc<StreamContext>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = input.schema();
        let partial = grouped.step(
            AggregateMode::Partial,
            Lanes::over(Arc::clone(&rows), vec![]),
            &rows,
        )?;
        let last = grouped.step(AggregateMode::Final, partial, &rows)?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(last.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Ok(Arc::new(Self {
            input,
            grouped,
            context,
            properties: Arc::new(properties),
        }))
    }

    /// The partial results of the rows of the batch, without those that come too late.
    fn of_batch(&self, task: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.schema();
        let mut lanes = vec![];
        for lane in 0..self
            .input
            .properties()
            .output_partitioning()
            .partition_count()
        {
            let stream = self.input.execute(lane, Arc::clone(task))?;
            lanes.push(match self.grouped.time {
                Some((key, kind)) => self.in_time(stream, key, kind),
                None => stream,
            });
        }
        let lanes = Lanes::over(Arc::clone(&rows), lanes);
        let partial = self.grouped.step(AggregateMode::Partial, lanes, &rows)?;
        CoalescePartitionsExec::new(partial).execute(0, Arc::clone(task))
    }

    /// Rows that come in time; counts the others.
    fn in_time(
        &self,
        rows: SendableRecordBatchStream,
        key: usize,
        kind: TimeKind,
    ) -> SendableRecordBatchStream {
        let schema = rows.schema();
        let key = self
            .grouped
            .groups
            .expr()
            .get(key)
            .map(|(key, _)| Arc::clone(key));
        let (context, lag_us) = (Arc::clone(&self.context), self.grouped.lag_us);
        let kept = rows.map(move |batch| {
            let batch = batch?;
            let Some(key) = &key else { return Ok(batch) };
            let column = key.evaluate(&batch)?.into_array(batch.num_rows())?;
            let times = behind(&times(kind, &column)?, lag_us);
            let late = passed(&times, context.late_us());
            let count = late.true_count();
            if count == 0 {
                return Ok(batch);
            }
            context.late(count as u64);
            Ok(filter_record_batch(&batch, &not(&late)?)?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, kept))
    }

    /// Rows of state files. Those that an earlier watermark has passed were given out then; with `closed`, only those
    /// that this one passes are wanted.
    fn stored(
        &self,
        files: Vec<StateFile>,
        schema: &SchemaRef,
        closed: bool,
    ) -> SendableRecordBatchStream {
        let watermark_us = self.context.watermark_us();
        let mut files = files;
        if closed {
            let moved = watermark_us > self.context.late_us();
            files.retain(|file| moved && file.first_us.is_some_and(|first| first <= watermark_us));
        }
        if files.is_empty() {
            return nothing(Arc::clone(schema));
        }
        let read = self
            .context
            .backend()
            .read(&self.grouped.operator, files, Arc::clone(schema));
        if self.grouped.time.is_none() {
            return read;
        }
        let (grouped, late_us) = (self.grouped.clone(), self.context.late_us());
        let wanted = read.map(move |batch| {
            let batch = batch?;
            let Some(times) = grouped.times(&batch)? else {
                return Ok(batch);
            };
            let mut wanted = not(&passed(&times, late_us))?;
            if closed {
                wanted = arrow::compute::and(&wanted, &passed(&times, watermark_us))?;
            }
            Ok(filter_record_batch(&batch, &wanted)?)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(schema), wanted))
    }
}

impl StatefulAggregateExec {
    /// Rows of state of which those of one group are one.
    fn reduced(
        &self,
        rows: SendableRecordBatchStream,
        task: &Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let lanes = Lanes::over(rows.schema(), vec![rows]);
        let merge = AggregateMode::PartialReduce;
        let merge = self.grouped.step(merge, lanes, &self.input.schema())?;
        merge.execute(0, Arc::clone(task))
    }

    /// The results of rows of state.
    fn finished(
        &self,
        rows: SendableRecordBatchStream,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let lanes = Lanes::over(rows.schema(), vec![rows]);
        let last = AggregateMode::Final;
        let last = self.grouped.step(last, lanes, &self.input.schema())?;
        last.execute(0, task)
    }

    /// The result of the batch where a key is a session.
    async fn sessions(
        self,
        session: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let new = self.of_batch(&task)?;
        let schema = new.schema();
        let shape = self.grouped.shape(&schema);
        let (context, operator) = (&self.context, &self.grouped.operator);
        let files = context.begin(operator, &shape)?;
        let gone = Marks::read(context, operator, "over").await?;
        let Division { merged, kept } = divide(files, |file| gone.count(file));
        let mut sources = vec![];
        let numbers = (0..).map(Some);
        let places = kept
            .iter()
            .zip(numbers)
            .chain(merged.iter().map(|file| (file, None)));
        for (file, number) in places {
            let files = vec![file.clone()];
            let rows = context.backend().read(operator, files, Arc::clone(&schema));
            sources.push(Source {
                rows: sessions::in_file(rows, file, &gone),
                file: number,
            });
        }
        sources.push(Source {
            rows: new,
            file: None,
        });
        let files = KeptFiles::new(&kept);
        let (out, lying) = futures::channel::mpsc::channel(1);
        let terms = Terms {
            keys: self.grouped.groups.expr().len(),
            session,
            watermark_us: self.grouped.time.map(|_| context.watermark_us()),
            lag_us: self.grouped.lag_us,
            kept: files.clone(),
            out,
        };
        let written = sessions::merged(sources, &schema, terms, &task)?;
        let parting = Parting {
            rows: self.reduced(written, &task)?,
            grouped: self.grouped.clone(),
            context: Arc::clone(context),
            writer: None,
            kept: Keeping::Sessions(files, gone),
            shape,
            schema: Arc::clone(&schema),
        };
        // Both go on together: what is read waits for whoever takes what lies in files that stay.
        let all = futures::stream::select(lying.map(Ok), parting.out());
        self.finished(Box::pin(RecordBatchStreamAdapter::new(schema, all)), task)
    }
}

/// One stream after another.
fn in_turn(
    schema: &SchemaRef,
    first: SendableRecordBatchStream,
    second: SendableRecordBatchStream,
) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(
        Arc::clone(schema),
        first.chain(second),
    ))
}

/// Takes merged rows apart: open ones into new files, closed ones on their way.
struct Parting {
    rows: SendableRecordBatchStream,
    grouped: Grouped,
    context: Arc<StreamContext>,
    writer: Option<Box<dyn StateWriter>>,
    kept: Keeping,
    shape: Vec<String>,
    schema: SchemaRef,
}

/// The files that stay as they are.
enum Keeping {
    Files(Vec<StateFile>),
    /// Those of sessions, and which of their rows are gone.
    Sessions(KeptFiles, Marks),
}

impl Parting {
    /// The closed rows, until the state is durable.
    fn out(self) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let closed = futures::stream::try_unfold(self, |mut parting| async move {
            Ok(parting.next().await?.map(|out| (out, parting)))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, closed))
    }

    /// The closed rows of the next batch of rows; `None` at the end, when the state is durable.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(rows) = self.rows.next().await {
            let rows = rows?;
            let (open, out) = match self.grouped.times(&rows)? {
                None => (rows.clone(), rows),
                Some(times) => {
                    let closed = passed(&times, self.context.watermark_us());
                    let out = filter_record_batch(&rows, &closed)?;
                    (filter_record_batch(&rows, &not(&closed)?)?, out)
                }
            };
            self.keep(&open).await?;
            if out.num_rows() > 0 {
                return Ok(Some(out));
            }
        }
        let written = match self.writer.take() {
            Some(writer) => writer.finish().await?,
            None => vec![],
        };
        let kept = std::mem::replace(&mut self.kept, Keeping::Files(vec![]));
        let mut files = match kept {
            Keeping::Files(files) => files,
            Keeping::Sessions(files, gone) => files.finish(gone, &self.context).await?,
        };
        files.extend(written);
        let state = OperatorState {
            shape: std::mem::take(&mut self.shape),
            closes: self.grouped.time.is_some(),
            files,
        };
        self.context.finish(&self.grouped.operator, state);
        Ok(None)
    }

    async fn keep(&mut self, open: &RecordBatch) -> Result<()> {
        if open.num_rows() == 0 {
            return Ok(());
        }
        let span = match self.grouped.times(open)? {
            Some(times) => span(&times),
            None => (None, None),
        };
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let backend: &dyn StateBackend = self.context.backend().as_ref();
                let made = backend.writer(&self.grouped.operator, Arc::clone(&self.schema))?;
                self.writer.insert(made)
            }
        };
        writer.write(open, span).await
    }
}

impl DisplayAs for StatefulAggregateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StatefulAggregateExec: {}",
            self.grouped.parts.join(", ")
        )
    }
}

impl ExecutionPlan for StatefulAggregateExec {
    fn name(&self) -> &'static str {
        "StatefulAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.into_iter().next() else {
            return plan_err!("an aggregate without its input");
        };
        Self::over(input, self.grouped.clone(), Arc::clone(&self.context))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = datafusion::physical_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(options))
    }

    fn execute(&self, _: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if let Some(session) = self.grouped.session {
            let sessions = self.clone().sessions(session, task);
            let sessions = futures::stream::once(sessions).try_flatten();
            let sessions = RecordBatchStreamAdapter::new(self.schema(), sessions);
            return Ok(Thorough::stream(
                Box::pin(sessions),
                Arc::clone(&self.context),
            ));
        }
        let new = self.of_batch(&task)?;
        let schema = new.schema();
        let shape = self.grouped.shape(&schema);
        let files = self.context.begin(&self.grouped.operator, &shape)?;
        let Division { merged, kept } = divide(files, |_| 0);
        let changed = if merged.is_empty() {
            new
        } else {
            let all = in_turn(&schema, self.stored(merged, &schema, false), new);
            self.reduced(all, &task)?
        };
        let watermark_us = self.context.watermark_us();
        let is_open = |file: &StateFile| file.last_us.is_none_or(|last| last > watermark_us);
        let parting = Parting {
            rows: changed,
            grouped: self.grouped.clone(),
            context: Arc::clone(&self.context),
            writer: None,
            kept: Keeping::Files(kept.iter().filter(|file| is_open(file)).cloned().collect()),
            shape,
            schema: Arc::clone(&schema),
        };
        let closed = Thorough::stream(parting.out(), Arc::clone(&self.context));
        let before = self.stored(kept, &schema, self.grouped.time.is_some());
        self.finished(in_turn(&schema, before, closed), task)
    }
}
