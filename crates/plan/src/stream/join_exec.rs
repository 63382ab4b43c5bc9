//! A join of two streams at work. The state of each side is the rows that may still meet others, with a mark whether
//! they have met one. A batch meets its new rows with everything, gives out the pairs, and lets go of what the watermark
//! has passed; where the join is an outer one, rows that met nothing come out then.
//!
//! Both sides are held in memory while a batch runs, and a state that changes is written whole.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, new_null_array,
};
use arrow::compute::{concat_batches, filter_record_batch, not, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt};
use sluice_model::{OperatorState, StateFile};

use super::StreamContext;
use super::lanes::Thorough;
use super::times::{TimeKind, passed, times};

/// Pairs that are tested at once.
const PAIRS: usize = 8192;

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

/// The rows of one side in a batch: those that waited, then the new ones.
struct Rows {
    all: RecordBatch,
    waited: usize,
    met: Vec<bool>,
    /// How many of those that waited had met another.
    had_met: usize,
    /// New rows that the side's own condition turns away.
    turned_away: RecordBatch,
    files: Vec<StateFile>,
}

impl Side {
    /// The columns of a file of state.
    fn stored_schema(&self) -> SchemaRef {
        let fields = self.input.schema();
        let met = Arc::new(Field::new(MET, DataType::Boolean, false));
        let fields = fields.fields().iter().cloned().chain([met]);
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    async fn rows(&self, context: &StreamContext, task: &Arc<TaskContext>) -> Result<Rows> {
        let schema = self.input.schema();
        let files = context.begin(&self.operator, &self.shape)?;
        let mut all = vec![];
        let mut met = vec![];
        if !files.is_empty() {
            let stored = self.stored_schema();
            let mut waiting = context
                .backend()
                .read(&self.operator, files.clone(), stored);
            while let Some(batch) = waiting.next().await {
                let batch = batch?;
                let width = schema.fields().len();
                met.extend(batch.column(width).as_boolean().values().iter());
                all.push(RecordBatch::try_new(
                    Arc::clone(&schema),
                    batch.columns()[..width].to_vec(),
                )?);
            }
        }
        let waited = met.len();
        let had_met = met.iter().filter(|met| **met).count();
        let mut turned_away = vec![];
        for lane in 0..self
            .input
            .properties()
            .output_partitioning()
            .partition_count()
        {
            let mut stream = self.input.execute(lane, Arc::clone(task))?;
            while let Some(batch) = stream.next().await {
                let batch = self.in_time(batch?, context)?;
                let Some(alone) = &self.alone else {
                    all.push(batch);
                    continue;
                };
                let kept = truth(alone, &batch)?;
                turned_away.push(filter_record_batch(&batch, &not(&kept)?)?);
                all.push(filter_record_batch(&batch, &kept)?);
            }
        }
        let all = concat_batches(&schema, &all)?;
        met.resize(all.num_rows(), false);
        Ok(Rows {
            all,
            waited,
            met,
            had_met,
            turned_away: concat_batches(&schema, &turned_away)?,
            files,
        })
    }

    /// Rows that come in time; counts the others.
    fn in_time(&self, batch: RecordBatch, context: &StreamContext) -> Result<RecordBatch> {
        let Some((event, kind)) = &self.event else {
            return Ok(batch);
        };
        let column = event.evaluate(&batch)?.into_array(batch.num_rows())?;
        let late = passed(&times(*kind, &column)?, context.late_us());
        let count = late.true_count();
        if count == 0 {
            return Ok(batch);
        }
        context.late(count as u64);
        Ok(filter_record_batch(&batch, &not(&late)?)?)
    }

    fn key_columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let column = |key: &Arc<dyn PhysicalExpr>| key.evaluate(rows)?.into_array(rows.num_rows());
        self.keys.iter().map(column).collect()
    }

    /// The rows that wait for nothing any more.
    fn over(&self, rows: &RecordBatch, context: &StreamContext) -> Result<BooleanArray> {
        let Some((expr, kind, offset_us)) = &self.until else {
            return Ok(BooleanArray::from(vec![false; rows.num_rows()]));
        };
        let column = expr.evaluate(rows)?.into_array(rows.num_rows())?;
        let border = context.watermark_us().saturating_add(*offset_us);
        Ok(passed(&times(*kind, &column)?, border))
    }

