//! An aggregate over a stream in a logical plan: what `Aggregate` computes, over all rows that the stream ever had.
//! Must not run: `aggregate_exec` does.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchemaRef, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Aggregate, Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::PhysicalGroupBy;

use super::StreamContext;
use super::aggregate_exec::{Grouped, StatefulAggregateExec};
use super::context::Gives;
use super::times::TimeKind;

/// The kind of operator, which begins its name.
pub(crate) const KIND: &str = "aggregate";

/// An aggregate that goes on from batch to batch.
#[derive(Debug, Clone)]
pub(crate) struct StatefulAggregate {
    input: LogicalPlan,
    groups: Vec<Expr>,
    aggregates: Vec<Expr>,
    schema: DFSchemaRef,
    /// The keys in words: state belongs to them.
    keys: Vec<String>,
    /// The group key that carries event time, by number; without one, each batch gives the whole result.
    time: Option<(usize, TimeKind)>,
    /// The group key that holds the session of each row, by number: sessions that touch are merged.
    session: Option<usize>,
    /// By how much its rows may lie behind the watermark, microseconds, 0 or less.
    lag_us: i64,
    operator: String,
    context: Arc<StreamContext>,
}

impl StatefulAggregate {
    /// Makes a plan's aggregate step one that goes on from batch to batch.
    pub(crate) fn over(
        plan: LogicalPlan,
        keys: Vec<String>,
        (time, session): (Option<(usize, TimeKind)>, Option<usize>),
        context: &Arc<StreamContext>,
    ) -> Result<LogicalPlan> {
        let LogicalPlan::Aggregate(Aggregate {
            input,
            group_expr,
            aggr_expr,
            schema,
            ..
        }) = plan
        else {
            return internal_err!("an aggregate step that is none");
        };
        let lag_us = context.lag_us();
        let gives = match time {
            Some(_) => Gives::After(lag_us),
            None => Gives::Whole,
        };
        let node = Self {
            input: Arc::unwrap_or_clone(input),
            groups: group_expr,
            aggregates: aggr_expr,
            schema,
            keys,
            time,
            session,
            lag_us,
            operator: context.operator(KIND, gives),
            context: Arc::clone(context),
        };
        Ok(LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        }))
    }

    /// The node over its physical input.
    pub(super) fn physical(
        &self,
        input: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let logical = self.input.schema();
        let physical = input.schema();
        let mut keys = vec![];
        for (expr, field) in self.groups.iter().zip(self.schema.fields()) {
            let key = session.create_physical_expr(expr.clone().unalias(), logical)?;
            keys.push((key, field.name().clone()));
        }
        let (mut functions, mut filters) = (vec![], vec![]);
        for expr in &self.aggregates {
            let lowered = LoweredAggregateBuilder::new(
                expr,
                logical,
                &physical,
                session.execution_props(),
                planning,
            )
            .build()?;
            functions.push(lowered.aggregate);
            filters.push(lowered.filter);
        }
        let grouped = Grouped {
            groups: Arc::new(PhysicalGroupBy::new_single(keys)),
            functions,
            filters,
            time: self.time,
            session: self.session,
            lag_us: self.lag_us,
            operator: self.operator.clone(),
            parts: self.parts(),
        };
        StatefulAggregateExec::over(input, grouped, Arc::clone(&self.context))
    }

    /// The keys and functions in words: state belongs to them.
    fn parts(&self) -> Vec<String> {
        let keys = self.keys.iter().enumerate().map(|(index, key)| {
            let closes = matches!(self.time, Some((time, _)) if time == index);
            let by = if closes { " (event time)" } else { "" };
            format!("group by {key}{by}")
        });
        let functions = self
            .aggregates
            .iter()
            .map(|expr| format!("aggregate {}", words(expr)));
        keys.chain(functions).collect()
    }

    fn identity(&self) -> (&LogicalPlan, &[Expr], &[Expr], &str) {
        (&self.input, &self.groups, &self.aggregates, &self.operator)
    }
}

/// An expression in words in which the aliases of relations do not count.
pub(crate) fn words(expr: &Expr) -> String {
    let bare = expr.clone().unalias().transform(|part| {
        Ok(match part {
            Expr::Column(column) => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            other => Transformed::no(other),
        })
    });
    bare.map_or_else(
        |_| expr.schema_name().to_string(),
        |bare| bare.data.schema_name().to_string(),
    )
}

impl PartialEq for StatefulAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for StatefulAggregate {}

impl PartialOrd for StatefulAggregate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

impl Hash for StatefulAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for StatefulAggregate {
    fn name(&self) -> &'static str {
        "StatefulAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.groups
            .iter()
            .chain(&self.aggregates)
            .cloned()
            .collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatefulAggregate: {}", self.parts().join(", "))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.into_iter().next() else {
            return plan_err!("an aggregate without its input");
        };
        let mut exprs = exprs;
        let aggregates = exprs.split_off(self.groups.len());
        Ok(Self {
            input,
            groups: exprs,
            aggregates,
            ..self.clone()
        })
    }

    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        let schema = self.input.schema();
        let mut needed = vec![];
        for expr in self.groups.iter().chain(&self.aggregates) {
            for column in expr.column_refs() {
                let index = schema.maybe_index_of_column(column)?;
                if !needed.contains(&index) {
                    needed.push(index);
                }
            }
        }
        Some(vec![needed])
    }
}
