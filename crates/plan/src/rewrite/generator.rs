//! Generators as lists: what `explode` and its kin turn into rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sluice_model::Origin;
use sluice_model::condition::query as condition;

use crate::bind::Typed;
use crate::error::{Result, at};
use crate::rewrite::unify::words;

/// A generator function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generator {
    pub(crate) kind: Kind,
    /// Whether empty and NULL give one row of NULLs instead of none.
    pub(crate) outer: bool,
}

/// What a generator makes rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The items of an array, the entries of a map.
    Explode,
    /// The same with their positions.
    PosExplode,
    /// The structs of an array.
    Inline,
    /// `stack(n, …)`: its arguments, cut into n rows.
    Stack,
    /// `json_tuple(j, keys…)`: one row, a column per key.
    JsonTuple,
}

impl Generator {
    /// The generator of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (kind, outer) = match name {
            "explode" => (Kind::Explode, false),
            "explode_outer" => (Kind::Explode, true),
            "posexplode" => (Kind::PosExplode, false),
            "posexplode_outer" => (Kind::PosExplode, true),
            "inline" => (Kind::Inline, false),
            "inline_outer" => (Kind::Inline, true),
            "stack" => (Kind::Stack, false),
            "json_tuple" => (Kind::JsonTuple, false),
            _ => return None,
        };
        Some(Self { kind, outer })
    }
}

/// The list whose items become rows, and the names of the columns that they give.
pub(crate) fn rows(
    generator: Generator,
    value: Typed,
    origin: &Origin,
) -> Result<(Typed, Vec<String>)> {
    let refuse = |data_type: &DataType| {
        let message = format!(
            "this generator takes an array or a map, this is {}",
            words(data_type)
        );
        Err(at(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            origin,
            message,
        ))
    };
    match (generator.kind, value.data_type.clone()) {
        (Kind::Explode, DataType::List(_)) => Ok((value, vec!["col".into()])),
        (Kind::Explode, DataType::Map(..)) => {
            let list = entries(value);
            Ok((list, vec!["key".into(), "value".into()]))
        }
        (Kind::PosExplode, DataType::List(_)) => {
            Ok((numbered(value), vec!["pos".into(), "col".into()]))
        }
        (Kind::PosExplode, DataType::Map(..)) => {
            let names = ["pos", "key", "value"].map(String::from);
            Ok((numbered(entries(value)), names.into()))
        }
        (Kind::Inline, DataType::List(item)) => match item.data_type() {
            DataType::Struct(fields) => {
                let names = fields.iter().map(|field| field.name().clone()).collect();
                Ok((value, names))
            }
            other => refuse(other),
        },
        (_, other) => refuse(&other),
    }
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, true)))
}

fn call(rows: Rows, value: Typed, data_type: DataType) -> Typed {
    let function = Arc::new(ScalarUDF::new_from_impl(rows));
    Typed::new(
        Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![value.expr])),
        data_type,
    )
}

fn entries(value: Typed) -> Typed {
    let DataType::Map(entry, _) = &value.data_type else {
        return value;
    };
    let data_type = list_of(entry.data_type().clone());
    call(
        Rows {
            numbered: false,
            returns: data_type.clone(),
            signature: Signature::any(1, Volatility::Immutable),
        },
        value,
        data_type,
    )
}

fn numbered(value: Typed) -> Typed {
    let DataType::List(item) = &value.data_type else {
        return value;
    };
    let fields = Fields::from(vec![
        Field::new("pos", DataType::Int32, true),
        Field::new("col", item.data_type().clone(), true),
    ]);
    let data_type = list_of(DataType::Struct(fields));
    call(
        Rows {
            numbered: true,
            returns: data_type.clone(),
            signature: Signature::any(1, Volatility::Immutable),
        },
        value,
        data_type,
    )
}

/// The entries of a map, or the items of an array with their positions from 0, as a list of structs.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Rows {
    numbered: bool,
    returns: DataType,
    signature: Signature,
}

impl Rows {
    fn element(&self) -> FieldRef {
        match &self.returns {
            DataType::List(field) => Arc::clone(field),
            other => Arc::new(Field::new("element", other.clone(), true)),
        }
    }

    fn run(&self, array: &ArrayRef) -> datafusion::error::Result<ArrayRef> {
        if !self.numbered {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let list = ListArray::try_new(
                self.element(),
                map.offsets().clone(),
                entries,
                map.nulls().cloned(),
            )?;
            return Ok(Arc::new(list));
        }
        let list = array.as_list::<i32>();
        let mut positions = vec![0_i32; list.values().len()];
        for window in list.offsets().windows(2) {
            if let [start, end] = window {
                for (position, row) in (*start..*end).enumerate() {
                    if let (Ok(row), Ok(position)) = (usize::try_from(row), i32::try_from(position))
                    {
                        positions[row] = position;
                    }
                }
            }
        }
        let element = self.element();
        let DataType::Struct(fields) = element.data_type() else {
            return datafusion::common::internal_err!("posexplode makes structs");
        };
        let items = arrow::compute::cast(list.values(), fields[1].data_type())?;
        let rows = StructArray::try_new(
            fields.clone(),
            vec![Arc::new(Int32Array::from(positions)), items],
            None,
        )?;
        let list = ListArray::try_new(
            Arc::clone(&element),
            list.offsets().clone(),
            Arc::new(rows),
            list.nulls().cloned(),
        )?;
        Ok(Arc::new(list))
    }
}

impl ScalarUDFImpl for Rows {
    fn name(&self) -> &str {
        if self.numbered {
            "numbered_items"
        } else {
            "map_entries"
        }
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
            Some(ColumnarValue::Array(array)) => Ok(ColumnarValue::Array(self.run(&array)?)),
            Some(ColumnarValue::Scalar(value)) => {
                let array = self.run(&value.to_array_of_size(1)?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &array, 0,
                )?))
            }
            None => datafusion::common::internal_err!("a generator without an argument"),
        }
    }
}
