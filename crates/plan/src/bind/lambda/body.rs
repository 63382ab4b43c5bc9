//! What the lambdas of each function are given and must return. Must not compile them.

use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use sluice_model::Condition;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::super::call::Call;
use super::super::column::Environment;
use super::super::scope::same;
use super::super::{Binder, Typed};
use super::{Body, LAMBDA};
use crate::error::{Result, at};
use crate::function::lambda::HigherOrder;
use crate::function::map::map_of;
use crate::function::signature::list_of;
use crate::rewrite::unify::words;
use crate::rewrite::{cast, unify};

impl Binder<'_> {
    /// The lambdas of a call, and the type of the call.
    pub(super) fn bodies(
        &mut self,
        function: HigherOrder,
        values: &[Typed],
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<(Vec<Body>, DataType)> {
        let lambda = call.args[function.values()];
        Ok(match function {
            HigherOrder::Transform => {
                let item = item_of(values, 0, call)?;
                let body = self.body(lambda, 1, &[item, DataType::Int32], call, env)?;
                let returns = list_of(&body.value.data_type);
                (vec![body], returns)
            }
            HigherOrder::Filter => {
                let item = item_of(values, 0, call)?;
                let body = self.body(lambda, 1, &[item, DataType::Int32], call, env)?;
                (
                    vec![self.truthful(body, call)?],
                    values[0].data_type.clone(),
                )
            }
            HigherOrder::Exists | HigherOrder::ForAll => {
                let item = item_of(values, 0, call)?;
                let body = self.body(lambda, 1, &[item], call, env)?;
                (vec![self.truthful(body, call)?], DataType::Boolean)
            }
            HigherOrder::Aggregate => return self.fold(values, call, env),
            HigherOrder::ZipWith => {
                let items = [item_of(values, 0, call)?, item_of(values, 1, call)?];
                let body = self.body(lambda, 2, &items, call, env)?;
                let returns = list_of(&body.value.data_type);
                (vec![body], returns)
            }
            HigherOrder::ArraySort => {
                let item = item_of(values, 0, call)?;
                let body = self.body(lambda, 2, &[item.clone(), item], call, env)?;
                if body.value.data_type != DataType::Int32 {
                    let message = format!(
                        "the comparator of `array_sort` must return INT, this is {}",
                        words(&body.value.data_type)
                    );
                    return Err(at(
                        &condition::DATATYPE_MISMATCH_UNEXPECTED_RETURN_TYPE,
                        &body.origin,
                        message,
                    ));
                }
                (vec![body], values[0].data_type.clone())
            }
            HigherOrder::MapFilter
            | HigherOrder::TransformKeys
            | HigherOrder::TransformValues
            | HigherOrder::MapZipWith => return self.map_bodies(function, values, call, env),
        })
    }

    /// The same for functions over maps.
    fn map_bodies(
        &mut self,
        function: HigherOrder,
        values: &[Typed],
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<(Vec<Body>, DataType)> {
        let lambda = call.args[function.values()];
        if function != HigherOrder::MapZipWith {
            let (key, value) = sides_of(values, 0, call)?;
            let body = self.body(lambda, 2, &[key.clone(), value.clone()], call, env)?;
            let made = &body.value.data_type;
            let returns = match function {
                HigherOrder::TransformKeys => map_of(made, &value),
                HigherOrder::TransformValues => map_of(&key, made),
                _ => {
                    let returns = values[0].data_type.clone();
                    return Ok((vec![self.truthful(body, call)?], returns));
                }
            };
            return Ok((vec![body], self.planned(returns, &call.origin)?));
        }

        let ((k1, x), (k2, y)) = (sides_of(values, 0, call)?, sides_of(values, 1, call)?);
        let text = |key: &DataType| *key == DataType::Utf8;
        let common = unify::common_type_of([k1.clone(), k2.clone()].into_iter());
        let mixed = text(&k1) != text(&k2) && ![&k1, &k2].contains(&&DataType::Null);
        let Some(key) = common.filter(|_| !mixed) else {
            let message = format!(
                "the maps of `map_zip_with` have keys of {} and {}",
                words(&k1),
                words(&k2)
            );
            return Err(at(
                &condition::DATATYPE_MISMATCH_MAP_ZIP_WITH_DIFF_TYPES,
                &call.origin,
                message,
            ));
        };
        let body = self.body(lambda, 3, &[key.clone(), x, y], call, env)?;
        let returns = map_of(&key, &body.value.data_type);
        Ok((vec![body], self.planned(returns, &call.origin)?))
    }

    /// `aggregate(array, start, merge[, finish])`: the merged value keeps the type of the start.
    fn fold(
        &mut self,
        values: &[Typed],
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<(Vec<Body>, DataType)> {
        let item = item_of(values, 0, call)?;
        let start = values[1].data_type.clone();
        let merge = self.body(call.args[2], 2, &[start.clone(), item], call, env)?;
        if merge.value.data_type != start {
            let message = format!(
                "the lambda of `{}` must return {} as the start is, this is {}",
                call.name,
                words(&start),
                words(&merge.value.data_type)
            );
            let diagnostic = at(
                &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                &merge.origin,
                message,
            );
            let help = format!(
                "cast the start: `CAST(… AS {})`",
                words(&merge.value.data_type)
            );
            return Err(Box::new(diagnostic.help(help)));
        }
        let mut bodies = vec![merge];
        let mut returns = start.clone();
        if let Some(finish) = call.args.get(3) {
            let finish = self.body(finish, 1, &[start], call, env)?;
            returns = finish.value.data_type.clone();
            bodies.push(finish);
        }
        Ok((bodies, returns))
    }

    /// Binds a lambda of at least `least` parameters, of the types given.
    fn body(
        &mut self,
        expr: &ast::Expr,
        least: usize,
        types: &[DataType],
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Body> {
        let origin = self.lambda_origin(expr, call);
        let ast::Expr::Lambda(function) = expr else {
            // Spark takes a value for a lambda that does not use its parameters.
            let value = self.lambda_body(expr, vec![], env)?;
            return Ok(Body {
                parameters: vec![],
                value,
                origin,
            });
        };
        let names: Vec<&ast::Ident> = match &function.params {
            ast::OneOrManyWithParens::One(parameter) => vec![&parameter.name],
            ast::OneOrManyWithParens::Many(all) => all.iter().map(|p| &p.name).collect(),
        };
        if names.len() < least || names.len() > types.len() {
            let wanted = if least == types.len() {
                least.to_string()
            } else {
                format!("{least} or {}", types.len())
            };
            let message = format!(
                "the lambda of `{}` takes {wanted} parameters, here are {}",
                call.name,
                names.len()
            );
            return Err(at(&condition::LAMBDA_NUM_ARGS_MISMATCH, &origin, message));
        }
        let twice = names
            .iter()
            .enumerate()
            .find(|(i, name)| names[..*i].iter().any(|n| same(&n.value, &name.value)));
        if let Some((_, name)) = twice {
            let message = format!("the parameter `{}` stands twice", name.value);
            return Err(at(
                &condition::LAMBDA_DUPLICATE_ARG_NAMES,
                &self.place(name.span),
                message,
            ));
        }
        let depth = self.lambdas.frames.len();
        let frame: Vec<(String, Typed)> = names
            .iter()
            .zip(types)
            .enumerate()
            .map(|(index, (name, data_type))| {
                let column = Column::new_unqualified(format!("__lambda_{depth}_{index}"));
                (
                    name.value.clone(),
                    Typed::new(Expr::Column(column), data_type.clone()),
                )
            })
            .collect();
        let parameters = frame
            .iter()
            .enumerate()
            .map(|(index, (_, value))| {
                (format!("__lambda_{depth}_{index}"), value.data_type.clone())
            })
            .collect();
        let value = self.lambda_body(&function.body, frame, env)?;
        Ok(Body {
            parameters,
            value,
            origin,
        })
    }

    fn lambda_body(
        &mut self,
        body: &ast::Expr,
        frame: Vec<(String, Typed)>,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        self.lambdas.frames.push(frame);
        let env = Environment {
            subqueries: false,
            clause: LAMBDA,
            ..env.inner()
        };
        let value = self.expression(body, &env);
        self.lambdas.frames.pop();
        value
    }

    fn truthful(&self, mut body: Body, call: &Call<'_>) -> Result<Body> {
        if body.value.data_type == DataType::Null {
            body.value =
                cast::implicit(self.session, body.value, &DataType::Boolean, &body.origin)?;
        }
        if body.value.data_type == DataType::Boolean {
            return Ok(body);
        }
        let message = format!(
            "the lambda of `{}` must return BOOLEAN, this is {}",
            call.name,
            words(&body.value.data_type)
        );
        Err(at(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            &body.origin,
            message,
        ))
    }
}

fn unfit(
    values: &[Typed],
    index: usize,
    call: &Call<'_>,
    wanted: &str,
) -> Box<sluice_model::Diagnostic> {
    let found = values
        .get(index)
        .map_or_else(String::new, |value| words(&value.data_type));
    let condition: &'static Condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
    let message = format!(
        "argument {} of `{}` must be {wanted}, this is {found}",
        index + 1,
        call.name
    );
    at(condition, &call.origin, message)
}

/// The item type of an array argument.
fn item_of(values: &[Typed], index: usize, call: &Call<'_>) -> Result<DataType> {
    match values.get(index).map(|value| &value.data_type) {
        Some(DataType::List(item)) => Ok(item.data_type().clone()),
        _ => Err(unfit(values, index, call, "an array")),
    }
}

/// The types of keys and values of a map argument.
fn sides_of(values: &[Typed], index: usize, call: &Call<'_>) -> Result<(DataType, DataType)> {
    if let Some(DataType::Map(entries, _)) = values.get(index).map(|value| &value.data_type)
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
    {
        return Ok((key.data_type().clone(), value.data_type().clone()));
    }
    Err(unfit(values, index, call, "a map"))
}
