//! Joins of two streams: what of ON is a key, what one side decides alone, and how long a row of either side can still
//! meet one of the other, which the watermark and bounds between event times tell. Must not run anything: `stream` does.

use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use sluice_model::Origin;
use sluice_model::condition::query as condition;

use super::Binder;
use crate::error::{Result, at};
use crate::rewrite::guard;
use crate::stream::{SideTerms, StatefulJoin, TimeKind, Until};

/// Event times are compared in microseconds, watermarks move by milliseconds: a bound that may be reached is kept open.
const STEP_US: i64 = 1000;

/// A comparison of two times: `left op right + offset_us`.
struct Bound {
    left: Column,
    op: Operator,
    right: Column,
    offset_us: i64,
}

impl Binder<'_> {
    /// Joins two streams by the conditions of ON.
    pub(super) fn joined_streams(
        &mut self,
        sides: [LogicalPlan; 2],
        kind: JoinType,
        filters: Vec<Expr>,
        origin: &Origin,
    ) -> Result<LogicalPlan> {
        let Some(context) = self.stream_context() else {
            self.refuse_on_stream(true, "a join of two streams", origin)?;
            return Ok(sides[0].clone());
        };
        self.refuse_behind("a join of two streams", true, origin)?;
        let conjuncts = filters.into_iter().flat_map(split_conjunction_owned);
        let mut terms = [SideTerms::default(), SideTerms::default()];
        let mut alone: [Vec<Expr>; 2] = [vec![], vec![]];
        let mut residual = vec![];
        for conjunct in conjuncts {
            if let Some([left, right]) = key(&conjunct, &sides) {
                terms[0].keys.push(left);
                terms[1].keys.push(right);
                continue;
            }
            match is_of(&conjunct, &sides) {
                [true, false] => alone[0].push(conjunct),
                [false, true] => alone[1].push(conjunct),
                _ => residual.push(conjunct),
            }
        }
        if terms[0].keys.is_empty() {
            return Err(self.refused_join(
                "a join of two streams without an equality between them",
                "join by a key: `ON a.key = b.key AND …`",
                origin,
            ));
        }
        let bounds: Vec<Bound> = residual.iter().flat_map(|e| bounds(e, &sides)).collect();
        let ends = self.ends(&mut terms, &bounds, &sides);
        let lag_us = context.lag_us();
        for until in terms.iter_mut().filter_map(|terms| terms.until.as_mut()) {
            until.offset_us = until.offset_us.saturating_add(lag_us);
        }
        self.refuse_endless_wait(kind, ends, origin)?;
        for (terms, alone) in terms.iter_mut().zip(alone) {
            terms.alone = conjunction(alone);
        }
        let plan = StatefulJoin::of(sides, kind, terms, conjunction(residual), &context);
        self.planned(plan, origin)
    }

    fn refused_join(
        &self,
        what: &str,
        help: &str,
        origin: &Origin,
    ) -> Box<sluice_model::Diagnostic> {
        let message = format!("{what} is not supported");
        let refused = at(&condition::UNSUPPORTED_STREAMING_OPERATION, origin, message);
        Box::new(refused.help(help))
    }

    /// Sets when rows of each side wait for nothing any more; gives for which sides the condition tells it.
    fn ends(
        &self,
        terms: &mut [SideTerms; 2],
        bounds: &[Bound],
        sides: &[LogicalPlan; 2],
    ) -> [bool; 2] {
        let event = |side: &LogicalPlan| {
            let mut columns = side.schema().columns().into_iter().map(Expr::Column);
            columns.find_map(|column| self.event_time_of(&column).map(|kind| (column, kind)))
        };
        for (terms, side) in terms.iter_mut().zip(sides) {
            terms.event = event(side);
        }
        let [left, right] = terms;
        let timed = left.keys.iter().zip(&right.keys).find_map(|(l, r)| {
            let kind = self.event_time_of(l).or_else(|| self.event_time_of(r))?;
            Some((l.clone(), r.clone(), kind))
        });
        if let Some((l, r, kind)) = timed {
            let until = |expr| Until {
                expr,
                kind,
                offset_us: 0,
            };
            left.until = Some(until(l));
            right.until = Some(until(r));
            return [true, true];
        }
        let of_left = bounds.iter().filter_map(|bound| {
            let step = strictness(bound.op, Operator::Gt, Operator::GtEq)?;
            self.instant(&bound.right)?;
            Some((&bound.left, bound.offset_us.checked_sub(step)?))
        });
        let of_right = bounds.iter().filter_map(|bound| {
            let step = strictness(bound.op, Operator::Lt, Operator::LtEq)?;
            self.instant(&bound.left)?;
            let offset = bound.offset_us.checked_neg()?;
            Some((&bound.right, offset.checked_sub(step)?))
        });
        let latest = [
            of_left.max_by_key(|(_, us)| *us),
            of_right.max_by_key(|(_, us)| *us),
        ];
        for (terms, end) in terms.iter_mut().zip(&latest) {
            if let (Some((column, offset_us)), Some(_)) = (end, &terms.event) {
                terms.until = Some(Until {
                    expr: Expr::Column((*column).clone()),
                    kind: TimeKind::Instant,
                    offset_us: *offset_us,
                });
            }
        }
        latest.map(|end| end.is_some())
    }

    fn instant(&self, column: &Column) -> Option<()> {
        let kind = self.event_time_of(&Expr::Column(column.clone()))?;
        (kind == TimeKind::Instant).then_some(())
    }

    /// Refuses joins that could never say that a row met nothing.
    fn refuse_endless_wait(&self, kind: JoinType, ends: [bool; 2], origin: &Origin) -> Result<()> {
        let [left, right] = ends;
        let says = match kind {
            JoinType::Inner => true,
            JoinType::Left | JoinType::LeftSemi => left,
            JoinType::Right => right,
            JoinType::Full => left || right,
            _ => {
                return Err(self.refused_join(
                    "this kind of join of two streams",
                    "use INNER, LEFT, RIGHT, FULL or LEFT SEMI",
                    origin,
                ));
            }
        };
        if says {
            return Ok(());
        }
        Err(self.refused_join(
            "an outer or semi join of two streams whose rows could wait for ever",
            "give both streams a WATERMARK, and ON a bound between their event times: `AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 10 MINUTES`",
            origin,
        ))
    }
}

