//! GROUP BY: by which expressions rows are grouped, once or in several sets (ROLLUP, CUBE, GROUPING SETS), and what
//! `grouping()` says of a set. Must not plan the aggregate step: `aggregate` does.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Case, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, lit};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};
use sqlparser::ast;

use super::aggregate::{Placed, has_aggregate};
use super::call::Call;
use super::column::Environment;
use super::select::Item;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::grouping::{Asked, mark, marked};
use crate::rewrite::{float, unify};

/// More sets than this are refused: CUBE doubles them with each expression.
const SETS_MAX: usize = 4096;

/// What GROUP BY says.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    /// The expressions, each once.
    pub(crate) keys: Vec<Expr>,
    /// The keys of each set by number; `None` for one set of all keys.
    pub(crate) sets: Option<Vec<Vec<usize>>>,
}

impl Grouping {
    fn key(&mut self, expr: Expr) -> usize {
        if let Some(known) = self.keys.iter().position(|key| *key == expr) {
            return known;
        }
        self.keys.push(expr);
        self.keys.len() - 1
    }
}

/// The sets of a plan made ready for them.
pub(crate) struct Expanded {
    pub(crate) plan: LogicalPlan,
    /// The keys, NULL in rows whose set leaves them out.
    pub(crate) keys: Vec<Expr>,
    /// The number of the set.
    pub(crate) set: Column,
}

