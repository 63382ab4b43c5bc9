//! Values that come together in one column: cast to the type in which they meet. The rules themselves are in `rewrite::unify`.

use arrow::datatypes::DataType;
use sluice_model::Origin;
use sluice_model::condition::query as condition;

use super::{Binder, Typed};
use crate::error::{Result, at};
use crate::rewrite::{cast, unify};

impl Binder<'_> {
    /// Casts values to the type in which they meet.
    pub(crate) fn unified(
        &mut self,
        values: Vec<Typed>,
        origins: &[Origin],
        what: &str,
    ) -> Result<(Vec<Typed>, DataType)> {
        let types = values.iter().map(|value| value.data_type.clone()).collect();
        self.met(values, types, origins, what)
    }

    /// As [`Self::unified`], where fields of structs meet by place alone.
    pub(super) fn unified_by_place(
        &mut self,
        values: Vec<Typed>,
        origins: &[Origin],
        what: &str,
    ) -> Result<(Vec<Typed>, DataType)> {
        let first = values
            .first()
            .map_or(DataType::Null, |value| value.data_type.clone());
        let types = values
            .iter()
            .map(|value| unify::named_as(&value.data_type, &first))
            .collect();
        self.met(values, types, origins, what)
    }

    fn met(
        &mut self,
        values: Vec<Typed>,
        types: Vec<DataType>,
        origins: &[Origin],
        what: &str,
    ) -> Result<(Vec<Typed>, DataType)> {
        let place = origins
            .first()
            .cloned()
            .unwrap_or_else(|| self.query.origin.clone());
        let Some(data_type) = unify::common_type_of(types.into_iter()) else {
            let found: Vec<String> = values
                .iter()
                .map(|value| unify::words(&value.data_type))
                .collect();
            let message = format!("{what} have no common type: {}", found.join(", "));
            return Err(at(
                &condition::DATATYPE_MISMATCH_DATA_DIFF_TYPES,
                &place,
                message,
            ));
        };
        let mut out = vec![];
        for (index, value) in values.into_iter().enumerate() {
            let origin = origins.get(index).unwrap_or(&place);
            out.push(cast::implicit(self.session, value, &data_type, origin)?);
        }
        Ok((out, data_type))
    }

    pub(crate) fn coalesce(&mut self, values: Vec<Typed>, origin: &Origin) -> Result<Typed> {
        let (values, data_type) = self.unified(
            values,
            std::slice::from_ref(origin),
            "the arguments of coalesce",
        )?;
        let args = values.into_iter().map(|value| value.expr).collect();
        Ok(Typed::new(
            datafusion::functions::core::expr_fn::coalesce(args),
            data_type,
        ))
    }
}
