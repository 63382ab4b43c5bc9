//! Scalar expressions: one arm per kind of syntax; what has no arm is refused with its place.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Case, Expr, Operator};
use sluice_model::condition::query as condition;
use sluice_model::{Origin, SparkType};
use sqlparser::ast;

use super::column::Environment;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::interval::holds_interval;
use crate::rewrite::length::is_length;
use crate::rewrite::{access, cast, compare, float, length, path, unify};

impl Binder<'_> {
    /// Binds an expression.
    pub(crate) fn expression(&mut self, ast: &ast::Expr, env: &Environment<'_>) -> Result<Typed> {
        let before = self.short_intervals;
        let value = self.any_expression(ast, env)?;
        if !holds_interval(&value.data_type) {
            self.short_intervals = before;
        }
        Ok(value)
    }

    fn any_expression(&mut self, ast: &ast::Expr, env: &Environment<'_>) -> Result<Typed> {
        let whole = env;
        let env = &env.inner();
        match ast {
            ast::Expr::Identifier(name) => self.name(std::slice::from_ref(name), whole),
            ast::Expr::CompoundIdentifier(parts) => self.name(parts, env),
            ast::Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, env)
            }
            ast::Expr::JsonAccess { value, path } => self.json_path(value, path, env),
            ast::Expr::Nested(inner) => self.expression(inner, whole),
            ast::Expr::Value(value) => self.value(value),
            ast::Expr::TypedString(literal) => self.typed_literal(literal),
            ast::Expr::Interval(interval) => self.interval(interval, env),
            ast::Expr::BinaryOp { left, op, right } => self.binary(ast, left, op, right, env),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr, env),
            ast::Expr::Cast {
                kind,
                expr,
                data_type,
                format: None,
                ..
            } => self.cast(kind, expr, data_type, env),
            ast::Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref(), env),
            ast::Expr::Function(function) => self.call(function, whole),
            ast::Expr::Lambda(lambda) => self.stray_lambda(lambda),
            ast::Expr::IsNull(inner) => self.is_null(inner, false, env),
            ast::Expr::IsNotNull(inner) => self.is_null(inner, true, env),
            ast::Expr::IsTrue(_)
            | ast::Expr::IsNotTrue(_)
            | ast::Expr::IsFalse(_)
            | ast::Expr::IsNotFalse(_)
            | ast::Expr::IsUnknown(_)
            | ast::Expr::IsNotUnknown(_) => self.truth(ast, env),
            ast::Expr::IsDistinctFrom(left, right) => {
                self.comparison(left, Operator::IsDistinctFrom, right, env)
            }
            ast::Expr::IsNotDistinctFrom(left, right) => {
                self.comparison(left, Operator::IsNotDistinctFrom, right, env)
            }
            ast::Expr::Between {
                expr,
                negated,
                low,
                high,
            } => self.between(expr, *negated, low, high, env),
            ast::Expr::InList {
                expr,
                list,
                negated,
            } => self.in_list(expr, list, *negated, env),
            ast::Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => self.in_subquery(expr, subquery, *negated, env),
            ast::Expr::Exists { subquery, negated } => self.exists(subquery, *negated, env),
            ast::Expr::Subquery(subquery) => self.scalar_subquery(subquery, env),
            ast::Expr::Like { .. } | ast::Expr::ILike { .. } | ast::Expr::RLike { .. } => {
                self.pattern(ast, env)
            }
            other => self.syntax_function(other, env),
        }
    }

    fn access(
        &mut self,
        root: &ast::Expr,
        chain: &[ast::AccessExpr],
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let mut names = vec![];
        if let ast::Expr::Identifier(name) = root {
            names.push(name.clone());
        } else if let ast::Expr::CompoundIdentifier(parts) = root {
            names.extend(parts.iter().cloned());
        }
        let mut rest = chain;
        if !names.is_empty() {
            while let [ast::AccessExpr::Dot(ast::Expr::Identifier(name)), tail @ ..] = rest {
                names.push(name.clone());
                rest = tail;
            }
        }
        let mut value = if names.is_empty() {
            self.expression(root, env)?
        } else {
            self.name(&names, env)?
        };
        for step in rest {
            value = match step {
                ast::AccessExpr::Dot(ast::Expr::Identifier(name)) => {
                    let origin = self.place(name.span);
                    access::field(self.session, value, &name.value, &origin)?
                }
                ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => {
                    let origin = self.origin(index);
                    let key = self.expression(index, env)?;
                    access::index(self.session, value, key, &origin)?
                }
                ast::AccessExpr::Dot(other) => {
                    return unsupported(&self.origin(other), "this access");
                }
                ast::AccessExpr::Subscript(_) => return unsupported(&self.origin(root), "a slice"),
            };
        }
        Ok(value)
    }

    fn json_path(
        &mut self,
        value: &ast::Expr,
        json: &ast::JsonPath,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(value);
        let root = self.expression(value, env)?;
        let mut steps = vec![];
        for element in &json.path {
            steps.push(match element {
                ast::JsonPathElem::Dot { key, .. } => path::Step::Key(key.clone()),
                ast::JsonPathElem::Bracket {
                    key: ast::Expr::Wildcard(_),
                }
                | ast::JsonPathElem::ColonBracket {
                    key: ast::Expr::Wildcard(_),
                } => path::Step::Every,
                ast::JsonPathElem::Bracket { key } | ast::JsonPathElem::ColonBracket { key } => {
                    let place = self.origin(key);
                    let key = self.expression(key, env)?;
                    match key.constant() {
                        Some(ScalarValue::Int32(Some(index))) => path::Step::Index(*index),
                        Some(ScalarValue::Utf8(Some(key))) => path::Step::Exact(key.clone()),
                        _ => return unsupported(&place, "a JSON path step that is not a constant"),
                    }
                }
            });
        }
        if root.data_type == DataType::Utf8 {
            let text = path::json_path(&steps);
            return self.scalar("json_path", vec![root, Typed::text(text)], &origin);
        }
        path::walk(self.session, root, &steps, &origin)
    }

    fn cast(
        &mut self,
        kind: &ast::CastKind,
        expr: &ast::Expr,
        data_type: &ast::DataType,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(expr);
        let before = self.facts.time.timestamps.len();
        let value = self.expression(expr, env)?;
        let target = self.data_type(data_type, &origin)?;
        if target == DataType::Date32 {
            self.used_as_date(before, &value);
        }
        if let Some(moment) = self.special_time(&value, &target, &origin) {
            return Ok(moment);
        }
        if is_length(&target)
            && let Some(interval) = length::read(&value, &target)
        {
            return Ok(Typed::literal(interval));
        }
        if let Some(place) = self.suffixed(expr) {
            return match cast::constant(self.session, &value, &target) {
                Some(literal) if literal != ScalarValue::Float32(Some(f32::INFINITY)) => {
                    Ok(Typed::literal(literal))
                }
                _ => {
                    let message = format!("the number does not fit {}", unify::words(&target));
                    let condition = &condition::NUMERIC_LITERAL_OUT_OF_RANGE;
                    Err(at(condition, &place, message))
                }
            };
        }
        if is_length(&value.data_type) {
            let attempt = matches!(kind, ast::CastKind::TryCast | ast::CastKind::SafeCast);
            let made = length::converted(self.session, &value, &target, attempt, &origin);
            if let Some(made) = made {
                self.fields_are_known(&value, &origin)?;
                return made;
            }
        }
        let made = match kind {
            ast::CastKind::Cast | ast::CastKind::DoubleColon => {
                cast::explicit(self.session, value, &target, &origin)
            }
            ast::CastKind::TryCast | ast::CastKind::SafeCast => {
                cast::attempt(self.session, value, &target, &origin)
            }
        };
        made.map(Typed::computed)
    }

    /// `-9L`: a constant of its type, whose digits count beside a decimal, and not the negative of one.
    pub(crate) fn negative_suffixed(
        &mut self,
        expr: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Option<Typed>> {
        let ast::Expr::Cast {
            kind,
            expr: number,
            data_type,
            ..
        } = expr
        else {
            return Ok(None);
        };
        // The negative of 0.0D keeps its sign only as that of a double.
        if self.suffixed(number).is_none()
            || self.data_type(data_type, &self.origin(expr))?.is_floating()
        {
            return Ok(None);
        }
        let negative = ast::Expr::UnaryOp {
            op: ast::UnaryOperator::Minus,
            expr: number.clone(),
        };
        self.cast(kind, &negative, data_type, env).map(Some)
    }

    /// The place of a number with a suffix, which the parser hands over as a cast: it is longer than its digits.
    fn suffixed(&self, expr: &ast::Expr) -> Option<Origin> {
        let number = match expr {
            ast::Expr::UnaryOp {
                op: ast::UnaryOperator::Minus,
                expr,
            } => expr.as_ref(),
            other => other,
        };
        let ast::Expr::Value(value) = number else {
            return None;
        };
        let ast::Value::Number(digits, _) = &value.value else {
            return None;
        };
        let columns = value
            .span
            .end
            .column
            .saturating_sub(value.span.start.column);
        (usize::try_from(columns).ok()? > digits.len()).then(|| self.place(value.span))
    }

    /// A type as written in a CAST.
    pub(crate) fn data_type(&self, data_type: &ast::DataType, origin: &Origin) -> Result<DataType> {
        if let ast::DataType::Interval {
            fields: Some(fields),
            precision: None,
        } = data_type
        {
            match fields {
                ast::IntervalFields::Day => return Ok(length::DAY),
                ast::IntervalFields::DayToSecond => return Ok(length::DAY_TO_SECOND),
                ast::IntervalFields::YearToMonth => return Ok(length::YEAR_TO_MONTH),
                _ => {}
            }
        }
        let text = type_text(data_type);
        match SparkType::parse(&text) {
            Ok(spark) => Ok(spark.to_arrow()),
            Err(error) => unsupported(origin, format!("the type `{text}` ({error})")),
        }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        whens: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let operand = operand
            .map(|operand| self.expression(operand, env))
            .transpose()?;
        let mut conditions = vec![];
        let mut results = vec![];
        let mut origins = vec![];
        for when in whens {
            let origin = self.origin(&when.condition);
            conditions.push(match &operand {
                None => self.condition(&when.condition, &env.clone().named("WHEN"))?,
                Some(operand) => {
                    let value = self.expression(&when.condition, env)?;
                    compare::compare(self.session, Operator::Eq, operand.clone(), value, &origin)?
                        .expr
                }
            });
            origins.push(self.origin(&when.result));
            results.push(self.expression(&when.result, env)?);
        }
        if let Some(otherwise) = otherwise {
            origins.push(self.origin(otherwise));
            results.push(self.expression(otherwise, env)?);
        }
        let (mut results, data_type) = self.unified(results, &origins, "the branches of CASE")?;
        let otherwise = if results.len() > conditions.len() {
            results.pop()
        } else {
            None
        };
        let pairs = conditions
            .into_iter()
            .zip(results)
            .map(|(c, r)| (Box::new(c), Box::new(r.expr)))
            .collect();
        Ok(Typed::new(
            Expr::Case(Case::new(
                None,
                pairs,
                otherwise.map(|value| Box::new(value.expr)),
            )),
            data_type,
        ))
    }

    fn is_null(&mut self, ast: &ast::Expr, negated: bool, env: &Environment<'_>) -> Result<Typed> {
        let value = self.expression(ast, env)?.expr;
        Ok(Typed::boolean(if negated {
            value.is_not_null()
        } else {
            value.is_null()
        }))
    }

    fn truth(&mut self, ast: &ast::Expr, env: &Environment<'_>) -> Result<Typed> {
        let env = &env.clone().named("the operand of IS");
        Ok(Typed::boolean(match ast {
            ast::Expr::IsTrue(inner) => Expr::IsTrue(Box::new(self.condition(inner, env)?)),
            ast::Expr::IsNotTrue(inner) => Expr::IsNotTrue(Box::new(self.condition(inner, env)?)),
            ast::Expr::IsFalse(inner) => Expr::IsFalse(Box::new(self.condition(inner, env)?)),
            ast::Expr::IsNotFalse(inner) => Expr::IsNotFalse(Box::new(self.condition(inner, env)?)),
            ast::Expr::IsUnknown(inner) => Expr::IsUnknown(Box::new(self.condition(inner, env)?)),
            ast::Expr::IsNotUnknown(inner) => {
                Expr::IsNotUnknown(Box::new(self.condition(inner, env)?))
            }
            other => return unsupported(&self.origin(other), "this expression"),
        }))
    }

    pub(crate) fn comparison(
        &mut self,
        left: &ast::Expr,
        op: Operator,
        right: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(left);
        let (left, right) = (self.expression(left, env)?, self.expression(right, env)?);
        compare::compare(self.session, op, left, right, &origin)
    }

    fn between(
        &mut self,
        expr: &ast::Expr,
        negated: bool,
        low: &ast::Expr,
        high: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(expr);
        let value = self.expression(expr, env)?;
        let (low, high) = (self.expression(low, env)?, self.expression(high, env)?);
        let from = compare::compare(self.session, Operator::GtEq, value.clone(), low, &origin)?;
        let to = compare::compare(self.session, Operator::LtEq, value, high, &origin)?;
        let both = from.expr.and(to.expr);
        Ok(Typed::boolean(if negated {
            Expr::Not(Box::new(both))
        } else {
            both
        }))
    }

    fn in_list(
        &mut self,
        expr: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let mut origins = vec![self.origin(expr)];
        let mut values = vec![self.expression(expr, env)?];
        for item in list {
            origins.push(self.origin(item));
            values.push(self.expression(item, env)?);
        }
        let (mut values, _) = self.unified_by_place(values, &origins, "the values of IN")?;
        let value = float::settled(values.remove(0));
        let list = values.into_iter();
        let list = list.map(|value| float::settled(value).expr).collect();
        Ok(Typed::boolean(value.expr.in_list(list, negated)))
    }
}

/// A type in the form in which Spark writes it; the parser writes maps in another one.
fn type_text(data_type: &ast::DataType) -> String {
    match data_type {
        ast::DataType::Map(key, value) => format!("map<{},{}>", type_text(key), type_text(value)),
        ast::DataType::Array(
            ast::ArrayElemTypeDef::AngleBracket(item) | ast::ArrayElemTypeDef::Parenthesis(item),
        ) => format!("array<{}>", type_text(item)),
        ast::DataType::Struct(fields, _) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| {
                    let name = field
                        .field_name
                        .as_ref()
                        .map(|name| format!("`{}`:", name.value));
                    name.unwrap_or_default() + &type_text(&field.field_type)
                })
                .collect();
            format!("struct<{}>", fields.join(","))
        }
        other => other.to_string(),
    }
}
