//! A join of two streams in a logical plan: rows of either side wait for those of the other. Must not run: `join_exec`
//! does.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchemaRef, JoinType, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::builder::build_join_schema;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;

use super::StreamContext;
use super::context::Gives;
use super::join_exec::{Joined, Side, StatefulJoinExec};
use super::times::TimeKind;

/// The kind of operator, which begins its name.
pub(crate) const KIND: &str = "join";

/// When rows of a side wait for nothing any more: the event time of `expr` is at or before the watermark moved by
/// `offset_us`.
#[derive(Debug, Clone)]
pub(crate) struct Until {
    pub(crate) expr: Expr,
    pub(crate) kind: TimeKind,
    pub(crate) offset_us: i64,
}

/// What a join asks of one side.
#[derive(Debug, Clone, Default)]
pub(crate) struct SideTerms {
    /// The keys, as many as the other side has.
    pub(crate) keys: Vec<Expr>,
    /// A condition on this side alone.
    pub(crate) alone: Option<Expr>,
    /// Its event time: rows that come too late fall out.
    pub(crate) event: Option<(Expr, TimeKind)>,
    pub(crate) until: Option<Until>,
}

/// A join that goes on from batch to batch.
#[derive(Debug, Clone)]
pub(crate) struct StatefulJoin {
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinType,
    terms: [SideTerms; 2],
    /// What both sides decide together, beyond the keys.
    residual: Option<Expr>,
    schema: DFSchemaRef,
    /// By how much its rows may lie behind the watermark, microseconds, 0 or less.
    lag_us: i64,
    operators: [String; 2],
    context: Arc<StreamContext>,
}

impl StatefulJoin {
    /// The join of two streams.
    pub(crate) fn of(
        [left, right]: [LogicalPlan; 2],
        kind: JoinType,
        terms: [SideTerms; 2],
        residual: Option<Expr>,
        context: &Arc<StreamContext>,
    ) -> Result<LogicalPlan> {
        let schema = Arc::new(build_join_schema(left.schema(), right.schema(), &kind)?);
        let lag_us = context.lag_us();
        let gives = given(&terms, lag_us);
        let operators = [context.operator(KIND, gives), context.operator(KIND, gives)];
        let node = Self {
            left,
            right,
            kind,
            terms,
            residual,
            schema,
            lag_us,
            operators,
            context: Arc::clone(context),
        };
        Ok(LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        }))
    }

    /// The node over its physical inputs.
    pub(super) fn physical(
        &self,
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let inputs = [(left, &self.left), (right, &self.right)];
        let mut sides = vec![];
        for (number, (input, logical)) in inputs.into_iter().enumerate() {
            let terms = &self.terms[number];
            let make = |expr: &Expr| -> Result<Arc<dyn PhysicalExpr>> {
                session.create_physical_expr(expr.clone().unalias(), logical.schema())
            };
            let keys = terms.keys.iter().map(make).collect::<Result<Vec<_>>>()?;
            let event = terms.event.as_ref();
            let until = terms.until.as_ref();
            let mut shape = self.words(number);
            let fields = input.schema();
            let fields = fields.fields().iter();
            let types: Vec<String> = fields.map(|field| field.data_type().to_string()).collect();
            shape.push(format!("rows of types ({})", types.join(", ")));
            sides.push(Side {
                input,
                keys,
                alone: terms.alone.as_ref().map(make).transpose()?,
                event: event
                    .map(|(expr, kind)| {
                        Ok::<_, datafusion::error::DataFusionError>((make(expr)?, *kind))
                    })
                    .transpose()?,
                until: until
                    .map(|until| {
                        Ok::<_, datafusion::error::DataFusionError>((
                            make(&until.expr)?,
                            until.kind,
                            until.offset_us,
                        ))
                    })
                    .transpose()?,
                lag_us: self.lag_us,
                keeps: keeps(self.kind)[number],
                operator: self.operators[number].clone(),
                shape,
            });
        }
        let both = self.left.schema().join(self.right.schema())?;
        let residual = match &self.residual {
            Some(expr) => Some(session.create_physical_expr(expr.clone(), &both)?),
            None => None,
        };
        let [left, right] = <[Side; 2]>::try_from(sides)
            .map_err(|_| datafusion::common::internal_datafusion_err!("a join has two sides"))?;
        let joined = Joined {
            left,
            right,
            residual,
            both: Arc::new(both.as_arrow().clone()),
            is_semi: self.kind == JoinType::LeftSemi,
            schema: Arc::new(self.schema.as_arrow().clone()),
            context: Arc::clone(&self.context),
        };
        Ok(StatefulJoinExec::over(joined))
    }

    /// What the state of a side belongs to, in words.
    fn words(&self, number: usize) -> Vec<String> {
        let terms = &self.terms[number];
        let words = |expr: &Expr| self.sided(expr).schema_name().to_string();
        let mut lines = vec![format!("{} join", self.kind)];
        lines.extend(terms.keys.iter().map(|key| format!("key {}", words(key))));
        lines.extend(
            terms
                .alone
                .iter()
                .map(|expr| format!("where {}", words(expr))),
        );
        lines.extend(
            self.residual
                .iter()
                .map(|expr| format!("on {}", words(expr))),
        );
        lines.extend(terms.until.iter().map(|until| {
            let (expr, offset) = (words(&until.expr), until.offset_us);
            format!("waits until the watermark has passed {expr} by {offset} us")
        }));
        lines
    }

    /// An expression whose columns are named by their side: the names of relations are made anew by each binding.
    fn sided(&self, expr: &Expr) -> Expr {
        let sided = expr.clone().unalias().transform(|part| {
            let Expr::Column(column) = &part else {
                return Ok(Transformed::no(part));
            };
            let side = if self.left.schema().has_column(column) {
                "left"
            } else {
                "right"
            };
            let named = Column::new(Some(side), &column.name);
            Ok(Transformed::yes(Expr::Column(named)))
        });
        sided.map_or_else(|_| expr.clone(), |sided| sided.data)
    }

    fn identity(&self) -> (&LogicalPlan, &LogicalPlan, Vec<Expr>, &[String; 2]) {
        (&self.left, &self.right, self.all(), &self.operators)
    }

    fn all(&self) -> Vec<Expr> {
        let of_side = |terms: &SideTerms| {
            let event = terms.event.as_ref().map(|(expr, _)| expr.clone());
            let until = terms.until.as_ref().map(|until| until.expr.clone());
            let rest = terms.alone.iter().cloned().chain(event).chain(until);
            terms.keys.iter().cloned().chain(rest).collect::<Vec<_>>()
        };
        let [left, right] = &self.terms;
        let sides = of_side(left).into_iter().chain(of_side(right));
        sides.chain(self.residual.clone()).collect()
    }
}

