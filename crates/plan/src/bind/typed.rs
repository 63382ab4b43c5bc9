//! An expression together with the type that Spark gives it. Must not decide types: `rewrite` does.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

/// An expression with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) data_type: DataType,
}

impl Typed {
    pub(crate) fn new(expr: Expr, data_type: DataType) -> Self {
        Self { expr, data_type }
    }

    /// A constant.
    pub(crate) fn literal(value: ScalarValue) -> Self {
        let data_type = value.data_type();
        Self {
            expr: Expr::Literal(value, None),
            data_type,
        }
    }

    /// A STRING constant.
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::literal(ScalarValue::Utf8(Some(value.into())))
    }

    /// An INT constant.
    pub(crate) fn int(value: i32) -> Self {
        Self::literal(ScalarValue::Int32(Some(value)))
    }

    /// NULL of no type.
    pub(crate) fn null() -> Self {
        Self::literal(ScalarValue::Null)
    }

    /// A BOOLEAN expression.
    pub(crate) fn boolean(expr: Expr) -> Self {
        Self {
            expr,
            data_type: DataType::Boolean,
        }
    }

    /// The constant, if it is one.
    pub(crate) fn constant(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// The constant text, if it is one.
    pub(crate) fn constant_text(&self) -> Option<&str> {
        self.constant()
            .and_then(|value| value.try_as_str().flatten())
    }
}
