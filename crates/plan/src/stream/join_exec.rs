//! A join of two streams at work. The state of each side is the rows that may still meet others, with a mark whether
//! they have met one. A batch meets its new rows with everything, gives out the pairs, and lets go of what the watermark
//! has passed; where the join is an outer one, rows that met nothing come out then.
//!
//! The new rows of a batch are held in memory, what waits is not: `join_rows` goes through it file by file.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt32Array, new_null_array,
};
use arrow::compute::{concat_batches, filter_record_batch, not, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

use super::StreamContext;
use super::join_rows::{Index, Keyed, Out, Part, Waiting, Which, give};
use super::thorough::Thorough;
use super::times::{TimeKind, behind, passed, times};

/// Pairs that are tested at once.
pub(super) const PAIRS: usize = 8192;

/// The column of state that says whether a row has met another.
const MET: &str = "__met";

/// One side of a join.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) input: Arc<dyn ExecutionPlan>,
    pub(super) keys: Vec<Arc<dyn PhysicalExpr>>,
    /// A condition on this side alone.
    pub(super) alone: Option<Arc<dyn PhysicalExpr>>,
    pub(super) event: Option<(Arc<dyn PhysicalExpr>, TimeKind)>,
    /// Rows go when this time is at or before the watermark moved by so many microseconds.
    pub(super) until: Option<(Arc<dyn PhysicalExpr>, TimeKind, i64)>,
    /// By how much rows may lie behind the watermark, microseconds, 0 or less.
    pub(super) lag_us: i64,
    /// Whether rows that met nothing come out when they go.
    pub(super) keeps: bool,
    pub(super) operator: String,
    /// What the state belongs to, in words.
    pub(super) shape: Vec<String>,
}

/// Both sides, and what joins them.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) residual: Option<Arc<dyn PhysicalExpr>>,
    /// The columns of both sides.
    pub(super) both: SchemaRef,
    pub(super) is_semi: bool,
    pub(super) schema: SchemaRef,
    pub(super) context: Arc<StreamContext>,
}

