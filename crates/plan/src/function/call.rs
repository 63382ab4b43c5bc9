//! One call of a scalar function on one batch: its arguments cast to the parameter types and read as Rust values.
//! Must not know any function.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};

use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};
use sluice_decode::datetime::Zone;
use sluice_model::condition::query as condition;

use super::error::fail;
pub(crate) use super::value::{
    Bytes, Date, Dec, Double, Float, Instant, Int, Kind, List, Long, Micros, Months, Output, Span,
    Text, Truth, decimal_rows,
};

/// One argument: a column, or one value that stands for every row.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    array: ArrayRef,
    constant: bool,
}

impl Column {
    /// The same column with other values.
    pub(crate) fn with(&self, array: ArrayRef) -> Self {
        let constant = self.constant;
        Self { array, constant }
    }

    /// The row of the array that holds the value of `row`.
    fn index(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    /// Whether the value of `row` is NULL.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        let index = self.index(row);
        self.array.is_null(index) || self.array.data_type().is_null()
    }

    /// The values under a kind.
    ///
    /// # Errors
    /// The column is not of that kind: a mistake in the function's parameters.
    pub(crate) fn typed<K: Kind>(&self) -> Result<Typed<'_, K>> {
        match self.array.as_any().downcast_ref::<K::Array>() {
            Some(array) => Ok(Typed {
                array,
                constant: self.constant,
            }),
            None => internal_err!(
                "an argument of type {} was read as another",
                self.array.data_type()
            ),
        }
    }

    /// The whole column with one value per row.
    pub(crate) fn expanded(&self, rows: usize) -> Result<ArrayRef> {
        if !self.constant || (rows == 1 && self.array.len() == 1) {
            return Ok(Arc::clone(&self.array));
        }
        ScalarValue::try_from_array(&self.array, 0)?.to_array_of_size(rows)
    }

    /// The array as it is: one row if the argument is a constant.
    pub(crate) fn array(&self) -> &ArrayRef {
        &self.array
    }
}

/// A column read under a kind.
pub(crate) struct Typed<'a, K: Kind> {
    array: &'a K::Array,
    constant: bool,
}

impl<'a, K: Kind> Typed<'a, K> {
    /// The value of `row`, `None` for NULL.
    pub(crate) fn get(&self, row: usize) -> Option<K::Value<'a>> {
        let index = if self.constant { 0 } else { row };
        self.array
            .is_valid(index)
            .then(|| K::value(self.array, index))
    }
}

/// A column that was converted for the call.
pub(crate) struct Owned<K: Kind> {
    array: K::Array,
    constant: bool,
}

impl<K: Kind> Owned<K> {
    /// The value of `row`, `None` for NULL.
    pub(crate) fn get(&self, row: usize) -> Option<K::Value<'_>> {
        let index = if self.constant { 0 } else { row };
        self.array
            .is_valid(index)
            .then(|| K::value(&self.array, index))
    }
}

/// The call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The function's name, for messages.
    pub(crate) name: &'static str,
    /// The arguments, cast.
    pub(crate) columns: Vec<Column>,
    /// Rows to produce: 1 if every argument is a constant.
    pub(crate) rows: usize,
    /// The type to produce.
    pub(crate) returns: &'a DataType,
    /// Session settings.
    pub(crate) config: &'a Arc<ConfigOptions>,
}

impl<'a> Call<'a> {
    /// Casts the arguments to the parameter types.
    ///
    /// # Errors
    /// A value has no form in the type wanted.
    pub(crate) fn new(
        name: &'static str,
        args: &'a ScalarFunctionArgs,
        wanted: &[DataType],
    ) -> Result<(Self, bool)> {
        let constant = args
            .args
            .iter()
            .all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let mut columns = Vec::with_capacity(args.args.len());
        for (argument, wanted) in args.args.iter().zip(wanted) {
            let (array, constant) = match argument {
                ColumnarValue::Array(array) => (Arc::clone(array), false),
                ColumnarValue::Scalar(value) => (value.to_array_of_size(1)?, true),
            };
            columns.push(Column {
                array: convert(&array, wanted)?,
                constant,
            });
        }
        let call = Self {
            name,
            columns,
            rows: if constant { 1 } else { args.number_rows },
            returns: args.return_field.data_type(),
            config: &args.config_options,
        };
        Ok((call, constant))
    }

    /// The session time zone.
    ///
    /// # Errors
    /// The setting names no zone.
    pub(crate) fn zone(&self) -> Result<Zone> {
        zone_of(self.config)
    }

    /// The argument at `index`, or an error of ours if the function's table and code disagree.
    pub(crate) fn column(&self, index: usize) -> Result<&Column> {
        match self.columns.get(index) {
            Some(column) => Ok(column),
            None => internal_err!("`{}` has no argument {}", self.name, index + 1),
        }
    }

    /// Whether the optional argument at `index` was given.
    pub(crate) fn has(&self, index: usize) -> bool {
        index < self.columns.len()
    }

