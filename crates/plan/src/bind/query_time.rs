//! How a value depends on the query time: through the date alone, or through the whole timestamp. Must not decide
//! what follows from that: `incremental` does.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use super::call::Call;
use super::column::Environment;
use super::{Binder, Typed, constants};
use crate::error::Result;
use crate::rewrite::time;

/// Units of `date_trunc` that the date alone decides.
const UNITS_OF_DATE: [&str; 10] = [
    "YEAR", "YYYY", "YY", "QUARTER", "MONTH", "MM", "MON", "WEEK", "DAY", "DD",
];

impl Binder<'_> {
    /// The scalar function that a call names. The query time counts as a date where the function looks at nothing else
    /// of it.
    pub(super) fn scalar_call(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let mut args = vec![];
        let mut uses = vec![];
        for arg in &call.args {
            let before = self.facts.time.timestamps.len();
            args.push(self.expression(arg, env)?);
            uses.push(self.facts.time.timestamps.split_off(before));
        }
        let is_time: Vec<bool> = args.iter().map(|arg| self.is_query_time(arg)).collect();
        let cut = cut_to_date(&call.name, &args);
        constants::check(&call.name, &args, &call.origin)?;
        let result = self.scalar(&call.name, args, &call.origin)?;
        for (index, uses) in uses.into_iter().enumerate() {
            let as_date = is_time[index] && (cut == Some(index) || is_date(&result.expr, index));
            let time = &mut self.facts.time;
            let list = if as_date {
                &mut time.dates
            } else {
                &mut time.timestamps
            };
            list.extend(uses);
        }
        Ok(result)
    }

    /// Counts the uses of the query time since there were `before` of them as uses of the date, if the query time is
    /// all that was bound since: it is about to be cut to its date.
    pub(super) fn used_as_date(&mut self, before: usize, value: &Typed) {
        if self.is_query_time(value) {
            let uses = self.facts.time.timestamps.split_off(before);
            self.facts.time.dates.extend(uses);
        }
    }

    fn is_query_time(&self, value: &Typed) -> bool {
        let settings = self.session.settings();
        value.constant().is_some_and(|value| {
            *value == time::timestamp(settings.now_us) || *value == time::local(settings)
        })
    }
}

/// The argument of which a function that takes timestamps looks at the date only.
fn cut_to_date(name: &str, args: &[Typed]) -> Option<usize> {
    match (name, args) {
        ("to_date" | "try_to_date", [_]) => Some(0),
        ("date_trunc", [unit, _]) => {
            let unit = unit.constant_text()?.to_ascii_uppercase();
            UNITS_OF_DATE.contains(&unit.as_str()).then_some(1)
        }
        _ => None,
    }
}

/// Whether an argument reaches the function as a constant DATE.
fn is_date(call: &Expr, index: usize) -> bool {
    let Expr::ScalarFunction(call) = call else {
        return false;
    };
    matches!(call.args.get(index), Some(Expr::Literal(value, _)) if value.data_type() == DataType::Date32)
}
