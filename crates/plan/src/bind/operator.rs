//! Operators: arithmetic, comparison, logic, concatenation, patterns.

use datafusion::logical_expr::{Expr, Like, Operator};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast::{self, BinaryOperator as Binary, UnaryOperator as Unary};

use super::column::Environment;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::arithmetic::{self, Arithmetic};
use crate::rewrite::{cast, concat, float, guard, length, unify};
use arrow::datatypes::DataType;

impl Binder<'_> {
    pub(crate) fn binary(
        &mut self,
        whole: &ast::Expr,
        left: &ast::Expr,
        op: &Binary,
        right: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let comparison = match op {
            Binary::Eq => Some(Operator::Eq),
            Binary::NotEq => Some(Operator::NotEq),
            Binary::Lt => Some(Operator::Lt),
            Binary::LtEq => Some(Operator::LtEq),
            Binary::Gt => Some(Operator::Gt),
            Binary::GtEq => Some(Operator::GtEq),
            Binary::Spaceship => Some(Operator::IsNotDistinctFrom),
            _ => None,
        };
        if let Some(op) = comparison {
            return self.comparison(left, op, right, env);
        }
        if matches!(op, Binary::And | Binary::Or) {
            let env = &env.clone().named("an operand of AND and OR");
            let (left, right) = (self.condition(left, env)?, self.condition(right, env)?);
            return Ok(Typed::boolean(guard::connect(
                *op == Binary::And,
                left,
                right,
            )));
        }
        let origin = self.origin(whole);
        let (l, r) = (self.expression(left, env)?, self.expression(right, env)?);
        let arithmetic = match op {
            Binary::Plus => Arithmetic::Add,
            Binary::Minus => Arithmetic::Subtract,
            Binary::Multiply => Arithmetic::Multiply,
            Binary::Divide => Arithmetic::Divide,
            Binary::Modulo => Arithmetic::Remainder,
            Binary::MyIntegerDivide | Binary::DuckIntegerDivide => Arithmetic::IntegerDivide,
            Binary::Custom(word) if word.eq_ignore_ascii_case("div") => Arithmetic::IntegerDivide,
            Binary::StringConcat => return concat::concat(self.session, vec![l, r], &origin),
            Binary::PGBitwiseShiftLeft => return self.scalar("shiftleft", vec![l, r], &origin),
            Binary::PGBitwiseShiftRight => return self.scalar("shiftright", vec![l, r], &origin),
            Binary::Custom(word) if word == ">>>" => {
                return self.scalar("shiftrightunsigned", vec![l, r], &origin);
            }
            Binary::BitwiseAnd | Binary::BitwiseOr | Binary::BitwiseXor => {
                return arithmetic::bitwise(self.session, op, l, r, &origin);
            }
            other => return unsupported(&origin, format!("the operator `{other}`")),
        };
        arithmetic::apply(self.session, arithmetic, l, r, &origin)
    }

    pub(crate) fn unary(
        &mut self,
        op: Unary,
        expr: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(expr);
        match op {
            Unary::Not | Unary::BangNot => {
                if let Some(found) = self.not_in_rows(expr, env)? {
                    return Ok(found);
                }
                let inner = self.condition(expr, &env.clone().named("the operand of NOT"))?;
                Ok(Typed::boolean(Expr::Not(Box::new(inner))))
            }
            Unary::Minus => {
                if let Some(literal) = self.negative_literal(expr)? {
                    return Ok(literal);
                }
                if let Some(literal) = self.negative_suffixed(expr, env)? {
                    return Ok(literal);
                }
                let value = self.expression(expr, env)?;
                self.signed(value, true, &origin)
            }
            Unary::Plus => {
                let value = self.expression(expr, env)?;
                self.signed(value, false, &origin)
            }
            Unary::BitwiseNot => {
                let value = self.expression(expr, env)?;
                arithmetic::complement(self.session, value, &origin)
            }
            other => unsupported(&origin, format!("the operator `{other}`")),
        }
    }

    /// `-value`, `+value`: of a text, that of the number that it is.
    pub(super) fn signed(
        &mut self,
        value: Typed,
        negative: bool,
        origin: &Origin,
    ) -> Result<Typed> {
        let is_interval = matches!(
            value.data_type,
            DataType::Duration(_) | DataType::Interval(_)
        );
        let is_number = unify::is_numeric(&value.data_type);
        match &value.data_type {
            _ if !negative && (is_number || is_interval) => Ok(value.computed()),
            _ if is_interval => length::negated(value, origin),
            found if found.is_floating() => {
                let data_type = found.clone();
                let negated = Expr::Negative(Box::new(value.expr));
                Ok(float::result(Typed::new(negated, data_type)))
            }
            _ if is_number => self.scalar("negative", vec![value], origin),
            DataType::Utf8 | DataType::Null => {
                let number = cast::implicit(self.session, value, &DataType::Float64, origin)?;
                self.signed(number, negative, origin)
            }
            other => {
                let sign = if negative { '-' } else { '+' };
                let found = unify::words(other);
                let message = format!("`{sign}` takes a number or an interval, this is {found}");
                Err(at(
                    &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                    origin,
                    message,
                ))
            }
        }
    }

    /// `LIKE`, `ILIKE`, `RLIKE`.
    pub(crate) fn pattern(&mut self, ast: &ast::Expr, env: &Environment<'_>) -> Result<Typed> {
        let origin = self.origin(ast);
        let (negated, any, expr, pattern, escape, ignore_case) = match ast {
            ast::Expr::Like {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => (*negated, *any, expr, pattern, escape_char, false),
            ast::Expr::ILike {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => (*negated, *any, expr, pattern, escape_char, true),
            ast::Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => {
                let args = vec![self.string(expr, env)?, self.string(pattern, env)?];
                let matched = self.scalar("regexp_like", args, &origin)?;
                return Ok(Typed::boolean(if *negated {
                    Expr::Not(Box::new(matched.expr))
                } else {
                    matched.expr
                }));
            }
            other => return unsupported(&self.origin(other), "this expression"),
        };
        let word = if any {
            Some("any".to_string())
        } else {
            match pattern.as_ref() {
                ast::Expr::Function(function) => Some(function.name.to_string().to_lowercase()),
                _ => None,
            }
        };
        if let Some(word) = word.filter(|word| matches!(word.as_str(), "any" | "some" | "all")) {
            return self.patterns(ast, word == "all", env);
        }
        let escape = self.escape(escape.as_ref(), &origin)?;
        let (value, mut pattern) = (self.string(expr, env)?, self.string(pattern, env)?);
        if let Some(escape) = escape.filter(|escape| *escape != '\\') {
            let Some(text) = pattern.constant_text() else {
                return unsupported(&origin, "ESCAPE with a pattern that is not a constant");
            };
            pattern = Typed::text(backslashes(text, escape));
        }
        let like = Like::new(
            negated,
            Box::new(value.expr),
            Box::new(pattern.expr),
            None,
            ignore_case,
        );
        Ok(Typed::boolean(Expr::Like(like)))
    }

    /// The character behind ESCAPE.
    fn escape(
        &mut self,
        written: Option<&ast::ValueWithSpan>,
        origin: &Origin,
    ) -> Result<Option<char>> {
        let Some(written) = written else {
            return Ok(None);
        };
        let value = self.value(written)?;
        let mut characters = value.constant_text().unwrap_or_default().chars();
        match (characters.next(), characters.next()) {
            (Some(escape), None) => Ok(Some(escape)),
            _ => Err(at(
                &condition::DATATYPE_MISMATCH,
                origin,
                "ESCAPE takes a single character",
            )),
        }
    }

    /// `LIKE ANY (…)` and `LIKE ALL (…)`: each pattern by itself, joined by OR or AND.
    fn patterns(&mut self, ast: &ast::Expr, all: bool, env: &Environment<'_>) -> Result<Typed> {
        let origin = self.origin(ast);
        let (ast::Expr::Like { pattern, .. } | ast::Expr::ILike { pattern, .. }) = ast else {
            return unsupported(&origin, "this expression");
        };
        let list: Vec<ast::Expr> = match pattern.as_ref() {
            ast::Expr::Tuple(list) => list.clone(),
            ast::Expr::Nested(one) => vec![one.as_ref().clone()],
            ast::Expr::Function(function) => match &function.args {
                ast::FunctionArguments::List(list) => {
                    list.args.iter().filter_map(argument).collect()
                }
                _ => vec![],
            },
            _ => vec![],
        };
        let mut joined: Option<Expr> = None;
        for item in list {
            let mut one = ast.clone();
            if let ast::Expr::Like { any, pattern, .. } | ast::Expr::ILike { any, pattern, .. } =
                &mut one
            {
                *any = false;
                **pattern = item;
            }
            let one = self.pattern(&one, env)?.expr;
            joined = Some(match joined {
                None => one,
                Some(left) if all => left.and(one),
                Some(left) => left.or(one),
            });
        }
        match joined {
            Some(expr) => Ok(Typed::boolean(expr)),
            None => unsupported(&origin, "LIKE ANY and LIKE ALL without a list of patterns"),
        }
    }

    /// An expression as STRING.
    pub(crate) fn string(&mut self, expr: &ast::Expr, env: &Environment<'_>) -> Result<Typed> {
        let origin = self.origin(expr);
        let value = self.expression(expr, env)?;
        if value.data_type.is_nested() {
            let found = unify::words(&value.data_type);
            let message = format!("a pattern is for texts, this is {found}");
            return Err(at(
                &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                &origin,
                message,
            ));
        }
        cast::implicit(self.session, value, &DataType::Utf8, &origin)
    }
}

/// The expression of an argument without a name.
fn argument(argument: &ast::FunctionArg) -> Option<ast::Expr> {
    match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}

/// A LIKE pattern with another escape character, written with backslashes.
fn backslashes(pattern: &str, escape: char) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(symbol) = chars.next() {
        match symbol {
            '\\' => out.push_str("\\\\"),
            symbol if symbol == escape => {
                out.push('\\');
                out.extend(chars.next());
            }
            symbol => out.push(symbol),
        }
    }
    out
}
