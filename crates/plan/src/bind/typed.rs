//! An expression together with the type that Spark gives it. Must not decide types: `rewrite` does.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

/// An expression with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) data_type: DataType,
    /// Whether a constant is what a CAST or a sign made, and not a number as it is written: beside a decimal it has the digits
    /// of its type (Spark's `DecimalType.fromLiteral` is for literals alone).
    is_computed: bool,
}

impl Typed {
    pub(crate) fn new(expr: Expr, data_type: DataType) -> Self {
        Self {
            expr,
            data_type,
            is_computed: false,
        }
    }

    /// A constant.
    pub(crate) fn literal(value: ScalarValue) -> Self {
        let data_type = value.data_type();
        Self {
            expr: Expr::Literal(value, None),
            data_type,
            is_computed: false,
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
            is_computed: false,
        }
    }

    /// The same, not to be taken for a number as it is written.
    pub(crate) fn computed(self) -> Self {
        Self {
            is_computed: true,
            ..self
        }
    }

    /// The number, if it is one as it is written.
    pub(crate) fn written(&self) -> Option<&ScalarValue> {
        self.constant().filter(|_| !self.is_computed)
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