impl Binder<'_> {
    /// The aliases of a select list that HAVING means by their names: a column that rows are grouped by comes first.
    pub(super) fn not_grouped(
        &self,
        aliases: &[(String, Typed)],
        groups: Option<&Grouping>,
        env: &Environment<'_>,
    ) -> Vec<(String, Typed)> {
        let keys = groups.map_or(&[][..], |grouping| &grouping.keys);
        let mut kept = vec![];
        for alias in aliases {
            let name = [ast::Ident::new(alias.0.clone())];
            // A name that several columns have is no column that can be meant.
            let column = self.lookup(env.scope, &name, &self.query.origin).ok();
            let is_grouped = column
                .flatten()
                .is_some_and(|(column, _)| keys.contains(&column.typed().expr));
            if !is_grouped {
                kept.push(alias.clone());
            }
        }
        kept
    }

    /// What GROUP BY groups by; `None` if there is no such clause.
    pub(crate) fn group_by(
        &mut self,
        group_by: &ast::GroupByExpr,
        items: &[Item],
        env: &Environment<'_>,
    ) -> Result<Option<Grouping>> {
        let mut grouping = Grouping::default();
        let exprs = match group_by {
            ast::GroupByExpr::All(modifiers) => {
                self.no_modifiers(modifiers)?;
                let plain = items.iter().filter(|item| {
                    !has_aggregate(&item.value.expr) && item.value.constant().is_none()
                });
                plain.for_each(|item| {
                    grouping.key(item.value.expr.clone());
                });
                return Ok(Some(grouping));
            }
            ast::GroupByExpr::Expressions(exprs, modifiers) => {
                self.no_modifiers(modifiers)?;
                exprs
            }
        };
        if exprs.is_empty() {
            return Ok(None);
        }
        let aliases: Vec<(String, Typed)> = items
            .iter()
            .map(|item| (item.name.clone(), item.value.clone()))
            .collect();
        let env = Environment {
            last: &aliases,
            clause: "GROUP BY",
            ..env.inner()
        };
        let mut sets: Vec<Vec<usize>> = vec![vec![]];
        let mut several = false;
        for expr in exprs {
            let choices = match expr {
                ast::Expr::Rollup(parts) => {
                    let parts = self.parts_of_sets(parts, items, &env, &mut grouping)?;
                    (0..=parts.len())
                        .rev()
                        .map(|n| parts[..n].concat())
                        .collect()
                }
                ast::Expr::Cube(parts) => {
                    let parts = self.parts_of_sets(parts, items, &env, &mut grouping)?;
                    parts.iter().fold(vec![vec![]], |sets, part| {
                        cross(&sets, &[part.clone(), vec![]])
                    })
                }
                ast::Expr::GroupingSets(parts) => {
                    self.parts_of_sets(parts, items, &env, &mut grouping)?
                }
                ast::Expr::Tuple(parts) if parts.is_empty() => {
                    return unsupported(&self.origin(expr), "GROUP BY ()");
                }
                other => vec![vec![self.group_key(other, items, &env, &mut grouping)?]],
            };
            several |= matches!(
                expr,
                ast::Expr::Rollup(_) | ast::Expr::Cube(_) | ast::Expr::GroupingSets(_)
            );
            if sets.len() * choices.len() > SETS_MAX {
                let what = format!("GROUP BY with more than {SETS_MAX} grouping sets");
                return unsupported(&self.origin(expr), what);
            }
            sets = cross(&sets, &choices);
        }
        grouping.sets = several.then_some(sets);
        Ok(Some(grouping))
    }

    fn parts_of_sets(
        &mut self,
        parts: &[Vec<ast::Expr>],
        items: &[Item],
        env: &Environment<'_>,
        grouping: &mut Grouping,
    ) -> Result<Vec<Vec<usize>>> {
        let mut out = vec![];
        for part in parts {
            let keys = part
                .iter()
                .map(|expr| self.group_key(expr, items, env, grouping));
            out.push(keys.collect::<Result<Vec<usize>>>()?);
        }
        if out.len() > SETS_MAX.ilog2() as usize * 8 {
            return unsupported(&self.query.origin, "GROUP BY with so many grouping sets");
        }
        Ok(out)
    }

    /// The number of the key that an expression of GROUP BY is.
    fn group_key(
        &mut self,
        expr: &ast::Expr,
        items: &[Item],
        env: &Environment<'_>,
        grouping: &mut Grouping,
    ) -> Result<usize> {
        let origin = self.origin(expr);
        let ordinal = self.ordinal(expr, items.len(), &condition::GROUP_BY_POS_OUT_OF_RANGE)?;
        let value = match ordinal {
            Some(index) => items[index].value.clone(),
            None => self.expression(expr, env)?,
        };
        if has_aggregate(&value.expr) {
            let condition = match ordinal {
                Some(_) => &condition::GROUP_BY_POS_AGGREGATE,
                None => &condition::GROUP_BY_AGGREGATE,
            };
            let message = "GROUP BY takes no aggregate function";
            return Err(at(condition, &origin, message));
        }
        if unify::holds_map(&value.data_type) {
            return unsupported(&origin, "GROUP BY a map");
        }
        Ok(grouping.key(value.expr))
    }

    fn no_modifiers(&self, modifiers: &[ast::GroupByWithModifier]) -> Result<()> {
        match modifiers.first() {
            None => Ok(()),
            Some(modifier) => unsupported(&self.query.origin, format!("GROUP BY … {modifier}")),
        }
    }

    /// `grouping(x)`, `grouping_id(x, y)`.
    pub(crate) fn grouping_mark(
        &mut self,
        call: &Call<'_>,
        env: &Environment<'_>,
    ) -> Result<Typed> {
        if !env.aggregates {
            return Err(not_of_sets(&call.origin));
        }
        let inside = Environment {
            aggregates: false,
            windows: false,
            ..env.inner()
        };
        if call.name == "grouping" {
            let [key] = self.exactly::<1>(call, &inside)?;
            return Ok(mark(Asked::Whether, vec![key]));
        }
        let keys = self.arguments(call, &inside)?;
        Ok(mark(Asked::Bits, keys))
    }

    /// Gives each row once per number below `count`, which a new column holds.
    pub(crate) fn numbered(
        &mut self,
        plan: LogicalPlan,
        count: usize,
        origin: &Origin,
    ) -> Result<(LogicalPlan, Column)> {
        let numbers: Vec<ScalarValue> = (0..count)
            .map(|number| ScalarValue::Int32(i32::try_from(number).ok()))
            .collect();
        let list = ScalarValue::List(ScalarValue::new_list_nullable(
            &numbers,
            &arrow::datatypes::DataType::Int32,
        ));
        let name = self.fresh("__number");
        let mut exprs: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        exprs.push(lit(list).alias(&name));
        let column = Column::new_unqualified(&name);
        let plan = LogicalPlanBuilder::from(plan)
            .project(exprs)
            .and_then(|plan| plan.unnest_column(column.clone()))
            .and_then(LogicalPlanBuilder::build);
        Ok((self.planned(plan, origin)?, column))
    }

    /// Gives each row once per set, its keys NULL where the set leaves them out.
    pub(crate) fn expanded(
        &mut self,
        plan: LogicalPlan,
        keys: &[Expr],
        sets: &[Vec<usize>],
    ) -> Result<Expanded> {
        let origin = self.query.origin.clone();
        let (plan, set) = self.numbered(plan, sets.len(), &origin)?;
        let mut exprs: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let mut masked = vec![];
        for (index, key) in keys.iter().enumerate() {
            let name = self.fresh("__key");
            let value = match key.get_type(plan.schema()) {
                Ok(found) => float::settle(key.clone(), &found),
                Err(_) => key.clone(),
            };
            let holding: Vec<Expr> = (0_i32..)
                .zip(sets)
                .filter(|(_, set)| set.contains(&index))
                .map(|(number, _)| lit(number))
                .collect();
            let held = Expr::Column(set.clone()).in_list(holding, false);
            let whens = vec![(Box::new(held), Box::new(value))];
            exprs.push(Expr::Case(Case::new(None, whens, None)).alias(&name));
            masked.push(Expr::Column(Column::new_unqualified(name)));
        }
        let plan = LogicalPlanBuilder::from(plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        Ok(Expanded {
            plan: self.planned(plan, &origin)?,
            keys: masked,
            set,
        })
    }

    /// Replaces `grouping()` and `grouping_id()` by what they say of the set whose number `set` holds; without sets
    /// they are refused.
    pub(crate) fn told_sets(
        &self,
        placed: &mut Placed<'_>,
        grouping: &Grouping,
        set: Option<&Column>,
    ) -> Result<()> {
        let has_mark = placed.expr.exists(|expr| Ok(marked(expr).is_some()));
        if !has_mark.unwrap_or(false) {
            return Ok(());
        }
        let Some(sets) = &grouping.sets else {
            return Err(not_of_sets(&placed.origin));
        };
        let mut problem = None;
        let told = placed.expr.clone().transform_up(|expr| {
            let Some((asked, keys)) = marked(&expr) else {
                return Ok(Transformed::no(expr));
            };
            match asked_keys(asked, keys, grouping, &placed.origin) {
                Ok(asked_for) => Ok(Transformed::yes(answer(asked, &asked_for, sets, set))),
                Err(error) => {
                    problem.get_or_insert(error);
                    Ok(Transformed::no(expr))
                }
            }
        });
        match (problem, told) {
            (Some(error), _) => Err(error),
            (None, told) => {
                *placed.expr = self.planned(told, &placed.origin)?.data;
                Ok(())
            }
        }
    }
}