/// `Some(0)` for the strict operator, a step for the one that may be reached.
fn strictness(op: Operator, strict: Operator, reached: Operator) -> Option<i64> {
    if op == strict {
        return Some(0);
    }
    (op == reached).then_some(STEP_US)
}

/// Of which sides an expression has columns.
fn is_of(expr: &Expr, sides: &[LogicalPlan; 2]) -> [bool; 2] {
    let columns = expr.column_refs();
    [0, 1].map(|side: usize| columns.iter().any(|c| sides[side].schema().has_column(c)))
}

/// The two sides of an equality between the streams, that of the left one first.
fn key(expr: &Expr, sides: &[LogicalPlan; 2]) -> Option<[Expr; 2]> {
    let Expr::BinaryExpr(BinaryExpr {
        left,
        op: Operator::Eq,
        right,
    }) = expr
    else {
        return None;
    };
    let typed = |expr: &Expr, side: usize| expr.get_type(sides[side].schema()).ok();
    match (is_of(left, sides), is_of(right, sides)) {
        ([true, false], [false, true]) if typed(left, 0) == typed(right, 1) => {
            Some([left.as_ref().clone(), right.as_ref().clone()])
        }
        ([false, true], [true, false]) if typed(left, 1) == typed(right, 0) => {
            Some([right.as_ref().clone(), left.as_ref().clone()])
        }
        _ => None,
    }
}

/// The comparisons of times of both sides that a condition holds.
fn bounds(expr: &Expr, sides: &[LogicalPlan; 2]) -> Vec<Bound> {
    if let Some(inner) = guard::guarded(expr) {
        let parts = split_conjunction_owned(inner.clone());
        return parts.iter().flat_map(|part| bounds(part, sides)).collect();
    }
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else {
        return vec![];
    };
    let (Some((first, first_us)), Some((second, second_us))) = (moved(left), moved(right)) else {
        return vec![];
    };
    let (Some(offset_us), Some(turned)) = (second_us.checked_sub(first_us), op.swap()) else {
        return vec![];
    };
    match (is_of(left, sides), is_of(right, sides)) {
        ([true, false], [false, true]) => vec![Bound {
            left: first,
            op: *op,
            right: second,
            offset_us,
        }],
        ([false, true], [true, false]) => vec![Bound {
            left: second,
            op: turned,
            right: first,
            offset_us: -offset_us,
        }],
        _ => vec![],
    }
}

/// A time column moved by a constant interval without months.
fn moved(expr: &Expr) -> Option<(Column, i64)> {
    match expr {
        Expr::Column(column) => Some((column.clone(), 0)),
        Expr::ScalarFunction(call) => {
            let [time, by] = call.args.as_slice() else {
                return None;
            };
            let Expr::Literal(by, _) = by else {
                return None;
            };
            let by_us = match by {
                ScalarValue::DurationMicrosecond(Some(us)) => *us,
                ScalarValue::DurationSecond(Some(seconds)) => seconds.checked_mul(1_000_000)?,
                _ => return None,
            };
            let (column, us) = moved(time)?;
            match call.name() {
                "time_add" => Some((column, us.checked_add(by_us)?)),
                "time_subtract" => Some((column, us.checked_sub(by_us)?)),
                _ => None,
            }
        }
        _ => None,
    }
}
