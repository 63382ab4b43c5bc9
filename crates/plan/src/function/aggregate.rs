//! Aggregate functions: those of `DataFusion` that mean the same, under Spark's names, and ours. `count` and `sum` live in
//! `rewrite`. Must not know scalar functions.

mod any;
mod collected;
mod correlated;
mod deduplicated;
mod distinct;
mod histogram;
mod percentile;
mod quantile;
mod renamed;
mod spread;
mod udaf;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::functions_aggregate as builtin;
use datafusion::logical_expr::AggregateUDF;

use super::signature::{Param as P, list_of};
use correlated::Regression;
use histogram::Histogram;
use renamed::Renamed;
use spread::Spread;
use udaf::{Aggregate, Kind, Udaf};

/// Says by name what an aggregate is for `Debug`, `Eq` and `Hash`.
macro_rules! known_by_name {
    ($type:ty) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.name() == other.name()
            }
        }
        impl Eq for $type {}
        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.name().hash(state);
            }
        }
    };
}

use known_by_name;

/// An aggregate function of `DataFusion` that means what Spark means.
pub(super) struct Borrowed {
    /// Name in Spark.
    pub(super) name: &'static str,
    /// Further names in Spark.
    pub(super) aliases: &'static [&'static str],
    /// One sentence.
    pub(super) doc: &'static str,
    /// A call.
    pub(super) example: &'static str,
    make: fn() -> Arc<AggregateUDF>,
    parameters: &'static [P],
}

/// The borrowed ones.
pub(super) static BORROWED: &[Borrowed] = &[
    borrowed(
        "avg",
        &["mean"],
        "Gives the mean, leaving out NULLs.",
        "avg(x)",
        builtin::average::avg_udaf,
        &[P::WideDecimal],
    ),
    borrowed(
        "try_sum",
        &[],
        "Gives the sum, NULL where it does not fit its type.",
        "try_sum(x)",
        datafusion_spark::function::aggregate::try_sum,
        &[P::WideNumeric],
    ),
    borrowed(
        "try_avg",
        &[],
        "Gives the mean as avg does.",
        "try_avg(x)",
        builtin::average::avg_udaf,
        &[P::WideDecimal],
    ),
    borrowed(
        "min",
        &[],
        "Gives the least value.",
        "min(x)",
        builtin::min_max::min_udaf,
        &[P::Any],
    ),
    borrowed(
        "max",
        &[],
        "Gives the greatest value.",
        "max(x)",
        builtin::min_max::max_udaf,
        &[P::Any],
    ),
    borrowed(
        "covar_pop",
        &[],
        "Gives the covariance of a population.",
        "covar_pop(x, y)",
        builtin::covariance::covar_pop_udaf,
        &[P::Double, P::Double],
    ),
    borrowed(
        "covar_samp",
        &[],
        "Gives the covariance of a sample.",
        "covar_samp(x, y)",
        builtin::covariance::covar_samp_udaf,
        &[P::Double, P::Double],
    ),
    borrowed(
        "bool_and",
        &["every"],
        "Whether all values are true.",
        "bool_and(x)",
        builtin::bool_and_or::bool_and_udaf,
        &[P::Boolean],
    ),
    borrowed(
        "bool_or",
        &["any", "some"],
        "Whether any value is true.",
        "bool_or(x)",
        builtin::bool_and_or::bool_or_udaf,
        &[P::Boolean],
    ),
    borrowed(
        "bit_and",
        &[],
        "Joins the bits with AND.",
        "bit_and(x)",
        builtin::bit_and_or_xor::bit_and_udaf,
        &[P::Whole],
    ),
    borrowed(
        "bit_or",
        &[],
        "Joins the bits with OR.",
        "bit_or(x)",
        builtin::bit_and_or_xor::bit_or_udaf,
        &[P::Whole],
    ),
    borrowed(
        "bit_xor",
        &[],
        "Joins the bits with XOR.",
        "bit_xor(x)",
        builtin::bit_and_or_xor::bit_xor_udaf,
        &[P::Whole],
    ),
    borrowed(
        "collect_list",
        &["array_agg"],
        "Collects the values that are not NULL.",
        "collect_list(x)",
        datafusion_spark::function::aggregate::collect_list,
        &[P::Any],
    ),
    borrowed(
        "collect_set",
        &[],
        "Collects the different values that are not NULL, in no order.",
        "collect_set(x)",
        datafusion_spark::function::aggregate::collect_set,
        &[P::Any],
    ),
];

