//! WITH RECURSIVE: a common table expression that reads the rows of its own step before, by the rules of Spark's
//! `ResolveWithCTE` and `UnionLoop`. Must not bound the steps: `crate::recursion` does, while they run.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{JoinType, TableReference};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin};
use sqlparser::ast;

use super::Binder;
use super::query::Bound;
use super::scope::same;
use crate::error::{Result, at, unsupported};
use crate::rewrite::unify;

/// A common table expression under WITH RECURSIVE whose body is being bound.
#[derive(Debug)]
pub(crate) struct Itself {
    name: String,
    /// The place in `ctes` of the WITH that declares it.
    frame: usize,
    /// What its name stands for: the rows of the step before. `None` where it must not be named.
    rows: Option<Bound>,
}

/// `anchor UNION [ALL] step`.
struct Union<'a> {
    anchor: &'a ast::SetExpr,
    step: &'a ast::SetExpr,
    is_all: bool,
}

impl Binder<'_> {
    /// Binds a common table expression that may name itself.
    pub(crate) fn recursive(&mut self, cte: &ast::Cte) -> Result<Bound> {
        self.recursions.push(Itself {
            name: cte.alias.name.value.to_lowercase(),
            frame: self.ctes.len() - 1,
            rows: None,
        });
        let bound = self.steps_or_query(cte);
        self.recursions.pop();
        bound
    }

    /// The common table expression that a name stands for, innermost first.
    pub(crate) fn common_table(&self, name: &str, origin: &Origin) -> Result<Option<Bound>> {
        let key = name.to_lowercase();
        for (depth, frame) in self.ctes.iter().enumerate().rev() {
            if let Some(bound) = frame.get(&key) {
                return Ok(Some(bound.clone()));
            }
            let mut open = self.recursions.iter();
            let Some(itself) = open.find(|i| i.frame == depth && i.name == key) else {
                continue;
            };
            return match &itself.rows {
                Some(rows) => Ok(Some(rows.clone())),
                None => Err(invalid(name, origin)),
            };
        }
        Ok(None)
    }

    fn steps_or_query(&mut self, cte: &ast::Cte) -> Result<Bound> {
        if let Some(union) = union_of(&cte.query)
            && names(union.step, &cte.alias.name.value)
        {
            self.ctes.push(std::collections::HashMap::new());
            let bound = self.steps(cte, &union);
            self.ctes.pop();
            if let Some(bound) = bound? {
                return Ok(bound);
            }
        }
        self.query(&cte.query)
    }

    /// Anchor and step as one plan; `None`: the step does not read the step before after all.
    fn steps(&mut self, cte: &ast::Cte, union: &Union<'_>) -> Result<Option<Bound>> {
        let origin = self.origin(union.step);
        if let Some(with) = &cte.query.with {
            self.common_tables(with)?;
        }
        let mut anchor = self.set_expression(union.anchor)?;
        self.rename(&mut anchor, &cte.alias)?;
        let table = self.fresh("__recursion");
        let rows = self.step_before(&anchor, &table, &origin)?;
        self.set_rows(Some(rows));
        let step = self.set_expression(union.step);
        self.set_rows(None);
        let step = step?;

        let uses = uses(&step.plan, &table);
        if uses.reads == 0 {
            return Ok(None);
        }
        let name = &cte.alias.name.value;
        if !union.is_all {
            let message = format!("`{name}` names itself behind UNION, which compares all rows");
            let error = at(
                &condition::UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE,
                &origin,
                message,
            );
            return Err(Box::new(error.help("write UNION ALL")));
        }
        let streaming = anchor.streaming || step.streaming;
        self.refuse_on_stream(streaming, "WITH RECURSIVE", &origin)?;
        let step = self.like_anchor(step, &anchor, &origin)?;
        if uses.misplaced {
            return Err(misplaced(name, &origin));
        }
        if uses.reads > 1 {
            return unsupported(&origin, format!("to read `{name}` twice in one step of it"));
        }
        let plan = LogicalPlanBuilder::from(anchor.plan)
            .to_recursive_query(table, step.plan, false)
            .and_then(LogicalPlanBuilder::build);
        Ok(Some(Bound {
            plan: self.planned(plan, &origin)?,
            ..anchor
        }))
    }

    fn set_rows(&mut self, rows: Option<Bound>) {
        if let Some(itself) = self.recursions.last_mut() {
            itself.rows = rows;
        }
    }

    /// A scan of the rows of the step before: columns of the anchor, each of which may be NULL.
    fn step_before(&self, anchor: &Bound, table: &str, origin: &Origin) -> Result<Bound> {
        let fields = anchor.plan.schema().fields().iter();
        let fields: Vec<Field> = fields
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        let provider = CteWorkTable::new(table, Arc::new(Schema::new(fields)));
        let source = provider_as_source(Arc::new(provider));
        let plan = LogicalPlanBuilder::scan(TableReference::bare(table), source, None)
            .and_then(LogicalPlanBuilder::build);
        let mut rows = Bound {
            plan: self.planned(plan, origin)?,
            columns: anchor.columns.clone(),
            streaming: false,
        };
        for column in &mut rows.columns {
            column.event_time = None;
        }
        Ok(rows)
    }

    /// The step with the names and types of the anchor, which decides them alone.
    fn like_anchor(&mut self, step: Bound, anchor: &Bound, origin: &Origin) -> Result<Bound> {
        let (of_anchor, of_step) = (anchor.columns.len(), step.columns.len());
        if of_anchor != of_step {
            let message = format!(
                "both sides of a recursive UNION ALL must have as many columns as each other: the first has {of_anchor}, the second {of_step}"
            );
            return Err(at(&condition::NUM_COLUMNS_MISMATCH, origin, message));
        }
        for (to, from) in anchor.columns.iter().zip(&step.columns) {
            let common = unify::common_type_by_place(&to.data_type, &from.data_type);
            if common.as_ref() != Some(&to.data_type) {
                let found = unify::words(&from.data_type);
                let wanted = unify::words(&to.data_type);
                let message = format!(
                    "column `{}` is {wanted} in the anchor of a recursion, and its steps give {found}, which does not fit",
                    to.name
                );
                let error =
                    Diagnostic::error(&condition::CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE, message);
                let help =
                    format!("cast the column to {found} in the anchor, or to {wanted} in the step");
                return Err(Box::new(error.at(&from.origin, "").help(help)));
            }
        }
        let columns = anchor.columns.iter();
        let (types, names): (Vec<_>, Vec<_>) = columns
            .map(|column| (column.data_type.clone(), column.field.clone()))
            .unzip();
        self.retype(step, &types, &names, origin)
    }
}

