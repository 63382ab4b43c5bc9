//! Filters one above the other. DataFusion merges them into one conjunction and computes all of it for every row; Spark
//! computes a condition only for rows that the conditions before it keep. So a merged filter is taken apart again in
//! front of each condition that can fail. Must not change the order of conditions.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};

use crate::rewrite::guard;

/// The rule as a step of the optimizer; it must be the last one.
#[derive(Debug)]
pub(crate) struct StackFilters;

impl PhysicalOptimizerRule for StackFilters {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let stacked = plan.transform_up(|node| match node.downcast_ref::<FilterExec>() {
            None => Ok(Transformed::no(node)),
            Some(filter) => Ok(match stack(filter)? {
                Some(stacked) => Transformed::yes(stacked),
                None => Transformed::no(node),
            }),
        })?;
        Ok(stacked.data)
    }

    fn name(&self) -> &'static str {
        "stack_filters"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The filters that one filter becomes, `None` if it stays as it is.
fn stack(filter: &FilterExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let mut steps: Vec<Vec<Arc<dyn PhysicalExpr>>> = vec![];
    for part in split_conjunction(filter.predicate()) {
        match steps.last_mut() {
            Some(step) if !can_fail(part)? => step.push(Arc::clone(part)),
            _ => steps.push(vec![Arc::clone(part)]),
        }
    }
    let last = steps.pop();
    let (Some(last), false) = (last, steps.is_empty()) else {
        return Ok(None);
    };
    let mut input = Arc::clone(filter.input());
    for step in steps {
        let below = FilterExecBuilder::new(conjunction(step), input)
            .with_batch_size(filter.batch_size())
            .build()?;
        input = Arc::new(below);
    }
    let top = FilterExecBuilder::from(filter)
        .with_predicate(conjunction(last))
        .with_input(input)
        .build()?;
    Ok(Some(Arc::new(top)))
}

fn can_fail(expr: &Arc<dyn PhysicalExpr>) -> Result<bool> {
    expr.exists(|part| {
        let function = part.downcast_ref::<ScalarFunctionExpr>();
        Ok(function.is_some_and(|function| !guard::is_total(function.fun().name())))
    })
}
