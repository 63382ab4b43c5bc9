//! A scalar function of Spark as an entry of a table, and its face towards `DataFusion`. Must not know any function.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use sluice_model::{Origin, SparkType};

use super::call::{Call, convert};
use super::signature::{Param, Parameters};

/// What a function returns.
#[derive(Clone, Copy)]
pub(crate) enum Returns {
    /// Always this type.
    Type(SparkTypeName),
    /// The type of the argument at this index, after its cast.
    Argument(usize),
    /// Computed from the types after their casts, and from constant arguments.
    By(fn(&Types<'_>) -> Result<DataType>),
}

/// The plain types that functions return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Spark's types")]
pub(crate) enum SparkTypeName {
    Boolean,
    Int,
    Long,
    Double,
    String,
    Binary,
    Date,
    Timestamp,
}

impl SparkTypeName {
    fn arrow(self) -> DataType {
        match self {
            Self::Boolean => SparkType::Boolean,
            Self::Int => SparkType::Int,
            Self::Long => SparkType::Long,
            Self::Double => SparkType::Double,
            Self::String => SparkType::String,
            Self::Binary => SparkType::Binary,
            Self::Date => SparkType::Date,
            Self::Timestamp => SparkType::Timestamp,
        }
        .to_arrow()
    }
}

/// What a return type is computed from.
pub(crate) struct Types<'a> {
    /// The function's name.
    pub(crate) name: &'static str,
    /// Argument types after their casts.
    pub(crate) arguments: &'a [DataType],
    /// Argument fields as they came.
    pub(crate) fields: &'a [FieldRef],
    /// Constant arguments as they came.
    pub(crate) constants: &'a [Option<&'a ScalarValue>],
}

impl Types<'_> {
    /// A constant text argument.
    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        self.constants
            .get(index)
            .copied()
            .flatten()
            .and_then(|value| value.try_as_str().flatten())
    }

    /// A constant integer argument.
    pub(crate) fn integer(&self, index: usize) -> Option<i64> {
        match self.constants.get(index).copied().flatten()? {
            ScalarValue::Int8(v) => v.map(i64::from),
            ScalarValue::Int16(v) => v.map(i64::from),
            ScalarValue::Int32(v) => v.map(i64::from),
            ScalarValue::Int64(v) => *v,
            _ => None,
        }
    }
}

type Evaluate = fn(&Call<'_>) -> Result<ArrayRef>;

/// A scalar function: everything about it in one place.
pub(crate) struct Function {
    /// Name, lower case.
    pub(crate) name: &'static str,
    /// Further names.
    pub(crate) aliases: &'static [&'static str],
    /// A call with its result: `upper('a')` is `'A'`.
    pub(crate) example: &'static str,
    /// One sentence.
    pub(crate) doc: &'static str,
    parameters: Parameters,
    returns: Returns,
    volatility: Volatility,
    evaluate: Evaluate,
}

impl Function {
    /// A function of fixed parameters.
    pub(crate) const fn new(
        name: &'static str,
        parameters: &'static [Param],
        returns: Returns,
        evaluate: Evaluate,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            example: "",
            doc: "",
            parameters: Parameters {
                kinds: parameters,
                optional: 0,
                variadic: false,
            },
            returns,
            volatility: Volatility::Immutable,
            evaluate,
        }
    }

    /// Its sentence and its example.
    pub(crate) const fn doc(mut self, doc: &'static str, example: &'static str) -> Self {
        self.doc = doc;
        self.example = example;
        self
    }

    /// Further names.
    pub(crate) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The last `count` parameters may be left out.
    pub(crate) const fn optional(mut self, count: usize) -> Self {
        self.parameters.optional = count;
        self
    }

    /// The last parameter may repeat, or be left out.
    pub(crate) const fn variadic(mut self) -> Self {
        self.parameters.variadic = true;
        self
    }

    /// Another value in each row.
    pub(crate) const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }
}

/// The face of a [`Function`] towards `DataFusion`.
pub(crate) struct Udf {
    function: &'static Function,
    /// Where the call is written.
    origin: Option<Origin>,
    signature: Signature,
    aliases: Vec<String>,
}

impl Udf {
    /// Wraps a function.
    pub(crate) fn scalar(function: &'static Function, origin: Option<&Origin>) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Self {
            function,
            origin: origin.cloned(),
            signature: Signature::user_defined(function.volatility),
            aliases: function.aliases.iter().map(ToString::to_string).collect(),
        }))
    }
}

impl std::fmt::Debug for Udf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.function.name)
    }
}

impl PartialEq for Udf {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}
impl Eq for Udf {}
impl Hash for Udf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Udf {
    fn name(&self) -> &str {
        self.function.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        internal_err!(
            "the type of `{}` depends on its arguments",
            self.function.name
        )
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.parameters.resolve(self.function.name, types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let found: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let wanted = self
            .function
            .parameters
            .resolve(self.function.name, &found)?;
        let returns = match self.function.returns {
            Returns::Type(name) => name.arrow(),
            Returns::Argument(index) => match wanted.get(index) {
                Some(found) => found.clone(),
                None => return internal_err!("`{}` has no argument {index}", self.function.name),
            },
            Returns::By(compute) => compute(&Types {
                name: self.function.name,
                arguments: &wanted,
                fields: args.arg_fields,
                constants: args.scalar_arguments,
            })?,
        };
        Ok(Arc::new(Field::new(self.function.name, returns, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let found: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let wanted = self
            .function
            .parameters
            .resolve(self.function.name, &found)?;
        if self.function.parameters.is_nothing(&found) {
            let nothing = ScalarValue::try_from(args.return_field.data_type())?;
            return Ok(ColumnarValue::Scalar(nothing));
        }
        let (call, constant) = Call::new(self.function.name, &args, &wanted)?;
        let constant = constant && self.function.volatility != Volatility::Volatile;
        let call = if constant {
            call
        } else {
            Call {
                rows: args.number_rows,
                ..call
            }
        };
        let result = (self.function.evaluate)(&call).map_err(|error| match &self.origin {
            Some(origin) => crate::error::placed(error, origin),
            None => error,
        })?;
        let result = convert(&result, call.returns)?;
        let result = match call.returns {
            DataType::Float32 | DataType::Float64 => crate::rewrite::float::kernel(&result, false)?,
            _ => result,
        };
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}
