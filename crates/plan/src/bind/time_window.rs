//! Time windows: `window(ts, size[, slide[, start]])`, `session_window(ts, gap)`, `window_time(w)`. A select has one of
//! them at most, wherever it is written; its rows are those that have a time, once per window that holds them.
//! Must not merge sessions: `session` does.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Column, NullHandling, ScalarValue, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast::{self, Visit, Visitor};
use std::ops::ControlFlow;

use super::call::Call;
use super::column::Environment;
use super::relation::From;
use super::session::Session;
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::window::{self, Grid};
use crate::rewrite::{cast, interval, session_gap, time, unify};

/// A time window as a call asks for it; two calls that ask for the same are one window.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Grid(Typed, Grid),
    Session(Typed, Typed),
}

impl Asked {
    /// The window in words: state that is kept by it belongs to them.
    fn words(&self) -> String {
        match self {
            Self::Grid(time, Grid { size, slide, start }) => {
                let time = crate::stream::words(&time.expr);
                format!("window({time}, {size} us, {slide} us, {start} us)")
            }
            Self::Session(time, gap) => {
                let (time, gap) = (
                    crate::stream::words(&time.expr),
                    crate::stream::words(&gap.expr),
                );
                format!("session_window({time}, {gap})")
            }
        }
    }
}

/// The time window of a select.
#[derive(Debug, Clone)]
pub(crate) struct SelectWindow {
    asked: Asked,
    /// The name that reaches it: `window` or `session_window`.
    pub(crate) name: &'static str,
    /// What its calls stand for.
    pub(crate) value: Typed,
    /// The session of each row; they are merged below the aggregate step.
    pub(crate) session: Option<Session>,
}