/// The refusal of `grouping()` where no sets are.
pub(crate) fn not_of_sets(origin: &Origin) -> Box<Diagnostic> {
    let message = "grouping() and grouping_id() go with ROLLUP, CUBE or GROUPING SETS";
    at(&condition::UNSUPPORTED_GROUPING_EXPRESSION, origin, message)
}

/// The numbers of the keys that a mark asks about.
fn asked_keys(
    asked: Asked,
    keys: &[Expr],
    grouping: &Grouping,
    origin: &Origin,
) -> Result<Vec<usize>> {
    if asked == Asked::Bits {
        if !keys.is_empty() && keys != grouping.keys {
            let message =
                "grouping_id() takes the expressions of GROUP BY, all and in their order, or none";
            return Err(at(&condition::GROUPING_ID_COLUMN_MISMATCH, origin, message));
        }
        return Ok((0..grouping.keys.len()).collect());
    }
    let known = keys
        .iter()
        .map(|key| grouping.keys.iter().position(|known| known == key));
    known.collect::<Option<Vec<_>>>().ok_or_else(|| {
        let message = "grouping() takes an expression that GROUP BY names";
        at(&condition::GROUPING_COLUMN_MISMATCH, origin, message)
    })
}

/// The answer as a CASE over the number of the set; constant where there is one set.
fn answer(asked: Asked, keys: &[usize], sets: &[Vec<usize>], set: Option<&Column>) -> Expr {
    let value = |held: &Vec<usize>| {
        let bits = keys.iter().fold(0_i64, |bits, key| {
            bits << 1 | i64::from(!held.contains(key))
        });
        match asked {
            Asked::Whether => lit(ScalarValue::Int8(i8::try_from(bits).ok())),
            Asked::Bits => lit(bits),
        }
    };
    let Some(set) = set else {
        return value(&sets.first().cloned().unwrap_or_default());
    };
    let whens = (0_i32..)
        .zip(sets)
        .map(|(number, held)| (Box::new(lit(number)), Box::new(value(held))));
    let number = Box::new(Expr::Column(set.clone()));
    Expr::Case(Case::new(Some(number), whens.collect(), None))
}

/// Every set of the first list with every one of the second.
fn cross(left: &[Vec<usize>], right: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let with = |set: &Vec<usize>| {
        let set = set.clone();
        right
            .iter()
            .map(move |more| [set.clone(), more.clone()].concat())
    };
    left.iter().flat_map(with).collect()
}

/// Whether a select gives a row for each group.
pub(super) fn is_grouped(select: &ast::Select) -> bool {
    let is_plain = matches!(&select.group_by, ast::GroupByExpr::Expressions(exprs, modifiers)
        if exprs.is_empty() && modifiers.is_empty());
    !is_plain || select.having.is_some()
}

/// Spark groups by what a generator reads and generates afterwards, so that the groups are not those of the rows that are shown.
/// Source: `ExtractGenerator`, the case of `Aggregate`.
pub(super) fn grouped_generator(origin: &Origin) -> Box<Diagnostic> {
    let message = "a generator in the select list of a query that groups is not supported yet";
    let error = at(&condition::UNSUPPORTED_FEATURE, origin, message);
    Box::new(error.help("generate the rows in a subquery or by LATERAL VIEW, and group those"))
}
