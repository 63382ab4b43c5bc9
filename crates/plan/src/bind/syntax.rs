//! Syntax that stands for a function: `EXTRACT`, `SUBSTRING … FROM`, `TRIM`, `OVERLAY`, `struct(…)`, tuples.

use sqlparser::ast;

use super::column::Environment;
use super::{Binder, Typed};
use crate::error::{Result, unsupported};
use crate::rewrite::structure;

impl Binder<'_> {
    /// Syntax that stands for a function: `EXTRACT`, `SUBSTRING`, `TRIM`, …
    #[expect(clippy::too_many_lines, reason = "one arm per piece of syntax")]
    pub(crate) fn syntax_function(
        &mut self,
        expr: &ast::Expr,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        let origin = self.origin(expr);
        let (name, args) = match expr {
            ast::Expr::Extract { field, expr, .. } => (
                "date_part",
                vec![
                    Typed::text(field.to_string().to_lowercase()),
                    self.expression(expr, env)?,
                ],
            ),
            ast::Expr::Ceil {
                expr,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => ("ceil", vec![self.expression(expr, env)?]),
            ast::Expr::Floor {
                expr,
                field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime),
            } => ("floor", vec![self.expression(expr, env)?]),
            ast::Expr::Position { expr, r#in } => (
                "locate",
                vec![self.expression(expr, env)?, self.expression(r#in, env)?],
            ),
            ast::Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let mut args = vec![self.expression(expr, env)?];
                for part in [substring_from, substring_for].into_iter().flatten() {
                    args.push(self.expression(part, env)?);
                }
                ("substring", args)
            }
            ast::Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters: None,
            } => {
                let name = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => "trim",
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                };
                let mut args = vec![self.expression(expr, env)?];
                if let Some(what) = trim_what {
                    args.insert(0, self.expression(what, env)?);
                }
                (name, args)
            }
            ast::Expr::Overlay {
                expr,
                overlay_what,
                overlay_from,
                overlay_for,
            } => {
                let mut args = vec![];
                for part in [expr, overlay_what, overlay_from]
                    .into_iter()
                    .chain(overlay_for)
                {
                    args.push(self.expression(part, env)?);
                }
                ("overlay", args)
            }
            ast::Expr::Array(array) => {
                let args = array
                    .elem
                    .iter()
                    .map(|item| self.expression(item, env))
                    .collect::<Result<Vec<_>>>()?;
                let (items, data_type) = self.unified(args, &[origin], "the items of the array")?;
                return Ok(structure::array(items, &data_type));
            }
            ast::Expr::Struct { values, fields } if fields.is_empty() => {
                let mut named = vec![];
                for (index, value) in values.iter().enumerate() {
                    let (name, value) = match value {
                        ast::Expr::Named { expr, name } => (name.value.clone(), expr.as_ref()),
                        ast::Expr::Identifier(name) => (name.value.clone(), value),
                        other => (format!("col{}", index + 1), other),
                    };
                    named.push((name, self.expression(value, env)?));
                }
                return Ok(structure::named_struct(named));
            }
            ast::Expr::Tuple(values) => {
                let mut named = vec![];
                for (index, value) in values.iter().enumerate() {
                    named.push((field_name(value, index), self.expression(value, env)?));
                }
                return Ok(structure::named_struct(named));
            }
            ast::Expr::Named { expr, .. } => return self.expression(expr, env),
            _ => return unsupported(&origin, "this expression"),
        };
        self.scalar(name, args, &origin)
    }
}

/// The name of a field of `struct(…)` at a place: that of a column, or Spark's.
pub(crate) fn field_name(value: &ast::Expr, index: usize) -> String {
    let default = || format!("col{}", index + 1);
    match value {
        ast::Expr::Identifier(name) | ast::Expr::Named { name, .. } => name.value.clone(),
        ast::Expr::CompoundIdentifier(parts) => {
            parts.last().map_or_else(default, |part| part.value.clone())
        }
        _ => default(),
    }
}
