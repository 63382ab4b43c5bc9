//! Calls that take lambdas: what their parameters and the columns around them are called in the bodies. Must not compute.
//!
//! A body is an expression over columns of its own: its parameters (`__lambda_…`) and copies of what it reads from around
//! it (`__captured_…`), which become arguments of the call. So the rest of the plan sees an ordinary function of columns.

mod body;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ScalarUDF, Volatility};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::call::Call;
use super::column::Environment;
use super::scope::same;
use super::{Binder, Typed};
use crate::error::{Result, at};
use crate::function::lambda::{HigherOrder, HigherOrderCall, Lambda, schema_of};

/// How messages call the place of a body.
pub(crate) const LAMBDA: &str = "a lambda";

/// What the lambdas being bound can name besides columns.
#[derive(Debug, Default)]
pub(crate) struct Lambdas {
    /// The parameters in force, innermost last.
    frames: Vec<Vec<(String, Typed)>>,
    /// What the bodies read from around the outermost lambda.
    captured: Vec<Typed>,
}

/// A bound lambda.
struct Body {
    parameters: Vec<(String, DataType)>,
    value: Typed,
    origin: Origin,
}

impl Binder<'_> {
    /// The lambda parameter of a name.
    pub(crate) fn lambda_parameter(&self, name: &str) -> Option<Typed> {
        let mut parameters = self.lambdas.frames.iter().rev().flatten();
        parameters
            .find(|(known, _)| same(known, name))
            .map(|(_, value)| value.clone())
    }

    /// Whether the body of a lambda is being bound.
    pub(crate) fn in_lambda(&self) -> bool {
        !self.lambdas.frames.is_empty()
    }

    /// A value from around the lambda being bound, as its body sees it.
    pub(crate) fn captured(&mut self, value: Typed) -> Typed {
        if self.lambdas.frames.is_empty() || value.constant().is_some() {
            return value;
        }
        let known = self.lambdas.captured.iter().position(|v| *v == value);
        let index = known.unwrap_or(self.lambdas.captured.len());
        let data_type = value.data_type.clone();
        if known.is_none() {
            self.lambdas.captured.push(value);
        }
        let column = Column::new_unqualified(format!("__captured_{index}"));
        Typed::new(Expr::Column(column), data_type)
    }

    /// Binds what knows no lambda parameters: an aggregate or a window function inside of a body.
    pub(crate) fn outside_lambdas(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<Typed>,
    ) -> Result<Typed> {
        if self.lambdas.frames.is_empty() {
            return bind(self);
        }
        let inside = std::mem::take(&mut self.lambdas);
        let value = bind(self);
        self.lambdas = inside;
        Ok(self.captured(value?))
    }

    /// The meaning of a call that takes lambdas, `None` if it is an ordinary function.
    pub(crate) fn higher_order(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Option<Typed>> {
        let function = match HigherOrder::named(&call.name) {
            Some(function) => function,
            None if call.name == "array_sort" && call.args.len() == 2 => HigherOrder::ArraySort,
            None => {
                return match call.args.iter().find(|arg| is_lambda(arg)) {
                    None => Ok(None),
                    Some(lambda) => {
                        let message = format!("`{}` takes no lambda", call.name);
                        let place = self.lambda_origin(lambda, call);
                        Err(at(
                            &condition::LAMBDA_WITHOUT_HIGHER_ORDER_FUNCTION,
                            &place,
                            message,
                        ))
                    }
                };
            }
        };
        let count = function.values();
        let most = count
            + if function == HigherOrder::Aggregate {
                2
            } else {
                1
            };
        let found = call.args.len();
        if found <= count || found > most {
            let wanted = if most == count + 1 {
                most.to_string()
            } else {
                format!("{} or {most}", count + 1)
            };
            let message = format!("`{}` takes {wanted} arguments, here are {found}", call.name);
            return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
        }
        let mut values = vec![];
        for arg in &call.args[..count] {
            values.push(self.expression(arg, env)?);
        }
        let (bodies, returns) = self.bodies(function, &values, call, env)?;
        self.higher_order_call(function, values, bodies, returns, &call.origin)
            .map(Some)
    }

    /// Compiles the bodies and puts the call over its values and what the bodies capture.
    fn higher_order_call(
        &mut self,
        function: HigherOrder,
        values: Vec<Typed>,
        bodies: Vec<Body>,
        returns: DataType,
        origin: &Origin,
    ) -> Result<Typed> {
        let mut names = BTreeSet::new();
        for body in &bodies {
            let own = |name: &str| body.parameters.iter().any(|(known, _)| known == name);
            let read = body.value.expr.column_refs();
            names.extend(
                read.into_iter()
                    .map(|c| c.name.clone())
                    .filter(|name| !own(name)),
            );
        }
        let captures: Vec<(String, Typed)> = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.around(&name)?)))
            .collect();
        let mut lambdas = vec![];
        let mut volatility = Volatility::Immutable;
        for body in bodies {
            let captured = captures
                .iter()
                .map(|(name, value)| (name.clone(), value.data_type.clone()));
            let parameters = body.parameters.len();
            let schema = schema_of(body.parameters.into_iter().chain(captured));
            let names = DFSchema::try_from(Arc::clone(&schema));
            let names = self.planned(names, &body.origin)?;
            if body.value.expr.is_volatile() {
                volatility = Volatility::Volatile;
            }
            let physical = self.compiled(body.value.expr.clone(), &names);
            let physical = self.planned(physical, &body.origin)?;
            lambdas.push(Lambda::new(
                body.value.expr,
                schema,
                parameters,
                body.value.data_type,
                physical,
            ));
        }
        let outermost = self.lambdas.frames.is_empty();
        let captures = captures.into_iter().map(|(name, value)| {
            if outermost {
                value.expr
            } else {
                Expr::Column(Column::new_unqualified(name))
            }
        });
        let args: Vec<Expr> = values
            .into_iter()
            .map(|value| value.expr)
            .chain(captures)
            .collect();
        if outermost {
            self.lambdas.captured.clear();
        }
        let call = HigherOrderCall::new(
            function,
            lambdas,
            returns.clone(),
            args.len(),
            volatility,
            origin.clone(),
        );
        let call = Arc::new(ScalarUDF::new_from_impl(call));
        Ok(Typed::new(
            Expr::ScalarFunction(ScalarFunction::new_udf(call, args)),
            returns,
        ))
    }

    /// A body as it is computed: the simplifier gives some functions the only form in which they run.
    fn compiled(
        &self,
        body: Expr,
        names: &DFSchema,
    ) -> datafusion::error::Result<Arc<dyn PhysicalExpr>> {
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(names.clone()))
            .with_config_options(Arc::clone(self.state.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let body = simplifier.simplify(simplifier.coerce(body, names)?)?;
        self.state.create_physical_expr(body, names)
    }

    /// What a column of a body stands for around it.
    fn around(&self, name: &str) -> Option<Typed> {
        if let Some(index) = name.strip_prefix("__captured_") {
            return self
                .lambdas
                .captured
                .get(index.parse::<usize>().ok()?)
                .cloned();
        }
        let (depth, index) = name.strip_prefix("__lambda_")?.split_once('_')?;
        let frame = self.lambdas.frames.get(depth.parse::<usize>().ok()?)?;
        frame
            .get(index.parse::<usize>().ok()?)
            .map(|(_, value)| value.clone())
    }

    /// A lambda outside of a call that takes one.
    pub(crate) fn stray_lambda(&self, lambda: &ast::LambdaFunction) -> Result<Typed> {
        let place = self.origin(lambda.body.as_ref());
        let message = "a lambda must be an argument of a function that takes one";
        Err(at(
            &condition::LAMBDA_WITHOUT_HIGHER_ORDER_FUNCTION,
            &place,
            message,
        ))
    }

    /// The parser gives lambdas no place: theirs is that of the first parameter.
    fn lambda_origin(&self, expr: &ast::Expr, call: &Call<'_>) -> Origin {
        match expr {
            ast::Expr::Lambda(lambda) => match &lambda.params {
                ast::OneOrManyWithParens::One(parameter) => self.place(parameter.name.span),
                ast::OneOrManyWithParens::Many(all) => all
                    .first()
                    .map_or_else(|| call.origin.clone(), |p| self.place(p.name.span)),
            },
            other => self.origin(other),
        }
    }
}

fn is_lambda(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Lambda(_))
}
