//! `WATERMARK ts DELAY OF …`: rows pass as they are, and the latest event time among them is noted. Must not drop rows:
//! operators with state do.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchemaRef, plan_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

use super::StreamContext;
use super::thorough::Thorough;
use super::times::{TimeKind, times};

/// A watermark clause in a logical plan.
#[derive(Debug, Clone)]
pub(crate) struct WatermarkNode {
    pub(crate) input: LogicalPlan,
    /// The column of event time.
    pub(crate) event: Column,
    pub(crate) kind: TimeKind,
    /// The number of the clause.
    pub(crate) clause: usize,
    pub(crate) context: Arc<StreamContext>,
}

impl WatermarkNode {
    /// The node over its physical input.
    pub(super) fn physical(&self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let index = self.input.schema().index_of_column(&self.event)?;
        Ok(Arc::new(WatermarkExec {
            properties: Arc::clone(input.properties()),
            input,
            index,
            kind: self.kind,
            clause: self.clause,
            context: Arc::clone(&self.context),
        }))
    }

    fn identity(&self) -> (&LogicalPlan, &Column, usize) {
        (&self.input, &self.event, self.clause)
    }
}

impl PartialEq for WatermarkNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for WatermarkNode {}

impl PartialOrd for WatermarkNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

impl Hash for WatermarkNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for WatermarkNode {
    fn name(&self) -> &'static str {
        "Watermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![Expr::Column(self.event.clone())]
    }

    /// As in Spark, a condition on other columns is tested before the event time is noted.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::from([self.event.name.clone()])
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watermark: {}", self.event)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(Expr::Column(event)), Some(input)) =
            (exprs.into_iter().next(), inputs.into_iter().next())
        else {
            return plan_err!("a watermark without its column");
        };
        Ok(Self {
            input,
            event,
            ..self.clone()
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let event = self.input.schema().index_of_column(&self.event).ok()?;
        let mut needed = output_columns.to_vec();
        if !needed.contains(&event) {
            needed.push(event);
        }
        Some(vec![needed])
    }
}

#[derive(Debug)]
struct WatermarkExec {
    input: Arc<dyn ExecutionPlan>,
    index: usize,
    kind: TimeKind,
    clause: usize,
    context: Arc<StreamContext>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for WatermarkExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatermarkExec")
    }
}

impl ExecutionPlan for WatermarkExec {
    fn name(&self) -> &'static str {
        "WatermarkExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
            return plan_err!("a watermark without its input");
        };
        Ok(Arc::new(Self {
            properties: Arc::clone(input.properties()),
            input,
            index: self.index,
            kind: self.kind,
            clause: self.clause,
            context: Arc::clone(&self.context),
        }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = datafusion::physical_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(options))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, task)?;
        let (index, kind, clause) = (self.index, self.kind, self.clause);
        let context = Arc::clone(&self.context);
        let noted = rows.map(move |batch| {
            let batch = batch?;
            let times = times(kind, batch.column(index))?;
            if let Some(latest) = arrow::compute::max(&times) {
                context.saw(clause, latest);
            }
            Ok(batch)
        });
        let stream = Box::pin(RecordBatchStreamAdapter::new(self.schema(), noted));
        Ok(Thorough::stream(stream, Arc::clone(&self.context)))
    }
}
