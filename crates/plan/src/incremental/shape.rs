//! What kind of query a materialized view has, as far as refreshing it matters. Must not know versions or files.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use sluice_decode::datetime::{DAY, Zone};
use sluice_model::Origin;

use crate::bind::BoundQuery;

/// How a result depends on the query time, with the places of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeUse {
    /// `current_timestamp()` as a plain output column: says when a row was computed, decides nothing.
    pub stamps: Vec<Origin>,
    /// `current_date()`: the result can change when the date does.
    pub dates: Vec<Origin>,
    /// `current_timestamp()` inside of an expression: the result can change at any time.
    pub timestamps: Vec<Origin>,
}

/// The strongest way in which a result depends on the query time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeDependence {
    /// Not at all.
    None,
    /// Only through audit stamps.
    AuditStamp,
    /// Through the current date in the session time zone.
    Date,
    /// Through the current timestamp.
    Timestamp,
}

impl TimeUse {
    pub(crate) fn timestamp(&mut self, stamp: bool, origin: &Origin) {
        let list = if stamp {
            &mut self.stamps
        } else {
            &mut self.timestamps
        };
        list.push(origin.clone());
    }

    pub(crate) fn date(&mut self, origin: &Origin) {
        self.dates.push(origin.clone());
    }

    /// The strongest dependence.
    #[must_use]
    pub fn dependence(&self) -> TimeDependence {
        if !self.timestamps.is_empty() {
            TimeDependence::Timestamp
        } else if !self.dates.is_empty() {
            TimeDependence::Date
        } else if !self.stamps.is_empty() {
            TimeDependence::AuditStamp
        } else {
            TimeDependence::None
        }
    }
}

/// Whether two times fall on one date in a session time zone, which must be one that Spark knows.
#[must_use]
pub fn is_same_date(zone: &str, first_us: i64, second_us: i64) -> bool {
    let zone = Zone::parse(zone);
    let date = |time_us: i64| {
        let local = zone.as_ref().map_or(time_us, |zone| zone.to_local(time_us));
        local.div_euclid(DAY)
    };
    date(first_us) == date(second_us)
}

/// How the rows of the result come from the rows of the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Structure {
    /// Each row of the result comes from one row of one input: filters, projections, UNION ALL, explode. New rows of
    /// the inputs give new rows of the result and change no other.
    Linear,
    /// Something relates rows to each other; the operator in Databricks' words.
    Related {
        /// `AGGREGATE`, `JOIN`, `WINDOW`, `DISTINCT`, `SORT`, `LIMIT`, `SUBQUERY`, `CONSTANT_ROWS`, …
        operator: &'static str,
    },
}

/// What kind of query it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// How rows of the result come about.
    pub structure: Structure,
    /// Dependence on the query time.
    pub time: TimeUse,
    /// Calls that give another answer each time (`rand`, `uuid`), with their places.
    pub nondeterministic: Vec<(String, Origin)>,
}

impl BoundQuery {
    /// What kind of query this is.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape {
            structure: structure(&self.plan),
            time: self.facts.time.clone(),
            nondeterministic: self.facts.nondeterministic.clone(),
        }
    }
}

fn structure(plan: &LogicalPlan) -> Structure {
    let mut found = None;
    let _ = plan.apply(|node| {
        found = operator(node).or_else(|| subquery(node));
        Ok(if found.is_some() {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    found.map_or(Structure::Linear, |operator| Structure::Related {
        operator,
    })
}

fn operator(node: &LogicalPlan) -> Option<&'static str> {
    Some(match node {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::Unnest(_) => return None,
        LogicalPlan::Aggregate(_) => "AGGREGATE",
        LogicalPlan::Join(_) => "JOIN",
        LogicalPlan::Window(_) => "WINDOW",
        LogicalPlan::Distinct(_) => "DISTINCT",
        LogicalPlan::Sort(_) => "SORT",
        LogicalPlan::Limit(_) => "LIMIT",
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => "CONSTANT_ROWS",
        _ => "OTHER",
    })
}

fn subquery(node: &LogicalPlan) -> Option<&'static str> {
    let holds = node.expressions().iter().any(|expr| {
        let inner = |expr: &Expr| {
            Ok(matches!(
                expr,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
            ))
        };
        expr.exists(inner).unwrap_or(true)
    });
    holds.then_some("SUBQUERY")
}