impl Side {
    /// The columns of a file of state.
    pub(super) fn stored_schema(&self) -> SchemaRef {
        let fields = self.input.schema();
        let met = Arc::new(Field::new(MET, DataType::Boolean, false));
        let fields = fields.fields().iter().cloned().chain([met]);
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The rows of the batch that may meet others, and those that the side's own condition turns away. They are held in
    /// memory, which is `held`.
    async fn new_rows(
        &self,
        context: &StreamContext,
        task: &Arc<TaskContext>,
        held: &MemoryReservation,
    ) -> Result<(Part, RecordBatch)> {
        let schema = self.input.schema();
        let mut all = vec![];
        let mut turned_away = vec![];
        let lanes = self.input.properties().output_partitioning();
        for lane in 0..lanes.partition_count() {
            let mut stream = self.input.execute(lane, Arc::clone(task))?;
            while let Some(batch) = stream.next().await {
                let batch = self.in_time(batch?, context)?;
                // Once as they come, once in one piece.
                held.try_grow(batch.get_array_memory_size().saturating_mul(2))?;
                let Some(alone) = &self.alone else {
                    all.push(batch);
                    continue;
                };
                let kept = truth(alone, &batch)?;
                turned_away.push(filter_record_batch(&batch, &not(&kept)?)?);
                all.push(filter_record_batch(&batch, &kept)?);
            }
        }
        let new = Part::new(concat_batches(&schema, &all)?);
        Ok((new, concat_batches(&schema, &turned_away)?))
    }

    /// Rows that come in time; counts the others.
    fn in_time(&self, batch: RecordBatch, context: &StreamContext) -> Result<RecordBatch> {
        let Some((event, kind)) = &self.event else {
            return Ok(batch);
        };
        let column = event.evaluate(&batch)?.into_array(batch.num_rows())?;
        let times = behind(&times(*kind, &column)?, self.lag_us);
        let late = passed(&times, context.late_us());
        let count = late.true_count();
        if count == 0 {
            return Ok(batch);
        }
        context.late(count as u64);
        Ok(filter_record_batch(&batch, &not(&late)?)?)
    }

    /// When rows wait for nothing any more, as a watermark: `None` if they wait for ever.
    pub(super) fn ends(&self, rows: &RecordBatch) -> Result<Option<Int64Array>> {
        let Some((expr, kind, offset_us)) = &self.until else {
            return Ok(None);
        };
        let column = expr.evaluate(rows)?.into_array(rows.num_rows())?;
        let ends = times(*kind, &column)?;
        Ok(Some(ends.unary(|end| end.saturating_sub(*offset_us))))
    }
}

/// Where a condition is true; NULL is not.
fn truth(condition: &Arc<dyn PhysicalExpr>, rows: &RecordBatch) -> Result<BooleanArray> {
    let value = condition.evaluate(rows)?.into_array(rows.num_rows())?;
    Ok(value
        .as_boolean()
        .iter()
        .map(|v| Some(v == Some(true)))
        .collect())
}

impl Joined {
    /// Runs the batch: gives its result out, and makes the state durable.
    async fn run(self, task: Arc<TaskContext>, out: Out) -> Result<()> {
        let mut out = out;
        let context = Arc::clone(&self.context);
        let held = MemoryConsumer::new("the rows of one micro-batch that a join of streams holds");
        let held = held.register(task.memory_pool());
        let (mut left, left_away) = self.left.new_rows(&context, &task, &held).await?;
        let (mut right, right_away) = self.right.new_rows(&context, &task, &held).await?;
        let keyed = Keyed::over(&self.left.keys, &left.rows)?;
        let lefts = keyed.index(&self.left.keys, &left.rows)?;
        let rights = keyed.index(&self.right.keys, &right.rows)?;
        self.meet_right(&mut left, &mut right, &keyed, &rights, &mut out)
            .await?;
        let mut waiting_left = Waiting::of(&self, Which::Left).await?;
        waiting_left
            .pass(&mut right, &keyed, &rights, &mut out)
            .await?;
        let mut waiting_right = Waiting::of(&self, Which::Right).await?;
        waiting_right
            .pass(&mut left, &keyed, &lefts, &mut out)
            .await?;
        waiting_left.end(left, left_away, &mut out).await?;
        waiting_right.end(right, right_away, &mut out).await
    }

    /// One of the sides.
    pub(super) fn side(&self, which: Which) -> &Side {
        match which {
            Which::Left => &self.left,
            Which::Right => &self.right,
        }
    }

    /// Gives out the pairs of rows of both sides, of which those of the right one have an index.
    pub(super) async fn meet_right(
        &self,
        left: &mut Part,
        right: &mut Part,
        keyed: &Keyed,
        rights: &Index,
        out: &mut Out,
    ) -> Result<()> {
        if left.rows.num_rows() == 0 || right.rows.num_rows() == 0 {
            return Ok(());
        }
        let mut pairs = vec![];
        for (row, other) in keyed.lookup(&self.left.keys, &left.rows, rights)? {
            pairs.push((row, other));
            if pairs.len() == PAIRS {
                give(out, self.met(&std::mem::take(&mut pairs), left, right)?).await?;
            }
        }
        give(out, self.met(&pairs, left, right)?).await
    }

    /// Gives out the pairs of rows of both sides, of which those of the left one have an index.
    pub(super) async fn meet_left(
        &self,
        left: &mut Part,
        right: &mut Part,
        keyed: &Keyed,
        lefts: &Index,
        out: &mut Out,
    ) -> Result<()> {
        if left.rows.num_rows() == 0 || right.rows.num_rows() == 0 {
            return Ok(());
        }
        let mut pairs = vec![];
        for (row, other) in keyed.lookup(&self.right.keys, &right.rows, lefts)? {
            pairs.push((other, row));
            if pairs.len() == PAIRS {
                give(out, self.met(&std::mem::take(&mut pairs), left, right)?).await?;
            }
        }
        give(out, self.met(&pairs, left, right)?).await
    }

