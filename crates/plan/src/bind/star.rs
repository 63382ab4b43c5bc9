//! What `*` stands for in a select list, and the names of columns without an alias.

use arrow::datatypes::DataType;
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::column::Environment;
use super::relation::From;
use super::scope::{Scope, same};
use super::select::Item;
use super::special::cast_function;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::access;

impl Binder<'_> {
    /// `*`, `t.*`, `column.*` of a struct, `* EXCEPT (…)`.
    pub(crate) fn wildcard(
        &mut self,
        place: Option<Origin>,
        written: &[ast::Ident],
        options: &ast::WildcardAdditionalOptions,
        from: &From,
    ) -> Result<Vec<Item>> {
        let origin = place.unwrap_or_else(|| self.place(options.wildcard_token.0.span));
        if options.opt_ilike.is_some() || options.opt_rename.is_some() {
            return unsupported(&origin, "this option of `*`");
        }
        if let Some(replace) = &options.opt_replace {
            return self.replaced(written, &replace.items, from, &origin);
        }
        let mut except: Vec<ast::Ident> = vec![];
        let mut qualified: Vec<Vec<ast::Ident>> = vec![];
        if let Some(list) = &options.opt_except {
            except.push(list.first_element.clone());
            except.extend(list.additional_elements.iter().cloned());
        }
        // The parser of pipeline files makes EXCLUDE of EXCEPT with names of several parts.
        let excluded = match &options.opt_exclude {
            None => &[],
            Some(ast::ExcludeSelectItem::Single(name)) => std::slice::from_ref(name),
            Some(ast::ExcludeSelectItem::Multiple(names)) => names.as_slice(),
        };
        for name in excluded {
            let parts: Vec<ast::Ident> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident().cloned())
                .collect();
            match <[ast::Ident; 1]>::try_from(parts) {
                Ok([only]) => except.push(only),
                Err(parts) => qualified.push(parts),
            }
        }
        for (index, name) in except.iter().enumerate() {
            if except[..index]
                .iter()
                .any(|other| same(&other.value, &name.value))
            {
                let message = format!("EXCEPT names `{}` twice", name.value);
                let place = self.place(name.span);
                return Err(at(&condition::EXCEPT_OVERLAPPING_COLUMNS, &place, message));
            }
        }
        let columns = self.starred(written, from, &origin)?;
        for name in &except {
            if !columns.iter().any(|(column, _)| same(column, &name.value)) {
                return self
                    .name(std::slice::from_ref(name), &Environment::over(&from.scope))
                    .map(|_| vec![]);
            }
        }
        let mut left_out = vec![];
        for parts in &qualified {
            let value = self.name(parts, &Environment::over(&from.scope))?;
            if !columns.iter().any(|(_, column)| *column == value) {
                let place = self.place(parts[0].span);
                return unsupported(&place, "EXCEPT of a field of a column");
            }
            left_out.push(value);
        }
        let kept = columns.into_iter().filter(|(column, value)| {
            !except.iter().any(|name| same(column, &name.value)) && !left_out.contains(value)
        });
        Ok(kept
            .map(|(name, value)| Item {
                name,
                value,
                origin: origin.clone(),
                unnamed: false,
            })
            .collect())
    }

    /// `* REPLACE (value AS column)`, which stands for SET behind a pipe.
    fn replaced(
        &mut self,
        written: &[ast::Ident],
        items: &[Box<ast::ReplaceSelectElement>],
        from: &From,
        origin: &Origin,
    ) -> Result<Vec<Item>> {
        let mut columns = self.starred(written, from, origin)?;
        for item in items {
            let env = Environment::over(&from.scope).named("SET");
            let value = self.expression(&item.expr, &env)?;
            let name = std::slice::from_ref(&item.column_name);
            let column = self.name(name, &Environment::over(&from.scope))?;
            for (_, known) in &mut columns {
                if *known == column {
                    *known = value.clone();
                }
            }
        }
        let items = columns.into_iter().map(|(name, value)| Item {
            name,
            value,
            origin: origin.clone(),
            unnamed: false,
        });
        Ok(items.collect())
    }

    /// The call with columns in place of `*` and `t.*`; `None` if it has none. `count(*)` is no such call.
    pub(crate) fn without_stars(
        &mut self,
        function: &ast::Function,
        env: &Environment<'_>,
    ) -> Result<Option<ast::Function>> {
        use ast::FunctionArgExpr::{Expr, QualifiedWildcard, Wildcard, WildcardWithOptions};
        let ast::FunctionArguments::List(list) = &function.args else {
            return Ok(None);
        };
        let is_count = function.name.to_string().eq_ignore_ascii_case("count");
        let holds_star = list.args.iter().any(|arg| match arg {
            ast::FunctionArg::Unnamed(QualifiedWildcard(_) | WildcardWithOptions(_) | Wildcard) => {
                !is_count
            }
            _ => false,
        });
        if !holds_star {
            return Ok(None);
        }
        let from = From {
            plan: super::query::one_row(),
            scope: env.scope.clone(),
            streaming: false,
        };
        let place = self.origin(&function.name);
        let plain = ast::WildcardAdditionalOptions::default();
        let mut args = vec![];
        for arg in &list.args {
            let (written, options) = match arg {
                ast::FunctionArg::Unnamed(Wildcard) => (vec![], &plain),
                ast::FunctionArg::Unnamed(WildcardWithOptions(options)) => (vec![], options),
                ast::FunctionArg::Unnamed(QualifiedWildcard(name)) => {
                    let parts = name.0.iter().filter_map(|part| part.as_ident().cloned());
                    (parts.collect(), &plain)
                }
                other => {
                    args.push(other.clone());
                    continue;
                }
            };
            for item in self.wildcard(Some(place.clone()), &written, options, &from)? {
                let column = env
                    .scope
                    .columns
                    .iter()
                    .find(|column| column.typed() == item.value);
                let names = column.and_then(|column| column.qualifier.clone());
                let names = names.into_iter().chain([item.name]).map(ast::Ident::new);
                let expr = ast::Expr::CompoundIdentifier(names.collect());
                args.push(ast::FunctionArg::Unnamed(Expr(expr)));
            }
        }
        let list = ast::FunctionArgumentList {
            args,
            ..list.clone()
        };
        Ok(Some(ast::Function {
            args: ast::FunctionArguments::List(list),
            ..function.clone()
        }))
    }

    /// What stands before `.*` is a relation, or else a column that is a struct; a relation wins, as in Spark.
    fn starred(
        &mut self,
        written: &[ast::Ident],
        from: &From,
        origin: &Origin,
    ) -> Result<Vec<(String, Typed)>> {
        let qualifier = written.last().map(|name| name.value.as_str());
        if qualifier.is_none_or(|name| from.scope.has_qualifier(name)) {
            let columns = self.star(&from.scope, qualifier, origin)?;
            let columns = columns
                .iter()
                .map(|column| (column.name.clone(), column.typed()));
            return Ok(columns.collect());
        }
        let Ok(value) = self.name(written, &Environment::over(&from.scope)) else {
            // A name that nothing has is told as what it was meant for.
            return self.star(&from.scope, qualifier, origin).map(|_| vec![]);
        };
        let DataType::Struct(fields) = value.data_type.clone() else {
            return self.star(&from.scope, qualifier, origin).map(|_| vec![]);
        };
        fields
            .iter()
            .map(|field| {
                let inner = access::field(self.session, value.clone(), field.name(), origin)?;
                Ok((field.name().clone(), inner))
            })
            .collect()
    }
}

