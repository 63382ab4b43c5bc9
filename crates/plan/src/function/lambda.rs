//! Functions that call a lambda for each item: `transform`, `filter`, `aggregate`, …. A lambda's body is computed over the
//! items of all rows at once, beside copies of the columns that it reads. Must not bind names: `bind::lambda` does.

mod fold;
mod items;
mod maps;
mod sort;

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_plan::PhysicalExpr;
use sluice_model::Origin;

use super::call::convert;
use crate::rewrite::cast::Ignored;

/// The functions that take lambdas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HigherOrder {
    Transform,
    Filter,
    Exists,
    ForAll,
    Aggregate,
    ZipWith,
    MapFilter,
    TransformKeys,
    TransformValues,
    MapZipWith,
    ArraySort,
}

/// Name, further names, sentence, example, and what they stand for.
pub(super) static FUNCTIONS: &[(&str, &[&str], &str, &str, HigherOrder)] = &[
    (
        "transform",
        &[],
        "Computes a value from each item, and its place from 0 if the lambda takes two.",
        "transform(array(1, 2, 3), x -> x + 1)",
        HigherOrder::Transform,
    ),
    (
        "filter",
        &[],
        "Keeps the items for which the lambda is TRUE.",
        "filter(array(1, 2, 3), x -> x % 2 = 1)",
        HigherOrder::Filter,
    ),
    (
        "exists",
        &[],
        "Whether the lambda is TRUE for an item.",
        "exists(array(1, 2, 3), x -> x > 2)",
        HigherOrder::Exists,
    ),
    (
        "forall",
        &[],
        "Whether the lambda is TRUE for every item.",
        "forall(array(1, 2, 3), x -> x > 0)",
        HigherOrder::ForAll,
    ),
    (
        "aggregate",
        &["reduce"],
        "Joins the items to one value, beginning with the second argument.",
        "aggregate(array(1, 2, 3), 0, (a, x) -> a + x)",
        HigherOrder::Aggregate,
    ),
    (
        "zip_with",
        &[],
        "Joins two arrays item by item; the shorter one is filled with NULLs.",
        "zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)",
        HigherOrder::ZipWith,
    ),
    (
        "map_filter",
        &[],
        "Keeps the entries for which the lambda is TRUE.",
        "map_filter(map(1, 0, 2, 2), (k, v) -> v > 0)",
        HigherOrder::MapFilter,
    ),
    (
        "transform_keys",
        &[],
        "Computes new keys of a map.",
        "transform_keys(map('a', 1), (k, v) -> upper(k))",
        HigherOrder::TransformKeys,
    ),
    (
        "transform_values",
        &[],
        "Computes new values of a map.",
        "transform_values(map('a', 1), (k, v) -> v + 1)",
        HigherOrder::TransformValues,
    ),
    (
        "map_zip_with",
        &[],
        "Joins two maps key by key.",
        "map_zip_with(map('a', 1), map('a', 2), (k, x, y) -> x + y)",
        HigherOrder::MapZipWith,
    ),
];

impl HigherOrder {
    /// The function of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut known = FUNCTIONS.iter();
        known
            .find(|entry| entry.0 == name || entry.1.contains(&name))
            .map(|entry| entry.4)
    }

    /// How many arguments stand before the first lambda.
    pub(crate) fn values(self) -> usize {
        match self {
            Self::Aggregate | Self::ZipWith | Self::MapZipWith => 2,
            _ => 1,
        }
    }

    fn name(self) -> &'static str {
        let mut known = FUNCTIONS.iter();
        known
            .find(|entry| entry.4 == self)
            .map_or("array_sort", |entry| entry.0)
    }
}

/// A lambda whose body reads its parameters and the captured columns as the columns of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lambda {
    body: Expr,
    schema: SchemaRef,
    parameters: usize,
    returns: DataType,
    physical: Ignored<Arc<dyn PhysicalExpr>>,
}

impl Lambda {
    /// Puts a compiled body beside what it reads: `parameters` columns of `schema` come first, captured ones follow.
    pub(crate) fn new(
        body: Expr,
        schema: SchemaRef,
        parameters: usize,
        returns: DataType,
        physical: Arc<dyn PhysicalExpr>,
    ) -> Self {
        Self {
            body,
            schema,
            parameters,
            returns,
            physical: Ignored(physical),
        }
    }

    /// How many parameters it declares.
    fn takes(&self) -> usize {
        self.parameters
    }

