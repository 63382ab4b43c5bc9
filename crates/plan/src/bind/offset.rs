//! `lag` and `lead`: their offset and default. Must not know frames.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::NullTreatment;
use datafusion::logical_expr::{Case, Expr, WindowUDF};
use sluice_model::Origin;

use super::call::Call;
use super::column::Environment;
use super::{Binder, Typed};
use crate::error::{Result, unsupported};
use crate::rewrite::{cast, fold, structure};

/// The name of the one field of the struct that carries a value: there is such a struct wherever there is such a row.
const CARRIED: &str = "value";

/// A call whose default depends on the row: computed over structs, which tell a row that is not there from a NULL.
pub(crate) struct OffsetWithDefault {
    pub(crate) function: Arc<WindowUDF>,
    pub(crate) args: Vec<Typed>,
    pub(crate) default: RowDefault,
}

/// What stands where there is no row.
pub(crate) struct RowDefault {
    value: Expr,
    data_type: DataType,
}

impl RowDefault {
    /// The carried value of a row, or the default where there is none.
    pub(crate) fn or(self, row: Typed) -> Typed {
        let missing = row.expr.clone().is_null();
        let carried = datafusion::functions::core::expr_fn::get_field(row.expr, CARRIED);
        let pairs = vec![(Box::new(missing), Box::new(self.value))];
        let case = Case::new(None, pairs, Some(Box::new(carried)));
        Typed::new(Expr::Case(case), self.data_type)
    }
}

impl Binder<'_> {
    /// Takes `lag(value, offset, default)` apart where the default is no constant.
    pub(crate) fn offset_with_default(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Option<OffsetWithDefault>> {
        let ("lag" | "lead", [_, _, default]) = (call.name.as_str(), call.args.as_slice()) else {
            return Ok(None);
        };
        let Some(function) = self.state.window_functions().get(&call.name).cloned() else {
            return Ok(None);
        };
        let nondeterministic = self.facts.nondeterministic.len();
        let default = self.expression(default, env)?;
        if fold::constant(self.session, &default.expr).is_some() {
            self.facts.nondeterministic.truncate(nondeterministic);
            return Ok(None);
        }
        let value = self.expression(call.args[0], env)?;
        let offset = self.expression(call.args[1], env)?;
        let data_type = value.data_type.clone();
        let default = cast::implicit(self.session, default, &data_type, &call.origin)?;
        let is_null = value.expr.clone().is_null();
        let carried = structure::named_struct(vec![(CARRIED.into(), value)]);
        // IGNORE NULLS passes over rows whose value is NULL.
        let carried = if call.nulls == Some(NullTreatment::IgnoreNulls) {
            let none = datafusion::logical_expr::lit(
                ScalarValue::try_from(&carried.data_type).unwrap_or(ScalarValue::Null),
            );
            let pairs = vec![(Box::new(is_null), Box::new(none))];
            let case = Case::new(None, pairs, Some(Box::new(carried.expr)));
            Typed::new(Expr::Case(case), carried.data_type)
        } else {
            carried
        };
        Ok(Some(OffsetWithDefault {
            function,
            args: self.offset_arguments(vec![carried, offset], &call.origin)?,
            default: RowDefault {
                value: default.expr,
                data_type,
            },
        }))
    }

    /// `lag(value, offset, default)`: the default takes the type of the value, the offset is a constant.
    pub(super) fn offset_arguments(
        &mut self,
        args: Vec<Typed>,
        origin: &Origin,
    ) -> Result<Vec<Typed>> {
        let mut args = args.into_iter();
        let mut out: Vec<Typed> = args.next().into_iter().collect();
        if let Some(offset) = args.next() {
            let constant = fold::constant(self.session, &offset.expr).map(Typed::literal);
            let offset = constant.as_ref().unwrap_or(&offset);
            match cast::constant(self.session, offset, &DataType::Int64) {
                Some(offset) => out.push(Typed::literal(offset)),
                None => return unsupported(origin, "an offset that is not a constant"),
            }
        }
        if let (Some(default), Some(value)) = (args.next(), out.first().cloned()) {
            let default = cast::implicit(self.session, default, &value.data_type, origin)?;
            let Some(default) = fold::constant(self.session, &default.expr) else {
                return unsupported(origin, "a default that depends on the row");
            };
            out.push(Typed::literal(default));
        }
        Ok(out)
    }
}