/// What is cast, if an expression is nothing but a cast.
fn cast_of(expr: &ast::Expr) -> Option<&ast::Expr> {
    match within_parentheses(expr) {
        ast::Expr::Cast { expr, .. } => Some(expr),
        ast::Expr::Function(call) => {
            let name = call.name.to_string().to_ascii_lowercase();
            let ast::FunctionArguments::List(list) = &call.args else {
                return None;
            };
            match list.args.as_slice() {
                [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(only))]
                    if cast_function(&name).is_some() =>
                {
                    Some(only)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn within_parentheses(expr: &ast::Expr) -> &ast::Expr {
    match expr {
        ast::Expr::Nested(inner) => within_parentheses(inner),
        other => other,
    }
}

impl Binder<'_> {
    /// The name of an item of a select list without alias, and whether it counts as unnamed. A cast of a column is called as the
    /// column, or as the item before it that it names; one of a field of a struct is not. Source: `ResolveAliases` of Spark, `Cast(ne: NamedExpression, _, _, _)`.
    pub(super) fn unaliased_name(
        &mut self,
        expr: &ast::Expr,
        scope: &Scope,
        before: &[Item],
    ) -> Result<(String, bool)> {
        let parts = match cast_of(expr).map(within_parentheses) {
            Some(ast::Expr::Identifier(name)) => std::slice::from_ref(name),
            Some(ast::Expr::CompoundIdentifier(parts)) => parts,
            _ => return Ok(implicit_name(expr)),
        };
        let origin = self.origin(expr);
        match (self.lookup(scope, parts, &origin)?, parts.last()) {
            (Some((_, used)), Some(last)) if used == parts.len() => Ok((last.value.clone(), false)),
            (None, Some(last)) if before.iter().any(|item| same(&item.name, &last.value)) => {
                Ok((last.value.clone(), false))
            }
            _ => Ok(implicit_name(expr)),
        }
    }
}

/// The name of a column without alias: the column's own, or the text of the expression, which counts as unnamed.
fn implicit_name(expr: &ast::Expr) -> (String, bool) {
    match expr {
        ast::Expr::Identifier(name) => (name.value.clone(), false),
        ast::Expr::CompoundIdentifier(parts) => (
            parts
                .last()
                .map_or_else(String::new, |part| part.value.clone()),
            false,
        ),
        ast::Expr::Nested(inner) => implicit_name(inner),
        ast::Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(ast::AccessExpr::Dot(ast::Expr::Identifier(name))) => (name.value.clone(), false),
            _ => (expr.to_string(), true),
        },
        ast::Expr::JsonAccess { path, .. } => match path.path.last() {
            Some(ast::JsonPathElem::Dot { key, .. }) => (key.clone(), false),
            _ => (expr.to_string(), true),
        },
        // As in Spark, a time window names its column.
        ast::Expr::Function(call) if call.over.is_none() => {
            let name = call.name.to_string().to_ascii_lowercase();
            match name.as_str() {
                "window" | "session_window" => (name, false),
                _ => (expr.to_string(), true),
            }
        }
        other => (other.to_string(), true),
    }
}