    /// Makes the rows that wait on the state, and gives those that go.
    async fn settle(
        &self,
        rows: Rows,
        is_done_when_met: bool,
        context: &StreamContext,
    ) -> Result<Vec<RecordBatch>> {
        let met = BooleanArray::from(rows.met);
        let over = self.over(&rows.all, context)?;
        let mut out = vec![];
        if self.keeps {
            let alone = arrow::compute::and(&over, &not(&met)?)?;
            out.push(rows.turned_away);
            out.push(filter_record_batch(&rows.all, &alone)?);
        }
        let mut stays = not(&over)?;
        if is_done_when_met {
            stays = arrow::compute::and(&stays, &not(&met)?)?;
        }
        let is_as_before = stays.true_count() == rows.waited
            && rows.all.num_rows() == rows.waited
            && met.true_count() == rows.had_met;
        let files = if is_as_before {
            rows.files
        } else {
            self.stored(&rows.all, met, &stays, context).await?
        };
        let state = OperatorState {
            shape: self.shape.clone(),
            closes: self.until.is_some(),
            files,
        };
        context.finish(&self.operator, state);
        Ok(out)
    }

    /// Writes the rows that stay.
    async fn stored(
        &self,
        rows: &RecordBatch,
        met: BooleanArray,
        stays: &BooleanArray,
        context: &StreamContext,
    ) -> Result<Vec<StateFile>> {
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(met));
        let schema = self.stored_schema();
        let whole = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let waiting = filter_record_batch(&whole, stays)?;
        if waiting.num_rows() == 0 {
            return Ok(vec![]);
        }
        let mut writer = context.backend().writer(&self.operator, schema)?;
        for begin in (0..waiting.num_rows()).step_by(PAIRS) {
            let length = PAIRS.min(waiting.num_rows() - begin);
            writer
                .write(&waiting.slice(begin, length), (None, None))
                .await?;
        }
        writer.finish().await
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
    /// Runs the batch: its result, after the state is durable.
    async fn run(self, task: Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
        let context = Arc::clone(&self.context);
        let mut left = self.left.rows(&context, &task).await?;
        let mut right = self.right.rows(&context, &task).await?;
        let mut out = self.pairs(&mut left, &mut right)?;
        for rows in self.left.settle(left, self.is_semi, &context).await? {
            out.push(self.extended(&rows, true)?);
        }
        for rows in self.right.settle(right, false, &context).await? {
            out.push(self.extended(&rows, false)?);
        }
        out.retain(|rows| rows.num_rows() > 0);
        Ok(out)
    }

    /// The pairs of which one row at least is new.
    fn pairs(&self, left: &mut Rows, right: &mut Rows) -> Result<Vec<RecordBatch>> {
        let left_keys = self.left.key_columns(&left.all)?;
        let right_keys = self.right.key_columns(&right.all)?;
        let fields = left_keys
            .iter()
            .map(|key| SortField::new(key.data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        let found = converter.convert_columns(&right_keys)?;
        let sought = converter.convert_columns(&left_keys)?;
        let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
        for row in (0..right.all.num_rows()).filter(|row| is_whole(&right_keys, *row)) {
            by_key.entry(found.row(row)).or_default().push(row);
        }
        let mut out = vec![];
        let mut pairs = vec![];
        for row in (0..left.all.num_rows()).filter(|row| is_whole(&left_keys, *row)) {
            for other in by_key.get(&sought.row(row)).into_iter().flatten() {
                if row < left.waited && *other < right.waited {
                    continue;
                }
                pairs.push((row, *other));
                if pairs.len() == PAIRS {
                    out.push(self.met(&std::mem::take(&mut pairs), left, right)?);
                }
            }
        }
        out.push(self.met(&pairs, left, right)?);
        Ok(out)
    }

    /// The rows that pairs give, as far as they meet the condition.
    fn met(
        &self,
        pairs: &[(usize, usize)],
        left: &mut Rows,
        right: &mut Rows,
    ) -> Result<RecordBatch> {
        let index = |row: usize| u32::try_from(row).ok();
        let lefts: UInt32Array = pairs.iter().map(|(row, _)| index(*row)).collect();
        let rights: UInt32Array = pairs.iter().map(|(_, row)| index(*row)).collect();
        let mut columns = vec![];
        for (rows, chosen) in [(&left.all, &lefts), (&right.all, &rights)] {
            for column in rows.columns() {
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
    fn extended(&self, rows: &RecordBatch, is_left: bool) -> Result<RecordBatch> {
        let width = self.left.input.schema().fields().len();
        let fields = self.schema.fields().iter().enumerate();
        let mut own = rows.columns().iter();
        let mut columns: Vec<ArrayRef> = vec![];
        for (index, field) in fields {
            let column = if (index < width) == is_left {
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

/// Whether no key of a row is NULL: NULL meets nothing.
fn is_whole(keys: &[ArrayRef], row: usize) -> bool {
    keys.iter().all(|key| key.is_valid(row))
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
        let out = futures::stream::once(joined.run(task))
            .map_ok(|batches| futures::stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        let out = Box::pin(RecordBatchStreamAdapter::new(schema, out));
        Ok(Thorough::stream(out, context))
    }
}
