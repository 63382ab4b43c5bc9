//! What `*` stands for in a select list, and the names of columns without an alias.

use sluice_model::Origin;
use sqlparser::ast;

use super::Binder;
use super::column::Environment;
use super::relation::From;
use super::scope::same;
use super::select::Item;
use crate::error::{Result, unsupported};

impl Binder<'_> {
    /// `*`, `t.*`, `* EXCEPT (…)`.
    pub(crate) fn wildcard(
        &mut self,
        place: Option<Origin>,
        qualifier: Option<String>,
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
        if let Some(list) = &options.opt_except {
            except.push(list.first_element.clone());
            except.extend(list.additional_elements.iter().cloned());
        }
        if let Some(list) = &options.opt_exclude {
            match list {
                ast::ExcludeSelectItem::Single(name) => {
                    except.extend(name.0.last().and_then(|p| p.as_ident()).cloned())
                }
                ast::ExcludeSelectItem::Multiple(names) => {
                    except.extend(
                        names
                            .iter()
                            .filter_map(|name| name.0.last()?.as_ident().cloned()),
                    );
                }
            }
        }
        let columns = self.star(&from.scope, qualifier.as_deref(), &origin)?;
        for name in &except {
            if !columns.iter().any(|column| same(&column.name, &name.value)) {
                return self
                    .name(std::slice::from_ref(name), &Environment::over(&from.scope))
                    .map(|_| vec![]);
            }
        }
        let kept = columns
            .into_iter()
            .filter(|column| !except.iter().any(|name| same(&column.name, &name.value)));
        Ok(kept
            .map(|column| Item {
                name: column.name.clone(),
                value: column.typed(),
                origin: origin.clone(),
                unnamed: false,
            })
            .collect())
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