    /// The rows that pairs give, as far as they meet the condition.
    fn met(
        &self,
        pairs: &[(usize, usize)],
        left: &mut Part,
        right: &mut Part,
    ) -> Result<RecordBatch> {
        let index = |row: usize| u32::try_from(row).ok();
        let lefts: UInt32Array = pairs.iter().map(|(row, _)| index(*row)).collect();
        let rights: UInt32Array = pairs.iter().map(|(_, row)| index(*row)).collect();
        let mut columns = vec![];
        for (part, chosen) in [(&*left, &lefts), (&*right, &rights)] {
            for column in part.rows.columns() {
                columns.push(take(column, chosen, None)?);
            }
        }
        let joined = RecordBatch::try_new(Arc::clone(&self.both), columns)?;
        let mut kept = match &self.residual {
            Some(condition) => truth(condition, &joined)?,
            None => BooleanArray::from(vec![true; joined.num_rows()]),
        };
        let mut first = vec![];
        for ((row, other), holds) in pairs.iter().zip(kept.values().iter()) {
            // A row of a semi join comes out once.
            first.push(holds && !left.met[*row]);
            left.met[*row] |= holds;
            right.met[*other] |= holds;
        }
        if self.is_semi {
            kept = BooleanArray::from(first);
        }
        let joined = filter_record_batch(&joined, &kept)?;
        let columns = joined.columns()[..self.schema.fields().len()].to_vec();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Rows of one side with NULL for the other.
    pub(super) fn extended(&self, rows: &RecordBatch, which: Which) -> Result<RecordBatch> {
        let width = self.left.input.schema().fields().len();
        let fields = self.schema.fields().iter().enumerate();
        let mut own = rows.columns().iter();
        let mut columns: Vec<ArrayRef> = vec![];
        for (index, field) in fields {
            let column = if (index < width) == (which == Which::Left) {
                own.next().map(Arc::clone)
            } else {
                None
            };
            columns
                .push(column.unwrap_or_else(|| new_null_array(field.data_type(), rows.num_rows())));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// The operator.
#[derive(Debug)]
pub(super) struct StatefulJoinExec {
    joined: Joined,
    properties: Arc<PlanProperties>,
}

impl StatefulJoinExec {
    /// The operator over its inputs.
    pub(super) fn over(joined: Joined) -> Arc<dyn ExecutionPlan> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&joined.schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Arc::new(Self {
            joined,
            properties: Arc::new(properties),
        })
    }
}

impl DisplayAs for StatefulJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatefulJoinExec: {}", self.joined.left.shape.join(", "))
    }
}

impl ExecutionPlan for StatefulJoinExec {
    fn name(&self) -> &'static str {
        "StatefulJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.joined.left.input, &self.joined.right.input]
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
        let Ok([left, right]) = <[Arc<dyn ExecutionPlan>; 2]>::try_from(children) else {
            return internal_err!("a join has two inputs");
        };
        let mut joined = self.joined.clone();
        joined.left.input = left;
        joined.right.input = right;
        Ok(Self::over(joined))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = datafusion::physical_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(options))
    }

    fn execute(&self, _: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let joined = self.joined.clone();
        let schema = Arc::clone(&joined.schema);
        let context = Arc::clone(&joined.context);
        let (out, result) = futures::channel::mpsc::channel(1);
        // Both go on together: the batch waits for whoever reads its result.
        let running = futures::stream::once(joined.run(task, out))
            .filter_map(|ended| std::future::ready(ended.err().map(Err)));
        let out = futures::stream::select(result.map(Ok), running);
        let out = Box::pin(RecordBatchStreamAdapter::new(schema, out));
        Ok(Thorough::stream(out, context))
    }
}
