//! The bounds of recursive queries while they run, Spark's (`spark.sql.cteRecursionLevelLimit`,
//! `spark.sql.cteRecursionRowLimit`): a recursion without an end is told, and does not fill the memory.
//! Must not know how a recursion is written.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::TryStreamExt;
use sluice_model::Diagnostic;
use sluice_model::condition::query as condition;

use crate::error::raise;

/// Steps behind the anchor.
const STEPS_MAX: usize = 100;
/// Rows of anchor and steps that are too many.
const ROWS_MAX: usize = 1_000_000;

/// Puts [`Bounded`] around recursions and their steps.
#[derive(Debug)]
pub(crate) struct BoundRecursions;

impl PhysicalOptimizerRule for BoundRecursions {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let bounded = plan.transform_up(|node| {
            let Some(recursion) = node.downcast_ref::<RecursiveQueryExec>() else {
                return Ok(Transformed::no(node));
            };
            let anchor = Arc::clone(recursion.static_term());
            let step = Arc::clone(recursion.recursive_term());
            let steps = Arc::default();
            let step = Bounded::around(step, Of::Step, &steps);
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            let recursion = Arc::clone(&node).replace_children(vec![anchor, step], options)?;
            Ok(Transformed::yes(Bounded::around(
                recursion,
                Of::Rows,
                &steps,
            )))
        })?;
        Ok(bounded.data)
    }

    fn name(&self) -> &'static str {
        "bound_recursions"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Of {
    /// How often the step is begun.
    Step,
    /// The rows of the whole recursion, which begins to count steps anew.
    Rows,
}

/// An operator that passes rows on until there are too many steps or rows.
#[derive(Debug)]
struct Bounded {
    input: Arc<dyn ExecutionPlan>,
    of: Of,
    /// Steps begun: of the recursion and its step together, and of all copies that are made of both.
    steps: Arc<AtomicUsize>,
}

impl Bounded {
    fn around(
        input: Arc<dyn ExecutionPlan>,
        of: Of,
        steps: &Arc<AtomicUsize>,
    ) -> Arc<dyn ExecutionPlan> {
        let steps = Arc::clone(steps);
        Arc::new(Self { input, of, steps })
    }
}

impl DisplayAs for Bounded {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Of::Step => write!(f, "BoundedRecursion: steps={STEPS_MAX}"),
            Of::Rows => write!(f, "BoundedRecursion: rows={ROWS_MAX}"),
        }
    }
}

impl ExecutionPlan for Bounded {
    fn name(&self) -> &'static str {
        "BoundedRecursion"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Self::around(input, self.of, &self.steps)),
            None => Ok(self),
        }
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
        match self.of {
            Of::Step => {
                if self.steps.fetch_add(1, Ordering::Relaxed) >= STEPS_MAX {
                    return Err(raise(too_many_steps()));
                }
                self.input.execute(partition, task)
            }
            Of::Rows => {
                self.steps.store(0, Ordering::Relaxed);
                let mut rows = 0;
                let counted = self.input.execute(partition, task)?.and_then(move |batch| {
                    rows += batch.num_rows();
                    let passed = match rows {
                        rows if rows >= ROWS_MAX => Err(raise(too_many_rows())),
                        _ => Ok(batch),
                    };
                    std::future::ready(passed)
                });
                Ok(Box::pin(RecordBatchStreamAdapter::new(
                    self.schema(),
                    counted,
                )))
            }
        }
    }
}

fn too_many_steps() -> Diagnostic {
    let message = format!("a recursive query has not come to its end after {STEPS_MAX} steps");
    Diagnostic::error(&condition::RECURSION_LEVEL_LIMIT_EXCEEDED, message)
        .help("give the step a condition that fails at last, such as `WHERE depth < 100`; rows that lead back to themselves have no end")
}

fn too_many_rows() -> Diagnostic {
    let message = format!("a recursive query has given {ROWS_MAX} rows");
    Diagnostic::error(&condition::RECURSION_ROW_LIMIT_EXCEEDED, message)
        .help("let anchor and step give fewer rows, or take the first of them: `LIMIT 1000` behind the query that reads the recursion")
}
