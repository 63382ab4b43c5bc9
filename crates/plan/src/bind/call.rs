//! Function calls: scalar, aggregate and window functions by name, with Spark's implicit casts of their arguments.
//! Calls that are syntax rather than functions are in `special`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, ScalarFunction};
use datafusion::logical_expr::type_coercion::functions::{UDFCoercionExt, fields_with_udf};
use datafusion::logical_expr::{AggregateUDF, Expr, ReturnFieldArgs, TypeSignature, Volatility};
use sluice_model::condition::query as condition;
use sluice_model::condition::sql::USER_DEFINED_FUNCTIONS;
use sluice_model::{Diagnostic, Origin};
use sqlparser::ast;

use super::column::Environment;
use super::scope::Found;
use super::user_function::FUNCTION_BODY;
use super::{Binder, Typed, constants};
use crate::error::{Result, at, diagnose, unsupported};
use crate::rewrite::{access, cast, count, float, fold, guard, length, sum, unify};

/// Where aggregates of aggregates would stand.
const AGGREGATE_ARGUMENT: &str = "an argument of an aggregate function";

/// A call taken apart.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    pub(crate) name: String,
    pub(crate) args: Vec<&'a ast::Expr>,
    /// `f(*)`.
    pub(crate) star: bool,
    pub(crate) distinct: bool,
    pub(crate) order_by: &'a [ast::OrderByExpr],
    pub(crate) filter: Option<&'a ast::Expr>,
    pub(crate) nulls: Option<NullTreatment>,
    pub(crate) over: Option<&'a ast::WindowType>,
    pub(crate) origin: Origin,
}