const fn borrowed(
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    example: &'static str,
    make: fn() -> Arc<AggregateUDF>,
    parameters: &'static [P],
) -> Borrowed {
    Borrowed {
        name,
        aliases,
        doc,
        example,
        make,
        parameters,
    }
}

/// Ours.
pub(super) static AGGREGATES: &[Aggregate] = &[
    Aggregate::new("any_value", &[P::Any, P::Boolean], Kind::First)
        .optional(1)
        .doc(
            "Gives some value of the group; with true, one that is not NULL if there is any.",
            "any_value(x)",
        ),
    Aggregate::new("first", &[P::Any, P::Boolean], Kind::First)
        .also(&["first_value"])
        .optional(1)
        .doc(
            "Gives the first value; with true or IGNORE NULLS, the first that is not NULL.",
            "first(x)",
        ),
    Aggregate::new("last", &[P::Any, P::Boolean], Kind::Last)
        .also(&["last_value"])
        .optional(1)
        .doc(
            "Gives the last value; with true or IGNORE NULLS, the last that is not NULL.",
            "last(x)",
        ),
    Aggregate::new("max_by", &[P::Any, P::Any], Kind::MaxBy).doc(
        "Gives the value of the row where the second is greatest.",
        "max_by(x, y)",
    ),
    Aggregate::new("min_by", &[P::Any, P::Any], Kind::MinBy).doc(
        "Gives the value of the row where the second is least.",
        "min_by(x, y)",
    ),
    Aggregate::new(
        "percentile_approx",
        &[P::Orderable, P::Any, P::Any],
        Kind::QuantileSummary,
    )
    .also(&["approx_percentile"])
    .optional(1)
    .returning(|t| {
        Ok(if matches!(t.get(1), Some(DataType::List(_))) {
            list_of(&t[0])
        } else {
            t[0].clone()
        })
    })
    .doc(
        "Gives a value of the group at a rank, off by at most 1 / accuracy (10000).",
        "percentile_approx(x, 0.5)",
    ),
    Aggregate::new(
        "percentile",
        &[P::Double, P::Any, P::WholeLong],
        Kind::Percentile,
    )
    .optional(1)
    .returning(percentile_type)
    .doc(
        "Gives the exact percentile, between two values where need be.",
        "percentile(x, 0.5)",
    ),
    Aggregate::new(
        "percentile_cont",
        &[P::Double, P::Any, P::Text],
        Kind::Ordered(false),
    )
    .returning(percentile_type)
    .doc(
        "Gives the exact percentile of the values of WITHIN GROUP, between two of them where need be.",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)",
    ),
    Aggregate::new(
        "percentile_disc",
        &[P::Double, P::Any, P::Text],
        Kind::Ordered(true),
    )
    .returning(percentile_type)
    .doc(
        "Gives the first of the values of WITHIN GROUP up to which the percentage of them lies.",
        "percentile_disc(0.5) WITHIN GROUP (ORDER BY x)",
    ),
    Aggregate::new("histogram_numeric", &[P::Orderable, P::Any], Kind::Histogram)
        .returning(|t| Ok(Histogram::returns(t.first().unwrap_or(&DataType::Null))))
        .doc(
            "Gives a histogram of at most so many bins, as places `x` and heights `y`.",
            "histogram_numeric(x, 5)",
        ),
    Aggregate::new("median", &[P::Double], Kind::Median)
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the exact median.", "median(x)"),
    Aggregate::new("mode", &[P::Any], Kind::Mode).doc("Gives the most frequent value.", "mode(x)"),
    Aggregate::new("stddev", &[P::Double], Kind::Spread(Spread::DeviationOfSample))
        .also(&["std", "stddev_samp"])
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the standard deviation of a sample.", "stddev(x)"),
    Aggregate::new("stddev_pop", &[P::Double], Kind::Spread(Spread::DeviationOfPopulation))
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the standard deviation of a population.", "stddev_pop(x)"),
    Aggregate::new("variance", &[P::Double], Kind::Spread(Spread::VarianceOfSample))
        .also(&["var_samp"])
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the variance of a sample.", "variance(x)"),
    Aggregate::new("var_pop", &[P::Double], Kind::Spread(Spread::VarianceOfPopulation))
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the variance of a population.", "var_pop(x)"),
    Aggregate::new("skewness", &[P::Double], Kind::Skewness)
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the skewness.", "skewness(x)"),
    Aggregate::new("kurtosis", &[P::Double], Kind::Kurtosis)
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives the excess kurtosis.", "kurtosis(x)"),
    Aggregate::new("corr", &[P::Double, P::Double], Kind::Correlation)
        .returning(|_| Ok(DataType::Float64))
        .doc("Gives Pearson's correlation.", "corr(x, y)"),
    Aggregate::new(
        "regr_count",
        &[P::Double, P::Double],
        Kind::Regression(Regression::Count),
    )
    .returning(|_| Ok(DataType::Int64))
    .doc("Counts the pairs without NULL.", "regr_count(y, x)"),
    Aggregate::new(
        "regr_avgx",
        &[P::Double, P::Double],
        Kind::Regression(Regression::MeanX),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the mean of the second argument over pairs without NULL.",
        "regr_avgx(y, x)",
    ),
    Aggregate::new(
        "regr_avgy",
        &[P::Double, P::Double],
        Kind::Regression(Regression::MeanY),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the mean of the first argument over pairs without NULL.",
        "regr_avgy(y, x)",
    ),
    Aggregate::new(
        "regr_slope",
        &[P::Double, P::Double],
        Kind::Regression(Regression::Slope),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the slope of the line that fits the pairs best.",
        "regr_slope(y, x)",
    ),
    Aggregate::new(
        "regr_intercept",
        &[P::Double, P::Double],
        Kind::Regression(Regression::Intercept),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives where the line that fits the pairs best crosses zero.",
        "regr_intercept(y, x)",
    ),
    Aggregate::new(
        "regr_r2",
        &[P::Double, P::Double],
        Kind::Regression(Regression::Determination),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the share of the spread that the line explains.",
        "regr_r2(y, x)",
    ),
    Aggregate::new(
        "regr_sxx",
        &[P::Double, P::Double],
        Kind::Regression(Regression::SquaresX),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the sum of squares of the second argument around its mean.",
        "regr_sxx(y, x)",
    ),
    Aggregate::new(
        "regr_sxy",
        &[P::Double, P::Double],
        Kind::Regression(Regression::Products),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the sum of products of both arguments around their means.",
        "regr_sxy(y, x)",
    ),
    Aggregate::new(
        "regr_syy",
        &[P::Double, P::Double],
        Kind::Regression(Regression::SquaresY),
    )
    .returning(|_| Ok(DataType::Float64))
    .doc(
        "Gives the sum of squares of the first argument around its mean.",
        "regr_syy(y, x)",
    ),
    Aggregate::new("listagg", &[P::NotBinary, P::String, P::String], Kind::ListAgg)
        .also(&["string_agg"])
        .optional(2)
        .returning(|_| Ok(DataType::Utf8))
        .doc(
            "Joins the values as text, leaving out NULLs.",
            "listagg(x, ',')",
        ),
    Aggregate::new(
        "approx_count_distinct",
        &[P::Any, P::Double],
        Kind::ApproxDistinct,
    )
    .optional(1)
    .returning(|_| Ok(DataType::Int64))
    .doc(
        "Estimates the number of different values, exactly up to ten thousand.",
        "approx_count_distinct(x)",
    ),
];

/// One DOUBLE, or an array of them where the percentages are one.
#[expect(clippy::unnecessary_wraps, reason = "functions of types may refuse")]
fn percentile_type(types: &[DataType]) -> Result<DataType> {
    Ok(if matches!(types.get(1), Some(DataType::List(_))) {
        list_of(&DataType::Float64)
    } else {
        DataType::Float64
    })
}

/// All aggregate functions.
pub(super) fn functions() -> impl Iterator<Item = Arc<AggregateUDF>> {
    let ours = AGGREGATES.iter().map(Udaf::aggregate);
    BORROWED
        .iter()
        .map(|b| Renamed::aggregate(b.name, b.aliases, b.parameters, (b.make)()))
        .chain(ours)
}
