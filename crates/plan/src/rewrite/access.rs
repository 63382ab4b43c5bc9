//! Parts of nested values: struct fields without regard to case, array items counted from 0 and out of range as an
//! error, map values by key. DataFusion counts from 1 and gives NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array, make_array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};

use crate::Session;
use crate::bind::Typed;
use crate::error::{Result, at, raise, unsupported};
use crate::function::signature::list_of;
use crate::rewrite::cast::{self, Ignored};
use crate::rewrite::unify::words;

/// `value.name`.
pub(crate) fn field(session: &Session, value: Typed, name: &str, origin: &Origin) -> Result<Typed> {
    match value.data_type.clone() {
        DataType::Struct(fields) => {
            let exact = fields.iter().find(|field| field.name() == name);
            let Some(field) = exact.or_else(|| {
                fields
                    .iter()
                    .find(|field| field.name().eq_ignore_ascii_case(name))
            }) else {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                let diagnostic = Diagnostic::error(
                    &condition::FIELD_NOT_FOUND,
                    format!("the struct has no field `{name}`"),
                );
                return Err(Box::new(
                    diagnostic
                        .at(origin, "")
                        .fact(format!("fields: {}", names.join(", "))),
                ));
            };
            let expr =
                datafusion::functions::core::expr_fn::get_field(value.expr, field.name().as_str());
            Ok(Typed::new(expr, field.data_type().clone()))
        }
        DataType::Map(..) => index(session, value, Typed::text(name), origin),
        DataType::List(item) if matches!(item.data_type(), DataType::Struct(_)) => {
            let inner = Typed::new(value.expr.clone(), item.data_type().clone());
            let found = field(session, inner, name, origin)?;
            Ok(every(value, name, &found.data_type))
        }
        other => {
            let message = format!(
                "`.{name}` needs a struct or a map, this is {}",
                words(&other)
            );
            Err(at(
                &condition::INVALID_EXTRACT_BASE_FIELD_TYPE,
                origin,
                message,
            ))
        }
    }
}

/// `value[key]`.
pub(crate) fn index(session: &Session, value: Typed, key: Typed, origin: &Origin) -> Result<Typed> {
    let (returns, key) = match value.data_type.clone() {
        DataType::List(_) if !(key.data_type.is_integer() || key.data_type.is_null()) => {
            let message = format!(
                "the index of an array is an integer, this is {}",
                words(&key.data_type)
            );
            return Err(at(
                &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                origin,
                message,
            ));
        }
        DataType::List(item) => (
            item.data_type().clone(),
            cast::implicit(session, key, &DataType::Int32, origin)?,
        ),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                let wanted = fields[0].data_type().clone();
                (
                    fields[1].data_type().clone(),
                    cast::implicit(session, key, &wanted, origin)?,
                )
            }
            _ => return unsupported(origin, "this map"),
        },
        DataType::Struct(_) => match key.constant_text() {
            Some(name) => {
                let name = name.to_string();
                return field(session, value, &name, origin);
            }
            None => {
                return unsupported(origin, "a field of a struct by a name that is not constant");
            }
        },
        other => {
            let message = format!(
                "`[…]` needs an array, a map or a struct, this is {}",
                words(&other)
            );
            return Err(at(
                &condition::INVALID_EXTRACT_BASE_FIELD_TYPE,
                origin,
                message,
            ));
        }
    };
    let function = Element {
        returns: returns.clone(),
        origin: Ignored(origin.clone()),
        signature: Signature::any(2, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Ok(Typed::new(
        Expr::ScalarFunction(ScalarFunction::new_udf(
            function,
            vec![value.expr, key.expr],
        )),
        returns,
    ))
}

/// The field of every struct in an array.
fn every(value: Typed, name: &str, item: &DataType) -> Typed {
    let returns = list_of(item);
    let function = Every {
        name: name.to_string(),
        returns: returns.clone(),
        signature: Signature::any(1, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let call = ScalarFunction::new_udf(function, vec![value.expr]);
    Typed::new(Expr::ScalarFunction(call), returns)
}

/// `array.name`: an array of the field's values, NULL for structs that are NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Every {
    name: String,
    returns: DataType,
    signature: Signature,
}

impl Every {
    fn take(&self, array: &ArrayRef) -> datafusion::error::Result<ArrayRef> {
        let list = array.as_list::<i32>();
        let items = list.values().as_struct();
        let index = items
            .fields()
            .iter()
            .position(|field| *field.name() == self.name)
            .or_else(|| {
                let mut fields = items.fields().iter();
                fields.position(|field| field.name().eq_ignore_ascii_case(&self.name))
            });
        let Some(index) = index else {
            return datafusion::common::internal_err!("no field `{}`", self.name);
        };
        let column = items.column(index);
        let nulls = NullBuffer::union(column.nulls(), items.nulls());
        let column = make_array(column.to_data().into_builder().nulls(nulls).build()?);
        let DataType::List(element) = &self.returns else {
            return datafusion::common::internal_err!("a list was expected");
        };
        let values = arrow::compute::cast(&column, element.data_type())?;
        Ok(Arc::new(ListArray::try_new(
            Arc::clone(element),
            list.offsets().clone(),
            values,
            list.nulls().cloned(),
        )?))
    }
}

impl ScalarUDFImpl for Every {
    fn name(&self) -> &'static str {
        "every_field"
    }

    fn schema_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.schema_name().to_string())
            .collect();
        Ok(format!("{}.{}", args.join(", "), self.name))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(ColumnarValue::Array(array)) => Ok(ColumnarValue::Array(self.take(&array)?)),
            Some(ColumnarValue::Scalar(value)) => {
                let array = self.take(&value.to_array_of_size(1)?)?;
                let value = ScalarValue::try_from_array(&array, 0)?;
                Ok(ColumnarValue::Scalar(value))
            }
            None => datafusion::common::internal_err!("an access without an argument"),
        }
    }
}

