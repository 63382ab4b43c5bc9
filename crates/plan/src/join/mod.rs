//! Hash joins that go on where memory ends. DataFusion's hash join holds one whole side and fails where that does not
//! fit; this one then cuts both sides by their keys into parts on disk and joins part with part, one after the other (a
//! "grace" hash join: Kitsuregawa, Tanaka, Moto-oka 1983). Must not change what a join means.

mod held;
mod parts;

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    PlanProperties, ReplaceChildrenOptions,
};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};

use held::{Held, Lent};

use crate::lanes::Lanes;

/// Parts that a side is cut into; what still does not fit is cut again into the next number. No number divides
/// another or the number of lanes that rows came on, so that the same hash spreads rows anew each time.
const PARTS: [usize; 3] = [31, 37, 41];

/// Puts [`SpillingJoin`] in the place of DataFusion's hash joins; a step of the optimizer behind all that look for them.
#[derive(Debug)]
pub(crate) struct JoinBeyondMemory;

impl PhysicalOptimizerRule for JoinBeyondMemory {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let replaced = plan.transform_up(|node| match node.downcast_ref::<HashJoinExec>() {
            Some(join) if can_be_cut(join) => Ok(Transformed::yes(SpillingJoin::over(join)?)),
            _ => Ok(Transformed::no(node)),
        })?;
        Ok(replaced.data)
    }

    fn name(&self) -> &'static str {
        "join_beyond_memory"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a join gives the same rows when it is done part by part. `NOT IN` looks at the whole other side for a NULL; a
/// limit or an order would have to hold over all parts; a side that several lanes share is small by its statistics.
fn can_be_cut(join: &HashJoinExec) -> bool {
    let own_side = match join.partition_mode() {
        PartitionMode::Partitioned => true,
        PartitionMode::CollectLeft => join.right().output_partitioning().partition_count() == 1,
        PartitionMode::Auto => false,
    };
    own_side
        && !join.null_aware
        && join.fetch().is_none()
        && join.properties().output_ordering().is_none()
}

/// A hash join, as DataFusion planned it, that is cut into parts where a lane of it does not fit into memory.
#[derive(Debug)]
struct SpillingJoin {
    join: Arc<HashJoinExec>,
}

impl SpillingJoin {
    /// The operator in the place of a join.
    ///
    /// Filters that the join would hand to the scan of its other side are given up: they wait for all lanes, and a lane
    /// that is cut into parts has none to give.
    fn over(join: &HashJoinExec) -> Result<Arc<dyn ExecutionPlan>> {
        let join = Arc::new(join.builder().reset_state().build()?);
        Ok(Arc::new(Self { join }))
    }
}

impl DisplayAs for SpillingJoin {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpillingJoin: ")?;
        self.join.fmt_as(format, f)
    }
}

impl ExecutionPlan for SpillingJoin {
    fn name(&self) -> &'static str {
        "SpillingJoin"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(visit)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let join = self.join.builder().recompute_properties();
        let join = Arc::new(join.with_new_children(children)?.build()?);
        Ok(Arc::new(Self { join }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let left = self.join.left().execute(partition, Arc::clone(&task))?;
        let right = self.join.right().execute(partition, Arc::clone(&task))?;
        let lane = Lane {
            join: Arc::clone(&self.join),
            cuts: &PARTS,
            task,
        };
        let rows = stream::once(lane.run(left, right)).try_flatten();
        let rows = RecordBatchStreamAdapter::new(self.schema(), rows);
        Ok(Box::pin(rows))
    }
}

/// One lane of a join, or one part of a lane.
#[derive(Clone)]
struct Lane {
    join: Arc<HashJoinExec>,
    /// The numbers of parts that are left to cut into.
    cuts: &'static [usize],
    task: Arc<TaskContext>,
}

impl Lane {
    /// The rows of the join: in memory where the left side fits, in parts where it does not.
    fn run(
        self,
        mut left: SendableRecordBatchStream,
        right: SendableRecordBatchStream,
    ) -> BoxFuture<'static, Result<SendableRecordBatchStream>> {
        Box::pin(async move {
            let Some((&count, cuts)) = self.cuts.split_first() else {
                return self.in_memory(left, right);
            };
            let mut held = Held::new(left.schema(), &self.task);
            while let Some(batch) = left.next().await {
                if !held.take(batch?) {
                    let left = held.followed_by(left);
                    return Self { cuts, ..self }.in_parts(count, left, right).await;
                }
            }
            let given = held.given();
            let (lent, right) = Lent::of(held, right);
            let mut rows = self.in_memory(given, right)?;
            // The table of keys comes on top of the rows, and others take memory meanwhile.
            match rows.next().await {
                Some(Err(error)) if is_exhausted(&error) => {
                    let (held, right) = lent.take_back().ok_or(error)?;
                    let left = held.followed_by(left);
                    Self { cuts, ..self }.in_parts(count, left, right).await
                }
                Some(first) => Ok(Box::pin(RecordBatchStreamAdapter::new(
                    rows.schema(),
                    stream::iter([first]).chain(rows),
                ))),
                None => Ok(rows),
            }
        })
    }

    /// DataFusion's join of these streams.
    fn in_memory(
        &self,
        left: SendableRecordBatchStream,
        right: SendableRecordBatchStream,
    ) -> Result<SendableRecordBatchStream> {
        let sides: Vec<Arc<dyn ExecutionPlan>> = vec![
            Lanes::over(left.schema(), vec![left]),
            Lanes::over(right.schema(), vec![right]),
        ];
        let join = self.join.builder().reset_state().with_new_children(sides)?;
        let join = join.with_partition_mode(PartitionMode::CollectLeft);
        join.build()?.execute(0, Arc::clone(&self.task))
    }

    /// Cuts both sides by their keys, then joins part with part.
    async fn in_parts(
        self,
        count: usize,
        left: SendableRecordBatchStream,
        right: SendableRecordBatchStream,
    ) -> Result<SendableRecordBatchStream> {
        let schema = self.join.schema();
        let (of_left, of_right) = self.join.on().iter().cloned().unzip();
        let lefts = parts::cut(left, of_left, count, &self.task).await?;
        let rights = parts::cut(right, of_right, count, &self.task).await?;
        let rows = stream::iter(lefts.into_iter().zip(rights))
            .then(move |(left, right)| {
                let lane = self.clone();
                async move { lane.run(left.read()?, right.read()?).await }
            })
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}
