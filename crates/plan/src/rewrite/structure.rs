//! Structs and arrays made in a query.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;

use crate::bind::Typed;

/// `named_struct('a', x, …)`.
pub(crate) fn named_struct(fields: Vec<(String, Typed)>) -> Typed {
    let mut args = vec![];
    let mut types = vec![];
    for (name, value) in fields {
        types.push(Field::new(&name, value.data_type, true));
        args.push(Expr::Literal(ScalarValue::Utf8(Some(name)), None));
        args.push(value.expr);
    }
    let function = datafusion::functions::core::named_struct();
    Typed::new(
        Expr::ScalarFunction(ScalarFunction::new_udf(function, args)),
        DataType::Struct(Fields::from(types)),
    )
}

/// `array(…)` of items of one type.
pub(crate) fn array(items: Vec<Typed>, item: &DataType) -> Typed {
    let args = items.into_iter().map(|item| item.expr).collect();
    let data_type = DataType::List(Arc::new(Field::new("element", item.clone(), true)));
    Typed::new(
        datafusion::functions_nested::expr_fn::make_array(args),
        data_type,
    )
}

/// A list of structs with other field names.
pub(crate) fn renamed(list: &DataType, names: &[String]) -> DataType {
    let DataType::List(item) = list else {
        return list.clone();
    };
    let DataType::Struct(fields) = item.data_type() else {
        return list.clone();
    };
    let fields = fields.iter().zip(names);
    let fields: Fields = fields
        .map(|(field, name)| field.as_ref().clone().with_name(name))
        .collect();
    let item = item
        .as_ref()
        .clone()
        .with_data_type(DataType::Struct(fields));
    DataType::List(Arc::new(item))
}
