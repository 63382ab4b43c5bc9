//! Functions that the project declares: a call becomes the expression of the function over the arguments. Must not
//! decide which function a name finds: `sql` does.
//!
//! The body is bound by a binder of its own over columns that stand for the parameters (`__parameter_…`), so that it
//! sees nothing of the place of the call; then the arguments take their places.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use sluice_model::condition::query as condition;
use sluice_model::condition::sql::{FAILED_TO_PARSE_TOO_COMPLEX, USER_DEFINED_FUNCTIONS};
use sluice_model::limits::{SQL_FUNCTION_NODES_MAX, SQL_TREE_DEPTH_MAX};
use sluice_model::{DatasetName, Diagnostic, Origin};
use sluice_sql::function::{Function, name_parts};
use sluice_sql::query::Expression;
use sluice_sql::statement::ColumnDefinition;
use sqlparser::ast;

use super::column::Environment;
use super::scope::{Scope, ScopeColumn, same};
use super::{Binder, Typed};
use crate::Session;
use crate::error::{Result, at, diagnose, unsupported};
use crate::rewrite::cast;

/// How messages call the place of a body.
pub(crate) const FUNCTION_BODY: &str = "a function of the project";

/// An argument with the parameter that it is for, if it was named.
struct Given<'a> {
    name: Option<&'a ast::Ident>,
    value: &'a ast::Expr,
}

/// Binds the defaults and the body of a function that nobody may call yet.
pub(crate) fn check(
    session: &Session,
    name: &DatasetName,
    function: &Function,
    functions: &sluice_sql::function::Functions,
) -> Vec<Diagnostic> {
    let mut query = crate::expect::as_query(&function.declaration.body);
    query.functions = functions.within(&function.namespace);
    let mut binder = Binder::new(session, &query, &[]);
    let mut errors = vec![];
    for parameter in &function.declaration.parameters {
        if let Some(default) = &parameter.default {
            errors.extend(binder.default(default, parameter, function).err());
        }
    }
    errors.extend(binder.function_body(name, function).err());
    errors.into_iter().map(|error| *error).collect()
}