/// One item of an array (from 0) or one value of a map.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Element {
    returns: DataType,
    origin: Ignored<Origin>,
    signature: Signature,
}

impl Element {
    fn item(&self, list: &ArrayRef, keys: &ArrayRef) -> datafusion::error::Result<ArrayRef> {
        let list = list.as_list::<i32>();
        let keys = keys.as_primitive::<Int32Type>();
        let mut indices = Vec::with_capacity(list.len());
        for row in 0..list.len() {
            if list.is_null(row) || keys.is_null(row) {
                indices.push(None);
                continue;
            }
            let (key, length) = (keys.value(row), list.value_length(row));
            if !(0..length).contains(&key) {
                let message = format!("index {key} is outside of an array of {length} items");
                let diagnostic = Diagnostic::error(&condition::INVALID_ARRAY_INDEX, message)
                    .at(&self.origin.0, "");
                return Err(raise(
                    diagnostic.help("to get NULL instead, use `get(array, index)`"),
                ));
            }
            indices.push(u32::try_from(list.value_offsets()[row] + key).ok());
        }
        Ok(take(list.values(), &UInt32Array::from(indices), None)?)
    }

    fn value(map: &ArrayRef, keys: &ArrayRef) -> datafusion::error::Result<ArrayRef> {
        let map = map.as_map();
        let offsets = map.value_offsets();
        let mut owner = vec![0_u32; map.entries().len()];
        for row in 0..map.len() {
            for entry in offsets[row]..offsets[row + 1] {
                owner[usize::try_from(entry).unwrap_or_default()] =
                    u32::try_from(row).unwrap_or_default();
            }
        }
        let wanted = take(keys, &UInt32Array::from(owner), None)?;
        let hits = arrow::compute::kernels::cmp::eq(map.keys(), &wanted)?;
        let indices: Vec<Option<u32>> = (0..map.len())
            .map(|row| {
                let mut entries = offsets[row]..offsets[row + 1];
                let found = entries.find(|entry| {
                    let entry = usize::try_from(*entry).unwrap_or_default();
                    map.is_valid(row) && hits.is_valid(entry) && hits.value(entry)
                });
                found.and_then(|entry| u32::try_from(entry).ok())
            })
            .collect();
        Ok(take(map.values(), &UInt32Array::from(indices), None)?)
    }
}

impl ScalarUDFImpl for Element {
    fn name(&self) -> &'static str {
        "element"
    }

    fn display_name(&self, args: &[Expr]) -> datafusion::error::Result<String> {
        Ok(args
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("[")
            + "]")
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [container, keys] = arrays.as_slice() else {
            return datafusion::common::internal_err!("an access takes two arguments");
        };
        let array = match container.data_type() {
            DataType::Map(..) => Self::value(container, keys)?,
            _ => self.item(container, keys)?,
        };
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