/// What comes out of a join: a pair is as old as the older of its rows, which has waited.
fn given(terms: &[SideTerms; 2], lag_us: i64) -> Gives {
    match terms.each_ref().map(|side| side.until.as_ref()) {
        [Some(left), Some(right)] => Gives::After(lag_us.min(left.offset_us).min(right.offset_us)),
        _ => Gives::Anything,
    }
}

/// Which sides' rows come out, NULL-extended, when they have waited in vain.
fn keeps(kind: JoinType) -> [bool; 2] {
    [
        matches!(kind, JoinType::Left | JoinType::Full),
        matches!(kind, JoinType::Right | JoinType::Full),
    ]
}

impl PartialEq for StatefulJoin {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for StatefulJoin {}

impl PartialOrd for StatefulJoin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

impl Hash for StatefulJoin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for StatefulJoin {
    fn name(&self) -> &'static str {
        "StatefulJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.all()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatefulJoin: {}", self.words(0).join(", "))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Ok([left, right]) = <[LogicalPlan; 2]>::try_from(inputs) else {
            return plan_err!("a join without its two inputs");
        };
        let mut exprs = exprs.into_iter();
        let mut next = || match exprs.next() {
            Some(expr) => Ok(expr),
            None => plan_err!("a join without its expressions"),
        };
        let mut terms = self.terms.clone();
        for side in &mut terms {
            for key in &mut side.keys {
                *key = next()?;
            }
            if let Some(alone) = &mut side.alone {
                *alone = next()?;
            }
            if let Some((event, _)) = &mut side.event {
                *event = next()?;
            }
            if let Some(until) = &mut side.until {
                until.expr = next()?;
            }
        }
        let residual = match &self.residual {
            Some(_) => Some(next()?),
            None => None,
        };
        let schema = Arc::new(build_join_schema(
            left.schema(),
            right.schema(),
            &self.kind,
        )?);
        Ok(Self {
            left,
            right,
            terms,
            residual,
            schema,
            ..self.clone()
        })
    }
}