impl Binder<'_> {
    /// The meaning of a call if its name finds a function of the project.
    pub(super) fn user_function(
        &mut self,
        call: &ast::Function,
        env: &Environment<'_>,
    ) -> Result<Option<Typed>> {
        let query = self.query;
        let Some((name, function)) = query.functions.find(&name_parts(&call.name)) else {
            return Ok(None);
        };
        if self.is_builtin(&call.name) {
            return Ok(None);
        }
        let origin = self.origin(&call.name);
        if self.in_lambda() {
            return unsupported(
                &origin,
                format!("the function `{name}`, which the project declares, inside a lambda"),
            );
        }
        self.refuse_another_of_caller(call, name, &origin)?;
        let given = self.given(call, name, &origin)?;
        let given = self.assigned(&given, name, function, &origin)?;
        let parameters = &function.declaration.parameters;
        let mut arguments = vec![];
        for (parameter, given) in parameters.iter().zip(given) {
            arguments.push(match (given, &parameter.default) {
                (Some(value), _) => {
                    let place = self.origin(value);
                    let place = if place.length == 0 { &origin } else { &place };
                    let value = self.expression(value, env)?;
                    self.as_parameter(value, parameter, place)?
                }
                (None, Some(default)) => self.default(default, parameter, function)?,
                (None, None) => return Err(count(name, function, call, &origin)),
            });
        }
        let body = self.function_body(name, function).map_err(|error| {
            let known = error.labels.iter().any(|label| label.origin == origin);
            Box::new(if known {
                *error
            } else {
                error.at(&origin, "called here")
            })
        })?;
        self.put(body, &arguments, name, &origin).map(Some)
    }

    /// Refuses a name in a body that finds another function where the body is called: Spark takes that one.
    fn refuse_another_of_caller(
        &self,
        call: &ast::Function,
        name: &DatasetName,
        origin: &Origin,
    ) -> Result<()> {
        let caller = self.caller.as_ref();
        match caller.and_then(|functions| functions.find(&name_parts(&call.name))) {
            Some((other, _)) if other != name => {
                let message = format!(
                    "this is `{name}` where the function is declared, and `{other}` where it is called"
                );
                let error = at(&condition::UNSUPPORTED_FEATURE, origin, message);
                Err(Box::new(
                    error.help(format!("write the whole name: `{name}`")),
                ))
            }
            _ => Ok(()),
        }
    }

    /// The arguments as written; refuses what only aggregates and window functions take.
    fn given<'a>(
        &self,
        call: &'a ast::Function,
        name: &DatasetName,
        origin: &Origin,
    ) -> Result<Vec<Given<'a>>> {
        let refuse = |what: &str| {
            let message = format!("`{name}` is a function of the project, which takes no {what}");
            Err(at(&condition::UNSUPPORTED_FEATURE, origin, message))
        };
        if call.over.is_some() {
            return refuse("OVER");
        }
        if call.filter.is_some() || !call.within_group.is_empty() || call.null_treatment.is_some() {
            return refuse("FILTER, ORDER BY or IGNORE NULLS");
        }
        let list = match &call.args {
            ast::FunctionArguments::None => return Ok(vec![]),
            ast::FunctionArguments::Subquery(_) => return refuse("query without parentheses"),
            ast::FunctionArguments::List(list) => list,
        };
        if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return refuse("DISTINCT, nor a clause inside its parentheses");
        }
        let mut given = vec![];
        for argument in &list.args {
            given.push(match argument {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => {
                    Given { name: None, value }
                }
                ast::FunctionArg::Named {
                    name,
                    arg: ast::FunctionArgExpr::Expr(value),
                    ..
                } => Given {
                    name: Some(name),
                    value,
                },
                _ => return refuse("`*`"),
            });
        }
        Ok(given)
    }

    /// The argument of each parameter, `None` where the call leaves it out.
    fn assigned<'a>(
        &self,
        given: &[Given<'a>],
        name: &DatasetName,
        function: &Function,
        origin: &Origin,
    ) -> Result<Vec<Option<&'a ast::Expr>>> {
        let parameters = &function.declaration.parameters;
        let mut assigned: Vec<Option<&ast::Expr>> = vec![None; parameters.len()];
        let mut last_named: Option<&ast::Ident> = None;
        for (position, argument) in given.iter().enumerate() {
            let index = match (argument.name, last_named) {
                (Some(word), _) => {
                    last_named = Some(word);
                    let known = parameters
                        .iter()
                        .position(|p| same(&p.name.value, &word.value));
                    known.ok_or_else(|| self.unknown_parameter(word, name, parameters))?
                }
                (None, Some(word)) => {
                    let message = format!(
                        "an argument without a name stands behind `{} =>`",
                        word.value
                    );
                    let place = self.origin(argument.value);
                    let error = at(&condition::UNEXPECTED_POSITIONAL_ARGUMENT, &place, message);
                    return Err(Box::new(
                        error.help("put the arguments without names first"),
                    ));
                }
                (None, None) => position,
            };
            let Some(slot) = assigned.get_mut(index) else {
                let message = arity(name, function, given.len());
                return Err(at(&condition::WRONG_NUM_ARGS, origin, message));
            };
            if slot.replace(argument.value).is_some() {
                let place = argument
                    .name
                    .map_or_else(|| origin.clone(), |n| self.place(n.span));
                let message = format!(
                    "parameter `{}` of `{name}` is given twice",
                    parameters[index].name.value
                );
                let twice = &condition::DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT;
                return Err(at(twice, &place, message));
            }
        }
        Ok(assigned)
    }

    fn unknown_parameter(
        &self,
        word: &ast::Ident,
        name: &DatasetName,
        parameters: &[ColumnDefinition],
    ) -> Box<Diagnostic> {
        let known: Vec<String> = parameters
            .iter()
            .map(|parameter| format!("`{}`", parameter.name.value))
            .collect();
        let message = format!("`{name}` has no parameter `{}`", word.value);
        let error = at(
            &condition::UNRECOGNIZED_PARAMETER_NAME,
            &self.place(word.span),
            message,
        );
        Box::new(error.help(format!("its parameters are {}", known.join(", "))))
    }

    /// A value cast to the type of a parameter.
    fn as_parameter(
        &self,
        value: Typed,
        parameter: &ColumnDefinition,
        place: &Origin,
    ) -> Result<Typed> {
        match &parameter.data_type {
            Some(wanted) => cast::explicit(self.session, value, &wanted.to_arrow(), place),
            None => Ok(value),
        }
    }

    /// A default: an expression that names nothing.
    fn default(
        &mut self,
        default: &Expression,
        parameter: &ColumnDefinition,
        function: &Function,
    ) -> Result<Typed> {
        let value = self.bound_apart(default, &Scope::default(), function, None)?;
        self.as_parameter(value, parameter, &default.origin)
    }

    /// The body over the columns that stand for the parameters, cast to the type that the function returns.
    fn function_body(&mut self, name: &DatasetName, function: &Function) -> Result<Typed> {
        let declaration = &function.declaration;
        let columns = declaration.parameters.iter().enumerate();
        let columns = columns.filter_map(|(index, parameter)| {
            let column = Column::new_unqualified(format!("{PARAMETER}{index}"));
            let data_type = parameter.data_type.as_ref()?.to_arrow();
            let shown = &parameter.name.value;
            Some(ScopeColumn::new(Some(&name.name), shown, column, data_type))
        });
        let scope = Scope {
            columns: columns.collect(),
        };
        let value = self.bound_apart(&declaration.body, &scope, function, Some(name))?;
        match &declaration.returns {
            Some(returns) => cast::explicit(
                self.session,
                value,
                &returns.to_arrow(),
                &declaration.body.origin,
            ),
            None => Ok(value),
        }
    }

    /// Binds an expression of a function by a binder that knows nothing of this one's place.
    fn bound_apart(
        &mut self,
        expression: &Expression,
        scope: &Scope,
        function: &Function,
        name: Option<&DatasetName>,
    ) -> Result<Typed> {
        if let Some(name) = name.filter(|name| self.calling.contains(name)) {
            let message = format!("the function `{name}` calls itself");
            let place = &function.declaration.name.origin;
            let error = at(&USER_DEFINED_FUNCTIONS, place, message);
            return Err(Box::new(
                error.help("a function must end without its own answer"),
            ));
        }
        let mut query = crate::expect::as_query(expression);
        query.functions = self.query.functions.within(&function.namespace);
        let mut binder = Binder::new(self.session, &query, &[]);
        binder.calling.clone_from(&self.calling);
        binder.calling.extend(name.cloned());
        let caller = self.caller.clone();
        binder.caller = caller.or_else(|| Some(self.query.functions.clone()));
        binder.counter = self.counter;
        binder.top_level = false;
        let env = Environment {
            subqueries: false,
            clause: FUNCTION_BODY,
            ..Environment::over(scope)
        };
        let value = binder.expression(&expression.tree, &env)?;
        self.counter = binder.counter;
        self.short_intervals |= binder.short_intervals;
        self.facts.merge(binder.facts);
        self.errors.extend(binder.errors);
        Ok(value)
    }

    /// Puts the arguments where the body names the parameters. What gives another answer each time may be named once
    /// only, since it would be computed as often as it is named.
    fn put(
        &self,
        body: Typed,
        arguments: &[Typed],
        name: &DatasetName,
        origin: &Origin,
    ) -> Result<Typed> {
        let mut uses = vec![0_usize; arguments.len()];
        let counted = body.expr.apply(|node| {
            if let Some(slot) = parameter_of(node).and_then(|index| uses.get_mut(index)) {
                *slot += 1;
            }
            Ok(TreeNodeRecursion::Continue)
        });
        self.planned(counted, origin)?;
        let mut nodes = size(&body.expr);
        let mut deepest = 0;
        for (argument, uses) in arguments.iter().zip(&uses) {
            if *uses > 1 && argument.expr.is_volatile() {
                let what = format!(
                    "an argument of `{name}` that gives another value each time, where the function names it {uses} times,"
                );
                return unsupported(origin, what);
            }
            nodes = nodes.saturating_add(size(&argument.expr).saturating_mul(*uses));
            deepest = deepest.max(depth(&argument.expr));
        }
        if nodes > SQL_FUNCTION_NODES_MAX || deepest + depth(&body.expr) > SQL_TREE_DEPTH_MAX {
            let message = format!("the expression that `{name}` makes of this call is too large");
            let error = at(&FAILED_TO_PARSE_TOO_COMPLEX, origin, message);
            return Err(Box::new(
                error.help("compute the arguments in a view first"),
            ));
        }
        let put = body.expr.transform_up(|node| {
            let argument = parameter_of(&node).and_then(|index| arguments.get(index));
            Ok(match argument {
                Some(argument) => Transformed::yes(argument.expr.clone()),
                None => Transformed::no(node),
            })
        });
        let put = put.map_err(|error| diagnose(&error, Some(origin)))?;
        Ok(Typed::new(put.data, body.data_type))
    }
}

