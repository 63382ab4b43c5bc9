//! An aggregate over a stream at work. The state of a group is the row of partial results that DataFusion's own partial
//! aggregation makes of it; rows of one group merge whenever they meet. So a batch adds the partial results of its own
//! rows to the state and needs to read only what it closes.
//!
//! With event time among the keys (APPEND): rows that come too late fall out; groups that the watermark has passed
//! leave the state and are the result. Without (COMPLETE): the whole state is read, as the result is all of it, and only
//! what the batch adds is written. Either way files merge now and then, so that few hold a group. Open sessions are
//! written whole: a row may join two of them.

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
use futures::StreamExt;
use sluice_model::{OperatorState, StateFile};

use super::files::{Division, divide};
use super::lanes::{Lanes, Thorough, nothing};
use super::state::StateWriter;
use super::times::{TimeKind, passed, span, times};
use super::{StateBackend, StreamContext, sessions};

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
    pub(super) operator: String,
    /// Keys and functions in words.
    pub(super) parts: Vec<String>,
}

/// The operator.
#[derive(Debug)]
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

    /// The event times of rows of state.
    fn times(&self, rows: &RecordBatch) -> Result<Option<Int64Array>> {
        match self.time {
            Some((key, kind)) => times(kind, rows.column(key)).map(Some),
            None => Ok(None),
        }
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
        let context = Arc::clone(&self.context);
        let kept = rows.map(move |batch| {
            let batch = batch?;
            let Some(key) = &key else { return Ok(batch) };
            let column = key.evaluate(&batch)?.into_array(batch.num_rows())?;
            let late = passed(&times(kind, &column)?, context.late_us());
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
    kept: Vec<StateFile>,
    shape: Vec<String>,
    schema: SchemaRef,
}

impl Parting {
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
        let mut files = std::mem::take(&mut self.kept);
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
        let rows = self.input.schema();
        let new = self.of_batch(&task)?;
        let schema = new.schema();
        let shape = self.grouped.shape(&schema);
        let files = self.context.begin(&self.grouped.operator, &shape)?;
        let session = self.grouped.session;
        let Division { merged, kept } = divide(files, session.is_some());
        let changed = if merged.is_empty() && session.is_none() {
            new
        } else {
            let mut all = in_turn(&schema, self.stored(merged, &schema, false), new);
            if let Some(session) = session {
                let keys = self.grouped.groups.expr().len();
                all = sessions::merged(all, keys, session, &task)?;
            }
            let lanes = Lanes::over(Arc::clone(&schema), vec![all]);
            let merge = self
                .grouped
                .step(AggregateMode::PartialReduce, lanes, &rows)?;
            merge.execute(0, Arc::clone(&task))?
        };
        let watermark_us = self.context.watermark_us();
        let is_open = |file: &StateFile| file.last_us.is_none_or(|last| last > watermark_us);
        let parting = Parting {
            rows: changed,
            grouped: self.grouped.clone(),
            context: Arc::clone(&self.context),
            writer: None,
            kept: kept.iter().filter(|file| is_open(file)).cloned().collect(),
            shape,
            schema: Arc::clone(&schema),
        };
        let closed = futures::stream::try_unfold(parting, |mut parting| async move {
            Ok(parting.next().await?.map(|out| (out, parting)))
        });
        let closed = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), closed));
        let closed = Thorough::stream(closed, Arc::clone(&self.context));
        let before = self.stored(kept, &schema, self.grouped.time.is_some());
        let lanes = Lanes::over(Arc::clone(&schema), vec![in_turn(&schema, before, closed)]);
        let last = self.grouped.step(AggregateMode::Final, lanes, &rows)?;
        last.execute(0, task)
    }
}
