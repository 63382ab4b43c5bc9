//! The faces of aggregate functions towards `DataFusion`. Must not compute.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};
use sluice_model::condition::query as condition;

use super::super::error::fail;
use super::super::signature::{Param, Parameters, list_of};
use super::any::{By, Edge};
use super::collected::{Collected, Moments};
use super::correlated::{Correlation, Regression};
use super::deduplicated::Deduplicated;
use super::distinct::Distinct;
use super::histogram::Histogram;
use super::known_by_name;
use super::percentile::{Percentile, Wanted};
use super::quantile::Quantiles;
use super::spread::{self, Spread};

/// How one of our aggregates computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    First,
    Last,
    MaxBy,
    MinBy,
    QuantileSummary,
    Percentile,
    /// Percentiles with the order of their values as a third argument; the flag asks for one of the values.
    Ordered(bool),
    Median,
    Histogram,
    Mode,
    Skewness,
    Kurtosis,
    Correlation,
    Regression(Regression),
    Spread(Spread),
    ListAgg,
    ApproxDistinct,
}

impl Kind {
    /// Whether DISTINCT is done around it: it matters, and the accumulator does not know it.
    fn is_deduplicated(self) -> bool {
        match self {
            Self::QuantileSummary
            | Self::Histogram
            | Self::Mode
            | Self::Skewness
            | Self::Kurtosis
            | Self::Correlation
            | Self::Regression(_)
            | Self::Spread(_) => true,
            Self::First
            | Self::Last
            | Self::MaxBy
            | Self::MinBy
            | Self::Percentile
            | Self::Ordered(_)
            | Self::Median
            | Self::ListAgg
            | Self::ApproxDistinct => false,
        }
    }
}

/// One of our aggregate functions.
pub(in super::super) struct Aggregate {
    /// Name, lower case.
    pub(in super::super) name: &'static str,
    /// Further names.
    pub(in super::super) aliases: &'static [&'static str],
    /// One sentence.
    pub(in super::super) doc: &'static str,
    /// A call.
    pub(in super::super) example: &'static str,
    parameters: Parameters,
    returns: fn(&[DataType]) -> Result<DataType>,
    kind: Kind,
}

impl Aggregate {
    pub(super) const fn new(name: &'static str, parameters: &'static [Param], kind: Kind) -> Self {
        Self {
            name,
            aliases: &[],
            doc: "",
            example: "",
            parameters: Parameters {
                kinds: parameters,
                optional: 0,
                variadic: false,
            },
            returns: |types| Ok(types.first().cloned().unwrap_or(DataType::Null)),
            kind,
        }
    }

    pub(super) const fn optional(mut self, count: usize) -> Self {
        self.parameters.optional = count;
        self
    }

    pub(super) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn returning(mut self, returns: fn(&[DataType]) -> Result<DataType>) -> Self {
        self.returns = returns;
        self
    }

    pub(super) const fn doc(mut self, doc: &'static str, example: &'static str) -> Self {
        self.doc = doc;
        self.example = example;
        self
    }
}

/// The face of one of ours.
pub(super) struct Udaf {
    function: &'static Aggregate,
    signature: Signature,
    aliases: Vec<String>,
}

known_by_name!(Udaf);

impl Udaf {
    pub(super) fn aggregate(function: &'static Aggregate) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::new_from_impl(Self {
            function,
            signature: Signature::user_defined(Volatility::Immutable),
            aliases: function.aliases.iter().map(ToString::to_string).collect(),
        }))
    }
}