impl Binder<'_> {
    /// Finds the time window of a select and gives FROM a row per window that holds it.
    pub(crate) fn time_windows(
        &mut self,
        select: &ast::Select,
        order: Option<&ast::OrderBy>,
        from: &mut From,
    ) -> Result<()> {
        for function in calls(select, order) {
            let call = self.taken_apart(&function)?;
            let env = Environment::over(&from.scope).named("a time window");
            // What is wrong with the call is told where it stands; a name may be an alias of the list.
            let Ok(asked) = self.asked(&call, &env) else {
                continue;
            };
            match &self.window {
                Some(window) if window.asked == asked => {}
                Some(_) => return several(&call.origin),
                None => {
                    let time = match &asked {
                        Asked::Grid(time, _) | Asked::Session(time, _) => time.expr.clone(),
                    };
                    let words = asked.words();
                    let window = self.spread(asked, from, &call.origin)?;
                    self.window_of_event_time(&time, &window.value.expr, words);
                    self.window = Some(window);
                }
            }
        }
        Ok(())
    }

    /// Rows without a time go, rows in several windows come as often.
    fn spread(&mut self, asked: Asked, from: &mut From, origin: &Origin) -> Result<SelectWindow> {
        let columns: Vec<Expr> = from
            .plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let builder = LogicalPlanBuilder::from(from.plan.clone());
        let mut session = None;
        let (plan, value) = match &asked {
            Asked::Grid(time, grid) if grid.is_tumbling() => {
                let plan = builder.filter(time.expr.clone().is_not_null());
                (plan, window::tumbling(time.clone(), *grid))
            }
            Asked::Grid(time, grid) => {
                let field = self.fresh("__window");
                let windows = window::sliding(time.clone(), *grid);
                let list = windows.expr.alias(&field);
                let column = Column::new_unqualified(&field);
                let options = UnnestOptions {
                    null_handling: NullHandling::Drop,
                    ..UnnestOptions::default()
                };
                let plan = builder
                    .project(columns.into_iter().chain([list]))
                    .and_then(|plan| plan.unnest_column_with_options(column.clone(), options));
                let data_type = window::window_type(&time.data_type);
                (plan, Typed::new(Expr::Column(column), data_type))
            }
            Asked::Session(time, gap) => {
                let (start, end) = (self.fresh("__session"), self.fresh("__session"));
                let ends = session_gap::session_end(time, gap).expr;
                let ends = [time.expr.clone().alias(&start), ends.alias(&end)];
                let made = Session {
                    start: Column::new_unqualified(start),
                    end: Column::new_unqualified(end),
                    window: Column::new_unqualified(self.fresh("__session")),
                    time: time.data_type.clone(),
                };
                // A gap that is NULL, no interval or not above zero makes no session.
                let lasts = Expr::Column(made.start.clone()).lt(Expr::Column(made.end.clone()));
                let plan = builder
                    .project(columns.into_iter().chain(ends))
                    .and_then(|plan| plan.filter(lasts));
                let value = Expr::Column(made.window.clone());
                session = Some(made);
                (
                    plan,
                    Typed::new(value, window::window_type(&time.data_type)),
                )
            }
        };
        from.plan = self.planned(plan.and_then(LogicalPlanBuilder::build), origin)?;
        let name = match asked {
            Asked::Grid(..) => "window",
            Asked::Session(..) => "session_window",
        };
        Ok(SelectWindow {
            asked,
            name,
            value,
            session,
        })
    }

    /// `window(…)` and `session_window(…)`.
    pub(crate) fn time_window(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let asked = self.asked(call, env)?;
        match &self.window {
            Some(window) if window.asked == asked => return Ok(window.value.clone()),
            Some(_) => return several(&call.origin),
            None => {}
        }
        match asked {
            // Before the rows of the select are made, a window is a value of the row like any other.
            Asked::Grid(time, grid)
                if grid.is_tumbling()
                    && matches!(env.clause, "WHERE" | "ON" | "this expression") =>
            {
                Ok(window::tumbling(time, grid))
            }
            _ => unsupported(
                &call.origin,
                "a time window here, or over an alias of the same select list,",
            ),
        }
    }

    fn asked(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Asked> {
        let args = self.arguments(call, env)?;
        match (call.name.as_str(), args.as_slice()) {
            ("window", [time, lengths @ ..]) if matches!(lengths.len(), 1..=3) => {
                let time = self.event_time(time, &call.origin)?;
                Ok(Asked::Grid(time, grid(lengths, &call.origin)?))
            }
            ("session_window", [time, gap]) => {
                let time = self.event_time(time, &call.origin)?;
                Ok(Asked::Session(time, session_length(gap, &call.origin)?))
            }
            (name, args) => {
                let takes = match name {
                    "window" => "a time and one to three lengths",
                    _ => "a time and a gap",
                };
                let message = format!("`{name}` takes {takes}, here are {} arguments", args.len());
                Err(at(&condition::WRONG_NUM_ARGS, &call.origin, message))
            }
        }
    }

    /// The time of a window: of a window column its last instant.
    fn event_time(&mut self, value: &Typed, origin: &Origin) -> Result<Typed> {
        if window::is_window(&value.data_type) {
            return Ok(window::last_instant(value.clone()));
        }
        match &value.data_type {
            DataType::Timestamp(TimeUnit::Microsecond, None) => Ok(value.clone()),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Utf8 | DataType::Null => {
                cast::implicit(self.session, value.clone(), &time::timestamp_type(), origin)
            }
            other => {
                let message = format!(
                    "the time of a window is a TIMESTAMP, this is {}",
                    unify::words(other)
                );
                let condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
                Err(at(condition, origin, message))
            }
        }
    }

    /// `window_time(w)`: the last instant that lies in a window.
    pub(crate) fn window_time(&mut self, call: &Call<'_>, env: &Environment<'_>) -> Result<Typed> {
        let [value] = self.exactly::<1>(call, env)?;
        if window::is_window(&value.data_type) {
            return Ok(window::last_instant(value));
        }
        let found = unify::words(&value.data_type);
        let message = format!("`window_time` takes a column that `window` made, this is {found}");
        let condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
        Err(at(condition, &call.origin, message))
    }

    /// The plan below the clauses of a select, its sessions made: merged by `keys` if the select groups by them and
    /// reads no stream.
    pub(crate) fn with_sessions(
        &mut self,
        (plan, streaming): (LogicalPlan, bool),
        keys: Option<&super::grouping::Grouping>,
    ) -> Result<LogicalPlan> {
        let Some(session) = self
            .window
            .as_ref()
            .and_then(|window| window.session.clone())
        else {
            return Ok(plan);
        };
        let window = Expr::Column(session.window.clone());
        let grouping = keys.filter(|grouping| grouping.keys.contains(&window));
        let Some(grouping) = grouping else {
            let origin = self.query.origin.clone();
            self.refuse_on_stream(streaming, "a session window without GROUP BY", &origin)?;
            return self.sessions_of_rows(plan, &session);
        };
        let origin = self.query.origin.clone();
        if grouping.sets.is_some() {
            return unsupported(&origin, "`session_window` in ROLLUP, CUBE or GROUPING SETS");
        }
        if streaming {
            // The aggregate step merges them, with those of earlier batches.
            return self.sessions_of_rows(plan, &session);
        }
        let others = grouping.keys.iter().filter(|key| **key != window).cloned();
        self.merged_sessions(plan, &session, others.collect())
    }
}

fn several<T>(origin: &Origin) -> Result<T> {
    let message = "a select has one time window at most: several would multiply its rows";
    let refused = at(&condition::UNSUPPORTED_FEATURE, origin, message);
    Err(Box::new(refused.help(
        "group by the finer window first, then by the coarser one over `window_time(w)`",
    )))
}