/// The UNION that a query is, if nothing else is done to it.
fn union_of(query: &ast::Query) -> Option<Union<'_>> {
    let plain = query.order_by.is_none() && query.limit_clause.is_none();
    match query.body.as_ref() {
        ast::SetExpr::SetOperation {
            op: ast::SetOperator::Union,
            set_quantifier,
            left,
            right,
        } if plain => Some(Union {
            anchor: left,
            step: right,
            is_all: *set_quantifier == ast::SetQuantifier::All,
        }),
        _ => None,
    }
}

/// Whether a relation of that name stands somewhere in a query.
fn names(body: &ast::SetExpr, name: &str) -> bool {
    let found = ast::visit_relations(body, |relation| {
        let ident = match relation.0.as_slice() {
            [part] => part.as_ident(),
            _ => None,
        };
        match ident {
            Some(ident) if same(&ident.value, name) => std::ops::ControlFlow::Break(()),
            _ => std::ops::ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

/// How a step reads the step before.
#[derive(Debug, Default)]
struct Uses {
    reads: usize,
    /// Somewhere where rows of later steps could change what earlier ones gave.
    misplaced: bool,
}

fn uses(plan: &LogicalPlan, table: &str) -> Uses {
    let mut uses = Uses::default();
    // Nothing here fails.
    let _ = plan.apply_with_subqueries(|node| {
        let misplaced = match node {
            LogicalPlan::TableScan(scan) => {
                uses.reads += usize::from(scan.table_name.table() == table);
                false
            }
            LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Sort(_) => {
                holds(node, table)
            }
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti => {
                    holds(&join.right, table)
                }
                JoinType::Right | JoinType::RightSemi | JoinType::RightAnti => {
                    holds(&join.left, table)
                }
                JoinType::Full => holds(node, table),
                _ => false,
            },
            _ => false,
        };
        uses.misplaced |= misplaced;
        Ok(TreeNodeRecursion::Continue)
    });
    uses
}

fn holds(plan: &LogicalPlan, table: &str) -> bool {
    let mut found = false;
    // Nothing here fails.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found |= scan.table_name.table() == table;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

fn invalid(name: &str, origin: &Origin) -> Box<Diagnostic> {
    let message = format!("`{name}` cannot name itself here");
    let error = at(&condition::INVALID_RECURSIVE_CTE, origin, message);
    Box::new(error.help(format!(
        "a recursion is `anchor UNION ALL step` and nothing more: the anchor does not name `{name}`, the step does"
    )))
}

fn misplaced(name: &str, origin: &Origin) -> Box<Diagnostic> {
    let message = format!(
        "a step of `{name}` reads `{name}` in an aggregate, a window function, a sort, or on that side of an outer, semi or anti join whose rows decide what is left of the other"
    );
    let error = at(
        &condition::INVALID_RECURSIVE_REFERENCE_PLACE,
        origin,
        message,
    );
    Box::new(error.help(format!(
        "read `{name}` by an inner join or WHERE alone, and aggregate what the recursion gives behind it"
    )))
}