    /// The body for each item; `owners` are the rows whose captured columns it sees.
    fn run(
        &self,
        items: &[ArrayRef],
        owners: &UInt32Array,
        captures: &[ArrayRef],
    ) -> Result<ArrayRef> {
        let rows = owners.len();
        if rows == 0 {
            return Ok(arrow::array::new_empty_array(&self.returns));
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (index, field) in self.schema.fields().iter().enumerate() {
            let column = match index.checked_sub(self.parameters) {
                None => match items.get(index) {
                    Some(items) => Arc::clone(items),
                    None => return internal_err!("a lambda takes too many parameters"),
                },
                Some(capture) => match captures.get(capture) {
                    Some(column) => take(column, owners, None)?,
                    None => return internal_err!("a lambda lacks a captured column"),
                },
            };
            columns.push(convert(&column, field.data_type())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        let made = self.physical.0.evaluate(&batch)?.into_array(rows)?;
        convert(&made, &self.returns)
    }
}

/// A call of a function that takes lambdas, as `DataFusion` sees it: the arguments are the values before the lambdas,
/// then the columns that the lambdas capture.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct HigherOrderCall {
    function: HigherOrder,
    lambdas: Vec<Lambda>,
    returns: DataType,
    origin: Ignored<Origin>,
    signature: Signature,
}

impl HigherOrderCall {
    /// A call; `arguments` counts values and captured columns.
    pub(crate) fn new(
        function: HigherOrder,
        lambdas: Vec<Lambda>,
        returns: DataType,
        arguments: usize,
        volatility: Volatility,
        origin: Origin,
    ) -> Self {
        Self {
            function,
            lambdas,
            returns,
            origin: Ignored(origin),
            signature: Signature::any(arguments, volatility),
        }
    }

    fn shown(&self, args: &[String]) -> String {
        let lambdas = self.lambdas.iter().map(|lambda| lambda.body.to_string());
        let all: Vec<String> = args.iter().cloned().chain(lambdas).collect();
        format!("{}({})", self.function.name(), all.join(", "))
    }

    fn compute(&self, values: &[ArrayRef], captures: &[ArrayRef]) -> Result<ArrayRef> {
        let [first, rest @ ..] = self.lambdas.as_slice() else {
            return internal_err!("a lambda is missing");
        };
        let [value, others @ ..] = values else {
            return internal_err!("`{}` lacks its argument", self.function.name());
        };
        match (self.function, others) {
            (HigherOrder::Transform, _) => items::transform(first, value, captures),
            (HigherOrder::Filter, _) => items::filter(first, value, captures),
            (HigherOrder::Exists, _) => items::decide(first, value, captures, true),
            (HigherOrder::ForAll, _) => items::decide(first, value, captures, false),
            (HigherOrder::Aggregate, [start]) => {
                fold::aggregate(first, rest.first(), value, start, captures)
            }
            (HigherOrder::ZipWith, [right]) => items::zip_with(first, value, right, captures),
            (HigherOrder::MapFilter, _) => maps::filter(first, value, captures),
            (HigherOrder::TransformKeys, _) => {
                maps::transform(first, value, captures, &self.returns, true)
            }
            (HigherOrder::TransformValues, _) => {
                maps::transform(first, value, captures, &self.returns, false)
            }
            (HigherOrder::MapZipWith, [right]) => {
                maps::zip_with(first, value, right, captures, &self.returns)
            }
            (HigherOrder::ArraySort, _) => sort::array_sort(first, value, captures, &self.origin.0),
            _ => internal_err!("`{}` lacks an argument", self.function.name()),
        }
    }
}

impl ScalarUDFImpl for HigherOrderCall {
    fn name(&self) -> &'static str {
        self.function.name()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        Ok(self.shown(&args))
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(self.shown(&args))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = self.signature.volatility != Volatility::Volatile
            && args
                .args
                .iter()
                .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args
            .args
            .into_iter()
            .map(|arg| arg.into_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let count = self.function.values().min(arrays.len());
        let (values, captures) = arrays.split_at(count);
        let made = convert(&self.compute(values, captures)?, &self.returns)?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?)
        } else {
            ColumnarValue::Array(made)
        })
    }
}

/// Every row once.
fn all_rows(rows: usize) -> UInt32Array {
    (0..rows).map(|row| u32::try_from(row).ok()).collect()
}

/// The truth of a row of a lambda's answer.
fn truth(answers: &ArrayRef, row: usize) -> Option<bool> {
    let answers = answers.as_boolean();
    answers.is_valid(row).then(|| answers.value(row))
}

/// A field for each column that a lambda's body reads.
pub(crate) fn schema_of(columns: impl IntoIterator<Item = (String, DataType)>) -> SchemaRef {
    let fields: Vec<_> = columns
        .into_iter()
        .map(|(name, data_type)| arrow::datatypes::Field::new(name, data_type, true))
        .collect();
    Arc::new(Schema::new(fields))
}
