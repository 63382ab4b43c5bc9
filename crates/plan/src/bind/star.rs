//! What `*` stands for in a select list, and the names of columns without an alias.

use arrow::datatypes::DataType;
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::column::Environment;
use super::relation::From;
use super::scope::same;
use super::select::Item;
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
        if options.opt_ilike.is_some()
            || options.opt_rename.is_some()
            || options.opt_replace.is_some()
        {
            return unsupported(&origin, "this option of `*`");
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

/// The name of a column without alias: the column's own, or the text of the expression, which counts as unnamed.
pub(crate) fn implicit_name(expr: &ast::Expr) -> (String, bool) {
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
        other => (other.to_string(), true),
    }
}
