//! `GROUP BY window(ts, '10 minutes')`: rows without a time fall out, and the word `window` means the group's window.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlanBuilder;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::call::Call;
use super::column::Environment;
use super::relation::From;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, interval, time, window};

impl Binder<'_> {
    /// Looks for a time window in GROUP BY; its rows are those that have a time.
    pub(crate) fn grouped_window(&mut self, select: &ast::Select, from: &mut From) -> Result<()> {
        self.window = None;
        let ast::GroupByExpr::Expressions(exprs, _) = &select.group_by else {
            return Ok(());
        };
        for expr in exprs {
            let ast::Expr::Function(function) = expr else {
                continue;
            };
            if !function.name.to_string().eq_ignore_ascii_case("window") {
                continue;
            }
            let value = self.expression(expr, &Environment::over(&from.scope).named("GROUP BY"))?;
            let datafusion::logical_expr::Expr::ScalarFunction(call) = &value.expr else {
                continue;
            };
            if let Some(timestamp) = call.args.first() {
                let filter = timestamp.clone().is_not_null();
                let plan = LogicalPlanBuilder::from(from.plan.clone()).filter(filter);
                let origin = self.origin(expr);
                from.plan = self.planned(plan.and_then(LogicalPlanBuilder::build), &origin)?;
            }
            self.window = Some(value);
        }
        Ok(())
    }

    /// `window(ts, size)`.
    pub(crate) fn time_window(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let args = self.arguments(call, env)?;
        let [timestamp, size] = args.as_slice() else {
            return unsupported(&call.origin, "a sliding or shifted time window");
        };
        let length = size
            .constant_text()
            .and_then(|text| interval::parse(text, None, None));
        let size_us = match length.or_else(|| size.constant().cloned()) {
            Some(ScalarValue::DurationSecond(Some(seconds))) => seconds.checked_mul(1_000_000),
            Some(ScalarValue::DurationMicrosecond(Some(micros))) => Some(micros),
            _ => None,
        };
        let Some(size_us) = size_us.filter(|size| *size > 0) else {
            let message =
                "the length of a time window is a constant interval without months, above 0";
            return Err(at(&condition::DATATYPE_MISMATCH, &call.origin, message));
        };
        let wanted = time::timestamp_type();
        let timestamp = cast::implicit(self.session, timestamp.clone(), &wanted, &call.origin)?;
        Ok(window::tumbling(timestamp, size_us))
    }
}