/// The beginning of the names of columns that stand for parameters.
const PARAMETER: &str = "__parameter_";

/// The number of the parameter that a column stands for.
fn parameter_of(node: &Expr) -> Option<usize> {
    match node {
        Expr::Column(column) if column.relation.is_none() => {
            column.name.strip_prefix(PARAMETER)?.parse().ok()
        }
        _ => None,
    }
}

/// The nodes of an expression.
fn size(expr: &Expr) -> usize {
    let mut nodes = 0_usize;
    let _ = expr.apply(|_| {
        nodes += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    nodes
}

/// The longest way from the root of an expression to a leaf.
fn depth(expr: &Expr) -> usize {
    let mut below = 0;
    let _ = expr.apply_children(|child| {
        below = below.max(depth(child));
        Ok(TreeNodeRecursion::Continue)
    });
    below + 1
}

fn count(
    name: &DatasetName,
    function: &Function,
    call: &ast::Function,
    origin: &Origin,
) -> Box<Diagnostic> {
    let found = match &call.args {
        ast::FunctionArguments::List(list) => list.args.len(),
        _ => 0,
    };
    at(
        &condition::WRONG_NUM_ARGS,
        origin,
        arity(name, function, found),
    )
}

/// How many arguments a function takes, and how many a call has.
fn arity(name: &DatasetName, function: &Function, found: usize) -> String {
    let parameters = &function.declaration.parameters;
    let most = parameters.len();
    let least = parameters.iter().filter(|p| p.default.is_none()).count();
    let wanted = if least == most {
        most.to_string()
    } else {
        format!("{least} to {most}")
    };
    format!("`{name}` takes {wanted} arguments, here are {found}")
}
