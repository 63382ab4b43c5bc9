//! Sessions: rows of a group whose gaps touch are one session, from its first time to its last end.
//! Must not know syntax: `time_window` finds the call.

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Case, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, SortExpr, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition, lit,
};

use super::Binder;
use crate::error::Result;
use crate::rewrite::{float, window};

/// The columns of the session that each row alone makes, and the one that its whole session gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Session {
    pub(crate) start: Column,
    pub(crate) end: Column,
    pub(crate) window: Column,
    /// The type of its times.
    pub(crate) time: DataType,
}

/// What a step over the rows of a group computes.
struct Over<'a> {
    keys: &'a [Expr],
    /// Ordered by this column; all rows of the group otherwise.
    order: Option<&'a Column>,
    /// Up to the row itself, or to the one before it.
    last: WindowFrameBound,
}

impl Over<'_> {
    fn compute(
        &self,
        function: std::sync::Arc<datafusion::logical_expr::AggregateUDF>,
        value: Expr,
    ) -> Expr {
        let none = ScalarValue::UInt64(None);
        let frame = WindowFrame::new_bounds(
            WindowFrameUnits::Rows,
            WindowFrameBound::Preceding(none),
            self.last.clone(),
        );
        let order_by = self
            .order
            .map(|column| SortExpr::new(Expr::Column(column.clone()), true, false));
        Expr::WindowFunction(Box::new(WindowFunction {
            fun: WindowFunctionDefinition::AggregateUDF(function),
            params: WindowFunctionParams {
                args: vec![value],
                partition_by: self.keys.to_vec(),
                order_by: order_by.into_iter().collect(),
                window_frame: frame,
                filter: None,
                null_treatment: None,
                distinct: false,
            },
        }))
    }
}

impl Binder<'_> {
    /// Gives each row the session that it alone makes.
    pub(super) fn sessions_of_rows(
        &mut self,
        plan: LogicalPlan,
        session: &Session,
    ) -> Result<LogicalPlan> {
        let (start, end) = (session.start.clone(), session.end.clone());
        let whole = window::between(Expr::Column(start), Expr::Column(end), &session.time);
        self.extended(plan, vec![whole.expr.alias(&session.window.name)])
    }

    /// Gives each row the session of its group that it belongs to.
    pub(super) fn merged_sessions(
        &mut self,
        plan: LogicalPlan,
        session: &Session,
        keys: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let mut names = vec![];
        let mut settled = vec![];
        for key in keys {
            let name = self.fresh("__key");
            let value = match key.get_type(plan.schema()) {
                Ok(found) => float::settle(key, &found),
                Err(_) => key,
            };
            settled.push(value.alias(&name));
            names.push(Expr::Column(Column::new_unqualified(name)));
        }
        let plan = self.extended(plan, settled)?;
        let one_before = WindowFrameBound::Preceding(ScalarValue::UInt64(Some(1)));
        let before = Over {
            keys: &names,
            order: Some(&session.start),
            last: one_before,
        };
        let (plan, reached) = self.stepped(
            plan,
            before.compute(max_udaf(), Expr::Column(session.end.clone())),
        )?;
        // A row opens a session when the sessions before it have ended; one that begins at their end goes on.
        let goes_on = Expr::Column(session.start.clone()).lt_eq(Expr::Column(reached));
        let opens = Expr::Case(Case::new(
            None,
            vec![(Box::new(goes_on), Box::new(lit(0_i64)))],
            Some(Box::new(lit(1_i64))),
        ));
        let opened = self.fresh("__session");
        let plan = self.extended(plan, vec![opens.alias(&opened)])?;
        let opened = Expr::Column(Column::new_unqualified(opened));
        let so_far = Over {
            keys: &names,
            order: Some(&session.start),
            last: WindowFrameBound::CurrentRow,
        };
        let (plan, number) = self.stepped(plan, so_far.compute(sum_udaf(), opened))?;
        let members: Vec<Expr> = names.into_iter().chain([Expr::Column(number)]).collect();
        let all = Over {
            keys: &members,
            order: None,
            last: WindowFrameBound::Following(ScalarValue::UInt64(None)),
        };
        let (plan, start) = self.stepped(
            plan,
            all.compute(min_udaf(), Expr::Column(session.start.clone())),
        )?;
        let (plan, end) = self.stepped(
            plan,
            all.compute(max_udaf(), Expr::Column(session.end.clone())),
        )?;
        let whole = window::between(Expr::Column(start), Expr::Column(end), &session.time);
        self.extended(plan, vec![whole.expr.alias(&session.window.name)])
    }

    /// Computes one value over the rows of a group beside each row.
    fn stepped(&mut self, plan: LogicalPlan, value: Expr) -> Result<(LogicalPlan, Column)> {
        let origin = self.query.origin.clone();
        let column = Column::new_unqualified(value.schema_name().to_string());
        let plan = LogicalPlanBuilder::from(plan)
            .window(vec![value])
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, &origin)?;
        let name = self.fresh("__session");
        let plan = self.extended(plan, vec![Expr::Column(column).alias(&name)])?;
        Ok((plan, Column::new_unqualified(name)))
    }

    /// A plan with further columns.
    fn extended(&mut self, plan: LogicalPlan, more: Vec<Expr>) -> Result<LogicalPlan> {
        let origin = self.query.origin.clone();
        let columns = plan.schema().columns().into_iter().map(Expr::Column);
        let exprs: Vec<Expr> = columns.chain(more).collect();
        let plan = LogicalPlanBuilder::from(plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        self.planned(plan, &origin)
    }
}
