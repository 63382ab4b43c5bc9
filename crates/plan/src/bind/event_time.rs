//! Event time: the `WATERMARK` clause of a relation, the columns that carry event time from there on, and the aggregate
//! step that goes on from batch to batch. Must not run anything: `stream` does.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder};
use sluice_model::Diagnostic;
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sluice_sql::query::Watermark;

use super::query::{Bound, BoundColumn};
use super::{Binder, bind_with_facts};
use crate::error::{Result, at};
use crate::rewrite::unify;
use crate::stream::{Gives, StatefulAggregate, StreamContext, TimeKind, WatermarkNode};

/// Key of the Arrow metadata that marks a column of a view as event time.
const EVENT_TIME: &str = "sluice.event_time";

/// Functions whose result carries the event time of their first argument.
const KEEPING: &[&str] = &["window", "session_window", "window_time"];

/// The mark that a field of a provider bears.
pub(crate) fn mark_of(field: &Field) -> Option<TimeKind> {
    field.metadata().get(EVENT_TIME)?;
    TimeKind::of(field.data_type())
}

/// The field with the mark of event time.
pub(crate) fn marked(field: Field, kind: Option<TimeKind>) -> Field {
    match kind {
        None => field,
        Some(_) => {
            let mark = HashMap::from([(EVENT_TIME.to_string(), "true".to_string())]);
            field.with_metadata(mark)
        }
    }
}

/// Functions that keep the different values themselves: `collect_set` is the first of them over DISTINCT values.
const COLLECTING: &[&str] = &["array_agg", "collect_list", "collect_set"];