/// The lengths of `window`: constants, a text or a number of microseconds each.
fn grid(lengths: &[Typed], origin: &Origin) -> Result<Grid> {
    let mut micros = vec![];
    for length in lengths {
        micros.push(constant_length(length, origin)?);
    }
    let size = micros.first().copied().unwrap_or_default();
    let grid = Grid {
        size,
        slide: micros.get(1).copied().unwrap_or(size),
        start: micros.get(2).copied().unwrap_or(0),
    };
    let refuse = |condition, message: &str| Err(at(condition, origin, message));
    if grid.size <= 0 || grid.slide <= 0 {
        let message = "the size and the slide of a time window are above 0";
        return refuse(&condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE, message);
    }
    if grid.slide > grid.size {
        let message = "the slide of a time window is its size at most";
        return refuse(&condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE, message);
    }
    if grid
        .start
        .checked_abs()
        .is_none_or(|start| start >= grid.slide)
    {
        let message = "the start of a time window is less than its slide";
        return refuse(&condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE, message);
    }
    if grid.size / grid.slide > WINDOWS_MAX {
        let what = format!("a time that lies in more than {WINDOWS_MAX} windows");
        return unsupported(origin, what);
    }
    Ok(grid)
}

/// More windows than this per row are refused: each is a row.
const WINDOWS_MAX: i64 = 100_000;

fn constant_length(length: &Typed, origin: &Origin) -> Result<i64> {
    if let Some(text) = length.constant_text() {
        return match interval::parse(&text.to_lowercase(), None, None) {
            Some(ScalarValue::DurationSecond(Some(seconds))) => seconds
                .checked_mul(1_000_000)
                .ok_or_else(|| unreadable(text, origin)),
            Some(ScalarValue::DurationMicrosecond(Some(micros))) => Ok(micros),
            Some(_) => {
                let message = format!(
                    "`{text}`: the length of a time window has no months, which differ in length"
                );
                let refused = at(
                    &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
                    origin,
                    message,
                );
                Err(Box::new(
                    refused.help("group by `date_trunc('MONTH', ts)` instead"),
                ))
            }
            None => Err(unreadable(text, origin)),
        };
    }
    match length.constant() {
        Some(ScalarValue::Int32(Some(micros))) => Ok(i64::from(*micros)),
        Some(ScalarValue::Int64(Some(micros))) => Ok(*micros),
        _ => {
            let message = "the lengths of a time window are constant texts, such as '10 minutes'";
            let condition = &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT;
            Err(at(condition, origin, message))
        }
    }
}

/// The gap of a session: a text, which may differ by row.
fn session_length(gap: &Typed, origin: &Origin) -> Result<Typed> {
    if let Some(text) = gap.constant_text()
        && session_gap::Gap::parse(text).is_none()
    {
        return Err(unreadable(text, origin));
    }
    match &gap.data_type {
        DataType::Utf8 => Ok(gap.clone()),
        DataType::Null => Ok(Typed::literal(ScalarValue::Utf8(None))),
        other => {
            let found = unify::words(other);
            let message = format!(
                "the gap of `session_window` is a text, such as '5 minutes', this is {found}"
            );
            let condition = &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE;
            Err(at(condition, origin, message))
        }
    }
}

fn unreadable(text: &str, origin: &Origin) -> Box<sluice_model::Diagnostic> {
    let message = format!("`{text}` is no interval");
    let refused = at(&condition::CANNOT_PARSE_INTERVAL, origin, message);
    Box::new(refused.help("write a number and a unit: '10 minutes', '1 hour 30 minutes'"))
}

/// The calls of time windows in the clauses of a select behind FROM and WHERE, those of its subqueries left out.
fn calls(select: &ast::Select, order: Option<&ast::OrderBy>) -> Vec<ast::Function> {
    let mut calls = Calls::default();
    let _ = select.projection.visit(&mut calls);
    let _ = select.group_by.visit(&mut calls);
    let _ = select.having.visit(&mut calls);
    let _ = select.qualify.visit(&mut calls);
    let _ = select.named_window.visit(&mut calls);
    if let Some(order) = order {
        let _ = order.visit(&mut calls);
    }
    calls.found
}

#[derive(Default)]
struct Calls {
    depth: usize,
    found: Vec<ast::Function>,
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let ast::Expr::Function(function) = expr
            && function.over.is_none()
            && let [ast::ObjectNamePart::Identifier(name)] = function.name.0.as_slice()
            && matches!(
                name.value.to_lowercase().as_str(),
                "window" | "session_window"
            )
        {
            self.found.push(function.clone());
        }
        ControlFlow::Continue(())
    }
}
