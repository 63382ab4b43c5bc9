//! Aggregates of `DataFusion` under Spark's names, with Spark's parameters. Must not compute.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use super::super::signature::{Param, Parameters};
use super::deduplicated::Deduplicated;
use super::known_by_name;
use super::udaf::types;

/// A function of `DataFusion` under Spark's name and with Spark's parameters.
pub(super) struct Renamed {
    name: &'static str,
    aliases: Vec<String>,
    parameters: Parameters,
    signature: Signature,
    inner: Arc<AggregateUDF>,
}

known_by_name!(Renamed);

impl Renamed {
    /// Whether DISTINCT is done around it: unless it changes nothing, or the accumulator is known to do it right.
    fn is_deduplicated(&self) -> bool {
        let changes_nothing = matches!(
            self.name,
            "min" | "max" | "bool_and" | "bool_or" | "bit_and" | "bit_or" | "collect_set"
        );
        let does_it = matches!(self.name, "avg" | "try_avg");
        !changes_nothing && !does_it
    }

    pub(super) fn aggregate(
        name: &'static str,
        aliases: &'static [&'static str],
        parameters: &'static [Param],
        inner: Arc<AggregateUDF>,
    ) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::new_from_impl(Self {
            name,
            aliases: aliases.iter().map(ToString::to_string).collect(),
            parameters: Parameters {
                kinds: parameters,
                optional: 0,
                variadic: false,
            },
            signature: Signature::user_defined(Volatility::Immutable),
            inner,
        }))
    }
}

impl AggregateUDFImpl for Renamed {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.parameters.resolve(self.name, types)
    }

    fn is_nullable(&self) -> bool {
        self.inner.inner().is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if args.is_distinct && self.is_deduplicated() {
            let rows = Field::new(
                format!("{}[rows]", args.name),
                Deduplicated::state_type(),
                true,
            );
            return Ok(vec![Arc::new(rows)]);
        }
        self.inner.inner().state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !args.is_distinct || !self.is_deduplicated() {
            return self.inner.inner().accumulator(args);
        }
        let types = types(&args);
        let plain = AccumulatorArgs {
            is_distinct: false,
            ..args
        };
        let inner = self.inner.inner().accumulator(plain)?;
        Ok(Box::new(Deduplicated::new(inner, types)?))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        let around = args.is_distinct && self.is_deduplicated();
        !around && self.inner.inner().groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.inner().create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.inner.inner().create_sliding_accumulator(args)
    }

    fn order_sensitivity(&self) -> datafusion::logical_expr::utils::AggregateOrderSensitivity {
        self.inner.inner().order_sensitivity()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.inner().default_value(data_type)
    }
}
