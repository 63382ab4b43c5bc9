//! Makes the operators of streams physical. Must not know any other operator.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::{StatefulAggregate, StatefulJoin, WatermarkNode};

/// DataFusion's planner with the operators of streams.
#[derive(Debug)]
pub(crate) struct StreamQueryPlanner;

#[async_trait]
impl QueryPlanner for StreamQueryPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Operators)]);
        planner.create_physical_plan(plan, session).await
    }
}

struct Operators;

#[async_trait]
impl ExtensionPlanner for Operators {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(input) = inputs.first().map(Arc::clone) else {
            return Ok(None);
        };
        let node = node.as_any();
        if let Some(join) = node.downcast_ref::<StatefulJoin>() {
            let Some(right) = inputs.get(1).map(Arc::clone) else {
                return Ok(None);
            };
            return join.physical(input, right, session).map(Some);
        }
        if let Some(watermark) = node.downcast_ref::<WatermarkNode>() {
            return watermark.physical(input).map(Some);
        }
        if let Some(aggregate) = node.downcast_ref::<StatefulAggregate>() {
            return aggregate.physical(input, session, planning).map(Some);
        }
        Ok(None)
    }
}