impl Binder<'_> {
    /// Binds a call.
    pub(crate) fn call(
        &mut self,
        function: &ast::Function,
        whole: &Environment<'_>,
    ) -> Result<Typed> {
        let env = &whole.inner();
        if let Some(function) = self.without_stars(function, env)? {
            return self.call(&function, whole);
        }
        if let Some(value) = self.user_function(function, env)? {
            return Ok(value);
        }
        let call = self.taken_apart(function)?;
        if matches!(call.name.as_str(), "percentile_cont" | "percentile_disc") {
            return self.percentile_within(&call, env);
        }
        if call.over.is_some() {
            return self.outside_lambdas(|binder| binder.window_call(&call, env));
        }
        if let Some(value) = self.higher_order(&call, env)? {
            return Ok(value);
        }
        let known = self.state.aggregate_functions().contains_key(&call.name)
            || self.state.scalar_functions().contains_key(&call.name)
            || sum::is_aggregate(&call.name);
        if call.star && !known {
            return unsupported(
                &call.origin,
                format!("`*` as the argument of `{}`", call.name),
            );
        }
        if let Some(special) = self.special(&call, whole)? {
            return Ok(special);
        }
        if self.state.aggregate_functions().contains_key(&call.name)
            || sum::is_aggregate(&call.name)
        {
            return self.outside_lambdas(|binder| binder.aggregate_call(&call, env));
        }
        if self.state.window_functions().contains_key(&call.name) {
            let message = format!("`{}` needs OVER (…)", call.name);
            let without_over = &condition::WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE;
            return Err(at(without_over, &call.origin, message));
        }
        if call.name == "input_file_name" {
            return self.input_file_name(&call, env);
        }
        if !self.state.scalar_functions().contains_key(&call.name) {
            return Err(Self::unknown_function(&call));
        }
        self.plain(&call)?;
        self.scalar_call(&call, env)
    }

    /// `input_file_name()` is a column in disguise: it exists where the query itself reads files.
    fn input_file_name(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        self.plain(call)?;
        let [] = self.exactly(call, env)?;
        match env.scope.find(None, "_metadata") {
            Found::One(column) if column.unstarred => {
                access::field(self.session, column.typed(), "file_path", &call.origin)
            }
            _ => {
                let message = "`input_file_name` needs one source of files to be read right here";
                let refused = at(&condition::UNSUPPORTED_FUNCTION, &call.origin, message);
                Err(Box::new((*refused).help(
                    "keep `_metadata.file_path` as a column where the files are read, and name that column here",
                )))
            }
        }
    }

    pub(super) fn taken_apart<'a>(&self, function: &'a ast::Function) -> Result<Call<'a>> {
        let origin = self.origin(&function.name);
        let name = function
            .name
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map(|ident| ident.value.to_lowercase());
        let mut call = Call {
            name: name.unwrap_or_default(),
            args: vec![],
            star: false,
            distinct: false,
            order_by: &function.within_group,
            filter: function.filter.as_deref(),
            nulls: function.null_treatment.as_ref().map(nulls),
            over: function.over.as_ref(),
            origin,
        };
        let list = match &function.args {
            ast::FunctionArguments::None => return Ok(call),
            ast::FunctionArguments::Subquery(_) => {
                return unsupported(&call.origin, "a query as an argument");
            }
            ast::FunctionArguments::List(list) => list,
        };
        call.distinct = matches!(
            list.duplicate_treatment,
            Some(ast::DuplicateTreatment::Distinct)
        );
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                    call.nulls = Some(nulls(treatment));
                }
                ast::FunctionArgumentClause::OrderBy(order) => call.order_by = order,
                _ => {
                    return unsupported(
                        &call.origin,
                        format!("a clause inside of `{}(…)`", call.name),
                    );
                }
            }
        }
        for argument in &list.args {
            match argument {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => call.args.push(expr),
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard) => call.star = true,
                _ => {
                    return unsupported(
                        &call.origin,
                        format!("this kind of argument of `{}`", call.name),
                    );
                }
            }
        }
        Ok(call)
    }

    /// Refuses what only aggregates take.
    fn plain(&self, call: &Call<'_>) -> Result<()> {
        let what = if call.distinct {
            "DISTINCT"
        } else if call.star {
            "`*`"
        } else if call.filter.is_some() {
            "FILTER"
        } else if !call.order_by.is_empty() {
            "ORDER BY"
        } else if call.nulls.is_some() {
            "IGNORE NULLS"
        } else {
            return Ok(());
        };
        let message = format!(
            "`{}` is no aggregate function and takes no {what}",
            call.name
        );
        Err(at(&condition::DATATYPE_MISMATCH, &call.origin, message))
    }

    pub(crate) fn arguments(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Vec<Typed>> {
        call.args
            .iter()
            .map(|arg| self.expression(arg, env))
            .collect()
    }

    /// A scalar function by name.
    pub(crate) fn scalar(
        &mut self,
        name: &str,
        args: Vec<Typed>,
        origin: &Origin,
    ) -> Result<Typed> {
        let Some(function) = self.state.scalar_functions().get(name).cloned() else {
            return unsupported(origin, format!("the function `{name}`"));
        };
        if let Some(made) = length::call(name, &args, origin)? {
            for arg in args.iter().filter(|_| name != "abs") {
                self.fields_are_known(arg, origin)?;
            }
            return Ok(made);
        }
        let args = self.with_schema(name, args);
        let function = crate::function::located(name, origin).unwrap_or(function);
        if function.signature().volatility == Volatility::Volatile {
            self.facts
                .nondeterministic
                .push((name.into(), origin.clone()));
        }
        let args = self.coerced(function.as_ref(), args, origin)?;
        let fields = fields(&args);
        let constants: Vec<Option<&ScalarValue>> = args.iter().map(Typed::constant).collect();
        let returned = function
            .return_field_from_args(ReturnFieldArgs {
                arg_fields: &fields,
                scalar_arguments: &constants,
            })
            .map_err(|e| self.refused(name, &e, origin))?;
        let args = args.into_iter().map(|arg| arg.expr).collect();
        let expr = Expr::ScalarFunction(ScalarFunction::new_udf(function, args));
        Ok(Typed::new(expr, returned.data_type().clone()))
    }

    /// `from_json(text, schema_of_json('…'))`: the schema is computed here, as it decides the type.
    fn with_schema(&self, name: &str, mut args: Vec<Typed>) -> Vec<Typed> {
        if matches!(name, "from_json" | "from_csv")
            && let Some(schema) = args.get_mut(1)
            && let Some(text) = fold::constant(self.session, &schema.expr)
        {
            *schema = Typed::literal(text);
        }
        args
    }

    /// The arguments in the types that a function takes.
    pub(crate) fn coerced<F: UDFCoercionExt>(
        &self,
        function: &F,
        args: Vec<Typed>,
        origin: &Origin,
    ) -> Result<Vec<Typed>> {
        // Functions with rules of their own say best what is wrong with their arguments.
        let types: Vec<DataType> = args.iter().map(|arg| arg.data_type.clone()).collect();
        let wanted = match &function.signature().type_signature {
            TypeSignature::UserDefined => function.coerce_types(&types),
            _ => fields_with_udf(&fields(&args), function).map(|wanted| {
                wanted
                    .iter()
                    .map(|field| field.data_type().clone())
                    .collect()
            }),
        };
        let wanted: Vec<DataType> = match wanted {
            Ok(wanted) => wanted,
            Err(error) => match cast::signature(function.signature(), &args) {
                Some(wanted) => wanted,
                None => return Err(self.mismatch(function.name(), &args, &error, origin)),
            },
        };
        args.into_iter()
            .zip(wanted)
            .map(|(arg, wanted)| cast::implicit(self.session, arg, &wanted, origin))
            .collect()
    }

    fn mismatch(
        &self,
        name: &str,
        args: &[Typed],
        error: &datafusion::error::DataFusionError,
        origin: &Origin,
    ) -> Box<Diagnostic> {
        let diagnostic = diagnose(error, Some(origin));
        if diagnostic.condition != &condition::QUERY_EXECUTION_FAILED {
            return diagnostic;
        }
        let types: Vec<String> = args
            .iter()
            .map(|arg| unify::words(&arg.data_type))
            .collect();
        let message = format!("`{name}` does not take ({})", types.join(", "));
        at(&condition::DATATYPE_MISMATCH, origin, message)
    }

    fn refused(
        &self,
        name: &str,
        error: &datafusion::error::DataFusionError,
        origin: &Origin,
    ) -> Box<Diagnostic> {
        let diagnostic = diagnose(error, Some(origin));
        if diagnostic.condition != &condition::QUERY_EXECUTION_FAILED {
            return diagnostic;
        }
        let mut diagnostic = *at(
            &condition::DATATYPE_MISMATCH,
            origin,
            format!("`{name}` does not take these arguments"),
        );
        diagnostic.facts.push(error.strip_backtrace());
        Box::new(diagnostic)
    }

    pub(crate) fn aggregate_call(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        if !env.aggregates && env.clause == AGGREGATE_ARGUMENT {
            let message = format!("`{}` stands inside another aggregate function", call.name);
            let diagnostic = at(&condition::NESTED_AGGREGATE_FUNCTION, &call.origin, message);
            return Err(Box::new(
                diagnostic.help("compute the inner one in a subquery"),
            ));
        }
        if !env.aggregates {
            let message = format!(
                "`{}` is an aggregate function, which {} does not take",
                call.name, env.clause
            );
            let condition = match env.clause {
                "GROUP BY" => &condition::GROUP_BY_AGGREGATE,
                FUNCTION_BODY => &USER_DEFINED_FUNCTIONS,
                _ => &condition::INVALID_WHERE_CONDITION,
            };
            return Err(at(condition, &call.origin, message));
        }
        let mut inside = env.inner();
        if !env.first_in_aggregates {
            inside.first = &[];
        }
        inside.aggregates = false;
        inside.windows = false;
        inside.clause = AGGREGATE_ARGUMENT;
        let filter = call
            .filter
            .map(|filter| self.condition(filter, &inside))
            .transpose()?;
        let argument = |arg: Typed| match &filter {
            Some(filter) => guard::filtered(filter, arg.expr, &arg.data_type),
            None => arg.expr,
        };
        let build = |function, args: Vec<Typed>| {
            Expr::AggregateFunction(AggregateFunction::new_udf(
                function,
                args.into_iter().map(argument).collect(),
                call.distinct,
                filter.clone().map(Box::new),
                vec![],
                call.nulls,
            ))
        };
        if let Some(composed) = self.composed(call, &inside, &build)? {
            return Ok(composed);
        }
        let (function, mut args, data_type) = self.aggregate(call, &inside)?;
        self.ordered(call, &mut args, &inside)?;
        Ok(Typed::new(build(function, args), data_type))
    }

    /// The aggregate function that a call means, its arguments and type.
    pub(crate) fn aggregate(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<(Arc<AggregateUDF>, Vec<Typed>, DataType)> {
        let mut args = self.arguments(call, env)?;
        if call.distinct || call.name == "collect_set" {
            args = args.into_iter().map(float::settled).collect();
        }
        if call.name == "count" {
            if args.is_empty() && !call.star {
                let message = "`count` takes `*` or a value";
                return Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message));
            }
            args = vec![count::argument(args, call.star)];
        } else if call.star {
            return Err(at(
                &condition::WRONG_NUM_ARGS,
                &call.origin,
                format!("`{}` does not take `*`", call.name),
            ));
        }
        constants::check(&call.name, &args, &call.origin)?;
        self.refuse_arguments(call, &args)?;
        if call.name == "sum" {
            // Strings are summed as DOUBLE, and so is a bare NULL.
            let is_taken =
                |arg: &&mut Typed| matches!(arg.data_type, DataType::Utf8 | DataType::Null);
            for arg in args.iter_mut().filter(is_taken) {
                *arg = cast::implicit(self.session, arg.clone(), &DataType::Float64, &call.origin)?;
            }
        }
        let registered = self.state.aggregate_functions().get(&call.name).cloned();
        let Some(function) = sum::choose(&call.name, &args).or(registered) else {
            return Err(Self::unknown_function(call));
        };
        let args = self.coerced(function.as_ref(), args, &call.origin)?;
        let returned = function
            .return_field(&fields(&args))
            .map_err(|e| self.refused(&call.name, &e, &call.origin))?;
        Ok((function, args, returned.data_type().clone()))
    }
}

fn nulls(treatment: &ast::NullTreatment) -> NullTreatment {
    match treatment {
        ast::NullTreatment::IgnoreNulls => NullTreatment::IgnoreNulls,
        ast::NullTreatment::RespectNulls => NullTreatment::RespectNulls,
    }
}

/// Arrow fields of arguments, for functions that derive their type from them.
pub(crate) fn fields(args: &[Typed]) -> Vec<FieldRef> {
    args.iter()
        .enumerate()
        .map(|(i, arg)| Arc::new(Field::new(format!("arg{i}"), arg.data_type.clone(), true)))
        .collect()
}