    /// The argument at `index` read under a kind.
    ///
    /// # Errors
    /// It is of another kind: a mistake in the function's table.
    pub(crate) fn typed<K: Kind>(&self, index: usize) -> Result<Typed<'_, K>> {
        self.column(index)?.typed::<K>()
    }

    /// A numeric argument as `DOUBLE`.
    ///
    /// # Errors
    /// It is not numeric.
    pub(crate) fn as_double(&self, index: usize) -> Result<Owned<Double>> {
        self.converted(index, &DataType::Float64)
    }

    /// An integer argument as `BIGINT`.
    ///
    /// # Errors
    /// It is not an integer.
    pub(crate) fn as_long(&self, index: usize) -> Result<Owned<Long>> {
        self.converted(index, &DataType::Int64)
    }

    /// An argument converted to another type, to be read under a kind.
    ///
    /// # Errors
    /// It has no such form.
    pub(crate) fn converted<K: Kind>(&self, index: usize, wanted: &DataType) -> Result<Owned<K>>
    where
        K::Array: Clone,
    {
        let column = self.column(index)?;
        let array = convert(&column.array, wanted)?;
        match array.as_any().downcast_ref::<K::Array>() {
            Some(array) => Ok(Owned {
                array: array.clone(),
                constant: column.constant,
            }),
            None => internal_err!("an argument was converted to another type than asked"),
        }
    }

    /// The function of one argument, NULL for NULL.
    pub(crate) fn map1<'c, A: Kind, O: Output>(
        &'c self,
        mut body: impl FnMut(A::Value<'c>) -> Result<Option<O::Owned>>,
    ) -> Result<ArrayRef> {
        let a = self.typed::<A>(0)?;
        O::rows(self.rows, |row| a.get(row).map_or(Ok(None), &mut body))
    }

    /// The function of two arguments, NULL if any is NULL.
    pub(crate) fn map2<'c, A: Kind, B: Kind, O: Output>(
        &'c self,
        mut body: impl FnMut(A::Value<'c>, B::Value<'c>) -> Result<Option<O::Owned>>,
    ) -> Result<ArrayRef> {
        let (a, b) = (self.typed::<A>(0)?, self.typed::<B>(1)?);
        O::rows(self.rows, |row| match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => body(a, b),
            _ => Ok(None),
        })
    }

    /// The function of three arguments, NULL if any is NULL.
    pub(crate) fn map3<'c, A: Kind, B: Kind, C: Kind, O: Output>(
        &'c self,
        mut body: impl FnMut(A::Value<'c>, B::Value<'c>, C::Value<'c>) -> Result<Option<O::Owned>>,
    ) -> Result<ArrayRef> {
        let (a, b, c) = (
            self.typed::<A>(0)?,
            self.typed::<B>(1)?,
            self.typed::<C>(2)?,
        );
        O::rows(self.rows, |row| {
            match (a.get(row), b.get(row), c.get(row)) {
                (Some(a), Some(b), Some(c)) => body(a, b, c),
                _ => Ok(None),
            }
        })
    }

    /// The text argument at `index`, or `default` where it was left out.
    pub(crate) fn text_or<'c>(
        &'c self,
        index: usize,
        default: &'c str,
    ) -> Result<impl Fn(usize) -> Option<&'c str>> {
        let column = if self.has(index) {
            Some(self.typed::<Text>(index)?)
        } else {
            None
        };
        Ok(move |row| column.as_ref().map_or(Some(default), |c| c.get(row)))
    }

    /// The value of an argument that must be the same for all rows.
    ///
    /// # Errors
    /// It is a column.
    pub(crate) fn constant_text(&self, index: usize) -> Result<Option<String>> {
        let column = self.column(index)?;
        if !column.constant {
            return fail(
                &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT,
                format!(
                    "argument {} of `{}` must be a constant",
                    index + 1,
                    self.name
                ),
            );
        }
        Ok(column.typed::<Text>()?.get(0).map(ToString::to_string))
    }

    /// Hands the call to a function of `DataFusion` that means the same.
    ///
    /// # Errors
    /// Those of that function.
    pub(crate) fn delegate(&self, function: &ScalarUDF) -> Result<ArrayRef> {
        self.delegate_columns(function, &self.columns)
    }

    /// Hands other arguments to a function of `DataFusion`.
    ///
    /// # Errors
    /// Those of that function.
    pub(crate) fn delegate_columns(
        &self,
        function: &ScalarUDF,
        columns: &[Column],
    ) -> Result<ArrayRef> {
        let arg_fields: Vec<FieldRef> = columns
            .iter()
            .map(|c| Arc::new(Field::new("argument", c.array.data_type().clone(), true)))
            .collect();
        let mut args = Vec::with_capacity(columns.len());
        for column in columns {
            args.push(if column.constant {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&column.array, 0)?)
            } else {
                ColumnarValue::Array(Arc::clone(&column.array))
            });
        }
        let scalars: Vec<Option<&ScalarValue>> = args
            .iter()
            .map(|a| {
                if let ColumnarValue::Scalar(value) = a {
                    Some(value)
                } else {
                    None
                }
            })
            .collect();
        let return_field = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &arg_fields,
            scalar_arguments: &scalars,
        })?;
        let result = function.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields,
            number_rows: self.rows,
            return_field,
            config_options: Arc::clone(self.config),
        })?;
        result.into_array(self.rows)
    }
}

/// The session time zone of the settings, UTC where none is set.
pub(crate) fn zone_of(config: &ConfigOptions) -> Result<Zone> {
    let name = config.execution.time_zone.as_deref().unwrap_or("UTC");
    match Zone::parse(name) {
        Some(zone) => Ok(zone),
        None => fail(
            &condition::INVALID_TIMEZONE,
            format!("`{name}` is no time zone"),
        ),
    }
}

/// An array in another type; shape and names of nested types follow the type wanted. The binder has made the casts
/// that Spark makes, so this one only meets numbers that widen and other layouts of the same type.
///
/// # Errors
/// A value has no form in the type wanted.
pub(crate) fn convert(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    Ok(cast_with_options(
        array,
        wanted,
        &CastOptions {
            safe: false,
            ..CastOptions::default()
        },
    )?)
}

/// A column of one value per row.
pub(crate) fn row_column(array: ArrayRef) -> Column {
    Column {
        array,
        constant: false,
    }
}

/// The values of a list column, whatever its offset width.
pub(crate) fn as_list(array: &ArrayRef) -> &ListArray {
    array.as_list::<i32>()
}