impl AggregateUDFImpl for Udaf {
    fn name(&self) -> &str {
        self.function.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        (self.function.returns)(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.parameters.resolve(self.function.name, types)
    }

    fn supports_null_handling_clause(&self) -> bool {
        matches!(self.function.kind, Kind::First | Kind::Last)
    }

    fn supports_within_group_clause(&self) -> bool {
        self.function.kind == Kind::ListAgg
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str, data_type: DataType| {
            Arc::new(Field::new(
                format!("{}[{name}]", args.name),
                data_type,
                true,
            ))
        };
        let input = |index: usize| {
            args.input_fields
                .get(index)
                .map_or(DataType::Null, |f| f.data_type().clone())
        };
        if args.is_distinct && self.function.kind.is_deduplicated() {
            return Ok(vec![field("rows", Deduplicated::state_type())]);
        }
        Ok(match self.function.kind {
            Kind::Spread(_) => spread::STATE.map(|(name, of)| field(name, of)).to_vec(),
            Kind::First | Kind::Last => {
                vec![field("value", input(0)), field("seen", DataType::Boolean)]
            }
            Kind::MaxBy | Kind::MinBy => vec![field("value", input(0)), field("by", input(1))],
            Kind::QuantileSummary
            | Kind::Skewness
            | Kind::Kurtosis
            | Kind::Correlation
            | Kind::Percentile
            | Kind::Ordered(_)
            | Kind::Median
            | Kind::Histogram
            | Kind::Regression(_) => {
                vec![field("summary", list_of(&DataType::Float64))]
            }
            Kind::Mode | Kind::ListAgg => {
                vec![field("values", list_of(&input(0)))]
            }
            Kind::ApproxDistinct => vec![field("hashes", DataType::Binary)],
        })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !args.is_distinct || !self.function.kind.is_deduplicated() {
            return self.plain(&args);
        }
        Ok(Box::new(Deduplicated::new(
            self.plain(&args)?,
            types(&args),
        )?))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        matches!(self.function.kind, Kind::Spread(_)) && !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match self.function.kind {
            Kind::Spread(spread) => Ok(Box::new(spread::Grouped::new(spread))),
            _ => internal_err!("`{}` does not take many groups at once", self.function.name),
        }
    }
}

/// The types of the arguments.
pub(super) fn types(args: &AccumulatorArgs<'_>) -> Vec<DataType> {
    args.expr_fields
        .iter()
        .map(|field| field.data_type().clone())
        .collect()
}

impl Udaf {
    /// The accumulator of rows that all count.
    fn plain(&self, args: &AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let input = |index: usize| {
            args.expr_fields
                .get(index)
                .map_or(DataType::Null, |f| f.data_type().clone())
        };
        Ok(match self.function.kind {
            Kind::Spread(spread) => Box::new(spread::Single::new(spread)),
            Kind::First | Kind::Last => {
                let flag =
                    args.exprs.len() > 1 && constant(args, 1)? == ScalarValue::Boolean(Some(true));
                Box::new(Edge::new(
                    &input(0),
                    self.function.kind == Kind::First,
                    flag || args.ignore_nulls,
                )?)
            }
            Kind::MaxBy => Box::new(By::new(&input(0), &input(1), true)?),
            Kind::MinBy => Box::new(By::new(&input(0), &input(1), false)?),
            Kind::QuantileSummary => {
                let accuracy = if args.exprs.len() > 2 {
                    number(&constant(args, 2)?, "the accuracy")?
                } else {
                    10_000.0
                };
                if !(1.0..=2_147_483_647.0).contains(&accuracy) {
                    return fail(
                        &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
                        "the accuracy of a percentile is 1 or more",
                    );
                }
                let ranks = ranks(&constant(args, 1)?)?;
                Box::new(Quantiles::new(&input(0), ranks.0, ranks.1, accuracy))
            }
            Kind::Percentile | Kind::Ordered(_) | Kind::Median => {
                Box::new(Percentile::new(percentile(args, self.function.kind)?))
            }
            Kind::Histogram => Box::new(Histogram::new(&input(0), bins(&constant(args, 1)?)?)),
            Kind::Mode => Box::new(Collected::mode(&input(0))),
            Kind::ListAgg => {
                let separator = if args.exprs.len() > 1 {
                    constant(args, 1)?
                } else {
                    ScalarValue::Utf8(None)
                };
                let separator = separator
                    .try_as_str()
                    .flatten()
                    .unwrap_or_default()
                    .to_string();
                let descending = if args.exprs.len() > 2 {
                    let order = constant(args, 2)?;
                    Some(order.try_as_str().flatten() == Some("DESC"))
                } else {
                    None
                };
                Box::new(Collected::text(separator, descending, args.is_distinct))
            }
            Kind::Skewness => Box::new(Moments::new(3)),
            Kind::Kurtosis => Box::new(Moments::new(4)),
            Kind::Correlation => Box::new(Correlation::default()),
            Kind::Regression(what) => Box::new(Correlation::regression(what)),
            Kind::ApproxDistinct => Box::new(Distinct::default()),
        })
    }
}

/// The value of an argument that must be a constant.
fn constant(args: &AccumulatorArgs<'_>, index: usize) -> Result<ScalarValue> {
    let Some(expr) = args.exprs.get(index) else {
        return internal_err!("an aggregate lacks argument {index}");
    };
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let one = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    match expr.evaluate(&one) {
        Ok(value) => ScalarValue::try_from_array(&value.into_array(1)?, 0),
        Err(_) => fail(
            &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
            format!(
                "argument {} of `{}` must be a constant",
                index + 1,
                args.name
            ),
        ),
    }
}

fn number(value: &ScalarValue, what: &str) -> Result<f64> {
    match value.cast_to(&DataType::Float64)? {
        ScalarValue::Float64(Some(number)) => Ok(number),
        _ => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_NULL,
            format!("{what} must not be NULL"),
        ),
    }
}

/// What a percentile asks for.
fn percentile(args: &AccumulatorArgs<'_>, kind: Kind) -> Result<Wanted> {
    let (ranks, many) = match kind {
        Kind::Median => (vec![0.5], false),
        _ => ranks(&constant(args, 1)?)?,
    };
    let ordered = matches!(kind, Kind::Ordered(_));
    let descending = ordered && constant(args, 2)?.try_as_str().flatten() == Some("DESC");
    Ok(Wanted {
        ranks,
        many,
        discrete: kind == Kind::Ordered(true),
        descending,
        distinct: args.is_distinct,
        weighted: kind == Kind::Percentile && args.exprs.len() > 2,
    })
}

/// How many bins a histogram has at most.
fn bins(value: &ScalarValue) -> Result<usize> {
    match value.cast_to(&DataType::Int64)? {
        ScalarValue::Int64(Some(count)) if count >= 2 => {
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        }
        ScalarValue::Int64(Some(_)) => fail(
            &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
            "a histogram has at least 2 bins",
        ),
        _ => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_NULL,
            "the number of bins must not be NULL",
        ),
    }
}

/// The percentages asked for, and whether they came as an array.
fn ranks(value: &ScalarValue) -> Result<(Vec<f64>, bool)> {
    let (values, many) = match value {
        ScalarValue::List(list) => {
            let items = list.value(0);
            let values = (0..items.len())
                .map(|i| number(&ScalarValue::try_from_array(&items, i)?, "a percentage"));
            (values.collect::<Result<Vec<_>>>()?, true)
        }
        single => (vec![number(single, "the percentage")?], false),
    };
    if values.iter().all(|p| (0.0..=1.0).contains(p)) {
        return Ok((values, many));
    }
    fail(
        &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
        "a percentage lies between 0.0 and 1.0",
    )
}