impl Binder<'_> {
    /// The micro-batch that the query is bound for, if it is bound for one.
    pub(crate) fn stream_context(&self) -> Option<Arc<StreamContext>> {
        self.session.stream().map(Arc::clone)
    }

    /// Whether an expression carries event time, and how.
    pub(crate) fn event_time_of(&self, expr: &Expr) -> Option<TimeKind> {
        match expr {
            Expr::Alias(alias) => self.event_time_of(&alias.expr),
            Expr::Column(column) => self.event_times.get(column).copied(),
            Expr::ScalarFunction(call) if KEEPING.contains(&call.func.name()) => {
                self.event_time_of(call.args.first()?)?;
                match call.func.name() {
                    "window_time" => Some(TimeKind::Instant),
                    _ => Some(TimeKind::Window),
                }
            }
            _ => None,
        }
    }

    /// Notes that columns of a relation that now has the alias `internal` carry event time.
    pub(crate) fn carry_event_time(&mut self, columns: &[BoundColumn], internal: &str) {
        for column in columns {
            if let Some(kind) = column.event_time {
                let place = Column::new(Some(internal.to_string()), &column.field);
                self.event_times.insert(place, kind);
            }
        }
    }

    /// Notes that the windows of a column that carries event time carry it too.
    pub(crate) fn window_of_event_time(&mut self, time: &Expr, window: &Expr, words: String) {
        let Expr::Column(column) = window else {
            return;
        };
        self.window_words.insert(column.clone(), words);
        if self.event_time_of(time).is_some() {
            self.event_times.insert(column.clone(), TimeKind::Window);
        }
    }

    /// `WATERMARK expr [AS name] DELAY OF …` over a relation: its column, if it is a new one, and the node that notes it.
    pub(crate) fn watermarked(&mut self, bound: Bound, clause: &Watermark) -> Result<Bound> {
        let scope = bound.bare_scope();
        let (value, facts) =
            bind_with_facts(self.session, &clause.expression, &scope).map_err(|errors| {
                let mut errors = errors.into_iter();
                let first = errors.next();
                self.errors.extend(errors);
                Box::new(
                    first.unwrap_or_else(|| *at(&condition::UNRESOLVED_COLUMN, &clause.origin, "")),
                )
            })?;
        self.facts.merge(facts);
        let is_local = matches!(&value.data_type, DataType::Timestamp(_, None));
        let Some(kind) = TimeKind::of(&value.data_type).filter(|_| !is_local) else {
            return Err(no_event_time(clause, &value.data_type));
        };
        let Bound {
            mut plan,
            mut columns,
            streaming,
        } = bound;
        let field = match (&clause.name, &value.expr) {
            (None, Expr::Column(column)) => column.name.clone(),
            (name, _) => {
                let name = name
                    .clone()
                    .unwrap_or_else(|| clause.expression.text.clone());
                let field = self.fresh(&name);
                let mut exprs: Vec<Expr> = plan
                    .schema()
                    .columns()
                    .into_iter()
                    .map(Expr::Column)
                    .collect();
                exprs.push(value.expr.clone().alias(&field));
                let with = LogicalPlanBuilder::from(plan)
                    .project(exprs)
                    .and_then(LogicalPlanBuilder::build);
                plan = self.planned(with, &clause.origin)?;
                columns.push(BoundColumn {
                    name,
                    field: field.clone(),
                    data_type: value.data_type.clone(),
                    origin: clause.origin.clone(),
                    unnamed: false,
                    unstarred: false,
                    event_time: None,
                });
                field
            }
        };
        if streaming {
            for column in columns.iter_mut().filter(|column| column.field == field) {
                column.event_time = self.stream_context().map(|_| kind);
            }
            plan = self.measured(plan, &field, kind, clause);
        }
        Ok(Bound {
            plan,
            columns,
            streaming,
        })
    }

    /// The node that notes the latest event time of what passes; the plan as it is outside of a flow.
    fn measured(
        &self,
        plan: LogicalPlan,
        field: &str,
        kind: TimeKind,
        clause: &Watermark,
    ) -> LogicalPlan {
        let Some(context) = self.stream_context() else {
            return plan;
        };
        let mut columns = plan.schema().columns().into_iter();
        let place = columns.find(|column| column.name == field);
        let definition = format!("{} delay {} us", clause.expression.text, clause.delay_us);
        LogicalPlan::Extension(Extension {
            node: Arc::new(WatermarkNode {
                input: plan,
                event: place.unwrap_or_else(|| Column::new_unqualified(field)),
                kind,
                clause: context.clause(definition, clause.delay_us),
                context,
            }),
        })
    }

    /// Refuses what an aggregate step over a stream cannot go on with from batch to batch.
    /// `kinds`: how its keys carry event time.
    pub(crate) fn refuse_endless(
        &self,
        aggregates: &[(Expr, Origin)],
        kinds: &[Option<TimeKind>],
    ) -> Result<()> {
        let origin = &self.query.origin;
        if self.stream_context().is_none() {
            return self.refuse_on_stream(true, "an aggregate", origin);
        }
        for (expr, place) in aggregates {
            if let Expr::AggregateFunction(function) = expr
                && function.params.distinct
                && !COLLECTING.contains(&function.func.name())
            {
                let message = "an aggregate over DISTINCT values cannot be kept over a stream";
                return Err(Box::new(
                    at(&condition::UNSUPPORTED_STREAMING_OPERATION, place, message)
                        .help("use `approx_count_distinct`, which keeps a sketch of the values")
                        .help("or declare a MATERIALIZED VIEW, which is computed from the whole table"),
                ));
            }
        }
        self.refuse_behind("an aggregate", kinds.iter().any(Option::is_some), origin)
    }

    /// Refuses an operator with state where what reaches it from others is nothing that it could go on from.
    pub(crate) fn refuse_behind(
        &self,
        what: &str,
        has_event_time: bool,
        origin: &Origin,
    ) -> Result<()> {
        let Some(context) = self.stream_context().filter(|context| context.has_state()) else {
            return Ok(());
        };
        let message = match context.reaches() {
            Gives::Whole => {
                format!(
                    "{what} cannot stand behind an aggregate that each micro-batch computes anew"
                )
            }
            Gives::Anything => {
                format!("{what} cannot stand behind a join of streams whose rows wait for ever")
            }
            Gives::After(_) if !has_event_time => {
                format!(
                    "{what} behind another one, or behind a join of streams, needs event time among its keys"
                )
            }
            Gives::After(_) => return Ok(()),
        };
        Err(Box::new(
            at(&condition::UNSUPPORTED_STREAMING_OPERATION, origin, message)
                .help("give the streams a WATERMARK, group by time windows, and bound joins between event times")
                .help("or put what comes first into a streaming table of its own, and let a MATERIALIZED VIEW read that"),
        ))
    }

    /// Makes an aggregate step one that goes on from batch to batch; `keys` are its group keys.
    pub(crate) fn endless(
        &mut self,
        plan: LogicalPlan,
        keys: &[Expr],
        kinds: &[Option<TimeKind>],
    ) -> Result<LogicalPlan> {
        let origin = self.query.origin.clone();
        let Some(context) = self.stream_context() else {
            return Ok(plan);
        };
        for (key, kind) in keys.iter().zip(kinds) {
            if let (Expr::Alias(alias), Some(kind)) = (key, kind) {
                self.event_times
                    .insert(Column::new_unqualified(&alias.name), *kind);
            }
        }
        let time = kinds
            .iter()
            .enumerate()
            .find_map(|(index, kind)| Some((index, (*kind)?)));
        self.whole_result |= time.is_none();
        let sessions = self
            .window
            .as_ref()
            .and_then(|window| window.session.as_ref());
        let session = sessions.and_then(|session| {
            let window = Expr::Column(session.window.clone());
            keys.iter().position(|key| key.clone().unalias() == window)
        });
        let words = keys.iter().map(|key| match key.clone().unalias() {
            Expr::Column(column) if self.window_words.contains_key(&column) => {
                self.window_words[&column].clone()
            }
            other => crate::stream::words(&other),
        });
        let words = words.collect();
        self.planned(
            StatefulAggregate::over(plan, words, (time, session), &context),
            &origin,
        )
    }

    /// `SELECT DISTINCT` over a stream: an aggregate step of keys alone. With event time among its columns a row comes out
    /// when the watermark has passed it; without, each batch gives the whole result.
    pub(crate) fn distinct_stream(
        &mut self,
        plan: LogicalPlan,
        columns: &[BoundColumn],
    ) -> Result<LogicalPlan> {
        let origin = self.query.origin.clone();
        if self.stream_context().is_none() {
            self.refuse_on_stream(true, "DISTINCT", &origin)?;
        }
        let keys: Vec<Expr> = plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let kinds: Vec<_> = columns.iter().map(|column| column.event_time).collect();
        self.refuse_endless(&[], &kinds)?;
        let step = LogicalPlanBuilder::from(plan)
            .aggregate(keys.clone(), Vec::<Expr>::new())
            .and_then(LogicalPlanBuilder::build);
        let step = self.planned(step, &origin)?;
        self.endless(step, &keys, &kinds)
    }

    /// Refuses to put rows of another stream beside a result that each batch gives whole.
    pub(crate) fn refuse_beside_whole(&self, both: bool, origin: &Origin) -> Result<()> {
        let is_whole = self
            .stream_context()
            .is_some_and(|context| context.rewrites());
        if !(both && is_whole) {
            return Ok(());
        }
        let message = "an aggregate without a watermark is computed anew by each micro-batch, and cannot stand beside another stream";
        Err(Box::new(
            at(&condition::UNSUPPORTED_STREAMING_OPERATION, origin, message)
                .help("give each of the two a streaming table of its own"),
        ))
    }
}

fn no_event_time(clause: &Watermark, found: &DataType) -> Box<Diagnostic> {
    let words = unify::words(found);
    let message = format!("the event time of a watermark must be TIMESTAMP, this is {words}");
    let error = at(
        &condition::EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE,
        &clause.expression.origin,
        message,
    );
    let text = &clause.expression.text;
    Box::new(error.help(format!(
        "cast it and name it: `WATERMARK CAST({text} AS TIMESTAMP) AS event_time DELAY OF …`"
    )))
}
